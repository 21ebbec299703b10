"""Whether a case applies to its driver, and whether it can run there.

A case that does not apply is *unsupported*; one that cannot run, because something that it needs is
broken, is *blocked* by that one cause:

1. the driver cannot be tried at all: everything is blocked by that;
2. a core slot is broken: only the stub cases of broken slots run, and fail by themselves;
3. a work slot is broken: the cases that call it are blocked, except its own stub cases.
"""

from __future__ import annotations

import pytest

from cts.checks import Blocked, Unsupported
from cts.hal import slots
from cts.plugin import evidence
from cts.plugin.cases import case_of
from cts.plugin.driver_session import DriverSession
from cts.plugin.run import run_of


def check(item: pytest.Item) -> None:
    """Raises `Blocked` or `Unsupported` for a case that is not to run."""
    case = case_of(item)
    if case is None:
        return
    session = run_of(item.config).session_of(case.driver)
    evidence.begin()
    entry = run_of(item.config).expected.of(case.driver).entry_of(case.id, core=case.core)
    if entry is not None and entry.kind == "skip":
        pytest.skip(entry.reason)
    if session.fatal_fault:
        raise Blocked(session.fatal_fault)
    if session.core_faults and not case.judged & session.core_faults.keys():
        slot, fault = next(iter(session.core_faults.items()))
        raise Blocked(f"{slot}: {fault}", slot)
    for mark in item.iter_markers("needs"):
        _check_properties(session, mark)
        for name in mark.args:
            _check_slot_or_method(session, name, case.judged)
    _make_room(item, session)
    evidence.begin()


def devices_needed(item: pytest.Item) -> int:
    """Fresh devices that a case has alive at once."""
    marks = item.iter_markers("needs")
    said = [mark.kwargs["devices"] for mark in marks if "devices" in mark.kwargs]
    takes_some = "new_device" in item.fixturenames  # type: ignore[attr-defined]
    return max(said, default=1 if takes_some else 0)


def _make_room(item: pytest.Item, session: DriverSession) -> None:
    limit = session.max_devices
    needed = devices_needed(item)
    beside = session.device_count if "device_group" in item.fixturenames else 0  # type: ignore[attr-defined]
    if limit is not None and needed + beside > limit:
        raise Unsupported(f"needs {needed + beside} devices: max_devices is {limit}")
    if not beside:
        session.make_room(needed)


def _check_properties(session: DriverSession, mark: pytest.Mark) -> None:
    for name, wanted in mark.kwargs.items():
        if name == "devices":
            continue
        found = session.driver.native if name == "native" else getattr(session.properties, name)
        if found != wanted:
            raise Unsupported(f"needs {name}={wanted!r}: the driver's is {found!r}")


def _check_slot_or_method(session: DriverSession, name: str, judged: frozenset[str]) -> None:
    if name in session.properties.unreachable:
        raise Unsupported(f"needs {name}: not reachable through the binding")
    if name in slots():
        _check_slot(session, name, judged)


def _check_slot(session: DriverSession, slot: str, judged: frozenset[str]) -> None:
    kind = slots()[slot].kind
    if kind == "work" and not session.properties.work:
        raise Unsupported(f"needs {slot}: the driver has the core slots only")
    if kind == "optional" and slot not in session.optional_slots:
        raise Unsupported(f"needs {slot}: the driver does not implement the slot")
    if slot in session.work_faults and slot not in judged:
        raise Blocked(f"{slot}: {session.work_faults[slot]}", slot)
