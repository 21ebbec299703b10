"""Executables: SPIR-V modules, each with one entry point that becomes a compute pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cts.hal import EntryPoint, HalError, StatusCode

from .._common.arguments import as_bytes, refusal
from .._common.executable import CheckedExecutable
from .api import constants as vk
from .api.declarations import ffi
from .archive import FORMAT, unpack
from .native import NULL, Handle, struct
from .spirv import CAPABILITY_NAMES, SpirvModule, read_module

if TYPE_CHECKING:
    from .device import VulkanDevice
    from .logical_device import LogicalDevice
    from .physical_device import PhysicalDevice

SETS_IN_A_POOL = 16
STORAGE = vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
COMPUTE = vk.VK_SHADER_STAGE_COMPUTE_BIT

FEATURES = {
    9: ("features_12", "shaderFloat16"),
    10: ("features", "shaderFloat64"),
    11: ("features", "shaderInt64"),
    22: ("features", "shaderInt16"),
    39: ("features_12", "shaderInt8"),
    5345: ("features_12", "vulkanMemoryModel"),
    5346: ("features_12", "vulkanMemoryModelDeviceScope"),
}
"""Of SPIR-V's capabilities the feature that each needs, of those that devices are made with."""
ALWAYS = frozenset({0, 1})
"""Matrix and Shader: every device has them."""


class VulkanExecutable(CheckedExecutable):
    """The modules of an archive."""

    def __init__(self, device: VulkanDevice, format: str, data: bytes) -> None:
        operation = "Device.create_executable"
        if format != FORMAT:
            raise HalError(
                StatusCode.NOT_FOUND, operation, f"format is {format!r}: there is {FORMAT!r}"
            )
        modules = _modules(operation, as_bytes(operation, "data", data))
        for module in modules:
            _check_fits(operation, module, device.native.physical)
        points = [EntryPoint(m.entry_point, m.constants, m.bindings) for m in modules]
        super().__init__(device, points)
        self._queue = device.queue
        self._native = device.native
        self._modules = modules
        self._functions: dict[int, Function] = {}
        self.last_use = 0

    def function(self, place: int) -> Function:
        """What runs an entry point; made at the first use, with the queue's lock held."""
        if place not in self._functions:
            self._functions[place] = Function(self._native, self._modules[place])
        return self._functions[place]

    def _free(self) -> None:
        functions = list(self._functions.values())

        def end() -> None:
            for function in functions:
                function.destroy()

        self._queue.end_after(self.last_use, end)


class Function:
    """A compute pipeline, and the descriptor sets that it is given its buffers in.

    Attributes
    ----------
    pipeline, layout : VkPipeline and VkPipelineLayout.
    """

    def __init__(self, native: LogicalDevice, module: SpirvModule) -> None:
        self._native = native
        self._bindings = module.bindings
        self._pools: list[Handle] = []
        self._free: list[Handle] = []
        self._set_layout = self.layout = self.pipeline = NULL
        try:
            self._set_layout = self._make_set_layout()
            self.layout = self._make_layout(module.constants)
            self.pipeline = self._make_pipeline(module)
        except HalError:
            self.destroy()
            raise

    def _make(self, call: str, kind: str, info: Any) -> Handle:
        return self._native.make("Device.queue_dispatch", call, kind, info)

    def _make_set_layout(self) -> Handle:
        bindings = [
            struct(
                "VkDescriptorSetLayoutBinding",
                binding=place,
                descriptorType=STORAGE,
                descriptorCount=1,
                stageFlags=COMPUTE,
            )
            for place in range(self._bindings)
        ]
        info = struct(
            "VkDescriptorSetLayoutCreateInfo", bindingCount=len(bindings), pBindings=bindings
        )
        return self._make("vkCreateDescriptorSetLayout", "VkDescriptorSetLayout", info)

    def _make_layout(self, constants: int) -> Handle:
        ranges = [struct("VkPushConstantRange", stageFlags=COMPUTE, size=4 * constants)]
        info = struct(
            "VkPipelineLayoutCreateInfo",
            setLayoutCount=1,
            pSetLayouts=[self._set_layout],
            pushConstantRangeCount=bool(constants),
            pPushConstantRanges=ranges if constants else None,
        )
        return self._make("vkCreatePipelineLayout", "VkPipelineLayout", info)

    def _make_pipeline(self, module: SpirvModule) -> Handle:
        loader, device = self._native.loader, self._native.handle
        code = ffi.new("uint32_t[]", len(module.code) // 4)
        ffi.memmove(code, module.code, len(module.code))
        info = struct("VkShaderModuleCreateInfo", codeSize=len(module.code))
        info.pCode = code
        shader = self._make("vkCreateShaderModule", "VkShaderModule", info)
        name = ffi.new("char[]", module.entry_point.encode())
        request = struct("VkComputePipelineCreateInfo", layout=self.layout)
        request.stage = struct(
            "VkPipelineShaderStageCreateInfo", stage=COMPUTE, module=shader, pName=name
        )[0]
        made = ffi.new("VkPipeline *")
        result = loader.vkCreateComputePipelines(device, NULL, 1, request, NULL, made)
        loader.vkDestroyShaderModule(device, shader, NULL)
        self._native.check("Device.queue_dispatch", "vkCreateComputePipelines", result)
        return made[0]

    def bind(self, ranges: Sequence[tuple[Handle, int, int]]) -> Handle:
        """A descriptor set over ranges of VkBuffers, by offset and length; to be unbound."""
        if not self._free:
            self._add_pool()
        bound = self._free.pop()
        infos = [
            struct("VkDescriptorBufferInfo", buffer=buffer, offset=start, range=max(length, 1))
            for buffer, start, length in ranges
        ]
        writes = [
            struct(
                "VkWriteDescriptorSet",
                dstSet=bound,
                dstBinding=place,
                descriptorCount=1,
                descriptorType=STORAGE,
                pBufferInfo=info,
            )
            for place, info in enumerate(infos)
        ]
        array = ffi.new("VkWriteDescriptorSet[]", [write[0] for write in writes])
        self._native.loader.vkUpdateDescriptorSets(self._native.handle, len(writes), array, 0, NULL)
        return bound

    def unbind(self, bound: Handle) -> None:
        """Takes back a set that no command will use any more."""
        self._free.append(bound)

    def _add_pool(self) -> None:
        size = struct(
            "VkDescriptorPoolSize",
            type=STORAGE,
            descriptorCount=SETS_IN_A_POOL * max(self._bindings, 1),
        )
        info = struct(
            "VkDescriptorPoolCreateInfo",
            maxSets=SETS_IN_A_POOL,
            poolSizeCount=1,
            pPoolSizes=size,
        )
        pool = self._make("vkCreateDescriptorPool", "VkDescriptorPool", info)
        self._pools.append(pool)
        request = struct(
            "VkDescriptorSetAllocateInfo",
            descriptorPool=pool,
            descriptorSetCount=SETS_IN_A_POOL,
            pSetLayouts=[self._set_layout] * SETS_IN_A_POOL,
        )
        sets = ffi.new("VkDescriptorSet[]", SETS_IN_A_POOL)
        native = self._native
        result = native.loader.vkAllocateDescriptorSets(native.handle, request, sets)
        native.check("Device.queue_dispatch", "vkAllocateDescriptorSets", result)
        self._free += list(sets)

    def destroy(self) -> None:
        """Gives it all back."""
        loader, device = self._native.loader, self._native.handle
        for pool in self._pools:
            loader.vkDestroyDescriptorPool(device, pool, NULL)
        loader.vkDestroyPipeline(device, self.pipeline, NULL)
        loader.vkDestroyPipelineLayout(device, self.layout, NULL)
        loader.vkDestroyDescriptorSetLayout(device, self._set_layout, NULL)


def _modules(operation: str, data: bytes) -> list[SpirvModule]:
    """What is in an archive. Raises INVALID_ARGUMENT for what is none, or damaged."""
    try:
        return [read_module(code) for code in unpack(data)]
    except ValueError as error:
        raise refusal(operation, f"data is no executable: {error}") from error


def _check_fits(operation: str, module: SpirvModule, physical: PhysicalDevice) -> None:
    """Raises INCOMPATIBLE where a module asks for what the device has not."""
    lacking = [
        CAPABILITY_NAMES.get(number, f"the capability {number}")
        for number in sorted(module.capabilities - ALWAYS)
        if not _has(physical, number)
    ]
    if lacking:
        raise HalError(
            StatusCode.INCOMPATIBLE,
            operation,
            f"{module.entry_point!r} needs {', '.join(lacking)}: {physical.name} has not",
        )
    limits = physical.limits
    asked = {
        "SPIR-V 1.": (module.code[5], 6 if physical.api_version >= (1, 3) else 5),
        "bytes of constants: ": (4 * module.constants, limits.maxPushConstantsSize),
        "bindings: ": (module.bindings, limits.maxPerStageDescriptorStorageBuffers),
    }
    for what, (wanted, most) in asked.items():
        if wanted > most:
            raise HalError(
                StatusCode.INCOMPATIBLE,
                operation,
                f"{module.entry_point!r} needs {what}{wanted}, {physical.name} has {most}",
            )


def _has(physical: PhysicalDevice, capability: int) -> bool:
    where, name = FEATURES.get(capability, ("", ""))
    return bool(where) and bool(getattr(getattr(physical, where), name))
