"""`--validation`: what a backend says of how it is used fails the case that it falls in."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.validation import MOST, Messages, told
from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import PASSING_CASE, driver_source

CaseFile = Callable[[str], Path]
Checked = Callable[..., None]

SAY = "def say(message): pass"
VALIDATE = "global say\nsay = report"
CASES = """
    import gc, sys, threading

    pytestmark = pytest.mark.spec("STB-2")

    def say(*messages):
        for message in messages:
            sys.modules["outside_driver"].say(message)

    def test_good(new_device):
        new_device().query_capabilities()
"""
SAID = "validation: offset is odd"


@pytest.fixture
def checked(outside_driver: OutsideDriver) -> Checked:
    """Installs a driver whose backend has checks; ``say(...)`` in its code is what they say."""

    def install(name: str = "outside", **code: str) -> None:
        code = {"import_": SAY, "validate": VALIDATE} | code
        outside_driver(driver_source(name, **code), name)

    return install


@pytest.mark.parametrize("options", [(), ("--isolate=off",), ("-n2",)], ids=["child", "off", "n2"])
@pytest.mark.parametrize(
    "case",
    [
        "def test_bad(new_device):\n"
        "    new_device().query_capabilities()\n    say('offset is odd')",
        "@pytest.fixture\ndef early():\n    say('offset is odd')\n\n"
        "def test_bad(early, new_device):\n    new_device().query_capabilities()",
        "def test_bad(new_device, request):\n    new_device().query_capabilities()\n"
        "    request.addfinalizer(lambda: say('offset is odd'))",
        "def test_bad(new_device):\n    new_device().query_capabilities()\n"
        "    thread = threading.Thread(target=say, args=('offset is odd',))\n"
        "    thread.start()\n    thread.join()",
    ],
    ids=["call", "set-up", "tear-down", "another thread"],
)
def test_a_message_fails_the_case_that_it_falls_in(
    cts: RunCts, case_file: CaseFile, checked: Checked, case: str, options: tuple[str, ...]
) -> None:
    checked()
    source = CASES + "".join(f"    {line}\n" for line in f"\n{case}\n".splitlines())
    run = cts("--driver=outside", "--validation", *options, case_file(source))
    assert run.ret == 1
    assert run.outcomes() == {"area/test_it::test_good": "pass", "area/test_it::test_bad": "fail"}
    bad = next(case for case in run.cases if case.outcome == "fail")
    assert bad.message == SAID
    assert SAID in run.text
    assert "- reproduce -" in run.text
    assert run.run.validation
    assert "hal-cts: validation: what the backends say" in run.text


def test_without_the_option_nobody_asks(cts: RunCts, case_file: CaseFile, checked: Checked) -> None:
    checked(validate="raise RuntimeError('asked')", query_capabilities="say('offset is odd')")
    run = cts("--driver=outside", case_file(CASES))
    assert run.ret == 0
    assert not run.run.validation
    assert "validation" not in run.text
    assert "--validation" not in run.cases[0].reproduce


def test_messages_are_told_once_with_how_often_they_came(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    checked()
    bad = """
    def test_bad(new_device):
        new_device().query_capabilities()
        say("offset\\n is odd", "size is 0", "offset is odd")
    """
    run = cts("--driver=outside", "--validation", "-k", "bad", case_file(CASES + bad))
    assert run.cases[0].message == f"{SAID} (2 times)\nsize is 0"
    assert [attempt.outcome for attempt in run.cases[0].attempts] == ["fail", "fail"]
    assert run.cases[0].signature


def test_the_line_that_reproduces_it_has_the_checks(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    checked()
    bad = """
    def test_bad(new_device):
        new_device().query_capabilities()
        say("offset is odd")
    """
    run = cts("--driver=outside", "--validation", "-k", "bad", case_file(CASES + bad))
    words = shlex.split(run.cases[0].reproduce)
    assert words[1:3] == ["--driver=outside", "--validation"]
    again = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)
    assert again.returncode == 1
    assert SAID in again.stdout


def test_a_case_that_fails_by_itself_says_both(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    checked()
    bad = """
    def test_bad(new_device):
        new_device().query_capabilities()
        say("offset is odd")
        expect(False, "STB-2", "asking", came_back="nothing", asks="something")
    """
    run = cts("--driver=outside", "--validation", "-k", "bad", case_file(CASES + bad))
    first, second = run.cases[0].message.split("\n")
    assert "asking" in first
    assert second == SAID
    assert SAID in run.text


def test_the_building_of_the_group_belongs_to_the_case_that_caused_it(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    """And the next case has a group, and a process, of its own. The probe is left out, which would
    find it first."""
    of_a_pair = "if info is not None and info.topology.device_count == 2"
    checked(assign_topology_info=f"{of_a_pair}: say('offset is odd')")
    cases = """
    def test_bad(device_group):
        device_group.device_at(0).query_capabilities()

    def test_later(device_group):
        device_group.device_at(0).query_capabilities()
    """
    options = ("--driver=outside", "--validation", "--hal-probe=off", "--isolate=off")
    run = cts(*options, "-k", "bad or later", case_file(CASES + cases))
    assert run.in_order == ["fail", "pass"]
    assert run.cases[0].message == f"{SAID} (2 times)"


def test_what_comes_after_the_last_phase_is_that_cases_still(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    """As where the collector ends what it has left in a cycle, before the next case begins."""
    checked()
    cases = """
    class Late:
        def __del__(self):
            say("offset is odd")

    def test_bad(new_device, request):
        device = new_device()
        device.query_capabilities()
        import gc
        gc.disable()
        late = Late()
        late.itself = late
        request.config.late = threading.Event()
        threading.Thread(target=request.config.late.wait).start()  # so that it is looked for

    def test_later(new_device, request):
        new_device().query_capabilities()
        request.config.late.set()
    """
    run = cts("--driver=outside", "--validation", "-k", "bad", case_file(CASES + cases))
    assert run.in_order == ["fail"]
    assert run.cases[0].message == SAID
    run = cts("--driver=outside", "--validation", "-k", "late", case_file(CASES + cases))
    assert run.outcomes()["area/test_it::test_later"] != "fail"


def test_a_message_once_is_flaky_and_the_process_is_replaced(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    checked()
    bad = """
    import os

    def test_bad(new_device):
        new_device().query_capabilities()
        if not os.path.exists("pid"):
            say("offset is odd")
        open("pid", "a").write(f"{os.getpid()}\\n")
    """
    run = cts("--driver=outside", "--validation", "-k", "bad", case_file(CASES + bad))
    assert run.in_order == ["flaky"]
    assert run.cases[0].message.startswith(SAID)
    assert len(set(Path("pid").read_text().split())) == 2


def test_an_expectation_can_name_a_message(
    cts: RunCts, case_file: CaseFile, checked: Checked
) -> None:
    checked()
    bad = """
    def test_bad(new_device):
        new_device().query_capabilities()
        say("offset is odd")
    """
    Path("known.toml").write_text(
        '[[expectation]]\ncase = "area/test_it::test_bad"\nkind = "expected-fail"\n'
        'pattern = "^validation: offset"\nreason = "known"\n'
    )
    options = ("--driver=outside", "--validation", "--expectations=known.toml")
    run = cts(*options, case_file(CASES + bad))
    assert run.ret == 0
    assert run.in_order == ["pass", "expected-fail"]


@pytest.mark.parametrize("options", [(), ("--isolate=off",)], ids=["child", "off"])
def test_a_message_of_the_end_is_the_drivers(
    cts: RunCts, case_file: CaseFile, checked: Checked, options: tuple[str, ...]
) -> None:
    checked(close="if self.made: say('a fence is alive')")
    run = cts(*("--driver=outside", "--validation", "--hal-probe=off"), *options, case_file(CASES))
    assert run.ret == 1
    assert run.in_order == ["pass"]
    assert run.driver("outside").exit_fault == "validation: a fence is alive"


# -- the probe, and who has no checks ---------------------------------------------------


@pytest.mark.parametrize(
    ("place", "stage"),
    [("create_device", "create_device"), ("close", "tear-down")],
)
def test_a_message_in_the_probe_breaks_the_driver(
    cts: RunCts, case_file: CaseFile, checked: Checked, place: str, stage: str
) -> None:
    checked(**{place: "say('offset is odd')"})
    run = cts("--driver=outside", "--validation", case_file(CASES))
    assert run.ret == 1
    assert run.in_order == ["blocked"]
    record = run.driver("outside")
    assert (record.status, record.stage) == ("broken", "validation")
    assert record.reason.startswith(f"at {stage}: offset is odd")
    assert run.cases[0].message.startswith(f"validation: at {stage}: offset is odd")


@pytest.mark.parametrize("probe", ["on", "off"])
def test_named_drivers_without_checks_end_the_session(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, checked: Checked, probe: str
) -> None:
    """Each with its reason, whether it never has any or lacks them here."""
    outside_driver(driver_source("none"), "none")
    missing = "raise HalError(StatusCode.UNAVAILABLE, 'Driver.validate', 'install acme-layers')"
    checked("lacking", validate=missing)
    checked()
    names = "--driver=none,lacking,outside"
    run = cts(names, "--validation", f"--hal-probe={probe}", case_file(CASES))
    assert run.ret == 4
    assert run.records == []
    lines = [line for line in run.text.splitlines() if "--validation: driver" in line]
    assert len(lines) == 2
    assert "driver 'none': " in lines[0]
    assert "it has no checks of its own" in lines[0]
    assert "driver 'lacking': " in lines[1]
    assert "install acme-layers" in lines[1]


def test_drivers_without_checks_that_were_not_named_are_left_out(
    cts: RunCts, case_file: CaseFile, outside_driver: OutsideDriver, checked: Checked
) -> None:
    outside_driver(driver_source("none"), "none")
    checked()
    run = cts("--validation", "-k", "outside or none", case_file(CASES))
    assert {case.driver for case in run.cases} == {"outside"}
    left_out = [
        line for line in run.text.splitlines() if line.startswith("hal-cts: not here: none")
    ]
    assert left_out
    assert "it has no checks of its own" in left_out[0]


@pytest.mark.parametrize("probe", ["on", "off"])
def test_checks_that_cannot_be_turned_on_are_a_broken_driver(
    cts: RunCts, case_file: CaseFile, checked: Checked, probe: str
) -> None:
    checked(validate="raise RuntimeError('no luck')")
    run = cts("--driver=outside", "--validation", f"--hal-probe={probe}", case_file(PASSING_CASE))
    assert run.ret == 1
    assert run.in_order == ["blocked"]
    assert "validate: RuntimeError('no luck')" in run.cases[0].message


# -- messages ---------------------------------------------------------------------------


def test_messages_of_many_threads_are_all_there() -> None:
    messages = Messages()

    def say() -> None:
        for _ in range(500):
            messages.report("a\n  b")

    threads = [threading.Thread(target=say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages.take() == ["a b (4000 times)"]
    assert messages.take() == []


def test_of_too_many_messages_the_number_is_told() -> None:
    messages = Messages()
    for number in range(MOST + 5):
        messages.report(str(number))
    lines = messages.take()
    assert lines == [*map(str, range(MOST)), "and 5 other messages"]
    assert told(lines).startswith("validation: 0; 1; 2")
