"""A device-group HAL in Python, and the conformance test suite (CTS) that judges its drivers."""
