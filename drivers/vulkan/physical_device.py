"""Physical devices: what an implementation answers about one, and what of it the contract asks."""

from __future__ import annotations

import mmap
import re
from functools import cached_property
from typing import Any

from cts.hal import DeviceCapabilities, DeviceCapability, DeviceInfo, HandleType

from .._common import pci
from . import native
from .api import constants as vk
from .api.declarations import ffi
from .native import Handle, Loader, struct

OLDEST = (1, 2)
"""Vulkan's version that has timeline semaphores in its core."""

SHORT_NAMES = {
    "VK_DRIVER_ID_MESA_LLVMPIPE": "lavapipe",
    "VK_DRIVER_ID_GOOGLE_SWIFTSHADER": "SwiftShader",
    "VK_DRIVER_ID_NVIDIA_PROPRIETARY": "NVIDIA",
    "VK_DRIVER_ID_MESA_RADV": "RADV",
    "VK_DRIVER_ID_AMD_PROPRIETARY": "AMD",
    "VK_DRIVER_ID_AMD_OPEN_SOURCE": "AMDVLK",
    "VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA": "ANV",
    "VK_DRIVER_ID_MOLTENVK": "MoltenVK",
}
"""What people call an implementation; its own name is often the device's."""

BUFFER_USAGE = (
    vk.VK_BUFFER_USAGE_TRANSFER_SRC_BIT
    | vk.VK_BUFFER_USAGE_TRANSFER_DST_BIT
    | vk.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT
    | vk.VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT
)
"""Of every buffer: what a buffer may be used for is checked by the device, not by the memory."""

OPAQUE_FD = vk.VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
HOST_ALLOCATION = vk.VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT
EXPORTABLE = vk.VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT
IMPORTABLE = vk.VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT

EXTENSIONS = (
    vk.VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
    vk.VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
    vk.VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME,
)
"""Enabled where they are there."""


class PhysicalDeviceUnfit(Exception):  # a fact, which no user sees as an error
    """A physical device that cannot be driven, and why."""


class PhysicalDevice:
    """What an implementation answers about a physical device, asked once.

    Parameters
    ----------
    handle : the VkPhysicalDevice.

    Raises PhysicalDeviceUnfit where its version is too old, or it has no timeline semaphores.
    """

    def __init__(self, loader: Loader, handle: Handle) -> None:
        self._loader = loader
        self.handle = handle
        self._ask_properties()
        self.api_version = native.version_of(self.properties.apiVersion)
        if self.api_version[:2] < OLDEST:
            found, least = (".".join(map(str, v)) for v in (self.api_version, OLDEST))
            raise PhysicalDeviceUnfit(f"{self.name} is of Vulkan {found}: {least} is needed")
        self._ask_features()
        if not self.features_12.timelineSemaphore:
            raise PhysicalDeviceUnfit(f"{self.name} has no timeline semaphores")
        self.queue_family = self._compute_family()

    # -- answers ----------------------------------------------------------------------

    def _ask_properties(self) -> None:
        self.host_memory = struct("VkPhysicalDeviceExternalMemoryHostPropertiesEXT")
        self.pci = struct("VkPhysicalDevicePCIBusInfoPropertiesEXT")
        self.maintenance = struct("VkPhysicalDeviceMaintenance3Properties")
        self.timeline = struct("VkPhysicalDeviceTimelineSemaphoreProperties")
        self.driver = struct("VkPhysicalDeviceDriverProperties")
        self.ids = struct("VkPhysicalDeviceIDProperties")
        chain = [self.maintenance, self.timeline, self.driver, self.ids]
        if vk.VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME in self.extensions:
            chain.append(self.host_memory)
        if vk.VK_EXT_PCI_BUS_INFO_EXTENSION_NAME in self.extensions:
            chain.append(self.pci)
        self._properties_asked = asked = _chained("VkPhysicalDeviceProperties2", *chain)
        self._loader.vkGetPhysicalDeviceProperties2(self.handle, asked)
        self.properties = asked.properties  # which lives no longer than what it is in
        self.limits = self.properties.limits
        self.name = native.text(self.properties.deviceName)

    def _ask_features(self) -> None:
        self.features_12 = struct("VkPhysicalDeviceVulkan12Features")
        self.features_11 = struct("VkPhysicalDeviceVulkan11Features")
        asked = _chained("VkPhysicalDeviceFeatures2", self.features_11, self.features_12)
        self._loader.vkGetPhysicalDeviceFeatures2(self.handle, asked)
        self.features = asked.features
        self._features_asked = asked

    @cached_property
    def extensions(self) -> frozenset[str]:
        """Names of its device extensions."""
        call = "vkEnumerateDeviceExtensionProperties"
        found = self._loader.enumerate(
            "Driver.enumerate", call, "VkExtensionProperties", self.handle, native.NULL
        )
        return frozenset(native.text(extension.extensionName) for extension in found)

    @property
    def enabled_extensions(self) -> list[str]:
        """Those that a device is made with."""
        return [name for name in EXTENSIONS if name in self.extensions]

    def _compute_family(self) -> int:
        """The queue family to be used: one that computes, and so transfers."""
        count = ffi.new("uint32_t *")
        ask = self._loader.vkGetPhysicalDeviceQueueFamilyProperties2
        ask(self.handle, count, native.NULL)
        families = ffi.new("VkQueueFamilyProperties2[]", count[0])
        for family in families:
            family.sType = vk.STRUCTURE_TYPES["VkQueueFamilyProperties2"]
        ask(self.handle, count, families)
        for index, family in enumerate(families):
            properties = family.queueFamilyProperties
            if properties.queueFlags & vk.VK_QUEUE_COMPUTE_BIT and properties.queueCount:
                return index
        raise PhysicalDeviceUnfit(f"{self.name} has no queue that computes")

    @cached_property
    def memory(self) -> Any:
        """VkPhysicalDeviceMemoryProperties."""
        self._memory_asked = struct("VkPhysicalDeviceMemoryProperties2")
        self._loader.vkGetPhysicalDeviceMemoryProperties2(self.handle, self._memory_asked)
        return self._memory_asked.memoryProperties

    @cached_property
    def memory_types(self) -> list[int]:
        """The property flags of each memory type."""
        return [
            self.memory.memoryTypes[n].propertyFlags for n in range(self.memory.memoryTypeCount)
        ]

    def heap_size(self, memory_type: int) -> int:
        """Bytes of the heap behind a memory type."""
        heap = self.memory.memoryTypes[memory_type].heapIndex
        return int(self.memory.memoryHeaps[heap].size)

    def external_memory(self, handle_type: int) -> int:
        """VkExternalMemoryFeatureFlags of buffers and one type of handle."""
        asked = struct(
            "VkPhysicalDeviceExternalBufferInfo", usage=BUFFER_USAGE, handleType=handle_type
        )
        answer = struct("VkExternalBufferProperties")
        self._loader.vkGetPhysicalDeviceExternalBufferProperties(self.handle, asked, answer)
        return int(answer.externalMemoryProperties.externalMemoryFeatures)

    def external_semaphores(self, semaphore_type: int) -> int:
        """VkExternalSemaphoreFeatureFlags of one type of semaphores and opaque descriptors."""
        kind = struct("VkSemaphoreTypeCreateInfo", semaphoreType=semaphore_type)
        asked = struct(
            "VkPhysicalDeviceExternalSemaphoreInfo",
            pNext=kind,
            handleType=vk.VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT,
        )
        answer = struct("VkExternalSemaphoreProperties")
        self._loader.vkGetPhysicalDeviceExternalSemaphoreProperties(self.handle, asked, answer)
        return int(answer.externalSemaphoreFeatures)

    # -- what the contract asks -------------------------------------------------------

    @property
    def device_uuid(self) -> bytes | None:
        """16 bytes, or none where they are all zero."""
        found = bytes(self.ids.deviceUUID)
        return found if any(found) else None

    @property
    def driver_uuid(self) -> bytes:
        """16 bytes, equal where memory can be handed from one implementation to the other."""
        return bytes(self.ids.driverUUID)

    @property
    def implementation(self) -> str:
        """``lavapipe 22.3.6``: what is called, and its version."""
        name = native.text(self.driver.driverName)
        short = SHORT_NAMES.get(vk.DRIVER_IDS.get(self.driver.driverID, ""), name or self.name)
        version = re.search(r"\d+(\.\d+)+", native.text(self.driver.driverInfo))
        own = ".".join(map(str, native.version_of(self.properties.driverVersion)))
        return f"{short} {version[0] if version else own}"

    @property
    def pci_address(self) -> str | None:
        """``domain:bus:device.function`` where it is known."""
        if vk.VK_EXT_PCI_BUS_INFO_EXTENSION_NAME not in self.extensions:
            return None
        pci = self.pci
        return f"{pci.pciDomain:04x}:{pci.pciBus:02x}:{pci.pciDevice:02x}.{pci.pciFunction:x}"

    @property
    def info(self) -> DeviceInfo:
        """As the driver enumerates it."""
        is_software = self.properties.deviceType == vk.VK_PHYSICAL_DEVICE_TYPE_CPU
        identity = self.device_uuid.hex() if self.device_uuid else self.name
        return DeviceInfo(
            path=f"{self.implementation.partition(' ')[0].lower()}-{identity}",
            name=self.name,
            obtained_on="software" if is_software else "hardware",
            implementation=self.implementation,
        )

    @property
    def is_unified(self) -> bool:
        """Whether the host can see all of the device's own memory."""
        local, visible = (
            vk.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
            vk.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
        )
        heaps = range(self.memory.memoryHeapCount)
        all_local = all(
            self.memory.memoryHeaps[n].flags & vk.VK_MEMORY_HEAP_DEVICE_LOCAL_BIT for n in heaps
        )
        return all_local and any(flags & local and flags & visible for flags in self.memory_types)

    @property
    def is_host_coherent(self) -> bool:
        """Whether all memory that the host sees is coherent."""
        visible, coherent = (
            vk.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
            vk.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
        )
        return all(flags & coherent for flags in self.memory_types if flags & visible)

    @cached_property
    def max_allocation(self) -> int:
        """Bytes of the largest buffer."""
        visible = vk.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
        heaps = [self.heap_size(n) for n, f in enumerate(self.memory_types) if f & visible]
        return min(int(self.maintenance.maxMemoryAllocationSize), max(heaps))

    @property
    def import_alignment(self) -> int:
        """Bytes of which the host's memory that it imports is a multiple."""
        return max(int(self.host_memory.minImportedHostPointerAlignment), 1)

    @cached_property
    def handle_types(self) -> tuple[HandleType, HandleType]:
        """Of buffers: what is exported, and what is imported."""
        exported = imported = HandleType(0)
        if vk.VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME in self.extensions:
            features = self.external_memory(OPAQUE_FD)
            exported |= HandleType.OPAQUE_FD if features & EXPORTABLE else HandleType(0)
            imported |= HandleType.OPAQUE_FD if features & IMPORTABLE else HandleType(0)
        can_import = (
            vk.VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME in self.extensions
            and self.import_alignment <= mmap.PAGESIZE  # which is that of a mapping
        )
        if can_import and self.external_memory(HOST_ALLOCATION) & IMPORTABLE:
            exported |= HandleType.SHM
            imported |= HandleType.SHM
        return exported, imported

    @cached_property
    def semaphore_types(self) -> tuple[HandleType, HandleType]:
        """Of timeline semaphores: what is exported, and what is imported."""
        if vk.VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME not in self.extensions:
            return HandleType(0), HandleType(0)
        features = self.external_semaphores(vk.VK_SEMAPHORE_TYPE_TIMELINE)
        bits = (
            vk.VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT,
            vk.VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT,
        )
        exported, imported = (
            HandleType.OPAQUE_FD if features & bit else HandleType(0) for bit in bits
        )
        return exported, imported

    def capabilities(self, device: Handle) -> DeviceCapabilities:
        """Of a logical device on it; its handle is no other device's, as nothing is shared."""
        flags = DeviceCapability.TIMELINE_SEMAPHORES | DeviceCapability.CONCURRENT_SAFE
        if self.is_unified:
            flags |= DeviceCapability.UNIFIED_MEMORY
        if self.is_host_coherent:
            flags |= DeviceCapability.HOST_COHERENT
        if self.features_12.vulkanMemoryModel and self.features_12.vulkanMemoryModelDeviceScope:
            flags |= DeviceCapability.ATOMIC_SCOPE_DEVICE
        buffers, semaphores = self.handle_types, self.semaphore_types
        return DeviceCapabilities(
            flags=flags,
            semaphore_export_types=semaphores[0],
            semaphore_import_types=semaphores[1],
            buffer_export_types=buffers[0],
            buffer_import_types=buffers[1],
            numa_node=pci.numa_node(self.pci_address) or 0,
            physical_device_uuid=self.device_uuid,
            driver_device_handle=int(ffi.cast("uintptr_t", device)),
        )


def _chained(name: str, *structures: Any) -> Any:
    """A structure with others behind it in a chain."""
    following = None
    for structure in structures:
        if following is not None:
            structure.pNext = ffi.cast("void *", following)
        following = structure
    first = struct(name, pNext=following)
    native.keep(first, *structures)
    return first
