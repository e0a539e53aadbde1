"""One model version in detail: where it came from, its plots, how it does on any span, and what was decided."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QDate, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QDateEdit,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.model_results import Decision, Evaluation, Measures, ModelVersion
from pdm_desktop.core.results import risk_text
from pdm_desktop.gui.figures import Comparison, CurveCharts, Mistakes, best_rules
from pdm_desktop.gui.marks import NOTHING
from pdm_desktop.gui.tables import Column, TableModel, TableView
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Banner, Card, Pairs, button, label

ORIGIN_WORD = {"bundled": "with the program", "trained": "trained here", "imported": "imported"}
FACTS = {
    "plant": "Plant", "machines": "Machines", "readings": "Readings", "failures": "Failures", "features": "Learnt from",
    "goal": "Goal", "trials": "Trials", "who": "Trained by", "verdict": "Verdict", "fingerprint": "Fingerprint",
}  # fmt: skip
"""What is worth reading of where a version came from; the run in the store holds all of it."""
GOALS = {"f1": "balanced (best F1)", "alarm-budget": "alarm budget", "cost": "costs"}
FIRST = ("precision_recall", "reliability")
"""The plots looked at first."""
SHORT = 16
"""Letters shown of a fingerprint or a run's id."""
DATE = "d MMM yyyy"
INK = {
    "#1f6feb": "accent", "#7a4fd0": "s3", "#0a7d5a": "s2", "#b26a00": "s4", "#e2e6ec": "line2", "#777": "muted",
    "#444": "text", "#222": "text", "#333": "text", "#555": "muted", "#fff": "surface", "#ffffff": "surface",
}  # fmt: skip
"""What stands for the colours that stored plots are drawn in."""


class Facts(Card):
    """Where a version came from, as pairs of words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.heading = label("", "heading")
        self.pairs = Pairs()
        self.pairs.setHorizontalSpacing(12)
        self.pairs.setVerticalSpacing(5)
        self.body.setSpacing(GRID)
        self.body.addWidget(self.heading)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, GRID // 2, 0)
        column.addLayout(self.pairs)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        area.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        self.body.addWidget(area, 1)

    def show_version(self, version: ModelVersion, zone: str) -> None:
        """Show where it came from."""
        self.heading.setText(f"Where version {version.version} came from")
        self.pairs.show_pairs(facts(version, zone))


def facts(version: ModelVersion, zone: str) -> list[tuple[str, str]]:
    """(word, value) pairs of a version."""
    found = [("Origin", ORIGIN_WORD[version.origin])]
    if version.created is not None and version.origin != "bundled":
        found.append(("Made", times.short(version.created, zone)))
    found.append(("Looks ahead", f"{version.horizon_h:g} h"))
    found.append(("Threshold", risk_text(version.threshold)))
    found.append(("Features", f"{version.features:,}, feature version {version.feature_version}"))
    for key, word in (("train_from", "Trained from"), ("train_to", "Trained until"), ("test_from", "Tested from"),
                      ("test_to", "Tested until")):  # fmt: skip
        at = version.splits.get(key)
        if isinstance(at, int):
            found.append((word, times.short(at, zone)))
    held_out = version.splits.get("held_out")
    if isinstance(held_out, list | tuple) and held_out:
        found.append(("Kept out", f"{len(held_out):,} machines"))
    for key, word in FACTS.items():
        text = fact_text(version.facts.get(key))
        if text:
            found.append((word, text))
    found.append(("Run", f"{version.run_id[:SHORT]}…"))
    if version.note:
        found.append(("Note", version.note))
    return found


def fact_text(value: Any) -> str:
    """A recorded value in a few words; empty where it says nothing."""
    if isinstance(value, Mapping):
        return GOALS.get(str(value.get("kind")), "")
    if isinstance(value, list | tuple):
        return f"{len(value):,}"
    if isinstance(value, int | float):
        return f"{value:,}" if value else ""
    if value == "all":
        return "everything on record"
    if value == "telemetry":
        return "readings alone"
    text = str(value or "")
    hexadecimal = len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
    return f"{text[:SHORT]}…" if hexadecimal else text


class Picture(QWidget):
    """A plot of the run as it is stored, its colours those of the theme."""

    def __init__(self, theme: Theme, file: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._drawing = file.read_text(encoding="utf-8")
        self._svg = QSvgRenderer()
        self.setAccessibleName(file.stem.replace("_", " "))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 150)
        theme.changed.connect(self._dress)
        self._dress()

    def sizeHint(self) -> QSize:
        return self._svg.defaultSize()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        size = self._svg.defaultSize()
        return round(width * size.height() / max(1, size.width()))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it as large as it fits."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = self._svg.defaultSize().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        self._svg.render(painter, QRectF((self.width() - size.width()) / 2, 0, size.width(), size.height()))
        painter.end()

    def _dress(self) -> None:
        drawing = re.sub(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b", self._colour, self._drawing)
        self._svg.load(
            QByteArray(re.sub(r'fill="white"', f'fill="{self._theme.colour("surface").name()}"', drawing).encode())
        )
        self.update()

    def _colour(self, found: re.Match[str]) -> str:
        token = INK.get(found.group().lower())
        return self._theme.colour(token).name() if token is not None else found.group()


class Plots(Card):
    """The plots stored with a version's run."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._theme = theme
        self.pictures: list[Picture] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID)
        self._none = label("No plots are stored with this version. Evaluate it on a span to see its curves.", "muted")
        inner = QWidget()
        inner.setLayout(self._grid)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        # Not before it is known: a list that is being read has no plots either.
        self._none.hide()
        self.body.addWidget(self._none)
        self.body.addWidget(area, 1)

    def show_plots(self, files: Sequence[Path]) -> None:
        """Replace the pictures."""
        for picture in self.pictures:
            self._grid.removeWidget(picture)
            picture.hide()
            picture.deleteLater()
        there = sorted((file for file in files if file.is_file()), key=lambda file: (file.stem not in FIRST, file.stem))
        self.pictures = [Picture(self._theme, file) for file in there]
        for at, picture in enumerate(self.pictures):
            self._grid.addWidget(picture, at // 2, at % 2)
        self._none.setVisible(not self.pictures)


class EvaluationView(QWidget):
    """A version measured on any span of the record."""

    asked = Signal(object, object)
    """Start and end, ms UTC."""
    machine_requested = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._zone, self._horizon_h = "UTC", 24.0
        self.shown: Evaluation | None = None
        """What is shown."""
        self.start, self.end = QDateEdit(), QDateEdit()
        self.go = button("Evaluate")
        self.note = Banner()
        self.comparison = Comparison(theme)
        self.charts = CurveCharts(theme)
        self.mistakes = Mistakes(theme)
        self.mistakes.opened.connect(self.machine_requested)
        self.go.clicked.connect(self._ask)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        for edit, name in ((self.start, "Evaluate from"), (self.end, "Evaluate to")):
            edit.setDisplayFormat(DATE)
            edit.setCalendarPopup(True)
            edit.setAccessibleName(name)
        line.addWidget(label("On the record from", "muted"))
        line.addWidget(self.start)
        line.addWidget(label("to", "muted"))
        line.addWidget(self.end)
        line.addWidget(self.go)
        line.addStretch(1)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget, height in ((self.comparison, 0), (self.charts, 232), (self.mistakes, 200)):
            if height:
                widget.setMinimumHeight(height)
            column.addWidget(widget)
        self._shown = QScrollArea()
        self._shown.setWidgetResizable(True)
        self._shown.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._shown.setWidget(inner)
        self._shown.viewport().setAutoFillBackground(False)
        inner.setAutoFillBackground(False)
        self._shown.hide()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GRID)
        whole.addLayout(line)
        whole.addWidget(self.note)
        whole.addWidget(self._shown, 1)

    def propose(self, version: ModelVersion, first: int | None, last: int | None, zone: str) -> None:
        """Another version: its test span, else the whole record."""
        self._zone, self.shown, self._horizon_h = zone, None, version.horizon_h
        start, end = version.splits.get("test_from"), version.splits.get("test_to")
        own = isinstance(start, int) and isinstance(end, int) and version.origin == "trained"
        for edit, at in ((self.start, start if own else first), (self.end, end if own else last)):
            if isinstance(at, int):
                moment = times.local(at, zone)
                edit.setDate(QDate(moment.year, moment.month, moment.day))
        self.note.show_text("")
        self._shown.hide()
        self.go.setEnabled(not version.obstacle)

    def show_measuring(self) -> None:
        """It is being measured."""
        self.go.setEnabled(False)
        self._shown.hide()
        self.note.show_text("Scoring the span and measuring…")

    def show_problem(self, text: str) -> None:
        """It could not be measured."""
        self.go.setEnabled(True)
        self.note.show_text(text, "watch")

    def show_evaluation(self, made: Evaluation, threshold: float) -> None:
        """Show the figures."""
        self.shown = made
        self.go.setEnabled(True)
        self.note.show_text("\n".join(made.warnings), "watch")
        first, last = times.local(made.start, self._zone), times.local(made.end, self._zone)
        title = f"{first.day} {first:%b %Y} – {last.day} {last:%b %Y}, {made.rows:,} rows"
        own = Measures("candidate", "test", "", made.figures, made.intervals)
        columns = [(f"Version {made.version}", own)]
        columns += [
            (heading, Measures("base_rate", "test", "", figures))
            for heading, figures in best_rules(made.baselines, self._horizon_h, 2)
        ]
        self.comparison.show_measures(title, columns)
        self.charts.show_curves(made.curves, threshold, made.figures, (f"version {made.version}", "champion"), False)
        self.mistakes.show_mistakes(made.missed, made.false_alarms, self._zone)
        self._shown.show()

    def _ask(self) -> None:
        start = times.parse(self.start.date().toString("yyyy-MM-dd"), self._zone)
        end = times.parse(self.end.date().addDays(1).toString("yyyy-MM-dd"), self._zone) - 1
        if end <= start:
            self.note.show_text("The span ends before it begins.", "watch")
            return
        self.asked.emit(start, end)


class History(Card):
    """Who put which version into use, when and why."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self._zone = "UTC"
        self.model: TableModel[Decision] = TableModel(
            (
                Column("at", "When", lambda r: times.short(r.at, self._zone), lambda r: r.at, width=160),
                Column("action", "What", _decision, width=250, strong=True),
                Column("who", "Who", lambda r: r.who or NOTHING, width=150),
                Column("why", "Why", lambda r: r.why or NOTHING, width=0, token="muted", tip=lambda r: r.why),
            ),
            lambda row: (row.at, row.action, row.version),
            theme,
        )
        self.table = TableView(self.model, theme, "History of decisions")
        self.body.addWidget(self.table)

    def show_decisions(self, decisions: Sequence[Decision], zone: str) -> None:
        """Newest first."""
        self._zone = zone
        self.model.set_rows(sorted(decisions, key=lambda row: -row.at))


def _decision(row: Decision) -> str:
    words = {"promoted": "promoted", "rolled back": "in use again", "discarded": "discarded", "imported": "imported"}
    before = f", in place of v{row.before}" if row.before and row.action in ("promoted", "rolled back") else ""
    return f"v{row.version} {words[row.action]}{before}"


class DecisionDialog(QDialog):
    """Who decides, and why, before a version is put into use."""

    decided = Signal(str, str)

    def __init__(self, title: str, words: str, yes: str, who: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setProperty("role", "wizard")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        self.who, self.why = QLineEdit(who), QLineEdit()
        self.yes, self.no = button(yes, "primary"), button("Cancel")
        text = label(words)
        text.setWordWrap(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        for at, (word, edit) in enumerate((("Name", self.who), ("Why", self.why))):
            grid.addWidget(label(word, "muted"), at, 0)
            grid.addWidget(edit, at, 1)
            edit.setAccessibleName(word)
        self.why.setPlaceholderText("For the history (may stay empty)")
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.no)
        foot.addWidget(self.yes)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        column.addWidget(label(title, "heading"))
        column.addWidget(text)
        column.addLayout(grid)
        column.addLayout(foot)
        self.no.setAutoDefault(False)
        self.no.clicked.connect(self.reject)
        self.yes.clicked.connect(self._accept)
        self.who.textChanged.connect(lambda typed: self.yes.setEnabled(bool(typed.strip())))
        self.yes.setEnabled(bool(who.strip()))

    def _accept(self) -> None:
        self.decided.emit(self.who.text().strip(), self.why.text().strip())
        self.accept()
