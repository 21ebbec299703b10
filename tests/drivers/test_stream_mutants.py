"""The suite over stand-ins with a fault: a call that returns success and does nothing. Each is
found by the cases of an area, or keeps the driver from being tried at all."""

from __future__ import annotations

import pytest

from tests.conftest import RunCts
from tests.standin import StandIn

FILL, COPY, BARRIER = "queue/test_fill.py", "queue/test_copy.py", "queue/test_barrier.py"
DISPATCH, INDIRECT = "dispatch/test_dispatch.py", "dispatch/test_indirect.py"
SHARING, DEALLOCA = "memory/test_sharing.py", "memory/test_queue_dealloca.py"

IDLE = {
    "cuda": {
        "cuMemsetD8Async": FILL,
        "cuMemsetD32Async": FILL,
        "cuMemcpyAsync": COPY,
        "cuStreamWriteValue64": BARRIER,
        "cuStreamWaitValue64": "queue/test_order.py",
        "cuStreamSynchronize": INDIRECT,
        "cuLaunchKernel": DISPATCH,
        "cuMemMap": SHARING,
        "cuMemHostRegister": SHARING,
        "cuMemFreeAsync": DEALLOCA,
        "cuMemFree": "memory/test_lifetime.py",
    },
    "hip": {
        "hipMemsetD8Async": FILL,
        "hipMemcpyAsync": COPY,
        "hipModuleLaunchKernel": DISPATCH,
        "hipMemMap": SHARING,
        "hipFreeAsync": DEALLOCA,
    },
    "amdgpu": {
        "hsa_amd_agents_allow_access": FILL,
        "hsa_amd_memory_lock": SHARING,
        "hsa_amd_interop_map_buffer": SHARING,
        "hsa_amd_memory_pool_free": "memory/test_lifetime.py",
    },
    "metal": {
        "fillBuffer_range_value_": FILL,
        "copyFromBuffer_sourceOffset_toBuffer_destinationOffset_size_": COPY,
        "dispatchThreadgroups_threadsPerThreadgroup_": DISPATCH,
        "encodeWaitForEvent_value_": "queue/test_order.py",
    },
}


@pytest.mark.parametrize(
    ("driver", "call"), [(driver, call) for driver, calls in IDLE.items() for call in calls]
)
def test_a_call_that_does_nothing_is_found(
    cts: RunCts, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, driver: str, call: str
) -> None:
    for variable, value in stand_in.environment(IDLE=call).items():
        monkeypatch.setenv(variable, value)
    area = IDLE[driver][call].removesuffix(".py").replace("/", ".")
    run = cts("--pyargs", f"cts.suites.{area}", f"--driver={driver}", "-x", "--hal-probe=off")
    assert run.ret == 1, run.text
    assert {"fail", "flaky", "crash", "timeout", "blocked"} & {*run.in_order}, run.text
