"""hipError_t values, and what each means; from HIP's "Error codes"."""

from __future__ import annotations

from cts.hal import StatusCode

NO_DEVICE = 100
PEER_ACCESS_ALREADY_ENABLED = 704
NOT_READY = 600
NOT_SUPPORTED = 801

STICKY = frozenset(
    {
        214,  # ECCNotCorrectable
        700,  # IllegalAddress
        702,  # LaunchTimeOut
        709,  # ContextIsDestroyed
        710,  # Assert
        719,  # LaunchFailure
    }
)
"""After one of these the device gives no other code in this process, unless it is reset."""

CODES = {
    1: StatusCode.INVALID_ARGUMENT,  # InvalidValue
    2: StatusCode.RESOURCE_EXHAUSTED,  # OutOfMemory
    3: StatusCode.FAILED_PRECONDITION,  # NotInitialized
    4: StatusCode.FAILED_PRECONDITION,  # Deinitialized
    35: StatusCode.UNAVAILABLE,  # InsufficientDriver
    NO_DEVICE: StatusCode.UNAVAILABLE,
    101: StatusCode.INVALID_ARGUMENT,  # InvalidDevice
    200: StatusCode.INVALID_ARGUMENT,  # InvalidImage
    209: StatusCode.INCOMPATIBLE,  # NoBinaryForGpu
    217: StatusCode.INCOMPATIBLE,  # PeerAccessUnsupported
    218: StatusCode.INVALID_ARGUMENT,  # InvalidKernelFile
    400: StatusCode.INVALID_ARGUMENT,  # InvalidHandle
    500: StatusCode.NOT_FOUND,  # NotFound
    701: StatusCode.RESOURCE_EXHAUSTED,  # LaunchOutOfResources
    NOT_SUPPORTED: StatusCode.UNIMPLEMENTED,
    999: StatusCode.UNKNOWN,  # Unknown
}
