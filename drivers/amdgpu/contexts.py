"""What the logical devices of a GPU share: the runtime knows no contexts, so they are kept here.

All that is made for a GPU is its context's, which gives it back at its end, also after a failure:
no call of the runtime's ends whatever a GPU has.
"""

from __future__ import annotations

import os
from ctypes import byref, c_int, c_size_t, c_uint64, c_void_p

from .._stream.calls import NativeError
from . import hsa as h
from .agents import Gpu, isa_of
from .codes import INVALID_ALLOCATION, MEMORY_FAULT, STICKY, name_of
from .hsa import Hsa
from .modules import Module
from .stream import HsaStream, SignalWord


class GpuContext:
    """A GPU in use.

    Attributes
    ----------
    isa : that it runs, ``amdgcn-amd-amdhsa--gfx942:sramecc+:xnack-``.
    users : agents of other GPUs that use this one's memory.
    failure : of the whole GPU, where the runtime has told one.
    """

    sticky = STICKY

    def __init__(self, hsa: Hsa, gpu: Gpu, all_agents: list[int]) -> None:
        self.hsa = hsa
        self.gpu = gpu
        self.isa = isa_of(hsa, gpu.agent)
        self._all = all_agents
        self.users: list[int] = []
        self.failure: NativeError | None = None
        self.opened = 0
        self._memory: set[int] = set()
        self._reached: set[int] = set()
        """Of that memory what users of this GPU's use."""
        self._streams: set[HsaStream] = set()
        self._modules: set[Module] = set()
        self._words: set[int] = set()

    # -- memory -----------------------------------------------------------------------

    def allocate(self, pool: int, size: int, *, for_all: bool = False) -> int:
        """Memory of a pool's, for this GPU and the users of its memory, or for all GPUs."""
        pointer = c_void_p()
        self.hsa.call("hsa_amd_memory_pool_allocate", pool, size, 0, byref(pointer))
        address = pointer.value or 0
        self._memory.add(address)
        try:
            self._let_use(address, self._all if for_all else [self.gpu.agent, *self.users])
        except NativeError:
            self.free(address)
            raise
        if not for_all:
            self._reached.add(address)
        return address

    def _let_use(self, address: int, agents: list[int]) -> None:
        allowed = h.handles(agents)
        self.hsa.call("hsa_amd_agents_allow_access", len(agents), allowed, None, address)

    def add_user(self, agent: int) -> None:
        """Lets another GPU use the memory that this one has, and will have."""
        if agent in self.users:
            return
        self.users.append(agent)
        for address in self._reached:
            self._let_use(address, [self.gpu.agent, *self.users])

    def free(self, address: int) -> None:
        """Gives memory back."""
        self._memory.discard(address)
        self._reached.discard(address)
        self.hsa.call("hsa_amd_memory_pool_free", address)

    def export_dma_buf(self, address: int, size: int) -> int:
        """A descriptor. Raises where it would be of more than this memory."""
        descriptor, offset = c_int(-1), c_uint64()
        name = "hsa_amd_portable_export_dmabuf"
        self.hsa.call(name, address, size, byref(descriptor), byref(offset))
        if offset.value:
            os.close(descriptor.value)
            raise NativeError(name, INVALID_ALLOCATION, "memory that is a part of an object")
        return descriptor.value

    def import_dma_buf(self, descriptor: int, size: int) -> int:
        """Where memory of a descriptor is for this GPU and the users of its memory."""
        there, address = c_size_t(), c_void_p()
        agents = h.handles([self.gpu.agent, *self.users])
        name = "hsa_amd_interop_map_buffer"
        arguments = len(agents), agents, descriptor, 0, byref(there), byref(address), None, None
        self.hsa.call(name, *arguments)
        if there.value < size:
            self.unmap_dma_buf(address.value or 0)
            raise NativeError(name, INVALID_ALLOCATION, f"{there.value} bytes of {size}")
        return address.value or 0

    def unmap_dma_buf(self, address: int) -> None:
        """It is there no more."""
        self.hsa.call("hsa_amd_interop_unmap_buffer", address)

    # -- signals ----------------------------------------------------------------------

    def new_signal(self) -> SignalWord:
        """One whose value the host reads and writes where it is, of value 0."""
        signal, place = c_uint64(), c_void_p()
        only_gpus = h.AMD_SIGNAL_AMD_GPU_ONLY
        self.hsa.call("hsa_amd_signal_create", 0, 0, None, only_gpus, byref(signal))
        try:
            self.hsa.call("hsa_amd_signal_value_pointer", signal, byref(place))
        except NativeError:
            self.hsa.call("hsa_signal_destroy", signal)
            raise
        self._words.add(signal.value)
        return SignalWord(signal.value, place.value or 0)

    def end_signal(self, signal: int) -> None:
        """Ends one that nothing waits for."""
        self._words.discard(signal)
        self.hsa.call("hsa_signal_destroy", signal)

    # -- streams and code -------------------------------------------------------------

    def new_stream(self) -> HsaStream:
        """A stream."""
        stream = HsaStream(self)
        self._streams.add(stream)
        return stream

    def end_stream(self, stream: HsaStream) -> None:
        """Ends one, at once."""
        self._streams.discard(stream)
        stream.end()

    def load(self, code_object: bytes) -> Module:
        """A module of device code."""
        module = Module(self.hsa, self.gpu.agent, code_object)
        self._modules.add(module)
        return module

    def unload(self, module: Module) -> None:
        """Ends one that nothing runs."""
        self._modules.discard(module)
        module.end()

    # -- failure and end --------------------------------------------------------------

    def fault(self) -> None:
        """The GPU has touched memory that it may not: none of its queues does more."""
        self.failure = NativeError("an access to memory", MEMORY_FAULT, name_of(MEMORY_FAULT))

    def end(self) -> None:
        """Gives back all that is left."""
        for stream in list(self._streams):
            self.end_stream(stream)
        for module in list(self._modules):
            self.unload(module)
        for address in list(self._memory):
            self.free(address)
        for signal in list(self._words):
            self.end_signal(signal)
