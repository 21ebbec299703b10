"""Events with a bug, and command buffers that treat them wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cts.hal import DeviceGroup, Event, HalError, StatusCode

from .changes import change, command_buffer_class, device_class, driver_class
from .registry import mutant

COMMANDS = ("signal_event", "reset_event", "wait_events")


def event_class() -> Any:
    """The class of events."""
    with (
        driver_class()() as driver,
        driver.create_device() as device,
        DeviceGroup.from_device(device),
        device.create_event() as event,
    ):
        return type(event)


def change_execution(changed: Callable[[Any, list[Any]], list[Any]]) -> None:
    """Has an execution carry out `changed(command buffer, work)`."""

    def recorded(good: Any, self: Any, *asked: Any) -> list[Any]:
        return changed(self, list(good(self, *asked)))

    change(command_buffer_class(), "recorded", recorded)


def events_of(transfer: Any) -> list[Any]:
    """The events that a command uses."""
    return [thing for thing in transfer.used if isinstance(thing, Event)]


# -- order ------------------------------------------------------------------------------------


@mutant("CMD-5")
def transfers_overtake_events() -> None:
    """Transfers run before whatever they were to wait for, the last one first."""
    change_execution(
        lambda self, work: (
            [transfer for transfer in work[::-1] if transfer.length]
            + [transfer for transfer in work if not transfer.length]
            if any(map(events_of, work))
            else work
        )
    )


@mutant("CMD-5")
def events_end_with_their_execution() -> None:
    """Every execution finds the events reset."""

    def reset_first(self: Any, work: list[Any]) -> list[Any]:
        for transfer in work:
            for event in events_of(transfer):
                event.put(False)
        return work

    change_execution(reset_first)


@mutant("CMD-5")
def wait_takes_the_signal() -> None:
    """A wait that is over resets its event."""

    def check(good: Any, self: Any, operation: str) -> None:
        good(self, operation)
        self.put(False)

    change(event_class(), "check_signalled", check)


@mutant("CMD-5")
def second_signal_resets() -> None:
    """The signal of an event that is signalled resets it."""
    change(
        event_class(),
        "put",
        lambda good, self, state: good(self, state and not self._is_signalled),
    )


@mutant("CMD-5")
def one_event_for_all() -> None:
    """A device has one event, which it gives to whoever asks."""
    only: list[Any] = []

    def create(good: Any, self: Any) -> Any:
        if not only or not only[0].reference_count:
            only[:] = [good(self)]
            return only[0]
        return only[0].retain()

    change(device_class(), "create_event", create)


# -- waits that nothing ends ------------------------------------------------------------------


@mutant("CMD-6")
def new_event_is_signalled() -> None:
    """A new event is signalled."""

    def create(good: Any, self: Any) -> Any:
        event = good(self)
        event.put(True)
        return event

    change(device_class(), "create_event", create)


@mutant("CMD-6")
def first_event_of_a_list_counts() -> None:
    """A wait for several events is over with the first."""
    change(command_buffer_class(), "wait_events", lambda good, self, events: good(self, events[:1]))


@mutant("CMD-6")
def waits_are_looked_at_last() -> None:
    """What comes after a wait that fails is carried out all the same."""
    change_execution(lambda self, work: sorted(work, key=lambda transfer: not transfer.length))


@mutant("CMD-6")
def failed_wait_is_aborted() -> None:
    """A wait for what nobody has signalled fails as ABORTED."""

    def check(good: Any, self: Any, operation: str) -> None:
        try:
            good(self, operation)
        except HalError as error:
            raise HalError(StatusCode.ABORTED, error.operation, error.detail) from error

    change(event_class(), "check_signalled", check)


@mutant("CMD-6", driver="local-task")
def failed_wait_for_an_event_signals() -> None:
    """An execution whose wait for an event fails stops there, and signals."""
    device = device_class("local-task")

    def submit(good: Any, self: Any, operation: Any) -> None:
        waiting = any(map(events_of, operation.work))
        good(self, operation._replace(work=[_quiet(operation.work)] if waiting else operation.work))

    change(device, "_submit", submit)


def _quiet(work: Any) -> Any:
    """All of the work as one piece that tells of no failure."""

    def run() -> None:
        for transfer in work:
            try:
                transfer.run()
            except HalError:
                return

    return type(work[0])((), 0, lambda start, end: run())


# -- recording --------------------------------------------------------------------------------


def pass_over(code: StatusCode) -> None:
    """What is refused with this code is left out of the recording."""
    for name in COMMANDS:

        def record(good: Any, self: Any, given: Any) -> None:
            try:
                good(self, given)
            except HalError as error:
                if error.code is not code or self._state != "recording":
                    raise

        change(command_buffer_class(), name, record)


@mutant("CMD-7")
def foreign_event_passed_over() -> None:
    """What is no event of the driver is passed over."""
    pass_over(StatusCode.INVALID_ARGUMENT)


@mutant("CMD-7")
def destroyed_event_passed_over() -> None:
    """A destroyed event is passed over."""
    pass_over(StatusCode.FAILED_PRECONDITION)


@mutant("CMD-7")
def events_recorded_at_any_time() -> None:
    """Commands of events are recorded before begin and after end as well."""
    for name in COMMANDS:

        def record(good: Any, self: Any, given: Any) -> None:
            state, self._state = self._state, "recording"
            try:
                good(self, given)
            finally:
                self._state = state

        change(command_buffer_class(), name, record)


@mutant("CMD-4")
def events_are_not_held() -> None:
    """A command buffer keeps no event alive."""
    change(
        command_buffer_class(),
        "_hold",
        lambda good, self, used: good(self, [it for it in used if not isinstance(it, Event)]),
    )
