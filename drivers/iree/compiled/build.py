"""Makes what is in this folder: ``python -m cts.drivers.iree.compiled.build [FOLDER]``.

Needs the wheel iree-base-compiler, in the version that the extra ``dev`` asks for: another makes
other bytes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import calls

KERNELS = Path(__file__).with_name("kernels.mlir")
PROGRAM = Path(__file__).with_name("there_and_back.mlir")

COMPILER = (sys.executable, "-m", "iree.compiler.tools.scripts.iree_compile")

TARGETS = {
    "vmvx-bytecode-fb": ("vmvx",),
    "vulkan-spirv-fb": ("vulkan-spirv", "--iree-vulkan-target=vp_android_baseline_2022"),
    "cuda-nvptx-fb": ("cuda", "--iree-cuda-target=sm_80"),
}
"""Of each format the compiler's backend and what it needs to know; PTX and SPIR-V are taken by
later devices than those named."""


PROGRAM_TARGETS = {
    "vmvx-bytecode-fb": ("local", "--iree-hal-local-target-device-backends=vmvx"),
    "vulkan-spirv-fb": ("vulkan", "--iree-vulkan-target=vp_android_baseline_2022"),
}
"""Of each format the compiler's name of a device that takes it, for programs."""


def compilations(folder: Path) -> Iterator[tuple[Path, Sequence[str], str]]:
    """Each file to make, the compiler's arguments for it, and its source."""
    source = KERNELS.read_text()
    for format, (backend, *options) in TARGETS.items():
        kernels = "--compile-mode=hal-executable", f"--iree-hal-target-backends={backend}"
        yield folder / f"kernels.{format}", (*kernels, *options), source
    source = PROGRAM.read_text()
    for format, (device, *options) in PROGRAM_TARGETS.items():
        devices = (
            f"--iree-hal-target-device={name}={device}[{place}]"
            for place, name in enumerate(("first", "second"))
        )
        yield folder / f"there_and_back.{format}.vmfb", (*devices, *options), source
    yield folder / "calls.vmfb", ("--compile-from=vm",), calls.source()


def build(folder: Path) -> None:
    """Makes all files in `folder`. Raises CalledProcessError where the compiler refuses."""
    for target, arguments, source in compilations(folder):
        command = [*COMPILER, *arguments, "-", "-o", str(target)]
        subprocess.run(command, input=source, text=True, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else KERNELS.parent)
