"""CUDA's driver API as a table of calls, through cuda-bindings."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Sequence
from typing import Any, ClassVar

from cuda.bindings import driver as cu

from .._common import pci
from .._stream.bound_calls import BoundCalls
from .._stream.calls import NativeError
from .._stream.facts import Counts, Facts
from .._stream.handles import Handle, HostMemory, Partition, Word
from . import green_contexts, nvml
from .codes import CODES, PEER_ACCESS_ALREADY_ENABLED, STICKY

PORTABLE_AND_MAPPED = 3
NON_BLOCKING = 1
ATTACH_GLOBAL = 1
WAIT_UNTIL_AT_LEAST = 0
WORDS_IN_A_PAGE = mmap.PAGESIZE // 8

A = cu.CUdevice_attribute
POSIX_FD = cu.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
DMA_BUF_FD = cu.CUmemRangeHandleType.CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD
OPAQUE_FD = cu.CUexternalMemoryHandleType.CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD
MINIMUM = cu.CUmemAllocationGranularity_flags.CU_MEM_ALLOC_GRANULARITY_MINIMUM
READ_AND_WRITE = cu.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE


class CudaCalls(BoundCalls):
    """The calls of libcuda, by name."""

    name = "cuda"
    sticky: ClassVar = STICKY
    codes: ClassVar = CODES
    binding: ClassVar = cu
    no_such_call = "is not found"

    def __init__(self) -> None:
        self.call("cuInit", 0)
        number = self.call("cuDriverGetVersion")
        self.version = f"CUDA {number // 1000}.{number % 1000 // 10}"
        self.is_stand_in = hasattr(ctypes.CDLL("libcuda.so.1"), "hal_cts_stand_in")

    def name_of(self, code: int) -> str:
        try:
            name: str = cu.CUresult(code).name
        except ValueError:  # newer than the bindings
            return f"CUresult {code}"
        return name

    # -- devices ----------------------------------------------------------------------

    def device_count(self) -> int:
        count: int = self.call("cuDeviceGetCount")
        return count

    def _attribute(self, name: str, device: Handle) -> int:
        """0 for one that the bindings or the library do not know."""
        attribute = getattr(A, f"CU_DEVICE_ATTRIBUTE_{name}", None)
        try:
            value: int = (
                0 if attribute is None else self.call("cuDeviceGetAttribute", attribute, device)
            )
        except NativeError:
            return 0
        return value

    def facts(self, ordinal: int) -> Facts:
        device = self.call("cuDeviceGet", ordinal)

        def ask(name: str) -> int:
            return self._attribute(name, device)

        address = self.call("cuDeviceGetPCIBusId", 32, device).split(b"\0")[0].decode().lower()
        addresses = [self._address(n) for n in range(self.device_count())]
        node = pci.numa_node(address)
        vmm = bool(ask("VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED"))
        with nvml.session() as known:
            links = nvml.links(known, address, addresses)
            is_isolated = nvml.is_part(known, address)
        return Facts(
            name=self.call("cuDeviceGetName", 128, device).split(b"\0")[0].decode(),
            uuid=bytes(self.call("cuDeviceGetUuid", device).bytes)[:16],
            pci_address=address,
            numa_node=ask("HOST_NUMA_ID") if node is None else node,
            total_memory=self.call("cuDeviceTotalMem", device),
            multiprocessors=ask("MULTIPROCESSOR_COUNT"),
            max_workgroups=(ask("MAX_GRID_DIM_X"), ask("MAX_GRID_DIM_Y"), ask("MAX_GRID_DIM_Z")),
            max_workgroup_size=ask("MAX_THREADS_PER_BLOCK"),
            stream_memory_operations=bool(ask("CAN_USE_64_BIT_STREAM_MEM_OPS")),
            unified_addressing=bool(ask("UNIFIED_ADDRESSING")),
            concurrent_managed_access=bool(
                ask("MANAGED_MEMORY") and ask("CONCURRENT_MANAGED_ACCESS")
            ),
            pageable_memory_access=bool(ask("PAGEABLE_MEMORY_ACCESS")),
            host_atomics=bool(ask("HOST_NATIVE_ATOMIC_SUPPORTED")),
            memory_pools=bool(ask("MEMORY_POOLS_SUPPORTED")),
            host_registration=bool(ask("HOST_REGISTER_SUPPORTED")),
            exports_descriptors=vmm and bool(ask("HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED")),
            exports_dma_buf=bool(ask("DMA_BUF_SUPPORTED")),
            is_isolated=is_isolated,
            reaches=frozenset() if is_isolated else self._reached(ordinal, device),
            links=links,
        )

    def _address(self, ordinal: int) -> str:
        device = self.call("cuDeviceGet", ordinal)
        text: bytes = self.call("cuDeviceGetPCIBusId", 32, device)
        return text.split(b"\0")[0].decode().lower()

    def _reached(self, ordinal: int, device: Handle) -> frozenset[int]:
        """Peers whose memory it can be let use."""
        others = [other for other in range(self.device_count()) if other != ordinal]
        return frozenset(
            other
            for other in others
            if self.call("cuDeviceCanAccessPeer", device, self.call("cuDeviceGet", other))
        )

    # -- contexts ---------------------------------------------------------------------

    def open(self, ordinal: int) -> Handle:
        return self.call("cuDevicePrimaryCtxRetain", self.call("cuDeviceGet", ordinal))

    def close(self, ordinal: int) -> None:
        self.call("cuDevicePrimaryCtxRelease", self.call("cuDeviceGet", ordinal))

    def reset(self, ordinal: int) -> None:
        self.call("cuDevicePrimaryCtxReset", self.call("cuDeviceGet", ordinal))

    def use(self, context: Handle) -> None:
        self.call("cuCtxSetCurrent", context)

    def identity(self, ordinal: int, context: Handle) -> int:
        return int(context)

    def let_reach(self, peer: int, peer_context: Handle) -> None:
        try:
            self.call("cuCtxEnablePeerAccess", peer_context, 0)
        except NativeError as error:
            if error.code != PEER_ACCESS_ALREADY_ENABLED:
                raise

    # -- streams ----------------------------------------------------------------------

    def new_stream(self, partition: Handle = None) -> Handle:
        if partition is not None:
            return self.call("cuGreenCtxStreamCreate", partition, NON_BLOCKING, 0)
        return self.call("cuStreamCreate", NON_BLOCKING)

    def end_stream(self, stream: Handle) -> None:
        self.call("cuStreamDestroy", stream)

    def synchronize(self, stream: Handle) -> None:
        self.call("cuStreamSynchronize", stream)

    def check(self, stream: Handle) -> None:
        code = int(cu.cuStreamQuery(stream)[0])
        if code not in (0, NOT_READY):
            raise NativeError("cuStreamQuery", code, self.name_of(code))

    def write_value(self, stream: Handle, address: int, value: int) -> None:
        code = int(cu.cuStreamWriteValue64(stream, address, value, 0)[0])
        if code:
            raise NativeError("cuStreamWriteValue64", code, self.name_of(code))

    def wait_value(self, stream: Handle, address: int, value: int) -> None:
        self.call("cuStreamWaitValue64", stream, address, value, WAIT_UNTIL_AT_LEAST)

    # -- memory -----------------------------------------------------------------------

    def new_words(self) -> list[Word]:
        page = mmap.mmap(-1, mmap.PAGESIZE)
        place = ctypes.addressof(ctypes.c_char.from_buffer(page))
        address = self.register_host(place, mmap.PAGESIZE)
        words, holds = memoryview(page).cast("Q"), (place, page)
        return [Word(words, n, address + 8 * n, holds) for n in range(WORDS_IN_A_PAGE)]

    def end_words(self, holds: Handle) -> None:
        self.unregister_host(holds[0])

    def allocate(self, size: int) -> int:
        return int(self.call("cuMemAlloc", max(size, 1)))

    def free(self, address: int) -> None:
        self.call("cuMemFree", address)

    def allocate_managed(self, size: int) -> HostMemory:
        return _seen(self.call("cuMemAllocManaged", max(size, 1), ATTACH_GLOBAL))

    def allocate_host(self, size: int) -> HostMemory:
        return _seen(self.call("cuMemHostAlloc", max(size, 1), PORTABLE_AND_MAPPED))

    def free_host(self, address: int) -> None:
        self.call("cuMemFreeHost", address)

    def register_host(self, address: int, size: int) -> int:
        self.call("cuMemHostRegister", address, size, PORTABLE_AND_MAPPED)
        return int(self.call("cuMemHostGetDevicePointer", address, 0))

    def unregister_host(self, address: int) -> None:
        self.call("cuMemHostUnregister", address)

    def new_pool(self, ordinal: int) -> Handle:
        wanted = cu.CUmemPoolProps()
        wanted.allocType = cu.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
        wanted.location = _location(ordinal)
        return self.call("cuMemPoolCreate", wanted)

    def end_pool(self, pool: Handle) -> None:
        self.call("cuMemPoolDestroy", pool)

    def trim_pool(self, pool: Handle) -> None:
        self.call("cuMemPoolTrimTo", pool, 0)

    def let_use_pool(self, pool: Handle, ordinal: int) -> None:
        self.call("cuMemPoolSetAccess", pool, [_access(ordinal)], 1)

    def allocate_in_order(self, pool: Handle, size: int, stream: Handle) -> int:
        return int(self.call("cuMemAllocFromPoolAsync", size, pool, stream))

    def free_in_order(self, address: int, stream: Handle) -> None:
        self.call("cuMemFreeAsync", address, stream)

    # -- transfers --------------------------------------------------------------------

    def copy(self, target: int, source: int, size: int, stream: Handle) -> None:
        self.call("cuMemcpyAsync", target, source, size, stream)

    def fill(self, target: int, width: int, value: int, count: int, stream: Handle) -> None:
        self.call(f"cuMemsetD{8 * width}Async", target, value, count, stream)

    # -- code -------------------------------------------------------------------------

    def load(self, image: bytes) -> Handle:
        return self.call("cuModuleLoadData", image)

    def unload(self, module: Handle) -> None:
        self.call("cuModuleUnload", module)

    def function(self, module: Handle, name: str) -> Handle:
        return self.call("cuModuleGetFunction", module, name.encode())

    def launch(
        self,
        function: Handle,
        workgroups: Counts,
        workgroup_size: Counts,
        stream: Handle,
        addresses: Sequence[int],
        constants: Sequence[int],
    ) -> None:
        kinds = (ctypes.c_void_p,) * len(addresses) + (ctypes.c_uint32,) * len(constants)
        parameters = ((*addresses, *constants), kinds) if kinds else 0
        self.call(
            "cuLaunchKernel", function, *workgroups, *workgroup_size, 0, stream, parameters, 0
        )

    # -- sharing ----------------------------------------------------------------------

    def granularity(self, ordinal: int) -> int:
        wanted = _allocation(ordinal)
        piece: int = self.call("cuMemGetAllocationGranularity", wanted, MINIMUM)
        return piece

    def new_shareable(self, ordinal: int, size: int) -> Handle:
        return self.call("cuMemCreate", size, _allocation(ordinal), 0)

    def end_shareable(self, handle: Handle) -> None:
        self.call("cuMemRelease", handle)

    def export_shareable(self, handle: Handle) -> int:
        return int(self.call("cuMemExportToShareableHandle", handle, POSIX_FD, 0))

    def import_shareable(self, descriptor: int) -> Handle:
        return self.call("cuMemImportFromShareableHandle", descriptor, POSIX_FD)

    def take_address(self, size: int) -> int:
        return int(self.call("cuMemAddressReserve", size, 0, 0, 0))

    def give_address(self, address: int, size: int) -> None:
        self.call("cuMemAddressFree", address, size)

    def map(self, address: int, size: int, handle: Handle) -> None:
        self.call("cuMemMap", address, size, 0, handle, 0)

    def unmap(self, address: int, size: int) -> None:
        self.call("cuMemUnmap", address, size)

    def let_use(self, address: int, size: int, ordinal: int) -> None:
        self.call("cuMemSetAccess", address, size, [_access(ordinal)], 1)

    def import_foreign(self, descriptor: int, size: int) -> Handle:
        wanted = cu.CUDA_EXTERNAL_MEMORY_HANDLE_DESC()
        wanted.type = OPAQUE_FD
        wanted.size = size
        wanted.handle.fd = ours = os.dup(descriptor)  # which CUDA takes where it succeeds
        try:
            return self.call("cuImportExternalMemory", wanted)
        except NativeError:
            os.close(ours)
            raise

    def end_foreign(self, handle: Handle) -> None:
        self.call("cuDestroyExternalMemory", handle)

    def map_foreign(self, handle: Handle, size: int) -> int:
        part = cu.CUDA_EXTERNAL_MEMORY_BUFFER_DESC()
        part.offset, part.size = 0, size
        return int(self.call("cuExternalMemoryGetMappedBuffer", handle, part))

    def unmap_foreign(self, address: int) -> None:
        self.call("cuMemFree", address)

    def export_dma_buf(self, address: int, size: int) -> int:
        return int(self.call("cuMemGetHandleForAddressRange", address, size, DMA_BUF_FD, 0))

    # -- parts of a device ------------------------------------------------------------

    def new_partitions(self, ordinal: int, context: Handle, count: int) -> list[Partition]:
        return green_contexts.partitions(self, self.call("cuDeviceGet", ordinal), count)

    def end_partition(self, partition: Partition) -> None:
        self.call("cuGreenCtxDestroy", partition.handle)


NOT_READY = 600


def _location(ordinal: int) -> Any:
    location = cu.CUmemLocation()
    location.type = cu.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
    location.id = ordinal
    return location


def _access(ordinal: int) -> Any:
    access = cu.CUmemAccessDesc()
    access.location = _location(ordinal)
    access.flags = READ_AND_WRITE
    return access


def _allocation(ordinal: int) -> Any:
    """Memory of a device that can be exported as a descriptor."""
    wanted = cu.CUmemAllocationProp()
    wanted.type = cu.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
    wanted.location = _location(ordinal)
    wanted.requestedHandleTypes = POSIX_FD
    return wanted


def _seen(address: Any) -> HostMemory:
    """Memory that host and devices see at one address."""
    return HostMemory(int(address), int(address))
