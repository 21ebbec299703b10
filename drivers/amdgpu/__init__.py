"""AMD GPUs through the HSA runtime."""

from .driver import AmdgpuDriver

__all__ = ["AmdgpuDriver"]
