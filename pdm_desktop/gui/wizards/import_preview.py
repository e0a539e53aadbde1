"""The first rows of a file as they are going to be read: what is not used is faint, what is rejected stands out."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from pdm_desktop.core.plans import Preview, PreviewCell
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.wizards.import_state import role_words, sensor_name, sensor_unit

Index = QModelIndex | QPersistentModelIndex
LINE_WIDTH = 56
WIDEST = 220
_MEASURED = 30
"""Rows that a column's width is taken from."""


class PreviewModel(QAbstractTableModel):
    """The line number, then the file's own columns."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.preview: Preview | None = None

    def show_preview(self, preview: Preview | None) -> None:
        """Show another one; None empties the table."""
        self.beginResetModel()
        self.preview = preview
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows shown."""
        return 0 if self.preview is None or (parent is not None and parent.isValid()) else len(self.preview.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """The line and the columns."""
        return 0 if self.preview is None or (parent is not None and parent.isValid()) else 1 + len(self.preview.header)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """A cell by role."""
        if self.preview is None or not index.isValid():
            return None
        row = self.preview.rows[index.row()]
        cell = self._cell(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{row.line:,}" if index.column() == 0 else ("" if cell is None else cell.text)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.colour(self._token(index))
        if role == Qt.ItemDataRole.BackgroundRole:
            wrong = bool(row.reason) or (cell is not None and cell.state == "rejected")
            wrong = wrong and self._judged
            return self._theme.colour("alarm-bg") if wrong else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain(row.reason or (cell.reason if cell is not None else "")) or None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == 0:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        """The column's own name."""
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole or self.preview is None:
            return None
        return "Line" if section == 0 else self.preview.header[section - 1]

    def meaning(self, section: int) -> tuple[str, bool]:
        """What a column becomes, and whether it is used."""
        columns = self.preview.plan.columns if self.preview is not None else ()
        if not 1 <= section <= len(columns):
            return "", False
        column = columns[section - 1]
        if column.role.role == "sensor":
            name, unit = sensor_name(column), sensor_unit(column)
            words = f"{name} [{unit}]" if unit else name
            if column.role.machine:
                words = f"{column.role.machine} · {words}"
            return words, True
        return role_words(column.role), column.role.role not in ("ignore", "doubtful")

    @property
    def _judged(self) -> bool:
        # What hangs on an open question is not wrong yet.
        return self.preview is not None and not self.preview.plan.questions

    def _cell(self, index: Index) -> PreviewCell | None:
        cells = self.preview.rows[index.row()].cells if self.preview is not None else ()
        return cells[index.column() - 1] if 1 <= index.column() <= len(cells) else None

    def _token(self, index: Index) -> str:
        cell = self._cell(index)
        row = self.preview.rows[index.row()] if self.preview is not None else None
        if self._judged and cell is not None and (cell.state == "rejected" or (row is not None and row.reason)):
            return "alarm"
        if cell is None or cell.state in ("missing", "ignored") or not self.meaning(index.column())[1]:
            return "faint"
        return "text"


class PreviewHeader(QHeaderView):
    """The file's column name, and under it what the column becomes."""

    def __init__(self, model: PreviewModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._rows = model
        self._theme = theme
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        theme.changed.connect(self.viewport().update)

    def sizeHint(self) -> QSize:
        """Two lines."""
        return QSize(super().sizeHint().width(), 2 * self._theme.text_size("small") + 24)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Name above, meaning below."""
        theme = self._theme
        painter.save()
        painter.fillRect(rect, theme.colour("raised"))
        painter.fillRect(QRectF(rect.left(), rect.bottom(), rect.width(), 1), theme.colour("line"))
        box = QRectF(rect).adjusted(4, 4, -4, -5)
        half = box.height() / 2
        name = str(self._rows.headerData(section, Qt.Orientation.Horizontal) or "")
        meaning, used = self._rows.meaning(section)
        side = Qt.AlignmentFlag.AlignRight if section == 0 else Qt.AlignmentFlag.AlignLeft
        for text, top, token, strong in (
            (name, box.top(), "muted" if section == 0 else "text", True),
            (meaning, box.top() + half, "accent" if used else "faint", False),
        ):
            painter.setFont(theme.font("small", strong=strong))
            painter.setPen(theme.colour(token))
            fitted = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
            line = QRectF(box.left(), top, box.width(), half)
            painter.drawText(line, int(side | Qt.AlignmentFlag.AlignVCenter), fitted)
        painter.restore()


class PreviewTable(QTableView):
    """Shows a Preview. A click on a column's head chooses the column."""

    column_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = PreviewModel(theme, self)
        self.setModel(self._rows)
        self.setAccessibleName("First rows of the file")
        self.setHorizontalHeader(PreviewHeader(self._rows, theme, self))
        self.horizontalHeader().sectionClicked.connect(self._clicked)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        theme.changed.connect(self.viewport().update)

    @property
    def rows(self) -> PreviewModel:
        """What is shown."""
        return self._rows

    def show_preview(self, preview: Preview | None) -> None:
        """Show another one; the widths fit it."""
        at = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        self._rows.show_preview(preview)
        if preview is None:
            return
        metrics = self.fontMetrics()
        self.setColumnWidth(0, LINE_WIDTH)
        for section, name in enumerate(preview.header, 1):
            texts = [name, self._rows.meaning(section)[0]]
            texts += [row.cells[section - 1].text for row in preview.rows[:_MEASURED] if len(row.cells) >= section]
            width = max(metrics.horizontalAdvance(text[:80]) for text in texts) + 28
            self.setColumnWidth(section, min(WIDEST, max(72, width)))
        self.horizontalScrollBar().setValue(at[0])
        self.verticalScrollBar().setValue(at[1])

    def _clicked(self, section: int) -> None:
        if self._rows.preview is not None and section > 0:
            self.column_chosen.emit(self._rows.preview.header[section - 1])
