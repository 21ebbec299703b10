"""The program that cases run over two devices: what it is to do, and the same in numpy.

A driver gives it by `Driver.conformance_program`. It takes and gives 16 floats of 4 bytes, in
native byte order: on the first device x + 1, on the second twice that, and on the first again
less 3.
"""

from __future__ import annotations

import numpy as np

FLOATS = 16


def there_and_back(data: bytes) -> bytes:
    """What the program makes of `data`, float32[16]."""
    one, two, three = np.array([1, 2, 3], np.float32)
    result: np.ndarray[tuple[int], np.dtype[np.float32]]
    result = (np.frombuffer(data, np.float32) + one) * two - three
    return result.tobytes()
