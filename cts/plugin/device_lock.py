"""One physical device, one run: ``--device-lock``.

A lock is a file named after the device's UUID, or its PCI address where it has none, which the
kernel frees when the run ends, however it ends. A device with neither is software, and not locked.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from cts.results import DriverRecord

FOLDER = Path(tempfile.gettempdir(), "hal-cts-locks")
"""Shared by every user of the machine."""


def keys_of(records: Iterable[DriverRecord]) -> list[str]:
    """What the devices of these drivers are locked by, in the one order in which all runs lock."""
    devices = (device for record in records for device in record.capabilities)
    keys = {device["physical_device_uuid"] or device["pci_address"] for device in devices}
    return sorted(key.lower() for key in keys if key)


def lock(keys: Iterable[str], tell: Callable[[str], None]) -> ExitStack:
    """Locks devices until the stack that it answers is closed; waits where another run has one.

    `tell` is called with one line before each wait.
    """
    import fcntl  # not on Windows, where this option is refused

    locks = ExitStack()
    try:
        for key in keys:
            file = locks.enter_context(_open(key))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = file.read().decode(errors="replace") or "another run"
                tell(f"waiting for device {key}: {holder} has it")
                fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(0)
            os.pwrite(file.fileno(), f"process {os.getpid()}".encode(), 0)
    except BaseException:  # Ctrl-C while it waits
        locks.close()
        raise
    return locks


def _open(key: str) -> BinaryIO:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "".join(letter if letter.isalnum() else "-" for letter in key)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    if os.fstat(descriptor).st_uid == os.getuid():  # for other users to lock it too
        os.fchmod(descriptor, 0o666)
        if FOLDER.stat().st_uid == os.getuid():
            FOLDER.chmod(0o777)
    return os.fdopen(descriptor, "r+b", buffering=0)
