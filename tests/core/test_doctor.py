"""What the doctor finds on a whole installation, and on ones that lack something."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pdm_desktop.core import doctor, paths


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of resources and models that the program uses as its own; returns its folder."""
    root = tmp_path / "installation"
    shutil.copytree(paths.resources(), root / "resources")
    shutil.copytree(paths.bundled_model(), root / "models" / "champion")
    monkeypatch.setattr(sys, "_MEIPASS", str(root), raising=False)
    return root


def found(checks: list[doctor.Check]) -> dict[str, doctor.Check]:
    return {check.name: check for check in checks}


def test_a_whole_installation_passes_every_check_and_makes_no_workspace(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    checks = doctor.run(workspace)
    assert [check for check in checks if not check.ok] == []
    assert [check.name for check in checks] == [
        "Program",
        "Python",
        "Libraries",
        "Resources",
        "Bundled model",
        "Database and migrations",
        "Import and score",
        "Training and MLflow",
        "Data folder",
        "Free disk",
    ]
    # 2 machines, hourly for 10 days with both ends, are 482 readings; events and the machines come on top.
    accepted = int(found(checks)["Import and score"].detail.split()[0])
    assert 482 + 2 <= accepted < 600
    assert not workspace.exists()


def test_an_altered_model_is_found_and_named(installation: Path, tmp_path: Path) -> None:
    model = installation / "models" / "champion" / "model.ubj"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    check = found(doctor.run(tmp_path / "workspace"))["Bundled model"]
    assert not check.ok
    assert "model.ubj" in check.detail


def test_a_missing_resource_is_named(installation: Path, tmp_path: Path) -> None:
    (installation / "resources" / "themes" / "style.qss").unlink()
    check = found(doctor.run(tmp_path / "workspace"))["Resources"]
    assert not check.ok
    assert "themes/style.qss" in check.detail


def test_where_mlflow_cannot_work_the_doctor_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow.xgboost", None)  # as if the program had been packed without it
    checks = found(doctor.run(tmp_path / "workspace"))
    assert not checks["Training and MLflow"].ok
    assert "mlflow.xgboost" in checks["Training and MLflow"].detail
    assert checks["Free disk"].ok


def test_a_folder_that_cannot_be_made_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    checks = found(doctor.run(tmp_path / "file" / "workspace"))
    assert not checks["Data folder"].ok
    assert str(tmp_path / "file") in checks["Data folder"].detail


def test_further_checks_come_last_and_one_that_breaks_is_a_finding(tmp_path: Path) -> None:
    def broken() -> list[tuple[str, bool, str]]:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    assert doctor.run(tmp_path, lambda: [("Fonts", False, "none")])[-1] == doctor.Check("Fonts", False, "none")
    last = doctor.run(tmp_path, broken)[-1]
    assert (last.name, last.ok) == ("Window", False)
    assert "libEGL.so.1" in last.detail
