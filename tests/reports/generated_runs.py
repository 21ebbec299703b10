"""Generated runs: of many drivers over a long time, with regressions, flaky cases, crashes.

    python -m tests.reports.generated_runs FOLDER [DRIVERS [RUNS [CASES]]]

writes RUNS runs of each of DRIVERS drivers, of CASES cases each, and says how much that is.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cts.contract import requirements
from cts.hal import Edge, InteropMode, LinkClass, TopologyBuilder
from cts.results import (
    Attempt,
    BenchmarkRecord,
    CaseRecord,
    Death,
    DeviceRecord,
    DriverRecord,
    ObtainedOn,
    Outcome,
    Record,
    RunRecord,
    signature,
    write_document,
)

AREAS = ("builder", "lifetime", "memory", "module", "queue", "semaphore", "stubs", "topology")
NAMES = (
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
)
ON: tuple[ObtainedOn, ...] = ("hardware", "software", "stand-in", "hardware")
MESSAGES = {
    "fail": "buffer[{n}] is {a:#x}, at {a:x} where {b:#x} was\nQUE-{n} asks for equal bytes",
    "error": "fixture device_group: OSError [Errno {n}] at {a:x}",
    "crash": "the process died of SIGSEGV at {a:#014x}",
    "timeout": "no answer in {n}.{b} s; the process was ended",
    "unsupported": "needs queue_host_call: the driver does not implement the slot",
    "expected-fail": "semaphore has {n}, and {b} was signalled at {a:x}",
    "unexpected-pass": "",
    "flaky": "passed on attempt 2 of 3; {a:#014x}",
    "blocked": "query_capabilities: NotImplementedError",
    "skip": "a long case",
}
_STARTING: tuple[Outcome, ...] = (
    *("pass",) * 88,
    *("unsupported",) * 6,
    *("expected-fail",) * 2,
    *("fail",) * 2,
)
_REGRESSIONS: tuple[Outcome, ...] = ("fail", "fail", "crash", "timeout", "error", "blocked")


@dataclass
class _State:
    """What a driver makes of a case, from run to run."""

    outcome: Outcome
    is_flaky: bool
    seconds: float


@dataclass
class Maker:
    """Makes runs of one driver, each a little different from the one before."""

    name: str
    on: ObtainedOn
    cases: int
    seed: int
    states: list[_State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        for _ in range(self.cases):
            outcome = self.random.choice(_STARTING)
            seconds = 10 ** self.random.uniform(-3.5, 0)
            self.states.append(_State(outcome, self.random.random() < 0.01, seconds))

    def run(self, number: int) -> Iterator[Record]:
        """The records of one run."""
        day = f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}"
        yield RunRecord(
            id=f"{self.name}-{number:04}",
            suite_version="0.1.0",
            suite_revision="3b9c9e59a115",
            started=f"{day}T08:00:00Z",
            finished=f"{day}T08:05:00Z",
            command=[f"--driver={self.name}"],
            python="3.11.7",
            platform="Linux-6.1-x86_64",
            exit_status=0,
            debug_option="'--worker-wrapper=gdb -ex run --args'",
        )
        yield self._driver(number)
        for i, state in enumerate(self.states):
            yield self._case(i, self._outcome(state), state.seconds)
        for size in (4096, 1 << 20):
            median = size / 1e9 * self.random.uniform(1, 4)
            yield BenchmarkRecord(
                driver=self.name,
                name=f"copy {size} B",
                median=median,
                iqr=median / 9,
                rounds=100,
                bytes=size,
            )

    def _driver(self, number: int) -> DriverRecord:
        builder = TopologyBuilder(4)
        for src in range(4):
            for dst in range(4):
                if src != dst:
                    near = src // 2 == dst // 2
                    builder.set_edge(
                        src,
                        dst,
                        Edge.pack(
                            wait_mode=InteropMode.IMPORT if near else InteropMode.COPY,
                            link_class=LinkClass.NVLINK_IF if near else LinkClass.HOST_STAGED,
                            copy_cost=3 if near else 9 + src,
                        ),
                    )
        return DriverRecord(
            driver=self.name,
            status="available",
            version=f"{1 + number // 40}.{number % 40}.0",
            devices=[
                DeviceRecord(path=f"{i}", name=f"{self.name} GPU", obtained_on=self.on)
                for i in range(4)
            ],
            properties={"work": True, "async_queue": True},
            topology=builder.build().to_plain(),
            groups_built=1,
        )

    def _outcome(self, state: _State) -> Outcome:
        draw = self.random.random()
        if draw < 0.003:
            is_well = self.random.random() < 0.88
            state.outcome = "pass" if is_well else self.random.choice(_REGRESSIONS)
        if state.is_flaky and draw > 0.8:
            return "fail" if state.outcome == "pass" else "pass"
        return state.outcome

    def _case(self, i: int, outcome: Outcome, seconds: float) -> CaseRecord:
        area = AREAS[i * len(AREAS) // self.cases]
        file = f"test_{('copy', 'fill', 'wait', 'threads')[i // 20 % 4]}"
        test = f"test_outcome_{i // 5}_holds"
        ids = list(requirements())
        named = dict.fromkeys([ids[i % len(ids)], ids[i * 7 % len(ids)]])
        numbers = {
            "n": self.random.randrange(99),
            "a": self.random.getrandbits(47),
            "b": self.random.randrange(9999),
        }
        message = MESSAGES.get(outcome, "").format(**numbers)
        return CaseRecord(
            driver=self.name,
            case=f"{area}/{file}::{test}[{i % 5}]",
            requirements=list(named),
            outcome=outcome,
            duration=round(seconds * self.random.lognormvariate(0, 0.2), 6),
            message=message,
            code="DATA_LOSS" if outcome in ("fail", "expected-fail") else "",
            blocked_by="query_capabilities" if outcome == "blocked" else "",
            attempts=self._attempts(outcome, message),
            expected="fail" if outcome in ("expected-fail", "unexpected-pass") else "",
            expectation="a known fault of the firmware" if outcome == "expected-fail" else "",
            signature=signature(outcome, "", message),
            reproduce=f"pytest --driver={self.name} 'suites/{area}/{file}.py::{test}"
            f"[{self.name}-{i % 5}]'",
        )

    def _attempts(self, outcome: Outcome, message: str) -> list[Attempt]:
        if outcome not in ("crash", "timeout"):
            return []
        death = Death(
            outcome=outcome,
            how="SIGSEGV" if outcome == "crash" else "10 s",
            exit_status=-11,
            place="call, step 3: queue_copy",
            stack='File "driver.py", line 80 in queue_copy\n',
            output={"stderr": "device lost\n"},
            after="queue/test_fill::test_pattern[4]",
        )
        return [Attempt(outcome=outcome, message=message, death=death)] * 2


def write(folder: Path, drivers: int = 3, runs: int = 5, cases: int = 400) -> int:
    """Writes runs; how many bytes that is."""
    written = 0
    for number in range(drivers):
        name = NAMES[number % len(NAMES)] + (f"-{number}" if number >= len(NAMES) else "")
        maker = Maker(name, ON[number % len(ON)], cases, seed=number)
        for run in range(runs):
            below = folder / f"{name}-{run:04}"
            below.mkdir(parents=True)
            written += write_document(below, maker.run(run)).stat().st_size
    return written


if __name__ == "__main__":
    where, *numbers = sys.argv[1:]
    size = write(Path(where), *map(int, numbers))
    print(f"{size / 1e6:.0f} MB")
