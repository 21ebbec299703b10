"""The queue: what is submitted natively, and what ends after its last use.

1. A submission goes to the VkQueue once all of its waits are promised (`.._common.deferral`).
2. Submissions are numbered. A timeline semaphore of the queue's own, its *progress*, is advanced by
   each to its number. So nothing that is submitted natively ever waits for the host, and to wait
   for a number ends by itself.
3. What submissions use may be given up while they run: its native side ends once the progress has
   passed its last use (`end_after`).

The deferral's lock is held for all of this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._common.deferral import Deferral
from .api import constants as vk
from .api.declarations import ffi
from .logical_device import LogicalDevice
from .native import NULL, Handle, struct

if TYPE_CHECKING:
    from .semaphore import VulkanSemaphore

SLICE = 100_000_000
"""Nanoseconds of one native wait: Ctrl-C is seen between two."""
AT_ONCE = 8
"""Semaphores that the structures kept for submissions have room for."""
ALL_COMMANDS = vk.VK_PIPELINE_STAGE_ALL_COMMANDS_BIT

Timepoints = Sequence[tuple["VulkanSemaphore", int]]


class Queue:
    """The one queue of a device.

    Attributes
    ----------
    lock : for whatever is native and of one thread at a time: queue, command pools, descriptors.
    submitted : the number of the last native submission.
    """

    def __init__(self, device: LogicalDevice, deferral: Deferral) -> None:
        self._device = device
        self.lock = deferral.lock
        self.submitted = 0
        self._completed = 0
        self._later: deque[tuple[int, Callable[[], None]]] = deque()
        self._late: deque[tuple[int, Callable[[], None]]] = deque()
        self._progress = new_timeline(device, "Driver.create_device", 0)
        self._counter = ffi.new("uint64_t *")
        self._submission = SubmitInfo(AT_ONCE)
        self._submit = device.loader.vkQueueSubmit
        self._read = device.loader.vkGetSemaphoreCounterValue
        self.is_over = False

    # -- native submissions -----------------------------------------------------------

    def submit(
        self, operation: str, waits: Timepoints, signals: Timepoints, commands: Handle = None
    ) -> int:
        """Submits natively, with the lock held; the number of the submission.

        The waits are promised, the signals advance their semaphores.
        """
        number = self.submitted + 1
        count = max(len(waits), len(signals) + 1)
        info = self._submission if count <= AT_ONCE else SubmitInfo(count)
        info.waits_for(waits)
        info.signals(self._progress, number, signals)
        info.runs(commands)
        result = self._submit(self._device.queue, 1, info.info, NULL)
        if result:
            self._device.check(operation, "vkQueueSubmit", result)
        self.submitted = number
        return number

    # -- completion -------------------------------------------------------------------

    @property
    def completed(self) -> int:
        """The number of the last submission that is done."""
        if self._completed < self.submitted:
            if self._read(self._device.handle, self._progress, self._counter):
                return self._completed  # lost: what the device does is over, and is not told
            self._completed = self._counter[0]
        return self._completed

    def later(self, number: int, action: Callable[[], None]) -> None:
        """Does something once a submission is done, whenever that is looked at next."""
        self._later.append((number, action))

    def tidy(self) -> None:
        """Does what was put off until now."""
        if not self._later and not self._late:
            return
        with self.lock:
            completed = self.completed
            while self._later and self._later[0][0] <= completed:
                self._later.popleft()[1]()
            while self._late and self._late[0][0] < completed:
                self._late.popleft()[1]()

    def end_after(self, number: int, end: Callable[[], None]) -> None:
        """Calls `end` once a submission is done: at once, or later."""
        with self.lock:
            self.tidy()
            if number <= self.completed:
                end()
            else:  # in the order of numbers, as the last one is no smaller than this one
                self._later.append((self.submitted, end))

    def end_semaphore_after(self, number: int, end: Callable[[], None]) -> None:
        """The same for a semaphore, once a later submission is done as well.

        Mesa's queue thread lets go of what a submission has waited for after it has told that the
        submission is done (``vk_queue_submit_cleanup``), and crashes where that is gone by then.
        """
        with self.lock:
            self.tidy()
            if number == 0 or number < self.completed:
                end()
            else:
                self._late.append((self.submitted, end))

    # -- the end ----------------------------------------------------------------------

    def destroy(self) -> None:
        """Waits for what is under way, and destroys what was put off, and the progress."""
        with self.lock:
            self.is_over = True
            self._device.wait_idle()
            for ends in (self._later, self._late):
                while ends:
                    ends.popleft()[1]()
            self._device.loader.vkDestroySemaphore(self._device.handle, self._progress, NULL)


def new_timeline(
    device: LogicalDevice, operation: str, initial_value: int, following: Any = None
) -> Handle:
    """A timeline semaphore; `following` goes on the chain."""
    kind = struct(
        "VkSemaphoreTypeCreateInfo",
        pNext=following,
        semaphoreType=vk.VK_SEMAPHORE_TYPE_TIMELINE,
        initialValue=initial_value,
    )
    info = struct("VkSemaphoreCreateInfo", pNext=kind)
    return device.make(operation, "vkCreateSemaphore", "VkSemaphore", info)


class WaitInfo:
    """A wait for one semaphore, to be made again and again by one thread at a time."""

    __slots__ = ("_device", "_info", "_values", "_wait")

    def __init__(self, device: LogicalDevice, semaphore: Handle) -> None:
        self._device = device.handle
        self._wait = device.loader.vkWaitSemaphores
        self._values = ffi.new("uint64_t[1]")
        self._info = struct(
            "VkSemaphoreWaitInfo",
            semaphoreCount=1,
            pSemaphores=[semaphore],
            pValues=self._values,
        )

    def wait(self, value: int, limit: int) -> int:
        """The VkResult of a wait of so many nanoseconds."""
        self._values[0] = value
        result: int = self._wait(self._device, self._info, limit)
        return result


class SubmitInfo:
    """A VkSubmitInfo to be filled in again and again, with the queue's lock held."""

    __slots__ = (
        "_commands",
        "_signal_values",
        "_signalled",
        "_timeline",
        "_wait_values",
        "_waited",
        "info",
    )

    def __init__(self, count: int) -> None:
        self._waited = ffi.new("VkSemaphore[]", count)
        self._wait_values = ffi.new("uint64_t[]", count)
        self._signalled = ffi.new("VkSemaphore[]", count)
        self._signal_values = ffi.new("uint64_t[]", count)
        self._commands = ffi.new("VkCommandBuffer[1]")
        self._timeline = struct(
            "VkTimelineSemaphoreSubmitInfo",
            pWaitSemaphoreValues=self._wait_values,
            pSignalSemaphoreValues=self._signal_values,
        )
        self.info = struct(
            "VkSubmitInfo",
            pNext=self._timeline,
            pWaitSemaphores=self._waited,
            pWaitDstStageMask=[ALL_COMMANDS] * count,
            pCommandBuffers=self._commands,
            pSignalSemaphores=self._signalled,
        )

    def waits_for(self, waits: Timepoints) -> None:
        place = 0
        for semaphore, value in waits:
            self._waited[place] = semaphore.handle
            self._wait_values[place] = value
            place += 1
        self.info.waitSemaphoreCount = self._timeline.waitSemaphoreValueCount = place

    def signals(self, progress: Handle, number: int, signals: Timepoints) -> None:
        """In no order: the progress may be seen before the others, and after them."""
        self._signalled[0] = progress
        self._signal_values[0] = number
        place = 1
        for semaphore, value in signals:
            self._signalled[place] = semaphore.handle
            self._signal_values[place] = value
            place += 1
        self.info.signalSemaphoreCount = self._timeline.signalSemaphoreValueCount = place

    def runs(self, commands: Handle) -> None:
        self.info.commandBufferCount = commands is not None
        if commands is not None:
            self._commands[0] = commands
