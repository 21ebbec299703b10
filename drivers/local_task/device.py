"""The device: its queue takes work at any time, and the pool's workers carry it out."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack

from cts.hal import Buffer, DriverProperties, HandleType, slot

from .._host import HOST_CAPABILITIES, HostDevice, HostOperation
from . import sharing
from .sharing import SharingAllocator
from .submission import Submission
from .workers import POOL, worker_count


class LocalTaskDevice(HostDevice):
    """A device over host memory that shares its workers with all others of the driver."""

    driver_name = "local-task"
    _capabilities = dataclasses.replace(
        HOST_CAPABILITIES,
        buffer_export_types=HandleType.NATIVE | sharing.HANDLE_TYPES,
        buffer_import_types=HandleType.NATIVE | sharing.HANDLE_TYPES,
    )

    def __init__(self, identifier: str, properties: DriverProperties) -> None:
        super().__init__(identifier, properties)
        POOL.acquire()

    def _make_allocator(self) -> SharingAllocator:
        return SharingAllocator(self)

    @slot()
    def export_buffer(self, buffer: Buffer, handle_type: HandleType) -> object:
        return sharing.export_buffer(self, buffer, handle_type)

    @slot()
    def import_buffer(self, handle: object, handle_type: HandleType, size: int) -> Buffer:
        return sharing.import_buffer(self, handle, handle_type, size)

    def _threads(self) -> int:
        return worker_count()

    def _submit(self, operation: HostOperation) -> None:
        with ExitStack() as alive:  # until each knows that it is waited for
            for semaphore, _ in operation.waits:
                alive.enter_context(semaphore.retain())
            Submission(self, operation, POOL).start()

    def _destroy(self) -> None:
        POOL.release()
