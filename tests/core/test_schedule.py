"""Retraining by itself: due by new failures, tried once and not for ever, promoted only by the user's rule."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pdm_desktop.core import schedule
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import TrainingSettings
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.record_results import By, HandEvent
from pdm_desktop.core.times import DAY, iso, short
from pdm_desktop.core.workspace import Workspace
from tests.core.test_retraining import START, write_plant
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

NOW = START + 1000 * DAY
"""A time of the computer's clock, long after the record's."""
WEEK = 7 * DAY
FAILURES = [(number, day) for number in range(4) for day in range(3 + number, 60, 8)]
"""Of pump `number`, on which day: as `write_plant` has them."""


def known(days: int) -> dict[str, str]:
    return {"failures_known_until": iso(START + days * DAY, "UTC")}


def count(first: int, last: int) -> int:
    """Failures after day `first`, up to day `last`."""
    return sum(first < day <= last for _, day in FAILURES)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scheduled")
    write_plant(folder / "files", machines=4, days=60)
    with Workspace.open(folder / "ws") as workspace:
        workspace.import_files([folder / "files"], Progress())
        workspace.change_settings(known(40) | {"retrain_after_failures": str(count(40, 60))})
    return folder / "ws"


@pytest.fixture
def folder(plant: Path, tmp_path: Path) -> Path:
    shutil.copytree(plant, tmp_path / "ws")
    return tmp_path / "ws"


def stopping() -> Progress:
    def stop(step: Step) -> None:
        if step.text.startswith("Training"):
            progress.cancel()

    progress = Progress(stop)
    return progress


def test_failures_on_record_make_it_due_once_they_are_enough(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        there = count(0, 40)
        workspace.change_settings({"retrain_after_failures": str(there + 1)})
        told = workspace.retraining_due(NOW)
        assert (told.due, told.new, told.since) == (False, there, None)
        assert told.why == f"{there} new failures; {there + 1} are enough."
        workspace.change_settings({"retrain_after_failures": str(there)})
        assert workspace.retraining_due(NOW).due


def test_a_candidate_by_schedule_waits_and_only_newer_failures_bring_the_next(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        asked, made = workspace.retrain_if_due(Progress(), now=NOW)
        assert made is not None
        assert asked.new == count(0, 40)
        assert not made.promoted
        assert workspace.model_info.version == "1"
        told = workspace.retraining_due(NOW + 1)
        assert (told.due, told.new, told.since) == (False, 0, START + 40 * DAY)
        assert told.last is not None
        assert (told.last.state, told.last.version) == ("candidate", made.version)
        workspace.change_settings(known(60))
        told = workspace.retraining_due(NOW + 1)
        assert (told.due, told.new) == (True, count(40, 60))
        workspace.change_settings({"retrain": "weekly"})
        assert not workspace.retraining_due(NOW + WEEK - 1).due
        assert workspace.retraining_due(NOW + WEEK).due
        workspace.discard(made.version, "Ada", "not needed")
        told = workspace.retraining_due(NOW)
        assert told.last is not None
        assert told.last.state == "settled"


def test_what_a_promoted_version_was_trained_on_is_no_news_whoever_trained_it(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        workspace.retrain(TrainingSettings(params={"rounds": 10}, promote="always"), Progress())
        told = workspace.retraining_due(NOW)
        assert (told.due, told.new, told.since) == (False, 0, START + 40 * DAY + 999)
        workspace.change_settings(known(50))
        assert workspace.retraining_due(NOW).new == count(40, 50)


def test_failures_that_were_written_down_late_are_new_too_and_a_wrong_clock_stops_nothing_for_good(
    folder: Path,
) -> None:
    with Workspace.open(folder) as workspace:
        workspace.change_settings({"retrain": "weekly"})
        workspace.retrain_if_due(Progress(), now=NOW + 100 * 365 * DAY)  # the computer's clock was wrong
        workspace.change_settings({"retrain_after_failures": "1"})
        assert workspace.retraining_due(NOW).new == 0
        workspace.enter_event("P-1", HandEvent("failures", START + 13 * DAY, "pump"), By("Ada", "found in the book"))
        told = workspace.retraining_due(NOW)
        assert told.new == 1
        assert told.why == f"It is done once a week: the next time is {short(NOW + WEEK, 'UTC')}."
        assert workspace.retraining_due(NOW + 101 * 365 * DAY).due


def test_it_is_promoted_by_the_rule_of_the_settings_and_says_who_it_was(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        workspace.change_settings({"retrain_promote": "if-better"} | known(60))
        _, made = workspace.retrain_if_due(Progress(), now=NOW)
        assert made is not None
        assert made.verdict.better
        assert made.promoted
        assert workspace.model_info.version == made.version
        (decision,) = workspace.decisions()
        assert (decision.action, decision.who) == ("promoted", schedule.WHO)
        last = workspace.retraining_due(NOW).last
        assert last is not None
        assert last.state == "promoted"


def test_one_that_fails_is_not_repeated_until_there_are_new_failures(tmp_path: Path) -> None:
    write_plant(tmp_path / "files", machines=1, days=30, every=20)
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([tmp_path / "files"], Progress())
        workspace.change_settings({"retrain_after_failures": "1"})
        with pytest.raises(PdmError, match="too few"):
            workspace.retrain_if_due(Progress(), now=NOW)
        told = workspace.retraining_due(NOW + 100 * DAY)
        assert not told.due
        assert told.last is not None
        assert told.last.state == "failed"
        assert "too few" in told.last.message
        assert workspace.retrain_if_due(Progress(), now=NOW + 100 * DAY)[1] is None


def test_one_that_was_stopped_is_taken_up_again_but_not_for_ever(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        for number in (1, 2, 3):
            assert workspace.retraining_due(NOW).due
            with pytest.raises(Cancelled):
                workspace.retrain_if_due(stopping(), now=NOW)
            last = workspace.retraining_due(NOW).last
            assert last is not None
            assert (last.state, last.interruptions) == ("stopped", number)
        assert [version.version for version in workspace.models()] == ["1"]
        told = workspace.retraining_due(NOW + 1)
        assert not told.due
        assert "stopped 3 times" in told.why
        assert workspace.retraining_due(NOW + WEEK).due


def test_a_program_that_died_in_it_takes_it_up_at_the_next_start(folder: Path) -> None:
    schedule._keep(folder / schedule.FILE, schedule.Attempt(NOW, "running", START + 40 * DAY, interruptions=1))
    with Workspace.open(folder) as workspace:
        assert workspace.retraining_due(NOW + 1).due
        _, made = workspace.retrain_if_due(Progress(), now=NOW + 1)
        assert made is not None
        last = workspace.retraining_due(NOW + 1).last
        assert last is not None
        assert (last.state, last.interruptions) == ("candidate", 0)


def test_a_spoilt_note_of_the_last_time_stops_nothing(folder: Path) -> None:
    (folder / schedule.FILE).write_text("{", "utf-8")
    with Workspace.open(folder) as workspace:
        assert workspace.retraining_due(NOW).due


def test_a_workspace_that_is_only_read_is_not_retrained(folder: Path) -> None:
    with Workspace.open(folder, read_only=True) as workspace, pytest.raises(PdmError, match="read-only"):
        workspace.retrain_if_due(Progress(), now=NOW)
