/* Memory that is mapped at addresses of its own, exported as a descriptor, and imported.

   A descriptor is a memory file's. One of this library's making is known by the file's name, which
   has the vendor's and the device's; others are imported as external memory, and as a timeline
   semaphore, whose value is in the first 8 bytes. */

#include "core.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map_file(int descriptor, size_t size, size_t offset) {
  int prot = PROT_READ | PROT_WRITE;
  void *bytes = mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, descriptor, offset);
  return bytes == MAP_FAILED ? NULL : bytes;
}

static Result duplicate(int descriptor, int *made) {
  *made = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return *made < 0 ? OUT_OF_MEMORY : DONE;
}

/* 0 for what is no file with bytes. */
static size_t size_of(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) || !S_ISREG(status.st_mode) ? 0 : status.st_size;
}

/* -- backings -------------------------------------------------------------------------------------- */

static void release_backing(Object *object) {
  Backing *backing = (Backing *)object;
  munmap(backing->bytes, backing->size);
  close(backing->descriptor);
  if (backing->is_counted) arena_return(backing->device, backing->size);
}

static Result backing_over(int descriptor, int device, size_t size, Backing **made) {
  uint8_t *bytes = map_file(descriptor, size, 0);
  if (!bytes) return OUT_OF_MEMORY;
  Backing *backing = object_new(BACKING, sizeof *backing, NULL);
  backing->object.release = release_backing;
  backing->device = device;
  backing->descriptor = descriptor;
  backing->size = size;
  backing->bytes = bytes;
  *made = backing;
  return DONE;
}

Result backing_new(int device, size_t size, Backing **made) {
  if (!size || size % GRANULARITY) return INVALID_VALUE;
  TRY(arena_take(device, size));
  char name[32];
  snprintf(name, sizeof name, "%s-shared-%d", vendor.name, device);
  int descriptor = memfd_create(name, MFD_CLOEXEC);
  Result result = descriptor < 0 || ftruncate(descriptor, size)
                      ? OUT_OF_MEMORY
                      : backing_over(descriptor, device, size, made);
  if (!result) {
    (*made)->is_counted = true;
    return DONE;
  }
  arena_return(device, size);
  if (descriptor >= 0) close(descriptor);
  return result;
}

static bool is_ours(int descriptor, int *device) {
  char path[32], name[64], wanted[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(path, name, sizeof name - 1);
  if (length < 0) return false;
  name[length] = 0;
  snprintf(wanted, sizeof wanted, "/memfd:%s-shared-%%d", vendor.name);
  return sscanf(name, wanted, device) == 1 && *device < machine()->count;
}

/* The descriptor stays the caller's. */
Result backing_import(int descriptor, Backing **made) {
  int device, own;
  if (!is_ours(descriptor, &device)) return INVALID_VALUE;
  TRY(duplicate(descriptor, &own));
  Result result = backing_over(own, device, size_of(own), made);
  if (result) close(own);
  else (*made)->is_exportable = true;
  return result;
}

Result backing_export(Backing *backing, int *descriptor) {
  return duplicate(backing->descriptor, descriptor);
}

Result backing_map(Backing *backing, uint64_t address, size_t size, size_t offset) {
  if (offset || size != backing->size || address % GRANULARITY) return INVALID_VALUE;
  if (!is_in_one_reservation(address, size)) return INVALID_VALUE;
  const Allocation *next = memory_after(address);
  if (next && next->address < address + size) return INVALID_VALUE;
  Allocation *mapped = memory_new(MAPPED_MEMORY, NULL, backing->device, size);
  mapped->address = address;
  mapped->bytes = backing->bytes;
  mapped->backing = &backing->object;
  object_keep(&backing->object);
  return memory_add(mapped);
}

static Allocation *mapping(uint64_t address, size_t size) {
  Allocation *found = memory_starting(address);
  return found && found->kind == MAPPED_MEMORY && found->size == size ? found : NULL;
}

Result backing_unmap(uint64_t address, size_t size) {
  Allocation *found = mapping(address, size);
  if (!found) return INVALID_VALUE;
  memory_end(found);
  return DONE;
}

Result backing_allow(uint64_t address, size_t size, int device, bool is_allowed) {
  Allocation *found = mapping(address, size);
  if (!found) return INVALID_VALUE;
  if (device != found->device && !are_peers(device, found->device)) return INVALID_DEVICE;
  uint32_t bit = 1u << device;
  found->users = is_allowed ? found->users | bit : found->users & ~bit;
  return DONE;
}

Result address_free(uint64_t address, size_t size) {
  const Allocation *next = memory_after(address);
  if (next && next->address < address + size) return INVALID_VALUE;
  return unreserve(address, size);
}

/* Of a whole allocation, of whole pages; the descriptor is the caller's to close. */
Result export_range(uint64_t address, size_t size, int *descriptor) {
  Allocation *found = memory_starting(address);
  if (!found || size != found->size || size % PAGE) return INVALID_VALUE;
  if (found->kind == MAPPED_MEMORY) return backing_export((Backing *)found->backing, descriptor);
  return found->kind == DEVICE_MEMORY ? arena_descriptor(found, descriptor) : INVALID_VALUE;
}

/* -- what others have made --------------------------------------------------------------------------- */

static void release_memory(Object *object) { close(((ExternalMemory *)object)->descriptor); }

/* The descriptor is this library's where it succeeds. */
Result external_memory_new(Context *context, int descriptor, size_t size, ExternalMemory **made) {
  if (!size || size > size_of(descriptor)) return INVALID_VALUE;
  ExternalMemory *memory = object_new(EXTERNAL_MEMORY, sizeof *memory, context);
  memory->object.release = release_memory;
  memory->descriptor = descriptor;
  memory->size = size;
  *made = memory;
  return DONE;
}

Result external_memory_map(Context *context, ExternalMemory *memory, size_t offset, size_t size,
                           uint64_t *address) {
  if (!size || offset % PAGE || offset > memory->size || size > memory->size - offset)
    return INVALID_VALUE;
  uint8_t *bytes = map_file(memory->descriptor, size, offset);
  if (!bytes) return OUT_OF_MEMORY;
  Result result = reserve((size + PAGE - 1) / PAGE * PAGE, address);
  if (result) {
    munmap(bytes, size);
    return result;
  }
  Allocation *made = memory_new(FOREIGN_MEMORY, context, context->device, size);
  made->address = *address;
  made->bytes = bytes;
  made->backing = &memory->object;
  object_keep(&memory->object);
  return memory_add(made);
}

void external_memory_end(ExternalMemory *memory, bool with_mappings) {
  object_keep(&memory->object);
  object_end(&memory->object);
  for (Allocation *found; with_mappings && (found = memory_backed_by(&memory->object));)
    memory_end(found);
  object_drop(&memory->object);
}

static void release_semaphore(Object *object) {
  ExternalSemaphore *semaphore = (ExternalSemaphore *)object;
  munmap(semaphore->payload, sizeof *semaphore->payload);
  close(semaphore->descriptor);
}

Result external_semaphore_new(Context *context, int descriptor, ExternalSemaphore **made) {
  if (size_of(descriptor) < sizeof(uint64_t)) return INVALID_VALUE;
  void *payload = map_file(descriptor, sizeof(uint64_t), 0);
  if (!payload) return OUT_OF_MEMORY;
  ExternalSemaphore *semaphore = object_new(EXTERNAL_SEMAPHORE, sizeof *semaphore, context);
  semaphore->object.release = release_semaphore;
  semaphore->descriptor = descriptor;
  semaphore->payload = payload;
  *made = semaphore;
  return DONE;
}
