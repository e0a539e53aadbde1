"""The marks that mean the same everywhere: a band's word, icon and colour, a risk as text, a badge, bar, sparkline.

Painting functions only, so that table delegates and widgets draw alike.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF

from pdm_desktop.core.results import Band
from pdm_desktop.gui.theme import Theme

BAND_WORD: dict[Band, str] = {
    "alarm": "Alarm",
    "watch": "Watch",
    "normal": "Normal",
    "stale": "Stale",
    "unknown": "Unknown",
}
BAND_RANK: dict[Band, int] = {"alarm": 0, "watch": 1, "stale": 2, "unknown": 3, "normal": 4}
"""What wants attention first."""
NOTHING = "\N{EM DASH}"
MINUS = "\N{MINUS SIGN}"
BADGE_HEIGHT = 20


def band_token(band: Band) -> str:
    """The colour token of a band; `unknown` shares the grey of `stale`, its icon and word tell them apart."""
    return "stale" if band == "unknown" else band


def change_text(change: float | None) -> str:
    """A change of probability in percentage points with its sign: +95 pts, +1 pt, -0.2 pts, 0."""
    if change is None or math.isnan(change):
        return NOTHING
    points = abs(100 * change)
    if points < 0.05:
        return "0"
    shown = f"{points:.1f}" if points < 0.95 else f"{points:.0f}"
    return f"{'+' if change > 0 else MINUS}{shown} {'pt' if shown == '1' else 'pts'}"


def age_text(hours: float | None) -> str:
    """How old the data is: 12 min, 5 h, 31 h, 4 d; a dash when there is none."""
    if hours is None or math.isnan(hours):
        return NOTHING
    if hours < 0:
        return "in the future"
    if hours < 1:
        return f"{60 * hours:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:,.0f} d"


def badge_size(theme: Theme, band: Band) -> QSize:
    """The room a badge takes."""
    width = QFontMetrics(theme.font("small", strong=True)).horizontalAdvance(BAND_WORD[band])
    return QSize(width + 34, BADGE_HEIGHT)


def paint_badge(painter: QPainter, theme: Theme, left: float, middle: float, band: Band) -> None:
    """A band's icon and word on its background, vertically centred on `middle`."""
    size = badge_size(theme, band)
    box = QRectF(left, round(middle - size.height() / 2), size.width(), size.height())
    token = band_token(band)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(f"{token}-bg"))
    painter.drawRoundedRect(box, 3, 3)
    icon = theme.pixmap(f"band-{band}", token, 14, painter.device().devicePixelRatioF())
    painter.drawPixmap(QPointF(box.left() + 7, box.top() + 3), icon)
    painter.setPen(theme.colour(token))
    painter.setFont(theme.font("small", strong=True))
    painter.drawText(
        box.adjusted(26, 0, 0, -1), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), BAND_WORD[band]
    )
    painter.restore()


def paint_risk_bar(
    painter: QPainter, theme: Theme, box: QRectF, risk: float | None, threshold: float | None, token: str
) -> None:
    """A bar from 0 to 100 % filling `box`, with a tick at the threshold that reaches beyond it."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("line2"))
    painter.drawRoundedRect(box, 2, 2)
    if risk is not None and not math.isnan(risk):
        # Never thinner than 2 px: a small risk is not none.
        width = max(2.0, min(1.0, max(0.0, risk)) * box.width())
        painter.setBrush(theme.colour(token))
        painter.drawRoundedRect(QRectF(box.left(), box.top(), width, box.height()), 2, 2)
    if threshold is not None and 0 < threshold < 1:
        x = round(box.left() + threshold * box.width())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(x - 1, box.top() - 3, 2, box.height() + 6), theme.colour("text"))
    painter.restore()


def sparkline_shape(
    width: float, height: float, times: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> list[QPolygonF]:
    """`values` (0 to 1; NaN breaks the line) over `times` in a box of that size, on one fixed scale so that rows
    compare. Worked out once for each row: making points costs more than painting them."""
    known = np.isfinite(values)
    if not known.any():
        return []
    span = max(int(times[-1] - times[0]), 1)
    x = (times - times[0]) / span * width
    # The square root keeps a rise from 0.1 % to 5 % visible beside one to 95 %.
    y = height - np.sqrt(np.clip(np.where(known, values, 0.0), 0.0, 1.0)) * height
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False])).astype(np.int8)))
    return [
        QPolygonF([QPointF(px, py) for px, py in _column_extremes(x[first:end], y[first:end])])
        for first, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def paint_sparkline(
    painter: QPainter, theme: Theme, left: float, top: float, shape: list[QPolygonF], token: str
) -> None:
    """A shape of `sparkline_shape` with its top left corner at (left, top)."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour(token), 1.2))
    painter.translate(left, top)
    for part in shape:
        painter.drawPolyline(part)
    painter.restore()


def _column_extremes(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    # One lowest and one highest point a pixel column show the same line with a third of the points.
    columns = np.floor(x).astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    if len(x) <= 2 * len(starts):
        return list(zip(x.tolist(), y.tolist(), strict=True))
    low, high = np.maximum.reduceat(y, starts), np.minimum.reduceat(y, starts)
    first, last = y[starts], y[np.append(starts[1:], len(y)) - 1]
    points: list[tuple[float, float]] = []
    for at, down, up, begin, end in zip(
        x[starts].tolist(), low.tolist(), high.tolist(), first.tolist(), last.tolist(), strict=True
    ):
        points.append((at, begin))
        if up < begin or up < end:
            points.append((at, up))
        if down > begin or down > end:
            points.append((at, down))
        points.append((at, end))
    return points
