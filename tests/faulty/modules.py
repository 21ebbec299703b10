"""Modules with a bug."""

from __future__ import annotations

from typing import Any

from cts.hal import Module

from .changes import after_init, change, program_class
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


# -- programs ---------------------------------------------------------------------------------


@mutant("MOD-4")
def program_gives_an_earlier_result() -> None:
    """A program gives the result of its first run from then on."""

    def run(good: Any, self: Any, data: bytes) -> bytes:
        if not hasattr(self, "first_result"):
            self.first_result = good(self, data)
        found: bytes = self.first_result
        return found

    change(program_class(), "run", run)


@mutant("MOD-4")
def program_hands_nothing_on() -> None:
    """A program's second device works on what it had, and not on what the first one hands on."""
    change(program_class(), "run", lambda good, self, data: good(self, bytes(len(data))))


@mutant("MOD-4")
def program_does_not_keep_its_devices() -> None:
    """A program does not retain the module whose devices it works on."""
    after_init(program_class(), lambda self: self._module.release())


@mutant("MOD-4")
def program_never_lets_its_devices_go() -> None:
    """A program never lets its module go."""
    program_class()._destroy = lambda self: None


@mutant("MOD-4")
def program_spoils_its_devices() -> None:
    """A device that a program has run on takes no barrier any more."""

    def run(good: Any, self: Any, data: bytes) -> Any:
        result = good(self, data)
        for index in range(2):
            swallow_barriers(self._module.device_at(index))
        return result

    change(program_class(), "run", run)


def swallow_barriers(device: Any) -> None:
    """From now on a barrier of the device does nothing."""
    device.queue_barrier = lambda **lists: None
