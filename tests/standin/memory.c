/* What every address is: a table of allocations, by address.

   Whatever touches memory does so through a pin, a range of one allocation. What is queued keeps the
   allocation's record; what is under way keeps its bytes too, and an end of the memory waits for it. */

#include "core.h"

#include <stdlib.h>


static Allocation **table; /* sorted; those that end stay until nothing has them in hand */
static size_t count, capacity;

/* With one reference, the table's, once it has been added to it. */
Allocation *memory_new(MemoryKind kind, Context *owner, int device, size_t size) {
  Allocation *made = calloc(1, sizeof *made);
  if (!made) abort();
  made->kind = kind;
  made->owner = owner;
  made->device = device;
  made->size = size;
  made->state = LIVE;
  made->references = 1;
  made->descriptor = -1;
  return made;
}

/* The place of the first that ends behind an address. */
static size_t place_after(uint64_t address) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (table[middle]->address + table[middle]->size > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

Allocation *memory_after(uint64_t address) {
  size_t place = place_after(address);
  return place < count ? table[place] : NULL;
}

Result memory_add(Allocation *allocation) {
  if (count == capacity) {
    capacity = capacity ? 2 * capacity : 256;
    table = realloc(table, capacity * sizeof *table);
    if (!table) abort();
  }
  size_t place = place_after(allocation->address);
  memmove(table + place + 1, table + place, (count - place) * sizeof *table);
  table[place] = allocation;
  count++;
  return DONE;
}

Allocation *memory_at(uint64_t address) {
  Allocation *found = memory_after(address);
  bool is_there = found && found->address <= address && found->state != GONE;
  return is_there ? found : NULL;
}

Allocation *memory_starting(uint64_t address) {
  Allocation *found = memory_at(address);
  return found && found->address == address ? found : NULL;
}

/* One that an object is the backing of. */
Allocation *memory_backed_by(const Object *backing) {
  for (size_t place = 0; place < count; place++)
    if (table[place]->backing == backing && table[place]->state != GONE) return table[place];
  return NULL;
}

/* Whether any of it is in the table, or is what the host cannot touch. */
bool memory_overlaps(uint64_t address, size_t size) {
  Allocation *found = memory_after(address);
  return (found && found->address < address + size) || is_reserved(address, size);
}

static bool may_use(const Context *context, const Allocation *allocation, Access access) {
  uint32_t device = 1u << context->device;
  bool is_own = allocation->device == context->device;
  if (allocation->has_users) return allocation->users & device;
  switch (allocation->kind) {
    case HOST_MEMORY:
    case REGISTERED_MEMORY:
      return access == BY_COPY || allocation->is_portable ||
             allocation->owner->root == context->root;
    case MANAGED_MEMORY:
    case SIGNAL_MEMORY:
      return true;
    case MAPPED_MEMORY:
      return allocation->users & (access == BY_COPY ? device | 1u << allocation->device : device);
    case POOL_MEMORY:
      return access == BY_COPY || is_own || allocation->pool->users & device;
    case FOREIGN_MEMORY:
      return is_own;
    case DEVICE_MEMORY:
      return access == BY_COPY || is_own || context->root->peers & 1u << allocation->device;
  }
  return false;
}

Result memory_pin(Context *context, uint64_t address, size_t size, Access access, Pin *pin) {
  Allocation *found = memory_at(address);
  if (!found || found->is_doomed || size > found->size ||
      address - found->address > found->size - size || !may_use(context, found, access))
    return INVALID_VALUE;
  memory_keep(found);
  *pin = (Pin){found, address, size};
  return DONE;
}

void memory_unpin(Pin *pin) {
  if (pin->allocation) memory_drop(pin->allocation);
  pin->allocation = NULL;
}

uint8_t *pinned_bytes(const Pin *pin) {
  return pin->allocation->bytes + (pin->address - pin->allocation->address);
}

void memory_keep(Allocation *allocation) { allocation->references++; }

void memory_drop(Allocation *allocation) {
  if (--allocation->references) return;
  if (allocation->pool) object_drop(&allocation->pool->object);
  if (allocation->backing) object_drop(allocation->backing);
  free(allocation);
}

static void take_out(const Allocation *allocation) {
  for (size_t place = place_after(allocation->address); place < count; place++)
    if (table[place] == allocation) {
      count--;
      memmove(table + place, table + place + 1, (count - place) * sizeof *table);
      return;
    }
}

/* Ends it, once nothing has it in hand. What is queued finds it gone. */
void memory_end(Allocation *allocation) {
  allocation->state = GONE;
  while (allocation->active) wait_for_progress();
  take_out(allocation);
  arena_give_back(allocation);
  memory_drop(allocation);
}

static Allocation *any_of(const Context *root) {
  for (size_t place = count; place--;) {
    Allocation *found = table[place];
    if (found->state != GONE && found->owner && found->owner->root == root) return found;
  }
  return NULL;
}

void memory_end_of(Context *root) {
  for (Allocation *found; (found = any_of(root));) memory_end(found);
}
