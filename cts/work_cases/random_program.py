"""Random transfers between a few buffers, each with the earlier ones that it must come after.

The order that the program is written in is one of many that give the same bytes: a step depends on
those before it that wrote what it touches, and on those that read what it writes. Numpy carries it
out in the order written.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cts.hal import Buffer, Device, SemaphoreList
from cts.work_cases import Bytes

BUFFERS = 4
SIZE = 64
STEPS = 48


@dataclass(frozen=True)
class Step:
    """A transfer between buffers, which it names by number; ranges are of whole words."""

    transfer: str
    """A slot of the queue."""
    source: int
    """What a copy reads."""
    target: int
    start: int
    """The offset in the source."""
    to: int
    """The offset in the target."""
    data: bytes
    """What a fill or an update writes; of a copy, as many bytes as it moves."""
    after: frozenset[int]
    """The steps that it depends on."""

    def submit(
        self, device: Device, buffers: Sequence[Buffer], wait: SemaphoreList, signal: SemaphoreList
    ) -> None:
        """Submits the transfer."""
        target = buffers[self.target], self.to
        length = len(self.data)
        if self.transfer == "queue_fill":
            device.queue_fill(*target, length, self.data[:4], wait=wait, signal=signal)
        elif self.transfer == "queue_update":
            device.queue_update(self.data, *target, wait=wait, signal=signal)
        else:
            source = buffers[self.source], self.start
            device.queue_copy(*source, *target, length, wait=wait, signal=signal)

    def apply(self, arrays: Sequence[Bytes]) -> None:
        """What it does, in numpy."""
        data = np.frombuffer(self.data, np.uint8)
        if self.transfer == "queue_fill":
            data = np.tile(data[:4], data.size // 4)
        elif self.transfer == "queue_copy":
            data = arrays[self.source][self.start : self.start + data.size]
        arrays[self.target][self.to : self.to + data.size] = data


def random_program(seed: int) -> list[Step]:
    """So many steps, the same for the same seed."""
    rng = random.Random(seed)
    steps: list[Step] = []
    written: dict[int, set[int]] = {number: set() for number in range(BUFFERS)}
    touched: dict[int, set[int]] = {number: set() for number in range(BUFFERS)}
    for number in range(STEPS):
        transfer = rng.choice(["queue_fill", "queue_update", "queue_copy"])
        source, target = rng.sample(range(BUFFERS), 2)
        words = rng.randint(1, SIZE // 4)
        start, to = (4 * rng.randint(0, SIZE // 4 - words) for _ in range(2))
        after = set(touched[target])
        if transfer == "queue_copy":
            after |= written[source]
            touched[source].add(number)
        written[target], touched[target] = {number}, {number}
        data = rng.randbytes(4 * words)
        steps.append(Step(transfer, source, target, start, to, data, frozenset(after)))
    return steps
