"""Dispatches as cases make them: by the kernel, over buffers of words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cts.hal import (
    Buffer,
    BufferRange,
    BufferUsage,
    CommandBuffer,
    Device,
    Driver,
    EntryPoint,
    Executable,
    SemaphoreList,
    Workgroups,
)
from cts.work_cases.operations import NEEDED_BY_EXECUTE

USAGE = (
    BufferUsage.TRANSFER
    | BufferUsage.MAPPING
    | BufferUsage.DISPATCH_STORAGE
    | BufferUsage.DISPATCH_INDIRECT_PARAMETERS
)
NEEDED = ("allocator", "create_semaphore", "create_executable", "queue_dispatch")
NEEDED_IN_COMMANDS = (*NEEDED, *NEEDED_BY_EXECUTE)
WORD = 4

needs_dispatch = pytest.mark.needs(*NEEDED)
needs_dispatch_in_commands = pytest.mark.needs(*NEEDED_IN_COMMANDS)

LEAST_STEP = 16
"""Bytes between the offsets that bindings are tried at, at least."""

Words = npt.NDArray[np.uint32]


def step_of(driver: Driver) -> int:
    """Bytes of which an offset of a binding is a multiple."""
    return max(LEAST_STEP, driver.properties.binding_alignment)


def words_of(buffer: Buffer) -> Words:
    """What a buffer holds, uint32[byte_length / 4]."""
    return np.frombuffer(buffer.read(), np.uint32)


def bytes_of(values: Iterable[Any], kind: Any = np.uint32) -> bytes:
    """Words of 4 bytes, in native byte order."""
    return np.array(list(values), kind).tobytes()


@contextmanager
def recording(device: Device, binding_capacity: int = 0) -> Iterator[CommandBuffer]:
    """A command buffer that records within the block, and is the caller's to release."""
    commands = device.create_command_buffer(binding_capacity)
    commands.begin()
    yield commands
    commands.end()


class Kernels:
    """The suite's kernels on a device."""

    def __init__(self, device: Device, executable: Executable) -> None:
        self.device = device
        self.executable = executable

    def buffer(self, words: int, fill: int = 0) -> Buffer:
        """A buffer of so many words that device code may use, each of this value."""
        made = self.device.allocator.allocate(WORD * words, usage=USAGE)
        made.write(0, bytes_of([fill] * words))
        return made

    def of(
        self,
        kernel: EntryPoint,
        workgroups: Workgroups,
        *bindings: Buffer | BufferRange,
        constants: bytes = b"",
    ) -> tuple[Any, ...]:
        """The arguments of a dispatch."""
        ranges = [
            given if isinstance(given, BufferRange) else BufferRange(given) for given in bindings
        ]
        place = self.executable.lookup(kernel.name)
        return self.executable, place, workgroups, ranges, constants

    def dispatch(
        self,
        kernel: EntryPoint,
        workgroups: Workgroups,
        *bindings: Buffer | BufferRange,
        constants: bytes = b"",
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
    ) -> None:
        """Submits one."""
        arguments = self.of(kernel, workgroups, *bindings, constants=constants)
        self.device.queue_dispatch(*arguments, wait=wait, signal=signal)
