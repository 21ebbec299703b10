"""Capabilities: well formed, and the same whenever they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cts.checks import expect, expect_equal, unsupported
from cts.hal import DeviceCapability, DeviceGroup, HandleType
from cts.plugin.driver_session import DriverSession
from cts.plugin.fixtures import NewDevice, NewGroup

PCI_DEVICES = Path("/sys/bus/pci/devices")
NODES = Path("/sys/devices/system/node")
HANDLE_FIELDS = (
    "semaphore_export_types",
    "semaphore_import_types",
    "buffer_export_types",
    "buffer_import_types",
)


@pytest.mark.spec("CAP-1")
@pytest.mark.stub("query_capabilities")
def test_are_well_formed(new_device: NewDevice) -> None:
    """Reads every field: defined bits only, a UUID of 16 bytes, a NUMA node of 0 to 255."""
    answer = new_device().query_capabilities()
    faults = []
    if int(answer.flags) & ~sum(DeviceCapability):
        faults.append(f"flags={int(answer.flags):#x}")
    for name in HANDLE_FIELDS:
        if int(getattr(answer, name)) & ~sum(HandleType):
            faults.append(f"{name}={int(getattr(answer, name)):#x}")
    if not 0 <= answer.numa_node <= 255:
        faults.append(f"numa_node={answer.numa_node}")
    uuid = answer.physical_device_uuid
    if uuid is not None and (len(uuid) != 16 or not any(uuid)):
        faults.append(f"physical_device_uuid={uuid!r}")
    if not 0 <= answer.driver_device_handle < 1 << 64:
        faults.append(f"driver_device_handle={answer.driver_device_handle}")
    expect(not faults, "CAP-1", "query_capabilities", came_back=faults, asks="defined values only")


@pytest.mark.spec("CAP-2")
def test_are_the_same_before_in_and_after_a_group(
    new_device: NewDevice, new_group: NewGroup
) -> None:
    """Asks before a group, in it and after it: three equal answers."""
    device = new_device()
    before = device.query_capabilities()
    group = new_group(device)
    expect_equal(device.query_capabilities(), before, "CAP-2", "query_capabilities in a group")
    group.release()
    expect_equal(device.query_capabilities(), before, "CAP-2", "query_capabilities after a group")


@pytest.mark.spec("CAP-4")
@pytest.mark.needs(devices=2)
def test_logical_devices_of_one_physical_device_share_its_uuid(
    hal_session: DriverSession,
) -> None:
    """Creates two devices from one info: where they report a UUID, it is the same one."""
    info = hal_session.infos[0]
    with hal_session.new_device() as first, hal_session.new_device() as second:
        answers = [d.query_capabilities().physical_device_uuid for d in (first, second)]
    expect_equal(answers[0], answers[1], "CAP-4", f"the UUIDs of two devices of {info.path!r}")


@pytest.mark.spec("CAP-4")
@pytest.mark.needs(devices=1)
def test_different_physical_devices_have_different_uuids(hal_session: DriverSession) -> None:
    """Creates a device from each info: no two that report a UUID report the same one."""
    infos = hal_session.infos
    if len(infos) < 2:
        unsupported("the driver enumerates one physical device")
    found: dict[bytes, str] = {}
    for number, info in enumerate(infos):
        with hal_session.new_device(number) as device:
            uuid = device.query_capabilities().physical_device_uuid
        if uuid is not None:
            expect(
                uuid not in found,
                "CAP-4",
                f"the UUID of {info.path!r}",
                came_back=f"that of {found.get(uuid)!r}",
                asks="one of its own",
            )
            found[uuid] = info.path


@pytest.mark.spec("CAP-6")
def test_numa_node_is_the_platforms(device_group: DeviceGroup) -> None:
    """Compares each device's node with the platform's, for its PCI address or of all there are."""
    known = [device_group.device_at(index) for index in range(device_group.device_count)]
    known = [device for device in known if _platform_nodes(device.pci_address)]
    if not known:
        unsupported("the platform knows none of the devices by their PCI addresses")
    for device in known:
        possible = _platform_nodes(device.pci_address)
        expect(
            device.query_capabilities().numa_node in possible,
            "CAP-6",
            f"the NUMA node of the device at PCI address {device.pci_address}",
            came_back=device.query_capabilities().numa_node,
            asks=f"one of {sorted(possible)}",
        )


def _platform_nodes(pci_address: str | None) -> set[int]:
    """The node that sysfs tells for an address (-1 stands for none); any that there is without one,
    and none for an address that the platform does not know."""
    if pci_address is None:
        return {0} | {int(path.name.removeprefix("node")) for path in NODES.glob("node[0-9]*")}
    path = PCI_DEVICES / pci_address.lower() / "numa_node"
    return {max(0, int(path.read_text()))} if path.exists() else set()
