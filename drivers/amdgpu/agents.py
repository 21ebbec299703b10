"""The agents of a machine: its GPUs, the CPUs beside them, their memory, and the links between.

A GPU's own memory is a coarse-grained pool of its agent's; the host's, for both, a fine-grained
pool of a CPU's. What an agent reaches, and over which links, the runtime tells of an agent and a
pool of another's: of the agent that uses memory, and of the memory.
"""

from __future__ import annotations

from ctypes import c_bool, c_char, c_size_t, c_uint32, c_uint64
from typing import NamedTuple

from cts.hal import LinkClass

from .._common import pci
from .._stream.calls import NativeError
from .._stream.facts import Facts
from . import hsa as h
from .hsa import Hsa

LINK_CLASSES = {
    h.AMD_LINK_INFO_TYPE_XGMI: LinkClass.NVLINK_IF,
    h.AMD_LINK_INFO_TYPE_PCIE: LinkClass.PCIE_SAME_ROOT,
    h.AMD_LINK_INFO_TYPE_QPI: LinkClass.PCIE_CROSS_ROOT,
    h.AMD_LINK_INFO_TYPE_HYPERTRANSPORT: LinkClass.PCIE_CROSS_ROOT,
    h.AMD_LINK_INFO_TYPE_INFINBAND: LinkClass.FABRIC,
}
"""What a hop makes of a path; a path over the link between sockets is one across roots."""


class Gpu(NamedTuple):
    """A GPU, by the handles of what it uses."""

    agent: int
    own_pool: int
    host_pool: int
    """Fine-grained."""
    argument_pool: int
    """Of the host's, for the arguments of kernels."""


def gpus_of(hsa: Hsa) -> list[Gpu]:
    """The GPUs that have memory of their own, in the runtime's order."""
    agents = hsa.visited("hsa_iterate_agents")
    kinds = {agent: _device_type(hsa, agent) for agent in agents}
    cpus = [agent for agent, kind in kinds.items() if kind == h.DEVICE_TYPE_CPU]
    found = []
    for agent, kind in kinds.items():
        if kind == h.DEVICE_TYPE_GPU:
            cpu = nearest_cpu(hsa, agent)
            beside = [cpu, *cpus] if cpu in cpus else cpus
            host = [pool for c in beside for pool in _pools(hsa, c, fine_grained=True)]
            own = _pools(hsa, agent, fine_grained=False)
            if own and host:
                kernargs = [pool for pool in host if _flags(hsa, pool) & KERNARG]
                found.append(Gpu(agent, own[0], host[0], (kernargs or host)[0]))
    return found


KERNARG = h.AMD_MEMORY_POOL_GLOBAL_FLAG_KERNARG_INIT


def _device_type(hsa: Hsa, agent: int) -> int:
    kind: int = hsa.get("hsa_agent_get_info", agent, h.AGENT_INFO_DEVICE)
    return kind


def nearest_cpu(hsa: Hsa, agent: int) -> int | None:
    """The agent of the CPU next to a GPU; none where the runtime does not tell."""
    try:
        cpu: int = hsa.get("hsa_agent_get_info", agent, h.AMD_AGENT_INFO_NEAREST_CPU, kind=c_uint64)
    except NativeError:  # ROCm 5 knows no such question
        return None
    return cpu


def _flags(hsa: Hsa, pool: int) -> int:
    flags: int = hsa.get("hsa_amd_memory_pool_get_info", pool, h.AMD_MEMORY_POOL_INFO_GLOBAL_FLAGS)
    return flags


def _pools(hsa: Hsa, agent: int, *, fine_grained: bool) -> list[int]:
    """Pools of global memory of one kind that can be allocated from."""
    wanted = (
        h.AMD_MEMORY_POOL_GLOBAL_FLAG_FINE_GRAINED
        if fine_grained
        else h.AMD_MEMORY_POOL_GLOBAL_FLAG_COARSE_GRAINED
    )

    def ask(pool: int, attribute: int, kind: type = c_uint32) -> int:
        value: int = hsa.get("hsa_amd_memory_pool_get_info", pool, attribute, kind=kind)
        return value

    return [
        pool
        for pool in hsa.visited("hsa_amd_agent_iterate_memory_pools", agent)
        if ask(pool, h.AMD_MEMORY_POOL_INFO_SEGMENT) == h.AMD_SEGMENT_GLOBAL
        and ask(pool, h.AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALLOWED, c_bool)
        and _flags(hsa, pool) & wanted
    ]


def isa_of(hsa: Hsa, agent: int) -> str:
    """The instruction set that an agent runs, the first that the runtime names."""
    isa = hsa.visited("hsa_agent_iterate_isas", agent)[0]
    length = hsa.get("hsa_isa_get_info_alt", isa, h.ISA_INFO_NAME_LENGTH)
    name: bytes = hsa.get("hsa_isa_get_info_alt", isa, h.ISA_INFO_NAME, kind=c_char * length)
    return name.decode()


# -- links --------------------------------------------------------------------------------------


class Path(NamedTuple):
    """How an agent reaches a pool."""

    is_reached: bool
    kind: LinkClass
    hops: int
    has_atomics: bool
    """Of 64 bits, on every hop."""


def path(hsa: Hsa, agent: int, pool: int) -> Path:
    """From the agent that uses memory to the pool that it is of; the worst hop names it."""

    def ask(attribute: int) -> int:
        value: int = hsa.get("hsa_amd_agent_memory_pool_get_info", agent, pool, attribute)
        return value

    is_reached = ask(h.AMD_AGENT_MEMORY_POOL_INFO_ACCESS) != h.AMD_MEMORY_POOL_ACCESS_NEVER_ALLOWED
    count = ask(h.AMD_AGENT_MEMORY_POOL_INFO_NUM_LINK_HOPS)
    hops = (h.LinkInfo * max(count, 1))()
    if count:
        arguments = agent, pool, h.AMD_AGENT_MEMORY_POOL_INFO_LINK_INFO, hops
        hsa.call("hsa_amd_agent_memory_pool_get_info", *arguments)
    found = hops[:count]
    kinds = [LINK_CLASSES.get(hop.link_type, LinkClass.OTHER) for hop in found]
    return Path(
        is_reached,
        max(kinds, default=LinkClass.OTHER),
        count,
        bool(found) and all(hop.atomic_support_64bit for hop in found),
    )


# -- facts --------------------------------------------------------------------------------------


def facts_of(hsa: Hsa, gpus: list[Gpu], ordinal: int) -> Facts:
    """What the runtime says of a GPU."""
    gpu = gpus[ordinal]

    def ask(attribute: int, kind: type = c_uint32) -> int:
        value: int = hsa.get("hsa_agent_get_info", gpu.agent, attribute, kind=kind)
        return value

    paths = {
        other: path(hsa, gpu.agent, there.own_pool)
        for other, there in enumerate(gpus)
        if other != ordinal
    }
    address = _address(ask(h.AMD_AGENT_INFO_DOMAIN), ask(h.AMD_AGENT_INFO_BDFID))
    node, has_dma_bufs = pci.numa_node(address), _has_dma_bufs(hsa)
    grid = hsa.get("hsa_agent_get_info", gpu.agent, h.AGENT_INFO_GRID_MAX_DIM, kind=c_uint32 * 3)
    return Facts(
        name=_text(hsa, gpu.agent, h.AMD_AGENT_INFO_PRODUCT_NAME, 64),
        uuid=_uuid(_text(hsa, gpu.agent, h.AMD_AGENT_INFO_UUID, 21)),
        pci_address=address,
        numa_node=_node(hsa, gpu.agent) if node is None else node,
        total_memory=hsa.get(
            *("hsa_amd_memory_pool_get_info", gpu.own_pool, h.AMD_MEMORY_POOL_INFO_SIZE),
            kind=c_size_t,
        ),
        multiprocessors=ask(h.AMD_AGENT_INFO_COMPUTE_UNIT_COUNT),
        max_workgroups=(grid[0], grid[1], grid[2]),
        max_workgroup_size=ask(h.AGENT_INFO_WORKGROUP_MAX_SIZE),
        stream_memory_operations=True,
        unified_addressing=True,
        concurrent_managed_access=_has_one_memory(hsa),
        pageable_memory_access=_has_one_memory(hsa),
        host_atomics=path(hsa, gpu.agent, gpu.host_pool).has_atomics,
        memory_pools=False,
        host_registration=True,
        exports_descriptors=False,
        exports_dma_buf=has_dma_bufs,
        imports_dma_buf=has_dma_bufs,
        copies_between_all=False,
        reaches=frozenset(other for other, there in paths.items() if there.is_reached),
        links={other: there.kind for other, there in paths.items()},
        hops={other: there.hops for other, there in paths.items()},
        atomics=frozenset(other for other, there in paths.items() if there.has_atomics),
    )


def _address(domain: int, bdf: int) -> str:
    return f"{domain:04x}:{bdf >> 8 & 0xFF:02x}:{bdf >> 3 & 0x1F:02x}.{bdf & 7}"


def _text(hsa: Hsa, agent: int, attribute: int, length: int) -> str:
    text: bytes = hsa.get("hsa_agent_get_info", agent, attribute, kind=c_char * length)
    return text.decode(errors="replace")


def _uuid(text: str) -> bytes | None:
    """``GPU-`` and 16 digits, of which HIP makes the 16 bytes that it tells; none where the
    hardware has no number (``GPU-XX``)."""
    digits = text.removeprefix("GPU-").encode()
    return digits if len(digits) == 16 else None


def _node(hsa: Hsa, agent: int) -> int:
    """Of the CPU next to it; negative where the runtime does not tell."""
    cpu = nearest_cpu(hsa, agent)
    return -1 if cpu is None else hsa.get("hsa_agent_get_info", cpu, h.AGENT_INFO_NODE)


def _has_one_memory(hsa: Hsa) -> bool:
    """Whether GPUs use whatever memory the host has (with XNACK, and on an APU)."""
    return _system_says(hsa, h.AMD_SYSTEM_INFO_SVM_ACCESSIBLE_BY_DEFAULT)


def _has_dma_bufs(hsa: Hsa) -> bool:
    """Whether memory can be exported as dma-buf, and such memory be used."""
    needed = {"hsa_amd_portable_export_dmabuf", "hsa_amd_interop_map_buffer"}
    return not needed & hsa.lacking and _system_says(hsa, h.AMD_SYSTEM_INFO_DMABUF_SUPPORTED)


def _system_says(hsa: Hsa, attribute: int) -> bool:
    try:
        return bool(hsa.get("hsa_system_get_info", attribute, kind=c_bool))
    except NativeError:  # a runtime that knows no such question
        return False
