"""What the page knows from the start (`index`), and of each driver when asked (`details`)."""

from __future__ import annotations

import json
import re
from typing import Any

from cts.contract import requirements
from cts.hal import HalError, InteropMode, LinkClass, Topology
from cts.hal.edge import FIELDS
from cts.results import UNEXPECTED

from ..case_line import cut
from ..history import Column, History, MergedRun
from ..matrix import PRECEDENCE
from .evidence import BLOCK

MAX_DEVICES = 64
"""Of a topology that is shown."""
MAX_ENTRIES = 200
"""Of properties, slot faults, benchmarks of a driver."""
_VALUE = 500
"""Characters of a property's value, a reason, a path."""

Plain = dict[str, Any]


def index(history: History, left_out: list[str]) -> Plain:
    """Requirements, cases, columns, runs, and what could not be read."""
    rows = _requirements(history)
    places = {row["id"]: place for place, row in enumerate(rows)}
    offset = 0
    columns = []
    for column in history.columns:
        columns.append({**_column(column), "offset": offset})
        offset += column.verdicts.size
    return {
        "outcomes": PRECEDENCE,
        "unexpected": sum(outcome in UNEXPECTED for outcome in PRECEDENCE),
        "failed": PRECEDENCE.index("pass"),
        "fields": list(FIELDS),
        "requirements": rows,
        "cases": history.cases,
        "requirementsOf": [[places[id] for id in ids] for ids in history.requirements],
        "columns": columns,
        "runs": [_run(run) for run in history.runs],
        "block": BLOCK,
        "problems": [[str(p.path), cut(p.why, _VALUE)] for p in history.problems],
        "duplicates": [[str(p.path), cut(p.why, _VALUE)] for p in history.duplicates],
        "leftOut": left_out,
    }


def _requirements(history: History) -> list[Plain]:
    """Those of the contract, in its order, and others that cases name."""
    contract = requirements()
    others = {id for ids in history.requirements for id in ids} - contract.keys()
    return [
        {"id": id, "text": _plain(row.text), "planned": row.planned} for id, row in contract.items()
    ] + [{"id": id, "text": "", "planned": False} for id in sorted(others)]


def _plain(text: str) -> str:
    """Markdown without the marks of code and emphasis."""
    return re.sub(r"`([^`]*)`|(?<!\*)\*(\w[^*]*)\*(?!\*)", r"\1\2", text)


def _column(column: Column) -> Plain:
    driver = column.driver
    return {
        "label": column.label,
        "driver": driver.driver,
        "on": driver.obtained_on,
        "status": driver.status,
        "isCoreOnly": driver.properties.get("work") is False,
        "version": cut(driver.version, _VALUE),
        "devices": cut(column.devices, _VALUE),
        "reason": cut(driver.reason or driver.exit_fault, _VALUE),
        "runs": column.runs,
        "versions": [cut(version, 100) for version in column.versions],
    }


def _run(run: MergedRun) -> Plain:
    record = run.record
    return {
        "id": cut(record.id, _VALUE),
        "path": str(run.path),
        "started": cut(record.started, 100),
        "finished": cut(record.finished, 100),
        "suite": cut(f"{record.suite_version} {record.suite_revision}".strip(), 100),
        "python": cut(record.python, 100),
        "platform": cut(record.platform, _VALUE),
        "command": cut(" ".join(["pytest", *record.command]), _VALUE),
        "seed": record.seed,
        "validation": record.validation,
        "exitStatus": record.exit_status,
        "debugOption": cut(record.debug_option, _VALUE),
        "faults": [cut(fault, _VALUE) for fault in record.expectation_faults[:MAX_ENTRIES]],
        "incomplete": cut(run.incomplete, _VALUE),
    }


def details(history: History) -> Plain:
    """Of each column its driver's record, topology and benchmarks; and the fields of an edge."""
    return {
        "fields": [_field(name) for name in FIELDS],
        "columns": [
            {
                "facts": _facts(column),
                "topology": _topology(column),
                "benchmarks": _benchmarks(column),
            }
            for column in history.columns
        ],
    }


def _facts(column: Column) -> list[tuple[str, str]]:
    driver = column.driver
    facts = {
        "status": driver.status,
        "reason": driver.reason,
        "stage": driver.stage,
        "version": driver.version,
        "devices": column.devices,
        "obtained on": driver.obtained_on,
        "fault at its process's exit": driver.exit_fault,
        **{f"broken slot {slot}": fault for slot, fault in driver.slot_faults.items()},
        "optional slots": ", ".join(driver.optional_slots),
        **driver.properties,
    }
    some = list(facts.items())[:MAX_ENTRIES]
    return [(cut(name, 100), _text(value)) for name, value in some if value != ""]


def _text(value: Any) -> str:
    try:
        plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        plain = "(nested too deeply)"
    return cut(plain, _VALUE)


def _field(name: str) -> Plain:
    field = FIELDS[name]
    kinds: dict[type, str] = {InteropMode: "mode", LinkClass: "link", int: "number"}
    names = {} if field.kind is int else {str(int(v)): v.name for v in field.kind}  # type: ignore
    return {"name": name, "kind": kinds.get(field.kind, "set"), "names": names}


def _topology(column: Column) -> Plain:
    """The fields of every edge, as they are numbered; or why they cannot be shown."""
    plain = column.driver.topology
    if plain is None:
        return {"missing": "the driver's group was not formed, or has no topology"}
    try:
        topology = Topology.from_plain(plain)
    except HalError as error:
        return {"missing": cut(str(error), _VALUE)}
    if topology.device_count > MAX_DEVICES:
        return {"missing": f"{topology.device_count} devices; up to {MAX_DEVICES} are shown"}
    names = [str(device.get("identifier", "")) for device in column.driver.capabilities]
    names += [""] * (topology.device_count - len(names))
    return {
        "devices": [cut(name, 100) for name in names[: topology.device_count]],
        "numaNodes": [str(node)[:20] for node in topology.numa_nodes],
        "fields": {name: topology.field(name).tolist() for name in FIELDS},
        "edges": [
            [str(topology.query_edge(src, dst)) for dst in range(topology.device_count)]
            for src in range(topology.device_count)
        ],
    }


def _benchmarks(column: Column) -> Plain:
    some = list(column.benchmarks.items())[:MAX_ENTRIES]
    return {
        cut(name, 200): {"median": b.median, "iqr": b.iqr, "rounds": b.rounds, "bytes": b.bytes}
        for name, b in some
    }
