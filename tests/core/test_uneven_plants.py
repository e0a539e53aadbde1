"""Plants whose machines are not alike: late, never read, lacking a sensor; components that fail late. Nothing is left
out of what is counted in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdm_desktop.core.model_results import TrainingResult
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import DAY, HOUR, iso, parse
from pdm_desktop.core.workspace import Workspace
from tests.core.test_retraining import START, quick, write_plant
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

TEST_FROM = START + 60 * DAY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    """P-4 came on day 62; P-9 fails on days 20 and 70 and is never read; on day 66 P-0's valve fails with its pump's
    warning, as it never did before, and on day 75 P-1's with its pump on day 76."""
    folder = tmp_path_factory.mktemp("uneven")
    write_plant(folder / "files", machines=5, days=80)
    lines = (folder / "files" / "telemetry.csv").read_text("utf-8").splitlines()
    late = [line for line in lines[1:] if ",P-4," not in line or parse(line.split(",")[0], "UTC") >= START + 62 * DAY]
    (folder / "files" / "telemetry.csv").write_text("\n".join([lines[0], *late]) + "\n", "utf-8")
    with (folder / "files" / "failures.csv").open("a", encoding="utf-8") as file:
        for machine, day, what in (
            ("P-9", 20, "pump"),
            ("P-9", 70, "pump"),
            ("P-0", 67, "valve"),
            ("P-1", 68, "valve"),
        ):
            file.write(f"{iso(START + day * DAY, 'UTC')},{machine},{what}\n")
    with Workspace.open(folder / "ws") as workspace:
        workspace.import_files([folder / "files"], Progress())
        return workspace.retrain(quick(test_from=TEST_FROM, valid_from=START + 45 * DAY), Progress())


def test_a_machine_that_came_late_stops_no_training(made: TrainingResult) -> None:
    assert made.splits["train"].machines == 6
    assert made.of("candidate") is not None


def test_failures_of_a_machine_that_is_never_read_are_missed_for_want_of_data(made: TrainingResult) -> None:
    measured = made.of("candidate")
    assert measured is not None
    assert [m.time for m in made.missed if m.machine == "P-9"] == [START + 70 * DAY]
    # P-4 has none between days 60 and 62 but on day 63, seen for a day.
    assert measured.figures["events_without_data"] == 1
    assert any("No readings of machine P-9: nobody can be warned" in warning for warning in made.warnings)
    assert made.splits["test"].failures == measured.figures["events"]


def test_what_failed_and_what_was_called_add_up_to_the_failures_of_the_event_card(made: TrainingResult) -> None:
    measured = made.of("candidate")
    assert measured is not None
    # The valves fail at once with pumps that fail on the same day: P-0's on day 67, P-1's on day 68.
    assert made.confusion.counts.sum() == measured.figures["events"]
    assert made.confusion.counts[:, -1].sum() == measured.figures["events"] - measured.figures["events_caught"]


def test_a_component_that_failed_in_the_test_alone_gets_no_risk_of_its_own(made: TrainingResult) -> None:
    assert made.confusion.components == ("pump",)


def test_sensors_that_a_version_does_not_ask_for_take_no_rows_from_its_measurement(tmp_path: Path) -> None:
    write_plant(tmp_path / "files", machines=6, days=60)
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([tmp_path / "files"], Progress())
        first = workspace.retrain(quick(), Progress())
        before = workspace.evaluate(first.version, None, None, Progress())
        extra = ["datetime,machineID,Strom [A]"]
        extra += [f"{iso(START + h * HOUR, 'UTC')},P-{n},{40 + h % 7}" for n in range(1, 6) for h in range(60 * 24)]
        (tmp_path / "extra.csv").write_text("\n".join(extra) + "\n", "utf-8")
        workspace.import_files([tmp_path / "extra.csv"], Progress())
        after = workspace.evaluate(first.version, None, None, Progress())
        told = workspace.training_data(quick(), Progress())
    assert (after.rows, after.figures) == (before.rows, before.figures)
    assert told.machines == ("P-1", "P-2", "P-3", "P-4", "P-5")
    assert any("Sensor Strom has no value on machine P-0: it is left out" in line for line in told.missing)


def test_what_there_is_to_learn_from_adds_up(tmp_path: Path) -> None:
    write_plant(tmp_path / "files", machines=3, days=60)
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([tmp_path / "files"], Progress())
        told = workspace.training_data(quick(), Progress())
    assert told.failures == sum(told.failures_by_span.values()) == sum(told.failures_by_component.values())
