"""How risks, changes and ages read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from pdm_desktop.core.results import risk_text
from pdm_desktop.gui.marks import age_text, change_text, paint_risk_bar, paint_sparkline, sparkline_shape
from pdm_desktop.gui.theme import Theme


@pytest.mark.parametrize(
    ("risk", "text"),
    [
        (0.38, "38 %"),
        (0.004, "0.4 %"),
        (0.0004, "< 0.1 %"),
        (0.0, "< 0.1 %"),
        (0.0094, "0.9 %"),
        (0.0096, "1 %"),
        (0.994, "99 %"),
        (0.997, "99.7 %"),
        (0.9999, "> 99.9 %"),
        (1.0, "> 99.9 %"),
        (None, "—"),
        (math.nan, "—"),
    ],
)
def test_a_risk_has_as_many_digits_as_it_deserves(risk: float | None, text: str) -> None:
    assert risk_text(risk) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [(0.95, "+95 pts"), (0.01, "+1 pt"), (-0.002, "−0.2 pts"), (0.0004, "0"), (-0.0001, "0"), (None, "—")],
)
def test_a_change_is_in_points_with_its_sign(change: float | None, text: str) -> None:
    assert change_text(change) == text


@pytest.mark.parametrize(("hours", "text"), [(0.2, "12 min"), (1.0, "1 h"), (31.2, "31 h"), (96.0, "4 d"), (None, "—")])
def test_an_age_is_in_the_unit_one_would_say(hours: float | None, text: str) -> None:
    assert age_text(hours) == text


def canvas(width: int, height: int) -> QPixmap:
    made = QPixmap(width, height)
    made.fill(Qt.GlobalColor.white)
    return made


def test_the_bar_ends_at_the_risk_and_the_tick_stands_at_the_threshold(theme: Theme) -> None:
    picture = canvas(200, 20)
    painter = QPainter(picture)
    paint_risk_bar(painter, theme, QRectF(0, 5, 200, 10), 0.25, 0.6, "alarm")
    painter.end()
    image = picture.toImage()
    assert image.pixelColor(45, 10).name() == theme.colour("alarm").name()
    assert image.pixelColor(56, 10).name() == theme.colour("line2").name()
    assert image.pixelColor(120, 3).name() == theme.colour("text").name()
    assert image.pixelColor(100, 3).name() == "#ffffff"


def test_a_tiny_risk_still_shows_in_the_bar(theme: Theme) -> None:
    picture = canvas(200, 20)
    painter = QPainter(picture)
    paint_risk_bar(painter, theme, QRectF(0, 5, 200, 10), 0.0001, 0.6, "alarm")
    painter.end()
    assert picture.toImage().pixelColor(1, 10).name() != theme.colour("line2").name()


def test_a_sparkline_breaks_where_there_is_no_score(theme: Theme) -> None:
    picture = canvas(100, 40)
    painter = QPainter(picture)
    values = np.full(101, 0.25)
    values[40:61] = np.nan
    shape = sparkline_shape(100, 40, np.arange(101, dtype=np.int64), values)
    paint_sparkline(painter, theme, 0, 0, shape, "alarm")
    painter.end()
    image = picture.toImage()

    def inked(x: int) -> bool:
        return any(image.pixelColor(x, y).name() != "#ffffff" for y in range(40))

    assert inked(20)
    assert inked(80)
    assert not any(inked(x) for x in range(42, 59))
