"""Looks for the HIP runtime library, a device, and the Python binding, in this order."""

from __future__ import annotations

import ctypes
import os

from .._availability import FindingDriver, has_package, load_library, native_failure

INSTALL = "install ROCm, and pip install 'hal-cts[hip]'"
ROCM_PATH = "ROCM_PATH"
DEFAULT_ROCM_PATH = "/opt/rocm"

# Without its -dev package the library has a versioned name only.
LIBRARY_NAMES = ("libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5")

# hipError_t values that mean that there is no device.
HIP_ERROR_NO_DEVICE = 100


class HipDriver(FindingDriver):
    """Tells whether there is a HIP device here."""

    name = "hip"

    def missing(self) -> str | None:
        rocm = os.environ.get(ROCM_PATH, DEFAULT_ROCM_PATH)
        in_rocm = [os.path.join(rocm, "lib", name) for name in LIBRARY_NAMES]
        hip = load_library(*in_rocm, *LIBRARY_NAMES)
        if hip is None:
            return f"no HIP runtime: libamdhip64.so cannot be loaded; {INSTALL}, or set {ROCM_PATH}"
        count = ctypes.c_int(0)
        code = hip.hipGetDeviceCount(ctypes.byref(count))
        if code not in (0, HIP_ERROR_NO_DEVICE):
            raise native_failure(self, "hipGetDeviceCount", code)
        if code or count.value == 0:
            return f"no HIP device: the runtime library is there and sees none; {INSTALL}"
        if not has_package("rocm.bindings.hip"):
            return "no Python binding of HIP: pip install 'hal-cts[hip]'"
        return None
