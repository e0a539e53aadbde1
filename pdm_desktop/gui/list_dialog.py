"""The frame of a dialog that shows lists: what it is about, a notice, the lists, and a button that closes it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import Banner, button, label


class ListDialog(QDialog):
    """Goes when it is closed."""

    def __init__(self, title: str, line: str, size: tuple[int, int], shown: QWidget, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*size)
        self.title = label(title, "title")
        self.line = label(line, "muted")
        self.line.setWordWrap(True)
        self.notice = Banner()
        self.done_button = button("Close")
        self.done_button.clicked.connect(self.accept)
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.done_button)
        column = self.column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        for widget in (self.title, self.line, self.notice):
            column.addWidget(widget)
        column.addWidget(shown, 1)
        column.addLayout(below)
