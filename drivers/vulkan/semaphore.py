"""Semaphores: each is a Vulkan timeline semaphore; the payload is Vulkan's alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cts.hal import HalError, StatusCode

from .._common.promised_semaphore import PromisedSemaphore
from .._common.promises import Listener, Promises
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


class VulkanSemaphore(PromisedSemaphore):
    """A timeline semaphore of its device.

    Parameters
    ----------
    handle : a VkSemaphore of that payload, to be owned.
    is_shared : whether others, devices or processes, may signal it as well.
    """

    def __init__(
        self, device: VulkanDevice, handle: Handle, payload: int, *, is_shared: bool = False
    ) -> None:
        self.handle = handle
        self._native = device.native
        self._queue = device.queue
        self._read = self._native.loader.vkGetSemaphoreCounterValue
        self._wait_info = WaitInfo(self._native, handle)
        self._signal_info = struct("VkSemaphoreSignalInfo", semaphore=handle)
        self._is_validated = device.is_validated
        self._waiters = 0
        self._last_use = 0
        self._is_pending = False  # natively, with the promised payload
        super().__init__(device, Promises(device.deferral.lock, payload), is_shared=is_shared)

    # -- the queue's side, with its lock held -----------------------------------------

    def when_promised(self, value: int, listener: Listener) -> None:
        if self._promises.when(value, listener) and self.is_shared:
            _Watch(self, value).start()

    def used(self, number: int) -> None:
        """It is waited for by a native submission."""
        self._last_use = number

    def signalled(self, value: int, number: int) -> None:
        """It is signalled by a native submission."""
        self._last_use = number
        self._is_pending = True
        self._promises.promise(value)

    def promise_at_least(self, value: int) -> None:
        """The payload is that, by whomever."""
        with self._lock:
            self._promises.promise(max(value, self.promised))
            self._deferral.drain()

    # -- what is native ---------------------------------------------------------------

    def _signal_natively(self, operation: str, value: int) -> None:
        self._await_pending()
        self._signal_info.value = value
        result = self._native.loader.vkSignalSemaphore(self._native.handle, self._signal_info)
        self._native.check(operation, "vkSignalSemaphore", result)

    def _await_pending(self) -> None:
        """Waits until all native signals have come, as none may come after a larger payload.

        The queue's progress does not tell: the signals of a submission come in no order.
        """
        if self._is_pending:
            info = WaitInfo(self._native, self.handle)
            while info.wait(self.promised, SLICE) == vk.VK_TIMEOUT:
                pass
            self._is_pending = False

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
                if self.failure is not None:
                    return
                self._check_not_over(operation)
                if limit is not None:
                    limit -= left / NANOSECONDS
                    if limit <= 0:
                        raise self._too_late(operation, value, started)
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
            if self._is_over:
                self._promises.wake()

    def _payload(self, operation: str) -> int:
        self.check_alive(operation)
        counter = ffi.new("uint64_t *")
        result = self._read(self._native.handle, self.handle, counter)
        if result:
            self._native.check(operation, "vkGetSemaphoreCounterValue", result)
        payload: int = counter[0]
        return payload

    # -- the end ----------------------------------------------------------------------

    def _free(self) -> None:
        with self._lock:
            self._is_over = True
            self._end_waits()
            if self._waiters:  # each waits for what is promised, and so not for long
                self._promises.await_change(lambda: not self._waiters)
            self._queue.end_semaphore_after(self._last_use, self._end_natively)
            self._deferral.drain()

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
        semaphore.promise_at_least(self._value)
