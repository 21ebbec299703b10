"""What the commands share: how they speak to a terminal, and how they give up."""

from __future__ import annotations

import typer

from .text import inert, one_line

CANNOT = 4
"""Exit status for what cannot be read, compared or written."""
_LINE = 1000
"""Characters of a line."""


def say(text: str) -> None:
    """Writes a line to stderr, whatever is in it."""
    typer.echo(inert(one_line(text, _LINE)), err=True)


def tell(line: str) -> None:
    """Writes a line to stdout, in a job's log too no more than a line."""
    typer.echo(inert(line))


def cannot(why: str) -> typer.Exit:
    """Says why, and is raised."""
    say(why)
    return typer.Exit(CANNOT)
