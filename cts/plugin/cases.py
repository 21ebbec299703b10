"""Cases: which tests are cases, their marks, ids and parametrisation by driver.

A case is a test that uses the fixture `hal_session`, itself or through another fixture.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

import cts.hal
from cts.contract import requirements
from cts.hal import DriverProperties, slots
from cts.plugin import DRIVER_FIXTURE
from cts.plugin.run import run_of

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_NEEDS_KEYS = frozenset(DriverProperties.__dataclass_fields__) | {"devices", "native"}


@dataclass(frozen=True)
class Case:
    """A test that is a case, and what its marks say."""

    driver: str
    """The driver that it is to run on, by the name that its results go by."""
    id: str
    """``area/file::test[params]``: the same from a checkout and from an installed package."""
    requirements: list[str]
    """The ids that it names, in the order named."""
    judged: frozenset[str]
    """The slots that a stub case judges."""
    judges_objects: bool
    """It judges not what objects do, but their references, lifetime and origin."""
    core: bool
    """Where it fails there is no device group: no expectation excuses that."""


_CASE: pytest.StashKey[Case | None] = pytest.StashKey()


def case_of(item: pytest.Item) -> Case | None:
    """What a collected test is as a case; none for any other test."""
    if _CASE not in item.stash:
        item.stash[_CASE] = _read(item)
    return item.stash[_CASE]


def of(items: Sequence[pytest.Item]) -> list[tuple[pytest.Item, Case]]:
    """Those tests that are cases, each with what it is as one."""
    return [(item, case) for item in items if (case := case_of(item)) is not None]


def _read(item: pytest.Item) -> Case | None:
    if DRIVER_FIXTURE not in getattr(item, "fixturenames", ()):
        return None
    spec, stub = list(item.iter_markers("spec")), list(item.iter_markers("stub"))
    driver: str = item.callspec.params[DRIVER_FIXTURE]  # type: ignore[attr-defined]
    return Case(
        driver=driver,
        id=_id(item, driver),
        requirements=list(dict.fromkeys(str(id) for mark in spec for id in mark.args)),
        judged=frozenset(str(name) for mark in stub for name in mark.args),
        judges_objects=any(mark.kwargs.get("subject") == "objects" for mark in spec),
        core=item.get_closest_marker("core") is not None,
    )


def _id(item: pytest.Item, driver: str) -> str:
    name = getattr(item, "originalname", None) or item.name
    params = item.callspec.id.removeprefix(_printable(driver)).removeprefix("-")  # type: ignore[attr-defined]
    suffix = f"[{params}]" if params else ""
    cls = getattr(item, "cls", None)
    test = f"{cls.__name__}.{name}" if cls else name
    return f"{item.path.parent.name}/{item.path.stem}::{test}{suffix}"


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Gives a case one variant for each driver selected."""
    names = list(run_of(metafunc.config).selection().records)
    ids = [_printable(name) for name in names]
    metafunc.parametrize(DRIVER_FIXTURE, names, ids=ids, indirect=True, scope="session")


def _printable(driver: str) -> str:
    """A driver's name as a part of an id that pytest leaves as it is."""
    return quote(driver, safe=_PRINTABLE)


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Puts the cases of each driver into another order, the same for the same seed."""
    places = [place for place, item in enumerate(items) if case_of(item) is not None]
    mixed = [items[place] for place in places]
    drivers = list(dict.fromkeys(_driver_of(item) for item in mixed))
    random.Random(seed).shuffle(mixed)
    mixed.sort(key=lambda item: drivers.index(_driver_of(item)))
    for place, item in zip(places, mixed, strict=True):
        items[place] = item


def _driver_of(item: pytest.Item) -> str:
    case = case_of(item)
    return "" if case is None else case.driver


def check_marks(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Raises UsageError listing every mark that names an id, slot or property there is not."""
    faults: dict[str, None] = {}
    for item in items:
        case = case_of(item)
        if case is not None:
            faults |= dict.fromkeys(f"{case.id}: {fault}" for fault in _mark_faults(item, case))
    if faults:
        raise pytest.UsageError("\n".join(faults))


def _is_method(name: str) -> bool:
    """Whether it names what an object of the HAL does, as ``Executable.entry_points``."""
    kind, _, method = name.partition(".")
    return bool(method) and hasattr(getattr(cts.hal, kind, None), method)


def _mark_faults(item: pytest.Item, case: Case) -> list[str]:
    faults = []
    if not case.requirements:
        faults.append("the case names no requirement: spec(...) is missing")
    unknown_ids = [id for id in case.requirements if id not in requirements()]
    faults += [f"spec: the contract has no {id!r}" for id in unknown_ids]
    for mark in item.iter_markers("spec"):
        faults += [
            f"spec: there is no {name}={value!r}"
            for name, value in mark.kwargs.items()
            if (name, value) != ("subject", "objects")
        ]
    for mark in item.iter_markers("needs"):
        faults += [
            f"needs: there is no slot or method {name!r}"
            for name in map(str, mark.args)
            if name not in slots() and not _is_method(name)
        ]
        unknown: list[Any] = sorted(mark.kwargs.keys() - _NEEDS_KEYS)
        faults += [f"needs: there is no property {name!r}" for name in unknown]
    unknown_slots = sorted(case.judged - slots().keys())
    return faults + [f"stub: there is no slot {name!r}" for name in unknown_slots]
