/* libamdhip64.so: memory, and pools. */

#include "hip_abi.h"

API hipMalloc(void **address, size_t size) {
  OUT(address);
  TURN(IN_CONTEXT);
  uint64_t made;
  if (!size) return DONE;
  TRY(allocate_device(here(), size, &made));
  *address = (void *)made;
  return DONE;
}

API hipFree(void *address) {
  TURN(IN_CONTEXT);
  return address ? free_device(here(), (uintptr_t)address) : DONE;
}

/* Signal memory, or the device's. */
API hipExtMallocWithFlags(void **address, size_t size, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  if (flags == SIGNAL_MEMORY_FLAG) {
    if (size != SIGNAL_SIZE) return INVALID_VALUE;
    return allocate_host(here(), SIGNAL_MEMORY, size, true, address);
  }
  uint64_t made;
  if (flags || !size) return flags ? INVALID_VALUE : DONE;
  TRY(allocate_device(here(), size, &made));
  *address = (void *)made;
  return DONE;
}

API hipHostMalloc(void **address, size_t size, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  if (!size) return DONE;
  return allocate_host(here(), HOST_MEMORY, size, flags & HOST_PORTABLE, address);
}

API hipHostAlloc(void **address, size_t size, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  if (!size) return DONE;
  return allocate_host(here(), HOST_MEMORY, size, flags & HOST_PORTABLE, address);
}

API hipHostFree(void *address) {
  TURN(IN_CONTEXT);
  return address ? free_host(here(), address) : DONE;
}

API hipHostRegister(void *start, size_t size, unsigned flags) {
  TURN(IN_CONTEXT);
  return register_host(here(), start, size, flags & HOST_PORTABLE);
}

API hipHostUnregister(void *start) {
  TURN(IN_CONTEXT);
  return unregister_host(start);
}

API hipHostGetDevicePointer(void **address, void *start, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  const Allocation *found = memory_at((uintptr_t)start);
  bool is_host = found && (found->kind == HOST_MEMORY || found->kind == REGISTERED_MEMORY);
  if (!is_host || flags) return INVALID_VALUE;
  *address = start;
  return DONE;
}

API hipMallocManaged(void **address, size_t size, unsigned flags) {
  OUT(address);
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  if (!size || !flags) return INVALID_VALUE;
  return allocate_host(here(), MANAGED_MEMORY, size, true, address);
}

/* -- pools --------------------------------------------------------------------------------------------- */

API hipMemPoolCreate(hipMemPool_t *pool, const hipMemPoolProps *wanted) {
  OUT(pool);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  if (!wanted || wanted->allocType != hipMemAllocationTypePinned ||
      wanted->location.type != hipMemLocationTypeDevice)
    return INVALID_VALUE;
  CHECK_DEVICE(wanted->location.id);
  *pool = pool_new(wanted->location.id)->object.handle;
  return DONE;
}

API hipMemPoolDestroy(hipMemPool_t pool) {
  TURN(INITIALIZED);
  FIND(Pool, found, POOL, pool);
  if (found == pool_default(found->device)) return INVALID_VALUE;
  object_end(&found->object);
  return DONE;
}

API hipMemPoolTrimTo(hipMemPool_t pool, size_t kept) {
  TURN(INITIALIZED);
  (void)kept; /* nothing is kept in any case */
  FIND(Pool, found, POOL, pool);
  return DONE;
}

API hipMemPoolSetAccess(hipMemPool_t pool, const hipMemAccessDesc *access, size_t count) {
  TURN(INITIALIZED);
  FIND(Pool, found, POOL, pool);
  if (!access && count) return INVALID_VALUE;
  for (size_t i = 0; i < count; i++) {
    if (access[i].location.type != hipMemLocationTypeDevice) return INVALID_VALUE;
    CHECK_DEVICE(access[i].location.id);
    bool is_allowed = access[i].flags == hipMemAccessFlagsProtReadWrite;
    TRY(pool_allow(found, access[i].location.id, is_allowed));
  }
  return DONE;
}

API hipMallocFromPoolAsync(void **address, size_t size, hipMemPool_t pool, hipStream_t stream) {
  OUT(address);
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  FIND(Pool, from, POOL, pool);
  FIND_STREAM(on, stream);
  uint64_t made;
  TRY(allocate_in_order(on, from, size, &made));
  *address = (void *)made;
  return DONE;
}

API hipFreeAsync(void *address, hipStream_t stream) {
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  FIND_STREAM(on, stream);
  return free_in_order(on, (uintptr_t)address);
}
