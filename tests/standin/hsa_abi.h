/* The types and constants of AMD's HSA runtime, and what the files of its stand-in share.

   The vendor's own headers are included, and so a function that is not declared as AMD declares it
   does not compile. What is newer than Debian's headers is declared here.

   Statuses are HSA's own numbers: what the shared files say in CUDA's is translated (`status_of`). A
   call that gives no status and is given a handle that is none ends the process: AMD's crashes there,
   and whatever it gave back would be taken for a value. */

#ifndef HAL_CTS_STAND_IN_HSA_ABI_H
#define HAL_CTS_STAND_IN_HSA_ABI_H

#include "core.h"

#include <hsa/hsa.h>
#include <hsa/hsa_ext_amd.h>

#define API EXPORTED hsa_status_t
#define INVALID_MEMORY_POOL ((hsa_status_t)HSA_STATUS_ERROR_INVALID_MEMORY_POOL)
#define TICKS 100000000 /* of the timestamp, each second */

enum { KERNARG_ALIGNMENT = 16, QUEUE_MIN = 64, QUEUE_MAX = 131072 };

enum { /* newer than the headers */
  AGENT_INFO_MEMORY_AVAIL = 0xa015,
  AGENT_INFO_NEAREST_CPU = 0xa113,
  AGENT_INFO_MEMORY_PROPERTIES = 0xa114,
  SYSTEM_INFO_DMABUF_SUPPORTED = 0x204,
  SYSTEM_INFO_VIRTUAL_MEM_API_SUPPORTED = 0x205,
  SYSTEM_INFO_EXT_VERSION_MAJOR = 0x207,
  SYSTEM_INFO_EXT_VERSION_MINOR = 0x208,
};

API hsa_amd_portable_export_dmabuf(const void *start, size_t size, int *descriptor,
                                   uint64_t *offset);
API hsa_amd_portable_close_dmabuf(int descriptor);

/* -- one call: at the top of every exported function ----------------------------------------------- */

#define GIVES(pointer)                                                                            \
  do {                                                                                            \
    if (!(pointer)) return HSA_STATUS_ERROR_INVALID_ARGUMENT;                                     \
    memset((pointer), 0, sizeof *(pointer));                                                      \
  } while (0)

#define NEEDS(condition)                                                                          \
  do {                                                                                            \
    if (!(condition)) return HSA_STATUS_ERROR_INVALID_ARGUMENT;                                   \
  } while (0)

#define CALL(needs)                                                                               \
  Turn turn __attribute__((cleanup(end_turn))) = begin_turn(__func__, needs);                     \
  if (!turn.goes_on) return status_of(turn.result)

/* Of one without a status: what is injected is what it gives back. */
#define CALL_FOR_VALUE                                                                            \
  Turn turn __attribute__((cleanup(end_turn))) = begin_turn(__func__, ANYWHERE);                  \
  if (!turn.goes_on) return turn.result

#define CALL_FOR_NOTHING                                                                          \
  Turn turn __attribute__((cleanup(end_turn))) = begin_turn(__func__, ANYWHERE);                  \
  if (!turn.goes_on) return

#define PASS_ON(call)                                                                             \
  do {                                                                                            \
    Result passed_ = (call);                                                                      \
    if (passed_) return status_of(passed_);                                                       \
  } while (0)

#define LOOK_UP(type, name, kind, given, status)                                                  \
  type *name = object_of(kind, (const void *)(uintptr_t)(given).handle);                          \
  if (!name) return status

#define ANSWER(type, number, answer)                                                              \
  case number:                                                                                    \
    *(type *)value = (answer);                                                                    \
    return HSA_STATUS_SUCCESS

/* -- hsa_runtime.c ----------------------------------------------------------------------------------- */

hsa_status_t status_of(Result result);
void end_early(Turn *turn);
_Noreturn void misused(const char *what);
bool is_announced(uint64_t address, int device);
Context *host_context(void);

/* -- hsa_agents.c, hsa_pools.c -------------------------------------------------------------------------------------- */

typedef struct {
  bool is_gpu;
  int number; /* of the GPU, or of the NUMA node */
} Agent;

typedef enum { KERNARG_POOL = 1, COARSE_POOL = 2, DEVICE_POOL = 3, GROUP_POOL = 4 } PoolKind;

typedef struct {
  Agent owner;
  PoolKind kind;
} MemoryPool;

bool agent_of(hsa_agent_t handle, Agent *agent);
hsa_agent_t handle_of(Agent agent);
bool pool_of(hsa_amd_memory_pool_t handle, MemoryPool *pool);
int agent_count(void);
Agent agent_at(int place);
hsa_amd_memory_pool_access_t access_of(Agent agent, MemoryPool pool);
bool devices_of(const hsa_agent_t *agents, size_t count, uint32_t *devices);

/* -- hsa_memory.c --------------------------------------------------------------------------------------- */

void locks_end(void);

/* -- hsa_signals.c --------------------------------------------------------------------------------------- */

typedef struct Queue Queue;

typedef struct {
  Object object;
  _Atomic int64_t *value;
  _Atomic int64_t own;
  Allocation *shared; /* where others reach the value */
  Queue *queue;       /* whose doorbell it is */
} Signal;

/* When something was given to a device. It is done once somebody has looked at a signal since, or
   after a moment: until then what comes after it may overtake it, as on a device. */
typedef struct {
  uint64_t looks;
  double time;
} Stamp;

Stamp stamp_now(void);
bool is_due(Stamp stamp);
double due_time(Stamp stamp);
Signal *signal_new(int64_t value);
Signal *signal_of(hsa_signal_t handle);
int64_t signal_load(const Signal *signal);
void signal_set(Signal *signal, int64_t value);
void signal_decrement(Signal *signal);
bool is_met(hsa_signal_condition_t condition, int64_t value, int64_t wanted);
double next_look(const Signal *signal);

/* -- hsa_copies.c ----------------------------------------------------------------------------------------- */

void copies_end(void);

/* -- hsa_queues.c ------------------------------------------------------------------------------------------- */

struct Queue {
  hsa_queue_t shared;
  Queue *next;
  Stream lane; /* what kernels are run in */
  int device;
  _Atomic uint64_t written, read;
  int64_t rung;
  bool is_closing, is_dead;
  pthread_t thread;
  void (*callback)(hsa_status_t, hsa_queue_t *, void *);
  void *data;
  struct Launched *launched; /* dispatches that are not run yet */
};

void queue_ring(Queue *queue, int64_t index);
void queues_end(void);

/* -- hsa_dispatch.c, hsa_code.c --------------------------------------------------------------------------------- */

hsa_status_t dispatch(Queue *queue, const hsa_kernel_dispatch_packet_t *packet, uint64_t *fault);
Function *function_of_kernel(uint64_t kernel);

#endif
