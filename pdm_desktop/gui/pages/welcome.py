"""The first start: two ways to begin, nothing else."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, button, label

_CARD_WIDTH = 336


class WelcomePage(QWidget):
    """Greets with two choices: the demo plant, or the plant's own files."""

    title = "Welcome"
    demo_requested = Signal()
    import_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._pictures: list[tuple[QLabel, str]] = []
        self.demo_button = button("Open the demo plant", "primary")
        self.import_button = button("Import files…")
        self.demo_button.clicked.connect(self.demo_requested)
        self.import_button.clicked.connect(self.import_requested)
        choices = QHBoxLayout()
        choices.setSpacing(2 * GRID)
        choices.addStretch(1)
        choices.addWidget(
            self._choice(
                "demo",
                "Look around first",
                "A simulated plant: machines with readings, errors, maintenance and failures of some months.",
                self.demo_button,
            )
        )
        choices.addWidget(
            self._choice(
                "import",
                "Begin with your plant",
                "CSV, text or Excel files of readings, errors, maintenance, failures and machines. "
                "Or drop files or a folder anywhere on this window.",
                self.import_button,
            )
        )
        choices.addStretch(1)
        self.line = label("Which machine is likely to fail next, and why", "muted")
        self.where = label("", "small")
        self._logo = QLabel()
        page = QVBoxLayout(self)
        page.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        page.addStretch(2)
        centre = Qt.AlignmentFlag.AlignHCenter
        page.addWidget(self._logo, 0, centre)
        page.addSpacing(GRID)
        page.addWidget(label("PDM Desktop", "title"), 0, centre)
        page.addWidget(self.line, 0, centre)
        page.addSpacing(3 * GRID)
        page.addLayout(choices)
        page.addStretch(3)
        page.addWidget(self.where, 0, centre)
        self._paint()
        theme.changed.connect(self._paint)

    def show_folder(self, folder: str) -> None:
        """Where the plant's record will lie."""
        self.where.setText(f"Everything stays on this computer, in {folder}")

    def set_enabled(self, enabled: bool) -> None:
        """While something is being filled in there is nothing to choose."""
        self.demo_button.setEnabled(enabled)
        self.import_button.setEnabled(enabled)

    def _choice(self, icon: str, heading: str, text: str, act: QPushButton) -> Card:
        card = Card(margin=2 * GRID)
        card.setFixedWidth(_CARD_WIDTH)
        picture = QLabel()
        picture.setFixedSize(QSize(32, 32))
        self._pictures.append((picture, icon))
        words = label(text, "muted")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignTop)
        card.body.setSpacing(GRID)
        card.body.addWidget(picture)
        card.body.addWidget(label(heading, "heading"))
        card.body.addWidget(words, 1)
        card.body.addSpacing(GRID)
        card.body.addWidget(act)
        return card

    def _paint(self) -> None:
        ratio = self.devicePixelRatioF()
        self._logo.setPixmap(self._theme.pixmap("app", "text", 72, ratio))
        for picture, icon in self._pictures:
            picture.setPixmap(self._theme.pixmap(icon, "accent", 28, ratio))
