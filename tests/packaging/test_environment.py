"""The environment that the tests run in is the one that ships."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import platformdirs
import pytest

from pdm_desktop.core import paths

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("module", ["polars", "pyarrow", "sklearn", "mlflow.server.js"])
def test_libraries_that_do_not_ship_cannot_be_imported(module: str) -> None:
    # pandas changes its string type where pyarrow is importable, and xgboost its start-up where scikit-learn is.
    if "." in module:
        spec = importlib.util.find_spec("mlflow")
        assert spec is not None
        assert spec.submodule_search_locations
        folder = Path(spec.submodule_search_locations[0], *module.split(".")[1:])
        assert not folder.exists(), f"{folder}: stock mlflow is installed over mlflow-skinny"
        with pytest.raises(metadata.PackageNotFoundError):
            metadata.distribution("mlflow")
    else:
        assert importlib.util.find_spec(module) is None


def test_installed_versions_are_the_pinned_ones() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "build" / "constraints.txt").read_text(), re.MULTILINE))
    assert len(pins) > 50
    differing = {name: metadata.version(name) for name, pin in pins.items() if metadata.version(name) != pin}
    assert not differing


def test_the_mlflow_that_serves_is_of_the_version_that_ships() -> None:
    pins = {
        name: dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "build" / name).read_text(), re.MULTILINE))
        for name in ("constraints.txt", "constraints-mlflow.txt")
    }
    ships, serves = pins["constraints.txt"], pins["constraints-mlflow.txt"]
    assert serves["mlflow"] == ships["mlflow-skinny"]
    assert not set(serves) & set(ships), "pinned twice: one of them would be forgotten"


def test_core_tasks_and_command_line_run_without_qt() -> None:
    code = """
import importlib, json, pkgutil, sys
import pdm_desktop.core
modules = pkgutil.walk_packages(pdm_desktop.core.__path__, "pdm_desktop.core.")
names = [module.name for module in modules if ".migrations" not in module.name]
for name in [*names, "pdm_desktop.tasks", "pdm_desktop.cli"]:
    importlib.import_module(name)
print(json.dumps([m for m in sys.modules if m.split(".")[0] in ("PySide6", "shiboken6", "pyqtgraph")]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == []


def test_default_workspace_of_a_test_is_its_own(isolated_user_folders: Path) -> None:
    assert paths.default_workspace().is_relative_to(isolated_user_folders)
    assert Path(platformdirs.user_data_dir("x", appauthor=False)).is_relative_to(isolated_user_folders)
