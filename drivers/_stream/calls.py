"""The table of a vendor's calls: what each is for, and what it raises.

A table is thin: a method makes one call, or the few that this vendor needs for it, and raises
`NativeError` where one fails. What is current on the calling thread is set by `use` before.
Addresses and sizes are ints, in bytes; what else the vendor hands out is opaque (`Handle`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeAlias

from cts.hal import LinkClass, StatusCode

NOT_SUPPORTED = 801
"""The code, of both vendors, of a call that there is not."""

Handle: TypeAlias = Any
Counts: TypeAlias = tuple[int, int, int]


class NativeError(Exception):
    """A call that failed.

    Attributes
    ----------
    call : its name.
    code, name : the vendor's, ``2`` and ``CUDA_ERROR_OUT_OF_MEMORY``.
    """

    def __init__(self, call: str, code: int, name: str) -> None:
        super().__init__(f"{call} failed with {name} ({code})")
        self.call = call
        self.code = code
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the vendor's library says of one physical device."""

    name: str
    uuid: bytes | None
    """16 bytes, or none where there is none."""
    pci_address: str | None
    """``0000:41:00.0``"""
    numa_node: int
    """Of the host's memory next to it; negative where the vendor does not know."""
    total_memory: int
    """Bytes."""
    multiprocessors: int
    max_workgroups: Counts
    max_workgroup_size: int
    """Threads."""
    stream_memory_operations: bool
    """Streams wait for 64-bit values in memory, and write them."""
    unified_addressing: bool
    """Host and devices have one address space."""
    concurrent_managed_access: bool
    """Host and device use managed memory at the same time."""
    pageable_memory_access: bool
    """Device code uses whatever memory the host has."""
    host_atomics: bool
    """Atomic operations hold between host and device."""
    memory_pools: bool
    host_registration: bool
    """Takes pages of the host's for its own use."""
    exports_descriptors: bool
    """Memory can be exported as POSIX file descriptors."""
    exports_dma_buf: bool
    is_isolated: bool = False
    """It is a part of a device, cut off from all others (MIG)."""
    reaches: frozenset[int] = frozenset()
    """Ordinals of the devices whose memory it can be let use."""
    links: dict[int, LinkClass] = field(default_factory=dict)
    """To other devices, by ordinal, as far as they are known."""


class Word(NamedTuple):
    """A 64-bit word that host and all devices read and write."""

    words: memoryview
    """uint64[n], as the host sees them."""
    place: int
    """Of the word among them."""
    address: int
    """As devices see it."""
    holds: Handle
    """What it is made of; given back as a whole."""


class Partition(NamedTuple):
    """A part of a device with processors of its own, and the memory of all."""

    handle: Handle
    multiprocessors: int


class StreamCalls(ABC):
    """One vendor's calls."""

    name: ClassVar[str]
    """The driver's."""
    sticky: ClassVar[frozenset[int]]
    """Codes after which a context gives no other."""
    codes: ClassVar[dict[int, StatusCode]]
    """The canonical code of each native one; INTERNAL for others."""
    version: str = ""
    """Of the library."""
    is_stand_in: bool = False
    """The library is one of this project's, with the vendor's names over host memory."""
    binding: ClassVar[Any]
    """The vendor's Python module, whose functions give a tuple that begins with the code."""
    no_such_call: ClassVar[str]
    """What its RuntimeError says of a function that the library lacks."""

    def call(self, name: str, *arguments: Any) -> Any:
        """One call, and what it gives: nothing, a value, or a tuple of values."""
        try:
            answer = getattr(self.binding, name)(*arguments)
        except RuntimeError as error:
            if self.no_such_call not in str(error):
                raise
            lacking = f"{self.name_of(NOT_SUPPORTED)}: the library has no such call"
            raise NativeError(name, NOT_SUPPORTED, lacking) from error
        code = int(answer[0])
        if code:
            raise NativeError(name, code, self.name_of(code))
        return answer[1] if len(answer) == 2 else answer[1:]

    @abstractmethod
    def name_of(self, code: int) -> str:
        """The vendor's name of a code."""

    # -- devices ----------------------------------------------------------------------

    @abstractmethod
    def device_count(self) -> int:
        """How many there are."""

    @abstractmethod
    def facts(self, ordinal: int) -> Facts:
        """What is known of one."""

    # -- contexts ---------------------------------------------------------------------

    @abstractmethod
    def open(self, ordinal: int) -> Handle:
        """The device's context, which its logical devices share; counted."""

    @abstractmethod
    def close(self, ordinal: int) -> None:
        """Gives it back once."""

    @abstractmethod
    def reset(self, ordinal: int) -> None:
        """Ends the context whoever has it, and all that is in it: the next one is sound."""

    @abstractmethod
    def use(self, context: Handle) -> None:
        """Makes it current on this thread."""

    @abstractmethod
    def identity(self, ordinal: int, context: Handle) -> int:
        """A number that no other living context has; not 0."""

    @abstractmethod
    def let_reach(self, peer: int, peer_context: Handle) -> None:
        """Lets the current context use a peer's memory; nothing where it does already."""

    # -- streams ----------------------------------------------------------------------

    @abstractmethod
    def new_stream(self, partition: Handle = None) -> Handle:
        """A stream that waits for no other one, in a part of the device if one is given."""

    @abstractmethod
    def end_stream(self, stream: Handle) -> None: ...

    @abstractmethod
    def synchronize(self, stream: Handle) -> None:
        """Waits for all that it has."""

    @abstractmethod
    def check(self, stream: Handle) -> None:
        """Raises where its context has failed; waits for nothing."""

    @abstractmethod
    def write_value(self, stream: Handle, address: int, value: int) -> None:
        """Writes 64 bits in the stream's order, after all before it is there for everybody."""

    @abstractmethod
    def wait_value(self, stream: Handle, address: int, value: int) -> None:
        """Holds the stream until 64 bits are that or more, below 2**63."""

    # -- memory -----------------------------------------------------------------------

    @abstractmethod
    def new_words(self) -> list[Word]:
        """Some words, all of them 0."""

    @abstractmethod
    def end_words(self, holds: Handle) -> None: ...

    @abstractmethod
    def allocate(self, size: int) -> int:
        """The device's own memory."""

    @abstractmethod
    def free(self, address: int) -> None: ...

    @abstractmethod
    def allocate_managed(self, size: int) -> int:
        """Memory that host and device use at one address."""

    @abstractmethod
    def allocate_host(self, size: int) -> int:
        """The host's memory that all devices use, at one address."""

    @abstractmethod
    def free_host(self, address: int) -> None: ...

    @abstractmethod
    def register_host(self, address: int, size: int) -> int:
        """Has all devices use pages of the host's: where they see them."""

    @abstractmethod
    def unregister_host(self, address: int) -> None: ...

    @abstractmethod
    def new_pool(self, ordinal: int) -> Handle:
        """A pool for `allocate_in_order`."""

    @abstractmethod
    def end_pool(self, pool: Handle) -> None: ...

    @abstractmethod
    def trim_pool(self, pool: Handle) -> None:
        """Gives back what nothing uses."""

    @abstractmethod
    def let_use_pool(self, pool: Handle, ordinal: int) -> None:
        """Lets another device use what comes from a pool."""

    @abstractmethod
    def allocate_in_order(self, pool: Handle, size: int, stream: Handle) -> int:
        """Memory that is there for what comes after in the stream."""

    @abstractmethod
    def free_in_order(self, address: int, stream: Handle) -> None: ...

    # -- transfers --------------------------------------------------------------------

    @abstractmethod
    def copy(self, target: int, source: int, size: int, stream: Handle) -> None:
        """Copies between any two places."""

    @abstractmethod
    def fill(self, target: int, width: int, value: int, count: int, stream: Handle) -> None:
        """Writes so many values of 1, 2 or 4 bytes."""

    # -- code -------------------------------------------------------------------------

    @abstractmethod
    def load(self, image: bytes) -> Handle:
        """A module of device code."""

    @abstractmethod
    def unload(self, module: Handle) -> None: ...

    @abstractmethod
    def function(self, module: Handle, name: str) -> Handle:
        """An entry point."""

    @abstractmethod
    def launch(
        self,
        function: Handle,
        workgroups: Counts,
        workgroup_size: Counts,
        stream: Handle,
        addresses: Sequence[int],
        constants: Sequence[int],
    ) -> None:
        """Runs an entry point with addresses, 64 bits each, and then constants, 32 bits each."""

    # -- sharing ----------------------------------------------------------------------

    @abstractmethod
    def granularity(self, ordinal: int) -> int:
        """Bytes of a piece of memory that can be shared."""

    @abstractmethod
    def new_shareable(self, ordinal: int, size: int) -> Handle:
        """Memory of a device, of whole pieces, that can be exported."""

    @abstractmethod
    def end_shareable(self, handle: Handle) -> None: ...

    @abstractmethod
    def export_shareable(self, handle: Handle) -> int:
        """A descriptor of it, the caller's to close."""

    @abstractmethod
    def import_shareable(self, descriptor: int) -> Handle:
        """The vendor's own memory by a descriptor, which stays the caller's."""

    @abstractmethod
    def take_address(self, size: int) -> int:
        """Addresses without memory."""

    @abstractmethod
    def give_address(self, address: int, size: int) -> None: ...

    @abstractmethod
    def map(self, address: int, size: int, handle: Handle) -> None:
        """Puts memory there."""

    @abstractmethod
    def unmap(self, address: int, size: int) -> None: ...

    @abstractmethod
    def let_use(self, address: int, size: int, ordinal: int) -> None:
        """Lets a device use what is mapped there."""

    @abstractmethod
    def import_foreign(self, descriptor: int, size: int) -> Handle:
        """Another runtime's memory by a descriptor, which stays the caller's."""

    @abstractmethod
    def end_foreign(self, handle: Handle) -> None: ...

    @abstractmethod
    def map_foreign(self, handle: Handle, size: int) -> int:
        """Where devices see it."""

    @abstractmethod
    def unmap_foreign(self, address: int) -> None: ...

    @abstractmethod
    def export_dma_buf(self, address: int, size: int) -> int:
        """A dma-buf descriptor of the device's own memory, the caller's to close."""

    # -- parts of a device ------------------------------------------------------------

    @abstractmethod
    def new_partitions(self, ordinal: int, context: Handle, count: int) -> list[Partition]:
        """So many parts of a device; none where it cannot be divided so."""

    @abstractmethod
    def end_partition(self, partition: Partition) -> None:
        """Ends one that no stream uses."""
