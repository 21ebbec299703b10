"""Drivers by name, from the entry point group `cts.drivers`.

The built-in drivers are found the same way as one from another package. Nothing of a driver is
imported before `load` is called with its name.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from cts.hal import Driver, HalError, StatusCode

GROUP = "cts.drivers"


class UnknownDriverError(LookupError):
    """No entry point of that name; the message lists those there are."""


class BrokenDriverError(Exception):
    """An entry point that does not give a usable driver class."""


def names() -> list[str]:
    """Names of all registered drivers, sorted."""
    return sorted(_entry_points())


def load(name: str) -> type[Driver]:
    """The driver class of a name.

    Raises `UnknownDriverError`; `HalError` UNAVAILABLE where the driver's module says so on import;
    `BrokenDriverError` for anything else that goes wrong, with the original as its cause.
    """
    found = _entry_points().get(name)
    if found is None:
        raise UnknownDriverError(f"unknown driver {name!r}; there are: {', '.join(names())}")
    if len(found) > 1:
        values = ", ".join(sorted(point.value for point in found))
        raise BrokenDriverError(f"driver {name!r} is registered more than once: {values}")
    try:
        driver = found[0].load()
    except Exception as error:
        if isinstance(error, HalError) and error.code is StatusCode.UNAVAILABLE:
            raise
        raise BrokenDriverError(
            f"entry point {name!r} = {found[0].value!r} fails to import: {error!r}"
        ) from error
    if not (isinstance(driver, type) and issubclass(driver, Driver)):
        raise BrokenDriverError(f"entry point {name!r} names {driver!r}: it is a Driver class")
    if driver.name != name:
        raise BrokenDriverError(
            f"entry point {name!r} names a driver that calls itself {driver.name!r}"
        )
    return driver


def folder(name: str) -> Path | None:
    """The folder of the package that has a driver's class, found without importing any of it; none
    where it is in no package."""
    for point in _entry_points().get(name, ()):
        spec, path = None, None
        parts = point.module.split(".")
        for end in range(1, len(parts) + 1):
            spec = _spec(".".join(parts[:end]), path)
            if spec is None:
                return None
            path = spec.submodule_search_locations
            if path:
                found = Path(next(iter(path)))
        if spec is not None and (path or len(parts) > 1):
            return found
    return None


def _spec(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    specs = (finder.find_spec(name, path) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)


def _entry_points() -> dict[str, list[EntryPoint]]:
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, {})[point.value] = point  # one package can be seen twice
    return {name: list(by_value.values()) for name, by_value in found.items()}
