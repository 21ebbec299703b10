"""What is generated from Vulkan's registry: generated again it is the same, and it is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from .conftest import DriverModule

LIST_LOADED = """
import sys
import cts.drivers.vulkan.api.constants
import cts.drivers.vulkan.api.declarations
print("registry", "vulkan_object" in sys.modules)
with open("/proc/self/maps") as maps:
    mapped = maps.read()
print("backend", "_cffi_backend" in mapped)
print("loader", "libvulkan" in mapped)
"""


@pytest.fixture
def generate(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "api.generate")


@pytest.fixture
def declarations(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "api.declarations")


@pytest.fixture
def constants(driver_module: DriverModule) -> ModuleType:
    return driver_module("vulkan", "api.constants")


def test_the_generator_makes_the_same_again(generate: ModuleType) -> None:
    made = generate.generated()
    assert sorted(made) == ["constants.py", "declarations.py"]
    folder = Path(generate.__file__ or "").parent
    # Compared by hand, since pytest would print a line of 30 kB.
    stale = [
        name for name, text in made.items() if (folder / name).read_text(encoding="utf-8") != text
    ]
    if stale:
        pytest.fail(
            f"{', '.join(stale)} in {folder}: not what {generate.__name__} makes now."
            f" Run: {generate.COMMAND}"
        )


# Sizes and offsets are those that gcc gives for vulkan.h on x86-64.
@pytest.mark.parametrize(
    ("struct", "size"),
    [
        ("VkPhysicalDeviceMemoryProperties", 520),
        ("VkPhysicalDeviceProperties2", 840),
        ("VkPhysicalDeviceVulkan12Features", 208),
        ("VkSubmitInfo", 72),
    ],
)
def test_a_struct_has_its_size(declarations: ModuleType, struct: str, size: int) -> None:
    assert declarations.ffi.sizeof(struct) == size


@pytest.mark.parametrize(
    ("struct", "member", "offset"),
    [
        ("VkPhysicalDeviceMemoryProperties", "memoryHeaps", 264),
        ("VkPhysicalDeviceProperties", "limits", 296),
        ("VkPhysicalDeviceProperties2", "properties", 16),
        ("VkPhysicalDeviceVulkan12Features", "timelineSemaphore", 164),
        ("VkSubmitInfo", "pSignalSemaphores", 64),
    ],
)
def test_a_member_is_at_its_offset(
    declarations: ModuleType, struct: str, member: str, offset: int
) -> None:
    assert declarations.ffi.offsetof(struct, member) == offset


def test_every_listed_command_has_a_pointer_type(
    generate: ModuleType, declarations: ModuleType
) -> None:
    for command in generate.COMMANDS:
        assert declarations.ffi.typeof(f"PFN_{command}").kind == "function", command


def test_the_loader_exports_every_declared_function(declarations: ModuleType) -> None:
    try:
        loader = declarations.ffi.dlopen("libvulkan.so.1")
    except OSError:
        pytest.skip("no Vulkan loader is here")
    names = dir(loader)
    assert "vkQueueSubmit" in names
    assert "vkGetMemoryFdKHR" not in names  # an extension's: vkGetDeviceProcAddr finds it
    for name in names:
        getattr(loader, name)


def test_constants_are_the_registry_s(constants: ModuleType) -> None:
    """One of each kind; an extension's error is negative, as all errors are."""
    assert constants.RESULTS[-1000072003] == "VK_ERROR_INVALID_EXTERNAL_HANDLE"
    assert constants.VK_ERROR_INVALID_EXTERNAL_HANDLE == -1000072003
    assert constants.DRIVER_IDS[13] == "VK_DRIVER_ID_MESA_LLVMPIPE"
    assert constants.STRUCTURE_TYPES["VkApplicationInfo"] == 0
    assert constants.VK_WHOLE_SIZE == 2**64 - 1
    assert constants.VK_API_VERSION_1_2 == 1 << 22 | 2 << 12
    assert constants.VK_EXT_DEBUG_UTILS_EXTENSION_NAME == "VK_EXT_debug_utils"


def test_every_struct_with_a_type_knows_it(declarations: ModuleType, constants: ModuleType) -> None:
    ffi = declarations.ffi
    names, _, _ = ffi.list_types()
    structs = [ffi.typeof(name) for name in names if ffi.typeof(name).kind == "struct"]
    typed = {
        struct.cname.removeprefix("struct ")
        for struct in structs
        if any(name == "sType" for name, _ in struct.fields or ())
    }
    # Those two stand for any struct.
    typed -= {"VkBaseInStructure", "VkBaseOutStructure"}
    assert typed == set(constants.STRUCTURE_TYPES)


@pytest.mark.skipif(sys.platform != "linux", reason="what is loaded is read from /proc")
def test_importing_loads_neither_the_loader_nor_the_registry() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["registry False", "backend True", "loader False"]
