"""A VM module of functions that call those of the HAL which Python cannot: its source.

Two kinds cannot be called through the list that a call from Python pushes its arguments on:

1. those with as many arguments as the caller likes. There is a function here for each number of
   constants and bindings that is of use;
2. those with a null reference among their arguments, which stands for a slot of a binding table.
   Here a place is two arguments, a slot and a buffer. Where the slot is `DIRECT` the buffer counts;
   otherwise the slot does, and any reference may stand in for the buffer.

The functions take the arguments of the HAL's of the same name, but for that and the flags, which
come last where they can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

DIRECT = -1
"""No slot of a binding table."""

CONSTANTS = (0, 1, 2, 3, 4, 5, 64)
BINDINGS = (0, 1, 2, 3)
TABLE_SIZES = range(1, 9)
"""The numbers of constants and bindings, and of places in a table, that there is a function for."""

_BUFFER = "!vm.ref<!hal.buffer>"
_COMMANDS = "!vm.ref<!hal.command_buffer>"

_IMPORTS = f"""\
  vm.import private @hal.command_buffer.dispatch(
      %command_buffer : {_COMMANDS}, %executable : !vm.ref<!hal.executable>, %function : i64,
      %x : i32, %y : i32, %z : i32, %flags : i64, %constants : i32 ...,
      %bindings : tuple<i32, i32, {_BUFFER}, i64, i64> ...
  ) attributes {{minimum_version = 7 : i32}}
  vm.import private @hal.command_buffer.dispatch.indirect(
      %command_buffer : {_COMMANDS}, %executable : !vm.ref<!hal.executable>, %function : i64,
      %counts_slot : i32, %counts : {_BUFFER}, %counts_offset : i64, %flags : i64,
      %constants : i32 ..., %bindings : tuple<i32, i32, {_BUFFER}, i64, i64> ...
  ) attributes {{minimum_version = 7 : i32}}
  vm.import private @hal.command_buffer.fill_buffer(
      %command_buffer : {_COMMANDS}, %target : {_BUFFER}, %offset : i64, %length : i64,
      %slot : i32, %pattern : i64, %width : i32, %flags : i64)
  vm.import private @hal.command_buffer.update_buffer(
      %command_buffer : {_COMMANDS}, %source : !vm.buffer, %source_offset : i64,
      %target : {_BUFFER}, %offset : i64, %length : i64, %slot : i32, %flags : i64)
  vm.import private @hal.command_buffer.copy_buffer(
      %command_buffer : {_COMMANDS}, %source_slot : i32, %target_slot : i32,
      %source : {_BUFFER}, %source_offset : i64, %target : {_BUFFER}, %target_offset : i64,
      %length : i64, %flags : i64)
  vm.import private @hal.device.queue.execute.indirect(
      %device : !vm.ref<!hal.device>, %affinity : i64, %wait : !vm.ref<!hal.fence>,
      %signal : !vm.ref<!hal.fence>, %command_buffer : {_COMMANDS}, %flags : i64,
      %table : tuple<{_BUFFER}, i64, i64> ...)
"""

_KINDS = {
    "command_buffer": _COMMANDS,
    "executable": "!vm.ref<!hal.executable>",
    "device": "!vm.ref<!hal.device>",
    "wait": "!vm.ref<!hal.fence>",
    "signal": "!vm.ref<!hal.fence>",
    "data": "!vm.buffer",
    **dict.fromkeys(("x", "y", "z", "width"), "i32"),
}
"""Types by name, of which the ending tells no more (`_kind`)."""

_BINDING = f"tuple<i32, i32, {_BUFFER}, i64, i64> ..."


def dispatch_name(constants: int, bindings: int, *, indirect: bool) -> str:
    """The function that records a dispatch with so many."""
    return f"dispatch_{'indirect_' if indirect else ''}{constants}_{bindings}"


def execute_name(table_size: int) -> str:
    """The function that executes a command buffer over a table of that size."""
    return f"execute_{table_size}"


def names() -> Iterator[str]:
    """Of all functions."""
    yield from ("fill", "update", "copy")
    for constants in CONSTANTS:
        for bindings in BINDINGS:
            yield dispatch_name(constants, bindings, indirect=False)
            yield dispatch_name(constants, bindings, indirect=True)
    yield from map(execute_name, TABLE_SIZES)


def source() -> str:
    """The module, in the compiler's VM dialect."""
    functions = [*_transfers(), *map(_execute, TABLE_SIZES)]
    for constants in CONSTANTS:
        for bindings in BINDINGS:
            functions += [_dispatch(constants, bindings, indirect=i) for i in (False, True)]
    return "\n".join(["vm.module public @calls {", _IMPORTS, *functions, "}\n"])


def _transfers() -> Iterator[str]:
    at_target = "@target offset length"
    yield _function(
        "fill",
        f"command_buffer {at_target} pattern width flags",
        "command_buffer.fill_buffer",
        "command_buffer target_buffer offset length target_place pattern width flags",
    )
    yield _function(
        "update",
        f"command_buffer data start {at_target} flags",
        "command_buffer.update_buffer",
        "command_buffer data start target_buffer offset length target_place flags",
    )
    yield _function(
        "copy",
        f"command_buffer @source start {at_target} flags",
        "command_buffer.copy_buffer",
        "command_buffer source_place target_place source_buffer start target_buffer offset length"
        " flags",
    )


def _dispatch(constants: int, bindings: int, *, indirect: bool) -> str:
    words = [f"word{n}" for n in range(constants)]
    bound = range(bindings)
    ranges = " ".join(f"@binding{n} binding{n}_offset binding{n}_length" for n in bound)
    passed = (
        f"(%zero, %binding{n}_place, %binding{n}_buffer, %binding{n}_offset, %binding{n}_length)"
        for n in bound
    )
    head = "command_buffer executable function"
    return _function(
        dispatch_name(constants, bindings, indirect=indirect),
        f"{head} {'@counts start' if indirect else 'x y z'} flags {' '.join(words)} {ranges}",
        f"command_buffer.dispatch{'.indirect' if indirect else ''}",
        f"{head} {'counts_place counts_buffer start' if indirect else 'x y z'} flags",
        {"i32 ...": [f"%{word}" for word in words], _BINDING: passed},
    )


def _execute(table_size: int) -> str:
    head = "device affinity wait signal command_buffer"
    places = range(table_size)
    return _function(
        execute_name(table_size),
        f"{head} {' '.join(f'table{n}_buffer offset{n} length{n}' for n in places)} flags",
        "device.queue.execute.indirect",
        f"{head} flags",
        {
            f"tuple<{_BUFFER}, i64, i64> ...": (
                f"(%table{n}_buffer, %offset{n}, %length{n})" for n in places
            )
        },
    )


def _function(
    name: str,
    parameters: str,
    callee: str,
    arguments: str,
    lists: Mapping[str, Iterable[str]] | None = None,
) -> str:
    """A function of the module that makes one call.

    Parameters
    ----------
    parameters : names; ``@name`` is a place, two parameters.
    arguments : names of parameters, of a place ``name_place`` and ``name_buffer``.
    lists : arguments after those, of which there are as many as there are, by their type.
    """
    declared, body = [], ["%zero = vm.const.i32.zero"]
    for parameter in parameters.split():
        if parameter.startswith("@"):
            place = parameter[1:]
            declared += [f"{place}_slot", f"{place}_given_buffer"]
            body += _resolved(place)
        else:
            declared.append(parameter)
    passed = [f"%{argument}" for argument in arguments.split()]
    kinds = [_kind(argument) for argument in arguments.split()]
    if lists is None:
        call, results = "vm.call", " -> ()"
    else:
        call, results = "vm.call.variadic", ""
        passed += [f"[{', '.join(values)}]" for values in lists.values()]
        kinds += lists
    body += [f"{call} @hal.{callee}({', '.join(passed)}) : ({', '.join(kinds)}){results}"]
    lines = "\n    ".join([*body, "vm.return"])
    signature = ", ".join(f"%{each}: {_kind(each)}" for each in declared)
    return f"  vm.func private @{name}({signature}) {{\n    {lines}\n  }}\n  vm.export @{name}"


def _resolved(place: str) -> list[str]:
    """A place as the HAL takes it: slot 0 and the buffer, or the slot and no buffer."""
    return [
        f"%{place}_no = vm.const.i32 {DIRECT}",
        f"%{place}_null = vm.const.ref.zero : {_BUFFER}",
        f"%{place}_direct = vm.cmp.eq.i32 %{place}_slot, %{place}_no : i32",
        f"%{place}_place = vm.select.i32 %{place}_direct, %zero, %{place}_slot : i32",
        f"%{place}_buffer = vm.select.ref %{place}_direct, %{place}_given_buffer, %{place}_null"
        f" : {_BUFFER}",
    ]


def _kind(name: str) -> str:
    if name.endswith("buffer") and name != "command_buffer":
        return _BUFFER
    if name.endswith(("slot", "place")) or name.startswith("word"):
        return "i32"
    return _KINDS.get(name, "i64")
