"""Tests of the built-in drivers: what their own code decides, and how they find backends."""
