"""One driver in this process: the driver object, its faults, its device group."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path

import msgspec

from cts import registry
from cts.checks import Blocked
from cts.hal import (
    Device,
    DeviceGroup,
    DeviceGroupBuilder,
    DeviceInfo,
    Driver,
    DriverProperties,
    Resource,
    slots,
)
from cts.implementations import picked
from cts.plugin import evidence, place
from cts.plugin.options import Options
from cts.results import DriverRecord
from cts.slot_checks import SlotFault, check_slot, core_slot_faults, work_slot_faults
from cts.trial import check_name, describe, optional_slots
from cts.validation import Messages, told

DEFAULT_DEVICE_COUNT = 2
AT_THE_END = "at the end"
"""The stage of a fault in the end of the driver's process, or of this session."""


def known_fault(record: DriverRecord) -> str:
    """What keeps a driver from being tried at all, by its record; empty where nothing does."""
    return f"{record.stage}: {record.reason}" if record.status == "broken" else ""


class DriverSession:
    """A selected driver, constructed at its first use in this process.

    Attributes
    ----------
    name : the driver's name, as it is registered.
    messages : what its backend has said of its use, where the options ask for that.
    groups_built : how often the session's device group was built.
    """

    def __init__(self, record: DriverRecord, probed: bool, options: Options) -> None:
        self.name = record.registered
        self.messages = Messages()
        self.groups_built = 0
        self._record = record
        self._probed = probed
        self._options = options
        self._group: DeviceGroup | None = None
        self._group_fault = ""
        self._group_evidence: set[tuple[str, str]] = set()
        self._group_works = False
        self._end_fault = ""

    # -- the driver -------------------------------------------------------------------

    @cached_property
    def fatal_fault(self) -> str:
        """What keeps the driver from being tried at all, in one line; empty where nothing does."""
        if fault := known_fault(self._record):
            return fault
        if self._record.exit_fault and not place.is_watched():  # it would happen to the whole run
            return f"{AT_THE_END}: {self._record.exit_fault}"
        steps: dict[str, Callable[[], object]] = {
            "construct": lambda: self.driver,
            "enumerate": lambda: self.infos,
            "create_device": self._try_device,
        }
        if self._probed:
            del steps["create_device"]
        for stage, step in steps.items():
            try:
                step()
            except BaseException as error:
                if place.is_users(error):
                    raise
                return f"{stage}: {describe(error)}"
        return ""

    def _try_device(self) -> None:
        with self.new_device() as device:
            check_name(device, self.name)

    @cached_property
    def driver(self) -> Driver:
        """The driver object."""
        with place.stage("import"):
            kind = registry.load(self.name)
        evidence.trace_driver(kind)
        with place.stage("construct"):
            driver = kind()
        if self._options.validation:
            with place.stage("validate"):
                driver.validate(self.messages.report)
        return driver

    @cached_property
    def code_path(self) -> Path:
        """The driver's own code: its package's folder, or its module where it is in none."""
        kind = registry.load(self.name)
        file = Path(inspect.getfile(kind))
        return file.parent if sys.modules[kind.__module__].__package__ else file

    @cached_property
    def infos(self) -> list[DeviceInfo]:
        """The devices to use: those of this implementation that match ``--device``."""
        driver = self.driver
        with place.stage("enumerate"):
            found = driver.enumerate()
        infos = picked(found, self._options.device, self._record.implementation)
        if not infos:
            raise LookupError(f"no device to use among {found}")
        with place.stage("select"):
            driver.select(infos)
        return infos

    @property
    def properties(self) -> DriverProperties:
        """The driver's, as they are once it knows which devices are used."""
        _ = self.infos
        return self.driver.properties

    @property
    def max_devices(self) -> int | None:
        """Devices that the driver can have alive at once; none for no limit."""
        return self.properties.max_devices

    def new_device(self, number: int = 0) -> Device:
        """A fresh device; consecutive numbers go round the physical devices."""
        info = self.infos[number % len(self.infos)]
        # That a device can be made is no evidence of its slots.
        with evidence.aside(), place.stage("create_device"):
            device = self.driver.create_device(info)
        evidence.trace_device(device)
        return device

    @cached_property
    def optional_slots(self) -> frozenset[str]:
        """Optional slots that the driver implements."""
        if self._probed:
            return frozenset(self._record.optional_slots)
        with self.new_device() as device:
            return frozenset(optional_slots(device))

    # -- faults -----------------------------------------------------------------------

    @cached_property
    def core_faults(self) -> dict[str, str]:
        """Broken core slots, from the probe or else found here."""
        if self._probed:
            return self._faults_of("core")
        with place.stage("slot checks"):
            faults = core_slot_faults(self.new_device)
        return {name: str(fault) for name, fault in faults.items()}

    @cached_property
    def work_faults(self) -> dict[str, str]:
        """Broken work slots, from probe or found here; none while a core slot is broken."""
        if self.core_faults or not self.properties.work:
            return {}
        if self._probed:
            return self._faults_of("work")
        with place.stage("slot checks"):
            faults = work_slot_faults(self.new_device)
        return {name: str(fault) for name, fault in faults.items()}

    def _faults_of(self, kind: str) -> dict[str, str]:
        return {
            name: fault
            for name, fault in self._record.slot_faults.items()
            if slots()[name].kind == kind
        }

    def canary_fault(self) -> str:
        """Tries whether the driver works at all, after a crash; what is wrong, empty for nothing.

        What was known of it before is no news: its cases are blocked by that.
        """
        if self.fatal_fault or self.core_faults:
            return self.fatal_fault
        try:
            with self.new_device() as device, DeviceGroup.from_device(device):
                if self.properties.work and not self.work_faults:
                    check_slot("queue_fill", device)
        except BaseException as error:
            if place.is_users(error):
                raise
            return describe(error)
        return ""

    # -- the group --------------------------------------------------------------------

    @property
    def device_count(self) -> int:
        """Devices in the session's group."""
        wanted = self._options.device_count or DEFAULT_DEVICE_COUNT
        return min(wanted, self.max_devices or wanted)

    def group(self) -> DeviceGroup:
        """The session's group, built at the first call; its building counts as evidence."""
        if self._group_fault:
            raise Blocked(self._group_fault)
        if self._group is None:
            with evidence.aside() as self._group_evidence, place.stage("group"):
                try:
                    self._group = self._build_group(self.new_device)
                except Exception as error:
                    self._group_fault = f"the device group cannot be formed: {describe(error)}"
                    raise Blocked(self._group_fault) from error
            self.groups_built += 1
            self._group_works = self._works and not self._fault_of_group()
        evidence.add(self._group_evidence)
        return self._group

    def _build_group(self, new_device: Callable[[int], Device]) -> DeviceGroup:
        builder = DeviceGroupBuilder()
        devices: list[Device] = []
        try:
            for number in range(self.device_count):
                devices.append(new_device(number))
                builder.add_device(devices[-1])
            return builder.finalize()
        finally:
            for device in devices:
                device.release()

    def spoilt(self) -> str:
        """What is wrong with a device of the group that worked up to now, or nothing; said once."""
        fault = self._fault_of_group() if self._group and self._group_works else ""
        self._group_works = self._group_works and not fault
        return fault

    @property
    def _works(self) -> bool:
        return self.properties.work and not self.work_faults and not self.core_faults

    def _fault_of_group(self) -> str:
        group = self._group
        assert group is not None
        with evidence.aside(), place.stage("check of the group's devices"):
            for index in range(group.device_count):
                try:
                    check_slot("queue_barrier", group.device_at(index))
                except SlotFault as fault:
                    return f"device {index} of the group works no more: {fault}"
        return ""

    def held(self) -> list[Resource]:
        """What the session itself keeps alive from case to case."""
        group = self._group
        if group is None:
            return []
        return [group, *(group.device_at(index) for index in range(group.device_count))]

    def make_room(self, devices: int) -> None:
        """Gives up the group where the driver could not have so many more devices beside it."""
        limit = self.max_devices
        if limit is not None and self._group and self.device_count + devices > limit:
            self._drop_group()

    def give_up_lost(self, handles: Collection[int]) -> None:
        """Gives up the group where a device of it was lost with another of the same handle; a new
        one is built where it is needed."""
        group = self._group
        if group is not None and any(
            group.device_at(index).query_capabilities().driver_device_handle in handles
            for index in range(group.device_count)
        ):
            self._drop_group()

    def _drop_group(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            with place.stage("end of the group"):
                group.release()

    # -- the end ----------------------------------------------------------------------

    def record(self) -> DriverRecord:
        """What is known of the driver by now."""
        return msgspec.structs.replace(
            self._record,
            groups_built=self.groups_built,
            exit_fault=self._record.exit_fault or self._end_fault,
            slot_faults=self._record.slot_faults
            or self.__dict__.get("core_faults")
            or self.__dict__.get("work_faults", {}),
        )

    def close(self) -> None:
        """Ends group and driver; what goes wrong there is in `record` from then on."""
        faults = []
        for end in (self._drop_group, self._close_driver):
            try:
                end()
            except BaseException as error:
                if place.is_users(error):
                    raise
                faults.append(describe(error))
        if said := self.messages.take():
            faults.append(told(said))
        self._end_fault = "; ".join(faults)

    def _close_driver(self) -> None:
        if "driver" in self.__dict__:
            with place.stage("close"):
                self.driver.close()
