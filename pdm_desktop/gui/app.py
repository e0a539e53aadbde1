"""Starts the window: shown first, filled after. Whatever goes wrong unexpectedly is logged and told."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtWidgets import QApplication, QMessageBox

from pdm_desktop.gui import fittings, messages
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import CHOICES, Choice, Theme

LOG_FILE = "pdm-desktop.log"
_LOG_BYTES = 1_000_000
_SWITCH_S = 0.0005
"""How long a busy lane may keep the interpreter while the window waits for it: Python's own 5 ms add up to jerks."""


def main(workspace: Path, model: Path | None = None) -> int:
    """Open the window on the workspace in this folder; returns when it is closed.

    model: an exported model version to be offered for import once the workspace is open. PdmError without a display.
    """
    sys.setswitchinterval(_SWITCH_S)
    with fittings.answering_display():
        app = make_application(sys.argv)
    settings = QSettings()
    theme = Theme(stored_choice(settings))
    theme.apply(app)
    window = MainWindow(theme, settings)
    faults = Faults(window)
    faults.install(workspace / "logs")
    window.session.opened.connect(lambda _: faults.log_into(window.session.logs or workspace / "logs"))
    if model is not None:
        offer = partial(_offer, window, model.absolute())
        window.session.opened.connect(offer, Qt.ConnectionType.SingleShotConnection)
    # Only once it stands on the screen: loading the record's libraries would hold the first painting up.
    window.painted.connect(partial(window.open_workspace, workspace))
    # Libraries loaded by then stay for good. Left to it, Python's collector would look through their half a million
    # objects every few seconds of an import and hold the window up for a tenth of a second each time.
    for loaded in (window.session.opened, window.session.scored):
        loaded.connect(lambda *_: gc.freeze(), Qt.ConnectionType.SingleShotConnection)
    window.show()
    try:
        return app.exec()
    finally:
        window.session.close()
        faults.remove()


def _offer(window: MainWindow, model: Path, _empty: bool) -> None:
    window.models.carrying.offer(model)


def make_application(arguments: list[str]) -> QApplication:
    """The one QApplication, named so that settings and the desktop find it."""
    app = QApplication(arguments)
    app.setApplicationName("PDM Desktop")
    app.setOrganizationName("PDM Desktop")
    app.setDesktopFileName("pdm-desktop")
    return app


def stored_choice(settings: QSettings) -> Choice:
    """The theme chosen last; the system's where none was."""
    stored = settings.value("theme")
    return next((choice for choice in CHOICES if choice == stored), "system")


class Faults(QObject):
    """Catches what nobody caught, in any thread: logs it and tells it in the GUI thread, one at a time."""

    _caught = Signal(object)

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._box: QMessageBox | None = None
        self._log: _LogFile | None = None
        self._hooks: tuple[Any, Any] | None = None
        self._caught.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self, logs: Path) -> None:
        """Catch from now on, logging into a file in `logs`."""
        self.log_into(logs)
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = lambda _kind, error, _trace: self._caught.emit(error)
        threading.excepthook = lambda about: self._caught.emit(about.exc_value)

    def log_into(self, folder: Path) -> None:
        """Log into another workspace's folder."""
        if self._log is not None:
            logging.getLogger("pdm_desktop").removeHandler(self._log)
            self._log.close()
        self._log = _LogFile(folder)
        logging.getLogger("pdm_desktop").addHandler(self._log)

    def remove(self) -> None:
        """Catch no more."""
        if self._hooks is not None:
            sys.excepthook, threading.excepthook = self._hooks
        if self._log is not None:
            logging.getLogger("pdm_desktop").removeHandler(self._log)
            self._log.close()

    def _tell(self, error: BaseException) -> None:
        if self._box is not None:
            # A fault in a repaint would come again and again: one dialog, all in the log.
            logging.getLogger(__name__).error("unexpected error\n%s", messages.report(error))
            return
        self._box = messages.unexpected(self._window, error, self._log.folder if self._log is not None else None)
        self._box.finished.connect(self._told)

    def _told(self) -> None:
        self._box = None


class _LogFile(RotatingFileHandler):
    """A log that makes its folder with the first line: a workspace nothing went wrong in has none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(folder / LOG_FILE, maxBytes=_LOG_BYTES, backupCount=3, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> IO[str]:  # type: ignore[override]
        self.folder.mkdir(parents=True, exist_ok=True)
        return super()._open()
