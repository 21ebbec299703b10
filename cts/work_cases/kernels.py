"""The kernels that cases of dispatch run: what each is to do, and the same in numpy.

A driver gives them as one executable in a format of its own (`Driver.conformance_executable`). An
entry point has the name, the number of constants and the number of bindings that it has here. All
words are of 4 bytes, in native byte order; a workgroup's number is ``x + X * (y + Y * z)``, where X
and Y are how many there are along x and y. A binding has room for every workgroup.
"""

from __future__ import annotations

from cts.hal import EntryPoint

ABSOLUTE = EntryPoint("absolute", constants=0, bindings=2)
"""Workgroup n writes the absolute value of float n of binding 0 to float n of binding 1."""
SCALE = EntryPoint("scale", constants=4, bindings=2)
"""Workgroup n writes a * x + b, at least low and at most high, to float n of binding 1: x is float
n of binding 0, and the constants are a, b, low and high, floats."""
CONSTANTS = EntryPoint("constants", constants=4, bindings=1)
"""The one workgroup writes its four constants to the first four words of binding 0."""
COUNT = EntryPoint("count", constants=0, bindings=1)
"""Workgroup n adds 1 to word n of binding 0."""
PLACES = EntryPoint("places", constants=0, bindings=1)
"""Workgroup n writes its x, y and z to the words 3 * n, 3 * n + 1 and 3 * n + 2 of binding 0."""

KERNELS = (ABSOLUTE, SCALE, CONSTANTS, COUNT, PLACES)
