"""Looks for the HSA runtime library and for a GPU among its agents."""

from __future__ import annotations

import ctypes
from ctypes import CFUNCTYPE, byref, c_int, c_uint32, c_uint64, c_void_p

from .._availability import FindingDriver, load_library, native_failure

INSTALL = "install ROCm (on Debian: apt install libhsa-runtime64-1) and the amdgpu kernel driver"

# hsa_status_t: what hsa_init answers where the kernel driver is not there.
HSA_STATUS_ERROR_OUT_OF_RESOURCES = 0x1008
HSA_AGENT_INFO_DEVICE = 17
HSA_DEVICE_TYPE_GPU = 1

_VisitAgent = CFUNCTYPE(c_int, c_uint64, c_void_p)  # hsa_agent_t is one 64-bit handle


class AmdgpuDriver(FindingDriver):
    """Tells whether there is a GPU that the HSA runtime drives."""

    name = "amdgpu"

    def missing(self) -> str | None:
        hsa = load_library("libhsa-runtime64.so.1")
        if hsa is None:
            return f"no HSA runtime: libhsa-runtime64.so.1 cannot be loaded; {INSTALL}"
        code = hsa.hsa_init()
        if code == HSA_STATUS_ERROR_OUT_OF_RESOURCES:
            return f"no HSA device: the runtime finds no kernel driver; {INSTALL}"
        if code:
            raise native_failure(self, "hsa_init", code)
        try:
            gpus = self._count_gpus(hsa)
        finally:
            hsa.hsa_shut_down()
        return None if gpus else f"no HSA device: there is no GPU among the agents; {INSTALL}"

    def _count_gpus(self, hsa: ctypes.CDLL) -> int:
        hsa.hsa_agent_get_info.argtypes = [c_uint64, c_int, c_void_p]
        hsa.hsa_iterate_agents.argtypes = [_VisitAgent, c_void_p]
        kinds: list[int] = []

        def visit(agent: int, _data: int | None) -> int:
            kind = c_uint32(0)
            code: int = hsa.hsa_agent_get_info(agent, HSA_AGENT_INFO_DEVICE, byref(kind))
            kinds.append(kind.value)
            return code

        code = hsa.hsa_iterate_agents(_VisitAgent(visit), None)
        if code:
            raise native_failure(self, "hsa_iterate_agents", code)
        return kinds.count(HSA_DEVICE_TYPE_GPU)
