"""The registry: from entry points to driver classes, and what is said where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from cts import registry
from cts.hal import HalError, StatusCode
from tests.outside_drivers import UNAVAILABLE, driver_source

from .conftest import Package

Register = Callable[..., None]


@pytest.fixture
def register(
    package: Package, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Register:
    """Installs a package whose driver this process can find too, until the end of the test."""
    monkeypatch.syspath_prepend(pytester.path)

    def install(module: str, source: str, name: str, attribute: str = "OutsideDriver") -> None:
        monkeypatch.delitem(sys.modules, module, raising=False)
        package(module, source, f"[cts.drivers]\n{name} = {module}:{attribute}\n")

    return install


def test_names_are_sorted_and_have_the_built_in_ones(register: Register) -> None:
    register("zoo_driver", driver_source("zoo"), "zoo")
    register("aardvark_driver", driver_source("aardvark"), "aardvark")
    names = registry.names()
    assert names == sorted(names)
    assert {"aardvark", "zoo", "null", "mock", "local-sync", "cuda"} <= set(names)


def test_nothing_is_imported_before_a_driver_is_loaded(register: Register) -> None:
    register("shy_driver", driver_source("shy"), "shy")
    assert "shy" in registry.names()
    assert "shy_driver" not in sys.modules
    kind = registry.load("shy")
    assert kind.name == "shy"
    assert kind.__module__ == "shy_driver"


def test_an_unknown_name_lists_the_known_ones(register: Register) -> None:
    register("known_driver", driver_source("known"), "known")
    with pytest.raises(
        registry.UnknownDriverError, match=r"'nobody'; there are: .*\bknown\b.*mock"
    ):
        registry.load("nobody")


def test_a_module_may_say_on_import_that_it_is_not_here(register: Register) -> None:
    register("absent_driver", driver_source("absent", import_=UNAVAILABLE), "absent")
    with pytest.raises(HalError, match="libacme") as caught:
        registry.load("absent")
    assert caught.value.code is StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("raise HalError(StatusCode.INTERNAL, 'x')", "fails to import: HalError"),
        ("raise ImportError('libx')", r"fails to import: ImportError\('libx'\)"),
    ],
    ids=["HalError", "ImportError"],
)
def test_anything_else_on_import_is_a_broken_driver(
    register: Register, code: str, fault: str
) -> None:
    register("broken_driver", driver_source("broken", import_=code), "broken")
    with pytest.raises(registry.BrokenDriverError, match=fault) as caught:
        registry.load("broken")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("OutsideDriver = object()", "it is a Driver class"),
        ("class OutsideDriver: pass", "it is a Driver class"),
        ("OutsideDriver = print", "it is a Driver class"),
        (driver_source("other"), "names a driver that calls itself 'other'"),
    ],
    ids=["object", "class", "function", "name"],
)
def test_what_is_no_driver_of_that_name_is_broken(
    register: Register, source: str, fault: str
) -> None:
    register("wrong_driver", source, "wrong")
    with pytest.raises(registry.BrokenDriverError, match=fault):
        registry.load("wrong")


def test_two_packages_of_one_name_are_both_named(register: Register) -> None:
    register("first_driver", driver_source("double"), "double")
    register("second_driver", driver_source("double"), "double")
    assert registry.names().count("double") == 1
    with pytest.raises(registry.BrokenDriverError, match=r"first_driver:.*, second_driver:"):
        registry.load("double")


def test_one_package_that_is_seen_twice_is_one(register: Register) -> None:
    """As an installation and a checkout of the same package are."""
    register("seen_driver", driver_source("seen"), "seen")
    register("seen_driver_again", "", "seen", "OutsideDriver")
    points = "seen_driver_again-1.0.dist-info/entry_points.txt"
    with open(points, "w") as file:
        file.write("[cts.drivers]\nseen = seen_driver:OutsideDriver\n")
    assert registry.load("seen").name == "seen"
