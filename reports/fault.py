"""The command `hal-cts fault`: begins a script that shows a known fault with nothing of this suite.

    hal-cts fault 'queue/test_copy::test_overlap_is_refused[queue]' --driver iree-local-sync
    hal-cts fault CASE --driver NAME --output FILE

It takes the driver's expectation of the case, fills in what that says, and leaves the calls to be
written: until they are, the script fails with exit status 2. Around them stands `reproducer.txt`
from the folder of the driver, with what all of its scripts need, or the one of this folder.

Exit status: 0; 4 for a driver that there is not, a case that nothing is expected of, a file that is
there already or cannot be written.
"""

from __future__ import annotations

import ast
import re
import string
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cts import registry
from cts.expectations.entries import FILE_NAME, Entry, UnreadableError, read
from cts.expectations.queries import file_of, names, names_case
from cts.limits import PROBE_STEP_TIMEOUT
from cts.probe import probe
from cts.results import parts_of

from .console import cannot, tell
from .text import one_line

FOLDER = Path("docs", "faults")
"""Where the scripts are, from where the command is called."""
TEMPLATE = "reproducer.txt"
SEVERITIES = ("wrong data", "crash", "hang", "wrong code")
"""`wrong data`: bytes are damaged, which may kill the process too; `wrong code`: what is to be
refused is not, or with another code, or what is to work is refused."""

_SEVERITY_OF = {"crash": "crash", "timeout": "hang"}
_REQUIREMENT = re.compile(r"\b[A-Z]{3}-\d+\b")
_LINE = 96
_REASON = 400

app = typer.Typer(add_completion=False)


@app.command()
def main(
    case: Annotated[str, typer.Argument(help="A case that is expected to fail, by its id.")],
    driver: Annotated[
        str, typer.Option(help="The driver that it is expected of, as the results name it.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; by default one in docs/faults.")
    ] = None,
) -> None:
    """Begin a script that reproduces a known fault: all but its calls."""
    name, implementation = parts_of(driver)
    folder = registry.folder(name)
    if folder is None:
        raise cannot(f"unknown driver {name!r}; there are: {', '.join(registry.names())}")
    entry = _entry_of(folder / FILE_NAME, case, name, implementation)
    path = output or FOLDER / f"{_name_of(folder.name, entry.case)}.py"
    text = skeleton(entry, name, folder, probe(name, PROBE_STEP_TIMEOUT).version or "?")
    if path.exists():
        raise cannot(f"{path}: it is there already; name another one, --output")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise cannot(f"{path}: cannot be written: {error.strerror}") from error
    tell(f"{path}: its calls are yours to write; then name it in the expectation:")
    tell(f'reproducer = "{path.as_posix()}"')


def skeleton(entry: Entry, driver: str, folder: Path, seen_with: str) -> str:
    """The script that an expectation of a driver begins.

    Parameters
    ----------
    folder : the driver's; its name before the driver's own, as in ``iree-vulkan``, is left out.
    seen_with : the version of the driver.
    """
    own = folder / TEMPLATE
    template = own if own.is_file() else Path(__file__).parent / TEMPLATE
    drivers = (driver.removeprefix(f"{folder.name}-"),)
    requirements = requirements_of(entry)
    metadata: dict[str, str | tuple[str, ...]] = {
        "DRIVERS": drivers,
        "SEVERITY": _severity_of(entry),
        "REQUIREMENTS": requirements,
        "SEEN_WITH": seen_with,
    }
    told = {
        "Requirement": f"{', '.join(requirements) or '?'} of docs/spec.md",
        "Drivers": ", ".join(drivers),
        "Severity": _severity_of(entry),
        "Seen with": seen_with,
        "Cause": "not looked for",
    }
    reason = one_line(entry.reason, _REASON).replace("\\", "\\\\").replace('"', "'")
    sentence = textwrap.fill(f'"""{reason[:1].upper()}{reason[1:].rstrip(".")}.', _LINE)
    facts = [f"{name + ':':12} {value}" for name, value in told.items()]
    return string.Template(template.read_text(encoding="utf-8")).substitute(
        docstring="\n".join([sentence, "", *facts, '"""']),
        metadata="\n".join(f"{name} = {_literal(value)}" for name, value in metadata.items()),
    )


def requirements_of(entry: Entry) -> tuple[str, ...]:
    """The requirements that an entry's pattern names, or else that its test is marked with."""
    found = _REQUIREMENT.findall(entry.pattern) or _marked(entry.case)
    return tuple(dict.fromkeys(found))


def _marked(case: str) -> list[str]:
    """The requirements in the marks of a test, as its file in the suite has them."""
    suites = find_spec("cts.suites")
    if suites is None or not suites.submodule_search_locations:
        return []
    path = Path(next(iter(suites.submodule_search_locations)), f"{file_of(case)}.py")
    if not path.is_file():
        return []
    test = case.partition("::")[2].partition("[")[0]
    marks: list[ast.expr] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and names(test, node.name):
            marks += node.decorator_list
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            marks.append(node.value)
    return [id for mark in marks for id in _REQUIREMENT.findall(ast.unparse(mark))]


def _entry_of(path: Path, case: str, driver: str, implementation: str) -> Entry:
    """A driver's expectation of a case. Gives up where there is none."""
    try:
        entries = read(path).entries if path.exists() else ()
    except UnreadableError as error:
        raise cannot(str(error)) from error
    own = [entry for entry in entries if entry.is_for(driver, implementation or None)]
    for entry in own:
        if entry.case == case or names_case(entry.case, case):
            return entry
    raise cannot(f"{path}: nothing is expected of {case!r} on {driver}, in {len(own)} entries")


def _severity_of(entry: Entry) -> str:
    if len(entry.outcomes) > 1:  # as where memory is damaged
        return "wrong data"
    return _SEVERITY_OF.get(entry.outcomes[0], "wrong code")


def _name_of(folder: str, case: str) -> str:
    """The name of a script: whose fault it is, and what the test says that it shows."""
    test = case.partition("::")[2] or case
    return re.sub(r"\W+", "_", f"{folder}_{test.partition('[')[0].removeprefix('test_')}").strip(
        "_"
    )


def _literal(value: str | tuple[str, ...]) -> str:
    """As the formatter would have it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
