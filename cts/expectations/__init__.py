"""What a driver is known to get wrong, in a file of its own."""
