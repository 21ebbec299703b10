"""A slot may be any kind of class member: what it is used for is seen, and it goes on as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OutsideDriver, RunCts
from tests.outside_drivers import driver_source

CASES = """
    @pytest.mark.spec("STB-2")
    def test_query(new_device):
        assert new_device().query_capabilities() == DeviceCapabilities()

    @pytest.mark.spec("STB-3")
    def test_info(new_device, new_group):
        device = new_device()
        assert device.topology_info is None
        group = new_group(device)
        assert device.topology_info.topology is group.topology

    @pytest.mark.spec("STA-4")
    def test_enumerate(hal_driver):
        assert len(hal_driver.enumerate()) == 2
"""
QUERY = """
    def query_capabilities(self):
        pass
        return DeviceCapabilities()
"""
INFO = """
    def topology_info(self):
        pass
        return self._topology.info
"""
CHANGES = {
    "as they are": ("", ""),
    "a static method": (
        "    @slot()" + QUERY,
        "    @staticmethod\n    @slot()\n    def query_capabilities():\n"
        "        return DeviceCapabilities()\n",
    ),
    "a class method": (
        "    @slot()" + QUERY,
        "    @classmethod\n    def query_capabilities(cls):\n        return DeviceCapabilities()\n",
    ),
    "a partial method": (
        "    @slot()" + QUERY,
        "    def _query(self, answer):\n        return answer\n"
        "    query_capabilities = functools.partialmethod(_query, DeviceCapabilities())\n",
    ),
    "a plain value": (
        "    @property\n    @slot()" + INFO,
        "    topology_info = None\n",
    ),
    "a class method of the driver": (
        "    def enumerate(self):",
        "    @classmethod\n    def enumerate(self):",
    ),
}


@pytest.mark.parametrize("style", CHANGES)
@pytest.mark.parametrize("probe", ["on", "off"])
def test_any_kind_of_member_is_a_slot(
    cts: RunCts,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    style: str,
    probe: str,
) -> None:
    source = driver_source(import_="import functools")
    old, new = CHANGES[style]
    assert old in source
    source = source.replace(old, new)
    if style == "a plain value":
        source = source.replace(
            "        self._topology.assign(info)",
            "        self._topology.assign(info)\n        self.topology_info = info",
        )
    outside_driver(source)
    run = cts("--driver=outside", f"--hal-probe={probe}", case_file(CASES))
    assert [(case.outcome, case.message) for case in run.cases] == [("pass", "")] * 3, run.text
    assert run.ret == 0
