"""What a user's hands do in tests of the whole window: press, choose, wait for the work to end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from pdm_desktop.tasks import Lane

LANES: tuple[Lane, ...] = ("read", "write", "job")
CHANGES = 3
"""How often a task tells of itself: queued, begun, ended."""
LONG = 60_000
"""ms after which work that hangs fails its test."""


def opened_window(qtbot: QtBot, theme: Theme, settings: QSettings, folder: Path) -> Iterator[MainWindow]:
    """The window on the workspace in `folder`, everything shown; ended whatever the test left under way."""
    made = MainWindow(theme, settings)
    qtbot.addWidget(made, before_close_func=finish)
    made.show()
    with qtbot.waitSignal(made.settled, timeout=LONG):
        made.open_workspace(folder)
    idle(qtbot, made)
    yield made
    finish(made)


def finish(window: QWidget) -> None:
    """End the window's threads whatever the test left under way."""
    assert isinstance(window, MainWindow)
    window.session.close()


def idle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until no work is under way and all that came of it has been shown."""
    tasks = window.session.tasks
    told: list[None] = []

    def count() -> None:
        told.append(None)

    tasks.on_change.append(count)
    try:
        while True:
            qtbot.waitUntil(lambda: not tasks.active(), timeout=LONG)
            told.clear()
            # A lane works in turn: once this has come back, what was there before has too.
            back: list[object] = []
            for lane in LANES:
                tasks.run(lane, "", lambda _: None, back.append)
            own = len(LANES) * CHANGES
            qtbot.waitUntil(lambda back=back, own=own: len(back) == len(LANES) and len(told) >= own, timeout=LONG)
            # What came back may have begun more, which may be through already and not shown yet: it has told of itself.
            if not tasks.active() and len(told) == own:
                return
    finally:
        tasks.on_change.remove(count)


def click(qtbot: QtBot, widget: QWidget) -> None:
    """A click in the middle; the widget must be there and usable."""
    assert widget.isVisible()
    assert widget.isEnabled()
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def press(qtbot: QtBot, parent: QWidget, text: str) -> None:
    """Click the button that reads `text`."""
    (found,) = [
        made
        for made in parent.findChildren(QAbstractButton)
        if made.isVisible() and made.text().replace("&", "") == text
    ]
    click(qtbot, found)


def message(window: MainWindow) -> QMessageBox:
    """The message that is open."""
    (box,) = [box for box in window.findChildren(QMessageBox) if box.isVisible()]
    return box
