"""The rules give the same edge pair by pair and for a whole matrix, of few kinds and of many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cts.hal import SELF_EDGE, DeviceCapabilities, Edge, EdgeMatrix, edge_from_capabilities
from cts.hal.edge_rules import _FEW_KINDS
from cts.plugin.strategies import capabilities


def distance(src: int, dst: int) -> int:
    """Another one for every ordered pair."""
    return 12 + 2 * src + dst


devices = st.tuples(capabilities(), st.sampled_from(["one", "two"]))


@settings(deadline=None)
@given(st.lists(devices, min_size=1, max_size=12))
def test_matrix_and_pairs_agree(members: list[tuple[DeviceCapabilities, str]]) -> None:
    answers, drivers = [m[0] for m in members], [m[1] for m in members]
    lo, hi = EdgeMatrix(answers, drivers, distance).words()
    for i, (src, src_driver) in enumerate(members):
        for j, (dst, dst_driver) in enumerate(members):
            wanted = SELF_EDGE
            if i != j:
                wanted = edge_from_capabilities(
                    src, dst, src_driver=src_driver, dst_driver=dst_driver, numa_distance=distance
                )
            assert Edge(int(lo[i, j]), int(hi[i, j])) == wanted


def test_a_distance_is_asked_for_once_per_pair_of_nodes() -> None:
    for count in (_FEW_KINDS, _FEW_KINDS + 20):
        asked: list[tuple[int, int]] = []

        def counting(src: int, dst: int, asked: list[tuple[int, int]] = asked) -> int:
            asked.append((src, dst))
            return 20

        answers = [
            DeviceCapabilities(numa_node=i % 2, buffer_export_types=i // 2)  # type: ignore[arg-type]
            for i in range(count)
        ]
        EdgeMatrix(answers, ["one"] * count, counting).words()
        assert sorted(asked) == [(0, 1), (1, 0)]


def test_devices_with_a_uuid_of_their_own_are_of_one_kind() -> None:
    answers = [
        DeviceCapabilities(physical_device_uuid=bytes([i + 1]) * 16, driver_device_handle=i + 1)
        for i in range(5)
    ]
    assert EdgeMatrix(answers, ["one"] * 5).kind_of == [0] * 5
    shared = [*answers, answers[0]]
    assert EdgeMatrix(shared, ["one"] * 6).kind_of == [0, 1, 1, 1, 1, 0]
