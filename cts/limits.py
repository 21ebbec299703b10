"""Time-outs and sizes that more than one module keeps."""

PROBE_STEP_TIMEOUT = 30.0
"""Seconds that one step of a driver may take in its probe."""
