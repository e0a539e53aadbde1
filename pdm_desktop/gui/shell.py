"""The window as the system sees it: it appears, takes dropped files, and closes where work under way allows it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSettings, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.gui import messages
from pdm_desktop.gui.frame import DropHint
from pdm_desktop.gui.session import Session


class Shell(QMainWindow):
    """A window with its session. With interactive=False it asks nothing and remembers nothing."""

    painted = Signal()
    """The first time the window is on the screen: heavy work may begin."""
    dropped = Signal(object)
    """Files and folders to import, a list of paths."""

    def __init__(self, settings: QSettings, *, interactive: bool) -> None:
        super().__init__()
        self.session = Session(self)
        self._settings = settings
        self._interactive = interactive
        self._was_painted = False
        self._leaving = False
        self._drop = DropHint(self)
        self.setAcceptDrops(True)
        self.session.tasks_changed.connect(self._leave_when_done)

    def restore_place(self) -> None:
        """Stand where the window stood when it was closed."""
        geometry = self._settings.value("geometry")
        if self._interactive and geometry is not None:
            self.restoreGeometry(geometry)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell once that the window is on the screen."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped where they may be imported."""
        files = _local_files(event)
        if files and self.session.writable:
            self._drop.show_count(len(files))
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The files were taken elsewhere."""
        self._drop.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop.hide()
        event.acceptProposedAction()
        self.dropped.emit(_local_files(event))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while work is under way, and let it stop at a clean edge before leaving."""
        busy = self.session.busy()
        if busy and not self._leaving and self._interactive:
            event.ignore()
            messages.ask(
                self,
                "Work is under way",
                f"{busy[0].title} is not finished.",
                "Stopping it changes nothing: what is half done is taken back.",
                "Stop it and quit",
                self._leave,
                no="Keep working",
            )
            return
        if self._leaving and self.session.tasks.active():
            event.ignore()
            return
        self.session.close()
        if self._interactive:
            self._settings.setValue("geometry", self.saveGeometry())
        event.accept()

    def _leave(self) -> None:
        self._leaving = True
        self.session.cancel_all()
        self._leave_when_done()

    def _leave_when_done(self) -> None:
        if self._leaving and not self.session.tasks.active():
            self.close()


def _local_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
