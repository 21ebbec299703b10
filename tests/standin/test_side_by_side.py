"""Both vendors' stand-ins in one process, where each is itself: cuda-bindings loads CUDA's library
for all of the process, as it does NVIDIA's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from . import StandIn

pytest.importorskip("cuda.bindings")
pytest.importorskip("rocm.bindings")

BOTH = """
import ctypes, os
from cuda.bindings import driver as cu
from rocm.bindings import hip
def ok(answer):
    assert not int(answer[0]), answer
    return answer[1]
assert not int(cu.cuInit(0)[0])
assert not int(cu.cuCtxSetCurrent(ok(cu.cuDevicePrimaryCtxRetain(0)))[0])
stream, amds = ok(cu.cuStreamCreate(1)), int(ok(hip.hipMalloc(64)))
print(int(cu.cuMemsetD8Async(amds, 1, 64, stream)[0]))
ctypes.CDLL("libcuda.so.1").hal_cts_stand_in_set(b"cuMemAlloc=2,hipMalloc=2", b"")
print(int(cu.cuMemAlloc(64)[0]), int(hip.hipMalloc(64)[0]))
"""


def test_each_has_memory_and_failures_of_its_own(stand_in: StandIn) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOTH],
        env=stand_in.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.split(), done.stderr) == (["1", "2", "0"], "")
