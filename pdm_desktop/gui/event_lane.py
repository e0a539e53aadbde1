"""The lanes of events between the sensors and the risk: failures, errors and replacements as glyphs with labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from pdm_desktop.core.results import Event
from pdm_desktop.gui.tracks import LEFT, Span, Track

LANE = 17
"""Height of one lane of events, px."""
Kind = Literal["errors", "maintenance", "failures"]
KINDS: tuple[Kind, ...] = ("failures", "errors", "maintenance")
KIND_WORD: dict[Kind, str] = {"failures": "failures", "errors": "errors", "maintenance": "replaced"}
KIND_TOKEN: dict[Kind, str] = {"failures": "alarm", "errors": "watch", "maintenance": "s2"}


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
    return ", ".join(
        text if counts[name] == 1 else f"{text} ×{counts[name]}" for text, name in zip(short, names, strict=True)
    )


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
            first = np.searchsorted(self.times[kind], at - reach)
            last = np.searchsorted(self.times[kind], at + reach, "right")
            found += [Event(kind, int(self.times[kind][i]), self.labels[kind][i]) for i in range(first, last)]
        return found

    def marks(self, kind: Kind) -> list[_Mark]:
        """The glyphs of a lane inside the view, events closer than half a glyph together as one."""
        start, end = self.canvas.span()
        first = np.searchsorted(self.times[kind], start)
        # The newest event is often at the end itself, and it is the one that counts.
        last = np.searchsorted(self.times[kind], end, "right")
        groups: list[tuple[float, list[str]]] = []
        for x, text in zip(self.canvas.x_of(self.times[kind][first:last]), self.labels[kind][first:last], strict=True):
            if groups and x - groups[-1][0] < 5:
                groups[-1][1].append(text)
            else:
                groups.append((float(x), [text]))
        return [_Mark(x, tuple(labels)) for x, labels in groups]

    def placed(self, kind: Kind, metrics: QFontMetricsF) -> list[tuple[_Mark, float | None, str]]:
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
                    painter.drawText(QRectF(place, middle - LANE / 2, mark.x + plot.width(), LANE), LEFT, text)

    def paint_gutter(self, painter: QPainter) -> None:
        theme = self.canvas.theme
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(QLineF(0, 0.5, self.canvas.right, 0.5))
        painter.setFont(theme.font("tiny"))
        for row, kind in enumerate(KINDS):
            middle = 3 + row * LANE + LANE / 2
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_glyph(painter, kind, 10, middle, theme.colour(KIND_TOKEN[kind]))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QRectF(20, middle - LANE / 2, self.canvas.left - 22, LANE), LEFT, KIND_WORD[kind])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_glyph(painter: QPainter, kind: Kind, x: float, y: float, colour: QColor) -> None:
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
