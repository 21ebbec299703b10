"""The table of slots, and what it says of a device."""

from __future__ import annotations

import re

import pytest

from cts.contract import spec_text
from cts.hal import (
    Device,
    DeviceCapabilities,
    HalError,
    StatusCode,
    answered_by,
    implements,
    slot,
    slots,
)
from cts.hal.testing import MockDevice


def named_in_spec(kind: str) -> set[str]:
    """The slots that section 2 of the contract lists as *core*, *work* or *optional*."""
    sentence = re.search(
        rf"\*{kind}\* slots[^:]*: (.*?)[;.]", spec_text(), re.IGNORECASE | re.DOTALL
    )
    assert sentence is not None
    text = " ".join(sentence[1].split())
    text = text.replace(
        "buffer and semaphore import and export",
        "import_buffer, export_buffer, import_semaphore, export_semaphore",
    )
    return {name.strip() for name in text.split(",")}


@pytest.mark.parametrize("kind", ["core", "work", "optional"])
def test_the_table_is_the_contracts(kind: str) -> None:
    assert {name for name, slot in slots().items() if slot.kind == kind} == named_in_spec(kind)


def test_every_slot_says_what_it_is_for() -> None:
    assert all(slot.summary.endswith(".") for slot in slots().values())


class Partial(Device):
    """Has two slots, one of them answered for it."""

    driver_name = "partial"

    @property
    @slot()
    def identifier(self) -> str:
        return "partial:0"

    @slot(answered_by="adapter")
    def query_capabilities(self) -> DeviceCapabilities:
        return DeviceCapabilities()


def test_a_slot_is_implemented_where_it_is_overridden() -> None:
    with Partial() as device:
        assert implements(device, "identifier")
        assert implements(device, "query_capabilities")
        assert not implements(device, "topology_info")
        assert not implements(device, "trim")
        device.__dict__["trim"] = lambda: None
        assert implements(device, "trim")


def test_who_answers_a_slot() -> None:
    with Partial() as device:
        assert answered_by(device, "identifier") == "driver"
        assert answered_by(device, "query_capabilities") == "adapter"


def test_a_slot_that_is_not_there_refuses() -> None:
    with Partial() as device:
        with pytest.raises(HalError) as raised:
            device.trim()
        assert raised.value.code is StatusCode.UNIMPLEMENTED
        assert (raised.value.driver, raised.value.slot) == ("partial", "trim")
        with pytest.raises(HalError, match="topology_info"):
            device.topology_info  # noqa: B018 - the read is what is tried


def test_a_mock_logs_what_it_is_asked() -> None:
    with MockDevice("m") as device:
        device.query_capabilities()
        device.assign_topology_info(None)
        assert device.calls == [("query_capabilities", ()), ("assign_topology_info", (None,))]


def test_a_mock_answers_and_fails_on_demand() -> None:
    with MockDevice("m") as device:
        device.answer("query_capabilities", lambda: DeviceCapabilities(numa_node=3))
        assert device.query_capabilities().numa_node == 3
        device.fail("query_capabilities", HalError(StatusCode.DATA_LOSS, "test"))
        with pytest.raises(HalError, match="DATA_LOSS"):
            device.query_capabilities()
        device.restore("query_capabilities")
        assert device.query_capabilities() == DeviceCapabilities()
        assert [name for name, _ in device.calls] == ["query_capabilities"] * 3
