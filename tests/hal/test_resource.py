"""Counted resources: failing constructors, the collector's order, and locks."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cts.hal import (
    Device,
    DeviceGroup,
    DeviceObject,
    HalError,
    Module,
    Resource,
    StatusCode,
    live_counts,
)
from cts.hal.testing import MockDevice, before_destruction

TIMEOUT = 20.0


class Thing(Resource):
    """Notes its destruction, and holds another resource."""

    def __init__(self, name: str, gone: list[str], held: Resource | None = None) -> None:
        super().__init__()
        self.name = name
        self._gone = gone
        self._held = None if held is None else held.retain()

    def _describe(self) -> str:
        return self.name

    def _destroy(self) -> None:
        self._gone.append(self.name)
        if self._held is not None:
            self._held.release()


class LateThing(Thing):
    """A thing that goes after all others of its kind."""

    _teardown_rank = 9


class FailingThing(Thing):
    """A thing whose destruction fails."""

    def _destroy(self) -> None:
        super()._destroy()
        raise HalError(StatusCode.DATA_LOSS, "destroy", self.name)


def note(thing: Resource, name: str, gone: list[str]) -> None:
    """Puts a name on a list when a resource is destroyed; it is destroyed all the same."""
    before_destruction(thing, lambda: gone.append(name))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every test ends with as many live objects as there were."""
    gc.collect()
    before = live_counts()
    yield
    gc.collect()
    assert live_counts() == before


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was raised where nobody could catch it."""
    texts: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda info: texts.append(str(info.exc_value)))
    return texts


def collect_cycle(make: Callable[[], list[Any]]) -> list[str]:
    """Makes things, puts them into one cycle, forgets and collects them; who was warned of."""
    things = make()
    things.append(things)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del things
        gc.collect()
    return [str(w.message).partition(" was collected")[0] for w in caught]


# -- constructors that raise --------------------------------------------------------------


class Half(DeviceObject):
    """An object whose native side cannot be made."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        raise HalError(StatusCode.RESOURCE_EXHAUSTED, "Half", "no memory")

    def _free(self) -> None:
        raise AssertionError("nothing was made")


def test_a_device_whose_constructor_raises_leaves_nothing(unraisable: list[str]) -> None:
    class HalfDevice(MockDevice):
        def __init__(self) -> None:
            super().__init__("half")
            raise HalError(StatusCode.UNAVAILABLE, "HalfDevice", "gone")

        def _destroy(self) -> None:
            raise AssertionError("nothing was made")

    before = live_counts()
    with pytest.raises(HalError, match="UNAVAILABLE") as raised:
        HalfDevice()
    assert live_counts() == before  # with the error, and so the frames, still alive
    del raised
    gc.collect()
    assert unraisable == []


def test_an_object_whose_constructor_raises_lets_its_device_go(unraisable: list[str]) -> None:
    with MockDevice() as device:
        with pytest.raises(HalError, match="RESOURCE_EXHAUSTED") as raised:
            Half(device)
        assert device.reference_count == 1
        del raised
        gc.collect()
        assert unraisable == []


def test_an_object_that_cannot_read_its_origin_lets_its_device_go() -> None:
    class NoInfo(MockDevice):
        @property
        def topology_info(self) -> Any:
            raise HalError(StatusCode.INTERNAL, "topology_info")

    with NoInfo() as device:
        with pytest.raises(HalError, match="INTERNAL"):
            DeviceObject(device)
        assert device.reference_count == 1


def test_a_module_whose_constructor_raises_lets_its_group_go() -> None:
    class HalfModule(Module):
        def __init__(self, group: DeviceGroup) -> None:
            super().__init__(group)
            raise KeyboardInterrupt

    with MockDevice() as device, DeviceGroup.from_device(device) as group:
        with pytest.raises(KeyboardInterrupt):
            HalfModule(group)
        assert group.reference_count == 1


def test_what_a_failed_constructor_left_somewhere_refuses() -> None:
    kept: list[Resource] = []

    class Leaky(Thing):
        def __init__(self) -> None:
            super().__init__("leaky", [])
            kept.append(self)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - nothing else is to be told of it
        Leaky()
    with pytest.raises(HalError, match=r"FAILED_PRECONDITION.*its constructor failed"):
        kept[0].release()


# -- what the collector finds -------------------------------------------------------------


def test_module_group_and_device_in_one_cycle_go_in_order(unraisable: list[str]) -> None:
    gone: list[str] = []

    def make() -> list[Any]:
        device = MockDevice("d")
        group = DeviceGroup.from_device(device)
        module = Module(group)
        for thing, name in ((device, "device"), (group, "group"), (module, "module")):
            note(thing, name, gone)
        device.release()
        return [device, group, module]

    assert collect_cycle(make) == ["Module", "DeviceGroup of 1 device(s)"]
    assert gone == ["module", "group", "device"]
    assert unraisable == []


def test_a_group_and_its_replacement_in_one_cycle_go_in_order(unraisable: list[str]) -> None:
    gone: list[str] = []

    def make() -> list[Any]:
        device = MockDevice("d")
        wrapper = MockDevice("w", wraps=device)
        source = DeviceGroup.from_device(device)
        things = [device, wrapper, source, source.with_replacements([wrapper])]
        for thing, name in zip(things, ("device", "wrapper", "source", "group"), strict=True):
            note(thing, name, gone)
        return things

    assert len(collect_cycle(make)) == 4
    assert gone == ["group", "source", "wrapper", "device"]
    assert unraisable == []


def test_the_newest_goes_first(unraisable: list[str]) -> None:
    gone: list[str] = []

    def make() -> list[Any]:
        first = Thing("first", gone)
        second = Thing("second", gone, first)
        return [first, second, LateThing("late", gone), Thing("last", gone, second)]

    order = ["last", "second", "first", "late"]
    assert collect_cycle(make) == order
    assert gone == order
    assert unraisable == []


def test_what_is_found_outside_a_cycle_goes_at_once() -> None:
    gone: list[str] = []
    with pytest.warns(ResourceWarning, match="only was collected with 1 reference"):
        Thing("only", gone)
    assert gone == ["only"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_failing_destruction_keeps_nothing_else(unraisable: list[str], count: int) -> None:
    gone: list[str] = []
    names = [f"bad {number}" for number in range(count)]

    def make() -> list[Any]:
        return [Thing("last", gone), *(FailingThing(name, gone) for name in names)]

    assert collect_cycle(make) == [*reversed(names), "last"]
    assert gone == [*reversed(names), "last"]
    assert len(unraisable) == 1
    assert ("DATA_LOSS" if count == 1 else "while collecting") in unraisable[0]


def test_a_warning_that_is_an_error_keeps_nothing_alive(unraisable: list[str]) -> None:
    gone: list[str] = []
    things: list[Any] = [Thing("a", gone), Thing("b", gone)]
    things.append(things)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del things
        gc.collect()
    assert gone == ["b", "a"]
    assert len(unraisable) == 1


def test_what_was_released_in_order_is_collected_in_silence() -> None:
    gone: list[str] = []

    def make() -> list[Any]:
        first = Thing("first", gone)
        second = Thing("second", gone, first)
        first.release()
        second.release()
        return [first, second]

    assert collect_cycle(make) == []
    assert gone == ["second", "first"]


# -- the collector while a lock is held ---------------------------------------------------


def ends_in_time(function: Callable[[], object]) -> bool:
    """Whether a function, on a thread of its own, comes back."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return not thread.is_alive()


@pytest.fixture
def collecting(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    """The collector runs only when it is called, and nobody minds what it finds."""
    warnings.simplefilter("ignore")
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collecting")
def test_it_may_end_a_group_while_another_is_formed() -> None:
    class Collecting(MockDevice):
        @property
        def wraps(self) -> Any:  # read while the builder looks at the membership of all devices
            gc.collect()
            return None

        @wraps.setter
        def wraps(self, device: Any) -> None:
            pass

    def form() -> None:
        with MockDevice("other") as other:
            forgotten: list[Any] = [DeviceGroup.from_device(other)]
            forgotten.append(forgotten)
            del forgotten
            with Collecting() as device:
                DeviceGroup.from_device(device).release()
            assert other.reference_count == 1

    assert ends_in_time(form)


@pytest.mark.usefixtures("collecting")
@pytest.mark.parametrize("operation", ["retain", "release"])
def test_it_may_end_what_holds_an_object_while_that_is_counted(operation: str) -> None:
    class Collecting(Thing):
        def _check_usable(self, operation: str) -> None:
            gc.collect()
            super()._check_usable(operation)

    gone: list[str] = []

    def count() -> None:
        held = Collecting("held", gone)
        forgotten: list[Any] = [Thing("holder", gone, held.retain())]
        held.release()
        forgotten.append(forgotten)
        del forgotten
        held.retain().release() if operation == "retain" else held.release()
        while held.reference_count:
            held.release()

    assert ends_in_time(count)
    assert gone == ["holder", "held"]


def test_live_objects_can_be_counted_while_others_end() -> None:
    stop = threading.Event()

    def make_and_end() -> None:
        while not stop.is_set():
            Thing("short", []).release()

    thread = threading.Thread(target=make_and_end, daemon=True)
    thread.start()
    for _ in range(2000):
        live_counts()
    stop.set()
    thread.join(TIMEOUT)
    assert not thread.is_alive()


# -- groups and modules -------------------------------------------------------------------


def test_a_source_group_may_lose_its_last_reference_while_it_is_replaced() -> None:
    with MockDevice("d") as device, MockDevice("w", wraps=device) as wrapper:
        source = DeviceGroup.from_device(device)

        def assign(info: Any) -> None:
            MockDevice.assign_topology_info(wrapper, info)
            if info is not None:
                source.release()

        wrapper.answer("assign_topology_info", assign)
        group = source.with_replacements([wrapper])
        assert source.reference_count == 1
        group.release()
        assert source.reference_count == 0


@pytest.mark.parametrize("what", [None, "group", MockDevice])
def test_a_module_is_of_a_group(what: Any) -> None:
    thing = what("d") if callable(what) else what
    with pytest.raises(HalError, match=r"INVALID_ARGUMENT: Module: group is .* a DeviceGroup"):
        Module(thing)
    if isinstance(thing, Resource):
        assert thing.reference_count == 1
        thing.release()
