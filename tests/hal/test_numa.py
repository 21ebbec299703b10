"""NUMA distances from a sysfs tree made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from cts.hal import numa


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nodes 0, 2 and 3 online, as a machine with node 1 taken out has them."""
    (tmp_path / "online").write_text("0,2-3\n")
    for node, row in {0: "10 21 31", 2: "21 10 17", 3: "31 17 10"}.items():
        (tmp_path / f"node{node}").mkdir()
        (tmp_path / f"node{node}" / "distance").write_text(f"{row}\n")
    monkeypatch.setattr(numa, "SYSFS_NODES", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("pair", "distance"), [((0, 2), 21), ((0, 3), 31), ((2, 3), 17), ((3, 2), 17), ((2, 2), 10)]
)
def test_columns_are_the_online_nodes(nodes: Path, pair: tuple[int, int], distance: int) -> None:
    assert numa.platform_distance(*pair) == distance


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (0, 200)])
def test_a_node_that_is_not_online_is_unknown(nodes: Path, pair: tuple[int, int]) -> None:
    assert numa.platform_distance(*pair) is None


@pytest.mark.parametrize("text", ["", "0", "0-", "x"])
def test_what_cannot_be_read_is_unknown(nodes: Path, text: str) -> None:
    (nodes / "online").write_text(text)
    assert numa.platform_distance(0, 2) is None


def test_a_platform_without_numa_is_unknown(
    nodes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(numa, "SYSFS_NODES", str(tmp_path / "none"))
    assert numa.platform_distance(0, 2) is None
