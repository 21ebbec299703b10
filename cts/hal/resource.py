"""Counted resources: lifetime that follows `retain` and `release`, not the collector.

Native handles must be destroyed in order, and Python's collector promises none. So every
HAL object counts its references:

1. whoever makes it holds the first reference; `retain` adds one, `release` drops one, and a
   ``with`` block releases at its end;
2. at the last `release` the object is destroyed, once, on whichever thread that happens;
3. from then on it is *sealed*: every public operation is FAILED_PRECONDITION;
4. an object that the collector finds with references left emits a ResourceWarning and is
   destroyed then; what is alive at interpreter exit is destroyed then. Both happen in teardown
   order: by `_teardown_rank`, and the newest first, so that what holds goes before what it holds;
5. in a forked child every object of the parent is sealed, and nothing native is released;
6. an object whose constructor raises is sealed too, and holds nothing.

    device = driver.create_device()
    group = DeviceGroup.from_device(device)
    device.release()        # the group holds it now
    group.release()         # the device is destroyed here
"""

from __future__ import annotations

import atexit
import gc
import os
import threading
import traceback
import warnings
import weakref
from abc import ABCMeta
from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from functools import cache
from itertools import count
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self

from .status import HalError, StatusCode

_FORKED = "it belongs to the parent process, and this is a forked child"

_serials = count()


class _ResourceType(ABCMeta):
    """Makes a resource of which nothing is left when its constructor raises."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        kind: Any = cls
        resource = kind.__new__(kind, *args, **kwargs)
        try:
            resource.__init__(*args, **kwargs)
        except BaseException:
            if "_references" in vars(resource):  # the constructor of Resource was through
                resource._abandon()
            raise
        return resource


class Resource(metaclass=_ResourceType):
    """A reference-counted object; subclasses implement `_destroy`.

    Resources compare by identity and refuse copying and pickling with TypeError.
    """

    _teardown_rank: ClassVar[int] = 0
    """What is collected, or alive at exit, is destroyed in this order, lower ranks first."""

    _readable_when_sealed: ClassVar[frozenset[str]] = frozenset()
    """Public names that a destroyed object still answers, so that errors can name it."""

    def __init__(self) -> None:
        self._references = 1
        # Reentrant: the collector can run anywhere, and end what holds this object.
        self._reference_lock = threading.RLock()
        self._sealed_because: str | None = None
        self._serial = next(_serials)
        _live[id(self)] = weakref.ref(self)

    # -- counting ---------------------------------------------------------------------

    @property
    def reference_count(self) -> int:
        """References held now; 0 once destroyed."""
        return self._references

    def retain(self) -> Self:
        """Adds a reference and returns the object. Raises FAILED_PRECONDITION once destroyed."""
        with self._reference_lock:
            self._check_usable("retain")
            self._references += 1
        return self

    def release(self) -> None:
        """Drops a reference; the last one destroys the object.

        Raises FAILED_PRECONDITION when it is destroyed already. In a forked child this does
        nothing: the object is the parent's.
        """
        if self._sealed_because is _FORKED:
            return
        with self._reference_lock:
            self._check_usable("release")
            self._check_releasable()
            self._references -= 1
            last = self._references == 0
        if last:
            self._end("it is destroyed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    # -- for subclasses ---------------------------------------------------------------

    def _destroy(self) -> None:
        """Gives back what the object holds. Called once, with no lock held."""

    def _abandon(self) -> None:
        """Ends an object whose constructor raised in a subclass, and calls no `_destroy`.

        What the subclass had made by then is its own to undo; a class that retains something in its
        constructor gives it back here.
        """
        self._references = 0
        self._seal("its constructor failed")

    def _check_releasable(self) -> None:
        """Raises if this is no time for a release (a device inside a finalize)."""

    def _describe(self) -> str:
        """The object's name in messages."""
        return type(self).__name__

    def _check_usable(self, operation: str) -> None:
        if self._sealed_because is not None or self._references == 0:
            _refuse(self, operation)

    # -- the end ----------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        try:
            self._destroy()
        finally:
            self._seal(reason)

    def _end_unreleased(self, reason: str) -> None:
        """Ends an object whatever references are left, unless it has ended by now."""
        with self._reference_lock:
            if self._references == 0 or self._sealed_because is not None:
                return
            self._references = 0
        self._end(reason)

    def _seal(self, reason: str) -> None:
        self._sealed_because = reason
        kind: Any = type(self)
        self.__class__ = _sealed_class(kind)
        _live.pop(id(self), None)

    def _collect(self) -> None:
        """Ends an object that nobody can reach any more, although it has references."""
        if self._references > 0 and self._sealed_because is None:
            try:
                warnings.warn(
                    f"{self._describe()} was collected with {self._references} reference(s) held",
                    ResourceWarning,
                    source=self,
                    stacklevel=2,
                )
            finally:
                self._end_unreleased("it was collected")

    def __del__(self) -> None:
        if getattr(self, "_references", 0) > 0 and self._sealed_because is None:
            if _collecting_thread == threading.get_ident():
                _unreachable.append(self)  # the collector's order is not ours
            else:
                self._collect()

    # -- identity ---------------------------------------------------------------------

    def __copy__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be copied: it is a counted resource")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be copied: it is a counted resource")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled: it is a counted resource")


def live_counts() -> dict[str, int]:
    """Live resources by type name, sorted; empty when everything was destroyed."""
    return dict(sorted(Counter(type(resource).__name__ for resource in _live_list()).items()))


def mark() -> int:
    """A point in time, for `end_made_since`."""
    return next(_serials)


def end_made_since(mark: int, *, keep: Collection[Resource] = ()) -> None:
    """Ends whatever is alive and was made after the mark, in teardown order.

    An error of one stops none of the others; the last one is raised, with the rest as its context.
    """
    with ExitStack() as ends:  # which are called last first
        for resource in reversed(_live_list()):
            if resource._serial > mark and not any(resource is kept for kept in keep):
                ends.callback(resource._end_unreleased, "it was left behind")


# -- sealing ------------------------------------------------------------------------------


def _refuse(resource: Resource, operation: str) -> NoReturn:
    reason = resource._sealed_because or "it is being destroyed"
    raise HalError(StatusCode.FAILED_PRECONDITION, operation, f"{resource._describe()}: {reason}")


@cache
def _sealed_class(kind: type[Resource]) -> Any:
    """A subclass of `kind` in which every public name of the API refuses.

    The refusals are properties, so they also win over an attribute set on the instance.
    """
    public = {
        name
        for base in kind.__mro__
        if base not in Resource.__mro__
        for name in vars(base)
        if not name.startswith("_")
    }
    names = public - kind._readable_when_sealed - set(vars(Resource))

    def refusal(name: str) -> property:
        return property(lambda self: _refuse(self, name))

    body: dict[str, Any] = {name: refusal(name) for name in sorted(names)}
    return type(kind.__name__, (kind,), body | {"__module__": kind.__module__})


# -- what is alive ------------------------------------------------------------------------

# Not a WeakSet: that can change under an iteration, by what the collector ends meanwhile.
_live: dict[int, weakref.ref[Resource]] = {}


def _live_list() -> list[Resource]:
    """Everything that is alive, in teardown order."""
    found = [resource for ref in list(_live.values()) if (resource := ref()) is not None]
    return sorted(found, key=_teardown_order)


def _teardown_order(resource: Resource) -> tuple[int, int]:
    return resource._teardown_rank, -resource._serial


# -- ends that nobody asked for -----------------------------------------------------------

_collecting_thread: int | None = None
_unreachable: list[Resource] = []
"""What the collector has found in its present pass; it is ended at the end of the pass."""


def _follow_collector(phase: str, info: dict[str, int]) -> None:
    """Ends what a pass of the collector has found, in teardown order."""
    global _collecting_thread
    if phase == "start":
        _collecting_thread = threading.get_ident()
        return
    _collecting_thread = None
    found = sorted(_unreachable, key=_teardown_order)
    _unreachable.clear()
    errors: list[Exception] = []
    for resource in found:
        try:
            resource._collect()
        except Exception as error:  # the others are ended all the same
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup("while collecting", errors)


def _seal_in_forked_child() -> None:
    for resource in _live_list():
        resource._reference_lock = threading.RLock()  # its holder may be a thread that is not here
        resource._seal(_FORKED)


def _destroy_at_exit() -> None:
    for resource in _live_list():
        try:
            resource._end_unreleased("the interpreter is exiting")
        except Exception:  # the others are ended all the same
            traceback.print_exc()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_seal_in_forked_child)
gc.callbacks.append(_follow_collector)
atexit.register(_destroy_at_exit)
