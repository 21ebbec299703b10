"""Events: Vulkan's, and beside each whether it is signalled by then.

Vulkan's queue hangs where it waits for an event that nothing signals. So what an execution does to
events is followed before it is submitted (`apply`), in the order in which the queue will do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cts.hal import Event

from .native import NULL, struct

if TYPE_CHECKING:
    from .device import VulkanDevice


class VulkanEvent(Event):
    """An event that is not signalled at first.

    Attributes
    ----------
    handle : the VkEvent.
    is_signalled : whether it is, after all that was submitted natively.
    last_use : the number of the last submission that uses it.
    """

    def __init__(self, device: VulkanDevice) -> None:
        super().__init__(device)
        self._queue = device.queue
        self._native = native = device.native
        info = struct("VkEventCreateInfo")
        self.handle = native.make("Device.create_event", "vkCreateEvent", "VkEvent", info)
        self.is_signalled = False
        self.last_use = 0

    def _free(self) -> None:
        native, handle = self._native, self.handle
        end = native.loader.vkDestroyEvent
        self._queue.end_after(self.last_use, lambda: end(native.handle, handle, NULL))
