"""Executables that tell their entry points by their place."""

from __future__ import annotations

from collections.abc import Sequence

from cts.hal import Device, EntryPoint, Executable, HalError, StatusCode


class CheckedExecutable(Executable):
    """Device code with entry points that are known from the start."""

    def __init__(self, device: Device, entry_points: Sequence[EntryPoint]) -> None:
        super().__init__(device)
        self._entry_points = tuple(entry_points)

    @property
    def entry_points(self) -> Sequence[EntryPoint]:
        return self._entry_points

    def entry_point(self, operation: str, place: int) -> EntryPoint:
        """An entry point by its place. Raises OUT_OF_RANGE."""
        count = len(self._entry_points)
        if not 0 <= place < count:
            raise HalError(
                StatusCode.OUT_OF_RANGE,
                operation,
                f"entry_point is {place}: the executable has {count}",
            )
        return self._entry_points[place]
