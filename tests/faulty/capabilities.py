"""Drivers that say the wrong thing of their devices, and refine edges wrongly."""

from __future__ import annotations

import dataclasses
from itertools import count
from typing import Any

from cts.hal import Device, DeviceInfo, Edge, LinkClass

from .changes import change, device_class, driver_class
from .registry import mutant


def answer_capabilities(changed: Any) -> None:
    """Devices answer with changed capabilities; `changed` gets the device and the answer."""
    change(device_class(), "query_capabilities", lambda good, self: changed(self, good(self)))


def answer_field(**fields: Any) -> None:
    """Devices answer with these fields."""
    answer_capabilities(lambda device, answer: dataclasses.replace(answer, **fields))


@mutant("CAP-1")
def undefined_flag() -> None:
    """A flag is set that is not defined."""
    answer_field(flags=1 << 13)


@mutant("CAP-1")
def undefined_handle_type() -> None:
    """A handle type is claimed that is not defined."""
    answer_field(buffer_export_types=1 << 8)


@mutant("CAP-1")
def uuid_of_zeros() -> None:
    """The UUID is all zero."""
    answer_field(physical_device_uuid=bytes(16))


@mutant("CAP-1")
def numa_node_unknown_as_minus_one() -> None:
    """The NUMA node is -1, as sysfs has it where there is none."""
    answer_field(numa_node=-1)


@mutant("CAP-2")
def capabilities_change_in_a_group() -> None:
    """Capabilities differ inside a group."""

    def changed(device: Device, answer: Any) -> Any:
        grouped = device.topology_info is not None
        return dataclasses.replace(answer, numa_node=int(grouped))

    answer_capabilities(changed)


@mutant("CAP-2")
def capabilities_change_with_every_answer() -> None:
    """Every answer has a handle of its own."""
    handles = count(1)
    answer_capabilities(
        lambda device, answer: dataclasses.replace(answer, driver_device_handle=next(handles))
    )


@mutant("CAP-4")
def uuid_per_logical_device() -> None:
    """Each logical device has a UUID of its own."""

    def changed(device: Device, answer: Any) -> Any:
        return dataclasses.replace(answer, physical_device_uuid=id(device).to_bytes(16, "big"))

    answer_capabilities(changed)


@mutant("CAP-4")
def uuid_shared_by_two_physical_devices() -> None:
    """Two physical devices have one UUID."""
    second = DeviceInfo(path="second", name="the second one", obtained_on="software")
    change(driver_class(), "enumerate", lambda good, self: [*good(self), second])


@mutant("CAP-6")
def numa_node_that_is_not_there() -> None:
    """A NUMA node is told that the platform does not have."""
    answer_field(numa_node=200)


@mutant("CAP-6")
def numa_node_off_by_one() -> None:
    """The NUMA node is one too high."""
    answer_capabilities(
        lambda device, answer: dataclasses.replace(answer, numa_node=answer.numa_node + 1)
    )


# -- refinement -------------------------------------------------------------------------------


def refine(changed: Any) -> None:
    """Devices refine their edges: `changed` gets source, destination and edge."""
    change(
        device_class(),
        "refine_topology_edge",
        lambda good, self, dst, edge: changed(self, dst, edge),
    )


def is_first(src: Device, dst: Device) -> bool:
    """Whether the edge leads from the lower identifier to the higher one."""
    return src.identifier < dst.identifier


@mutant("GRP-18")
def refined_link_in_one_direction() -> None:
    """The link is of another class on the way there than on the way back."""
    refine(
        lambda src, dst, edge: (
            edge.replace(link_class=LinkClass.NVLINK_IF) if is_first(src, dst) else edge
        )
    )


@mutant("GRP-18")
def refined_handles_in_one_direction() -> None:
    """Buffers are imported in one direction that are not exported in the other."""
    refine(
        lambda src, dst, edge: edge.replace(buffer_import_types=0) if is_first(src, dst) else edge
    )


@mutant("GRP-18")
def refined_handles_beyond_the_capabilities() -> None:
    """Refinement adds a handle type that the capabilities do not have."""
    refine(
        lambda src, dst, edge: edge.replace(
            buffer_import_types=edge.buffer_import_types | 0x80,
            buffer_export_types=edge.buffer_export_types | 0x80,
        )
    )


@mutant("GRP-18")
def refined_reserved_bits() -> None:
    """Refinement sets reserved bits."""
    refine(lambda src, dst, edge: Edge(edge.lo | 1 << 60, edge.hi))


@mutant("GRP-18")
def refinement_not_repeatable() -> None:
    """Refinement gives another cost each time."""
    costs = count()
    refine(lambda src, dst, edge: edge.replace(copy_cost=next(costs) % 16))


@mutant("GRP-18")
def refinement_not_idempotent() -> None:
    """Refining a refined edge makes it dearer still."""
    refine(lambda src, dst, edge: edge.replace(latency_class=min(edge.latency_class + 1, 15)))


@mutant("GRP-18")
def refinement_gives_none() -> None:
    """Refinement gives none for an edge that it leaves alone."""
    refine(lambda src, dst, edge: None)
