"""Temporary: the drivers by name."""

from __future__ import annotations

from .._availability import FindingDriver, has_package


class _IreeDriver(FindingDriver):
    def missing(self) -> str | None:
        if not has_package("iree.runtime"):
            return "IREE's runtime is not installed: pip install 'hal-cts[iree]'"
        return None


class IreeLocalSyncDriver(_IreeDriver):
    name = "iree-local-sync"


class IreeLocalTaskDriver(_IreeDriver):
    name = "iree-local-task"


class IreeVulkanDriver(_IreeDriver):
    name = "iree-vulkan"


class IreeCudaDriver(_IreeDriver):
    name = "iree-cuda"


class IreeHipDriver(_IreeDriver):
    name = "iree-hip"
