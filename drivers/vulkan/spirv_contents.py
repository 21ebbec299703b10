"""What the instructions of a SPIR-V module say, as far as it is asked.

The numbers are those of the SPIR-V specification 1.6, sections 2.3 (physical layout) and 3
(binary form).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

WORD = 4
"""Bytes of a word."""
MAGIC = 0x07230203
HEADER_WORDS = 5
"""Magic, version, generator, bound of the ids, schema."""
OLDEST_VERSION = (1, 0)
NEWEST_VERSION = (1, 6)
LARGEST_BOUND = 4_194_303
"""Section 2.17, universal limits."""

GL_COMPUTE = 5
"""Of the execution models the one of a compute shader."""


class Op(IntEnum):
    """The instructions that are looked at; SPIR-V's names are these after Op."""

    Extension = 10
    MemoryModel = 14
    EntryPoint = 15
    Capability = 17
    TypeInt = 21
    TypeFloat = 22
    TypeVector = 23
    TypeArray = 28
    TypeStruct = 30
    TypePointer = 32
    Constant = 43
    Function = 54
    FunctionEnd = 56
    Variable = 59
    Decorate = 71
    MemberDecorate = 72


class StorageClass(IntEnum):
    """Where a variable is."""

    UniformConstant = 0
    Input = 1
    Uniform = 2
    Output = 3
    Workgroup = 4
    CrossWorkgroup = 5
    Private = 6
    Function = 7
    Generic = 8
    PushConstant = 9
    AtomicCounter = 10
    Image = 11
    StorageBuffer = 12


class Decoration(IntEnum):
    """What is said of a type or a variable."""

    BufferBlock = 3
    ArrayStride = 6
    Binding = 33
    DescriptorSet = 34
    Offset = 35


CAPABILITY_NAMES: dict[int, str] = {
    0: "Matrix",
    1: "Shader",
    2: "Geometry",
    3: "Tessellation",
    4: "Addresses",
    5: "Linkage",
    6: "Kernel",
    7: "Vector16",
    8: "Float16Buffer",
    9: "Float16",
    10: "Float64",
    11: "Int64",
    12: "Int64Atomics",
    22: "Int16",
    25: "ImageGatherExtended",
    28: "UniformBufferArrayDynamicIndexing",
    29: "SampledImageArrayDynamicIndexing",
    30: "StorageBufferArrayDynamicIndexing",
    31: "StorageImageArrayDynamicIndexing",
    38: "GenericPointer",
    39: "Int8",
    50: "ImageQuery",
    55: "StorageImageReadWithoutFormat",
    56: "StorageImageWriteWithoutFormat",
    61: "GroupNonUniform",
    62: "GroupNonUniformVote",
    63: "GroupNonUniformArithmetic",
    64: "GroupNonUniformBallot",
    65: "GroupNonUniformShuffle",
    66: "GroupNonUniformShuffleRelative",
    67: "GroupNonUniformClustered",
    68: "GroupNonUniformQuad",
    4423: "SubgroupBallotKHR",
    4431: "SubgroupVoteKHR",
    4433: "StorageBuffer16BitAccess",
    4434: "UniformAndStorageBuffer16BitAccess",
    4435: "StoragePushConstant16",
    4436: "StorageInputOutput16",
    4437: "DeviceGroup",
    4441: "VariablePointersStorageBuffer",
    4442: "VariablePointers",
    4448: "StorageBuffer8BitAccess",
    4449: "UniformAndStorageBuffer8BitAccess",
    4450: "StoragePushConstant8",
    4464: "DenormPreserve",
    4465: "DenormFlushToZero",
    4466: "SignedZeroInfNanPreserve",
    4467: "RoundingModeRTE",
    4468: "RoundingModeRTZ",
    5301: "ShaderNonUniform",
    5302: "RuntimeDescriptorArray",
    5345: "VulkanMemoryModel",
    5346: "VulkanMemoryModelDeviceScope",
    5347: "PhysicalStorageBufferAddresses",
    5612: "AtomicFloat32MinMaxEXT",
    5613: "AtomicFloat64MinMaxEXT",
    5616: "AtomicFloat16MinMaxEXT",
    6016: "DotProductInputAll",
    6017: "DotProductInput4x8Bit",
    6018: "DotProductInput4x8BitPacked",
    6019: "DotProduct",
    6033: "AtomicFloat32AddEXT",
    6034: "AtomicFloat64AddEXT",
    6095: "AtomicFloat16AddEXT",
}
"""For messages: the capabilities that compute shaders ask for, by number."""


class _Layout(NamedTuple):
    """What an instruction's operands are."""

    operands: int
    """How many there are at least."""
    ids: slice = slice(0)
    """Those that are ids."""
    result: int | None = None
    """The one that is defined by the instruction."""


_LAYOUTS = {
    Op.Extension: _Layout(1),
    Op.MemoryModel: _Layout(2),
    Op.EntryPoint: _Layout(3, slice(1, 2)),
    Op.Capability: _Layout(1),
    Op.TypeInt: _Layout(3, slice(1), 0),
    Op.TypeFloat: _Layout(2, slice(1), 0),
    Op.TypeVector: _Layout(3, slice(2), 0),
    Op.TypeArray: _Layout(3, slice(3), 0),
    Op.TypeStruct: _Layout(1, slice(None), 0),
    Op.TypePointer: _Layout(3, slice(0, 3, 2), 0),
    Op.Constant: _Layout(3, slice(2), 1),
    Op.Function: _Layout(4, slice(2), 1),
    Op.FunctionEnd: _Layout(0),
    Op.Variable: _Layout(3, slice(2), 1),
    Op.Decorate: _Layout(2, slice(1)),
    Op.MemberDecorate: _Layout(3, slice(1)),
}

_VALUED = {Decoration.ArrayStride, Decoration.Binding, Decoration.DescriptorSet, Decoration.Offset}
"""Decorations that have a value."""


class Instruction(NamedTuple):
    place: int
    """Its first word in the module."""
    op: Op
    operands: tuple[int, ...]

    def __str__(self) -> str:
        return f"Op{self.op.name} at word {self.place}"


@dataclass
class Contents:
    """What the instructions of a module say."""

    bound: int
    """All ids are smaller."""
    memory_models: int = 0
    function_ends: int = 0
    capabilities: set[int] = field(default_factory=set)
    extensions: list[str] = field(default_factory=list)
    entry_points: list[tuple[int, int, str]] = field(default_factory=list)
    """Execution model, function and name of each."""
    definitions: dict[int, Instruction] = field(default_factory=dict)
    """The instruction that defines an id."""
    decorations: dict[tuple[int, int], int] = field(default_factory=dict)
    """The value of an id's decoration; 0 where it has none."""
    offsets: dict[tuple[int, int], int] = field(default_factory=dict)
    """The offset of a structure's member, in bytes."""

    def all(self, op: Op) -> list[Instruction]:
        return [found for found in self.definitions.values() if found.op is op]

    def defined(self, id: int, op: Op, what: str) -> tuple[int, ...]:
        """The operands of the instruction that defines an id. Raises ValueError where it is not
        defined so."""
        found = self.definitions.get(id)
        if found is None or found.op is not op:
            raise ValueError(f"{what} is %{id}, which is no Op{op.name}")
        return found.operands

    def decoration(self, id: int, decoration: Decoration, what: str) -> int:
        """The value of a decoration. Raises ValueError where there is none."""
        if (id, decoration) not in self.decorations:
            raise ValueError(f"{what} has no {decoration.name}")
        return self.decorations[id, decoration]


def read(code: bytes) -> Contents:
    """What is in a module. Raises ValueError for what is none."""
    return _contents(_words(code))


def _words(code: bytes) -> tuple[int, ...]:
    """The words of a module whose header is right."""
    if len(code) < HEADER_WORDS * WORD:
        raise ValueError(f"{len(code)} bytes: a header alone has {HEADER_WORDS * WORD}")
    if len(code) % WORD:
        raise ValueError(f"{len(code)} bytes: they are no whole words of {WORD}")
    words = struct.unpack(f"<{len(code) // WORD}I", code)
    magic, version, _, bound, schema = words[:HEADER_WORDS]
    if int.from_bytes(code[:WORD], "big") == MAGIC:
        raise ValueError("the words are big-endian: little-endian ones are asked")
    if magic != MAGIC:
        raise ValueError(f"the first word is {magic:#010x}: SPIR-V's is {MAGIC:#010x}")
    _check_version(version)
    if not 1 <= bound <= LARGEST_BOUND:
        raise ValueError(f"the bound of the ids is {bound}: it is 1 to {LARGEST_BOUND}")
    if schema:
        raise ValueError(f"the schema is {schema}: it is 0")
    return words


def _check_version(version: int) -> None:
    reserved, major, minor, low = version.to_bytes(WORD, "big")
    if reserved or low:
        raise ValueError(f"the version is {version:#010x}: its first and last byte are 0")
    if not OLDEST_VERSION <= (major, minor) <= NEWEST_VERSION:
        known = "{}.{} to {}.{}".format(*OLDEST_VERSION, *NEWEST_VERSION)
        raise ValueError(f"the version is {major}.{minor}: {known} are known")


def _instructions(words: tuple[int, ...]) -> Iterator[Instruction]:
    """Those that are looked at, in order."""
    place = HEADER_WORDS
    while place < len(words):
        length, opcode = divmod(words[place], 1 << 16)
        if length == 0:
            raise ValueError(f"the instruction at word {place} has 0 words")
        if length > len(words) - place:
            left = len(words) - place
            raise ValueError(f"the instruction at word {place} has {length} words: {left} are left")
        if opcode in _LAYOUTS:
            yield Instruction(place, Op(opcode), words[place + 1 : place + length])
        place += length


def _contents(words: tuple[int, ...]) -> Contents:
    contents = Contents(bound=words[3])
    for instruction in _instructions(words):
        layout = _LAYOUTS[instruction.op]
        if len(instruction.operands) < layout.operands:
            count = len(instruction.operands)
            raise ValueError(f"{instruction} has {count} operands: {layout.operands} are asked")
        _check_ids(contents, instruction, instruction.operands[layout.ids])
        if layout.result is not None:
            _define(contents, instruction, instruction.operands[layout.result])
        else:
            _note(contents, instruction)
    return contents


def _check_ids(contents: Contents, instruction: Instruction, ids: tuple[int, ...]) -> None:
    for id in ids:
        if not 0 < id < contents.bound:
            raise ValueError(f"{instruction} has the id {id}: the bound is {contents.bound}")


def _define(contents: Contents, instruction: Instruction, id: int) -> None:
    first = contents.definitions.setdefault(id, instruction)
    if first is not instruction:
        raise ValueError(f"{instruction} defines %{id}, and {first} does")


def _note(contents: Contents, instruction: Instruction) -> None:
    """Takes what an instruction says that defines no id."""
    operands = instruction.operands
    match instruction.op:
        case Op.MemoryModel:
            contents.memory_models += 1
        case Op.FunctionEnd:
            contents.function_ends += 1
        case Op.Capability:
            contents.capabilities.add(operands[0])
        case Op.Extension:
            contents.extensions.append(_string(instruction, operands)[0])
        case Op.EntryPoint:
            name, interface = _string(instruction, operands[2:])
            _check_ids(contents, instruction, interface)
            contents.entry_points.append((operands[0], operands[1], name))
        case Op.Decorate if operands[1] in _VALUED:
            key = operands[0], operands[1]
            _note_once(contents.decorations, key, instruction, operands[2:])
        case Op.Decorate:
            contents.decorations[operands[0], operands[1]] = 0
        case Op.MemberDecorate if operands[2] == Decoration.Offset:
            key = operands[0], operands[1]
            _note_once(contents.offsets, key, instruction, operands[3:])


def _note_once(
    values: dict[tuple[int, int], int],
    key: tuple[int, int],
    instruction: Instruction,
    value: tuple[int, ...],
) -> None:
    if len(value) != 1:
        raise ValueError(f"{instruction} has {len(value)} values: one is asked")
    if key in values:
        raise ValueError(f"{instruction} says again what was said of %{key[0]}")
    values[key] = value[0]


def _string(instruction: Instruction, words: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The string that words begin with, and the words after it."""
    text, end, _ = struct.pack(f"<{len(words)}I", *words).partition(b"\0")
    if not end:
        raise ValueError(f"the string of {instruction} does not end")
    try:
        return text.decode(), words[len(text) // WORD + 1 :]
    except UnicodeDecodeError as error:
        raise ValueError(f"the string of {instruction} is no UTF-8: {text!r}") from error
