"""A driver that reaches several implementations: each that is used has results of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.plugin import exit_scenarios
from cts.probe import probe_columns
from cts.results import column_name, parts_of, registered_name
from tests.conftest import CtsRun, OutsideDriver, RunCts
from tests.outside_drivers import QUIET_EXIT, SEGFAULT, driver_source, install_package

CaseFile = Callable[[str], Path]
Twin = Callable[..., None]

SOFT, HARD = "twin[soft 1.0]", "twin[hard (r2) 2.5]"
ODD = "odd [1*]?é% ::-/'x' 3"
ALL = ("--driver=twin", "--device=*")

ENUMERATE = """
soft = "soft 1.0"
found = [("twin/a", "GPU 0", soft), ("twin/b", "GPU 0", HARD), ("twin/c", "GPU 1", soft)]
return [
    DeviceInfo(path=path, name=name, obtained_on="software", implementation=one)
    for path, name, one in found
]
"""
SELECT = """
self.selected = infos
self.properties = DriverProperties(work=False, max_allocation=4096 + len(infos))
"""
CASES = """
    import json, os

    @pytest.mark.spec("GRP-7")
    def test_used(new_device, device_group, hal_driver):
        group = [device_group.device_at(i) for i in range(device_group.device_count)]
        devices = [*group, *new_device.many(4)]
        used = sorted({device.made_from.path for device in devices})
        with open("used", "a") as file:
            file.write(json.dumps([used, hal_driver.properties.max_allocation]) + "\\n")
        devices[0].query_capabilities()

    @pytest.mark.spec("STB-2")
    @pytest.mark.parametrize("n", [1, 2])
    def test_each(new_device, n):
        new_device().query_capabilities()
"""
IDS = [f"area/test_it::{test}" for test in ("test_used", "test_each[1]", "test_each[2]")]


@pytest.fixture
def twin(outside_driver: OutsideDriver) -> Twin:
    """Installs the driver ``twin``, of two implementations."""

    def install(hard: str = "hard (r2) 2.5", **code: str) -> None:
        enumerate = code.pop("enumerate", "") + ENUMERATE.replace("HARD", repr(hard))
        code.setdefault("select", SELECT)
        outside_driver(driver_source("twin", enumerate=enumerate, **code), "twin")

    return install


def columns_of(run: CtsRun) -> dict[str, list[str]]:
    """The cases of each driver of a run, in order."""
    found: dict[str, list[str]] = {}
    for case in run.cases:
        found.setdefault(case.driver, []).append(case.case)
    return found


def used() -> set[tuple[tuple[str, ...], int]]:
    """What devices each run of the case used, and the properties that it saw."""
    lines = Path("used").read_text().splitlines()
    return {(tuple(paths), limit) for paths, limit in map(json.loads, lines)}


# -- which are used ---------------------------------------------------------------------


@pytest.mark.parametrize("probe", ["on", "off"])
def test_without_a_pattern_the_first_is_used(
    cts: RunCts, case_file: CaseFile, twin: Twin, probe: str
) -> None:
    twin()
    run = cts("--driver=twin", f"--hal-probe={probe}", case_file(CASES))
    assert run.ret == 0
    assert columns_of(run) == {SOFT: IDS}
    assert used() == {(("twin/a", "twin/c"), 4098)}
    record = run.driver(SOFT)
    assert (record.registered, record.implementation) == ("twin", "soft 1.0")
    assert [device.path for device in record.devices] == ["twin/a", "twin/c"]
    assert {device.implementation for device in record.devices} == {"soft 1.0"}
    assert f"hal-cts: drivers: {SOFT}" in run.text
    assert f"{SOFT}: 3 passed, 0 failed" in run.text
    if probe == "on":
        assert record.properties["max_allocation"] == 4098


@pytest.mark.parametrize(
    "options",
    [
        (*ALL,),
        (*ALL, "-n2"),
        ("--device=*", "-n2", "--hal-probe=off"),
        (*ALL, "--isolate=off"),
        (*ALL, "--isolate=case"),
        (*ALL, "--shuffle=3"),
        (*ALL, "-x"),
        (*ALL, "--hal-probe=off"),
    ],
    ids=" ".join,
)
def test_each_that_is_picked_has_results_of_its_own(
    cts: RunCts, case_file: CaseFile, twin: Twin, options: tuple[str, ...]
) -> None:
    """Under every way to run cases; with the same ids, and never mixed in a group."""
    twin()
    chosen = () if "--driver=twin" in options else ("-k", "twin")  # others may be here
    run = cts(*options, *chosen, case_file(CASES))
    assert run.ret == 0, run.text
    ours = {driver: sorted(cases) for driver, cases in columns_of(run).items()}
    assert ours == {SOFT: sorted(IDS), HARD: sorted(IDS)}
    assert {case.outcome for case in run.cases} == {"pass"}
    assert used() == {(("twin/a", "twin/c"), 4098), (("twin/b",), 4097)}
    for column in (SOFT, HARD):
        assert f"{column}: 3 passed, 0 failed" in run.text
        assert run.driver(column).groups_built > 0


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("hard*", {("twin/b",)}),
        ("twin/[bc]", {("twin/b",), ("twin/c",)}),
        ("GPU 0", {("twin/a",), ("twin/b",)}),
    ],
    ids=["implementation", "path", "name"],
)
def test_a_pattern_picks_devices_of_each(
    cts: RunCts, case_file: CaseFile, twin: Twin, pattern: str, paths: set[tuple[str, ...]]
) -> None:
    twin()
    run = cts("--driver=twin", f"--device={pattern}", case_file(CASES))
    assert run.ret == 0
    assert {devices for devices, _ in used()} == paths
    assert len(columns_of(run)) == len(paths)


def test_a_pattern_that_picks_none_ends_the_session_and_says_what_there_is(
    cts: RunCts, case_file: CaseFile, twin: Twin
) -> None:
    twin()
    run = cts("--driver=twin", "--device=firm*", case_file(CASES))
    assert run.ret == 4
    assert (
        "driver 'twin': --device 'firm*' matches none of: 'twin/a' (GPU 0, soft 1.0),"
        " 'twin/b' (GPU 0, hard (r2) 2.5), 'twin/c' (GPU 1, soft 1.0)"
    ) in run.text


@pytest.mark.parametrize(("words", "count"), [("soft", 3), ("hard and test_used", 1)])
def test_keywords_choose_among_them(
    cts: RunCts, case_file: CaseFile, twin: Twin, words: str, count: int
) -> None:
    twin()
    run = cts(*ALL, "-k", words, case_file(CASES))
    assert len(run.cases) == count
    assert {case.driver for case in run.cases} == {SOFT if words == "soft" else HARD}


# -- one that is broken -----------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
def test_a_crash_in_the_probe_of_one_blocks_that_one_alone(
    cts: RunCts, case_file: CaseFile, twin: Twin, named: bool
) -> None:
    twin(create_device=f"if info.implementation == 'soft 1.0': {SEGFAULT}")
    options = ALL if named else ("--device=*", "-k", "twin")
    run = cts(*options, case_file(CASES))
    assert run.ret == 1
    assert set(run.outcomes(SOFT).values()) == {"blocked"}
    assert set(run.outcomes(HARD).values()) == {"pass"}
    assert f"{SOFT}: create_device: killed by SIGSEGV (3 cases blocked)" in run.text
    record = run.driver(SOFT)
    assert (record.registered, record.status) == ("twin", "broken")
    assert run.driver(HARD).status == "available"
    assert f"{SOFT}: nothing was proven" in run.text or not named


def test_one_that_is_given_up_takes_no_other_along(
    cts: RunCts, case_file: CaseFile, twin: Twin
) -> None:
    """Crashes are counted, and the driver is tried after them, for each on its own."""
    twin()
    crash = """
        import os

        @pytest.mark.spec("STB-2")
        @pytest.mark.parametrize("n", [1, 2, 3])
        def test_it(new_device, n):
            device = new_device()
            device.query_capabilities()
            if device.made_from.implementation == "soft 1.0":
                os.abort()
    """
    run = cts(*ALL, "--max-crashes=2", case_file(crash))
    assert list(run.outcomes(SOFT).values()) == ["crash", "blocked", "blocked"]
    assert list(run.outcomes(HARD).values()) == ["pass"] * 3


def test_an_exit_that_is_not_orderly_is_told_of_its_own(
    cts: RunCts, case_file: CaseFile, twin: Twin
) -> None:
    twin(close=f"if self.selected[0].path == 'twin/b': {QUIET_EXIT}")
    run = cts(*ALL, case_file(CASES))
    assert run.driver(SOFT).exit_fault == ""
    assert run.driver(HARD).status == "broken" or run.driver(HARD).exit_fault
    assert set(run.outcomes(SOFT).values()) == {"pass"}


def test_one_that_is_gone_after_it_was_found_is_broken(
    twin: Twin, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cts.implementations import columns
    from cts.probe import availability

    twin()
    monkeypatch.syspath_prepend(pytester.path)
    (soft, hard) = columns(availability(["twin"], devices=True)["twin"], "*")
    assert (soft.driver, hard.driver) == (SOFT, HARD)
    source = Path("twin_driver.py")
    source.write_text(source.read_text().replace("hard (r2) 2.5", "hard 3"))
    found = probe_columns([soft, hard])
    assert found[SOFT].status == "available"
    assert (found[HARD].status, found[HARD].stage) == ("broken", "enumerate")


# -- names ------------------------------------------------------------------------------


@pytest.mark.parametrize("implementation", ["hard (r2) 2.5", ODD], ids=["plain", "odd"])
def test_the_line_that_reproduces_runs_that_case_on_that_one(
    cts: RunCts, case_file: CaseFile, twin: Twin, implementation: str
) -> None:
    twin(implementation)
    run = cts(*ALL, case_file(CASES))
    assert run.ret == 0, run.text
    column = column_name("twin", implementation)
    assert columns_of(run) == {SOFT: IDS, column: IDS}
    line = next(c.reproduce for c in run.cases if (c.driver, c.case) == (column, IDS[1]))
    assert "--driver=twin" in line
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m {line} --results=again -p no:randomly",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    records = [json.loads(text) for text in Path("again/results.jsonl").read_text().splitlines()]
    cases = {(r["driver"], r["case"]) for r in records if r["record"] == "case"}
    assert cases == {(column, IDS[1])}


def test_a_driver_without_implementations_is_named_as_ever(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver
) -> None:
    outside_driver(driver_source())
    run = cts("--driver=outside", "--device=*", case_file(DRIVER_CASE))
    assert [(case.driver, case.outcome) for case in run.cases] == [("outside", "pass")]
    assert "--device" not in run.cases[0].reproduce
    assert run.driver("outside").implementation == ""


DRIVER_CASE = """
    @pytest.mark.spec("STB-2")
    def test_it(new_device):
        new_device().query_capabilities()
"""


@pytest.mark.parametrize("implementation", ["", "soft 1.0", "odd [1] 2]"])
def test_a_name_is_taken_apart_as_it_was_put_together(implementation: str) -> None:
    column = column_name("twin", implementation)
    assert parts_of(column) == ("twin", implementation)
    assert registered_name(column, implementation) == "twin"


# -- elsewhere --------------------------------------------------------------------------


def hal_cts(*words: str) -> tuple[int, str]:
    """The exit status of the command, and what it prints."""
    command = [sys.executable, "-m", "cts.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_what_is_made_of_the_results_keeps_them_apart(
    cts: RunCts, case_file: CaseFile, twin: Twin
) -> None:
    """JUnit, page, summary, merging, gate, diff and badge."""
    twin()
    run = cts(*ALL, case_file(CASES))
    assert run.ret == 0
    junit = Path("out/junit.xml").read_text()
    assert re.findall(r'<testsuite name="([^"]+)"', junit) == [SOFT, HARD]
    summary = Path("out/summary.md").read_text()
    assert f"`{SOFT}`" in summary
    assert f"`{HARD}`" in summary
    assert SOFT in Path("out/matrix.html").read_text()

    os.rename("out", "base")
    cts("--driver=twin", "--device=hard*", case_file(CASES))
    code, text = hal_cts("gate", "base", "out")
    assert code == 1
    assert f"driver {SOFT!r} was not run" in text
    assert HARD not in text
    code, text = hal_cts("matrix", "base", "out", "--format", "json", "-o", "merged.json")
    columns = json.loads(Path("merged.json").read_text())["columns"]
    assert [(c["driver"], c["label"], len(c["runs"])) for c in columns] == [
        (HARD, HARD, 2),
        (SOFT, SOFT, 1),
    ]
    for name, count in ((SOFT, 3), ("twin", 6)):
        assert hal_cts("badge", "base", "--driver", name)[1].endswith(
            f"{name}: core only: {count} passed\n"
        )


def test_the_file_of_a_driver_counts_for_each_and_can_tell_them_apart(
    cts: RunCts, case_file: CaseFile, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry for one that is not in the run is left alone; `hal-cts accept` writes such ones."""
    package = pytester.mkpydir("twin_hal")
    enumerate = ENUMERATE.replace("HARD", "'hard (r2) 2.5'")
    source = driver_source("twin", enumerate=enumerate, select=SELECT)
    (package / "driver.py").write_text(source)
    point = "[cts.drivers]\ntwin = twin_hal.driver:OutsideDriver\n"
    install_package(pytester.path, "twin_hal_meta", "", point)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    file = package / "expectations.toml"
    cases = case_file("""
        @pytest.mark.spec("STB-2")
        def test_it(new_device):
            device = new_device()
            device.query_capabilities()
            soft = device.made_from.implementation == "soft 1.0"
            expect(not soft, "STB-2", "asking", came_back="nothing", asks="something")

        @pytest.mark.spec("STB-2")
        def test_good(new_device):
            new_device().query_capabilities()
    """)
    assert cts(*ALL, cases).ret == 1
    code, text = hal_cts("accept", "out")
    assert code == 0, text
    text = file.read_text()
    assert 'driver = "twin"\nimplementation = "soft *"\n' in text
    file.write_text(text.replace('reason = ""', 'reason = "known"'))
    run = cts(*ALL, cases)
    assert run.ret == 0, run.text
    assert {c.driver: c.outcome for c in run.cases if c.case == "area/test_it::test_it"} == {
        SOFT: "expected-fail",
        HARD: "pass",
    }
    assert run.run.expectations.keys() == {SOFT, HARD}
    run = cts("--driver=twin", "--device=hard*", cases)
    assert run.ret == 0, run.text
    assert run.run.expectation_faults == []
    gone = 'case = "area/test_it::test_gone"\nkind = "expected-fail"\nreason = "known"\n'
    known = f"[[expectation]]\n{gone}"
    file.write_text(known)
    run = cts(*ALL, cases)
    assert {fault.partition(": ")[0] for fault in run.run.expectation_faults} == {SOFT, HARD}
    file.write_text(f'{known}implementation = "soft *"\n')
    run = cts(*ALL, cases)
    assert [fault.partition(": ")[0] for fault in run.run.expectation_faults] == [SOFT]


def test_the_doctor_tries_each_that_is_picked(twin: Twin) -> None:
    twin(create_device="if info.implementation != 'soft 1.0': raise RuntimeError('no luck')")

    code, text = hal_cts("doctor", "twin")
    assert code == 0
    assert f"{SOFT} 1.2.3" in text
    assert HARD not in text
    code, text = hal_cts("doctor", "twin", "--device=*")
    assert code == 1
    assert f"{HARD}" in text
    assert "BROKEN at create_device" in text
    assert hal_cts("doctor", "twin", "--device=firm*")[0] == 4


def test_a_scenario_uses_devices_of_one(
    twin: Twin, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cts import registry

    twin()
    monkeypatch.syspath_prepend(pytester.path)
    for paths, expected in (([], ["twin/a", "twin/c"]), (["twin/b"], ["twin/b", "twin/b"])):
        driver = registry.load("twin")()
        _, group, *devices = made = exit_scenarios._make(driver, paths)
        assert [vars(device)["made_from"].path for device in devices] == expected
        assert {info.path for info in vars(driver)["selected"]} == set(expected)
        for resource in (*made[:1], group, *devices):
            resource.release()
