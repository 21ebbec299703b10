"""Devices whose loss goes wrong."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

from cts.hal import HalError, StatusCode

from .changes import (
    buffer_class,
    change,
    device_class,
    driver_class,
    semaphore_class,
)
from .registry import DEFAULT_DRIVER, mutant


def loss_class(driver: str = DEFAULT_DRIVER) -> Any:
    """The class of a device's state of loss."""
    with driver_class(driver)() as found, found.create_device() as device:
        return type(device.loss)


def change_failure(changed: Callable[[Any, HalError], HalError]) -> None:
    """A lost device ends everything with `changed(loss, error)`."""
    change(
        loss_class(),
        "_failure",
        lambda good, self, operation: changed(self, good(self, operation)),
    )


def ignore_loss(*operations: str) -> None:
    """Operations go on, on a lost device, as if it was none."""

    def check(good: Any, self: Any, operation: str) -> None:
        if operation not in operations:
            good(self, operation)

    change(loss_class(), "check", check)


def tell_semaphores_alone(driver: str) -> None:
    """Only semaphores are told of a loss."""
    semaphore = semaphore_class(driver)

    def tell(good: Any, self: Any, losable: Any) -> None:
        if isinstance(losable, semaphore):
            good(self, losable)

    change(loss_class(driver), "tell", tell)


# -- the code ---------------------------------------------------------------------------------


@mutant("LIF-14")
def loss_is_internal() -> None:
    """What is lost ends as INTERNAL."""
    change_failure(lambda self, error: HalError(StatusCode.INTERNAL, error.operation, error.detail))


@mutant("LIF-14")
def loss_is_told_once() -> None:
    """A lost device says so once, and is destroyed from then on."""
    told: set[int] = set()

    def once(self: Any, operation: str) -> None:
        if self._is_lost and id(self) in told:
            raise HalError(StatusCode.FAILED_PRECONDITION, operation, "it is gone")
        if self._is_lost:
            told.add(id(self))
            raise self._failure(operation)

    change(loss_class(), "check", lambda good, self, operation: once(self, operation))


@mutant("LIF-14")
def loss_is_forgotten() -> None:
    """A device recovers once it was asked for something."""
    checks = itertools.count(1)

    def check(good: Any, self: Any, operation: str) -> None:
        try:
            good(self, operation)
        finally:
            self._is_lost = self._is_lost and next(checks) % 2 == 0

    change(loss_class(), "check", check)


@mutant("LIF-14")
def loss_does_not_come() -> None:
    """A device that is to be lost goes on."""
    change(driver_class(), "provoke_loss", lambda good, self, device: None)


# -- what is pending --------------------------------------------------------------------------


@mutant("LIF-14", driver="local-task")
def loss_leaves_submissions_waiting() -> None:
    """What a lost device waits for of another device is waited for on."""
    tell_semaphores_alone("local-task")


@mutant("LIF-14")
def loss_leaves_callers_blocked() -> None:
    """A caller that waits for another device's semaphore is not told of the loss."""
    tell_semaphores_alone(DEFAULT_DRIVER)


@mutant("LIF-14")
def loss_leaves_semaphores_alone() -> None:
    """Semaphores of a lost device go on, and nobody wakes."""
    change(semaphore_class(), "lose", lambda good, self, failure: _unless_lost(good, self, failure))


def _unless_lost(good: Any, self: Any, failure: HalError) -> None:
    if not self.device.loss._is_lost:
        good(self, failure)


@mutant("LIF-14", driver="local-task")
def loss_fails_waiters_later() -> None:
    """Semaphores of a lost device fail without waking who waits."""

    def lose(good: Any, self: Any, failure: HalError) -> None:
        if self.device.loss._is_lost:
            self.timeline._failure = self.timeline._failure or failure
        else:
            good(self, failure)

    change(semaphore_class("local-task"), "lose", lose)


@mutant("LIF-14", driver="local-task")
def loss_lets_running_work_signal() -> None:
    """Work that was under way signals what another device made."""

    def check(good: Any, self: Any, operation: str) -> None:
        if operation != "Device.queue_host_call":
            good(self, operation)

    change(loss_class("local-task"), "check", check)


# -- what comes later -------------------------------------------------------------------------


@mutant("LIF-14")
def lost_device_takes_work() -> None:
    """A lost device carries out barriers."""
    ignore_loss("Device.queue_barrier")


@mutant("LIF-14")
def lost_device_makes_objects() -> None:
    """A lost device makes command buffers and events."""
    ignore_loss("Device.create_command_buffer", "Device.create_event")


@mutant("LIF-14")
def lost_device_prepares_executables() -> None:
    """A lost device prepares executables."""
    ignore_loss("Device.create_executable")


@mutant("LIF-14")
def lost_device_allocates() -> None:
    """A lost device allocates."""
    ignore_loss("Allocator.allocate")


@mutant("LIF-14")
def lost_buffers_read_zeros() -> None:
    """A buffer of a lost device reads as zeros."""

    def read(good: Any, self: Any, *asked: Any) -> Any:
        return bytes(self.byte_length) if self.device.loss._is_lost else good(self, *asked)

    change(buffer_class(), "read", read)


@mutant("LIF-14")
def lost_buffers_are_written() -> None:
    """What is written to a buffer of a lost device is dropped."""

    def write(good: Any, self: Any, *given: Any) -> None:
        if not self.device.loss._is_lost:
            good(self, *given)

    change(buffer_class(), "write", write)


@mutant("LIF-14")
def lost_command_buffers_record() -> None:
    """A command buffer of a lost device records on."""
    ignore_loss(*(f"CommandBuffer.{name}" for name in ("begin", "end", "fill", "barrier")))


# -- what stays -------------------------------------------------------------------------------


@mutant("LIF-14")
def loss_ends_topology_info() -> None:
    """A lost device has no topology info any more."""
    change(
        device_class(),
        "topology_info",
        lambda good, self: None if self.loss._is_lost else good(self),
    )


@mutant("LIF-14")
def lost_capabilities_refuse() -> None:
    """The capabilities of a lost device cannot be asked for."""

    def query(good: Any, self: Any) -> Any:
        self.loss.check("Device.query_capabilities")
        return good(self)

    change(device_class(), "query_capabilities", query)


@mutant("LIF-14")
def loss_takes_the_group_along() -> None:
    """The loss of a device is that of all there are."""
    losses: list[Any] = []
    loss = loss_class()

    def lose(good: Any, self: Any, *given: Any) -> None:
        for other in losses:
            good(other, *given)

    def init(good: Any, self: Any, identifier: str) -> None:
        good(self, identifier)
        losses.append(self)

    change(loss, "lose", lose)
    change(loss, "__init__", init)


@mutant("LIF-14")
def loss_is_the_drivers() -> None:
    """Once a device was lost, new ones are, too."""
    loss = loss_class()
    lost: list[Any] = []

    def lose(good: Any, self: Any, *given: Any) -> None:
        good(self, *given)
        lost.append(self)

    def init(good: Any, self: Any, identifier: str) -> None:
        good(self, identifier)
        self._is_lost = bool(lost)

    change(loss, "lose", lose)
    change(loss, "__init__", init)


# -- the end ----------------------------------------------------------------------------------


@mutant("LIF-14")
def lost_device_cannot_leave_its_group() -> None:
    """A lost device cannot give up its topology info."""

    def assign(good: Any, self: Any, info: Any) -> None:
        if info is None:
            self.loss.check("Device.assign_topology_info")
        good(self, info)

    change(device_class(), "assign_topology_info", assign)


@mutant("LIF-14")
def lost_objects_cannot_be_released() -> None:
    """The native side of a lost device's buffer is not given back."""

    def free(good: Any, self: Any) -> None:
        self.device.loss.check("Buffer.release")
        good(self)

    change(buffer_class(), "_free", free)


@mutant("LIF-14", driver="local-task")
def lost_device_is_waited_for() -> None:
    """The end of a lost device waits for work that does not come."""

    def destroy(good: Any, self: Any) -> None:
        while self.loss._is_lost:
            time.sleep(1)
        good(self)

    change(device_class("local-task"), "_destroy", destroy)
