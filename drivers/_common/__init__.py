"""What drivers that check their arguments themselves have in common.

A device of theirs (`QueueDevice`) looks at every argument of a call, refuses it or makes checked
work of it, and submits that with its checked wait and signal lists as one `Operation`. What work is
made of, and when it is carried out, is each driver's own.
"""

from .command_buffer import CheckedCommandBuffer
from .device import QueueDevice
from .operation import Operation
from .work import Dispatch, Region, WorkMaker

__all__ = [
    "CheckedCommandBuffer",
    "Dispatch",
    "Operation",
    "QueueDevice",
    "Region",
    "WorkMaker",
]
