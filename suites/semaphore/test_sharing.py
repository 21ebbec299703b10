"""Semaphores exported by one device and imported by another: one timeline, two semaphores."""

from __future__ import annotations

import time

import pytest

from cts.checks import expect, expect_equal, expect_error, unsupported
from cts.hal import Device, Driver, HalError, HandleType, Semaphore, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup
from cts.work_cases import Waiter
from cts.work_cases.concurrency import Apart
from cts.work_cases.sharing import handle_of, share_semaphore

CODE = StatusCode.DATA_LOSS
ENDS = {StatusCode.CANCELLED, StatusCode.FAILED_PRECONDITION}
SETTLING = 0.002
"""Seconds in which a thread that is about to wait nearly always does so."""

SIDES = ("exporter", "importer")
by_each_side = pytest.mark.parametrize("side", SIDES)

pytestmark = [
    pytest.mark.spec("SEM-10"),
    pytest.mark.needs("create_semaphore", "export_semaphore", "import_semaphore"),
]


class Pair:
    """A shared timeline as one side sees it.

    Attributes
    ----------
    one, other : the side's semaphore, and the other side's.
    ones_device, others_device : their makers.
    """

    def __init__(
        self, device: Device, peer: Device, kind: HandleType, side: str, payload: int = 0
    ) -> None:
        both = [*zip((device, peer), share_semaphore(device, peer, kind, payload), strict=True)]
        if side == "importer":
            both.reverse()
        (self.ones_device, self.one), (self.others_device, self.other) = both

    def release(self) -> None:
        """Gives both up, where they are not."""
        for semaphore in (self.one, self.other):
            if semaphore.reference_count:
                semaphore.release()


def expect_failed(semaphore: Semaphore, kind: HandleType, doing: str) -> None:
    """Fails the case unless it has failed, with the code where that comes along."""
    __tracebackhide__ = True
    try:
        found: object = semaphore.query()
    except HalError as error:
        found = error.code
    good = found is CODE if kind is HandleType.NATIVE else isinstance(found, StatusCode)
    expect(good, "SEM-10", doing, came_back=found, asks=f"the failure, {CODE.name}")


# -- one timeline -----------------------------------------------------------------------------


@by_each_side
def test_each_sees_the_others_signals(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Imports at 3, signals 5 on one side and 6 on the other: both are at each in turn."""
    pair = Pair(device, peer, kind, side, payload=3)
    expect_equal(pair.other.device, pair.others_device, "SEM-10", "a shared semaphore's device")
    for signalling, value in ((None, 3), (pair.one, 5), (pair.other, 6)):
        if signalling:
            signalling.signal(value)
        for semaphore in (pair.one, pair.other):
            expect_equal(semaphore.query(), value, "SEM-10", f"query after a signal to {value}")
            semaphore.wait(value, 1.0)
    with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-10", "signal(5) where the other is at 6"):
        pair.one.signal(5)
    pair.release()


@by_each_side
def test_each_wakes_the_others_waiters(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Waits on one side for what the other signals: it wakes, and one for more does not."""
    pair = Pair(device, peer, kind, side)
    waiter, later = Waiter(pair.one, 2), Waiter(pair.one, 3)
    pair.other.signal(2)
    expect_equal(waiter.end(), "reached", "SEM-10", "a wait for what the other side signals")
    expect_equal(later.waiting, True, "SEM-10", "a wait for more than that")
    pair.other.signal(7)
    expect_equal(later.end(), "reached", "SEM-10", "that wait, once it is signalled")
    pair.release()


@by_each_side
def test_each_sees_the_others_failure(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Fails one side while a thread waits on the other: it wakes, and the other has failed."""
    pair = Pair(device, peer, kind, side)
    waiter = Waiter(pair.other, 1)
    pair.one.fail(CODE, "on purpose")
    ended = waiter.end()
    good = isinstance(ended, StatusCode) and ended is not StatusCode.DEADLINE_EXCEEDED
    expect(good, "SEM-10", "a wait as the other side fails", came_back=ended, asks="a failure")
    expect_failed(pair.other, kind, "the other side of what has failed")
    pair.release()


def test_an_import_of_what_has_failed_has_failed(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Fails a semaphore and imports it then: the import has failed."""
    exporter = device.create_semaphore()
    with handle_of(device, exporter, kind) as handle:
        exporter.fail(CODE, "on purpose")
        importer = peer.import_semaphore(handle, kind)
    expect_failed(importer, kind, "an import of what has failed")
    exporter.release()
    importer.release()


def test_one_is_imported_more_than_once(device: Device, peer: Device, kind: HandleType) -> None:
    """Imports one handle twice, and a second handle of it: all are one timeline."""
    with device.create_semaphore() as exporter:
        with handle_of(device, exporter, kind) as one, handle_of(device, exporter, kind) as other:
            importers = [peer.import_semaphore(handle, kind) for handle in (one, one, other)]
        for value, signalling in enumerate((exporter, *importers), 1):
            signalling.signal(value)
            for semaphore in (exporter, *importers):
                expect_equal(semaphore.query(), value, "SEM-10", f"signal {value} of one of four")
        for importer in importers:
            importer.release()


def test_two_exported_semaphores_are_two_timelines(
    device: Device, peer: Device, kind: HandleType
) -> None:
    """Shares two semaphores, signals one pair and fails it: the other is as it was."""
    pair = Pair(device, peer, kind, "importer")
    beside = Pair(device, peer, kind, "importer", payload=2)
    pair.one.signal(5)
    pair.one.fail(CODE, "on purpose")
    found = (beside.one.query(), beside.other.query())
    expect_equal(found, (2, 2), "SEM-10", "another pair's payloads")
    pair.release()
    beside.release()


# -- queues -----------------------------------------------------------------------------------


@pytest.mark.needs("queue_barrier")
@by_each_side
def test_queues_wait_and_signal_across(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Waits on one device's queue for what the other's queue signals, and back: all is reached."""
    pair = Pair(device, peer, kind, side)
    with pair.ones_device.create_semaphore() as done:
        one, other, last = [(pair.one, 1)], [(pair.other, 1)], [(pair.one, 2)]
        waiting = Apart(lambda: pair.ones_device.queue_barrier(wait=one, signal=last))
        pair.others_device.queue_barrier(signal=other)
        expect_equal(waiting.end(), None, "SEM-10", "a barrier behind the other device's")
        wait, signal = [(pair.other, 2)], [(done, 1)]
        pair.others_device.queue_barrier(wait=wait)
        pair.ones_device.queue_barrier(wait=last, signal=signal)
        done.wait(1)
    expect_equal(pair.other.query(), 2, "SEM-10", "the payload after two barriers")
    pair.release()


@pytest.mark.needs("queue_barrier")
@by_each_side
def test_failures_travel_across(device: Device, peer: Device, kind: HandleType, side: str) -> None:
    """Fails one side: a barrier of the other device that waits for its side fails its signal."""
    pair = Pair(device, peer, kind, side)
    with pair.others_device.create_semaphore() as signalled:
        wait, signal = [(pair.other, 1)], [(signalled, 1)]
        barrier = Apart(lambda: pair.others_device.queue_barrier(wait=wait, signal=signal))
        waiter = Waiter(signalled, 1)
        pair.one.fail(CODE, "on purpose")
        waiter.end()
        barrier.end()
        expect_failed(signalled, kind, "the signal of a barrier behind the other side's failure")
    pair.release()


# -- the end ----------------------------------------------------------------------------------


@by_each_side
def test_the_timeline_outlives_either(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Releases one side while a thread waits on the other: it waits on, and works on."""
    pair = Pair(device, peer, kind, side, payload=1)
    waiter = Waiter(pair.other, 2)
    time.sleep(SETTLING)
    pair.one.release()
    expect_equal(pair.other.query(), 1, "SEM-10", f"the payload once the {side} is gone")
    expect_equal(waiter.waiting, True, "SEM-10", f"a wait as the {side} goes")
    pair.other.signal(2)
    expect_equal(waiter.end(), "reached", "SEM-10", f"that wait, signalled once the {side} is gone")
    pair.release()


@pytest.mark.needs(devices=2)
def test_the_timeline_outlives_the_exporters_device(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup, kind: HandleType
) -> None:
    """Releases the exporter, its device and their group: the importer works on."""
    if hal_driver.properties.children != "retain":
        unsupported("objects do not outlive the release of their device")
    device, peer = new_device.many(2)
    group = new_group(device, peer)
    exporter, importer = share_semaphore(device, peer, kind, payload=4)
    for resource in (exporter, group, device, peer):
        resource.release()
    expect_equal(device.reference_count, 0, "SEM-10", "the count of the exporter's device")
    expect_equal(importer.query(), 4, "SEM-10", "the payload once the exporter's device is gone")
    importer.signal(5)
    importer.wait(5, 1.0)
    importer.release()


@pytest.mark.spec("SEM-8", subject="objects")
@by_each_side
def test_waits_end_with_the_side_that_they_are_on(
    device: Device, peer: Device, kind: HandleType, side: str
) -> None:
    """Drops one side while threads wait on both: its wait ends, the other's is reached."""
    pair = Pair(device, peer, kind, side)
    gone, left = Waiter(pair.one, 1), Waiter(pair.other, 1)
    time.sleep(SETTLING)
    pair.one.release()
    end = gone.end()
    asks = "CANCELLED or FAILED_PRECONDITION"
    expect(end in ENDS, "SEM-8", f"a wait on the {side} that is gone", came_back=end, asks=asks)
    pair.other.signal(1)
    expect_equal(left.end(), "reached", "SEM-8", "a wait on the other side")
    pair.release()
