"""Whether the devices that cases share still work after a case.

A case may pass and leave a device behind that carries out nothing any more, as one that is lost.
The cases after it would fail then, with it to blame; so it fails itself, and its child ends.
"""

from __future__ import annotations

import pytest

from cts.plugin.cases import case_of
from cts.plugin.run import run_of


def check(item: pytest.Item) -> None:
    """Fails a case that used the session's group, and spoilt one of its devices."""
    case = case_of(item)
    if case is None or "device_group" not in item.fixturenames:  # type: ignore[attr-defined]
        return
    fault = run_of(item.config).session_of(case.driver).spoilt()
    if fault:
        pytest.fail(f"after the case {fault}", pytrace=False)
