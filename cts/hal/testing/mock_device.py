"""A device that does what a test tells it to, and remembers what was asked of it.

device = MockDevice("m0", capabilities=DeviceCapabilities(numa_node=1))
device.fail("assign_topology_info", HalError(StatusCode.UNAVAILABLE, "test"))
device.calls            # [("query_capabilities", ()), ...]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..capabilities import DeviceCapabilities
from ..device import Device, slot
from ..edge import Edge
from ..topology_info import DeviceTopologyInfo, TopologyAssignment


class MockDevice(Device):
    """A device of the core slots, controllable at any slot.

    Parameters
    ----------
    identifier, driver_name : its names; devices of equal `driver_name` are of one driver.
    capabilities : the answer to `query_capabilities`.
    refine : the answer to `refine_topology_edge`, a function of (dst, edge); the edge as it is
        by default.
    wraps : the device that this one stands in for.

    Attributes
    ----------
    calls : (slot, arguments) of each call of a slot that is a method, in order.
    """

    def __init__(
        self,
        identifier: str = "mock",
        driver_name: str = "mock",
        capabilities: DeviceCapabilities = DeviceCapabilities(),  # noqa: B008 - an immutable value
        *,
        refine: Callable[[Device, Edge], Edge] | None = None,
        wraps: Device | None = None,
    ) -> None:
        super().__init__()
        self.driver_name = driver_name
        self.wraps = wraps
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self._identifier = identifier
        self._capabilities = capabilities
        self._refine = refine
        self._topology = TopologyAssignment(self)

    def answer(self, slot_name: str, function: Callable[..., Any]) -> None:
        """Answers a slot that is a method with `function` from now on; the call is logged."""

        def logged(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((slot_name, args))
            return function(*args, **kwargs)

        self.__dict__[slot_name] = logged

    def fail(self, slot_name: str, error: BaseException) -> None:
        """Raises `error` from a slot that is a method, until `restore`."""

        def failing(*args: Any, **kwargs: Any) -> Any:
            raise error

        self.answer(slot_name, failing)

    def restore(self, slot_name: str) -> None:
        """Ends `answer` and `fail` for a slot."""
        self.__dict__.pop(slot_name, None)

    @property
    @slot()
    def identifier(self) -> str:
        return self._identifier

    @slot()
    def query_capabilities(self) -> DeviceCapabilities:
        self.calls.append(("query_capabilities", ()))
        return self._capabilities

    @property
    @slot()
    def topology_info(self) -> DeviceTopologyInfo | None:
        return self._topology.info

    @slot()
    def assign_topology_info(self, info: DeviceTopologyInfo | None) -> None:
        self.calls.append(("assign_topology_info", (info,)))
        self._topology.assign(info)

    @slot()
    def refine_topology_edge(self, dst: Device, edge: Edge) -> Edge:
        self.calls.append(("refine_topology_edge", (dst, edge)))
        return edge if self._refine is None else self._refine(dst, edge)
