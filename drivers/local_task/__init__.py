"""Host memory, with work done by a pool of workers."""

from .driver import LocalTaskDriver

__all__ = ["LocalTaskDriver"]
