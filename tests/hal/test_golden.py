"""Words and bitmaps that IREE's compiled code gave for the same inputs, NUMA distances unknown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import pytest

from cts.hal import (
    DeviceCapabilities,
    DeviceCapability,
    DeviceGroup,
    DeviceGroupBuilder,
    EdgeMatrix,
    HandleType,
    edge_from_capabilities,
)
from cts.hal.testing import MockDevice

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    """The rows of one table."""
    with (GOLDEN / name).open(newline="") as file:
        return list(csv.DictReader(file))


def capabilities(row: Row, prefix: str = "") -> DeviceCapabilities:
    """The capabilities in a row's columns of that prefix."""
    return DeviceCapabilities(
        flags=DeviceCapability(int(row[f"{prefix}flags"], 0)),
        semaphore_export_types=HandleType(int(row[f"{prefix}sem_export"], 0)),
        semaphore_import_types=HandleType(int(row[f"{prefix}sem_import"], 0)),
        buffer_export_types=HandleType(int(row[f"{prefix}buf_export"], 0)),
        buffer_import_types=HandleType(int(row[f"{prefix}buf_import"], 0)),
        numa_node=int(row[f"{prefix}numa"]),
        physical_device_uuid=bytes.fromhex(row[f"{prefix}uuid"]) or None,
        driver_device_handle=int(row[f"{prefix}handle"], 0),
    )


def unknown(src: int, dst: int) -> int | None:
    """No NUMA distance is known."""
    return None


EDGES = rows("edges.csv")
GROUPS = {name: list(group) for name, group in groupby(rows("groups.csv"), lambda r: r["group"])}


def test_the_tables_are_whole() -> None:
    assert len(EDGES) == 2000
    assert sum(map(len, GROUPS.values())) == 951


def test_every_edge_from_capabilities() -> None:
    for number, row in enumerate(EDGES, 2):
        edge = edge_from_capabilities(
            capabilities(row, "src_"),
            capabilities(row, "dst_"),
            src_driver=row["src_driver"],
            dst_driver=row["dst_driver"],
            numa_distance=unknown,
        )
        assert (edge.lo, edge.hi) == (int(row["lo"], 16), int(row["hi"], 16)), f"line {number}"


@pytest.mark.parametrize("start", range(0, 2000, 250))
def test_every_edge_in_a_matrix_with_many_others(start: int) -> None:
    part = EDGES[start : start + 250]
    answers = [capabilities(row, end) for row in part for end in ("src_", "dst_")]
    drivers = [row[f"{end}_driver"] for row in part for end in ("src", "dst")]
    lo, hi = EdgeMatrix(answers, drivers, unknown).words()
    for number, row in enumerate(part):
        words = int(lo[2 * number, 2 * number + 1]), int(hi[2 * number, 2 * number + 1])
        assert words == (int(row["lo"], 16), int(row["hi"], 16)), f"line {start + number + 2}"


def grouped(members: list[Row], stack: ExitStack) -> Iterator[tuple[Row, MockDevice]]:
    """Each member of a golden group with its device, which is in a group until the stack ends."""
    builder = DeviceGroupBuilder(numa_distance=unknown)
    pairs = []
    for row in members:
        device = stack.enter_context(MockDevice(row["index"], row["driver"], capabilities(row)))
        builder.add_device(device)
        pairs.append((row, device))
    group: DeviceGroup = stack.enter_context(builder.finalize())
    assert group.device_count == len(members)
    yield from pairs


def test_every_groups_bitmaps() -> None:
    for name, members in GROUPS.items():
        with ExitStack() as stack:
            for row, device in grouped(members, stack):
                info = device.topology_info
                assert info is not None
                found = (
                    info.topology_index,
                    info.self_edge,
                    info.can_wait_from,
                    info.can_signal_to,
                    info.can_import_from,
                    info.can_p2p_with,
                )
                wanted = (
                    int(row["index"]),
                    int(row["self_edge"], 0),
                    int(row["can_wait_from"], 0),
                    int(row["can_signal_to"], 0),
                    int(row["can_import_from"], 0),
                    int(row["can_p2p_with"], 0),
                )
                assert found == wanted, f"group {name}, device {row['index']}"
