"""`junit.xml`, which every CI reads: a test suite for each driver, a test case for each case.

| outcome | in JUnit |
|---|---|
| pass | a passed test |
| fail, crash, timeout, flaky, unexpected-pass | `failure`, its type the outcome |
| error, blocked | `error`, its type the outcome |
| expected-fail, unsupported, skip, and what is expected to be flaky | `skipped` |
| adapter | `skipped`: it proves nothing of the driver |
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from cts.results import CaseRecord, Outcome

from .runs import Run
from .text import visible

FILE_NAME = "junit.xml"

_TAGS: dict[Outcome, str] = {
    "fail": "failure",
    "crash": "failure",
    "timeout": "failure",
    "flaky": "failure",
    "unexpected-pass": "failure",
    "error": "error",
    "blocked": "error",
    "expected-fail": "skipped",
    "unsupported": "skipped",
    "skip": "skipped",
    "adapter": "skipped",
}
_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def write(run: Run, path: Path) -> None:
    """Writes a run's cases. Raises OSError."""
    root = ElementTree.Element("testsuites", name="hal-cts")
    _count(root, list(run.cases.values()))
    for name, driver in run.drivers.items():
        cases = [case for case in run.cases.values() if case.driver == name]
        suite = ElementTree.SubElement(root, "testsuite", name=visible(name))
        _count(suite, cases)
        facts = {
            "version": driver.version,
            "obtained on": driver.obtained_on,
            "suite revision": run.record.suite_revision,
        }
        _properties(suite, list(facts.items()))
        for case in cases:
            _add(suite, case)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add(suite: ElementTree.Element, case: CaseRecord) -> None:
    file, _, test = case.case.partition("::")
    element = ElementTree.SubElement(
        suite,
        "testcase",
        classname=visible(file.replace("/", ".")),
        name=visible(test),
        time=f"{case.duration:.6f}",
    )
    facts = [("case", case.case), ("outcome", case.outcome)]
    _properties(element, facts + [("requirement", id) for id in case.requirements])
    tag = _tag_of(case)
    if tag:
        message = case.message or case.expectation
        if case.outcome == "adapter":
            message = "an adapter answered for the driver"
        child = ElementTree.SubElement(
            element, tag, type=case.outcome, message=visible(message).replace("\n", " ")
        )
        told = [case.message, case.expectation and f"expectation: {case.expectation}"]
        child.text = visible("\n".join(filter(None, [*told, case.reproduce])))


def _tag_of(case: CaseRecord) -> str:
    excused = case.outcome == "flaky" and not case.is_unexpected
    return "skipped" if excused else _TAGS.get(case.outcome, "")


def _count(element: ElementTree.Element, cases: list[CaseRecord]) -> None:
    tags = Counter(map(_tag_of, cases))
    element.set("tests", str(len(cases)))
    for name, tag in _COUNTS.items():
        element.set(name, str(tags[tag]))
    element.set("time", f"{sum(case.duration for case in cases):.6f}")


def _properties(element: ElementTree.Element, pairs: list[tuple[str, str]]) -> None:
    properties = ElementTree.SubElement(element, "properties")
    for name, value in pairs:
        ElementTree.SubElement(properties, "property", name=name, value=visible(value))
