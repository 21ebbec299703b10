"""Forming device groups: how long the builder takes beside what it must ask of its devices.

No verdict: pytest-benchmark prints a table. Devices are of a class of their own that does nothing
but count, so that what is measured is the group and not the driver.

    pytest suites/benchmarks
"""

from __future__ import annotations

from typing import Any

import pytest

from cts.hal import (
    Device,
    DeviceCapabilities,
    DeviceCapability,
    DeviceGroupBuilder,
    Edge,
    EdgeMatrix,
    HandleType,
    edge_from_capabilities,
    slot,
)

NODES = 2
FLAGS = (
    DeviceCapability.TIMELINE_SEMAPHORES
    | DeviceCapability.P2P_COPY
    | DeviceCapability.ATOMIC_SCOPE_DEVICE
    | DeviceCapability.PEER_ADDRESSABLE
)


def capabilities(index: int) -> DeviceCapabilities:
    """Those of a GPU: a UUID of its own, one of two NUMA nodes, descriptors to share."""
    return DeviceCapabilities(
        flags=FLAGS,
        semaphore_export_types=HandleType.OPAQUE_FD,
        semaphore_import_types=HandleType.OPAQUE_FD,
        buffer_export_types=HandleType.OPAQUE_FD | HandleType.DMA_BUF,
        buffer_import_types=HandleType.OPAQUE_FD | HandleType.DMA_BUF,
        numa_node=index % NODES,
        physical_device_uuid=(index + 1).to_bytes(16, "big"),
    )


def all_different(index: int) -> DeviceCapabilities:
    """Capabilities that no other index has, in what edges depend on."""
    return DeviceCapabilities(
        flags=DeviceCapability(index & 0x1FF),
        semaphore_export_types=HandleType(index & 0xFF),
        semaphore_import_types=HandleType(index * 7 & 0xFF),
        buffer_export_types=HandleType(index * 3 & 0xFF),
        buffer_import_types=HandleType(index * 5 & 0xFF),
        numa_node=index % NODES,
    )


class CountingDevice(Device):
    """Answers at once, and counts its refinements."""

    driver_name = "counting"

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index
        self._capabilities = capabilities(index)
        self._info: Any = None
        self.refined = 0

    @property
    @slot()
    def identifier(self) -> str:
        return str(self._index)

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        return self._capabilities

    @property
    @slot()
    def topology_info(self) -> Any:
        return self._info

    @slot()
    def assign_topology_info(self, info: Any) -> None:
        self._info = info

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        self.refined += 1
        return edge


@pytest.mark.parametrize("count", [1, 2, 8, 32, 1024])
def test_form_a_group(benchmark: Any, count: int) -> None:
    """Adds the devices and finalizes, the release not counted; every refinement is counted."""
    devices = [CountingDevice(index) for index in range(count)]
    groups: list[Any] = []

    def release() -> None:
        while groups:
            groups.pop().release()

    def form() -> None:
        builder = DeviceGroupBuilder()
        for device in devices:
            builder.add_device(device)
        groups.append(builder.finalize())

    rounds = 3 if count > 100 else 500
    benchmark.pedantic(form, setup=release, rounds=rounds, warmup_rounds=1)
    release()
    calls = sum(device.refined for device in devices)
    benchmark.extra_info["refine_calls_per_group"] = calls // (rounds + 1)
    assert calls == (rounds + 1) * count * (count - 1)
    for device in devices:
        device.release()


MATRIX_DEVICES = 256


@pytest.mark.parametrize("how", ["at once", "pair by pair"])
@pytest.mark.benchmark(group=f"matrix of {MATRIX_DEVICES} devices, no two alike")
def test_derive_a_matrix(benchmark: Any, how: str) -> None:
    """Derives every edge of 256 devices with different capabilities, both ways."""
    answers = [all_different(index) for index in range(MATRIX_DEVICES)]
    drivers = ["one"] * MATRIX_DEVICES

    def distance(src: int, dst: int) -> int:
        return 20

    def at_once() -> None:
        EdgeMatrix(answers, drivers, distance).words()

    def pair_by_pair() -> None:
        for src in answers:
            for dst in answers:
                edge_from_capabilities(
                    src, dst, src_driver="one", dst_driver="one", numa_distance=distance
                )

    rounds = 3 if how == "pair by pair" else 20
    benchmark.pedantic(at_once if how == "at once" else pair_by_pair, rounds=rounds)
