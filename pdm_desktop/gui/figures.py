"""A model's figures as one reads them: in words, side by side in a table, as charts, and where it was wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QGridLayout, QLabel, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.model_results import Curves, FalseAlarm, Interval, Measures, MissedFailure
from pdm_desktop.core.results import risk_text
from pdm_desktop.gui.charts import Bin, CostChart, Curve, PrecisionRecallChart, ReliabilityChart
from pdm_desktop.gui.marks import NOTHING, age_text
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import Card, label

Figures = Mapping[str, Any]
FEW_EVENTS = 50
"""With fewer failures than this their count is shown with its interval."""
ROW = 28
HEAD = 36
BETTER = "s2"
"""The colour token of a figure that is better than its rival's."""


def fraction(value: float | None, digits: int = 3) -> str:
    """A share or score with fixed digits; a dash without one."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def span_text(interval: Interval | None) -> str:
    """'9 – 11'; empty where it cannot be told."""
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"{interval.low:.0f} – {interval.high:.0f}"


def caught_text(figures: Figures, interval: Interval | None = None) -> str:
    """'9 of 11 (6 – 11)': with the interval of the count where there were few failures."""
    events, caught = figures.get("events"), figures.get("events_caught")
    if not events or caught is None:
        return "none to catch" if events == 0 else NOTHING
    text = f"{caught:,} of {events:,}"
    span = span_text(interval) if events < FEW_EVENTS else ""
    return f"{text} ({span})" if span else text


def prevented_text(figures: Figures) -> str:
    """'2 of 3': failures prevented that the model alarms too."""
    prevented = figures.get("events_prevented")
    return NOTHING if not prevented else f"{figures.get('events_prevented_alarmed') or 0:,} of {prevented:,}"


def lead_text(figures: Figures) -> str:
    """'23 h (21 – 24)': the median lead and where the middle 80 % lie."""
    median, low, high = figures.get("median_lead_h"), figures.get("lead_p10_h"), figures.get("lead_p90_h")
    if median is None:
        return NOTHING
    factor, unit, digits = (60.0, "min", 0) if median < 3 else (1 / 24, "d", 1) if median >= 72 else (1.0, "h", 0)

    def figure(hours: float) -> str:
        return f"{hours * factor:.{digits}f}".removesuffix(".0")

    text = f"{figure(median)} {unit}"
    return text if low is None or high is None else f"{text} ({figure(low)} – {figure(high)})"


def always_on(figures: Figures) -> bool:
    """Whether a scorer alarms on every row: all failures are caught and no false alarm is counted, as none ends."""
    rows, positives = figures.get("rows"), figures.get("positives")
    recall, precision = figures.get("recall"), figures.get("precision")
    if not rows or not positives or recall is None or precision is None:
        return False
    return bool(recall == 1 and abs(precision * rows - positives) < 1e-6 * rows)


def false_text(figures: Figures) -> str:
    """False alarm episodes a machine-month: 0.04."""
    if always_on(figures):
        return "never ends"
    return fraction(figures.get("false_episodes_per_machine_month"), 2)


def by_row_text(figures: Figures) -> str:
    """Precision, recall and F1."""
    found = [figures.get(key) for key in ("precision", "recall", "f1")]
    return NOTHING if found[2] is None else " · ".join(fraction(value) for value in found)


def belief_text(figures: Figures) -> str:
    """Average precision and calibration error."""
    found = [figures.get(key) for key in ("ap", "ece")]
    return NOTHING if found[0] is None else " · ".join(fraction(value, 4) for value in found)


@dataclass(frozen=True)
class Line:
    """One line of the comparison. key: the figure two scorers are compared by; high: higher is better."""

    title: str
    text: Callable[[Measures], str]
    key: str
    high: bool
    tip: str


LINES: tuple[Line, ...] = (
    Line(
        "Failures caught", lambda m: caught_text(m.figures, m.intervals.get("events_caught")), "events_caught", True,
        "A failure is caught when some alarm stood within the horizon before it.\n"
        "In brackets the 95 % interval, where failures are few.",
    ),
    Line(
        "Failures prevented, alarmed before", lambda m: prevented_text(m.figures), "events_prevented_alarmed", True,
        "The alarmed component was replaced and no failure came. Whether it would have failed nobody knows: counted\n"
        "apart, neither a failure caught nor a false alarm, and in no figure by row.",
    ),
    Line(
        "Lead time, median (10 % – 90 %)", lambda m: lead_text(m.figures), "median_lead_h", True,
        "From the first alarm to the failure.",
    ),
    Line(
        "False alarm episodes a machine-month", lambda m: false_text(m.figures), "false_episodes_per_machine_month",
        False, "Alarms that no failure followed, for each machine and 30 days.",
    ),
    Line(
        "Precision · recall · F1 by row", lambda m: by_row_text(m.figures), "f1", True,
        "Of the alarmed hours, how many were right; of the hours before a failure, how many were alarmed; both in one.",
    ),
    Line(
        "Average precision · calibration error", lambda m: belief_text(m.figures), "ap", True,
        "How well the ranking is, whatever the threshold; and how far probabilities are from what happened.",
    ),
)  # fmt: skip


def is_better(line: Line, mine: Measures, rival: Measures | None) -> bool:
    """Whether `mine` beats `rival` by the figure of a line."""
    if rival is None:
        return False
    a, b = mine.figures.get(line.key), rival.figures.get(line.key)
    return a is not None and b is not None and (a > b if line.high else a < b)


class Comparison(Card):
    """Scorers side by side, the first one in bold; where it beats the second its figure is coloured."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self._theme = theme
        self.table: TableView | None = None
        self.model: TableModel[Line] | None = None

    def show_measures(self, title: str, measures: Sequence[tuple[str, Measures]]) -> None:
        """title: what was measured on; measures: heading and figures of each column."""
        if self.table is not None:
            self.table.hide()
            self.body.removeWidget(self.table)
            self.table.deleteLater()
        rival = measures[1][1] if len(measures) > 1 and measures[1][1].who == "champion" else None
        columns = [Column[Line]("what", title, lambda line: line.title, width=0, tip=lambda line: line.tip)]
        width = 156 if len(measures) > 4 else 180
        for at, (heading, found) in enumerate(measures):
            columns.append(self._column(at, heading, found, rival if at == 0 else None, width))
        self.model = TableModel(columns, lambda line: line.title, self._theme)
        none_prevented = not any(found.figures.get("events_prevented") for _, found in measures)
        lines = [line for line in LINES if not (none_prevented and line.key == "events_prevented_alarmed")]
        self.model.set_rows(lines)
        table = self.table = TableView(self.model, self._theme, "Figures side by side")
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.horizontalHeader().setSectionsClickable(False)
        table.horizontalHeader().setFixedHeight(HEAD)
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setFixedHeight(HEAD + ROW * len(lines) + 1)
        self.body.addWidget(table)

    @staticmethod
    def _column(at: int, heading: str, found: Measures, rival: Measures | None, width: int) -> Column[Line]:
        return Column(
            f"c{at}", heading, lambda line: line.text(found), right=True, width=width, strong=at == 0,
            token=lambda line: BETTER if is_better(line, found, rival) else "text",
            tip=lambda line: found.note or line.tip,
        )  # fmt: skip


class CurveCharts(QWidget):
    """Two charts side by side: can the probabilities be believed, and what another threshold would cost."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reliability = ReliabilityChart(theme)
        self.cost = CostChart(theme)
        self.precision = PrecisionRecallChart(theme)
        self.cards = (
            _card("Can the probabilities be believed?", self.reliability),
            _card("What it costs to set the threshold elsewhere", self.cost),
            _card("How many alarms are right?", self.precision),
        )
        row = QGridLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for at, card in enumerate(self.cards):
            row.addWidget(card, 0, at)
            row.setColumnStretch(at, 1)

    def show_curves(
        self, curves: Curves, threshold: float, figures: Figures, names: tuple[str, str], rival: bool
    ) -> None:
        """names: of the model shown and its rival; rival: whether the rival's curve is wanted."""
        self.reliability.show_bins(
            Bin(part.predicted, part.observed, part.low, part.high, part.rows) for part in curves.reliability
        )
        self.cost.show_cost(curves.thresholds, curves.cost, threshold, "cost a machine-month")
        self.cost.setToolTip("")
        lines = [Curve(names[0], "accent", curves.recall, curves.precision)]
        if rival and len(curves.champion_recall):
            lines.append(Curve(names[1], "s4", curves.champion_recall, curves.champion_precision))
        recall, precision = figures.get("recall"), figures.get("precision")
        chosen = None if recall is None or precision is None else (float(recall), float(precision))
        self.precision.show_curves(lines, chosen)


def _card(heading: str, inside: QWidget) -> Card:
    made = Card()
    words = label(heading, "heading")
    # Beside two others in a narrow window it takes two lines, rather than push them out of sight.
    words.setWordWrap(True)
    made.body.addWidget(words)
    made.body.addWidget(inside, 1)
    return made


Mistake = MissedFailure | FalseAlarm


def mistake_time(row: Mistake) -> int:
    """When to look at the machine: the failure, or where the alarm began."""
    return row.time if isinstance(row, MissedFailure) else row.start


class Mistakes(Card):
    """Failures missed and alarms in vain; a double click or Enter opens the machine at that time."""

    opened = Signal(str, object)
    """Machine, ms UTC."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self._zone = "UTC"
        self.model: TableModel[Mistake] = TableModel(
            self._columns(), lambda row: (type(row), row.machine, mistake_time(row)), theme
        )
        self.table = TableView(self.model, theme, "Missed failures and false alarms")
        self.table.chosen.connect(lambda row: self.opened.emit(row.machine, mistake_time(row)))
        self.none = label("No failure was missed and no alarm was in vain on the rows measured.", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.none.hide()
        self.hint = hint("A double click shows the machine at that time.")
        self.body.setSpacing(0)
        self.body.addWidget(self.table)
        self.body.addWidget(self.none, 1)
        self.body.addWidget(self.hint)

    def show_mistakes(self, missed: Sequence[MissedFailure], false: Sequence[FalseAlarm], zone: str) -> None:
        """Replace what is listed; missed failures first, then by time."""
        self._zone = zone
        self.table.setVisible(bool(missed or false))
        self.none.setVisible(not (missed or false))
        self.hint.setVisible(bool(missed or false))
        self.model.set_rows(sorted([*missed, *false], key=lambda row: (isinstance(row, FalseAlarm), mistake_time(row))))

    def _columns(self) -> tuple[Column[Mistake], ...]:
        return (
            Column("kind", "What", _kind, width=150, strong=True,
                   token=lambda row: "alarm" if isinstance(row, MissedFailure) else "watch"),
            Column("machine", "Machine", lambda row: row.machine, lambda row: natural(row.machine), width=110),
            Column("time", "When", lambda row: times.short(mistake_time(row), self._zone), mistake_time, width=170),
            Column("highest", "Highest risk", lambda row: risk_text(row.highest), lambda row: row.highest, right=True,
                   width=120, high_first=True),
            Column("more", "What is known of it", _about, width=0, token="muted", tip=_about),
            Column("span", "Measured on", lambda row: SPAN_WORD[row.span], width=150, token="muted"),
        )  # fmt: skip


RULE_WORD = {
    "any_error": "Any error in {horizon:g} h",
    "oldest_component": "Oldest component",
    "base_rate": "Base rate",
    "time_of_day": "Time of day",
}


def best_rules(rules: Mapping[str, Figures], horizon_h: float, most: int) -> list[tuple[str, Figures]]:
    """The simple rules that rank best, with their headings. Rules that alarm at all times are one and the same."""
    # (A rule of what is not on record ranks like the base rate, and is no better known by its name.)
    ranked = sorted(rules.items(), key=lambda pair: (-round(pair[1].get("ap") or 0.0, 6), pair[0] != "base_rate"))
    found: dict[str, Figures] = {}
    for who, figures in ranked:
        word = RULE_WORD.get(who, who.replace("_", " ").capitalize()).format(horizon=horizon_h)
        found.setdefault("Alarm at all times" if always_on(figures) else word, figures)
    return list(found.items())[:most]


def hint(text: str) -> QLabel:
    """A quiet line below a table: what a double click does."""
    made = label(text, "small")
    made.setContentsMargins(11, 6, 11, 7)
    return made


def mistake_words(missed: Sequence[MissedFailure], false: Sequence[FalseAlarm], machine: str, at: int) -> str:
    """What went wrong with a machine at a time, in words for above its page; empty where nothing did."""
    for failure in missed:
        if (failure.machine, failure.time) == (machine, at):
            if failure.no_data or failure.highest is None:
                return f"missed this failure ({failure.component}): no reading came in its last hours."
            return f"missed this failure ({failure.component}): {risk_text(failure.highest)} at most before it."
    for alarm in false:
        if (alarm.machine, alarm.start) == (machine, at):
            return f"would have raised an alarm here, up to {risk_text(alarm.highest)}, and no failure followed."
    return ""


SPAN_WORD = {"validation": "validation", "test": "test span", "unseen_machines": "unseen machines"}


def _kind(row: Mistake) -> str:
    return "Missed failure" if isinstance(row, MissedFailure) else "False alarm"


def _about(row: Mistake) -> str:
    if isinstance(row, FalseAlarm):
        lasted = row.end - row.start
        return (
            f"lasted {age_text(lasted / times.HOUR)}, no failure followed"
            if lasted
            else "one alarm, no failure followed"
        )
    if row.no_data:
        return f"{row.component} failed; no reading came in its last hours"
    return f"{row.component} failed; no alarm before it"
