"""Apple GPUs through Metal."""

from .driver import MetalDriver

__all__ = ["MetalDriver"]
