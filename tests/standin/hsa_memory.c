/* libhsa-runtime64.so.1: memory of pools, host memory that is locked, and dma-bufs.

   Memory has the agents that may use it (`users`, bits of GPUs): a GPU's own has that GPU from the
   begin, the host's has none before somebody allows it. The host cannot touch a GPU's. Locked memory
   has an address of its own, for the agents; theirs is not the host's. */

#include "hsa_abi.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Lock {
  struct Lock *next;
  void *start;
  uint64_t address;
  size_t room;
} Lock;

static Lock *locks;

/* -- pools ------------------------------------------------------------------------------------------- */

static Result allocate(MemoryPool pool, size_t size, uint64_t *address) {
  if (pool.owner.is_gpu)
    return allocate_device(context_primary(pool.owner.number), size, address);
  void *made;
  TRY(allocate_host(host_context(), HOST_MEMORY, size, false, &made));
  *address = (uintptr_t)made;
  return DONE;
}

API hsa_amd_memory_pool_allocate(hsa_amd_memory_pool_t handle, size_t size, uint32_t flags,
                                 void **start) {
  GIVES(start);
  CALL(INITIALIZED);
  MemoryPool pool;
  if (!pool_of(handle, &pool)) return INVALID_MEMORY_POOL;
  NEEDS(size && !flags);
  if (pool.kind == GROUP_POOL || size > TOTAL_MEMORY) return HSA_STATUS_ERROR_INVALID_ALLOCATION;
  uint64_t address;
  PASS_ON(allocate(pool, size, &address));
  Allocation *made = memory_at(address);
  made->has_users = true;
  made->users = pool.owner.is_gpu ? 1u << pool.owner.number : 0;
  made->is_fine_grained = pool.kind == KERNARG_POOL;
  *start = (void *)address;
  return HSA_STATUS_SUCCESS;
}

static Allocation *of_a_pool(uint64_t address) {
  Allocation *found = memory_at(address);
  bool is_pools = found && (found->kind == DEVICE_MEMORY || found->kind == HOST_MEMORY);
  return is_pools ? found : NULL;
}

static Allocation *beginning_at(const void *start) {
  Allocation *found = of_a_pool((uintptr_t)start);
  return found && found->address == (uintptr_t)start ? found : NULL;
}

/* Does not wait for what is queued: that finds it gone. */
API hsa_amd_memory_pool_free(void *start) {
  CALL(INITIALIZED);
  if (!start) return HSA_STATUS_SUCCESS;
  Allocation *found = beginning_at(start);
  if (!found) return HSA_STATUS_ERROR_INVALID_ALLOCATION;
  memory_end(found);
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_agents_allow_access(uint32_t count, const hsa_agent_t *agents, const uint32_t *flags,
                                const void *start) {
  NEEDS(count && agents && !flags);
  CALL(INITIALIZED);
  Allocation *found = beginning_at(start);
  NEEDS(found);
  bool is_gpus = found->kind == DEVICE_MEMORY;
  MemoryPool pool = {{is_gpus, is_gpus ? found->device : 0}, is_gpus ? DEVICE_POOL : COARSE_POOL};
  uint32_t users;
  if (!devices_of(agents, count, &users)) return HSA_STATUS_ERROR_INVALID_AGENT;
  for (uint32_t i = 0; i < count; i++) {
    Agent agent;
    agent_of(agents[i], &agent);
    NEEDS(access_of(agent, pool) != HSA_AMD_MEMORY_POOL_ACCESS_NEVER_ALLOWED);
  }
  found->users = users | (is_gpus ? 1u << found->device : 0);
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_memory_fill(void *start, uint32_t value, size_t count) {
  NEEDS(start && (uintptr_t)start % sizeof value == 0);
  CALL(INITIALIZED);
  if (!count) return HSA_STATUS_SUCCESS;
  Allocation *found = of_a_pool((uintptr_t)start);
  uint64_t offset = found ? (uintptr_t)start - found->address : 0;
  if (!found || count > (found->size - offset) / sizeof value)
    return HSA_STATUS_ERROR_INVALID_ALLOCATION;
  uint32_t *words = (uint32_t *)(found->bytes + offset);
  found->active++;
  pthread_mutex_unlock(&core_lock);
  for (size_t i = 0; i < count; i++) words[i] = value;
  pthread_mutex_lock(&core_lock);
  found->active--;
  tell_progress();
  return HSA_STATUS_SUCCESS;
}

/* -- host memory that is locked -------------------------------------------------------------------------- */

static Result lock(void *start, size_t size, uint32_t users, uint64_t *address) {
  uint8_t byte;
  uint64_t begin = (uintptr_t)start / PAGE * PAGE, shift = (uintptr_t)start - begin;
  size_t room = (shift + size + PAGE - 1) / PAGE * PAGE;
  bool is_there = read_safely(&byte, start, 1) && read_safely(&byte, (uint8_t *)start + size - 1, 1);
  if (!is_there || room < size) return OUT_OF_MEMORY;
  Lock *made = malloc(sizeof *made);
  if (!made) return OUT_OF_MEMORY;
  *made = (Lock){locks, start, 0, room};
  Result result = reserve(room, &made->address);
  if (result) {
    free(made);
    return result;
  }
  locks = made;
  Allocation *allocation = memory_new(REGISTERED_MEMORY, host_context(), 0, size);
  allocation->address = *address = made->address + shift;
  allocation->bytes = start;
  allocation->has_users = true;
  allocation->users = users;
  return memory_add(allocation);
}

static hsa_status_t lock_for(void *start, size_t size, const hsa_agent_t *agents, int count,
                             void **made) {
  NEEDS(start && size && !agents == !count && count >= 0);
  uint32_t users = UINT32_MAX;
  if (count && !devices_of(agents, count, &users)) return HSA_STATUS_ERROR_INVALID_AGENT;
  uint64_t address;
  PASS_ON(lock(start, size, users, &address));
  *made = (void *)address;
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_memory_lock(void *start, size_t size, hsa_agent_t *agents, int count, void **made) {
  GIVES(made);
  CALL(INITIALIZED);
  return lock_for(start, size, agents, count, made);
}

API hsa_amd_memory_lock_to_pool(void *start, size_t size, hsa_agent_t *agents, int count,
                                hsa_amd_memory_pool_t handle, uint32_t flags, void **made) {
  GIVES(made);
  CALL(INITIALIZED);
  MemoryPool pool;
  if (!pool_of(handle, &pool) || pool.owner.is_gpu) return INVALID_MEMORY_POOL;
  NEEDS(!flags);
  return lock_for(start, size, agents, count, made);
}

static void end_lock(Lock **place) {
  Lock *found = *place;
  Allocation *allocation = memory_after(found->address);
  *place = found->next;
  memory_end(allocation);
  unreserve(found->address, found->room);
  free(found);
}

/* By the host's address, the latest first. */
API hsa_amd_memory_unlock(void *start) {
  CALL(INITIALIZED);
  for (Lock **place = &locks; *place; place = &(*place)->next)
    if ((*place)->start == start) {
      end_lock(place);
      return HSA_STATUS_SUCCESS;
    }
  return HSA_STATUS_ERROR_INVALID_ARGUMENT;
}

void locks_end(void) {
  while (locks) end_lock(&locks);
}

/* -- dma-bufs -------------------------------------------------------------------------------------------------- */

/* All of the allocation, and where in it the range is. */
API hsa_amd_portable_export_dmabuf(const void *start, size_t size, int *descriptor,
                                   uint64_t *offset) {
  NEEDS(start && size && offset);
  if (!descriptor) return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  CALL(INITIALIZED);
  if (machine()->is_plain) return HSA_STATUS_ERROR;
  Allocation *found = of_a_pool((uintptr_t)start);
  if (!found || size > found->size - ((uintptr_t)start - found->address))
    return HSA_STATUS_ERROR_INVALID_ALLOCATION;
  if (found->kind != DEVICE_MEMORY) return HSA_STATUS_ERROR_INVALID_AGENT;
  *offset = (uintptr_t)start - found->address;
  PASS_ON(arena_descriptor(found, descriptor));
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_portable_close_dmabuf(int descriptor) {
  CALL(INITIALIZED);
  return close(descriptor) ? HSA_STATUS_ERROR_RESOURCE_FREE : HSA_STATUS_SUCCESS;
}

static size_t size_of_dmabuf(int descriptor) {
  static const char NAME[] = "/memfd:dma-buf";
  char path[32], target[sizeof NAME];
  struct stat status;
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(path, target, sizeof target - 1);
  bool is_one = length == sizeof NAME - 1 && !memcmp(target, NAME, sizeof NAME - 1);
  return is_one && !fstat(descriptor, &status) ? status.st_size : 0;
}

static Result import(int descriptor, size_t size, uint32_t users, uint64_t *address) {
  ExternalMemory *memory;
  int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return OUT_OF_MEMORY;
  Result result = external_memory_new(host_context(), own, size, &memory);
  if (result) {
    close(own);
    return result;
  }
  result = external_memory_map(host_context(), memory, 0, size, address);
  if (result) {
    external_memory_end(memory, true);
    return result;
  }
  Allocation *made = memory_at(*address);
  made->has_users = true;
  made->users = users;
  return DONE;
}

API hsa_amd_interop_map_buffer(uint32_t count, hsa_agent_t *agents, int descriptor, uint32_t flags,
                               size_t *size, void **start, size_t *metadata_size,
                               const void **metadata) {
  GIVES(size);
  GIVES(start);
  CALL(INITIALIZED);
  uint32_t users;
  NEEDS(count && agents && !flags && devices_of(agents, count, &users) && users);
  size_t found = size_of_dmabuf(descriptor);
  NEEDS(found);
  uint64_t address;
  PASS_ON(import(descriptor, found, users, &address));
  *size = found;
  *start = (void *)address;
  if (metadata_size) *metadata_size = 0;
  if (metadata) *metadata = NULL;
  return HSA_STATUS_SUCCESS;
}

API hsa_amd_interop_unmap_buffer(void *start) {
  CALL(INITIALIZED);
  Allocation *found = memory_starting((uintptr_t)start);
  NEEDS(found && found->kind == FOREIGN_MEMORY);
  external_memory_end((ExternalMemory *)found->backing, true);
  return HSA_STATUS_SUCCESS;
}
