/* Kernels: functions of this library's own, which stand for device code of their names.

   No image is run. What a module names and is not here faults when it is launched. A kernel takes
   addresses, 64 bits each, and then constants, 32 bits each. It runs once for each workgroup, however
   many threads that has, in the order of their numbers n = x + X * (y + Y * z).

   What a kernel touches behind an address is checked when it runs: all of it lies within one
   allocation that its device may use, and is aligned, or the kernel faults before it has begun. */

#include "core.h"

#include <math.h>


enum { MOST_ADDRESSES = 2, MOST_WORDS = 8 };

typedef struct {
  const Launch *launch;
  uint64_t count; /* workgroups */
  uint32_t *memory[MOST_ADDRESSES];
} Run;

struct Kernel {
  const char *name;
  int addresses, constants;
  int words[MOST_ADDRESSES];  /* touched behind an address by each workgroup */
  bool is_shared;             /* by all of them together */
  void (*function)(const Run *run); /* none: it faults */
};

static float as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t as_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void absolute(const Run *run) {
  for (uint64_t n = 0; n < run->count; n++) run->memory[1][n] = run->memory[0][n] & 0x7fffffff;
}

static void scale(const Run *run) {
  const uint32_t *words = run->launch->words;
  float a = as_float(words[0]), b = as_float(words[1]);
  float low = as_float(words[2]), high = as_float(words[3]);
  for (uint64_t n = 0; n < run->count; n++) {
    volatile float product = a * as_float(run->memory[0][n]); /* rounded */
    run->memory[1][n] = as_bits(fminf(fmaxf(product + b, low), high));
  }
}

static void constants(const Run *run) { memcpy(run->memory[0], run->launch->words, 16); }

static void count(const Run *run) {
  for (uint64_t n = 0; n < run->count; n++) run->memory[0][n]++;
}

static void places(const Run *run) {
  const uint32_t *grid = run->launch->grid;
  uint32_t *word = run->memory[0];
  for (uint32_t z = 0; z < grid[2]; z++)
    for (uint32_t y = 0; y < grid[1]; y++)
      for (uint32_t x = 0; x < grid[0]; x++) {
        *word++ = x;
        *word++ = y;
        *word++ = z;
      }
}

static const Kernel kernels[] = {
    {"absolute", 2, 0, {1, 1}, false, absolute},
    {"scale", 2, 4, {1, 1}, false, scale},
    {"constants", 1, 4, {4}, true, constants},
    {"count", 1, 0, {1}, false, count},
    {"places", 1, 0, {3}, false, places},
    {"trap", 0, 0, {0}, true, NULL},
};

const Kernel *kernel_named(const char *name) {
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
    if (!strcmp(kernels[i].name, name)) return &kernels[i];
  return NULL;
}

/* -- launches -------------------------------------------------------------------------------------- */

/* In a buffer, in which they have no room between them. */
size_t kernel_arguments_size(const Kernel *kernel) {
  return kernel ? 8 * kernel->addresses + 4 * kernel->constants : 0;
}

/* From pointers to each, or from a buffer in which each is aligned. */
Result kernel_arguments(const Kernel *kernel, void **pointers, void **extra, Launch *launch) {
  static const uintptr_t BUFFER = 1, SIZE = 2;
  int addresses = kernel ? kernel->addresses : 0, words = kernel ? kernel->constants : 0;
  size_t needed = kernel_arguments_size(kernel);
  if (pointers && extra) return INVALID_VALUE;
  if (pointers) {
    for (int i = 0; i < addresses; i++) memcpy(&launch->addresses[i], pointers[i], 8);
    for (int i = 0; i < words; i++) memcpy(&launch->words[i], pointers[addresses + i], 4);
    return DONE;
  }
  const uint8_t *buffer = NULL;
  size_t size = 0;
  for (; extra && ((uintptr_t)extra[0] == BUFFER || (uintptr_t)extra[0] == SIZE); extra += 2) {
    if ((uintptr_t)extra[0] == BUFFER) buffer = extra[1];
    else size = *(size_t *)extra[1];
  }
  if (needed && (!buffer || size < needed)) return INVALID_VALUE;
  if (needed) memcpy(launch->addresses, buffer, 8 * addresses);
  if (needed) memcpy(launch->words, buffer + 8 * addresses, 4 * words);
  return DONE;
}

/* The operation holds the function. */
Result launch(Stream *stream, Function *function, const uint32_t grid[3], const uint32_t block[3],
              void **pointers, void **extra) {
  Operation operation = {.kind = LAUNCH, .holds = &function->object};
  if (function->object.owner->root != context_of(stream)->root) return INVALID_HANDLE;
  uint64_t threads = 1;
  for (int i = 0; i < 3; i++) {
    if (!grid[i] || !block[i] || block[i] > MAX_THREADS) return INVALID_VALUE;
    if (grid[i] > (i ? 65535u : 0x7fffffffu)) return INVALID_VALUE;
    operation.launch.grid[i] = grid[i];
    threads *= block[i];
  }
  if (threads > MAX_THREADS) return INVALID_VALUE;
  operation.launch.kernel = function->kernel;
  TRY(kernel_arguments(function->kernel, pointers, extra, &operation.launch));
  object_keep(&function->object);
  stream_push(stream, operation);
  return DONE;
}

static Result reach(Stream *stream, Launch *launch, int place, uint64_t count, Pin *pin) {
  static const uint64_t TOO_MUCH = (uint64_t)1 << 40;
  uint64_t address = launch->addresses[place];
  uint64_t words = launch->kernel->words[place];
  launch->fault = address;
  if (address % 4) return vendor.has_one_fault ? ILLEGAL_ADDRESS : MISALIGNED_ADDRESS;
  if (!launch->kernel->is_shared && count > TOO_MUCH) return ILLEGAL_ADDRESS;
  uint64_t size = 4 * (launch->kernel->is_shared ? words : words * count);
  if (memory_pin(context_of(stream), address, size, BY_DEVICE, pin)) return ILLEGAL_ADDRESS;
  Result result = take_in_hand(pin);
  if (result) memory_unpin(pin);
  return result;
}

static void let_go(Pin *pins) {
  for (int i = 0; i < MOST_ADDRESSES; i++) {
    put_down(&pins[i]);
    memory_unpin(&pins[i]);
  }
}

Result kernel_run(Stream *stream, Launch *launch) {
  const Kernel *kernel = launch->kernel;
  Pin pins[MOST_ADDRESSES] = {0};
  Run run = {.launch = launch};
  run.count = (uint64_t)launch->grid[0] * launch->grid[1];
  if (!kernel->function || __builtin_mul_overflow(run.count, launch->grid[2], &run.count))
    return LAUNCH_FAILED;
  for (int i = 0; i < kernel->addresses; i++) {
    Result result = reach(stream, launch, i, run.count, &pins[i]);
    if (result) {
      let_go(pins);
      return result;
    }
    run.memory[i] = (uint32_t *)pinned_bytes(&pins[i]);
  }
  stream->is_touching = true;
  pthread_mutex_unlock(&core_lock);
  kernel->function(&run);
  pthread_mutex_lock(&core_lock);
  stream->is_touching = false;
  let_go(pins);
  return DONE;
}
