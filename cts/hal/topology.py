"""The topology of a device group: an immutable N×N matrix of edges.

A `TopologyBuilder` takes edges one by one and refuses an incomplete or contradictory matrix; the
`Topology` it builds is a value that any thread may read with no lock. A device sees its place in it
through a `DeviceTopologyInfo`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, Self

import numpy as np

from .edge import FIELDS, SELF_EDGE, Edge, InteropMode, LinkClass
from .edge_rules import Matrix
from .status import HalError, StatusCode

_LINK = FIELDS["link_class"]


class Topology:
    """An immutable matrix of edges, row src and column dst, and each device's NUMA node."""

    __slots__ = ("__weakref__", "_hi", "_lo", "_numa_nodes")

    _lo: Matrix
    _hi: Matrix
    _numa_nodes: tuple[int, ...]

    def __init__(self, lo: Matrix, hi: Matrix, numa_nodes: Sequence[int]) -> None:
        """Takes the words uint64[N, N] as they are; `TopologyBuilder` is the way that checks."""
        object.__setattr__(self, "_lo", _frozen(lo))
        object.__setattr__(self, "_hi", _frozen(hi))
        object.__setattr__(self, "_numa_nodes", tuple(int(node) for node in numa_nodes))

    @property
    def device_count(self) -> int:
        """N."""
        return len(self._numa_nodes)

    @property
    def lo(self) -> Matrix:
        """The scheduling words, uint64[N, N], read-only for good."""
        return self._lo

    @property
    def hi(self) -> Matrix:
        """The interop words, uint64[N, N], read-only for good."""
        return self._hi

    @property
    def numa_nodes(self) -> tuple[int, ...]:
        """The NUMA node of each device."""
        return self._numa_nodes

    def query_edge(self, src: int, dst: int) -> Edge | None:
        """The edge src→dst; none for an ordinal that is not 0 to N − 1, never a zero word."""
        count = self.device_count
        if not (0 <= src < count and 0 <= dst < count):
            return None
        return Edge(int(self._lo[src, dst]), int(self._hi[src, dst]))

    def field(self, name: str) -> np.ndarray[Any, np.dtype[np.int64]]:
        """One field of every edge, int64[N, N]; `name` is one of `Edge.fields`."""
        field = FIELDS[name]
        words = self._lo if field.word == "lo" else self._hi
        return (words >> np.uint64(field.shift) & np.uint64(field.limit)).astype(np.int64)

    # -- serialisation ----------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """Lists and strings, the words in hexadecimal, row by row; `from_plain` reads it back."""
        words = {
            name: [[f"{int(word):#018x}" for word in row] for row in matrix]
            for name, matrix in (("lo", self._lo), ("hi", self._hi))
        }
        return {"numa_nodes": list(self._numa_nodes), **words}

    def to_json(self) -> str:
        """`to_plain` as JSON; `from_json` reads it back."""
        return json.dumps(self.to_plain())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The topology that `to_json` wrote. Raises INVALID_ARGUMENT for anything else."""
        try:
            return cls.from_plain(json.loads(text))
        except ValueError as error:
            raise _invalid("Topology.from_json", f"not JSON: {error}") from error

    @classmethod
    def from_plain(cls, data: Any) -> Self:
        """The topology that `to_plain` gave. Raises INVALID_ARGUMENT for anything else."""
        try:
            nodes = [int(node) for node in data["numa_nodes"]]
            lo, hi = (
                np.array([[int(word, 16) for word in row] for row in data[name]], np.uint64)
                for name in ("lo", "hi")
            )
            if not lo.shape == hi.shape == (len(nodes), len(nodes)):
                raise ValueError(f"{len(nodes)} NUMA nodes, edges {lo.shape} and {hi.shape}")
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise _invalid("Topology.from_plain", f"not a topology: {error!r}") from error
        return cls(lo, hi, nodes)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._lo, self._hi, self._numa_nodes))

    # -- a value ----------------------------------------------------------------------

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Topology is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Topology is immutable: {name} cannot be deleted")

    def _content(self) -> tuple[bytes, bytes, tuple[int, ...]]:
        return self._lo.tobytes(), self._hi.tobytes(), self._numa_nodes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topology):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<Topology of {self.device_count} device(s)>"

    def __str__(self) -> str:
        """A matrix of ``wait mode/buffer read mode link copy_cost``, row src and column dst."""
        count = self.device_count
        cells = [["src\\dst", *map(str, range(count))]]
        fields = ("wait_mode", "buffer_read_mode_coherent", "link_class", "copy_cost")
        wait, read, link, cost = (self.field(name) for name in fields)
        for i in range(count):
            row = [
                f"{InteropMode(wait[i, j]).name}/{InteropMode(read[i, j]).name}"
                f" {LinkClass(link[i, j]).name} {cost[i, j]}"
                for j in range(count)
            ]
            cells.append([str(i), *row])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        )


class TopologyBuilder:
    """Collects the edges of `device_count` devices; self edges are there from the start."""

    def __init__(self, device_count: int) -> None:
        if device_count < 1:
            raise _invalid("TopologyBuilder", f"{device_count} devices: at least 1 is needed")
        shape = (device_count, device_count)
        self._count = device_count
        self._lo, self._hi = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
        self._is_set = np.eye(device_count, dtype=bool)
        np.fill_diagonal(self._lo, SELF_EDGE.lo)
        np.fill_diagonal(self._hi, SELF_EDGE.hi)
        self._numa_nodes = [0] * device_count

    def set_edge(self, src: int, dst: int, edge: Edge) -> None:
        """Sets the edge src→dst.

        Raises INVALID_ARGUMENT for an ordinal out of range, reserved bits that are not zero, and
        a self edge whose wait mode is not NATIVE.
        """
        self._check_ordinal("set_edge", "src", src)
        self._check_ordinal("set_edge", "dst", dst)
        if any(edge.reserved):
            raise _invalid(
                "TopologyBuilder.set_edge",
                f"edge {src}→{dst} sets reserved bits lo={edge.reserved[0]:#x}"
                f" hi={edge.reserved[1]:#x}: they are zero",
            )
        if src == dst and edge.wait_mode is not InteropMode.NATIVE:
            raise _invalid(
                "TopologyBuilder.set_edge",
                f"self edge {src}→{src} has wait mode {edge.wait_mode.name}: it is NATIVE",
            )
        self._lo[src, dst], self._hi[src, dst] = edge.lo, edge.hi
        self._is_set[src, dst] = True

    def set_numa_node(self, device: int, node: int) -> None:
        """Sets the NUMA node of a device. Raises INVALID_ARGUMENT for an ordinal out of range."""
        self._check_ordinal("set_numa_node", "device", device)
        self._numa_nodes[device] = node

    def build(self) -> Topology:
        """The topology.

        Raises INVALID_ARGUMENT naming the pair of an unset edge, or of two edges that contradict
        each other in their link class.
        """
        if not self._is_set.all():
            src, dst = np.argwhere(~self._is_set)[0]
            raise _invalid("TopologyBuilder.build", f"edge {src}→{dst} is not set")
        pair = asymmetric_link(self._lo)
        if pair is not None:
            src, dst = pair
            there, back = (
                LinkClass(int(self._lo[p]) >> _LINK.shift & 7).name
                for p in ((src, dst), (dst, src))
            )
            raise _invalid(
                "TopologyBuilder.build",
                f"link_class of {src}→{dst} is {there}, of {dst}→{src} {back}: they are equal",
            )
        return Topology(self._lo, self._hi, self._numa_nodes)

    def _check_ordinal(self, operation: str, name: str, ordinal: int) -> None:
        if not 0 <= ordinal < self._count:
            raise _invalid(
                f"TopologyBuilder.{operation}", f"{name} is {ordinal}: 0 to {self._count - 1}"
            )


def asymmetric_link(lo: Matrix) -> tuple[int, int] | None:
    """The first pair whose two scheduling words differ in their link class."""
    link = lo >> np.uint64(_LINK.shift) & np.uint64(_LINK.limit)
    return first_difference(link, link.T)


def first_difference(matrix: Matrix, other: Matrix) -> tuple[int, int] | None:
    """Row and column of the first element in which two matrices differ."""
    different = matrix != other
    if not different.any():
        return None
    row, column = np.argwhere(different)[0]
    return int(row), int(column)


def _frozen(words: Matrix) -> Matrix:
    """A copy over immutable bytes, which no one can make writeable again."""
    array = np.ascontiguousarray(words, np.uint64)
    return np.frombuffer(array.tobytes(), np.uint64).reshape(array.shape)


def _invalid(operation: str, detail: str) -> HalError:
    return HalError(StatusCode.INVALID_ARGUMENT, operation, detail)
