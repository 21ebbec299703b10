"""The Vulkan driver's own: what the suite, which knows no driver's insides, cannot look for.

On lavapipe, in this process where nothing else is asked; what it lacks `fake_icd` has.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cts.hal import Device, HandleType, InteropMode, Semaphore
from cts.hal.edge import FIELDS
from cts.work_cases import noise, submitted

from .conftest import GroupedDevices
from .fake_icd import FakeIcd, lavapipe, run_scenario
from .in_a_process import ROOT

CHAIN = 1000
SIZE = 64
JUMP, ALLOCATION = 1000, 16 << 20


@pytest.fixture(scope="module")
def icd(tmp_path_factory: pytest.TempPathFactory) -> FakeIcd:
    """The fake driver, compiled."""
    return FakeIcd(tmp_path_factory.mktemp("icd"))


@pytest.fixture
def devices(grouped_devices: GroupedDevices, monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    """Two of lavapipe's devices in a group."""
    monkeypatch.setenv("VK_DRIVER_FILES", str(lavapipe()))
    return grouped_devices("vulkan", 2)


# -- the queue ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [1, CHAIN], ids=["one semaphore", "a semaphore each"])
def test_a_chain_in_reverse_order_ends_right(devices: list[Device], lines: int) -> None:
    """Submits 1,000 copies, the last one first, each of what the one before it writes: all are
    held back to the last call, and then the mark is at the end."""
    device, _ = devices
    words = noise(4 * (CHAIN + 1))
    mark = words[:4].tobytes()
    semaphores = [device.create_semaphore() for _ in range(lines)]
    with device.allocator.allocate(words.size) as buffer:
        buffer.write(0, words.tobytes())

        def reached(count: int) -> tuple[Semaphore, int]:
            return (semaphores[0], count) if lines == 1 else (semaphores[count - 1], 1)

        for n in reversed(range(CHAIN)):
            wait = [reached(n)] if n else []
            device.queue_copy(
                buffer, 4 * n, buffer, 4 * n + 4, 4, wait=wait, signal=[reached(n + 1)]
            )
        last, value = reached(CHAIN)
        last.wait(value)
        assert buffer.read() == mark * (CHAIN + 1)
    for semaphore in semaphores:
        semaphore.release()


def test_the_host_signals_past_what_is_pending(icd: FakeIcd) -> None:
    """Signals 2 from the host while a submission is under way that signals 1: it waits for that,
    and payloads only grow."""
    seen = run_scenario("signals_past", icd.environment())
    assert seen == [["INVALID_ARGUMENT", "done", 2, 0, "reached"]] * 10


def test_semaphores_are_destroyed_after_another_submission(icd: FakeIcd) -> None:
    """Mesa's queue thread crashes where what a submission waited for is gone as soon as it is
    done."""
    after_release, after_another = run_scenario("late_semaphores", icd.environment())
    assert "vkDestroySemaphore" not in after_release
    assert after_another.count("vkDestroySemaphore") == 2


def test_a_forked_child_exits_and_the_parent_goes_on(icd: FakeIcd) -> None:
    seen = run_scenario("fork", icd.environment())
    assert seen == {"child": 0, "waiter": "reached", "bytes": "1122222211"}


# -- transfers ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fill:
    """A fill of so many patterns."""

    pattern: bytes
    at: int
    count: int


@dataclass(frozen=True)
class Update:
    """An update."""

    data: bytes
    at: int


fills = st.builds(
    Fill,
    st.sampled_from([1, 2, 4]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.integers(0, SIZE),
    st.integers(0, SIZE),
)
updates = st.builds(Update, st.binary(max_size=SIZE), st.integers(0, SIZE))


def carried_out(device: Device, steps: list[Fill | Update]) -> tuple[bytes, bytes]:
    """What a buffer holds after steps in the order of the list, and what numpy has."""
    model = noise(SIZE)
    with (
        device.allocator.allocate(SIZE) as buffer,
        device.create_semaphore() as line,
    ):
        buffer.write(0, model.tobytes())
        for n, step in enumerate(steps):
            order = {"wait": [(line, n)], "signal": [(line, n + 1)]}
            if isinstance(step, Fill):
                width = len(step.pattern)
                start = min(step.at * width, SIZE)
                data = step.pattern * min(step.count, (SIZE - start) // width)
                device.queue_fill(buffer, start, len(data), step.pattern, **order)
            else:
                start, data = step.at, step.data[: SIZE - step.at]
                device.queue_update(data, buffer, start, **order)
            model[start : start + len(data)] = np.frombuffer(data, np.uint8)
        line.wait(len(steps))
        return buffer.read(), model.tobytes()


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(fills, updates), min_size=1, max_size=12))
def test_transfers_of_parts_of_words_are_numpy_s(
    devices: list[Device], steps: list[Fill | Update]
) -> None:
    """Fills and updates bytes at any place, one after the other."""
    found, wanted = carried_out(devices[0], steps)
    assert found == wanted


def test_every_alignment_is_numpy_s(devices: list[Device]) -> None:
    """Fills and updates each range of the first three words: both ends at each place in a word."""
    steps: list[Fill | Update] = []
    for start in range(9):
        for length in range(9):
            steps.append(Fill(bytes([16 * start + length]), start, length))
            steps.append(Update(bytes(range(length)), start))
            found, wanted = carried_out(devices[0], steps[-2:])
            assert found == wanted, steps[-2:]


# -- devices and what they share ----------------------------------------------------------------


def test_two_devices_share_their_uuid_and_nothing_native(devices: list[Device]) -> None:
    one, other = (device.query_capabilities() for device in devices)
    assert one.physical_device_uuid
    assert one.physical_device_uuid == other.physical_device_uuid
    assert one.driver_device_handle != other.driver_device_handle
    info = devices[0].topology_info
    assert info is not None
    modes = [name for name, field in FIELDS.items() if field.kind is InteropMode]
    for src, dst in ((0, 1), (1, 0)):
        edge = info.topology.query_edge(src, dst)
        assert InteropMode.NATIVE not in {getattr(edge, name) for name in modes}


@pytest.mark.parametrize("exporter", ["vulkan", "local-task"])
@pytest.mark.parametrize("size", [1, 4095, 4096, 100_000])
def test_shared_memory_is_local_task_s_too(
    devices: list[Device], grouped_devices: GroupedDevices, exporter: str, size: int
) -> None:
    """Hands a buffer from one driver to the other by its name: each sees what the host and the
    queue of the other write, and it outlives the one that it is of."""
    both = [devices[0], grouped_devices("local-task", 1)[0]]
    if exporter == "local-task":
        both.reverse()
    one, other = both
    shm = HandleType.SHM
    wanted = noise(size)
    exported = one.allocator.allocate(size, export_types=shm)
    exported.write(0, wanted.tobytes())
    with other.import_buffer(one.export_buffer(exported, shm), shm, size) as imported:
        assert imported.read() == wanted.tobytes()
        for n, (device, buffer) in enumerate([(one, exported), (other, imported)]):
            with submitted(device) as signal:
                device.queue_fill(buffer, size // 2, size - size // 2, bytes([n]), signal=signal)
            wanted[size // 2 :] = n
            buffer.write(0, bytes([7 + n]))
            wanted[0] = 7 + n
            assert exported.read() == imported.read() == wanted.tobytes()
        exported.release()
        with submitted(other) as signal:
            other.queue_update(b"\x99", imported, size - 1, signal=signal)
        wanted[-1] = 0x99
        assert imported.read() == wanted.tobytes()


# -- what implementations answer ----------------------------------------------------------------

FD_HANDLES, HOST_POINTERS = "VK_KHR_external_memory_fd", "VK_EXT_external_memory_host"


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, ["OPAQUE_FD", "SHM"]),
        ({"FAKE_NO_EXTERNAL": 1}, []),
        ({"FAKE_HIDE": FD_HANDLES}, ["SHM"]),
        ({"FAKE_HIDE": HOST_POINTERS}, ["OPAQUE_FD"]),
        ({"FAKE_HIDE": f"{FD_HANDLES},{HOST_POINTERS}"}, []),
        ({"FAKE_IMPORT_ALIGNMENT": 1 << 20}, ["OPAQUE_FD"]),
    ],
)
def test_handles_are_claimed_that_the_implementation_has(
    icd: FakeIcd, changes: dict[str, object], kinds: list[str]
) -> None:
    """Takes away an extension, or what it can do: no such handle is claimed, and an allocation
    for one is refused."""
    seen = run_scenario("answers", icd.environment(**changes))
    assert seen["exports"] == seen["imports"] == kinds
    for kind in ("OPAQUE_FD", "SHM"):
        assert seen[f"allocate for {kind}"] == ("done" if kind in kinds else "INCOMPATIBLE")
    assert icd.left() == {}


def test_limits_are_the_implementation_s(icd: FakeIcd) -> None:
    """Goes up to the largest jump and allocation that the implementation tells, and beyond."""
    changes = {"FAKE_MAX_JUMP": JUMP, "FAKE_MAX_ALLOCATION": ALLOCATION}
    seen = run_scenario("answers", icd.environment(**changes))
    assert (seen["jump"], seen["allocation"]) == (JUMP, ALLOCATION)
    variables = icd.environment(**changes)
    assert run_scenario("limits", variables, str(JUMP), str(ALLOCATION)) == {
        "signal": ["INVALID_ARGUMENT", "done"],
        "again": ["INVALID_ARGUMENT", "done"],
        "barrier": ["INVALID_ARGUMENT", "done"],
        "after it": ["INVALID_ARGUMENT", "done"],
        "allocate": ["RESOURCE_EXHAUSTED", "done"],
    }


def test_lavapipe_s_timelines_have_no_largest_jump(icd: FakeIcd) -> None:
    assert run_scenario("answers", icd.environment())["jump"] is None


def test_memory_that_is_not_coherent_is_brought_in_line(icd: FakeIcd, tmp_path: Path) -> None:
    """Runs the suite's cases of memory where what is not flushed or invalidated is not seen."""
    changes = {"FAKE_NON_COHERENT": 1, "FAKE_MAX_ALLOCATION": ALLOCATION}
    seen = run_scenario("answers", icd.environment(**changes))
    assert "HOST_COHERENT" not in seen["flags"]
    command = [sys.executable, "-m", "pytest", "--driver=vulkan", "suites/memory", "-q"]
    done = subprocess.run(
        [*command, f"--results={tmp_path}"],
        env=icd.environment(**changes),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    calls = icd.calls()
    assert calls["vkFlushMappedMemoryRanges", "0"] > 100
    assert calls["vkInvalidateMappedMemoryRanges", "0"] > 100


def test_a_mapping_is_flushed_however_it_ends(icd: FakeIcd) -> None:
    seen = run_scenario("mappings", icd.environment(FAKE_NON_COHERENT=1))
    assert seen == ["it ended", "it broke"]
