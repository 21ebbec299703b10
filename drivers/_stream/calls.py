"""The table of a vendor's calls: what each is for, and what it raises.

A table is thin: a method makes one call, or the few that this vendor needs for it, and raises
`NativeError` where one fails. What is current on the calling thread is set by `use` before. Sizes
are in bytes; what the vendor hands out is opaque (`Handle`), but an address can be added to
(`Address`). What only some vendors have is in `optional_calls`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from cts.hal import StatusCode

from .facts import Counts, Facts
from .handles import Address, Handle, HostMemory, Word
from .optional_calls import OptionalCalls


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


class StreamCalls(OptionalCalls, ABC):
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
    def write_value(self, stream: Handle, address: Address, value: int) -> None:
        """Writes a word in the stream's order, after all before it is there for everybody."""

    @abstractmethod
    def wait_value(self, stream: Handle, address: Address, value: int) -> None:
        """Holds the stream until a word is that or more, below 2**63."""

    def submit(self, stream: Handle) -> None:
        """Has the device begin with what the stream was given; it may have begun before."""

    # -- memory -----------------------------------------------------------------------

    @abstractmethod
    def new_words(self) -> list[Word]:
        """Some words, all of them 0."""

    @abstractmethod
    def end_words(self, holds: Handle) -> None: ...

    @abstractmethod
    def allocate(self, size: int) -> Address:
        """The device's own memory."""

    @abstractmethod
    def allocate_managed(self, size: int) -> HostMemory:
        """Memory that host and device use at the same time."""

    @abstractmethod
    def free(self, address: Address) -> None:
        """Gives either back."""

    @abstractmethod
    def allocate_host(self, size: int) -> HostMemory:
        """The host's memory that devices use: all of them, where they share it
        (`Facts.shares_host_memory`)."""

    @abstractmethod
    def free_host(self, address: Address) -> None: ...

    # -- transfers --------------------------------------------------------------------

    @abstractmethod
    def copy(self, target: Address, source: Address, size: int, stream: Handle) -> None:
        """Copies between any two places that the device reaches."""

    @abstractmethod
    def fill(self, target: Address, width: int, value: int, count: int, stream: Handle) -> None:
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
        addresses: Sequence[Address],
        constants: Sequence[int],
    ) -> None:
        """Runs an entry point with addresses, and then constants of 32 bits each."""
