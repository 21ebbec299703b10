"""What a device says of itself when a device group asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from .status import HalError, StatusCode


class DeviceCapability(IntFlag):
    """Capability flags of a device; an edge's flags (`EdgeFlag`) are numbered otherwise."""

    TIMELINE_SEMAPHORES = 1 << 0
    UNIFIED_MEMORY = 1 << 1
    HOST_COHERENT = 1 << 2
    PEER_COHERENT = 1 << 3
    P2P_COPY = 1 << 4
    HOST_ZERO_COPY_OK = 1 << 5
    CONCURRENT_SAFE = 1 << 6
    ATOMIC_SCOPE_DEVICE = 1 << 7
    ATOMIC_SCOPE_SYSTEM = 1 << 8
    ISOLATED = 1 << 9
    PEER_ADDRESSABLE = 1 << 10
    SHARED_VIRTUAL_ADDRESS = 1 << 11


class HandleType(IntFlag):
    """Kinds of handle through which buffers and semaphores can be shared."""

    NATIVE = 1 << 0
    OPAQUE_FD = 1 << 1
    OPAQUE_WIN32 = 1 << 2
    DMA_BUF = 1 << 3
    RDMA_MR = 1 << 4
    SHM = 1 << 5
    METAL_IOSURFACE = 1 << 6
    ANDROID_HARDWARE_BUFFER = 1 << 7


_NO_FLAGS = DeviceCapability(0)
_NO_HANDLES = HandleType(0)

MAX_NUMA_NODE = 255
UUID_LENGTH = 16

_NO_UUID = bytes(UUID_LENGTH)

_UNDEFINED_BITS = {
    "flags": ~int(sum(DeviceCapability)),
    "semaphore_export_types": ~int(sum(HandleType)),
    "semaphore_import_types": ~int(sum(HandleType)),
    "buffer_export_types": ~int(sum(HandleType)),
    "buffer_import_types": ~int(sum(HandleType)),
}


@dataclass(frozen=True, kw_only=True)
class DeviceCapabilities:
    """An immutable value; empty capabilities say that there is nothing to report.

    The constructor takes what a driver says as it is; `check` tells whether it is well formed,
    and a device group refuses what is not.
    """

    flags: DeviceCapability = _NO_FLAGS
    semaphore_export_types: HandleType = _NO_HANDLES
    semaphore_import_types: HandleType = _NO_HANDLES
    buffer_export_types: HandleType = _NO_HANDLES
    buffer_import_types: HandleType = _NO_HANDLES
    numa_node: int = 0
    """0 to 255; 0 where the platform has no NUMA."""
    physical_device_uuid: bytes | None = None
    """16 bytes that are equal for logical devices of one physical device, or none."""
    driver_device_handle: int = 0
    """Equal and not 0 for devices that use each other's objects with no import, and that are lost
    together; 0 = not set."""
    device_group_index: int | None = None
    """The device's index in a group that the vendor's driver itself forms, if any."""

    def check(self) -> None:
        """Raises INVALID_ARGUMENT naming the first field that is malformed."""
        for field, undefined in _UNDEFINED_BITS.items():
            value = getattr(self, field)
            if not isinstance(value, int) or value.real & undefined:  # flags' own & is slow
                raise _malformed(field, value, f"only the bits {~undefined:#x} are defined")
        node = self.numa_node
        if not isinstance(node, int) or not 0 <= node <= MAX_NUMA_NODE:
            raise _malformed("numa_node", node, f"it is 0 to {MAX_NUMA_NODE}")
        uuid = self.physical_device_uuid
        if uuid is not None and (not isinstance(uuid, bytes) or len(uuid) != UUID_LENGTH):
            raise _malformed("physical_device_uuid", uuid, f"it is {UUID_LENGTH} bytes or none")
        if uuid == _NO_UUID:
            raise _malformed("physical_device_uuid", uuid, "all zero is no identity: say none")
        handle = self.driver_device_handle
        if not isinstance(handle, int) or not 0 <= handle < 1 << 64:
            raise _malformed("driver_device_handle", handle, "it is an unsigned 64-bit number")


def _malformed(field: str, value: object, limit: str) -> HalError:
    shown = hex(value) if isinstance(value, int) and field != "numa_node" else repr(value)
    return HalError(
        StatusCode.INVALID_ARGUMENT, "DeviceCapabilities.check", f"{field} is {shown}: {limit}"
    )
