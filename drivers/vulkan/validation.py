"""The validation layer's messages: Vulkan's own checks of how it is used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .api import constants as vk
from .api.declarations import ffi
from .native import NULL, Handle, Loader, struct

LAYER = "VK_LAYER_KHRONOS_validation"

SEVERITIES = (
    vk.VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
    | vk.VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT
)
TYPES = vk.VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT


class Messenger:
    """Hands the layer's warnings and errors on, each as one line that starts with its VUID; those
    of missing barriers as well, for which the layer has to be asked.

    Parameters
    ----------
    report : called with each of them, on whichever thread made the call that is at fault.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        signature = "VkBool32(VkFlags, VkFlags, VkDebugUtilsMessengerCallbackDataEXT *, void *)"
        self._callback = ffi.callback(signature, self._receive)
        hazards = struct(
            "VkValidationFeaturesEXT",
            enabledValidationFeatureCount=1,
            pEnabledValidationFeatures=[
                vk.VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT
            ],
        )
        self.create_info = struct(
            "VkDebugUtilsMessengerCreateInfoEXT",
            pNext=hazards,
            messageSeverity=SEVERITIES,
            messageType=TYPES,
            pfnUserCallback=ffi.cast("void *", self._callback),
        )
        self._expected = threading.local()
        self._loader: Loader | None = None
        self._instance: Handle = NULL
        self._handle: Handle = NULL

    def attach(self, loader: Loader, instance: Handle) -> None:
        """Listens to an instance; to its creation and end it listens by its `create_info`."""
        made = ffi.new("VkDebugUtilsMessengerEXT *")
        create = loader.of_instance(instance, "vkCreateDebugUtilsMessengerEXT")
        create(instance, self.create_info, NULL, made)
        self._loader, self._instance, self._handle = loader, instance, made[0]

    def detach(self) -> None:
        """Stops listening."""
        if self._loader is not None:
            end = self._loader.of_instance(self._instance, "vkDestroyDebugUtilsMessengerEXT")
            end(self._instance, self._handle, NULL)

    @contextmanager
    def expecting(self, name: str) -> Iterator[None]:
        """Keeps a message that the calling thread is to provoke in the block to itself."""
        self._expected.name = name
        try:
            yield
        finally:
            self._expected.name = None

    def _receive(self, severity: int, kind: int, data: Any, user: Any) -> int:
        name = ffi.string(data.pMessageIdName).decode() if data.pMessageIdName else "no id"
        if name == getattr(self._expected, "name", None):
            return 0
        message = ffi.string(data.pMessage).decode("utf-8", "backslashreplace")
        self._report(f"{name}: {' '.join(message.split())}")
        return 0  # the call goes on
