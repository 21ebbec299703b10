"""The way into IREE's runtime: its import, its objects that must not die, and its errors.

1. `runtime` imports ``iree.runtime``, at the first use and not before;
2. every native call goes through `call`, which turns IREE's status into a `HalError`;
3. what the wheel cannot survive losing is kept for the life of the process (`keep_forever`), and in
   a forked child so is everything that is the parent's (`abandon_in_forked_child`).

The binding tells a status in the text of an exception only, ``context: file:line: CODE; message;
while invoking …``, where file, line and message may be missing.
"""

from __future__ import annotations

import ctypes
import importlib
import inspect
import os
import re
import traceback
import weakref
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

from cts.hal import DeviceObject, HalError, StatusCode

from .wheel import PACKAGE

T = TypeVar("T")

MAX_U64 = 2**64 - 1

_STATUS = re.compile(rf"\b({'|'.join(code.name for code in StatusCode)})\b(?:; )?")

_BEYOND_MESSAGE = re.compile(r"while invoking native function|\bc/runtime/src/")
"""Where the message of an exception ends, and what led to it begins."""

_WITHOUT_STATUS = {
    TypeError: StatusCode.INVALID_ARGUMENT,  # the binding refuses to convert an argument
    SystemError: StatusCode.INTERNAL,  # an answer that Python cannot take
}
"""What exceptions of the binding mean that tell no status."""


@cache
def runtime() -> Any:
    """The wheel's package. Raises ImportError where the wheel is missing or broken."""
    module = importlib.import_module(PACKAGE)
    module._binding.disable_leak_checker()  # it would print at exit what is kept on purpose
    return module


@cache
def vm_instance() -> Any:
    """The process's VM. It comes before every other VM object, and outlives all of them."""
    instance = runtime().VmInstance()
    keep_forever(instance)
    return instance


@cache
def hal_driver(name: str) -> Any:
    """IREE's driver of that name; one for the process, as devices must not outlive theirs."""
    # Not the one that the binding keeps, whose workers a forked child does not have.
    driver = call("Driver.enumerate", runtime()._binding.create_hal_driver, name)
    keep_forever(driver)
    return driver


def call(operation: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls into the binding. Raises a `HalError` for `operation` with IREE's status."""
    try:
        return function(*args, **kwargs)
    except (RuntimeError, ValueError, IndexError, TypeError, SystemError) as error:
        del function, args, kwargs  # see `forgetting_natives`
        raise _as_hal_error(operation, error) from error


def _as_hal_error(operation: str, error: Exception) -> HalError:
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        message = _BEYOND_MESSAGE.split(text[status.end() :])[0]
        detail = " ".join(message.split()).rstrip(";") or f"IREE says no more than {status[1]}"
        return HalError(StatusCode[status[1]], operation, detail, native_code=status[1])
    return HalError(
        _WITHOUT_STATUS.get(type(error), StatusCode.UNKNOWN),
        operation,
        " ".join(text.split()),
        native_code=type(error).__name__,
    )


def forgetting_natives(kind: type[T]) -> type[T]:
    """A class whose public methods let go of IREE's objects when they raise.

    What the frames name that an error came through lives as long as the error does. That may be
    longer than the device, and then its end is the process's.
    """
    for name, method in list(vars(kind).items()):
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(kind, name, _forgetting(method))
    return kind


def _forgetting(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def forgetting(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except HalError as error:
            for one in (error, error.__cause__):
                traceback.clear_frames(one.__traceback__ if one else None)
            raise

    return forgetting


# -- lifetime -----------------------------------------------------------------------------


def keep_forever(native: object) -> None:
    """Takes a reference that nothing ever gives back."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(native))


_owners: weakref.WeakSet[Any] = weakref.WeakSet()


def abandon_in_forked_child(owner: Any) -> None:
    """From now on a forked child leaves alone what `owner` holds: it is the parent's."""
    _owners.add(owner)


def _abandon_all() -> None:
    for owner in list(_owners):
        keep_forever(vars(owner).copy())
    hal_driver.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


class NativeObject(DeviceObject):
    """An object of the HAL with one of IREE's behind it, which it drops at its end."""

    _native: Any = None

    def _own(self, native: Any) -> None:
        self._native = native
        abandon_in_forked_child(self)

    @property
    def native(self) -> Any:
        """IREE's object. Raises FAILED_PRECONDITION once this one is destroyed."""
        native = self._native
        if native is None:  # another thread dropped the last reference, just now
            self._check_usable("native")
        return native

    def _free(self) -> None:
        self._native = None
