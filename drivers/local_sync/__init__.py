"""Host memory, with all work done on the caller's thread before a queue operation returns."""

from .driver import LocalSyncDriver

__all__ = ["LocalSyncDriver"]
