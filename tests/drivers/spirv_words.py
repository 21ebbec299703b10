"""A SPIR-V module in words, for tests to change one instruction of it, or several."""

from __future__ import annotations

import struct
from types import ModuleType

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
    """Entry point, constants and bindings of a module, as they are read."""
    module = spirv.read_module(code)
    return module.entry_point, module.constants, module.bindings
