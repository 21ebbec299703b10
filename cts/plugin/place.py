"""Where a process is, in memory that survives it: what a crash or a hang is blamed on.

A page is shared with whoever watches the process. It has the phase (of a case: set-up, call,
tear-down; or of the session), the stage within it (a step of the driver, such as `create_device`),
since when each lasts, and the slot that was entered last. In a process that nobody watches there is
no page, and nothing is noted.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIZE = mmap.PAGESIZE

_SINCE = struct.Struct("dd")
_PHASE = slice(16, 128)
_STAGE = slice(128, 256)
_SLOT = slice(256, 384)


@dataclass(frozen=True)
class Place:
    """Where a process is, or was when it died.

    Attributes
    ----------
    phase, stage : as in `enter_phase` and `stage`; empty for none.
    phase_since, stage_since : `time.monotonic()`, which all processes share; 0 for never.
    slot : the slot that was entered last in this phase, or empty.
    """

    phase: str
    phase_since: float
    stage: str
    stage_since: float
    slot: str

    def __str__(self) -> str:
        text = f"{self.phase}: {self.stage}" if self.stage else self.phase
        return f"{text}, last slot entered: {self.slot}" if self.slot else text


_page: mmap.mmap | None = None


def share(descriptor: int) -> None:
    """Notes this process's place in the file of that descriptor from now on."""
    global _page
    _page = mmap.mmap(descriptor, SIZE)


def is_watched() -> bool:
    """Whether somebody watches this process, and outlives it."""
    return _page is not None


def is_users(error: BaseException) -> bool:
    """Whether an exception is the user's wish to stop. A process that is watched has no terminal:
    there it is the driver's doing, like any other."""
    return isinstance(error, KeyboardInterrupt) and not is_watched()


def read(page: mmap.mmap) -> Place:
    """The place noted in a page."""
    phase_since, stage_since = _SINCE.unpack_from(page)
    phase, stage, slot = (
        page[field].split(b"\0", 1)[0].decode(errors="replace") for field in (_PHASE, _STAGE, _SLOT)
    )
    return Place(phase, phase_since, stage, stage_since, slot)


def enter_phase(phase: str) -> None:
    """The next phase begins, in no stage, and with no slot entered."""
    if _page is not None:
        _page[_SLOT] = bytes(_SLOT.stop - _SLOT.start)
        _page[_STAGE] = bytes(_STAGE.stop - _STAGE.start)
        _page[_PHASE] = _padded(phase, _PHASE)
        _SINCE.pack_into(_page, 0, time.monotonic(), 0.0)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """A step of the driver, within a phase; its own time limit is the block's."""
    if _page is None:
        yield
        return
    before = _page[: _STAGE.stop]
    _page[_SLOT] = bytes(_SLOT.stop - _SLOT.start)
    _page[_STAGE] = _padded(name, _STAGE)
    struct.pack_into("d", _page, 8, time.monotonic())
    try:
        yield
    finally:
        if before[:8] == _page[:8]:  # the same phase still
            _page[8:16], _page[_STAGE] = before[8:16], before[_STAGE]


def slot_name(slot: str) -> bytes:
    """A slot's name as `enter_slot` takes it; made once, since it is noted at every call."""
    return _padded(slot, _SLOT)


def enter_slot(name: bytes) -> None:
    """A slot is entered."""
    if _page is not None:
        _page[_SLOT] = name


def _padded(text: str, field: slice) -> bytes:
    size = field.stop - field.start
    return text.encode()[: size - 1].ljust(size, b"\0")
