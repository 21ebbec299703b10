/* libcuda.so.1: memory, and pools. */

#include "cuda_abi.h"

API cuMemGetInfo_v2(size_t *free, size_t *total) {
  OUT(free);
  OUT(total);
  TURN(IN_CONTEXT);
  *total = TOTAL_MEMORY;
  *free = TOTAL_MEMORY - arena_used(here()->device);
  return DONE;
}

API cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
  OUT(address);
  TURN(IN_CONTEXT);
  if (!size) return INVALID_VALUE;
  uint64_t made;
  TRY(allocate_device(here(), size, &made));
  *address = made;
  return DONE;
}

API cuMemFree_v2(CUdeviceptr address) {
  TURN(IN_CONTEXT);
  return free_device(here(), address);
}

API cuMemHostAlloc(void **start, size_t size, unsigned flags) {
  OUT(start);
  TURN(IN_CONTEXT);
  return allocate_host(here(), HOST_MEMORY, size, flags & CU_MEMHOSTALLOC_PORTABLE, start);
}

API cuMemFreeHost(void *start) {
  TURN(IN_CONTEXT);
  return free_host(here(), start);
}

API cuMemHostRegister_v2(void *start, size_t size, unsigned flags) {
  TURN(IN_CONTEXT);
  return register_host(here(), start, size, flags & CU_MEMHOSTREGISTER_PORTABLE);
}

API cuMemHostUnregister(void *start) {
  TURN(IN_CONTEXT);
  return unregister_host(start);
}

API cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *start, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  const Allocation *found = memory_at((uintptr_t)start);
  bool is_host = found && (found->kind == HOST_MEMORY || found->kind == REGISTERED_MEMORY);
  if (!is_host || flags) return INVALID_VALUE;
  *address = (uintptr_t)start;
  return DONE;
}

API cuMemAllocManaged(CUdeviceptr *address, size_t size, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST) return INVALID_VALUE;
  void *made;
  TRY(allocate_host(here(), MANAGED_MEMORY, size, true, &made));
  *address = (uintptr_t)made;
  return DONE;
}

API cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr address) {
  if (!data) return INVALID_VALUE;
  TURN(IN_CONTEXT);
  const Allocation *found = memory_at(address);
  if (!found) return INVALID_VALUE;
  bool is_host = found->kind == HOST_MEMORY || found->kind == REGISTERED_MEMORY;
  bool is_managed = found->kind == MANAGED_MEMORY;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
      *(CUcontext *)data = found->owner ? found->owner->object.handle : NULL;
      return DONE;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
      *(unsigned *)data = is_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
      return DONE;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
      *(CUdeviceptr *)data = address;
      return DONE;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (!is_host && !is_managed) return INVALID_VALUE;
      *(void **)data = (void *)(uintptr_t)address;
      return DONE;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
      *(unsigned *)data = is_managed;
      return DONE;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
      *(int *)data = found->device;
      return DONE;
    default:
      return INVALID_VALUE;
  }
}

/* -- pools -------------------------------------------------------------------------------------------- */

API cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
  OUT(pool);
  TURN(INITIALIZED);
  CHECK_DEVICE(device);
  NOT_ON_PLAIN;
  *pool = pool_default(device)->object.handle;
  return DONE;
}

API cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *wanted) {
  OUT(pool);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  if (!wanted || wanted->allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
      wanted->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
    return INVALID_VALUE;
  CHECK_DEVICE(wanted->location.id);
  *pool = pool_new(wanted->location.id)->object.handle;
  return DONE;
}

API cuMemPoolDestroy(CUmemoryPool pool) {
  TURN(INITIALIZED);
  FIND(Pool, found, POOL, pool);
  if (found == pool_default(found->device)) return INVALID_VALUE;
  object_end(&found->object);
  return DONE;
}

API cuMemPoolTrimTo(CUmemoryPool pool, size_t kept) {
  TURN(INITIALIZED);
  (void)kept; /* nothing is kept in any case */
  FIND(Pool, found, POOL, pool);
  return DONE;
}

API cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
  TURN(INITIALIZED);
  (void)attribute;
  FIND(Pool, found, POOL, pool);
  return value ? DONE : INVALID_VALUE;
}

API cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *access, size_t count) {
  TURN(INITIALIZED);
  FIND(Pool, found, POOL, pool);
  if (!access && count) return INVALID_VALUE;
  for (size_t i = 0; i < count; i++) {
    if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) return INVALID_VALUE;
    CHECK_DEVICE(access[i].location.id);
    bool is_allowed = access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    TRY(pool_allow(found, access[i].location.id, is_allowed));
  }
  return DONE;
}

API cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t size, CUmemoryPool pool,
                            CUstream stream) {
  OUT(address);
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  FIND(Pool, from, POOL, pool);
  FIND_STREAM(on, stream);
  uint64_t made;
  TRY(allocate_in_order(on, from, size, &made));
  *address = made;
  return DONE;
}

API cuMemAllocAsync(CUdeviceptr *address, size_t size, CUstream stream) {
  OUT(address);
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  FIND_STREAM(on, stream);
  uint64_t made;
  TRY(allocate_in_order(on, pool_default(context_of(on)->device), size, &made));
  *address = made;
  return DONE;
}

API cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  FIND_STREAM(on, stream);
  return free_in_order(on, address);
}
