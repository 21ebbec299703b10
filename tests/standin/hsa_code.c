/* libhsa-runtime64.so.1: code objects, executables, and their symbols.

   A symbol is the shared files' Function; the number that a packet names its kernel by is another
   one, and known only once the executable is frozen. */

#include "hsa_abi.h"

#include <elf.h>
#include <stdlib.h>

enum { GFX942 = 0x4c, MACHINE_BITS = 0xff, LONGEST_NAME = 256 };

#define KERNEL_OFFSET ((uint64_t)0x7f0000000000)

static const char SUFFIX[] = ".kd";

typedef struct {
  Object object;
  const void *bytes;
  size_t size;
} Reader;

typedef struct {
  Object object;
  bool is_frozen;
  Module *modules[MAX_DEVICES]; /* by the GPU that each was loaded for */
} Executable;

API hsa_code_object_reader_create_from_memory(const void *bytes, size_t size,
                                              hsa_code_object_reader_t *reader) {
  GIVES(reader);
  NEEDS(bytes && size);
  CALL(INITIALIZED);
  Reader *made = object_new(READER, sizeof *made, host_context());
  made->bytes = bytes;
  made->size = size;
  reader->handle = (uintptr_t)made->object.handle;
  return HSA_STATUS_SUCCESS;
}

API hsa_code_object_reader_destroy(hsa_code_object_reader_t reader) {
  CALL(INITIALIZED);
  LOOK_UP(Reader, found, READER, reader, HSA_STATUS_ERROR_INVALID_CODE_OBJECT_READER);
  object_end(&found->object);
  return HSA_STATUS_SUCCESS;
}

/* -- executables ------------------------------------------------------------------------------------------- */

static void release(Object *object) {
  Executable *executable = (Executable *)object;
  for (int i = 0; i < MAX_DEVICES; i++)
    if (executable->modules[i]) module_end(executable->modules[i]);
}

API hsa_executable_create_alt(hsa_profile_t profile, hsa_default_float_rounding_mode_t rounding,
                              const char *options, hsa_executable_t *executable) {
  GIVES(executable);
  NEEDS(profile == HSA_PROFILE_BASE || profile == HSA_PROFILE_FULL);
  CALL(INITIALIZED);
  (void)rounding, (void)options;
  Executable *made = object_new(EXECUTABLE, sizeof *made, host_context());
  made->object.release = release;
  executable->handle = (uintptr_t)made->object.handle;
  return HSA_STATUS_SUCCESS;
}

API hsa_executable_destroy(hsa_executable_t executable) {
  CALL(INITIALIZED);
  LOOK_UP(Executable, found, EXECUTABLE, executable, HSA_STATUS_ERROR_INVALID_EXECUTABLE);
  object_end(&found->object);
  return HSA_STATUS_SUCCESS;
}

/* An object, and no bundle of some. */
static hsa_status_t parse(Module *module, const Reader *reader) {
  char magic[SELFMAG];
  if (reader->size < SELFMAG || !read_safely(magic, reader->bytes, SELFMAG) ||
      memcmp(magic, ELFMAG, SELFMAG))
    return HSA_STATUS_ERROR_INVALID_CODE_OBJECT;
  PASS_ON(module_parse_code_object(module, reader->bytes, reader->size));
  bool is_for_it = (module->target & MACHINE_BITS) == GFX942;
  return is_for_it ? HSA_STATUS_SUCCESS : HSA_STATUS_ERROR_INCOMPATIBLE_ARGUMENTS;
}

API hsa_executable_load_agent_code_object(hsa_executable_t executable, hsa_agent_t handle,
                                          hsa_code_object_reader_t reader, const char *options,
                                          hsa_loaded_code_object_t *loaded) {
  CALL(INITIALIZED);
  (void)options;
  if (loaded) loaded->handle = 0;
  LOOK_UP(Executable, into, EXECUTABLE, executable, HSA_STATUS_ERROR_INVALID_EXECUTABLE);
  Agent agent;
  if (into->is_frozen) return HSA_STATUS_ERROR_FROZEN_EXECUTABLE;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  LOOK_UP(Reader, from, READER, reader, HSA_STATUS_ERROR_INVALID_CODE_OBJECT_READER);
  if (!agent.is_gpu || into->modules[agent.number]) return HSA_STATUS_ERROR_INCOMPATIBLE_ARGUMENTS;
  Module *module = module_new(NULL);
  module->device = agent.number;
  hsa_status_t status = parse(module, from);
  if (status) {
    module_end(module);
    return status;
  }
  into->modules[agent.number] = module;
  if (loaded) loaded->handle = (uintptr_t)module->object.handle;
  return HSA_STATUS_SUCCESS;
}

API hsa_executable_freeze(hsa_executable_t executable, const char *options) {
  CALL(INITIALIZED);
  (void)options;
  LOOK_UP(Executable, found, EXECUTABLE, executable, HSA_STATUS_ERROR_INVALID_EXECUTABLE);
  if (found->is_frozen) return HSA_STATUS_ERROR_FROZEN_EXECUTABLE;
  found->is_frozen = true;
  for (int i = 0; i < MAX_DEVICES; i++)
    if (found->modules[i]) found->modules[i]->is_ready = true;
  return HSA_STATUS_SUCCESS;
}

/* -- symbols ------------------------------------------------------------------------------------------------- */

/* A kernel is an agent's: without one, nothing is found. */
API hsa_executable_get_symbol_by_name(hsa_executable_t executable, const char *name,
                                      const hsa_agent_t *handle, hsa_executable_symbol_t *symbol) {
  GIVES(symbol);
  NEEDS(name);
  CALL(INITIALIZED);
  LOOK_UP(Executable, in, EXECUTABLE, executable, HSA_STATUS_ERROR_INVALID_EXECUTABLE);
  Agent agent = {0};
  if (handle && !agent_of(*handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  const Module *module = agent.is_gpu ? in->modules[agent.number] : NULL;
  size_t length = strlen(name), tail = sizeof SUFFIX - 1;
  if (!module || length <= tail || length >= LONGEST_NAME || strcmp(name + length - tail, SUFFIX))
    return HSA_STATUS_ERROR_INVALID_SYMBOL_NAME;
  char kernel[LONGEST_NAME] = {0};
  memcpy(kernel, name, length - tail);
  Function *found = module_function(module, kernel);
  if (!found) return HSA_STATUS_ERROR_INVALID_SYMBOL_NAME;
  symbol->handle = (uintptr_t)found->object.handle;
  return HSA_STATUS_SUCCESS;
}

API hsa_executable_symbol_get_info(hsa_executable_symbol_t symbol,
                                   hsa_executable_symbol_info_t attribute, void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  LOOK_UP(Function, found, FUNCTION, symbol, HSA_STATUS_ERROR_INVALID_EXECUTABLE_SYMBOL);
  uint32_t *number = value;
  switch (attribute) {
    case HSA_EXECUTABLE_SYMBOL_INFO_TYPE:
      *number = HSA_SYMBOL_KIND_KERNEL;
      return HSA_STATUS_SUCCESS;
    case HSA_EXECUTABLE_SYMBOL_INFO_KERNEL_OBJECT:
      *(uint64_t *)value = found->module->is_ready ? KERNEL_OFFSET + symbol.handle : 0;
      return HSA_STATUS_SUCCESS;
    case HSA_EXECUTABLE_SYMBOL_INFO_KERNEL_KERNARG_SEGMENT_SIZE:
      *number = found->argument_size;
      return HSA_STATUS_SUCCESS;
    case HSA_EXECUTABLE_SYMBOL_INFO_KERNEL_KERNARG_SEGMENT_ALIGNMENT:
      *number = KERNARG_ALIGNMENT;
      return HSA_STATUS_SUCCESS;
    case HSA_EXECUTABLE_SYMBOL_INFO_KERNEL_GROUP_SEGMENT_SIZE:
      *number = found->group_size;
      return HSA_STATUS_SUCCESS;
    case HSA_EXECUTABLE_SYMBOL_INFO_KERNEL_PRIVATE_SEGMENT_SIZE:
      *number = found->private_size;
      return HSA_STATUS_SUCCESS;
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

Function *function_of_kernel(uint64_t kernel) {
  return object_of(FUNCTION, (const void *)(uintptr_t)(kernel - KERNEL_OFFSET));
}
