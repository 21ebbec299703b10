"""Makes the code objects in this folder: ``python -m cts.drivers._code_objects.build [FILE]``.

Needs clang 19.1.7, which Debian 12 has (``apt-get install clang-19 clang-tools-19 lld-19``):
another version makes other bytes. Nothing of ROCm is needed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "kernels.hip"
MADE = FOLDER / "kernels.hsaco"
COMPILER = "clang-19"
TARGETS = ("gfx90a", "gfx942", "gfx1100", "gfx1201")
"""MI200, MI300, RX 7900, RX 9070."""
OPTIONS = (
    *("-x", "hip", "--cuda-device-only", "-nogpuinc", "-nogpulib", "-O2"),
    *("-Wall", "-Wextra", "-Werror"),
    "-mcode-object-version=5",
    # Else a symbol has a hash of the source's path in its name.
    "-fuse-cuid=none",
)


def build(target: Path) -> None:
    """Compiles for all devices, into one bundle. Raises CalledProcessError where the compiler
    refuses, and FileNotFoundError where it is not installed."""
    devices = [f"--offload-arch={name}" for name in TARGETS]
    command = [COMPILER, *OPTIONS, *devices, "-o", str(target), str(SOURCE)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else MADE)
