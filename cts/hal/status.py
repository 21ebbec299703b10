"""Status codes, and the one exception type that carries them.

Every failure in the HAL is a `HalError` with one canonical `StatusCode`; the numbers are
those of IREE's `iree_status_code_t`. A backend's own error number (a CUresult, a VkResult)
stays on the error as `native_code`.

    try:
        builder.add_device(device)
    except HalError as error:
        if error.code is StatusCode.ALREADY_EXISTS: ...
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class StatusCode(IntEnum):
    """The canonical failure codes; success is the absence of an error."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16
    DEFERRED = 17
    INCOMPATIBLE = 18


class HalError(Exception):
    """A failure with its canonical code.

    Parameters
    ----------
    code : the canonical status code.
    operation : what was being done, in the API's own name (``DeviceGroupBuilder.add_device``).
    detail : the offending value and the limit it broke.
    driver, slot : the driver and the device slot at fault, where there is one.
    native_code : the backend's own error number or name (CUresult, VkResult, ...), if any.

    Attributes
    ----------
    also : later errors met while undoing what failed, in the order they happened.
    """

    def __init__(
        self,
        code: StatusCode,
        operation: str,
        detail: str = "",
        *,
        driver: str | None = None,
        slot: str | None = None,
        native_code: int | str | None = None,
    ) -> None:
        super().__init__(code, operation, detail)
        self.code = StatusCode(code)
        self.operation = operation
        self.detail = detail
        self.driver = driver
        self.slot = slot
        self.native_code = native_code
        self.also: list[BaseException] = []

    def __str__(self) -> str:
        text = f"{self.code.name}: {self.operation}"
        if self.detail:
            text += f": {self.detail}"
        if self.native_code is not None:
            text += f" (native code {self.native_code})"
        return text

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.operation, self.detail), self.__dict__)
