"""What is read from SPIR-V modules, what is refused as none, and the archive that holds them."""

from __future__ import annotations

import hashlib
import struct
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cts.hal import EntryPoint
from cts.work_cases.kernels import KERNELS

from .conftest import DriverModule


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


# A module in words: names are the place of an instruction, so that a change is told by it.

Words = tuple[int, ...]
Change = dict[str, Words]

VOID, FUNCTION_TYPE, FUNCTION, LABEL, UINT, RUNTIME_ARRAY = 1, 2, 3, 4, 5, 6
BUFFER, BUFFER_POINTER, SOURCE, TARGET = 7, 8, 9, 10
BLOCK, BLOCK_POINTER, CONSTANTS, FLOAT, LENGTH, SPARE = 11, 12, 13, 14, 15, 16
BOUND = 40
EVERY_ID = 0xFFFF_FFFF

STORAGE_BUFFER, PUSH_CONSTANT, UNIFORM, UNIFORM_CONSTANT, INPUT = 12, 9, 2, 0, 1
BINDING, DESCRIPTOR_SET, OFFSET, ARRAY_STRIDE, BUFFER_BLOCK = 33, 34, 35, 6, 3


def string(text: str | bytes) -> Words:
    """A string's words."""
    data = text.encode() if isinstance(text, str) else text
    data += bytes(4 - len(data) % 4)
    return struct.unpack(f"<{len(data) // 4}I", data)


GOOD: Change = {
    "capability": (17, 1),
    "extension": (10, *string("SPV_KHR_16bit_storage")),
    "memory model": (14, 0, 1),
    "entry point": (15, 5, FUNCTION, *string("copy")),
    "workgroup size": (16, FUNCTION, 17, 1, 1, 1),
    "set of source": (71, SOURCE, DESCRIPTOR_SET, 0),
    "binding of source": (71, SOURCE, BINDING, 0),
    "set of target": (71, TARGET, DESCRIPTOR_SET, 0),
    "binding of target": (71, TARGET, BINDING, 1),
    "decoration of buffer": (71, BUFFER, 2),
    "offset in buffer": (72, BUFFER, 0, OFFSET, 0),
    "stride in buffer": (71, RUNTIME_ARRAY, ARRAY_STRIDE, 4),
    "decoration of block": (71, BLOCK, 2),
    "offset 0": (72, BLOCK, 0, OFFSET, 0),
    "offset 1": (72, BLOCK, 1, OFFSET, 4),
    "void": (19, VOID),
    "function type": (33, FUNCTION_TYPE, VOID),
    "uint": (21, UINT, 32, 0),
    "float": (22, FLOAT, 32),
    "runtime array": (29, RUNTIME_ARRAY, UINT),
    "buffer": (30, BUFFER, RUNTIME_ARRAY),
    "buffer pointer": (32, BUFFER_POINTER, STORAGE_BUFFER, BUFFER),
    "source": (59, BUFFER_POINTER, SOURCE, STORAGE_BUFFER),
    "target": (59, BUFFER_POINTER, TARGET, STORAGE_BUFFER),
    "length": (43, UINT, LENGTH, 3),
    "spare type": (20, SPARE + 1),
    "block": (30, BLOCK, UINT, FLOAT),
    "block pointer": (32, BLOCK_POINTER, PUSH_CONSTANT, BLOCK),
    "constants": (59, BLOCK_POINTER, CONSTANTS, PUSH_CONSTANT),
    "function": (54, VOID, FUNCTION, 0, FUNCTION_TYPE),
    "label": (248, LABEL),
    "return": (253,),
    "function end": (56,),
}


def assembled(change: Change, version: int = 0x00010300, bound: int = BOUND) -> bytes:
    """GOOD with some instructions changed, gone (no words) or more of them."""
    words = [0x07230203, version, 0, bound, 0]
    for instruction in (GOOD | change).values():
        if instruction:
            opcode, *operands = instruction
            words += (len(instruction) << 16 | opcode, *operands)
    return struct.pack(f"<{len(words)}I", *words)


def described(spirv: ModuleType, code: bytes) -> tuple[str, int, int]:
    module = spirv.read_module(code)
    return module.entry_point, module.constants, module.bindings


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


WHOLE = assembled({})
REFUSED_BYTES = {
    "nothing": (b"", "0 bytes: a header alone has 20"),
    "half a header": (WHOLE[:16], "16 bytes: a header alone has 20"),
    "no whole words": (WHOLE + b"\0", "bytes: they are no whole words of 4"),
    "zeros": (bytes(len(WHOLE)), "the first word is 0x00000000: SPIR-V's is 0x07230203"),
    "text": (b"#version 450 core   ", "the first word is 0x72657623"),
    "big-endian": (
        struct.pack(f">{len(WHOLE) // 4}I", *struct.unpack(f"<{len(WHOLE) // 4}I", WHOLE)),
        "the words are big-endian",
    ),
    "version 1.7": (assembled({}, version=0x00010700), "the version is 1.7: 1.0 to 1.6 are known"),
    "version 0.9": (assembled({}, version=0x00000900), "the version is 0.9: 1.0 to 1.6 are known"),
    "version 2.0": (assembled({}, version=0x00020000), "the version is 2.0"),
    "a version's first byte": (assembled({}, version=0x01010300), "the version is 0x01010300"),
    "a version's last byte": (assembled({}, version=0x00010301), "the version is 0x00010301"),
    "bound 0": (assembled({}, bound=0), "the bound of the ids is 0: it is 1 to 4194303"),
    "bound too large": (assembled({}, bound=4_194_304), "the bound of the ids is 4194304"),
    "a schema": (WHOLE[:16] + b"\1" + WHOLE[17:], "the schema is 1"),
    "a header alone": (WHOLE[:20], "0 OpMemoryModel: one is asked"),
    "an instruction of 0 words": (
        WHOLE[:22] + b"\0\0" + WHOLE[24:],
        "the instruction at word 5 has 0 words",
    ),
    "zeros at the end": (WHOLE + bytes(4), rf"word {len(WHOLE) // 4} has 0 words"),
    "the last cut off": (
        WHOLE + struct.pack("<I", 2 << 16 | 19),
        rf"word {len(WHOLE) // 4} has 2 words: 1 are left",
    ),
    "the last function cut off": (WHOLE[:-4], "1 OpFunction and 0 OpFunctionEnd"),
}


@pytest.mark.parametrize("name", REFUSED_BYTES)
def test_bytes_that_are_no_module_are_refused(spirv: ModuleType, name: str) -> None:
    data, reason = REFUSED_BYTES[name]
    with pytest.raises(ValueError, match=reason):
        spirv.read_module(data)


REFUSED: dict[str, tuple[Change, str]] = {
    # What every module has.
    "no memory model": ({"memory model": ()}, "0 OpMemoryModel: one is asked"),
    "two memory models": ({"more": (14, 0, 1)}, "2 OpMemoryModel: one is asked"),
    "no entry point": ({"entry point": ()}, "0 entry points: one is asked"),
    "two entry points": (
        {"more": (15, 5, FUNCTION, *string("b"))},
        "2 entry points: one is asked",
    ),
    "a vertex shader": (
        {"entry point": (15, 0, FUNCTION, *string("copy"))},
        "the entry point 'copy' has the execution model 0: 5, GLCompute",
    ),
    "an OpenCL kernel": (
        {"entry point": (15, 6, FUNCTION, *string("copy"))},
        "the entry point 'copy' has the execution model 6",
    ),
    "a name that does not end": (
        {"entry point": (15, 5, FUNCTION, 0x64636261)},
        r"the string of OpEntryPoint at word \d+ does not end",
    ),
    "a name that is no text": (
        {"entry point": (15, 5, FUNCTION, *string(b"\xff"))},
        "the string of OpEntryPoint at word .* is no UTF-8",
    ),
    "an extension that does not end": (
        {"extension": (10, 0x64636261)},
        "the string of OpExtension at word 7 does not end",
    ),
    "an entry point that is no function": (
        {"entry point": (15, 5, VOID, *string("copy"))},
        f"the function of the entry point 'copy' is %{VOID}, which is no OpFunction",
    ),
    "no end of a function": ({"function end": ()}, "1 OpFunction and 0 OpFunctionEnd"),
    "two ends of a function": ({"more": (56,)}, "1 OpFunction and 2 OpFunctionEnd"),
    # Instructions.
    "id 0": ({"uint": (21, 0, 32, 0)}, f"OpTypeInt at word .* has the id 0: the bound is {BOUND}"),
    "a function at the bound": (
        {"entry point": (15, 5, BOUND, *string("copy"))},
        f"OpEntryPoint at word .* has the id {BOUND}",
    ),
    "an id at the bound": ({"float": (22, BOUND, 32)}, f"has the id {BOUND}: the bound is {BOUND}"),
    "a member at the bound": ({"block": (30, BLOCK, UINT, BOUND)}, f"has the id {BOUND}"),
    "a pointee past the bound": (
        {"buffer pointer": (32, BUFFER_POINTER, STORAGE_BUFFER, EVERY_ID)},
        f"OpTypePointer at word .* has the id {EVERY_ID}",
    ),
    "an id defined twice": (
        {"float": (22, UINT, 32)},
        rf"OpTypeFloat at word \d+ defines %{UINT}, and OpTypeInt at word \d+ does",
    ),
    "a decoration without value": (
        {"binding of source": (71, SOURCE, BINDING)},
        "OpDecorate at word .* has 0 values: one is asked",
    ),
    "an offset without value": (
        {"offset 1": (72, BLOCK, 1, OFFSET)},
        "OpMemberDecorate at word .* has 0 values: one is asked",
    ),
    "two bindings of one": (
        {"more": (71, SOURCE, BINDING, 1)},
        f"OpDecorate at word .* says again what was said of %{SOURCE}",
    ),
    # Bindings.
    "a gap": ({"binding of target": (71, TARGET, BINDING, 2)}, r"the bindings are \[0, 2\]"),
    "from 1 on": ({"source": ()}, r"the bindings are \[1\]: there is a gap"),
    "no binding": ({"binding of target": ()}, f"%{TARGET} has no Binding"),
    "no descriptor set": ({"set of target": ()}, f"%{TARGET} has no DescriptorSet"),
    "descriptor set 1": (
        {"set of target": (71, TARGET, DESCRIPTOR_SET, 1)},
        f"%{TARGET} is in the descriptor set 1: all are asked to be in 0",
    ),
    "a uniform buffer": (
        {
            "buffer pointer": (32, BUFFER_POINTER, UNIFORM, BUFFER),
            "source": (59, BUFFER_POINTER, SOURCE, UNIFORM),
        },
        f"%{SOURCE} is no storage buffer: a uniform buffer",
    ),
    "an image": (
        {"source": (59, BUFFER_POINTER, SOURCE, UNIFORM_CONSTANT)},
        f"%{SOURCE} is no storage buffer: its storage class is UniformConstant",
    ),
    "an unknown storage class": (
        {"source": (59, BUFFER_POINTER, SOURCE, 5000)},
        f"%{SOURCE} is no storage buffer: its storage class is 5000",
    ),
    "an array of buffers": (
        {
            "array": (28, SPARE, BUFFER, LENGTH),
            "buffer pointer": (32, BUFFER_POINTER, STORAGE_BUFFER, SPARE),
        },
        f"what %{SOURCE} has is %{SPARE}, which is no OpTypeStruct",
    ),
    "a buffer that is no pointer": (
        {"source": (59, BUFFER, SOURCE, STORAGE_BUFFER)},
        f"the type of %{SOURCE} is %{BUFFER}, which is no OpTypePointer",
    ),
    "a pointer to elsewhere": (
        {"buffer pointer": (32, BUFFER_POINTER, INPUT, BUFFER)},
        f"%{SOURCE} has the storage class {STORAGE_BUFFER}, and its type {INPUT}",
    ),
    # Push constants.
    "two blocks": (
        {"more": (59, BLOCK_POINTER, SPARE, PUSH_CONSTANT)},
        "2 push constant blocks: at most one is asked",
    ),
    "a block that is no structure": (
        {"block pointer": (32, BLOCK_POINTER, PUSH_CONSTANT, UINT)},
        f"what %{CONSTANTS} has is %{UINT}, which is no OpTypeStruct",
    ),
    "a member without offset": ({"offset 1": ()}, "member 1 of the push constants has no Offset"),
    "a member within a word": (
        {"offset 1": (72, BLOCK, 1, OFFSET, 6)},
        "member 1 of the push constants is at byte 6, within a word",
    ),
}

REFUSED_MEMBERS: dict[str, tuple[Change, str]] = {
    "a double": ({"spare type": (22, SPARE, 64)}, "has numbers of 64 bits: 32 are asked"),
    "a short": ({"spare type": (21, SPARE, 16, 0)}, "has numbers of 16 bits: 32 are asked"),
    "a structure": ({"spare type": (30, SPARE, UINT)}, "is neither a number, a vector, nor an arr"),
    "an unknown type": ({}, "is neither a number, a vector, nor an array of them"),
    "itself": ({"block": (30, BLOCK, UINT, BLOCK)}, "is neither a number, a vector, nor an array"),
    "a vector of vectors": (
        {"more": (23, SPARE + 2, UINT, 2), "spare type": (23, SPARE, SPARE + 2, 2)},
        "is neither a number, a vector, nor an array of them",
    ),
    "a vector of itself": (
        {"spare type": (23, SPARE, SPARE, 2)},
        "is neither a number, a vector, nor an array of them",
    ),
    "a vector of 1": ({"spare type": (23, SPARE, UINT, 1)}, "has vectors of 1: 2 to 4 are asked"),
    "a vector of 5": ({"spare type": (23, SPARE, UINT, 5)}, "has vectors of 5: 2 to 4 are asked"),
    "an array without stride": (
        {"spare type": (28, SPARE, UINT, LENGTH)},
        "the array of member 1 of the push constants has no ArrayStride",
    ),
    "an array whose elements overlap": (
        {
            "vector": (23, SPARE + 2, UINT, 2),
            "spare type": (28, SPARE, SPARE + 2, LENGTH),
            "stride": (71, SPARE, ARRAY_STRIDE, 4),
        },
        "has an ArrayStride of 4: its elements have 8 bytes",
    ),
    "an array whose elements are within words": (
        {"spare type": (28, SPARE, UINT, LENGTH), "stride": (71, SPARE, ARRAY_STRIDE, 6)},
        "has an ArrayStride of 6: its elements have 4 bytes",
    ),
    "an array of 0": (
        {
            "length": (43, UINT, LENGTH, 0),
            "spare type": (28, SPARE, UINT, LENGTH),
            "stride": (71, SPARE, ARRAY_STRIDE, 4),
        },
        "the length of member 1 of the push constants is no integer of 32 bits, or 0",
    ),
    "an array of 3.0": (
        {
            "length": (43, FLOAT, LENGTH, 0x40400000),
            "spare type": (28, SPARE, UINT, LENGTH),
            "stride": (71, SPARE, ARRAY_STRIDE, 4),
        },
        f"the type of the length of member 1 .* is %{FLOAT}, which is no OpTypeInt",
    ),
    "an array whose length has 64 bits": (
        {
            "long": (21, SPARE + 2, 64, 0),
            "length": (43, SPARE + 2, LENGTH, 3, 0),
            "spare type": (28, SPARE, UINT, LENGTH),
            "stride": (71, SPARE, ARRAY_STRIDE, 4),
        },
        "the length of member 1 of the push constants is no integer of 32 bits, or 0",
    ),
    "an array of as many as is said later": (
        {
            "length": (50, UINT, LENGTH, 3),  # OpSpecConstant
            "spare type": (28, SPARE, UINT, LENGTH),
            "stride": (71, SPARE, ARRAY_STRIDE, 4),
        },
        f"the length of member 1 of the push constants is %{LENGTH}, which is no OpConstant",
    ),
    "an array of arrays": (
        {
            "more": (28, SPARE + 2, UINT, LENGTH),
            "spare type": (28, SPARE, SPARE + 2, LENGTH),
        },
        "is neither a number, a vector, nor an array of them",
    ),
}
REFUSED |= {
    f"a member that is {name}": ({"block": (30, BLOCK, UINT, SPARE)} | change, reason)
    for name, (change, reason) in REFUSED_MEMBERS.items()
}


@pytest.mark.parametrize("name", REFUSED)
def test_modules_that_no_dispatch_can_feed_are_refused(spirv: ModuleType, name: str) -> None:
    """Reads a module that differs in one thing from one that is taken."""
    change, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        spirv.read_module(assembled(change))


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("capability", 1),
        ("extension", 1),
        ("memory model", 2),
        ("entry point", 3),
        ("decoration of block", 2),
        ("offset 0", 3),
        ("uint", 3),
        ("float", 2),
        ("vector", 3),
        ("array", 3),
        ("block", 1),
        ("block pointer", 3),
        ("constants", 3),
        ("length", 3),
        ("function", 4),
    ],
)
def test_instructions_with_too_few_operands_are_refused(
    spirv: ModuleType, name: str, operands: int
) -> None:
    good: Change = {"vector": (23, SPARE, UINT, 2), "array": (28, SPARE + 2, UINT, LENGTH)}
    assert described(spirv, assembled(good)) == ("copy", 2, 2)
    cut = {name: (GOOD | good)[name][:operands]}
    reason = f"has {operands - 1} operands: {operands} are asked"
    with pytest.raises(ValueError, match=reason):
        spirv.read_module(assembled(good | cut))


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


MODULES = [[], [b""], [b"one"], [WHOLE, b"", bytes(7), WHOLE]]


@pytest.mark.parametrize("modules", MODULES)
def test_an_archive_gives_what_was_packed(archive: ModuleType, modules: list[bytes]) -> None:
    assert archive.unpack(archive.pack(modules)) == modules


def test_the_archive_of_the_kernels_is_the_same_each_time(archive: ModuleType) -> None:
    assert archive.conformance_archive() is archive.conformance_archive()
    modules = archive.unpack(archive.conformance_archive())
    assert archive.pack(modules) == archive.conformance_archive()


def test_an_archive_that_is_cut_off_is_refused(archive: ModuleType) -> None:
    data = archive.conformance_archive()
    for length in range(len(data)):
        reason = "cut off or damaged" if length >= 40 else f"^{length} bytes that do not begin"
        with pytest.raises(ValueError, match=reason):
            archive.unpack(data[:length])


def test_an_archive_with_a_flipped_bit_is_refused(archive: ModuleType) -> None:
    """Flips a bit of every byte."""
    data = bytearray(archive.conformance_archive())
    for place in range(len(data)):
        bit = 1 << place % 8
        data[place] ^= bit
        reason = "do not begin as hal-cts-spirv does" if place < 8 else "cut off or damaged"
        with pytest.raises(ValueError, match=reason):
            archive.unpack(bytes(data))
        data[place] ^= bit
    assert len(archive.unpack(bytes(data))) == len(KERNELS)


def test_bytes_after_an_archive_are_refused(archive: ModuleType) -> None:
    with pytest.raises(ValueError, match="cut off or damaged"):
        archive.unpack(archive.pack([b"one"]) + b"\0")


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ([], "0 bytes are left at 40, where a number is"),
        ([1], "0 bytes are left at 48, where a number is"),
        ([1, 1], "module 0 has 1 bytes: 0 are left"),
        ([2, 0, 9, 0], "module 1 has 9 bytes: 8 are left"),
        ([2**64 - 1, 0], "0 bytes are left at 56, where a number is"),
        ([1, 2**64 - 1], f"module 0 has {2**64 - 1} bytes: 0 are left"),
        ([1, 0, 0], "8 bytes are left after 1 modules"),
        ([0, 0], "8 bytes are left after 0 modules"),
    ],
)
def test_an_archive_with_wrong_numbers_is_refused(
    archive: ModuleType, rest: list[int], reason: str
) -> None:
    """Reads what no damage makes, since the digest is right."""
    body = struct.pack(f"<{len(rest)}Q", *rest)
    data = archive.pack([])[:8] + hashlib.sha256(body).digest() + body
    with pytest.raises(ValueError, match=reason):
        archive.unpack(data)
