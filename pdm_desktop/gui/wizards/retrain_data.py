"""First step of retraining: what there is to learn from, what is missing, and whether it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QDate, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QDateEdit, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import TrainingData
from pdm_desktop.gui.marks import NOTHING, paint_risk_bar
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, button, label
from pdm_desktop.gui.wizards.steps import Sentence, StepPage, clear

HEADLINE = {
    "enough": "There is enough to learn from.",
    "few": "It can be tried, but there is little to learn from.",
    "not enough": "There is not enough to learn from.",
}
AS_IT_IS = "Nothing can be learnt from the record as it is."
TONE = {"enough": "good", "few": "watch", "not enough": "alarm"}
SPANS = (("train", "Training"), ("validation", "Validation"), ("test", "Test"))
SPAN_TIP = {
    "train": "The model learns from these.",
    "validation": "When to stop, how to calibrate and where the threshold lies come from these.",
    "test": "The figures come from these; nothing else looks at them.",
}
FACT_TIP = {
    "Usable time": "From the first reading to one horizon before the failures are known until:\n"
    "of later readings nobody can say yet what followed.",
    "Failures": "A machine and a time: components that failed together are one failure.",
}
NAMES_SHOWN = 12


@dataclass(frozen=True)
class Part:
    """Which part of the record to learn from; None and empty mean all of it. Times are ms UTC."""

    since: int | None = None
    until: int | None = None
    machines: tuple[str, ...] = ()


class DataStep(StepPage):
    """Shows a TrainingData. `part_changed` asks for another one."""

    part_changed = Signal(object)
    """A Part."""
    known_until_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(scrolls=True, parent=parent)
        self._theme = theme
        self._zone = "UTC"
        self._part = Part()
        self.data: TrainingData | None = None
        self.banner = Sentence()
        self.facts: dict[str, QLabel] = {}
        self._bars = QGridLayout()
        self._parts = QGridLayout()
        self._missing = QGridLayout()
        self.missing_card = Card("What is missing")
        self.missing_card.body.setSpacing(GRID)
        self.missing_card.body.addLayout(self._missing)
        self.since, self.until = QDateEdit(), QDateEdit()
        self.machines = QLineEdit()
        self.apply = button("Look again")
        self.whole = button("Whole record", "link")
        self.known_until = button("Set…", "link")
        self._lay_out()
        self.apply.clicked.connect(self._ask)
        self.machines.returnPressed.connect(self._ask)
        self.known_until.setAccessibleName("Set until when failures are known")
        self.known_until.setStyleSheet("padding: 0 4px;")
        self.known_until.clicked.connect(self.known_until_requested)
        self.whole.clicked.connect(lambda: self.part_changed.emit(Part()))
        self.show_looking()

    @property
    def part(self) -> Part:
        """The part of the record that is shown."""
        return self._part

    def show_looking(self) -> None:
        """The record is being looked at."""
        self.data = None
        self.banner.say("Looking at what there is to learn from…")
        self.apply.setEnabled(False)

    def show_problem(self, error: PdmError) -> None:
        """It cannot be told what there is."""
        self.banner.say(error.message, error.hint, "alarm")
        self.apply.setEnabled(True)

    def show_data(self, data: TrainingData, part: Part, zone: str) -> None:
        """Show what there is in a part of the record."""
        self.data, self._part, self._zone = data, part, zone
        # Where nothing could be looked at, noughts would say that there is nothing.
        told = bool(data.readings)
        for card in self._cards:
            card.setVisible(told)
        if told:
            self.banner.say(HEADLINE[data.verdict], " ".join(data.advice), TONE[data.verdict])
        else:
            self.banner.say(AS_IT_IS, " ".join((*data.missing, *data.advice)), TONE[data.verdict])
        for widget in self._dates:
            widget.setVisible(data.start is not None or part != Part())
        span = NOTHING
        if data.start is not None and data.end is not None:
            span = f"{times.short(data.start, zone)} – {times.short(data.end, zone)} {zone}"
            self._set_date(self.since, data.start if part.since is None else part.since)
            self._set_date(self.until, data.end if part.until is None else part.until)
        self.machines.setText(", ".join(part.machines))
        known = NOTHING if data.known_until is None else times.short(data.known_until, zone)
        words = {
            "Usable time": span,
            "Failures known until": known,
            "Machines": f"{len(data.machines):,}",
            "Readings": f"{data.readings:,}",
            "Failures": f"{data.failures:,}",
            "Sensors": _names(data.sensors),
            "Error codes": _names(data.codes),
            "Looked at every": NOTHING if data.step_h is None else f"{data.step_h:g} h, {data.horizon_h:g} h ahead",
        }
        for key, text in words.items():
            self.facts[key].setText(text)
        self._show_components(data)
        self._show_spans(data)
        clear(self._missing)
        for at, text in enumerate(data.missing):
            line = label(f"\N{BULLET} {text}")
            line.setWordWrap(True)
            self._missing.addWidget(line, at, 0)
        self.missing_card.setVisible(told and bool(data.missing))
        self.apply.setEnabled(True)
        self.whole.setVisible(part != Part())

    def _lay_out(self) -> None:
        self.body.addWidget(self.banner)
        row = QHBoxLayout()
        row.setSpacing(12)
        there, right = Card("What there is"), Card("Failures by component")
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for at, key in enumerate(
            ("Usable time", "Failures known until", "Machines", "Readings", "Failures", "Sensors", "Error codes",
             "Looked at every")
        ):  # fmt: skip
            self.facts[key] = label(NOTHING, "strong" if key == "Failures" else "")
            self.facts[key].setWordWrap(key != "Failures known until")
            name = label(key, "muted")
            name.setToolTip(FACT_TIP.get(key, ""))
            grid.addWidget(name, at, 0, Qt.AlignmentFlag.AlignTop)
            if key != "Failures known until":
                grid.addWidget(self.facts[key], at, 1)
                continue
            line = QHBoxLayout()
            line.setSpacing(GRID)
            line.addWidget(self.facts[key])
            line.addWidget(self.known_until)
            line.addStretch(1)
            grid.addLayout(line, at, 1)
        for card in (there, right):
            card.body.setSpacing(GRID)
        there.body.addLayout(grid)
        there.body.addStretch(1)
        right.body.addLayout(self._bars)
        right.body.addSpacing(12)
        right.body.addWidget(label("How it is divided", "heading"))
        right.body.addWidget(
            label("In order of time, so that the model is measured on what it could not know", "small")
        )
        right.body.addLayout(self._parts)
        right.body.addStretch(1)
        row.addWidget(there, 1)
        row.addWidget(right, 1)
        self._cards = (there, right)
        self.body.addLayout(row)
        self.body.addWidget(self.missing_card)
        self.body.addWidget(self._part_card())
        self.body.addStretch(1)

    def _part_card(self) -> Card:
        card = Card()
        line = QHBoxLayout()
        line.setSpacing(GRID)
        for widget in (self.since, self.until):
            widget.setDisplayFormat("d MMM yyyy")
            widget.setCalendarPopup(True)
        self.since.setAccessibleName("Learn from")
        self.until.setAccessibleName("Learn until")
        self.machines.setPlaceholderText("All machines, or some: 1, 2, 5")
        self.machines.setAccessibleName("Machines to learn from")
        line.addWidget(label("Learn from", "muted"))
        self._dates = (self.since, label("to", "muted"), self.until, label("of", "muted"))
        for part in self._dates:
            line.addWidget(part)
        line.addWidget(self.machines, 1)
        line.addWidget(self.whole)
        line.addWidget(self.apply)
        card.body.addLayout(line)
        for made in (self.apply, self.whole, self.known_until):
            made.setAutoDefault(False)
        return card

    def _show_components(self, data: TrainingData) -> None:
        clear(self._bars)
        most = max(data.failures_by_component.values(), default=0)
        ranked = sorted(data.failures_by_component.items(), key=lambda pair: -pair[1])
        for at, (name, count) in enumerate(ranked[:6]):
            self._bars.addWidget(label(name), at, 0)
            self._bars.addWidget(_Share(self._theme, count / most if most else 0.0), at, 1)
            number = label(f"{count:,}", "strong")
            self._bars.addWidget(number, at, 2, Qt.AlignmentFlag.AlignRight)
        if not ranked:
            self._bars.addWidget(label("No failure is on record.", "muted"), 0, 0)
        elif len(ranked) > 6:
            self._bars.addWidget(label(f"and {len(ranked) - 6} more components", "small"), 6, 0, 1, 3)
        self._bars.setColumnStretch(1, 1)
        self._bars.setHorizontalSpacing(12)

    def _show_spans(self, data: TrainingData) -> None:
        clear(self._parts)
        if data.valid_from is None or data.test_from is None:
            self._parts.addWidget(label("Too few failures to divide.", "muted"), 0, 0)
            return
        starts = {"train": data.start, "validation": data.valid_from, "test": data.test_from}
        ends = {"train": data.valid_from, "validation": data.test_from, "test": data.end}
        for at, (key, word) in enumerate(SPANS):
            count = data.failures_by_span.get(key, 0)
            first, last = starts[key], ends[key]
            when = "" if first is None or last is None else f"{self._day(first)} – {self._day(last)}"
            name = label(word)
            name.setToolTip(SPAN_TIP[key])
            self._parts.addWidget(name, at, 0)
            self._parts.addWidget(label(when, "muted"), at, 1)
            words = label(f"{count:,} failure{'' if count == 1 else 's'}", "strong")
            self._parts.addWidget(words, at, 2, Qt.AlignmentFlag.AlignRight)
        self._parts.setColumnStretch(1, 1)
        self._parts.setHorizontalSpacing(12)

    def _day(self, at: int) -> str:
        moment = times.local(at, self._zone)
        return f"{moment.day} {moment:%b %Y}"

    def _set_date(self, edit: QDateEdit, at: int) -> None:
        moment = times.local(at, self._zone)
        edit.setDate(QDate(moment.year, moment.month, moment.day))

    def _ask(self) -> None:
        data = self.data
        if data is None:
            return
        chosen = tuple(dict.fromkeys(name.strip() for name in self.machines.text().split(",") if name.strip()))
        if data.start is None and self._part == Part():
            # There are no days to choose from yet.
            self.part_changed.emit(Part(machines=chosen))
            return
        since = times.parse(self.since.date().toString("yyyy-MM-dd"), self._zone)
        # The last day counts whole.
        until = times.parse(self.until.date().addDays(1).toString("yyyy-MM-dd"), self._zone) - 1
        first_day = data.start is not None and self._part.since is None and since <= data.start
        last_day = data.end is not None and self._part.until is None and until >= data.end
        self.part_changed.emit(Part(None if first_day else since, None if last_day else until, chosen))


class _Share(QWidget):
    """A thin bar of a count beside the largest one."""

    def __init__(self, theme: Theme, share: float) -> None:
        super().__init__()
        self._theme, self._share = theme, share
        self.setMinimumWidth(80)
        self.setFixedHeight(18)
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_risk_bar(painter, self._theme, QRectF(0, 6, self.width(), 6), self._share, None, "normal")
        painter.end()


def _names(names: Sequence[str]) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{len(names):,}: {', '.join(names[:NAMES_SHOWN])}{more}"
