"""What the suite's kernels take, in any vendor's code: one thread a workgroup."""

from __future__ import annotations

from .archive import StreamEntryPoint

ENTRY_POINTS = (
    StreamEntryPoint("absolute", constants=0, bindings=2),
    StreamEntryPoint("scale", constants=4, bindings=2),
    StreamEntryPoint("constants", constants=4, bindings=1),
    StreamEntryPoint("count", constants=0, bindings=1),
    StreamEntryPoint("places", constants=0, bindings=1),
)
