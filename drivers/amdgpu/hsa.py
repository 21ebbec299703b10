"""The HSA runtime's functions, as they are declared: names, arguments, numbers, structures.

From HSA's Runtime Programmer's Reference Manual 1.2 and ROCr's ``hsa_ext_amd.h``. A handle is a
structure of one 64-bit number, which the calling conventions of x86-64 and AArch64 pass as that
number. A function that the library lacks is no fault before it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    byref,
    c_bool,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

from .._stream.calls import NativeError
from .codes import HSA_STATUS_ERROR, name_of

LIBRARY = "libhsa-runtime64.so.1"

Status = c_uint32
Handle = c_uint64
"""hsa_agent_t, hsa_signal_t, and all the other handles."""

Visit = CFUNCTYPE(Status, Handle, c_void_p)
QueueFailed = CFUNCTYPE(None, Status, c_void_p, c_void_p)
EventHappened = CFUNCTYPE(Status, c_void_p, c_void_p)

# -- numbers ------------------------------------------------------------------------------------

SYSTEM_INFO_VERSION_MAJOR, SYSTEM_INFO_VERSION_MINOR = 0, 1
AMD_SYSTEM_INFO_SVM_ACCESSIBLE_BY_DEFAULT = 0x202
AMD_SYSTEM_INFO_DMABUF_SUPPORTED = 0x204

AGENT_INFO_NODE, AGENT_INFO_DEVICE = 16, 17
AGENT_INFO_WORKGROUP_MAX_SIZE, AGENT_INFO_GRID_MAX_DIM = 8, 9
AGENT_INFO_QUEUE_MAX_SIZE = 14
AMD_AGENT_INFO_COMPUTE_UNIT_COUNT = 0xA002
AMD_AGENT_INFO_BDFID, AMD_AGENT_INFO_DOMAIN = 0xA006, 0xA00F
AMD_AGENT_INFO_PRODUCT_NAME, AMD_AGENT_INFO_UUID = 0xA009, 0xA011
AMD_AGENT_INFO_NEAREST_CPU = 0xA113
DEVICE_TYPE_CPU, DEVICE_TYPE_GPU = 0, 1
ISA_INFO_NAME_LENGTH, ISA_INFO_NAME = 0, 1

AMD_SEGMENT_GLOBAL = 0
AMD_MEMORY_POOL_INFO_SEGMENT, AMD_MEMORY_POOL_INFO_GLOBAL_FLAGS = 0, 1
AMD_MEMORY_POOL_INFO_SIZE, AMD_MEMORY_POOL_INFO_RUNTIME_ALLOC_ALLOWED = 2, 5
AMD_MEMORY_POOL_GLOBAL_FLAG_KERNARG_INIT = 1
AMD_MEMORY_POOL_GLOBAL_FLAG_FINE_GRAINED = 2
AMD_MEMORY_POOL_GLOBAL_FLAG_COARSE_GRAINED = 4
AMD_AGENT_MEMORY_POOL_INFO_ACCESS, AMD_MEMORY_POOL_ACCESS_NEVER_ALLOWED = 0, 0
AMD_AGENT_MEMORY_POOL_INFO_NUM_LINK_HOPS, AMD_AGENT_MEMORY_POOL_INFO_LINK_INFO = 1, 2
AMD_LINK_INFO_TYPE_HYPERTRANSPORT, AMD_LINK_INFO_TYPE_QPI, AMD_LINK_INFO_TYPE_PCIE = 0, 1, 2
AMD_LINK_INFO_TYPE_INFINBAND, AMD_LINK_INFO_TYPE_XGMI = 3, 4

AMD_SIGNAL_AMD_GPU_ONLY = 1
SIGNAL_CONDITION_GTE = 3
QUEUE_TYPE_MULTI = 0
PACKET_TYPE_VENDOR_SPECIFIC, PACKET_TYPE_KERNEL_DISPATCH, PACKET_TYPE_BARRIER_AND = 0, 2, 3
AMD_PACKET_TYPE_BARRIER_VALUE = 2
PACKET_HEADER_BARRIER = 8
PACKET_HEADER_SCACQUIRE_FENCE_SCOPE, PACKET_HEADER_SCRELEASE_FENCE_SCOPE = 9, 11
FENCE_SCOPE_SYSTEM = 2

PROFILE_FULL, DEFAULT_FLOAT_ROUNDING_MODE_DEFAULT = 1, 0
EXECUTABLE_SYMBOL_INFO_KERNEL_OBJECT = 22
EXECUTABLE_SYMBOL_INFO_KERNEL_KERNARG_SEGMENT_SIZE = 11
EXECUTABLE_SYMBOL_INFO_KERNEL_GROUP_SEGMENT_SIZE = 13
EXECUTABLE_SYMBOL_INFO_KERNEL_PRIVATE_SEGMENT_SIZE = 14

AMD_GPU_MEMORY_FAULT_EVENT = 0

# -- structures ---------------------------------------------------------------------------------


class Queue(Structure):
    """hsa_queue_t"""

    _fields_ = (
        ("type", c_uint32),
        ("features", c_uint32),
        ("base_address", c_void_p),
        ("doorbell_signal", Handle),
        ("size", c_uint32),
        ("reserved1", c_uint32),
        ("id", c_uint64),
    )


class LinkInfo(Structure):
    """hsa_amd_memory_pool_link_info_t, of one hop"""

    _fields_ = (
        ("min_latency", c_uint32),
        ("max_latency", c_uint32),
        ("min_bandwidth", c_uint32),
        ("max_bandwidth", c_uint32),
        ("atomic_support_32bit", c_bool),
        ("atomic_support_64bit", c_bool),
        ("coherent_support", c_bool),
        ("link_type", c_uint32),
        ("numa_distance", c_uint32),
    )


class MemoryFault(Structure):
    """hsa_amd_event_t, of a memory fault"""

    _fields_ = (
        ("event_type", c_uint32),
        ("agent", Handle),
        ("virtual_address", c_uint64),
        ("fault_reason_mask", c_uint32),
    )


class KernelDispatch(Structure):
    """hsa_kernel_dispatch_packet_t"""

    _fields_ = (
        ("header", c_uint16),
        ("setup", c_uint16),
        ("workgroup_size_x", c_uint16),
        ("workgroup_size_y", c_uint16),
        ("workgroup_size_z", c_uint16),
        ("reserved0", c_uint16),
        ("grid_size_x", c_uint32),
        ("grid_size_y", c_uint32),
        ("grid_size_z", c_uint32),
        ("private_segment_size", c_uint32),
        ("group_segment_size", c_uint32),
        ("kernel_object", c_uint64),
        ("kernarg_address", c_void_p),
        ("reserved2", c_uint64),
        ("completion_signal", Handle),
    )


class BarrierAnd(Structure):
    """hsa_barrier_and_packet_t"""

    _fields_ = (
        ("header", c_uint16),
        ("reserved0", c_uint16),
        ("reserved1", c_uint32),
        ("dep_signal", Handle * 5),
        ("reserved2", c_uint64),
        ("completion_signal", Handle),
    )


class BarrierValue(Structure):
    """hsa_amd_barrier_value_packet_t; its header is of three fields, one after the other"""

    _fields_ = (
        ("header", c_uint16),
        ("amd_format", c_uint8),
        ("reserved", c_uint8),
        ("reserved0", c_uint32),
        ("signal", Handle),
        ("value", c_int64),
        ("mask", c_int64),
        ("cond", c_uint32),
        ("reserved1", c_uint32),
        ("reserved2", c_uint64),
        ("reserved3", c_uint64),
        ("completion_signal", Handle),
    )


# -- functions ----------------------------------------------------------------------------------

_Out = POINTER(Handle)
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "hsa_init": (Status, ()),
    "hsa_shut_down": (Status, ()),
    "hsa_system_get_info": (Status, (c_uint32, c_void_p)),
    "hsa_iterate_agents": (Status, (Visit, c_void_p)),
    "hsa_agent_get_info": (Status, (Handle, c_uint32, c_void_p)),
    "hsa_agent_iterate_isas": (Status, (Handle, Visit, c_void_p)),
    "hsa_isa_get_info_alt": (Status, (Handle, c_uint32, c_void_p)),
    "hsa_amd_agent_iterate_memory_pools": (Status, (Handle, Visit, c_void_p)),
    "hsa_amd_memory_pool_get_info": (Status, (Handle, c_uint32, c_void_p)),
    "hsa_amd_agent_memory_pool_get_info": (Status, (Handle, Handle, c_uint32, c_void_p)),
    "hsa_amd_register_system_event_handler": (Status, (EventHappened, c_void_p)),
    "hsa_amd_memory_pool_allocate": (Status, (Handle, c_size_t, c_uint32, POINTER(c_void_p))),
    "hsa_amd_memory_pool_free": (Status, (c_void_p,)),
    "hsa_amd_agents_allow_access": (Status, (c_uint32, POINTER(Handle), c_void_p, c_void_p)),
    "hsa_amd_memory_lock": (
        Status,
        (c_void_p, c_size_t, POINTER(Handle), c_int, POINTER(c_void_p)),
    ),
    "hsa_amd_memory_unlock": (Status, (c_void_p,)),
    "hsa_amd_memory_async_copy": (
        Status,
        (c_void_p, Handle, c_void_p, Handle, c_size_t, c_uint32, POINTER(Handle), Handle),
    ),
    "hsa_amd_signal_create": (Status, (c_int64, c_uint32, POINTER(Handle), c_uint64, _Out)),
    "hsa_amd_signal_value_pointer": (Status, (Handle, POINTER(c_void_p))),
    "hsa_signal_destroy": (Status, (Handle,)),
    "hsa_signal_store_screlease": (None, (Handle, c_int64)),
    "hsa_queue_create": (
        Status,
        (
            *(Handle, c_uint32, c_uint32, QueueFailed, c_void_p, c_uint32, c_uint32),
            POINTER(POINTER(Queue)),
        ),
    ),
    "hsa_queue_destroy": (Status, (POINTER(Queue),)),
    "hsa_queue_add_write_index_screlease": (c_uint64, (POINTER(Queue), c_uint64)),
    "hsa_code_object_reader_create_from_memory": (Status, (c_char_p, c_size_t, _Out)),
    "hsa_code_object_reader_destroy": (Status, (Handle,)),
    "hsa_executable_create_alt": (Status, (c_uint32, c_uint32, c_char_p, _Out)),
    "hsa_executable_load_agent_code_object": (Status, (Handle, Handle, Handle, c_char_p, _Out)),
    "hsa_executable_freeze": (Status, (Handle, c_char_p)),
    "hsa_executable_destroy": (Status, (Handle,)),
    "hsa_executable_get_symbol_by_name": (Status, (Handle, c_char_p, POINTER(Handle), _Out)),
    "hsa_executable_symbol_get_info": (Status, (Handle, c_uint32, c_void_p)),
    "hsa_amd_portable_export_dmabuf": (
        Status,
        (c_void_p, c_size_t, POINTER(c_int), POINTER(c_uint64)),
    ),
    "hsa_amd_interop_map_buffer": (
        Status,
        (
            *(c_uint32, POINTER(Handle), c_int, c_uint32, POINTER(c_size_t), POINTER(c_void_p)),
            *(POINTER(c_size_t), POINTER(c_void_p)),
        ),
    ),
    "hsa_amd_interop_unmap_buffer": (Status, (c_void_p,)),
}
"""What each gives, and takes."""

OPTIONAL = frozenset(
    {
        "hsa_amd_interop_map_buffer",
        "hsa_amd_interop_unmap_buffer",
        "hsa_amd_portable_export_dmabuf",
        "hsa_amd_register_system_event_handler",
    }
)
"""Functions that a library may lack: what they are for is not claimed then."""


class Hsa:
    """A library's functions.

    Attributes
    ----------
    lacking : names of those that it does not have.
    """

    def __init__(self, library: Any) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        for name, (result, arguments) in FUNCTIONS.items():
            function = getattr(library, name, None)
            if function is not None:
                function.restype, function.argtypes = result, list(arguments)
                self._functions[name] = function
        self.lacking = FUNCTIONS.keys() - self._functions.keys()
        self.is_stand_in = hasattr(library, "hal_cts_stand_in")

    def call(self, name: str, *arguments: Any) -> None:
        """A function that gives a status. Raises `NativeError` for any but success."""
        status = self.value_of(name, *arguments)
        if status:
            raise NativeError(name, status, name_of(status))

    def value_of(self, name: str, *arguments: Any) -> Any:
        """What a function gives."""
        try:
            function = self._functions[name]
        except KeyError:
            lacking = f"{name_of(HSA_STATUS_ERROR)}: the library has no such function"
            raise NativeError(name, HSA_STATUS_ERROR, lacking) from None
        return function(*arguments)

    def get(self, name: str, *arguments: Any, kind: Any = c_uint32) -> Any:
        """What a function of information writes, by its ctypes type."""
        written = kind()
        self.call(name, *arguments, byref(written))
        return getattr(written, "value", written)

    def visited(self, name: str, *arguments: Any) -> list[int]:
        """What an iteration visits."""
        found: list[int] = []

        def visit(handle: int, _: object) -> int:
            found.append(handle)
            return 0

        self.call(name, *arguments, Visit(visit), None)
        return found


def handles(values: list[int]) -> Any:
    """An array of handles."""
    return (Handle * len(values))(*values)
