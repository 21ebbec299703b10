"""Green contexts: parts of a GPU with multiprocessors of their own, and the memory of all.

A driver library before 12.4 has none of them, and they are used only where code that was loaded
beside them runs in them: that is tried once.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from cuda.bindings import driver as cu

from .._stream.calls import NativeError
from .._stream.handles import Handle, Partition
from . import kernels
from .codes import STICKY

if TYPE_CHECKING:
    from .calls import CudaCalls

SM = cu.CUdevResourceType.CU_DEV_RESOURCE_TYPE_SM
DEFAULT_STREAM = 1
TRIED, WRITTEN = (1, 2, 3, 4), 5


def partitions(calls: CudaCalls, device: Handle, count: int) -> list[Partition]:
    """So many equal parts, in the current context; none where there cannot be any."""
    made: list[Partition] = []
    try:
        for resource in _resources(calls, device, count):
            description = calls.call("cuDevResourceGenerateDesc", [resource], 1)
            handle = calls.call("cuGreenCtxCreate", description, device, DEFAULT_STREAM)
            made.append(Partition(handle, resource.sm.smCount))
            _try(calls, handle)
    except NativeError as error:
        for partition in made:
            calls.end_partition(partition)
        if error.code in STICKY:
            raise
        return []
    return made


def _resources(calls: CudaCalls, device: Handle, count: int) -> list[Any]:
    whole = calls.call("cuDeviceGetDevResource", device, SM)
    least = whole.sm.smCount // count
    parts, found, _ = calls.call("cuDevSmResourceSplitByCount", count, whole, 0, least)
    return list(parts[:found]) if found == count else []


def _try(calls: CudaCalls, partition: Handle) -> None:
    """Runs a kernel in a part, and writes a value. Raises where that cannot be."""
    stream = calls.new_stream(partition)
    module = calls.load(kernels.ptx())
    address, seen = calls.allocate_host(4 * len(TRIED))
    try:
        function = calls.function(module, "constants")
        calls.launch(function, (1, 1, 1), (1, 1, 1), stream, [address], TRIED)
        written = (ctypes.c_uint32 * len(TRIED)).from_address(seen)
        calls.write_value(stream, address, WRITTEN)
        calls.synchronize(stream)
        if tuple(written) != (WRITTEN, 0, *TRIED[2:]):
            raise NativeError(
                "cuGreenCtxStreamCreate", 0, "work in a green context that is not done"
            )
    finally:
        calls.free_host(address)
        calls.unload(module)
        calls.end_stream(stream)
