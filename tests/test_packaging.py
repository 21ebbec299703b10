"""The folders stand side by side and install under one name."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

FOLDERS = [str(ROOT / name) for name in ("cts", "drivers", "suites", "reports")]

LIST_TWICE_LOADED = """
import sys
from collections import defaultdict
from pathlib import Path

def pytest_unconfigure(config):
    names = defaultdict(set)
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and name != "__main__" and any(Path(path).is_relative_to(f) for f in {folders!r}):
            names[path].add(name)
    for path, loaded in names.items():
        if len(loaded) > 1:
            print("TWICE", path, sorted(loaded))
    print("LOADED", len(names))
"""


def test_every_package_is_listed() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    folders = {folder: package for package, folder in setuptools["package-dir"].items()}
    found = {"cts.docs"}
    for folder, package in folders.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *parts)))
    assert sorted(setuptools["packages"]) == sorted(found)


def test_no_module_is_loaded_under_two_names(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(LIST_TWICE_LOADED.format(folders=FOLDERS))
    command = [
        *(sys.executable, "-m", "pytest", "-p", "twice", "-q", "suites/stubs"),
        *("--driver=null,local-sync", f"--results={tmp_path / 'out'}"),
    ]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert "LOADED" in done.stdout, done.stdout + done.stderr
    assert "TWICE" not in done.stdout
