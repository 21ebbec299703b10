"""An honest driver with a limit, and that says so, passes the suite."""

from __future__ import annotations

import pytest

from tests.outside_drivers import driver_source

from .conftest import CtsRun, OutsideDriver, RunCts

LIMITED = """
    import dataclasses
    from itertools import count

    from cts.drivers.local_task.device import LocalTaskDevice
    from cts.drivers.local_task.driver import LocalTaskDriver
    from cts.drivers.local_task.sharing import SharingAllocator
    from cts.hal import HalError, StatusCode

    ALIGNMENT = 64
    LARGEST = 1 << 40
    numbers = count()

    class Allocator(SharingAllocator):
        def _make(self, device, wanted):
            operation = "Allocator.allocate"
            if wanted.export_types.bit_count() > 1:
                raise HalError(StatusCode.INCOMPATIBLE, operation, "one kind of handle at a time")
            if wanted.size > LARGEST:
                raise HalError(StatusCode.RESOURCE_EXHAUSTED, operation, f"{LARGEST} at most")
            return super()._make(device, wanted)

    class OutsideDevice(LocalTaskDevice):
        driver_name = "outside"

        def __init__(self, identifier, properties):
            super().__init__(identifier, properties)
            made = self._maker._bindings

            def bindings(operation, *asked):
                regions = made(operation, *asked)
                if any(region.start % ALIGNMENT for region in regions):
                    raise HalError(StatusCode.INVALID_ARGUMENT, operation, f"not at {ALIGNMENT}s")
                return regions

            self._maker._bindings = bindings

        def _make_allocator(self):
            return Allocator(self)

    class OutsideDriver(LocalTaskDriver):
        name = "outside"
        native = True
        properties = dataclasses.replace(
            LocalTaskDriver.properties, binding_alignment=ALIGNMENT, max_allocation=LARGEST
        )

        def create_device(self, info=None):
            self.resolve(info)
            return OutsideDevice(f"outside:{next(numbers)}", self.properties)

        def provoke_loss(self, device):
            device.loss.lose("Driver.provoke_loss", native_code=-4)
"""
"""local-task over a native library, as it were: with aligned bindings, a largest allocation, memory
of one kind of handle at a time, and losses that have a native code."""


def wrong(run: CtsRun) -> list[tuple[str, str, str]]:
    """Cases that have not passed, of those that apply."""
    return [
        (case.case, case.outcome, case.message)
        for case in run.cases
        if case.outcome not in ("pass", "unsupported")
    ]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_few_devices_are_enough(cts: RunCts, outside_driver: OutsideDriver, most: int) -> None:
    outside_driver(driver_source(properties=f"work=False, max_devices={most}"))
    run = cts("--pyargs", "cts.suites", "--driver=outside")
    assert wrong(run) == []
    assert run.ret == 0


def test_limits_of_work_are_kept_to(cts: RunCts, outside_driver: OutsideDriver) -> None:
    """With every case that looks at one of them."""
    outside_driver(LIMITED)
    run = cts("--pyargs", "cts.suites", "--driver=outside", "-k", " or ".join(AREAS))
    assert wrong(run) == []
    assert run.ret == 0
    outcomes = run.outcomes()
    assert [outcomes[case] for case in LOOKED_AT] == ["pass"] * len(LOOKED_AT)


AREAS = ("stubs", "memory", "dispatch", "test_binding_table")
LOOKED_AT = (
    "dispatch/test_arguments::test_a_range_at_an_offset_that_the_driver_does_not_take",
    "dispatch/test_dispatch::test_bindings_start_at_their_offsets[1]",
    "memory/test_sharing::test_one_is_exported_in_every_way_claimed",
    "stubs/test_errors::test_a_native_code_is_kept",
)
