"""Values and identities: what may be copied and kept, and what may not."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cts.checks import expect, expect_equal, expect_error
from cts.hal import DeviceCapabilities, DeviceGroup, DeviceGroupBuilder, StatusCode, Topology
from cts.plugin.fixtures import NewDevice, NewGroup, Steer
from cts.plugin.strategies import capabilities

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}


@pytest.mark.spec("TOP-8")
def test_json_keeps_everything(device_group: DeviceGroup) -> None:
    """Writes the group's topology as JSON and reads it: equal, and the text is JSON."""
    topology = device_group.topology
    text = topology.to_json()
    json.loads(text)
    expect_equal(Topology.from_json(text), topology, "TOP-8", "from_json(to_json())")


@pytest.mark.spec("TOP-8")
@pytest.mark.needs(devices=2)
def test_json_keeps_any_matrix(
    new_device: NewDevice, new_group: NewGroup, steer: Steer, hal_search: settings
) -> None:
    """Gives devices any capabilities: words, nodes and all come back from JSON."""
    devices = new_device.many(2)

    @hal_search
    @given(st.tuples(capabilities(), capabilities()))
    def check(answers: tuple[DeviceCapabilities, DeviceCapabilities]) -> None:
        for device, answer in zip(devices, answers, strict=True):
            steer.restore(device)
            steer.capabilities(device, answer)
        with new_group(*devices) as group:
            found = Topology.from_json(group.topology.to_json())
            words = found.lo.tolist(), found.hi.tolist(), found.numa_nodes
            wanted = group.topology.lo.tolist(), group.topology.hi.tolist()
            nodes = tuple(answer.numa_node for answer in answers)
            expect_equal(words, (*wanted, nodes), "TOP-8", "from_json(to_json())")

    check()


@pytest.mark.spec("TOP-8")
@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"numa_nodes": [0], "lo": [], "hi": []}']
)
def test_what_is_no_topology_is_refused(device_group: DeviceGroup, text: str) -> None:
    """Reads what is not a topology's JSON: refused, and the group's own is read."""
    with expect_error(StatusCode.INVALID_ARGUMENT, "TOP-8", f"from_json({text!r})"):
        Topology.from_json(text)
    Topology.from_json(device_group.topology.to_json())


@pytest.mark.spec("TOP-9")
@pytest.mark.parametrize("how", COPIES)
def test_values_copy_to_equal_values(device_group: DeviceGroup, how: str) -> None:
    """Copies the group's topology, an edge and capabilities: equal, of equal hash, immutable."""
    device = device_group.device_at(0)
    edge = device_group.topology.query_edge(0, 0)
    for value in (device_group.topology, edge, device.query_capabilities()):
        made = COPIES[how](value)
        expect_equal(made, value, "TOP-9", f"{how} of {value!r}")
        expect_equal(hash(made), hash(value), "TOP-9", f"the hash after {how} of {value!r}")
        field = next(name for name in dir(made) if not name.startswith("_"))
        with pytest.raises(AttributeError):
            setattr(made, field, None)


@pytest.mark.spec("TOP-9")
@pytest.mark.needs(devices=2)
def test_values_of_other_content_differ(
    new_device: NewDevice, new_group: NewGroup, steer: Steer
) -> None:
    """Changes one NUMA node, one edge, one word of all, one capability: no longer equal."""
    devices = new_device.many(2)
    topologies = []
    for node in (0, 1):
        for device in devices:
            steer.restore(device)
            steer.capabilities(device, DeviceCapabilities(numa_node=node))
        with new_group(*devices) as group:
            topologies.append(group.topology)
    same = topologies[0] == topologies[1]
    expect(not same, "TOP-9", "topologies on nodes 0 and 1", came_back="equal", asks="different")
    edge = topologies[0].query_edge(0, 1)
    assert edge is not None
    other = edge.replace(copy_cost=edge.copy_cost ^ 1)
    expect(edge != other, "TOP-9", "two copy costs", came_back="equal", asks="different")
    topology = topologies[0]
    for name, words in (("lo", (1, 0)), ("hi", (0, 1))):
        lo, hi = (np.uint64(word) for word in words)
        changed = Topology(topology.lo ^ lo, topology.hi ^ hi, topology.numa_nodes)
        expect(
            changed != topology,
            "TOP-9",
            f"topologies of other {name} words",
            came_back="equal",
            asks="different",
        )
    answers = DeviceCapabilities(numa_node=0), DeviceCapabilities(numa_node=1)
    expect(answers[0] != answers[1], "TOP-9", "two nodes", came_back="equal", asks="different")


@pytest.mark.spec("TOP-9")
@pytest.mark.parametrize("how", COPIES)
def test_devices_groups_and_builders_refuse_to_be_copied(
    new_device: NewDevice, new_group: NewGroup, how: str
) -> None:
    """Copies a device, a group and a builder: TypeError each, and they live on."""
    device = new_device()
    group = new_group(device)
    for thing in (device, group, DeviceGroupBuilder()):
        with pytest.raises(TypeError):
            COPIES[how](thing)
    expect_equal(device.topology_info is not None, True, "TOP-9", "the device afterwards")


@pytest.mark.spec("TOP-9", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore")
@pytest.mark.parametrize("how", COPIES)
def test_buffers_and_semaphores_refuse_to_be_copied(
    new_device: NewDevice, new_group: NewGroup, how: str
) -> None:
    """Copies a buffer and a semaphore: TypeError each."""
    device = new_device()
    new_group(device)
    with device.allocator.allocate(16) as buffer, device.create_semaphore() as semaphore:
        for thing in (buffer, semaphore):
            with pytest.raises(TypeError):
                COPIES[how](thing)


@pytest.mark.spec("TOP-9")
@pytest.mark.needs(devices=2)
def test_devices_and_groups_compare_by_identity(new_device: NewDevice, new_group: NewGroup) -> None:
    """Compares two devices, two groups: different, although alike."""
    first, second = new_device.many(2)
    pairs = ((first, second), (new_group(first), new_group(second)))
    for one, other in pairs:
        expect(
            one != other,
            "TOP-9",
            f"comparing two {type(one).__name__}",
            came_back="equal",
            asks="different",
        )
        expect_equal(len({one, other, one}), 2, "TOP-9", f"a set of two {type(one).__name__}")
