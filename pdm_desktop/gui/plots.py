"""The stacked trends of one machine on one time axis, with a crosshair across all of them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import MachineView
from pdm_desktop.gui.canvas import MIN_ROW, Canvas
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tips import plain

SETTLE_MS = 250
"""How long the view stands still before `span_changed` tells of it."""

NAMED = 3
"""Sensors without a reading that are named; more are counted."""
LONGEST = 24
"""Letters of their names."""


class TrendPlot(QWidget):
    """The canvas with its scroll bar and a line of words above it: how to read the plot, or the crosshair's values."""

    span_changed = Signal(object, object)
    """(start, end) ms UTC in view, after the user moved it and it stood still."""
    cursor_moved = Signal(str)
    """The crosshair's time and values; empty when it left."""
    menu_asked = Signal(object, object, object)
    """(time under the pointer in ms UTC, the events there, where on the screen)."""
    reset_asked = Signal()
    """A double-click or Home: whoever owns the plot decides what its whole span is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = Canvas(theme, self)
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setProperty("role", "small")
        # values come and go under the pointer: they must not change the width of anything
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._bar = QScrollBar(Qt.Orientation.Vertical)
        self._bar.hide()
        self._legend = ""
        self._loading = False
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.canvas, 1)
        row.addWidget(self._bar)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addWidget(self._line(theme))
        column.addLayout(row, 1)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(lambda: self.span_changed.emit(*self.canvas.span()))
        self.canvas.span_moved.connect(self._moved)
        self.canvas.cursor_moved.connect(self._say)
        self.canvas.reset_asked.connect(self.reset_asked)
        self.canvas.menu_asked.connect(self.menu_asked)
        self.canvas.scrollable.connect(self._scrollable)
        self.canvas.scroll_asked.connect(lambda by: self._bar.setValue(self._bar.value() + by))
        self._bar.valueChanged.connect(self.canvas.scroll_to)
        theme.changed.connect(self.canvas.dress)

    @staticmethod
    def _line(theme: Theme) -> QWidget:
        rule = QFrame()
        rule.setFixedHeight(1)

        def colour() -> None:
            rule.setStyleSheet(f"background: {theme.colour('line').name()}; border: none;")

        colour()
        theme.changed.connect(colour)
        return rule

    @property
    def words(self) -> str:
        """The line above the plot as it stands."""
        return self._words.text()

    def show_view(self, view: MachineView, first: int, last: int) -> None:
        """Show `view`, all of it in sight; panning and zooming may go as far as [first, last] (ms UTC)."""
        self._loading = True
        try:
            self.canvas.show_view(view)
            step = max((track.line.step for track in self.canvas.sensors), default=0.0) or times.HOUR
            first, last = min(first, view.start), max(last, view.end)
            self.canvas.set_limits(first, last, min(8 * step, last - first))
        finally:
            self._loading = False
        shaded = any(track.low is not None for track in self.canvas.sensors)
        self._legend = "thin: readings · thick: mean over 24 h" + (" · shaded: normal range" if shaded else "")
        silent = [trace.name for trace in view.sensors if not len(trace.times)]
        if silent and len(silent) < len(view.sensors):
            names = [name if len(name) <= LONGEST else f"{name[:LONGEST]}\N{HORIZONTAL ELLIPSIS}" for name in silent]
            others = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
            self._legend += f" · no readings here of {', '.join(names[:NAMED])}{others}"
        self._words.setToolTip(plain("\n".join(["No readings in this time of:", *silent])) if silent else "")
        self._say("")

    def set_span(self, start: float, end: float) -> None:
        """Bring [start, end] into view without telling anyone."""
        self._loading = True
        try:
            self.canvas.set_span(start, end)
        finally:
            self._loading = False

    def _moved(self) -> None:
        if not self._loading:
            self._settle.start()

    def _say(self, values: str) -> None:
        hint = " · Shift + wheel: more sensors" if self._bar.isVisibleTo(self) else ""
        self._words.setText(values or self._legend + hint)
        self.cursor_moved.emit(values)

    def _scrollable(self, beyond: int, page: int) -> None:
        self._bar.setRange(0, beyond)
        self._bar.setPageStep(page)
        self._bar.setSingleStep(MIN_ROW // 2)
        self._bar.setVisible(beyond > 0)
