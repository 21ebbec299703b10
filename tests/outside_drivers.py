"""One small sound driver, as source, and ways to spoil it.

`driver_source` gives a driver of the core slots that passes every case. Code can be put at the
start of each of its functions, so that a bad driver is the sound one with one line more:

    driver_source(construct="raise RuntimeError('no luck')")
    driver_source(query_capabilities="os.kill(os.getpid(), signal.SIGSEGV)")
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Final

PLACES: Final = frozenset(
    {
        "import_",
        "construct",
        "available",
        "validate",
        "enumerate",
        "select",
        "create_device",
        "close",
        "query_capabilities",
        "topology_info",
        "assign_topology_info",
        "refine_topology_edge",
        "destroy",
    }
)
"""Where code can be put: at the top of the module (`import_`) or of the function of that name."""

_ELSE: Final = {"validate": "super().validate(report)"}
"""What is at a place where no code is put, if there is anything."""

_TEMPLATE: Final = """
import atexit, os, signal, sys, time
from cts.hal import *

alive = 0
AT(import_)

class OutsideDevice(Device):
    driver_name = "NAME"

    def __init__(self, number):
        super().__init__()
        self._number = number
        self._topology = TopologyAssignment(self)

    @property
    @slot()
    def identifier(self):
        return f"NAME:{self._number}"

    @slot(ANSWERED)
    def query_capabilities(self):
        AT(query_capabilities)
        return DeviceCapabilities()

    @property
    @slot(ANSWERED)
    def topology_info(self):
        AT(topology_info)
        return self._topology.info

    @slot(ANSWERED)
    def assign_topology_info(self, info):
        AT(assign_topology_info)
        self._topology.assign(info)

    @slot(ANSWERED)
    def refine_topology_edge(self, dst, edge):
        AT(refine_topology_edge)
        return edge

    def _destroy(self):
        global alive
        alive -= 1
        AT(destroy)


class OutsideDriver(Driver):
    name = "NAME"
    native = False
    version = "1.2.3"
    properties = DriverProperties(PROPERTIES)

    def __init__(self):
        self.made = 0
        AT(construct)

    def available(self):
        AT(available)

    def enumerate(self):
        AT(enumerate)
        return [
            DeviceInfo(path=f"NAME/{n}", name=f"Outside {n}", obtained_on="software")
            for n in range(DEVICES)
        ]

    def validate(self, report):
        AT(validate)

    def select(self, infos):
        AT(select)

    def create_device(self, info=None):
        global alive
        AT(create_device)
        limit = self.properties.max_devices
        if limit is not None and alive >= limit:
            raise HalError(
                StatusCode.RESOURCE_EXHAUSTED, "Driver.create_device", f"{alive} of {limit} alive"
            )
        alive += 1
        self.made += 1
        device = OutsideDevice(self.made)
        device.made_from = info
        return device

    def close(self):
        AT(close)
"""


def install_package(folder: Path, module: str, source: str, entry_points: str) -> None:
    """Puts a package into a folder as pip would: one module, and its entry points."""
    (folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(textwrap.dedent(entry_points), encoding="utf-8")


def driver_source(
    name: str = "outside",
    *,
    properties: str = "work=False",
    answered: str = "",
    devices: str = "2",
    **code: str,
) -> str:
    """The source of a driver, `OutsideDriver`.

    Parameters
    ----------
    properties : the arguments of its `DriverProperties`; `max_devices` is kept to.
    answered : the arguments of `slot` for every slot but the identifier.
    devices : how many physical devices it has.
    code : lines to put at `PLACES`.
    """
    assert code.keys() <= PLACES, code.keys() - PLACES
    source = _TEMPLATE.replace("NAME", name).replace("PROPERTIES", properties)
    source = source.replace("DEVICES", devices).replace("ANSWERED", answered)

    def put(match: re.Match[str]) -> str:
        lines = code.get(match["place"], _ELSE.get(match["place"], "pass")).splitlines()
        return "\n".join(match["indent"] + line for line in lines)

    return re.sub(r"^(?P<indent> *)AT\((?P<place>\w+)\)$", put, source, flags=re.MULTILINE)


def once(fault: str, name: str) -> str:
    """Code that does something the first time only, over all processes."""
    return f"if not os.path.exists({name!r}):\n    open({name!r}, 'w').close()\n    {fault}"


BY_ADAPTER: Final = 'answered_by="adapter"'
SEGFAULT: Final = "os.kill(os.getpid(), signal.SIGSEGV)"
QUIET_EXIT: Final = "os._exit(0)"
HANG: Final = "time.sleep(600)"
UNAVAILABLE: Final = (
    "raise HalError(StatusCode.UNAVAILABLE, 'Driver.available',"
    " 'no libacme.so.1 here:\\ninstall acme-runtime', driver='outside')"
)

# -- cases for it -----------------------------------------------------------------------

PASSING_CASE: Final = """
    @pytest.mark.spec("GRP-7")
    def test_group(device_group):
        assert device_group.device_count >= 1
"""
STUB_CASE: Final = """
    @pytest.mark.spec("STB-2")
    @pytest.mark.stub("query_capabilities")
    def test_stub(new_device):
        new_device().query_capabilities()
"""
