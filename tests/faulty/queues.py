"""Queues that wait, signal, fail or keep alive what they should not, or do not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import change, command_buffer_class, device_class, semaphore_class
from .registry import mutant

LARGE = 100
"""Bytes from which on work counts as much."""


def change_operations(changed: Callable[[Any], Any], driver: str = "local-sync") -> None:
    """Operations that were checked are carried out changed."""
    change(
        device_class(driver),
        "_submit",
        lambda good, self, operation: good(self, changed(operation)),
    )


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


# -- order and command buffers ----------------------------------------------------------------


@mutant("QUE-7", driver="local-task")
def pending_wait_refused() -> None:
    """What is to wait for a signal to come is refused."""

    def impatient(operation: Any) -> Any:
        if any(semaphore.query() < value for semaphore, value in operation.waits):
            raise HalError(StatusCode.FAILED_PRECONDITION, operation.name, "a wait is not reached")
        return operation

    change_operations(impatient, "local-task")


@mutant("QUE-7", driver="local-task")
def submission_blocks_until_its_waits_are_reached() -> None:
    """A submission blocks its caller until what it waits for is reached, or for a second."""

    def block(operation: Any) -> Any:
        for semaphore, value in operation.waits:
            try:
                semaphore.wait(value, 1.0)
            except HalError as error:
                if error.code is StatusCode.DEADLINE_EXCEEDED:
                    raise
        return operation

    change_operations(block, "local-task")


@mutant("QUE-8")
def command_buffer_works_once() -> None:
    """A command buffer works once."""
    executed: set[int] = set()

    def once(good: Any, self: Any, commands: Any, *, wait: Any = (), signal: Any = ()) -> Any:
        if id(commands) in executed:
            return self.queue_barrier(wait=wait, signal=signal)
        executed.add(id(commands))
        return good(self, commands, wait=wait, signal=signal)

    change(device_class(), "queue_execute", once)


@mutant("QUE-8")
def commands_in_reverse() -> None:
    """A command buffer's commands are carried out in reverse."""
    change(
        command_buffer_class(),
        "recorded",
        lambda good, self, operation: list(good(self, operation))[::-1],
    )


@mutant("QUE-8")
def last_command_left_out() -> None:
    """The last of several commands is left out."""

    def all_but_one(good: Any, self: Any, operation: str) -> Any:
        commands = good(self, operation)
        return commands[: max(len(commands) - 1, 1)]

    change(command_buffer_class(), "recorded", all_but_one)


@mutant("QUE-8")
def command_buffer_executed_while_recording() -> None:
    """A command buffer can be executed before its recording has ended."""

    def recorded(good: Any, self: Any, operation: str) -> Any:
        state, self._state = self._state, "executable"
        try:
            return good(self, operation)
        finally:
            self._state = state

    change(command_buffer_class(), "recorded", recorded)


@mutant("QUE-8")
def command_buffer_recorded_again() -> None:
    """A command buffer that has ended can be recorded again."""

    def begin(good: Any, self: Any) -> None:
        if self._state == "executable":
            self._state = "new"
        good(self)

    change(command_buffer_class(), "begin", begin)


@mutant("QUE-8")
def command_recorded_after_the_end() -> None:
    """A fill after the end of recording is recorded."""

    def fill(good: Any, self: Any, *args: Any) -> None:
        state, self._state = self._state, "recording"
        try:
            good(self, *args)
        finally:
            self._state = state

    change(command_buffer_class(), "fill", fill)


# -- arguments --------------------------------------------------------------------------------


@mutant("QUE-10")
def destroyed_semaphore_not_waited_for() -> None:
    """A destroyed semaphore is not waited for."""

    def living(good: Any, self: Any, *, wait: Any = (), signal: Any = ()) -> None:
        good(
            self,
            wait=[entry for entry in wait if getattr(entry[0], "reference_count", 1)],
            signal=signal,
        )

    change(device_class(), "queue_barrier", living)


@mutant("QUE-10")
def foreign_buffer_passed_over() -> None:
    """A copy from another driver's buffer is passed over."""

    def copy(good: Any, self: Any, source: Any, *args: Any, **lists: Any) -> None:
        driver = getattr(getattr(source, "device", None), "driver_name", self.driver_name)
        if driver != self.driver_name:
            self.queue_barrier(**lists)
        else:
            good(self, source, *args, **lists)

    change(device_class(), "queue_copy", copy)


@mutant("QUE-10")
def refused_operation_fails_its_signals() -> None:
    """An operation that is refused for its arguments fails its signals."""
    for name in ("queue_fill", "queue_update", "queue_copy"):

        def submit(good: Any, self: Any, *args: Any, **lists: Any) -> None:
            try:
                good(self, *args, **lists)
            except HalError as error:
                for semaphore, _ in lists.get("signal", ()):
                    if getattr(semaphore, "reference_count", 0):
                        semaphore.fail(error.code)
                raise

        change(device_class(), name, submit)


@mutant("QUE-11")
def reached_signal_left_out() -> None:
    """A barrier leaves out a signal that is reached already."""

    def leave_out(good: Any, self: Any, *, wait: Any = (), signal: Any = ()) -> None:
        good(self, wait=wait, signal=[(line, v) for line, v in signal if line.query() < v])

    change(device_class(), "queue_barrier", leave_out)


@mutant("QUE-11")
def signals_checked_one_by_one() -> None:
    """Signals before the one that cannot advance are signalled."""

    def one_by_one(good: Any, self: Any, *, wait: Any = (), signal: Any = ()) -> None:
        if len(signal) < 2:
            good(self, wait=wait, signal=signal)
        for entry in signal if len(signal) > 1 else ():
            good(self, wait=wait, signal=[entry])

    change(device_class(), "queue_barrier", one_by_one)


# -- threads and ends -------------------------------------------------------------------------


@mutant("QUE-12")
def fill_on_another_thread_not_done() -> None:
    """A fill on another thread than the main one is signalled and not done."""

    def on_one_thread(good: Any, self: Any, *args: Any, **lists: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return self.queue_barrier(**lists)
        return good(self, *args, **lists)

    change(device_class(), "queue_fill", on_one_thread)


@mutant("QUE-12")
def submission_beside_another_dropped() -> None:
    """Of two submissions at the same time one is signalled and not done."""
    busy = threading.Lock()

    def drop(good: Any, self: Any, operation: Any) -> None:
        if not busy.acquire(blocking=False):
            good(self, operation._replace(work=[]))
            return
        try:
            threading.Event().wait(1e-4)
            good(self, operation)
        finally:
            busy.release()

    change(device_class(), "_submit", drop)


@mutant("QUE-13", driver="local-task")
def submission_keeps_nothing_alive() -> None:
    """A submission keeps nothing alive of what its work uses."""
    change_operations(lambda operation: operation._replace(used=[]), "local-task")


@mutant("QUE-13")
def command_buffer_keeps_nothing_alive() -> None:
    """A command buffer keeps none of its buffers alive."""
    commands = command_buffer_class()
    change(commands, "_record", lambda good, self, command: self._commands.append(command))
    change(commands, "_free", lambda good, self: None)


@mutant("QUE-14", driver="local-task")
def submission_keeps_what_it_waits_for() -> None:
    """A submission keeps alive what it waits for."""
    change_operations(
        lambda operation: operation._replace(
            used=[*operation.used, *(semaphore for semaphore, _ in operation.waits)]
        ),
        "local-task",
    )


@mutant("QUE-14", driver="local-task")
def pending_submissions_not_told() -> None:
    """A semaphore that ends does not tell the submissions that wait for it."""

    forgotten: list[Any] = []

    def end(good: Any, self: Any) -> None:
        forgotten.extend(self._timepoints)
        self._timepoints.clear()
        good(self)

    change(semaphore_class("local-task"), "_free", end)
