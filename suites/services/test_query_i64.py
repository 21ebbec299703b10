"""Configuration values: what every device tells, and what it does not know."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, StatusCode

pytestmark = [pytest.mark.spec("DEV-1"), pytest.mark.needs("query_i64")]


def test_concurrency_is_at_least_one(device: Device) -> None:
    """Asks how many queues there are, twice: the same number, 1 or more."""
    asked = "hal.device", "concurrency"
    found = device.query_i64(*asked)
    expect(
        type(found) is int and 1 <= found < 2**63,
        "DEV-1",
        f"query_i64{asked}",
        came_back=found,
        asks="a number from 1 on, of 64 bits",
    )
    expect_equal(device.query_i64(*asked), found, "DEV-1", f"query_i64{asked}, asked again")


@pytest.mark.parametrize(
    ("category", "key"),
    [
        ("hal.device", "no such key"),
        ("no.such.category", "concurrency"),
        ("hal.device", ""),
        ("", ""),
        ("hal.device::concurrency", "concurrency"),
        ("HAL.DEVICE", "concurrency"),
    ],
)
def test_what_is_unknown_is_not_found(device: Device, category: str, key: str) -> None:
    """Asks for what there is not: NOT_FOUND."""
    with expect_error(StatusCode.NOT_FOUND, "DEV-1", f"query_i64({category!r}, {key!r})"):
        device.query_i64(category, key)
