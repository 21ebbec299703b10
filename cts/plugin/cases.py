"""Cases: which tests are cases, their marks, ids and parametrisation by driver.

A case is a test that uses the fixture `hal_session`, itself or through another fixture.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from cts.contract import requirements
from cts.hal import DriverProperties, slots
from cts.plugin import DRIVER_FIXTURE
from cts.plugin.run import run_of

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
_NEEDS_KEYS = frozenset(DriverProperties.__dataclass_fields__) | {"devices", "native"}


def is_case(item: pytest.Item) -> bool:
    """Whether a collected test is a case."""
    return DRIVER_FIXTURE in getattr(item, "fixturenames", ())


def driver_of(item: pytest.Item) -> str:
    """The name of the driver that a case is to run on."""
    name: str = item.callspec.params[DRIVER_FIXTURE]  # type: ignore[attr-defined]
    return name


def case_id(item: pytest.Item) -> str:
    """``area/file::test[params]``: the same from a checkout and from an installed package."""
    name = getattr(item, "originalname", None) or item.name
    driver = _printable(driver_of(item))
    params = item.callspec.id.removeprefix(driver).removeprefix("-")  # type: ignore[attr-defined]
    suffix = f"[{params}]" if params else ""
    cls = getattr(item, "cls", None)
    test = f"{cls.__name__}.{name}" if cls else name
    return f"{item.path.parent.name}/{item.path.stem}::{test}{suffix}"


def requirement_ids(item: pytest.Item) -> list[str]:
    """The requirements that a case names, in the order named."""
    return list(dict.fromkeys(str(id) for mark in item.iter_markers("spec") for id in mark.args))


def judged_slots(item: pytest.Item) -> set[str]:
    """The slots that a stub case judges."""
    return {name for mark in item.iter_markers("stub") for name in mark.args}


def judges_objects(item: pytest.Item) -> bool:
    """Whether a case judges not what objects do, but their references, lifetime and origin."""
    return any(mark.kwargs.get("subject") == "objects" for mark in item.iter_markers("spec"))


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Gives a case one variant for each driver selected."""
    names = list(run_of(metafunc.config).selection().records)
    ids = [_printable(name) for name in names]
    metafunc.parametrize(DRIVER_FIXTURE, names, ids=ids, indirect=True, scope="session")


def _printable(driver: str) -> str:
    """A driver's name as a part of an id that pytest leaves as it is."""
    return quote(driver, safe=_PRINTABLE)


def check_marks(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Raises UsageError listing every mark that names an id, slot or property there is not."""
    faults: dict[str, None] = {}
    for item in items:
        if is_case(item):
            for fault in _mark_faults(item):
                faults[f"{case_id(item)}: {fault}"] = None
    if faults:
        raise pytest.UsageError("\n".join(faults))


def _mark_faults(item: pytest.Item) -> list[str]:
    faults = []
    ids = requirement_ids(item)
    if not ids:
        faults.append("the case names no requirement: spec(...) is missing")
    faults += [f"spec: the contract has no {id!r}" for id in ids if id not in requirements()]
    for mark in item.iter_markers("needs"):
        faults += [
            f"needs: there is no slot {name!r}"
            for name in map(str, mark.args)
            if name not in slots()
        ]
        unknown: list[Any] = sorted(mark.kwargs.keys() - _NEEDS_KEYS)
        faults += [f"needs: there is no property {name!r}" for name in unknown]
    for mark in item.iter_markers("stub"):
        faults += [
            f"stub: there is no slot {name!r}"
            for name in map(str, mark.args)
            if name not in slots()
        ]
    return faults
