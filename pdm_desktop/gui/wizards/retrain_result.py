"""Fourth step of retraining: is the candidate better, how sure is that, where was it wrong, what would change today."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.model_results import BASELINES, Finding, MachineChange, Measures, TrainingResult
from pdm_desktop.core.results import risk_text
from pdm_desktop.gui.cell_marks import BadgeDelegate
from pdm_desktop.gui.figures import Comparison, CurveCharts, Mistakes, best_rules, hint
from pdm_desktop.gui.marks import BAND_RANK, BAND_WORD, change_text
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, button, label
from pdm_desktop.gui.wizards.steps import Sentence, StepPage

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z“])")
LUCK, NO_SIGNAL = "luck alone gives", "The record holds no clear signal"


class ResultStep(StepPage):
    """Shows a TrainingResult; a machine at a time is asked for by `machine_requested`."""

    machine_requested = Signal(str, object)
    """Machine, ms UTC."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._theme = theme
        self.sentence = Sentence()
        self.comparison = Comparison(theme)
        self.charts = CurveCharts(theme)
        self.mistakes = Mistakes(theme)
        self.mistakes.opened.connect(self.machine_requested)
        self.changes = Changes(theme)
        self.changes.opened.connect(self.machine_requested)
        self.audit = Audit()
        self.views = QStackedWidget()
        self.views.setProperty("role", "wizard")
        self.tabs: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._tabs = QHBoxLayout()
        self._tabs.setSpacing(0)
        summary = QWidget()
        column = QVBoxLayout(summary)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.comparison)
        column.addWidget(self.charts, 1)
        for key, view in (
            ("summary", summary), ("mistakes", self.mistakes), ("changes", self.changes), ("audit", self.audit)
        ):  # fmt: skip
            self._add_tab(key, view)
        self._tabs.addStretch(1)
        self.body.addWidget(self.sentence)
        self.body.addLayout(self._tabs)
        self.body.addWidget(self.views, 1)

    def show_result(self, result: TrainingResult, zone: str, now: int) -> None:
        """Show it, the summary first. now: the time that `today` means, ms UTC."""
        first, rest, tone = headline(result)
        self.sentence.say(first, rest, tone)
        self.comparison.show_measures(*columns(result, zone))
        candidate = result.of("candidate")
        rival = result.of("champion")
        self.charts.show_curves(
            result.curves,
            result.threshold,
            {} if candidate is None else candidate.figures,
            ("candidate", "champion" if rival is None else rival.label),
            rival is not None,
        )
        self.mistakes.show_mistakes(result.missed, result.false_alarms, zone)
        self.changes.show_changes(result.changes, now)
        self.audit.show_result(result)
        wrong = len(result.missed) + len(result.false_alarms)
        notes = len(result.audit) + len(result.warnings)
        for key, text in (
            ("summary", "Summary"),
            ("mistakes", f"Missed and false alarms ({wrong:,})"),
            ("changes", "What changes today"),
            ("audit", f"Leakage audit and warnings ({notes:,})" if notes else "Leakage audit and warnings"),
        ):
            self.tabs[key].setText(text)
            # Bold while it is chosen: room for that beforehand, so that nothing moves or is cut off.
            strong = QFontMetrics(self._theme.font(strong=True))
            self.tabs[key].setMinimumWidth(strong.horizontalAdvance(text) + 30)
        self.show_tab("summary")

    def show_tab(self, key: str) -> None:
        """Bring one of the views to the front."""
        self.tabs[key].setChecked(True)
        self.views.setCurrentIndex(list(self.tabs).index(key))

    def _add_tab(self, key: str, view: QWidget) -> None:
        made = button("", "segment")
        made.setAutoDefault(False)
        made.setCheckable(True)
        edge = {"summary": "first", "audit": "last"}.get(key, "")
        if edge:
            made.setProperty("edge", edge)
        made.clicked.connect(lambda: self.show_tab(key))
        self._group.addButton(made)
        self.tabs[key] = made
        self._tabs.addWidget(made)
        self.views.addWidget(view)


def headline(result: TrainingResult) -> tuple[str, str, str]:
    """(the sentence, what qualifies it, tone)."""
    stops = [finding for finding in result.audit if finding.severity == "stop"]
    said, more, _ = verdict_words(result)
    if stops:
        objection = "The leakage audit objects: its figures may be too good to be true."
        return objection, f"{stops[0].text} {said or more}".strip(), "alarm"
    if not said:
        better = "is better than" if result.verdict.better else "is not surely better than"
        said = f"The candidate {better} the champion on the same held-out rows."
        if result.champion_before is None or result.of("champion") is None:
            said = f"There is no champion to compare with; the candidate {better} the simple rules."
    if result.audit:
        audit = f"The leakage audit has {len(result.audit)} remark{'s' if len(result.audit) > 1 else ''}."
    else:
        audit = "Nothing suspicious was found in the leakage audit."
    return said, f"{more} {audit}".strip(), "good" if result.verdict.better else "watch"


def verdict_words(result: TrainingResult) -> tuple[str, str, str]:
    """The verdict in parts: whether it is better (empty where it does not begin with that), what changed, and how luck
    was weighed, which few want to read."""
    why, _, _ = result.verdict.why.partition(" But the leakage audit objects: ")
    first, *others = SENTENCE.split(why)
    said, colon, more = first.partition(": ")
    if not said.startswith(("The candidate", "No model", "With so few")):
        said, more = "", first
    elif colon:
        said, more = f"{said}.", more[:1].upper() + more[1:]
    if more.startswith(NO_SIGNAL):
        # Which rule it was is of no use to anybody: there is nothing to learn.
        said, more = more, "The candidate is not better beyond luck than the simplest rules."
    if said.startswith("With so few"):
        others = [more, *others]
        failures = sum((m.figures.get("events") or 0) for m in result.measures if m.who == "candidate")
        more = f"It was tested on {failures:,} failure{'' if failures == 1 else 's'}: its figures are for you to weigh."
    if LUCK in more.lower() and not more.startswith("The candidate"):
        others, more = [more, *others], ""
    return said, more, " ".join(others)


def columns(result: TrainingResult, zone: str) -> tuple[str, list[tuple[str, Measures]]]:
    """The comparison's title and its columns: candidate, champion, the best simple rule, unseen machines."""
    test = result.splits.get("test")
    title = "Test"
    if test is not None:
        first, last = times.local(test.start, zone), times.local(test.end, zone)
        machines = f"{test.machines:,} machine{'' if test.machines == 1 else 's'}"
        title = f"Test: {first.day} {first:%b} – {last.day} {last:%b %Y}, {machines}"
    found: list[tuple[str, Measures]] = []
    candidate, champion = result.of("candidate"), result.of("champion")
    if candidate is not None:
        found.append((f"Candidate v{result.version}", candidate))
    if champion is not None:
        found.append((champion.label[:1].upper() + champion.label[1:], champion))
    rules = {m.who: m for m in result.measures if m.who in BASELINES and m.span == "test"}
    for heading, figures in best_rules({who: m.figures for who, m in rules.items()}, result.horizon_h, 1):
        found.append((heading, next(m for m in rules.values() if m.figures is figures)))
    unseen = result.of("candidate", "unseen_machines")
    if unseen is not None:
        count = len(result.held_out)
        found.append((f"{count:,} unseen machine{'' if count == 1 else 's'}", unseen))
    return title, found


class Changes(Card):
    """What each machine's risk is now, and what it would be under the candidate."""

    opened = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self._now = 0
        self.model: TableModel[MachineChange] = TableModel(
            (
                Column("machine", "Machine", lambda r: r.machine, lambda r: natural(r.machine), width=120, strong=True),
                Column("state", "State now", lambda r: BAND_WORD[r.band_before], lambda r: BAND_RANK[r.band_before],
                       width=120),
                Column("before", "Risk now", lambda r: risk_text(r.before), lambda r: r.before, right=True, width=110,
                       high_first=True),
                Column("gap", "", lambda _: "", width=24),
                Column("new", "With the candidate", lambda r: BAND_WORD[r.band_after],
                       lambda r: BAND_RANK[r.band_after], width=150),
                Column("after", "Risk then", lambda r: risk_text(r.after), lambda r: r.after, right=True, width=100,
                       high_first=True),
                Column("change", "Change", lambda r: change_text(_change(r)), _size, right=True,
                       width=110, high_first=True),
                Column("words", "", _words, width=0, token="muted"),
            ),
            lambda row: row.machine,
            theme,
        )  # fmt: skip
        self.table = TableView(self.model, theme, "What changes for each machine")
        self.table.set_delegate("state", BadgeDelegate(theme, lambda row: row.band_before, self.table))
        self.table.set_delegate("new", BadgeDelegate(theme, lambda row: row.band_after, self.table))
        self.table.chosen.connect(lambda row: self.opened.emit(row.machine, self._now))
        self.table.sort_by("change", Qt.SortOrder.DescendingOrder)
        self.line = label()
        self.line.setContentsMargins(11, 9, 11, 8)
        self.body.setSpacing(0)
        self.body.addWidget(self.line)
        self.body.addWidget(self.table)
        self.body.addWidget(hint("A double click shows the machine as it is now."))

    def show_changes(self, changes: Sequence[MachineChange], now: int) -> None:
        """Replace what is listed; the largest change first."""
        self._now = now
        self.model.set_rows(changes)
        self.line.setText(changes_text(changes))


def changes_text(changes: Sequence[MachineChange]) -> str:
    """What a promotion would change at once, in a sentence or two."""

    def alarms(count: int) -> str:
        return f"{count:,} machine{'' if count == 1 else 's'}"

    before = sum(row.band_before == "alarm" for row in changes)
    after = sum(row.band_after == "alarm" for row in changes)
    other = sum(row.band_before != row.band_after for row in changes)
    said = f"In alarm now: {alarms(before)}; with the candidate: {alarms(after)}."
    if not other:
        return f"{said} No machine changes its state."
    return f"{said} {alarms(other)} would change {'its' if other == 1 else 'their'} state."


def _change(row: MachineChange) -> float | None:
    return None if row.before is None or row.after is None else row.after - row.before


def _size(row: MachineChange) -> float | None:
    change = _change(row)
    return None if change is None else abs(change)


def _words(row: MachineChange) -> str:
    if row.band_before == row.band_after:
        return ""
    return f"{BAND_WORD[row.band_before]} becomes {BAND_WORD[row.band_after].lower()}"


class Audit(QScrollArea):
    """What the leakage audit looked for and found, and what weakens the figures."""

    CHECKS = (
        ("single feature", "No single feature alone nearly solves the task"),
        ("known too late", "Nothing was used before it was known"),
        ("known before", "No failure was known before it happened"),
        ("duplicates", "No rows of the test span were seen in training"),
        ("silent before", "The machines do not fall silent before their failures are written down"),
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        card = Card()
        self._column = QVBoxLayout()
        self._column.setSpacing(6)
        self.lines: list[QLabel] = []
        card.body.addLayout(self._column)
        card.body.addStretch(1)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(card)
        self.viewport().setAutoFillBackground(False)

    def show_result(self, result: TrainingResult) -> None:
        """Every check with its outcome, then the warnings, the features that count, and where errors lie."""
        for line in self.lines:
            self._column.removeWidget(line)
            line.hide()
            line.deleteLater()
        self.lines = []
        self._say("Leakage audit", "heading")
        by_kind: dict[str, list[Finding]] = {}
        for finding in result.audit:
            by_kind.setdefault(finding.kind, []).append(finding)
        for kind, fine in self.CHECKS:
            for finding in by_kind.get(kind, []):
                mark = "✗" if finding.severity == "stop" else "!"
                self._say(f"{mark}  {finding.text}", "")
            if kind not in by_kind:
                self._say(f"✓  {fine}", "")
        sure = verdict_words(result)[2]
        if sure:
            self._say("How sure the comparison is", "heading")
            self._say(sure, "")
        if result.warnings:
            self._say("Warnings", "heading")
            for text in result.warnings:
                self._say(f"!  {text}", "")
        if result.importance:
            self._say("What the model relies on", "heading")
            most = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in result.importance[:8])
            self._say(most, "muted")
        confusion = result.confusion
        if confusion.counts.size:
            self._say("Which component was called when one failed", "heading")
            names = [*confusion.components, "missed"]
            for name, row in zip(confusion.failed or confusion.components, confusion.counts.tolist(), strict=True):
                said = [
                    f"missed {_times(count)}" if other == "missed" else f"{other} called {_times(count)}"
                    for other, count in zip(names, row, strict=True)
                    if count
                ]
                if said:
                    self._say(f"{name} failed {_times(sum(row))}: {', '.join(said)}", "muted")

    def _say(self, text: str, role: str) -> None:
        line = label(text, role)
        line.setWordWrap(True)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if role == "heading" and self.lines:
            line.setContentsMargins(0, GRID, 0, 0)
        self._column.addWidget(line)
        self.lines.append(line)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
