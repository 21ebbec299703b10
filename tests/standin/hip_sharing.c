/* libamdhip64.so: memory that is mapped, exported and imported. All of it is newer than the header
   that Debian has, but for what is imported of others. */

#include "hip_abi.h"

API hipImportExternalMemory(hipExternalMemory_t *memory,
                            const hipExternalMemoryHandleDesc *wanted) {
  OUT(memory);
  TURN(IN_CONTEXT);
  if (!wanted || wanted->type != hipExternalMemoryHandleTypeOpaqueFd) return INVALID_VALUE;
  ExternalMemory *made;
  TRY(external_memory_new(here(), wanted->handle.fd, wanted->size, &made));
  *memory = made->object.handle;
  return DONE;
}

API hipExternalMemoryGetMappedBuffer(void **address, hipExternalMemory_t memory,
                                     const hipExternalMemoryBufferDesc *part) {
  OUT(address);
  TURN(IN_CONTEXT);
  FIND(ExternalMemory, found, EXTERNAL_MEMORY, memory);
  if (!part) return INVALID_VALUE;
  uint64_t made;
  TRY(external_memory_map(here(), found, part->offset, part->size, &made));
  *address = (void *)made;
  return DONE;
}

/* With what is mapped of it. */
API hipDestroyExternalMemory(hipExternalMemory_t memory) {
  TURN(IN_CONTEXT);
  FIND(ExternalMemory, found, EXTERNAL_MEMORY, memory);
  external_memory_end(found, true);
  return DONE;
}

#ifndef WITH_VENDOR_HEADER

static Result check_wanted(const hipMemAllocationProp *wanted) {
  if (!wanted || wanted->type != hipMemAllocationTypePinned ||
      wanted->location.type != hipMemLocationTypeDevice ||
      wanted->requestedHandleType & ~(unsigned)hipMemHandleTypePosixFileDescriptor)
    return INVALID_VALUE;
  CHECK_DEVICE(wanted->location.id);
  return DONE;
}

/* On Linux there is none. */
API hipImportExternalSemaphore(hipExternalSemaphore_t *semaphore, const void *wanted) {
  OUT(semaphore);
  TURN(IN_CONTEXT);
  (void)wanted;
  return INVALID_VALUE;
}

API hipMemGetAllocationGranularity(size_t *granularity, const hipMemAllocationProp *wanted,
                                   hipMemAllocationGranularity_flags option) {
  OUT(granularity);
  TURN(INITIALIZED);
  (void)option;
  NOT_ON_PLAIN;
  TRY(check_wanted(wanted));
  *granularity = GRANULARITY;
  return DONE;
}

API hipMemCreate(hipMemGenericAllocationHandle_t *handle, size_t size,
                 const hipMemAllocationProp *wanted, unsigned long long flags) {
  OUT(handle);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  TRY(check_wanted(wanted));
  if (flags) return INVALID_VALUE;
  Backing *made;
  TRY(backing_new(wanted->location.id, size, &made));
  made->is_exportable = wanted->requestedHandleType;
  *handle = made->object.handle;
  return DONE;
}

API hipMemRelease(hipMemGenericAllocationHandle_t handle) {
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  object_end(&found->object);
  return DONE;
}

API hipMemAddressReserve(void **address, size_t size, size_t alignment, void *wanted,
                         unsigned long long flags) {
  OUT(address);
  TURN(INITIALIZED);
  (void)wanted; /* a hint */
  NOT_ON_PLAIN;
  if (!size || size % GRANULARITY || alignment > GRANULARITY || flags) return INVALID_VALUE;
  uint64_t made;
  TRY(reserve(size, &made));
  *address = (void *)made;
  return DONE;
}

API hipMemAddressFree(void *address, size_t size) {
  TURN(INITIALIZED);
  return address_free((uintptr_t)address, size);
}

API hipMemMap(void *address, size_t size, size_t offset, hipMemGenericAllocationHandle_t handle,
              unsigned long long flags) {
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  return flags ? INVALID_VALUE : backing_map(found, (uintptr_t)address, size, offset);
}

API hipMemUnmap(void *address, size_t size) {
  TURN(INITIALIZED);
  return backing_unmap((uintptr_t)address, size);
}

API hipMemSetAccess(void *address, size_t size, const hipMemAccessDesc *access, size_t count) {
  TURN(INITIALIZED);
  if (!access || !count) return INVALID_VALUE;
  for (size_t i = 0; i < count; i++) {
    if (access[i].location.type != hipMemLocationTypeDevice) return INVALID_VALUE;
    CHECK_DEVICE(access[i].location.id);
    bool is_allowed = access[i].flags == hipMemAccessFlagsProtReadWrite;
    TRY(backing_allow((uintptr_t)address, size, access[i].location.id, is_allowed));
  }
  return DONE;
}

API hipMemExportToShareableHandle(void *descriptor, hipMemGenericAllocationHandle_t handle,
                                  hipMemAllocationHandleType type, unsigned long long flags) {
  if (!descriptor) return INVALID_VALUE;
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  if (type != hipMemHandleTypePosixFileDescriptor || flags || !found->is_exportable)
    return INVALID_VALUE;
  return backing_export(found, descriptor);
}

API hipMemImportFromShareableHandle(hipMemGenericAllocationHandle_t *handle, void *descriptor,
                                    hipMemAllocationHandleType type) {
  OUT(handle);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  if (type != hipMemHandleTypePosixFileDescriptor) return INVALID_VALUE;
  Backing *made;
  TRY(backing_import((int)(intptr_t)descriptor, &made));
  *handle = made->object.handle;
  return DONE;
}

API hipMemGetHandleForAddressRange(void *descriptor, void *address, size_t size,
                                   hipMemRangeHandleType type, unsigned long long flags) {
  if (!descriptor) return INVALID_VALUE;
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  if (type != hipMemRangeHandleTypeDmaBufFd || flags) return INVALID_VALUE;
  return export_range((uintptr_t)address, size, descriptor);
}

#endif
