"""Device code: executables, their dispatch, and both in command buffers."""
