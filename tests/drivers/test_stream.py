"""The drivers over streams, on stand-ins for their vendors' libraries: what they say of devices and
of the links between them, and what becomes of them when something goes wrong."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.standin import StandIn, build

from .fake_icd import missing
from .in_a_process import in_a_process
from .stream_subject import NEEDING_MEMORY, OUT_OF_MEMORY

MODULE = "tests.drivers.stream_scenarios"
NAMES = ("cuda", "hip", "amdgpu")
LOST = "DATA_LOSS"
NATIVE = {
    "cuda": {
        "memory": "CUDA_ERROR_OUT_OF_MEMORY",
        "failed": "CUDA_ERROR_LAUNCH_FAILED",
        "fault": "CUDA_ERROR_ILLEGAL_ADDRESS",
    },
    "hip": {
        "memory": "hipErrorOutOfMemory",
        "failed": "hipErrorLaunchFailure",
        "fault": "hipErrorIllegalAddress",
    },
    "amdgpu": {
        "memory": "HSA_STATUS_ERROR_OUT_OF_RESOURCES",
        "failed": "HSA_STATUS_ERROR_EXCEPTION",
        "fault": "HSA_STATUS_ERROR_MEMORY_FAULT",
    },
}
OF_DEVICES = {"cuda": ["OPAQUE_FD"], "hip": ["OPAQUE_FD"], "amdgpu": ["DMA_BUF"]}
"""Kinds of handle of a device's own memory that are imported."""
Scenario = Callable[..., Any]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """A driver's."""
    return str(request.param)


@pytest.fixture
def scenario(stand_in: StandIn) -> Scenario:
    """A function of a scenario, a driver, further arguments, and settings of the stand-in."""

    def run(what: str, driver: str, *arguments: str, **settings: str) -> Any:
        named = {key.upper(): value for key, value in settings.items()}
        return in_a_process(MODULE, what, stand_in.environment(**named), driver, *arguments)

    return run


def load_library(name: str) -> bool:
    """Whether there is such a library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


# -- what it says -------------------------------------------------------------------------------


def test_devices_say_what_their_library_says(scenario: Scenario, name: str) -> None:
    seen = scenario("devices", name)
    assert [device["numa_node"] for device in seen] == [0, 0, 1, 1]
    assert len({device["path"] for device in seen}) == 4
    for device in seen:
        assert device["obtained_on"] == "stand-in"
        assert device["exports"] == [*dict.fromkeys([*OF_DEVICES[name], "DMA_BUF"]), "SHM"]
        assert device["imports"] == [*OF_DEVICES[name], "SHM"]
        assert {"UNIFIED_MEMORY", "P2P_COPY", "PEER_ADDRESSABLE"} <= {*device["flags"]}
        assert "ISOLATED" not in device["flags"]
        assert device["is_partition"] == 0
        assert device["work"] == "done"


def test_a_device_that_can_do_little_claims_little(scenario: Scenario, name: str) -> None:
    device = scenario("devices", name, machine="plain")[0]
    assert device["exports"] == device["imports"] == ["SHM"]
    assert "UNIFIED_MEMORY" not in device["flags"]
    assert device["work"] == "done"


def test_a_part_of_a_gpu_is_isolated(scenario: Scenario) -> None:
    (device,) = scenario("devices", "cuda", machine="mig")
    assert "ISOLATED" in device["flags"]
    assert not {"P2P_COPY", "PEER_ADDRESSABLE"} & {*device["flags"]}


def test_one_gpu_is_divided_where_it_can_be(scenario: Scenario) -> None:
    (device,) = scenario("devices", "cuda", machine="one")
    assert (device["is_partition"], device["multiprocessors"], device["work"]) == (1, 8, "done")
    (device,) = scenario("devices", "cuda", machine="one", without="cuGreenCtxCreate")
    assert (device["is_partition"], device["multiprocessors"], device["work"]) == (0, 16, "done")
    (device,) = scenario("devices", "hip", machine="one")
    assert (device["is_partition"], device["work"]) == (0, "done")


@pytest.mark.parametrize("call", ["cuGreenCtxStreamCreate", "cuLaunchKernel", "cuMemHostAlloc"])
def test_a_part_that_does_no_work_is_not_used(scenario: Scenario, call: str) -> None:
    (device,) = scenario("devices", "cuda", machine="one", fail=f"{call}=1@1!")
    assert (device["is_partition"], device["work"]) == (0, "done")


def test_edges_follow_the_links(scenario: Scenario, name: str) -> None:
    seen = scenario("edges", name)
    kinds = "|".join([*OF_DEVICES[name], "SHM"])
    near = ["NVLINK_IF", "NATIVE", kinds, "done", "done"]
    over_pci = ["PCIE_SAME_ROOT", "NATIVE", kinds, "done", "done"]
    copied = {"amdgpu": "INVALID_ARGUMENT"}.get(name, "done")  # by the vendor, or by nobody
    apart = ["HOST_STAGED", "IMPORT", "SHM", "INVALID_ARGUMENT", copied]
    assert seen["01"] == seen["10"] == near
    assert seen["23"] == seen["32"] == over_pci
    for pair in ("02", "03", "12", "13", "20", "30", "21", "31"):
        assert seen[pair] == apart, pair


@pytest.mark.parametrize(
    ("driver", "call"),
    [("cuda", "cuCtxEnablePeerAccess"), ("hip", "hipDeviceEnablePeerAccess")],
)
def test_a_peer_that_refuses_is_out_of_reach(scenario: Scenario, driver: str, call: str) -> None:
    seen = scenario("edges", driver, call)
    apart = ["HOST_STAGED", "IMPORT", "SHM", "INVALID_ARGUMENT", "done"]
    assert seen["01"] == seen["23"] == apart
    assert seen["00"][3:] == ["done", "done"]


def test_without_nvml_the_links_are_not_known(scenario: Scenario) -> None:
    seen = scenario("edges", "cuda", fail="nvmlInit_v2=12,nvmlInitWithFlags=12")
    assert seen["01"][0] == "PCIE_CROSS_ROOT"


# -- absence ------------------------------------------------------------------------------------


def test_without_a_device_it_is_absent(scenario: Scenario, name: str) -> None:
    told = scenario("absence", name, machine="none")
    backend = {"cuda": "CUDA", "hip": "HIP", "amdgpu": "HSA"}[name]
    assert told.startswith(f"UNAVAILABLE: Driver.available: no {backend} device: ")


@pytest.mark.parametrize(
    ("driver", "mask"), [("cuda", "CUDA_VISIBLE_DEVICES"), ("hip", "ROCR_VISIBLE_DEVICES")]
)
def test_a_mask_of_devices_is_told(stand_in: StandIn, driver: str, mask: str) -> None:
    masked = stand_in.environment(MACHINE="none") | {mask: "bogus"}
    assert f"({mask} is 'bogus')" in in_a_process(MODULE, "absence", masked, driver)


@pytest.mark.parametrize(
    ("driver", "libraries", "package", "reason"),
    [
        (
            *("hip", ("libamdhip64.so.5", "libamdhip64.so.6"), "libamdhip64-5"),
            "no HIP device: the runtime library is there and sees none;"
            " install ROCm, and pip install 'hal-cts[hip]'",
        ),
        (
            *("amdgpu", ("libhsa-runtime64.so.1",), "libhsa-runtime64-1"),
            "no HSA device: the runtime finds no kernel driver; install ROCm"
            " (on Debian: apt install libhsa-runtime64-1) and the amdgpu kernel driver",
        ),
    ],
)
def test_amds_own_library_without_a_device_is_absent(
    driver: str, libraries: tuple[str, ...], package: str, reason: str
) -> None:
    """Debian's library, as it is; where there is one of AMD's GPUs it says something else."""
    if not any(load_library(name) for name in libraries):
        missing(f"no runtime of AMD's: apt-get install {package}")
    if Path("/dev/kfd").exists():
        pytest.skip("this machine has a GPU for it")
    environment = {name: value for name, value in os.environ.items() if name != "ROCM_PATH"}
    told = in_a_process(MODULE, "absence", environment, driver)
    assert told == f"UNAVAILABLE: Driver.available: {reason}"


@pytest.mark.parametrize("driver", ["cuda", "hip"])
def test_streams_that_wait_for_no_values_are_of_no_use(scenario: Scenario, driver: str) -> None:
    told = scenario("absence", driver, set="cuda:122=0,hip:10013=0")
    assert "streams wait for 64-bit values" in told


@pytest.mark.parametrize(
    ("driver", "call", "native"),
    [
        ("cuda", "cuDriverGetVersion", "CUDA_ERROR_INVALID_VALUE"),
        ("hip", "hipRuntimeGetVersion", "hipErrorInvalidValue"),
        ("amdgpu", "hsa_system_get_info", "HSA_STATUS_ERROR_INVALID_ARGUMENT"),
    ],
)
def test_a_library_that_does_not_start_is_broken(
    scenario: Scenario, driver: str, call: str, native: str
) -> None:
    assert scenario("start", driver, fail=f"{call}=1") == f"INTERNAL {native}"


def test_amdgpu_works_where_somebody_else_listens_for_faults(scenario: Scenario) -> None:
    call = "hsa_amd_register_system_event_handler"
    assert scenario("start", "amdgpu", fail=f"{call}={0x1000}") == "done"
    assert scenario("start", "amdgpu", fail=f"{call}={0x1001}").startswith("INTERNAL ")


# -- calls that fail ----------------------------------------------------------------------------


def test_what_has_no_memory_says_so_and_works_later(scenario: Scenario, name: str) -> None:
    seen = scenario("shortage", name)
    assert seen.pop("alive") == {}
    assert seen.pop("new") == "done"
    assert seen.keys() == NEEDING_MEMORY[name].keys()
    for what, told in seen.items():
        assert told == [f"RESOURCE_EXHAUSTED {NATIVE[name]['memory']}", "done"], what


CREATION = {
    "cuda": ["cuDevicePrimaryCtxRetain", "cuStreamCreate", "cuMemPoolCreate", "cuMemHostRegister"],
    "hip": ["hipStreamCreateWithFlags", "hipMemPoolCreate", "hipExtMallocWithFlags"],
    "amdgpu": ["hsa_queue_create", "hsa_amd_memory_pool_allocate", "hsa_amd_signal_create"],
}


@pytest.mark.parametrize(("driver", "call"), [(n, c) for n in NAMES for c in CREATION[n]])
def test_a_device_that_cannot_be_made_leaves_nothing(
    scenario: Scenario, driver: str, call: str
) -> None:
    seen = scenario("creation", driver, call, str(OUT_OF_MEMORY[driver]))
    first = f"RESOURCE_EXHAUSTED {NATIVE[driver]['memory']}"
    assert seen == {"first": first, "left": {}, "then": "done"}


def test_an_old_library_is_used_for_what_it_has(tmp_path: Any, name: str) -> None:
    without = {
        "cuda": ["cuGreenCtxCreate", "cuMemGetHandleForAddressRange"],
        "hip": ["hipMemGetHandleForAddressRange", "hipMemExportToShareableHandle"],
        "amdgpu": ["hsa_amd_portable_export_dmabuf", "hsa_amd_register_system_event_handler"],
    }
    old = build(tmp_path, without=without[name])
    for device in in_a_process(MODULE, "devices", old.environment(), name):
        assert device["work"] == "done"
        assert name == "cuda" or device["exports"] == ["SHM"]


# -- device code --------------------------------------------------------------------------------


def test_code_that_is_none_is_refused(scenario: Scenario, name: str) -> None:
    images = {"cuda": b".version 7.0\n.target sm_52\n{ !error\0", "hip": b"\x7fELF of nothing"}
    image = images.get(name, images["hip"])
    told = scenario("modules", name, image.hex(), b"nothing at all\0".hex())
    native = {
        "cuda": "CUDA_ERROR_INVALID_PTX",
        "hip": "hipErrorInvalidImage",
        "amdgpu": "HSA_STATUS_ERROR_INVALID_CODE_OBJECT",
    }[name]
    assert told[0] == f"INVALID_ARGUMENT {native}"
    assert told[1].startswith("INVALID_ARGUMENT ")


def test_code_for_a_newer_library_is_incompatible(scenario: Scenario) -> None:
    image = b".version 99.0\n.target sm_52\n.visible .entry count() { ret; }\0"
    assert scenario("modules", "cuda", image.hex()) == [
        "INCOMPATIBLE CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
    ]


def test_code_without_an_entry_point_is_refused(scenario: Scenario) -> None:
    image = b".version 7.0\n.target sm_52\n.visible .entry other() { ret; }\0"
    assert scenario("modules", "cuda", image.hex()) == ["NOT_FOUND CUDA_ERROR_NOT_FOUND"]


# -- loss ---------------------------------------------------------------------------------------

TELLING = {
    "cuda": ["cuStreamWriteValue64", "cuStreamQuery"],
    "hip": ["hipStreamWriteValue64", "hipStreamQuery"],
    "amdgpu": ["hsa_amd_memory_async_copy"],
}


@pytest.mark.parametrize(("driver", "call"), [(n, c) for n in NAMES for c in TELLING[n]])
def test_a_sticky_error_loses_the_device(scenario: Scenario, driver: str, call: str) -> None:
    seen = scenario("loss", driver, call)
    lost = f"{LOST} {NATIVE[driver]['failed']}"
    assert seen["at once"] == lost
    assert seen["waiter"] == LOST
    assert {*seen["pending"].values()} == {*seen["later"].values()} == {lost}
    assert (seen["other"], seen["new"], seen["alive"]) == ("done", "done", {})


def test_a_kernel_that_leaves_its_memory_loses_the_device(scenario: Scenario, name: str) -> None:
    lost = f"{LOST} {NATIVE[name]['fault']}"
    seen = scenario("fault", name)
    assert seen == {"waiter": lost, "later": lost, "other": "done", "new": "done", "alive": {}}


def test_streams_behind_a_lost_one_fail_and_go_on(scenario: Scenario, name: str) -> None:
    seen = scenario("loss_across", name)
    assert {seen[n].split()[0] for n in "012"} == {LOST}
    assert (seen["other"], seen["third"], seen["new"]) == ("done",) * 3


def test_devices_share_a_timeline(scenario: Scenario, name: str) -> None:
    assert scenario("shared_timeline", name) == {"before": 0, "after": [2, 2, 1]}
