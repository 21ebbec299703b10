/* libamdhip64.so: streams, what they are given, events, and modules. */

#include "hip_abi.h"

enum { NON_BLOCKING = 1, MOST_KINDS = 4 };

API hipStreamCreateWithFlags(hipStream_t *stream, unsigned flags) {
  OUT(stream);
  TURN(IN_CONTEXT);
  if (flags & ~(unsigned)NON_BLOCKING) return INVALID_VALUE;
  Stream *made;
  TRY(stream_new(here(), &made));
  *stream = made->object.handle;
  return DONE;
}

API hipStreamDestroy(hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND(Stream, found, STREAM, stream);
  stream_close(found);
  return DONE;
}

API hipStreamQuery(hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return stream_query(found);
}

API hipStreamSynchronize(hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return stream_synchronize(found);
}

#ifndef WITH_VENDOR_HEADER /* newer than Debian's */
API hipLaunchHostFunc(hipStream_t stream, hipHostFn_t function, void *argument) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return call_host(found, function, argument);
}
#endif

/* -- values ---------------------------------------------------------------------------------------------- */

/* Streams wait for values in signal memory alone. */
static bool is_signal(const void *address) {
  const Allocation *found = memory_at((uintptr_t)address);
  return found && found->kind == SIGNAL_MEMORY;
}

API hipStreamWaitValue64(hipStream_t stream, void *address, uint64_t value, unsigned flags,
                         uint64_t mask) {
  static const Until UNTIL[] = {UNTIL_AT_LEAST, UNTIL_EQUAL, UNTIL_AND, UNTIL_NOR};
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  if (flags >= MOST_KINDS || !is_signal(address)) return INVALID_VALUE;
  return wait_value(found, (uintptr_t)address, value, mask, UNTIL[flags]);
}

API hipStreamWriteValue64(hipStream_t stream, void *address, uint64_t value, unsigned flags) {
  TURN(IN_CONTEXT);
  (void)flags;
  FIND_STREAM(found, stream);
  return write_value(found, (uintptr_t)address, value);
}

/* -- copies and fills ------------------------------------------------------------------------------------ */

API hipMemcpyAsync(void *target, const void *source, size_t size, hipMemcpyKind kind,
                   hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  if ((unsigned)kind > MOST_KINDS) return INVALID_VALUE;
  return copy(found, (uintptr_t)target, (uintptr_t)source, size, false);
}

API hipMemsetD8Async(hipDeviceptr_t target, unsigned char value, size_t count,
                     hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, (uintptr_t)target, 1, value, count);
}

API hipMemsetD16Async(hipDeviceptr_t target, unsigned short value, size_t count,
                      hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, (uintptr_t)target, 2, value, count);
}

API hipMemsetD32Async(hipDeviceptr_t target, int value, size_t count, hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  return fill(found, (uintptr_t)target, 4, (uint32_t)value, count);
}

/* -- events ---------------------------------------------------------------------------------------------- */

API hipEventCreateWithFlags(hipEvent_t *event, unsigned flags) {
  OUT(event);
  TURN(IN_CONTEXT);
  (void)flags;
  *event = event_new(here())->object.handle;
  return DONE;
}

API hipEventDestroy(hipEvent_t event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  object_end(&found->object);
  return DONE;
}

API hipEventRecord(hipEvent_t event, hipStream_t stream) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  FIND_STREAM(on, stream);
  return event_record(found, on);
}

API hipEventQuery(hipEvent_t event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  return event_query(found);
}

API hipEventSynchronize(hipEvent_t event) {
  TURN(IN_CONTEXT);
  FIND(Event, found, EVENT, event);
  return event_synchronize(found);
}

API hipStreamWaitEvent(hipStream_t stream, hipEvent_t event, unsigned flags) {
  TURN(IN_CONTEXT);
  FIND_STREAM(found, stream);
  FIND(Event, awaited, EVENT, event);
  return flags ? INVALID_VALUE : event_wait(found, awaited);
}

/* -- modules --------------------------------------------------------------------------------------------- */

API hipModuleLoadData(hipModule_t *module, const void *image) {
  OUT(module);
  TURN(IN_CONTEXT);
  if (!image) return INVALID_VALUE;
  Module *made = module_new(here());
  Result result = module_parse_code_object(made, image, SIZE_MAX);
  if (result) module_end(made);
  else *module = made->object.handle;
  return result;
}

API hipModuleUnload(hipModule_t module) {
  TURN(IN_CONTEXT);
  FIND(Module, found, MODULE, module);
  module_end(found);
  return DONE;
}

API hipModuleGetFunction(hipFunction_t *function, hipModule_t module, const char *name) {
  OUT(function);
  TURN(IN_CONTEXT);
  FIND(Module, in, MODULE, module);
  if (!name) return INVALID_VALUE;
  Function *found = module_function(in, name);
  if (!found) return NOT_FOUND;
  *function = found->object.handle;
  return DONE;
}

API hipModuleLaunchKernel(hipFunction_t function, unsigned grid_x, unsigned grid_y,
                          unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                          unsigned shared_bytes, hipStream_t stream, void **parameters,
                          void **extra) {
  TURN(IN_CONTEXT);
  (void)shared_bytes;
  FIND(Function, found, FUNCTION, function);
  FIND_STREAM(on, stream);
  uint32_t grid[] = {grid_x, grid_y, grid_z}, block[] = {block_x, block_y, block_z};
  return launch(on, found, grid, block, parameters, extra);
}
