"""`--search`: new random examples, where otherwise they are the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

SEARCHING_CASE = """
    import json
    from hypothesis import given, strategies

    @pytest.mark.spec("STB-2")
    def test_search(hal_search, new_device):
        new_device().query_capabilities()
        drawn = []

        @hal_search
        @given(strategies.lists(strategies.integers()))
        def check(numbers):
            drawn.append(numbers)

        check()
        with open("drawn.json", "w") as file:
            json.dump(drawn, file)
"""


def test_examples_are_the_same_every_time_unless_searching(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    cases = case_file(SEARCHING_CASE)

    def drawn(*options: str) -> list[list[int]]:
        assert cts("--driver=outside", cases, *options).ret == 0
        found: list[list[int]] = json.loads(Path("drawn.json").read_text())
        return found

    first = drawn()
    assert drawn() == first
    searched = drawn("--search")
    assert searched != first
    assert len(searched) > 2 * len(first) > 10
