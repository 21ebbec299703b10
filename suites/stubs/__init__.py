"""Slots: which are implemented, and that none is a stub; status codes and errors."""
