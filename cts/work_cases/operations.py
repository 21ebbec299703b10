"""Operations of the queue as values, so that one case can try each of them.

A *route* is how a transfer reaches the queue: submitted by itself, or recorded in a command buffer
that is executed. A *bench* has one submission of each kind ready, all with the same effect.

    route("fill", buffer, 0, 4, b"x", signal=[(semaphore, 1)])
    bench.submit("queue_copy", signal=[(semaphore, 1)])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar, Literal

import pytest

from cts.checks import expect_equal
from cts.hal import Buffer, CommandBuffer, Device, DriverProperties, Resource, SemaphoreList

Point = Literal["recording", "submission", "later"]
POINTS: tuple[Point, ...] = ("recording", "submission", "later")
"""When an operation can be refused, the earliest first; later is by the failure of its signals."""

NEEDED_BY_EXECUTE = ("create_command_buffer", "queue_execute")


class Route(ABC):
    """A way for transfers into a device's queue.

    Attributes
    ----------
    point : how far the last transfer has come.
    """

    id: ClassVar[str]

    def __init__(self, device: Device) -> None:
        self._device = device
        self._made: list[CommandBuffer] = []
        self.point: Point = "recording"

    @abstractmethod
    def __call__(
        self, transfer: str, *args: Any, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        """Sends a transfer, ``fill``, ``update`` or ``copy``, with the arguments that it takes."""

    @abstractmethod
    def out_of_range(self, properties: DriverProperties) -> Point:
        """When a range that leaves its buffer is declared to be reported."""

    def release(self) -> None:
        """Gives up what transfers were recorded in."""
        for commands in self._made:
            commands.release()


class Submitted(Route):
    """Each transfer is an operation of the queue."""

    id = "queue"

    def __call__(
        self, transfer: str, *args: Any, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        self.point = "submission"
        getattr(self._device, f"queue_{transfer}")(*args, wait=wait, signal=signal)
        self.point = "later"

    def out_of_range(self, properties: DriverProperties) -> Point:
        return properties.queue_out_of_range


class Recorded(Route):
    """Each transfer is the one command of a command buffer, which is executed once."""

    id = "commands"

    def __call__(
        self, transfer: str, *args: Any, wait: SemaphoreList = (), signal: SemaphoreList = ()
    ) -> None:
        self.point = "recording"
        commands = self._device.create_command_buffer()
        self._made.append(commands)
        commands.begin()
        getattr(commands, transfer)(*args)
        commands.end()
        self.point = "submission"
        self._device.queue_execute(commands, wait=wait, signal=signal)
        self.point = "later"

    def out_of_range(self, properties: DriverProperties) -> Point:
        return properties.out_of_range


def by_each_route(*slots: str) -> pytest.MarkDecorator:
    """Runs a case, which takes `route`, once for each route; `slots` are what `Submitted` calls."""
    params = [
        pytest.param(Submitted, id=Submitted.id, marks=pytest.mark.needs(*slots)),
        pytest.param(Recorded, id=Recorded.id, marks=pytest.mark.needs(*NEEDED_BY_EXECUTE)),
    ]
    return pytest.mark.parametrize("route", params, indirect=True)


class Bench:
    """A submission of each kind, by its slot: each fills the target, where it writes at all.

    Attributes
    ----------
    source, target : buffers of `SIZE` bytes; the target has nothing but zeros at first.
    """

    SIZE = 64
    MARK = b"\x77"
    """What every byte of the target is once an operation was carried out."""
    OPERATIONS = ("queue_fill", "queue_update", "queue_copy", "queue_execute", "queue_barrier")
    OPTIONAL = ("queue_host_call", "queue_alloca", "queue_dealloca")
    WRITES_NOTHING = ("queue_barrier", "queue_alloca", "queue_dealloca")

    def __init__(self, device: Device) -> None:
        self.device = device
        self.source = device.allocator.allocate(self.SIZE)
        self.target = device.allocator.allocate(self.SIZE)
        self.source.write(0, self.MARK * self.SIZE)
        self.target.write(0, bytes(self.SIZE))
        self._held: list[Resource] = [self.source, self.target]

    @cached_property
    def commands(self) -> CommandBuffer:
        """A command buffer that fills the target."""
        commands = self.device.create_command_buffer()
        commands.begin()
        commands.fill(self.target, 0, self.SIZE, self.MARK)
        commands.end()
        self._held.append(commands)
        return commands

    def arguments(self, operation: str) -> dict[str, Any]:
        """What an operation takes beside its two lists, by name and in order."""
        target: dict[str, Any] = {"target": self.target, "target_offset": 0}
        if operation == "queue_fill":
            return target | {"length": self.SIZE, "pattern": self.MARK}
        if operation == "queue_update":
            return {"data": self.MARK * self.SIZE} | target
        if operation == "queue_copy":
            source: dict[str, Any] = {"source": self.source, "source_offset": 0}
            return source | target | {"length": self.SIZE}
        if operation == "queue_execute":
            return {"command_buffer": self.commands}
        if operation == "queue_host_call":
            return {"function": lambda: self.target.write(0, self.MARK * self.SIZE)}
        if operation == "queue_alloca":
            return {"size": self.SIZE}
        return {"buffer": self._transient()} if operation == "queue_dealloca" else {}

    def _transient(self) -> Buffer:
        """A buffer that the queue has allocated."""
        with self.device.create_semaphore() as line:
            buffer = self.device.queue_alloca(self.SIZE, signal=[(line, 1)])
            self._held.append(buffer)
            line.wait(1)
        return buffer

    def submit(
        self,
        operation: str,
        *,
        wait: SemaphoreList = (),
        signal: SemaphoreList = (),
        **changed: Any,
    ) -> None:
        """Submits an operation, with some arguments changed."""
        self.prepared(operation, **changed)(wait, signal)

    def prepared(
        self, operation: str, **changed: Any
    ) -> Callable[[SemaphoreList, SemaphoreList], None]:
        """What submits an operation with two lists; all else that it takes is made by now."""
        arguments = self.arguments(operation) | changed

        def submit(wait: SemaphoreList, signal: SemaphoreList) -> None:
            made = getattr(self.device, operation)(*arguments.values(), wait=wait, signal=signal)
            if operation == "queue_alloca":
                self._held.append(made)

        return submit

    def expect_done(self, operation: str, requirement: str, doing: str) -> None:
        """Checks that the operation was carried out."""
        done = b"" if operation in self.WRITES_NOTHING else self.MARK
        self._expect(done, requirement, doing)

    def expect_nothing_done(self, requirement: str, doing: str) -> None:
        """Checks that nothing was written."""
        self._expect(b"", requirement, doing)

    def _expect(self, mark: bytes, requirement: str, doing: str) -> None:
        wanted = (mark or bytes(1)) * self.SIZE
        expect_equal(self.target.read(), wanted, requirement, f"{doing}: the target's bytes")

    def release(self) -> None:
        """Gives up what it has made, if nobody has done so."""
        while self._held:
            self._held.pop().release()


def slots_of(operation: str) -> tuple[str, ...]:
    """The slots that a bench calls for an operation, beside allocator and semaphores."""
    if operation == "queue_execute":
        return NEEDED_BY_EXECUTE
    return ("queue_alloca", operation) if operation == "queue_dealloca" else (operation,)


def with_each_operation() -> pytest.MarkDecorator:
    """Runs a case once for each of a bench's operations, by its slot's name."""
    params = [
        pytest.param(name, marks=pytest.mark.needs(*slots_of(name)))
        for name in (*Bench.OPERATIONS, *Bench.OPTIONAL)
    ]
    return pytest.mark.parametrize("operation", params)
