"""NVIDIA GPUs through the CUDA driver API."""

from .driver import CudaDriver

__all__ = ["CudaDriver"]
