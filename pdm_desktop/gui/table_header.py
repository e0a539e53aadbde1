"""The head of a table: titles that wrap, and which column the rows are sorted by."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHeaderView, QWidget

from pdm_desktop.gui.theme import Theme

PADDING = 10
"""Pixels left and right of what a cell, or a title, says."""


class Header(QHeaderView):
    """Column titles that wrap to two lines, with a small arrow after the title sorted by."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        # Kept here and not as Qt's sort indicator, which turns with a click before the click is told of.
        self.sorted_by: tuple[int, Qt.SortOrder] | None = None
        self.setHighlightSections(False)
        self.setMinimumSectionSize(40)
        theme.changed.connect(self.viewport().update)

    def show_sorted(self, section: int, order: Qt.SortOrder) -> None:
        """Which column the rows are sorted by."""
        self.sorted_by = (section, order)
        self.viewport().update()

    def sizeHint(self) -> QSize:
        """Two lines of the small text."""
        return QSize(super().sizeHint().width(), 2 * self._theme.text_size("small") + 20)

    def paintSection(self, painter: QPainter, rect: Any, section: int) -> None:
        """Background and line by the style sheet's colours; title and arrow by hand (the style would elide)."""
        theme = self._theme
        painter.save()
        painter.fillRect(rect, theme.colour("raised"))
        painter.fillRect(QRectF(rect.left(), rect.bottom(), rect.width(), 1), theme.colour("line"))
        title = str(self.model().headerData(section, Qt.Orientation.Horizontal) or "")
        side = self.model().headerData(section, Qt.Orientation.Horizontal, int(Qt.ItemDataRole.TextAlignmentRole))
        sorted_by = self.sorted_by is not None and self.sorted_by[0] == section
        if sorted_by:
            # The arrow points where the values grow smaller: down for highest first.
            down = self.sorted_by == (section, Qt.SortOrder.DescendingOrder)
            title += "\N{NO-BREAK SPACE}" + (
                "\N{BLACK DOWN-POINTING SMALL TRIANGLE}" if down else "\N{BLACK UP-POINTING SMALL TRIANGLE}"
            )
        painter.setFont(theme.font("small", strong=True))
        painter.setPen(theme.colour("text" if sorted_by else "muted"))
        box = QRectF(rect).adjusted(PADDING, 2, -PADDING, -2)
        painter.drawText(box, int(side) | int(Qt.TextFlag.TextWordWrap), title)
        painter.restore()
