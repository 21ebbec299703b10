"""Programs: compiled code of a runtime that works on several devices by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from .resource import Resource


class Program(Resource, ABC):
    """A program over the devices of a module, all of which it keeps alive.

    It transfers, computes and waits as the runtime's compiler has laid it down; nothing of that is
    seen from outside but its result.
    """

    _teardown_rank: ClassVar[int] = 0

    @abstractmethod
    def run(self, data: bytes) -> bytes:
        """The result for `data`, once it is there."""
