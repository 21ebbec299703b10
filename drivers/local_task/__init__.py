"""Host memory, with work done by a pool of worker threads that all devices share.

A submission may come before the signals that it waits for, and from any thread; unchained work
overtakes other work. Memory is shared with other processes as memfd and POSIX shared memory.
"""

from .driver import LocalTaskDriver

__all__ = ["LocalTaskDriver"]
