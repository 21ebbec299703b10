"""Nothing is needed but the host; what is missing is the driver itself."""

from __future__ import annotations

from .._availability import FindingDriver


class LocalTaskDriver(FindingDriver):
    """Says that its queues are not there yet."""

    name = "local-task"
    native = False
