"""Semaphores that are exported or imported wrongly."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from cts.hal import HalError, HandleType, Semaphore, StatusCode

from .changes import change, change_operations, device_class, semaphore_class
from .registry import mutant


def change_import(changed: Any) -> None:
    """Devices import semaphores by `changed`, which gets the handle and its kind."""
    change(device_class(), "import_semaphore", changed)


def payload_of(semaphore: Any) -> int:
    """The payload, or 0 of one that has failed."""
    try:
        payload: int = semaphore.query()
    except HalError:
        return 0
    return payload


# -- one timeline -----------------------------------------------------------------------------


@mutant("SEM-10")
def imported_semaphore_is_a_copy() -> None:
    """An import is a semaphore of its own with the payload of then."""

    def copy(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        good(self, handle, kind).release()
        return self.create_semaphore(payload_of(handle))

    change_import(copy)


@mutant("SEM-10")
def imports_follow_and_do_not_lead() -> None:
    """What is signalled on an import does not reach the exporter."""

    def follow(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        good(self, handle, kind).release()
        made = self.create_semaphore(payload_of(handle))

        def forward(failure: HalError | None) -> None:
            with suppress(HalError):
                if failure is not None:
                    made.lose(failure)
                    return
                made.signal(handle.query())
                handle.when_reached(handle.query() + 1, forward)

        handle.when_reached(payload_of(handle) + 1, forward)
        return made

    change_import(follow)


@mutant("SEM-10")
def imports_do_not_fail() -> None:
    """A failure stays with the semaphore that failed."""
    semaphore = semaphore_class()

    def fail(good: Any, self: Any, code: StatusCode, message: str = "") -> None:
        if self.timeline._semaphores == 1:
            good(self, code, message)

    change(semaphore, "fail", fail)


@mutant("SEM-10")
def shared_failure_is_unknown() -> None:
    """The failure of a shared timeline is UNKNOWN."""

    def fail(good: Any, self: Any, code: StatusCode, message: str = "") -> None:
        shared = self.timeline._semaphores > 1
        good(self, StatusCode.UNKNOWN if shared else code, message)

    change(semaphore_class(), "fail", fail)


@mutant("SEM-10")
def handle_is_imported_once() -> None:
    """A handle that is imported again gives a timeline of its own."""
    imported: set[int] = set()

    def once(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        made = good(self, handle, kind)
        if handle._serial not in imported:
            imported.add(handle._serial)
            return made
        made.release()
        return self.create_semaphore(payload_of(handle))

    change_import(once)


@mutant("SEM-10")
def all_imports_are_one() -> None:
    """Every import is over the timeline that was imported first."""
    first: list[Any] = []

    def share(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        made = good(self, handle, kind)
        if not first or first[0]._failure is not None or first[0]._semaphores == 0:
            first[:] = [made.timeline]
        made.release()
        return type(made)(self, first[0])

    change_import(share)


@mutant("SEM-10")
def queues_pass_imports_over() -> None:
    """A queue does not wait for what was imported."""
    imported: set[int] = set()

    def note(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        made = good(self, handle, kind)
        imported.add(made._serial)
        return made

    change_import(note)
    change_operations(
        lambda operation: operation._replace(
            waits=[point for point in operation.waits if point[0]._serial not in imported]
        )
    )


# -- the end ----------------------------------------------------------------------------------


@mutant("SEM-10")
def timeline_ends_with_either() -> None:
    """A timeline ends with the first of its semaphores."""

    def free(good: Any, self: Any) -> None:
        self.lose(HalError(StatusCode.CANCELLED, "Semaphore.release", "it is gone"))
        good(self)

    change(semaphore_class(), "_free", free)


@mutant("SEM-10")
def import_keeps_the_exporters_device() -> None:
    """An import keeps the exporter's device alive."""

    def keep(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        made = good(self, handle, kind)
        made._exporters_device = handle.device.retain()
        return made

    def free(good: Any, self: Any) -> None:
        good(self)
        kept = vars(self).get("_exporters_device")
        if kept is not None:
            kept.release()

    change_import(keep)
    change(semaphore_class(), "_free", free)


@mutant("SEM-8")
def waits_outlive_their_side() -> None:
    """A wait for a shared semaphore that is gone goes on with the other side."""

    def free(good: Any, self: Any) -> None:
        shared = self.timeline._semaphores > 1
        good(self)
        self._is_over = not shared

    change(semaphore_class(), "_free", free)


# -- handles ----------------------------------------------------------------------------------


def take_any_kind(good: Any, self: Any, thing: Any, kind: Any) -> Any:
    """Takes every kind of handle for NATIVE."""
    return good(self, thing, HandleType.NATIVE if isinstance(thing, Semaphore) else kind)


@mutant("SEM-11")
def every_kind_is_exported() -> None:
    """A semaphore is its own handle of every kind, of several and of none."""
    change(device_class(), "export_semaphore", take_any_kind)


@mutant("SEM-11")
def every_kind_is_imported() -> None:
    """A semaphore is imported by whatever kind of handle it is said to be."""
    change_import(take_any_kind)


@mutant("SEM-11")
def unclaimed_kind_is_an_invalid_argument() -> None:
    """A kind of handle that the device does not have is INVALID_ARGUMENT."""

    def refuse(good: Any, self: Any, *given: Any) -> Any:
        try:
            return good(self, *given)
        except HalError as error:
            if error.code is not StatusCode.UNIMPLEMENTED:
                raise
            raise HalError(StatusCode.INVALID_ARGUMENT, error.operation, error.detail) from error

    for name in ("export_semaphore", "import_semaphore"):
        change(device_class(), name, refuse)


@mutant("SEM-11")
def no_handle_is_a_new_semaphore() -> None:
    """What is no handle is imported as a new timeline."""

    def make(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        known = isinstance(handle, Semaphore) or kind is not HandleType.NATIVE
        return good(self, handle, kind) if known else self.create_semaphore()

    change_import(make)


@mutant("SEM-11")
def whatever_is_given_is_exported() -> None:
    """What is to be exported is its own handle, whatever it is."""

    def export(good: Any, self: Any, thing: Any, kind: Any) -> Any:
        return thing if kind is HandleType.NATIVE else good(self, thing, kind)

    change(device_class(), "export_semaphore", export)


@mutant("SEM-11")
def import_takes_the_handle() -> None:
    """An import keeps the exporter alive."""

    def keep(good: Any, self: Any, handle: Any, kind: Any) -> Any:
        made = good(self, handle, kind)
        handle.retain()
        return made

    change_import(keep)


@mutant("SEM-11")
def semaphore_export_leaves_a_descriptor_open() -> None:
    """Every export leaves a descriptor open."""

    def export(good: Any, self: Any, *given: Any) -> Any:
        handle = good(self, *given)
        os.dup(2)
        return handle

    change(device_class(), "export_semaphore", export)
