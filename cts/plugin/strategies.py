"""Hypothesis strategies for values of the HAL."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cts.hal import DeviceCapabilities, DeviceCapability, Edge, HandleType
from cts.hal.edge import FIELDS

UUIDS = (None, b"\x01" * 16, b"\x02" * 16)
"""Few, so that two devices often share one."""
NODES = (0, 1, 2)
DRIVER_HANDLES = (0, 0, 0x1000, 0x1001)
NOT_ISOLATED = int(sum(DeviceCapability)) & ~int(DeviceCapability.ISOLATED)


def handle_types() -> st.SearchStrategy[HandleType]:
    """Sets of handle types, empty and full ones among them."""
    return st.integers(0, int(sum(HandleType))).map(HandleType)


def capabilities(**fixed: Any) -> st.SearchStrategy[DeviceCapabilities]:
    """Well-formed capabilities of a device that is not isolated; fields can be fixed by name."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "flags": st.integers(0, NOT_ISOLATED).map(lambda f: DeviceCapability(f & NOT_ISOLATED)),
        "semaphore_export_types": handle_types(),
        "semaphore_import_types": handle_types(),
        "buffer_export_types": handle_types(),
        "buffer_import_types": handle_types(),
        "numa_node": st.sampled_from(NODES),
        "physical_device_uuid": st.sampled_from(UUIDS),
        "driver_device_handle": st.sampled_from(DRIVER_HANDLES),
    }
    fields |= {name: st.just(value) for name, value in fixed.items()}
    return st.builds(DeviceCapabilities, **fields)


def edges() -> st.SearchStrategy[Edge]:
    """Edges with any value in every field."""
    fields = {name: st.integers(0, field.limit) for name, field in FIELDS.items()}
    return st.builds(Edge.pack, **fields)
