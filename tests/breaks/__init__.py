"""Breaks of each requirement, one module an area of the suites."""
