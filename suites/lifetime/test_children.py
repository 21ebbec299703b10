"""Objects of a device: they keep it alive, or become unusable; never a crash."""

from __future__ import annotations

import pytest

from cts.checks import expect, expect_equal, expect_error
from cts.hal import Buffer, CommandBuffer, Device, Driver, Semaphore, StatusCode
from cts.plugin.fixtures import NewDevice, NewGroup

Child = Buffer | Semaphore | CommandBuffer
KINDS = ("buffer", "semaphore", "command_buffer")


def make(device: Device, kind: str) -> Child:
    """One object of a device."""
    if kind == "buffer":
        return device.allocator.allocate(16)
    return device.create_semaphore(7) if kind == "semaphore" else device.create_command_buffer()


def use(child: Child) -> None:
    """Uses an object in a way that touches what is underneath."""
    if isinstance(child, Buffer):
        child.write(0, b"alive")
        expect_equal(child.read(0, 5), b"alive", "LIF-7", "a buffer after its device's release")
    elif isinstance(child, Semaphore):
        expect_equal(child.query(), 7, "LIF-7", "a semaphore after its device's release")
    else:
        child.begin()
        child.end()


@pytest.mark.spec("LIF-7", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "create_command_buffer")
@pytest.mark.parametrize("kind", KINDS)
def test_an_object_outlives_its_devices_release(
    hal_driver: Driver, new_device: NewDevice, new_group: NewGroup, kind: str
) -> None:
    """Releases group and device before an object: it works, or refuses naming itself."""
    device = new_device()
    group = new_group(device)
    child = make(device, kind)
    group.release()
    device.release()
    if hal_driver.properties.children == "retain":
        expect_equal(device.reference_count, 1, "LIF-7", f"the device's count with a {kind} left")
        use(child)
        child.release()
        expect_equal(device.reference_count, 0, "LIF-7", f"the device's count without the {kind}")
    else:
        with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-7", f"using a {kind}") as raised:
            use(child)
        text = str(raised.error)
        expect(
            kind.title().replace("_", "") in text,
            "LIF-7",
            f"using a {kind}",
            came_back=text,
            asks=f"the {kind} named",
        )


@pytest.mark.spec("LIF-7", "LIF-6", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "create_command_buffer")
@pytest.mark.parametrize("kind", KINDS)
def test_a_released_object_refuses(new_device: NewDevice, new_group: NewGroup, kind: str) -> None:
    """Uses an object after its last release: FAILED_PRECONDITION; the device works on."""
    device = new_device()
    new_group(device)
    child = make(device, kind)
    child.release()
    with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-7", f"using a released {kind}"):
        use(child)
    with expect_error(StatusCode.FAILED_PRECONDITION, "LIF-6", f"releasing a {kind} twice"):
        child.release()
    make(device, kind).release()


@pytest.mark.spec("LIF-7", subject="objects")
@pytest.mark.needs("allocator", "create_semaphore", "create_command_buffer")
def test_objects_may_go_in_any_order(new_device: NewDevice, new_group: NewGroup) -> None:
    """Releases device, group and objects in several orders: all ends, nothing crashes."""
    for order in ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)):
        device = new_device()
        held = [device, new_group(device), *(make(device, kind) for kind in KINDS)]
        for position in order:
            if held[position].reference_count:  # else it went with its device
                held[position].release()
        counts = [thing.reference_count for thing in held]
        expect_equal(counts, [0] * 5, "LIF-7", f"counts after the order {order}")
