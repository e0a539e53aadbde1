"""Which rows a version has seen: told by the failures it learnt of, not by machines that happen to be called alike."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from pdm_desktop.core import exchange, provenance, registry
from pdm_desktop.core.model_results import TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import By
from pdm_desktop.core.times import DAY
from pdm_desktop.core.workspace import Workspace
from tests.core.test_retraining import START, filled, write_plant
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

NOW = START + 1000 * DAY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path, int]:
    """A plant with a version 2 of its own, a twin of it without, that version as a zip, how many rows it has seen."""
    folder = tmp_path_factory.mktemp("ours")
    twin = shutil.copytree(filled(folder, machines=4, days=60), folder / "twin")
    with Workspace.open(folder / "ws") as opened:
        opened.retrain(TrainingSettings(params={"rounds": 10}, promote="never"), Progress())
        stick = opened.export_model("2", folder / "stick.zip")
        seen = opened.evaluate("2", None, None, Progress()).in_sample
    assert seen > 1000
    return folder / "ws", twin, stick, seen


def test_a_version_of_another_plant_with_machines_of_the_same_names_has_seen_nothing_here(
    made: tuple[Path, Path, Path, int], tmp_path: Path
) -> None:
    with Workspace.open(filled(tmp_path, machines=4, days=60, every=7, seed=1)) as other:
        other.import_model(made[2], "Ada", "")
        assert other.evaluate("2", None, None, Progress()).in_sample == 0
        other.promote("2", "Ada", "")
        # Nor does the end of that plant's record say which failures here are news.
        assert other.retraining_due(NOW).since is None
        again = other.retrain(TrainingSettings(params={"rounds": 10}, promote="never"), Progress())
        champion = again.of("champion")
        assert champion is not None
        assert champion.label == "champion v2"


def test_brought_to_another_workspace_of_the_same_plant_it_has_seen_the_same(
    made: tuple[Path, Path, Path, int],
) -> None:
    with Workspace.open(made[1]) as twin:
        twin.import_model(made[2], "Ada", "")
        assert twin.evaluate("2", None, None, Progress()).in_sample == made[3]
        twin.promote("2", "Ada", "")
        assert twin.retraining_due(NOW).since is not None


def test_the_same_readings_are_seen_whatever_machines_are_called_there_and_in_whatever_zone_they_were_read(
    made: tuple[Path, Path, Path, int], tmp_path: Path
) -> None:
    files = write_plant(tmp_path / "files", machines=4, days=60)
    for file in (files / "telemetry.csv", files / "failures.csv"):
        text = file.read_text("utf-8")
        file.write_text(text.replace(",P-", ",Pumpe ").replace("+00:00", "+01:00"), "utf-8")
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([files], Progress())
        opened.import_model(made[2], "Ada", "")
        seen = opened.evaluate("2", None, None, Progress()).in_sample
    # All times are an hour earlier there.
    assert seen == pytest.approx(made[3], abs=4 * 30)


def test_of_a_version_from_an_earlier_release_nobody_knows_what_it_has_seen(
    made: tuple[Path, Path, Path, int], tmp_path: Path
) -> None:
    with zipfile.ZipFile(made[2]) as archive:
        archive.extractall(tmp_path / "model")
    about = json.loads((tmp_path / "model" / "pdm_model.json").read_text("utf-8"))
    del about["made_from"][provenance.KEY], about["made_from"][provenance.READINGS]
    (tmp_path / "model" / "pdm_model.json").write_text(json.dumps(about), "utf-8")
    registry.write_checksums(tmp_path / "model")
    stick = exchange.pack(tmp_path / "model", tmp_path / "old.zip")
    # Another plant, whose machines are called alike.
    with Workspace.open(filled(tmp_path, machines=4, days=60, every=7, seed=1)) as other:
        other.import_model(stick, "Ada", "")
        measured = other.evaluate("2", None, None, Progress())
        assert measured.in_sample is None
        assert any("Whether its training saw these rows is unknown" in warning for warning in measured.warnings)
        # After all it can have learnt from, it has seen nothing in any case.
        assert other.evaluate("2", START + 50 * DAY, None, Progress()).in_sample == 0


def test_renamed_machines_stay_seen(made: tuple[Path, Path, Path, int], tmp_path: Path) -> None:
    with Workspace.open(shutil.copytree(made[0], tmp_path / "ws")) as opened:
        for number in range(4):
            opened.rename_machine(f"P-{number}", f"Pump {number}", By("Ada", ""))
        assert opened.evaluate("2", None, None, Progress()).in_sample == made[3]


def test_a_machine_merged_with_one_that_was_trained_on_is_trained_on(
    made: tuple[Path, Path, Path, int], tmp_path: Path
) -> None:
    with Workspace.open(shutil.copytree(made[0], tmp_path / "ws")) as opened:
        facts = opened.model_version("2").facts

        def trained_on(held_out: str) -> frozenset[str]:
            return provenance.machines_here(opened._store, facts, made_here=True, without={held_out})

        assert trained_on("P-3") == {"P-0", "P-1", "P-2"}
        opened.merge_machines("P-3", "P-0", By("Ada", "one pump"), Progress())
        assert trained_on("P-3") == trained_on("P-0") == {"P-0", "P-1", "P-2"}
        assert trained_on("P-1") == {"P-0", "P-2"}


def test_some_failures_are_spread_over_the_record() -> None:
    kept = provenance.some_failures([(time, "M") for time in range(200)])
    assert (len(kept), kept[0], kept[-1]) == (40, ["M", 0], ["M", 195])
    assert provenance.some_failures([(5, "A")]) == [["A", 5]]
