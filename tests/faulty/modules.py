"""Modules with a bug."""

from __future__ import annotations

from typing import Any

from cts.hal import Module

from .changes import after_init, change
from .registry import mutant

AnyModule: Any = Module


@mutant("MOD-1")
def module_does_not_retain_its_group() -> None:
    """A module does not retain its group."""
    after_init(Module, lambda self: self._group.release())


@mutant("MOD-2")
def module_never_lets_its_group_go() -> None:
    """A module never lets its group go."""
    AnyModule._destroy = lambda self: None


@mutant("MOD-3")
def module_clamps_the_index() -> None:
    """A module over several devices clamps the index."""
    at = AnyModule.device_at

    def clamp(self: Any, index: int) -> Any:
        count = self.device_count
        return at(self, max(0, min(index, count - 1)) if count > 1 else index)

    AnyModule.device_at = clamp


@mutant("MOD-1")
def module_gives_negative_indices() -> None:
    """A module takes a negative index from the end."""
    change(
        Module,
        "device_at",
        lambda good, self, index: good(self, index + self.device_count if index < 0 else index),
    )
