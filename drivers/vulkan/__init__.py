"""GPUs, and software implementations, through the Vulkan loader."""

from .driver import VulkanDriver

__all__ = ["VulkanDriver"]
