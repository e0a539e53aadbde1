"""What a version's sensors read where it was trained, beside what they read here."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pdm_desktop.core import paths, reference, registry, simulate
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import By
from pdm_desktop.core.reference import Learned
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.times import HOUR
from pdm_desktop.core.workspace import Workspace
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW


def test_unit_and_range_come_from_the_readings_trained_on_and_no_later_ones() -> None:
    when = np.arange(2_001, dtype=np.int64) * HOUR
    first = np.arange(2_001.0)
    second = np.full(2_001, np.nan)
    machines = [
        MachineHistory("1", ("Heat", "flow"), when, np.stack([first, second])),
        MachineHistory("2", ("Heat", "flow"), when[:0], np.empty((2, 0))),
    ]
    # Readings 0 .. 1000: a thousandth off at either end leaves 1 to 999. No flow: nothing is known of it.
    assert reference.of_record(machines, ["heat", "flow"], {"HEAT": "°C", "flow": "l/min"}, 1_000 * HOUR) == {
        "heat": {"unit": "°C", "low": pytest.approx(1.0), "high": pytest.approx(999.0)}
    }


def test_units_differ_only_where_both_are_known_and_no_spellings_of_one() -> None:
    learned = {"heat": Learned("°C", 0, 1), "flow": Learned("", 0, 1), "p": Learned("bar", 0, 1)}
    here = [Sensor(1, "HEAT", "degC"), Sensor(2, "flow", "l/min"), Sensor(3, "p", "psi"), Sensor(4, "new", "psi")]
    assert reference.other_units(learned, here) == ("p: bar there, psi here",)


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """A simulated plant's files; the second machine's pressure is in another unit."""
    folder = tmp_path / "plant"
    simulate.write(folder, machines=4, days=40, seed=3)
    path = folder / "PdM_telemetry.csv"
    frame = pd.read_csv(path)
    frame.loc[frame["machineID"] == 2, "pressure"] *= 14.5
    frame.to_csv(path, index=False)
    return folder


def carried(folder: Path, sensors: Any) -> Path:
    """The bundled version as it would come from another plant, telling that of its sensors."""
    shutil.copytree(paths.bundled_model(), folder / "model")
    about = folder / "model" / "pdm_model.json"
    plain = json.loads(about.read_text("utf-8"))
    plain["made_from"]["sensors"] = sensors
    plain["run_id"] = "0123456789abcdef0123456789abcdef"
    about.write_text(json.dumps(plain), "utf-8")
    registry.write_checksums(folder / "model")
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        for path in (folder / "model").iterdir():
            archive.write(path, path.name)
    return folder / "model.zip"


def change_unit(workspace: Workspace, unit: str) -> None:
    workspace.change_sensor("pressure", Sensor(0, "pressure", unit), By("anna"))


def test_a_machine_that_reads_what_the_model_never_met_says_so_beside_its_risk(plant: Path, tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([plant], Progress())
        rows = {row.machine: row for row in workspace.score(None, Progress()).rows}
        (said,) = rows["2"].doubts
        assert said.startswith("pressure averages 1")
        assert "beyond all the model learned from (69.31 to 144.2)" in said
        assert all(rows[machine].doubts == () for machine in "134")


def test_a_version_trained_on_another_unit_gives_no_numbers_and_names_both(plant: Path, tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([plant], Progress())
        change_unit(workspace, "psi")
        made = workspace.import_model(
            carried(tmp_path, {"Pressure": {"unit": "bar", "low": 5.0, "high": 10.0}}), "anna", ""
        )
        workspace.promote(made.version, "anna", "")
        rows = workspace.score(None, Progress()).rows
        assert {row.risk for row in rows} == {None}
        assert all("pressure: bar there, psi here" in row.note for row in rows)
        with pytest.raises(PdmError, match="pressure: bar there, psi here"):
            workspace.evaluate(made.version, None, None, Progress())
        change_unit(workspace, "BAR")
        assert all(row.risk is not None for row in workspace.score(None, Progress()).rows)


@pytest.mark.parametrize(
    "sensors",
    [[], {"a": 1}, {"a": {"unit": "bar"}}, {"a": {"unit": 1, "low": 0, "high": 1}}],
    ids=["a list", "a number", "no range", "no unit"],
)
def test_a_carried_version_that_tells_nonsense_of_its_sensors_is_refused(sensors: Any, tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        with pytest.raises(PdmError, match="sensor"):
            workspace.import_model(carried(tmp_path, sensors), "anna", "")
        assert [version.version for version in workspace.models()] == ["1"]
