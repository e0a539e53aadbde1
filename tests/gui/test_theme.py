"""Light and dark."""

from __future__ import annotations

import json

import pytest
from PySide6.QtGui import QColor, QFontMetrics
from PySide6.QtWidgets import QApplication

from pdm_desktop.core import paths
from pdm_desktop.gui.theme import Theme, parse_colour


def test_colours_with_alpha_are_read_in_the_order_of_css() -> None:
    assert parse_colour("#1f6feb14") == QColor(0x1F, 0x6F, 0xEB, 0x14)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_token_has_a_colour_in_both_themes(theme: Theme, name: str) -> None:
    tokens = json.loads((paths.resources() / "themes" / "tokens.json").read_text(encoding="utf-8"))
    theme.set_choice("light" if name == "light" else "dark")
    assert set(tokens["light"]) == set(tokens["dark"])
    assert all(theme.colour(token).isValid() for token in tokens[name])


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_stands_out_from_what_it_is_written_on(theme: Theme, name: str) -> None:
    theme.set_choice("light" if name == "light" else "dark")
    pairs = [("text", "surface"), ("text", "bg"), ("muted", "surface"), ("muted", "bg"), ("rail-text", "rail")]
    pairs += [(band, f"{band}-bg") for band in ("alarm", "watch", "stale")]
    for ink, paper in pairs:
        assert contrast(theme.colour(ink), theme.colour(paper)) >= 4.0, (ink, paper)


def test_choosing_another_theme_repaints_the_application_and_says_so(qapp: QApplication, theme: Theme) -> None:
    told: list[str] = []
    theme.changed.connect(lambda: told.append(theme.name))
    theme.set_choice("dark")
    assert told == ["dark"]
    assert qapp.palette().window().color() == QColor("#0f151c")
    assert "#0f151c" in qapp.styleSheet()
    theme.set_choice("light")
    assert qapp.palette().window().color() == QColor("#f4f5f7")


def test_icons_take_the_colour_of_the_theme(theme: Theme) -> None:
    for name, colour in (("light", "#b3261e"), ("dark", "#ff8a80")):
        theme.set_choice("light" if name == "light" else "dark")
        image = theme.pixmap("band-alarm", "alarm", 64).toImage()
        opaque = {
            image.pixelColor(x, y).name() for x in range(64) for y in range(64) if image.pixelColor(x, y).alpha() == 255
        }
        assert opaque == {colour}


def test_digits_are_equally_wide_so_that_numbers_line_up(theme: Theme) -> None:
    metrics = QFontMetrics(theme.font())
    assert len({metrics.horizontalAdvance(digit) for digit in "0123456789"}) == 1


def contrast(one: QColor, other: QColor) -> float:
    """The ratio of WCAG 2."""

    def luminance(colour: QColor) -> float:
        parts = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
            for c in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
