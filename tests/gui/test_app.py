"""Starting the program, and what happens when something breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QMessageBox
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from pdm_desktop.gui.app import LOG_FILE, Faults, stored_choice
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme

START = """
import sys
from pdm_desktop import __main__ as entry
from pdm_desktop.gui import app
from PySide6.QtCore import QTimer

class Window(app.MainWindow):
    def __init__(self, *args):
        super().__init__(*args)
        self.painted.connect(self.look)
        self.settled.connect(lambda key: (print(key), QTimer.singleShot(0, self.close)))

    def look(self):
        heavy = ("mlflow", "xgboost", "pandas", "sqlalchemy", "alembic", "pyqtgraph", "scipy")
        print([name for name in heavy if name in sys.modules])

app.MainWindow = Window
sys.exit(entry.main(["--workspace", sys.argv[1]]))
"""


def test_the_window_is_shown_before_anything_heavy_is_imported_and_then_greets(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_LOGGING_RULES": "*.debug=false"}
    ran = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path / "workspace")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["[]", "welcome"]


@pytest.fixture
def faults(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[Faults]:
    window = MainWindow(theme, settings)
    qtbot.addWidget(window)
    window.show()
    made = Faults(window)
    made.install(tmp_path / "logs")
    yield made
    made.remove()
    window.session.close()


def test_an_unexpected_error_is_logged_and_told_once(qtbot: QtBot, faults: Faults, tmp_path: Path) -> None:
    assert not (tmp_path / "logs").exists()
    for number in (1, 2):
        try:
            raise ZeroDivisionError(f"fault {number}")
        except ZeroDivisionError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    window = faults.parent()
    assert isinstance(window, MainWindow)
    log = tmp_path / "logs" / LOG_FILE
    qtbot.waitUntil(lambda: log.exists() and "fault 2" in log.read_text("utf-8"))
    boxes = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    assert len(boxes) == 1
    assert "fault 1" in boxes[0].informativeText()
    text = (tmp_path / "logs" / LOG_FILE).read_text("utf-8")
    assert "fault 1" in text
    assert "test_app.py" in text
    boxes[0].close()


def test_a_fault_in_a_task_reaches_the_user(qtbot: QtBot, theme: Theme, settings: QSettings) -> None:
    window = MainWindow(theme, settings)
    qtbot.addWidget(window)
    window.show()

    def work() -> None:
        raise KeyError("made for the test")

    with capture_exceptions(), qtbot.waitSignal(window.trouble):
        window.session.prepare(work)
    (box,) = window.findChildren(QMessageBox)
    assert "made for the test" in box.informativeText()
    box.close()
    window.session.close()


def test_the_theme_chosen_last_is_used_and_nonsense_is_the_systems(settings: QSettings) -> None:
    assert stored_choice(settings) == "system"
    settings.setValue("theme", "dark")
    assert stored_choice(settings) == "dark"
    settings.setValue("theme", "mauve")
    assert stored_choice(settings) == "system"
