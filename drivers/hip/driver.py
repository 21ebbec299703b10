"""Looks for the HIP runtime library, a device, and the Python binding, in this order."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

from .. import _code_objects as kernels
from .._availability import has_package, load_library, native_failure
from .._stream.driver import StreamDriver
from .codes import NO_DEVICE

if TYPE_CHECKING:
    from .._stream.calls import StreamCalls

INSTALL = "install ROCm, and pip install 'hal-cts[hip]'"
ROCM_PATH = "ROCM_PATH"
DEFAULT_ROCM_PATH = "/opt/rocm"
MASKS = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")

# Without its -dev package the library has a versioned name only.
LIBRARY_NAMES = ("libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5")


class HipDriver(StreamDriver):
    """AMD's GPUs."""

    name = "hip"
    executable_format = kernels.FORMAT

    def missing(self) -> str | None:
        rocm = os.environ.get(ROCM_PATH, DEFAULT_ROCM_PATH)
        in_rocm = [os.path.join(rocm, "lib", name) for name in LIBRARY_NAMES]
        library = load_library(*in_rocm, *LIBRARY_NAMES)
        if library is None:
            return f"no HIP runtime: libamdhip64.so cannot be loaded; {INSTALL}, or set {ROCM_PATH}"
        count = ctypes.c_int(0)
        code = library.hipGetDeviceCount(ctypes.byref(count))
        if code not in (0, NO_DEVICE):
            raise native_failure(self, "hipGetDeviceCount", code)
        if code or count.value == 0:
            return (
                f"no HIP device: the runtime library is there and sees none{_masked()}; {INSTALL}"
            )
        if not has_package("rocm.bindings.hip"):
            return "no Python binding of HIP: pip install 'hal-cts[hip]'"
        return _unbound()

    def _kernels(self) -> bytes:
        return kernels.conformance_archive()

    def _trap(self) -> bytes:
        return kernels.hsaco()

    def _new_calls(self) -> StreamCalls:
        from .calls import HipCalls

        return HipCalls()


def _unbound() -> str | None:
    """Why the binding does not find the library that was found here, or none."""
    from rocm.bindings import hip

    if hip.has_symbol("hipGetDeviceCount"):
        return None
    return f"the Python binding of HIP finds no libamdhip64.so: set {ROCM_PATH}"


def _masked() -> str:
    """That the environment hides devices, where it does."""
    masks = [f"{name} is {os.environ[name]!r}" for name in MASKS if name in os.environ]
    return f" ({', '.join(masks)})" if masks else ""
