"""The driver of Metal, on a stand-in for PyObjC's binding of it: when it is absent, how it copies,
fills and runs code, and what becomes of devices when something goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCts

from .in_a_process import in_a_process
from .metal_stand_in import FOLDER

MODULE = "tests.drivers.metal_scenarios"
LOST = "DATA_LOSS MTLCommandBufferErrorPageFault"
TOO_MUCH = "RESOURCE_EXHAUSTED too much for an entry point"

Scenario = Callable[..., Any]


@pytest.fixture
def scenario() -> Scenario:
    """A function of a scenario, its arguments, and settings of the stand-in."""

    def run(what: str, *arguments: str, **settings: str) -> Any:
        ours = {f"HAL_CTS_STANDIN_{key.upper()}": value for key, value in settings.items()}
        variables = {**os.environ, "PYTHONPATH": str(FOLDER), **ours}
        return in_a_process(MODULE, what, variables, *arguments)

    return run


# -- absence --------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "darwin", reason="there Metal may be")
def test_on_other_systems_it_is_absent(cts: RunCts) -> None:
    run = cts("--driver=metal")
    assert run.ret == 4
    reason = f"UNAVAILABLE: Driver.available: no Metal: it is macOS's, and this is {sys.platform}"
    assert reason in run.text


@pytest.mark.skipif(sys.platform == "darwin", reason="there every binding counts")
def test_a_module_of_that_name_is_no_stand_in(tmp_path: Path) -> None:
    (tmp_path / "Metal.py").write_text("def MTLCopyAllDevices(): return [None]\n")
    told = in_a_process(MODULE, "absence", {**os.environ, "PYTHONPATH": str(tmp_path)})
    assert "no Metal: it is macOS's" in told


def test_without_a_device_it_is_absent(scenario: Scenario) -> None:
    told = scenario("absence", machine="none")
    assert told == "UNAVAILABLE: Driver.available: no Metal device: macOS finds no GPU here"


# -- what it says ---------------------------------------------------------------------------------


def test_a_device_is_known_by_its_place_in_the_registry(scenario: Scenario) -> None:
    seen = scenario("devices")
    assert [name for name, *_ in seen] == [f"stand-in GPU {number}" for number in range(4)]
    for number, (_, uuid, handle, _) in enumerate(seen):
        assert handle == 0x1_0000_0340 + number
        assert bytes.fromhex(uuid) == b"MTLDevic" + handle.to_bytes(8, "big")


def test_memory_that_host_and_device_share_is_told(scenario: Scenario) -> None:
    ((*_, flags),) = scenario("devices", machine="one")
    assert "UNIFIED_MEMORY" in flags
    for *_, flags in scenario("devices", machine="two"):
        assert not {"UNIFIED_MEMORY", "P2P_COPY", "SHARED_VIRTUAL_ADDRESS"} & {*flags}


# -- transfers ------------------------------------------------------------------------------------


def test_fills_write_their_range_wherever_it_is(scenario: Scenario) -> None:
    assert scenario("fills") == []


def test_copies_move_their_range_wherever_it_is(scenario: Scenario) -> None:
    assert scenario("copies") == []


def test_blits_and_kernels_follow_each_other(scenario: Scenario) -> None:
    assert scenario("mixed") == "04010101 04102001 04031020 06060708"


def test_buffers_over_the_same_pages_are_used_in_order(scenario: Scenario) -> None:
    assert scenario("aliases") == scenario("submissions") == "07" * 8


@pytest.mark.parametrize(
    ("what", "call"),
    [("aliases", "waitForFence_"), ("submissions", "encodeWaitForEvent_value_")],
)
def test_no_order_is_there_by_itself(scenario: Scenario, what: str, call: str) -> None:
    """The control: the stand-in does the last first where it may."""
    assert scenario(what, call) == "00" * 8


def test_a_full_queue_is_waited_for(scenario: Scenario) -> None:
    assert scenario("many") == [300, *[300 % 256] * 4]


# -- device code ----------------------------------------------------------------------------------


def test_code_that_does_not_fit_is_refused(scenario: Scenario) -> None:
    seen = scenario("code")
    failure = "INVALID_ARGUMENT MTLLibraryErrorCompileFailure"
    assert seen == {
        "as it is": "done",
        "without it": "NOT_FOUND MTLLibraryErrorFunctionNotFound: count",
        "open": f"{failure}: program_source:1:1: error: a bracket",
        "no text": f"{failure}: it is no text",
        "31 arguments": "done",
        "32 arguments": f"{TOO_MUCH}: count is given 32 arguments: there are 31",
        "many constants": "done",
        "no pipeline": "INTERNAL error 7 of a compute pipeline: an error that was asked for",
        "unsupported": "INCOMPATIBLE MTLLibraryErrorUnsupported: an error that was asked for",
        "new": "done",
    }


# -- what fails -----------------------------------------------------------------------------------

MAKING = [
    "newCommandQueue",
    "newSharedEvent",
    "newFence",
    "commandBuffer",
    "blitCommandEncoder",
    "newBufferWithLength_options_",
    "newBufferWithBytesNoCopy_length_options_deallocator_",
    "newHeapWithDescriptor_",
]


@pytest.mark.parametrize("call", MAKING)
def test_what_makes_nothing_has_run_out(scenario: Scenario, call: str) -> None:
    seen = scenario("nil", call)
    assert seen == {"at first": "RESOURCE_EXHAUSTED nil", "then": "done", "alive": {}}


def test_a_buffer_larger_than_metals_largest_is_not_asked_for(scenario: Scenario) -> None:
    assert scenario("largest") == ["RESOURCE_EXHAUSTED nil"] * 3


@pytest.mark.parametrize("keeps_signals", ["", "1"])
def test_a_command_buffer_that_fails_loses_the_device(
    scenario: Scenario, keeps_signals: str
) -> None:
    """Whether its events are signalled then or not, nobody takes them for done."""
    seen = scenario("loss", "3", keeps_signals=keeps_signals)
    assert seen["lines"][:2] == [LOST, LOST]
    assert seen["lines"][2].startswith("DATA_LOSS")
    assert seen["later"] == LOST
    assert (seen["other"], seen["new"], seen["alive"]) == ("done", "done", {})
    assert seen["stuck"] == 0


def test_a_queue_that_is_full_of_what_never_comes_holds_nobody(scenario: Scenario) -> None:
    assert scenario("flood", keeps_signals="1") == [LOST, "done"]


def test_what_was_done_before_a_failure_stays_done(scenario: Scenario) -> None:
    seen = scenario("loss", "2", "2")
    assert seen["lines"][:2] == ["done", "DATA_LOSS MTLCommandBufferErrorTimeout"]


def test_a_failure_without_a_name_is_told_by_its_number(scenario: Scenario) -> None:
    assert scenario("loss", "99")["lines"][0] == "DATA_LOSS MTLCommandBufferError 99"


# -- words ----------------------------------------------------------------------------------------


def test_an_event_is_not_set_back(scenario: Scenario) -> None:
    expected = [number for value in range(40, 0, -1) for number in (value, value + 1)]
    assert scenario("words") == expected
