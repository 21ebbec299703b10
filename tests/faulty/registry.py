"""The list of mutants: a good driver, or the device group, with one named bug.

A mutant patches the process that it is applied in: classes and functions of `cts.hal`, or of the
driver under test. Each breaks one requirement of the contract.

    @mutant("GRP-7")
    def order_reversed() -> None:
        '''The devices are put into the group in reverse.'''
        ...
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEFAULT_DRIVER = "local-sync"

_NO_MUTANTS = {"__init__", "changes", "command", "registry", "score", "trials"}


@dataclass(frozen=True)
class Mutant:
    """One bug.

    Attributes
    ----------
    name : words with hyphens.
    requirement : the id that it breaks, and that a case which catches it should name.
    what : the bug, in a sentence.
    apply : puts it into this process.
    driver : the good driver whose cases are run on it.
    """

    name: str
    requirement: str
    what: str
    apply: Callable[[], None]
    driver: str = DEFAULT_DRIVER


_mutants: dict[str, Mutant] = {}


def register(mutant: Mutant) -> None:
    """Adds a mutant. Raises ValueError for a name that is taken."""
    if mutant.name in _mutants:
        raise ValueError(f"there are two mutants {mutant.name!r}")
    _mutants[mutant.name] = mutant


def mutant(
    requirement: str, *, driver: str = DEFAULT_DRIVER
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function that puts a bug into this process; its docstring says which.

    `driver` is one that the requirement's cases apply to.
    """

    def add(apply: Callable[[], None]) -> Callable[[], None]:
        name = apply.__name__.replace("_", "-")
        register(Mutant(name, requirement, inspect.getdoc(apply) or "", apply, driver))
        return apply

    return add


def mutants() -> dict[str, Mutant]:
    """All mutants by name, from every module beside this one."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in _NO_MUTANTS:
            importlib.import_module(f".{path.stem}", __package__)
    return dict(_mutants)
