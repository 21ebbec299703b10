"""`--device-lock`: one run at a time on one physical device."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cts.plugin import device_lock
from tests.conftest import OutsideDriver
from tests.outside_drivers import driver_source

CASES = """
    import os, time

    @pytest.mark.spec("STB-2")
    def test_it(new_device):
        new_device().query_capabilities()
        with open("log", "a") as log:
            log.write("in ")
            log.flush()
            time.sleep(1)
            log.write("out ")
"""


@pytest.mark.parametrize(
    ("capabilities", "alone"),
    [("physical_device_uuid=b'x' * 16", True), ("", False)],
    ids=["a device", "software"],
)
def test_runs_on_one_device_wait_for_each_other(
    pytester: pytest.Pytester,
    case_file: Callable[[str], Path],
    outside_driver: OutsideDriver,
    capabilities: str,
    alone: bool,
) -> None:
    outside_driver(
        driver_source(devices="1", query_capabilities=f"return DeviceCapabilities({capabilities})")
    )
    case_file(CASES)
    command = [sys.executable, "-m", "pytest", "--driver=outside", "--device-lock", "area"]
    runs = [
        subprocess.Popen([*command, f"--results=out{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(2)
    ]
    texts = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], texts
    order = (pytester.path / "log").read_text().split()
    if alone:
        assert order == ["in", "out", "in", "out"]
        assert "waiting for device " + (b"x" * 16).hex() in "".join(texts)
    else:
        assert order == ["in", "in", "out", "out"]


def test_a_lock_ends_with_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_lock, "FOLDER", tmp_path)
    holder = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys, time, pathlib; from cts.plugin import device_lock as d;"
            f" d.FOLDER = pathlib.Path({str(tmp_path)!r}); held = d.lock(['0000:01:00.0'], print);"
            " print('held', flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waited: list[str] = []

    def end_it(line: str) -> None:
        waited.append(line)
        time.sleep(0.1)
        holder.kill()

    device_lock.lock(["0000:01:00.0"], end_it).close()
    assert waited == [f"waiting for device 0000:01:00.0: process {holder.pid} has it"]
    holder.communicate()
