"""IREE's own drivers through the iree-base-runtime wheel, one entry point for each of them."""

from .driver import (
    IreeCudaDriver,
    IreeHipDriver,
    IreeLocalSyncDriver,
    IreeLocalTaskDriver,
    IreeVulkanDriver,
)

__all__ = [
    "IreeCudaDriver",
    "IreeHipDriver",
    "IreeLocalSyncDriver",
    "IreeLocalTaskDriver",
    "IreeVulkanDriver",
]
