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

from typing import NamedTuple

from .spirv_contents import (
    CAPABILITY_NAMES,
    GL_COMPUTE,
    WORD,
    Contents,
    Decoration,
    Instruction,
    Op,
    StorageClass,
    read,
)

__all__ = ["CAPABILITY_NAMES", "SpirvModule", "read_module"]


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
    contents = read(code)
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


def _entry_point(contents: Contents) -> str:
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


def _structure(contents: Contents, variable: Instruction) -> int:
    """The id of the structure that a variable is."""
    type, id, storage_class = variable.operands[:3]
    _, to, pointee = contents.defined(type, Op.TypePointer, f"the type of %{id}")[:3]
    if to != storage_class:
        raise ValueError(f"%{id} has the storage class {storage_class}, and its type {to}")
    contents.defined(pointee, Op.TypeStruct, f"what %{id} has")
    return pointee


def _constants(contents: Contents) -> int:
    """The words of the push constant block; 0 where there is none."""
    blocks = [
        variable
        for variable in contents.all(Op.Variable)
        if variable.operands[2] == StorageClass.PushConstant
    ]
    if len(blocks) > 1:
        raise ValueError(f"{len(blocks)} push constant blocks: at most one is asked")
    return max((_end_of_block(contents, block) for block in blocks), default=0)


def _end_of_block(contents: Contents, block: Instruction) -> int:
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


def _size(contents: Contents, type: int, what: str) -> int:
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


def _length(contents: Contents, constant: int, what: str) -> int:
    """How many elements an array has."""
    of = f"the length of {what}"
    type, _, value = contents.defined(constant, Op.Constant, of)[:3]
    if contents.defined(type, Op.TypeInt, f"the type of {of}")[1] != 32 or value == 0:
        raise ValueError(f"{of} is no integer of 32 bits, or 0")
    return value


def _size_of_element(contents: Contents, type: int, what: str) -> int:
    """The bytes of a vector or a scalar."""
    found = contents.definitions.get(type)
    if found is None or found.op is not Op.TypeVector:
        return _size_of_scalar(contents, type, what)
    _, component, count = found.operands[:3]
    if not 2 <= count <= 4:
        raise ValueError(f"{what} has vectors of {count}: 2 to 4 are asked")
    return _size_of_scalar(contents, component, what) * count


def _size_of_scalar(contents: Contents, type: int, what: str) -> int:
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


def _bindings(contents: Contents) -> int:
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


def _check_storage_buffer(contents: Contents, variable: Instruction) -> None:
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
