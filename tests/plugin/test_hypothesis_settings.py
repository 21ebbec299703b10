"""Hypothesis in cases: settings of the suite's own, and nothing in the folder pytest runs in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    import json, os, time
    from hypothesis import given, settings, strategies
    from hypothesis.configuration import storage_directory
    from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

    @pytest.mark.spec("STB-2")
    def test_settings(hal_search, new_device):
        new_device().query_capabilities()
        said = {
            "deadline": hal_search.deadline,
            "derandomize": hal_search.derandomize,
            "database": hal_search.database is not None,
            "max_examples": hal_search.max_examples,
        }
        with open("settings.json", "w") as file:
            json.dump(said, file)

    @pytest.mark.spec("STB-2")
    def test_slow_and_failing(hal_search, new_device):
        slept = []

        @hal_search
        @given(strategies.text())
        def check(text):
            new_device().query_capabilities()
            if not slept:
                slept.append(time.sleep(0.3))
            assert len(text) < 3

        check()

    @pytest.mark.spec("STB-2")
    def test_machine(hal_search, new_device):
        class Machine(RuleBasedStateMachine):
            @rule(number=strategies.integers())
            def ask(self, number):
                new_device().query_capabilities()
        run_state_machine_as_test(Machine, settings=settings(hal_search, stateful_step_count=3))

    def test_of_somebody_else():
        assert settings.default is settings.get_profile(settings.get_current_profile_name())
        assert settings.default.deadline is not None or os.environ.get("CI")
        assert storage_directory().path.name == ".hypothesis"
"""


@pytest.mark.parametrize(
    "options", [(), ("--search",), ("--search", "-n2")], ids=["plain", "search", "search-n2"]
)
def test_settings_and_what_is_stored(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    pytester: pytest.Pytester,
    options: tuple[str, ...],
) -> None:
    """What a search finds is kept with the results."""
    outside_driver(driver_source())
    searching = bool(options)
    chosen = ["-k", "not machine"] if searching else []  # 500 of those take their time
    run = cts("--driver=outside", "-rp", *options, *chosen, case_file(CASES))
    outcomes = run.outcomes()
    assert outcomes.pop("area/test_it::test_machine", "pass") == "pass"
    assert outcomes == {
        "area/test_it::test_settings": "pass",
        "area/test_it::test_slow_and_failing": "fail",
    }
    assert "PASSED area/test_it.py::test_of_somebody_else" in run.text
    assert json.loads((pytester.path / "settings.json").read_text()) == {
        "deadline": None,
        "derandomize": not searching,
        "database": searching,
        "max_examples": 500 if searching else 25,
    }
    assert list(pytester.path.rglob(".hypothesis")) == []
    stored = [path for path in pytester.path.rglob("examples/*") if path.is_dir()]
    assert bool(stored) == searching
    assert all(path.is_relative_to(pytester.path / "out") for path in stored)
