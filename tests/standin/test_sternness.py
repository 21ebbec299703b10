"""A stand-in forgives no more than a device does: what a driver must not do ends its process, or is
refused with the vendor's code."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from . import StandIn

pytest.importorskip("cuda.bindings")

START = """
import ctypes
from cuda.bindings import driver as cu
def ok(answer):
    assert not int(answer[0]), answer
    return answer[1] if len(answer) == 2 else answer[1:]
ok(cu.cuInit(0))
ok(cu.cuCtxSetCurrent(ok(cu.cuDevicePrimaryCtxRetain(0))))
stream, memory = ok(cu.cuStreamCreate(1)), int(ok(cu.cuMemAlloc(4096)))
PTX = b".version 7.0\\n.target sm_52\\n.visible .entry count(.param .u64 p) { ret; }\\0"
function = ok(cu.cuModuleGetFunction(ok(cu.cuModuleLoadData(PTX)), b"count"))
def count(address, groups):
    size = groups, 1, 1, 1, 1, 1, 0
    ok(cu.cuLaunchKernel(function, *size, stream, ((address,), (ctypes.c_void_p,)), 0))
    return int(cu.cuStreamSynchronize(stream)[0])
"""
INVALID_VALUE, ILLEGAL_ADDRESS, MISALIGNED_ADDRESS = 1, 700, 716


def run(stand_in: StandIn, code: str) -> subprocess.CompletedProcess[str]:
    """A process that runs code after `START`."""
    return subprocess.run(
        [sys.executable, "-c", START + code],
        env=stand_in.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_host_cannot_touch_device_memory(stand_in: StandIn) -> None:
    done = run(stand_in, "ctypes.memset(memory, 0, 1)")
    assert done.returncode == -signal.SIGSEGV


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("int(cu.cuMemsetD8Async(memory, 1, 4097, stream)[0])", INVALID_VALUE),
        ("int(cu.cuMemFree(memory + 64)[0])", INVALID_VALUE),
        ("count(memory, 1024)", 0),
        ("count(memory, 1025)", ILLEGAL_ADDRESS),
        ("count(memory + 2, 1)", MISALIGNED_ADDRESS),
        ("(count(memory, 1025), int(cu.cuMemAlloc(4096)[0]))[1]", ILLEGAL_ADDRESS),
        ("(int(cu.cuMemFree(memory)[0]), count(memory, 1))[1]", ILLEGAL_ADDRESS),
    ],
)
def test_what_is_wrong_is_refused(stand_in: StandIn, code: str, wanted: int) -> None:
    done = run(stand_in, f"print({code})")
    assert (done.stdout.strip(), done.stderr) == (str(wanted), "")
