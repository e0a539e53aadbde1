"""How the data page says what is stored: texts, the columns of the sensors, the strip of the time covered."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import DataRow, SensorRow
from pdm_desktop.gui.messages import KIND_WORD
from pdm_desktop.gui.tables import ROW_ROLE, CellDelegate, Column, Index, natural
from pdm_desktop.gui.theme import Theme

NOTHING = "\N{EM DASH}"
KIND = {**KIND_WORD, "maintenance": "maintenance"}
THINNEST_GAP = 2.0
"""A gap is never narrower than this in the strip, px: it would not be seen."""


def count_text(count: int) -> str:
    """A number of rows; zero is quiet."""
    return f"{count:,}" if count else NOTHING


def duration_text(ms: float) -> str:
    """How long something lasts: 10 min, 14 h, 3.5 d."""
    if ms < times.MINUTE:
        return f"{ms / times.SECOND:g} s"
    if ms < times.HOUR:
        return f"{ms / times.MINUTE:.0f} min"
    if ms < 3 * times.DAY:
        return f"{ms / times.HOUR:.2g} h"
    days = ms / times.DAY
    return f"{days:.1f} d" if days < 9.95 else f"{days:,.0f} d"


def gaps_text(row: DataRow) -> str:
    """How many gaps, and the longest."""
    if not row.gaps:
        return NOTHING
    longest = duration_text(max(end - start for start, end in row.gaps))
    return f"1, {longest}" if len(row.gaps) == 1 else f"{len(row.gaps):,}, longest {longest}"


def flags_text(row: DataRow) -> str:
    """What is doubtful in a machine's readings besides gaps, in few words."""
    outside = sum(count for _, count in row.outside)
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (len(row.stuck), "stuck"),
            (len(row.jumps), "clock jump" if len(row.jumps) == 1 else "clock jumps"),
            (outside, "outside"),
        )
        if count
    ]
    return " · ".join(parts) or NOTHING


def age_text(row: DataRow) -> str:
    return NOTHING if row.age is None else f"{row.age:g} y"


def make_text(row: DataRow) -> str:
    return "retired" if row.retired is not None else row.machine_model or NOTHING


def doubtful(row: DataRow) -> int:
    return len(row.stuck) + len(row.jumps) + sum(count for _, count in row.outside)


def limits_text(row: SensorRow) -> str:
    """The plausible values of a sensor: 0 to 100, from 0, up to 100."""
    if row.low is not None and row.high is not None:
        return f"{row.low:g} to {row.high:g}"
    if row.low is not None:
        return f"from {row.low:g}"
    return NOTHING if row.high is None else f"up to {row.high:g}"


def sensor_columns() -> tuple[Column[SensorRow], ...]:
    return (
        Column("name", "Sensor", lambda row: row.name, lambda row: natural(row.name), width=0,
               tip=lambda row: row.name),
        Column("unit", "Unit", lambda row: row.unit or NOTHING, width=58, token="muted"),
        Column("limits", "Plausible", limits_text, lambda row: row.low, width=100, token="muted"),
        Column("outside", "Outside", lambda row: count_text(row.outside), lambda row: row.outside, right=True,
               width=72, high_first=True, token=lambda row: "watch" if row.outside else "faint"),
    )  # fmt: skip


class StripDelegate(CellDelegate):
    """The plant's time as a thin strip: full where a machine has readings, open where it is silent."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._first, self._last = 0, 1

    def set_span(self, first: int | None, last: int | None) -> None:
        """What the whole width stands for, ms UTC."""
        self._first = first or 0
        self._last = max(last or 1, self._first + 1)

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """The strip."""
        row: DataRow = index.data(ROW_ROLE)
        unit = box.width() / (self._last - self._first)

        def x_of(at: int) -> float:
            return box.left() + (at - self._first) * unit

        middle = round(box.center().y())
        painter.fillRect(QRectF(box.left(), middle - 3, box.width(), 6), self.theme.colour("line2"))
        if row.first is None or row.last is None:
            return
        # one reading alone is still something
        width = max(2.0, x_of(row.last) - x_of(row.first))
        painter.fillRect(QRectF(x_of(row.first), middle - 3, width, 6), self.theme.colour("normal"))
        drawn = box.left() - 1
        for start, end in row.gaps:
            right = max(x_of(end), x_of(start) + THINNEST_GAP)
            if right <= drawn + 1:
                continue  # thousands of short silences may share a pixel
            painter.fillRect(QRectF(x_of(start), middle - 4, right - x_of(start), 8), self.theme.colour("watch"))
            drawn = right
