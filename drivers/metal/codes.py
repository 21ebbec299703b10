"""Codes of failures: MTLCommandBufferError's, those of compilers, and some of this driver's own.

Metal's errors are numbers of several domains. Those of command buffers keep theirs, those of
MTLLibraryError begin at `LIBRARY`, and those of compute pipelines, which have no names, at
`PIPELINE`. Where a call answers nothing but nil, the driver has a code.
"""

from __future__ import annotations

from cts.hal import StatusCode

LIBRARY = 1000
PIPELINE = 2000
NIL = 9000
"""A call has made nothing, and Metal says no more."""
TOO_MUCH = 9001
"""More than an entry point can be given."""
COMPILE_FAILURE = LIBRARY + 3
FUNCTION_NOT_FOUND = LIBRARY + 5

COMMAND_BUFFER_ERRORS = {
    1: "MTLCommandBufferErrorInternal",
    2: "MTLCommandBufferErrorTimeout",
    3: "MTLCommandBufferErrorPageFault",
    4: "MTLCommandBufferErrorAccessRevoked",
    7: "MTLCommandBufferErrorNotPermitted",
    8: "MTLCommandBufferErrorOutOfMemory",
    9: "MTLCommandBufferErrorInvalidResource",
    10: "MTLCommandBufferErrorMemoryless",
    11: "MTLCommandBufferErrorDeviceRemoved",
    12: "MTLCommandBufferErrorStackOverflow",
}
LIBRARY_ERRORS = {
    1: "MTLLibraryErrorUnsupported",
    2: "MTLLibraryErrorInternal",
    3: "MTLLibraryErrorCompileFailure",
    4: "MTLLibraryErrorCompileWarning",
    5: "MTLLibraryErrorFunctionNotFound",
    6: "MTLLibraryErrorFileNotFound",
}
NAMES = (
    COMMAND_BUFFER_ERRORS
    | {LIBRARY + code: name for code, name in LIBRARY_ERRORS.items()}
    | {
        NIL: "nil",
        TOO_MUCH: "too much for an entry point",
    }
)

STICKY = frozenset(range(1, LIBRARY))
"""Whatever ends a command buffer early: what it was to do is done in part, and what comes after it
in its queue builds on that."""

CODES = {
    LIBRARY + 1: StatusCode.INCOMPATIBLE,
    COMPILE_FAILURE: StatusCode.INVALID_ARGUMENT,
    FUNCTION_NOT_FOUND: StatusCode.NOT_FOUND,
    NIL: StatusCode.RESOURCE_EXHAUSTED,
    TOO_MUCH: StatusCode.RESOURCE_EXHAUSTED,
}


def name_of(code: int) -> str:
    """``MTLCommandBufferErrorPageFault``"""
    if code in NAMES:
        return NAMES[code]
    if code >= PIPELINE:
        return f"error {code - PIPELINE} of a compute pipeline"
    if code >= LIBRARY:
        return f"MTLLibraryError {code - LIBRARY}"
    return f"MTLCommandBufferError {code}"
