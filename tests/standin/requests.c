/* What calls give to streams: each is checked before, and what cannot be right is refused.

   The host's pageable memory is any that is not in the table: as a source it is read before the call
   returns, as a target the call waits until it is written. It is read and written through the kernel,
   so that an address where there is nothing is an error and no fault. */

#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>


typedef ssize_t (*Transfer)(pid_t, const struct iovec *, unsigned long, const struct iovec *,
                            unsigned long, unsigned long);

static bool transfer(Transfer function, uint8_t *ours, uint8_t *theirs, size_t size) {
  while (size) {
    struct iovec here = {ours, size}, there = {theirs, size};
    ssize_t moved = function(getpid(), &here, 1, &there, 1, 0);
    if (moved < 0 && (errno == ENOSYS || errno == EPERM)) { /* forbidden here: trust the caller */
      bool is_write = function == process_vm_writev;
      memcpy(is_write ? theirs : ours, is_write ? ours : theirs, size);
      return true;
    }
    if (moved <= 0) return false;
    ours += moved;
    theirs += moved;
    size -= moved;
  }
  return true;
}

bool read_safely(void *target, const void *source, size_t size) {
  return transfer(process_vm_readv, target, (uint8_t *)source, size);
}

bool write_safely(void *target, const void *source, size_t size) {
  return transfer(process_vm_writev, (uint8_t *)source, target, size);
}

/* -- copies and fills --------------------------------------------------------------------------- */

/* A pin, or none for pageable memory. */
static Result place_of(Context *context, uint64_t address, size_t size, Pin *pin) {
  *pin = (Pin){.address = address, .size = size};
  if (!address || address + size < address) return INVALID_VALUE;
  if (!memory_overlaps(address, size)) return DONE;
  return memory_pin(context, address, size, BY_COPY, pin);
}

static Result copy_from_pageable(Stream *stream, Operation operation) {
  Pin *source = &operation.source;
  operation.staged = malloc(source->size);
  if (!operation.staged) return OUT_OF_MEMORY;
  if (!read_safely(operation.staged, (void *)source->address, source->size)) {
    free(operation.staged);
    return INVALID_VALUE;
  }
  stream_push(stream, operation);
  return DONE;
}

static Result copy_to_pageable(Stream *stream, Operation operation) {
  void *target = (void *)operation.target.address;
  size_t size = operation.target.size;
  Context *context = context_of(stream);
  uint8_t *staged = malloc(size);
  if (!staged) return OUT_OF_MEMORY;
  operation.staged = staged;
  operation.is_lent = true;
  stream_await(stream, stream_push(stream, operation));
  Result result = context_check(context);
  if (!result && !write_safely(target, staged, size)) result = INVALID_VALUE;
  free(staged);
  return result;
}

static Result copy_on_host(Stream *stream, const Operation *operation) {
  size_t size = operation->target.size;
  TRY(stream_synchronize(stream));
  uint8_t *staged = malloc(size);
  if (!staged) return OUT_OF_MEMORY;
  bool is_done = read_safely(staged, (void *)operation->source.address, size) &&
                 write_safely((void *)operation->target.address, staged, size);
  free(staged);
  return is_done ? DONE : INVALID_VALUE;
}

Result copy(Stream *stream, uint64_t target, uint64_t source, size_t size, bool is_waited_for) {
  Operation operation = {.kind = COPY};
  Context *context = context_of(stream);
  if (!size) return DONE;
  TRY(place_of(context, target, size, &operation.target));
  Result result = place_of(context, source, size, &operation.source);
  if (!result) {
    if (!operation.target.allocation && !operation.source.allocation)
      return copy_on_host(stream, &operation);
    if (!operation.target.allocation) return copy_to_pageable(stream, operation);
    if (operation.source.allocation) stream_push(stream, operation);
    else result = copy_from_pageable(stream, operation);
  }
  if (result) {
    memory_unpin(&operation.target);
    return result;
  }
  return is_waited_for ? stream_synchronize(stream) : DONE;
}

Result fill(Stream *stream, uint64_t target, int width, uint64_t value, size_t count) {
  Operation operation = {.kind = FILL, .width = width, .value = value};
  if (!count) return DONE;
  if (target % width || count > SIZE_MAX / width) return INVALID_VALUE;
  TRY(memory_pin(context_of(stream), target, count * width, BY_DEVICE, &operation.target));
  stream_push(stream, operation);
  return DONE;
}

/* -- values -------------------------------------------------------------------------------------- */

static Result push_on_word(Stream *stream, uint64_t address, Operation operation) {
  size_t size = sizeof(uint64_t);
  if (address % size) return INVALID_VALUE;
  TRY(memory_pin(context_of(stream), address, size, BY_DEVICE, &operation.target));
  stream_push(stream, operation);
  return DONE;
}

Result wait_value(Stream *stream, uint64_t address, uint64_t value, uint64_t mask, Until until) {
  Operation operation = {.kind = WAIT_VALUE, .value = value, .mask = mask, .until = until};
  return push_on_word(stream, address, operation);
}

Result write_value(Stream *stream, uint64_t address, uint64_t value) {
  return push_on_word(stream, address, (Operation){.kind = WRITE_VALUE, .value = value});
}

Result call_host(Stream *stream, void (*function)(void *), void *argument) {
  if (!function) return INVALID_VALUE;
  stream_push(stream,
              (Operation){.kind = HOST_CALL, .function = function, .argument = argument});
  return DONE;
}

/* -- events --------------------------------------------------------------------------------------- */

Event *event_new(Context *context) { return object_new(EVENT, sizeof(Event), context); }

Result event_record(Event *event, Stream *stream) {
  object_keep(&event->object);
  uint64_t number = ++event->recorded;
  stream_push(stream, (Operation){.kind = RECORD, .value = number, .holds = &event->object});
  return DONE;
}

Result event_wait(Stream *stream, Event *event) {
  if (event->done >= event->recorded) return DONE;
  object_keep(&event->object);
  Operation operation = {.kind = WAIT_EVENT, .value = event->recorded, .holds = &event->object};
  stream_push(stream, operation);
  return DONE;
}

Result event_query(const Event *event) {
  TRY(context_check(event->object.owner));
  return event->done >= event->recorded ? DONE : NOT_READY;
}

Result event_synchronize(Event *event) {
  Context *context = event->object.owner;
  uint64_t number = event->recorded;
  object_keep(&event->object);
  while (event->done < number && !context_is_lost(context)) wait_for_progress();
  object_drop(&event->object);
  return context_check(context);
}
