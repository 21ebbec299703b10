"""The part of Vulkan that a compute driver calls, as Khronos' registry declares it.

- `declarations`: ``ffi``, cffi's declarations of the structs, handles and commands. Importing it
  loads no library: ``ffi.dlopen`` does.
- `constants`: values of enums and bits, names of extensions, structure types, and the names of
  results and drivers.
- `generate`: makes both, and says what is in them.

For example, ``ffi.dlopen("libvulkan.so.1").vkEnumerateInstanceVersion(ffi.new("uint32_t *"))``
returns ``constants.VK_SUCCESS``.
"""
