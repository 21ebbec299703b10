"""Which slots of a driver a case has entered: what its verdict rests on.

The slots of each device class that the session makes are wrapped, once, to note every call. A case
whose evidence is answered by an adapter alone proves nothing of the driver underneath (STB-9), and
one that enters no slot at all proves nothing of anybody.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Any

from cts.hal import Device, Driver, slots
from cts.hal.device import AnsweredBy, slot_function
from cts.plugin import place

_DRIVER_OPERATIONS = frozenset({"available", "enumerate"})
_DRIVER_WORK = frozenset({"conformance_program"})
"""Operations of the driver object that count like slots: what they give works by itself."""

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
    """Notes the operations of a driver class, as far as it has them as class members."""
    if kind not in _traced:
        _traced.add(kind)
        for name in _DRIVER_OPERATIONS | _DRIVER_WORK:
            member = inspect.getattr_static(kind, name)
            setattr(kind, name, _TracedMethod(member, name, "name"))


def trace_device(device: Device) -> None:
    """Notes the slots of a device: those of its classes, once, and those set on itself alone."""
    for base in type(device).__mro__:
        if base not in Device.__mro__ and base not in _traced:
            _traced.add(base)
            for name in slots().keys() & vars(base).keys():
                is_property = isinstance(vars(Device)[name], property)
                traced = _TracedProperty if is_property else _TracedMethod
                setattr(base, name, traced(vars(base)[name], name, "driver_name"))
    for name in slots().keys() & vars(device).keys():
        own = vars(device)[name]
        if not isinstance(vars(Device)[name], property) and callable(own):
            vars(device)[name] = _noting(own, device.driver_name, name)


class _Traced:
    """Stands in for a member of a class, whatever kind of descriptor that is, and notes its use.

    It binds as the member does, so that a static method, a class method or a partial one, a cached
    property, a slot of ``__slots__`` or a plain value go on as they were.
    """

    def __init__(self, member: Any, name: str, driver_name: str) -> None:
        self._member = member
        self._name = name
        self._driver_name = driver_name
        self._slot_name = place.slot_name(name)

    def _bound(self, instance: object, owner: type) -> Any:
        bind = getattr(type(self._member), "__get__", None)
        return self._member if bind is None else bind(self._member, instance, owner)


class _TracedMethod(_Traced):
    """A method: it is used when it is called."""

    def __get__(self, instance: object, owner: type) -> Any:
        bound = self._bound(instance, owner)
        if instance is None or not callable(bound):
            return bound
        return _noting(bound, getattr(instance, self._driver_name), self._name, self._slot_name)


class _TracedProperty(_Traced):
    """A property: it is used when it is read. What it does when it is set stays as it was."""

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is not None:
            place.enter_slot(self._slot_name)
            driver = getattr(instance, self._driver_name)
            _answers[driver, self._name] = _answer_of(slot_function(self._member))
            _entered.add((driver, self._name))
            if not hasattr(type(self._member), "__get__"):  # a plain value, and the device's own
                return vars(instance).get(self._name, self._member)
        return self._bound(instance, owner)

    def __set__(self, instance: object, value: object) -> None:
        if hasattr(type(self._member), "__set__"):
            self._member.__set__(instance, value)
        else:
            vars(instance)[self._name] = value

    def __delete__(self, instance: object) -> None:
        if hasattr(type(self._member), "__delete__"):
            self._member.__delete__(instance)
        else:
            del vars(instance)[self._name]


def _noting(
    function: Callable[..., Any], driver: str, name: str, slot_name: bytes | None = None
) -> Callable[..., Any]:
    """A function that does what this one does, and notes that a slot was entered."""
    noted = driver, name
    padded = slot_name or place.slot_name(name)

    def noting(*args: Any, **kwargs: Any) -> Any:
        place.enter_slot(padded)
        _answers[noted] = _answer_of(function)
        _entered.add(noted)
        return function(*args, **kwargs)

    return noting


def _answer_of(function: Any) -> AnsweredBy:
    answer: AnsweredBy = getattr(function, "_slot", (None, "driver"))[1]
    return answer
