"""Modules: programs that hold a device group."""
