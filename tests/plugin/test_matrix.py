"""The matrix: from verdicts to cells, and from cells to lines of text."""

from __future__ import annotations

import itertools

import pytest

import reports.matrix
from cts.contract import Requirement
from cts.results import CaseRecord, DeviceRecord, DriverRecord, ObtainedOn, Outcome
from reports.matrix import Cell, Matrix, cell_of
from reports.terminal import CHARACTERS, lines

NUMBERS = {"STA": range(1, 5), "GRP": range(1, 21), "LIF": range(1, 15), "GAP": (2, 5)}
ALL = [f"{section}-{number}" for section, numbers in NUMBERS.items() for number in numbers]


@pytest.fixture(autouse=True)
def contract(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract of four sections, which stays as it is when the real one grows."""
    rows = {id: Requirement(id, text="", planned=id == "LIF-14") for id in ALL}
    monkeypatch.setattr(reports.matrix, "requirements", lambda: rows)


def driver(
    name: str, *, work: bool = True, on: tuple[ObtainedOn, ...] = ("software",)
) -> DriverRecord:
    """A driver that was available."""
    return DriverRecord(
        driver=name,
        status="available",
        devices=[
            DeviceRecord(path=f"{i}", name="x", obtained_on=kind) for i, kind in enumerate(on)
        ],
        properties={"work": work},
    )


def case(driver: str, outcome: Outcome, *ids: str) -> CaseRecord:
    """A verdict."""
    return CaseRecord(
        driver=driver, case="a/b::c", requirements=list(ids), outcome=outcome, duration=0.0
    )


@pytest.mark.parametrize(
    ("outcomes", "cell"),
    [
        (set(), "untested"),
        ({"pass"}, "pass"),
        ({"pass", "adapter", "unsupported", "skip"}, "pass"),
        ({"adapter", "unsupported", "skip"}, "adapter"),
        ({"unsupported", "skip"}, "unsupported"),
        ({"skip"}, "skip"),
        ({"pass", "adapter", "expected-fail"}, "expected-fail"),
        ({"pass", "expected-fail", "blocked"}, "blocked"),
        ({"pass", "expected-fail", "unexpected-pass"}, "unexpected-pass"),
        ({"pass", "blocked"}, "blocked"),
        ({"pass", "blocked", "fail"}, "fail"),
        ({"pass", "error", "fail"}, "fail"),
        ({"pass", "error", "flaky"}, "error"),
        ({"pass", "fail", "error", "timeout"}, "timeout"),
        ({"pass", "fail", "error", "timeout", "crash"}, "crash"),
    ],
)
def test_a_cell_is_the_worst_of_its_cases(outcomes: set[Outcome], cell: Cell) -> None:
    assert cell_of(outcomes) == cell


def test_every_outcome_has_a_cell_and_a_character_of_its_own() -> None:
    outcomes = Outcome.__args__  # type: ignore[attr-defined]
    assert {cell_of({outcome}) for outcome in outcomes} == set(outcomes)
    assert CHARACTERS.keys() == {*outcomes, "untested"}
    assert len(set(CHARACTERS.values())) == len(CHARACTERS)


def test_a_case_counts_for_each_requirement_it_names_and_its_driver_alone() -> None:
    matrix = Matrix.of(
        [driver("a"), driver("b")],
        [
            case("a", "pass", "STA-1", "GRP-2"),
            case("a", "fail", "GRP-2"),
            case("b", "unsupported", "STA-1"),
            case("c", "crash", "STA-2"),
        ],
    )
    tested = {key: cell for key, cell in matrix.cells.items() if cell != "untested"}
    assert tested == {
        ("STA-1", "a"): "pass",
        ("GRP-2", "a"): "fail",
        ("STA-1", "b"): "unsupported",
    }
    assert matrix.cells.keys() == set(itertools.product(ALL, "ab"))
    assert [row.id for rows in matrix.sections.values() for row in rows] == ALL
    untested = [row.id for row in matrix.untested()]
    assert untested == [id for id in ALL if id not in ("STA-1", "GRP-2")]
    assert [row.id for row in matrix.untested() if row.planned] == ["LIF-14"]


def test_the_text_has_a_character_a_requirement_in_fives() -> None:
    cases = [
        case("here", "pass", *(id for id in ALL if id not in ("LIF-14", "STA-4"))),
        case("here", "blocked", "LIF-6"),
    ]
    text = list(lines(Matrix.of([driver("here")], cases), 80))
    assert text == [
        "           here",
        "           software",
        "STA 1-4    ...-",
        "GRP 1-20   ..... ..... ..... .....",
        "LIF 1-14   ..... b.... ...-",
        "GAP 2-5    ..",
        "",
        ". pass  b blocked  - untested",
        "untested: STA-4 LIF-14",
    ]


def test_a_column_says_on_what_it_was_obtained() -> None:
    drivers = [
        driver("one", work=False),
        driver("two", on=("software", "hardware", "software")),
        DriverRecord(driver="three", status="broken"),
    ]
    text = list(lines(Matrix.of(drivers, []), 200))
    assert text[0].split() == ["one", "two", "three"]
    assert "software, core only" in text[1]
    assert "hardware, software" in text[1]
    assert text[1].endswith("broken")
    starts = [text[0].index(name) for name in ("one", "two", "three")]
    assert [text[1].index(word) for word in ("software, core", "hardware", "broken")] == starts


@pytest.mark.parametrize("width", [20, 45, 80, 81, 120, 400])
def test_columns_that_do_not_fit_come_below(width: int) -> None:
    names = [f"driver-{n}" for n in range(7)]
    matrix = Matrix.of([driver(name) for name in names], [case(names[3], "pass", "STA-1")])
    text = list(lines(matrix, width))
    *blocks, legend, untested = "\n".join(text).split("\n\n")[:-1] + text[-2:]
    headings = [block.splitlines()[0].split() for block in blocks]
    assert list(itertools.chain(*headings)) == names
    for block, heading in zip(blocks, headings, strict=True):
        rows = block.splitlines()
        assert [row.split()[0] for row in rows[2:]] == list(NUMBERS)
        assert len(heading) == 1 or max(map(len, rows)) <= width
        assert ("." in block) == (names[3] in heading)
    widest = max(len(row) for row in blocks[0].splitlines())
    column = (widest - len("GRP 1-20")) // len(headings[0])
    if len(blocks) > 1:
        assert widest + column > width  # one more would not have fitted
    assert legend == ". pass  - untested"
    assert untested == "untested: STA-2..4 GRP-1..20 LIF-1..14 GAP-2 GAP-5"


def test_without_a_driver_there_is_no_column() -> None:
    text = list(lines(Matrix.of([], []), 80))
    assert text[-1] == "untested: STA-1..4 GRP-1..20 LIF-1..14 GAP-2 GAP-5"
