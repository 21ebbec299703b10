"""What the parent and its children say to each other."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

ORDERLY = 77
"""The exit status of a child that came to its own end: a driver's `_exit(0)` cannot forge it."""

CHANNEL_LOST = 76
"""The exit status of a child that cannot reach its parent any more."""


ORDERS_VARIABLE = "HAL_CTS_ORDERS"
"""The environment variable with the path of a nursery's `Orders`."""


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What a nursery is started with."""

    workerinput: dict[str, Any]
    """Tells pytest and its plugins that this session is a part of another one."""
    control: int
    """Descriptor of the socket to the parent."""
    parent: int
    """The parent's process id; 0 where another process is between the two."""
    fork: bool
    """Whether children are forked; else the nursery itself becomes the one child."""
    folder: str
    """Where what its children print is caught, for the parent to find."""


def address_of(item: pytest.Item) -> str:
    """Names a case in every process of the run.

    pytest's id does not: of packages that are named from another folder it is relative to each.
    """
    return f"{item.path}::{item.nodeid.partition('::')[2]}"


class CaseOrder(msgspec.Struct, tag_field="do", tag="case", frozen=True):
    """Run a case."""

    address: str
    next_address: str | None
    """The case that follows in the same child; none keeps nothing but session fixtures."""


class CanaryOrder(msgspec.Struct, tag_field="do", tag="canary", frozen=True):
    """Try whether the driver works at all."""

    driver: str


class EndOrder(msgspec.Struct, tag_field="do", tag="end", frozen=True):
    """Tear the session down, and exit."""


Order = CaseOrder | CanaryOrder | EndOrder


class Report(msgspec.Struct, tag_field="event", tag="report"):
    """One of pytest's reports."""

    data: dict[str, Any]


class CaughtWarning(msgspec.Struct, tag_field="event", tag="warning"):
    """A warning, as pytest records it."""

    category: str
    message: str
    filename: str
    line: int
    when: str
    nodeid: str
    location: list[Any] | None


class Done(msgspec.Struct, tag_field="event", tag="done"):
    """The case is through, its tear-down too."""

    growth: dict[str, str]
    """What it left behind in the child."""
    groups_built: int
    """How often the child has built the session's group by now."""
    said: str
    """What the driver's backend has said of its use since the last phase."""


class CanaryDone(msgspec.Struct, tag_field="event", tag="canary-done"):
    """The driver was tried."""

    fault: str
    """What is wrong; empty where nothing is."""


class Down(msgspec.Struct, tag_field="event", tag="down"):
    """The session is torn down; nothing is left but to exit."""

    fault: str
    """What a session fixture's tear-down raised."""
    workeroutput: dict[str, Any]


Event = Report | CaughtWarning | Done | CanaryDone | Down
