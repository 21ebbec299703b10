"""What cases of fill, update and copy share: data, and what it is to be refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from cts.checks import expect_error
from cts.hal import Device, StatusCode
from cts.work_cases import SIZES, Bytes, noise
from cts.work_cases.operations import Route

LARGE = (9 << 20) + 4
"""Bytes that a driver may well move in several parts, which are not all of one size."""
POSITIVE_SIZES = [size for size in SIZES if size]
MARGIN = 64
"""Bytes that a case may have beside twice the largest size."""


def noise_of(size: int, seed: int = 1) -> Bytes:
    """The first bytes of the same noise, uint8[size], to be changed at will."""
    known = _most_noise(seed)
    return known[:size].copy() if size <= known.size else np.resize(known, size)


@cache
def _most_noise(seed: int) -> Bytes:
    return noise(2 * SIZES[-1] + MARGIN, seed)


def expect_refused(
    device: Device, route: Route, code: StatusCode, requirement: str, transfer: str, *args: Any
) -> None:
    """Fails the case unless a transfer is refused, at the latest by the failure of its signal."""
    __tracebackhide__ = True
    shown = ", ".join(repr(arg) for arg in args if isinstance(arg, int | bytes))
    with (
        device.create_semaphore() as semaphore,
        expect_error(code, requirement, f"{transfer}({shown})"),
    ):
        route(transfer, *args, signal=[(semaphore, 1)])
        semaphore.wait(1)
