"""Third step of retraining: how far the training is, live."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from pdm_desktop.core.model_results import Round
from pdm_desktop.core.progress import Step
from pdm_desktop.gui.charts import LearningChart
from pdm_desktop.gui.marks import NOTHING
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Banner, Card, label
from pdm_desktop.gui.wizards.steps import StepPage

REDRAW_MS = 100
FIGURES = ("Round", "Best loss", "Trial", "Time so far", "Time left")


class RunStep(StepPage):
    """Shows rounds and progress as they come."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.banner = Banner()
        self.stage = label("", "heading")
        self.counts = label("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.chart = LearningChart(theme)
        self.figures: dict[str, QLabel] = {}
        self._trials: dict[int, list[Round]] = {}
        self._trial = 0
        self._round: Round | None = None
        self._begun = 0.0
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self._lay_out()

    def begin(self) -> None:
        """A training starts."""
        self._trials, self._trial, self._round = {}, 0, None
        self._begun = time.monotonic()
        self.banner.show_text("")
        self.stage.setText("Getting ready")
        self.counts.setText("")
        self.bar.setRange(0, 0)
        self.bar.show()
        for figure in self.figures.values():
            figure.setText(NOTHING)
        self._draw()

    def show_step(self, step: Step | None, left_s: float | None) -> None:
        """How far the work is, and the seconds left."""
        passed = time.monotonic() - self._begun
        self.figures["Time so far"].setText(clock_text(passed))
        if step is None:
            return
        # Rounds may end long before the last one: what is left is then the most it can take.
        about = "at most" if step.text.startswith("Training") else "about"
        self.figures["Time left"].setText(NOTHING if left_s is None else f"{about} {clock_text(left_s)}")
        self.stage.setText(step.text)
        if step.total > 0:
            self.bar.setRange(0, 1000)
            self.bar.setValue(min(1000, round(1000 * step.done / step.total)))
            what = " rounds" if step.text.startswith(("Training", "Tuning")) else ""
            self.counts.setText(f"{step.done:,} of {step.total:,}{what}")
        else:
            self.bar.setRange(0, 0)
            self.counts.setText(f"{step.done:,}" if step.done else "")

    def add_round(self, done: Round) -> None:
        """A boosting round is done."""
        self._trials.setdefault(done.trial, []).append(done)
        self._trial, self._round = done.trial, done
        if not self._redraw.isActive() and self.isVisible():
            self._redraw.start()

    def showEvent(self, event: QShowEvent) -> None:
        """What came while nobody looked is drawn now."""
        super().showEvent(event)
        self._draw()

    def show_stopping(self) -> None:
        """The user asked to stop; it ends at the next round or machine."""
        self.stage.setText("Stopping…")

    def show_ended(self, text: str, tone: str) -> None:
        """It ended without a result, and why."""
        self._redraw.stop()
        self._draw()
        self.banner.show_text(text, tone)
        self.stage.setText("Nothing was kept")
        self.counts.setText("")
        self.bar.hide()
        self.figures["Time left"].setText(NOTHING)

    def _draw(self) -> None:
        rounds = self._trials.get(self._trial, [])
        learned = [done.training_loss for done in rounds if done.training_loss is not None]
        best = self._best_before()
        self.chart.show_losses(
            [done.loss for done in rounds],
            learned,
            [done.loss for done in self._trials[best]] if best else (),
            f"validation of trial {best}, the lowest before",
        )
        if self._round is not None:
            self.figures["Round"].setText(f"{self._round.round:,}")
            self.figures["Best loss"].setText(f"{self._round.best_loss:.5f}")
            self.figures["Trial"].setText(self._trial_text())

    def _best_before(self) -> int:
        """The trial with the lowest loss among those done; 0 where there is none."""
        done = {trial: rounds for trial, rounds in self._trials.items() if trial not in (0, self._trial)}
        return min(done, key=lambda trial: min(each.loss for each in done[trial]), default=0)

    def _trial_text(self) -> str:
        if self._trial:
            return f"{self._trial}"
        return "the best one, in full" if len(self._trials) > 1 else "not tuned"

    def _lay_out(self) -> None:
        self.body.addWidget(self.banner)
        head = Card()
        line = QHBoxLayout()
        line.addWidget(self.stage)
        line.addStretch(1)
        line.addWidget(self.counts)
        head.body.addLayout(line)
        head.body.addWidget(self.bar)
        head.body.addSpacing(GRID)
        figures = QHBoxLayout()
        figures.setSpacing(5 * GRID)
        for key in FIGURES:
            self.figures[key] = label(NOTHING, "strong")
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(label(key, "small"))
            pair.addWidget(self.figures[key])
            figures.addLayout(pair)
        figures.addStretch(1)
        head.body.addLayout(figures)
        self.body.addWidget(head)
        card = Card("How it learns")
        words = label(
            "The loss round by round: on the rows it learns from, and on those held back for validation. It stops by "
            "itself once the latter gets no better.",
            "small",
        )
        card.body.addWidget(words)
        card.body.addWidget(self.chart, 1)
        self.body.addWidget(card, 1)


def clock_text(seconds: float) -> str:
    """'42 s', '4 min 12 s', '1 h 5 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
