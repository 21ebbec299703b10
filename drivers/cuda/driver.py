"""Looks for the CUDA driver library, a device, and the Python binding, in this order."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from .._availability import has_package, load_library, native_failure
from .._stream.driver import StreamDriver
from . import kernels
from .codes import NO_DEVICE, STUB_LIBRARY

if TYPE_CHECKING:
    from .._stream.calls import StreamCalls

INSTALL = "install NVIDIA's driver, and pip install 'hal-cts[cuda]'"
MASK = "CUDA_VISIBLE_DEVICES"


class CudaDriver(StreamDriver):
    """NVIDIA's GPUs."""

    name = "cuda"
    executable_format = kernels.FORMAT

    def missing(self) -> str | None:
        cuda = load_library("libcuda.so.1", "nvcuda.dll")
        if cuda is None:
            return f"no CUDA driver: libcuda.so.1 cannot be loaded; {INSTALL}"
        code = cuda.cuInit(0)
        if code == STUB_LIBRARY:
            return f"no CUDA driver: libcuda.so.1 is a stub for linking; {INSTALL}"
        count = ctypes.c_int(0)
        if code not in (0, NO_DEVICE):
            raise native_failure(self, "cuInit", code)
        if code == 0 and (code := cuda.cuDeviceGetCount(ctypes.byref(count))):
            raise native_failure(self, "cuDeviceGetCount", code)
        if count.value == 0:
            return (
                f"no CUDA device: the driver library is there and sees none{_masked()}; {INSTALL}"
            )
        if not has_package("cuda.bindings"):
            return "no Python binding of CUDA: pip install 'hal-cts[cuda]'"
        return None

    def _kernels(self) -> bytes:
        return kernels.conformance_archive()

    def _trap(self) -> bytes:
        return kernels.trap_ptx()

    def _new_calls(self) -> StreamCalls:
        from .calls import CudaCalls

        return CudaCalls()


def _masked() -> str:
    """That the environment hides devices, where it does."""
    mask = os.environ.get(MASK)
    return "" if mask is None else f" ({MASK} is {mask!r})"
