/* libamdhip64.so: the library, its devices, and which of them is current on a thread. */

#include "hip_abi.h"

#include <stdio.h>

enum { RUNTIME_VERSION = 71500000, UUID_TAG = 'H', PCIE_LINK = 2, XGMI_LINK = 4 };

const Vendor vendor = {"hip", true};

static const Attribute ATTRIBUTES[] = {
    {3, 1, false},         /* CanMapHostMemory */
    {4, 1, false},         /* CanUseHostPointerForRegisteredMem */
    {9, 1, true},          /* ConcurrentManagedAccess */
    {24, 1, true},         /* ManagedMemory */
    {29, 0x7fffffff, false}, /* MaxGridDimX */
    {30, 65535, false},    /* MaxGridDimY */
    {31, 65535, false},    /* MaxGridDimZ */
    {56, MAX_THREADS, false}, /* MaxThreadsPerBlock */
    {63, MULTIPROCESSORS, false}, /* MultiprocessorCount */
    {67, OF_BUS, false},   /* PciBusId */
    {69, PCI_DOMAIN, false}, /* PciDomainId */
    {85, 1, false},        /* UnifiedAddressing */
    {87, 64, false},       /* WarpSize */
    {88, 1, true},         /* MemoryPoolsSupported */
    {89, 1, true},         /* VirtualMemoryManagementSupported */
    {90, 1, false},        /* HostRegisterSupported */
    {91, 1, true},         /* MemoryPoolSupportedHandleTypes */
    {92, OF_NODE, false},  /* HostNumaId */
    {93, 1, true},         /* DmaBufSupported */
    {10013, 1, false},     /* CanUseStreamWaitValue */
    {-1, 0, false},
};

static _Thread_local int current;

/* A device has its context from its first use on, or the first one after a reset. */
Context *current_context(Result *why) {
  Context *found = context_primary(current);
  if (!found) *why = context_retain(current, &found);
  return found;
}

Context *here(void) {
  Result why;
  return current_context(&why);
}

/* Calls need no start; without a device they say so. */
static Result start(void) {
  if (!machine()->count) return NO_DEVICE;
  is_initialized = true;
  return DONE;
}

__attribute__((constructor)) static void start_at_once(void) { start(); }

API hipInit(unsigned flags) {
  TURN(ANYWHERE);
  return flags ? INVALID_VALUE : start();
}

API hipDriverGetVersion(int *version) {
  OUT(version);
  TURN(ANYWHERE);
  *version = RUNTIME_VERSION;
  return DONE;
}

API hipRuntimeGetVersion(int *version) {
  OUT(version);
  TURN(ANYWHERE);
  *version = RUNTIME_VERSION;
  return DONE;
}

EXPORTED const char *hipGetErrorName(hipError_t error) {
  return error ? "hipErrorOfTheStandIn" : "hipSuccess";
}

EXPORTED const char *hipGetErrorString(hipError_t error) {
  return error ? "an error of the stand-in" : "no error";
}

API hipGetDeviceCount(int *count) {
  OUT(count);
  TURN(ANYWHERE);
  *count = machine()->count;
  return *count ? DONE : NO_DEVICE;
}

API hipSetDevice(int device) {
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  current = device;
  return DONE;
}

API hipGetDevice(int *device) {
  OUT(device);
  TURN(INITIALIZED);
  *device = current;
  return DONE;
}

API hipDeviceReset(void) {
  TURN(INITIALIZED);
  context_reset(current);
  return DONE;
}

API hipDeviceSynchronize(void) {
  TURN(IN_CONTEXT);
  return context_synchronize(here());
}

/* -- what is known of one ------------------------------------------------------------------------------ */

API hipDeviceGetName(char *name, int length, hipDevice_t device) {
  if (!name || length <= 0) return INVALID_VALUE;
  *name = 0;
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  snprintf(name, length, "Stand-in AMD GPU %d", device);
  return DONE;
}

/* 16 characters, and no bytes. */
API hipDeviceGetUuid(hipUUID *uuid, hipDevice_t device) {
  OUT(uuid);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  uint8_t bytes[16];
  uuid_of(UUID_TAG, device, bytes);
  char text[17];
  snprintf(text, sizeof text, "%02x%02x%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2],
           bytes[3], bytes[4], bytes[5], bytes[7], bytes[15]);
  memcpy(uuid->bytes, text, 16);
  return DONE;
}

API hipDeviceGetPCIBusId(char *address, int length, int device) {
  if (!address || length <= 0) return INVALID_VALUE;
  *address = 0;
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  snprintf(address, length, "%04x:%02x:00.0", PCI_DOMAIN, bus_of(device));
  return DONE;
}

API hipDeviceTotalMem(size_t *size, hipDevice_t device) {
  OUT(size);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  *size = TOTAL_MEMORY;
  return DONE;
}

API hipDeviceGetAttribute(int *value, hipDeviceAttribute_t attribute, int device) {
  OUT(value);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  *value = attribute_of(ATTRIBUTES, vendor.name, attribute, device);
  return DONE;
}

API hipMemGetInfo(size_t *free, size_t *total) {
  OUT(free);
  OUT(total);
  TURN(INITIALIZED);
  *total = TOTAL_MEMORY;
  *free = TOTAL_MEMORY - arena_used(current);
  return DONE;
}

/* -- peers --------------------------------------------------------------------------------------------- */

API hipDeviceCanAccessPeer(int *can, int device, int peer) {
  OUT(can);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  CHECK_DEVICE(peer);
  *can = are_peers(device, peer);
  return DONE;
}

API hipDeviceEnablePeerAccess(int peer, unsigned flags) {
  TURN(IN_CONTEXT);
  CHECK_DEVICE(peer);
  return flags ? INVALID_VALUE : context_reach(here(), peer);
}

API hipDeviceDisablePeerAccess(int peer) {
  TURN(IN_CONTEXT);
  CHECK_DEVICE(peer);
  return context_unreach(here(), peer);
}

API hipExtGetLinkTypeAndHopCount(int device, int other, uint32_t *type, uint32_t *hops) {
  OUT(type);
  OUT(hops);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  CHECK_DEVICE(other);
  if (device == other) return INVALID_VALUE;
  Link link = link_between(device, other);
  *type = link == NVLINK ? XGMI_LINK : PCIE_LINK;
  *hops = link == CROSS_SOCKET ? 2 : 1;
  return DONE;
}
