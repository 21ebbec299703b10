"""What it means that a slot works, in one place: for the stub cases, the probe and the gating.

A check makes one minimal valid call of a slot and looks at its effect, never just that nothing was
raised: the bytes are there, the semaphore is signalled, the answer has its type. Core slots are
checked on a bare device, and each without any other core slot, so that a driver with one broken
slot has exactly that one fault; work and optional slots on a device in a group.

    check_slot("query_capabilities", device)     # raises SlotFault where it is broken
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cts.hal import (
    SELF_EDGE,
    Buffer,
    CommandBuffer,
    Device,
    DeviceCapabilities,
    DeviceGroup,
    DeviceTopologyInfo,
    Edge,
    Event,
    HalError,
    HandleType,
    Semaphore,
    StatusCode,
    Topology,
    TopologyBuilder,
    TopologyLease,
    implements,
    slots,
    topology_infos,
)

_SIZE = 64
"""Bytes of a buffer that a check works on."""
_TIMEOUT = 5.0
"""Seconds that a check waits for its work."""


class SlotFault(Exception):
    """A slot that does not work.

    Attributes
    ----------
    driver, slot : what is broken.
    fault : what is wrong, in one line.
    """

    def __init__(self, driver: str, slot: str, fault: str) -> None:
        super().__init__(driver, slot, fault)
        self.driver = driver
        self.slot = slot
        self.fault = " ".join(fault.split())

    def __str__(self) -> str:
        return self.fault


def check_slot(name: str, device: Device) -> None:
    """Exercises one slot of a device. Raises `SlotFault` where it does not work.

    A core slot takes a device in no group, any other one a device in a group. Slots that a check
    needs besides (an allocator to fill a buffer) must work.
    """
    if not implements(device, name):
        raise SlotFault(device.driver_name, name, "inherited from the base: not implemented")
    try:
        _CHECKS[name](device)
    except _Unexpected as error:
        raise SlotFault(device.driver_name, name, str(error)) from error
    except HalError as error:
        raise SlotFault(device.driver_name, name, str(error)) from error
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise SlotFault(device.driver_name, name, text) from error


def core_slot_faults(make_device: Callable[[], Device]) -> dict[str, SlotFault]:
    """The core slots that do not work, each tried on a fresh device."""
    faults = {}
    for name, slot in slots().items():
        if slot.kind == "core":
            with make_device() as device:
                try:
                    check_slot(name, device)
                except SlotFault as fault:
                    faults[name] = fault
    return faults


def work_slot_faults(make_device: Callable[[], Device]) -> dict[str, SlotFault]:
    """The work slots that do not work. One that needs a broken one is not tried."""
    faults: dict[str, SlotFault] = {}
    for name, slot in slots().items():
        if slot.kind == "work" and not faults.keys() & WORK_SLOTS_NEEDED.get(name, ()):
            with make_device() as device, DeviceGroup.from_device(device):
                try:
                    check_slot(name, device)
                except SlotFault as fault:
                    faults[name] = fault
    return faults


WORK_SLOTS_NEEDED: dict[str, tuple[str, ...]] = {
    "queue_fill": ("allocator", "create_semaphore"),
    "queue_update": ("allocator", "create_semaphore"),
    "queue_copy": ("allocator", "create_semaphore"),
    "queue_barrier": ("create_semaphore",),
    "queue_execute": ("allocator", "create_semaphore", "create_command_buffer"),
}
"""Work slots that the check of another one calls besides."""


class _Unexpected(Exception):
    """A call that went through, without the effect that it should have."""


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise _Unexpected(what)


def _expect_type(answer: object, kind: type) -> None:
    _expect(isinstance(answer, kind), f"answered {answer!r}: it is a {kind.__name__}")


# -- core ---------------------------------------------------------------------------------


def single_device_info() -> tuple[DeviceTopologyInfo, Topology]:
    """Topology info for one device, and its topology, which whoever uses the info must keep."""
    topology = TopologyBuilder(1).build()
    return topology_infos(topology, TopologyLease(topology))[0], topology


def _check_identifier(device: Device) -> None:
    _expect_type(device.identifier, str)
    _expect(bool(device.identifier), "is empty")


def _check_query_capabilities(device: Device) -> None:
    answer = device.query_capabilities()
    _expect_type(answer, DeviceCapabilities)
    answer.check()


def _check_topology_info(device: Device) -> None:
    answer = device.topology_info
    _expect(answer is None, f"answered {answer!r} outside a group: it is none there")


def _check_assign_topology_info(device: Device) -> None:
    info, topology = single_device_info()
    for value in (info, None):
        answer = device.assign_topology_info(value)
        _expect(answer is None, f"answered {answer!r}: it answers nothing")
    del topology


def _check_refine_topology_edge(device: Device) -> None:
    _expect_type(device.refine_topology_edge(device, SELF_EDGE), Edge)


# -- work ---------------------------------------------------------------------------------


def _check_allocator(device: Device) -> None:
    with device.allocator.allocate(_SIZE) as buffer:
        _expect_type(buffer, Buffer)
        _expect(buffer.byte_length == _SIZE, f"gave {buffer.byte_length} bytes for {_SIZE}")
        buffer.write(1, b"hal")
        _expect(buffer.read(1, 3) == b"hal", "a buffer does not read back what was written")


def _check_create_semaphore(device: Device) -> None:
    with device.create_semaphore(3) as semaphore:
        _expect_type(semaphore, Semaphore)
        _expect(semaphore.query() == 3, f"the payload is {semaphore.query()} after create(3)")
        semaphore.signal(4)
        _expect(semaphore.query() == 4, f"the payload is {semaphore.query()} after signal(4)")


@contextmanager
def _work(device: Device) -> Iterator[tuple[Buffer, Semaphore]]:
    """A zeroed buffer, and a semaphore whose signal to 1 the block submits; it is waited for."""
    with device.allocator.allocate(_SIZE) as buffer, device.create_semaphore() as semaphore:
        buffer.write(0, bytes(_SIZE))
        yield buffer, semaphore
        semaphore.wait(1, _TIMEOUT)


def _expect_bytes(buffer: Buffer, expected: bytes) -> None:
    found = buffer.read(0, len(expected))
    _expect(found == expected, f"left {found!r} in the buffer: it is {expected!r}")


def _check_queue_fill(device: Device) -> None:
    with _work(device) as (buffer, semaphore):
        device.queue_fill(buffer, 4, 4, b"\x11\x22", signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
        _expect_bytes(buffer, bytes(4) + b"\x11\x22\x11\x22" + bytes(4))


def _check_queue_update(device: Device) -> None:
    with _work(device) as (buffer, semaphore):
        device.queue_update(b"update!!", buffer, 4, signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
        _expect_bytes(buffer, bytes(4) + b"update!!" + bytes(4))


def _check_queue_copy(device: Device) -> None:
    with _work(device) as (buffer, semaphore), device.allocator.allocate(_SIZE) as source:
        source.write(0, bytes(range(_SIZE)))
        device.queue_copy(source, 8, buffer, 4, 8, signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
        _expect_bytes(buffer, bytes(4) + bytes(range(8, 16)) + bytes(4))


def _check_queue_barrier(device: Device) -> None:
    with device.create_semaphore() as reached, device.create_semaphore() as semaphore:
        reached.signal(1)
        device.queue_barrier(wait=[(reached, 1)], signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
        _expect(semaphore.query() == 1, f"the payload is {semaphore.query()} after signal to 1")


def _check_create_command_buffer(device: Device) -> None:
    with device.create_command_buffer() as command_buffer:
        _expect_type(command_buffer, CommandBuffer)
        command_buffer.begin()
        command_buffer.end()


def _check_queue_execute(device: Device) -> None:
    with _work(device) as (buffer, semaphore), device.create_command_buffer() as commands:
        commands.begin()
        commands.fill(buffer, 4, 4, b"\x33")
        commands.end()
        device.queue_execute(commands, signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
        _expect_bytes(buffer, bytes(4) + b"\x33" * 4 + bytes(4))


# -- optional -----------------------------------------------------------------------------

_COMPATIBILITY = frozenset({"host_wait", "host_signal", "device_wait", "device_signal"})
_NO_SUCH_NAME = "hal-cts.no-such-name"


def _check_queue_alloca(device: Device) -> None:
    with (
        device.create_semaphore() as semaphore,
        device.queue_alloca(_SIZE, signal=[(semaphore, 1)]) as buffer,
    ):
        semaphore.wait(1, _TIMEOUT)
        _expect_type(buffer, Buffer)
        _expect(buffer.byte_length == _SIZE, f"gave {buffer.byte_length} bytes for {_SIZE}")


def _check_queue_dealloca(device: Device) -> None:
    with (
        device.create_semaphore() as semaphore,
        device.queue_alloca(_SIZE, signal=[(semaphore, 1)]) as buffer,
    ):
        device.queue_dealloca(buffer, wait=[(semaphore, 1)], signal=[(semaphore, 2)])
        semaphore.wait(2, _TIMEOUT)


def _check_queue_host_call(device: Device) -> None:
    calls: list[None] = []
    with device.create_semaphore() as semaphore:
        device.queue_host_call(lambda: calls.append(None), signal=[(semaphore, 1)])
        semaphore.wait(1, _TIMEOUT)
    _expect(len(calls) == 1, f"called the function {len(calls)} times: once")


def _check_create_executable(device: Device) -> None:
    _expect_refused(lambda: device.create_executable(_NO_SUCH_NAME, b"no code"))


def _check_query_i64(device: Device) -> None:
    _expect_refused(lambda: device.query_i64(_NO_SUCH_NAME, _NO_SUCH_NAME))


def _check_query_semaphore_compatibility(device: Device) -> None:
    with device.create_semaphore() as semaphore:
        answer = device.query_semaphore_compatibility(semaphore)
    _expect_type(answer, frozenset)
    _expect(bool(answer), "says that a device can do nothing with its own semaphore")
    _expect(answer <= _COMPATIBILITY, f"answered {set(answer)}: of {set(_COMPATIBILITY)}")


def _check_create_event(device: Device) -> None:
    with device.create_event() as event:
        _expect_type(event, Event)


def _check_trim(device: Device) -> None:
    device.trim()
    _check_allocator(device)


def _check_queue_dispatch(device: Device) -> None:
    with device.create_semaphore() as semaphore:

        def dispatch() -> None:
            nothing: Any = None
            device.queue_dispatch(nothing, 0, (1, 1, 1), signal=[(semaphore, 1)])
            try:
                semaphore.wait(1, _TIMEOUT)
            except HalError as error:
                _expect(error.code is not StatusCode.DEADLINE_EXCEEDED, "signals nothing")
                raise

        _expect_no_placeholder(dispatch)


def _check_import_buffer(device: Device) -> None:
    _expect_no_placeholder(lambda: device.import_buffer(object(), HandleType.OPAQUE_FD, _SIZE))


def _check_import_semaphore(device: Device) -> None:
    _expect_no_placeholder(lambda: device.import_semaphore(object(), HandleType.OPAQUE_FD))


def _check_export_buffer(device: Device) -> None:
    kind = _a_kind_not_in(device.query_capabilities().buffer_export_types)
    with device.allocator.allocate(_SIZE) as buffer:
        _expect_no_placeholder(lambda: device.export_buffer(buffer, kind))


def _check_export_semaphore(device: Device) -> None:
    kind = _a_kind_not_in(device.query_capabilities().semaphore_export_types)
    with device.create_semaphore() as semaphore:
        _expect_no_placeholder(lambda: device.export_semaphore(semaphore, kind))


def _a_kind_not_in(claimed: HandleType) -> HandleType:
    return next(kind for kind in reversed(HandleType) if not kind & claimed)


def _expect_no_placeholder(call: Callable[[], object]) -> None:
    """A call that nobody can carry out is refused, or its answer is something."""
    try:
        answer = call()
    except HalError:
        return
    _expect(answer is not None, "did nothing, and said nothing of it")


def _expect_refused(call: Callable[[], object]) -> None:
    """A call with a name that nobody has is refused, and not for want of the slot."""
    try:
        answer = call()
    except HalError as error:
        _expect(error.code is not StatusCode.UNIMPLEMENTED, str(error))
    else:
        raise _Unexpected(f"took a name that does not exist and answered {answer!r}")


_CHECKS: dict[str, Callable[[Device], None]] = {
    "identifier": _check_identifier,
    "query_capabilities": _check_query_capabilities,
    "topology_info": _check_topology_info,
    "assign_topology_info": _check_assign_topology_info,
    "refine_topology_edge": _check_refine_topology_edge,
    "allocator": _check_allocator,
    "create_semaphore": _check_create_semaphore,
    "queue_fill": _check_queue_fill,
    "queue_update": _check_queue_update,
    "queue_copy": _check_queue_copy,
    "queue_barrier": _check_queue_barrier,
    "create_command_buffer": _check_create_command_buffer,
    "queue_execute": _check_queue_execute,
    "queue_alloca": _check_queue_alloca,
    "queue_dealloca": _check_queue_dealloca,
    "queue_host_call": _check_queue_host_call,
    "create_executable": _check_create_executable,
    "queue_dispatch": _check_queue_dispatch,
    "export_buffer": _check_export_buffer,
    "import_buffer": _check_import_buffer,
    "export_semaphore": _check_export_semaphore,
    "import_semaphore": _check_import_semaphore,
    "query_semaphore_compatibility": _check_query_semaphore_compatibility,
    "create_event": _check_create_event,
    "trim": _check_trim,
    "query_i64": _check_query_i64,
}

CHECKED_SLOTS = frozenset(_CHECKS)
"""Slots that `check_slot` can exercise; the rest need what only a case of their own can make."""
