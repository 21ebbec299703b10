"""A driver that does one thing wrong in one place, and a sound one beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.outside_drivers import driver_source, install_package

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
    for name, where in (("bad", place), ("sound", "nowhere")):
        points = f"[cts.drivers]\n{name} = {name}_driver:OutsideDriver\n"
        install_package(folder, f"{name}_driver", source_of(name, library, fault, where), points)
    area = folder / "area"
    area.mkdir()
    (area / "test_it.py").write_text(CASES)


def source_of(name: str, library: Path, fault: str, place: str) -> str:
    """A driver with a fault in one place. One of a device hits those that are `doomed`."""
    in_driver = {"enumerate": "enumerate", "create_device": "create_device"}
    in_driver |= {"group": "assign_topology_info", "end of the session": "close"}
    in_device = {"case": "refine_topology_edge", "teardown": "destroy"}
    path = repr(str(library))
    load = f"import ctypes\nlib, with_gil = ctypes.CDLL({path}), ctypes.PyDLL({path})"
    code = {"import_": load}
    if place == "import":
        code["import_"] += f"\n{FAULTS[fault]}"
    elif place == "exit":
        python = f"def at_exit():\n    {FAULTS[fault]}\natexit.register(at_exit)"
        native = f"lib.arm(lib.{AT_EXIT[fault]})" if fault in AT_EXIT else ""
        code["import_"] += f"\n{native or python}"
    elif place in in_driver:
        code[in_driver[place]] = FAULTS[fault]
    elif place in in_device:
        code[in_device[place]] = f"if getattr(self, 'doomed', False):\n    {FAULTS[fault]}"
    return driver_source(name, **code)
