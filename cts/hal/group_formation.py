"""Forming a device group: everything that calls driver code, and what is made of its answers.

1. `build_topology`: query each device, derive the edges, let drivers refine theirs, check them;
2. `assign_all`, and back: `unassign_all`.

Whatever a slot raises comes out as a HalError that names driver and slot; an interrupt passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .capabilities import DeviceCapabilities, DeviceCapability
from .device import Device
from .edge import FIELDS, HANDLE_SETS, Edge
from .edge_rules import EdgeMatrix, Matrix
from .numa import NumaDistance
from .status import HalError, StatusCode
from .topology import Topology, asymmetric_link, first_difference
from .topology_info import DeviceTopologyInfo

_ISOLATED = int(DeviceCapability.ISOLATED)

_ROWS_KEPT = 16
"""Rows of edges kept at a time while refining; devices of one kind share a row."""


def _query_all(devices: Sequence[Device]) -> list[DeviceCapabilities]:
    """Each device's capabilities, asked once and in order, then checked."""
    answers = []
    for device in devices:
        try:
            answers.append(device.query_capabilities())
        except BaseException as error:
            blamed = _blamed(device, "query_capabilities", error)
            raise blamed from blamed.__cause__
    for device, answer in zip(devices, answers, strict=True):
        if not isinstance(answer, DeviceCapabilities):
            what = f"answered {answer!r}: it is DeviceCapabilities"
            raise _fault(device, "query_capabilities", StatusCode.INTERNAL, what)
        try:
            answer.check()
        except HalError as error:
            what = f"is malformed: {error.detail}"
            raise _fault(device, "query_capabilities", error.code, what) from error
    return answers


def build_topology(devices: Sequence[Device], numa_distance: NumaDistance) -> Topology:
    capabilities = _query_all(devices)
    drivers = [device.driver_name for device in devices]
    matrix = EdgeMatrix(capabilities, drivers, numa_distance)
    lo, hi = matrix.words()
    isolated = [int(c.flags) & _ISOLATED != 0 for c in capabilities]
    changed = _refine_all(devices, matrix, isolated)
    for src, dst, edge in changed:
        lo[src, dst], hi[src, dst] = edge.lo, edge.hi
    if changed:
        _check_both_ways(devices, lo, hi)
    return Topology(lo, hi, [capability.numa_node for capability in capabilities])


def _refine_all(
    devices: Sequence[Device], matrix: EdgeMatrix, isolated: Sequence[bool]
) -> list[tuple[int, int, Edge]]:
    """Asks each device once for each other one of its driver; the edges that came back changed."""
    by_driver: dict[str, list[int]] = {}
    for index, device in enumerate(devices):
        if not isolated[index]:
            by_driver.setdefault(device.driver_name, []).append(index)
    position_of = {src: at for members in by_driver.values() for at, src in enumerate(members)}
    edges, kind_of = matrix.edges(), matrix.kind_of

    @lru_cache(maxsize=_ROWS_KEPT)
    def row(driver: str, kind: int) -> list[tuple[int, Device, Edge]]:
        """Each possible destination of a source of that kind, with the edge to it."""
        members = by_driver[driver]
        return [(index, devices[index], edges[kind][kind_of[index]]) for index in members]

    changed: list[tuple[int, int, Edge]] = []
    for src, device in enumerate(devices):
        if isolated[src]:
            continue
        peers = row(device.driver_name, kind_of[src]).copy()
        del peers[position_of[src]]  # itself
        try:
            refine = device.refine_topology_edge
            for dst, peer, edge in peers:
                if (refined := refine(peer, edge)) is not edge:
                    changed.append((src, dst, refined))
        except BaseException as error:
            blamed = _blamed(device, "refine_topology_edge", error)
            raise blamed from blamed.__cause__
    for src, dst, refined in changed:
        _check_refined(devices[src], devices[dst], refined, edges[kind_of[src]][kind_of[dst]])
    return changed


def _check_refined(src: Device, dst: Device, refined: Any, edge: Edge) -> None:
    """Raises unless a refined edge is one, of defined bits, within the handle sets of `edge`."""
    slot = "refine_topology_edge"
    if not isinstance(refined, Edge):
        what = f"answered {refined!r} for {dst.identifier!r}: it is an Edge"
        raise _fault(src, slot, StatusCode.INTERNAL, what)
    if any(refined.reserved):
        lo, hi = refined.reserved
        what = f"set reserved bits lo={lo:#x} hi={hi:#x} of the edge to {dst.identifier!r}"
        raise _fault(src, slot, StatusCode.INVALID_ARGUMENT, what)
    for name in HANDLE_SETS:
        given, allowed = getattr(refined, name), getattr(edge, name)
        if given & ~allowed:
            what = (
                f"gave the edge to {dst.identifier!r} {name}={given:#x}:"
                f" the capabilities allow {allowed:#x}"
            )
            raise _fault(src, slot, StatusCode.INVALID_ARGUMENT, what)


def _check_both_ways(devices: Sequence[Device], lo: Matrix, hi: Matrix) -> None:
    """Raises where the edges of a pair contradict each other."""
    pair = asymmetric_link(lo)
    if pair is not None:
        raise _contradiction(devices, pair, "link_class", "link_class")
    for kind in ("semaphore", "buffer"):
        names = f"{kind}_import_types", f"{kind}_export_types"
        there, back = (
            hi >> np.uint64(FIELDS[name].shift) & np.uint64(FIELDS[name].limit) for name in names
        )
        pair = first_difference(there, back.T)
        if pair is not None:
            raise _contradiction(devices, pair, *names)


def _contradiction(
    devices: Sequence[Device], pair: tuple[int, int], field: str, other: str
) -> HalError:
    src, dst = (devices[index] for index in pair)
    what = (
        f"contradicts the way back: {field} of the edge to {dst.identifier!r}"
        f" is not {other} of the edge from it"
    )
    return _fault(src, "refine_topology_edge", StatusCode.INVALID_ARGUMENT, what)


def assign_all(
    devices: Sequence[Device],
    infos: Sequence[DeviceTopologyInfo],
    *,
    on_failure: Callable[[], None],
) -> None:
    """Assigns in order; a failure takes back what was assigned before it, in reverse."""
    for index, (device, info) in enumerate(zip(devices, infos, strict=True)):
        try:
            device.assign_topology_info(info)
        except BaseException as error:
            on_failure()
            first = _blamed(device, "assign_topology_info", error)
            later = unassign_all(devices[:index])
            raise with_later(first, later) from first.__cause__


def unassign_all(devices: Sequence[Device]) -> list[BaseException]:
    """Takes every assignment back, in reverse order; what failed, in the order it happened."""
    errors = []
    for device in reversed(devices):
        try:
            device.assign_topology_info(None)
        except BaseException as error:
            errors.append(_blamed(device, "assign_topology_info", error))
    return errors


def _blamed(device: Device, slot: str, error: BaseException) -> BaseException:
    """The error of a slot's call as a HalError naming driver and slot; an interrupt as it is."""
    if not isinstance(error, Exception):
        return error
    if isinstance(error, HalError):
        error.driver = error.driver or device.driver_name
        error.slot = error.slot or slot
        return error
    internal = _fault(device, slot, StatusCode.INTERNAL, f"raised {error!r}")
    internal.__cause__ = error
    return internal


def _fault(device: Device, slot: str, code: StatusCode, what: str) -> HalError:
    return HalError(
        code,
        f"Device.{slot}",
        f"device {device.identifier!r} of driver {device.driver_name!r} {what}",
        driver=device.driver_name,
        slot=slot,
    )


def with_later(first: BaseException, later: Sequence[BaseException]) -> BaseException:
    """`first`, with the errors that came after it attached in order."""
    if isinstance(first, HalError):
        first.also += later
    else:
        for error in later:
            first.add_note(f"also: {error}")
    return first
