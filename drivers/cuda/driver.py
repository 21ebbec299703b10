"""Looks for the CUDA driver library, a device, and the Python binding, in this order."""

from __future__ import annotations

import ctypes

from .._availability import FindingDriver, has_package, load_library, native_failure

INSTALL = "install NVIDIA's driver, and pip install 'hal-cts[cuda]'"

# CUresult values that mean absence: the library is a stub for linking, or sees no device.
CUDA_ERROR_STUB_LIBRARY = 34
CUDA_ERROR_NO_DEVICE = 100


class CudaDriver(FindingDriver):
    """Tells whether there is a CUDA device here."""

    name = "cuda"

    def missing(self) -> str | None:
        cuda = load_library("libcuda.so.1", "nvcuda.dll")
        if cuda is None:
            return f"no CUDA driver: libcuda.so.1 cannot be loaded; {INSTALL}"
        code = cuda.cuInit(0)
        if code == CUDA_ERROR_STUB_LIBRARY:
            return f"no CUDA driver: libcuda.so.1 is a stub for linking; {INSTALL}"
        count = ctypes.c_int(0)
        if code not in (0, CUDA_ERROR_NO_DEVICE):
            raise native_failure(self, "cuInit", code)
        if code == 0 and (code := cuda.cuDeviceGetCount(ctypes.byref(count))):
            raise native_failure(self, "cuDeviceGetCount", code)
        if count.value == 0:
            return f"no CUDA device: the driver library is there and sees none; {INSTALL}"
        if not has_package("cuda.bindings"):
            return "no Python binding of CUDA: pip install 'hal-cts[cuda]'"
        return None
