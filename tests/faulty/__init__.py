"""Drivers with one named bug each, device groups with one, and what the suites make of them.

`registry` has the list, `changes` the ways to change a good driver; `trials` runs the suites on
each, `score` says who was caught, `command` is `hal-cts mutants`. Every other module is mutants of
an area of the contract. They are installed as `cts.faulty`.
"""
