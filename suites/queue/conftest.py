"""What cases of queues get: a route for transfers, a bench of operations, a gate to hold them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cts.hal import Device, Driver
from cts.work_cases.concurrency import Gate
from cts.work_cases.operations import Bench, Route


@pytest.fixture
def route(device: Device, request: pytest.FixtureRequest) -> Iterator[Route]:
    """The route that `by_each_route` names."""
    made: Route = request.param(device)
    yield made
    made.release()


@pytest.fixture
def bench(device: Device) -> Iterator[Bench]:
    """A submission of each kind."""
    made = Bench(device)
    yield made
    made.release()


@pytest.fixture
def gate(device: Device, hal_driver: Driver) -> Iterator[Gate]:
    """A wait list whose timepoint is reached when the case says so."""
    made = Gate(device, hal_driver)
    yield made
    made.release()
