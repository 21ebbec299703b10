"""Command buffers: dispatches in them, and tables that say over which buffers they run."""
