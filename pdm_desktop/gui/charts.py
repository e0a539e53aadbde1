"""Small quiet charts of how good a model is: reliability, precision over recall, cost over threshold, learning curves.

A chart is two captions and a plot between them; it is looked at, not moved. What lies under the pointer is said in its
tool tip, and a colour always means the same model as in the table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from pdm_desktop.core.results import risk_text
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import label

Floats = npt.NDArray[np.float64]
NEAR = 14.0
"""Pixels around the pointer within which a point is meant."""
DASHES = (4.0, 3.0)
LINE = 1.4
"""Width of a curve, px."""


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability curve: mean probability, share observed with its 95 % interval, and how many rows."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Curve:
    """A line of a chart: its name, colour token and points; dots marks every point."""

    name: str
    token: str
    x: Floats
    y: Floats
    dots: bool = False


def number_text(value: float) -> str:
    """A figure of an axis: 0.015, 12, 1,200."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}".rstrip("0").rstrip(".")


class _Axis(pg.AxisItem):  # type: ignore[misc]
    """Few figures in small type, no ticks; in per cent where the axis is a share."""

    def __init__(self, side: str, share: bool) -> None:
        super().__init__(side)
        self._share = share
        self.setStyle(tickLength=0, tickTextOffset=6 if side == "left" else 4, hideOverlappingLabels=False)
        self.setTickDensity(0.6)
        if side == "bottom":
            self.setHeight(20)
        self.enableAutoSIPrefix(False)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self._share:
            digits = max(0, -math.floor(math.log10(spacing * 100))) if spacing > 0 else 0
            return [f"{100 * value:.{digits}f} %" for value in values]
        return [number_text(value * scale) for value in values]


class Chart(QWidget):
    """The frame of a chart: what runs upwards (above), what runs to the right (below), the curves' names."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        up: str,
        right: str,
        shares: tuple[bool, bool] = (False, False),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.curves: tuple[Curve, ...] = ()
        self.up = label(up, "small")
        self.right = label(right, "small")
        self._legend = QHBoxLayout()
        self._legend.setSpacing(12)
        self._axes = {"bottom": _Axis("bottom", shares[0]), "left": _Axis("left", shares[1])}
        # Without the menu that nobody may open: making it takes a third of the time.
        self.plot = pg.PlotWidget(
            self, background=theme.colour("surface"), axisItems=self._axes, viewBox=pg.ViewBox(enableMenu=False)
        )
        # Looked at, not moved: the wheel belongs to the page, the pointer to this widget.
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.getPlotItem().setContentsMargins(0, 4, 18, 0)
        self.plot.setMinimumHeight(96)
        head = QHBoxLayout()
        head.addWidget(self.up)
        head.addStretch(1)
        head.addLayout(self._legend)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        column.addWidget(self.right, 0, Qt.AlignmentFlag.AlignRight)
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.redraw)

    def set_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """What the plot spans."""
        self.plot.setRange(xRange=x, yRange=y, padding=0.03)

    def redraw(self) -> None:
        """Draw everything anew in the present theme."""
        theme = self.theme
        self.plot.setBackground(theme.colour("surface"))
        for axis in self._axes.values():
            axis.setPen(pg.mkPen(theme.colour("line")))
            axis.setTextPen(pg.mkPen(theme.colour("muted")))
            axis.setTickFont(theme.font("tiny"))
        self.plot.clear()
        self.draw()
        self._fill_legend()

    def draw(self) -> None:
        """Put the items into the plot."""
        for curve in self.curves:
            self.line(curve)

    def line(self, curve: Curve) -> Any:
        """One curve; what was put into the plot."""
        colour = self.theme.colour(curve.token)
        marks = {"symbol": "o", "symbolSize": 7, "symbolBrush": colour, "symbolPen": None} if curve.dots else {}
        return self.plot.plot(curve.x, curve.y, pen=pg.mkPen(colour, width=LINE), antialias=True, **marks)

    def dashed(self, x: Iterable[float], y: Iterable[float], token: str = "faint") -> None:
        """A dashed line of reference."""
        self.plot.plot(np.array(list(x)), np.array(list(y)), pen=self._dashes(token), antialias=True)

    def upright(self, x: float, text: str, token: str = "text") -> None:
        """A dashed upright line with words at its top."""
        line = pg.InfiniteLine(x, angle=90, pen=self._dashes(token))
        behind = pg.mkBrush(self.theme.colour("surface"))
        words = pg.TextItem(text, color=self.theme.colour("muted"), anchor=self._anchor(x), fill=behind)
        words.setFont(self.theme.font("tiny"))
        top = self.plot.viewRange()[1][1]
        words.setPos(x, top)
        self.plot.addItem(line)
        self.plot.addItem(words)

    def _dashes(self, token: str) -> QPen:
        pen: QPen = pg.mkPen(self.theme.colour(token), width=1)
        pen.setDashPattern(list(DASHES))
        return pen

    def _anchor(self, x: float) -> tuple[float, float]:
        low, high = self.plot.viewRange()[0]
        return (0.0, 0.0) if x < low + 0.6 * (high - low) else (1.0, 0.0)

    def point(self, x: float, y: float, token: str) -> Any:
        """One point that stands out; what was put into the plot."""
        edge = pg.mkPen(self.theme.colour("surface"), width=1.5)
        return self.plot.plot(
            np.array([x]), np.array([y]), pen=None, symbol="o", symbolSize=9,
            symbolBrush=self.theme.colour(token), symbolPen=edge,
        )  # fmt: skip

    def tip(self, curve: Curve, at: int) -> str:
        """What a point says under the pointer."""
        return f"{curve.name}: {number_text(float(curve.x[at]))}, {number_text(float(curve.y[at]))}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what lies under the pointer."""
        self.setToolTip(self.tip_at(event.position()))
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing lies under it any more."""
        self.setToolTip("")
        super().leaveEvent(event)

    def tip_at(self, position: QPointF) -> str:
        """The words for the point nearest to a position in this widget; empty where none is near."""
        box = self.plot.getPlotItem().getViewBox()
        spot = self.plot.mapFrom(self, position.toPoint())
        found, nearest = "", NEAR
        for curve in self.curves:
            for at, (x, y) in enumerate(zip(curve.x.tolist(), curve.y.tolist(), strict=True)):
                pixel = self.plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))
                distance = math.hypot(pixel.x() - spot.x(), pixel.y() - spot.y())
                if distance < nearest:
                    found, nearest = self.tip(curve, at), distance
        return found

    def _fill_legend(self) -> None:
        while (item := self._legend.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if len(self.curves) < 2:
            return
        for curve in self.curves:
            name = label(f"\N{BLACK CIRCLE} {curve.name}", "small")
            name.setStyleSheet(f"color: {self.theme.colour(curve.token).name()};")
            self._legend.addWidget(name)


class ReliabilityChart(Chart):
    """How often a failure followed, over how likely it was said to be; on the diagonal the two agree."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Reliability curve", "failures observed", "predicted risk", (True, True), parent)
        self._bins: tuple[Bin, ...] = ()

    def show_bins(self, bins: Iterable[Bin]) -> None:
        """Show a curve with the interval of each bin."""
        self._bins = tuple(sorted(bins, key=lambda part: part.predicted))
        x = np.array([part.predicted for part in self._bins])
        y = np.array([part.observed for part in self._bins])
        self.curves = (Curve("observed", "accent", x, y, dots=True),)
        # A plant whose highest risk is 8 % would else have its whole curve in one corner.
        most = max([0.02, *x.tolist(), *(part.high for part in self._bins)])
        most = 1.0 if most > 0.5 else most
        self.set_range((0.0, most), (0.0, most))
        self._most = most
        self.redraw()

    def draw(self) -> None:
        """The diagonal, the intervals, the curve."""
        if not self._bins:
            return
        self.dashed((0.0, self._most), (0.0, self._most))
        faint = self.theme.colour("accent")
        faint.setAlphaF(0.5)
        for part in self._bins:
            ends = np.array([part.low, part.high])
            self.plot.plot(np.array([part.predicted] * 2), ends, pen=pg.mkPen(faint, width=LINE), antialias=True)
        super().draw()

    def tip(self, curve: Curve, at: int) -> str:  # noqa: ARG002 (there is one curve)
        """Both shares, the interval and the rows."""
        part = self._bins[at]
        return (
            f"Predicted {risk_text(part.predicted)}, observed {risk_text(part.observed)} "
            f"(95 % interval {risk_text(part.low)} to {risk_text(part.high)}), {part.rows:,} rows"
        )


class PrecisionRecallChart(Chart):
    """How many alarms are right, over how many rows before a failure are caught; the chosen threshold is marked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(
            theme, "Precision over recall", "precision",
            "recall", (True, True), parent,
        )  # fmt: skip
        self._chosen: tuple[float, float] | None = None

    def show_curves(self, curves: Iterable[Curve], chosen: tuple[float, float] | None) -> None:
        """Curves with recall as x and precision as y; chosen: recall and precision at the threshold."""
        self.curves = tuple(curves)
        self._chosen = chosen
        self.set_range((0.0, 1.0), (0.0, 1.0))
        self.redraw()

    def draw(self) -> None:
        """The curves, the first on top, and the chosen point."""
        for curve in reversed(self.curves):
            self.line(curve)
        if self._chosen is not None and self.curves:
            self.point(*self._chosen, self.curves[0].token)

    def tip(self, curve: Curve, at: int) -> str:
        """Both shares."""
        return f"{curve.name}: precision {risk_text(float(curve.y[at]))} at recall {risk_text(float(curve.x[at]))}"


class CostChart(Chart):
    """What a month costs over where the threshold is set; the chosen one is marked."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Cost over threshold", "cost a month", "threshold", (True, False), parent)
        self._chosen: float | None = None

    def show_cost(self, threshold: Floats, cost: Floats, chosen: float | None, unit: str = "cost a month") -> None:
        """cost (n,) over threshold (n,), both ascending in threshold; chosen: the threshold in force."""
        self.up.setText(unit)
        self._chosen = chosen
        self.curves = (Curve("cost", "s3", threshold, cost),)
        known = cost[np.isfinite(cost)]
        most = float(known.max(initial=0.0)) or 1.0
        # One dear end would press the flat middle, where the choice lies, onto the axis.
        usual = 4 * float(np.median(known)) if len(known) else most
        self.set_range((0.0, 1.0), (0.0, min(most, usual) if usual > 0 else most))
        self.redraw()

    def draw(self) -> None:
        """The curve and the chosen threshold."""
        super().draw()
        if self._chosen is not None and len(self.curves) and len(self.curves[0].x):
            self.upright(self._chosen, f"chosen: {risk_text(self._chosen)}")

    def tip(self, curve: Curve, at: int) -> str:
        """The cost at a threshold."""
        return f"At {risk_text(float(curve.x[at]))}: {number_text(float(curve.y[at]))}"


class LearningChart(Chart):
    """The loss of every round as it is trained, on the rows learnt from and on those held back."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Learning curves", "loss (lower is better)", "round", (False, False), parent)
        self._drawn: dict[str, Any] = {}
        self._dot: Any = None

    def show_losses(
        self,
        validation: Sequence[float],
        training: Sequence[float] = (),
        best: Sequence[float] = (),
        best_name: str = "",
    ) -> None:
        """Losses by round so far; best: on validation, of the best trial before this one, and what it is called."""

        def curve(name: str, token: str, losses: Sequence[float]) -> Curve:
            return Curve(name, token, np.arange(1, len(losses) + 1, dtype=np.float64), np.array(losses, np.float64))

        both = [curve("validation", "accent", validation)] if len(validation) else []
        if len(training):
            both.append(curve("training", "faint", training))
        if len(best):
            both.append(curve(best_name, "s2", best))
        self.curves = tuple(both)
        drawn = list(self._drawn)
        rounds = max(10, len(validation), len(training), len(best))
        losses = [*validation, *training, *best]
        most = max(losses, default=1.0)
        self.set_range((0.0, float(rounds)), (0.0, most if most > 0 else 1.0))
        if not drawn or drawn != [shown.name for shown in reversed(self.curves)]:
            self.redraw()
            return
        # Ten times a second beside a training: points are cheap to replace, items are not.
        for shown in self.curves:
            self._drawn[shown.name].setData(shown.x, shown.y)
        self._dot.setData(*self._best())

    def draw(self) -> None:
        """The curves; a dot at the best round so far."""
        self._drawn = {curve.name: self.line(curve) for curve in reversed(self.curves)}
        if self.curves:
            self._dot = self.point(0.0, 0.0, "accent")
            self._dot.setData(*self._best())

    def _best(self) -> tuple[Floats, Floats]:
        """Where the dot is; nowhere while no loss is a number."""
        first = self.curves[0]
        if not np.isfinite(first.y).any():
            return np.empty(0), np.empty(0)
        best = int(np.nanargmin(first.y))
        return first.x[best : best + 1], first.y[best : best + 1]

    def tip(self, curve: Curve, at: int) -> str:
        """The loss of a round."""
        return f"Round {at + 1}, {curve.name}: {number_text(float(curve.y[at]))}"
