"""The machine that is simulated.

HAL_CTS_STANDIN_MACHINE=
    four   (and if nothing is said) two cards of two GPUs each, with memory of their own
    two    two GPUs in slots
    one    a GPU that shares its memory with the host
    none   no GPU
"""

from __future__ import annotations

import os
from dataclasses import dataclass

GIBIBYTE = 1 << 30
COUNTS = {"four": 4, "two": 2, "one": 1, "none": 0}


@dataclass(frozen=True)
class DeviceFacts:
    """What a device says of itself."""

    name: str
    registry: int
    is_unified: bool
    memory: int = 8 * GIBIBYTE
    largest_buffer: int = 6 * GIBIBYTE


def device_facts() -> list[DeviceFacts]:
    """The devices."""
    variable = "HAL_CTS_STANDIN_MACHINE"
    machine = os.environ.get(variable) or "four"
    if machine not in COUNTS:
        raise ValueError(f"{variable} is {machine}: it is one of {', '.join(COUNTS)}")
    is_unified = machine == "one"
    return [
        DeviceFacts(f"stand-in GPU {number}", 0x1_0000_0340 + number, is_unified)
        for number in range(COUNTS[machine])
    ]
