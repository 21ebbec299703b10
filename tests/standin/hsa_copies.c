/* libhsa-runtime64.so.1: copies, which a thread does.

   One begins once all signals that it depends on are 0. Of those that may begin the latest one does:
   who relies on an order that was not asked for is found. Memory is looked up when a copy begins, and
   what its agents may not use, or is gone by then, makes its completion signal negative. A signal that
   ends before is read or written by a device all the same, wherever it was: that ends the process. */

#include "hsa_abi.h"

#include <math.h>
#include <stdlib.h>

typedef struct Copy {
  struct Copy *next;
  Stamp stamp;
  Agent agents[2]; /* of the target, and of the source */
  uint64_t target, source;
  size_t size;
  hsa_signal_t done;
  uint32_t count;
  hsa_signal_t dependencies[];
} Copy;

static Copy *pending; /* the latest first */
static bool has_thread, is_copying;

/* -- one copy ------------------------------------------------------------------------------------------- */

static bool is_host(uint64_t address) {
  const Allocation *found = memory_at(address);
  return found && (found->kind == HOST_MEMORY || found->kind == REGISTERED_MEMORY ||
                   found->kind == SIGNAL_MEMORY);
}

/* All GPUs that take part reach both sides; a CPU's side is the host's, and known to the runtime. */
static bool take(const Copy *copy, Pin *target, Pin *source) {
  uint64_t addresses[] = {copy->target, copy->source};
  Pin *pins[] = {target, source};
  for (int side = 0; side < 2; side++) {
    if (!copy->agents[side].is_gpu && !is_host(addresses[side])) return false;
    for (int i = 0; i < 2; i++) {
      if (!copy->agents[i].is_gpu) continue;
      Context *context = context_primary(copy->agents[i].number);
      memory_unpin(pins[side]);
      if (memory_pin(context, addresses[side], copy->size, BY_DEVICE, pins[side])) return false;
    }
  }
  return true;
}

/* Without the lock. A word is written at once: it may be a signal's. */
static void move(uint8_t *target, const uint8_t *source, size_t size) {
  if (size == sizeof(uint64_t) && !(((uintptr_t)target | (uintptr_t)source) % size))
    atomic_store((_Atomic uint64_t *)target, atomic_load((_Atomic uint64_t *)source));
  else memmove(target, source, size);
}

static bool copy_by_device(const Copy *copy) {
  Pin target = {0}, source = {0};
  bool is_good = take(copy, &target, &source) && !take_in_hand(&target);
  if (is_good && take_in_hand(&source)) {
    put_down(&target);
    is_good = false;
  }
  if (is_good) {
    pthread_mutex_unlock(&core_lock);
    move(pinned_bytes(&target), pinned_bytes(&source), copy->size);
    pthread_mutex_lock(&core_lock);
    put_down(&target);
    put_down(&source);
  }
  memory_unpin(&target);
  memory_unpin(&source);
  return is_good;
}

/* From CPU to CPU: any memory of the process. */
static bool copy_by_host(const Copy *copy) {
  uint8_t *staged = malloc(copy->size);
  bool is_good = staged && read_safely(staged, (void *)copy->source, copy->size) &&
                 write_safely((void *)copy->target, staged, copy->size);
  free(staged);
  return is_good;
}

static void perform_copy(const Copy *copy) {
  bool is_devices = copy->agents[0].is_gpu || copy->agents[1].is_gpu;
  bool is_good = is_devices ? copy_by_device(copy) : copy_by_host(copy);
  Signal *done = signal_of(copy->done);
  if (!done && is_initialized) misused("a copy's completion signal ended before the copy did");
  if (!done) return;
  if (is_good) signal_decrement(done);
  else signal_set(done, -1);
}

/* -- the thread ------------------------------------------------------------------------------------------- */

static bool is_ready(const Copy *copy, double *until) {
  for (uint32_t i = 0; i < copy->count; i++) {
    const Signal *signal = signal_of(copy->dependencies[i]);
    if (!signal) misused("a signal that a copy waits for ended before it was 0");
    if (signal_load(signal)) {
      *until = fmin(*until, next_look(signal));
      return false;
    }
  }
  if (is_due(copy->stamp)) return true;
  *until = fmin(*until, due_time(copy->stamp));
  return false;
}

static Copy *next_copy(double *until) {
  for (Copy **place = &pending; *place; place = &(*place)->next)
    if (is_ready(*place, until)) {
      Copy *found = *place;
      *place = found->next;
      return found;
    }
  return NULL;
}

static void *work(void *unused) {
  pthread_mutex_lock(&core_lock);
  for (;;) {
    double until = INFINITY;
    Copy *copy = next_copy(&until);
    if (!copy) {
      wait_for_progress_until(until);
      continue;
    }
    is_copying = true;
    perform_copy(copy);
    is_copying = false;
    free(copy);
    tell_progress();
  }
  return unused;
}

/* What has not begun never does. */
void copies_end(void) {
  for (Copy *copy; (copy = pending);) {
    pending = copy->next;
    free(copy);
  }
  while (is_copying) wait_for_progress();
}

API hsa_amd_memory_async_copy(void *target, hsa_agent_t target_agent, const void *source,
                              hsa_agent_t source_agent, size_t size, uint32_t count,
                              const hsa_signal_t *dependencies, hsa_signal_t done) {
  NEEDS(target && source && !count == !dependencies);
  CALL(INITIALIZED);
  Agent agents[2];
  if (!agent_of(target_agent, &agents[0]) || !agent_of(source_agent, &agents[1]))
    return HSA_STATUS_ERROR_INVALID_AGENT;
  if (!size) return HSA_STATUS_SUCCESS; /* the signal stays as it is */
  NEEDS(done.handle);
  if (!signal_of(done)) return HSA_STATUS_ERROR_INVALID_SIGNAL;
  for (uint32_t i = 0; i < count; i++)
    if (!signal_of(dependencies[i])) return HSA_STATUS_ERROR_INVALID_SIGNAL;
  pthread_t thread;
  if (!has_thread && pthread_create(&thread, NULL, work, NULL))
    return HSA_STATUS_ERROR_OUT_OF_RESOURCES;
  if (!has_thread) pthread_detach(thread);
  has_thread = true;
  Copy *copy = calloc(1, sizeof *copy + count * sizeof *dependencies);
  if (!copy) return HSA_STATUS_ERROR_OUT_OF_RESOURCES;
  *copy = (Copy){pending, stamp_now(), {agents[0], agents[1]}, (uintptr_t)target,
                 (uintptr_t)source, size, done, count};
  if (count) memcpy(copy->dependencies, dependencies, count * sizeof *dependencies);
  pending = copy;
  tell_progress();
  return HSA_STATUS_SUCCESS;
}
