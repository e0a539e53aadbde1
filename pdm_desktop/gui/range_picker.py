"""Choosing a span of time: a few usual ones, or two dates."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QDateTime, QPoint, Qt, QTimeZone, Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QDateTimeEdit, QFormLayout, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.gui.widgets import button, label

USUAL = "14 d"
SPANS: tuple[tuple[str, float | None], ...] = (
    ("24 h", 1.0),
    ("7 d", 7.0),
    (USUAL, 14.0),
    ("90 d", 90.0),
    ("All", None),
)
"""Word, days; None is everything."""
DATES = "Dates…"
Range = tuple[int | None, int | None]


class RangePicker(QWidget):
    """A row of buttons, one of them pressed. `chosen` is emitted by the user's choice alone."""

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zone = "UTC"
        self._first: int | None = None
        self._clock: int | None = None
        self._picked: str = USUAL
        self._dates: tuple[int, int] | None = None
        self._follows: tuple[int, int] | None = None
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        words = [word for word, _ in SPANS] + [DATES]
        for word in words:
            made = button(word, "segment")
            made.setCheckable(True)
            made.setProperty("edge", {words[0]: "first", words[-1]: "last"}.get(word, ""))
            made.clicked.connect(lambda _checked=False, word=word: self._clicked(word))
            row.addWidget(made)
            self.buttons[word] = made
        self.buttons[DATES].setToolTip("Choose a first and a last time")
        self.popup = _DatesPopup(self)
        self.popup.accepted.connect(self._dates_chosen)
        self._mark()

    @property
    def followed(self) -> bool:
        """Whether the user moved the plot out of the span picked."""
        return self._follows is not None

    def set_bounds(self, zone_name: str, first: int | None, clock: int, shown: tuple[int, int]) -> None:
        """Where the machine's record begins, the workspace's clock (ms UTC), and the span now shown: the button
        pressed is the one that means it, whoever asked for that span."""
        self._zone, self._first, self._clock = zone_name, first, clock
        self.popup.show_range(zone_name, *shown)
        if self._follows != shown and not self._means(self._picked, shown):
            self._follows, self._dates = None, shown
            self._picked = next((word for word, _ in SPANS if self._means(word, shown)), DATES)
        self._mark()

    def _means(self, word: str, shown: tuple[int, int]) -> bool:
        if word == DATES:
            return self._dates == shown
        if self._clock is None or abs(shown[1] - self._clock) > times.MINUTE:
            return False
        days = dict(SPANS)[word]
        start = self._first if days is None else self._clock - round(days * times.DAY)
        return start is not None and abs(shown[0] - start) <= times.MINUTE

    def range(self) -> Range:
        """The span picked, ms UTC; (None, None) is the usual one, which moves on with the clock."""
        if self._follows is not None:
            return self._follows
        if self._picked == DATES and self._dates is not None:
            return self._dates
        if self._picked == USUAL or self._clock is None:
            return (None, None)
        days = dict(SPANS)[self._picked]
        if days is None:
            return (self._first if self._first is not None else self._clock - times.DAY, self._clock)
        return (self._clock - round(days * times.DAY), self._clock)

    def reset(self) -> None:
        """Back to the usual span."""
        self._picked, self._dates, self._follows = USUAL, None, None
        self._mark()

    def keep(self, start: int | None, end: int | None) -> None:
        """Stand at [start, end]: the button that means it, else the dates."""
        if (start, end) == self.range():
            return
        self._follows = None
        if start is None or end is None:
            self._picked, self._dates = USUAL, None
        else:
            self._picked = next((word for word, _ in SPANS if self._means(word, (start, end))), DATES)
            self._dates = (start, end) if self._picked == DATES else None
        self._mark()

    def follow(self, start: int, end: int) -> None:
        """The user moved the plot to [start, end]; what was picked is remembered for `back`."""
        self._follows = (start, end)
        self._mark()

    def back(self) -> None:
        """Forget what `follow` said."""
        self._follows = None
        self._mark()

    def _clicked(self, word: str) -> None:
        if word == DATES:
            self._mark()
            below = self.mapToGlobal(QPoint(self.width(), self.height() + 4))
            self.popup.adjustSize()
            self.popup.move(below.x() - self.popup.width(), below.y())
            self.popup.show()
            self.popup.start.setFocus()
            return
        self._picked, self._dates, self._follows = word, None, None
        self._mark()
        self.chosen.emit()

    def _dates_chosen(self) -> None:
        self._picked, self._dates, self._follows = DATES, self.popup.range(), None
        self._mark()
        self.chosen.emit()

    def _mark(self) -> None:
        for word, made in self.buttons.items():
            made.setChecked(word == self._picked and self._follows is None)
        text = DATES
        if self._picked == DATES and self._dates is not None and self._follows is None:
            text = span_text(*self._dates, self._zone)
        dates = self.buttons[DATES]
        dates.setText(text)
        # the style reckons with plain letters, and pressed ones are bold
        strong = dates.font()
        strong.setWeight(QFont.Weight.DemiBold)
        dates.setMinimumWidth(QFontMetrics(strong).horizontalAdvance(text) + 32)


def span_text(start: int, end: int, zone_name: str) -> str:
    """3 Feb to 9 Mar 2015, in as few words as it needs."""
    first, last = times.local(start, zone_name), times.local(end, zone_name)
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first.day} {first:%b}{year} – {last.day} {last:%b} {last.year}"


class _DatesPopup(QFrame):
    """Two times on the plant's clock and a button."""

    accepted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("role", "card")
        self._zone = "UTC"
        self.start, self.end = QDateTimeEdit(), QDateTimeEdit()
        self.show_button = button("Show", "primary")
        self.wrong = label("", "small")
        self.zone_line = label("", "small")
        form = QFormLayout()
        for word, field in (("From", self.start), ("To", self.end)):
            field.setDisplayFormat("yyyy-MM-dd HH:mm")
            field.setCalendarPopup(True)
            # the fields show the plant's clock whatever the computer's zone is: figures only, no zone of Qt's
            field.setTimeZone(QTimeZone(QTimeZone.Initialization.UTC))
            field.dateTimeChanged.connect(self._check)
            name = label(word, "muted")
            name.setMinimumHeight(32)
            form.addRow(name, field)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.addLayout(form)
        column.addWidget(self.zone_line)
        column.addWidget(self.wrong)
        column.addWidget(self.show_button)
        self.wrong.hide()
        self.show_button.clicked.connect(self._accept)

    def show_range(self, zone_name: str, start: int, end: int) -> None:
        """Fill in a span, ms UTC."""
        self._zone = zone_name
        self.zone_line.setText(f"Times of the plant, {zone_name}")
        for field, moment in ((self.start, start), (self.end, end)):
            wall = round(times.local(moment, zone_name).replace(tzinfo=UTC).timestamp() * 1000)
            field.setDateTime(QDateTime.fromMSecsSinceEpoch(wall, QTimeZone(QTimeZone.Initialization.UTC)))

    def range(self) -> tuple[int, int]:
        """The span entered, ms UTC."""
        found = []
        for field in (self.start, self.end):
            wall = datetime.fromtimestamp(field.dateTime().toMSecsSinceEpoch() / 1000, UTC)
            found.append(round(wall.replace(tzinfo=times.zone(self._zone)).timestamp() * 1000))
        return found[0], found[1]

    def _check(self) -> None:
        start, end = self.range()
        self.wrong.setText("" if start < end else "The first time must lie before the last.")
        self.wrong.setVisible(start >= end)
        self.show_button.setEnabled(start < end)

    def _accept(self) -> None:
        self.hide()
        self.accepted.emit()
