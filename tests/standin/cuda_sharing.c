/* libcuda.so.1: memory that is mapped, exported and imported, and semaphores of others'. */

#include "cuda_abi.h"

static Result check_wanted(const CUmemAllocationProp *wanted) {
  if (!wanted || wanted->type != CU_MEM_ALLOCATION_TYPE_PINNED ||
      wanted->location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
      (unsigned)wanted->requestedHandleTypes & ~(unsigned)CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR)
    return INVALID_VALUE;
  CHECK_DEVICE(wanted->location.id);
  return DONE;
}

API cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *wanted,
                                  CUmemAllocationGranularity_flags option) {
  OUT(granularity);
  TURN(INITIALIZED);
  (void)option;
  NOT_ON_PLAIN;
  TRY(check_wanted(wanted));
  *granularity = GRANULARITY;
  return DONE;
}

API cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size,
                const CUmemAllocationProp *wanted, unsigned long long flags) {
  OUT(handle);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  TRY(check_wanted(wanted));
  if (flags) return INVALID_VALUE;
  Backing *made;
  TRY(backing_new(wanted->location.id, size, &made));
  made->is_exportable = wanted->requestedHandleTypes;
  *handle = (uintptr_t)made->object.handle;
  return DONE;
}

API cuMemRelease(CUmemGenericAllocationHandle handle) {
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  object_end(&found->object);
  return DONE;
}

API cuMemAddressReserve(CUdeviceptr *address, size_t size, size_t alignment, CUdeviceptr wanted,
                        unsigned long long flags) {
  OUT(address);
  TURN(INITIALIZED);
  (void)wanted; /* a hint */
  NOT_ON_PLAIN;
  if (!size || size % GRANULARITY || alignment > GRANULARITY || flags) return INVALID_VALUE;
  uint64_t made;
  TRY(reserve(size, &made));
  *address = made;
  return DONE;
}

API cuMemAddressFree(CUdeviceptr address, size_t size) {
  TURN(INITIALIZED);
  return address_free(address, size);
}

API cuMemMap(CUdeviceptr address, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
             unsigned long long flags) {
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  return flags ? INVALID_VALUE : backing_map(found, address, size, offset);
}

API cuMemUnmap(CUdeviceptr address, size_t size) {
  TURN(INITIALIZED);
  return backing_unmap(address, size);
}

API cuMemSetAccess(CUdeviceptr address, size_t size, const CUmemAccessDesc *access,
                   size_t count) {
  TURN(INITIALIZED);
  if (!access || !count) return INVALID_VALUE;
  for (size_t i = 0; i < count; i++) {
    if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) return INVALID_VALUE;
    CHECK_DEVICE(access[i].location.id);
    bool is_allowed = access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    TRY(backing_allow(address, size, access[i].location.id, is_allowed));
  }
  return DONE;
}

API cuMemExportToShareableHandle(void *descriptor, CUmemGenericAllocationHandle handle,
                                 CUmemAllocationHandleType type, unsigned long long flags) {
  if (!descriptor) return INVALID_VALUE;
  TURN(INITIALIZED);
  FIND(Backing, found, BACKING, handle);
  if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || flags || !found->is_exportable)
    return INVALID_VALUE;
  return backing_export(found, descriptor);
}

API cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *descriptor,
                                   CUmemAllocationHandleType type) {
  OUT(handle);
  TURN(INITIALIZED);
  NOT_ON_PLAIN;
  if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR) return INVALID_VALUE;
  Backing *made;
  TRY(backing_import((int)(intptr_t)descriptor, &made));
  *handle = (uintptr_t)made->object.handle;
  return DONE;
}

API cuMemGetHandleForAddressRange(void *descriptor, CUdeviceptr address, size_t size,
                                  CUmemRangeHandleType type, unsigned long long flags) {
  if (!descriptor) return INVALID_VALUE;
  TURN(IN_CONTEXT);
  NOT_ON_PLAIN;
  if (type != CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD || flags) return INVALID_VALUE;
  return export_range(address, size, descriptor);
}

/* -- others' ------------------------------------------------------------------------------------------- */

API cuImportExternalMemory(CUexternalMemory *memory,
                           const CUDA_EXTERNAL_MEMORY_HANDLE_DESC *wanted) {
  OUT(memory);
  TURN(IN_CONTEXT);
  if (!wanted || wanted->type != CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD) return INVALID_VALUE;
  ExternalMemory *made;
  TRY(external_memory_new(here(), wanted->handle.fd, wanted->size, &made));
  *memory = made->object.handle;
  return DONE;
}

API cuExternalMemoryGetMappedBuffer(CUdeviceptr *address, CUexternalMemory memory,
                                    const CUDA_EXTERNAL_MEMORY_BUFFER_DESC *part) {
  OUT(address);
  TURN(IN_CONTEXT);
  FIND(ExternalMemory, found, EXTERNAL_MEMORY, memory);
  if (!part) return INVALID_VALUE;
  uint64_t made;
  TRY(external_memory_map(here(), found, part->offset, part->size, &made));
  *address = made;
  return DONE;
}

API cuDestroyExternalMemory(CUexternalMemory memory) {
  TURN(IN_CONTEXT);
  FIND(ExternalMemory, found, EXTERNAL_MEMORY, memory);
  external_memory_end(found, false);
  return DONE;
}

API cuImportExternalSemaphore(CUexternalSemaphore *semaphore,
                              const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC *wanted) {
  OUT(semaphore);
  TURN(IN_CONTEXT);
  if (!wanted || wanted->type != CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD)
    return INVALID_VALUE;
  ExternalSemaphore *made;
  TRY(external_semaphore_new(here(), wanted->handle.fd, &made));
  *semaphore = made->object.handle;
  return DONE;
}

API cuDestroyExternalSemaphore(CUexternalSemaphore semaphore) {
  TURN(IN_CONTEXT);
  FIND(ExternalSemaphore, found, EXTERNAL_SEMAPHORE, semaphore);
  object_end(&found->object);
  return DONE;
}

static Result push(Stream *stream, CUexternalSemaphore semaphore, Operation operation) {
  FIND(ExternalSemaphore, found, EXTERNAL_SEMAPHORE, semaphore);
  object_keep(&found->object);
  operation.holds = &found->object;
  operation.word = found->payload;
  stream_push(stream, operation);
  return DONE;
}

API cuSignalExternalSemaphoresAsync(const CUexternalSemaphore *semaphores,
                                    const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS *signals,
                                    unsigned count, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  if (!semaphores || !signals) return INVALID_VALUE;
  for (unsigned i = 0; i < count; i++) {
    Operation operation = {.kind = WRITE_VALUE, .value = signals[i].params.fence.value};
    TRY(push(found, semaphores[i], operation));
  }
  return DONE;
}

API cuWaitExternalSemaphoresAsync(const CUexternalSemaphore *semaphores,
                                  const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS *waits,
                                  unsigned count, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  if (!semaphores || !waits) return INVALID_VALUE;
  for (unsigned i = 0; i < count; i++) {
    Operation operation = {.kind = WAIT_VALUE, .until = UNTIL_AT_LEAST, .mask = UINT64_MAX};
    operation.value = waits[i].params.fence.value;
    TRY(push(found, semaphores[i], operation));
  }
  return DONE;
}
