"""What the amdgpu driver declares of the HSA runtime, held against Debian's headers of it: a small
C++ program, compiled with them, prints what they say. What is newer than they is named here."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .conftest import DriverModule
from .fake_icd import missing

HEADERS = Path("/usr/include/hsa")
PACKAGE = "libhsa-runtime-dev"
NEWER_FUNCTIONS = {"hsa_amd_portable_export_dmabuf"}
NEWER_NUMBERS = {"AMD_SYSTEM_INFO_DMABUF_SUPPORTED", "AMD_AGENT_INFO_NEAREST_CPU"}
"""ROCm's documentation has them."""

CALLBACK: type = ctypes.CFUNCTYPE(None).__mro__[1]
"""What all types of callbacks are."""
STRUCTURES = {
    "Queue": "hsa_queue_t",
    "LinkInfo": "hsa_amd_memory_pool_link_info_t",
    "KernelDispatch": "hsa_kernel_dispatch_packet_t",
    "BarrierAnd": "hsa_barrier_and_packet_t",
    "BarrierValue": "hsa_amd_barrier_value_packet_t",
    "MemoryFault": "hsa_amd_event_t",
}
IN_OTHER_WORDS = {
    "MemoryFault.agent": "memory_fault.agent",
    "MemoryFault.virtual_address": "memory_fault.virtual_address",
    "MemoryFault.fault_reason_mask": "memory_fault.fault_reason_mask",
    "BarrierValue.header": "header.header",
    "BarrierValue.amd_format": "header.AmdFormat",
    "BarrierValue.reserved": "header.reserved",
}
"""How the headers name a field that is inside another one."""

PROGRAM = r"""
#include <cstddef>
#include <cstdio>
#include <type_traits>
#include <hsa.h>
#include <hsa_ext_amd.h>

template <class T> void one(const char *before) {
  if constexpr (std::is_void_v<T>) printf("%svoid", before);
  else if constexpr (std::is_pointer_v<T>) printf("%spointer", before);
  else printf("%s%zu", before, sizeof(T));
}
template <class R, class... A> void function(const char *name, R (*)(A...)) {
  printf("function %s ", name);
  one<R>("");
  (one<A>(" "), ...);
  puts("");
}
int main() {
"""


def kind_of(declared: Any) -> str:
    """A type of ctypes as the program prints types."""
    if declared is None:
        return "void"
    if issubclass(declared, ctypes.c_void_p | ctypes.c_char_p | ctypes._Pointer | CALLBACK):
        return "pointer"
    return str(ctypes.sizeof(declared))


def numbers_of(hsa: ModuleType) -> dict[str, int]:
    """The numbers that are declared."""
    return {
        name: value
        for name, value in vars(hsa).items()
        if name.isupper() and isinstance(value, int) and not name.startswith("HSA_")
    }


@pytest.fixture
def hsa(driver_module: DriverModule) -> ModuleType:
    return driver_module("amdgpu", "hsa")


@pytest.fixture
def codes(driver_module: DriverModule) -> ModuleType:
    return driver_module("amdgpu", "codes")


@pytest.fixture
def declared(hsa: ModuleType, codes: ModuleType) -> set[str]:
    """What the driver declares, a line each."""
    lines = {
        f"number {name} {value}"
        for name, value in numbers_of(hsa).items()
        if name not in NEWER_NUMBERS
    }
    lines |= {f"status {codes.name_of(code)} {code}" for code in codes.NAMES}
    for name, (result, arguments) in hsa.FUNCTIONS.items():
        if name not in NEWER_FUNCTIONS:
            lines.add(" ".join(["function", name, *map(kind_of, [result, *arguments])]))
    for name in STRUCTURES:
        structure = getattr(hsa, name)
        lines.add(f"structure {name} {ctypes.sizeof(structure)}")
        for field, _ in structure._fields_:
            place = getattr(structure, field)
            lines.add(f"field {name}.{field} {place.offset} {place.size}")
    return lines


def program(hsa: ModuleType, codes: ModuleType) -> str:
    """The program that prints what the headers say of the same."""
    lines = [
        rf'  printf("number {name} %lld\n", (long long)HSA_{name});'
        for name in numbers_of(hsa)
        if name not in NEWER_NUMBERS
    ]
    for code in codes.NAMES:
        name = codes.name_of(code)
        lines.append(rf'  printf("status {name} %lld\n", (long long){name});')
    for name in hsa.FUNCTIONS.keys() - NEWER_FUNCTIONS:
        lines.append(f'  function("{name}", static_cast<decltype(&{name})>(nullptr));')
    for name, theirs in STRUCTURES.items():
        lines.append(rf'  printf("structure {name} %zu\n", sizeof({theirs}));')
        for field, _ in getattr(hsa, name)._fields_:
            place = IN_OTHER_WORDS.get(f"{name}.{field}", field)
            size = f"sizeof((({theirs}*)0)->{place})"
            offset = f"offsetof({theirs}, {place})"
            lines.append(rf'  printf("field {name}.{field} %zu %zu\n", {offset}, {size});')
    return PROGRAM + "\n".join(lines) + "\n}\n"


def test_declarations_are_those_of_the_headers(
    hsa: ModuleType, codes: ModuleType, declared: set[str], tmp_path: Path
) -> None:
    if not (HEADERS / "hsa_ext_amd.h").exists():
        missing(f"no headers of the HSA runtime: apt-get install {PACKAGE}")
    compiler = shutil.which("g++")
    if compiler is None:
        missing("no C++ compiler: apt-get install g++")
    source, made = tmp_path / "declared.cc", tmp_path / "declared"
    source.write_text(program(hsa, codes))
    options = ["-std=c++17", "-Wno-invalid-offsetof", f"-I{HEADERS}", "-o", str(made), str(source)]
    subprocess.run([compiler, *options], check=True)
    printed = subprocess.run([made], capture_output=True, text=True, check=True).stdout
    assert sorted(declared ^ {*printed.splitlines()}) == []


def test_what_is_newer_is_not_needed(hsa: ModuleType) -> None:
    """A library may lack what the headers do not have, and some more."""
    assert NEWER_FUNCTIONS <= hsa.OPTIONAL < hsa.FUNCTIONS.keys()
    assert numbers_of(hsa).keys() >= NEWER_NUMBERS


def test_debians_library_has_all_that_is_needed(hsa: ModuleType) -> None:
    try:
        library = ctypes.CDLL(hsa.LIBRARY)
    except OSError:
        missing("no HSA runtime: apt-get install libhsa-runtime64-1")
    assert hsa.Hsa(library).lacking <= hsa.OPTIONAL
