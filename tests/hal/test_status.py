"""HalError: what it carries, and that it survives a process boundary."""

from __future__ import annotations

import pickle

from cts.hal import HalError, StatusCode


def test_the_text_has_code_operation_detail_and_native_code() -> None:
    error = HalError(
        StatusCode.OUT_OF_RANGE, "Buffer.read", "offset is 9: 0 to 8", native_code="CUDA_ERROR_1"
    )
    assert str(error) == (
        "OUT_OF_RANGE: Buffer.read: offset is 9: 0 to 8 (native code CUDA_ERROR_1)"
    )


def test_pickling_keeps_every_field() -> None:
    error = HalError(
        StatusCode.ABORTED, "Device.trim", "why", driver="d", slot="trim", native_code=7
    )
    error.also.append(HalError(StatusCode.UNKNOWN, "later"))
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert (copy.driver, copy.slot, copy.native_code) == ("d", "trim", 7)
    assert [str(later) for later in copy.also] == ["UNKNOWN: later"]
