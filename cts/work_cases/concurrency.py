"""Submissions whose waits are not reached yet, and one that may block a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cts.hal import Device, Driver, HalError, SemaphoreList, StatusCode
from cts.work_cases import LONG


class Gate:
    """What submissions wait for, so that they are pending until it is opened.

    On a driver that carries its work out before it returns there is nothing to be held back: the
    gate is open from the start.

    Attributes
    ----------
    wait : the wait list.
    """

    def __init__(self, device: Device, driver: Driver) -> None:
        self._closed = driver.properties.async_queue
        self._semaphore = device.create_semaphore(0 if self._closed else 1)
        self.wait: SemaphoreList = [(self._semaphore, 1)]

    def open(self) -> None:
        """Lets all that waits go on."""
        if self._closed:
            self._closed = False
            self._semaphore.signal(1)

    def release(self) -> None:
        """Gives the semaphore up; what a failed case has left waiting is carried out."""
        self.open()
        self._semaphore.release()


class Apart:
    """A submission on a thread of its own: it may block there until what it waits for is reached.

    Parameters
    ----------
    submit : makes the submission.
    """

    def __init__(self, submit: Callable[[], None]) -> None:
        self._code: StatusCode | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(submit,), daemon=True)
        self._thread.start()

    def _run(self, submit: Callable[[], None]) -> None:
        try:
            submit()
        except HalError as error:
            self._code = error.code
        except BaseException as error:
            self._error = error

    def end(self) -> StatusCode | None:
        """The code that the submission was refused with, none where it was taken."""
        self._thread.join(LONG)
        if self._thread.is_alive():
            raise TimeoutError("the submission has not returned")
        if self._error is not None:
            raise self._error
        return self._code
