/* What the files of a stand-in share: a machine with GPUs, over the host's memory.

   cuda_*.c, hip_*.c and hsa_*.c give it a vendor's names and calling conventions, and say what
   differs between them (`vendor`, `current_context`). Results are CUDA's numbers, which HIP has taken
   over, and which are translated into HSA's.

   One lock is held by every call of the vendor's from begin to end (`TURN`), but while it waits,
   and by the streams' threads, but while they do their work. All functions here are called with it
   held unless they say otherwise. */

#ifndef HAL_CTS_STAND_IN_CORE_H
#define HAL_CTS_STAND_IN_CORE_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
#define MAX_DEVICES 4
#define VERSION_TEXT "hal-cts stand-in 1"
#define PAGE ((size_t)4096)
#define GRANULARITY ((size_t)2 << 20)
#define TOTAL_MEMORY ((size_t)8 << 30)
#define MULTIPROCESSORS 16
#define MAX_THREADS 1024

typedef int Result;

enum {
  DONE = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  NO_DEVICE = 100,
  INVALID_DEVICE = 101,
  INVALID_IMAGE = 200,
  INVALID_CONTEXT = 201,
  NO_BINARY_FOR_GPU = 209,
  PEER_ACCESS_UNSUPPORTED = 217,
  INVALID_PTX = 218,
  UNSUPPORTED_PTX_VERSION = 222,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  PEER_ACCESS_ALREADY_ENABLED = 704,
  PEER_ACCESS_NOT_ENABLED = 705,
  CONTEXT_IS_DESTROYED = 709,
  HOST_MEMORY_ALREADY_REGISTERED = 712,
  HOST_MEMORY_NOT_REGISTERED = 713,
  MISALIGNED_ADDRESS = 716,
  LAUNCH_FAILED = 719,
  NOT_PERMITTED = 800,
  NOT_SUPPORTED = 801,
};

typedef struct Context Context;
typedef struct Stream Stream;

/* -- failures.c: calls that fail or do nothing on purpose; they need no lock --------------------- */

bool failure_for(const char *function, Result *result);
bool is_idle(const char *function);
bool is_without(const char *function);
bool names_agree(const char *given, size_t length, const char *function);

/* -- machine.c: what is simulated; it needs no lock ----------------------------------------------- */

typedef enum { SELF, NVLINK, SAME_SWITCH, SAME_BRIDGE, CROSS_SOCKET } Link;

typedef struct {
  const char *name;
  int count;
  bool is_mig;
  bool is_plain; /* no managed memory, pools, mappings, green contexts, or dma-bufs */
} Machine;

typedef struct {
  int number;
  int value;
  bool plain_lacks;
} Attribute;

/* Values of attributes: the number of the NUMA node, and of the PCI bus. */
#define OF_NODE (-1000)
#define OF_BUS (-1001)
#define PCI_DOMAIN 0xffff

const Machine *machine(void);
Link link_between(int device, int other);
bool are_peers(int device, int other);
int node_of(int device);
int bus_of(int device);
void uuid_of(int tag, int device, uint8_t bytes[16]);
int attribute_of(const Attribute *known, const char *vendor, int number, int device);

/* -- the vendor's side ---------------------------------------------------------------------------- */

typedef struct {
  const char *name; /* cuda, hip or hsa */
  bool has_one_fault; /* a misaligned access is an illegal one */
} Vendor;

extern const Vendor vendor;

/* The context that a call is made in, with why there is none. */
Context *current_context(Result *why);

/* -- turn.c: one call of the vendor's -------------------------------------------------------------- */

typedef enum { ANYWHERE, INITIALIZED, IN_CONTEXT } Needs;

typedef struct {
  bool goes_on;
  bool is_locked;
  Result result;
} Turn;

extern pthread_mutex_t core_lock;
extern pthread_cond_t core_progress;
extern bool is_initialized;
extern _Thread_local bool is_host_function;

Turn begin_turn(const char *function, Needs needs);
void end_turn(Turn *turn);
void wait_for_progress(void);
void wait_for_progress_until(double end);
void tell_progress(void);

/* At the top of every exported function: returns where the call is not to be carried out. */
#define TURN(needs)                                                                               \
  Turn turn __attribute__((cleanup(end_turn))) = begin_turn(__func__, needs);                     \
  if (!turn.goes_on) return turn.result

/* Before it, for each thing that is given back. */
#define OUT(pointer)                                                                              \
  do {                                                                                            \
    if (!(pointer)) return INVALID_VALUE;                                                         \
    memset((pointer), 0, sizeof *(pointer));                                                      \
  } while (0)

#define TRY(call)                                                                                 \
  do {                                                                                            \
    Result tried_ = (call);                                                                       \
    if (tried_) return tried_;                                                                    \
  } while (0)

/* -- objects.c: handles ---------------------------------------------------------------------------- */

typedef enum {
  ANY_OBJECT,
  CONTEXT,
  GREEN_CONTEXT,
  RESOURCES,
  STREAM,
  EVENT,
  MODULE,
  FUNCTION,
  POOL,
  BACKING,
  EXTERNAL_MEMORY,
  EXTERNAL_SEMAPHORE,
  SIGNAL,
  READER,
  EXECUTABLE,
} ObjectKind;

typedef struct Object {
  ObjectKind kind;
  int references;
  void *handle;
  Context *owner;
  void (*release)(struct Object *);
} Object;

void *object_new(ObjectKind kind, size_t size, Context *owner);
void *object_of(ObjectKind kind, const void *handle);
void object_keep(Object *object);
void object_drop(Object *object);
void object_end(Object *object);
void objects_end_of(Context *root);

/* -- contexts.c -------------------------------------------------------------------------------------- */

struct Context {
  Object object;
  Context *root; /* the primary one of its device, whose memory and errors it shares */
  int device;
  int multiprocessors;
  uint32_t peers; /* bits of devices whose memory is reached */
  atomic_bool is_gone;
  _Atomic Result sticky;
  Stream *default_stream;
};

Result context_retain(int device, Context **context);
Result context_release(int device);
void context_reset(int device);
Context *context_primary(int device);
Result context_check(Context *context);
bool context_is_lost(Context *context);
void context_fail(Context *context, Result result);
bool is_sticky(Result result);
Context *context_new_part(Context *root, int multiprocessors);
void context_end_part(Context *part);
Result context_reach(Context *context, int device);
Result context_unreach(Context *context, int device);

#include "memory.h"
#include "streams.h"

/* -- for the vendors' files: refusals --------------------------------------------------------------------- */

/* The device of an ordinal or a location, or the call is refused. */
#define CHECK_DEVICE(number)                                                                      \
  do {                                                                                            \
    if ((number) < 0 || (number) >= machine()->count) return INVALID_DEVICE;                      \
  } while (0)

#define NOT_ON_PLAIN                                                                              \
  do {                                                                                            \
    if (machine()->is_plain) return NOT_SUPPORTED;                                                \
  } while (0)

/* An object by its handle, or the call is refused. */
#define FIND(type, name, kind, given)                                                             \
  type *name = object_of(kind, (const void *)(uintptr_t)(given));                                 \
  if (!name) return INVALID_HANDLE

#define FIND_STREAM(name, given)                                                                  \
  Stream *name;                                                                                   \
  TRY(stream_of(given, &name))

#endif
