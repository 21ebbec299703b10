/* A Vulkan driver that is another one, but for what the environment says.

   The loader loads it as it loads any; what it is asked for it hands on to FAKE_ICD_REAL.

   FAKE_ICD_REAL=PATH        the library of the driver that does the work
   FAKE_CRASH=1              aborts when it is loaded
   FAKE_FAIL=CALL=RESULT     a call fails, and is not handed on: each of its name, with CALL@3 from
                             the third on; several are divided by commas
   FAKE_LOG=PATH             a line for each call: its name, and its result or "-"; destructions of
                             nothing are left out
   FAKE_HIDE=NAME,...        functions and device extensions that are not there
   FAKE_NAME=TEXT            the devices' name
   FAKE_API_VERSION=1.1      the devices' version
   FAKE_NO_TIMELINE=1        no timeline semaphores
   FAKE_NO_COMPUTE=1         no queue family that computes
   FAKE_NO_EXTERNAL=1        no buffer can be exported or imported
   FAKE_MAX_JUMP=N           maxTimelineSemaphoreValueDifference
   FAKE_MAX_ALLOCATION=N     maxMemoryAllocationSize
   FAKE_IMPORT_ALIGNMENT=N   minImportedHostPointerAlignment
   FAKE_NON_COHERENT=1       no memory type is coherent, and none behaves so: what is mapped is a
                             copy, which only flushes and invalidations bring in line

   What it asks of the environment may change between two calls.

   Every call that is handed on has at most six arguments, numbers and pointers, so one signature
   stands for all of them: in the calling conventions of 64-bit x86 and ARM, six are in registers,
   and those that a function does not have are no matter to it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t Word;
typedef Word (*Call)(Word, Word, Word, Word, Word, Word);
typedef void (*Function)(void);
typedef Function (*Find)(void *, const char *);

/* -- structures, as far as they are looked at ------------------------------------------------ */

enum {
  TIMELINE_FEATURES = 1000207000,
  TIMELINE_PROPERTIES = 1000207001,
  VULKAN_12_FEATURES = 51,
  MAINTENANCE_3_PROPERTIES = 1000168000,
  HOST_MEMORY_PROPERTIES = 1000178002,
  QUEUE_COMPUTE = 2,
  MEMORY_COHERENT = 4,
};

typedef struct Chained {
  int32_t type;
  struct Chained *next;
} Chained;

typedef struct { uint32_t api, driver, vendor, device; int32_t type; char name[256]; } Properties;
typedef struct { Chained head; Properties properties; } Properties2;
typedef struct { Chained head; uint32_t per_set; uint64_t allocation; } Maintenance3;
typedef struct { Chained head; uint64_t value; } OneValue;
typedef struct { Chained head; uint32_t timeline; } TimelineFeatures;
typedef struct { uint32_t flags, count, bits, granularity[3]; } QueueFamily;
typedef struct { Chained head; QueueFamily family; } QueueFamily2;
typedef struct { uint32_t count; struct { uint32_t flags, heap; } types[32]; } Memory;
typedef struct { Chained head; Memory memory; } Memory2;
typedef struct { Chained head; uint32_t features; } ExternalBuffer;
typedef struct { char name[256]; uint32_t version; } Extension;
typedef struct { Chained head; uint64_t size; } Allocation;
typedef struct { Chained head; uint64_t memory, offset, size; } Range;

enum { TIMELINE_IN_VULKAN_12 = 164 };

/* -- the environment ------------------------------------------------------------------------- */

static bool has(const char *text, const char *name) {
  size_t length = strlen(name);
  for (const char *at = text; at && (at = strstr(at, name)); at += length)
    if ((at == text || at[-1] == ',') && (!at[length] || at[length] == ',')) return true;
  return false;
}

static bool is_hidden(const char *name) { return has(getenv("FAKE_HIDE"), name); }

/* What the count-th call of a name gives by FAKE_FAIL; 0 where it is handed on. */
static int32_t failure(const char *name, int count) {
  char wanted[1024], *rest, *save;
  snprintf(wanted, sizeof wanted, "%s", getenv("FAKE_FAIL") ? getenv("FAKE_FAIL") : "");
  for (rest = strtok_r(wanted, ",", &save); rest; rest = strtok_r(NULL, ",", &save)) {
    char call[128];
    int first = 1, result;
    if (sscanf(rest, "%127[^@=]@%d=%d", call, &first, &result) != 3 &&
        sscanf(rest, "%127[^@=]=%d", call, &result) != 2)
      abort();
    if (!strcmp(call, name) && count >= first) return result;
  }
  return 0;
}

static void note(const char *name, bool is_void, int32_t result) {
  const char *path = getenv("FAKE_LOG");
  char line[128];
  int length = is_void ? snprintf(line, sizeof line, "%s -\n", name)
                       : snprintf(line, sizeof line, "%s %d\n", name, result);
  if (!path) return;
  int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (file < 0 || write(file, line, length) != length) abort();
  close(file);
}

/* -- memory that is not coherent ------------------------------------------------------------- */

/* A mapped VkDeviceMemory: what the device has, what the host sees of it, and what that was when
   both were last in line: the difference is what the host has written. */
typedef struct Mapped {
  struct Mapped *next;
  Word memory;
  size_t size;
  unsigned char *real, *seen, *before;
} Mapped;

static Mapped *mapped;
static pthread_mutex_t mapped_lock = PTHREAD_MUTEX_INITIALIZER;

static Mapped **find_mapped(Word memory) {
  Mapped **at = &mapped;
  while (*at && (*at)->memory != memory) at = &(*at)->next;
  return at;
}

static void after_allocate(Word *a) {
  Mapped *made = calloc(1, sizeof *made);
  made->memory = *(Word *)a[3];
  made->size = ((Allocation *)a[1])->size;
  pthread_mutex_lock(&mapped_lock);
  made->next = mapped;
  mapped = made;
  pthread_mutex_unlock(&mapped_lock);
}

static void after_free(Word *a) {
  pthread_mutex_lock(&mapped_lock);
  Mapped **at = find_mapped(a[1]), *gone = *at;
  if (gone) *at = gone->next;
  pthread_mutex_unlock(&mapped_lock);
  if (gone) {
    free(gone->seen);
    free(gone->before);
    free(gone);
  }
}

static void after_map(Word *a) {
  pthread_mutex_lock(&mapped_lock);
  Mapped *it = *find_mapped(a[1]);
  it->real = *(unsigned char **)a[5];
  it->seen = malloc(it->size);
  it->before = malloc(it->size);
  memcpy(it->seen, it->real, it->size);
  memcpy(it->before, it->real, it->size);
  *(unsigned char **)a[5] = it->seen;
  pthread_mutex_unlock(&mapped_lock);
}

static void bring_in_line(Word *a, bool flushes) {
  pthread_mutex_lock(&mapped_lock);
  for (uint32_t n = 0; n < (uint32_t)a[1]; n++) {
    Range *range = (Range *)a[2] + n;
    Mapped *it = *find_mapped(range->memory);
    if (!it || !it->seen) {
      fputs("fake_icd: memory that is not mapped\n", stderr);
      abort();
    }
    size_t left = it->size - range->offset, size = range->size < left ? range->size : left;
    for (size_t at = range->offset; at < range->offset + size; at++) {
      if (!flushes)
        it->seen[at] = it->real[at];
      else if (it->seen[at] != it->before[at])
        it->real[at] = it->seen[at];
      it->before[at] = it->seen[at];
    }
  }
  pthread_mutex_unlock(&mapped_lock);
}

static void after_flush(Word *a) { bring_in_line(a, true); }
static void after_invalidate(Word *a) { bring_in_line(a, false); }

static void make_incoherent(Memory *memory) {
  for (uint32_t n = 0; n < memory->count; n++) memory->types[n].flags &= ~MEMORY_COHERENT;
}

/* -- answers --------------------------------------------------------------------------------- */

static void change_properties(Properties *properties) {
  const char *name = getenv("FAKE_NAME"), *version = getenv("FAKE_API_VERSION");
  int major, minor;
  if (name) snprintf(properties->name, sizeof properties->name, "%s", name);
  if (version && sscanf(version, "%d.%d", &major, &minor) == 2)
    properties->api = (uint32_t)major << 22 | (uint32_t)minor << 12;
}

static void set_from(const char *variable, uint64_t *value) {
  if (getenv(variable)) *value = strtoull(getenv(variable), NULL, 0);
}

static void after_properties(Word *a) { change_properties((Properties *)a[1]); }

static void after_properties2(Word *a) {
  change_properties(&((Properties2 *)a[1])->properties);
  for (Chained *at = (Chained *)a[1]; at; at = at->next) {
    if (at->type == TIMELINE_PROPERTIES) set_from("FAKE_MAX_JUMP", &((OneValue *)at)->value);
    if (at->type == HOST_MEMORY_PROPERTIES)
      set_from("FAKE_IMPORT_ALIGNMENT", &((OneValue *)at)->value);
    if (at->type == MAINTENANCE_3_PROPERTIES)
      set_from("FAKE_MAX_ALLOCATION", &((Maintenance3 *)at)->allocation);
  }
}

static void after_features2(Word *a) {
  for (Chained *at = (Chained *)a[1]; at && getenv("FAKE_NO_TIMELINE"); at = at->next) {
    if (at->type == TIMELINE_FEATURES) ((TimelineFeatures *)at)->timeline = 0;
    if (at->type == VULKAN_12_FEATURES)
      *(uint32_t *)((char *)at + TIMELINE_IN_VULKAN_12) = 0;
  }
}

static void after_families(Word *a) {
  for (uint32_t n = 0; a[2] && getenv("FAKE_NO_COMPUTE") && n < *(uint32_t *)a[1]; n++)
    ((QueueFamily *)a[2])[n].flags &= ~QUEUE_COMPUTE;
}

static void after_families2(Word *a) {
  for (uint32_t n = 0; a[2] && getenv("FAKE_NO_COMPUTE") && n < *(uint32_t *)a[1]; n++)
    ((QueueFamily2 *)a[2])[n].family.flags &= ~QUEUE_COMPUTE;
}

static void after_memory(Word *a) {
  if (getenv("FAKE_NON_COHERENT")) make_incoherent((Memory *)a[1]);
}

static void after_memory2(Word *a) {
  if (getenv("FAKE_NON_COHERENT")) make_incoherent(&((Memory2 *)a[1])->memory);
}

static void after_external_buffer(Word *a) {
  if (getenv("FAKE_NO_EXTERNAL")) ((ExternalBuffer *)a[2])->features = 0;
}

static void after_extensions(Word *a) {
  Extension *found = (Extension *)a[3];
  for (uint32_t n = 0; found && n < *(uint32_t *)a[2]; n++)
    if (is_hidden(found[n].name)) *found[n].name = '-';
}

/* -- calls ----------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  enum { GIVES, GIVES_NOTHING, ENDS_FIRST, ENDS_SECOND } kind; /* the handle that it destroys */
  void (*after)(Word *);
  bool only_incoherent;
  Call real;
  int count;
} Passed;

static Word pass(Passed *call, Word *a) {
  bool is_void = call->kind != GIVES;
  bool ends_nothing = (call->kind == ENDS_FIRST && !a[0]) || (call->kind == ENDS_SECOND && !a[1]);
  int32_t failed = failure(call->name, __atomic_add_fetch(&call->count, 1, __ATOMIC_SEQ_CST));
  if (!ends_nothing && failed) note(call->name, is_void, failed);
  if (failed) return (Word)(int64_t)failed;
  Word result = call->real(a[0], a[1], a[2], a[3], a[4], a[5]);
  if (!ends_nothing) note(call->name, is_void, (int32_t)result);
  if (call->after && (is_void || (int32_t)result >= 0) &&
      (!call->only_incoherent || getenv("FAKE_NON_COHERENT")))
    call->after(a);
  return result;
}

#define CALLS(X) \
  X(CreateInstance, GIVES, NULL, 0) \
  X(DestroyInstance, ENDS_FIRST, NULL, 0) \
  X(EnumeratePhysicalDevices, GIVES, NULL, 0) \
  X(EnumerateDeviceExtensionProperties, GIVES, after_extensions, 0) \
  X(GetPhysicalDeviceProperties, GIVES_NOTHING, after_properties, 0) \
  X(GetPhysicalDeviceProperties2, GIVES_NOTHING, after_properties2, 0) \
  X(GetPhysicalDeviceFeatures2, GIVES_NOTHING, after_features2, 0) \
  X(GetPhysicalDeviceQueueFamilyProperties, GIVES_NOTHING, after_families, 0) \
  X(GetPhysicalDeviceQueueFamilyProperties2, GIVES_NOTHING, after_families2, 0) \
  X(GetPhysicalDeviceMemoryProperties, GIVES_NOTHING, after_memory, 0) \
  X(GetPhysicalDeviceMemoryProperties2, GIVES_NOTHING, after_memory2, 0) \
  X(GetPhysicalDeviceExternalBufferProperties, GIVES_NOTHING, after_external_buffer, 0) \
  X(CreateDevice, GIVES, NULL, 0) \
  X(DestroyDevice, ENDS_FIRST, NULL, 0) \
  X(DeviceWaitIdle, GIVES, NULL, 0) \
  X(QueueSubmit, GIVES, NULL, 0) \
  X(CreateSemaphore, GIVES, NULL, 0) \
  X(DestroySemaphore, ENDS_SECOND, NULL, 0) \
  X(WaitSemaphores, GIVES, NULL, 0) \
  X(SignalSemaphore, GIVES, NULL, 0) \
  X(GetSemaphoreCounterValue, GIVES, NULL, 0) \
  X(AllocateMemory, GIVES, after_allocate, 1) \
  X(FreeMemory, ENDS_SECOND, after_free, 1) \
  X(MapMemory, GIVES, after_map, 1) \
  X(FlushMappedMemoryRanges, GIVES, after_flush, 1) \
  X(InvalidateMappedMemoryRanges, GIVES, after_invalidate, 1) \
  X(CreateBuffer, GIVES, NULL, 0) \
  X(DestroyBuffer, ENDS_SECOND, NULL, 0) \
  X(BindBufferMemory, GIVES, NULL, 0) \
  X(GetMemoryFdKHR, GIVES, NULL, 0) \
  X(GetMemoryHostPointerPropertiesEXT, GIVES, NULL, 0) \
  X(CreateCommandPool, GIVES, NULL, 0) \
  X(DestroyCommandPool, ENDS_SECOND, NULL, 0) \
  X(AllocateCommandBuffers, GIVES, NULL, 0) \
  X(BeginCommandBuffer, GIVES, NULL, 0) \
  X(EndCommandBuffer, GIVES, NULL, 0) \
  X(CreateEvent, GIVES, NULL, 0) \
  X(DestroyEvent, ENDS_SECOND, NULL, 0) \
  X(CreateShaderModule, GIVES, NULL, 0) \
  X(DestroyShaderModule, ENDS_SECOND, NULL, 0) \
  X(CreateComputePipelines, GIVES, NULL, 0) \
  X(DestroyPipeline, ENDS_SECOND, NULL, 0) \
  X(CreatePipelineLayout, GIVES, NULL, 0) \
  X(DestroyPipelineLayout, ENDS_SECOND, NULL, 0) \
  X(CreateDescriptorSetLayout, GIVES, NULL, 0) \
  X(DestroyDescriptorSetLayout, ENDS_SECOND, NULL, 0) \
  X(CreateDescriptorPool, GIVES, NULL, 0) \
  X(DestroyDescriptorPool, ENDS_SECOND, NULL, 0) \
  X(AllocateDescriptorSets, GIVES, NULL, 0)

#define DEFINE(name, kind, after, only_incoherent) \
  static Passed state_##name = {"vk" #name, kind, after, only_incoherent, NULL, 0}; \
  static Word pass_##name(Word a, Word b, Word c, Word d, Word e, Word f) { \
    Word given[] = {a, b, c, d, e, f}; \
    return pass(&state_##name, given); \
  }
CALLS(DEFINE)

#define LISTED(name, ...) {&state_##name, pass_##name},
static const struct { Passed *state; Call call; } passed[] = {CALLS(LISTED)};

/* -- the loader's side ----------------------------------------------------------------------- */

static Find real_of_instance, real_of_device;
static Function of_device(void *device, const char *name);

__attribute__((constructor)) static void crash(void) {
  if (getenv("FAKE_CRASH")) abort();
}

static void *of_library(const char *name) {
  static void *library;
  if (!library) library = dlopen(getenv("FAKE_ICD_REAL"), RTLD_NOW | RTLD_LOCAL);
  return library ? dlsym(library, name) : NULL;
}

/* The function of a name that was found: the real one, or ours before it. An alias with KHR behind
   its name is the function without. */
static Function ours(const char *name, Function real) {
  size_t length = strlen(name);
  if (!real || is_hidden(name)) return NULL;
  if (!strcmp(name, "vkGetDeviceProcAddr")) {
    real_of_device = (Find)real;
    return (Function)of_device;
  }
  for (size_t n = 0; n < sizeof passed / sizeof *passed; n++) {
    const char *known = passed[n].state->name;
    bool is_alias = length == strlen(known) + 3 && !strcmp(name + length - 3, "KHR");
    if (strncmp(name, known, strlen(known)) || (!is_alias && length != strlen(known))) continue;
    passed[n].state->real = (Call)real;
    return (Function)passed[n].call;
  }
  return real;
}

static Function of_device(void *device, const char *name) {
  return ours(name, real_of_device(device, name));
}

int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  int32_t (*real)(uint32_t *) = of_library("vk_icdNegotiateLoaderICDInterfaceVersion");
  return real(version);
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  Find real = of_library("vk_icdGetPhysicalDeviceProcAddr");
  return real ? ours(name, real(instance, name)) : NULL;
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  if (!real_of_instance) real_of_instance = of_library("vk_icdGetInstanceProcAddr");
  return ours(name, real_of_instance(instance, name));
}
