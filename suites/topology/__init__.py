"""Capabilities, edges, the topology that they make, and a device's place in it."""
