"""Vulkan as it should not be: no loader, no driver, unfit devices, calls that fail, no SPIR-V.

Each in a process of its own, through the real loader; what no real driver does, `fake_icd` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import RunCts
from tests.outside_drivers import PASSING_CASE

from .fake_icd import (
    FakeIcd,
    environment,
    lavapipe,
    run_scenario,
    swiftshader,
    write_manifest,
)
from .fake_icd.failures import LOST, OPERATIONS, OUT_OF_MEMORY, WAYS

CaseFile = Callable[[str], Path]
Use = Callable[[Mapping[str, str]], None]
Setting = Callable[[FakeIcd, Path], dict[str, str]]

INITIALIZATION_FAILED, TOO_MANY_OBJECTS = -3, -10
LOADER = "apt install libvulkan1"
DRIVER = "apt install mesa-vulkan-drivers"
NO_DRIVER = "no Vulkan driver: the loader finds none"


@pytest.fixture(scope="module")
def icd(tmp_path_factory: pytest.TempPathFactory) -> FakeIcd:
    """The fake driver, compiled."""
    return FakeIcd(tmp_path_factory.mktemp("icd"))


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Has the processes that are started from now on have an environment."""

    def change(variables: Mapping[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return change


def listed() -> str:
    """What ``hal-cts drivers`` says of the driver, in one line."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cts.cli", "drivers"],
        env=os.environ | {"COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    _, _, row = done.stdout.partition("\nvulkan ")
    return " ".join(row.split())


# -- absence ------------------------------------------------------------------------------------


def no_library(icd: FakeIcd, folder: Path, name: str) -> dict[str, str]:
    """A manifest that names what is no driver."""
    (folder / "empty.so").touch()
    return environment(write_manifest(folder / "icd.json", name))


def unfit(**changes: object) -> Setting:
    """A device that lacks something, and so another."""

    def set_up(icd: FakeIcd, folder: Path) -> dict[str, str]:
        again = folder / "again.json"
        again.write_bytes(icd.manifest.read_bytes())
        return icd.environment(again, FAKE_NAME="Old GPU", **changes)

    return set_up


ABSENT: dict[str, tuple[Setting, str, str]] = {
    "no loader": (
        lambda icd, folder: environment(HAL_CTS_VULKAN_LIBRARY="/nowhere/loader.so"),
        "no Vulkan loader: /nowhere/loader.so cannot be loaded as one",
        LOADER,
    ),
    "no loader but a library": (
        lambda icd, folder: environment(HAL_CTS_VULKAN_LIBRARY="libc.so.6"),
        "no Vulkan loader: libc.so.6 cannot be loaded as one",
        LOADER,
    ),
    "no manifest": (lambda icd, folder: environment(folder / "no.json"), NO_DRIVER, DRIVER),
    "no manifest in a folder": (lambda icd, folder: environment(folder), NO_DRIVER, DRIVER),
    "none selected": (
        lambda icd, folder: environment(lavapipe(), VK_LOADER_DRIVERS_SELECT="*nothing*"),
        NO_DRIVER,
        DRIVER,
    ),
    "no library": (lambda icd, folder: no_library(icd, folder, "/no.so"), NO_DRIVER, DRIVER),
    "an empty one": (lambda icd, folder: no_library(icd, folder, "./empty.so"), NO_DRIVER, DRIVER),
    "no driver": (lambda icd, folder: no_library(icd, folder, "libc.so.6"), NO_DRIVER, DRIVER),
    "no instance": (
        lambda icd, folder: icd.environment(FAKE_FAIL="vkCreateInstance=-9"),
        NO_DRIVER,
        DRIVER,
    ),
    "no device": (
        lambda icd, folder: icd.environment(FAKE_FAIL="vkEnumeratePhysicalDevices=-3"),
        "no Vulkan device: there is none",
        DRIVER,
    ),
}
UNFIT: dict[str, tuple[Setting, str]] = {
    "1.0": (unfit(FAKE_API_VERSION="1.0"), "Old GPU is of Vulkan 1.0.0: 1.2 is needed"),
    "1.1": (unfit(FAKE_API_VERSION="1.1"), "Old GPU is of Vulkan 1.1.0: 1.2 is needed"),
    "1.0 without Vulkan 1.1's functions": (
        unfit(
            FAKE_API_VERSION="1.0",
            FAKE_HIDE="vkGetPhysicalDeviceProperties2,vkGetPhysicalDeviceProperties2KHR",
        ),
        "Old GPU is of Vulkan 1.0.0: 1.2 is needed",
    ),
    "no timelines": (unfit(FAKE_NO_TIMELINE=1), "Old GPU has no timeline semaphores"),
    "no compute": (unfit(FAKE_NO_COMPUTE=1), "Old GPU has no queue that computes"),
}
ABSENT |= {
    name: (set_up, f"no Vulkan device that can be used: {why}; {why}", "")
    for name, (set_up, why) in UNFIT.items()
}


SAID = "UNAVAILABLE: Driver.available: "


@pytest.mark.parametrize("name", ABSENT)
def test_absence_has_a_reason_and_a_remedy(icd: FakeIcd, tmp_path: Path, name: str) -> None:
    """Asks for the driver where it is not: UNAVAILABLE, what is missing, and what to install."""
    set_up, reason, remedy = ABSENT[name]
    said = run_scenario("absence", set_up(icd, tmp_path))
    assert said.startswith(SAID + reason)
    assert remedy in said


TO_USERS = ["no loader", "no manifest", "1.1"]


@pytest.mark.parametrize("name", TO_USERS)
def test_absence_ends_a_session_with_status_4(
    icd: FakeIcd, tmp_path: Path, cts: RunCts, case_file: CaseFile, use: Use, name: str
) -> None:
    set_up, reason, remedy = ABSENT[name]
    use(set_up(icd, tmp_path))
    run = cts("--driver=vulkan", case_file(PASSING_CASE))
    assert run.ret == 4
    assert f"driver 'vulkan' is not here: {SAID}{reason}" in run.text
    assert remedy in run.text


@pytest.mark.parametrize("name", TO_USERS)
def test_absence_is_listed(icd: FakeIcd, tmp_path: Path, use: Use, name: str) -> None:
    set_up, reason, remedy = ABSENT[name]
    use(set_up(icd, tmp_path))
    row = listed()
    assert row.startswith(f"unavailable no-device {reason}")
    assert remedy in row


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_device_is_left_out_beside_a_fit_one(
    icd: FakeIcd, tmp_path: Path, name: str
) -> None:
    """Has an unfit device and lavapipe: lavapipe alone is there, and works."""
    set_up, _ = UNFIT[name]
    variables = set_up(icd, tmp_path)
    variables["VK_DRIVER_FILES"] += f":{lavapipe()}"
    found = run_scenario("found", variables)
    assert [device.partition(" ")[0] for device in found["devices"]] == ["llvmpipe"]
    assert found["work"] == ["done"]


def test_a_driver_that_is_there_twice_is_one(tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_bytes(lavapipe().read_bytes())
    found = run_scenario("found", environment(lavapipe(), again))
    assert len(found["devices"]) == 1


def test_a_pattern_without_a_match_lists_what_there_is(
    cts: RunCts, case_file: CaseFile, use: Use
) -> None:
    use(environment(lavapipe()))
    run = cts("--driver=vulkan", "--device=nope*", case_file(PASSING_CASE))
    assert run.ret == 4
    assert "driver 'vulkan': --device 'nope*' matches none of: 'lavapipe-" in run.text


# -- a broken driver ----------------------------------------------------------------------------

TWO_CASES = """
    @pytest.mark.spec("GRP-7")
    @pytest.mark.parametrize("n", range(2))
    def test_group(device_group, n):
        assert device_group.device_count >= 1
"""
BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "dies when it is loaded": ({"FAKE_CRASH": 1}, "vulkan: available: killed by SIGABRT"),
    "has no memory for its devices": (
        {"FAKE_FAIL": "vkEnumeratePhysicalDevices=-1"},
        "vulkan: available: RESOURCE_EXHAUSTED: Driver.enumerate: vkEnumeratePhysicalDevices gave"
        " VK_ERROR_OUT_OF_HOST_MEMORY (-1)",
    ),
    "makes no device": (
        {"FAKE_FAIL": f"vkCreateDevice={INITIALIZATION_FAILED}"},
        "create_device: INTERNAL: Driver.create_device: vkCreateDevice gave"
        " VK_ERROR_INITIALIZATION_FAILED (-3)",
    ),
    "makes one device": (
        {"FAKE_FAIL": f"vkCreateDevice@2={TOO_MANY_OBJECTS}"},
        "RESOURCE_EXHAUSTED: Driver.create_device: vkCreateDevice gave"
        " VK_ERROR_TOO_MANY_OBJECTS (-10)",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_driver_is_told_in_a_line_and_others_run(
    icd: FakeIcd, cts: RunCts, case_file: CaseFile, use: Use, name: str
) -> None:
    """Has a driver that cannot be tried, and another: status 1, one cause, the other's cases."""
    changes, cause = BROKEN[name]
    use(icd.environment(**changes))
    run = cts("--driver=vulkan,null", case_file(TWO_CASES))
    assert run.ret == 1
    (told,) = [line for line in run.text.splitlines() if "(2 cases blocked)" in line]
    assert cause in told
    assert set(run.outcomes("null").values()) == {"pass"}
    assert {case.outcome for case in run.cases if case.driver != "null"} == {"blocked"}
    assert "INTERNALERROR" not in run.text


def test_a_broken_driver_is_listed(icd: FakeIcd, use: Use) -> None:
    use(icd.environment(FAKE_CRASH=1))
    assert listed().startswith("broken no-device killed by SIGABRT")


def test_a_manifest_that_is_garbage_is_told(
    tmp_path: Path, cts: RunCts, case_file: CaseFile, use: Use
) -> None:
    """Has a manifest that is no JSON: some loaders say no memory is left, others that nothing is
    there. Each is told with what leads further."""
    garbage = tmp_path / "icd.json"
    garbage.write_text("no JSON")
    use(environment(garbage))
    run = cts("--driver=vulkan", case_file(PASSING_CASE))
    said = {1: "VK_LOADER_DEBUG=error tells of which", 4: NO_DRIVER}
    assert said[run.ret] in run.text


# -- calls that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "result", "code"),
    [
        ("vkCreateDevice", OUT_OF_MEMORY, "RESOURCE_EXHAUSTED"),
        ("vkCreateDevice", INITIALIZATION_FAILED, "INTERNAL"),
        ("vkCreateDevice", LOST, "DATA_LOSS"),
        ("vkCreateDevice", TOO_MANY_OBJECTS, "RESOURCE_EXHAUSTED"),
        ("vkCreateSemaphore", OUT_OF_MEMORY, "RESOURCE_EXHAUSTED"),
        ("vkCreateCommandPool", OUT_OF_MEMORY, "RESOURCE_EXHAUSTED"),
    ],
)
def test_a_device_that_cannot_be_made_leaves_nothing(
    icd: FakeIcd, call: str, result: int, code: str
) -> None:
    """Makes a device while a call fails: its code, nothing is left, and the next one works."""
    seen = run_scenario("creation", icd.environment(), call, str(result))
    assert seen["first"].startswith(f"{code}: Driver.create_device: {call} gave VK_ERROR_")
    assert f"({result})" in seen["first"]
    assert (seen["left"], seen["then"]) == ({}, "done")
    assert icd.left() == {}


def test_what_has_no_memory_is_refused_and_works_later(icd: FakeIcd) -> None:
    """Has each call that makes something fail in turn: RESOURCE_EXHAUSTED, then it is done; what
    was begun is undone."""
    seen = run_scenario("shortage", icd.environment())
    assert seen.pop("alive") == {}
    assert seen.pop("a held fill") == "RESOURCE_EXHAUSTED"
    assert len(seen) > 15
    assert {tuple(codes) for codes in seen.values()} == {("RESOURCE_EXHAUSTED", "done")}, seen
    assert icd.left() == {}


@pytest.mark.parametrize(
    ("way", "lasts"),
    [*((way, "once") for way in WAYS), ("submit", "lasting"), ("wait", "lasting")],
)
def test_a_loss_is_the_device_s_end_and_no_other_s(icd: FakeIcd, way: str, lasts: str) -> None:
    """Has a call tell of a loss, with work pending: all of the device ends with DATA_LOSS, all of
    it is given back, the other device and a new one work."""
    seen = run_scenario("loss", icd.environment(), way, lasts)
    assert seen["at once"] == seen["waiter"] == "DATA_LOSS"
    assert seen["pending"] == dict.fromkeys(OPERATIONS, "DATA_LOSS")
    assert set(seen["later"].values()) == {"DATA_LOSS"}, seen["later"]
    assert seen.get("other", "done") == "done"
    assert (seen["alive"], seen["new"]) == ({}, "done")
    assert icd.left() == {}


def test_a_run_outlives_a_loss(icd: FakeIcd, cts: RunCts, case_file: CaseFile, use: Use) -> None:
    """Has devices lost in the middle of a run: cases say so, and all of both drivers are run."""
    use(icd.environment(FAKE_FAIL=f"vkQueueSubmit@6={LOST}"))
    cases = case_file(
        """
        @pytest.mark.spec("QUE-1")
        @pytest.mark.parametrize("n", range(4))
        def test_barrier(device_group, n):
            device = device_group.device_at(0)
            with device.create_semaphore() as line:
                device.queue_barrier(signal=[(line, 1)])
                line.wait(1)
        """
    )
    run = cts("--driver=vulkan,local-task", cases)
    assert run.ret == 1
    assert "INTERNALERROR" not in run.text
    assert set(run.outcomes("local-task").values()) == {"pass"}
    others = [case for case in run.cases if case.driver != "local-task"]
    assert len(others) == 4
    assert any("VK_ERROR_DEVICE_LOST" in case.message for case in others)


# -- SPIR-V -------------------------------------------------------------------------------------


def test_what_is_no_module_is_refused() -> None:
    """Prepares executables of what is no SPIR-V, alone and after a module that is some."""
    seen = run_scenario("executables", environment(lavapipe()))
    assert seen["good"] == "done"
    refused = ("empty", "text", "header alone", "big-endian", "good and none", "no archive")
    for name in refused:
        assert seen[name].startswith("INVALID_ARGUMENT: Device.create_executable: data is no exe")


@pytest.mark.parametrize(
    ("implementation", "has", "has_not"),
    [
        (
            lavapipe,
            ["Float64", "Int64"],
            {"Kernel": "Kernel", "ImageBasic": "the capability 13", "unknown": "the capability"},
        ),
        (swiftshader, [], {"Float64": "Float64", "Int64": "Int64", "Kernel": "Kernel"}),
    ],
)
def test_a_capability_that_a_device_has_not_is_named(
    implementation: Callable[[], Path], has: list[str], has_not: dict[str, str]
) -> None:
    """Prepares modules that ask for a capability more: taken, or INCOMPATIBLE with both names."""
    seen = run_scenario("executables", environment(implementation()))
    assert [seen[name] for name in has] == ["done"] * len(has)
    for name, said in has_not.items():
        assert seen[name].startswith("INCOMPATIBLE: Device.create_executable: 'absolute' needs ")
        assert f"needs {said}" in seen[name]
        assert f": {seen['device']} has not" in seen[name]
