"""What the hops between AMD's agents make of an edge: the worst one names the link, and it is asked
of the agent that uses memory, on its way to the memory."""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cts.hal import Edge, EdgeFlag, InteropMode, LinkClass

from .conftest import DriverModule

HYPERTRANSPORT, QPI, PCIE, INFINIBAND, XGMI, UNKNOWN = 0, 1, 2, 3, 4, 9
NEVER, ON_REQUEST = 0, 2
ACCESS, COUNT, HOPS = 0, 1, 2
"""What is asked of an agent and a pool."""
EQUAL = EdgeFlag.ATOMIC_DEVICE | EdgeFlag.ATOMIC_SYSTEM | EdgeFlag.P2P_COPY


class Runtime:
    """An HSA runtime that tells of paths: hops by agent and pool, each with or without atomics."""

    def __init__(self, access: int = ON_REQUEST) -> None:
        self.access = access
        self.paths: dict[tuple[int, int], list[tuple[int, bool]]] = {}

    def get(self, name: str, agent: int, pool: int, attribute: int) -> int:
        assert name == "hsa_amd_agent_memory_pool_get_info"
        return self.access if attribute == ACCESS else len(self.paths[agent, pool])

    def call(self, name: str, agent: int, pool: int, attribute: int, hops: Any) -> None:
        assert (name, attribute) == ("hsa_amd_agent_memory_pool_get_info", HOPS)
        for hop, (kind, has_atomics) in zip(hops, self.paths[agent, pool], strict=True):
            hop.link_type, hop.atomic_support_64bit = kind, has_atomics


@pytest.fixture
def agents(driver_module: DriverModule) -> ModuleType:
    return driver_module("amdgpu", "agents")


@pytest.mark.parametrize(
    ("kinds", "link"),
    [
        ([XGMI], LinkClass.NVLINK_IF),
        ([PCIE], LinkClass.PCIE_SAME_ROOT),
        ([PCIE, PCIE], LinkClass.PCIE_SAME_ROOT),
        ([PCIE, QPI, PCIE], LinkClass.PCIE_CROSS_ROOT),
        ([PCIE, HYPERTRANSPORT, PCIE], LinkClass.PCIE_CROSS_ROOT),
        ([XGMI, PCIE], LinkClass.PCIE_SAME_ROOT),
        ([PCIE, XGMI], LinkClass.PCIE_SAME_ROOT),
        ([INFINIBAND, XGMI], LinkClass.FABRIC),
        ([UNKNOWN], LinkClass.OTHER),
        ([], LinkClass.OTHER),
    ],
)
def test_the_worst_hop_names_the_path(
    agents: ModuleType, kinds: list[int], link: LinkClass
) -> None:
    runtime = Runtime()
    runtime.paths[7, 8] = [(kind, True) for kind in kinds]
    found = agents.path(runtime, 7, 8)
    assert (found.kind, found.hops, found.is_reached) == (link, len(kinds), True)


def test_one_hop_without_atomics_is_a_path_without(agents: ModuleType) -> None:
    runtime = Runtime()
    runtime.paths[7, 8] = [(PCIE, True), (QPI, False), (PCIE, True)]
    assert not agents.path(runtime, 7, 8).has_atomics
    runtime.paths[7, 8] = [(PCIE, True), (QPI, True)]
    assert agents.path(runtime, 7, 8).has_atomics


def test_memory_that_may_never_be_used_is_not_reached(agents: ModuleType) -> None:
    runtime = Runtime(access=NEVER)
    runtime.paths[7, 8] = [(PCIE, True)]
    assert not agents.path(runtime, 7, 8).is_reached


# -- what edges become --------------------------------------------------------------------------


@pytest.fixture
def refined(agents: ModuleType) -> Any:
    """A function of the paths 0 → memory of 1 and 1 → memory of 0: the edges 0→1 and 1→0."""
    links = importlib.import_module(agents.Facts.__module__.replace(".facts", ".links"))

    def refine(to_1: Any, to_0: Any) -> tuple[Edge, Edge]:
        runtime = Runtime()
        runtime.paths = {(0, 1): to_1, (1, 0): to_0}
        devices = [_device(agents, runtime, 0, 1), _device(agents, runtime, 1, 0)]
        edge = Edge.pack(flags=EQUAL)
        return links.refine(*devices, edge), links.refine(*devices[::-1], edge)

    return refine


def _device(agents: ModuleType, runtime: Runtime, ordinal: int, other: int) -> Any:
    there = agents.path(runtime, ordinal, other)
    facts = SimpleNamespace(
        links={other: there.kind},
        hops={other: there.hops},
        atomics=frozenset({other} if there.has_atomics else ()),
    )
    context = SimpleNamespace(ordinal=ordinal, facts=facts, reaches=lambda _: there.is_reached)
    return SimpleNamespace(context=context)


def test_an_edge_is_of_the_way_from_its_target_to_its_sources_memory(refined: Any) -> None:
    """The edge 0→1 is the agent 1 that reaches memory of 0."""
    far, near = [(PCIE, False), (QPI, True), (PCIE, True)], [(XGMI, True)]
    forth, back = refined(near, far)
    assert forth.link_class is back.link_class is LinkClass.PCIE_CROSS_ROOT  # the worse of the two
    assert forth.latency_class - back.latency_class == 2  # links more on the way
    assert not forth.flags & (EdgeFlag.ATOMIC_DEVICE | EdgeFlag.ATOMIC_SYSTEM)
    assert back.flags & EQUAL == EQUAL


def test_links_are_told_apart(refined: Any) -> None:
    costs = []
    for kinds in ([XGMI], [PCIE], [PCIE, QPI, PCIE]):
        path = [(kind, True) for kind in kinds]
        edge, _ = refined(path, path)
        assert edge.buffer_read_mode_noncoherent is InteropMode.NATIVE
        costs.append((edge.link_class, edge.copy_cost, edge.latency_class))
    assert costs == sorted(costs)
    assert len({link for link, _, _ in costs}) == 3
