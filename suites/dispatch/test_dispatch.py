"""Dispatch: bindings, constants and workgroups as the kernels see them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cts.checks import expect_equal
from cts.hal import BufferRange, Device, Driver
from cts.work_cases import submitted
from cts.work_cases.concurrency import Gate
from cts.work_cases.dispatch import (
    WORD,
    Kernels,
    bytes_of,
    needs_dispatch,
    step_of,
    words_of,
)
from cts.work_cases.kernels import ABSOLUTE, CONSTANTS, COUNT, PLACES, SCALE

GRIDS = [
    (1, 1, 1),
    (7, 1, 1),
    (1, 5, 1),
    (1, 1, 3),
    (4, 3, 2),
    (64, 1, 1),
    (1024, 1, 1),
    (17, 13, 5),
]
ZERO_GRIDS = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0), (4096, 4096, 0)]
MARK = 0xABABABAB
"""A word that no kernel writes."""
COUNT_OF_FLOATS = 100

pytestmark = needs_dispatch


def floats(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Both signs, small and large, whole and not."""
    return np.array([(-1) ** n * 1.5 ** (n % 40) + n for n in range(count)], np.float32)


@pytest.mark.spec("EXE-3")
def test_bindings_come_in_order(device: Device, kernels: Kernels) -> None:
    """Dispatches absolute values from one buffer to another: as numpy has them."""
    values = floats(COUNT_OF_FLOATS)
    with (
        kernels.buffer(COUNT_OF_FLOATS) as source,
        kernels.buffer(COUNT_OF_FLOATS + 1, MARK) as target,
        submitted(device) as signal,
    ):
        source.write(0, values.tobytes())
        kernels.dispatch(ABSOLUTE, (COUNT_OF_FLOATS, 1, 1), source, target, signal=signal)
        signal[0][0].wait(1)
        found = words_of(target)
        expect_equal(found[:-1].tobytes(), np.abs(values).tobytes(), "EXE-3", "absolute values")
        expect_equal(int(found[-1]), MARK, "EXE-3", "the word after the last that is written")
        expect_equal(source.read(), values.tobytes(), "EXE-3", "the source of a dispatch")


@pytest.mark.spec("EXE-3")
def test_constants_come_in_order(device: Device, kernels: Kernels) -> None:
    """Dispatches a kernel that writes its four constants down: the same words, and no others."""
    words = [1, 0xFFFFFFFF, 0x80000000, 0x12345678]
    before = after = 64
    with kernels.buffer(before + 4 + after, MARK) as target, submitted(device) as signal:
        inside = BufferRange(target, WORD * before, WORD * 4)
        kernels.dispatch(CONSTANTS, (1, 1, 1), inside, constants=bytes_of(words), signal=signal)
        signal[0][0].wait(1)
        wanted = [MARK] * before + words + [MARK] * after
        expect_equal(words_of(target).tolist(), wanted, "EXE-3", "constants")


@pytest.mark.spec("EXE-3")
def test_constants_and_bindings_together(device: Device, kernels: Kernels) -> None:
    """Dispatches a * x + b within bounds, by four constants over floats: as numpy has it."""
    values, factor, offset = floats(COUNT_OF_FLOATS), np.float32(-2.5), np.float32(0.75)
    low, high = np.float32(-1000), np.float32(20000)
    with (
        kernels.buffer(COUNT_OF_FLOATS) as source,
        kernels.buffer(COUNT_OF_FLOATS) as target,
        submitted(device) as signal,
    ):
        source.write(0, values.tobytes())
        constants = bytes_of((factor, offset, low, high), np.float32)
        grid = (COUNT_OF_FLOATS, 1, 1)
        kernels.dispatch(SCALE, grid, source, target, constants=constants, signal=signal)
        signal[0][0].wait(1)
        found = np.frombuffer(target.read(), np.float32)
        wanted = np.clip(factor * values + offset, low, high)
        close = np.allclose(found, wanted, rtol=1e-6)
        expect_equal(bool(close), True, "EXE-3", "whether all of a * x + b are close to numpy's")


@pytest.mark.spec("EXE-3")
@pytest.mark.parametrize("steps", [0, 1, 4, 16, 256])
def test_bindings_start_at_their_offsets(
    device: Device, hal_driver: Driver, kernels: Kernels, steps: int
) -> None:
    """Dispatches over parts of one buffer for both bindings: what is beside them stays."""
    step = step_of(hal_driver)
    count, offset, gap = 16, steps * step, 512 * step
    values = floats(count)
    with kernels.buffer(2 * gap // WORD, MARK) as buffer, submitted(device) as signal:
        buffer.write(offset, values.tobytes())
        source = BufferRange(buffer, offset, WORD * count)
        target = BufferRange(buffer, gap + offset, WORD * count)
        kernels.dispatch(ABSOLUTE, (count, 1, 1), source, target, signal=signal)
        signal[0][0].wait(1)
        wanted = np.full(2 * gap // WORD, MARK, np.uint32)
        first, second = offset // WORD, (gap + offset) // WORD
        wanted[first : first + count] = values.view(np.uint32)
        wanted[second : second + count] = np.abs(values).view(np.uint32)
        doing = f"a buffer after a dispatch from offset {offset}"
        different = np.flatnonzero(words_of(buffer) != wanted).tolist()
        expect_equal(different[:3], [], "EXE-3", f"{doing}: words that differ from numpy's")


@pytest.mark.spec("EXE-4")
@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: "x".join(map(str, grid)))
def test_each_workgroup_runs_once(
    device: Device, kernels: Kernels, grid: tuple[int, int, int]
) -> None:
    """Dispatches a kernel that counts, twice in a chain: each word is 2, and none beside them."""
    size = math.prod(grid)
    with kernels.buffer(size + 1) as target, device.create_semaphore() as line:
        kernels.dispatch(COUNT, grid, target, signal=[(line, 1)])
        kernels.dispatch(COUNT, grid, target, wait=[(line, 1)], signal=[(line, 2)])
        line.wait(2)
        wanted = [2] * size + [0]
        expect_equal(
            words_of(target).tolist() == wanted, True, "EXE-4", f"a grid {grid}: once each"
        )


@pytest.mark.spec("EXE-4")
@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: "x".join(map(str, grid)))
def test_each_workgroup_has_its_place(
    device: Device, kernels: Kernels, grid: tuple[int, int, int]
) -> None:
    """Dispatches a kernel that writes its x, y and z: x goes fastest."""
    size = math.prod(grid)
    with kernels.buffer(3 * size, MARK) as target, submitted(device) as signal:
        kernels.dispatch(PLACES, grid, target, signal=signal)
        signal[0][0].wait(1)
        x, y, z = grid
        wanted = [[i, j, k] for k in range(z) for j in range(y) for i in range(x)]
        found = words_of(target).reshape(-1, 3).tolist()
        expect_equal(found == wanted, True, "EXE-4", f"the places in a grid {grid}")


@pytest.mark.spec("EXE-4")
@pytest.mark.parametrize("grid", ZERO_GRIDS, ids=lambda grid: "x".join(map(str, grid)))
def test_a_grid_of_nothing_signals(
    device: Device, kernels: Kernels, grid: tuple[int, int, int]
) -> None:
    """Dispatches no workgroup: nothing is written, and the signal is reached."""
    with kernels.buffer(16, MARK) as target, submitted(device) as signal:
        kernels.dispatch(COUNT, grid, target, signal=signal)
        signal[0][0].wait(1)
        expect_equal(words_of(target).tolist(), [MARK] * 16, "EXE-4", f"words after a grid {grid}")


@pytest.mark.spec("EXE-7")
def test_keeps_what_it_uses(device: Device, hal_driver: Driver, code: bytes) -> None:
    """Releases executable and source right after the submission: it is carried out."""
    gate = Gate(device, hal_driver)
    executable = device.create_executable(hal_driver.properties.executable_formats[0], code)
    kernels = Kernels(device, executable)
    source = kernels.buffer(COUNT_OF_FLOATS)
    source.write(0, floats(COUNT_OF_FLOATS).tobytes())
    with kernels.buffer(COUNT_OF_FLOATS) as target, device.create_semaphore() as line:
        grid = (COUNT_OF_FLOATS, 1, 1)
        kernels.dispatch(ABSOLUTE, grid, source, target, wait=gate.wait, signal=[(line, 1)])
        executable.release()
        source.release()
        gate.open()
        line.wait(1)
        wanted = np.abs(floats(COUNT_OF_FLOATS)).tobytes()
        same = target.read() == wanted
        expect_equal(same, True, "EXE-7", "whether a dispatch was right, all else released by then")
    gate.release()
