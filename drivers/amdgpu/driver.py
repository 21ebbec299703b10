"""Looks for the HSA runtime library and for a GPU among its agents."""

from __future__ import annotations

import ctypes
import os
from ctypes import CFUNCTYPE, byref, c_int, c_uint32, c_uint64, c_void_p
from typing import TYPE_CHECKING

from .. import _code_objects
from .._availability import load_library, native_failure
from .._stream.driver import StreamDriver
from .codes import OUT_OF_RESOURCES

if TYPE_CHECKING:
    from .._stream.calls import StreamCalls

LIBRARY = "libhsa-runtime64.so.1"
INSTALL = "install ROCm (on Debian: apt install libhsa-runtime64-1) and the amdgpu kernel driver"
MASK = "ROCR_VISIBLE_DEVICES"
KERNEL_DRIVER = "/dev/kfd"

AGENT_INFO_DEVICE, DEVICE_TYPE_GPU = 17, 1

_VisitAgent = CFUNCTYPE(c_int, c_uint64, c_void_p)  # hsa_agent_t is one 64-bit handle


class AmdgpuDriver(StreamDriver):
    """AMD's GPUs, without HIP."""

    name = "amdgpu"
    executable_format = _code_objects.FORMAT

    def missing(self) -> str | None:
        hsa = load_library(LIBRARY)
        if hsa is None:
            return f"no HSA runtime: {LIBRARY} cannot be loaded; {INSTALL}"
        code = hsa.hsa_init()
        if code == OUT_OF_RESOURCES:
            return f"no HSA device: {_no_kernel_driver()}; {INSTALL}"
        if code:
            raise native_failure(self, "hsa_init", code)
        try:
            gpus = self._count_gpus(hsa)
        finally:
            hsa.hsa_shut_down()
        if gpus:
            return None
        return f"no HSA device: there is no GPU among the agents{_masked()}; {INSTALL}"

    def _count_gpus(self, hsa: ctypes.CDLL) -> int:
        hsa.hsa_agent_get_info.argtypes = [c_uint64, c_int, c_void_p]
        hsa.hsa_iterate_agents.argtypes = [_VisitAgent, c_void_p]
        kinds: list[int] = []

        def visit(agent: int, _data: int | None) -> int:
            kind = c_uint32(0)
            code: int = hsa.hsa_agent_get_info(agent, AGENT_INFO_DEVICE, byref(kind))
            kinds.append(kind.value)
            return code

        code = hsa.hsa_iterate_agents(_VisitAgent(visit), None)
        if code:
            raise native_failure(self, "hsa_iterate_agents", code)
        return kinds.count(DEVICE_TYPE_GPU)

    def _kernels(self) -> bytes:
        return _code_objects.conformance_archive()

    def _trap(self) -> bytes:
        return _code_objects.hsaco()

    def _new_calls(self) -> StreamCalls:
        from .calls import HsaCalls

        return HsaCalls(ctypes.CDLL(LIBRARY))


def _no_kernel_driver() -> str:
    if os.path.exists(KERNEL_DRIVER):
        return f"the runtime cannot use {KERNEL_DRIVER}, the kernel driver"
    return "the runtime finds no kernel driver"


def _masked() -> str:
    """That the environment hides devices, where it does."""
    mask = os.environ.get(MASK)
    return "" if mask is None else f" ({MASK} is {mask!r})"
