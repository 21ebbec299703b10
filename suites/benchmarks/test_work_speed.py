"""How fast drivers work, beside what is underneath them, called directly, and beside numpy.

No verdict: the run ends with one table. Every measure of queue work goes from the call of the
submission to the end of the host's wait for its signal.

    pytest suites/benchmarks/test_work_speed.py --driver=local-task,iree-local-task
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, NamedTuple

import pytest

from cts.benchmarks.speed_table import BARE, NUMPY
from cts.benchmarks.subjects import (
    HUGE,
    LARGE,
    SMALL,
    NothingToMeasureError,
    NumpySubject,
    available_drivers,
    subject_of,
)
from cts.plugin.options import Options

from .conftest import Meter

TIMEOUT = 10.0
BETWEEN_THREADS = "semaphore: between two threads"


class Measure(NamedTuple):
    """What is measured: an operation of a subject, how often, and the bytes that it moves."""

    rounds: int
    method: str
    """Of a subject; one without it is not measured."""
    arguments: tuple[int, ...] | None = None
    """What the method is given to get the operation; the method is it, where there are none."""
    moved: int | None = None

    def of(self, subject: Any) -> Callable[[], None]:
        """The operation. Raises NothingToMeasureError."""
        method = getattr(subject, self.method, None)
        if method is None:
            raise NothingToMeasureError("it has nothing of the kind")
        operation: Callable[[], None] = (
            method if self.arguments is None else method(*self.arguments)
        )
        return operation


MEASURES = {
    "semaphore: signal and wait": Measure(5000, "signal_and_wait"),
    "empty submission": Measure(3000, "empty"),
    "fill 4 KiB": Measure(3000, "fill", (SMALL,), SMALL),
    "copy 4 KiB": Measure(3000, "copy", (SMALL,), SMALL),
    "fill 64 MiB": Measure(40, "fill", (LARGE,), LARGE),
    "copy 64 MiB": Measure(40, "copy", (LARGE,), LARGE),
    "copy 1 GiB of the device's memory": Measure(10, "copy_on_device", (HUGE,), HUGE),
    "allocate and free 4 KiB": Measure(5000, "allocate"),
    "allocate and free 4 KiB in the queue": Measure(2000, "allocate_in_order"),
    "record and execute 10 fills of 4 KiB": Measure(1000, "record_and_execute", (10,)),
    "execute 10 recorded fills of 4 KiB": Measure(2000, "execute_again", (10,)),
    "dispatch 1,024 workgroups": Measure(2000, "dispatch", ()),
    "execute a recorded dispatch of 1,024": Measure(2000, "dispatch_again", ()),
    "group of two": Measure(300, "form_group"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each measure of every subject in turn, so that the ratios are of one moment."""
    if "measure" in metafunc.fixturenames:
        metafunc.parametrize("measure", MEASURES)
    if "subject" in metafunc.fixturenames:
        drivers = Options.of(metafunc.config).drivers or available_drivers()
        subjects = [part for name in drivers for part in (name, name + BARE)]
        metafunc.parametrize("subject", [NUMPY, *subjects])


@pytest.fixture(scope="module")
def subjects() -> Iterator[dict[str, Any]]:
    """Those that were measured so far, by name: each is made once."""
    made: dict[str, Any] = {}
    yield made
    for subject in made.values():
        if subject is not None:
            subject.release()


@pytest.fixture
def measured(subject: str, subjects: dict[str, Any], pytestconfig: pytest.Config) -> Any:
    """The subject of that name."""
    if subject not in subjects:
        pattern = Options.of(pytestconfig).device
        subjects[subject] = NumpySubject() if subject == NUMPY else subject_of(subject, pattern)
    if subjects[subject] is None:
        pytest.skip("no such device, or nothing underneath to be called directly")
    return subjects[subject]


def test_speed(benchmark: Any, measured: Any, subject: str, measure: str, meter: Meter) -> None:
    """Takes one measure of one subject."""
    wanted = MEASURES[measure]
    rounds = wanted.rounds
    try:
        run = wanted.of(measured)
    except NothingToMeasureError as error:
        pytest.skip(str(error))
    benchmark.group = measure
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=max(rounds // 20, 3))
    meter.note(measure, subject, measured, benchmark, wanted.moved)


@pytest.mark.benchmark(group=BETWEEN_THREADS)
def test_speed_between_two_threads(
    benchmark: Any, measured: Any, subject: str, meter: Meter
) -> None:
    """One thread signals, another one answers on a second semaphore: there and back."""
    if not hasattr(measured, "new_semaphore"):
        pytest.skip("it has nothing of the kind")
    rounds, warmup = 2000, 100
    there, back = measured.new_semaphore(), measured.new_semaphore()

    def answer() -> None:
        for value in range(1, rounds + warmup + 1):
            there.wait(value, TIMEOUT)
            back.signal(value)

    values = count(1)

    def ask() -> None:
        value = next(values)
        there.signal(value)
        back.wait(value, TIMEOUT)

    thread = threading.Thread(target=answer)
    thread.start()
    benchmark.pedantic(ask, rounds=rounds, warmup_rounds=warmup)
    thread.join()
    there.release()
    back.release()
    meter.note(BETWEEN_THREADS, subject, measured, benchmark)
