"""Everything the window does about files coming in: what is asked, what is told, and the watched folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import ImportReport, WatchReport, WatchSettings
from pdm_desktop.gui import messages
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.wizards.watch_dialog import WatchDialog, watch_text

LOOK_MS = 10_000
"""Between two looks into the watched folder."""

Notice = Callable[[str, str, str, Callable[[], object]], None]
"""Shows text, tone, the word of an action and what it does, calmly above the page."""


class Importing(QObject):
    """Belongs to one window. Nothing here blocks; the work runs in the session."""

    def __init__(self, window: QMainWindow, session: Session, notice: Notice) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._notice = notice
        self._problem = ""
        self.watch_dialog: WatchDialog | None = None
        session.watched.connect(self._watched)
        session.watching_changed.connect(self._watching_changed)
        self._looks = QTimer(self)
        self._looks.timeout.connect(session.look)

    # ---- the watched folder

    def ask_watch(self) -> None:
        """Let the user choose the folder to watch."""
        dialog = WatchDialog(self._session.watching, self._window)
        dialog.saved.connect(partial(self._save_watch, dialog))
        dialog.finished.connect(self._watch_closed)
        self.watch_dialog = dialog
        dialog.open()

    def _save_watch(self, dialog: WatchDialog, settings: WatchSettings) -> None:
        def failed(error: Exception) -> None:
            if isinstance(error, PdmError) and self.watch_dialog is dialog:
                dialog.refuse(error)
            else:
                self._session.failed.emit(error)

        self._session.watch(settings, failed)

    def _watch_closed(self) -> None:
        self.watch_dialog = None

    def _watching_changed(self, settings: WatchSettings) -> None:
        self._problem = ""
        if settings.on:
            self._looks.start(LOOK_MS)
            QTimer.singleShot(0, self, self._session.look)
        else:
            self._looks.stop()
        if self.watch_dialog is not None:
            self.watch_dialog.accept()

    def _watched(self, report: WatchReport) -> None:
        if self.watch_dialog is not None:
            self.watch_dialog.show_report(report)
        news = bool(report.imported or report.failed or (report.problem and report.problem != self._problem))
        self._problem = report.problem
        if news:
            text, tone = watch_text(report)
            self._notice(text, tone, "Details…", partial(self._tell, report))

    def _tell(self, report: WatchReport) -> None:
        lines = messages.import_summary(ImportReport(report.imported, 0.0))[1] if report.imported else []
        lines += [f"{failure.file}: {failure.reason}" for failure in report.failed]
        lines += [report.problem] if report.problem else []
        rejects = [file.rejects_file for file in report.imported if file.rejects_file]
        choices: list[tuple[str, Callable[[], object]]] = []
        if rejects:
            choices.append(("Show rejected rows", partial(messages.show_folder, Path(rejects[0]).parent)))
        messages.tell(
            self._window, "Watched folder", "What came from the watched folder", "\n\n".join(lines), choices=choices
        )
