"""Makes the SPIR-V in this folder: ``python -m cts.drivers.vulkan.kernels.build [FOLDER]``.

Needs glslangValidator 12.0.0, which Debian 12 has (``apt-get install glslang-tools``): another
version makes other bytes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from . import NAMES

SOURCES = Path(__file__).parent
COMPILER = "glslangValidator"
TARGET = "vulkan1.1"


def build(folder: Path) -> None:
    """Makes all modules in `folder`. Raises CalledProcessError where the compiler refuses, and
    FileNotFoundError where it is not installed."""
    for name in NAMES:
        command = [
            *(COMPILER, "--quiet", "-g0", "--target-env", TARGET),
            # GLSL calls every entry point main.
            *("--source-entrypoint", "main", "--entry-point", name),
            *("-o", str(folder / f"{name}.spv"), str(SOURCES / f"{name}.comp")),
        ]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCES)
