"""Light and dark: colours from resources/themes/tokens.json, one style sheet, icons tinted from SVG.

Widgets say what they are by the dynamic property `role`, and resources/themes/style.qss says how that looks.
Labels: title, heading, strong, muted, small, chip. Frames: card, bar, strip, banner. Buttons: primary, link, quiet,
segment. Line edits: search. Anything that paints by itself asks `Theme.colour(token)` and repaints on `changed`.
"""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from pdm_desktop.core import paths

Choice = Literal["system", "light", "dark"]
TextRole = Literal["body", "small", "tiny", "title", "number", "big"]
CHOICES: tuple[Choice, ...] = ("system", "light", "dark")
GRID = 8
"""Pixels. Margins and gaps are whole or half steps of it."""


@cache
def _tokens() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(
        (paths.resources() / "themes" / "tokens.json").read_text(encoding="utf-8")
    )
    return loaded


@cache
def _svg(name: str) -> str:
    return (paths.resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8")


@cache
def _pictures() -> tempfile.TemporaryDirectory[str]:
    # A style sheet takes pictures from files only, and a tinted one has to exist as such.
    return tempfile.TemporaryDirectory(prefix="pdm-theme-")


def parse_colour(text: str) -> QColor:
    """'#rrggbb' or '#rrggbbaa' (CSS order; Qt's own parser wants the alpha first)."""
    colour = QColor(text[:7])
    if len(text) == 9:
        colour.setAlpha(int(text[7:], 16))
    return colour


class Theme(QObject):
    """The look in use. `choice` is what the user chose; `name` is "light" or "dark", what that means now."""

    changed = Signal()

    def __init__(self, choice: Choice = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice: Choice = choice
        self._colours: dict[tuple[str, str], QColor] = {}
        self._fonts: dict[tuple[str, bool], QFont] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        hints = QApplication.styleHints()
        hints.colorSchemeChanged.connect(self._system_changed)
        self._name = self._resolve()

    @property
    def choice(self) -> Choice:
        """What the user chose."""
        return self._choice

    @property
    def name(self) -> str:
        """'light' or 'dark'."""
        return self._name

    def set_choice(self, choice: Choice) -> None:
        """Switch, repaint everything and tell everyone."""
        self._choice = choice
        self._update()

    def colour(self, token: str) -> QColor:
        """A token of tokens.json (with its alpha) in the present theme."""
        key = (self._name, token)
        if key not in self._colours:
            self._colours[key] = parse_colour(self._token(token))
        return QColor(self._colours[key])

    def pixmap(self, icon: str, token: str = "text", size: int = 16, ratio: float = 1.0) -> QPixmap:
        """The icon (a file name in resources/icons) in the token's colour; `size` in device-independent pixels."""
        colour = self.colour(token).name()
        key = (icon, colour, size, ratio)
        if key not in self._pixmaps:
            renderer = QSvgRenderer(QByteArray(_svg(icon).replace("currentColor", colour).encode()))
            picture = QPixmap(round(size * ratio), round(size * ratio))
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            renderer.render(painter, QRectF(picture.rect()))
            painter.end()
            picture.setDevicePixelRatio(ratio)
            self._pixmaps[key] = picture
        return self._pixmaps[key]

    def icon(self, icon: str, token: str = "text", checked: str = "", size: int = 20) -> QIcon:
        """A QIcon in the token's colour; `checked` is the token while its button is checked, faint when disabled."""
        built = QIcon()
        for ratio in (1.0, 2.0):
            built.addPixmap(self.pixmap(icon, token, size, ratio))
            built.addPixmap(self.pixmap(icon, "faint", size, ratio), QIcon.Mode.Disabled)
            if checked:
                for mode in (QIcon.Mode.Normal, QIcon.Mode.Active):
                    built.addPixmap(self.pixmap(icon, checked, size, ratio), mode, QIcon.State.On)
        return built

    def text_size(self, role: TextRole) -> int:
        """Pixels. They follow the system's font size within what still fits 1366 x 768."""
        body = min(max(QFontInfo(_system_font()).pixelSize(), 12), 15)
        return body + {"body": 0, "small": -1, "tiny": -2, "title": 6, "number": 10, "big": 20}[role]

    def font(self, role: TextRole = "body", strong: bool = False) -> QFont:
        """The system font in one of the sizes and one of the two weights, digits of equal width."""
        key = (role, strong)
        if key not in self._fonts:
            font = QFont(_system_font())
            font.setPixelSize(self.text_size(role))
            font.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
            font.setFeature(QFont.Tag("tnum"), 1)
            self._fonts[key] = font
        return QFont(self._fonts[key])

    def style_sheet(self) -> str:
        """resources/themes/style.qss with the tokens and text sizes filled in."""
        words = dict(_tokens()[self._name])
        accent = self.colour("accent")
        words["accent-strong"] = (accent.darker(115) if self._name == "light" else accent.lighter(112)).name()
        words["on-accent"] = "#ffffff" if self._name == "light" else self._token("rail")
        rail = self.colour("rail-text")
        words["rail-faint"] = f"rgba({rail.red()}, {rail.green()}, {rail.blue()}, 120)"
        words["chevron"] = self._picture("chevron", self._token("muted")).as_posix()
        words["tick"] = self._picture("tick", words["on-accent"]).as_posix()
        for role in get_args(TextRole):
            words[role] = str(self.text_size(role))
        return _Sheet((paths.resources() / "themes" / "style.qss").read_text(encoding="utf-8")).substitute(words)

    def apply(self, app: QApplication) -> None:
        """Dress the whole application; `changed` dresses it again."""
        if app.style().objectName() != "fusion":
            # The platform styles ignore parts of a style sheet, each other ones; Fusion looks the same everywhere.
            app.setStyle("fusion")
        app.setFont(self.font())
        app.setPalette(self._palette())
        app.setStyleSheet(self.style_sheet())

    def _token(self, token: str) -> str:
        return _tokens()[self._name][token]

    def _picture(self, icon: str, colour: str) -> Path:
        path = Path(_pictures().name) / f"{icon}-{self._name}.svg"
        if not path.exists():
            path.write_text(_svg(icon).replace("currentColor", colour), encoding="utf-8")
        return path

    def _resolve(self) -> str:
        if self._choice != "system":
            return self._choice
        return "dark" if QApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"

    def _system_changed(self) -> None:
        if self._choice == "system":
            self._update()

    def _update(self) -> None:
        name = self._resolve()
        if name == self._name:
            return
        self._name = name
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self.apply(app)
        self.changed.emit()

    def _palette(self) -> QPalette:
        palette = QPalette()
        role = QPalette.ColorRole
        for target, token in (
            (role.Window, "bg"),
            (role.Base, "surface"),
            (role.AlternateBase, "raised"),
            (role.Button, "surface"),
            (role.ToolTipBase, "raised"),
            (role.WindowText, "text"),
            (role.Text, "text"),
            (role.ButtonText, "text"),
            (role.ToolTipText, "text"),
            (role.PlaceholderText, "faint"),
            (role.Highlight, "accent"),
            (role.Link, "accent"),
            (role.Mid, "line"),
            (role.Midlight, "line2"),
        ):
            palette.setColor(target, self.colour(token))
        palette.setColor(role.HighlightedText, QColor("#ffffff") if self._name == "light" else self.colour("rail"))
        for target in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, target, self.colour("faint"))
        return palette


class _Sheet(Template):
    # Token names carry hyphens (rail-text), which plain templates end at.
    idpattern = r"(?a:[a-z][a-z0-9]*(?:-[a-z0-9]+)*)"


@cache
def _system_font() -> QFont:
    # Read once, before the theme's own font replaces it as the application's.
    return QApplication.font()
