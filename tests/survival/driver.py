"""A driver that does one thing wrong in one place, and a sound one beside it."""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path

FAULTS: dict[str, str] = {
    "segfault": "lib.segfault()",
    "abort": "lib.abort_it()",
    "C++ exception": "lib.throw_it()",
    "stack overflow": "lib.overflow_stack()",
    "os._exit(0)": "os._exit(0)",
    "exception": "raise KeyError('no luck')",
    "sys.exit": "sys.exit(0)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "hang in Python": "time.sleep(3600)",
    "hang in C": "lib.hang()",
    "hang in C, GIL held": "with_gil.hang()",
    "SIGSTOP": "lib.stop_itself()",
    "memory": "lib.eat_memory()",
    "flood of output": "lib.flood()",
    "descriptors closed": "lib.close_descriptors()",
    "descriptors exhausted": "lib.exhaust_descriptors()",
    "signal handler changed": "lib.change_handler()",
    "environment changed": "os.environ['OF_THE_DRIVER'] = str(time.monotonic())",
    "thread that dies later": "lib.segfault_later()",
}
"""What happens, as the code that does it."""

AT_EXIT: dict[str, str] = {
    "segfault": "segfault",
    "abort": "abort_it",
    "C++ exception": "throw_it",
    "stack overflow": "overflow_stack",
    "os._exit(0)": "exit_quietly",
    "hang in C": "hang",
    "SIGSTOP": "stop_itself",
    "memory": "eat_memory",
    "flood of output": "flood",
    "descriptors closed": "close_descriptors",
    "descriptors exhausted": "exhaust_descriptors",
    "signal handler changed": "change_handler",
    "thread that dies later": "segfault_later",
}
"""The function of the library that a destructor calls when the process exits; what is not here is
done by Python while it shuts down."""

PLACES = (
    "import",
    "enumerate",
    "create_device",
    "group",
    "case",
    "teardown",
    "end of the session",
    "exit",
)

_SOURCE = """
import atexit, ctypes, os, sys, time
from cts.hal import *

lib = ctypes.CDLL(LIBRARY)
with_gil = ctypes.PyDLL(LIBRARY)

def fault_in(place):
    if place == PLACE:
        FAULT

class {cls}Device(Device):
    driver_name = "{name}"
    doomed = False

    def __init__(self):
        super().__init__()
        self._topology = TopologyAssignment(self)

    @property
    @slot()
    def identifier(self):
        return "{name}:0"

    @slot()
    def query_capabilities(self):
        return DeviceCapabilities()

    @property
    @slot()
    def topology_info(self):
        return self._topology.info

    @slot()
    def assign_topology_info(self, info):
        fault_in("group")
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst, edge):
        if self.doomed:
            fault_in("case")
        return edge

    def _destroy(self):
        if self.doomed:
            fault_in("teardown")

class {cls}Driver(Driver):
    name = "{name}"
    native = False
    version = "1.0"
    properties = DriverProperties(work=False)

    def available(self):
        return None

    def enumerate(self):
        fault_in("enumerate")
        return [DeviceInfo(path="{name}/0", name="{cls}", obtained_on="software")]

    def create_device(self, info=None):
        fault_in("create_device")
        return {cls}Device()

    def close(self):
        fault_in("end of the session")

fault_in("import")
if PLACE == "exit":
    AT_EXIT
"""

CASES = """
import pytest

@pytest.mark.spec("STB-2")
@pytest.mark.parametrize("n", range(6))
def test_it(new_device, device_group, n):
    device = new_device()
    device.query_capabilities()
    if n == 3:
        device.doomed = True
        device.refine_topology_edge(device, device_group.topology.query_edge(0, 0))
"""
CASES_OF_A_DRIVER = 6


def compile_library(folder: Path) -> Path:
    """Builds the faults."""
    library = folder / "libfaults.so"
    source = Path(__file__).with_name("faults.cpp")
    command = [
        "g++",
        "-std=c++17",
        "-O1",
        "-shared",
        "-fPIC",
        "-pthread",
        "-o",
        str(library),
        str(source),
    ]
    subprocess.run(command, check=True)
    return library


def install(folder: Path, library: Path, fault: str, place: str) -> None:
    """Writes the two drivers, as packages of somebody else's, and their cases."""
    for name, cls, where in (("bad", "Bad", place), ("sound", "Sound", "nowhere")):
        if fault in AT_EXIT:
            at_exit = f"lib.arm(lib.{AT_EXIT[fault]})"
        else:
            at_exit = "atexit.register(fault_in, 'exit')"
        source = textwrap.dedent(_SOURCE).replace("{cls}", cls).replace("{name}", name)
        source = source.replace("LIBRARY", repr(str(library))).replace("PLACE", repr(where))
        source = source.replace("AT_EXIT", at_exit).replace("FAULT", FAULTS[fault])
        (folder / f"{name}_driver.py").write_text(source)
        info = folder / f"{name}_driver-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        entry_point = f"{name} = {name}_driver:{cls}Driver"
        (info / "entry_points.txt").write_text(f"[cts.drivers]\n{entry_point}\n")
    area = folder / "area"
    area.mkdir()
    (area / "test_it.py").write_text(CASES)
