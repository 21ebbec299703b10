"""Modules of device code, and the arguments of its kernels as code objects want them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ctypes import byref, c_uint32, c_uint64
from typing import NamedTuple

from .._stream.calls import NativeError
from .._stream.facts import Counts
from . import hsa as h
from .codes import HSA_STATUS_ERROR, name_of
from .hsa import Hsa

HIDDEN = struct.Struct("<3I 3H 3H 16x 3Q H")
"""Counts of workgroups, the size of one, what is left over, offsets, dimensions: the beginning of
what follows a kernel's own arguments (LLVM's AMDGPUUsage, code object V5)."""
ALIGNMENT = 8


class Kernel(NamedTuple):
    """An entry point, as a packet names it; sizes in bytes."""

    object: int
    arguments_size: int
    group_size: int
    private_size: int


class Module:
    """A code object, loaded for one agent. Raises `NativeError` where the runtime refuses it."""

    def __init__(self, hsa: Hsa, agent: int, code_object: bytes) -> None:
        self._hsa = hsa
        self._agent = agent
        self._code = code_object  # which the reader reads where it is
        self._executable = self._reader = 0
        try:
            self._load(code_object)
        except NativeError:
            self.end()
            raise

    def _load(self, code: bytes) -> None:
        reader, executable = c_uint64(), c_uint64()
        read = "hsa_code_object_reader_create_from_memory"
        self._hsa.call(read, code, len(code), byref(reader))
        self._reader = reader.value
        rounding = h.DEFAULT_FLOAT_ROUNDING_MODE_DEFAULT
        arguments = h.PROFILE_FULL, rounding, None, byref(executable)
        self._hsa.call("hsa_executable_create_alt", *arguments)
        self._executable = executable.value
        load = "hsa_executable_load_agent_code_object"
        self._hsa.call(load, self._executable, self._agent, self._reader, None, None)
        self._hsa.call("hsa_executable_freeze", self._executable, None)

    def kernel(self, name: str) -> Kernel:
        """An entry point, whose descriptor is a symbol of its own."""
        symbol = c_uint64()
        self._hsa.call(
            *("hsa_executable_get_symbol_by_name", self._executable, f"{name}.kd".encode()),
            *(byref(c_uint64(self._agent)), byref(symbol)),
        )

        def ask(attribute: int, kind: type = c_uint32) -> int:
            asked = "hsa_executable_symbol_get_info"
            value: int = self._hsa.get(asked, symbol, attribute, kind=kind)
            return value

        return Kernel(
            ask(h.EXECUTABLE_SYMBOL_INFO_KERNEL_OBJECT, c_uint64),
            ask(h.EXECUTABLE_SYMBOL_INFO_KERNEL_KERNARG_SEGMENT_SIZE),
            ask(h.EXECUTABLE_SYMBOL_INFO_KERNEL_GROUP_SEGMENT_SIZE),
            ask(h.EXECUTABLE_SYMBOL_INFO_KERNEL_PRIVATE_SEGMENT_SIZE),
        )

    def end(self) -> None:
        """Ends it."""
        if self._executable:
            self._hsa.call("hsa_executable_destroy", self._executable)
            self._executable = 0
        if self._reader:
            self._hsa.call("hsa_code_object_reader_destroy", self._reader)
            self._reader = 0


def arguments_of(
    kernel: Kernel, addresses: Sequence[int], constants: Sequence[int], groups: Counts, size: Counts
) -> bytes:
    """The bytes of a kernel's arguments: its own, and the hidden ones as far as it has room."""
    own = struct.pack(f"<{len(addresses)}Q{len(constants)}I", *addresses, *constants)
    if len(own) > kernel.arguments_size:
        wrong = f"{name_of(HSA_STATUS_ERROR)}: {len(own)} bytes of {kernel.arguments_size}"
        raise NativeError("a kernel's arguments", HSA_STATUS_ERROR, wrong)
    hidden = HIDDEN.pack(*groups, *size, *(0, 0, 0), *(0, 0, 0), 3)
    room = -(-len(own) // ALIGNMENT) * ALIGNMENT
    return (own.ljust(room, b"\0") + hidden).ljust(kernel.arguments_size, b"\0")[
        : kernel.arguments_size
    ]
