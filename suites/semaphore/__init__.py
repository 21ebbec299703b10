"""Timeline semaphores."""
