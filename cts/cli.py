"""The command `hal-cts`, and what keeps a driver from working.

    hal-cts doctor DRIVER       tries a driver step by step; with --device each implementation that
                                it picks, where the driver reaches several

Other packages add commands by the entry point group `cts.commands`: each names a `typer.Typer`,
which is a command of that name when it has one command, and else a group of them.
Exit status: 0 when the driver works, 1 when it is broken, 4 when it is unknown or not here.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated

import typer

from cts import registry
from cts.hal import Topology, slots
from cts.implementations import mismatch
from cts.limits import PROBE_STEP_TIMEOUT
from cts.probe import probe_all
from cts.results import DriverRecord

BROKEN, NOT_HERE = 1, 4

_REQUIREMENT_OF_STAGE = {
    "import": "STA-4",
    "construct": "STA-4",
    "available": "STA-4",
    "enumerate": "STA-4",
    "select": "STA-4",
    "create_device": "STB-7",
    "group": "STB-7",
    "tear-down": "LIF-1",
}
"""The requirement that a driver breaks by failing at a stage of its probe."""

_REQUIREMENT_OF_SLOT = {"query_capabilities": "STB-2"}
_ANY_SLOT = "STB-1"
_ORDERLY_EXIT = "LIF-10"

app = typer.Typer(help="Conformance of HAL drivers.", no_args_is_help=True, add_completion=False)
_Timeout = Annotated[float, typer.Option(help="Seconds that one step of a driver may take.")]


@app.command()
def doctor(
    driver: Annotated[str, typer.Argument(help="The driver's name.")],
    timeout: _Timeout = PROBE_STEP_TIMEOUT,
    device: Annotated[
        str | None, typer.Option(help="A shell pattern for its devices, or for what they are of.")
    ] = None,
) -> None:
    """Try a driver step by step, and say which requirement its construction breaks."""
    known = registry.names()
    if driver not in known:
        typer.echo(f"unknown driver {driver!r}; there are: {', '.join(known)}", err=True)
        raise typer.Exit(NOT_HERE)
    records = probe_all([driver], timeout, device).values()
    for record in records:
        if unmatched := mismatch(record, device):
            typer.echo(f"driver {driver!r}: {unmatched}", err=True)
            raise typer.Exit(NOT_HERE)
        for line in report(record):
            typer.echo(line)
    if any(record.status == "unavailable" for record in records):
        raise typer.Exit(NOT_HERE)
    if any(r.status == "broken" or r.slot_faults or r.exit_fault for r in records):
        raise typer.Exit(BROKEN)


def report(record: DriverRecord) -> list[str]:
    """What a probe found, a line each."""
    if record.status == "unavailable":
        return [f"{record.driver} is not here: {record.reason}"]
    lines = [f"{record.driver} {record.version}".rstrip()]
    lines += [f"  device {d.path!r}: {d.name} ({d.obtained_on})" for d in record.devices]
    lines += [f"  {name} = {value}" for name, value in record.properties.items()]
    if record.status == "broken":
        requirement = _REQUIREMENT_OF_STAGE.get(record.stage, _ANY_SLOT)
        lines.append(f"BROKEN at {record.stage}: {record.reason} (breaks {requirement})")
        return lines
    for name, slot in slots().items():
        fault = record.slot_faults.get(name)
        if fault:
            requirement = _REQUIREMENT_OF_SLOT.get(name, _ANY_SLOT)
            lines.append(f"  {slot.kind} slot {name}: BROKEN: {fault} (breaks {requirement})")
        elif slot.kind == "core":
            lines.append(f"  {slot.kind} slot {name}: works")
    lines += [f"  optional slot {name}: implemented" for name in record.optional_slots]
    if record.topology is not None:
        topology = Topology.from_plain(record.topology)
        lines += ["  topology of a group:", *(f"    {row}" for row in str(topology).splitlines())]
    if record.exit_fault:
        lines.append(f"BROKEN at its process's exit: {record.exit_fault} (breaks {_ORDERLY_EXIT})")
    return lines


def main() -> None:
    """The console script."""
    root = typer.main.get_group(app)
    for point in entry_points(group="cts.commands"):
        try:
            command = typer.main.get_command(point.load())
            command.name = point.name
            root.add_command(command)
        except Exception as error:  # somebody's package; the other commands are not its hostages
            typer.echo(f"the command {point.name!r} is left out: {error!r}", err=True)
    root()


if __name__ == "__main__":
    main()
