/* libcuda.so.1: streams, what they are given, and events. */

#include "cuda_abi.h"

static Result create(CUstream *stream, unsigned flags) {
  if (flags & ~CU_STREAM_NON_BLOCKING) return INVALID_VALUE;
  Stream *made;
  TRY(stream_new(here(), &made));
  *stream = made->object.handle;
  return DONE;
}

API cuStreamCreate(CUstream *stream, unsigned flags) {
  OUT(stream);
  TURN(IN_CONTEXT);
  return create(stream, flags);
}

API cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  OUT(stream);
  TURN(IN_CONTEXT);
  (void)priority;
  return create(stream, flags);
}

API cuStreamDestroy_v2(CUstream stream) {
  TURN(IN_CONTEXT);
  FIND(Stream, found, STREAM, stream);
  stream_close(found);
  return DONE;
}

API cuStreamQuery(CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return stream_query(found);
}

API cuStreamSynchronize(CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return stream_synchronize(found);
}

API cuLaunchHostFunc(CUstream stream, CUhostFn function, void *argument) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return call_host(found, function, argument);
}

/* -- values ---------------------------------------------------------------------------------------- */

static Result wait_for(Stream *stream, CUdeviceptr address, uint64_t value, unsigned flags) {
  static const Until UNTIL[] = {
      [CU_STREAM_WAIT_VALUE_GEQ] = UNTIL_CYCLIC,
      [CU_STREAM_WAIT_VALUE_EQ] = UNTIL_EQUAL,
      [CU_STREAM_WAIT_VALUE_AND] = UNTIL_AND,
      [CU_STREAM_WAIT_VALUE_NOR] = UNTIL_NOR,
  };
  unsigned kind = flags & ~(unsigned)CU_STREAM_WAIT_VALUE_FLUSH;
  if (kind > CU_STREAM_WAIT_VALUE_NOR) return INVALID_VALUE;
  return wait_value(stream, address, value, UINT64_MAX, UNTIL[kind]);
}

API cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value,
                           unsigned flags) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return wait_for(found, address, value, flags);
}

API cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, cuuint64_t value,
                            unsigned flags) {
  TURN(IN_CONTEXT);
  (void)flags;
  FIND_STREAM(found, stream);
  return write_value(found, address, value);
}

static Result do_one(Stream *stream, const CUstreamBatchMemOpParams *one) {
  switch (one->operation) {
    case CU_STREAM_MEM_OP_WAIT_VALUE_64:
      return wait_for(stream, one->waitValue.address, one->waitValue.value64,
                      one->waitValue.flags);
    case CU_STREAM_MEM_OP_WRITE_VALUE_64:
      return write_value(stream, one->writeValue.address, one->writeValue.value64);
    case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES:
    case CU_STREAM_MEM_OP_BARRIER:
      return DONE;
    default:
      return NOT_SUPPORTED; /* values of 32 bits */
  }
}

API cuStreamBatchMemOp_v2(CUstream stream, unsigned count, CUstreamBatchMemOpParams *all,
                          unsigned flags) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  if (flags || count > 256 || (count && !all)) return INVALID_VALUE;
  for (unsigned i = 0; i < count; i++) TRY(do_one(found, &all[i]));
  return DONE;
}

/* -- copies and fills -------------------------------------------------------------------------------- */

API cuMemcpyAsync(CUdeviceptr target, CUdeviceptr source, size_t size, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return copy(found, target, source, size, false);
}

API cuMemcpyPeerAsync(CUdeviceptr target, CUcontext to, CUdeviceptr source, CUcontext from,
                      size_t size, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  Context *contexts[] = {object_of(CONTEXT, to), object_of(CONTEXT, from)};
  for (int i = 0; i < 2; i++) {
    if (!contexts[i]) return INVALID_CONTEXT;
    TRY(context_check(contexts[i]));
  }
  return copy(found, target, source, size, false);
}

API cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t size, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return copy(found, (uintptr_t)target, source, size, false);
}

API cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source, size_t size, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return copy(found, target, (uintptr_t)source, size, false);
}

API cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t size) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, NULL);
  return copy(found, (uintptr_t)target, source, size, true);
}

API cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t size) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, NULL);
  return copy(found, target, (uintptr_t)source, size, true);
}

API cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, target, 1, value, count);
}

API cuMemsetD16Async(CUdeviceptr target, unsigned short value, size_t count, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, target, 2, value, count);
}

API cuMemsetD32Async(CUdeviceptr target, unsigned value, size_t count, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, target, 4, value, count);
}

/* -- events ------------------------------------------------------------------------------------------- */

API cuEventCreate(CUevent *event, unsigned flags) {
  OUT(event);
  TURN(IN_CONTEXT);
  (void)flags;
  *event = event_new(here())->object.handle;
  return DONE;
}

API cuEventDestroy_v2(CUevent event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  object_end(&found->object);
  return DONE;
}

API cuEventRecord(CUevent event, CUstream stream) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  FIND_STREAM(on, stream);
  if (found->object.owner->root != context_of(on)->root) return INVALID_HANDLE;
  return event_record(found, on);
}

API cuEventQuery(CUevent event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  return event_query(found);
}

API cuEventSynchronize(CUevent event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  return event_synchronize(found);
}

API cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
  OUT(milliseconds);
  TURN(IN_CONTEXT);
  FIND(Event, first, EVENT, start);
  FIND(Event, last, EVENT, end);
  if (!first->recorded || !last->recorded) return INVALID_HANDLE;
  TRY(event_query(first));
  TRY(event_query(last));
  *milliseconds = (last->time - first->time) * 1e3;
  return DONE;
}

API cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  FIND(Event, awaited, EVENT, event);
  return flags ? INVALID_VALUE : event_wait(found, awaited);
}
