"""Last step of retraining: what becomes of the candidate, who says so, and why."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QRadioButton, QWidget

from pdm_desktop.core.model_results import TrainingResult
from pdm_desktop.gui.widgets import Banner, Card, label
from pdm_desktop.gui.wizards.steps import StepPage

Choice = Literal["promote", "keep", "discard"]
WORDS: dict[Choice, tuple[str, str]] = {
    "promote": (
        "&Promote: use it from now on",
        "Every machine is scored anew in the background. The version in use until now stays; one click goes back.",
    ),
    "keep": (
        "&Keep it as a candidate",
        "It stays among the versions, to be compared, carried along or promoted later.",
    ),
    "discard": ("&Discard it", "It is taken from the versions; that it was trained stays in the history."),
}


class DecideStep(StepPage):
    """The choice, a name and a note."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.banner = Banner()
        self.choices: dict[Choice, QRadioButton] = {}
        self._words: dict[Choice, QLabel] = {}
        self._group = QButtonGroup(self)
        self.who = QLineEdit()
        self.why = QPlainTextEdit()
        self._lay_out()

    @property
    def choice(self) -> Choice:
        """What was chosen."""
        return next(key for key, made in self.choices.items() if made.isChecked())

    def show_result(self, result: TrainingResult, who: str, plant_horizon_h: float) -> None:
        """Propose what the figures say; the choice stays the user's. plant_horizon_h: how far the plant looks ahead."""
        more = ""
        if abs(result.horizon_h - plant_horizon_h) > 1e-6:
            more = f" The plant then looks {result.horizon_h:g} h ahead, {plant_horizon_h:g} h until now."
        self._words["promote"].setText(WORDS["promote"][1] + more)
        stopped = any(finding.severity == "stop" for finding in result.audit)
        better = result.verdict.better and not stopped
        self.choices["promote" if better else "keep"].setChecked(True)
        self.choices["promote"].setEnabled(True)
        self.who.setText(who)
        self.why.clear()
        if stopped:
            self.banner.show_text(
                "The leakage audit found something that may flatter the figures. Look at it before you promote.",
                "alarm",
            )
        elif not result.verdict.better:
            self.banner.show_text(
                "The figures do not show that it is better. To promote it all the same is your say.", "watch"
            )
        else:
            self.banner.show_text("")
        self.changed.emit()

    def ready(self) -> bool:
        """Whether it can be carried out: a promotion needs a name, for the history."""
        return self.choice != "promote" or bool(self.who.text().strip())

    def _lay_out(self) -> None:
        self.body.addWidget(self.banner)
        card = Card("What becomes of the candidate?")
        for key, (text, words) in WORDS.items():
            made = QRadioButton(text)
            made.toggled.connect(self.changed)
            self._group.addButton(made)
            self.choices[key] = made
            line = self._words[key] = label(words, "small")
            line.setWordWrap(True)
            line.setContentsMargins(24, 0, 0, 6)
            card.body.addWidget(made)
            card.body.addWidget(line)
        self.choices["keep"].setChecked(True)
        self.body.addWidget(card)
        history = Card("For the history")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.addWidget(label("Name", "muted"), 0, 0)
        grid.addWidget(self.who, 0, 1)
        grid.addWidget(label("Why", "muted"), 1, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.why, 1, 1)
        self.who.setAccessibleName("Your name")
        self.who.setPlaceholderText("Who decides")
        self.who.setMaximumWidth(320)
        self.who.textChanged.connect(self.changed)
        self.why.setAccessibleName("Why")
        self.why.setPlaceholderText("What speaks for it, in a sentence (may stay empty)")
        self.why.setTabChangesFocus(True)
        self.why.setFixedHeight(84)
        history.body.addLayout(grid)
        self.body.addWidget(history)
        self.body.addStretch(1)
