"""Devices over a native queue that must not be given what waits for the host."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

from . import deferral
from .arguments import as_int, refusal
from .deferral import Deferral
from .device import QueueDevice
from .operation import Operation
from .promised_semaphore import PromisedSemaphore
from .work import Work, WorkMaker

W = TypeVar("W", bound=Work)
S = TypeVar("S", bound=PromisedSemaphore)


class DeferringDevice(QueueDevice[W, S], Generic[W, S]):
    """A device that holds operations back until all that they wait for is promised.

    Attributes
    ----------
    deferral : what is held back; `deferral.lock` is held for all that is native.
    semaphore_limits : the largest payload, and the largest step of one, if there is such a limit.
    """

    deferral: Deferral
    semaphore_limits: tuple[int, int | None]

    def __init__(self, identifier: str, domain: str, maker: WorkMaker[W]) -> None:
        super().__init__(identifier, domain, maker)

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether its native queue has ended."""

    @abstractmethod
    def tidy(self) -> None:
        """Ends what was to end after work that is done by now."""

    @abstractmethod
    def carry_out(self, operation: Operation[W, S]) -> None:
        """Gives an operation to the native queue, with the lock held and all waits promised.

        Raises where that fails, with the signals as they were.
        """

    def _submit(self, operation: Operation[W, S]) -> None:
        deferral.submit(self, operation)

    def _initial_payload(self, operation: str, value: int) -> int:
        """A payload that a semaphore may begin with. Raises INVALID_ARGUMENT for another."""
        value, largest = as_int(operation, "initial_value", value), self.semaphore_limits[0]
        if not 0 <= value <= largest:
            raise refusal(operation, f"initial_value is {value}: it is 0 to {largest}")
        return value
