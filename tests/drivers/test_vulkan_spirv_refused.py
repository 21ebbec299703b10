"""SPIR-V modules that are none, or that no dispatch can feed: refused, each with its reason."""

from __future__ import annotations

import struct
from types import ModuleType

import pytest

from .conftest import DriverModule
from .spirv_words import (
    ARRAY_STRIDE,
    BINDING,
    BLOCK,
    BLOCK_POINTER,
    BOUND,
    BUFFER,
    BUFFER_POINTER,
    CONSTANTS,
    DESCRIPTOR_SET,
    EVERY_ID,
    FLOAT,
    FUNCTION,
    GOOD,
    INPUT,
    LENGTH,
    OFFSET,
    PUSH_CONSTANT,
    SOURCE,
    SPARE,
    STORAGE_BUFFER,
    TARGET,
    UINT,
    UNIFORM,
    UNIFORM_CONSTANT,
    VOID,
    Change,
    assembled,
    described,
    string,
)


@pytest.fixture
def spirv(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "spirv")


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
