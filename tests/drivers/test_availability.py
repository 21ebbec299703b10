"""Drivers that find out what is missing: absence is UNAVAILABLE, and nothing else is."""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from cts import registry
from cts.hal import HalError, StatusCode

from .conftest import DriverModule

ABSENT = ["amdgpu", "cuda", "hip", "metal", "vulkan"]
IREE = ["iree-cuda", "iree-hip", "iree-local-sync", "iree-local-task", "iree-vulkan"]


def no_library(name: str) -> Any:
    raise OSError(f"{name}: cannot open shared object file")


def reason(name: str) -> str:
    """Why a driver is unavailable."""
    error = registry.load(name)().available()
    assert error is not None
    assert error.code is StatusCode.UNAVAILABLE
    assert error.driver == name
    return error.detail


def pointed(reference: Any) -> Any:
    """What ctypes.byref was called with."""
    return reference._obj


@pytest.mark.parametrize(
    ("name", "library", "install"),
    [
        ("cuda", "libcuda.so.1", "pip install 'hal-cts[cuda]'"),
        ("hip", "libamdhip64.so", "pip install 'hal-cts[hip]'"),
        ("amdgpu", "libhsa-runtime64.so.1", "apt install libhsa-runtime64-1"),
    ],
)
def test_a_missing_library_is_named_with_its_install_step(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str, install: str
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    text = reason(name)
    assert f"{library} cannot be loaded" in text
    assert install in text


def _cuda(init: int, count_code: int, count: int) -> SimpleNamespace:
    def get_count(reference: Any) -> int:
        pointed(reference).value = count
        return count_code

    return SimpleNamespace(cuInit=lambda flags: init, cuDeviceGetCount=get_count)


@pytest.mark.parametrize(
    ("library", "text"),
    [
        (_cuda(100, 0, 0), "no CUDA device"),
        (_cuda(0, 0, 0), "no CUDA device"),
        (_cuda(34, 0, 0), "a stub for linking"),
    ],
)
def test_cuda_without_a_device_is_absent(
    monkeypatch: pytest.MonkeyPatch, library: SimpleNamespace, text: str
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert text in reason("cuda")


@pytest.mark.parametrize(
    ("library", "call", "code"),
    [(_cuda(803, 0, 0), "cuInit", 803), (_cuda(0, 999, 0), "cuDeviceGetCount", 999)],
)
def test_a_cuda_that_fails_is_broken_and_not_absent(
    monkeypatch: pytest.MonkeyPatch, library: SimpleNamespace, call: str, code: int
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    with pytest.raises(HalError, match=call) as caught:
        registry.load("cuda")().available()
    assert caught.value.code is StatusCode.INTERNAL
    assert caught.value.native_code == code


def test_cuda_without_its_binding_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: _cuda(0, 0, 1))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert reason("cuda") == "no Python binding of CUDA: pip install 'hal-cts[cuda]'"


@pytest.mark.parametrize("code", [0, 100])
def test_hip_without_a_device_is_absent(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    library = SimpleNamespace(hipGetDeviceCount=lambda count: code)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert "no HIP device" in reason("hip")


def test_hip_looks_where_rocm_path_says(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def note(name: str) -> Any:
        tried.append(name)
        raise OSError(name)

    monkeypatch.setenv("ROCM_PATH", "/somewhere")
    monkeypatch.setattr(ctypes, "CDLL", note)
    reason("hip")
    assert tried[0] == "/somewhere/lib/libamdhip64.so"


def test_amdgpu_without_a_kernel_driver_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(hsa_init=lambda: 0x1008)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert "no kernel driver" in reason("amdgpu")


@pytest.mark.parametrize("mask", ["", "bogus"])
def test_amdgpu_looks_for_a_gpu_among_the_agents(
    monkeypatch: pytest.MonkeyPatch, mask: str
) -> None:
    ended = []

    class Hsa:
        """An HSA runtime of two agents that are CPUs."""

        def hsa_init(self) -> int:
            return 0

        def hsa_shut_down(self) -> int:
            ended.append(True)
            return 0

        def __init__(self) -> None:
            def agent_info(agent: int, attribute: int, value: Any) -> int:
                pointed(value).value = 0
                return 0

            self.hsa_agent_get_info = agent_info
            self.hsa_iterate_agents = lambda visit, data: visit(0, data) + visit(1, data)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Hsa())
    if mask:
        monkeypatch.setenv("ROCR_VISIBLE_DEVICES", mask)
    text = reason("amdgpu")
    assert "no GPU among the agents" in text
    assert ("ROCR_VISIBLE_DEVICES is 'bogus'" in text) is bool(mask)
    assert ended == [True]


def test_amdgpu_that_fails_is_broken_and_not_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(hsa_init=lambda: 0x1000)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    with pytest.raises(HalError, match="hsa_init") as caught:
        registry.load("amdgpu")().available()
    assert caught.value.code is StatusCode.INTERNAL
    assert caught.value.native_code == 0x1000


def test_amdgpu_tells_a_kernel_driver_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver_module: DriverModule
) -> None:
    library = SimpleNamespace(hsa_init=lambda: 0x1008)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(driver_module("amdgpu", "driver"), "KERNEL_DRIVER", str(tmp_path))
    assert f"cannot use {tmp_path}, the kernel driver" in reason("amdgpu")


def test_vulkan_without_its_loader_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("_cffi_backend")
    monkeypatch.setenv("HAL_CTS_VULKAN_LIBRARY", "libvulkan.so.0")
    text = reason("vulkan")
    assert "libvulkan.so.0 cannot be loaded" in text
    assert "apt install libvulkan1" in text


def test_vulkan_without_cffi_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'hal-cts[vulkan]'" in reason("vulkan")


def test_metal_is_of_macos_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert reason("metal") == "no Metal: it is macOS's, and this is linux"


def test_metal_on_macos_needs_its_binding_and_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'hal-cts[metal]'" in reason("metal")
    metal = ModuleType("Metal")
    metal.__dict__["MTLCopyAllDevices"] = list
    monkeypatch.setitem(sys.modules, "Metal", metal)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert reason("metal") == "no Metal device: macOS finds no GPU here"


def test_another_module_of_metals_name_is_no_metal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "Metal", ModuleType("Metal"))
    assert reason("metal") == "no Metal: it is macOS's, and this is linux"


@pytest.mark.parametrize("name", IREE)
def test_iree_without_its_wheel_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert reason(name) == "IREE's runtime is not installed: pip install 'hal-cts[iree]'"


@pytest.mark.parametrize("name", ABSENT)
def test_what_cannot_be_driven_refuses_with_the_same_reason(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    driver = registry.load(name)()
    for refuse in (driver.enumerate, driver.create_device):
        with pytest.raises(HalError) as caught:
            refuse()
        assert caught.value.code is StatusCode.UNAVAILABLE
        assert caught.value.detail == reason(name)


def test_loading_every_driver_imports_and_loads_nothing_of_a_vendor() -> None:
    check = (
        "import ctypes, sys\n"
        "from cts import registry\n"
        "def refuse(name): raise AssertionError(name)\n"
        "ctypes.CDLL = refuse\n"
        "for name in registry.names(): registry.load(name)()\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}"
        " & {'iree', 'cuda', 'rocm', 'Metal', 'objc'}))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
