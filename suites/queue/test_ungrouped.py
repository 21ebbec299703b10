"""The queue of a device that is in no group: refused, and as good as any once it is in one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Device, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases.operations import Bench, with_each_operation

pytestmark = [
    pytest.mark.spec("QUE-17", subject="objects"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


@pytest.fixture
def loner(new_device: NewDevice) -> Device:
    """A device in no group."""
    return new_device()


@pytest.fixture
def bench(loner: Device) -> Iterator[Bench]:
    """A submission of each kind, on its queue."""
    made = Bench(loner)
    yield made
    made.release()


@with_each_operation()
def test_a_submission_is_refused(
    loner: Device, bench: Bench, operation: str, new_group: NewGroup
) -> None:
    """Submits on a device in no group: FAILED_PRECONDITION, nothing done; in a group, done."""
    with loner.create_semaphore() as line:
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-17", f"{operation} outside a group"):
            bench.submit(operation, signal=[(line, 1)])
        expect_equal(line.query(), 0, "QUE-17", f"the payload after {operation} outside a group")
        bench.expect_nothing_done("QUE-17", f"{operation} outside a group")
        new_group(loner)
        bench.submit(operation, signal=[(line, 1)])
        line.wait(1)
        bench.expect_done(operation, "QUE-17", f"{operation} in a group")


@pytest.mark.needs("queue_fill")
def test_a_submission_after_its_group_is_refused(
    loner: Device, bench: Bench, new_group: NewGroup
) -> None:
    """Submits in a group, ends the group, and submits again: FAILED_PRECONDITION."""
    with loner.create_semaphore() as line:
        group = new_group(loner)
        bench.submit("queue_fill", signal=[(line, 1)])
        line.wait(1)
        group.release()
        with expect_error(StatusCode.FAILED_PRECONDITION, "QUE-17", "queue_fill after its group"):
            bench.submit("queue_fill", signal=[(line, 2)])
        expect_equal(line.query(), 1, "QUE-17", "the payload after a submission that was refused")
