"""Tests of the HAL's types, as far as the conformance suites do not cover them."""
