"""Queues that wait, signal or fail when they should not, or do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import change, change_operations, device_class
from .registry import mutant

LARGE = 100
"""Bytes from which on work counts as much."""


# -- waits and signals ------------------------------------------------------------------------


@mutant("QUE-4")
def barrier_does_not_wait() -> None:
    """A barrier does not wait."""
    change(
        device_class(),
        "queue_barrier",
        lambda good, self, *, wait=(), signal=(): good(self, signal=signal),
    )


@mutant("QUE-4")
def first_wait_counts() -> None:
    """Of a wait list only the first entry counts."""
    change_operations(lambda operation: operation._replace(waits=operation.waits[:1]))


@mutant("QUE-4")
def first_wait_of_a_semaphore_counts() -> None:
    """Of several waits for one semaphore the first one counts."""

    def firsts(operation: Any) -> Any:
        first: dict[Any, int] = {}
        for semaphore, value in operation.waits:
            first.setdefault(semaphore, value)
        return operation._replace(waits=list(first.items()))

    change_operations(firsts)


@mutant("QUE-4", driver="local-task")
def wait_one_step_early() -> None:
    """An operation begins one step before what it waits for."""
    change_operations(
        lambda operation: operation._replace(
            waits=[(semaphore, max(value - 1, 0)) for semaphore, value in operation.waits]
        ),
        "local-task",
    )


@mutant("QUE-4")
def signalled_before_the_work() -> None:
    """An operation signals before its work is done."""

    def early(good: Any, self: Any, operation: Any) -> None:
        good(self, operation._replace(work=[], used=[]))
        good(self, operation._replace(waits=[], signals=[]))

    change(device_class(), "_submit", early)


@mutant("QUE-4", driver="local-task")
def signalled_before_the_work_on_a_worker() -> None:
    """An asynchronous operation signals as its work begins, where that is much."""

    def early(good: Any, self: Any, operation: Any) -> None:
        if operation.work and operation.work[0].length >= LARGE:
            between = self.create_semaphore()
            good(self, operation._replace(work=[], signals=[(between, 1), *operation.signals]))
            good(self, operation._replace(waits=[(between, 1)], signals=[]))
            between.release()
        else:
            good(self, operation)

    change(device_class("local-task"), "_submit", early)


@mutant("QUE-4", driver="local-task")
def another_devices_signals_are_not_waited_for() -> None:
    """A queue waits for its own device's semaphores alone."""

    def own(good: Any, self: Any, operation: Any) -> None:
        waits = [(made, value) for made, value in operation.waits if made.device is self]
        good(self, operation._replace(waits=waits))

    change(device_class("local-task"), "_submit", own)


@mutant("QUE-4")
def first_signal_counts() -> None:
    """Of a signal list only the first entry is signalled."""
    change_operations(lambda operation: operation._replace(signals=operation.signals[:1]))


@mutant("QUE-4")
def signal_to_the_next_value() -> None:
    """A signal goes one further than the payload that is there, whatever its value."""
    change_operations(
        lambda operation: operation._replace(
            signals=[
                (semaphore, min(value, semaphore.query() + 1))
                for semaphore, value in operation.signals
            ]
        )
    )


# -- failures ---------------------------------------------------------------------------------


@mutant("QUE-5")
def fill_does_not_wait() -> None:
    """A fill does not look at what it waits for."""
    change(
        device_class(),
        "queue_fill",
        lambda good, self, *args, wait=(), signal=(): good(self, *args, signal=signal),
    )


@mutant("QUE-5")
def failed_wait_does_the_work() -> None:
    """An operation whose wait fails does its work all the same."""

    def all_the_same(good: Any, self: Any, operation: Any) -> None:
        try:
            good(self, operation)
        except HalError:
            for transfer in operation.work:
                transfer.run()
            raise

    change(device_class(), "_submit", all_the_same)


@mutant("QUE-5", driver="local-task")
def failed_wait_does_the_work_on_a_worker() -> None:
    """An asynchronous operation whose wait fails does its work all the same."""

    def all_the_same(good: Any, self: Any, operation: Any) -> None:
        def failed(failure: Any) -> None:
            if failure is not None:
                for transfer in operation.work:
                    transfer.run()

        for semaphore, value in operation.waits:
            semaphore.when_reached(value, failed)
        good(self, operation)

    change(device_class("local-task"), "_submit", all_the_same)


@mutant("QUE-5")
def failed_wait_leaves_the_signals() -> None:
    """An operation whose wait fails leaves its signals pending."""

    def leave(good: Any, self: Any, operation: Any) -> None:
        good(self, operation._replace(work=[], used=[], signals=[]))
        good(self, operation)

    change(device_class(), "_submit", leave)


def fail_signals(failed: Callable[[Sequence[Any], Any], None]) -> None:
    """An operation whose wait fails treats its signals so; it gets them and the failure."""

    def submit(good: Any, self: Any, operation: Any) -> None:
        try:
            good(self, operation._replace(work=[], used=[], signals=[]))
        except HalError as error:
            failed(operation.signals, error)
            raise
        good(self, operation._replace(waits=[]))

    change(device_class(), "_submit", submit)


@mutant("QUE-5")
def failed_wait_fails_the_first_signal() -> None:
    """An operation whose wait fails fails the first of its signals alone."""

    def first(signals: Sequence[Any], error: HalError) -> None:
        for semaphore, _ in signals[:1]:
            semaphore.fail(error.code)

    fail_signals(first)


@mutant("QUE-5")
def failed_wait_fails_with_another_code() -> None:
    """An operation whose wait fails fails its signals with ABORTED."""

    def aborted(signals: Sequence[Any], error: HalError) -> None:
        for semaphore, _ in signals:
            semaphore.fail(StatusCode.ABORTED)

    fail_signals(aborted)


@mutant("QUE-5")
def failed_wait_signals() -> None:
    """An operation whose wait fails signals as if it was done."""

    def signal(signals: Sequence[Any], error: HalError) -> None:
        for semaphore, value in signals:
            semaphore.signal(value)

    fail_signals(signal)


@mutant("QUE-17")
def queue_works_outside_a_group() -> None:
    """A device that is in no group takes submissions."""
    change(device_class(), "_queue_operation", lambda good, self, name: f"Device.{name}")


@mutant("QUE-17")
def queue_outside_a_group_is_internal() -> None:
    """A submission on a device that is in no group fails as INTERNAL."""

    def refuse(good: Any, self: Any, name: str) -> str:
        try:
            operation: str = good(self, name)
        except HalError as error:
            raise HalError(StatusCode.INTERNAL, error.operation, error.detail) from error
        return operation

    change(device_class(), "_queue_operation", refuse)
