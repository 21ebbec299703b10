"""A case that fails: a check, a HalError, or an exception out of the driver's own code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.results import read_cases
from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import STUB_CASE, driver_source

from .conftest import Package

CASES = """
    import numpy

    @pytest.mark.spec("GRP-8")
    def test_check(new_device):
        new_device().query_capabilities()
        expect_equal(numpy.eye(2).tolist(), 1, "GRP-8", "asking")

    @pytest.mark.spec("GRP-8")
    def test_condition(new_device):
        new_device().query_capabilities()
        expect(False, "GRP-8", "asking\\nonce", came_back="two\\nlines", asks="one line")

    @pytest.mark.spec("GRP-2")
    def test_no_error(new_device):
        with expect_error(StatusCode.RESOURCE_EXHAUSTED, "GRP-2", "adding device 2 of 1"):
            new_device().query_capabilities()

    @pytest.mark.spec("GRP-2")
    def test_other_code(new_device):
        with expect_error(StatusCode.RESOURCE_EXHAUSTED, "GRP-2", "adding device 2 of 1"):
            raise HalError(StatusCode.UNKNOWN, "add_device", "nothing known")

    @pytest.mark.spec("GRP-2")
    def test_hal_error(new_device):
        raise HalError(StatusCode.DATA_LOSS, "Buffer.read", "on\\ntwo lines", native_code=7)

    @pytest.mark.spec("GRP-8")
    def test_plain_assert(new_device):
        assert len(new_device().identifier) == 0

    @pytest.mark.spec("GRP-8")
    def test_driver_raises(new_device, device_group):
        new_device().refine_topology_edge(None, None)

    @pytest.mark.spec("STA-4")
    def test_library_below_the_driver(hal_driver):
        hal_driver.create_device("nonsense")

    @pytest.mark.spec("GRP-8")
    @pytest.mark.parametrize("k", ["it's odd"])
    def test_teardown(new_device, request, k):
        new_device().query_capabilities()
        request.addfinalizer(lambda: expect_equal(1, 2, "GRP-8", "ending"))
"""
MESSAGES = {
    "test_check": "GRP-8: asking: came back: [[1.0, 0.0], [0.0, 1.0]]; the contract asks for: 1",
    "test_condition": "GRP-8: asking once: came back: 'two\\nlines';"
    " the contract asks for: one line",
    "test_no_error": "GRP-2: adding device 2 of 1: came back: no error;"
    " the contract asks for: RESOURCE_EXHAUSTED",
    "test_other_code": "GRP-2: adding device 2 of 1: came back: UNKNOWN: add_device: nothing known;"
    " the contract asks for: RESOURCE_EXHAUSTED",
    "test_hal_error": "DATA_LOSS: Buffer.read: on two lines (native code 7)",
    "test_plain_assert": "assert 13 == 0",
    "test_driver_raises": "ZeroDivisionError: division by zero",
    "test_library_below_the_driver": "JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
    "test_teardown[it's odd]": "GRP-8: ending: came back: 1; the contract asks for: 2",
}


def test_fail(
    cts: RunCts,
    case_file: Callable[[str], Path],
    package: Package,
    pytester: pytest.Pytester,
) -> None:
    """The line to paste runs the case alone, and it fails again."""
    source = driver_source(
        "outside one",
        import_="import json",
        refine_topology_edge="if dst is None: 1 / 0",
        create_device="if info == 'nonsense': json.loads(info)",
    )
    package("odd", source, "[cts.drivers]\noutside one = odd:OutsideDriver\n")
    run = cts("--driver=outside one", case_file(CASES))
    assert run.ret == 1
    assert {case.case.partition("::")[2]: case.message for case in run.cases} == MESSAGES
    assert {case.outcome for case in run.cases} == {"fail"}
    codes = {case.case.partition("::")[2]: case.code for case in run.cases if case.code}
    assert codes == {"test_hal_error": "DATA_LOSS"}
    assert "outside one: 0 passed, 9 failed, 0 unsupported, 0 blocked" in run.text
    assert "outside one: nothing was proven: no case passed" in run.text
    assert "area/test_it.py FFFFFFFF.F " in run.text
    assert "9 failed, 1 passed in" in run.text
    lines = re.findall(r"^-+ reproduce -+\n(pytest .*)$", run.text, re.MULTILINE)
    assert len(lines) == 9
    (line,) = (line for line in lines if "test_teardown" in line)
    again = pytester.runpytest_subprocess("--results=again", *shlex.split(line)[1:])
    assert again.ret == 1
    (case,) = read_cases(pytester.path / "again/results.jsonl")
    assert (case.outcome, case.case) == ("fail", "area/test_it::test_teardown[it's odd]")


@pytest.mark.parametrize("probe", ["on", "off"])
def test_what_is_no_unicode_is_shown_by_its_number(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    probe: str,
) -> None:
    """As half a surrogate pair is, which a name that cannot be decoded has."""
    fault = r"raise HalError(StatusCode.INTERNAL, 'asking', '\udc80 is gone')"
    outside_driver(driver_source(query_capabilities=fault))
    run = cts("--driver=outside", f"--hal-probe={probe}", case_file(STUB_CASE))
    assert run.ret == 1
    (case,) = run.cases
    assert (case.outcome, case.code) == ("fail", "INTERNAL")
    assert r"\udc80 is gone" in case.message
    assert "\udc80" not in case.message
