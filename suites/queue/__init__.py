"""Queue operations and command buffers."""
