"""Reads from a SPIR-V module what a dispatch of it needs to know, and refuses what is no module.

1. The header, then every instruction's length; those that tell something are gathered.
2. The entry point: exactly one, of the model GLCompute. Its name is the module's.
3. The push constant block: where its last member ends is how many constants there are.
4. The storage buffers of descriptor set 0, which are the bindings. There are no other resources.

This is no validator (`spirv-val` is one): a module that passes may still be wrong inside its
functions. Whatever the bytes are, they give a module or a ValueError that says what is wrong.

The numbers are those of the SPIR-V specification 1.6, sections 2.3 (physical layout) and 3
(binary form). For example, ``scale.spv`` is read as the entry point "scale" with 4 constants and 2
bindings, which asks for the capability 1 (Shader) and no extension.
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


class SpirvModule(NamedTuple):
    """A module of one compute shader."""

    code: bytes
    """The module itself."""
    entry_point: str
    """The name of its entry point."""
    constants: int
    """Words of its push constant block, up to the end of the last member."""
    bindings: int
    """Storage buffers in descriptor set 0, numbered from 0 without gaps."""
    capabilities: frozenset[int]
    """The numbers of the capabilities that it asks for."""
    extensions: tuple[str, ...]
    """The names of the SPIR-V extensions that it asks for."""


def read_module(code: bytes) -> SpirvModule:
    """Reads a module. Raises ValueError for what is none, and for what a dispatch cannot feed."""
    contents = _contents(_words(code))
    if contents.memory_models != 1:
        raise ValueError(f"{contents.memory_models} OpMemoryModel: one is asked")
    return SpirvModule(
        code,
        _entry_point(contents),
        _constants(contents),
        _bindings(contents),
        frozenset(contents.capabilities),
        tuple(contents.extensions),
    )


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


class _Instruction(NamedTuple):
    place: int
    """Its first word in the module."""
    op: Op
    operands: tuple[int, ...]

    def __str__(self) -> str:
        return f"Op{self.op.name} at word {self.place}"


@dataclass
class _Contents:
    """What the instructions of a module say."""

    bound: int
    """All ids are smaller."""
    memory_models: int = 0
    function_ends: int = 0
    capabilities: set[int] = field(default_factory=set)
    extensions: list[str] = field(default_factory=list)
    entry_points: list[tuple[int, int, str]] = field(default_factory=list)
    """Execution model, function and name of each."""
    definitions: dict[int, _Instruction] = field(default_factory=dict)
    """The instruction that defines an id."""
    decorations: dict[tuple[int, int], int] = field(default_factory=dict)
    """The value of an id's decoration; 0 where it has none."""
    offsets: dict[tuple[int, int], int] = field(default_factory=dict)
    """The offset of a structure's member, in bytes."""

    def all(self, op: Op) -> list[_Instruction]:
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


def _instructions(words: tuple[int, ...]) -> Iterator[_Instruction]:
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
            yield _Instruction(place, Op(opcode), words[place + 1 : place + length])
        place += length


def _contents(words: tuple[int, ...]) -> _Contents:
    contents = _Contents(bound=words[3])
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


def _check_ids(contents: _Contents, instruction: _Instruction, ids: tuple[int, ...]) -> None:
    for id in ids:
        if not 0 < id < contents.bound:
            raise ValueError(f"{instruction} has the id {id}: the bound is {contents.bound}")


def _define(contents: _Contents, instruction: _Instruction, id: int) -> None:
    first = contents.definitions.setdefault(id, instruction)
    if first is not instruction:
        raise ValueError(f"{instruction} defines %{id}, and {first} does")


def _note(contents: _Contents, instruction: _Instruction) -> None:
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
    instruction: _Instruction,
    value: tuple[int, ...],
) -> None:
    if len(value) != 1:
        raise ValueError(f"{instruction} has {len(value)} values: one is asked")
    if key in values:
        raise ValueError(f"{instruction} says again what was said of %{key[0]}")
    values[key] = value[0]


def _string(instruction: _Instruction, words: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The string that words begin with, and the words after it."""
    text, end, _ = struct.pack(f"<{len(words)}I", *words).partition(b"\0")
    if not end:
        raise ValueError(f"the string of {instruction} does not end")
    try:
        return text.decode(), words[len(text) // WORD + 1 :]
    except UnicodeDecodeError as error:
        raise ValueError(f"the string of {instruction} is no UTF-8: {text!r}") from error


def _entry_point(contents: _Contents) -> str:
    """The name of the one entry point, whose function is there."""
    if len(contents.entry_points) != 1:
        raise ValueError(f"{len(contents.entry_points)} entry points: one is asked")
    ((model, function, name),) = contents.entry_points
    if model != GL_COMPUTE:
        raise ValueError(
            f"the entry point {name!r} has the execution model {model}: {GL_COMPUTE}, GLCompute, "
            "is asked"
        )
    contents.defined(function, Op.Function, f"the function of the entry point {name!r}")
    begun = len(contents.all(Op.Function))
    if begun != contents.function_ends:
        raise ValueError(f"{begun} OpFunction and {contents.function_ends} OpFunctionEnd")
    return name


def _structure(contents: _Contents, variable: _Instruction) -> int:
    """The id of the structure that a variable is."""
    type, id, storage_class = variable.operands[:3]
    _, to, pointee = contents.defined(type, Op.TypePointer, f"the type of %{id}")[:3]
    if to != storage_class:
        raise ValueError(f"%{id} has the storage class {storage_class}, and its type {to}")
    contents.defined(pointee, Op.TypeStruct, f"what %{id} has")
    return pointee


def _constants(contents: _Contents) -> int:
    """The words of the push constant block; 0 where there is none."""
    blocks = [
        variable
        for variable in contents.all(Op.Variable)
        if variable.operands[2] == StorageClass.PushConstant
    ]
    if len(blocks) > 1:
        raise ValueError(f"{len(blocks)} push constant blocks: at most one is asked")
    return max((_end_of_block(contents, block) for block in blocks), default=0)


def _end_of_block(contents: _Contents, block: _Instruction) -> int:
    """Where the last member of a push constant block ends, in words."""
    structure = _structure(contents, block)
    _, *members = contents.definitions[structure].operands
    end = 0
    for number, member in enumerate(members):
        what = f"member {number} of the push constants"
        offset = contents.offsets.get((structure, number))
        if offset is None:
            raise ValueError(f"{what} has no Offset")
        if offset % WORD:
            raise ValueError(f"{what} is at byte {offset}, within a word")
        end = max(end, offset + _size(contents, member, what))
    return end // WORD


def _size(contents: _Contents, type: int, what: str) -> int:
    """The bytes of an array, a vector or a scalar; without what would follow an array's last
    element."""
    found = contents.definitions.get(type)
    if found is None or found.op is not Op.TypeArray:
        return _size_of_element(contents, type, what)
    _, element, length = found.operands[:3]
    size = _size_of_element(contents, element, what)
    stride = contents.decoration(type, Decoration.ArrayStride, f"the array of {what}")
    if stride < size or stride % WORD:
        raise ValueError(f"{what} has an ArrayStride of {stride}: its elements have {size} bytes")
    return stride * (_length(contents, length, what) - 1) + size


def _length(contents: _Contents, constant: int, what: str) -> int:
    """How many elements an array has."""
    of = f"the length of {what}"
    type, _, value = contents.defined(constant, Op.Constant, of)[:3]
    if contents.defined(type, Op.TypeInt, f"the type of {of}")[1] != 32 or value == 0:
        raise ValueError(f"{of} is no integer of 32 bits, or 0")
    return value


def _size_of_element(contents: _Contents, type: int, what: str) -> int:
    """The bytes of a vector or a scalar."""
    found = contents.definitions.get(type)
    if found is None or found.op is not Op.TypeVector:
        return _size_of_scalar(contents, type, what)
    _, component, count = found.operands[:3]
    if not 2 <= count <= 4:
        raise ValueError(f"{what} has vectors of {count}: 2 to 4 are asked")
    return _size_of_scalar(contents, component, what) * count


def _size_of_scalar(contents: _Contents, type: int, what: str) -> int:
    found = contents.definitions.get(type)
    if found is None or found.op not in (Op.TypeInt, Op.TypeFloat):
        raise ValueError(f"{what} is neither a number, a vector, nor an array of them")
    if found.operands[1] != 8 * WORD:
        raise ValueError(f"{what} has numbers of {found.operands[1]} bits: 32 are asked")
    return WORD


_NO_RESOURCES = {
    StorageClass.Input,
    StorageClass.Workgroup,
    StorageClass.Private,
    StorageClass.Function,
    StorageClass.PushConstant,
}
"""The storage classes of variables that no descriptor set has."""

_STORAGE_CLASS_NAMES = {each.value: each.name for each in StorageClass}


def _bindings(contents: _Contents) -> int:
    """How many storage buffers there are. Two variables may be one of them."""
    found = set()
    for variable in contents.all(Op.Variable):
        _, id, storage_class = variable.operands[:3]
        if storage_class in _NO_RESOURCES:
            continue
        _check_storage_buffer(contents, variable)
        number = contents.decoration(id, Decoration.DescriptorSet, f"%{id}")
        if number:
            raise ValueError(f"%{id} is in the descriptor set {number}: all are asked to be in 0")
        found.add(contents.decoration(id, Decoration.Binding, f"%{id}"))
    if found != set(range(len(found))):
        raise ValueError(f"the bindings are {sorted(found)}: there is a gap")
    return len(found)


def _check_storage_buffer(contents: _Contents, variable: _Instruction) -> None:
    """Raises ValueError for other resources."""
    _, id, storage_class = variable.operands[:3]
    if storage_class not in (StorageClass.StorageBuffer, StorageClass.Uniform):
        name = _STORAGE_CLASS_NAMES.get(storage_class, storage_class)
        raise ValueError(f"%{id} is no storage buffer: its storage class is {name}")
    structure = _structure(contents, variable)
    # Before SPIR-V 1.3 a storage buffer is a uniform one with a decoration.
    marked = (structure, Decoration.BufferBlock) in contents.decorations
    if storage_class == StorageClass.Uniform and not marked:
        raise ValueError(f"%{id} is no storage buffer: a uniform buffer")
