"""Memory of exactly maxMemoryAllocationSize is refused as if the device had not as much.

A fresh device refuses 1 GiB, which is what VkPhysicalDeviceMaintenance3Properties says that it can
allocate, and half of its heap; 16 bytes less are allocated.

Requirement: MEM-4 of docs/spec.md
Drivers:     SwiftShader
Severity:    wrong code
Seen with:   SwiftShader 5.0.0, of Chromium 150.0.7871.100
Cause:       src/Vulkan/VkDeviceMemory.cpp, DeviceMemory::allocate holds the size to the limit, and
             goes on to vk::allocateDeviceMemory, which gives none for the largest sizes.
"""

from __future__ import annotations

import os
import sys
import traceback
from ctypes import (
    CDLL,
    POINTER,
    Structure,
    addressof,
    byref,
    c_char_p,
    c_float,
    c_uint32,
    c_uint64,
    c_void_p,
    create_string_buffer,
    pointer,
)

DRIVERS = ("SwiftShader",)
SEVERITY = "wrong code"
REQUIREMENTS = ("MEM-4",)
SEEN_WITH = "SwiftShader 5.0.0, of Chromium 150.0.7871.100"

VK_API_VERSION_1_1 = 1 << 22 | 1 << 12
VK_ERROR_OUT_OF_DEVICE_MEMORY = -2
(INSTANCE, QUEUE, DEVICE, MEMORY) = (1, 2, 3, 5)
PROPERTIES_2, MAINTENANCE_3 = 1000059001, 1000168000
"""VkStructureType."""
NAME_AT, PROPERTIES_SIZE = 16 + 20, 1024
"""Of VkPhysicalDeviceProperties2: where deviceName is, and more bytes than there are."""


class ApplicationInfo(Structure):
    """VkApplicationInfo."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("pApplicationName", c_char_p),
        ("applicationVersion", c_uint32),
        ("pEngineName", c_char_p),
        ("engineVersion", c_uint32),
        ("apiVersion", c_uint32),
    )


class CreateInfo(Structure):
    """VkInstanceCreateInfo, as far as it is used."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("flags", c_uint32),
        ("pApplicationInfo", POINTER(ApplicationInfo)),
        ("names", c_uint64 * 4),
    )


class QueueInfo(Structure):
    """VkDeviceQueueCreateInfo."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("flags", c_uint32),
        ("queueFamilyIndex", c_uint32),
        ("queueCount", c_uint32),
        ("pQueuePriorities", POINTER(c_float)),
    )


class DeviceInfo(Structure):
    """VkDeviceCreateInfo, as far as it is used."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("flags", c_uint32),
        ("queueCreateInfoCount", c_uint32),
        ("pQueueCreateInfos", POINTER(QueueInfo)),
        ("names", c_uint64 * 5),
    )


class Maintenance3(Structure):
    """VkPhysicalDeviceMaintenance3Properties."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("maxPerSetDescriptors", c_uint32),
        ("maxMemoryAllocationSize", c_uint64),
    )


class AllocateInfo(Structure):
    """VkMemoryAllocateInfo."""

    _fields_ = (
        ("sType", c_uint32),
        ("pNext", c_void_p),
        ("allocationSize", c_uint64),
        ("memoryTypeIndex", c_uint32),
    )


def found(vk: CDLL, wanted: str) -> tuple[c_void_p, int]:
    """The first physical device of that name, and the size that it says it can allocate."""
    application = ApplicationInfo(apiVersion=VK_API_VERSION_1_1)
    info = CreateInfo(sType=INSTANCE, pApplicationInfo=pointer(application))
    instance = c_void_p()
    assert vk.vkCreateInstance(byref(info), None, byref(instance)) == 0, "no instance"
    count = c_uint32(16)
    devices = (c_void_p * count.value)()
    assert vk.vkEnumeratePhysicalDevices(instance, byref(count), devices) == 0, "no devices"
    for handle in devices[: count.value]:
        limits = Maintenance3(sType=MAINTENANCE_3)
        answer = create_string_buffer(PROPERTIES_SIZE)
        c_uint32.from_buffer(answer).value = PROPERTIES_2
        c_uint64.from_buffer(answer, 8).value = addressof(limits)
        vk.vkGetPhysicalDeviceProperties2(c_void_p(handle), answer)
        if wanted.encode() in answer.raw[NAME_AT : NAME_AT + 256].partition(b"\0")[0]:
            return c_void_p(handle), limits.maxMemoryAllocationSize
    raise LookupError(f"no device of {wanted}: VK_ADD_DRIVER_FILES names further drivers")


def pointer_of(structure: Structure) -> int:
    """Where a structure is."""
    from ctypes import addressof

    return addressof(structure)


def main(implementation: str) -> int:
    """The calls: 0 where they behave as the contract says, 1 where the fault is there."""
    vk = CDLL("libvulkan.so.1")
    physical, most = found(vk, implementation)
    priority = c_float(1.0)
    queue = QueueInfo(sType=QUEUE, queueCount=1, pQueuePriorities=pointer(priority))
    info = DeviceInfo(sType=DEVICE, queueCreateInfoCount=1, pQueueCreateInfos=pointer(queue))
    device = c_void_p()
    assert vk.vkCreateDevice(physical, byref(info), None, byref(device)) == 0, "no device"
    came = {}
    for size in (most, most - 16):
        request = AllocateInfo(sType=MEMORY, allocationSize=size)
        memory = c_void_p()
        came[size] = vk.vkAllocateMemory(device, byref(request), None, byref(memory))
        print(f"  vkAllocateMemory of {size} bytes, of {most} at most")
        print(f"    expected: VK_SUCCESS (0)\n    came:     {came[size]}", flush=True)
        if came[size] == 0:
            vk.vkFreeMemory(device, memory, None)
    assert came[most - 16] == 0, "less is refused as well: there is no memory"
    return int(came[most] == VK_ERROR_OUT_OF_DEVICE_MEMORY)


if __name__ == "__main__":
    status = 0
    for name in sys.argv[1:] or DRIVERS:
        print(f"{name}:", flush=True)
        try:
            status = max(status, main(name))
        except Exception:
            traceback.print_exc()
            status = 2
    os._exit(status)  # the tear-down is not what is shown here
