"""Every call of Vulkan: functions, structures, and what a VkResult comes to.

`load` opens the loader. Functions of the loader are attributes of the `Loader` that it gives, those
of extensions come by `Loader.of_device` and `Loader.of_instance`. A call that can fail goes through
`check`, which turns its VkResult into a `HalError` with the canonical code, the call's name and the
result's. cffi releases the GIL in every call.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from cts.hal import DEVICE_LOST, HalError, StatusCode

from .api import constants as vk
from .api.declarations import ffi as ffi

Handle: TypeAlias = Any
"""A native object, as cffi has it; `ffi.NULL` for none."""

LIBRARIES = ("libvulkan.so.1", "vulkan-1.dll", "libvulkan.1.dylib")
LIBRARY_VARIABLE = "HAL_CTS_VULKAN_LIBRARY"
"""Names another loader to open."""

NULL: Handle = ffi.NULL

CODES = {
    vk.VK_TIMEOUT: StatusCode.DEADLINE_EXCEEDED,
    vk.VK_NOT_READY: StatusCode.UNAVAILABLE,
    vk.VK_ERROR_OUT_OF_HOST_MEMORY: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_OUT_OF_DEVICE_MEMORY: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_OUT_OF_POOL_MEMORY: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_FRAGMENTED_POOL: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_FRAGMENTATION: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_TOO_MANY_OBJECTS: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_MEMORY_MAP_FAILED: StatusCode.RESOURCE_EXHAUSTED,
    vk.VK_ERROR_DEVICE_LOST: DEVICE_LOST,
    vk.VK_ERROR_LAYER_NOT_PRESENT: StatusCode.UNAVAILABLE,
    vk.VK_ERROR_INCOMPATIBLE_DRIVER: StatusCode.UNAVAILABLE,
    vk.VK_ERROR_EXTENSION_NOT_PRESENT: StatusCode.INCOMPATIBLE,
    vk.VK_ERROR_FEATURE_NOT_PRESENT: StatusCode.INCOMPATIBLE,
    vk.VK_ERROR_INVALID_EXTERNAL_HANDLE: StatusCode.INVALID_ARGUMENT,
    vk.VK_ERROR_VALIDATION_FAILED: StatusCode.INVALID_ARGUMENT,
    vk.VK_ERROR_UNKNOWN: StatusCode.UNKNOWN,
}
"""Of results that are failures; any other is INTERNAL."""

_kept: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
"""What a structure points into, for as long as there is the structure."""
_fields: dict[str, tuple[Any, dict[str, Any]]] = {}


def failure(operation: str, call: str, result: int) -> HalError:
    """The error of a native call."""
    name = vk.RESULTS.get(result, str(result))
    code = CODES.get(result, StatusCode.INTERNAL)
    return HalError(code, operation, f"{call} gave {name} ({result})", native_code=name)


def check(operation: str, call: str, result: int) -> None:
    """Raises where a native call has failed."""
    if result < 0:
        raise failure(operation, call, result)


def struct(name: str, **values: Any) -> Any:
    """A structure on the heap, with its sType, that keeps alive what its fields point to.

    A value is a number or a handle; for a pointer also text, bytes, another structure, or a
    sequence of any of these.
    """
    if name not in _fields:
        _fields[name] = ffi.typeof(f"{name} *"), dict(ffi.typeof(name).fields)
    kind, fields = _fields[name]
    made = ffi.new(kind)
    kept: list[Any] = []
    if name in vk.STRUCTURE_TYPES:
        made.sType = vk.STRUCTURE_TYPES[name]
    for field, value in values.items():
        setattr(made, field, _pointed(fields[field].type, value, kept))
    if kept:
        _kept[made] = kept
    return made


def _pointed(kind: Any, value: Any, kept: list[Any]) -> Any:
    """A field's value as cffi takes it; what it points to goes into `kept`."""
    if kind.kind != "pointer":
        return value
    if value is None:
        return NULL
    if isinstance(value, str):
        value = ffi.new("char[]", value.encode())
    elif isinstance(value, bytes):
        value = ffi.from_buffer(value)
    elif isinstance(value, Sequence):
        value = array(kind.item, value)
    kept.append(value)
    return ffi.cast(kind, value)


def array(kind: Any, values: Sequence[Any]) -> Any:
    """An array on the heap of a type of cffi's, that keeps alive what is in it."""
    if not values:
        return NULL
    kept = [ffi.new("char[]", v.encode()) if isinstance(v, str) else v for v in values]
    is_struct = kind.kind in ("struct", "union")
    made = ffi.new(ffi.getctype(kind, "[]"), [v[0] for v in kept] if is_struct else kept)
    _kept[made] = kept
    return made


def text(characters: Any) -> str:
    """The text in an array of characters."""
    return bytes(ffi.string(characters)).decode("utf-8", "backslashreplace")


def version_of(number: int) -> tuple[int, int, int]:
    """Vulkan's versions as they are numbered: major, minor, patch."""
    return number >> 22 & 0x7F, number >> 12 & 0x3FF, number & 0xFFF


class Loader:
    """The loader's functions, by their names."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._library, name)
        setattr(self, name, function)
        return function

    def of_instance(self, instance: Handle, name: str) -> Any:
        """A function of an instance's extension."""
        return _cast(name, self.vkGetInstanceProcAddr(instance, name.encode()))

    def of_device(self, device: Handle, name: str) -> Any:
        """A function of a device's extension."""
        return _cast(name, self.vkGetDeviceProcAddr(device, name.encode()))

    def enumerate(self, operation: str, call: str, kind: str, *arguments: Any) -> list[Any]:
        """All that a function tells of its kind, asked for their number first."""
        function, count = getattr(self, call), ffi.new("uint32_t *")
        while True:
            check(operation, call, function(*arguments, count, NULL) or 0)
            found = ffi.new(f"{kind}[]", count[0])
            result = function(*arguments, count, found) or 0
            check(operation, call, result)
            if result != vk.VK_INCOMPLETE:
                return list(ffi.unpack(found, count[0]))


def _cast(name: str, function: Handle) -> Any:
    if function == NULL:
        raise HalError(StatusCode.INTERNAL, name, "there is no such function")
    return ffi.cast(f"PFN_{name}", function)


def names() -> Sequence[str]:
    """The libraries that `load` tries."""
    given = os.environ.get(LIBRARY_VARIABLE)
    return (given,) if given else LIBRARIES


def load() -> Loader | None:
    """The loader; none where no library is one."""
    for name in names():
        try:
            loader = Loader(ffi.dlopen(name))
            _ = loader.vkCreateInstance
        except (OSError, ffi.error):  # not there under this name, or something else
            continue
        return loader
    return None


def keep(holder: Any, *things: Any) -> None:
    """Keeps things alive for as long as a structure is."""
    _kept.setdefault(holder, []).extend(things)
