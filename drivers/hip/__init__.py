"""AMD GPUs through HIP."""

from .driver import HipDriver

__all__ = ["HipDriver"]
