"""What an action raises, as a value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cts.hal import HalError, StatusCode


def raised(action: Callable[[], object]) -> HalError:
    """The HalError that `action` raises."""
    with pytest.raises(HalError) as caught:
        action()
    return caught.value


def code_of(action: Callable[[], object]) -> StatusCode:
    """The code of the HalError that `action` raises."""
    return raised(action).code
