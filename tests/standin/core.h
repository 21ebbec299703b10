/* What the files of a stand-in share: a machine with GPUs, over the host's memory.

   cuda_*.c and hip_*.c give it a vendor's names and calling conventions, and say what differs
   between them (`vendor`, `current_context`). Results are CUDA's numbers, which HIP has taken over.

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
  const char *name; /* cuda or hip */
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

/* -- memory.c: what every address is ------------------------------------------------------------------ */

typedef enum {
  DEVICE_MEMORY,
  POOL_MEMORY,
  MAPPED_MEMORY,
  FOREIGN_MEMORY,
  HOST_MEMORY,
  REGISTERED_MEMORY,
  MANAGED_MEMORY,
  SIGNAL_MEMORY,
} MemoryKind;

typedef enum { COMING, LIVE, GONE } MemoryState;

typedef struct Pool {
  Object object;
  int device;
  uint32_t users; /* bits of devices */
} Pool;

typedef struct Allocation {
  uint64_t address;
  size_t size;
  uint8_t *bytes; /* where the library itself has it */
  MemoryKind kind;
  _Atomic MemoryState state;
  bool is_doomed;      /* a stream is to free it */
  bool is_portable;    /* of the host's memory: for all contexts */
  bool has_own_pages;  /* it was exported */
  int device;
  uint32_t users; /* bits of devices, of mapped memory */
  Context *owner;
  Pool *pool;
  Object *backing;
  int references;
  int active; /* operations that have it in hand */
  int descriptor; /* of its own pages */
} Allocation;

/* A range of one allocation. */
typedef struct {
  Allocation *allocation;
  uint64_t address;
  size_t size;
} Pin;

typedef enum { BY_COPY, BY_DEVICE } Access;

Allocation *memory_new(MemoryKind kind, Context *owner, int device, size_t size);
Result memory_add(Allocation *allocation);
Allocation *memory_at(uint64_t address);
Allocation *memory_after(uint64_t address);
Allocation *memory_starting(uint64_t address);
Allocation *memory_backed_by(const Object *backing);
bool memory_overlaps(uint64_t address, size_t size);
Result memory_pin(Context *context, uint64_t address, size_t size, Access access, Pin *pin);
void memory_unpin(Pin *pin);
uint8_t *pinned_bytes(const Pin *pin);
void memory_keep(Allocation *allocation);
void memory_drop(Allocation *allocation);
void memory_end(Allocation *allocation);
void memory_end_of(Context *root);

/* -- arena.c: addresses that the host cannot touch, and the bytes behind them --------------------------- */

Result arena_place(Allocation *allocation);
void arena_give_back(Allocation *allocation);
Result arena_descriptor(Allocation *allocation, int *descriptor);
size_t arena_used(int device);
Result arena_take(int device, size_t size);
void arena_return(int device, size_t size);
bool is_reserved(uint64_t address, size_t size);
Result reserve(size_t size, uint64_t *address);
Result unreserve(uint64_t address, size_t size);
bool is_in_one_reservation(uint64_t address, size_t size);

/* -- allocate.c: the calls that make and end memory ------------------------------------------------------ */

Result allocate_device(Context *context, size_t size, uint64_t *address);
Result allocate_host(Context *context, MemoryKind kind, size_t size, bool is_portable, void **made);
Result register_host(Context *context, void *start, size_t size, bool is_portable);
Result unregister_host(void *start);
Result free_device(Context *context, uint64_t address);
Result free_host(Context *context, void *start);
Result allocate_in_order(Stream *stream, Pool *pool, size_t size, uint64_t *address);
Result free_in_order(Stream *stream, uint64_t address);
Pool *pool_new(int device);
Pool *pool_default(int device);
Result pool_allow(Pool *pool, int device, bool is_allowed);

/* -- streams.c ------------------------------------------------------------------------------------------- */

typedef struct Event {
  Object object;
  _Atomic uint64_t recorded, done;
  double time; /* seconds */
} Event;

typedef enum { UNTIL_CYCLIC, UNTIL_EQUAL, UNTIL_AND, UNTIL_NOR, UNTIL_AT_LEAST } Until;

typedef enum {
  COPY,
  FILL,
  WAIT_VALUE,
  WRITE_VALUE,
  HOST_CALL,
  LAUNCH,
  RECORD,
  WAIT_EVENT,
  BECOME_LIVE,
  FREE,
} OperationKind;

typedef struct Kernel Kernel;

typedef struct {
  const Kernel *kernel; /* none: one that is not known */
  uint32_t grid[3];
  uint64_t addresses[2];
  uint32_t words[8];
} Launch;

typedef struct Operation {
  struct Operation *next;
  OperationKind kind;
  Pin target, source;
  uint8_t *staged; /* stands for the host's pageable memory, as source or as target */
  bool is_lent;    /* `staged` is not the operation's own */
  _Atomic uint64_t *word; /* instead of a target */
  uint64_t value, mask;
  int width;
  Until until;
  void (*function)(void *);
  void *argument;
  Object *holds;
  Launch launch;
} Operation;

struct Stream {
  Object object;
  Stream *next;
  Operation *_Atomic head;
  Operation *tail;
  _Atomic uint64_t pushed, done;
  uint64_t awaited;
  bool is_closing;
  bool is_touching; /* has memory in hand */
  bool is_asleep;
  pthread_cond_t work;
};

Result stream_new(Context *context, Stream **stream);
Result stream_of(const void *handle, Stream **stream);
void stream_close(Stream *stream);
Result stream_query(Stream *stream);
Result stream_synchronize(Stream *stream);
void stream_await(Stream *stream, uint64_t number);
uint64_t stream_push(Stream *stream, Operation operation);
Result context_synchronize(Context *context);
void streams_end_of(Context *root);
Context *context_of(const Stream *stream);

/* -- operations.c: what a stream's thread does -------------------------------------------------------------- */

Result perform(Stream *stream, Operation *operation);
void operation_free(Operation *operation);
double seconds(void);

/* -- requests.c: what calls give to streams ------------------------------------------------------------------ */

Result copy(Stream *stream, uint64_t target, uint64_t source, size_t size, bool is_waited_for);
Result fill(Stream *stream, uint64_t target, int width, uint64_t value, size_t count);
Result wait_value(Stream *stream, uint64_t address, uint64_t value, uint64_t mask, Until until);
Result write_value(Stream *stream, uint64_t address, uint64_t value);
Result call_host(Stream *stream, void (*function)(void *), void *argument);
Result event_record(Event *event, Stream *stream);
Result event_wait(Stream *stream, Event *event);
Event *event_new(Context *context);
Result event_query(const Event *event);
Result event_synchronize(Event *event);
bool read_safely(void *target, const void *source, size_t size);
bool write_safely(void *target, const void *source, size_t size);

/* -- kernels.c, modules.c: code ------------------------------------------------------------------------------- */

typedef struct Module {
  Object object;
  bool is_unloaded;
  int count;
  struct Function **functions;
} Module;

typedef struct Function {
  Object object;
  Module *module;
  const Kernel *kernel;
  char name[];
} Function;

const Kernel *kernel_named(const char *name);
Result kernel_arguments(const Kernel *kernel, void **pointers, void **extra, Launch *launch);
Result kernel_run(Stream *stream, const Launch *launch);
Result take_in_hand(Pin *pin);
void put_down(Pin *pin);
Result launch(Stream *stream, Function *function, const uint32_t grid[3], const uint32_t block[3],
              void **pointers, void **extra);
Module *module_new(Context *context);
void module_end(Module *module);
Result module_add(Module *module, const char *name, size_t length);
Function *module_function(const Module *module, const char *name);
Result module_parse_ptx(Module *module, const char *image);
Result module_parse_code_object(Module *module, const void *image);

/* -- sharing.c: memory that is mapped, exported and imported ---------------------------------------------------- */

typedef struct Backing {
  Object object;
  int device;
  int descriptor;
  size_t size;
  uint8_t *bytes;
  bool is_counted;
  bool is_exportable;
} Backing;

Result backing_new(int device, size_t size, Backing **made);
Result backing_import(int descriptor, Backing **made);
Result backing_export(Backing *backing, int *descriptor);
Result backing_map(Backing *backing, uint64_t address, size_t size, size_t offset);
Result backing_unmap(uint64_t address, size_t size);
Result backing_allow(uint64_t address, size_t size, int device, bool is_allowed);
Result address_free(uint64_t address, size_t size);
Result export_range(uint64_t address, size_t size, int *descriptor);

typedef struct {
  Object object;
  int descriptor;
  size_t size;
} ExternalMemory;

typedef struct {
  Object object;
  int descriptor;
  _Atomic uint64_t *payload;
} ExternalSemaphore;

Result external_memory_new(Context *context, int descriptor, size_t size, ExternalMemory **made);
void external_memory_end(ExternalMemory *memory, bool with_mappings);
Result external_memory_map(Context *context, ExternalMemory *memory, size_t offset, size_t size,
                           uint64_t *address);
Result external_semaphore_new(Context *context, int descriptor, ExternalSemaphore **made);

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
