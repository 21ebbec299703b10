"""What the named checks of cases do beside failing them."""

from __future__ import annotations

import gc
import weakref

import pytest

from cts.checks import expect_error
from cts.hal import HalError, StatusCode


class Held:
    """Something that a frame names."""


def fail(noted: list[weakref.ref[Held]]) -> None:
    """Raises an error with a cause, with an object in a variable of each frame."""
    held = Held()
    noted.append(weakref.ref(held))
    try:
        fail_natively(noted)
    except OSError as error:
        raise HalError(StatusCode.OUT_OF_RANGE, "Device.queue_fill", "past the end") from error


def fail_natively(noted: list[weakref.ref[Held]]) -> None:
    held = Held()
    noted.append(weakref.ref(held))
    raise OSError(held.__class__.__name__)


def test_an_expected_error_keeps_nothing_alive_that_its_frames_name() -> None:
    """Not even until the collector comes by."""
    noted: list[weakref.ref[Held]] = []
    gc.disable()
    try:
        with expect_error(StatusCode.OUT_OF_RANGE, "QUE-6", "a fill") as raised:
            fail(noted)
        assert [reference() for reference in noted] == [None, None]
    finally:
        gc.enable()
    assert raised.error is not None
    assert raised.error.detail == "past the end"
    assert isinstance(raised.error.__cause__, OSError)


def test_an_error_of_another_code_keeps_its_frames() -> None:
    """They say where it came from."""
    with (
        pytest.raises(AssertionError, match="QUE-6: a fill: came back: OUT_OF_RANGE") as caught,
        expect_error(StatusCode.INVALID_ARGUMENT, "QUE-6", "a fill"),
    ):
        fail([])
    cause = caught.value.__cause__
    assert cause is not None
    assert cause.__traceback__ is not None
