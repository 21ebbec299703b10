"""What tests of the plugin share: packages of somebody else's, as far as pip would see them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

Package = Callable[[str, str, str], None]


@pytest.fixture
def package(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Installs a module of that name, with its source and its entry points."""

    def install(name: str, source: str, entry_points: str) -> None:
        (pytester.path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        dist = pytester.path / f"{name}-1.0.dist-info"
        dist.mkdir()
        (dist / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (dist / "entry_points.txt").write_text(textwrap.dedent(entry_points), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(pytester.path))

    return install
