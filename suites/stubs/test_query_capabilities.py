"""query_capabilities: works before there is any group."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal
from cts.hal import DeviceCapabilities
from cts.plugin.fixtures import NewDevice


@pytest.mark.spec("STB-2")
@pytest.mark.stub("query_capabilities")
def test_a_fresh_device_answers(new_device: NewDevice) -> None:
    """Asks a fresh device in no group: it answers with capabilities, empty or not."""
    answer = new_device().query_capabilities()
    expect(
        isinstance(answer, DeviceCapabilities),
        "STB-2",
        "query_capabilities of a fresh device",
        came_back=answer,
        asks="DeviceCapabilities",
    )


@pytest.mark.spec("STB-2", "CAP-2")
@pytest.mark.stub("query_capabilities")
def test_a_second_answer_is_equal(new_device: NewDevice) -> None:
    """Asks a fresh device twice: the answers are equal."""
    device = new_device()
    first = device.query_capabilities()
    expect_equal(device.query_capabilities(), first, "CAP-2", "a second query_capabilities")
