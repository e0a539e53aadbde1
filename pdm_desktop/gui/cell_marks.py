"""Cells that say what text cannot: a band's badge, a risk with its bar, a line of the last days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from pdm_desktop.gui.marks import badge_size, band_token, paint_badge, paint_risk_bar, paint_sparkline, sparkline_shape
from pdm_desktop.gui.table_header import PADDING
from pdm_desktop.gui.tables import REMEMBERED, CellDelegate, Index, cell
from pdm_desktop.gui.theme import Theme


class BadgeDelegate(CellDelegate):
    """A band's badge; `band_of` reads the band from the row."""

    def __init__(self, theme: Theme, band_of: Callable[[Any], Any], parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._band_of = band_of

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """The badge."""
        band = self._band_of(cell(index)[0])
        if badge_size(self.theme, band).width() > box.width() + PADDING:
            painter.setClipRect(box)
        paint_badge(painter, self.theme, box.left(), box.center().y(), band)


class RiskDelegate(CellDelegate):
    """The risk's number at the left, the bar with the threshold's tick beside it."""

    NUMBER = 58

    def __init__(
        self,
        theme: Theme,
        read: Callable[[Any], tuple[float | None, float | None, Any]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._read = read
        """Row -> (risk, threshold, band)."""

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """Number and bar."""
        row, column = cell(index)
        risk, threshold, band = self._read(row)
        number = QRectF(box.left(), box.top(), self.NUMBER, box.height())
        painter.setFont(self.theme.font("body", strong=risk is not None))
        painter.setPen(self.theme.colour("text" if risk is not None else "muted"))
        painter.drawText(number, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), column.text(row))
        bar = QRectF(number.right() + 14, round(box.center().y()) - 5, 0, 10)
        bar.setRight(box.right())
        if bar.width() > 12 and risk is not None:
            paint_risk_bar(painter, self.theme, bar, risk, threshold, band_token(band))


class SparklineDelegate(CellDelegate):
    """A line of the last days; `read` gives (times, values, colour token)."""

    def __init__(
        self, theme: Theme, read: Callable[[Any], tuple[Any, Any, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._read = read
        self._shapes: dict[tuple[int, float, float], tuple[Any, list[QPolygonF]]] = {}

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """The line above a base line."""
        times, values, token = self._read(cell(index)[0])
        area = box.adjusted(0, 6, 0, -6)
        painter.setPen(QPen(self.theme.colour("line2"), 1))
        base = QPoint(round(area.left()), round(area.bottom()))
        painter.drawLine(base, QPoint(round(area.right()), base.y()))
        if len(values) > 1:
            shape = self._shape(area.width(), area.height(), times, values)
            paint_sparkline(painter, self.theme, area.left(), area.top(), shape, token)

    def _shape(self, width: float, height: float, times: Any, values: Any) -> list[QPolygonF]:
        key = (id(values), width, height)
        if key not in self._shapes:
            if len(self._shapes) > REMEMBERED:
                self._shapes.clear()
            # The values are held too, so that no other array can come by their id.
            self._shapes[key] = (values, sparkline_shape(width, height, times, values))
        return self._shapes[key][1]
