/* The calls that make memory, and end it.

   A free waits for all that the context has, as the vendors' do; a free in a stream's order does not,
   and what is given that memory after it is refused. */

#include "core.h"

#include <stdlib.h>
#include <sys/mman.h>


static void *default_pools[MAX_DEVICES];

static Result place(Allocation *allocation, uint64_t *address) {
  Result result = arena_place(allocation);
  if (result) memory_drop(allocation);
  else *address = allocation->address;
  return result;
}

Result allocate_device(Context *context, size_t size, uint64_t *address) {
  return place(memory_new(DEVICE_MEMORY, context, context->device, size), address);
}

Result allocate_host(Context *context, MemoryKind kind, size_t size, bool is_portable,
                     void **made) {
  if (!size) return INVALID_VALUE;
  if (size > TOTAL_MEMORY) return OUT_OF_MEMORY;
  size_t room = (size + PAGE - 1) / PAGE * PAGE;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void *bytes = mmap(NULL, room, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (bytes == MAP_FAILED) return OUT_OF_MEMORY;
  Allocation *allocation = memory_new(kind, context, context->device, size);
  allocation->address = (uintptr_t)bytes;
  allocation->bytes = bytes;
  allocation->is_portable = is_portable;
  *made = bytes;
  return memory_add(allocation);
}

Result register_host(Context *context, void *start, size_t size, bool is_portable) {
  uint64_t address = (uintptr_t)start;
  if (!start || !size || address + size < address) return INVALID_VALUE;
  uint8_t first, last;
  if (is_reserved(address, size)) return INVALID_VALUE;
  if (memory_overlaps(address, size)) return HOST_MEMORY_ALREADY_REGISTERED;
  if (!read_safely(&first, start, 1) || !read_safely(&last, (uint8_t *)start + size - 1, 1))
    return INVALID_VALUE;
  Allocation *allocation = memory_new(REGISTERED_MEMORY, context, context->device, size);
  allocation->address = address;
  allocation->bytes = start;
  allocation->is_portable = is_portable;
  return memory_add(allocation);
}

Result unregister_host(void *start) {
  Allocation *found = memory_starting((uintptr_t)start);
  if (!found || found->kind != REGISTERED_MEMORY) return HOST_MEMORY_NOT_REGISTERED;
  memory_end(found);
  return DONE;
}

static Result free_after_all(Context *context, uint64_t address, Allocation *allocation) {
  memory_keep(allocation);
  Result result = context_synchronize(context);
  bool is_there = memory_starting(address) == allocation; /* not freed meanwhile */
  if (!result && is_there) memory_end(allocation);
  memory_drop(allocation);
  if (result) return result;
  return is_there ? DONE : INVALID_VALUE;
}

Result free_device(Context *context, uint64_t address) {
  Allocation *found = memory_starting(address);
  if (!found || found->is_doomed) return INVALID_VALUE;
  switch (found->kind) {
    case DEVICE_MEMORY:
    case POOL_MEMORY:
    case MANAGED_MEMORY:
    case FOREIGN_MEMORY:
    case SIGNAL_MEMORY:
      return free_after_all(context, address, found);
    default:
      return INVALID_VALUE;
  }
}

Result free_host(Context *context, void *start) {
  Allocation *found = memory_starting((uintptr_t)start);
  if (!found || found->kind != HOST_MEMORY) return INVALID_VALUE;
  return free_after_all(context, (uintptr_t)start, found);
}

/* -- pools -------------------------------------------------------------------------------------- */

Pool *pool_new(int device) {
  Pool *made = object_new(POOL, sizeof *made, context_primary(device));
  made->device = device;
  made->users = 1u << device;
  return made;
}

Pool *pool_default(int device) {
  Pool *found = object_of(POOL, default_pools[device]);
  if (found) return found;
  found = pool_new(device);
  default_pools[device] = found->object.handle;
  return found;
}

Result pool_allow(Pool *pool, int device, bool is_allowed) {
  if (device == pool->device) return is_allowed ? DONE : INVALID_DEVICE;
  if (!are_peers(device, pool->device)) return INVALID_DEVICE;
  uint32_t bit = 1u << device;
  pool->users = is_allowed ? pool->users | bit : pool->users & ~bit;
  return DONE;
}

Result allocate_in_order(Stream *stream, Pool *pool, size_t size, uint64_t *address) {
  if (!size) return INVALID_VALUE;
  Context *context = context_of(stream);
  Allocation *allocation = memory_new(POOL_MEMORY, context, pool->device, size);
  allocation->pool = pool;
  object_keep(&pool->object);
  allocation->state = COMING;
  TRY(place(allocation, address));
  memory_keep(allocation);
  stream_push(stream,
              (Operation){.kind = BECOME_LIVE, .target = {allocation, *address, size}});
  return DONE;
}

Result free_in_order(Stream *stream, uint64_t address) {
  Allocation *found = memory_starting(address);
  if (!found || found->is_doomed) return INVALID_VALUE;
  if (found->kind != POOL_MEMORY && found->kind != DEVICE_MEMORY) return INVALID_VALUE;
  found->is_doomed = true;
  memory_keep(found);
  stream_push(stream, (Operation){.kind = FREE, .target = {found, address, found->size}});
  return DONE;
}
