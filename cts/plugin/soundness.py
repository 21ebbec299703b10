"""Whether the devices that cases share still work after a case.

A case may pass and leave a device behind that carries out nothing any more, as one that is lost.
The cases after it would fail then, with it to blame; so it fails itself, and its child ends.
"""

from __future__ import annotations

import pytest

from cts.plugin import leftovers
from cts.plugin.cases import case_of
from cts.plugin.run import run_of


def check(item: pytest.Item) -> None:
    """Fails a case that passed, used the session's group, and spoilt one of its devices."""
    case = case_of(item)
    uses_group = "device_group" in item.fixturenames  # type: ignore[attr-defined]
    if case is None or not uses_group or leftovers.has_failed(item):
        return
    fault = run_of(item.config).session_of(case.driver).spoilt()
    if fault:
        pytest.fail(f"after the case {fault}", pytrace=False)
