"""The built-in drivers, one folder a backend; each is found by its entry point, like any other."""
