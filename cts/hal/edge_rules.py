"""How an edge follows from the capabilities of its two devices (the contract, section 4).

The rules are written once, on words that are Python ints for one pair of devices
(`edge_from_capabilities`) or numpy arrays for the whole matrix of a group at once
(`EdgeMatrix`): they use the operators that both have, and a `where` that is passed in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .capabilities import DeviceCapabilities, DeviceCapability, HandleType
from .edge import COSTS, FIELDS, MODES, SELF_EDGE, Edge, EdgeFlag, InteropMode, LinkClass
from .numa import NumaDistance, platform_distance

Words: Any = Any  # an int, or a numpy array of uint64: mypy has no type for "either, alike"
Where = Callable[[Any, Any, Any], Any]
Matrix = npt.NDArray[np.uint64]

UNKNOWN_NUMA_DISTANCE = 3
LOCAL_SLIT = 10

_CAP = DeviceCapability
_EDGE_FLAG_OF = {
    _CAP.UNIFIED_MEMORY: EdgeFlag.UNIFIED_MEMORY,
    _CAP.PEER_COHERENT: EdgeFlag.PEER_COHERENT,
    _CAP.HOST_COHERENT: EdgeFlag.HOST_COHERENT,
    _CAP.P2P_COPY: EdgeFlag.P2P_COPY,
    _CAP.CONCURRENT_SAFE: EdgeFlag.CONCURRENT_SAFE,
    _CAP.ATOMIC_SCOPE_DEVICE: EdgeFlag.ATOMIC_DEVICE,
    _CAP.ATOMIC_SCOPE_SYSTEM: EdgeFlag.ATOMIC_SYSTEM,
    _CAP.TIMELINE_SEMAPHORES: EdgeFlag.TIMELINE_SEMAPHORE,
    _CAP.SHARED_VIRTUAL_ADDRESS: EdgeFlag.SHARED_VIRTUAL_ADDRESS,
}
_ONLY_WITHIN_A_DRIVER = int(_CAP.PEER_COHERENT)


def _flag_shifts() -> dict[int, int]:
    """Device flags, as masks, by how far left each lies in an edge's scheduling word."""
    shifts: dict[int, int] = {}
    for capability, flag in _EDGE_FLAG_OF.items():
        distance = flag.bit_length() - capability.bit_length() + FIELDS["flags"].shift
        shifts[distance] = shifts.get(distance, 0) | int(capability)
    return shifts


_FLAG_SHIFTS = _flag_shifts()


class _End(NamedTuple):
    """One end of a pair, or of all pairs of a matrix."""

    flags: Words
    semaphore_export: Words
    semaphore_import: Words
    buffer_export: Words
    buffer_import: Words


class _Relation(NamedTuple):
    """What only the two ends together tell; the first three are conditions."""

    same_driver: Words
    same_uuid: Words
    aliased: Words
    numa_distance: Words


def _word(**fields: int) -> int:
    return Edge.pack(**fields).lo


_N, _I, _C = InteropMode.NATIVE, InteropMode.IMPORT, InteropMode.COPY
_READ_WRITE_NONCOHERENT = ("buffer_read_mode_noncoherent", "buffer_write_mode_noncoherent")
_READ_WRITE_COHERENT = ("buffer_read_mode_coherent", "buffer_write_mode_coherent")
_WAIT = {m: _word(wait_mode=m, wait_cost=c) for m, c in ((_N, 0), (_I, 3), (_C, 10))}
_SIGNAL = {m: _word(signal_mode=m, signal_cost=c) for m, c in ((_N, 1), (_I, 3), (_C, 10))}
_NONCOHERENT = {m: _word(**dict.fromkeys(_READ_WRITE_NONCOHERENT, m)) for m in (_N, _I, _C)}
_COHERENT = {m: _word(**dict.fromkeys(_READ_WRITE_COHERENT, m)) for m in (_N, _I, _C)}
_ON_SAME_UUID = _word(link_class=LinkClass.SAME_DIE, copy_cost=0, latency_class=0)
_ON_SAME_DRIVER = _word(link_class=LinkClass.PCIE_SAME_ROOT)
_ON_OTHER_DRIVER = _word(link_class=LinkClass.HOST_STAGED)
_COST_PEER = _word(copy_cost=5, latency_class=5)
_COST_SAME_DRIVER = _word(copy_cost=9, latency_class=8)
_COST_OTHER = _word(copy_cost=13, latency_class=11)
_NOTHING_WORKS = _word(
    link_class=LinkClass.ISOLATED,
    **dict.fromkeys(MODES, InteropMode.NONE),
    **dict.fromkeys(COSTS, 15),
)
_NUMA_SHIFT = FIELDS["numa_distance"].shift
_SAME_DOMAIN = _word(flags=EdgeFlag.SAME_RUNTIME_DOMAIN)


def _edge_words(src: _End, dst: _End, pair: _Relation, where: Where) -> tuple[Words, Words]:
    """The words (lo, hi) of src→dst, for two different devices."""
    both = src.flags & dst.flags
    same_driver = pair.same_driver

    def both_have(capability: DeviceCapability) -> Words:
        return (both & int(capability)) != 0

    def mode(native: Words, handles: Words, words: dict[InteropMode, int]) -> Words:
        return where(native, words[_N], where(handles != 0, words[_I], words[_C]))

    semaphore_import = src.semaphore_export & dst.semaphore_import
    semaphore_export = dst.semaphore_export & src.semaphore_import
    buffer_import = src.buffer_export & dst.buffer_import
    buffer_export = dst.buffer_export & src.buffer_import
    native_bit = int(HandleType.NATIVE)
    addressable = same_driver & both_have(_CAP.PEER_ADDRESSABLE)

    lo = mode(same_driver & ((semaphore_import & native_bit) != 0), semaphore_import, _WAIT)
    lo = lo | mode(same_driver & ((semaphore_export & native_bit) != 0), semaphore_export, _SIGNAL)
    lo = lo | mode(addressable, buffer_import, _NONCOHERENT)
    lo = lo | mode(addressable | both_have(_CAP.UNIFIED_MEMORY), buffer_import, _COHERENT)

    shared = where(same_driver, both, both & ~_ONLY_WITHIN_A_DRIVER)
    for distance, mask in _FLAG_SHIFTS.items():
        lo = lo | (shared & mask) << distance
    near = where(both_have(_CAP.P2P_COPY), _COST_PEER, _COST_SAME_DRIVER) | _ON_SAME_DRIVER
    far = _COST_OTHER | _ON_OTHER_DRIVER
    lo = lo | where(pair.same_uuid, _ON_SAME_UUID, where(same_driver, near, far))
    domain = where(same_driver, _SAME_DOMAIN, 0)
    numa = pair.numa_distance << _NUMA_SHIFT
    lo = lo | domain | numa
    hi = (
        semaphore_import
        | semaphore_export << FIELDS["semaphore_export_types"].shift
        | buffer_import << FIELDS["buffer_import_types"].shift
        | buffer_export << FIELDS["buffer_export_types"].shift
    )

    lo = where(pair.aliased, SELF_EDGE.lo, lo)
    hi = where(pair.aliased, SELF_EDGE.hi, hi)
    isolated = ((src.flags | dst.flags) & int(_CAP.ISOLATED)) != 0
    return where(isolated, _NOTHING_WORKS | domain | numa, lo), where(isolated, 0, hi)


def edge_from_capabilities(
    src: DeviceCapabilities,
    dst: DeviceCapabilities,
    *,
    src_driver: str,
    dst_driver: str,
    numa_distance: NumaDistance = platform_distance,
) -> Edge:
    """The edge src→dst between two different devices, before any refinement.

    Parameters
    ----------
    src, dst : well-formed capabilities of the two devices.
    src_driver, dst_driver : names of their drivers; equal names are one driver.
    numa_distance : SLIT distance between two NUMA nodes; asked only for different nodes.
    """
    here, there = (
        _Kind(_end(c), c.numa_node, c.physical_device_uuid, c.driver_device_handle, driver)
        for c, driver in ((src, src_driver), (dst, dst_driver))
    )
    return Edge(*_pair_words(here, there, numa_distance))


class EdgeMatrix:
    """The edges of every pair of a group's devices, before any refinement.

    Devices that answer alike have equal edges, so the rules are applied once for each pair of
    *kinds* of device and not for each pair of devices.

    Parameters
    ----------
    capabilities, drivers : those of the N devices, in topology order.
    numa_distance : SLIT distance; asked once for each ordered pair of different nodes in use.

    Attributes
    ----------
    kind_of : the kind, 0 to K - 1, of each of the N devices.
    """

    def __init__(
        self,
        capabilities: Sequence[DeviceCapabilities],
        drivers: Sequence[str],
        numa_distance: NumaDistance = platform_distance,
    ) -> None:
        kinds, self.kind_of = _kinds_of(capabilities, drivers)
        apply_rules = _pair_by_pair if len(kinds) <= _FEW_KINDS else _all_at_once
        self._lo, self._hi = apply_rules(kinds, numa_distance)

    def words(self) -> tuple[Matrix, Matrix]:
        """Two new arrays (lo, hi), uint64[N, N], row src and column dst, self edges included."""
        kinds = np.array(self.kind_of)
        lo, hi = (words.take(kinds, axis=0).take(kinds, axis=1) for words in (self._lo, self._hi))
        np.fill_diagonal(lo, SELF_EDGE.lo)
        np.fill_diagonal(hi, SELF_EDGE.hi)
        return lo, hi

    def edges(self) -> list[list[Edge]]:
        """The edge between two different devices, by the kind of src and of dst (K x K)."""
        words = [
            list(zip(*row, strict=True))
            for row in zip(self._lo.tolist(), self._hi.tolist(), strict=True)
        ]
        made = {pair: Edge(*pair) for row in words for pair in row}
        return [[made[pair] for pair in row] for row in words]


class _Kind(NamedTuple):
    """What distinguishes two devices in the eyes of the rules."""

    end: _End
    numa_node: int
    uuid: bytes | None
    handle: int
    driver: str


_FEW_KINDS = 4
"""Up to here, pair by pair is faster than numpy's overhead."""


def _kinds_of(
    capabilities: Sequence[DeviceCapabilities], drivers: Sequence[str]
) -> tuple[list[_Kind], list[int]]:
    """The distinct kinds, and each device's. A UUID or handle that only one device has relates it
    to nobody, and makes it no kind of its own."""
    uuids = Counter(c.physical_device_uuid for c in capabilities)
    handles = Counter(c.driver_device_handle for c in capabilities)
    keys = [
        (
            c.flags,
            c.semaphore_export_types,
            c.semaphore_import_types,
            c.buffer_export_types,
            c.buffer_import_types,
            c.numa_node,
            c.physical_device_uuid if uuids[c.physical_device_uuid] > 1 else None,
            c.driver_device_handle if handles[c.driver_device_handle] > 1 else 0,
            driver,
        )
        for c, driver in zip(capabilities, drivers, strict=True)
    ]
    numbers = _distinct(keys)
    kinds = [_Kind(_End(*map(int, key[:5])), *key[5:]) for key in numbers]
    return kinds, [numbers[key] for key in keys]


def _pair_by_pair(kinds: Sequence[_Kind], numa_distance: NumaDistance) -> tuple[Matrix, Matrix]:
    distance = cache(numa_distance)
    words = [[_pair_words(src, dst, distance) for dst in kinds] for src in kinds]
    lo, hi = np.array(words, np.uint64).transpose(2, 0, 1)
    return lo, hi


def _pair_words(src: _Kind, dst: _Kind, numa_distance: NumaDistance) -> tuple[int, int]:
    same_driver = src.driver == dst.driver
    pair = _Relation(
        same_driver=same_driver,
        same_uuid=src.uuid is not None and src.uuid == dst.uuid,
        aliased=same_driver and src.handle != 0 and src.handle == dst.handle,
        numa_distance=_scaled(src.numa_node, dst.numa_node, numa_distance),
    )
    return _edge_words(src.end, dst.end, pair, lambda c, yes, no: yes if c else no)


def _all_at_once(kinds: Sequence[_Kind], numa_distance: NumaDistance) -> tuple[Matrix, Matrix]:
    ends = np.array([kind.end for kind in kinds], dtype=np.int64).T
    uuids = _numbered([kind.uuid for kind in kinds])
    handles = _numbered([kind.handle or None for kind in kinds])
    drivers = _numbered([kind.driver for kind in kinds])
    same_driver = drivers[:, None] == drivers
    pair = _Relation(
        same_driver=same_driver,
        same_uuid=(uuids[:, None] == uuids) & (uuids != 0),
        aliased=same_driver & (handles[:, None] == handles) & (handles != 0),
        numa_distance=_scaled_matrix([kind.numa_node for kind in kinds], numa_distance),
    )
    lo, hi = _edge_words(_End(*ends[:, :, None]), _End(*ends[:, None, :]), pair, np.where)
    # Computed signed, where numpy and Python ints agree; no edge uses the sign bit.
    return lo.view(np.uint64), hi.view(np.uint64)


def _end(c: DeviceCapabilities) -> _End:
    return _End(
        int(c.flags),
        int(c.semaphore_export_types),
        int(c.semaphore_import_types),
        int(c.buffer_export_types),
        int(c.buffer_import_types),
    )


def _distinct(values: Sequence[Any]) -> dict[Any, int]:
    """Each distinct value with its number, in order of appearance."""
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def _numbered(values: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Equal numbers for equal values, 0 for none."""
    numbers = _distinct([value for value in values if value is not None])
    return np.array([0 if value is None else numbers[value] + 1 for value in values])


def _scaled(src: int, dst: int, numa_distance: NumaDistance) -> int:
    """An edge's NUMA distance, 0 to 15."""
    if src == dst:
        return 0
    slit = numa_distance(src, dst)
    if slit is None:
        return UNKNOWN_NUMA_DISTANCE
    return max(0, min((slit - LOCAL_SLIT) // 2, FIELDS["numa_distance"].limit))


def _scaled_matrix(nodes: Sequence[int], numa_distance: NumaDistance) -> npt.NDArray[np.int64]:
    """The NUMA distance of every pair; each pair of nodes is asked for once."""
    numbers = _distinct(nodes)
    table = np.array(
        [[_scaled(src, dst, numa_distance) for dst in numbers] for src in numbers], np.int64
    )
    of_node = [numbers[node] for node in nodes]
    matrix: npt.NDArray[np.int64] = table[np.ix_(of_node, of_node)]
    return matrix
