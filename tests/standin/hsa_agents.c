/* libhsa-runtime64.so.1: agents, and what is known of each.

   They are the NUMA nodes' CPUs, and then the GPUs. */

#include "hsa_abi.h"

#include <stdio.h>

enum { FIRST_AGENT = 0xa00, ISA = 0xff, UUID_TAG = 'R', CHIP = 0x74a1 };
enum { QUEUES_MAX = 128, WAVEFRONT = 64 };

static const char ISA_NAME[] = "amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-";

static int node_count(void) { return node_of(machine()->count - 1) + 1; }

int agent_count(void) { return node_count() + machine()->count; }

Agent agent_at(int place) {
  int nodes = node_count();
  return place < nodes ? (Agent){false, place} : (Agent){true, place - nodes};
}

bool agent_of(hsa_agent_t handle, Agent *agent) {
  uint64_t place = handle.handle - FIRST_AGENT;
  if (place >= (uint64_t)agent_count()) return false;
  *agent = agent_at((int)place);
  return true;
}

hsa_agent_t handle_of(Agent agent) {
  return (hsa_agent_t){FIRST_AGENT + agent.number + (agent.is_gpu ? node_count() : 0)};
}

/* The bits of the GPUs among agents; false where one is none. */
bool devices_of(const hsa_agent_t *agents, size_t count, uint32_t *devices) {
  *devices = 0;
  for (size_t i = 0; i < count; i++) {
    Agent agent;
    if (!agent_of(agents[i], &agent)) return false;
    if (agent.is_gpu) *devices |= 1u << agent.number;
  }
  return true;
}

API hsa_iterate_agents(hsa_status_t (*callback)(hsa_agent_t, void *), void *data) {
  NEEDS(callback);
  CALL(INITIALIZED);
  end_early(&turn);
  hsa_status_t status = HSA_STATUS_SUCCESS;
  for (int i = 0; !status && i < agent_count(); i++) status = callback(handle_of(agent_at(i)), data);
  return status;
}

#define TEXT(number, room, ...)                                                                   \
  case number:                                                                                    \
    snprintf(value, room, __VA_ARGS__);                                                           \
    return HSA_STATUS_SUCCESS

static hsa_status_t tell_gpu(int device, int attribute, void *value) {
  uint8_t uuid[16];
  uuid_of(UUID_TAG, device, uuid);
  switch (attribute) {
    TEXT(HSA_AGENT_INFO_NAME, 64, "gfx942");
    TEXT(HSA_AMD_AGENT_INFO_PRODUCT_NAME, 64, "AMD stand-in %d", device);
    TEXT(HSA_AMD_AGENT_INFO_UUID, 21, "GPU-%02x%02x%02x%02x%02x%02x%02x%02x", uuid[0], uuid[1],
         uuid[2], uuid[3], uuid[4], uuid[5], uuid[7], uuid[15]);
    ANSWER(uint32_t, HSA_AGENT_INFO_WAVEFRONT_SIZE, WAVEFRONT);
    ANSWER(uint32_t, HSA_AGENT_INFO_WORKGROUP_MAX_SIZE, MAX_THREADS);
    ANSWER(uint32_t, HSA_AGENT_INFO_GRID_MAX_SIZE, UINT32_MAX);
    ANSWER(uint32_t, HSA_AGENT_INFO_QUEUES_MAX, QUEUES_MAX);
    ANSWER(uint32_t, HSA_AGENT_INFO_QUEUE_MIN_SIZE, QUEUE_MIN);
    ANSWER(uint32_t, HSA_AGENT_INFO_QUEUE_MAX_SIZE, QUEUE_MAX);
    ANSWER(uint32_t, HSA_AMD_AGENT_INFO_CHIP_ID, CHIP);
    ANSWER(uint32_t, HSA_AMD_AGENT_INFO_BDFID, bus_of(device) << 8);
    ANSWER(uint32_t, HSA_AMD_AGENT_INFO_DOMAIN, PCI_DOMAIN);
    ANSWER(uint32_t, HSA_AMD_AGENT_INFO_COMPUTE_UNIT_COUNT, MULTIPROCESSORS);
    ANSWER(uint64_t, AGENT_INFO_MEMORY_AVAIL, TOTAL_MEMORY - arena_used(device));
    ANSWER(hsa_agent_t, AGENT_INFO_NEAREST_CPU, handle_of((Agent){false, node_of(device)}));
    ANSWER(uint64_t, AGENT_INFO_MEMORY_PROPERTIES, 0);
    ANSWER(hsa_dim3_t, HSA_AGENT_INFO_GRID_MAX_DIM,
           ((hsa_dim3_t){UINT32_MAX, UINT32_MAX, UINT32_MAX}));
    case HSA_AGENT_INFO_WORKGROUP_MAX_DIM:
      for (int i = 0; i < 3; i++) ((uint16_t *)value)[i] = MAX_THREADS;
      return HSA_STATUS_SUCCESS;
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

static hsa_status_t tell_cpu(int attribute, void *value) {
  switch (attribute) {
    TEXT(HSA_AGENT_INFO_NAME, 64, "Stand-in CPU");
    TEXT(HSA_AMD_AGENT_INFO_PRODUCT_NAME, 64, "Stand-in CPU");
    TEXT(HSA_AMD_AGENT_INFO_UUID, 21, "CPU-XX");
    ANSWER(uint32_t, HSA_AGENT_INFO_QUEUES_MAX, 0);
    ANSWER(uint32_t, HSA_AGENT_INFO_QUEUE_MAX_SIZE, 0);
    ANSWER(uint32_t, HSA_AGENT_INFO_WAVEFRONT_SIZE, 0);
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

API hsa_agent_get_info(hsa_agent_t handle, hsa_agent_info_t attribute, void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  Agent agent;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  switch ((int)attribute) {
    TEXT(HSA_AGENT_INFO_VENDOR_NAME, 64, agent.is_gpu ? "AMD" : "CPU");
    ANSWER(uint32_t, HSA_AGENT_INFO_NODE, (uint32_t)(handle.handle - FIRST_AGENT));
    ANSWER(hsa_device_type_t, HSA_AGENT_INFO_DEVICE,
           agent.is_gpu ? HSA_DEVICE_TYPE_GPU : HSA_DEVICE_TYPE_CPU);
    default:
      return agent.is_gpu ? tell_gpu(agent.number, attribute, value) : tell_cpu(attribute, value);
  }
}

API hsa_agent_iterate_isas(hsa_agent_t handle, hsa_status_t (*callback)(hsa_isa_t, void *),
                           void *data) {
  NEEDS(callback);
  CALL(INITIALIZED);
  Agent agent;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  end_early(&turn);
  return agent.is_gpu ? callback((hsa_isa_t){handle.handle << 8 | ISA}, data) : HSA_STATUS_SUCCESS;
}

API hsa_isa_get_info_alt(hsa_isa_t isa, hsa_isa_info_t attribute, void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  Agent agent;
  bool is_agents = agent_of((hsa_agent_t){isa.handle >> 8}, &agent) && agent.is_gpu;
  if (!is_agents || (isa.handle & 0xff) != ISA) return HSA_STATUS_ERROR_INVALID_ISA;
  switch ((int)attribute) {
    ANSWER(uint32_t, HSA_ISA_INFO_NAME_LENGTH, sizeof ISA_NAME - 1);
    case HSA_ISA_INFO_NAME: /* without an end */
      memcpy(value, ISA_NAME, sizeof ISA_NAME - 1);
      return HSA_STATUS_SUCCESS;
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}
