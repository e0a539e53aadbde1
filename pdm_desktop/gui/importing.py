"""Everything the window does about files coming in: what is asked, what is told, and the watched folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.plans import Choices
from pdm_desktop.core.results import ImportReport, WatchReport, WatchSettings
from pdm_desktop.gui import messages
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tray import Tray
from pdm_desktop.gui.wizards.watch_dialog import WatchDialog, watch_text

if TYPE_CHECKING:
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.workspace import Workspace
    from pdm_desktop.gui.wizards.import_wizard import ImportWizard

CHOICES = "Import with choices…"
LOOK_MS = 10_000
"""Between two looks into the watched folder."""

Notice = Callable[[str, str, str, Callable[[], object]], None]
"""Shows text, tone, the word of an action and what it does, calmly above the page."""


class Importing(QObject):
    """Belongs to one window. Nothing here blocks; the work runs in the session."""

    refused = Signal(object, object)
    """What was to be imported cannot be: the exception, and choices of what to do about it."""
    asking = Signal()
    """The wizard is open."""
    more_wanted = Signal()
    """The wizard wants more files chosen; `bring_in` takes them."""

    def __init__(self, window: QMainWindow, theme: Theme, session: Session, notice: Notice) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._session = session
        self._notice = notice
        self._problem = ""
        self.tray = Tray(window)
        self.watch_dialog: WatchDialog | None = None
        self.wizard: ImportWizard | None = None
        session.watched.connect(self._watched)
        session.watching_changed.connect(self._watching_changed)
        self._looks = QTimer(self)
        self._looks.timeout.connect(session.look)

    # ---- files

    def bring_in(self, files: Sequence[Path]) -> None:
        """Import files and folders at once where they leave no question open; else the wizard asks."""
        if self.wizard is not None:
            self.wizard.add(files)
            return

        def done(questions: int) -> None:
            if questions:
                self.open_wizard(files)
            else:
                self._session.import_files(files)

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                self._session.cancelled.emit()
                return
            choices = [(CHOICES, partial(self.open_wizard, files))] if isinstance(error, PdmError) else []
            self.refused.emit(error, choices)

        title = "Looking at the files" if len(files) > 1 else f"Looking at {files[0].name}"
        self._session.ask("read", title, lambda w, p: _questions(w, files, p), done, failed)

    def open_wizard(self, files: Sequence[Path]) -> None:
        """Lead files in, with every choice open to change."""
        from pdm_desktop.gui.wizards.import_wizard import ImportWizard

        wizard = ImportWizard(self._theme, self._session.ask, self._window)
        wizard.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        wizard.imported.connect(self._session.change)
        wizard.failed.connect(self._session.failed)
        wizard.more_wanted.connect(self.more_wanted)
        wizard.finished.connect(self._wizard_closed)
        self.wizard = wizard
        self.asking.emit()
        wizard.show()
        wizard.add(files)

    def _wizard_closed(self) -> None:
        self.wizard = None

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
        self.tray.watch(settings.folder if settings.on else "")
        entry = self._window.findChild(QAction, "watch")
        if isinstance(entry, QAction):
            # The menu says what goes on; an ampersand in the name is no shortcut.
            name = Path(settings.folder).name.replace("&", "&&")
            entry.setText(f"&Watching {name}…" if settings.on else "&Watch a folder…")
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
            self.tray.say(text, wrong=tone != "")

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


def _questions(workspace: Workspace, files: Sequence[Path], progress: Progress) -> int:
    """How many questions the files leave open. PdmError for a file that the user named and that cannot be read."""
    count = 0
    for path in files:
        for file, member in workspace.tables(path):
            progress.check()
            try:
                questions = workspace.recognise(file, Choices(sheet=member)).questions
            except PdmError:
                if member is not None:
                    count += 1  # one table of many: the wizard shows which and why
                elif not path.is_dir():
                    raise
                continue
            # A folder's files of unknown columns are not the plant's: the import leaves them out too.
            if not (path.is_dir() and any(question.key == "columns" for question in questions)):
                count += len(questions)
    return count
