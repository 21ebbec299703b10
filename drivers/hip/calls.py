"""HIP as a table of calls, through rocm-bindings-hip.

HIP has no contexts of its own: a device's ordinal stands for one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from rocm.bindings import hip

from .._common import pci
from .._stream.bound_calls import BoundCalls
from .._stream.calls import NativeError
from .._stream.facts import Counts, Facts
from .._stream.handles import Handle, HostMemory, Word
from .codes import CODES, NOT_READY, PEER_ACCESS_ALREADY_ENABLED, STICKY
from .links import links_of

PORTABLE_AND_MAPPED = 3
NON_BLOCKING = 1
ATTACH_GLOBAL = 1
WAIT_UNTIL_AT_LEAST = 0
ALL_BITS = 2**64 - 1
WORDS_AT_ONCE = 16
REQUESTED_HANDLE_TYPES = 4
"""Bytes from the start of hipMemAllocationProp, whose binding cannot set it."""

A = hip.hipDeviceAttribute_t
ANY_DIRECTION = hip.hipMemcpyKind.hipMemcpyDefault
POSIX_FD = hip.hipMemAllocationHandleType.hipMemHandleTypePosixFileDescriptor
DMA_BUF_FD = hip.hipMemRangeHandleType.hipMemRangeHandleTypeDmaBufFd
OPAQUE_FD = hip.hipExternalMemoryHandleType.hipExternalMemoryHandleTypeOpaqueFd
MINIMUM = hip.hipMemAllocationGranularity_flags.hipMemAllocationGranularityMinimum
READ_AND_WRITE = hip.hipMemAccessFlags.hipMemAccessFlagsProtReadWrite


class HipCalls(BoundCalls):
    """The calls of libamdhip64, by name."""

    name = "hip"
    sticky: ClassVar = STICKY
    codes: ClassVar = CODES
    binding: ClassVar = hip
    no_such_call = "dlsym"

    def __init__(self) -> None:
        self.call("hipInit", 0)
        number = self.call("hipRuntimeGetVersion")
        self.version = f"HIP {number // 10_000_000}.{number // 100_000 % 100}"
        self.is_stand_in = hip.has_symbol("hal_cts_stand_in")

    def name_of(self, code: int) -> str:
        try:
            name: str = hip.hipError_t(code).name
        except ValueError:  # newer than the bindings
            return f"hipError_t {code}"
        return name

    # -- devices ----------------------------------------------------------------------

    def device_count(self) -> int:
        count: int = self.call("hipGetDeviceCount")
        return count

    def _attribute(self, name: str, device: int) -> int:
        """0 for one that the bindings or the library do not know."""
        attribute = getattr(A, f"hipDeviceAttribute{name}", None)
        try:
            value: int = (
                0 if attribute is None else self.call("hipDeviceGetAttribute", attribute, device)
            )
        except NativeError:
            return 0
        return value

    def facts(self, ordinal: int) -> Facts:
        def ask(name: str) -> int:
            return self._attribute(name, ordinal)

        address = self.address(ordinal)
        node = pci.numa_node(address)
        vmm = bool(ask("VirtualMemoryManagementSupported"))
        return Facts(
            name=_text(self.call("hipDeviceGetName", 128, ordinal)),
            uuid=_uuid(self.call("hipDeviceGetUuid", ordinal)),
            pci_address=address,
            numa_node=ask("HostNumaId") if node is None else node,
            total_memory=int(self.call("hipDeviceTotalMem", ordinal)),
            multiprocessors=ask("MultiprocessorCount"),
            max_workgroups=(ask("MaxGridDimX"), ask("MaxGridDimY"), ask("MaxGridDimZ")),
            max_workgroup_size=ask("MaxThreadsPerBlock"),
            stream_memory_operations=bool(ask("CanUseStreamWaitValue")),
            unified_addressing=bool(ask("UnifiedAddressing")),
            concurrent_managed_access=bool(ask("ManagedMemory") and ask("ConcurrentManagedAccess")),
            pageable_memory_access=bool(ask("PageableMemoryAccess")),
            host_atomics=bool(ask("HostNativeAtomicSupported")),
            memory_pools=bool(ask("MemoryPoolsSupported")),
            host_registration=bool(ask("HostRegisterSupported")),
            exports_descriptors=vmm and hip.has_symbol("hipMemExportToShareableHandle"),
            exports_dma_buf=bool(ask("DmaBufSupported"))
            and hip.has_symbol("hipMemGetHandleForAddressRange"),
            reaches=self._reached(ordinal),
            links=links_of(self, ordinal),
        )

    def address(self, ordinal: int) -> str:
        """Its PCI address."""
        return _text(self.call("hipDeviceGetPCIBusId", 32, ordinal)).lower()

    def others(self, ordinal: int) -> list[int]:
        """The ordinals of all but one."""
        return [other for other in range(self.device_count()) if other != ordinal]

    def _reached(self, ordinal: int) -> frozenset[int]:
        """Peers whose memory it can be let use."""
        return frozenset(
            other
            for other in self.others(ordinal)
            if self.call("hipDeviceCanAccessPeer", ordinal, other)
        )

    # -- contexts ---------------------------------------------------------------------

    def open(self, ordinal: int) -> Handle:
        self.call("hipSetDevice", ordinal)
        return ordinal

    def close(self, ordinal: int) -> None:
        """There is nothing that was taken."""

    def reset(self, ordinal: int) -> None:
        self.call("hipSetDevice", ordinal)
        self.call("hipDeviceReset")

    def use(self, context: Handle) -> None:
        self.call("hipSetDevice", context)

    def identity(self, ordinal: int, context: Handle) -> int:
        return ordinal + 1

    def let_reach(self, peer: int, peer_context: Handle) -> None:
        try:
            self.call("hipDeviceEnablePeerAccess", peer, 0)
        except NativeError as error:
            if error.code != PEER_ACCESS_ALREADY_ENABLED:
                raise

    # -- streams ----------------------------------------------------------------------

    def new_stream(self, partition: Handle = None) -> Handle:
        return self.call("hipStreamCreateWithFlags", NON_BLOCKING)

    def end_stream(self, stream: Handle) -> None:
        self.call("hipStreamDestroy", stream)

    def synchronize(self, stream: Handle) -> None:
        self.call("hipStreamSynchronize", stream)

    def check(self, stream: Handle) -> None:
        code = int(hip.hipStreamQuery(stream)[0])
        if code not in (0, NOT_READY):
            raise NativeError("hipStreamQuery", code, self.name_of(code))

    def write_value(self, stream: Handle, address: int, value: int) -> None:
        self.call("hipStreamWriteValue64", stream, address, value, 0)

    def wait_value(self, stream: Handle, address: int, value: int) -> None:
        self.call("hipStreamWaitValue64", stream, address, value, WAIT_UNTIL_AT_LEAST, ALL_BITS)

    # -- memory -----------------------------------------------------------------------

    def new_words(self) -> list[Word]:
        """Each an allocation: streams wait for values in signal memory, of 8 bytes."""
        made = []
        for _ in range(WORDS_AT_ONCE):
            address = int(self.call("hipExtMallocWithFlags", 8, hip.hipMallocSignalMemory))
            words = memoryview((ctypes.c_uint64 * 1).from_address(address)).cast("B").cast("Q")
            words[0] = 0
            made.append(Word(words, 0, address, address))
        return made

    def end_words(self, holds: Handle) -> None:
        self.call("hipFree", holds)

    def allocate(self, size: int) -> int:
        return int(self.call("hipMalloc", max(size, 1)))

    def free(self, address: int) -> None:
        self.call("hipFree", address)

    def allocate_managed(self, size: int) -> HostMemory:
        return _seen(self.call("hipMallocManaged", max(size, 1), ATTACH_GLOBAL))

    def allocate_host(self, size: int) -> HostMemory:
        return _seen(self.call("hipHostMalloc", max(size, 1), PORTABLE_AND_MAPPED))

    def free_host(self, address: int) -> None:
        self.call("hipHostFree", address)

    def register_host(self, address: int, size: int) -> int:
        self.call("hipHostRegister", address, size, PORTABLE_AND_MAPPED)
        return int(self.call("hipHostGetDevicePointer", address, 0))

    def unregister_host(self, address: int) -> None:
        self.call("hipHostUnregister", address)

    def new_pool(self, ordinal: int) -> Handle:
        wanted = hip.hipMemPoolProps()
        wanted.allocType = hip.hipMemAllocationType.hipMemAllocationTypePinned
        _locate(wanted.location, ordinal)
        return self.call("hipMemPoolCreate", wanted)

    def end_pool(self, pool: Handle) -> None:
        self.call("hipMemPoolDestroy", pool)

    def trim_pool(self, pool: Handle) -> None:
        self.call("hipMemPoolTrimTo", pool, 0)

    def let_use_pool(self, pool: Handle, ordinal: int) -> None:
        self.call("hipMemPoolSetAccess", pool, _access(ordinal), 1)

    def allocate_in_order(self, pool: Handle, size: int, stream: Handle) -> int:
        return int(self.call("hipMallocFromPoolAsync", size, pool, stream))

    def free_in_order(self, address: int, stream: Handle) -> None:
        self.call("hipFreeAsync", address, stream)

    # -- transfers --------------------------------------------------------------------

    def copy(self, target: int, source: int, size: int, stream: Handle) -> None:
        self.call("hipMemcpyAsync", target, source, size, ANY_DIRECTION, stream)

    def fill(self, target: int, width: int, value: int, count: int, stream: Handle) -> None:
        if width == 4:  # which HIP takes as a signed one
            value = ctypes.c_int32(value).value
        self.call(f"hipMemsetD{8 * width}Async", target, value, count, stream)

    # -- code -------------------------------------------------------------------------

    def load(self, image: bytes) -> Handle:
        return self.call("hipModuleLoadData", image)

    def unload(self, module: Handle) -> None:
        self.call("hipModuleUnload", module)

    def function(self, module: Handle, name: str) -> Handle:
        return self.call("hipModuleGetFunction", module, name.encode())

    def launch(
        self,
        function: Handle,
        workgroups: Counts,
        workgroup_size: Counts,
        stream: Handle,
        addresses: Sequence[int],
        constants: Sequence[int],
    ) -> None:
        arguments = (*map(ctypes.c_void_p, addresses), *map(ctypes.c_uint32, constants))
        sizes = (*workgroups, *workgroup_size)
        self.call("hipModuleLaunchKernel", function, *sizes, 0, stream, None, arguments)

    # -- sharing ----------------------------------------------------------------------

    def granularity(self, ordinal: int) -> int:
        wanted = _allocation(ordinal)
        piece: int = self.call("hipMemGetAllocationGranularity", wanted, MINIMUM)
        return piece

    def new_shareable(self, ordinal: int, size: int) -> Handle:
        return self.call("hipMemCreate", size, _allocation(ordinal), 0)

    def end_shareable(self, handle: Handle) -> None:
        self.call("hipMemRelease", handle)

    def export_shareable(self, handle: Handle) -> int:
        return self._descriptor("hipMemExportToShareableHandle", handle, POSIX_FD, 0)

    def _descriptor(self, name: str, *arguments: Any) -> int:
        """What a call writes where its first argument points to."""
        given = ctypes.c_int(-1)
        self.call(name, ctypes.addressof(given), *arguments)
        return given.value

    def import_shareable(self, descriptor: int) -> Handle:
        return self.call("hipMemImportFromShareableHandle", descriptor, POSIX_FD)

    def take_address(self, size: int) -> int:
        return int(self.call("hipMemAddressReserve", size, 0, 0, 0))

    def give_address(self, address: int, size: int) -> None:
        self.call("hipMemAddressFree", address, size)

    def map(self, address: int, size: int, handle: Handle) -> None:
        self.call("hipMemMap", address, size, 0, handle, 0)

    def unmap(self, address: int, size: int) -> None:
        self.call("hipMemUnmap", address, size)

    def let_use(self, address: int, size: int, ordinal: int) -> None:
        self.call("hipMemSetAccess", address, size, _access(ordinal), 1)

    def import_foreign(self, descriptor: int, size: int) -> Handle:
        wanted = hip.hipExternalMemoryHandleDesc()
        wanted.type = OPAQUE_FD
        wanted.size = size
        wanted.handle.fd = ours = os.dup(descriptor)  # which HIP takes where it succeeds
        try:
            return self.call("hipImportExternalMemory", wanted)
        except NativeError:
            os.close(ours)
            raise

    def end_foreign(self, handle: Handle) -> None:
        self.call("hipDestroyExternalMemory", handle)

    def map_foreign(self, handle: Handle, size: int) -> int:
        part = hip.hipExternalMemoryBufferDesc()
        part.offset, part.size = 0, size
        return int(self.call("hipExternalMemoryGetMappedBuffer", handle, part))

    def unmap_foreign(self, address: int) -> None:
        """It ends with the memory."""

    def export_dma_buf(self, address: int, size: int) -> int:
        name = "hipMemGetHandleForAddressRange"
        return self._descriptor(name, address, size, DMA_BUF_FD, 0)


def _text(given: Any) -> str:
    """A string of the library's."""
    text = bytes(given) if isinstance(given, bytes | bytearray) else str(given).encode()
    return text.split(b"\0")[0].decode()


def _uuid(given: Any) -> bytes | None:
    """16 bytes that are not all zero."""
    found = bytes(ord(c) if isinstance(c, str) else c & 0xFF for c in given.bytes)[:16]
    return found if any(found) else None


def _locate(location: Any, ordinal: int) -> None:
    location.type = hip.hipMemLocationType.hipMemLocationTypeDevice
    location.id = ordinal


def _access(ordinal: int) -> Any:
    access = hip.hipMemAccessDesc()
    _locate(access.location, ordinal)
    access.flags = READ_AND_WRITE
    return access


def _allocation(ordinal: int) -> Any:
    """Memory of a device that can be exported as a descriptor."""
    wanted = hip.hipMemAllocationProp()
    wanted.type = hip.hipMemAllocationType.hipMemAllocationTypePinned
    _locate(wanted.location, ordinal)
    requested = ctypes.c_uint32.from_address(int(wanted) + REQUESTED_HANDLE_TYPES)
    requested.value = int(POSIX_FD)
    return wanted


def _seen(address: Any) -> HostMemory:
    """Memory that host and devices see at one address."""
    return HostMemory(int(address), int(address))
