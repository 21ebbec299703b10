"""What tests of the plugin share: packages of somebody else's, as far as pip would see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.outside_drivers import install_package

Package = Callable[[str, str, str], None]


@pytest.fixture
def package(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Installs a module of that name, with its source and its entry points."""

    def install(name: str, source: str, entry_points: str) -> None:
        install_package(pytester.path, name, source, entry_points)
        monkeypatch.setenv("PYTHONPATH", str(pytester.path))

    return install
