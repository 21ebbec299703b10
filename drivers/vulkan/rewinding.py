"""The loss of a device, on purpose: a timeline that is signalled backwards loses it on lavapipe."""

from __future__ import annotations

from cts.hal import Device, HalError, StatusCode

from .._common.arguments import refusal
from .device import VulkanDevice
from .native import NULL, struct
from .queue import new_timeline

LOST_BY_IT = "lavapipe"
"""The implementation whose device is lost by it; SwiftShader's keeps the payload that it has."""
VUID = "VUID-VkSemaphoreSignalInfo-value-03258"
"""What the validation layer says to it."""


def lose(device: Device) -> None:
    """Loses a device. Raises UNIMPLEMENTED where the implementation keeps it."""
    operation = "Driver.provoke_loss"
    if not isinstance(device, VulkanDevice):
        raise refusal(operation, f"device is {device!r}: it is one of vulkan")
    device._check_usable(operation)
    native = device.native
    line = new_timeline(native, operation, 2)
    info = struct("VkSemaphoreSignalInfo", semaphore=line, value=1)
    try:
        with device.instance.expecting(VUID):
            result = native.loader.vkSignalSemaphore(native.handle, info)
        native.check(operation, "vkSignalSemaphore", result)
    except HalError as error:
        if error.native_code != "VK_ERROR_DEVICE_LOST":
            raise
    else:
        raise HalError(StatusCode.UNIMPLEMENTED, operation, "the implementation keeps its device")
    finally:
        native.loader.vkDestroySemaphore(native.handle, line, NULL)
