"""How an edge follows from two devices' capabilities, each rule written out as the contract has it.

The driver's own devices are given chosen capabilities, and make a group; a device of another driver
is a mock beside one of the driver's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.checks import expect_equal
from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceCapability,
    Edge,
    EdgeFlag,
    HandleType,
    InteropMode,
    LinkClass,
)
from cts.hal.testing import MockDevice
from cts.plugin.fixtures import NewDevice, NewGroup, Steer
from cts.plugin.strategies import capabilities

NATIVE, IMPORT, COPY = InteropMode.NATIVE, InteropMode.IMPORT, InteropMode.COPY
ADDRESSABLE, UNIFIED = DeviceCapability.PEER_ADDRESSABLE, DeviceCapability.UNIFIED_MEMORY
FOREIGN = "hal-cts-foreign"

Capabilities = DeviceCapabilities
Check = Callable[[Capabilities, Capabilities, Edge, bool], None]


def unknown(src: int, dst: int) -> int | None:
    """No NUMA distance is known."""
    return None


@pytest.fixture
def edge_between(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> Callable[[Capabilities, Capabilities, bool], Edge]:
    """The edge that a group has from a device with some capabilities to one with others."""
    first = new_device()
    second: list[Device] = []

    @contextmanager
    def partner(same_driver: bool) -> Iterator[Device]:
        if same_driver:
            if not second:
                second.append(new_device())
            yield second[0]
        else:
            with MockDevice("foreign", FOREIGN) as mock:
                yield mock

    def form(src: Capabilities, dst: Capabilities, same_driver: bool) -> Edge:
        with partner(same_driver) as other:
            steer.restore(first)
            steer.restore(other)
            steer.capabilities(first, src)
            steer.capabilities(other, dst)
            with new_group(first, other, numa_distance=unknown) as group:
                edge = group.topology.query_edge(0, 1)
                assert edge is not None
                return edge

    return form


def not_aliased(src: Capabilities, dst: Capabilities, same_driver: bool) -> bool:
    """Whether the pair's edge follows from more than an equal handle."""
    return not (same_driver and 0 != src.driver_device_handle == dst.driver_device_handle)


def for_any_pair(
    hal_search: settings,
    edge_between: Callable[[Capabilities, Capabilities, bool], Edge],
    check: Check,
) -> None:
    """Checks the edge of any two devices, of one driver and of two."""

    @hal_search
    @given(capabilities(driver_device_handle=0), capabilities(), st.booleans())
    def run(src: Capabilities, dst: Capabilities, same_driver: bool) -> None:
        check(src, dst, edge_between(src, dst, same_driver), same_driver)

    run()


@pytest.mark.spec("EDG-3")
@pytest.mark.needs(devices=2)
def test_equal_handles_of_one_driver_give_the_self_edge(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """Gives two devices one handle: the self edge; on two drivers, or with handle 0, it is not."""
    self_words = (0x9FF000, 0x01010101)

    @hal_search
    @given(capabilities(driver_device_handle=0x77), capabilities(driver_device_handle=0x77))
    def check(src: Capabilities, dst: Capabilities) -> None:
        edge = edge_between(src, dst, True)
        expect_equal((edge.lo, edge.hi), self_words, "EDG-3", f"{src} → {dst}")

    check()
    nothing = Capabilities()
    aliased = Capabilities(driver_device_handle=0x77)
    other = Capabilities(driver_device_handle=0x78)
    for src, dst, same_driver in (
        (aliased, aliased, False),
        (aliased, other, True),
        (nothing, nothing, True),
    ):
        edge = edge_between(src, dst, same_driver)
        expect_equal(edge.wait_mode, COPY, "EDG-3", f"wait_mode of {src} → {dst}")


@pytest.mark.spec("EDG-4")
@pytest.mark.needs(devices=2)
def test_handle_sets_are_intersections(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """Imports are src's exports that dst imports; exports are dst's exports that src imports."""

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        wanted = {
            "semaphore_import_types": src.semaphore_export_types & dst.semaphore_import_types,
            "semaphore_export_types": dst.semaphore_export_types & src.semaphore_import_types,
            "buffer_import_types": src.buffer_export_types & dst.buffer_import_types,
            "buffer_export_types": dst.buffer_export_types & src.buffer_import_types,
        }
        for name, types in wanted.items():
            expect_equal(getattr(edge, name), types, "EDG-4", f"{name} of {src} → {dst}")

    for_any_pair(hal_search, edge_between, check)


@pytest.mark.spec("EDG-5")
@pytest.mark.needs(devices=2)
def test_semaphore_modes_follow_from_the_sets(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """NATIVE where one driver shares native handles, IMPORT where any type is shared, else COPY."""

    def mode(types: HandleType, same_driver: bool) -> InteropMode:
        if same_driver and HandleType.NATIVE in types:
            return NATIVE
        return IMPORT if types else COPY

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        imports = src.semaphore_export_types & dst.semaphore_import_types
        exports = dst.semaphore_export_types & src.semaphore_import_types
        doing = f"{src} → {dst}, same driver {same_driver}"
        expect_equal(edge.wait_mode, mode(imports, same_driver), "EDG-5", f"wait_mode of {doing}")
        expect_equal(edge.signal_mode, mode(exports, same_driver), "EDG-5", f"signal_mode, {doing}")

    for_any_pair(hal_search, edge_between, check)


@pytest.mark.spec("EDG-6")
@pytest.mark.needs(devices=2)
def test_buffer_modes_follow_from_addressing_and_sets(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """NATIVE where both address peers, or for coherent memory share one; else IMPORT or COPY."""

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        both = src.flags & dst.flags
        shared = IMPORT if src.buffer_export_types & dst.buffer_import_types else COPY
        addressable = bool(both & ADDRESSABLE) and same_driver
        noncoherent = NATIVE if addressable else shared
        coherent = NATIVE if both & UNIFIED or addressable else shared
        doing = f"{src} → {dst}, same driver {same_driver}"
        expect_equal(edge.buffer_read_mode_noncoherent, noncoherent, "EDG-6", f"read, {doing}")
        expect_equal(edge.buffer_write_mode_noncoherent, noncoherent, "EDG-6", f"write, {doing}")
        expect_equal(edge.buffer_read_mode_coherent, coherent, "EDG-6", f"coherent read, {doing}")
        expect_equal(edge.buffer_write_mode_coherent, coherent, "EDG-6", f"coherent write, {doing}")

    for_any_pair(hal_search, edge_between, check)


@pytest.mark.spec("EDG-7")
@pytest.mark.needs(devices=2)
def test_flags_are_what_both_have(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """Each edge flag is, by name, the AND of the two devices'; two of them within a driver only."""
    names = {
        DeviceCapability.UNIFIED_MEMORY: EdgeFlag.UNIFIED_MEMORY,
        DeviceCapability.PEER_COHERENT: EdgeFlag.PEER_COHERENT,
        DeviceCapability.HOST_COHERENT: EdgeFlag.HOST_COHERENT,
        DeviceCapability.P2P_COPY: EdgeFlag.P2P_COPY,
        DeviceCapability.CONCURRENT_SAFE: EdgeFlag.CONCURRENT_SAFE,
        DeviceCapability.ATOMIC_SCOPE_DEVICE: EdgeFlag.ATOMIC_DEVICE,
        DeviceCapability.ATOMIC_SCOPE_SYSTEM: EdgeFlag.ATOMIC_SYSTEM,
        DeviceCapability.TIMELINE_SEMAPHORES: EdgeFlag.TIMELINE_SEMAPHORE,
        DeviceCapability.SHARED_VIRTUAL_ADDRESS: EdgeFlag.SHARED_VIRTUAL_ADDRESS,
    }

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        wanted = EdgeFlag.SAME_RUNTIME_DOMAIN if same_driver else EdgeFlag(0)
        for capability, flag in names.items():
            both_have_it = capability in src.flags and capability in dst.flags
            if both_have_it and (flag is not EdgeFlag.PEER_COHERENT or same_driver):
                wanted |= flag
        expect_equal(edge.flags, wanted, "EDG-7", f"flags of {src} → {dst}, {same_driver=}")

    for_any_pair(hal_search, edge_between, check)


@pytest.mark.spec("EDG-8")
@pytest.mark.needs(devices=2)
def test_link_follows_from_uuid_and_driver(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """One UUID is SAME_DIE; else one driver is PCIE_SAME_ROOT, two are HOST_STAGED."""

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        wanted = LinkClass.PCIE_SAME_ROOT if same_driver else LinkClass.HOST_STAGED
        if src.physical_device_uuid and src.physical_device_uuid == dst.physical_device_uuid:
            wanted = LinkClass.SAME_DIE
        expect_equal(edge.link_class, wanted, "EDG-8", f"link of {src} → {dst}, {same_driver=}")

    for_any_pair(hal_search, edge_between, check)


@pytest.mark.spec("EDG-9")
@pytest.mark.needs(devices=2)
def test_costs_follow_from_modes_and_link(
    hal_search: settings, edge_between: Callable[[Capabilities, Capabilities, bool], Edge]
) -> None:
    """Wait and signal cost by mode; copy cost and latency by UUID, driver and peer copies."""
    wait = {NATIVE: 0, IMPORT: 3, COPY: 10}
    signal = {NATIVE: 1, IMPORT: 3, COPY: 10}

    def check(src: Capabilities, dst: Capabilities, edge: Edge, same_driver: bool) -> None:
        doing = f"{src} → {dst}, {same_driver=}"
        expect_equal(edge.wait_cost, wait[edge.wait_mode], "EDG-9", f"wait_cost of {doing}")
        expect_equal(edge.signal_cost, signal[edge.signal_mode], "EDG-9", f"signal_cost of {doing}")
        peer_copy = DeviceCapability.P2P_COPY in src.flags & dst.flags
        if src.physical_device_uuid and src.physical_device_uuid == dst.physical_device_uuid:
            wanted = 0, 0
        elif same_driver:
            wanted = (5, 5) if peer_copy else (9, 8)
        else:
            wanted = 13, 11
        expect_equal((edge.copy_cost, edge.latency_class), wanted, "EDG-9", f"copy cost of {doing}")

    for_any_pair(hal_search, edge_between, check)
