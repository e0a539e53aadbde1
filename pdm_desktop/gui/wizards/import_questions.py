"""What a file does not tell and nobody may guess: the question, and its answers to press."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from pdm_desktop.core.plans import Question
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import button, label

ABOUT = {"machine": "All of it is of machine", "component": "Every line is about"}
"""What stands before the line that an answer is typed into."""


class QuestionCard(QFrame):
    """One question. The likely answer comes first and is marked as suggested, but never taken by itself."""

    answered = Signal(str, object)
    """Field of the choices, its value."""
    columns_wanted = Signal()
    """The answer is to be given among the columns."""

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.question = question
        self.setProperty("role", "banner")
        self.setProperty("tone", "watch")
        self.setAccessibleName(question.text)
        words = label(question.text, "strong")
        words.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, GRID, 12, GRID)
        column.setSpacing(6)
        column.addWidget(words)
        answers = QHBoxLayout()
        answers.setSpacing(GRID)
        column.addLayout(answers)
        self.text: QLineEdit | None = None
        for value, said in sorted(question.options, key=lambda option: option[0] != question.suggested):
            likely = question.suggested is not None and value == question.suggested
            said = said[:1].upper() + said[1:]
            made = button(f"{said} (likely)" if likely else said)
            made.setAutoDefault(False)
            made.clicked.connect(lambda _checked=False, value=value: self.answered.emit(question.key, value))
            answers.addWidget(made)
        if not question.options and question.key != "columns":
            self.text = QLineEdit("" if question.suggested is None else str(question.suggested))
            self.text.setAccessibleName(question.text)
            self.text.setMaximumWidth(280)
            if question.key in ABOUT:
                answers.addWidget(label(ABOUT[question.key]))
            self.text.returnPressed.connect(self._typed)
            use = button("Use this")
            use.setAutoDefault(False)
            use.clicked.connect(self._typed)
            answers.addWidget(self.text)
            answers.addWidget(use)
        if question.key in ("columns", "machine", "units", "component"):
            choose = button("Choose among the columns")
            choose.setAutoDefault(False)
            choose.clicked.connect(self.columns_wanted)
            answers.addWidget(choose)
        answers.addStretch(1)

    def _typed(self) -> None:
        if self.text is not None and self.text.text().strip():
            self.answered.emit(self.question.key, self.text.text().strip())
