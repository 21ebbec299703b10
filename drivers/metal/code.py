"""Device code: source in Metal's language, compiled for a device, and its kernels."""

from __future__ import annotations

from math import prod
from operator import mul
from typing import Any

import Metal
import objc

from .._stream.facts import Counts
from .codes import COMPILE_FAILURE, FUNCTION_NOT_FOUND, LIBRARY, NIL, PIPELINE, TOO_MUCH
from .made import failure

MOST_ARGUMENTS = 31
"""Of a kernel: the table of buffers has no more places."""
MOST_THREADS = 2**32 - 1
"""Along a side of a grid: a thread's number in it has 32 bits."""


class Kernel:
    """A kernel.

    Attributes
    ----------
    pipeline : Metal's, ready to run it.
    """

    def __init__(self, name: str, pipeline: Any) -> None:
        self.pipeline = pipeline
        self._name = name
        self._most_threads = pipeline.maxTotalThreadsPerThreadgroup()

    def check_fits(self, groups: Counts, size: Counts, arguments: int) -> None:
        """Raises for larger workgroups than it can have, for more threads along a side than can be
        numbered, and for more arguments than any kernel has."""
        call = "dispatchThreadgroups_threadsPerThreadgroup_"
        if prod(size) > self._most_threads:
            told = f"{self._name} has at most {self._most_threads} threads a workgroup"
            raise failure(call, TOO_MUCH, told)
        if max(map(mul, groups, size)) > MOST_THREADS:
            raise failure(call, TOO_MUCH, f"{groups} workgroups of {size} threads")
        if arguments > MOST_ARGUMENTS:
            told = f"{self._name} is given {arguments} arguments: there are {MOST_ARGUMENTS}"
            raise failure("setBuffer_offset_atIndex_", TOO_MUCH, told)


class Module:
    """Source that was compiled."""

    def __init__(self, device: Any, image: bytes) -> None:
        call = "newLibraryWithSource_options_error_"
        try:
            source = image.decode()
        except UnicodeDecodeError as cause:
            raise failure(call, COMPILE_FAILURE, "it is no text") from cause
        self._device = device
        with objc.autorelease_pool():
            options = Metal.MTLCompileOptions.alloc().init()
            options.setFastMathEnabled_(False)  # its name before macOS 15, which takes it still
            library, error = device.newLibraryWithSource_options_error_(source, options, None)
            if library is None:
                raise failure(call, *_told(error, LIBRARY))
        self._library = library

    def kernel(self, name: str) -> Kernel:
        """A kernel by its name."""
        with objc.autorelease_pool():
            function = self._library.newFunctionWithName_(name)
            if function is None:
                raise failure("newFunctionWithName_", FUNCTION_NOT_FOUND, name)
            pipeline, error = self._device.newComputePipelineStateWithFunction_error_(
                function, None
            )
            if pipeline is None:
                call = "newComputePipelineStateWithFunction_error_"
                raise failure(call, *_told(error, PIPELINE))
        return Kernel(name, pipeline)

    def end(self) -> None:
        """Lets go of it."""
        self._library = None


def _told(error: Any, first: int) -> tuple[int, str]:
    """The code of an error, and the first line of what it says."""
    if error is None:
        return NIL, ""
    text = str(error.localizedDescription())
    return first + int(error.code()), text.partition("\n")[0]
