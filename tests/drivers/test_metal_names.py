"""What the driver of Metal uses of PyObjC, and what its stand-in has of it, held against PyObjC's
own metadata: its wheel for macOS has it as text, and is not installed for that."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import metal_stand_in
from .conftest import DriverModule
from .fake_icd import missing

ROOT = Path(__file__).parents[2]
DRIVER = ROOT / "drivers" / "metal"
PACKAGE = "pyobjc-framework-Metal"
PLATFORM = "macosx_11_0_universal2"
DOWNLOAD_LIMIT = 120

PLAIN = {
    "alloc": "NSObject's",
    "init": "NSObject's",
    "code": "NSError's",
    "localizedDescription": "NSError's",
    "as_buffer": "of PyObjC's own objc.varlist, which `contents` gives",
    "setSize_": "MTLHeapDescriptor's, of plain types",
    "setStorageMode_": "MTLHeapDescriptor's, of plain types",
}
"""Selectors that the metadata does not have: it is of what PyObjC cannot tell by itself."""
PLAIN_CLASSES = {"MTLHeapDescriptor"}
"""The same of classes."""
PYTHONS = {
    *("add", "append", "clear", "discard", "items", "partition", "pop", "popleft", "values"),
    *("array", "decode", "from_address", "from_bytes", "frombuffer", "pack", "to_bytes", "tobytes"),
    *("Lock", "autorelease_pool", "import_module", "files", "read_bytes", "mac_ver", "open"),
}
"""Methods and functions that are not Metal's."""
ENUMERATION = re.compile(r"\$(\w+)@(-?\d+)")


@dataclass
class Metadata:
    """What PyObjC says of Metal."""

    selectors: dict[str, dict[int, Any]] = field(default_factory=dict)
    """What is said of the arguments of each, by PyObjC's name of it; the first is 2."""
    numbers: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    structures: dict[str, list[str]] = field(default_factory=dict)


def _download(folder: Path) -> Path:
    """The wheel."""
    wanted = ["--platform", PLATFORM, "--only-binary=:all:", "--no-deps", PACKAGE]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder), *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT)
        told = done.stderr.strip().splitlines()[-1:]
    except subprocess.TimeoutExpired:
        told = [f"more than {DOWNLOAD_LIMIT} s"]
    found = sorted(folder.glob("*.whl"))
    if not found:
        missing(f"pip cannot download {PACKAGE}: {told}")
    return found[0]


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Metadata:
    """What the wheel has."""
    with zipfile.ZipFile(_download(tmp_path_factory.mktemp("wheel"))) as wheel:
        text = wheel.read("Metal/_metadata.py").decode()
    found = Metadata()
    found.numbers = {name: int(number) for name, number in ENUMERATION.findall(text)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "r":
            kind, selector, said = (_value(argument) for argument in node.args)
            name = selector.decode().replace(":", "_")
            found.selectors.setdefault(name, {}).update(said.get("arguments", {}))
            found.classes.add(kind.decode())
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "objc.createStructType":
            name, _, fields = (_value(argument) for argument in node.args)
            found.structures[name.removeprefix("Metal.")] = fields
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "functions":
            assert isinstance(node.value, ast.Dict)
            found.functions |= {_value(key) for key in node.value.keys if key is not None}
    return found


def _value(node: ast.expr) -> Any:
    """A literal, in which what is chosen by the processor is left out."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return {"arguments": {}}


# -- the driver -----------------------------------------------------------------------------------


@dataclass
class Use:
    """What a folder's code uses."""

    calls: set[tuple[str, int]] = field(default_factory=set)
    """Of methods, with the number of arguments."""
    of_metal: set[str] = field(default_factory=set)
    """Names in the module."""
    told: set[str] = field(default_factory=set)
    """Calls as failures name them."""


@pytest.fixture(scope="module")
def used() -> Use:
    """What the driver uses that is not its own."""
    found, own = Use(), set()
    trees = [ast.parse(path.read_text()) for path in sorted(DRIVER.rglob("*.py"))]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Metal":
            found.of_metal.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr.startswith("MTL"):
                found.of_metal.add(node.func.attr)
            else:
                found.calls.add((node.func.attr, len(node.args)))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("made", "failure"):
            found.told |= _texts(node.args[0])
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("call"):
            found.told |= _texts(node.value)
    found.calls = {call for call in found.calls if call[0] not in own | PYTHONS}
    return found


def _texts(node: ast.AST) -> set[str]:
    """The texts in a piece of code."""
    constants = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant)}
    return {text for text in constants if isinstance(text, str)}


def test_selectors_are_metals(metadata: Metadata, used: Use) -> None:
    names = {name for name, _ in used.calls}
    assert names - PLAIN.keys() <= metadata.selectors.keys()
    assert PLAIN.keys() <= names
    assert not PLAIN.keys() & metadata.selectors.keys()


def test_selectors_are_given_as_many_arguments_as_they_have(used: Use) -> None:
    of_objects = {(name, count) for name, count in used.calls if name != "as_buffer"}
    assert {(name, count) for name, count in of_objects if name.count("_") != count} == set()


def test_failures_name_calls_that_are_made(metadata: Metadata, used: Use) -> None:
    assert used.told <= {name for name, _ in used.calls} & metadata.selectors.keys()


def test_names_are_metals(metadata: Metadata, used: Use) -> None:
    known = metadata.numbers.keys() | metadata.functions | metadata.classes
    assert used.of_metal - known == PLAIN_CLASSES


def test_what_is_converted_is_converted_so(metadata: Metadata) -> None:
    """A byte has a sign for PyObjC, and bytes are given as they are, with their number."""
    assert metadata.selectors["fillBuffer_range_value_"][4]["type"] == "z"
    for name in (
        "setBytes_length_atIndex_",
        "newBufferWithBytes_length_options_",
        "newBufferWithBytesNoCopy_length_options_deallocator_",
    ):
        given = metadata.selectors[name][2]
        assert (given["type_modifier"], given["c_array_length_in_arg"]) == (b"n", 3)
    for name in (
        "newLibraryWithSource_options_error_",
        "newComputePipelineStateWithFunction_error_",
    ):
        last = metadata.selectors[name][name.count("_") + 1]
        assert (last["type"], last["type_modifier"]) == (b"^@", b"o")


def test_codes_are_metals(metadata: Metadata, driver_module: DriverModule) -> None:
    codes = driver_module("metal", "codes")
    for mine, prefix in (
        (codes.COMMAND_BUFFER_ERRORS, "MTLCommandBufferError"),
        (codes.LIBRARY_ERRORS, "MTLLibraryError"),
    ):
        theirs = {
            number: name
            for name, number in metadata.numbers.items()
            if re.match(rf"{prefix}(?!Option|None|Blacklisted)", name)
        }
        assert mine == theirs


# -- the stand-in ---------------------------------------------------------------------------------


@pytest.fixture
def stand_in() -> Iterator[ModuleType]:
    """The stand-in."""
    with metal_stand_in.imported() as module:
        yield module


def methods_of(module: ModuleType) -> dict[str, int]:
    """What a stand-in's objects can be called by, with the number of arguments."""
    found: dict[str, int] = {}
    for part in [value for name, value in sys.modules.items() if name.startswith("Metal.")]:
        for kind in vars(part).values():
            if inspect.isclass(kind) and kind.__module__ == part.__name__:
                found.update(_methods(kind))
    return found


def _methods(kind: type) -> Iterator[tuple[str, int]]:
    plain = {"alloc": 0, "init": 0, "code": 0, "commit": 0, "as_buffer": 1}
    for name, value in vars(kind).items():
        function: Callable[..., Any] = getattr(value, "__func__", value)
        if not inspect.isfunction(function) or name.startswith("_"):
            continue
        is_selector = hasattr(function, "__wrapped__") or re.search("[A-Z]", name)
        if is_selector or name in plain:
            yield name, len(inspect.signature(function).parameters) - 1


def test_the_stand_in_has_what_the_driver_uses_and_no_more(stand_in: ModuleType, used: Use) -> None:
    theirs = methods_of(stand_in)
    assert theirs.keys() ^ {name for name, _ in used.calls} == set()


def test_the_stand_ins_methods_are_metals(stand_in: ModuleType, metadata: Metadata) -> None:
    theirs = methods_of(stand_in)
    assert theirs.keys() - PLAIN.keys() <= metadata.selectors.keys()
    wrong = {name: n for name, n in theirs.items() if name.count("_") != n and name != "as_buffer"}
    assert wrong == {}


def test_the_stand_ins_names_are_metals(
    stand_in: ModuleType, metadata: Metadata, used: Use
) -> None:
    numbers = {name: n for name, n in vars(stand_in).items() if isinstance(n, int)}
    assert numbers == {name: metadata.numbers[name] for name in numbers}
    assert used.of_metal <= vars(stand_in).keys()
    sizes = stand_in._checks.MTLSize, stand_in._checks.MTLSizeAndAlign
    for kind in sizes:
        assert list(kind._fields) == metadata.structures[kind.__name__]
