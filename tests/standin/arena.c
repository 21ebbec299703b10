/* Addresses that the host cannot touch, and the bytes behind them.

   A device has a range of addresses, of which its memory is given out; the host gets a fault there.
   The bytes are at another place, which only this library knows. Pages are the host's once they are
   touched, and given back as soon as the memory is freed. An address is not given out again soon, and
   there is a gap behind each allocation. New memory does not begin with zeros. */

#include "core.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>


enum { MAX_RESERVATIONS = 4096, UNINITIALIZED = 0xcb };

#define ARENA_SIZE ((size_t)64 << 30)

typedef struct {
  uint64_t start;
  size_t size;
} Reservation;

typedef struct {
  uint64_t start, cursor;
  uint8_t *bytes;
  int descriptor;
  size_t used;
} Arena;

static Reservation reservations[MAX_RESERVATIONS];
static int reservation_count;
static Arena arenas[MAX_DEVICES];

static size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

Result reserve(size_t size, uint64_t *address) {
  if (reservation_count == MAX_RESERVATIONS) return OUT_OF_MEMORY;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  size_t room = size + GRANULARITY;
  uint8_t *found = room < size ? MAP_FAILED : mmap(NULL, room, PROT_NONE, flags, -1, 0);
  if (found == MAP_FAILED) return OUT_OF_MEMORY;
  size_t before = round_up((uintptr_t)found, GRANULARITY) - (uintptr_t)found;
  if (before) munmap(found, before);
  if (room - before > size) munmap(found + before + size, room - before - size);
  *address = (uintptr_t)found + before;
  reservations[reservation_count++] = (Reservation){*address, size};
  return DONE;
}

Result unreserve(uint64_t address, size_t size) {
  for (int i = 0; i < reservation_count; i++)
    if (reservations[i].start == address && reservations[i].size == size) {
      munmap((void *)address, size);
      reservations[i] = reservations[--reservation_count];
      return DONE;
    }
  return INVALID_VALUE;
}

bool is_reserved(uint64_t address, size_t size) {
  for (int i = 0; i < reservation_count; i++) {
    const Reservation *known = &reservations[i];
    if (address < known->start + known->size && known->start < address + size) return true;
  }
  return false;
}

bool is_in_one_reservation(uint64_t address, size_t size) {
  for (int i = 0; i < reservation_count; i++) {
    const Reservation *known = &reservations[i];
    if (address >= known->start && size <= known->size &&
        address - known->start <= known->size - size)
      return true;
  }
  return false;
}

static Result open_arena(Arena *arena, int device) {
  if (arena->start) return DONE;
  char name[32];
  snprintf(name, sizeof name, "%s-memory-%d", vendor.name, device);
  int descriptor = memfd_create(name, MFD_CLOEXEC);
  if (descriptor < 0 || ftruncate(descriptor, ARENA_SIZE)) return OUT_OF_MEMORY;
  int flags = MAP_SHARED | MAP_NORESERVE;
  void *bytes = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (bytes == MAP_FAILED) {
    close(descriptor);
    return OUT_OF_MEMORY;
  }
  TRY(reserve(ARENA_SIZE, &arena->start));
  arena->cursor = arena->start;
  arena->bytes = bytes;
  arena->descriptor = descriptor;
  return DONE;
}

static uint64_t free_place(const Arena *arena, uint64_t from, size_t size) {
  while (from + size <= arena->start + ARENA_SIZE) {
    const Allocation *next = memory_after(from);
    if (!next || next->address >= from + size) return from;
    from = round_up(next->address + next->size, PAGE) + PAGE;
  }
  return 0;
}

Result arena_take(int device, size_t size) {
  if (size > TOTAL_MEMORY - arenas[device].used) return OUT_OF_MEMORY;
  arenas[device].used += size;
  return DONE;
}

void arena_return(int device, size_t size) { arenas[device].used -= size; }

size_t arena_used(int device) { return arenas[device].used; }

/* Gives memory of its device an address, and adds it to the table. */
Result arena_place(Allocation *allocation) {
  Arena *arena = &arenas[allocation->device];
  if (allocation->size > TOTAL_MEMORY) return OUT_OF_MEMORY;
  size_t room = round_up(allocation->size, PAGE);
  TRY(open_arena(arena, allocation->device));
  TRY(arena_take(allocation->device, room));
  uint64_t found = free_place(arena, arena->cursor, room + PAGE);
  if (!found) found = free_place(arena, arena->start, room + PAGE);
  if (!found) {
    arena_return(allocation->device, room);
    return OUT_OF_MEMORY;
  }
  arena->cursor = found + room + PAGE;
  allocation->address = found;
  allocation->bytes = arena->bytes + (found - arena->start);
  memset(allocation->bytes, UNINITIALIZED, allocation->size < PAGE ? allocation->size : PAGE);
  return memory_add(allocation);
}

static void give_back_device(Allocation *allocation) {
  Arena *arena = &arenas[allocation->device];
  size_t room = round_up(allocation->size, PAGE), offset = allocation->bytes - arena->bytes;
  if (allocation->has_own_pages) {
    int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;
    mmap(allocation->bytes, room, PROT_READ | PROT_WRITE, flags, arena->descriptor, offset);
    close(allocation->descriptor);
  }
  fallocate(arena->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, room);
  arena_return(allocation->device, room);
}

void arena_give_back(Allocation *allocation) {
  size_t room = round_up(allocation->size, PAGE);
  switch (allocation->kind) {
    case DEVICE_MEMORY:
    case POOL_MEMORY:
      give_back_device(allocation);
      break;
    case HOST_MEMORY:
    case MANAGED_MEMORY:
    case SIGNAL_MEMORY:
      munmap(allocation->bytes, room);
      break;
    case FOREIGN_MEMORY:
      munmap(allocation->bytes, allocation->size);
      unreserve(allocation->address, room);
      break;
    case MAPPED_MEMORY: /* its backing has the bytes */
    case REGISTERED_MEMORY:
      break;
  }
}

/* A descriptor of the memory, the caller's to close; from the first one on it has pages of its own. */
Result arena_descriptor(Allocation *allocation, int *descriptor) {
  if (!allocation->has_own_pages) {
    size_t room = round_up(allocation->size, PAGE);
    while (allocation->active) wait_for_progress();
    int own = memfd_create("dma-buf", MFD_CLOEXEC);
    if (own < 0) return OUT_OF_MEMORY;
    ssize_t written = ftruncate(own, room) ? -1 : pwrite(own, allocation->bytes, room, 0);
    int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED, prot = PROT_READ | PROT_WRITE;
    if (written != (ssize_t)room ||
        mmap(allocation->bytes, room, prot, flags, own, 0) == MAP_FAILED) {
      close(own);
      return OUT_OF_MEMORY;
    }
    allocation->descriptor = own;
    allocation->has_own_pages = true;
  }
  *descriptor = fcntl(allocation->descriptor, F_DUPFD_CLOEXEC, 0);
  return *descriptor < 0 ? OUT_OF_MEMORY : DONE;
}
