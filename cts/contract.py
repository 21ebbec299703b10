"""The contract's requirement ids, read from docs/spec.md, which is installed beside the code.

requirements()   # {"STA-1": Requirement(id="STA-1", text="...", planned=False), ...}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

_ROW = re.compile(r"^\| *([A-Z]{3}-\d+) *\| *(.*?) *\|[^|\n]*\|$", re.MULTILINE)
_PLANNED = re.compile(r"^Planned: (.*)$", re.MULTILINE)
_ID = re.compile(r"[A-Z]{3}-\d+")


@dataclass(frozen=True)
class Requirement:
    """One row of the contract."""

    id: str
    text: str
    """What it demands, in Markdown."""
    planned: bool
    """No case exists yet; the row is shown as untested."""

    @property
    def section(self) -> str:
        """The letters of its id, the same for all rows of a section."""
        return self.id.partition("-")[0]

    @property
    def number(self) -> int:
        """Its number within the section."""
        return int(self.id.partition("-")[2])


def spec_text() -> str:
    """The text of docs/spec.md, from the checkout or the installed package."""
    installed = resources.files("cts") / "docs" / "spec.md"
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    beside = Path(__file__).resolve().parent.parent / "docs" / "spec.md"  # in a checkout
    return beside.read_text(encoding="utf-8")


@cache
def requirements() -> Mapping[str, Requirement]:
    """Every requirement by id, in the contract's order."""
    text = spec_text()
    planned = {id for line in _PLANNED.findall(text) for id in _ID.findall(line)}
    rows = _ROW.findall(text)
    return MappingProxyType({id: Requirement(id, row, id in planned) for id, row in rows})
