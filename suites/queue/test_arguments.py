"""Objects that an operation cannot use: another driver's, destroyed ones, and what is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from cts.checks import expect_equal, expect_error
from cts.hal import Device, DeviceObject, Semaphore, SemaphoreList, StatusCode
from cts.hal.testing.foreign import foreign_buffer, foreign_command_buffer, foreign_semaphore
from cts.work_cases.operations import NEEDED_BY_EXECUTE, Bench, Recorded, Route, slots_of

OBJECTS = {
    "queue_fill": ("target",),
    "queue_update": ("target",),
    "queue_copy": ("source", "target"),
    "queue_execute": ("command_buffer",),
    "queue_barrier": (),
}
"""By operation: the arguments that take an object. Each has its two lists besides."""

pytestmark = [
    pytest.mark.spec("QUE-10", subject="objects"),
    pytest.mark.needs("allocator", "create_semaphore"),
]


@contextmanager
def unusable(device: Device, argument: str) -> Iterator[list[tuple[str, Any, StatusCode]]]:
    """What is not to be taken for an argument: what it is, itself, and the code of its refusal."""
    foreign: AbstractContextManager[DeviceObject]
    own: DeviceObject
    if argument in ("source", "target"):
        foreign, own = foreign_buffer(), device.allocator.allocate(Bench.SIZE)
    elif argument == "command_buffer":
        foreign, own = foreign_command_buffer(), device.create_command_buffer()
    else:
        foreign, own = foreign_semaphore(), device.create_semaphore()
    own.release()
    with foreign as another_drivers:
        yield [
            ("another driver's", another_drivers, StatusCode.INVALID_ARGUMENT),
            ("a destroyed one", own, StatusCode.FAILED_PRECONDITION),
            ("None", None, StatusCode.INVALID_ARGUMENT),
            ("7", 7, StatusCode.INVALID_ARGUMENT),
        ]


def submit_with(
    bench: Bench, operation: str, argument: str, thing: Any, good: Semaphore, signal: SemaphoreList
) -> None:
    """Submits an operation with `thing` for one argument, or for the second semaphore of a list."""
    if argument == "wait":
        bench.submit(operation, wait=[(good, 1), (thing, 1)], signal=signal)
    elif argument == "signal":
        bench.submit(operation, signal=[*signal, (thing, 1)])
    else:
        bench.submit(operation, signal=signal, **{argument: thing})


@pytest.mark.parametrize(
    ("operation", "argument"),
    [
        pytest.param(operation, argument, marks=pytest.mark.needs(*slots_of(operation)))
        for operation, objects in OBJECTS.items()
        for argument in (*objects, "wait", "signal")
    ],
)
def test_an_unusable_object_is_refused(
    device: Device, bench: Bench, operation: str, argument: str
) -> None:
    """Submits with each unusable object: refused, nothing changes; without it, carried out."""
    with (
        device.create_semaphore(1) as reached,
        device.create_semaphore() as line,
        unusable(device, argument) as objects,
    ):
        signal = [(line, 1)]
        for what, thing, code in objects:
            doing = f"{operation} with {what} for {argument}"
            with expect_error(code, "QUE-10", doing):
                submit_with(bench, operation, argument, thing, reached, signal)
            expect_equal(line.query(), 0, "QUE-10", f"the signal of {doing}")
            bench.expect_nothing_done("QUE-10", doing)
        bench.submit(operation, wait=[(reached, 1)], signal=signal)
        line.wait(1)
        bench.expect_done(operation, "QUE-10", f"{operation} after refusals")


@pytest.mark.needs(*NEEDED_BY_EXECUTE)
@pytest.mark.parametrize("route", [Recorded], indirect=True, ids=[Recorded.id])
@pytest.mark.parametrize(
    ("transfer", "argument"),
    [("fill", "target"), ("update", "target"), ("copy", "source"), ("copy", "target")],
)
def test_an_unusable_buffer_is_not_recorded(
    device: Device, bench: Bench, route: Route, transfer: str, argument: str
) -> None:
    """Records each unusable buffer: refused, nothing changes; without it, carried out."""
    arguments = bench.arguments(f"queue_{transfer}")
    with device.create_semaphore() as line, unusable(device, argument) as objects:
        signal = [(line, 1)]
        for what, thing, code in objects:
            doing = f"recording {transfer} with {what} for {argument}"
            with expect_error(code, "QUE-10", doing):
                route(transfer, *(arguments | {argument: thing}).values(), signal=signal)
            expect_equal(line.query(), 0, "QUE-10", f"the signal of {doing}")
            bench.expect_nothing_done("QUE-10", doing)
        route(transfer, *arguments.values(), signal=signal)
        line.wait(1)
        bench.expect_done(f"queue_{transfer}", "QUE-10", f"recording {transfer} after refusals")
