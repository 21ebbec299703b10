"""Events: Vulkan's, and beside each whether it is signalled by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._common.followed_event import FollowedEvent
from .native import NULL, struct

if TYPE_CHECKING:
    from .device import VulkanDevice


class VulkanEvent(FollowedEvent):
    """An event that is not signalled at first.

    Attributes
    ----------
    handle : the VkEvent.
    last_use : the number of the last submission that uses it.
    """

    def __init__(self, device: VulkanDevice) -> None:
        super().__init__(device)
        self._queue = device.queue
        self._native = native = device.native
        info = struct("VkEventCreateInfo")
        self.handle = native.make("Device.create_event", "vkCreateEvent", "VkEvent", info)
        self.last_use = 0

    def _free(self) -> None:
        native, handle = self._native, self.handle
        end = native.loader.vkDestroyEvent
        self._queue.end_after(self.last_use, lambda: end(native.handle, handle, NULL))
