"""Small shared widgets: labels by role, cards, the band badge, the risk bar, the banner, the tile."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core.results import Band, risk_text
from pdm_desktop.gui.marks import BAND_WORD, age_text, badge_size, change_text, paint_badge, paint_risk_bar
from pdm_desktop.gui.theme import GRID, Theme

__all__ = [
    "BandBadge",
    "Banner",
    "Card",
    "PageHead",
    "Pairs",
    "RiskBar",
    "Tile",
    "age_text",
    "button",
    "change_text",
    "label",
    "restyle",
    "risk_text",
]


def label(text: str = "", role: str = "", parent: QWidget | None = None) -> QLabel:
    """A plain-text label in a role of theme.py (plain: names from files must not act as HTML)."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    return made


def button(text: str, role: str = "", parent: QWidget | None = None) -> QPushButton:
    """A push button in a role of theme.py."""
    made = QPushButton(text, parent)
    if role:
        made.setProperty("role", role)
    return made


def restyle(widget: QWidget, name: str, value: str) -> None:
    """Set the dynamic property and have the style sheet look at the widget again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class Card(QFrame):
    """A surface with a thin border; `body` is its vertical layout."""

    def __init__(self, heading: str = "", parent: QWidget | None = None, margin: int = 12) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(GRID // 2)
        if heading:
            self.body.addWidget(label(heading, "heading"))


class PageHead(QWidget):
    """One title, one line that says what the page answers, and its few actions on the right (the `right` layout)."""

    def __init__(self, title: str, line: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = label(title, "title")
        self.line = label(line, "muted")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.line)
        self.right = QHBoxLayout()
        self.right.setSpacing(GRID)
        self.right.addStretch(0)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        # The actions may grow to what they like (a filter) and shrink before they cover the words.
        row.addLayout(self.right, 2)


class Pairs(QGridLayout):
    """Words and their values, one pair a line. right: values stand at the right, strong; else they wrap."""

    def __init__(self, *, right: bool = False) -> None:
        super().__init__()
        self._right = right
        self.rows: list[tuple[QLabel, QLabel]] = []
        self.setColumnStretch(1, 1)

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Show these and no others."""
        while len(self.rows) < len(pairs):
            self.rows.append(self._add(len(self.rows)))
        for at, (key, value) in enumerate(self.rows):
            shown = at < len(pairs)
            key.setVisible(shown)
            value.setVisible(shown)
            if shown:
                key.setText(pairs[at][0])
                value.setText(pairs[at][1])

    def _add(self, at: int) -> tuple[QLabel, QLabel]:
        key, value = label("", "muted"), label("", "strong" if self._right else "")
        if self._right:
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.addWidget(key, at, 0)
        else:
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.addWidget(key, at, 0, Qt.AlignmentFlag.AlignTop)
        self.addWidget(value, at, 1)
        return key, value


class BandBadge(QWidget):
    """A band's icon and word."""

    def __init__(self, theme: Theme, band: Band = "unknown", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._band: Band = band
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_band(band)
        theme.changed.connect(self.update)

    @property
    def band(self) -> Band:
        """The band shown."""
        return self._band

    def set_band(self, band: Band) -> None:
        """Show another band."""
        self._band = band
        self.setAccessibleName(f"State: {BAND_WORD[band]}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The badge's own size."""
        return badge_size(self._theme, self._band)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the badge."""
        painter = QPainter(self)
        paint_badge(painter, self._theme, 0, self.height() / 2, self._band)
        painter.end()


class RiskBar(QWidget):
    """A risk from 0 to 100 % with the threshold's tick. `token` colours the bar (a band, or accent)."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, thickness: int = 10) -> None:
        super().__init__(parent)
        self._theme = theme
        self._risk: float | None = None
        self._threshold: float | None = None
        self._token = "normal"
        self._thickness = thickness
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_risk(self, risk: float | None, threshold: float | None, token: str) -> None:
        """Probabilities; `threshold` None draws no tick."""
        self._risk, self._threshold, self._token = risk, threshold, token
        spoken = f"Risk {risk_text(risk)}"
        self.setAccessibleName(spoken if threshold is None else f"{spoken}, threshold {risk_text(threshold)}")
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough to read, high enough for the tick."""
        return QSize(96, self._thickness + 8)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the bar."""
        painter = QPainter(self)
        top = (self.height() - self._thickness) / 2
        box = QRectF(0, round(top), self.width(), self._thickness)
        paint_risk_bar(painter, self._theme, box, self._risk, self._threshold, self._token)
        painter.end()


class Banner(QFrame):
    """A calm message that concerns the whole page, with at most one thing to do about it. Hidden while empty."""

    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._text = label()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._action = button("", "link")
        self._action.clicked.connect(self.acted)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, GRID, 12, GRID)
        row.addWidget(self._text, 1)
        row.addWidget(self._action)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def show_text(self, text: str, tone: str = "", action: str = "") -> None:
        """tone: empty (information), "watch" or "alarm"; an empty text hides the banner."""
        self._text.setText(text)
        self._action.setText(action)
        self._action.setVisible(bool(action))
        self.setAccessibleName(text)
        restyle(self, "tone", tone)
        self.setVisible(bool(text))


class Tile(QAbstractButton):
    """A number, what it counts and a smaller line. Checkable where it filters, else plain (set `filters`)."""

    def __init__(self, theme: Theme, title: str, token: str, filters: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._token = token
        self._number = ""
        self._line = ""
        self.setText(title)
        self.setCheckable(filters)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if filters else Qt.FocusPolicy.NoFocus)
        if filters:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def number(self) -> str:
        """The number as shown."""
        return self._number

    @property
    def line(self) -> str:
        """The smaller line."""
        return self._line

    def show_count(self, count: int | None, line: str) -> None:
        """None shows a dash: not known yet."""
        self._number = "\N{EM DASH}" if count is None else f"{count:,}"
        self._line = line
        self.setAccessibleName(f"{self._number} {self.text()}")
        self.setAccessibleDescription(line)
        self.setToolTip(f"{line}\nClick to show only these machines." if self.isCheckable() and line else line)
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines of text beside a number."""
        return QSize(200, 48)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint card, number and words; the border shows check and focus."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        border = "accent" if self.isChecked() or self.hasFocus() else "line"
        if self.isCheckable() and self.underMouse() and border == "line":
            border = "faint"
        painter.setPen(theme.colour(border))
        painter.setBrush(theme.colour("accent-bg" if self.isChecked() else "surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setFont(theme.font("number", strong=True))
        quiet = self._number in ("0", "\N{EM DASH}")
        painter.setPen(theme.colour("faint" if quiet else self._token))
        numbers = painter.fontMetrics()
        left = 12
        painter.drawText(
            QRectF(left, 0, 60, self.height()),
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
            self._number,
        )
        left += max(44, numbers.horizontalAdvance(self._number) + 12)
        room = self.width() - left - 8
        painter.setFont(theme.font("body", strong=True))
        painter.setPen(theme.colour("text"))
        words = painter.fontMetrics()
        middle = self.height() // 2
        top = middle - 4 if self._line else middle + words.ascent() // 2 - 1
        painter.drawText(left, top, words.elidedText(self.text(), Qt.TextElideMode.ElideRight, room))
        painter.setFont(theme.font("small"))
        painter.setPen(theme.colour("muted"))
        small = painter.fontMetrics()
        painter.drawText(
            left, middle + small.ascent() + 1, small.elidedText(self._line, Qt.TextElideMode.ElideRight, room)
        )
        painter.end()
