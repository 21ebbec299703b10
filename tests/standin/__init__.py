"""Stand-ins for vendors' libraries: small C libraries with their names and calling conventions,
over the host's memory, so that drivers and the vendors' own bindings run without a device; and for
Metal, whose binding is one to Objective-C, modules of Python with the binding's names.

    stand_in = build(folder)                # compiled into the folder
    stand_in.environment(MACHINE="one")     # of a process that finds them and nothing else

    eval "$(python -m tests.standin FOLDER)"        # the same, for a shell

What is simulated is said in `machine.c`, and how calls are made to fail in `failures.c`. No device
code is run: a kernel is looked up by its name (`kernels.c`). `hsa_*.c` need AMD's headers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent
MODULES = SOURCES / "metal"
"""Metal's stand-in: PyObjC's modules, which are Python."""
PREFIX = "HAL_CTS_STANDIN_"
OPTIONS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
HIDDEN = "-fvisibility=hidden"
"""What the libraries share by name each has for itself: cuda-bindings loads CUDA's for all of the
process, and what another one exports would be looked up there first."""
HSA_HEADER = "hsa/hsa_ext_amd.h"
"""HSA's is compiled with it, and does not where a function is not declared as AMD declares it."""
LINKED = ["-Wl,--no-undefined", "-lm"]
OF_A_VENDOR = ("cuda_", "hip_", "hsa_", "nvml")
LIBRARIES = {
    "libcuda.so.1": ("cuda_", ""),
    "libnvidia-ml.so.1": ("nvml", "machine failures"),
    "lib/libamdhip64.so": ("hip_", ""),
    "libhsa-runtime64.so.1": ("hsa_", ""),
}
"""What a vendor's files are called, and the others in the library: all that are no vendor's, or
these."""


@dataclass(frozen=True)
class StandIn:
    """The libraries, compiled.

    Attributes
    ----------
    folder : where they are.
    """

    folder: Path

    def variables(self) -> dict[str, str]:
        """What leads to them."""
        return {
            "LD_LIBRARY_PATH": _before("LD_LIBRARY_PATH", self.folder),
            "PYTHONPATH": _before("PYTHONPATH", MODULES),
            "ROCM_PATH": str(self.folder),
        }

    def environment(self, **settings: str) -> dict[str, str]:
        """This process's environment with that, and with settings (``HAL_CTS_STANDIN_…``)."""
        ours = {PREFIX + name: value for name, value in settings.items()}
        return {**os.environ, **self.variables(), **ours}


def _before(variable: str, folder: Path) -> str:
    """A variable of this process, of folders, with one before all others."""
    there = os.environ.get(variable)
    return os.pathsep.join([str(folder), *([there] if there else [])])


def build(folder: Path, *, without: Sequence[str] = ()) -> StandIn:
    """Compiles them into a folder; the functions of those names are not in them."""
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler: apt-get install gcc")
    _need_headers(compiler)
    hidden = folder / "without.map"
    names = "".join(f"    {name}; {name}_v[0-9];\n" for name in without)
    hidden.write_text(f"{{ local:\n{names}    no_such_name;\n}};\n")
    (folder / "lib").mkdir(exist_ok=True)

    def compile(library: str) -> None:
        prefix, others = LIBRARIES[library]
        made = folder / library
        scripts = f"-Wl,--version-script={hidden}", f"-Wl,-soname={made.name}"
        sources = map(str, _sources(prefix, others.split()))
        command = [compiler, *OPTIONS, HIDDEN, *scripts, "-o", str(made), *sources, *LINKED]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor() as pool:
        for _ in pool.map(compile, LIBRARIES):  # raises what compiling one raises
            continue
    return StandIn(folder)


def _need_headers(compiler: str) -> None:
    """Raises RuntimeError where AMD's headers of the HSA runtime are not found."""
    look = [compiler, "-fsyntax-only", "-include", HSA_HEADER, "-x", "c", os.devnull]
    if subprocess.run(look, capture_output=True).returncode:
        raise RuntimeError(f"no {HSA_HEADER}: apt-get install libhsa-runtime-dev")


def _sources(prefix: str, others: Sequence[str]) -> list[Path]:
    files = sorted(SOURCES.glob("*.c"))
    shared = [path for path in files if not path.name.startswith(OF_A_VENDOR)]
    return [path for path in files if path.name.startswith(prefix)] + [
        path for path in shared if path.stem in others or not others
    ]
