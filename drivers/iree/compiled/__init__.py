"""What IREE's compiler made for the adapter, so that running it needs no compiler.

`build` makes all of it again, and is the place to read what is in it:

- ``kernels.FORMAT``: the suite's kernels (``kernels.mlir``) as executables of a driver's format;
- ``there_and_back.FORMAT.vmfb``: the suite's program over two devices, likewise;
- ``calls.vmfb``: a VM module that calls what of the HAL cannot be called from Python directly.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def compiled(name: str) -> bytes:
    """The file of that name. Raises FileNotFoundError."""
    return files(__package__).joinpath(name).read_bytes()
