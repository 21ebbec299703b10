"""CUresult values, and what each means; from CUDA's driver API reference, "CUresult"."""

from __future__ import annotations

from cts.hal import StatusCode

STUB_LIBRARY = 34
NO_DEVICE = 100
PEER_ACCESS_ALREADY_ENABLED = 704
NOT_SUPPORTED = 801
DRIVER_MISMATCH = 803

STICKY = frozenset(
    {
        214,  # ECC_UNCORRECTABLE
        220,  # NVLINK_UNCORRECTABLE
        700,  # ILLEGAL_ADDRESS
        702,  # LAUNCH_TIMEOUT
        709,  # CONTEXT_IS_DESTROYED
        710,  # ASSERT
        714,  # HARDWARE_STACK_ERROR
        715,  # ILLEGAL_INSTRUCTION
        716,  # MISALIGNED_ADDRESS
        717,  # INVALID_ADDRESS_SPACE
        718,  # INVALID_PC
        719,  # LAUNCH_FAILED
    }
)
"""After one of these the context gives no other code: a new process, or a reset, goes on."""

CODES = {
    1: StatusCode.INVALID_ARGUMENT,  # INVALID_VALUE
    2: StatusCode.RESOURCE_EXHAUSTED,  # OUT_OF_MEMORY
    3: StatusCode.FAILED_PRECONDITION,  # NOT_INITIALIZED: as in a forked child
    4: StatusCode.FAILED_PRECONDITION,  # DEINITIALIZED
    STUB_LIBRARY: StatusCode.UNAVAILABLE,
    46: StatusCode.UNAVAILABLE,  # DEVICE_UNAVAILABLE: somebody has it alone
    NO_DEVICE: StatusCode.UNAVAILABLE,
    101: StatusCode.INVALID_ARGUMENT,  # INVALID_DEVICE
    200: StatusCode.INVALID_ARGUMENT,  # INVALID_IMAGE
    209: StatusCode.INCOMPATIBLE,  # NO_BINARY_FOR_GPU
    217: StatusCode.INCOMPATIBLE,  # PEER_ACCESS_UNSUPPORTED
    218: StatusCode.INVALID_ARGUMENT,  # INVALID_PTX
    221: StatusCode.UNAVAILABLE,  # JIT_COMPILER_NOT_FOUND
    222: StatusCode.INCOMPATIBLE,  # UNSUPPORTED_PTX_VERSION
    400: StatusCode.INVALID_ARGUMENT,  # INVALID_HANDLE
    500: StatusCode.NOT_FOUND,  # NOT_FOUND
    701: StatusCode.RESOURCE_EXHAUSTED,  # LAUNCH_OUT_OF_RESOURCES
    800: StatusCode.PERMISSION_DENIED,  # NOT_PERMITTED
    NOT_SUPPORTED: StatusCode.UNIMPLEMENTED,
    802: StatusCode.UNAVAILABLE,  # SYSTEM_NOT_READY
    DRIVER_MISMATCH: StatusCode.UNAVAILABLE,
    999: StatusCode.UNKNOWN,  # UNKNOWN
}
