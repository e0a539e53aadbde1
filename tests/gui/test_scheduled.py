"""Retraining by schedule in the window: off by default, never promoted unasked, told calmly and once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from pdm_desktop.tasks import Task
from tests.gui.hands import LONG, idle, opened_window
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "workspace"
    with Workspace.open(folder) as workspace:
        workspace.demo(Progress(), machines=5, days=90, seed=1)
    return folder


@pytest.fixture
def plant(demo: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo, tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def windows(qtbot: QtBot, theme: Theme, settings: QSettings) -> Iterator[object]:
    made: list[Iterator[MainWindow]] = []

    def open_at(folder: Path) -> MainWindow:
        made.append(opened_window(qtbot, theme, settings, folder))
        return next(made[-1])

    yield open_at
    for window in made:
        next(window, None)


def set_up(folder: Path, **values: str) -> None:
    with Workspace.open(folder) as workspace:
        workspace.change_settings(values)


def training(window: MainWindow) -> list[Task]:
    return [task for task in window.session.tasks.active() if task.lane == "job"]


def test_unless_asked_for_nothing_is_trained(qtbot: QtBot, plant: Path, windows: object) -> None:
    window = windows(plant)  # type: ignore[operator]
    window.scheduled.look()
    idle(qtbot, window)
    assert window.notice.text == ""
    assert not (plant / "retraining.json").exists()
    assert not (plant / "mlruns").exists()


def test_at_the_start_a_candidate_is_made_and_waits_for_a_decision(qtbot: QtBot, plant: Path, windows: object) -> None:
    set_up(plant, retrain="at-start", retrain_after_failures="5")
    window = windows(plant)  # type: ignore[operator]
    qtbot.waitUntil(lambda: "waits for a decision" in window.notice.text, timeout=3 * LONG)
    assert "version 2" in window.notice.text
    assert "v1" in window.top.champion.text()
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "models"):
        window.notice.acted.emit()
    page = window.stack.currentWidget()
    assert page.selected().version == "2"
    idle(qtbot, window)
    # Looked at: the next start says no more of it, and does not train again for the same failures.
    window.scheduled.look()
    idle(qtbot, window)
    assert window.notice.text == ""
    with Workspace.open(plant, read_only=True) as workspace:
        assert [version.version for version in workspace.models()] == ["2", "1"]


def test_one_that_was_stopped_is_not_begun_again_before_the_next_start(
    qtbot: QtBot, plant: Path, windows: object
) -> None:
    set_up(plant, retrain="weekly", retrain_after_failures="5")
    window = windows(plant)  # type: ignore[operator]
    qtbot.waitUntil(lambda: any(task.step is not None for task in training(window)), timeout=LONG)
    # Nobody asked for it: it keeps no one from leaving.
    assert window.session.busy() == ()
    training(window)[0].cancel()
    idle(qtbot, window)
    window.scheduled.look()
    idle(qtbot, window)
    with Workspace.open(plant, read_only=True) as workspace:
        assert [version.version for version in workspace.models()] == ["1"]
        last = workspace.retraining_due().last
        assert last is not None
        assert (last.state, last.interruptions) == ("stopped", 1)
