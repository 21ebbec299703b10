"""Which slots of a driver a case has entered: what its verdict rests on.

The slots of each device class that the session makes are wrapped, once, to note every call. A case
whose evidence is answered by an adapter alone proves nothing of the driver underneath (STB-9), and
one that enters no slot at all proves nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

from cts.hal import Device, Driver, slots
from cts.hal.device import AnsweredBy, slot_function
from cts.plugin import place

_DRIVER_OPERATIONS = frozenset({"available", "enumerate"})

_entered: set[tuple[str, str]] = set()
_answers: dict[tuple[str, str], AnsweredBy] = {}
_traced: set[type] = set()


def begin() -> set[tuple[str, str]]:
    """Starts a new record of (driver name, slot) entered; the last one is returned."""
    global _entered
    before, _entered = _entered, set()
    return before


@contextmanager
def aside() -> Iterator[set[tuple[str, str]]]:
    """What is entered in the block goes into the record that it gives, and not into the case's."""
    global _entered
    before = begin()
    try:
        yield _entered
    finally:
        _entered = before


def add(slots_entered: Iterable[tuple[str, str]]) -> None:
    """Counts slots that were entered on the case's behalf, when the session's group was built."""
    _entered.update(slots_entered)


def answered_by(driver: str, judged: Set[str]) -> AnsweredBy | None:
    """Who answered for a driver since `begin`: none where no slot of it was entered.

    The identifier, which everything reads, counts only where it is `judged`; operations of the
    driver object only where no slot was entered.
    """
    names = {slot for name, slot in _entered if name == driver}
    names -= {"identifier"} - judged
    names = names - _DRIVER_OPERATIONS or names
    if not names:
        return None
    answers = {_answers.get((driver, name), "driver") for name in names}
    return "driver" if "driver" in answers else "adapter"


def trace_driver(kind: type[Driver]) -> None:
    """Notes the operations of a driver class."""
    if kind in _traced:
        return
    _traced.add(kind)
    for name in _DRIVER_OPERATIONS:
        setattr(kind, name, _noting(getattr(kind, name), lambda driver: driver.name, name))


def trace_device(device: Device) -> None:
    """Notes the slots of a device: those of its classes, once, and those set on itself alone."""
    _trace_classes(type(device))
    for name in slots().keys() & vars(device).keys():
        own = vars(device)[name]
        if callable(own):  # and not what a cached_property remembers
            vars(device)[name] = _noting_own(device.driver_name, name, own)


def _trace_classes(kind: type[Device]) -> None:
    for base in kind.__mro__:
        if base in Device.__mro__ or base in _traced:
            continue
        _traced.add(base)
        for name in slots().keys() & vars(base).keys():
            member = vars(base)[name]
            function = slot_function(member)
            if not callable(function):  # a cached_property
                function = partial(_get, member)
            noting = _noting_slot(function, name)
            is_property = isinstance(vars(Device)[name], property)
            setattr(base, name, property(noting) if is_property else noting)


def _get(descriptor: Any, device: Device) -> Any:
    return descriptor.__get__(device, type(device))


def _noting_slot(function: Any, name: str) -> Callable[..., Any]:
    def driver_name(device: Device) -> str:
        _answers[device.driver_name, name] = _answer_of(function)
        return device.driver_name

    return _noting(function, driver_name, name)


def _noting_own(driver: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    slot_name = place.slot_name(name)

    @wraps(function)
    def noting(*args: Any, **kwargs: Any) -> Any:
        place.enter_slot(slot_name)
        _answers[driver, name] = _answer_of(function)
        _entered.add((driver, name))
        return function(*args, **kwargs)

    return noting


def _answer_of(function: Any) -> AnsweredBy:
    answer: AnsweredBy = getattr(function, "_slot", (None, "driver"))[1]
    return answer


def _noting(function: Any, driver_name: Callable[[Any], str], name: str) -> Callable[..., Any]:
    slot_name = place.slot_name(name)

    @wraps(function)
    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        place.enter_slot(slot_name)
        _entered.add((driver_name(self), name))
        return function(self, *args, **kwargs)

    return noting
