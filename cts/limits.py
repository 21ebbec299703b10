"""Time-outs and sizes that more than one module keeps."""

PROBE_STEP_TIMEOUT = 30.0
"""Seconds that one step of a driver may take in its probe."""

CASE_TIMEOUT = 30.0
"""Seconds that a phase of a case, or a step of the driver within it, may take."""

START_TIMEOUT = 120.0
"""Seconds that a child may take to collect the cases."""

EXIT_TIMEOUT = 30.0
"""Seconds that the end of a child's session, and then its exit, may take."""

MAX_CRASHES = 20
"""Crashes and time-outs after which a driver is given up."""

MAX_OUTPUT = 64 << 20
"""Bytes that a process may print while it is in one place."""
