"""The HSA runtime as a table of calls."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_uint16, c_void_p
from typing import ClassVar

from .. import _code_objects
from .._stream.calls import NativeError, StreamCalls
from .._stream.facts import Counts, Facts
from .._stream.handles import HostMemory, Word
from . import hsa as h
from .agents import facts_of, gpus_of
from .codes import CODES, HSA_STATUS_ERROR, INVALID_CODE_OBJECT, INVALID_ISA, STICKY, name_of
from .contexts import GpuContext
from .hsa import Hsa
from .modules import Kernel, Module, arguments_of
from .stream import HsaStream, SignalWord

WORDS_AT_ONCE = 16


class HsaCalls(StreamCalls):
    """The runtime of a process, which stays initialized."""

    name = "amdgpu"
    sticky: ClassVar = STICKY
    codes: ClassVar = CODES

    def __init__(self, library: ctypes.CDLL) -> None:
        self._hsa = hsa = Hsa(library)
        hsa.call("hsa_init")
        self.is_stand_in = hsa.is_stand_in
        numbers = h.SYSTEM_INFO_VERSION_MAJOR, h.SYSTEM_INFO_VERSION_MINOR
        major, minor = (hsa.get("hsa_system_get_info", n, kind=c_uint16) for n in numbers)
        self.version = f"HSA {major}.{minor}"
        self._gpus = gpus_of(hsa)
        self._open: dict[int, GpuContext] = {}
        self._current: GpuContext
        self._on_event = h.EventHappened(self._happened)  # the runtime keeps its address
        self._listen()

    def _listen(self) -> None:
        """Has the runtime tell of faults; else the process ends with one. It has one listener."""
        name = "hsa_amd_register_system_event_handler"
        if name in self._hsa.lacking:
            return
        try:
            self._hsa.call(name, self._on_event, None)
        except NativeError as error:
            if error.code != HSA_STATUS_ERROR:  # somebody else listens in this process
                raise

    def _happened(self, event: int, _data: object) -> int:
        """A GPU tells of something, on a thread of the runtime's. Success: the process goes on."""
        told = h.MemoryFault.from_address(event)
        if told.event_type == h.AMD_GPU_MEMORY_FAULT_EVENT:
            for context in list(self._open.values()):
                if context.gpu.agent == told.agent:
                    context.fault()
        return 0

    def name_of(self, code: int) -> str:
        return name_of(code)

    # -- devices ----------------------------------------------------------------------

    def device_count(self) -> int:
        return len(self._gpus)

    def facts(self, ordinal: int) -> Facts:
        return facts_of(self._hsa, self._gpus, ordinal)

    # -- contexts ---------------------------------------------------------------------

    def open(self, ordinal: int) -> GpuContext:
        if ordinal not in self._open:
            self._open[ordinal] = GpuContext(
                self._hsa, self._gpus[ordinal], [gpu.agent for gpu in self._gpus]
            )
        context = self._open[ordinal]
        context.opened += 1
        return context

    def close(self, ordinal: int) -> None:
        context = self._open[ordinal]
        context.opened -= 1
        if not context.opened:
            self.reset(ordinal)

    def reset(self, ordinal: int) -> None:
        context = self._open.pop(ordinal, None)
        if context is not None:
            context.end()

    def use(self, context: GpuContext) -> None:
        self._current = context

    def identity(self, ordinal: int, context: GpuContext) -> int:
        return context.gpu.agent

    def let_reach(self, peer: int, peer_context: GpuContext) -> None:
        peer_context.add_user(self._current.gpu.agent)

    # -- streams ----------------------------------------------------------------------

    def new_stream(self, partition: object = None) -> HsaStream:
        return self._current.new_stream()

    def end_stream(self, stream: HsaStream) -> None:
        self._current.end_stream(stream)

    def synchronize(self, stream: HsaStream) -> None:
        stream.synchronize()

    def check(self, stream: HsaStream) -> None:
        stream.check()

    def submit(self, stream: HsaStream) -> None:
        stream.submit()

    def write_value(self, stream: HsaStream, address: SignalWord, value: int) -> None:
        stream.write(address, value)

    def wait_value(self, stream: HsaStream, address: SignalWord, value: int) -> None:
        stream.wait(address, value)

    # -- memory -----------------------------------------------------------------------

    def new_words(self) -> list[Word]:
        return [self._new_word() for _ in range(WORDS_AT_ONCE)]

    def _new_word(self) -> Word:
        made = self._current.new_signal()
        number = (ctypes.c_uint64 * 1).from_address(made.place)
        return Word(memoryview(number).cast("B").cast("Q"), 0, made, made.signal)

    def end_words(self, holds: int) -> None:
        self._current.end_signal(holds)

    def allocate(self, size: int) -> int:
        return self._current.allocate(self._current.gpu.own_pool, max(size, 1))

    def allocate_managed(self, size: int) -> HostMemory:
        return self.allocate_host(size)

    def allocate_host(self, size: int) -> HostMemory:
        address = self._current.allocate(self._current.gpu.host_pool, max(size, 1), for_all=True)
        return HostMemory(address, address)

    def free(self, address: int) -> None:
        self._current.free(address)

    def free_host(self, address: int) -> None:
        self._current.free(address)

    def register_host(self, address: int, size: int) -> int:
        seen = c_void_p()
        self._hsa.call("hsa_amd_memory_lock", address, size, None, 0, byref(seen))
        return seen.value or 0

    def unregister_host(self, address: int) -> None:
        self._hsa.call("hsa_amd_memory_unlock", address)

    # -- transfers --------------------------------------------------------------------

    def copy(self, target: int, source: int, size: int, stream: HsaStream) -> None:
        stream.copy(target, source, size)

    def fill(self, target: int, width: int, value: int, count: int, stream: HsaStream) -> None:
        stream.fill(target, value.to_bytes(width, "little"), width * count)

    # -- code -------------------------------------------------------------------------

    def load(self, image: bytes) -> Module:
        context, call = self._current, "hsa_executable_load_agent_code_object"
        try:
            found = _code_objects.code_object_for(context.isa, image)
        except ValueError as error:
            raise NativeError(call, INVALID_CODE_OBJECT, name_of(INVALID_CODE_OBJECT)) from error
        if found is None:
            raise NativeError(call, INVALID_ISA, f"{name_of(INVALID_ISA)}: none for {context.isa}")
        return context.load(found)

    def unload(self, module: Module) -> None:
        self._current.unload(module)

    def function(self, module: Module, name: str) -> Kernel:
        return module.kernel(name)

    def launch(
        self,
        function: Kernel,
        workgroups: Counts,
        workgroup_size: Counts,
        stream: HsaStream,
        addresses: Sequence[int],
        constants: Sequence[int],
    ) -> None:
        arguments = arguments_of(function, addresses, constants, workgroups, workgroup_size)
        stream.launch(function, workgroups, workgroup_size, arguments)

    # -- sharing ----------------------------------------------------------------------

    def import_foreign(self, descriptor: int, size: int) -> int:
        return self._current.import_dma_buf(descriptor, size)

    def map_foreign(self, handle: int, size: int) -> int:
        return handle

    def unmap_foreign(self, address: int) -> None:
        """It ends with the memory."""

    def end_foreign(self, handle: int) -> None:
        self._current.unmap_dma_buf(handle)

    def export_dma_buf(self, address: int, size: int) -> int:
        return self._current.export_dma_buf(address, size)
