/* libhsa-runtime64.so.1: agents' pools of memory, and the links to them.

   A CPU has a pool for kernels' arguments, which is fine-grained, and a coarse-grained one; a GPU has
   its memory, and what its workgroups share, which nobody can allocate. The host reaches no GPU's. */

#include "hsa_abi.h"

enum { MOST_HOPS = 3, XGMI_DISTANCE = 15, DISTANCE = 20 };

#define GROUP_MEMORY ((size_t)64 << 10)

static hsa_amd_memory_pool_t pool_handle(Agent owner, PoolKind kind) {
  return (hsa_amd_memory_pool_t){handle_of(owner).handle << 8 | kind};
}

bool pool_of(hsa_amd_memory_pool_t handle, MemoryPool *pool) {
  pool->kind = handle.handle & 0xff;
  if (!agent_of((hsa_agent_t){handle.handle >> 8}, &pool->owner)) return false;
  bool is_gpus = pool->kind == DEVICE_POOL || pool->kind == GROUP_POOL;
  bool is_cpus = pool->kind == KERNARG_POOL || pool->kind == COARSE_POOL;
  return pool->owner.is_gpu ? is_gpus : is_cpus;
}

API hsa_amd_agent_iterate_memory_pools(hsa_agent_t handle,
                                       hsa_status_t (*callback)(hsa_amd_memory_pool_t, void *),
                                       void *data) {
  NEEDS(callback);
  CALL(INITIALIZED);
  Agent agent;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  end_early(&turn);
  PoolKind first = agent.is_gpu ? DEVICE_POOL : KERNARG_POOL;
  hsa_status_t status = callback(pool_handle(agent, first), data);
  return status ? status : callback(pool_handle(agent, first + 1), data);
}

static uint32_t flags_of(PoolKind kind) {
  switch (kind) {
    case KERNARG_POOL:
      return HSA_AMD_MEMORY_POOL_GLOBAL_FLAG_KERNARG_INIT |
             HSA_AMD_MEMORY_POOL_GLOBAL_FLAG_FINE_GRAINED;
    case GROUP_POOL:
      return 0;
    default:
      return HSA_AMD_MEMORY_POOL_GLOBAL_FLAG_COARSE_GRAINED;
  }
}

API hsa_amd_memory_pool_get_info(hsa_amd_memory_pool_t handle, hsa_amd_memory_pool_info_t attribute,
                                 void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  MemoryPool pool;
  if (!pool_of(handle, &pool)) return INVALID_MEMORY_POOL;
  bool is_group = pool.kind == GROUP_POOL;
  size_t unit = is_group ? 0 : PAGE, most = is_group ? 0 : TOTAL_MEMORY;
  switch ((int)attribute) {
    ANSWER(hsa_amd_segment_t, HSA_AMD_MEMORY_POOL_INFO_SEGMENT,
           is_group ? HSA_AMD_SEGMENT_GROUP : HSA_AMD_SEGMENT_GLOBAL);
    ANSWER(uint32_t, HSA_AMD_MEMORY_POOL_INFO_GLOBAL_FLAGS, flags_of(pool.kind));
    ANSWER(size_t, HSA_AMD_MEMORY_POOL_INFO_SIZE, is_group ? GROUP_MEMORY : TOTAL_MEMORY);
    ANSWER(bool, HSA_AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALLOWED, !is_group);
    ANSWER(size_t, HSA_AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_GRANULE, unit);
    ANSWER(size_t, HSA_AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALIGNMENT, unit);
    ANSWER(bool, HSA_AMD_MEMORY_POOL_INFO_ACCESSIBLE_BY_ALL, !pool.owner.is_gpu);
    ANSWER(size_t, HSA_AMD_MEMORY_POOL_INFO_ALLOC_MAX_SIZE, most);
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}

/* -- links ------------------------------------------------------------------------------------------------- */

static bool is_same(Agent agent, Agent other) {
  return agent.is_gpu == other.is_gpu && agent.number == other.number;
}

hsa_amd_memory_pool_access_t access_of(Agent agent, MemoryPool pool) {
  bool is_own = is_same(agent, pool.owner);
  if (is_own || (!agent.is_gpu && !pool.owner.is_gpu))
    return HSA_AMD_MEMORY_POOL_ACCESS_ALLOWED_BY_DEFAULT;
  bool reaches = agent.is_gpu && pool.kind != GROUP_POOL &&
                 (!pool.owner.is_gpu || are_peers(agent.number, pool.owner.number));
  return reaches ? HSA_AMD_MEMORY_POOL_ACCESS_DISALLOWED_BY_DEFAULT
                 : HSA_AMD_MEMORY_POOL_ACCESS_NEVER_ALLOWED;
}

static hsa_amd_memory_pool_link_info_t hop(hsa_amd_link_info_type_t type, bool has_atomics) {
  bool is_xgmi = type == HSA_AMD_LINK_INFO_TYPE_XGMI;
  uint32_t bandwidth = is_xgmi ? 50000 : 25000, distance = is_xgmi ? XGMI_DISTANCE : DISTANCE;
  return (hsa_amd_memory_pool_link_info_t){
      .min_bandwidth = bandwidth,
      .max_bandwidth = bandwidth,
      .atomic_support_32bit = has_atomics,
      .atomic_support_64bit = has_atomics,
      .coherent_support = has_atomics,
      .link_type = type,
      .numa_distance = distance,
  };
}

/* As AMD says: none where there is no access. Atomics do not pass from GPU to GPU by PCIe. */
static uint32_t hops_of(Agent agent, MemoryPool pool,
                        hsa_amd_memory_pool_link_info_t hops[MOST_HOPS]) {
  hsa_amd_link_info_type_t pcie = HSA_AMD_LINK_INFO_TYPE_PCIE;
  uint32_t count = 0;
  Agent owner = pool.owner;
  if (access_of(agent, pool) == HSA_AMD_MEMORY_POOL_ACCESS_NEVER_ALLOWED) return 0;
  if (is_same(agent, owner)) return 0;
  if (agent.is_gpu && owner.is_gpu) {
    Link link = link_between(agent.number, owner.number);
    bool is_xgmi = link == NVLINK;
    hops[count++] = hop(is_xgmi ? HSA_AMD_LINK_INFO_TYPE_XGMI : pcie, is_xgmi);
    if (link == SAME_BRIDGE) hops[count++] = hop(pcie, false);
    return count;
  }
  int node = agent.is_gpu ? node_of(agent.number) : agent.number;
  if (agent.is_gpu) hops[count++] = hop(pcie, true);
  if (node != owner.number) hops[count++] = hop(HSA_AMD_LINK_INFO_TYPE_QPI, true);
  return count;
}

API hsa_amd_agent_memory_pool_get_info(hsa_agent_t handle, hsa_amd_memory_pool_t of,
                                       hsa_amd_agent_memory_pool_info_t attribute, void *value) {
  NEEDS(value);
  CALL(INITIALIZED);
  Agent agent;
  MemoryPool pool;
  if (!agent_of(handle, &agent)) return HSA_STATUS_ERROR_INVALID_AGENT;
  if (!pool_of(of, &pool)) return INVALID_MEMORY_POOL;
  hsa_amd_memory_pool_link_info_t hops[MOST_HOPS] = {0};
  uint32_t count = hops_of(agent, pool, hops);
  switch ((int)attribute) {
    ANSWER(hsa_amd_memory_pool_access_t, HSA_AMD_AGENT_MEMORY_POOL_INFO_ACCESS,
           access_of(agent, pool));
    ANSWER(uint32_t, HSA_AMD_AGENT_MEMORY_POOL_INFO_NUM_LINK_HOPS, count);
    case HSA_AMD_AGENT_MEMORY_POOL_INFO_LINK_INFO:
      memcpy(value, hops, count * sizeof *hops);
      return HSA_STATUS_SUCCESS;
    default:
      return HSA_STATUS_ERROR_INVALID_ARGUMENT;
  }
}
