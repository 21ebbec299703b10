"""Executables: what they are made from, and what they tell."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, Driver, Executable, HalError, StatusCode
from cts.work_cases.kernels import KERNELS

WRONG_FORMAT = (StatusCode.NOT_FOUND, StatusCode.INCOMPATIBLE)
WRONG_BYTES = (
    StatusCode.INVALID_ARGUMENT,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.INCOMPATIBLE,
    StatusCode.OUT_OF_RANGE,
)

pytestmark = pytest.mark.needs("create_executable")


def expect_refused(
    device: Device, format: str, data: bytes, codes: tuple[StatusCode, ...], doing: str
) -> None:
    """Fails the case unless the bytes are refused with one of these codes."""
    __tracebackhide__ = True
    asks = " or ".join(code.name for code in codes)
    try:
        device.create_executable(format, data).release()
    except HalError as error:
        expect(error.code in codes, "EXE-1", doing, came_back=error, asks=asks)
    else:
        expect(False, "EXE-1", doing, came_back="no error", asks=asks)


@pytest.mark.spec("EXE-1")
@pytest.mark.parametrize("format", ["", "FOO?", "no such format", "\0"])
def test_another_format_is_refused(device: Device, code: bytes, format: str) -> None:
    """Prepares good bytes as what they are not: NOT_FOUND or INCOMPATIBLE."""
    expect_refused(device, format, code, WRONG_FORMAT, f"create_executable({format!r})")


@pytest.mark.spec("EXE-1")
@pytest.mark.parametrize("left", ["none", "one", "half", "most"])
def test_bytes_that_are_cut_off_are_refused(
    device: Device, hal_driver: Driver, code: bytes, left: str
) -> None:
    """Prepares the beginning of good bytes: refused, and all of them are taken after it."""
    lengths = {"none": 0, "one": 1, "half": len(code) // 2, "most": len(code) * 9 // 10}
    format = hal_driver.properties.executable_formats[0]
    doing = f"create_executable with {lengths[left]} of {len(code)} bytes"
    expect_refused(device, format, code[: lengths[left]], WRONG_BYTES, doing)
    with device.create_executable(format, code) as executable:
        places = {executable.lookup(kernel.name) for kernel in KERNELS}
        expect_equal(len(places), len(KERNELS), "EXE-1", "entry points of good bytes, after bad")


@pytest.mark.spec("EXE-1")
@pytest.mark.parametrize("what", ["zeros", "noise", "its header, then zeros"])
def test_bytes_that_are_none_are_refused(
    device: Device, hal_driver: Driver, code: bytes, what: str
) -> None:
    """Prepares as many bytes that are no code: refused."""
    data = {
        "zeros": bytes(len(code)),
        "noise": bytes(n * 37 % 251 for n in range(len(code))),
        "its header, then zeros": code[:64] + bytes(len(code) - 64),
    }[what]
    format = hal_driver.properties.executable_formats[0]
    expect_refused(device, format, data, WRONG_BYTES, f"create_executable with {what}")


@pytest.mark.spec("EXE-2")
@pytest.mark.needs("Executable.entry_points")
def test_tells_its_entry_points(executable: Executable) -> None:
    """Reads the entry points of the suite's kernels: names, constants and bindings, and the places
    that they are found at."""
    found = [tuple(entry_point) for entry_point in executable.entry_points]
    expect_equal(sorted(found), sorted(map(tuple, KERNELS)), "EXE-2", "entry_points")
    places = [executable.lookup(entry_point.name) for entry_point in executable.entry_points]
    expect_equal(places, list(range(len(found))), "EXE-2", "lookup of each entry point")


@pytest.mark.spec("EXE-2")
def test_finds_each_by_its_name(executable: Executable) -> None:
    """Looks up every entry point: a place of its own; other names are NOT_FOUND."""
    found = sorted(executable.lookup(kernel.name) for kernel in KERNELS)
    expect_equal(found, list(range(len(KERNELS))), "EXE-2", "lookup of each entry point")
    one = KERNELS[0].name
    for name in ("no such", " ", one + "x", one[:-1], one.upper()):
        with expect_error(StatusCode.NOT_FOUND, "EXE-2", f"lookup({name!r})"):
            executable.lookup(name)
