"""Seeing a resource's destruction."""

from __future__ import annotations

from collections.abc import Callable

from cts.hal.resource import Resource


def before_destruction(resource: Resource, call: Callable[[], object]) -> None:
    """From now on `call` runs when the resource is destroyed, just before that happens."""
    destroy = resource._destroy

    def call_and_destroy() -> None:
        call()
        destroy()

    vars(resource)["_destroy"] = call_and_destroy
