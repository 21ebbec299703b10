"""What is read from SPIR-V modules."""

from __future__ import annotations

from types import ModuleType

import pytest

from cts.hal import EntryPoint
from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule
from .spirv_words import (
    ARRAY_STRIDE,
    BINDING,
    BLOCK,
    BOUND,
    BUFFER,
    BUFFER_BLOCK,
    BUFFER_POINTER,
    FLOAT,
    FUNCTION,
    LENGTH,
    OFFSET,
    SOURCE,
    SPARE,
    TARGET,
    UINT,
    UNIFORM,
    Change,
    assembled,
    described,
    string,
)


@pytest.fixture
def spirv(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "spirv")


@pytest.fixture
def archive(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "archive")


def test_the_kernels_are_those_of_the_suite(spirv: ModuleType, archive: ModuleType) -> None:
    """Reads all modules of the conformance archive: as the suite says, for any Vulkan device."""
    modules = [spirv.read_module(code) for code in archive.unpack(archive.conformance_archive())]
    found = [EntryPoint(each.entry_point, each.constants, each.bindings) for each in modules]
    assert found == list(KERNELS)
    for module in modules:
        assert [spirv.CAPABILITY_NAMES[each] for each in module.capabilities] == ["Shader"]
        assert module.extensions == ()


def test_a_module_says_what_is_in_it(spirv: ModuleType) -> None:
    code = assembled({"another": (17, 22)})
    assert spirv.read_module(code) == spirv.SpirvModule(
        code=code,
        entry_point="copy",
        constants=2,
        bindings=2,
        capabilities=frozenset({1, 22}),
        extensions=("SPV_KHR_16bit_storage",),
    )


@pytest.mark.parametrize(
    ("change", "constants", "bindings"),
    [
        pytest.param({"constants": ()}, 0, 2, id="no push constants"),
        pytest.param({"block": (30, BLOCK)}, 0, 2, id="no member"),
        pytest.param({"offset 1": (72, BLOCK, 1, OFFSET, 60)}, 16, 2, id="a member far off"),
        pytest.param({"offset 0": (72, BLOCK, 0, OFFSET, 8)}, 3, 2, id="the first is the last"),
        pytest.param({"spare type": (23, SPARE, FLOAT, 2)}, 3, 2, id="vec2"),
        pytest.param({"spare type": (23, SPARE, UINT, 4)}, 5, 2, id="uvec4"),
        pytest.param(
            {"spare type": (28, SPARE, UINT, LENGTH), "stride": (71, SPARE, ARRAY_STRIDE, 4)},
            *(4, 2),
            id="uint[3]",
        ),
        pytest.param(
            {"spare type": (28, SPARE, UINT, LENGTH), "stride": (71, SPARE, ARRAY_STRIDE, 16)},
            *(1 + 4 + 4 + 1, 2),
            id="uint[3], one in 16 bytes",
        ),
        pytest.param(
            {
                "vector": (23, SPARE + 2, FLOAT, 3),
                "spare type": (28, SPARE, SPARE + 2, LENGTH),
                "stride": (71, SPARE, ARRAY_STRIDE, 16),
            },
            *(1 + 4 + 4 + 3, 2),
            id="vec3[3]",
        ),
        pytest.param({"source": (), "binding of target": (71, TARGET, BINDING, 0)}, 2, 1, id="one"),
        pytest.param({"source": (), "target": ()}, 2, 0, id="no buffer"),
        pytest.param({"binding of target": (71, TARGET, BINDING, 0)}, 2, 1, id="one, twice"),
        pytest.param(
            {
                "buffer pointer": (32, BUFFER_POINTER, UNIFORM, BUFFER),
                "source": (59, BUFFER_POINTER, SOURCE, UNIFORM),
                "target": (59, BUFFER_POINTER, TARGET, UNIFORM),
                "decoration of buffer": (71, BUFFER, BUFFER_BLOCK),
            },
            *(2, 2),
            id="storage buffers of SPIR-V 1.0",
        ),
    ],
)
def test_constants_and_bindings_are_counted(
    spirv: ModuleType, change: Change, constants: int, bindings: int
) -> None:
    if "spare type" in change:
        change = change | {"block": (30, BLOCK, UINT, SPARE)}
    assert described(spirv, assembled(change)) == ("copy", constants, bindings)


@pytest.mark.parametrize("storage_class", [1, 4, 6, 7])
def test_variables_of_shaders_are_no_bindings(spirv: ModuleType, storage_class: int) -> None:
    """Reads a module with an input, and with variables of workgroups, invocations, functions."""
    change: Change = {
        "pointer": (32, SPARE + 2, storage_class, UINT),
        "more": (59, SPARE + 2, SPARE + 3, storage_class),
    }
    assert described(spirv, assembled(change)) == ("copy", 2, 2)


@pytest.mark.parametrize("name", ["", "abc", "abcd", "five chars", "größe"])
def test_names_of_any_length_are_read(spirv: ModuleType, name: str) -> None:
    """Reads an entry point's name, and the variables after it, whatever its last word is filled
    with."""
    change = {"entry point": (15, 5, FUNCTION, *string(name), SOURCE, TARGET)}
    assert described(spirv, assembled(change))[0] == name
    change = {"entry point": (15, 5, FUNCTION, *string(name), BOUND)}
    with pytest.raises(ValueError, match=f"has the id {BOUND}: the bound is {BOUND}"):
        spirv.read_module(assembled(change))


@pytest.mark.parametrize("version", [0x00010000, 0x00010600])
def test_versions_that_are_known(spirv: ModuleType, version: int) -> None:
    assert described(spirv, assembled({}, version=version)) == ("copy", 2, 2)


@pytest.mark.parametrize("bound", [SPARE + 2, 4_194_303])
def test_bounds_that_can_be(spirv: ModuleType, bound: int) -> None:
    assert described(spirv, assembled({}, bound=bound)) == ("copy", 2, 2)
