"""Semaphores: each is a Vulkan timeline semaphore, and a failure beside it, which Vulkan has not.

A wait is of two parts: until the value is *promised* (`Queue`), which a failure or the semaphore's
end cuts short, and then in Vulkan, where nothing needs to cut it short. The payload is Vulkan's
alone.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from cts.hal import HalError, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .._common.arguments import as_int, as_seconds, refusal
from .._common.timepoints import CheckedSemaphore
from .api import constants as vk
from .api.declarations import ffi
from .native import NULL, Handle, struct
from .queue import SLICE, WaitInfo

if TYPE_CHECKING:
    from .device import VulkanDevice

NANOSECONDS = 1_000_000_000
LARGEST = 2**64 - 1
"""Of an unsigned 64-bit payload."""
SHARED_SLICE = 10_000_000
"""Nanoseconds between two looks at a semaphore that others may signal."""

Listener = Callable[[HalError | None], None]
"""Is told that a value is promised, with none, or the failure; with the queue's lock held."""

_order = count()


class _Awaited(NamedTuple):
    value: int
    order: int
    listener: Listener


class VulkanSemaphore(CheckedSemaphore):
    """A timeline semaphore of its device.

    Parameters
    ----------
    handle : a VkSemaphore of that payload, to be owned.
    is_shared : whether others, devices or processes, may signal it as well.

    Attributes
    ----------
    promised : the payload that it has, or will have once what is submitted natively is done.
    """

    _readable_when_sealed = frozenset({"forget", "lose"})  # there is nothing left to do then

    def __init__(
        self, device: VulkanDevice, handle: Handle, payload: int, *, is_shared: bool = False
    ) -> None:
        super().__init__(device)
        self.handle = handle
        self.promised = payload
        self.is_shared = is_shared
        self._native = device.native
        self._queue = device.queue
        self._lock = device.queue.lock
        self._limits = device.semaphore_limits
        self._read = self._native.loader.vkGetSemaphoreCounterValue
        self._wait_info = WaitInfo(self._native, handle)
        self._signal_info = struct("VkSemaphoreSignalInfo", semaphore=handle)
        self._is_validated = device.is_validated
        self._waiters = 0
        self._last_use = 0
        self._is_pending = False  # natively, with the promised payload
        self._failure: HalError | None = None
        self._is_over = False
        self._changed: threading.Condition | None = None
        self._awaited: list[_Awaited] = []
        device.loss.tell(self)

    # -- the host's side --------------------------------------------------------------

    def query(self) -> int:
        if self._failure is not None:
            self._raise_failure("Semaphore.query")
        with self._lock:
            payload = self._payload("Semaphore.query")
        self._queue.tidy()
        return payload

    def signal(self, value: int) -> None:
        operation = "Semaphore.signal"
        value = as_int(operation, "value", value)
        with self._lock:
            self._check_alive(operation)
            self.check_signal(operation, value)
            self._await_pending()
            self._signal_info.value = value
            result = self._native.loader.vkSignalSemaphore(self._native.handle, self._signal_info)
            self._native.check(operation, "vkSignalSemaphore", result)
            self._promise(value)
            self._queue.drain()

    def wait(self, value: int, timeout: float | None = DEFAULT_WAIT_TIMEOUT) -> None:
        operation = "Semaphore.wait"
        value = as_int(operation, "value", value)
        limit = None if timeout is None else as_seconds(operation, "timeout", timeout)
        started = time.monotonic()
        if value > self.promised and not self.is_shared:
            limit = self._await_promise(operation, value, limit)
        if self._failure is not None:
            self._raise_failure(operation)
        self._wait_natively(operation, value, limit, started)
        if self._failure is not None:
            self._raise_failure(operation)
        self._queue.tidy()

    def fail(self, code: StatusCode, message: str = "") -> None:
        operation = "Semaphore.fail"
        if code not in list(StatusCode):
            raise refusal(operation, f"code is {code!r}: it is a StatusCode, 1 to 18")
        self.lose(HalError(StatusCode(code), operation, message or "no message"))

    def lose(self, failure: HalError) -> None:
        """Fails it, unless it has failed before."""
        with self._lock:
            if self._failure is None:
                self._failure = failure
                self._tell_all(failure)
            self._queue.drain()

    def check_signal(self, operation: str, value: int) -> None:
        if self._failure is not None:
            self._raise_failure(operation)
        largest, jump = self._limits
        before = self.promised
        if self.is_shared or jump is not None:
            with self._lock:
                before = max(before, self._payload(operation))
        if not before < value <= largest or (jump is not None and value - before > jump):
            raise refusal(
                operation,
                f"value is {value}: it is above the payload {before} and at most"
                f" {largest if jump is None else min(largest, before + jump)}",
            )

    # -- the queue's side, with its lock held -----------------------------------------

    def check_alive(self, operation: str) -> None:
        """Raises FAILED_PRECONDITION once it is destroyed."""
        self._check_alive(operation)

    @property
    def failure(self) -> HalError | None:
        """That it ended with."""
        return self._failure

    def when_promised(self, value: int, listener: Listener) -> None:
        """Has `listener` told once that the value is promised, or that it failed before."""
        if self._failure is not None or self.promised >= value:
            listener(self._failure)
            return
        heapq.heappush(self._awaited, _Awaited(value, next(_order), listener))
        if self.is_shared:
            _Watch(self, value).start()

    def forget(self, listener: Listener) -> None:
        """Takes a listener back that has not been told."""
        kept = [awaited for awaited in self._awaited if awaited.listener != listener]
        if len(kept) < len(self._awaited):
            heapq.heapify(kept)
            self._awaited = kept

    def used(self, number: int) -> None:
        """It is waited for by a native submission."""
        self._last_use = number

    def signalled(self, value: int, number: int) -> None:
        """It is signalled by a native submission."""
        self._last_use = number
        self._is_pending = True
        self._promise(value)

    def cannot_advance(self, operation: str, value: int) -> None:
        """A signal that came too late fails it."""
        detail = f"a signal of {value} is not above the payload {self.promised}"
        self.lose(HalError(StatusCode.INVALID_ARGUMENT, operation, detail))

    def _promise(self, value: int) -> None:
        self.promised = value
        while self._awaited and self._awaited[0].value <= value:
            heapq.heappop(self._awaited).listener(None)
        if self._changed is not None:
            self._changed.notify_all()

    def _tell_all(self, failure: HalError) -> None:
        told, self._awaited = self._awaited, []
        for awaited in told:
            awaited.listener(failure)
        if self._changed is not None:
            self._changed.notify_all()

    # -- waiting ----------------------------------------------------------------------

    def _await_pending(self) -> None:
        """Waits until all native signals have come, as none may come after a larger payload.

        The queue's progress does not tell: the signals of a submission come in no order.
        """
        if self._is_pending:
            info = WaitInfo(self._native, self.handle)
            while info.wait(self.promised, SLICE) == vk.VK_TIMEOUT:
                pass
            self._is_pending = False

    def _await_promise(self, operation: str, value: int, limit: float | None) -> float | None:
        """Returns when the value is promised: what is left of the time."""
        started = time.monotonic()
        with self._lock:
            if self._changed is None:
                self._changed = threading.Condition(self._lock)
            self._changed.wait_for(
                lambda: self._failure or self.promised >= value or self._is_over, limit
            )
            if self._failure is not None:
                self._raise_failure(operation)
            if self.promised < value:
                self._check_not_over(operation)
                assert limit is not None
                raise self._too_late(operation, value, limit)
        return None if limit is None else max(limit - (time.monotonic() - started), 0.0)

    def _wait_natively(
        self, operation: str, value: int, limit: float | None, started: float
    ) -> None:
        """Waits in Vulkan, in slices."""
        value = min(max(value, 0), LARGEST)
        if self._is_validated:  # layer 1.3.239 stops for 10 s at a payload between two signals
            value = max(value, self.promised)
        info = self._enter(operation)
        slice_ = SHARED_SLICE if self.is_shared else SLICE
        try:
            while True:
                left = slice_ if limit is None else min(slice_, int(limit * NANOSECONDS))
                result = info.wait(value, left)
                if result != vk.VK_TIMEOUT:
                    self._native.check(operation, "vkWaitSemaphores", result)
                    return
                if self._failure is not None:
                    return
                self._check_not_over(operation)
                if limit is not None:
                    limit -= left / NANOSECONDS
                    if limit <= 0:
                        raise self._too_late(operation, value, time.monotonic() - started)
        finally:
            self._leave()

    def _enter(self, operation: str) -> WaitInfo:
        """Keeps the native semaphore there until `_leave`."""
        with self._lock:
            self._check_not_over(operation)
            self._waiters += 1
            if self._waiters == 1:
                return self._wait_info
        return WaitInfo(self._native, self.handle)

    def _leave(self) -> None:
        with self._lock:
            self._waiters -= 1
            if self._is_over and self._changed is not None:
                self._changed.notify_all()

    def _payload(self, operation: str) -> int:
        """What Vulkan says, with the queue's lock held."""
        self._check_alive(operation)
        counter = ffi.new("uint64_t *")
        result = self._read(self._native.handle, self.handle, counter)
        if result:
            self._native.check(operation, "vkGetSemaphoreCounterValue", result)
        payload: int = counter[0]
        return payload

    # -- errors -----------------------------------------------------------------------

    def _raise_failure(self, operation: str) -> None:
        failure = self._failure
        assert failure is not None
        # A new error each time: a traceback belongs to the thread that raises it.
        raise HalError(
            failure.code,
            operation,
            f"the semaphore has failed: {failure.detail}",
            native_code=failure.native_code,
        )

    def _too_late(self, operation: str, value: int, limit: float) -> HalError:
        return HalError(
            StatusCode.DEADLINE_EXCEEDED,
            operation,
            f"the payload is not {value} after {limit:g} s",
        )

    def _check_alive(self, operation: str) -> None:
        if self._is_over:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "the semaphore was destroyed")

    def _check_not_over(self, operation: str) -> None:
        if self._is_over:
            raise HalError(StatusCode.CANCELLED, operation, "the semaphore was destroyed")

    # -- the end ----------------------------------------------------------------------

    def _free(self) -> None:
        with self._lock:
            self._is_over = True
            detail = "the semaphore was destroyed while it was waited for"
            self._tell_all(HalError(StatusCode.CANCELLED, "Semaphore.release", detail))
            while self._waiters:  # each waits for what is promised, and so not for long
                if self._changed is None:
                    self._changed = threading.Condition(self._lock)
                self._changed.wait()
            self._queue.end_semaphore_after(self._last_use, self._end_natively)
            self._queue.drain()

    def _end_natively(self) -> None:
        """Destroys it, once nothing waits for it and all of its signals have come."""
        self._await_pending()
        native = self._native
        native.loader.vkDestroySemaphore(native.handle, self.handle, NULL)


class _Watch(threading.Thread):
    """Waits for what others signal, so that a submission need not."""

    def __init__(self, semaphore: VulkanSemaphore, value: int) -> None:
        super().__init__(name="vulkan watch", daemon=True)
        self._semaphore = semaphore
        self._value = value

    def run(self) -> None:
        semaphore = self._semaphore
        try:
            semaphore.wait(self._value, None)
        except HalError as error:
            if error.code is not StatusCode.CANCELLED:
                semaphore.lose(error)
            return
        with semaphore._lock:
            semaphore._promise(max(self._value, semaphore.promised))
            semaphore._queue.drain()
