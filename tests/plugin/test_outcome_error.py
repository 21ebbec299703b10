"""A case that is wrong itself: any exception that is neither a check's nor the driver's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    @pytest.fixture
    def broken_fixture():
        raise LookupError("no such thing")

    @pytest.mark.spec("GRP-9")
    def test_raises(new_device):
        new_device().query_capabilities()
        1 / 0

    @pytest.mark.spec("GRP-9")
    def test_fixture(new_device, broken_fixture):
        pass

    @pytest.mark.spec("GRP-9")
    def test_enters_no_slot(new_device):
        new_device()

    @pytest.mark.spec("GRP-9")
    def test_enters_the_identifier_alone(new_device):
        assert new_device().identifier

    @pytest.mark.spec("GRP-9")
    def test_after_a_failure(new_device, request):
        request.addfinalizer(lambda: {}["x"])
        new_device().query_capabilities()
        expect_equal(2, 1, "GRP-9", "asking")

    @pytest.mark.spec("GRP-9")
    def test_misuses_a_fixture(new_group):
        new_group(count="two")
"""
NO_EVIDENCE = "the case entered no slot of the driver: its pass would prove nothing"
FAILURE = "GRP-9: asking: came back: 2; the contract asks for: 1"


def test_error(
    cts: RunCts, case_file: Callable[[str], Path], outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", "-v", case_file(CASES))
    assert run.ret == 1
    assert [(case.outcome, case.message) for case in run.cases] == [
        ("error", "ZeroDivisionError: division by zero"),
        ("error", "LookupError: no such thing"),
        ("error", NO_EVIDENCE),
        ("error", NO_EVIDENCE),
        ("fail", FAILURE),
        ("error", "TypeError: 'str' object cannot be interpreted as an integer"),
    ]
    assert run.text.count(" ERROR ") >= 6
    assert "area/test_it.py::test_raises[outside] ERROR" in run.text
    assert "outside: 0 passed, 6 failed, 0 unsupported, 0 blocked" in run.text
    assert "pytest --driver=outside 'area/test_it.py::test_enters_no_slot[outside]'" in run.text
