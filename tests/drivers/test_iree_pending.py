"""The end of an asynchronous device of IREE's with submissions pending: it comes, and hurts nobody.

IREE's own end of a device can wait for ever, and holds the GIL, so that nothing in its process can
stop it. So each program runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunCts

pytest.importorskip("iree.runtime")

TIMEOUT = 30.0

START = """
from cts import registry
from cts.hal import DeviceGroupBuilder, HalError, StatusCode, live_counts
driver = registry.load("iree-local-task")()
builder = DeviceGroupBuilder()
device, other = driver.create_device(), driver.create_device()
builder.add_device(device)
builder.add_device(other)
group = builder.finalize()

def end(*resources):
    for resource in (*resources, group, device, other):
        resource.release()
    assert live_counts() == {}, live_counts()

def code_of(semaphore):
    try:
        return semaphore.wait(1)
    except HalError as error:
        return error.code.name

a, b, c = (device.create_semaphore() for _ in "abc")
far, done = other.create_semaphore(), other.create_semaphore()
"""

PROGRAMS = {
    "what waits for nobody is cancelled": """
device.queue_barrier(wait=[(a, 1)], signal=[(done, 1)])
for resource in (a, b, c):
    resource.release()
group.retain()
device.release()
group.release()
group.release()
assert device.reference_count == 0
assert code_of(done) == "CANCELLED", code_of(done)
for resource in (far, done, other):
    resource.release()
assert live_counts() == {}, live_counts()
""",
    "a chain behind it is cancelled, whichever end was submitted first": """
device.queue_barrier(wait=[(b, 1)], signal=[(c, 1)])
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
device.queue_barrier(wait=[(c, 1)], signal=[(done, 1)])
end(a, b, c, far, done)
""",
    "two that wait for each other are cancelled": """
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
device.queue_barrier(wait=[(b, 1)], signal=[(a, 1)])
end(a, b, c, far, done)
""",
    "a value above all that comes is cancelled": """
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
device.queue_barrier(wait=[(b, 2)], signal=[(done, 1)])
a.signal(1)
end(a, b, c, far, done)
""",
    "what comes to its end by itself is carried out": """
size = 1 << 24
source, target = other.allocator.allocate(size), other.allocator.allocate(size)
source.write(size - 4, b"last")
device.queue_copy(source, 0, target, 0, size, signal=[(a, 1)])
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
device.queue_barrier(wait=[(b, 1)], signal=[(done, 1)])
for resource in (a, b, c, device, group):
    resource.release()
assert device.reference_count == 0
assert done.query() == 1
assert target.read(size - 4) == b"last"
for resource in (source, target, far, done, other):
    resource.release()
""",
    "what waits for another device's semaphore goes on": """
device.queue_barrier(wait=[(far, 1)], signal=[(a, 1)])
device.queue_barrier(wait=[(a, 1)], signal=[(done, 1)])
for resource in (a, b, c, device, group):
    resource.release()
assert device.reference_count == 0
assert done.query() == 0
far.signal(1)
done.wait(1)
for resource in (far, done, other):
    resource.release()
""",
    "a failure meanwhile is no hindrance": """
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
for code in StatusCode:
    failed = device.create_semaphore()
    device.queue_barrier(wait=[(failed, 1)], signal=[(c, int(code))])
    failed.fail(code)
    failed.release()
end(a, b, c, far, done)
""",
    "a chain that is longer than a stack is deep is no hindrance": """
line = [device.create_semaphore() for _ in range(25_000)]
for before, after in zip(line, line[1:]):
    device.queue_barrier(wait=[(before, 1)], signal=[(after, 1)])
end(a, b, c, far, done, *line)
""",
    "the collector's end is one too": """
import gc, warnings
warnings.simplefilter("ignore", ResourceWarning)
device.queue_barrier(wait=[(a, 1)], signal=[(b, 1)])
del device, other, group, a, b, c, far, done, builder, end
gc.collect()
assert live_counts() == {}, live_counts()
""",
    "the interpreter's exit is one too": """
device.queue_barrier(wait=[(a, 1)], signal=[(done, 1)])
other.queue_barrier(wait=[(far, 1), (b, 1)], signal=[(c, 1)])
""",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_end_of_a_device(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START + PROGRAMS[program]],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LEFT_PENDING = """
import time
import pytest

pytestmark = pytest.mark.spec("QUE-7")

@pytest.fixture
def device(device_group):
    return device_group.device_at(0)

def submit(device, wait, signal):
    with device.allocator.allocate(8) as buffer:
        device.queue_fill(buffer, 0, 8, b"x", wait=[(wait, 1)], signal=[(signal, 1)])

def test_fails_with_one_pending(device):
    never, done = device.create_semaphore(), device.create_semaphore()
    submit(device, never, done)
    assert done.query() == 1

def test_leaves_one_pending(device):
    with device.create_semaphore() as never, device.create_semaphore() as done:
        submit(device, never, done)

def test_works(device):
    with device.create_semaphore(1) as reached, device.create_semaphore() as done:
        submit(device, reached, done)
        done.wait(1)
"""


def test_what_a_case_leaves_pending_holds_up_no_other(
    cts: RunCts, case_file: Callable[[str], Path]
) -> None:
    run = cts("--driver=iree-local-task", case_file(LEFT_PENDING))
    outcomes = {name.partition("::")[2]: outcome for name, outcome in run.outcomes().items()}
    assert outcomes == {
        "test_fails_with_one_pending": "fail",
        "test_leaves_one_pending": "pass",
        "test_works": "pass",
    }
    assert run.driver("iree-local-task").exit_fault == ""
