"""Looks for the Vulkan loader and for a physical device behind it."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_uint32, c_void_p

from .._availability import FindingDriver, load_library, native_failure

INSTALL_LOADER = "install it (on Debian: apt install libvulkan1)"
INSTALL_DEVICE = "install a GPU's Vulkan driver, or a software one (mesa-vulkan-drivers)"

# VkResult: no installed driver can make an instance.
VK_ERROR_INCOMPATIBLE_DRIVER = -9
VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO = 1


class _InstanceCreateInfo(ctypes.Structure):
    """VkInstanceCreateInfo (Vulkan 1.0, section 4.2)."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("flags", c_uint32),
        ("pApplicationInfo", c_void_p),
        ("enabledLayerCount", c_uint32),
        ("ppEnabledLayerNames", ctypes.POINTER(c_char_p)),
        ("enabledExtensionCount", c_uint32),
        ("ppEnabledExtensionNames", ctypes.POINTER(c_char_p)),
    )


class VulkanDriver(FindingDriver):
    """Tells whether there is a Vulkan device here."""

    name = "vulkan"

    def missing(self) -> str | None:
        vulkan = load_library("libvulkan.so.1", "vulkan-1.dll", "libvulkan.1.dylib")
        if vulkan is None:
            return f"no Vulkan loader: libvulkan.so.1 cannot be loaded; {INSTALL_LOADER}"
        instance = c_void_p()
        info = _InstanceCreateInfo(sType=VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO)
        code = vulkan.vkCreateInstance(byref(info), None, byref(instance))
        if code == VK_ERROR_INCOMPATIBLE_DRIVER:
            return f"no Vulkan driver: the loader finds none; {INSTALL_DEVICE}"
        if code:
            raise native_failure(self, "vkCreateInstance", code)
        count = c_uint32(0)
        code = vulkan.vkEnumeratePhysicalDevices(instance, byref(count), None)
        vulkan.vkDestroyInstance(instance, None)
        if code:
            raise native_failure(self, "vkEnumeratePhysicalDevices", code)
        return None if count.value else f"no Vulkan device: there is none; {INSTALL_DEVICE}"
