"""Directed edges between devices, packed in 128 bits.

An edge src→dst says how dst can wait on src's semaphores and read or write its buffers, and at
what cost: a scheduling word `lo` for the hot path and an interop word `hi` with the handle types
that can be used (layout: the contract, section 4; IREE's `iree_hal_topology_edge_t`).

    edge = edge_from_capabilities(a, b, src_driver="cuda", dst_driver="vulkan")
    edge.wait_mode      # InteropMode.IMPORT
    print(edge)         # wait=IMPORT signal=COPY … link=HOST_STAGED copy_cost=13
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, Self

from .capabilities import HandleType
from .status import HalError, StatusCode


class InteropMode(IntEnum):
    """How one device uses another's object."""

    NATIVE = 0
    IMPORT = 1
    COPY = 2
    NONE = 3


class LinkClass(IntEnum):
    """What lies between two devices."""

    SAME_DIE = 0
    NVLINK_IF = 1
    PCIE_SAME_ROOT = 2
    PCIE_CROSS_ROOT = 3
    HOST_STAGED = 4
    FABRIC = 5
    OTHER = 6
    ISOLATED = 7


class EdgeFlag(IntFlag):
    """Capability flags of an edge; a device's flags are numbered otherwise."""

    SAME_RUNTIME_DOMAIN = 1 << 0
    UNIFIED_MEMORY = 1 << 1
    PEER_COHERENT = 1 << 2
    HOST_COHERENT = 1 << 3
    P2P_COPY = 1 << 4
    CONCURRENT_SAFE = 1 << 5
    ATOMIC_DEVICE = 1 << 6
    ATOMIC_SYSTEM = 1 << 7
    TIMELINE_SEMAPHORE = 1 << 8
    BINARY_SEMAPHORE_ONLY = 1 << 9
    REMOTE_DMA = 1 << 10
    SHARED_VIRTUAL_ADDRESS = 1 << 11
    PEER_ACCESS_REQUIRES_GRANT = 1 << 12


class Field(NamedTuple):
    """Where a field lies in its word, and what it holds."""

    word: str
    shift: int
    width: int
    kind: type[int]

    @property
    def limit(self) -> int:
        """The largest value that fits."""
        return (1 << self.width) - 1


FIELDS: dict[str, Field] = {
    "wait_mode": Field("lo", 0, 2, InteropMode),
    "signal_mode": Field("lo", 2, 2, InteropMode),
    "buffer_read_mode_noncoherent": Field("lo", 4, 2, InteropMode),
    "buffer_write_mode_noncoherent": Field("lo", 6, 2, InteropMode),
    "buffer_read_mode_coherent": Field("lo", 8, 2, InteropMode),
    "buffer_write_mode_coherent": Field("lo", 10, 2, InteropMode),
    "flags": Field("lo", 12, 16, EdgeFlag),
    "wait_cost": Field("lo", 28, 4, int),
    "signal_cost": Field("lo", 32, 4, int),
    "copy_cost": Field("lo", 36, 4, int),
    "latency_class": Field("lo", 40, 4, int),
    "numa_distance": Field("lo", 44, 4, int),
    "link_class": Field("lo", 48, 3, LinkClass),
    "semaphore_import_types": Field("hi", 0, 8, HandleType),
    "semaphore_export_types": Field("hi", 8, 8, HandleType),
    "buffer_import_types": Field("hi", 16, 8, HandleType),
    "buffer_export_types": Field("hi", 24, 8, HandleType),
}

MODES = tuple(name for name, field in FIELDS.items() if field.kind is InteropMode)
COSTS = ("wait_cost", "signal_cost", "copy_cost", "latency_class")
HANDLE_SETS = tuple(name for name, field in FIELDS.items() if field.kind is HandleType)

RESERVED = {
    word: (1 << 64) - 1 - sum(f.limit << f.shift for f in FIELDS.values() if f.word == word)
    for word in ("lo", "hi")
}
"""The bits of each word that no field uses; zero in every valid edge."""

_PRINTED = {name: name.removesuffix("_mode").removesuffix("_class") for name in FIELDS} | {
    "latency_class": "latency"
}


@dataclass(frozen=True)
class Edge:
    """An immutable value of two 64-bit words.

    The constructor takes the words as they are, so that a driver's answer can be looked at
    before it is believed; `pack` and `replace` take fields and refuse what does not fit.
    """

    lo: int
    hi: int = 0

    def __post_init__(self) -> None:
        for word in ("lo", "hi"):
            value = getattr(self, word)
            if not 0 <= value < 1 << 64:
                raise _does_not_fit("Edge", word, value, (1 << 64) - 1)

    @classmethod
    def pack(cls, **fields: int) -> Self:
        """An edge of the fields given, the rest zero. Raises INVALID_ARGUMENT out of range."""
        return cls(0, 0).replace(**fields)

    def replace(self, **fields: int) -> Self:
        """The same edge with some fields changed. Raises INVALID_ARGUMENT out of range."""
        words = {"lo": self.lo, "hi": self.hi}
        for name, value in fields.items():
            field = FIELDS.get(name)
            if field is None:
                raise HalError(
                    StatusCode.INVALID_ARGUMENT,
                    "Edge.replace",
                    f"there is no field {name!r}; the fields are {', '.join(FIELDS)}",
                )
            if not 0 <= value <= field.limit:
                raise _does_not_fit("Edge.replace", name, value, field.limit)
            kept = words[field.word] & ~(field.limit << field.shift)
            words[field.word] = kept | int(value) << field.shift
        return type(self)(**words)

    def fields(self) -> dict[str, int]:
        """Every field by name, in the layout's order."""
        return {name: getattr(self, name) for name in FIELDS}

    # One property a field, so that readers and type checkers see them.
    @property
    def wait_mode(self) -> InteropMode:
        """How dst waits on a semaphore of src."""
        return InteropMode(self.lo & 3)

    @property
    def signal_mode(self) -> InteropMode:
        """How src signals a semaphore of dst."""
        return InteropMode(self.lo >> 2 & 3)

    @property
    def buffer_read_mode_noncoherent(self) -> InteropMode:
        """How dst reads a buffer of src, with explicit flush and invalidate."""
        return InteropMode(self.lo >> 4 & 3)

    @property
    def buffer_write_mode_noncoherent(self) -> InteropMode:
        """How dst writes a buffer of src, with explicit flush and invalidate."""
        return InteropMode(self.lo >> 6 & 3)

    @property
    def buffer_read_mode_coherent(self) -> InteropMode:
        """How dst reads a coherent buffer of src."""
        return InteropMode(self.lo >> 8 & 3)

    @property
    def buffer_write_mode_coherent(self) -> InteropMode:
        """How dst writes a coherent buffer of src."""
        return InteropMode(self.lo >> 10 & 3)

    @property
    def flags(self) -> EdgeFlag:
        """What both ends can do together."""
        return EdgeFlag(self.lo >> 12 & 0xFFFF)

    @property
    def wait_cost(self) -> int:
        """0 (free) to 15."""
        return self.lo >> 28 & 15

    @property
    def signal_cost(self) -> int:
        """0 (free) to 15."""
        return self.lo >> 32 & 15

    @property
    def copy_cost(self) -> int:
        """0 (free) to 15."""
        return self.lo >> 36 & 15

    @property
    def latency_class(self) -> int:
        """0 (lowest) to 15."""
        return self.lo >> 40 & 15

    @property
    def numa_distance(self) -> int:
        """0 (same node) to 15."""
        return self.lo >> 44 & 15

    @property
    def link_class(self) -> LinkClass:
        """What lies between the two devices."""
        return LinkClass(self.lo >> 48 & 7)

    @property
    def semaphore_import_types(self) -> HandleType:
        """Handle types by which dst can import src's semaphores."""
        return HandleType(self.hi & 0xFF)

    @property
    def semaphore_export_types(self) -> HandleType:
        """Handle types by which src can import dst's semaphores."""
        return HandleType(self.hi >> 8 & 0xFF)

    @property
    def buffer_import_types(self) -> HandleType:
        """Handle types by which dst can import src's buffers."""
        return HandleType(self.hi >> 16 & 0xFF)

    @property
    def buffer_export_types(self) -> HandleType:
        """Handle types by which src can import dst's buffers."""
        return HandleType(self.hi >> 24 & 0xFF)

    @property
    def reserved(self) -> tuple[int, int]:
        """The reserved bits of `lo` and `hi`; (0, 0) in a valid edge."""
        return self.lo & RESERVED["lo"], self.hi & RESERVED["hi"]

    def __str__(self) -> str:
        return " ".join(f"{_PRINTED[name]}={_show(value)}" for name, value in self.fields().items())


def _show(value: Any) -> str:
    if isinstance(value, IntFlag):
        bits = [str(part.name or hex(part)) for part in value]
        rest = int(value) & ~sum(type(value))
        return "|".join(bits + ([hex(rest)] if rest else [])) or "-"
    return value.name if isinstance(value, IntEnum) else str(value)


def _does_not_fit(operation: str, name: str, value: int, limit: int) -> HalError:
    return HalError(
        StatusCode.INVALID_ARGUMENT, operation, f"{name}={value} does not fit: 0 to {limit}"
    )


SELF_EDGE = Edge.pack(
    flags=sum(EdgeFlag(1 << bit) for bit in (*range(9), 11)),
    **dict.fromkeys(HANDLE_SETS, HandleType.NATIVE),
)
"""The edge of every device to itself: native throughout, at no cost."""
