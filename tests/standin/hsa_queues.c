/* libhsa-runtime64.so.1: queues, and the thread of each, which processes its packets.

   1. A packet is taken in order, once the doorbell was rung for it, its index was given out, and its
      header is valid; until then it holds the queue.
   2. A dispatch is put aside (`launched`); those that are aside are run, the latest first, before a
      packet with the barrier bit, before any other kind of packet, and once they are due: dispatches
      without the bit come in another order than they were given in.
   3. What it waits for is looked at without the lock being held while it waits.
   4. After a fault the queue is dead: somebody is told, and nothing more of it is done. */

#include "hsa_abi.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MOST_LAUNCHED = 64, DEPENDENCIES = 5, PACKET = 64, HEADER_TYPE = 0xff };

typedef union {
  uint8_t bytes[PACKET];
  _Atomic uint16_t header;
  hsa_kernel_dispatch_packet_t dispatch;
  hsa_barrier_and_packet_t barrier;
  hsa_amd_barrier_value_packet_t value;
} Packet;

_Static_assert(sizeof(Packet) == PACKET, "Packet");

struct Launched {
  int count;
  Stamp stamp; /* of the first */
  Packet packets[MOST_LAUNCHED];
};

static const double NAP = 200e-6; /* seconds */

static Queue *queues;

/* -- a fault ---------------------------------------------------------------------------------------------- */

static void die(Queue *queue, hsa_status_t status, uint64_t fault) {
  queue->is_dead = true;
  queue->launched->count = 0;
  pthread_mutex_unlock(&core_lock);
  if (status == (hsa_status_t)HSA_STATUS_ERROR_MEMORY_FAULT) {
    if (!is_announced(fault, queue->device)) misused("a GPU's access to what it may not use");
  } else if (queue->callback) queue->callback(status, &queue->shared, queue->data);
  pthread_mutex_lock(&core_lock);
  tell_progress();
}

static void complete(Queue *queue, hsa_signal_t done) {
  Signal *signal = signal_of(done);
  if (signal) signal_decrement(signal);
  else if (done.handle && !queue->is_closing) die(queue, HSA_STATUS_ERROR_INVALID_SIGNAL, 0);
}

/* -- packets ------------------------------------------------------------------------------------------------- */

static void run_launched(Queue *queue) {
  struct Launched *launched = queue->launched;
  while (launched->count && !queue->is_closing) {
    const hsa_kernel_dispatch_packet_t *next = &launched->packets[--launched->count].dispatch;
    uint64_t fault = 0;
    hsa_status_t status = dispatch(queue, next, &fault);
    if (status) die(queue, status, fault);
    else complete(queue, next->completion_signal);
    tell_progress();
  }
}

static bool is_value_met(const hsa_amd_barrier_value_packet_t *packet, bool *is_wrong) {
  if (!packet->signal.handle) return true;
  const Signal *signal = signal_of(packet->signal);
  *is_wrong = !signal;
  return signal && is_met(packet->cond, signal_load(signal) & packet->mask, packet->value);
}

/* A signal that is none counts as one that is 0, but where all are. */
static bool is_barrier_met(const Packet *packet, int type, bool *is_wrong) {
  int awaited = 0, met = 0;
  if (type == HSA_PACKET_TYPE_VENDOR_SPECIFIC) return is_value_met(&packet->value, is_wrong);
  for (int i = 0; i < DEPENDENCIES; i++) {
    hsa_signal_t handle = packet->barrier.dep_signal[i];
    if (!handle.handle) continue;
    const Signal *signal = signal_of(handle);
    *is_wrong |= !signal;
    awaited++;
    met += signal && !signal_load(signal);
  }
  return type == HSA_PACKET_TYPE_BARRIER_AND ? met == awaited : met || !awaited;
}

static void pass_barrier(Queue *queue, const Packet *packet, int type) {
  bool is_wrong = false;
  while (!is_barrier_met(packet, type, &is_wrong)) {
    if (is_wrong) return die(queue, HSA_STATUS_ERROR_INVALID_SIGNAL, 0);
    wait_for_progress_until(seconds() + NAP);
    if (queue->is_closing) return;
  }
  complete(queue, packet->barrier.completion_signal);
}

static void consume(Queue *queue, Packet *place) {
  atomic_store(&place->header, HSA_PACKET_TYPE_INVALID);
  queue->read++;
  tell_progress();
}

static void launch_packet(Queue *queue, const Packet *packet) {
  struct Launched *launched = queue->launched;
  if (!launched->count) launched->stamp = stamp_now();
  launched->packets[launched->count++] = *packet;
}

static bool is_known(const Packet *packet, int type) {
  bool is_amds = packet->value.header.AmdFormat == HSA_AMD_PACKET_TYPE_BARRIER_VALUE;
  return type == HSA_PACKET_TYPE_KERNEL_DISPATCH || type == HSA_PACKET_TYPE_BARRIER_AND ||
         type == HSA_PACKET_TYPE_BARRIER_OR || (type == HSA_PACKET_TYPE_VENDOR_SPECIFIC && is_amds);
}

static void process(Queue *queue, Packet *place) {
  Packet packet = *place;
  int type = packet.header & HEADER_TYPE;
  bool is_dispatch = type == HSA_PACKET_TYPE_KERNEL_DISPATCH;
  bool is_held = !is_dispatch || packet.header & 1 << HSA_PACKET_HEADER_BARRIER;
  if (is_held || queue->launched->count == MOST_LAUNCHED) run_launched(queue);
  if (queue->is_dead || queue->is_closing) return;
  if (!is_known(&packet, type)) return die(queue, HSA_STATUS_ERROR_INVALID_PACKET_FORMAT, 0);
  if (is_dispatch) launch_packet(queue, &packet);
  else pass_barrier(queue, &packet, type);
  if (!queue->is_dead && !queue->is_closing) consume(queue, place);
}

/* -- the thread ------------------------------------------------------------------------------------------------ */

/* The next packet, or none, and when to look again. */
static Packet *next_packet(Queue *queue, double *until) {
  int64_t index = (int64_t)queue->read;
  if (queue->is_dead || index > queue->rung || (uint64_t)index >= queue->written) return NULL;
  Packet *place = (Packet *)queue->shared.base_address + index % queue->shared.size;
  if ((atomic_load(&place->header) & HEADER_TYPE) != HSA_PACKET_TYPE_INVALID) return place;
  *until = seconds() + NAP;
  return NULL;
}

static void *work(void *given) {
  Queue *queue = given;
  pthread_mutex_lock(&core_lock);
  while (!queue->is_closing) {
    double until = INFINITY;
    Packet *packet = next_packet(queue, &until);
    bool has_launched = queue->launched->count;
    if (packet) process(queue, packet);
    else if (has_launched && is_due(queue->launched->stamp)) run_launched(queue);
    else
      wait_for_progress_until(has_launched ? fmin(until, due_time(queue->launched->stamp)) : until);
  }
  free(queue->launched);
  queue->launched = NULL;
  tell_progress();
  pthread_mutex_unlock(&core_lock);
  return NULL;
}

/* Who writes its doorbell calls it: several may, in no order. */
void queue_ring(Queue *queue, int64_t index) {
  if (index > queue->rung) queue->rung = index;
  tell_progress();
}

/* -- the calls ---------------------------------------------------------------------------------------------------- */

static Queue *queue_of(const hsa_queue_t *given) {
  for (Queue *queue = queues; queue; queue = queue->next)
    if (&queue->shared == given) return queue;
  return NULL;
}

static Queue *must_be(const hsa_queue_t *given) {
  Queue *found = queue_of(given);
  if (!found) misused("a queue that is none, or none any more");
  return found;
}

static size_t ring_size(const Queue *queue) { return (size_t)queue->shared.size * PACKET; }

static Result open_ring(Queue *queue) {
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  Packet *ring = mmap(NULL, ring_size(queue), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (ring == MAP_FAILED) return OUT_OF_MEMORY;
  for (uint32_t i = 0; i < queue->shared.size; i++) ring[i].header = HSA_PACKET_TYPE_INVALID;
  queue->shared.base_address = ring;
  return DONE;
}

static Result open_queue(Queue *queue) {
  static uint64_t ids;
  TRY(open_ring(queue));
  Signal *doorbell = signal_new(0);
  doorbell->queue = queue;
  queue->shared.doorbell_signal.handle = (uintptr_t)doorbell->object.handle;
  queue->shared.features = HSA_QUEUE_FEATURE_KERNEL_DISPATCH;
  queue->shared.id = ++ids;
  queue->rung = -1;
  queue->lane.object.owner = context_primary(queue->device);
  if (!pthread_create(&queue->thread, NULL, work, queue)) return DONE;
  object_end(&doorbell->object);
  munmap(queue->shared.base_address, ring_size(queue));
  return OUT_OF_MEMORY;
}

API hsa_queue_create(hsa_agent_t handle, uint32_t size, hsa_queue_type32_t type,
                     void (*callback)(hsa_status_t, hsa_queue_t *, void *), void *data,
                     uint32_t private_size, uint32_t group_size, hsa_queue_t **made) {
  GIVES(made);
  CALL(INITIALIZED);
  (void)private_size, (void)group_size; /* hints */
  Agent agent;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  if (!agent.is_gpu) return HSA_STATUS_ERROR_INVALID_QUEUE_CREATION;
  NEEDS(size && !(size & (size - 1)) && size <= QUEUE_MAX && type <= HSA_QUEUE_TYPE_SINGLE);
  Queue *queue = calloc(1, sizeof *queue);
  struct Launched *launched = calloc(1, sizeof *launched);
  if (!queue || !launched) abort();
  queue->shared.type = type;
  queue->shared.size = size < QUEUE_MIN ? QUEUE_MIN : size;
  queue->device = agent.number;
  queue->callback = callback;
  queue->data = data;
  queue->launched = launched;
  PASS_ON(open_queue(queue));
  queue->next = queues;
  queues = queue;
  *made = &queue->shared;
  return HSA_STATUS_SUCCESS;
}

/* Returns once nothing of it is done any more. It is never freed, so that it is known when it is
   gone; what it had is. */
static void end_queue(Queue *queue) {
  for (Queue **place = &queues; *place; place = &(*place)->next)
    if (*place == queue) {
      *place = queue->next;
      break;
    }
  queue->is_closing = true;
  tell_progress();
  object_end(object_of(SIGNAL, (void *)(uintptr_t)queue->shared.doorbell_signal.handle));
  bool is_own = pthread_equal(queue->thread, pthread_self());
  pthread_detach(queue->thread);
  while (!is_own && queue->launched) wait_for_progress();
  munmap(queue->shared.base_address, ring_size(queue));
}

API hsa_queue_destroy(hsa_queue_t *queue) {
  NEEDS(queue);
  CALL(INITIALIZED);
  Queue *found = queue_of(queue);
  if (!found) return HSA_STATUS_ERROR_INVALID_QUEUE;
  end_queue(found);
  return HSA_STATUS_SUCCESS;
}

void queues_end(void) {
  while (queues) end_queue(queues);
}

EXPORTED uint64_t hsa_queue_load_read_index_scacquire(const hsa_queue_t *queue) {
  CALL_FOR_VALUE;
  return must_be(queue)->read;
}

EXPORTED uint64_t hsa_queue_load_write_index_relaxed(const hsa_queue_t *queue) {
  CALL_FOR_VALUE;
  return must_be(queue)->written;
}

EXPORTED uint64_t hsa_queue_add_write_index_screlease(const hsa_queue_t *queue, uint64_t value) {
  CALL_FOR_VALUE;
  return atomic_fetch_add(&must_be(queue)->written, value);
}
