"""The words of an edge: where each field lies, how it prints."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.checks import expect, expect_equal, expect_error
from cts.hal import SELF_EDGE, DeviceGroup, Edge, HalError, InteropMode, LinkClass, StatusCode

# The layout as the contract's section 4 gives it: first and last bit of each field.
LO = {
    "wait_mode": (0, 1),
    "signal_mode": (2, 3),
    "buffer_read_mode_noncoherent": (4, 5),
    "buffer_write_mode_noncoherent": (6, 7),
    "buffer_read_mode_coherent": (8, 9),
    "buffer_write_mode_coherent": (10, 11),
    "flags": (12, 27),
    "wait_cost": (28, 31),
    "signal_cost": (32, 35),
    "copy_cost": (36, 39),
    "latency_class": (40, 43),
    "numa_distance": (44, 47),
    "link_class": (48, 50),
}
HI = {
    "semaphore_import_types": (0, 7),
    "semaphore_export_types": (8, 15),
    "buffer_import_types": (16, 23),
    "buffer_export_types": (24, 31),
}
LAYOUT = LO | HI


def in_word(edge: Edge, name: str) -> int:
    """A field, read from the words by the layout above."""
    first, last = LAYOUT[name]
    word = edge.lo if name in LO else edge.hi
    return word >> first & (1 << last - first + 1) - 1


def edges_of(group: DeviceGroup) -> list[Edge]:
    """Every edge of a group."""
    count = group.device_count
    edges = [group.topology.query_edge(i, j) for i in range(count) for j in range(count)]
    return [edge for edge in edges if edge is not None]


@pytest.mark.spec("EDG-1")
def test_fields_lie_where_the_layout_says(device_group: DeviceGroup) -> None:
    """Reads each field of each edge from the words: what the edge says, and nothing beside it."""
    for edge in edges_of(device_group):
        for name in LAYOUT:
            expect_equal(int(getattr(edge, name)), in_word(edge, name), "EDG-1", f"{name}, {edge}")
        expect_equal((edge.lo >> 51, edge.hi >> 32), (0, 0), "EDG-1", f"reserved bits of {edge}")


@pytest.mark.spec("EDG-1")
@pytest.mark.parametrize("name", LAYOUT)
def test_a_field_round_trips_and_touches_no_other(
    device_group: DeviceGroup, hal_search: settings, name: str
) -> None:
    """Sets one field of a group's edge to any value: it reads back, all others are as before."""
    edge = edges_of(device_group)[-1]
    first, last = LAYOUT[name]
    limit = (1 << last - first + 1) - 1

    @hal_search
    @given(st.sampled_from([0, limit]) | st.integers(0, limit))
    def check(value: int) -> None:
        changed = edge.replace(**{name: value})
        for other in LAYOUT:
            wanted = value if other == name else in_word(edge, other)
            expect_equal(in_word(changed, other), wanted, "EDG-1", f"{name}={value}: {other}")
        expect_equal(changed.reserved, (0, 0), "EDG-1", f"{name}={value}: reserved bits")

    check()


@pytest.mark.spec("EDG-1")
@pytest.mark.parametrize("name", LAYOUT)
def test_a_value_that_does_not_fit_is_refused(device_group: DeviceGroup, name: str) -> None:
    """Sets one field beyond its ends: refused, not clamped; at its end it is taken."""
    edge = edges_of(device_group)[0]
    first, last = LAYOUT[name]
    limit = (1 << last - first + 1) - 1
    for value in (limit + 1, -1):
        with expect_error(StatusCode.INVALID_ARGUMENT, "EDG-1", f"{name}={value}"):
            edge.replace(**{name: value})
    edge.replace(**{name: limit})


@pytest.mark.spec("EDG-2")
def test_self_edges_are_native_and_free(device_group: DeviceGroup) -> None:
    """Reads the self edge of every device: native modes, no cost, the nine and one flags."""
    flags = sum(1 << bit for bit in (*range(9), 11))
    wanted = dict.fromkeys(LAYOUT, 0) | {"flags": flags} | dict.fromkeys(HI, 1)
    for index in range(device_group.device_count):
        edge = device_group.topology.query_edge(index, index)
        assert edge is not None
        found = {name: in_word(edge, name) for name in LAYOUT}
        expect_equal(found, wanted, "EDG-2", f"the self edge of device {index}")


@pytest.mark.spec("EDG-13")
def test_an_edge_prints_with_names(device_group: DeviceGroup) -> None:
    """Prints edges with every mode and link class: each by its name, costs as numbers."""
    edge = edges_of(device_group)[-1]
    for mode in InteropMode:
        text = str(edge.replace(wait_mode=mode, signal_mode=mode))
        expect(f"wait={mode.name} " in text, "EDG-13", "printing", came_back=text, asks=mode.name)
        expect(f"signal={mode.name} " in text, "EDG-13", "printing", came_back=text, asks=mode.name)
    for link in LinkClass:
        text = str(edge.replace(link_class=link, copy_cost=9))
        for part in (f"link={link.name}", "copy_cost=9"):
            expect(part in text, "EDG-13", "printing an edge", came_back=text, asks=part)


@pytest.mark.spec("EDG-13")
def test_a_topology_prints_as_a_matrix(device_group: DeviceGroup) -> None:
    """Prints the group's topology: a heading and one line for each device, modes by name."""
    text = str(device_group.topology)
    lines = text.splitlines()
    expect_equal(len(lines), device_group.device_count + 1, "EDG-13", f"lines of\n{text}")
    for index, line in enumerate(lines[1:]):
        own = line.split()[0] == str(index) and "NATIVE" in line and "SAME_DIE" in line
        expect(own, "EDG-13", f"row {index}", came_back=line, asks="the index and its edges")


@pytest.mark.spec("EDG-14")
def test_a_missing_edge_is_none(device_group: DeviceGroup) -> None:
    """Asks for edges that are not there: none, never a word that reads as native."""
    count = device_group.device_count
    for pair in ((count, 0), (0, count), (-1, 0), (0, -1), (1 << 40, 0)):
        found = device_group.topology.query_edge(*pair)
        expect(found is None, "EDG-14", f"the edge {pair}", came_back=found, asks="none")
    found = device_group.topology.query_edge(0, 0)
    expect_equal(found, SELF_EDGE, "EDG-14", "the edge (0, 0)")


@pytest.mark.spec("EDG-1")
def test_a_field_there_is_not_is_refused(device_group: DeviceGroup) -> None:
    """Names a field that no edge has: refused with the names there are."""
    edge = edges_of(device_group)[0]
    with pytest.raises(HalError, match="wait_mode"):
        edge.replace(no_such_field=1)
