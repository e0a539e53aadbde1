"""What a file's columns mean, asked and answered in the import wizard by clicks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from pdm_desktop.core.progress import Progress
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.wizards.import_wizard import CHECK, READING, RESULT
from tests.gui.hands import idle, opened_window, press
from tests.gui.leading import forward, led, step, type_into


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[MainWindow]:
    yield from opened_window(qtbot, theme, settings, tmp_path / "workspace")


def stored(tmp_path: Path, query: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(tmp_path / "workspace" / "plant.db")) as base:
        return base.execute(query).fetchall()


def test_a_machine_that_looks_like_the_plants_is_asked_about_once_the_whole_file_is_known(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    readings = tmp_path / "readings.csv"
    readings.write_text("time,machine,heat\n2025-02-20 06:00,1,5\n2025-02-20 07:00,1,6\n")
    assert window.session.workspace is not None
    window.session.workspace.import_files([readings], Progress())
    wizard = led(qtbot, window, tmp_path / "errors.csv", "machineID,datetime,errorID\n1.0,2025-02-20 08:00,E1\n")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == READING
    (question,) = wizard.reading.question_cards()
    assert question.question.text == "The machine 1.0 is new, and looks like 1."
    assert [made.text() for made in question.findChildren(QPushButton)] == [
        "The same machine (likely)",
        "Another machine",
    ]
    press(qtbot, question, "The same machine (likely)")
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT machine, code FROM errors_by_name") == [("1", "E1")]


def test_a_list_of_machines_and_times_becomes_failures_of_what_the_user_types(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    wizard = led(qtbot, window, tmp_path / "list.csv", "machine,time\nP1,2025-02-20 06:00\nP2,2025-02-23 06:00\n")
    (question,) = wizard.reading.question_cards()
    press(qtbot, question, "A failure")
    idle(qtbot, window)
    (question,) = wizard.reading.question_cards()
    assert question.question.text == "The file has no column for the component, which failures need."
    assert question.text is not None
    type_into(qtbot, window, question.text, "pump")
    assert not wizard.reading.question_cards()
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT machine, component FROM failures_by_name") == [("P1", "pump"), ("P2", "pump")]
