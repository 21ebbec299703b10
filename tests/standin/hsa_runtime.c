/* libhsa-runtime64.so.1: its start and end, what is known of the system, and events.

   The last `hsa_shut_down` ends all that there is; handles from before are no handles after it. */

#include "hsa_abi.h"

#include <stdio.h>
#include <stdlib.h>

enum { SYSTEM_MAJOR = 1, SYSTEM_MINOR = 1, EXTENSION_MINOR = 11 };

const Vendor vendor = {"hsa", true};

/* Yes or no, which HAL_CTS_STANDIN_SET=hsa:NUMBER=VALUE changes. */
static const Attribute SYSTEM[] = {
    {HSA_AMD_SYSTEM_INFO_SVM_SUPPORTED, 1, false},
    {HSA_AMD_SYSTEM_INFO_SVM_ACCESSIBLE_BY_DEFAULT, 1, true},
    {SYSTEM_INFO_DMABUF_SUPPORTED, 1, true},
    {SYSTEM_INFO_VIRTUAL_MEM_API_SUPPORTED, 0, false},
    {-1, 0, false},
};

static int users;
static hsa_amd_system_event_callback_t event_handler;
static void *event_data;

/* There is no context that calls are made in. */
Context *current_context(Result *why) {
  *why = INVALID_CONTEXT;
  return NULL;
}

/* What is no GPU's belongs to the first one's. */
Context *host_context(void) { return context_primary(0); }

hsa_status_t status_of(Result result) {
  switch (result) {
    case INVALID_VALUE:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
    case OUT_OF_MEMORY:
      return HSA_STATUS_ERROR_OUT_OF_RESOURCES;
    case NOT_INITIALIZED:
      return HSA_STATUS_ERROR_NOT_INITIALIZED;
    case INVALID_IMAGE:
      return HSA_STATUS_ERROR_INVALID_CODE_OBJECT;
    default:
      return (hsa_status_t)result;
  }
}

/* Before a call calls back: that may call anything. */
void end_early(Turn *turn) {
  end_turn(turn);
  turn->is_locked = false;
}

_Noreturn void misused(const char *what) {
  fprintf(stderr, "HSA stand-in: %s\n", what);
  abort();
}

API hsa_init(void) {
  CALL(ANYWHERE);
  if (!machine()->count) return HSA_STATUS_ERROR_OUT_OF_RESOURCES;
  Context *context;
  for (int device = 0; !users && device < machine()->count; device++)
    PASS_ON(context_retain(device, &context));
  users++;
  is_initialized = true;
  return HSA_STATUS_SUCCESS;
}

API hsa_shut_down(void) {
  CALL(INITIALIZED);
  if (--users) return HSA_STATUS_SUCCESS;
  is_initialized = false;
  event_handler = NULL;
  queues_end();
  copies_end();
  locks_end();
  for (int device = 0; device < machine()->count; device++) context_release(device);
  return HSA_STATUS_SUCCESS;
}

API hsa_status_string(hsa_status_t status, const char **text) {
  GIVES(text);
  CALL(INITIALIZED);
  switch ((int)status) {
#define NAME(name)                                                                                \
  case HSA_STATUS_##name:                                                                         \
    *text = "HSA_STATUS_" #name ": of the stand-in";                                              \
    return HSA_STATUS_SUCCESS
    NAME(SUCCESS);
    NAME(INFO_BREAK);
    NAME(ERROR);
    NAME(ERROR_INVALID_ARGUMENT);
    NAME(ERROR_INVALID_QUEUE_CREATION);
    NAME(ERROR_INVALID_ALLOCATION);
    NAME(ERROR_INVALID_AGENT);
    NAME(ERROR_INVALID_SIGNAL);
    NAME(ERROR_INVALID_QUEUE);
    NAME(ERROR_OUT_OF_RESOURCES);
    NAME(ERROR_INVALID_PACKET_FORMAT);
    NAME(ERROR_RESOURCE_FREE);
    NAME(ERROR_NOT_INITIALIZED);
    NAME(ERROR_INCOMPATIBLE_ARGUMENTS);
    NAME(ERROR_INVALID_ISA);
    NAME(ERROR_INVALID_CODE_OBJECT);
    NAME(ERROR_INVALID_EXECUTABLE);
    NAME(ERROR_FROZEN_EXECUTABLE);
    NAME(ERROR_INVALID_SYMBOL_NAME);
    NAME(ERROR_EXCEPTION);
    NAME(ERROR_INVALID_EXECUTABLE_SYMBOL);
    NAME(ERROR_INVALID_CODE_OBJECT_READER);
    NAME(ERROR_INVALID_MEMORY_POOL);
    NAME(ERROR_MEMORY_APERTURE_VIOLATION);
    NAME(ERROR_ILLEGAL_INSTRUCTION);
    NAME(ERROR_MEMORY_FAULT);
#undef NAME
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

API hsa_system_get_info(hsa_system_info_t attribute, void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  switch ((int)attribute) {
    case HSA_SYSTEM_INFO_VERSION_MAJOR:
    case SYSTEM_INFO_EXT_VERSION_MAJOR:
      *(uint16_t *)value = SYSTEM_MAJOR;
      return HSA_STATUS_SUCCESS;
    case HSA_SYSTEM_INFO_VERSION_MINOR:
      *(uint16_t *)value = SYSTEM_MINOR;
      return HSA_STATUS_SUCCESS;
    case SYSTEM_INFO_EXT_VERSION_MINOR:
      *(uint16_t *)value = EXTENSION_MINOR;
      return HSA_STATUS_SUCCESS;
    case HSA_SYSTEM_INFO_TIMESTAMP:
      *(uint64_t *)value = (uint64_t)(seconds() * TICKS);
      return HSA_STATUS_SUCCESS;
    case HSA_SYSTEM_INFO_TIMESTAMP_FREQUENCY:
      *(uint64_t *)value = TICKS;
      return HSA_STATUS_SUCCESS;
    case HSA_SYSTEM_INFO_SIGNAL_MAX_WAIT:
      *(uint64_t *)value = UINT64_MAX;
      return HSA_STATUS_SUCCESS;
    case HSA_AMD_SYSTEM_INFO_BUILD_VERSION:
      *(const char **)value = VERSION_TEXT;
      return HSA_STATUS_SUCCESS;
    case HSA_AMD_SYSTEM_INFO_SVM_SUPPORTED:
    case HSA_AMD_SYSTEM_INFO_SVM_ACCESSIBLE_BY_DEFAULT:
    case SYSTEM_INFO_DMABUF_SUPPORTED:
    case SYSTEM_INFO_VIRTUAL_MEM_API_SUPPORTED:
      *(bool *)value = attribute_of(SYSTEM, vendor.name, attribute, 0);
      return HSA_STATUS_SUCCESS;
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

/* -- events ------------------------------------------------------------------------------------------ */

API hsa_amd_register_system_event_handler(hsa_amd_system_event_callback_t callback, void *data) {
  NEEDS(callback);
  CALL(INITIALIZED);
  if (event_handler) return HSA_STATUS_ERROR;
  event_handler = callback;
  event_data = data;
  return HSA_STATUS_SUCCESS;
}

/* Whether somebody took note of a device's access to what it may not use. Called without the lock. */
bool is_announced(uint64_t address, int device) {
  hsa_amd_event_t event = {.event_type = HSA_AMD_GPU_MEMORY_FAULT_EVENT};
  event.memory_fault.agent = handle_of((Agent){true, device});
  event.memory_fault.virtual_address = address / PAGE * PAGE;
  event.memory_fault.fault_reason_mask = HSA_AMD_MEMORY_FAULT_PAGE_NOT_PRESENT;
  hsa_amd_system_event_callback_t handler = event_handler;
  return handler && handler(&event, event_data) == HSA_STATUS_SUCCESS;
}
