/* What the files of a stand-in share about memory: included by core.h. */

#ifndef HAL_CTS_STAND_IN_MEMORY_H
#define HAL_CTS_STAND_IN_MEMORY_H

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
  uint32_t users; /* bits of devices, of mapped memory, and where `has_users` */
  bool has_users; /* and so nobody else uses it, whatever its kind is */
  bool is_fine_grained;
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

#endif
