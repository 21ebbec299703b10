"""Semaphores with a bug."""

from __future__ import annotations

import threading
import time
import weakref
from contextlib import suppress
from itertools import count
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import (
    after_init,
    change,
    device_class,
    driver_class,
    semaphore_class,
    swallow,
    timeline_class,
)
from .registry import mutant

FURTHER = 100
"""Steps by which a payload grows at its semaphore's end."""
SELDOM = 100
"""Of so many wake-ups one is lost."""


# -- the payload ------------------------------------------------------------------------------


@mutant("SEM-1")
def initial_payload_clamped() -> None:
    """A semaphore starts at the largest payload, if not at the one asked for."""
    limit = driver_class().properties.max_semaphore_value
    change(
        device_class(),
        "create_semaphore",
        lambda good, self, initial_value=0: good(self, min(initial_value, limit)),
    )


@mutant("SEM-1")
def initial_payload_in_32_bits() -> None:
    """Of an initial payload 32 bits count."""

    def in_32_bits(good: Any, self: Any, initial_value: int = 0) -> Any:
        good(self, initial_value).release()
        return good(self, initial_value & 0xFFFF_FFFF)

    change(device_class(), "create_semaphore", in_32_bits)


@mutant("SEM-1")
def payload_read_in_32_bits() -> None:
    """Of a payload 32 bits are read."""
    change(semaphore_class(), "query", lambda good, self: good(self) & 0xFFFF_FFFF)


@mutant("SEM-2")
def backward_signal_passed_over() -> None:
    """A signal that does not advance is passed over."""
    swallow(semaphore_class(), "signal", StatusCode.INVALID_ARGUMENT)


@mutant("SEM-2")
def payload_goes_backwards() -> None:
    """A signal to a lower value takes the payload there."""

    def signal(good: Any, self: Any, value: int) -> None:
        line = self.timeline
        with line._changed:
            if line._failure is None and 0 <= value < line._payload:
                line._payload = value
                return
        good(self, value)

    change(semaphore_class(), "signal", signal)


@mutant("SEM-2")
def signal_of_the_payload_taken() -> None:
    """A signal to the payload that is there is no mistake."""

    def signal(good: Any, self: Any, value: int) -> None:
        if value != self.query():
            good(self, value)

    change(semaphore_class(), "signal", signal)


@mutant("SEM-2")
def refused_signal_counts() -> None:
    """A signal beyond the largest payload is refused, and takes the payload one further."""

    def signal(good: Any, self: Any, value: int) -> None:
        line = self.timeline
        if value > line._max_value:
            with line._changed:
                line._payload = min(line._payload + 1, line._max_value)
        good(self, value)

    change(semaphore_class(), "signal", signal)


# -- waits ------------------------------------------------------------------------------------


@mutant("SEM-3")
def wait_that_runs_out_returns() -> None:
    """A wait that runs out returns."""
    swallow(semaphore_class(), "wait", StatusCode.DEADLINE_EXCEEDED)


@mutant("SEM-3")
def wait_wakes_one_early() -> None:
    """A wait returns one step early."""
    change(
        semaphore_class(),
        "wait",
        lambda good, self, value, *timeout: good(self, max(value - 1, 0), *timeout),
    )


@mutant("SEM-3")
def wait_wakes_at_any_signal() -> None:
    """A wait returns at the first signal, whatever it is to."""

    def wait(good: Any, self: Any, value: int, *timeout: Any) -> None:
        now = self.query()
        good(self, min(value, now + 1) if value > now else value, *timeout)

    change(semaphore_class(), "wait", wait)


@mutant("SEM-3")
def wait_for_exactly_that_payload() -> None:
    """A wait misses a payload that went past its value."""

    def wait(good: Any, self: Any, value: int, timeout: Any = 10.0) -> None:
        good(self, value, timeout)
        if self.query() > value:
            raise HalError(StatusCode.DEADLINE_EXCEEDED, "Semaphore.wait", "it went past")

    change(semaphore_class(), "wait", wait)


@mutant("SEM-3")
def timeout_in_milliseconds() -> None:
    """A time-out is taken for milliseconds."""

    def wait(good: Any, self: Any, value: int, timeout: Any = 10.0) -> None:
        good(self, value, None if timeout is None else timeout / 1000)

    change(semaphore_class(), "wait", wait)


@mutant("SEM-3")
def large_timeout_overflows() -> None:
    """A time-out of more nanoseconds than 63 bits hold is none."""

    def wait(good: Any, self: Any, value: int, timeout: Any = 10.0) -> None:
        good(self, value, 0.0 if timeout is not None and timeout * 1e9 >= 2**63 else timeout)

    change(semaphore_class(), "wait", wait)


@mutant("SEM-5")
def wait_has_no_default_timeout() -> None:
    """A wait goes on for ever unless it is told not to."""
    semaphore = semaphore_class()
    wait = semaphore.wait
    semaphore.wait = lambda self, value, timeout=None: wait(self, value, timeout)


# -- failures ---------------------------------------------------------------------------------


@mutant("SEM-4")
def every_failure_is_unknown() -> None:
    """Every failure is UNKNOWN."""
    change(
        semaphore_class(),
        "fail",
        lambda good, self, code, message="": good(self, StatusCode.UNKNOWN, message),
    )


@mutant("SEM-4")
def failure_forgotten_once_told() -> None:
    """A semaphore forgets its failure once it has told it."""

    def tell(good: Any, self: Any, operation: str) -> None:
        try:
            good(self, operation)
        finally:
            self._failure = None

    change(timeline_class(), "_raise_failure", tell)


@mutant("SEM-4")
def last_failure_wins() -> None:
    """A second failure takes the first one's place."""

    def fail(good: Any, self: Any, code: Any, message: str = "") -> None:
        with self.timeline._changed:
            self.timeline._failure = None
            good(self, code, message)

    change(semaphore_class(), "fail", fail)


@mutant("SEM-4")
def failure_wakes_nobody() -> None:
    """A failure does not wake who waits."""

    def end(good: Any, self: Any, failure: Any) -> Any:
        notify, self._changed.notify_all = self._changed.notify_all, lambda: None
        try:
            return good(self, failure)
        finally:
            self._changed.notify_all = notify

    change(timeline_class(), "_end", end)


@mutant("SEM-4")
def failed_semaphore_is_signalled() -> None:
    """A signal brings a failed semaphore back."""

    def signal(good: Any, self: Any, value: int) -> None:
        self.timeline._failure = None
        good(self, value)

    change(semaphore_class(), "signal", signal)


@mutant("SEM-4")
def failure_does_not_end_reached_waits() -> None:
    """A wait for what was reached before the failure returns."""

    def wait(good: Any, self: Any, value: int, *timeout: Any) -> None:
        if value > self.timeline._payload:
            good(self, value, *timeout)

    change(semaphore_class(), "wait", wait)


# -- many threads, and the end ----------------------------------------------------------------


@mutant("SEM-6")
def signal_that_was_beaten_passed_over() -> None:
    """A signal that another thread was quicker with is passed over."""

    def pass_over(good: Any, self: Any, value: int) -> None:
        before = self.query()
        time.sleep(0)  # as between a check and what it was for
        try:
            good(self, value)
        except HalError as error:
            quicker = before < value <= self.query()
            if error.code is not StatusCode.INVALID_ARGUMENT or not quicker:
                raise

    change(semaphore_class(), "signal", pass_over)


@mutant("SEM-6")
def wake_up_lost_now_and_then() -> None:
    """One wake-up in a hundred is lost."""
    numbers = count(1)

    def advance(good: Any, self: Any, value: int) -> Any:
        if not self._changed._waiters or next(numbers) % SELDOM:
            return good(self, value)
        notify, self._changed.notify_all = self._changed.notify_all, lambda: None
        try:
            return good(self, value)
        finally:
            self._changed.notify_all = notify

    change(timeline_class(), "_advance", advance)


@mutant("SEM-6")
def signal_wakes_one_waiter() -> None:
    """A signal wakes one of those that wait."""

    def advance(good: Any, self: Any, value: int) -> Any:
        notify = self._changed.notify_all
        self._changed.notify_all = self._changed.notify
        try:
            return good(self, value)
        finally:
            self._changed.notify_all = notify

    change(timeline_class(), "_advance", advance)


@mutant("SEM-7")
def failure_reaches_every_semaphore() -> None:
    """A failure reaches every semaphore there is."""
    semaphore = semaphore_class()
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    after_init(semaphore, alive.add)

    def fail_all(good: Any, self: Any, code: StatusCode, message: str = "") -> None:
        good(self, code, message)
        for other in list(alive):
            if other.reference_count:
                good(other, code, message)

    change(semaphore, "fail", fail_all)


@mutant("SEM-7")
def semaphores_share_a_payload() -> None:
    """A signal also moves the semaphore that was made before."""
    semaphore = semaphore_class()
    made: list[Any] = []

    def note(self: Any) -> None:
        self._neighbour = made[-1]() if made else None
        made[:] = [weakref.ref(self)]

    def signal(good: Any, self: Any, value: int) -> None:
        good(self, value)
        neighbour = self._neighbour
        if neighbour is not None and neighbour.reference_count:
            with suppress(HalError):
                good(neighbour, value)

    after_init(semaphore, note)
    change(semaphore, "signal", signal)


@mutant("SEM-8")
def destruction_ends_waits_as_reached() -> None:
    """A wait for what is destroyed ends as if it was reached."""

    def go_on(good: Any, self: Any) -> None:
        with suppress(HalError):  # it has failed
            self.signal(self.query() + FURTHER)

    change(semaphore_class(), "_free", go_on)


@mutant("SEM-8")
def destruction_wakes_nobody() -> None:
    """A wait for what is destroyed goes on until its time is over."""
    change(semaphore_class(), "_free", lambda good, self: None)


@mutant("SEM-8")
def destruction_waits_for_waiters() -> None:
    """The last release of a semaphore waits for those who wait for it."""

    def wait_for_them(good: Any, self: Any) -> None:
        while self.timeline._changed._waiters:
            threading.Event().wait(0.01)

    change(semaphore_class(), "_free", wait_for_them)
