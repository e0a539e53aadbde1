"""What a user's hands do in tests of the import wizard."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.wizards.import_wizard import ImportWizard
from tests.gui.hands import LONG, click, idle


def opened(qtbot: QtBot, window: MainWindow, *files: Path) -> ImportWizard:
    """Drop the files; back when the wizard shows them."""
    window.import_files(list(files))
    return shown(qtbot, window)


def shown(qtbot: QtBot, window: MainWindow) -> ImportWizard:
    qtbot.waitUntil(lambda: window.importing.wizard is not None and bool(window.importing.wizard.sources), timeout=LONG)
    wizard = window.importing.wizard
    assert wizard is not None
    qtbot.waitUntil(wizard.isVisible, timeout=LONG)
    idle(qtbot, window)
    return wizard


def led(qtbot: QtBot, window: MainWindow, path: Path, text: str | None = None, encoding: str = "utf-8") -> ImportWizard:
    """The wizard on a file (written first, where a text is given), asked for whether it leaves a question or not."""
    if text is not None:
        path.write_text(text, encoding)
    window.importing.open_wizard([path])
    return shown(qtbot, window)


def step(wizard: ImportWizard) -> int:
    return wizard.steps.step


def forward(qtbot: QtBot, window: MainWindow, wizard: ImportWizard) -> None:
    click(qtbot, wizard.forward)
    idle(qtbot, window)


def pick(qtbot: QtBot, window: MainWindow, box: QComboBox, text: str) -> None:
    """Choose an entry as a user does: by its word, with the keyboard."""
    at = box.findText(text)
    assert at >= 0, f"no {text!r} among {[box.itemText(i) for i in range(box.count())]}"
    box.setFocus()
    box.setCurrentIndex(at)
    box.activated.emit(at)
    idle(qtbot, window)


def type_into(qtbot: QtBot, window: MainWindow, line: QWidget, text: str) -> None:
    assert line.isEnabled()
    line.setFocus()
    qtbot.keyClick(line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    idle(qtbot, window)
