"""SPIR-V modules that are damaged, in any way: refused, or still modules, and nothing else."""

from __future__ import annotations

import struct
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule
from .spirv_words import BOUND, EVERY_ID, GOOD, assembled

WHOLE = assembled({})


@pytest.fixture
def spirv(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "spirv")


@pytest.fixture
def archive(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "archive")


def taken(spirv: ModuleType, code: bytes) -> bool:
    """Whether bytes are a module; fails the test where neither a module nor ValueError comes."""
    try:
        found = spirv.read_module(code)
    except ValueError as error:
        if type(error) is not ValueError:  # UnicodeDecodeError, say, which nobody foresaw
            raise AssertionError(code.hex()) from error
        return False
    assert isinstance(found, spirv.SpirvModule)
    assert found.constants >= 0
    assert found.bindings >= 0
    return True


whatever = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
words = st.one_of(
    st.integers(0, BOUND + 40),
    st.sampled_from([2**n - 1 for n in range(33)]),
    st.sampled_from([EVERY_ID, *(len(each) << 16 | each[0] for each in GOOD.values())]),
    st.integers(0, 2**32 - 1),
)
places = st.floats(0, 1, exclude_max=True)
edits = st.tuples(st.sampled_from(["set", "put", "cut", "end"]), places, words)


@whatever
@given(st.sampled_from(range(len(KERNELS) + 1)), st.lists(edits, min_size=1, max_size=8))
def test_a_damaged_module_is_refused_or_taken(
    spirv: ModuleType, archive: ModuleType, which: int, edits: list[tuple[str, float, int]]
) -> None:
    """Sets, adds and removes words of real modules, and ends them early."""
    code: bytes = [*archive.unpack(archive.conformance_archive()), WHOLE][which]
    for what, at, word in edits:
        place = 4 * int(at * (len(code) // 4))
        added = struct.pack("<I", word) if what in ("set", "put") else b""
        after = {"set": place + 4, "put": place, "cut": place + 4, "end": len(code)}[what]
        code = code[:place] + added + code[after:]
    taken(spirv, code)


@whatever
@given(st.lists(words, max_size=60), st.binary(max_size=3))
def test_words_after_a_header_are_refused_or_taken(
    spirv: ModuleType, body: list[int], more: bytes
) -> None:
    taken(spirv, WHOLE[:20] + struct.pack(f"<{len(body)}I", *body) + more)


@whatever
@given(st.binary(max_size=64))
def test_bytes_are_refused(spirv: ModuleType, data: bytes) -> None:
    assert not taken(spirv, data)


def test_a_module_with_any_wrong_word_is_refused_or_taken(spirv: ModuleType) -> None:
    """Sets each word of a module to each of its other words' values, and to more."""
    values = sorted({0, BOUND - 1, BOUND, EVERY_ID, *struct.unpack(f"<{len(WHOLE) // 4}I", WHOLE)})
    packed = [struct.pack("<I", value) for value in values]
    verdicts = {
        taken(spirv, WHOLE[:place] + value + WHOLE[place + 4 :])
        for place in range(0, len(WHOLE), 4)
        for value in packed
    }
    assert verdicts == {True, False}
