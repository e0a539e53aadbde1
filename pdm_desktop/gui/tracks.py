"""The rows of a trend plot: a sensor's trace, the risk, the time axis.

Each is one graphics item in pixels of the canvas. They share the canvas' time span, and paint only what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pdm_desktop.core.results import SensorTrace, risk_text
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.timeline import GAP_STEPS, Line, Tick, value_text, value_ticks

SERIES = ("s1", "s2", "s3", "s4")
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter


class Span(Protocol):
    """What a track needs to know of its canvas."""

    theme: Theme
    left: float
    right: float
    """The plotted part in x, px; left of it lies the gutter with names and figures."""
    ticks: tuple[Tick, ...]

    def span(self) -> tuple[float, float]: ...
    def x_of(self, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...


class Track(QGraphicsItem):
    """A row across the canvas, `resize`d by it. Painted once into a pixmap, so that the crosshair costs no traces."""

    rule = True
    """Whether a thin line closes the row."""

    def __init__(self, canvas: Span, parent: QGraphicsItem | None = None) -> None:
        super().__init__(parent)
        self.canvas = canvas
        self.width = 0.0
        self.height = 0.0
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def resize(self, width: float, height: float) -> None:
        if (width, height) != (self.width, self.height):
            self.prepareGeometryChange()
            self.width, self.height = width, height
            self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self.width, self.height)

    def gutter(self) -> float:
        """The room the row wants for its names and figures, px."""
        return 0.0

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        theme = self.canvas.theme
        plot = QRectF(self.canvas.left, 0, self.canvas.right - self.canvas.left, self.height)
        painter.save()
        painter.setClipRect(plot)
        self.paint_under(painter, plot)
        painter.setPen(QPen(theme.colour("line2"), 1))
        xs = self.canvas.x_of(np.array([tick.time for tick in self.canvas.ticks], np.float64))
        painter.drawLines([QLineF(x, 0, x, self.height) for x in (np.round(xs) + 0.5).tolist()])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_plot(painter, plot)
        painter.restore()
        self.paint_gutter(painter)
        if self.rule:
            painter.setPen(QPen(theme.colour("line"), 1))
            y = self.height - 0.5
            painter.drawLine(QLineF(0, y, self.canvas.right, y))

    def paint_under(self, painter: QPainter, plot: QRectF) -> None: ...
    def paint_plot(self, painter: QPainter, plot: QRectF) -> None: ...
    def paint_gutter(self, painter: QPainter) -> None: ...


def _mixed(colour: QColor, ground: QColor, share: float) -> QColor:
    """`share` of `colour` on `ground`, opaque."""
    rest = 1 - share
    return QColor.fromRgbF(
        share * colour.redF() + rest * ground.redF(),
        share * colour.greenF() + rest * ground.greenF(),
        share * colour.blueF() + rest * ground.blueF(),
    )


_Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int32]]
"""x and y in pixels, and whether a stroke leads on to the next point."""


def _points(canvas: Span, line: Line, columns: float, scale: _Scale) -> _Points:
    """`line` cut to the canvas' span, in pixels."""
    moments, values, connect = line.cut(*canvas.span(), max(1, int(columns)))
    x, y = canvas.x_of(moments), scale.of(values)
    alone = (connect == 0) & (np.concatenate((connect[:1] * 0, connect[:-1])) == 0)
    if alone.any():
        # a reading between two silences is a piece without a stroke: a short dash makes it visible
        index = np.flatnonzero(alone)
        x, y = np.insert(x, index, x[index] - 1.0), np.insert(y, index, y[index])
        connect = np.insert(connect, index, np.int32(1))
    return x, y, connect


def _path(points: _Points) -> QPainterPath:
    path: QPainterPath = pg.functions.arrayToQPath(points[0], points[1], connect=points[2], finiteCheck=False)
    return path


def _areas(points: _Points, base: float) -> Iterable[QPolygonF]:
    """The areas between the points and `base`, where they rise by a pixel at least: filling the rest costs time and
    shows nothing."""
    x, y, connect = points
    above = base - y > 1
    # a stroke from or to a point above belongs to the area
    seen = above.copy()
    seen[:-1] |= above[1:] & (connect[:-1] == 1)
    seen[1:] |= above[:-1] & (connect[:-1] == 1)
    joins = seen[:-1] & seen[1:] & (connect[:-1] == 1)
    starts = np.flatnonzero(seen & ~np.concatenate((joins[:1] & False, joins)))
    ends = np.flatnonzero(seen & ~np.concatenate((joins, joins[:1] & False)))
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        area: QPolygonF = pg.functions.arrayToQPolygonF(
            np.concatenate(([x[first]], x[first : last + 1], [x[last]])),
            np.concatenate(([base], y[first : last + 1], [base])),
        )
        yield area


@dataclass(frozen=True)
class _Scale:
    """Values to pixels: `low` lies at `bottom`, `high` at `top`."""

    low: float
    high: float
    top: float
    bottom: float

    def of(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return self.bottom - (values - self.low) * ((self.bottom - self.top) / (self.high - self.low))

    def at(self, value: float) -> float:
        return float(self.bottom - (value - self.low) * (self.bottom - self.top) / (self.high - self.low))


class _Named(Track):
    """A row with a name and a unit at the top of its gutter, and figures at its scale."""

    def __init__(self, canvas: Span, name: str, unit: str, parent: QGraphicsItem | None = None) -> None:
        super().__init__(canvas, parent)
        self.name = name
        self.unit = unit

    def values_scale(self) -> _Scale:
        raise NotImplementedError

    def figures(self) -> Iterable[tuple[float, str]]:
        """(value, text) of the scale's labels."""
        raise NotImplementedError

    def gutter(self) -> float:
        strong = QFontMetricsF(self.canvas.theme.font("small", strong=True))
        small = QFontMetricsF(self.canvas.theme.font("tiny"))
        figures = max((small.horizontalAdvance(text) for _, text in self.figures()), default=0.0)
        unit = small.horizontalAdvance(self.unit)
        return max(strong.horizontalAdvance(self.name), unit + 10 + figures) + 14

    def paint_gutter(self, painter: QPainter) -> None:
        theme, right = self.canvas.theme, self.canvas.left - 6
        painter.setFont(theme.font("small", strong=True))
        painter.setPen(theme.colour("text"))
        metrics = painter.fontMetrics()
        line = metrics.height()
        name = metrics.elidedText(self.name, Qt.TextElideMode.ElideRight, int(right - 4))
        painter.drawText(QRectF(4, 3, right, line), LEFT, name)
        taken = [QRectF(4, 3, metrics.horizontalAdvance(name) + 6, line)]
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.colour("muted"))
        metrics = painter.fontMetrics()
        small = metrics.height()
        if self.unit:
            unit = metrics.elidedText(self.unit, Qt.TextElideMode.ElideRight, int(right - 4))
            painter.drawText(QRectF(4, 3 + line, right, small), LEFT, unit)
            taken.append(QRectF(4, 3 + line, metrics.horizontalAdvance(unit) + 6, small))
        scale = self.values_scale()
        for value, text in self.figures():
            width = metrics.horizontalAdvance(text)
            top = min(max(scale.at(value) - small / 2, 0.0), self.height - small - 1)
            box = QRectF(right - width, top, width, small)
            if not any(box.intersects(other) for other in taken):
                painter.drawText(box, _RIGHT, text)
                taken.append(box)


class SensorTrack(_Named):
    """One sensor: readings as a thin line, their rolling mean as a thicker one, the normal range shaded."""

    def __init__(self, canvas: Span, trace: SensorTrace, token: str, parent: QGraphicsItem | None = None) -> None:
        super().__init__(canvas, trace.name, trace.unit, parent)
        self.token = token
        self.line = Line.of(trace.times, trace.values)
        self.mean = Line.of(trace.mean_times, self._backed(trace))
        self.low, self.high = trace.low, trace.high
        seen = [float(f(self.line.values)) for f in (np.min, np.max) if len(self.line)]
        seen += [limit for limit in (trace.low, trace.high) if limit is not None and np.isfinite(limit)]
        self._least, self._most = (min(seen), max(seen)) if seen else (0.0, 1.0)
        if not self._most > self._least:
            room = abs(self._least) * 0.01 or 1.0
            self._least, self._most = self._least - room, self._most + room

    def _backed(self, trace: SensorTrace) -> npt.NDArray[np.float64]:
        """The mean without the times at which its sensor is silent: there it would rest on fewer and fewer."""
        mean = trace.mean.copy()
        if not len(self.line):
            mean[:] = np.nan
            return mean
        falls = np.append(self.line.times[self.line.breaks - 1], self.line.times[-1]) + GAP_STEPS * self.line.step
        resumes = np.append(self.line.times[self.line.breaks], np.inf)
        first = np.searchsorted(trace.mean_times, falls, side="right")
        last = np.searchsorted(trace.mean_times, resumes, side="left")
        for begin, end in zip(first.tolist(), last.tolist(), strict=True):
            mean[begin:end] = np.nan
        return mean

    @property
    def reach(self) -> float:
        """The plotted difference of values, for choosing digits."""
        return self._most - self._least

    def values_scale(self) -> _Scale:
        pad = 5.0 if self.height > 60 else 3.0
        return _Scale(self._least, self._most, pad, self.height - pad - 1)

    def figures(self) -> Iterable[tuple[float, str]]:
        marks = value_ticks(self._least, self._most, 3 if self.height > 70 else 2)
        step = marks[1] - marks[0] if len(marks) > 1 else self.reach
        return [(value, value_text(value, 50 * step)) for value in marks]

    def text(self, index: int) -> str:
        """A reading with its unit."""
        return f"{value_text(float(self.line.values[index]), self.reach)} {self.unit}".strip()

    def paint_under(self, painter: QPainter, plot: QRectF) -> None:
        if self.low is not None and self.high is not None:
            scale = self.values_scale()
            top, bottom = scale.at(self.high), scale.at(self.low)
            shade = QRectF(plot.left(), round(top), plot.width(), round(bottom) - round(top))
            painter.fillRect(shade, self.canvas.theme.colour("range"))

    def paint_plot(self, painter: QPainter, plot: QRectF) -> None:
        theme, scale = self.canvas.theme, self.values_scale()
        colour = theme.colour(self.token)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # an opaque mixture, not a see-through pen: that takes Qt ten times as long to stroke
        raw = _path(_points(self.canvas, self.line, plot.width(), scale))
        # where strokes stand side by side they would hide everything else
        dense = raw.elementCount() > plot.width()
        painter.setPen(QPen(_mixed(colour, theme.colour("surface"), 0.42 if dense else 0.62), 1))
        painter.drawPath(raw)
        if dense and self.low is not None and self.high is not None:
            painter.setPen(QPen(_mixed(theme.colour("text"), theme.colour("surface"), 0.3), 1))
            for limit in (self.low, self.high):
                y = round(scale.at(limit))
                painter.drawLine(QLineF(plot.left(), y + 0.5, plot.right(), y + 0.5))
        # two thin strokes side by side look like one of 1.8 px, at a twentieth of its cost
        path = _path(_points(self.canvas, self.mean, plot.width() / 3, scale))
        painter.setPen(QPen(colour, 1))
        for offset in (-0.4, 0.4):
            painter.drawPath(path.translated(0, offset))


class RiskTrack(_Named):
    """The risk from 0 to 100 %, filled, with the threshold dashed."""

    def __init__(
        self,
        canvas: Span,
        horizon_h: float,
        at: npt.NDArray[np.int64],
        risk: npt.NDArray[np.float64],
        threshold: float | None,
        parent: QGraphicsItem | None = None,
    ) -> None:
        super().__init__(canvas, "risk", f"in {horizon_h:g} h", parent)
        # the step of the grid, not of what is left of it where there is no score
        step = float(np.median(np.diff(at))) if len(at) > 1 else None
        self.line = Line.of(at, risk, step)
        self.threshold = threshold

    def values_scale(self) -> _Scale:
        return _Scale(0.0, 1.0, 8.0, self.height - 5)

    def figures(self) -> Iterable[tuple[float, str]]:
        return [(1.0, "100 %"), (0.0, "0 %"), (0.5, "50 %")] if self.height > 80 else [(1.0, "100 %"), (0.0, "0 %")]

    def text(self, index: int) -> str:
        """A risk in per cent."""
        return risk_text(float(self.line.values[index]))

    def paint_plot(self, painter: QPainter, plot: QRectF) -> None:
        theme, scale = self.canvas.theme, self.values_scale()
        colour = theme.colour("alarm")
        painter.setPen(QPen(theme.colour("line2"), 1))
        for value in (0.0, 1.0):
            y = round(scale.at(value)) + 0.5
            painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
        points = _points(self.canvas, self.line, plot.width(), scale)
        if not len(points[0]):
            painter.setFont(theme.font("small"))
            painter.setPen(theme.colour("muted"))
            painter.drawText(plot, _CENTRE, "no risk was told here")
            return
        fill = QColor(colour)
        fill.setAlphaF(0.13)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for area in _areas(points, scale.at(0.0)):
            painter.drawPolygon(area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1))
        painter.drawPath(_path(points))
        if self.threshold is not None:
            self._paint_threshold(painter, plot, scale.at(self.threshold))

    def _paint_threshold(self, painter: QPainter, plot: QRectF, y: float) -> None:
        theme = self.canvas.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        pen = QPen(theme.colour("text"), 1)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(QLineF(plot.left(), round(y), plot.right(), round(y)))
        painter.setFont(theme.font("tiny"))
        text = f"threshold {risk_text(self.threshold)}"
        metrics = QFontMetricsF(painter.font())
        width, height = metrics.horizontalAdvance(text) + 8, metrics.height()
        above = y - height - 1
        box = QRectF(self._calm_side(plot, width), above if above > 0 else y + 2, width, height)
        back = theme.colour("surface")
        back.setAlphaF(0.8)
        painter.fillRect(box, back)
        painter.setPen(theme.colour("muted"))
        painter.drawText(box, _CENTRE, text)

    def _calm_side(self, plot: QRectF, width: float) -> float:
        """Where the threshold's words hide less of the trace: at the left or the right end."""
        start, end = self.canvas.span()
        share = (end - start) * (width + 16) / max(1.0, plot.width())
        sums = []
        for low, high in ((start, start + share), (end - share, end)):
            first, last = np.searchsorted(self.line.times, (low, high))
            sums.append(float(self.line.values[first:last].max(initial=0.0)))
        return plot.left() + 8 if sums[0] < sums[1] else plot.right() - 8 - width


class AxisTrack(Track):
    """The times under the plots; days stand out from hours, months or years from days."""

    rule = False

    def __init__(self, canvas: Span, parent: QGraphicsItem | None = None) -> None:
        super().__init__(canvas, parent)
        self.caption = ""

    def gutter(self) -> float:
        return QFontMetricsF(self.canvas.theme.font("tiny")).horizontalAdvance(self.caption) + 12

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        canvas, theme = self.canvas, self.canvas.theme
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.colour("muted"))
        painter.drawText(QRectF(4, 0, canvas.left - 8, self.height), LEFT, self.caption)
        xs = canvas.x_of(np.array([tick.time for tick in canvas.ticks], np.float64))
        strongest = len({tick.strong for tick in canvas.ticks}) > 1
        taken = 4 + QFontMetricsF(painter.font()).horizontalAdvance(self.caption)
        for x, tick in zip(xs, canvas.ticks, strict=True):
            painter.setPen(theme.colour("faint"))
            painter.drawLine(QLineF(round(x) + 0.5, 0, round(x) + 0.5, 4))
            painter.setFont(theme.font("tiny", strong=strongest and tick.strong))
            painter.setPen(theme.colour("text" if strongest and tick.strong else "muted"))
            width = QFontMetricsF(painter.font()).horizontalAdvance(tick.text)
            # at the edges a label moves inwards: on a span of one day they alone name the day
            left = min(max(x - width / 2, canvas.left - 8), self.width - width)
            box = QRectF(left, 2, width, self.height - 2)
            if box.left() >= taken + 6:
                painter.drawText(box, _CENTRE, tick.text)
                taken = box.right()
