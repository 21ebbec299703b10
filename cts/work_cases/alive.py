"""What is alive that was not before."""

from __future__ import annotations

import time
from collections import Counter

from cts.hal import live_counts


def left_after(before: Counter[str], limit: float) -> dict[str, int]:
    """What is alive beyond `before`, by type, once it is nothing or `limit` seconds are over."""
    deadline = time.monotonic() + limit
    while Counter(live_counts()) - before and time.monotonic() < deadline:
        time.sleep(0.001)
    return dict(Counter(live_counts()) - before)
