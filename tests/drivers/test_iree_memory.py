"""Buffers over IREE's: what is refused before IREE is asked, and the life of a mapping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cts.hal import BufferUsage, Device, HandleType, MemoryType, StatusCode

from .conftest import GroupedDevices
from .raising import raised

pytest.importorskip("iree.runtime")


@pytest.fixture(params=["iree-local-sync", "iree-local-task"])
def device(request: pytest.FixtureRequest, grouped_devices: GroupedDevices) -> Device:
    return grouped_devices(request.param, 1)[0]


def test_sizes_that_fit_into_a_word_are_irees_to_judge(device: Device) -> None:
    allocate = device.allocator.allocate
    for size in (2**62, 2**63 - 1, 2**63):
        error = raised(lambda size=size: allocate(size))  # type: ignore[misc]
        assert (error.code, error.native_code) == (
            StatusCode.RESOURCE_EXHAUSTED,
            "RESOURCE_EXHAUSTED",
        )
    error = raised(lambda: allocate(2**64))
    assert (error.code, error.native_code) == (StatusCode.RESOURCE_EXHAUSTED, None)
    error = raised(lambda: allocate(-1))
    assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, "TypeError")
    with allocate(0) as buffer:
        assert (buffer.byte_length, buffer.read()) == (0, b"")


@pytest.mark.parametrize(
    "argument",
    [
        {"memory_type": 1 << 20},
        {"usage": 1 << 20},
        {"export_types": 1 << 20},
        {"memory_type": "fast"},
        {"export_types": "all"},
    ],
    ids=str,
)
def test_flags_without_a_name_are_refused(device: Device, argument: dict[str, Any]) -> None:
    error = raised(lambda: device.allocator.allocate(8, **argument))
    assert (error.code, error.native_code) == (StatusCode.INVALID_ARGUMENT, None)
    (name,) = argument
    assert name in error.detail


def test_flags_with_a_name_are_irees_own(device: Device) -> None:
    for memory_type in MemoryType:
        for usage in BufferUsage:
            device.allocator.allocate(8, memory_type=memory_type, usage=usage).release()


@pytest.mark.parametrize("kind", list(HandleType))
def test_no_kind_of_handle_is_exported(device: Device, kind: HandleType) -> None:
    error = raised(lambda: device.allocator.allocate(8, export_types=kind))
    assert error.code is StatusCode.INCOMPATIBLE
    assert repr(kind) in error.detail
    device.allocator.allocate(8, export_types=HandleType(0)).release()


Access = Callable[[Any, int, int], object]


def _map(buffer: Any, offset: int, length: int) -> object:
    with buffer.map(offset, length) as view:
        return view.nbytes


RANGE_TAKERS: dict[str, Access] = {
    "read": lambda buffer, offset, length: buffer.read(offset, length),
    "map": _map,
}


@pytest.mark.parametrize("name", RANGE_TAKERS)
def test_ranges_that_fit_into_a_word_are_irees_to_judge(device: Device, name: str) -> None:
    take = RANGE_TAKERS[name]
    with device.allocator.allocate(8) as buffer:
        for offset, length in ((0, 9), (9, 0), (8, 1), (2**63, 1), (0, 2**64 - 2)):
            error = raised(lambda o=offset, n=length: take(buffer, o, n))  # type: ignore[misc]
            assert (error.code, error.native_code) == (StatusCode.OUT_OF_RANGE, "OUT_OF_RANGE")
        for offset, length in ((-1, 1), (0, -1), (2**64, 1), (0, 2**64 - 1), (0, 2**70)):
            error = raised(lambda o=offset, n=length: take(buffer, o, n))  # type: ignore[misc]
            assert (error.code, error.native_code) == (StatusCode.OUT_OF_RANGE, None)


# -- mappings -----------------------------------------------------------------------------


def test_a_mapping_is_irees_memory_and_writable(device: Device) -> None:
    with device.allocator.allocate(8) as buffer:
        buffer.write(0, bytes(8))
        with buffer.map(2, 4) as view:
            assert (view.readonly, view.format, view.nbytes) == (False, "B", 4)
            view[:] = b"hal!"
            assert buffer.read() == b"\0\0hal!\0\0"
            buffer.write(3, b"e")
            assert bytes(view) == b"hel!"
        assert raised(lambda: buffer.map(2, 7).__enter__()).native_code == "OUT_OF_RANGE"


def test_a_mapping_of_nothing_is_a_view_of_nothing(device: Device) -> None:
    with device.allocator.allocate(8) as buffer, buffer.map(8) as at_the_end:
        assert (at_the_end.nbytes, at_the_end.readonly) == (0, False)
    with device.allocator.allocate(0) as buffer, buffer.map() as nothing:
        assert bytes(nothing) == b""


USERS: dict[str, Callable[[memoryview], Any]] = {
    "slice": lambda view: view[1:3],
    "copy": memoryview,
    "array": lambda view: np.frombuffer(view, np.uint8),
    "slice of a slice": lambda view: view[1:][1:],
}


@pytest.mark.parametrize("user", USERS)
def test_a_view_that_is_left_is_refused_and_its_memory_stays(device: Device, user: str) -> None:
    left: list[Any] = []

    def leave_one() -> None:
        with buffer.map() as view:
            left.append(USERS[user](view))

    with device.allocator.allocate(8) as buffer:
        buffer.write(0, b"12345678")
        error = raised(leave_one)
        assert (error.code, error.operation) == (StatusCode.FAILED_PRECONDITION, "Buffer.map")
        assert "in use" in error.detail
    assert bytes(left.pop()) in b"12345678"


def test_views_that_are_gone_by_the_end_are_no_matter(device: Device) -> None:
    with device.allocator.allocate(8) as buffer, buffer.map() as view:
        for use in USERS.values():
            use(view)


def test_an_error_in_the_block_is_told_and_not_the_view_that_it_holds(device: Device) -> None:
    with device.allocator.allocate(8) as buffer:
        with pytest.raises(KeyError), buffer.map() as view:
            raise KeyError(view[1:])
        assert buffer.reference_count == 1


def test_a_mapping_keeps_the_buffer_alive(device: Device) -> None:
    buffer = device.allocator.allocate(8)
    with buffer.map() as view:
        buffer.release()
        view[:] = b"12345678"
        assert buffer.read() == b"12345678"
    assert buffer.reference_count == 0
    assert raised(lambda: buffer.map().__enter__()).code is StatusCode.FAILED_PRECONDITION
