"""The instance: the loader's drivers, and the physical devices behind them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from cts.hal import HalError, StatusCode

from . import native
from .api import constants as vk
from .api.declarations import ffi
from .native import NULL, Handle, Loader, struct
from .physical_device import PhysicalDevice, PhysicalDeviceUnfit
from .validation import LAYER, Messenger

OPERATION = "Driver.enumerate"
INSTALL_LOADER = "install it (on Debian: apt install libvulkan1)"
INSTALL_DEVICE = (
    "install a GPU's Vulkan driver, or a software one (on Debian: apt install mesa-vulkan-drivers)"
)
UNREADABLE = (
    "; loaders say so too of a driver's JSON file that they cannot read: VK_LOADER_DEBUG=error"
    " tells of which"
)
INSTALL_LAYER = "install it (on Debian: apt install vulkan-validationlayers)"


class Instance:
    """A Vulkan instance. It ends with the last of its users: the driver, and each of its devices.

    Parameters
    ----------
    report : is given the messages of the validation layer, where that is wanted.

    Attributes
    ----------
    loader : the loader's functions.
    handle : the VkInstance.
    """

    def __init__(self, report: Callable[[str], None] | None = None) -> None:
        loader = native.load()
        if loader is None:
            name = native.names()[0]
            raise _absent(f"no Vulkan loader: {name} cannot be loaded as one; {INSTALL_LOADER}")
        self._users = 1
        self._lock = threading.RLock()  # the collector may end a device anywhere
        self.loader: Loader = loader
        self._messenger = Messenger(report) if report else None
        self.handle = self._create()
        if self._messenger:
            self._messenger.attach(loader, self.handle)

    def _create(self) -> Handle:
        layers: list[str] = []
        extensions: list[str] = []
        messenger = self._messenger
        if messenger:
            self._check_layer()
            layers, extensions = [LAYER], [vk.VK_EXT_DEBUG_UTILS_EXTENSION_NAME]
        application = struct(
            "VkApplicationInfo", pApplicationName="hal-cts", apiVersion=vk.VK_API_VERSION_1_3
        )
        info = struct(
            "VkInstanceCreateInfo",
            pNext=messenger.create_info if messenger else None,
            pApplicationInfo=application,
            enabledLayerCount=len(layers),
            ppEnabledLayerNames=layers,
            enabledExtensionCount=len(extensions),
            ppEnabledExtensionNames=extensions,
        )
        made = ffi.new("VkInstance *")
        result = self.loader.vkCreateInstance(info, NULL, made)
        if result == vk.VK_ERROR_INCOMPATIBLE_DRIVER:
            detail = f"no Vulkan driver: the loader finds none; {INSTALL_DEVICE}"
            raise _absent(detail, vk.RESULTS[result])
        if result == vk.VK_ERROR_OUT_OF_HOST_MEMORY:
            error = native.failure(OPERATION, "vkCreateInstance", result)
            detail = error.detail + UNREADABLE
            raise HalError(error.code, OPERATION, detail, native_code=error.native_code)
        native.check(OPERATION, "vkCreateInstance", result)
        return made[0]

    def _check_layer(self) -> None:
        """Raises UNAVAILABLE where there is no validation layer."""
        found = self.loader.enumerate(
            OPERATION, "vkEnumerateInstanceLayerProperties", "VkLayerProperties"
        )
        if LAYER not in (native.text(layer.layerName) for layer in found):
            raise HalError(
                StatusCode.UNAVAILABLE, "Driver.validate", f"no layer {LAYER}; {INSTALL_LAYER}"
            )

    def physical_devices(self) -> list[PhysicalDevice]:
        """Those that can be driven, in the loader's order. Raises UNAVAILABLE where none can."""
        nothing = f"no Vulkan device: there is none; {INSTALL_DEVICE}"
        call, kind = "vkEnumeratePhysicalDevices", "VkPhysicalDevice"
        try:
            handles = self.loader.enumerate(OPERATION, call, kind, self.handle)
        except HalError as error:
            if error.native_code != "VK_ERROR_INITIALIZATION_FAILED":
                raise
            # The loader's way to say that no driver has a device.
            raise _absent(nothing, error.native_code) from error
        found, unfit = [], []
        for handle in handles:
            try:
                found.append(PhysicalDevice(self.loader, handle))
            except PhysicalDeviceUnfit as error:
                unfit.append(str(error))
        if not handles:
            raise _absent(nothing)
        if not found:
            raise _absent(f"no Vulkan device that can be used: {'; '.join(unfit)}")
        return found

    @property
    def version(self) -> str:
        """The loader's, which is that of the Vulkan that it knows."""
        found = ffi.new("uint32_t *")
        native.check(
            OPERATION, "vkEnumerateInstanceVersion", self.loader.vkEnumerateInstanceVersion(found)
        )
        return ".".join(map(str, native.version_of(found[0])))

    @property
    def is_validated(self) -> bool:
        """Whether the validation layer looks on."""
        return self._messenger is not None

    def expecting(self, name: str) -> AbstractContextManager[None]:
        """Keeps a message of validation that is provoked on purpose from being reported."""
        return self._messenger.expecting(name) if self._messenger else nullcontext()

    def add_user(self) -> None:
        """Keeps it there until `drop_user`."""
        with self._lock:
            self._users += 1

    def drop_user(self) -> None:
        """Ends it with its last user."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
        if self._messenger:
            self._messenger.detach()
        self.loader.vkDestroyInstance(self.handle, NULL)


def _absent(detail: str, native_code: str | None = None) -> HalError:
    code, operation = StatusCode.UNAVAILABLE, "Driver.available"
    return HalError(code, operation, detail, driver="vulkan", native_code=native_code)
