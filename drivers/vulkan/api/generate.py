"""Makes `declarations` and `constants`: ``python -m cts.drivers.vulkan.api.generate``.

Needs the packages cffi and vulkan-object; the second is Khronos' registry (vk.xml), read.

1. The commands and structs listed here, and every type that they name, are declared in C.
2. cffi turns the C into a module with ``ffi`` (its ABI mode, "out-of-line").
3. The values of the enums and bits listed here become plain numbers.

A value is given where Vulkan itself or one of `EXTENSIONS` has it: ``VK_PIPELINE_STAGE_NONE`` is,
and ``VK_PIPELINE_STAGE_TASK_SHADER_BIT_EXT`` is not.

Handles are declared as pointers, which all of them are in a 64-bit process (Vulkan 1.3, section
3.3), the only kind that the declarations are right for.

It imports nothing of this package, so that ``python drivers/vulkan/api/generate.py`` makes the
files too where a broken one of them keeps the package from being imported.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cffi import FFI
from vulkan_object import get_vulkan_object

FOLDER = Path(__file__).parent
COMMAND = "python -m cts.drivers.vulkan.api.generate"
MODULE = "cts.drivers.vulkan.api.declarations"


def _words(text: str) -> list[str]:
    return text.split()


EXTENSIONS = _words("""
    VK_EXT_debug_utils VK_EXT_external_memory_dma_buf VK_EXT_external_memory_host
    VK_EXT_pci_bus_info VK_EXT_validation_features VK_KHR_external_memory_fd
    VK_KHR_external_semaphore_fd
""")
"""Those whose names and values are given."""

VERSIONS = ["VK_VERSION_1_1", "VK_VERSION_1_2", "VK_VERSION_1_3"]

COMMANDS = _words("""
    vkGetInstanceProcAddr vkEnumerateInstanceVersion vkEnumerateInstanceLayerProperties
    vkEnumerateInstanceExtensionProperties vkCreateInstance vkDestroyInstance
    vkCreateDebugUtilsMessengerEXT vkDestroyDebugUtilsMessengerEXT

    vkEnumeratePhysicalDevices vkGetPhysicalDeviceProperties2 vkGetPhysicalDeviceFeatures2
    vkGetPhysicalDeviceMemoryProperties2 vkGetPhysicalDeviceQueueFamilyProperties2
    vkGetPhysicalDeviceExternalBufferProperties vkGetPhysicalDeviceExternalSemaphoreProperties
    vkEnumerateDeviceExtensionProperties

    vkGetDeviceProcAddr vkCreateDevice vkDestroyDevice vkDeviceWaitIdle
    vkGetDeviceQueue vkQueueSubmit vkQueueWaitIdle

    vkAllocateMemory vkFreeMemory vkMapMemory vkUnmapMemory
    vkFlushMappedMemoryRanges vkInvalidateMappedMemoryRanges
    vkGetMemoryFdKHR vkGetMemoryFdPropertiesKHR vkGetMemoryHostPointerPropertiesEXT
    vkCreateBuffer vkDestroyBuffer vkGetBufferMemoryRequirements vkBindBufferMemory

    vkCreateSemaphore vkDestroySemaphore vkGetSemaphoreCounterValue vkWaitSemaphores
    vkSignalSemaphore vkGetSemaphoreFdKHR vkImportSemaphoreFdKHR
    vkCreateEvent vkDestroyEvent

    vkCreateCommandPool vkDestroyCommandPool vkResetCommandPool
    vkAllocateCommandBuffers vkFreeCommandBuffers
    vkBeginCommandBuffer vkEndCommandBuffer vkResetCommandBuffer
    vkCmdFillBuffer vkCmdUpdateBuffer vkCmdCopyBuffer vkCmdPipelineBarrier
    vkCmdSetEvent vkCmdResetEvent vkCmdWaitEvents
    vkCmdBindPipeline vkCmdBindDescriptorSets vkCmdPushConstants
    vkCmdDispatch vkCmdDispatchIndirect

    vkCreateShaderModule vkDestroyShaderModule
    vkCreateDescriptorSetLayout vkDestroyDescriptorSetLayout
    vkCreateDescriptorPool vkDestroyDescriptorPool vkResetDescriptorPool
    vkAllocateDescriptorSets vkFreeDescriptorSets vkUpdateDescriptorSets
    vkCreatePipelineLayout vkDestroyPipelineLayout
    vkCreateComputePipelines vkDestroyPipeline
""")

STRUCTS = _words("""
    VkValidationFeaturesEXT

    VkPhysicalDeviceIDProperties VkPhysicalDeviceDriverProperties
    VkPhysicalDeviceVulkan12Properties VkPhysicalDeviceTimelineSemaphoreProperties
    VkPhysicalDeviceMaintenance3Properties VkPhysicalDeviceExternalMemoryHostPropertiesEXT
    VkPhysicalDevicePCIBusInfoPropertiesEXT
    VkPhysicalDeviceVulkan11Features VkPhysicalDeviceVulkan12Features
    VkPhysicalDeviceVulkan13Features VkPhysicalDeviceTimelineSemaphoreFeatures

    VkExternalMemoryBufferCreateInfo VkExportMemoryAllocateInfo VkImportMemoryFdInfoKHR
    VkImportMemoryHostPointerInfoEXT VkMemoryDedicatedAllocateInfo

    VkSemaphoreTypeCreateInfo VkTimelineSemaphoreSubmitInfo VkExportSemaphoreCreateInfo
""")
"""Those that no command names: they go into a chain, by pNext."""

ENUMS = _words("""
    VkPhysicalDeviceType VkQueueFlagBits VkSharingMode
    VkMemoryPropertyFlagBits VkMemoryHeapFlagBits VkBufferUsageFlagBits
    VkExternalMemoryHandleTypeFlagBits VkExternalMemoryFeatureFlagBits
    VkSemaphoreType VkSemaphoreWaitFlagBits VkSemaphoreImportFlagBits
    VkExternalSemaphoreHandleTypeFlagBits VkExternalSemaphoreFeatureFlagBits
    VkCommandPoolCreateFlagBits VkCommandBufferLevel VkCommandBufferUsageFlagBits
    VkPipelineStageFlagBits VkAccessFlagBits
    VkDescriptorType VkDescriptorPoolCreateFlagBits VkPipelineBindPoint VkShaderStageFlagBits
    VkDebugUtilsMessageSeverityFlagBitsEXT VkDebugUtilsMessageTypeFlagBitsEXT
    VkValidationFeatureEnableEXT
""")
"""Those whose values are given, besides VkResult, VkStructureType and VkDriverId."""

ONLY = {
    "VkDescriptorType": "VK_DESCRIPTOR_TYPE_STORAGE_BUFFER",
    "VkShaderStageFlagBits": "VK_SHADER_STAGE_COMPUTE_BIT",
}
"""The one value of an enum that compute with storage buffers uses."""

NUMBERS = _words("""
    VK_FALSE VK_TRUE VK_WHOLE_SIZE VK_QUEUE_FAMILY_IGNORED VK_QUEUE_FAMILY_EXTERNAL
    VK_UUID_SIZE VK_LUID_SIZE
    VK_MAX_PHYSICAL_DEVICE_NAME_SIZE VK_MAX_EXTENSION_NAME_SIZE VK_MAX_DESCRIPTION_SIZE
    VK_MAX_DRIVER_NAME_SIZE VK_MAX_DRIVER_INFO_SIZE VK_MAX_MEMORY_TYPES VK_MAX_MEMORY_HEAPS
""")

NUMBER_TYPES = {
    "VkBool32": "uint32_t",
    "VkDeviceSize": "uint64_t",
    "VkFlags": "uint32_t",
    "VkFlags64": "uint64_t",
}
"""Vulkan's own names of C types (Vulkan 1.3, chapter 3)."""

C_TYPES = _words("void char float int size_t int32_t uint8_t uint16_t uint32_t uint64_t")


class Declarations:
    """The commands and structs, and what they need, in C."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry
        self._seen = {*C_TYPES, *NUMBER_TYPES, "PFN_vkVoidFunction"}
        self._handles: list[str] = []
        self._numbers: list[str] = []
        self._callbacks: list[str] = []
        self.structs: list[Any] = []
        """Each after those that it holds."""
        for name in COMMANDS:
            command = registry.commands[name]
            self._need(command.returnType)
            for parameter in command.params:
                self._need(parameter.type)
        for name in STRUCTS:
            self._need(name)

    def text(self) -> str:
        return "\n".join((*self._types(), *self._bodies(), *self._commands(), ""))

    def _need(self, name: str) -> None:
        """Takes a type, once, and those that it is made of. Raises KeyError for an unknown one."""
        if name in self._seen:
            return
        self._seen.add(name)
        registry = self._registry
        if name in registry.handles:
            self._handles.append(f"typedef struct {name}_T *{name};")
        elif name in registry.enums:
            self._numbers.append(f"typedef int32_t {name};")
        elif name in registry.bitmasks or name in registry.flags:
            of_bits = registry.bitmasks.get(name) or registry.flags[name]
            self._numbers.append(f"typedef uint{of_bits.bitWidth}_t {name};")
        elif name in registry.funcPointers:
            callback = registry.funcPointers[name]
            for parameter in callback.params:
                self._need(parameter.type)
            self._callbacks.append(_pointer(callback))
        else:
            struct = registry.structs[name]
            for member in struct.members:
                self._need(member.type)
            self.structs.append(struct)

    def _types(self) -> Iterator[str]:
        yield from (f"typedef {type} {name};" for name, type in NUMBER_TYPES.items())
        yield from sorted(self._numbers)
        yield from sorted(self._handles)
        yield from (f"typedef {_kind(each)} {each.name} {each.name};" for each in self.structs)
        yield "typedef void (*PFN_vkVoidFunction)(void);"
        yield from self._callbacks

    def _bodies(self) -> Iterator[str]:
        for struct in self.structs:
            members = " ".join(f"{self._sized(each.cDeclaration)};" for each in struct.members)
            yield f"{_kind(struct)} {struct.name} {{ {members} }};"

    def _sized(self, member: str) -> str:
        """A member, with its array's size as a number."""
        constants = self._registry.constants
        return re.sub(r"\[(VK_\w+)\]", lambda size: f"[{constants[size[1]].value}]", member.strip())

    def _commands(self) -> Iterator[str]:
        """A pointer type for each, and a function for those that the loader exports."""
        for name in COMMANDS:
            command = self._registry.commands[name]
            yield _pointer(command)
            if any(map(_is_version, command.definingRequirements)):
                yield re.sub(r"VKAPI_ATTR |VKAPI_CALL ", "", command.cPrototype)


def _kind(struct: Any) -> str:
    return "union" if struct.union else "struct"


def _pointer(function: Any) -> str:
    """The declaration of its pointer type, PFN_..."""
    declaration: str = function.cFunctionPointer
    return declaration.replace("VKAPI_PTR ", "")


def generated() -> dict[str, str]:
    """The generated files: name and text. The same registry and cffi give the same text."""
    registry = get_vulkan_object()
    declarations = Declarations(registry)
    return {
        "constants.py": _header(registry, "values and names") + _constants(registry, declarations),
        "declarations.py": _header(registry, "types and commands") + _module(declarations),
    }


def _header(registry: Any, what: str) -> str:
    source = f"Vulkan's registry, header version {registry.headerVersionComplete}"
    return f'"""Generated by ``{COMMAND}``\nfrom {source}: {what}."""\n\n'


def _module(declarations: Declarations) -> str:
    """What cffi makes of them."""
    ffi = FFI()
    ffi.cdef(declarations.text())
    ffi.set_source(MODULE, None, compiler_verbose=0)
    text = io.StringIO()
    ffi.emit_python_code(text)
    return text.getvalue()


def _constants(registry: Any, declarations: Declarations) -> str:
    """One section for each kind, parted by empty lines."""
    sections = [
        [_number(name, registry.constants[name].value) for name in NUMBERS],
        [_version(registry.versions[name]) for name in VERSIONS],
        [
            f'{extension.nameString} = "{extension.name}"'
            for extension in (registry.extensions[name] for name in EXTENSIONS)
        ],
    ]
    for name in ENUMS:
        sections.append([_number(each.name, each.value) for each in _values(registry, name)])
    results = _by_value(registry.enums["VkResult"].fields)
    sections += [
        [_number(each.name, each.value) for each in results],
        _names("RESULTS", results),
        _names("DRIVER_IDS", _by_value(registry.enums["VkDriverId"].fields)),
        _structure_types(registry, declarations),
    ]
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _values(registry: Any, name: str) -> list[Any]:
    """The values of an enum or bits that are given."""
    if name in registry.enums:
        values = registry.enums[name].fields
    else:
        values = registry.bitmasks[name].flags
    if name in ONLY:
        return [each for each in values if each.name == ONLY[name]]
    return _by_value(each for each in values if _is_given(each))


def _by_value(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda each: each.value)


def _is_given(value: Any) -> bool:
    """Whether it is as old as its enum, of a later version of Vulkan, or of a listed extension."""
    origins = value.definingRequirements
    return not origins or any(_is_version(each) or each in EXTENSIONS for each in origins)


def _is_version(origin: str) -> bool:
    return origin.startswith("VK_VERSION_")


def _number(name: str, value: int) -> str:
    return f"{name} = {value}"


def _version(version: Any) -> str:
    """VK_MAKE_API_VERSION(0, major, minor, 0)."""
    major, minor = map(int, version.name.split("_")[-2:])
    return _number(version.nameApi, major << 22 | minor << 12)


def _names(table: str, values: list[Any]) -> list[str]:
    rows = (f'    {each.value}: "{each.name}",' for each in values)
    return [f"{table}: dict[int, str] = {{", *rows, "}"]


def _structure_types(registry: Any, declarations: Declarations) -> list[str]:
    types = {each.name: each.value for each in registry.enums["VkStructureType"].fields}
    rows = (
        f'    "{each.name}": {types[each.sType]},'
        for each in sorted(declarations.structs)
        if each.sType is not None
    )
    return ["STRUCTURE_TYPES: dict[str, int] = {", *rows, "}"]


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
