"""How fast drivers work, beside numpy on the same bytes in the same run.

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

from cts.benchmarks.speed_table import NUMPY
from cts.benchmarks.subjects import (
    LARGE,
    SMALL,
    DriverSubject,
    NothingToMeasureError,
    NumpySubject,
    available_drivers,
)
from cts.plugin.options import Options

from .conftest import Meter

TIMEOUT = 10.0
BETWEEN_THREADS = "semaphore: between two threads"


class Measure(NamedTuple):
    """What is measured: an operation of a subject, how often, and the bytes that it moves."""

    rounds: int
    operation: Callable[[Any], Callable[[], None]]
    moved: int | None = None


MEASURES = {
    "semaphore: signal and wait": Measure(5000, lambda subject: subject.signal_and_wait),
    "empty submission": Measure(3000, lambda subject: subject.empty),
    "fill 4 KiB": Measure(3000, lambda subject: subject.fill(SMALL), SMALL),
    "copy 4 KiB": Measure(3000, lambda subject: subject.copy(SMALL), SMALL),
    "fill 64 MiB": Measure(40, lambda subject: subject.fill(LARGE), LARGE),
    "copy 64 MiB": Measure(40, lambda subject: subject.copy(LARGE), LARGE),
    "allocate and free 4 KiB": Measure(5000, lambda subject: subject.allocate),
    "allocate and free 4 KiB in the queue": Measure(
        2000, lambda subject: subject.allocate_in_order
    ),
    "record and execute 10 fills of 4 KiB": Measure(
        1000, lambda subject: subject.record_and_execute(10)
    ),
    "execute 10 recorded fills of 4 KiB": Measure(2000, lambda subject: subject.execute_again(10)),
    "dispatch 1,024 workgroups": Measure(2000, lambda subject: subject.dispatch()),
    "group of two": Measure(300, lambda subject: subject.form_group),
}
NUMPYS_OWN = ("fill 4 KiB", "fill 64 MiB", "copy 4 KiB", "copy 64 MiB", "allocate and free 4 KiB")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each measure of every subject in turn, so that the ratios are of one moment."""
    if "measure" in metafunc.fixturenames:
        metafunc.parametrize("measure", MEASURES)
    if "subject" in metafunc.fixturenames:
        drivers = Options.of(metafunc.config).drivers or available_drivers()
        metafunc.parametrize("subject", [NUMPY, *drivers])


@pytest.fixture(scope="module")
def subjects() -> Iterator[dict[str, Any]]:
    """Those that were measured so far, by name: each is made once."""
    made: dict[str, Any] = {}
    yield made
    for subject in made.values():
        subject.release()


@pytest.fixture
def measured(subject: str, subjects: dict[str, Any]) -> Any:
    """The subject of that name."""
    if subject not in subjects:
        subjects[subject] = NumpySubject() if subject == NUMPY else DriverSubject(subject)
    return subjects[subject]


def test_speed(benchmark: Any, measured: Any, subject: str, measure: str, meter: Meter) -> None:
    """Takes one measure of one subject."""
    if subject == NUMPY and measure not in NUMPYS_OWN:
        pytest.skip("numpy has nothing of the kind")
    rounds, operation, moved = MEASURES[measure]
    try:
        run = operation(measured)
    except NothingToMeasureError as error:
        pytest.skip(str(error))
    benchmark.group = measure
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=max(rounds // 20, 3))
    meter.note(measure, subject, benchmark, moved)


@pytest.mark.benchmark(group=BETWEEN_THREADS)
def test_speed_between_two_threads(
    benchmark: Any, measured: Any, subject: str, meter: Meter
) -> None:
    """One thread signals, another one answers on a second semaphore: there and back."""
    if subject == NUMPY:
        pytest.skip("numpy has nothing of the kind")
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
    meter.note(BETWEEN_THREADS, subject, benchmark)
