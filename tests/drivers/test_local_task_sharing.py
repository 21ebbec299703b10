"""Memory that local-task shares: with other processes, and what it refuses to take for a handle."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from cts.hal import Device, HandleType, StatusCode

from .conftest import GroupedDevices
from .raising import code_of

SIZE = 4096
FD, SHM = HandleType.OPAQUE_FD, HandleType.SHM
PROGRAM = """
import sys
from cts import registry
from cts.hal import DeviceGroup, HandleType
kind, handle = HandleType[sys.argv[1]], sys.argv[2]
device = registry.load("local-task")().create_device()
with device, DeviceGroup.from_device(device):
    given = int(handle) if kind is HandleType.OPAQUE_FD else handle
    with device.import_buffer(given, kind, 4096) as buffer:
        print(buffer.read(0, 5).decode())
        with device.create_semaphore() as done:
            device.queue_update(b"child", buffer, 4091, signal=[(done, 1)])
            done.wait(1)
"""


@pytest.fixture
def device(grouped_devices: GroupedDevices) -> Device:
    made = grouped_devices("local-task", 1)[0]
    if not made.query_capabilities().buffer_export_types & FD:
        pytest.skip("this platform has no memfd")
    return made


@pytest.fixture
def descriptor(tmp_path: Any) -> Iterator[int]:
    """A descriptor of a file of 4,096 bytes that can only be read."""
    path = tmp_path / "file"
    path.write_bytes(bytes(SIZE))
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def shared_objects() -> list[str]:
    return [name for name in os.listdir("/dev/shm") if name.startswith("hal-cts")]


@pytest.mark.parametrize("kind", [FD, SHM], ids=["OPAQUE_FD", "SHM"])
def test_another_process_has_the_same_memory(device: Device, kind: HandleType) -> None:
    with device.allocator.allocate(SIZE, export_types=kind) as buffer:
        buffer.write(0, b"adult")
        handle: Any = device.export_buffer(buffer, kind)
        passed = [handle] if kind is FD else []
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(kind.name), str(handle)],
            pass_fds=passed,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "adult\n", "")
        assert buffer.read(SIZE - 5) == b"child"
        for opened in passed:
            os.close(opened)


def test_nothing_is_left_of_a_shared_buffer(device: Device) -> None:
    before = descriptors(), shared_objects()
    for kinds in (FD, SHM, FD | SHM):
        with device.allocator.allocate(SIZE, export_types=kinds) as buffer:
            for kind in (FD, SHM):
                if kind & kinds:
                    handle: Any = device.export_buffer(buffer, kind)
                    with device.import_buffer(handle, kind, SIZE):
                        pass
                    if kind is FD:
                        os.close(handle)
    assert (descriptors(), shared_objects()) == before


def test_nothing_is_left_of_one_that_cannot_be_made(device: Device) -> None:
    before = descriptors(), shared_objects()
    for kinds in (FD, SHM):
        assert (
            code_of(lambda kinds=kinds: device.allocator.allocate(2**62, export_types=kinds))  # type: ignore[misc]
            is StatusCode.RESOURCE_EXHAUSTED
        )
    assert (descriptors(), shared_objects()) == before


def test_a_memfd_keeps_its_size(device: Device) -> None:
    with device.allocator.allocate(SIZE, export_types=FD) as buffer:
        handle: Any = device.export_buffer(buffer, FD)
        for size in (0, 2 * SIZE):
            with pytest.raises(PermissionError):
                os.ftruncate(handle, size)
        os.close(handle)


def test_a_descriptor_is_closed_in_programs_that_are_started(device: Device) -> None:
    with device.allocator.allocate(SIZE, export_types=FD) as buffer:
        handle: Any = device.export_buffer(buffer, FD)
        assert fcntl.fcntl(handle, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        os.close(handle)


def test_what_is_no_handle_is_refused(device: Device, descriptor: int, tmp_path: Any) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    reading, writing = os.pipe()
    wrong: list[tuple[Any, HandleType, StatusCode]] = [
        (-1, FD, StatusCode.INVALID_ARGUMENT),
        (2**40, FD, StatusCode.INVALID_ARGUMENT),
        ("name", FD, StatusCode.INVALID_ARGUMENT),
        (folder, FD, StatusCode.INVALID_ARGUMENT),
        (reading, FD, StatusCode.INVALID_ARGUMENT),
        (descriptor, FD, StatusCode.PERMISSION_DENIED),
        ("/hal-cts-none", SHM, StatusCode.NOT_FOUND),
        ("a\0b", SHM, StatusCode.INVALID_ARGUMENT),
        ("a/b/c", SHM, StatusCode.INVALID_ARGUMENT),
        (7, SHM, StatusCode.INVALID_ARGUMENT),
        (b"bytes", HandleType.NATIVE, StatusCode.INVALID_ARGUMENT),
        (7, FD | SHM, StatusCode.INVALID_ARGUMENT),
        (7, HandleType(0), StatusCode.INVALID_ARGUMENT),
        (7, HandleType.DMA_BUF, StatusCode.UNIMPLEMENTED),
        (7, 1 << 9, StatusCode.INVALID_ARGUMENT),  # type: ignore[list-item]
    ]
    found = [code_of(lambda w=w: device.import_buffer(w[0], w[1], SIZE)) for w in wrong]  # type: ignore[misc]
    assert found == [code for _, _, code in wrong]
    for opened in (folder, reading, writing):
        os.close(opened)


def test_a_negative_size_is_refused(device: Device) -> None:
    with device.allocator.allocate(SIZE, export_types=HandleType.NATIVE) as buffer:
        code = code_of(lambda: device.import_buffer(buffer, HandleType.NATIVE, -1))
        assert code is StatusCode.INVALID_ARGUMENT
        with device.import_buffer(buffer, HandleType.NATIVE, 0) as empty:
            assert empty.byte_length == 0


@pytest.mark.parametrize("kind", [FD, SHM, HandleType.NATIVE], ids=["OPAQUE_FD", "SHM", "NATIVE"])
def test_one_byte_more_than_there_is_is_refused(device: Device, kind: HandleType) -> None:
    with device.allocator.allocate(SIZE, export_types=kind) as buffer:
        handle: Any = device.export_buffer(buffer, kind)
        code = code_of(lambda: device.import_buffer(handle, kind, SIZE + 1))
        assert code is StatusCode.OUT_OF_RANGE
        if kind is FD:
            os.close(handle)
