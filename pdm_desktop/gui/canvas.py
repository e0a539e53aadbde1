"""Where the rows of a trend plot lie, the time they share, and what pointer and keys do to it.

Drag pans, the wheel zooms about the pointer (time only), a double-click goes back to the whole span; the keys Left,
Right, +, - and Home do the same. Where the rows do not fit, the wheel with Shift or over their names scrolls them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsItem, QGraphicsRectItem, QSizePolicy, QStyleOptionGraphicsItem, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Event, MachineView
from pdm_desktop.gui.event_lane import KINDS, LANE, EventTrack, joined
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.timeline import Tick, axis_caption, ticks
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.tracks import SERIES, AxisTrack, RiskTrack, SensorTrack, Track

MIN_ROW = 54
"""Lowest height of a sensor's row, px; more sensors than fit scroll."""
AXIS = 20
EVENTS = len(KINDS) * LANE + 7


class _TimeBox(pg.ViewBox):  # type: ignore[misc]
    """The span of time in view, moved by dragging; invisible, on top of the rows."""

    reset_asked = Signal()

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.setMouseEnabled(x=True, y=False)
        self.disableAutoRange()
        self.setYRange(0, 1, padding=0)

    def mouseClickEvent(self, ev: pg.GraphicsScene.mouseEvents.MouseClickEvent) -> None:
        if ev.double() and ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.reset_asked.emit()

    def mouseDragEvent(self, ev: pg.GraphicsScene.mouseEvents.MouseDragEvent, axis: int | None = None) -> None:
        if ev.button() == Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
        else:
            ev.ignore()


@dataclass(frozen=True)
class _Reading:
    """What the crosshair meets on one row: the spot, in pixels of the canvas, and the words."""

    spot: QPointF
    text: str
    token: str


class _Crosshair(QGraphicsItem):
    """The vertical line under the pointer, a dot on each trace and its value beside it."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.canvas = canvas
        self.at: float | None = None
        self.readings: tuple[_Reading, ...] = ()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self.canvas.width(), self.canvas.height())

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        if self.at is None:
            return
        theme = self.canvas.theme
        painter.setPen(QPen(theme.colour("muted"), 1))
        x = round(self.at) + 0.5
        painter.drawLine(QLineF(x, 0, x, self.canvas.height() - AXIS))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("tiny", strong=True))
        metrics = QFontMetricsF(painter.font())
        for reading in self.readings:
            painter.setPen(QPen(theme.colour("surface"), 1.5))
            painter.setBrush(theme.colour(reading.token))
            painter.drawEllipse(reading.spot, 3.5, 3.5)
            width, height = metrics.horizontalAdvance(reading.text) + 8, metrics.height() + 1
            right = self.at + 8
            left = right if right + width < self.canvas.right else self.at - 8 - width
            box = QRectF(round(left), round(reading.spot.y() - height / 2), width, height)
            back = theme.colour("surface")
            back.setAlphaF(0.88)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(back)
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(theme.colour("text"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, reading.text)


class Canvas(pg.GraphicsView):  # type: ignore[misc]
    """The rows themselves. Coordinates of the scene are pixels of the widget."""

    span_moved = Signal()
    """The time in view changed; once for every step of a drag."""
    cursor_moved = Signal(str)
    reset_asked = Signal()
    menu_asked = Signal(object, object, object)
    """(time under the pointer in ms UTC, the events there, where on the screen): what can be done there?"""
    scroll_asked = Signal(int)
    """The wheel asks to move the rows by so many px."""
    scrollable = Signal(int, int)
    """(how far the rows can be scrolled, a page), px."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme.colour("surface"))
        self.theme = theme
        self.left, self.right = 64.0, 100.0
        self.ticks: tuple[Tick, ...] = ()
        self._origin = 0
        self._zone = "UTC"
        self._span = (0.0, 1.0)
        self._wide = False
        self._scroll = 0
        self.setCentralItem(None)
        self._rows = QGraphicsRectItem()
        self._rows.setPen(QPen(Qt.PenStyle.NoPen))
        self._rows.setFlag(QGraphicsItem.GraphicsItemFlag.ItemClipsChildrenToShape)
        self.box = _TimeBox()
        self.box.setZValue(10)
        self.box.sigXRangeChanged.connect(self._box_moved)
        self.box.reset_asked.connect(self.reset_asked)
        self._cross = _Crosshair(self)
        self._cross.setZValue(5)
        self.sensors: tuple[SensorTrack, ...] = ()
        self.events: EventTrack | None = None
        self.risk: RiskTrack | None = None
        self._axis = AxisTrack(self)
        for item in (self._rows, self.box, self._cross, self._axis):
            self.scene().addItem(item)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Trends")

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_view(self, view: MachineView) -> None:
        """Replace everything by `view`, the whole of its span in sight."""
        for old in (*self.sensors, self.events, self.risk):
            if old is not None:
                self.scene().removeItem(old)
        self._zone = view.time_zone
        self.sensors = tuple(
            SensorTrack(self, trace, SERIES[i % len(SERIES)], self._rows)
            for i, trace in enumerate(view.sensors)
            if len(trace.times)  # an empty row would be in the way where machines have different sensors
        )
        self.events = EventTrack(self, view.events)
        threshold = view.model.threshold if view.model else None
        self.risk = RiskTrack(self, view.horizon_h, view.risk_times, view.risk, threshold)
        self.scene().addItem(self.events)
        self.scene().addItem(self.risk)
        self._origin = view.start
        self._scroll = 0
        self._hide_cross()
        self.box.setLimits(xMin=None, xMax=None, minXRange=None, maxXRange=None)
        self.set_span(view.start, view.end)
        # A view as long as the one before spans the same numbers from its own origin: the box then tells of no move.
        self._span = (float(view.start), float(max(view.end, view.start + 1)))
        self._arrange()

    def set_limits(self, first: int, last: int, narrowest: float) -> None:
        """How far panning and zooming may go, ms UTC."""
        self.box.setLimits(
            xMin=first - self._origin, xMax=last - self._origin, minXRange=narrowest, maxXRange=last - first
        )

    def set_span(self, start: float, end: float) -> None:
        """Bring [start, end] (ms UTC) into view."""
        self.box.setXRange(start - self._origin, max(end, start + 1) - self._origin, padding=0)

    def span(self) -> tuple[float, float]:
        """The time in view, ms UTC."""
        return self._span

    def x_of(self, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Times (ms UTC) to pixels."""
        start, end = self._span
        scaled: npt.NDArray[np.float64] = (at - start) * ((self.right - self.left) / (end - start)) + self.left
        return scaled

    def time_at(self, x: float) -> float:
        """A pixel to its time, ms UTC."""
        start, end = self._span
        return start + (x - self.left) / (self.right - self.left) * (end - start)

    def tracks(self) -> list[Track]:
        """Every row from top to bottom."""
        return [*self.sensors, *(track for track in (self.events, self.risk) if track is not None), self._axis]

    def dress(self) -> None:
        """Put on the theme."""
        self.setBackground(self.theme.colour("surface"))
        self._arrange()

    def repaint_rows(self) -> None:
        """Have every row painted anew."""
        for track in self.tracks():
            track.update()

    # --- where it lies -------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        width, height = float(self.viewport().width()), float(self.viewport().height())
        self._axis.caption = axis_caption(*self._span, self._zone)
        gutter = max((track.gutter() for track in self.tracks()), default=0.0)
        self.left, self.right = round(min(max(gutter, 64.0), 150.0)), width - 8.0
        risk_height = min(max(0.19 * height, 64.0), 120.0)
        pinned = EVENTS + risk_height + AXIS if self.risk is not None else 0.0
        area = max(0.0, height - pinned)
        rows = len(self.sensors)
        row_height = max(MIN_ROW, area / rows) if rows else 0.0
        beyond = max(0, round(row_height * rows - area))
        self._scroll = min(self._scroll, beyond)
        self._rows.setRect(0, 0, width, area)
        for i, track in enumerate(self.sensors):
            # the lane of events closes the last row itself: that may be cut off
            track.rule = i < rows - 1
            top, bottom = round(i * row_height), round((i + 1) * row_height)
            track.setPos(0, top - self._scroll)
            track.resize(width, bottom - top)
        if self.events is not None and self.risk is not None:
            self.events.setPos(0, area)
            self.events.resize(width, EVENTS)
            self.risk.setPos(0, area + EVENTS)
            self.risk.resize(width, risk_height)
        self._axis.setPos(0, height - AXIS)
        self._axis.resize(width, AXIS)
        self.box.setGeometry(QRectF(self.left, 0, max(1.0, self.right - self.left), height))
        self._retick()
        self.scrollable.emit(beyond, int(area))
        self.repaint_rows()

    def scroll_to(self, offset: int) -> None:
        """Scroll the sensors' rows, px from the top."""
        if offset != self._scroll:
            for track in self.sensors:
                track.moveBy(0, self._scroll - offset)
            self._scroll = offset
            self._place_cross()

    def _retick(self) -> None:
        self.ticks = ticks(*self._span, self._zone, int((self.right - self.left) / 74))
        self._axis.caption = axis_caption(*self._span, self._zone)

    def resizeEvent(self, ev: QResizeEvent | None) -> None:
        super().resizeEvent(ev)
        # the base class calls this while it is being made
        if ev is not None and hasattr(self, "_axis"):
            self._cross.prepareGeometryChange()
            self._arrange()

    # --- pointer and keys ----------------------------------------------------------------------------------------

    def _box_moved(self, _box: object, limits: tuple[float, float]) -> None:
        self._span = (limits[0] + self._origin, limits[1] + self._origin)
        self._retick()
        self.repaint_rows()
        self._place_cross()
        self.span_moved.emit()

    def wheelEvent(self, ev: QWheelEvent) -> None:
        turn = ev.angleDelta()
        over_names = ev.position().x() < self.left
        if over_names or ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            # some systems turn the wheel's axis while Shift is held
            self.scroll_asked.emit(-round((turn.y() or turn.x()) / 120 * MIN_ROW))
        elif abs(turn.x()) > abs(turn.y()):
            self.shift(-turn.x() / 120 * 0.1)
        else:
            self.zoom(0.8 ** (turn.y() / 120), self.time_at(ev.position().x()))
        ev.accept()

    def zoom(self, factor: float, about: float | None = None) -> None:
        """Show `factor` times the present span, the time `about` (the middle) staying where it is."""
        start, end = self._span
        centre = (start + end) / 2 if about is None else about
        self.box.scaleBy(x=factor, center=(centre - self._origin, 0.5))

    def shift(self, share: float) -> None:
        """Move later by `share` of the span in view."""
        self.box.translateBy(x=share * (self._span[1] - self._span[0]))

    def keyPressEvent(self, ev: QKeyEvent) -> None:
        key = ev.key()
        if key == Qt.Key.Key_Left:
            self.shift(-0.1)
        elif key == Qt.Key.Key_Right:
            self.shift(0.1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(0.8)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.25)
        elif key == Qt.Key.Key_Home:
            self.reset_asked.emit()
        else:
            ev.ignore()
            return
        ev.accept()

    def mouseMoveEvent(self, ev: QMouseEvent) -> None:
        super().mouseMoveEvent(ev)
        # not by the scene's signal: that drops moves which follow each other fast, the last one too
        self._pointer_moved(ev.position())

    def leaveEvent(self, ev: QEvent) -> None:
        super().leaveEvent(ev)
        self._hide_cross()

    def _hide_cross(self) -> None:
        if self._cross.at is not None:
            self._cross.at = None
            self._cross.update()
            self.cursor_moved.emit("")

    def _pointer_moved(self, position: QPointF) -> None:
        if self.left <= position.x() <= self.right and 0 <= position.y() <= self.height():
            self._cross.at = position.x()
            self._place_cross()
        else:
            self._hide_cross()

    def _place_cross(self) -> None:
        if self._cross.at is None:
            return
        at = self.time_at(self._cross.at)
        found: list[_Reading] = []
        words: list[str] = []
        seen: float | None = None
        visible = self._rows.rect()
        rows: list[tuple[SensorTrack | RiskTrack, str]] = [(track, track.token) for track in self.sensors]
        if self.risk is not None:
            rows.append((self.risk, "alarm"))
        for track, token in rows:
            index = track.line.nearest(at)
            if index is None:
                continue
            moment = float(track.line.times[index])
            seen = moment if seen is None else seen
            words.append(f"{track.name} {track.text(index)}")
            spot = QPointF(
                float(self.x_of(track.line.times[index : index + 1])[0]),
                track.pos().y() + track.values_scale().at(float(track.line.values[index])),
            )
            inside = self.left <= spot.x() <= self.right
            if inside and (isinstance(track, RiskTrack) or visible.contains(spot)):
                found.append(_Reading(spot, track.text(index), token))
        self._cross.readings = tuple(found)
        self._cross.update()
        self.cursor_moved.emit(" · ".join((self._moment(at if seen is None else seen), *(words or ["no reading"]))))
        self._say_events(at)

    def _moment(self, at: float) -> str:
        moment = times.local(int(at), self._zone)
        return f"{moment.day} {moment:%b %H:%M}"

    def _near(self, at: float) -> list[Event]:
        start, end = self._span
        reach = 6 * (end - start) / max(1.0, self.right - self.left)
        return self.events.near(at, reach) if self.events is not None else []

    def contextMenuEvent(self, ev: QContextMenuEvent) -> None:
        x = float(ev.pos().x())
        if self.events is not None and self.left <= x <= self.right:
            at = self.time_at(x)
            self.menu_asked.emit(at, self._near(at), ev.globalPos())
        ev.accept()

    def _say_events(self, at: float) -> None:
        """The events under the crosshair as a tool tip: on a crowded lane they have no labels."""
        near = self._near(at)
        lines = []
        for kind, word in (("failures", "Failure of"), ("errors", "Error:"), ("maintenance", "Replaced:")):
            moments: dict[int, list[str]] = {}
            for event in near:
                if event.kind == kind:
                    moments.setdefault(event.time, []).append(event.label)
            lines += [f"{self._moment(moment)}  {word} {joined(labels)}" for moment, labels in moments.items()]
        shown = lines[:8] + ([f"and {len(lines) - 8} more"] if len(lines) > 8 else [])
        self.setToolTip(plain("\n".join(shown)))
