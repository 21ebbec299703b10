"""Deliberate breaks: for each requirement one small change under which its cases must fail.

A break patches the running process: classes and functions of `cts.hal`, or of the driver under
test. `test_every_requirement_can_fail` applies each in a process of its own.

    @breaks("GRP-7", "the devices are put in the group in reverse")
    def _() -> None:
        ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """One change that breaks one requirement."""

    requirement: str
    what: str
    apply: Callable[[], None]
    driver: str
    """The driver that its cases are run on."""


BREAKS: dict[str, Break] = {}


def breaks(
    requirement: str, what: str, *, driver: str = "local-sync"
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function that breaks `requirement` in this process.

    `driver` is one that the requirement's cases apply to.
    """

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        if requirement in BREAKS:
            raise ValueError(f"{requirement} has a break already: {BREAKS[requirement].what}")
        BREAKS[requirement] = Break(requirement, what, apply, driver)
        return apply

    return register
