"""The frame of a wizard: its steps along the top, the step shown, what to do next along the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import label, restyle

SIZE = (1080, 680)
"""Pixels; what 1366 x 768 leaves around it shows that the window is still there."""
EDGE = 18
FRAME = 32
"""Pixels that a window's frame, and its title, may take."""


class StepBar(QFrame):
    """The steps by name: those done with a tick, the present one underlined."""

    def __init__(self, theme: Theme, words: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "steps")
        self._theme = theme
        self._words = tuple(words)
        self._now = 0
        self.labels: list[QLabel] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(EDGE, 0, EDGE, 0)
        row.setSpacing(34)
        for word in words:
            # The words are the program's own: only they are ever put into this rich text.
            made = QLabel(word)
            made.setTextFormat(Qt.TextFormat.RichText)
            made.setProperty("role", "step")
            row.addWidget(made)
            self.labels.append(made)
        row.addStretch(1)
        theme.changed.connect(lambda: self.show_step(self._now))
        self.show_step(0)

    @property
    def step(self) -> int:
        """Which step is shown."""
        return self._now

    def show_step(self, now: int) -> None:
        """Mark the step; those before it are done."""
        self._now = now
        accent = self._theme.colour("accent").name()
        for at, made in enumerate(self.labels):
            tick = f'<span style="color: {accent}">✓</span>&nbsp;' if at < now else ""
            made.setText(tick + self._words[at])
            restyle(made, "state", "done" if at < now else "now" if at == now else "next")
        self.setAccessibleName(f"Step {now + 1} of {len(self._words)}: {self._words[now]}")


class StepDialog(QDialog):
    """Steps, pages and a foot with a note at the left and buttons at the right."""

    def __init__(self, theme: Theme, title: str, steps: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setProperty("role", "wizard")
        # Blocks its own window only, and never the work that runs beside it.
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.theme = theme
        self.steps = StepBar(theme, steps)
        self.pages = QStackedWidget()
        self.pages.setProperty("role", "wizard")
        self.note = label("", "muted")
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        foot = QFrame()
        foot.setProperty("role", "strip")
        self._foot = QHBoxLayout(foot)
        self._foot.setContentsMargins(EDGE, 10, EDGE, 10)
        self._foot.setSpacing(GRID)
        self._foot.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.steps)
        column.addWidget(self.pages, 1)
        column.addWidget(foot)
        self.resize(fitted(QSize(*SIZE), self.screen().availableSize()))

    def add_button(self, made: QPushButton) -> QPushButton:
        """A button of the foot; the last one added stands at the right edge. None is pressed by a stray Enter."""
        made.setAutoDefault(False)
        self._foot.addWidget(made)
        return made

    def show_step(self, at: int) -> None:
        """Go to a step."""
        self.steps.show_step(at)
        self.pages.setCurrentIndex(at)


def fitted(wanted: QSize, screen: QSize) -> QSize:
    """A dialog's size on a screen of this size: its frame has room too, or its title would be out of reach."""
    return wanted.boundedTo(screen - QSize(FRAME, 2 * FRAME))


class OnwardButton(QPushButton):
    """Leads to the next step, where another button takes its place: a double click counts once, or it would press
    that one too unseen (stop what was just started, promote what was not yet looked at)."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("role", "primary")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """The second press of a double click is none."""
        event.accept()


class Sentence(QFrame):
    """The one sentence that matters in bold, and what qualifies it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, GRID, 12, GRID)
        row.addWidget(self.words, 1)

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return self.accessibleName()

    def say(self, first: str, rest: str = "", tone: str = "") -> None:
        """Both are plain text: names from the record must not act as HTML."""
        self.words.setText(f"<b>{escape(first)}</b> {escape(rest)}".strip())
        self.setAccessibleName(f"{first} {rest}".strip())
        restyle(self, "tone", tone)


class StepPage(QWidget):
    """A step: `body` is its vertical layout; what does not fit scrolls where `scrolls` is set."""

    def __init__(self, scrolls: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        inner = QWidget() if scrolls else self
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(EDGE, 14, EDGE, 12)
        self.body.setSpacing(10)
        if scrolls:
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            area.setWidget(inner)
            area.viewport().setAutoFillBackground(False)
            inner.setAutoFillBackground(False)
            whole = QVBoxLayout(self)
            whole.setContentsMargins(0, 0, 0, 0)
            whole.addWidget(area)


def clear(layout: QLayout) -> None:
    """Take every widget and layout out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
