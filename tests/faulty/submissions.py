"""Submissions, and command buffers, that are taken, done or kept alive with a bug."""

from __future__ import annotations

import threading
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import change, change_operations, command_buffer_class, device_class, semaphore_class
from .registry import mutant

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
        lambda good, self, *asked: list(good(self, *asked))[::-1],
    )


@mutant("QUE-8")
def last_command_left_out() -> None:
    """The last of several commands is left out."""

    def all_but_one(good: Any, self: Any, *asked: Any) -> Any:
        commands = good(self, *asked)
        return commands[: max(len(commands) - 1, 1)]

    change(command_buffer_class(), "recorded", all_but_one)


@mutant("QUE-8")
def command_buffer_executed_while_recording() -> None:
    """A command buffer can be executed before its recording has ended."""

    def recorded(good: Any, self: Any, *asked: Any) -> Any:
        state, self._state = self._state, "executable"
        try:
            return good(self, *asked)
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
    change(command_buffer_class(), "_hold", lambda good, self, used: None)


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
def work_outside_a_group_keeps_its_objects() -> None:
    """What is pending when its device leaves the group keeps alive what it uses."""

    def submit(good: Any, self: Any, operation: Any) -> None:
        def keep(failure: Any) -> None:
            if self.topology_info is None:
                for used in operation.used:
                    used.retain()

        for semaphore, value in operation.waits:
            semaphore.when_reached(value, keep)
        good(self, operation)

    change(device_class("local-task"), "_submit", submit)


@mutant("QUE-14", driver="local-task")
def pending_submissions_not_told() -> None:
    """A semaphore that ends does not tell the submissions that wait for it."""

    forgotten: list[Any] = []

    def end(good: Any, self: Any) -> None:
        forgotten.extend(self.timeline._timepoints)
        self.timeline._timepoints.clear()
        good(self)

    change(semaphore_class("local-task"), "_free", end)
