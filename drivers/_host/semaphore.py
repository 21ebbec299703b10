"""Semaphores: each is a reference to a timeline, which it may share with imported ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import HalError, StatusCode
from cts.hal.semaphore import DEFAULT_WAIT_TIMEOUT

from .._common.arguments import as_int, as_seconds, refusal
from .._common.timepoints import CheckedSemaphore
from .timeline import Listener, Timeline

if TYPE_CHECKING:
    from .device import HostDevice


class HostSemaphore(CheckedSemaphore):
    """A semaphore that any thread may signal, fail and wait for.

    Parameters
    ----------
    device : its maker.
    timeline : what it is a semaphore over.
    """

    _readable_when_sealed = frozenset({"forget", "lose"})  # there is nothing left to do then

    def __init__(self, device: HostDevice, timeline: Timeline) -> None:
        super().__init__(device)
        self._timeline = timeline
        self._is_over = False
        timeline.join()
        device.loss.tell(self)

    @property
    def timeline(self) -> Timeline:
        return self._timeline

    def query(self) -> int:
        return self._timeline.query()

    def signal(self, value: int) -> None:
        operation = "Semaphore.signal"
        self._timeline.signal(operation, as_int(operation, "value", value))

    def wait(self, value: int, timeout: float | None = DEFAULT_WAIT_TIMEOUT) -> None:
        operation = "Semaphore.wait"
        value = as_int(operation, "value", value)
        limit = None if timeout is None else as_seconds(operation, "timeout", timeout)
        self._timeline.wait(operation, value, limit, lambda: self._is_over)

    def fail(self, code: StatusCode, message: str = "") -> None:
        operation = "Semaphore.fail"
        if code not in list(StatusCode):
            raise refusal(operation, f"code is {code!r}: it is a StatusCode, 1 to 18")
        self.lose(HalError(StatusCode(code), operation, message or "no message"))

    def lose(self, failure: HalError) -> None:
        """Fails the timeline, unless it has failed before."""
        self._timeline.fail(failure)

    def finish(self, value: int, failure: HalError | None) -> None:
        """Signals or fails the timeline (`Timeline.finish`), and drops a reference."""
        self._timeline.finish(value, failure, self.release)

    def check_signal(self, operation: str, value: int) -> None:
        """Raises what `signal` would raise for that value now; changes nothing."""
        self._timeline.check_signal(operation, value)

    def when_reached(self, value: int, listener: Listener) -> None:
        """Has `listener` called for a payload, or a failure (`Timeline.when_reached`)."""
        self._timeline.when_reached(value, listener)

    def forget(self, listener: Listener) -> None:
        """Takes a listener back that has not been called."""
        self._timeline.forget(listener)

    def _free(self) -> None:
        self._is_over = True
        detail = "the semaphore was destroyed while it was waited for"
        self._timeline.leave(HalError(StatusCode.CANCELLED, "Semaphore.release", detail))
