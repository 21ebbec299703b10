/* libcuda.so.1: the library and its devices. */

#include "cuda_abi.h"

#include <stdio.h>

enum { DRIVER_VERSION = 13000, UUID_TAG = 'C' };

const Vendor vendor = {"cuda", false};

static const Attribute ATTRIBUTES[] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, MAX_THREADS, false},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, MAX_THREADS, false},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, MAX_THREADS, false},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64, false},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff, false},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535, false},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535, false},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32, false},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, MULTIPROCESSORS, false},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1, false},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1, false},
    {CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, OF_BUS, false},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1, false},
    {CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID, PCI_DOMAIN, false},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9, false},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0, false},
    {CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY, 1, true},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS, 1, true},
    {CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM, 1, false},
    {CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED, 1, false},
    {CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 1, true},
    {CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED, 1, true},
    {CU_DEVICE_ATTRIBUTE_TIMELINE_SEMAPHORE_INTEROP_SUPPORTED, 1, false},
    {CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 1, true},
    {CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES, 1, true},
    {CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS, 1, false},
    {CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR, 1, false},
    {CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED, 1, true},
    {CU_DEVICE_ATTRIBUTE_NUMA_ID, -1, false},
    {CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID, OF_NODE, false},
    {-1, 0, false},
};

API cuInit(unsigned flags) {
  TURN(ANYWHERE);
  if (flags) return INVALID_VALUE;
  if (!machine()->count) return NO_DEVICE;
  is_initialized = true;
  return DONE;
}

API cuDriverGetVersion(int *version) {
  OUT(version);
  TURN(ANYWHERE);
  *version = DRIVER_VERSION;
  return DONE;
}

API cuDeviceGetCount(int *count) {
  OUT(count);
  TURN(INITIALIZED);
  *count = machine()->count;
  return DONE;
}

API cuDeviceGet(CUdevice *device, int ordinal) {
  OUT(device);
  TURN(INITIALIZED);
  CHECK_DEVICE(ordinal);
  *device = ordinal;
  return DONE;
}

API cuDeviceGetName(char *name, int length, CUdevice device) {
  if (!name || length <= 0) return INVALID_VALUE;
  *name = 0;
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  snprintf(name, length, "Stand-in NVIDIA GPU %d", device);
  return DONE;
}

API cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
  OUT(uuid);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  uuid_of(UUID_TAG, device, (uint8_t *)uuid->bytes);
  return DONE;
}

API cuDeviceGetPCIBusId(char *address, int length, CUdevice device) {
  if (!address || length <= 0) return INVALID_VALUE;
  *address = 0;
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  snprintf(address, length, "%04X:%02X:00.0", PCI_DOMAIN, bus_of(device));
  return DONE;
}

API cuDeviceTotalMem_v2(size_t *size, CUdevice device) {
  OUT(size);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  *size = TOTAL_MEMORY;
  return DONE;
}

API cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  OUT(value);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  *value = attribute_of(ATTRIBUTES, vendor.name, attribute, device);
  return DONE;
}

API cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  OUT(can);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  CHECK_DEVICE(peer);
  *can = are_peers(device, peer);
  return DONE;
}

API cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice source,
                            CUdevice target) {
  OUT(value);
  TURN(INITIALIZED);
  CHECK_DEVICE(source);
  CHECK_DEVICE(target);
  if (source == target) return INVALID_DEVICE;
  bool is_nvlink = link_between(source, target) == NVLINK;
  switch (attribute) {
    case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK:
      *value = !is_nvlink;
      return DONE;
    case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED:
      *value = is_nvlink;
      return DONE;
    default:
      *value = are_peers(source, target);
      return DONE;
  }
}
