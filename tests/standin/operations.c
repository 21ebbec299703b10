/* What a stream's thread does.

   The lock is held but for the work itself. Memory is taken in hand before: what is gone by then, or
   is not there yet, is a fault. Waits poll, at first without sleep; they end when their context is
   lost. */

#include "core.h"

#include <stdlib.h>
#include <time.h>


static const double SPIN = 20e-6, LONG_WAIT = 10e-3; /* seconds */
static const long NAP = 30000, LONG_NAP = 200000;    /* nanoseconds */

double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

void operation_free(Operation *operation) {
  memory_unpin(&operation->target);
  memory_unpin(&operation->source);
  if (!operation->is_lent) free(operation->staged);
  object_drop(operation->holds);
  free(operation);
}

Result take_in_hand(Pin *pin) {
  if (!pin->allocation) return DONE;
  if (pin->allocation->state != LIVE) return ILLEGAL_ADDRESS;
  pin->allocation->active++;
  return DONE;
}

void put_down(Pin *pin) {
  if (pin->allocation) pin->allocation->active--;
}

/* -- without the lock --------------------------------------------------------------------------- */

static void copy_now(const Operation *operation) {
  const Pin *target = &operation->target, *source = &operation->source;
  size_t size = target->allocation ? target->size : source->size;
  uint8_t *to = target->allocation ? pinned_bytes(target) : operation->staged;
  memmove(to, source->allocation ? pinned_bytes(source) : operation->staged, size);
}

static void fill_now(const Operation *operation) {
  uint8_t *bytes = pinned_bytes(&operation->target);
  size_t width = operation->width, count = operation->target.size / width;
  if (width == 1) memset(bytes, (int)operation->value, count);
  else if (width == 2)
    for (size_t i = 0; i < count; i++) ((uint16_t *)bytes)[i] = (uint16_t)operation->value;
  else
    for (size_t i = 0; i < count; i++) ((uint32_t *)bytes)[i] = (uint32_t)operation->value;
}

static _Atomic uint64_t *word_of(const Operation *operation) {
  return operation->word ? operation->word : (void *)pinned_bytes(&operation->target);
}

static bool is_over(const Operation *operation) {
  uint64_t wanted = operation->value;
  if (operation->kind == WAIT_EVENT) return ((Event *)operation->holds)->done >= wanted;
  uint64_t seen = atomic_load_explicit(word_of(operation), memory_order_acquire) & operation->mask;
  switch (operation->until) {
    case UNTIL_CYCLIC:
      return (int64_t)(seen - wanted) >= 0;
    case UNTIL_EQUAL:
      return seen == wanted;
    case UNTIL_AND:
      return seen & wanted;
    case UNTIL_NOR:
      return ~(seen | wanted);
    case UNTIL_AT_LEAST:
      return seen >= wanted;
  }
  return true;
}

static void pause_since(double start) {
  double waited = seconds() - start;
  if (waited < SPIN) return;
  nanosleep(&(struct timespec){.tv_nsec = waited < LONG_WAIT ? NAP : LONG_NAP}, NULL);
}

static Result wait_now(Stream *stream, const Operation *operation) {
  const Allocation *allocation = operation->target.allocation;
  Object *event = operation->kind == WAIT_EVENT ? operation->holds : NULL;
  double start = seconds();
  while (!is_over(operation)) {
    if (context_is_lost(context_of(stream))) return DONE;
    if (allocation && allocation->state != LIVE) return ILLEGAL_ADDRESS;
    if (event && context_is_lost(event->owner)) return DONE;
    pause_since(start);
  }
  return DONE;
}

static Result carry_out(Stream *stream, Operation *operation) {
  switch (operation->kind) {
    case COPY:
      copy_now(operation);
      return DONE;
    case FILL:
      fill_now(operation);
      return DONE;
    case WRITE_VALUE:
      atomic_store_explicit(word_of(operation), operation->value, memory_order_release);
      return DONE;
    case HOST_CALL:
      is_host_function = true;
      operation->function(operation->argument);
      is_host_function = false;
      return DONE;
    default:
      return wait_now(stream, operation);
  }
}

/* -- with it ------------------------------------------------------------------------------------ */

static Result unlocked(Stream *stream, Operation *operation) {
  TRY(take_in_hand(&operation->target));
  Result result = take_in_hand(&operation->source);
  if (result) {
    put_down(&operation->target);
    return result;
  }
  stream->is_touching = operation->kind != HOST_CALL;
  pthread_mutex_unlock(&core_lock);
  result = carry_out(stream, operation);
  pthread_mutex_lock(&core_lock);
  stream->is_touching = false;
  put_down(&operation->target);
  put_down(&operation->source);
  return result;
}

static Result record(const Operation *operation) {
  Event *event = (Event *)operation->holds;
  if (event->done < operation->value) event->done = operation->value;
  event->time = seconds();
  return DONE;
}

static Result run(Stream *stream, Operation *operation) {
  const Function *function = (const Function *)operation->holds;
  if (function->module->is_unloaded || !operation->launch.kernel) return LAUNCH_FAILED;
  return kernel_run(stream, &operation->launch);
}

static Result become_live(const Operation *operation) {
  Allocation *allocation = operation->target.allocation;
  if (allocation->state == COMING) allocation->state = LIVE;
  return DONE;
}

static Result free_now(const Operation *operation) {
  Allocation *allocation = operation->target.allocation;
  if (allocation->state == GONE) return ILLEGAL_ADDRESS;
  memory_end(allocation);
  return DONE;
}

Result perform(Stream *stream, Operation *operation) {
  switch (operation->kind) {
    case RECORD:
      return record(operation);
    case LAUNCH:
      return run(stream, operation);
    case BECOME_LIVE:
      return become_live(operation);
    case FREE:
      return free_now(operation);
    default:
      return unlocked(stream, operation);
  }
}
