"""GPUs, and software implementations, through the Vulkan loader.

Everything goes through `native`, which is cffi over declarations that were generated from Vulkan's
registry (`api`). A `PhysicalDevice` has what an implementation answers of itself, a `VulkanDevice`
is a VkDevice on it. Its `queue` says how submissions that wait are held back, and what becomes of
objects that are given up while they are used.
"""

from .driver import VulkanDriver

__all__ = ["VulkanDriver"]
