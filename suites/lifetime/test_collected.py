"""What the collector finds with references left: it warns, and ends in order."""

from __future__ import annotations

import gc
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from cts.checks import expect, expect_equal
from cts.hal import Device, DeviceGroup, DeviceGroupBuilder, Module, Resource
from cts.hal.testing import before_destruction
from cts.plugin.fixtures import NewDevice


def collect_cycle(make: Callable[[], list[Any]]) -> list[str]:
    """Makes things, ties them into one cycle, forgets and collects them; the warnings' texts."""

    def forget() -> None:
        things = make()
        things.append(things)

    return warnings_of(forget)


def warnings_of(forget: Callable[[], object]) -> list[str]:
    """Forgets something and collects it; the texts of the warnings.

    Fails where anything is raised that nobody can catch, as from a finalizer.
    """
    raised: list[str] = []
    hook = sys.unraisablehook
    sys.unraisablehook = lambda info: raised.append(repr(info.exc_value))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            forget()
            gc.collect()
    finally:
        sys.unraisablehook = hook
    expect_equal(raised, [], "LIF-13", "what was raised while collecting")
    return [str(w.message) for w in caught if issubclass(w.category, ResourceWarning)]


def expect_named(texts: list[str], names: list[str]) -> None:
    """Checks that there is one warning for each name, and no other."""
    found = len(texts) == len(names) and all(any(name in text for text in texts) for name in names)
    expect(found, "LIF-13", "the ResourceWarnings", came_back=texts, asks=f"one for each: {names}")


def note_end(thing: Resource, name: str, log: list[str]) -> None:
    """Logs a thing's destruction, and a device's un-assignment; both happen all the same."""
    before_destruction(thing, lambda: log.append(f"destroy {name}"))
    if isinstance(thing, Device):
        assign = thing.assign_topology_info

        def noting_assign(info: Any) -> None:
            if info is None:
                log.append(f"un-assign {name}")
            assign(info)

        vars(thing)["assign_topology_info"] = noting_assign


@pytest.mark.spec("LIF-13")
@pytest.mark.parametrize("what", ["device", "group"])
def test_what_is_forgotten_warns(new_device: NewDevice, what: str) -> None:
    """Forgets a device, or the group that alone holds it: it warns, and the device is destroyed."""
    log: list[str] = []
    device = new_device()
    new_device.forget(device)
    note_end(device, "device", log)
    device.query_capabilities()
    name = repr(device.identifier)
    last: list[Resource] = [device]
    if what == "group":
        name, last = "DeviceGroup", [DeviceGroup.from_device(device)]
        device.release()
    del device
    expect_named(warnings_of(last.clear), [name])
    expect_equal(log[-1:], ["destroy device"], "LIF-13", f"the end of a forgotten {what}")


@pytest.mark.spec("LIF-13")
@pytest.mark.needs(devices=2)
@pytest.mark.parametrize("released", [False, True], ids=["held", "released"])
def test_a_group_ends_before_its_devices(new_device: NewDevice, released: bool) -> None:
    """Forgets a group with its devices in one cycle: un-assigned, then destroyed, in reverse."""
    log: list[str] = []
    names: list[str] = ["DeviceGroup"]

    def make() -> list[Any]:
        devices = new_device.many(2)
        builder = DeviceGroupBuilder()
        for number, device in enumerate(devices):
            new_device.forget(device)
            builder.add_device(device)
            note_end(device, str(number), log)
        group = builder.finalize()
        names.extend(repr(device.identifier) for device in devices if not released)
        for device in devices if released else ():
            device.release()
        return [*devices, group]

    expect_named(collect_cycle(make), names)
    wanted = ["un-assign 1", "un-assign 0", "destroy 1", "destroy 0"]
    expect_equal(log, wanted, "LIF-13", "the end of a group that was collected with its devices")


@pytest.mark.spec("LIF-13")
def test_a_module_ends_before_its_group(new_device: NewDevice) -> None:
    """Forgets module, group and device in one cycle: each warns, and the module goes first."""
    log: list[str] = []
    names = ["Module", "DeviceGroup"]

    def make() -> list[Any]:
        device = new_device()
        new_device.forget(device)
        group = DeviceGroup.from_device(device)
        module = Module(group)
        for thing, name in ((device, "device"), (group, "group"), (module, "module")):
            note_end(thing, name, log)
        names.append(repr(device.identifier))
        return [device, group, module]

    expect_named(collect_cycle(make), names)
    wanted = ["destroy module", "destroy group", "un-assign device", "destroy device"]
    expect_equal(log, wanted, "LIF-13", "the end of a module that was collected with its group")


@pytest.mark.spec("LIF-13", "LIF-3")
def test_a_forgotten_group_leaves_its_device(new_device: NewDevice) -> None:
    """Forgets a group whose device is held: the group warns, the device is free and works."""
    device = new_device()
    before = device.query_capabilities()
    expect_named(collect_cycle(lambda: [DeviceGroup.from_device(device)]), ["DeviceGroup"])
    expect_equal(device.reference_count, 1, "LIF-13", "the device's count afterwards")
    expect_equal(device.topology_info, None, "LIF-13", "the device's topology_info afterwards")
    expect_equal(device.query_capabilities(), before, "LIF-13", "a query afterwards")
    DeviceGroup.from_device(device).release()


@pytest.mark.spec("LIF-13")
def test_what_was_released_is_collected_in_silence(new_device: NewDevice) -> None:
    """Releases group and device, then forgets them in one cycle: no warning, destroyed once."""
    log: list[str] = []

    def make() -> list[Any]:
        device = new_device()
        new_device.forget(device)
        note_end(device, "device", log)
        with device, DeviceGroup.from_device(device) as group:
            return [device, group]

    expect_equal(collect_cycle(make), [], "LIF-13", "warnings for what was released")
    expect_equal(log, ["un-assign device", "destroy device"], "LIF-13", "the end of what was")


@pytest.mark.spec("LIF-13", "LIF-7", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "create_command_buffer")
@pytest.mark.parametrize("kind", ["buffer", "semaphore", "command_buffer"])
def test_an_object_ends_before_its_device(new_device: NewDevice, kind: str) -> None:
    """Forgets a device and an object of it in one cycle: both warn, the object goes first."""
    log: list[str] = []

    def make() -> list[Any]:
        device = new_device()
        new_device.forget(device)
        makers: dict[str, Callable[[], Resource]] = {
            "buffer": lambda: device.allocator.allocate(16),
            "semaphore": device.create_semaphore,
            "command_buffer": device.create_command_buffer,
        }
        child = makers[kind]()
        note_end(device, "device", log)
        note_end(child, kind, log)
        return [device, child]

    expect_equal(len(collect_cycle(make)), 2, "LIF-13", f"warnings for a device and its {kind}")
    wanted = [f"destroy {kind}", "destroy device"]
    expect_equal(log, wanted, "LIF-13", f"the end of a device that was collected with its {kind}")


@pytest.mark.spec("LIF-13", "LIF-7", subject="objects")
@pytest.mark.needs(
    "allocator", "create_semaphore", "create_command_buffer", "queue_execute", children="retain"
)
def test_a_device_ends_after_all_of_its_objects(new_device: NewDevice) -> None:
    """Forgets a device with objects that hold one another: all warn, and the device goes last."""
    log: list[str] = []

    def make() -> list[Any]:
        device = new_device()
        new_device.forget(device)
        with DeviceGroup.from_device(device):
            commands = device.create_command_buffer()
            buffer, semaphore = device.allocator.allocate(16), device.create_semaphore()
            commands.begin()
            commands.fill(buffer, 0, 16, b"\x11")
            commands.end()
            device.queue_execute(commands, signal=[(semaphore, 1)])
            semaphore.wait(1)
        things = [device, buffer, semaphore, commands]
        for thing in things:
            note_end(thing, "device" if thing is device else "object", log)
        return things

    texts = collect_cycle(make)
    expect_equal(len(texts), 4, "LIF-13", f"warnings for a device and three objects: {texts}")
    wanted = ["destroy object"] * 3 + ["destroy device"]
    expect_equal(log, wanted, "LIF-13", "the end of a device that was collected with its objects")
