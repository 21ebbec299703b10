"""What cases of memory get: a kind of handle that two devices share memory by."""

from __future__ import annotations

import pytest

from cts.hal import Device, HandleType
from cts.work_cases.sharing import KINDS, name_of, needs_kind


@pytest.fixture(params=KINDS, ids=name_of)
def kind(request: pytest.FixtureRequest, device: Device, peer: Device) -> HandleType:
    """A kind of handle that device and peer share memory by."""
    wanted: HandleType = request.param
    needs_kind(wanted, device, peer)
    return wanted
