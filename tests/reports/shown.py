"""A page of the matrix in a browser, and what can be seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from cts.hal import Edge, InteropMode, LinkClass, TopologyBuilder
from cts.results import Attempt, BenchmarkRecord, Death, Outcome
from reports.matrix import PRECEDENCE
from reports.merging import merge
from reports.page import render

from .written import case, document, driver, run


def written_page(folder: Path) -> Path:
    """The page of the runs in a folder."""
    path = folder.with_suffix(".html")
    path.write_bytes(render(merge([folder])))
    return path


@contextmanager
def shown(browser: Browser, path: Path, address: str = "", **options: Any) -> Iterator[Page]:
    """The page at an address, ready. Afterwards nothing may have gone wrong in it, and nothing
    but the page itself may have been asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("html[data-ready=yes]", state="attached")
        yield page
        assert faults == []
        assert {url.partition("#")[0] for url in asked} <= {path.as_uri(), "data:,"}
    finally:
        context.close()


def rows(page: Page) -> list[str]:
    """The first words of the rows in the document."""
    heads = page.locator("#rows th").all_inner_texts()
    return [head.split(" ")[0] for head in heads]


def several_runs(folder: Path) -> Path:
    """Runs of two drivers: `acme` on hardware over three days, and a stand-in; one case has each
    outcome, another is of an older run."""
    builder = TopologyBuilder(2)
    near = Edge.pack(wait_mode=InteropMode.IMPORT, link_class=LinkClass.FABRIC, copy_cost=7)
    builder.set_edge(0, 1, near)
    builder.set_edge(1, 0, near.replace(wait_mode=InteropMode.COPY))
    topology = builder.build().to_plain()
    option = "'--worker-wrapper=gdb -ex run --args'"
    for day, verdict in enumerate(("pass", "crash", "fail"), 1):
        only_first = [case(id="memory/test_map::test_gone")] if day == 1 else []
        document(
            folder / f"{day}",
            run(f"run-{day}", day, debug_option=option),
            driver(version=f"1.{day}", topology=topology),
            _verdict(verdict),  # type: ignore[arg-type]
            *(_of_outcome(outcome) for outcome in PRECEDENCE),
            *only_first,
            BenchmarkRecord(driver="acme", name="copy", median=day / 1e3, iqr=1e-5, rounds=9),
        )
    sim = driver("sim", "stand-in")
    slow = BenchmarkRecord(driver="sim", name="copy", median=6e-3, iqr=1e-5, rounds=9, bytes=6000)
    document(folder / "4", run("run-4", 4), sim, case(driver="sim"), slow)
    return folder


def _verdict(outcome: Outcome) -> Any:
    """Of the case that changes."""
    death = Death(
        outcome="crash", how="SIGSEGV", exit_status=-11, place="call: queue_copy",
        stack="in queue_copy", output={"stderr": "device lost"}, after="queue/test_fill::test_z",
    )  # fmt: skip
    attempts = [Attempt(outcome="crash", message="it died", death=death)]
    return case(
        outcome,
        message={"pass": "", "crash": "it died", "fail": "bytes differ"}[outcome],
        code="DATA_LOSS" if outcome == "fail" else "",
        attempts=attempts if outcome == "crash" else [],
    )


def _of_outcome(outcome: Outcome) -> Any:
    return case(
        outcome,
        id=f"memory/test_map::test_{outcome}",
        ids=(f"EDG-{PRECEDENCE.index(outcome) + 1}",),
        message=f"why {outcome}",
        expected="fail" if outcome == "expected-fail" else "",
        expectation="known of the firmware" if outcome == "expected-fail" else "",
        blocked_by="query_capabilities" if outcome == "blocked" else "",
    )
