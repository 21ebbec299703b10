"""What a device says that it can do with a semaphore, carried out."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Device, Semaphore, StatusCode

NAMES = frozenset({"host_wait", "host_signal", "device_wait", "device_signal"})

pytestmark = [
    pytest.mark.spec("SEM-9"),
    pytest.mark.needs("create_semaphore", "query_semaphore_compatibility"),
]


def use(device: Device, semaphore: Semaphore, way: str) -> None:
    """Does what is named: a signal to one more, or a wait for what is reached."""
    value = semaphore.query()
    if way == "host_signal":
        semaphore.signal(value + 1)
    elif way == "host_wait":
        semaphore.wait(value)
    elif way == "device_signal":
        device.queue_barrier(signal=[(semaphore, value + 1)])
        semaphore.wait(value + 1)
    else:
        with device.create_semaphore() as line:
            device.queue_barrier(wait=[(semaphore, value)], signal=[(line, 1)])
            line.wait(1)


@pytest.mark.needs("queue_barrier")
def test_what_is_named_works(device: Device) -> None:
    """Asks about a semaphore of the device's own, and uses it in each way that is named."""
    with device.create_semaphore(3) as semaphore:
        answer = device.query_semaphore_compatibility(semaphore)
        expect(
            answer <= NAMES and answer,
            "SEM-9",
            "query_semaphore_compatibility of the device's own",
            came_back=sorted(answer),
            asks=f"some of {sorted(NAMES)}",
        )
        for name in sorted(answer):
            use(device, semaphore, name)
        again = device.query_semaphore_compatibility(semaphore)
        expect_equal(again, answer, "SEM-9", "the same, asked again after its use")


@pytest.mark.parametrize("thing", [None, 7, "semaphore", ()], ids=str)
def test_what_is_no_semaphore_is_refused(device: Device, thing: object) -> None:
    """Asks about something else: INVALID_ARGUMENT."""
    doing = f"query_semaphore_compatibility({thing!r})"
    with expect_error(StatusCode.INVALID_ARGUMENT, "SEM-9", doing):
        device.query_semaphore_compatibility(thing)  # type: ignore[arg-type]
