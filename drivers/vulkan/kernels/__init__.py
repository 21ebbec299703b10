"""The suite's kernels, in GLSL and as SPIR-V modules, so that running them needs no compiler.

``NAME.comp`` is the source of a kernel and ``NAME.spv`` what `build` makes of it: SPIR-V 1.3 that
any Vulkan 1.1 device takes, since it asks for the capability Shader and no other.
"""

NAMES = ("absolute", "scale", "constants", "count", "places")
"""The kernels, in the order of the conformance executable; a module's entry point has its name."""
