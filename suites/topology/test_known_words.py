"""Words that IREE's compiled code gave for the same inputs, NUMA distances unknown.

The vectors are a sample; the whole table is among the project's own tests.
"""

from __future__ import annotations

import pytest

from cts.checks import expect_equal
from cts.hal import DeviceCapabilities, DeviceCapability, HandleType
from cts.hal.testing import MockDevice
from cts.plugin.fixtures import NewDevice, NewGroup, Steer

Row = tuple[int, int, int, int, int, int, str, int]
"""Flags, semaphore export and import, buffer export and import, NUMA node, UUID, handle."""

VECTORS: list[tuple[str, bool, Row, Row, int, int]] = [
    (
        "two-0",
        False,
        (0x135, 0x0, 0x1, 0xE0, 0x0, 2, "010000000000000000000000000000a5", 0x1002),
        (0x0, 0x0, 0x0, 0x2, 0x4D, 0, "", 0x1002),
        0x43BDAA000055A,
        0x400000,
    ),
    (
        "one-1",
        True,
        (0x0, 0x2, 0x3B, 0xC, 0xC7, 1, "", 0x1002),
        (0x1CD, 0x2, 0x0, 0x2, 0x2, 0, "010000000000000000000000000000a5", 0x1001),
        0x23893A0001AA6,
        0x2000200,
    ),
    (
        "two-2",
        False,
        (0xDFF, 0x2, 0x1, 0x1, 0x0, 0, "", 0x1002),
        (0xDFF, 0x2, 0x51, 0xC5, 0x0, 0, "030000000000000000000000000000a5", 0x0),
        0x40BDAA09FA0AA,
        0x0,
    ),
    (
        "two-3",
        False,
        (0x0, 0x1, 0x0, 0x2, 0x0, 2, "030000000000000000000000000000a5", 0x0),
        (0xD7A, 0x2, 0x0, 0x2, 0x0, 2, "", 0x1002),
        0x40BDAA0000AAA,
        0x0,
    ),
    (
        "one-4",
        True,
        (0x0, 0x1, 0x52, 0x0, 0x1, 0, "010000000000000000000000000000a5", 0x0),
        (0xDFF, 0x1, 0xBD, 0x1, 0x16, 0, "", 0x1002),
        0x2089A00001AA8,
        0x1000001,
    ),
    (
        "one-5",
        True,
        (0x28, 0xF1, 0xFE, 0x2, 0x3, 2, "", 0x1002),
        (0xDFF, 0xD, 0xFD, 0x1, 0x2, 2, "030000000000000000000000000000a5", 0x0),
        0x2089300005554,
        0x1020CF1,
    ),
    (
        "one-6",
        True,
        (0x0, 0x74, 0x8D, 0x2, 0x0, 1, "", 0x1001),
        (0x0, 0xBB, 0x25, 0x1, 0x0, 0, "", 0x1001),
        0x9FF000,
        0x1010101,
    ),
    (
        "one-7",
        True,
        (0x162, 0x1, 0x0, 0x1, 0x2, 1, "", 0x0),
        (0x82, 0x73, 0x2, 0x1A, 0x0, 1, "", 0x1002),
        0x2089AA00030AA,
        0x2000000,
    ),
    (
        "one-8",
        True,
        (0xDFF, 0x6, 0xBD, 0x1, 0x4F, 1, "", 0x0),
        (0xE1, 0x0, 0xEE, 0x2, 0x19, 2, "", 0x0),
        0x2389A30161559,
        0x2010006,
    ),
    (
        "one-9",
        True,
        (0xDFF, 0x1E, 0x2, 0x2, 0xB5, 1, "", 0x1002),
        (0x0, 0x2, 0x1, 0x1, 0x5A, 0, "", 0x1001),
        0x23893A0001556,
        0x1020200,
    ),
    (
        "two-10",
        False,
        (0xDFF, 0xE5, 0x1, 0x48, 0x7C, 0, "030000000000000000000000000000a5", 0x1002),
        (0x50A, 0x41, 0x0, 0xFE, 0xA9, 2, "", 0x1002),
        0x43BD3A0082056,
        0x7C080100,
    ),
    (
        "two-11",
        False,
        (0xDC1, 0xA1, 0x0, 0x0, 0x2, 2, "030000000000000000000000000000a5", 0x1001),
        (0xDFF, 0xD8, 0xD7, 0x2, 0x2, 2, "020000000000000000000000000000a5", 0x1002),
        0x40BDA309E0AA9,
        0x2000081,
    ),
    (
        "one-12",
        True,
        (0xC38, 0x2, 0x0, 0x0, 0x8D, 1, "020000000000000000000000000000a5", 0x1002),
        (0xDFF, 0x0, 0x2, 0x0, 0x2, 2, "020000000000000000000000000000a5", 0x1000),
        0x300A30815009,
        0x2,
    ),
    (
        "one-13",
        True,
        (0x4DA, 0x1, 0xB6, 0x2, 0x2, 0, "030000000000000000000000000000a5", 0x0),
        (0x818, 0x91, 0x53, 0x2, 0x4E, 1, "", 0x1002),
        0x2355300015554,
        0x2029001,
    ),
    (
        "one-14",
        True,
        (0x8D7, 0x1, 0x1, 0x7F, 0x2, 1, "030000000000000000000000000000a5", 0x1001),
        (0x4D4, 0x2, 0x0, 0x2, 0xAD, 2, "030000000000000000000000000000a5", 0x0),
        0x300AA007955A,
        0x22D0000,
    ),
    (
        "two-15",
        False,
        (0x864, 0x1, 0x0, 0x2, 0x0, 2, "", 0x1002),
        (0x13C, 0x4D, 0x2, 0x0, 0x2, 2, "020000000000000000000000000000a5", 0x1000),
        0x40BDAA000855A,
        0x20000,
    ),
    (
        "one-16",
        True,
        (0xC37, 0x0, 0x0, 0xA5, 0x10, 0, "", 0x0),
        (0x93B, 0x1, 0xE4, 0xC0, 0x35, 0, "030000000000000000000000000000a5", 0x0),
        0x2055AA091305A,
        0x250000,
    ),
    (
        "two-17",
        False,
        (0xC44, 0x9, 0x2, 0xB6, 0x2, 1, "030000000000000000000000000000a5", 0x1002),
        (0x4D7, 0x1, 0x1, 0xFD, 0x0, 0, "030000000000000000000000000000a5", 0x0),
        0x300A30028AA9,
        0x1,
    ),
    (
        "two-18",
        False,
        (0x880, 0x0, 0x2, 0x0, 0x0, 2, "030000000000000000000000000000a5", 0x1001),
        (0x153, 0x0, 0x0, 0x2, 0x1, 0, "030000000000000000000000000000a5", 0x0),
        0x300AA0000AAA,
        0x0,
    ),
    (
        "two-19",
        False,
        (0x810, 0xFB, 0xCD, 0xA8, 0x1F, 2, "030000000000000000000000000000a5", 0x0),
        (0x12A, 0x2, 0x40, 0x0, 0x2, 2, "030000000000000000000000000000a5", 0x1001),
        0xA30000AA9,
        0x40,
    ),
    (
        "two-20",
        False,
        (0xDFF, 0xD8, 0x2, 0x0, 0xBF, 1, "", 0x1002),
        (0x0, 0x0, 0x18, 0x0, 0x1, 2, "", 0x0),
        0x43BDA30000AA9,
        0x18,
    ),
    (
        "one-21",
        True,
        (0xCF5, 0x6, 0x2, 0x0, 0x1, 1, "", 0x1002),
        (0x0, 0x2, 0x2, 0x2, 0xEF, 0, "", 0x0),
        0x2389330001AA5,
        0x202,
    ),
    (
        "one-22",
        True,
        (0xDFF, 0x10, 0x46, 0x0, 0x0, 0, "", 0x0),
        (0xDBE, 0x41, 0x3F, 0x1, 0x67, 1, "", 0x1001),
        0x23553308DF005,
        0x4010,
    ),
    (
        "two-23",
        False,
        (0xDFF, 0xC2, 0xFA, 0x2, 0x1, 0, "020000000000000000000000000000a5", 0x1002),
        (0xDDE, 0x1, 0x2, 0x2, 0x1, 2, "020000000000000000000000000000a5", 0x1000),
        0x300A308FA0A9,
        0x2,
    ),
]


def capabilities(row: Row) -> DeviceCapabilities:
    """The capabilities of one row."""
    flags, *types, node, uuid, handle = row
    handles = [HandleType(value) for value in types if isinstance(value, int)]
    return DeviceCapabilities(
        flags=DeviceCapability(flags),
        semaphore_export_types=handles[0],
        semaphore_import_types=handles[1],
        buffer_export_types=handles[2],
        buffer_import_types=handles[3],
        numa_node=int(node),
        physical_device_uuid=bytes.fromhex(str(uuid)) or None,
        driver_device_handle=int(handle),
    )


@pytest.mark.spec("EDG-11")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[0])
def test_words_are_equal_bit_for_bit(
    new_device: NewDevice,
    new_group: NewGroup,
    steer: Steer,
    vector: tuple[str, bool, Row, Row, int, int],
) -> None:
    """Gives two devices the inputs of one vector: the edge has its words."""
    _, same_driver, src, dst, lo, hi = vector
    first = new_device()
    second = new_device() if same_driver else MockDevice("foreign", "hal-cts-foreign")
    steer.capabilities(first, capabilities(src))
    steer.capabilities(second, capabilities(dst))
    group = new_group(first, second, numa_distance=lambda a, b: None)
    edge = group.topology.query_edge(0, 1)
    assert edge is not None
    expect_equal(
        (f"{edge.lo:#x}", f"{edge.hi:#x}"), (f"{lo:#x}", f"{hi:#x}"), "EDG-11", "the words"
    )
    if not same_driver:
        steer.restore(second)
        group.release()
        second.release()
