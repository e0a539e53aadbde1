"""The rows of a trend plot: a sensor's trace, the lane of events, the risk, the time axis.

Each is one graphics item in pixels of the canvas. They share the canvas' time span, and paint only what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from pdm_desktop.core.results import Event, SensorTrace
from pdm_desktop.gui.marks import risk_text
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.timeline import Line, Tick, value_text, value_ticks

LANE = 17
"""Height of one lane of events, px."""
KINDS = ("failures", "errors", "maintenance")
KIND_WORD = {"failures": "failures", "errors": "errors", "maintenance": "replaced"}
KIND_TOKEN = {"failures": "alarm", "errors": "watch", "maintenance": "s2"}
SERIES = ("s1", "s2", "s3", "s4")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
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

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        theme = self.canvas.theme
        plot = QRectF(self.canvas.left, 0, self.canvas.right - self.canvas.left, self.height)
        painter.save()
        painter.setClipRect(plot)
        self.paint_under(painter, plot)
        painter.setPen(QPen(theme.colour("line2"), 1))
        xs = self.canvas.x_of(np.array([tick.time for tick in self.canvas.ticks], np.float64))
        painter.drawLines([QLineF(x, 0, x, self.height) for x in np.round(xs) + 0.5])
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
    parts = zip(colour.getRgb()[:3], ground.getRgb()[:3], strict=True)
    return QColor(*(round(share * top + (1 - share) * under) for top, under in parts))


def _stroke(canvas: Span, line: Line, columns: float, y: _Scale) -> QPainterPath:
    """`line` cut to the canvas' span as a path in pixels."""
    moments, values, connect = line.cut(*canvas.span(), max(1, int(columns)))
    if not len(moments):
        return QPainterPath()
    x = canvas.x_of(moments)
    pixels = y.of(values)
    alone = (connect == 0) & np.concatenate(([True], connect[:-1] == 0))
    if alone.any():
        # a reading between two silences is a piece without a stroke: a short dash makes it visible
        index = np.flatnonzero(alone)
        x, pixels = np.insert(x, index, x[index] - 1.0), np.insert(pixels, index, pixels[index])
        connect = np.insert(connect, index, np.int32(1))
    return pg.functions.arrayToQPath(x, pixels, connect=connect, finiteCheck=False)


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

    def scale(self) -> _Scale:
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
        painter.drawText(QRectF(4, 3, right, line), _LEFT, name)
        taken = [QRectF(4, 3, metrics.horizontalAdvance(name) + 6, line)]
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.colour("muted"))
        metrics = painter.fontMetrics()
        small = metrics.height()
        if self.unit:
            unit = metrics.elidedText(self.unit, Qt.TextElideMode.ElideRight, int(right - 4))
            painter.drawText(QRectF(4, 3 + line, right, small), _LEFT, unit)
            taken.append(QRectF(4, 3 + line, metrics.horizontalAdvance(unit) + 6, small))
        scale = self.scale()
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
        self.mean = Line.of(trace.mean_times, trace.mean)
        self.low, self.high = trace.low, trace.high
        seen = [float(f(self.line.values)) for f in (np.min, np.max) if len(self.line)]
        seen += [limit for limit in (trace.low, trace.high) if limit is not None and np.isfinite(limit)]
        self._least, self._most = (min(seen), max(seen)) if seen else (0.0, 1.0)
        if not self._most > self._least:
            room = abs(self._least) * 0.01 or 1.0
            self._least, self._most = self._least - room, self._most + room

    @property
    def reach(self) -> float:
        """The plotted difference of values, for choosing digits."""
        return self._most - self._least

    def scale(self) -> _Scale:
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
            scale = self.scale()
            top, bottom = scale.at(self.high), scale.at(self.low)
            shade = QRectF(plot.left(), round(top), plot.width(), round(bottom) - round(top))
            painter.fillRect(shade, self.canvas.theme.colour("range"))

    def paint_plot(self, painter: QPainter, plot: QRectF) -> None:
        theme, scale = self.canvas.theme, self.scale()
        colour = theme.colour(self.token)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # an opaque mixture, not a see-through pen: that takes Qt ten times as long to stroke
        painter.setPen(QPen(_mixed(colour, theme.colour("surface"), 0.62), 1))
        painter.drawPath(_stroke(self.canvas, self.line, plot.width(), scale))
        # two thin strokes side by side look like one of 1.8 px, at a twentieth of its cost
        path = _stroke(self.canvas, self.mean, plot.width() / 3, scale)
        painter.setPen(QPen(colour, 1))
        for offset in (-0.4, 0.4):
            painter.drawPath(path.translated(0, offset))


class RiskTrack(_Named):
    """The risk from 0 to 100 %, filled, with the threshold dashed."""

    rule = True

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

    def scale(self) -> _Scale:
        return _Scale(0.0, 1.0, 8.0, self.height - 5)

    def figures(self) -> Iterable[tuple[float, str]]:
        return [(1.0, "100 %"), (0.0, "0 %"), (0.5, "50 %")] if self.height > 80 else [(1.0, "100 %"), (0.0, "0 %")]

    def text(self, index: int) -> str:
        """A risk in per cent."""
        return risk_text(float(self.line.values[index]))

    def paint_plot(self, painter: QPainter, plot: QRectF) -> None:
        theme, scale = self.canvas.theme, self.scale()
        colour = theme.colour("alarm")
        painter.setPen(QPen(theme.colour("line2"), 1))
        for value in (0.0, 1.0):
            y = round(scale.at(value)) + 0.5
            painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
        path = _stroke(self.canvas, self.line, plot.width(), scale)
        fill = QColor(colour)
        fill.setAlphaF(0.13)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for piece in path.toSubpathPolygons():
            base = scale.at(0.0)
            piece.append(QPointF(piece.last().x(), base))
            piece.append(QPointF(piece.first().x(), base))
            painter.drawPolygon(piece)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, 1))
        painter.drawPath(path)
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


@dataclass(frozen=True)
class _Mark:
    """A glyph that stands for one or more events of a kind at (nearly) one place."""

    x: float
    labels: tuple[str, ...]


def joined(labels: Iterable[str]) -> str:
    """Labels of one kind as few letters as they need: error2, 3, 5; comp1 ×2."""
    counts: dict[str, int] = {}
    for text in labels:
        counts[text] = counts.get(text, 0) + 1
    names = sorted(counts)
    stem = names[0].rstrip("0123456789")
    short = [
        name[len(stem) :] if i and stem and name.startswith(stem) and name[len(stem) :].isdigit() else name
        for i, name in enumerate(names)
    ]
    return ", ".join(text if counts[name] == 1 else f"{text} ×{counts[name]}" for text, name in zip(short, names, strict=True))


class EventTrack(Track):
    """Failures, errors and replacements, each on a lane of its own; labels only where there is room for them."""

    def __init__(self, canvas: Span, events: Iterable[Event], parent: QGraphicsItem | None = None) -> None:
        super().__init__(canvas, parent)
        ordered = sorted(events, key=lambda event: event.time)
        self.times = {kind: np.array([e.time for e in ordered if e.kind == kind], np.float64) for kind in KINDS}
        self.labels = {kind: [e.label for e in ordered if e.kind == kind] for kind in KINDS}

    def gutter(self) -> float:
        metrics = QFontMetricsF(self.canvas.theme.font("tiny"))
        return max(metrics.horizontalAdvance(word) for word in KIND_WORD.values()) + 26

    def near(self, at: float, reach: float) -> list[Event]:
        """The events within `reach` ms of the time `at`."""
        found = []
        for kind in KINDS:
            first, last = np.searchsorted(self.times[kind], (at - reach, at + reach))
            found += [Event(kind, int(self.times[kind][i]), self.labels[kind][i]) for i in range(first, last)]
        return found

    def marks(self, kind: str) -> list[_Mark]:
        """The glyphs of a lane inside the view, events closer than half a glyph together as one."""
        start, end = self.canvas.span()
        first, last = np.searchsorted(self.times[kind], (start, end))
        groups: list[tuple[float, list[str]]] = []
        for x, text in zip(self.canvas.x_of(self.times[kind][first:last]), self.labels[kind][first:last], strict=True):
            if groups and x - groups[-1][0] < 5:
                groups[-1][1].append(text)
            else:
                groups.append((float(x), [text]))
        return [_Mark(x, tuple(labels)) for x, labels in groups]

    def placed(self, kind: str, metrics: QFontMetricsF) -> list[tuple[_Mark, float | None, str]]:
        """Each glyph of a lane with the x of its label, None where the label would touch something."""
        marks = self.marks(kind)
        out: list[tuple[_Mark, float | None, str]] = []
        free_from = self.canvas.left + 1
        for i, mark in enumerate(marks):
            text = joined(mark.labels)
            width = metrics.horizontalAdvance(text)
            room_to = marks[i + 1].x - 8 if i + 1 < len(marks) else self.canvas.right - 2
            place: float | None = None
            if mark.x + 8 + width <= room_to:
                place = mark.x + 8
            elif mark.x - 8 - width >= free_from:
                place = mark.x - 8 - width
            out.append((mark, place, text))
            free_from = max(mark.x + 8, place + width + 6 if place is not None else 0.0)
        return out

    def paint_plot(self, painter: QPainter, plot: QRectF) -> None:
        theme = self.canvas.theme
        painter.setFont(theme.font("tiny"))
        metrics = QFontMetricsF(painter.font())
        for row, kind in enumerate(KINDS):
            middle = 3 + row * LANE + LANE / 2
            colour = theme.colour(KIND_TOKEN[kind])
            placed = self.placed(kind, metrics)
            for mark, _, _ in placed:
                paint_glyph(painter, kind, mark.x, middle, colour)
            painter.setPen(theme.colour("text" if kind == "failures" else "muted"))
            for mark, place, text in placed:
                if place is not None:
                    painter.drawText(QRectF(place, middle - LANE / 2, mark.x + plot.width(), LANE), _LEFT, text)

    def paint_gutter(self, painter: QPainter) -> None:
        theme = self.canvas.theme
        painter.setFont(theme.font("tiny"))
        for row, kind in enumerate(KINDS):
            middle = 3 + row * LANE + LANE / 2
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_glyph(painter, kind, 10, middle, theme.colour(KIND_TOKEN[kind]))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QRectF(20, middle - LANE / 2, self.canvas.left - 22, LANE), _LEFT, KIND_WORD[kind])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_glyph(painter: QPainter, kind: str, x: float, y: float, colour: QColor) -> None:
    """A failure's cross, an error's triangle, a replacement's square, centred on (x, y)."""
    if kind == "failures":
        painter.setPen(QPen(colour, 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QLineF(x - 3.5, y - 3.5, x + 3.5, y + 3.5))
        painter.drawLine(QLineF(x - 3.5, y + 3.5, x + 3.5, y - 3.5))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    if kind == "errors":
        painter.drawPolygon(QPolygonF([QPointF(x - 5, y + 4), QPointF(x + 5, y + 4), QPointF(x, y - 5)]))
    else:
        painter.drawRect(QRectF(round(x) - 4, round(y) - 4, 8, 8))


class AxisTrack(Track):
    """The times under the plots; days stand out from hours, months or years from days."""

    rule = False

    def __init__(self, canvas: Span, parent: QGraphicsItem | None = None) -> None:
        super().__init__(canvas, parent)
        self.caption = ""

    def gutter(self) -> float:
        return QFontMetricsF(self.canvas.theme.font("tiny")).horizontalAdvance(self.caption) + 12

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        canvas, theme = self.canvas, self.canvas.theme
        painter.setFont(theme.font("tiny"))
        painter.setPen(theme.colour("muted"))
        painter.drawText(QRectF(4, 0, canvas.left - 8, self.height), _LEFT, self.caption)
        xs = canvas.x_of(np.array([tick.time for tick in canvas.ticks], np.float64))
        strongest = len({tick.strong for tick in canvas.ticks}) > 1
        taken = canvas.left - 4
        for x, tick in zip(xs, canvas.ticks, strict=True):
            painter.setPen(theme.colour("faint"))
            painter.drawLine(QLineF(round(x) + 0.5, 0, round(x) + 0.5, 4))
            painter.setFont(theme.font("tiny", strong=strongest and tick.strong))
            painter.setPen(theme.colour("text" if strongest and tick.strong else "muted"))
            width = QFontMetricsF(painter.font()).horizontalAdvance(tick.text)
            box = QRectF(x - width / 2, 2, width, self.height - 2)
            if box.left() >= taken + 6 and box.right() <= self.width:
                painter.drawText(box, _CENTRE, tick.text)
                taken = box.right()
