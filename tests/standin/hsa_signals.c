/* libhsa-runtime64.so.1: signals.

   The host and copies write the value of one that was made for it (GPU_ONLY or IPC) where it is, and
   nobody is told: whoever waits for such a one looks now and then. */

#include "hsa_abi.h"

#include <math.h>
#include <stdlib.h>

static const double PATIENCE = 200e-6, NAP = 200e-6; /* seconds */

static uint64_t looks; /* that somebody took at a signal */

/* -- how long devices may take ------------------------------------------------------------------------- */

Stamp stamp_now(void) { return (Stamp){looks, seconds()}; }

double due_time(Stamp stamp) { return stamp.time + PATIENCE; }

bool is_due(Stamp stamp) { return looks != stamp.looks || seconds() >= due_time(stamp); }

static void look(void) {
  looks++;
  tell_progress();
}

/* -- for the other files ---------------------------------------------------------------------------------- */

static void release(Object *object) {
  Allocation *shared = ((Signal *)object)->shared;
  if (!shared) return;
  if (shared->state != GONE) memory_end(shared);
  memory_drop(shared);
}

Signal *signal_new(int64_t value) {
  Signal *made = object_new(SIGNAL, sizeof *made, host_context());
  made->object.release = release;
  made->own = value;
  made->value = &made->own;
  return made;
}

Signal *signal_of(hsa_signal_t handle) {
  return object_of(SIGNAL, (const void *)(uintptr_t)handle.handle);
}

int64_t signal_load(const Signal *signal) {
  return atomic_load_explicit(signal->value, memory_order_acquire);
}

void signal_set(Signal *signal, int64_t value) {
  atomic_store_explicit(signal->value, value, memory_order_release);
  tell_progress();
}

void signal_decrement(Signal *signal) {
  atomic_fetch_sub(signal->value, 1);
  tell_progress();
}

bool is_met(hsa_signal_condition_t condition, int64_t value, int64_t wanted) {
  switch (condition) {
    case HSA_SIGNAL_CONDITION_EQ:
      return value == wanted;
    case HSA_SIGNAL_CONDITION_NE:
      return value != wanted;
    case HSA_SIGNAL_CONDITION_LT:
      return value < wanted;
    default:
      return value >= wanted;
  }
}

/* When to look at it again, at the latest. */
double next_look(const Signal *signal) { return signal->shared ? seconds() + NAP : INFINITY; }

/* -- begin and end ---------------------------------------------------------------------------------------- */

static hsa_status_t create(int64_t value, uint32_t count, const hsa_agent_t *consumers,
                           uint64_t attributes, hsa_signal_t *signal) {
  static const uint64_t SHARED = HSA_AMD_SIGNAL_AMD_GPU_ONLY | HSA_AMD_SIGNAL_IPC;
  uint32_t devices;
  NEEDS((!count || consumers) && !(attributes & ~SHARED));
  if (!devices_of(consumers, count, &devices)) return HSA_STATUS_ERROR_INVALID_AGENT;
  void *place = NULL;
  if (attributes)
    PASS_ON(allocate_host(host_context(), SIGNAL_MEMORY, sizeof value, true, &place));
  Signal *made = signal_new(value);
  if (place) {
    made->shared = memory_at((uintptr_t)place);
    memory_keep(made->shared);
    made->value = place;
    *made->value = value;
  }
  signal->handle = (uintptr_t)made->object.handle;
  return HSA_STATUS_SUCCESS;
}

API hsa_signal_create(hsa_signal_value_t value, uint32_t count, const hsa_agent_t *consumers,
                      hsa_signal_t *signal) {
  GIVES(signal);
  CALL(INITIALIZED);
  return create(value, count, consumers, 0, signal);
}

API hsa_amd_signal_create(hsa_signal_value_t value, uint32_t count, const hsa_agent_t *consumers,
                          uint64_t attributes, hsa_signal_t *signal) {
  GIVES(signal);
  CALL(INITIALIZED);
  return create(value, count, consumers, attributes, signal);
}

API hsa_signal_destroy(hsa_signal_t signal) {
  NEEDS(signal.handle);
  CALL(INITIALIZED);
  Signal *found = signal_of(signal);
  if (!found || found->queue) return HSA_STATUS_ERROR_INVALID_SIGNAL;
  object_end(&found->object);
  tell_progress();
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_signal_value_pointer(hsa_signal_t signal, volatile hsa_signal_value_t **place) {
  GIVES(place);
  CALL(INITIALIZED);
  Signal *found = signal_of(signal);
  if (!found) return HSA_STATUS_ERROR_INVALID_SIGNAL;
  NEEDS(found->shared);
  *place = (volatile hsa_signal_value_t *)found->value;
  return HSA_STATUS_SUCCESS;
}

/* -- values ------------------------------------------------------------------------------------------------- */

static Signal *must_be(hsa_signal_t handle) {
  Signal *found = signal_of(handle);
  if (!found) misused("a signal that is none, or none any more");
  return found;
}

EXPORTED hsa_signal_value_t hsa_signal_load_scacquire(hsa_signal_t signal) {
  CALL_FOR_VALUE;
  look();
  return signal_load(must_be(signal));
}

EXPORTED hsa_signal_value_t hsa_signal_load_relaxed(hsa_signal_t signal) {
  CALL_FOR_VALUE;
  look();
  return signal_load(must_be(signal));
}

static void store(Signal *signal, int64_t value) {
  if (signal->queue) queue_ring(signal->queue, value);
  else signal_set(signal, value);
}

EXPORTED void hsa_signal_store_screlease(hsa_signal_t signal, hsa_signal_value_t value) {
  CALL_FOR_NOTHING;
  store(must_be(signal), value);
}

EXPORTED void hsa_signal_store_relaxed(hsa_signal_t signal, hsa_signal_value_t value) {
  CALL_FOR_NOTHING;
  store(must_be(signal), value);
}

EXPORTED void hsa_signal_subtract_screlease(hsa_signal_t signal, hsa_signal_value_t value) {
  CALL_FOR_NOTHING;
  atomic_fetch_sub(must_be(signal)->value, value);
  tell_progress();
}

/* 0 where the signal ends meanwhile. */
EXPORTED hsa_signal_value_t hsa_signal_wait_scacquire(hsa_signal_t signal,
                                                      hsa_signal_condition_t condition,
                                                      hsa_signal_value_t wanted,
                                                      uint64_t time_out,
                                                      hsa_wait_state_t state) {
  CALL_FOR_VALUE;
  (void)state;
  double end = time_out == UINT64_MAX ? INFINITY : seconds() + (double)time_out / TICKS;
  Signal *found = must_be(signal);
  look();
  for (; found; found = signal_of(signal)) {
    int64_t value = signal_load(found);
    if (is_met(condition, value, wanted) || seconds() >= end) return value;
    wait_for_progress_until(fmin(end, next_look(found)));
  }
  return 0;
}
