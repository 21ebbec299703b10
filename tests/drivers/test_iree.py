"""What the adapter of IREE's drivers decides by itself: who answers what, errors, its end."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from cts import registry
from cts.hal import (
    BufferRange,
    Device,
    DeviceGroup,
    DeviceInfo,
    StatusCode,
    answered_by,
    implements,
    slots,
)

from .conftest import DriverModule, GroupedDevices
from .raising import raised

pytest.importorskip("iree.runtime")

NAMES = ["iree-local-sync", "iree-local-task"]
ADAPTERS_OWN = {
    "query_capabilities",
    "topology_info",
    "assign_topology_info",
    "refine_topology_edge",
}


each_driver = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest, grouped_devices: GroupedDevices) -> Device:
    return grouped_devices(request.param, 1)[0]


# -- what is whose ------------------------------------------------------------------------


def test_what_the_wheel_cannot_be_asked_is_declared_as_the_adapters(device: Device) -> None:
    required = {name for name, slot in slots().items() if slot.kind in ("core", "work")}
    assert {name for name in required if answered_by(device, name) == "adapter"} == ADAPTERS_OWN


@each_driver
def test_unreachable_slots_are_optional_and_not_there(name: str) -> None:
    driver = registry.load(name)()
    with driver.create_device() as device:
        unreachable = {name for name in driver.properties.unreachable if "." not in name}
        for slot in unreachable:
            assert slots()[slot].kind == "optional"
            assert not implements(device, slot)
    assert "queue_host_call" in driver.properties.unreachable


@each_driver
def test_devices_come_from_irees_listing(name: str) -> None:
    driver = registry.load(name)()
    assert driver.available() is None
    (info,) = driver.enumerate()
    assert driver.version.startswith("iree-base-runtime 3")
    with driver.create_device(info) as one, driver.create_device(info) as other:
        assert one.identifier.startswith(f"{name}:{info.path}:")
        assert one.identifier != other.identifier
    elsewhere = DeviceInfo(path="elsewhere", name="")
    assert raised(lambda: driver.create_device(elsewhere)).code is StatusCode.NOT_FOUND


@each_driver
def test_two_devices_of_one_info_are_apart(name: str) -> None:
    driver = registry.load(name)()
    (info,) = driver.enumerate()
    one, other = driver.create_device(info), driver.create_device(info)
    with DeviceGroup.from_device(one), DeviceGroup.from_device(other):
        one.release()
        semaphore = one.create_semaphore()
        one.queue_barrier(signal=[(semaphore, 1)])
        semaphore.wait(1)
        semaphore.release()
    with other, other.create_semaphore(7) as semaphore:
        assert semaphore.query() == 7
    assert (one.reference_count, other.reference_count) == (0, 0)


def doctor(name: str, **environment: str) -> tuple[int, str]:
    """The exit status and the text of ``hal-cts doctor`` for a driver, in another environment."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cts.cli", "doctor", name],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "library", "install"),
    [("iree-cuda", "libcuda.so", "NVIDIA's driver"), ("iree-hip", "libamdhip64.so", "AMD's ROCm")],
)
def test_no_library_of_the_vendor_is_an_absence(
    tmp_path: Path, name: str, library: str, install: str
) -> None:
    (tmp_path / library).touch()  # found first, and no library
    status, text = doctor(name, LD_LIBRARY_PATH=str(tmp_path))
    assert status == 4
    assert f"{name} is not here: UNAVAILABLE" in text
    assert library in text
    assert text.rstrip().endswith(f"install {install}")
    assert "c/runtime/src" not in text  # a place in IREE's sources helps nobody to install it


def test_no_vulkan_loader_is_an_absence(tmp_path: Path) -> None:
    for name in ("libvulkan.so.1", "libvulkan.so"):
        (tmp_path / name).touch()  # found first, and no library
    status, text = doctor("iree-vulkan", LD_LIBRARY_PATH=str(tmp_path))
    assert status == 4
    assert "iree-vulkan is not here: UNAVAILABLE: Driver.available: " in text
    assert "mesa-vulkan-drivers" in text


def icd_manifest(folder: Path, library: Path) -> str:
    """A file that tells the Vulkan loader of a driver."""
    manifest = folder / "icd.json"
    icd = {"library_path": str(library), "api_version": "1.3.0"}
    manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": icd}))
    return str(manifest)


@pytest.mark.parametrize("library", ["nowhere.so", "empty.so"])
def test_no_vulkan_driver_is_an_absence(tmp_path: Path, library: str) -> None:
    """A file that names one that is not there, and one that is no library."""
    (tmp_path / "empty.so").touch()
    manifest = icd_manifest(tmp_path, tmp_path / library)
    status, text = doctor("iree-vulkan", VK_ICD_FILENAMES=manifest)
    assert status == 4
    assert "iree-vulkan is not here: UNAVAILABLE: Driver.available: " in text
    assert "mesa-vulkan-drivers" in text


def test_a_vulkan_driver_that_dies_when_it_is_loaded_is_broken(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None or registry.load("iree-vulkan")().available():
        pytest.skip("needs a C compiler and a Vulkan loader")
    source, library = tmp_path / "icd.c", tmp_path / "icd.so"
    source.write_text("__attribute__((constructor)) void f(void) { *(int *)8 = 1; }")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    status, text = doctor("iree-vulkan", VK_ICD_FILENAMES=icd_manifest(tmp_path, library))
    assert status == 1
    assert "BROKEN at available: killed by SIGSEGV" in text


@each_driver
def test_a_wheel_without_the_driver_is_an_absence(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(registry.load(name), "hal_name", "local-quantum")
    error = registry.load(name)().available()
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert "no driver 'local-quantum'" in error.detail


# -- errors -------------------------------------------------------------------------------


TEXTS = {
    "signaling semaphore: a/b.c:598: INVALID_ARGUMENT; already past 7": (
        StatusCode.INVALID_ARGUMENT,
        "already past 7",
        "INVALID_ARGUMENT",
    ),
    "Error invoking function: DATA_LOSS; while invoking native function hal.x; \n[ 0] native": (
        StatusCode.DATA_LOSS,
        "IREE says no more than DATA_LOSS",
        "DATA_LOSS",
    ),
    "Error invoking function: a.c:1: OUT_OF_RANGE; off the end; while invoking native function": (
        StatusCode.OUT_OF_RANGE,
        "off the end",
        "OUT_OF_RANGE",
    ),
    "querying semaphore: INTERNAL": (
        StatusCode.INTERNAL,
        "IREE says no more than INTERNAL",
        "INTERNAL",
    ),
    "std::bad_cast": (StatusCode.UNKNOWN, "std::bad_cast", "RuntimeError"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_of_an_exception_becomes_a_canonical_error(
    driver_module: DriverModule, text: str
) -> None:
    def fail() -> None:
        raise RuntimeError(text)

    error = raised(lambda: driver_module(NAMES[0], "native").call("Some.operation", fail))
    assert (error.code, error.detail, error.native_code) == TEXTS[text]
    assert error.operation == "Some.operation"
    assert isinstance(error.__cause__, RuntimeError)


def test_every_canonical_code_is_recognised(driver_module: DriverModule) -> None:
    def fail(code: StatusCode) -> None:
        raise RuntimeError(f"doing: x.c:1: {code.name}; why")

    call = driver_module(NAMES[0], "native").call
    for code in StatusCode:
        assert raised(lambda code=code: call("o", fail, code)).code is code  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kind", "code"),
    [(TypeError, StatusCode.INVALID_ARGUMENT), (SystemError, StatusCode.INTERNAL)],
)
def test_an_exception_of_the_bindings_own_has_a_code(
    driver_module: DriverModule, kind: type[Exception], code: StatusCode
) -> None:
    def fail() -> None:
        raise kind("no status")

    error = raised(lambda: driver_module(NAMES[0], "native").call("o", fail))
    assert (error.code, error.native_code) == (code, kind.__name__)


def test_an_exception_that_is_no_status_passes_through(driver_module: DriverModule) -> None:
    def fail() -> None:
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError, match="a fault of ours"):
        driver_module(NAMES[0], "native").call("o", fail)


@pytest.mark.parametrize("code", list(StatusCode))
def test_a_failure_keeps_its_code_through_iree(device: Device, code: StatusCode) -> None:
    with device.create_semaphore() as semaphore:
        semaphore.fail(code)
        for act in (semaphore.query, lambda: semaphore.wait(1)):
            error = raised(act)
            assert error.code is code
            assert error.native_code == code.name


@pytest.mark.parametrize("code", [0, 19, -1, None])
def test_a_failure_with_no_code_is_refused(device: Device, code: object) -> None:
    with device.create_semaphore() as semaphore:
        error = raised(lambda: semaphore.fail(code))  # type: ignore[arg-type]
        assert error.code is StatusCode.INVALID_ARGUMENT
        assert semaphore.query() == 0


# -- the end of everything ----------------------------------------------------------------


EVERYTHING_ALIVE = """
import sys
from cts import registry
from cts.hal import DeviceGroup, StatusCode
driver = registry.load(sys.argv[1])()
driver.enumerate()
device = driver.create_device()
group = DeviceGroup.from_device(device)
buffer = device.allocator.allocate(64)
semaphore, failed = device.create_semaphore(), device.create_semaphore()
failed.fail(StatusCode.ABORTED)
commands = device.create_command_buffer()
commands.begin()
commands.fill(buffer, 0, 64, b"a")
device.queue_fill(buffer, 0, 64, b"abcd", signal=[(semaphore, 1)])
semaphore.wait(1)
if driver.properties.async_queue:
    never = device.create_semaphore()
    device.queue_fill(buffer, 0, 64, b"x", wait=[(never, 1)], signal=[(semaphore, 2)])
"""
IN_A_FORKED_CHILD = """
import os
child = os.fork()
if child == 0:
    with driver.create_device() as mine, DeviceGroup.from_device(mine):
        with mine.allocator.allocate(4) as own, mine.create_semaphore() as done:
            mine.queue_fill(own, 0, 4, b"own!", signal=[(done, 1)])
            done.wait(1)
            assert own.read() == b"own!"
    del driver, device, group, buffer, semaphore, failed, commands
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert buffer.read(0, 4) == b"abcd"
"""


@each_driver
@pytest.mark.parametrize(
    "program", [EVERYTHING_ALIVE, EVERYTHING_ALIVE + IN_A_FORKED_CHILD], ids=["plain", "forked"]
)
def test_the_interpreter_exits_quietly_with_everything_alive(name: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, name], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@each_driver
def test_a_device_outlives_its_driver_object_and_its_group(name: str) -> None:
    with registry.load(name)().create_device() as device:
        DeviceGroup.from_device(device).release()
        DeviceGroup.from_device(device).release()
        assert device.topology_info is None


def test_devices_of_vulkan_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are enough to see it: a driver's own count, and what was released makes room."""
    driver = registry.load("iree-local-sync")()
    limited = dataclasses.replace(driver.properties, max_devices=2)
    monkeypatch.setattr(type(driver), "properties", limited)
    other = registry.load("iree-local-task")()
    with driver.create_device(), driver.create_device(), other.create_device():
        error = raised(driver.create_device)
        assert error.code is StatusCode.RESOURCE_EXHAUSTED
        assert "2 devices are alive: max_devices is 2" in error.detail
    driver.create_device().release()
    assert registry.load("iree-vulkan").properties.max_devices == 16


def test_errors_hold_nothing_of_irees(device: Device) -> None:
    """Not the frames that they came through, whatever these named."""
    with (
        device.allocator.allocate(16) as buffer,
        device.create_semaphore() as line,
        device.create_command_buffer(1) as commands,
    ):
        refused = [
            lambda: device.queue_fill(buffer, 0, 16, bytes(9), signal=[(line, 1)]),
            lambda: commands.fill(buffer, 0, 16, b"\x01"),
            lambda: device.queue_execute(commands, [BufferRange(buffer)]),
            lambda: device.create_executable("no format", b""),
            lambda: buffer.read(8, 16),
            lambda: line.signal(0),
        ]
        for refuse in refused:
            error = raised(refuse)
            for one in (error, error.__cause__):
                frames = traceback.walk_tb(one.__traceback__ if one else None)
                adapters = [f for f, _ in frames if "/iree/" in f.f_code.co_filename]
                named = [value for f in adapters for value in f.f_locals.values()]
                natives = [v for v in named if type(v).__module__.startswith("iree.")]
                assert natives == [], error
