"""Files dropped on the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.gui.frame import DropHint


class DropWindow(QMainWindow):
    """A window on which files and folders may be dropped while `takes_files` says so."""

    dropped = Signal(object)
    """The paths, a list."""

    def __init__(self) -> None:
        super().__init__()
        self._drop = DropHint(self)
        self.setAcceptDrops(True)

    def takes_files(self) -> bool:
        return True

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        files = _local_files(event)
        if files and self.takes_files():
            self._drop.show_count(len(files))
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._drop.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop.hide()
        event.acceptProposedAction()
        self.dropped.emit(_local_files(event))


def _local_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
