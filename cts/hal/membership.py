"""Membership: a device is in one living group at most.

A claim marks devices as members, all of them or none, and retains them; while it lasts they can
neither join another group nor be released.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence

from .device import Device
from .status import HalError, StatusCode

# Reentrant: the collector can run while it is held, and end another group.
_membership_lock = threading.RLock()


def _renew_lock_in_forked_child() -> None:
    global _membership_lock
    _membership_lock = threading.RLock()  # its holder may be a thread that is not here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock_in_forked_child)


def _check_one_ungrouped(device: Device, operation: str, *, follow_wraps: bool = True) -> None:
    """Raises FAILED_PRECONDITION if the device, or one that it wraps, is in a living group."""
    member: Device | None = device
    while member is not None:
        if member._membership is not None:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"{device._describe()} is in a living group already",
            )
        member = member.wraps if follow_wraps else None


def claim(devices: Sequence[Device], operation: str, *, follow_wraps: bool = True) -> None:
    """Marks all devices as members and retains them, or raises and marks none."""
    with _membership_lock:
        for device in devices:
            device._check_usable(operation)
            _check_one_ungrouped(device, operation, follow_wraps=follow_wraps)
        retained: list[Device] = []
        try:
            for device in devices:
                retained.append(device.retain())
        except HalError:  # released to the end by another thread, just now
            _release_all(retained)
            raise
        for device in devices:
            device._membership = True
            device._references_claimed = device.reference_count


def unclaim(devices: Iterable[Device], *, release: bool) -> None:
    """Ends the claim: into a group, or with `release` back to as it was."""
    devices = list(devices)
    with _membership_lock:
        for device in devices:
            device._references_claimed = None
            if release:
                device._membership = None
    if release:
        _release_all(devices)


def _release_all(devices: Sequence[Device]) -> None:
    for device in reversed(devices):
        device.release()


def check_ungrouped(device: Device, operation: str) -> None:
    """Raises FAILED_PRECONDITION if the device, or one that it wraps, is in a living group."""
    with _membership_lock:
        _check_one_ungrouped(device, operation)


def end_membership(devices: Iterable[Device]) -> None:
    """Lets devices join another group."""
    with _membership_lock:
        for device in devices:
            device._membership = None
