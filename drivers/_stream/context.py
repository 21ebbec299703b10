"""Contexts: what the logical devices of one physical device share, and lose together.

All contexts of a vendor in a process have one lock, as their devices use each other's semaphores.
A context that a sticky error has spoilt is given up: what is in it is not touched natively any
more, and the next device on that physical device gets a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn
from weakref import WeakSet

from cts.hal import DEVICE_LOST, HalError, StatusCode

from .._common.deferral import Deferral
from .calls import NativeError, StreamCalls
from .facts import Facts
from .handles import Handle, Partition, Word

if TYPE_CHECKING:
    from .device import StreamDevice
    from .queue import Queue
    from .semaphore import Timeline


PARTS = 2
"""Of a device that is divided."""


class Runtime:
    """A vendor's library in this process.

    Attributes
    ----------
    deferral : `deferral.lock` is held for all that is native.
    contexts : those in use, by the device's ordinal.
    divides : whether logical devices of one physical device get parts of it.
    """

    def __init__(self, calls: StreamCalls) -> None:
        self.calls = calls
        self.divides = False
        self.deferral = Deferral()
        self.contexts: dict[int, Context] = {}
        self._facts: dict[int, Facts] = {}

    def device_count(self) -> int:
        """How many devices there are."""
        try:
            return self.calls.device_count()
        except NativeError as error:
            raise to_hal_error(self.calls, "Driver.enumerate", error) from error

    def facts(self, ordinal: int) -> Facts:
        """What the vendor says of a device, asked once."""
        if ordinal not in self._facts:
            try:
                self._facts[ordinal] = self.calls.facts(ordinal)
            except NativeError as error:
                raise to_hal_error(self.calls, "Driver.enumerate", error) from error
        return self._facts[ordinal]

    def open(self, operation: str, ordinal: int) -> Context:
        """The context of a device, with one user more."""
        with self.deferral.lock:
            found = self.contexts.get(ordinal)
            if found is not None and found.is_lost:
                found.give_up(operation)
                found = None
            if found is None:
                found = Context(self, operation, ordinal)
            found.add_user()
            return found


class Context:
    """A context of the vendor's. Whatever is made in it is one of its users.

    Attributes
    ----------
    ordinal : of the physical device.
    handle : the vendor's.
    is_lost : whether a sticky error has spoilt it.
    devices, queues, timelines : those in it.
    """

    def __init__(self, runtime: Runtime, operation: str, ordinal: int) -> None:
        self.runtime = runtime
        self.calls = runtime.calls
        self.lock = runtime.deferral.lock
        self.ordinal = ordinal
        self.facts = runtime.facts(ordinal)
        self.is_lost = False
        self.devices: WeakSet[StreamDevice] = WeakSet()
        self.queues: WeakSet[Queue] = WeakSet()
        self.timelines: WeakSet[Timeline] = WeakSet()
        self._native_code: str | None = None
        self._users = 0
        self._words: list[Word] = []
        self._pages: list[Handle] = []
        self._refused: set[int] = set()
        self._is_closed = False
        self._mappings = 0
        self._partitions: list[Partition] | None = None
        self._turn = count()
        try:
            self.handle = self.calls.open(ordinal)
        except NativeError as error:
            raise to_hal_error(self.calls, operation, error) from error
        try:
            self._meet_the_others()
        except BaseException:
            self.calls.close(ordinal)
            raise
        runtime.contexts[ordinal] = self

    def _meet_the_others(self) -> None:
        """Has each reach the memory of the others that it can."""
        for other in list(self.runtime.contexts.values()):
            if other is not self and not other.is_lost:
                self._reach(other)
                other._reach(self)

    def _reach(self, peer: Context) -> None:
        if peer.ordinal not in self.facts.reaches:
            return
        try:
            self.calls.use(self.handle)
            self.calls.let_reach(peer.ordinal, peer.handle)
        except NativeError as error:
            if error.code in self.calls.sticky:
                self.fail("Driver.create_device", error)
            self._refused.add(peer.ordinal)  # it said that it could; no edge says so now

    def reaches(self, ordinal: int) -> bool:
        """Whether device code here may use another device's own memory."""
        return ordinal == self.ordinal or (
            ordinal in self.facts.reaches and ordinal not in self._refused
        )

    # -- users ------------------------------------------------------------------------

    def add_user(self) -> None:
        """Keeps it open."""
        self._users += 1

    def drop_user(self) -> None:
        """Closes it where that was the last one."""
        with self.lock:
            self._users -= 1
            if self._users == 0:
                self._close()

    def _close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self.runtime.contexts.get(self.ordinal) is self:
            del self.runtime.contexts[self.ordinal]
        if not self.is_lost:
            with self.native("Device.release"):
                for page in self._pages:
                    self.calls.end_words(page)
                for partition in self._partitions or ():
                    self.calls.end_partition(partition)
        try:
            self.calls.close(self.ordinal)
            if self.is_lost:
                self.calls.reset(self.ordinal)  # or it stays lost with whoever else has it
        except NativeError as error:
            raise to_hal_error(self.calls, "Device.release", error) from error

    def give_up(self, operation: str) -> None:
        """Ends a lost one for good, whoever is left in it, so that there can be a new one.

        Raises FAILED_PRECONDITION while the host has its memory mapped, which ends with it.
        """
        if self._mappings:
            raise HalError(
                StatusCode.FAILED_PRECONDITION,
                operation,
                f"a lost device of device {self.ordinal} has {self._mappings} mappings in use",
            )
        self._close()

    @contextmanager
    def mapping(self) -> Iterator[None]:
        """A time in which the host uses memory of it."""
        with self.lock:
            self._mappings += 1
        try:
            yield
        finally:
            with self.lock:
                self._mappings -= 1

    # -- native calls -----------------------------------------------------------------

    def native(self, operation: str) -> _Native:
        """A block of native calls, with the lock held: what fails there raises a HalError."""
        return _Native(self, operation)

    @contextmanager
    def ending(self) -> Iterator[bool]:
        """A block that ends something native: whether there is anything left to end."""
        if self.is_lost:
            yield False
            return
        try:
            self.calls.use(self.handle)
            yield True
        except NativeError as error:
            self.fail("Device.release", error)

    def fail(self, operation: str, error: NativeError) -> NoReturn:
        """Raises what a native call's failure means; where the context is spoilt, all learn of
        it."""
        if error.code in self.calls.sticky:
            self.lose(operation, error.name)
        raise to_hal_error(self.calls, operation, error) from error

    def check_not_lost(self, operation: str) -> None:
        """Raises the code of lost devices once it is spoilt."""
        if self.is_lost:
            raise HalError(
                DEVICE_LOST, operation, "the device is lost", native_code=self._native_code
            )

    def lose(self, operation: str, native_code: str) -> None:
        """It is spoilt: its devices are lost, and whoever waits for what they do is told."""
        with self.lock:
            if self.is_lost:
                return
            self.is_lost = True
            self._native_code = native_code
            lost = [queue.cut_off() for queue in list(self.queues)]
            for timeline in list(self.timelines):
                timeline.detach()
            for device in list(self.devices):
                device.loss.lose(operation, native_code)
            failure = HalError(
                DEVICE_LOST, operation, "the device is lost", native_code=native_code
            )
            for in_flight in lost:
                for timeline, _ in in_flight:
                    timeline.fail(failure)
            self.runtime.deferral.drain()

    # -- parts of the device ----------------------------------------------------------

    def take_partition(self) -> Partition | None:
        """The part for the next logical device, in turn; none where each gets all of it."""
        if not self.runtime.divides:
            return None
        if self._partitions is None:
            with self.native("Driver.create_device"):
                self._partitions = self.calls.new_partitions(self.ordinal, self.handle, PARTS)
        if not self._partitions:
            return None
        return self._partitions[next(self._turn) % len(self._partitions)]

    # -- words ------------------------------------------------------------------------

    def take_word(self, operation: str, value: int) -> Word:
        """A word of that value."""
        if not self._words:
            with self.native(operation):
                made = self.calls.new_words()
            self._pages += {id(word.holds): word.holds for word in made}.values()  # each once
            self._words += made
        word = self._words.pop()
        word.words[word.place] = value
        return word

    def give_word(self, word: Word) -> None:
        """Takes a word back that nothing native writes any more."""
        self._words.append(word)


class _Native:
    __slots__ = ("_context", "_operation")

    def __init__(self, context: Context, operation: str) -> None:
        self._context = context
        self._operation = operation

    def __enter__(self) -> None:
        context = self._context
        if context.is_lost:
            context.check_not_lost(self._operation)
        try:
            context.calls.use(context.handle)
        except NativeError as error:
            context.fail(self._operation, error)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, NativeError):
            self._context.fail(self._operation, error)


def to_hal_error(calls: StreamCalls, operation: str, error: NativeError) -> HalError:
    """What a native call's failure means."""
    code = DEVICE_LOST if error.code in calls.sticky else calls.codes.get(error.code)
    detail = f"{error.call} failed with {error.name} ({error.code})"
    return HalError(
        code or StatusCode.INTERNAL, operation, detail, driver=calls.name, native_code=error.name
    )
