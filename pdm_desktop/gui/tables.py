"""One table model over columns and rows, and the view that shows it.

A table is a tuple of Column over frozen row values. The model sorts and filters by itself, on Python values, so that
"2" comes before "10", and rows without a value stay last whichever way the column is sorted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from pdm_desktop.gui.table_header import PADDING, Header
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tips import plain

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex

ROW_ROLE = int(Qt.ItemDataRole.UserRole)
"""The row value itself."""
SORT_ROLE = ROW_ROLE + 1
"""What a cell sorts by; None sorts last both ways."""
COLUMN_ROLE = ROW_ROLE + 2
"""The Column of a cell."""

ROW_HEIGHT = 32
REMEMBERED = 4_000
"""Texts and shapes kept from one repaint to the next."""
MEASURED = 40
"""Texts of a column, the ones of most letters, whose width is measured."""
READABLE = 200
"""Pixels that a column of sentences needs."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: how a row's cell reads, sorts and looks."""

    key: str
    title: str
    text: Callable[[Row], str]
    sort: Callable[[Row], Any] | None = None
    """What the cell sorts by (one type a column, or None); the text where absent."""
    right: bool = False
    """Right-aligned, as numbers are."""
    width: int = 96
    """Pixels; 0 takes what is left."""
    least: int = 0
    """What the column may shrink to in a narrow window, so that the one that takes what is left stays readable."""
    most: int = 0
    """What the column may grow to where its texts need it: names of the plant's own."""
    strong: bool = False
    token: str | Callable[[Row], str] = "text"
    """The text's colour."""
    tip: Callable[[Row], str] | None = None
    high_first: bool = False
    """The first click on the header sorts from the highest."""


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key in which numbers inside text count as numbers: machine 2 before machine 10."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts)


class TableModel(QAbstractTableModel, Generic[Row]):
    """Rows in the order sorted, those that pass the filter. `identity` tells rows apart across a refresh."""

    counted = Signal(int, int)
    """Rows shown, rows in all: after every change of either."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        identity: Callable[[Row], Hashable],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._identity = identity
        self._theme = theme
        self._all: tuple[Row, ...] = ()
        self._shown: list[Row] = []
        self._sorted_by: tuple[int, Qt.SortOrder] | None = None
        self._keep: Callable[[Row], bool] | None = None
        theme.changed.connect(self._repaint)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Replace the rows; order, filter and selection stay."""
        self._all = tuple(rows)
        self._rearrange()

    def set_filter(self, keep: Callable[[Row], bool] | None) -> None:
        """Show only the rows for which `keep` is true; None shows all."""
        self._keep = keep
        self._rearrange()

    def rows(self) -> tuple[Row, ...]:
        """The rows shown, in their order."""
        return tuple(self._shown)

    def row(self, index: Index) -> Row:
        """The row value under an index."""
        return self._shown[index.row()]

    def position(self, identity: Hashable) -> int | None:
        """At which place a row is shown; None when it is not."""
        return next((at for at, row in enumerate(self._shown) if self._identity(row) == identity), None)

    def column_of(self, key: str) -> int:
        """A column's place by its key."""
        return next(at for at, column in enumerate(self.columns) if column.key == key)

    def set_title(self, key: str, title: str) -> None:
        """Another title for a column: what it says depends on the plant's horizon."""
        at = self.column_of(key)
        if self.columns[at].title != title:
            self.columns = (*self.columns[:at], replace(self.columns[at], title=title), *self.columns[at + 1 :])
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, at, at)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; a negative one returns to the order given."""
        self._sorted_by = (column, order) if column >= 0 else None
        self._rearrange()

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index | None = None) -> int:
        """Columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """A cell by role."""
        if not index.isValid():
            return None
        row, column = self._shown[index.row()], self.columns[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{column.title}: {column.text(row)}"
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.ForegroundRole:
                token = column.token if isinstance(column.token, str) else column.token(row)
                return self._theme.colour(token)
            case Qt.ItemDataRole.FontRole:
                return self._theme.font("body", strong=True) if column.strong else self._theme.font("body")
            case Qt.ItemDataRole.ToolTipRole:
                return plain(column.tip(row)) if column.tip is not None else None
            case _ if role == ROW_ROLE:
                return row
            case _ if role == SORT_ROLE:
                return self._sort_value(row, column)
            case _ if role == COLUMN_ROLE:
                return column
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        """Column titles, aligned as their cells."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _sort_value(self, row: Row, column: Column[Row]) -> Any:
        return column.text(row) if column.sort is None else column.sort(row)

    def _rearrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        held = [(index.column(), self._identity(self._shown[index.row()])) for index in before]
        rows = [row for row in self._all if self._keep is None or self._keep(row)]
        if self._sorted_by is not None:
            place, order = self._sorted_by
            valued = [(self._sort_value(row, self.columns[place]), row) for row in rows]
            known = [(value, row) for value, row in valued if value is not None]
            known.sort(key=lambda pair: pair[0], reverse=order == Qt.SortOrder.DescendingOrder)
            rows = [row for _, row in known] + [row for value, row in valued if value is None]
        self._shown = rows
        places = {self._identity(row): at for at, row in enumerate(rows)}
        after = [
            self.index(places[identity], column) if identity in places else QModelIndex() for column, identity in held
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()
        self.counted.emit(len(self._shown), len(self._all))

    def _repaint(self) -> None:
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, len(self.columns) - 1))


class TableView(QTableView):
    """A calm table: whole rows, thin lines between them, sort by header click, Enter or double click chooses."""

    chosen = Signal(object)
    """The row value."""

    def __init__(self, model: TableModel[Any], theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = model
        self.setModel(model)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setItemDelegate(CellDelegate(theme, self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self._header = Header(theme, self)
        self.setHorizontalHeader(header)
        header.setSectionsClickable(True)
        for at, column in enumerate(model.columns):
            if column.width == 0:
                header.setSectionResizeMode(at, QHeaderView.ResizeMode.Stretch)
            else:
                self.setColumnWidth(at, column.width)
        header.sectionClicked.connect(self._header_clicked)
        self.doubleClicked.connect(lambda index: self.chosen.emit(model.row(index)))
        self._needed: dict[int, int] = {}
        model.layoutChanged.connect(self._measure)
        theme.changed.connect(self.viewport().update)

    def set_delegate(self, key: str, delegate: QStyledItemDelegate) -> None:
        """Paint the column `key` by `delegate`."""
        self.setItemDelegateForColumn(self._rows.column_of(key), delegate)

    def sort_by(self, key: str, order: Qt.SortOrder) -> None:
        """Sort by a column as a click on its header does."""
        at = self._rows.column_of(key)
        self._header.show_sorted(at, order)
        self._rows.sort(at, order)

    def selected(self) -> Any | None:
        """The row value of the selected row."""
        index = self.currentIndex()
        return self._rows.row(index) if index.isValid() else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shrink the columns that may before the one that takes what is left gets too narrow to read."""
        self._share_out()
        super().resizeEvent(event)

    def _measure(self) -> None:
        """How wide the columns are that may grow with their texts."""
        needed: dict[int, int] = {}
        for at, column in enumerate(self._rows.columns):
            if column.most:
                metrics = QFontMetrics(self._theme.font("body", strong=column.strong))
                texts = sorted({column.text(row) for row in self._rows.rows()}, key=len)[-MEASURED:]
                widest = max((metrics.horizontalAdvance(text) for text in texts), default=0) + 2 * PADDING + 1
                needed[at] = min(max(column.width, widest), column.most)
        if needed != self._needed:
            self._needed = needed
            self._share_out()

    def _share_out(self) -> None:
        columns = self._rows.columns
        wanted = [self._needed.get(at, column.width) for at, column in enumerate(columns)]
        short = READABLE - (self.viewport().width() - sum(wanted))
        for at, column in enumerate(columns):
            if column.least or column.most:
                gives = min(max(0, short), max(0, wanted[at] - column.least)) if column.least else 0
                short -= gives
                self.setColumnWidth(at, wanted[at] - gives)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses the current row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self._rows.row(self.currentIndex()))
            return
        super().keyPressEvent(event)

    def _header_clicked(self, section: int) -> None:
        column = self._rows.columns[section]
        up, down = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
        first, second = (down, up) if column.high_first else (up, down)
        self.sort_by(column.key, second if self._header.sorted_by == (section, first) else first)


class CellDelegate(QStyledItemDelegate):
    """Text on the row's background. Delegates for marks override `paint_cell`.

    Reads rows and columns straight from the model: asking it role by role takes half the time of a repaint.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._elided: dict[tuple[str, int, bool], str] = {}

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Background, line below, then the cell."""
        theme = self.theme
        state = option.state
        box = QRectF(option.rect)
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, theme.colour("accent-bg"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, theme.colour("raised"))
        painter.fillRect(QRectF(box.left(), box.bottom() - 1, box.width(), 1), theme.colour("line2"))
        if index.column() == 0 and state & QStyle.StateFlag.State_HasFocus:
            # One mark a row: the keyboard moves by rows here.
            painter.fillRect(QRectF(box.left(), box.top(), 3, box.height() - 1), theme.colour("accent"))
        self.paint_cell(painter, box.adjusted(PADDING, 0, -PADDING, -1), index)
        painter.restore()

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """The text, elided, in its column's colour, weight and alignment."""
        row, column = cell(index)
        token = column.token if isinstance(column.token, str) else column.token(row)
        painter.setFont(self.theme.font("body", strong=column.strong))
        painter.setPen(self.theme.colour(token))
        side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
        text = self._fit(painter, column.text(row), int(box.width()), column.strong)
        painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), text)

    def _fit(self, painter: QPainter, text: str, width: int, strong: bool) -> str:
        key = (text, width, strong)
        if key not in self._elided:
            if len(self._elided) > REMEMBERED:
                self._elided.clear()
            self._elided[key] = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        return self._elided[key]


def cell(index: Index) -> tuple[Any, Column[Any]]:
    """The row and the column under an index."""
    model = index.model()
    assert isinstance(model, TableModel)
    return model.row(index), model.columns[index.column()]
