"""Queues that call the host's functions wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cts.hal import HalError

from .changes import change, device_class
from .registry import mutant


def change_functions(changed: Callable[[Callable[[], None]], Callable[[], None]]) -> None:
    """Has a queue call `changed(function)` instead of each function."""

    def call(good: Any, self: Any, function: Any, **lists: Any) -> None:
        good(self, changed(function) if callable(function) else function, **lists)

    change(device_class(), "queue_host_call", call)


@mutant("QUE-15")
def host_call_made_twice() -> None:
    """A host call is made twice."""

    def twice(function: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            function()
            function()

        return call

    change_functions(twice)


@mutant("QUE-15")
def host_call_at_the_call() -> None:
    """A host call is made at once, whatever it waits for."""

    def call(good: Any, self: Any, function: Any, **lists: Any) -> None:
        if callable(function):
            function()
            good(self, lambda: None, **lists)
        else:
            good(self, function, **lists)

    change(device_class(), "queue_host_call", call)


@mutant("QUE-15")
def host_call_after_its_signals() -> None:
    """A host call is made after its signals."""

    def call(good: Any, self: Any, function: Any, *, wait: Any = (), signal: Any = ()) -> None:
        if not callable(function):
            good(self, function, wait=wait, signal=signal)
            return
        good(self, lambda: None, wait=wait, signal=signal)
        waiting.append(function)
        for late in waiting[:-1]:
            late()
        del waiting[:-1]

    waiting: list[Callable[[], None]] = []
    change(device_class(), "queue_host_call", call)


@mutant("QUE-15")
def host_call_error_is_lost() -> None:
    """What a host call raises is nobody's."""

    def quiet(function: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                function()
            except BaseException:
                return

        return call

    change_functions(quiet)


@mutant("QUE-15")
def host_call_error_loses_its_code() -> None:
    """A host call's HalError fails the signals as UNKNOWN."""

    def call_with_another(function: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            try:
                function()
            except HalError as error:
                raise RuntimeError(str(error)) from error

        return call

    change_functions(call_with_another)


@mutant("QUE-15")
def host_call_kept_for_good() -> None:
    """The functions of host calls are never let go of."""
    kept: list[Callable[[], None]] = []

    def keep(function: Callable[[], None]) -> Callable[[], None]:
        kept.append(function)
        return function

    change_functions(keep)


@mutant("QUE-15")
def host_call_of_nothing() -> None:
    """What cannot be called is passed over, and signalled."""

    def call(good: Any, self: Any, function: Any, **lists: Any) -> None:
        good(self, function if callable(function) else (lambda: None), **lists)

    change(device_class(), "queue_host_call", call)


@mutant("QUE-16")
def host_call_may_not_submit() -> None:
    """What a host call submits is dropped."""
    within: list[None] = []

    def inside(function: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            within.append(None)
            try:
                function()
            finally:
                within.pop()

        return call

    change_functions(inside)
    change(
        device_class(),
        "_submit",
        lambda good, self, operation: None if within else good(self, operation),
    )
