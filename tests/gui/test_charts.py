"""Charts of how good a model is: what they draw, and what they say under the pointer."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pdm_desktop.gui.charts import (
    Bin,
    Chart,
    CostChart,
    Curve,
    LearningChart,
    PrecisionRecallChart,
    ReliabilityChart,
    number_text,
)
from pdm_desktop.gui.theme import Theme


def shown(qtbot: QtBot, chart: Chart) -> None:
    qtbot.addWidget(chart)
    chart.resize(420, 260)
    chart.show()
    QApplication.processEvents()


def place(chart: Chart, x: float, y: float) -> QPointF:
    """Where a point of the plot lies in the chart's own pixels."""
    spot = chart.plot.mapFromScene(chart.plot.getPlotItem().getViewBox().mapViewToScene(QPointF(x, y)))
    return QPointF(chart.plot.mapTo(chart, spot))


def colours(chart: Chart) -> set[str]:
    image = chart.grab().toImage()
    return {QColor(image.pixel(x, y)).name() for x in range(image.width()) for y in range(image.height())}


def test_a_bin_says_both_shares_its_interval_and_its_rows(qtbot: QtBot, theme: Theme) -> None:
    chart = ReliabilityChart(theme)
    shown(qtbot, chart)
    chart.show_bins([Bin(0.8, 0.75, 0.6, 0.85, 200), Bin(0.1, 0.12, 0.08, 0.17, 300)])
    QApplication.processEvents()
    said = chart.tip_at(place(chart, 0.8, 0.75))
    assert said == "Predicted 80 %, observed 75 % (95 % interval 60 % to 85 %), 200 rows"
    assert chart.tip_at(place(chart, 0.45, 0.95)) == ""


def test_the_curve_is_painted_in_the_themes_accent_in_both_themes(qtbot: QtBot, theme: Theme) -> None:
    chart = ReliabilityChart(theme)
    shown(qtbot, chart)
    chart.show_bins([Bin(0.1, 0.12, 0.08, 0.17, 300), Bin(0.8, 0.75, 0.6, 0.85, 200)])
    for choice in ("light", "dark"):
        theme.set_choice(choice)  # type: ignore[arg-type]
        QApplication.processEvents()
        assert {theme.colour("accent").name(), theme.colour("surface").name()} <= colours(chart)


def test_where_all_risks_are_low_the_plot_spans_only_them(qtbot: QtBot, theme: Theme) -> None:
    chart = ReliabilityChart(theme)
    shown(qtbot, chart)
    chart.show_bins([Bin(0.001, 0.001, 0.0, 0.002, 900), Bin(0.05, 0.04, 0.02, 0.08, 100)])
    (low, high), _ = chart.plot.viewRange()
    assert low < 0.001
    assert 0.08 <= high < 0.12


def test_two_models_are_told_apart_by_name_and_the_chosen_threshold_is_marked(qtbot: QtBot, theme: Theme) -> None:
    chart = PrecisionRecallChart(theme)
    shown(qtbot, chart)
    recall = np.linspace(0, 1, 20)
    chart.show_curves(
        [Curve("candidate", "accent", recall, 1 - 0.3 * recall), Curve("champion v3", "s4", recall, 1 - 0.6 * recall)],
        (0.5, 0.85),
    )
    QApplication.processEvents()
    assert chart.tip_at(place(chart, recall[15], 1 - 0.6 * recall[15])).startswith("champion v3: precision 53 %")
    assert {theme.colour("accent").name(), theme.colour("s4").name()} <= colours(chart)


def test_the_cost_at_a_threshold_can_be_read(qtbot: QtBot, theme: Theme) -> None:
    chart = CostChart(theme)
    shown(qtbot, chart)
    thresholds = np.linspace(0.1, 0.9, 9)
    chart.show_cost(thresholds, 10 * thresholds, 0.4)
    QApplication.processEvents()
    assert chart.tip_at(place(chart, 0.5, 5.0)) == "At 50 %: 5"
    assert theme.colour("s3").name() in colours(chart)


def test_without_any_row_a_chart_stays_empty(qtbot: QtBot, theme: Theme) -> None:
    empty = np.empty(0)
    charts: list[Chart] = [ReliabilityChart(theme), PrecisionRecallChart(theme), CostChart(theme), LearningChart(theme)]
    charts[0].show_bins([])  # type: ignore[attr-defined]
    charts[1].show_curves([Curve("candidate", "accent", empty, empty)], None)  # type: ignore[attr-defined]
    charts[2].show_cost(empty, empty, 0.5)  # type: ignore[attr-defined]
    charts[3].show_losses([])  # type: ignore[attr-defined]
    for chart in charts:
        shown(qtbot, chart)
        assert chart.tip_at(QPointF(200, 120)) == ""


def test_learning_curves_grow_with_every_round_and_mark_the_best(qtbot: QtBot, theme: Theme) -> None:
    chart = LearningChart(theme)
    shown(qtbot, chart)
    for rounds in (1, 2, 60):
        chart.show_losses([1 / (1 + abs(40 - number)) * -0.5 + 0.8 for number in range(rounds)])
        QApplication.processEvents()
    assert len(chart.curves[0].x) == 60
    assert chart.tip_at(place(chart, 41.0, 0.3)).startswith("Round 41, validation: 0.3")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1200, "1,200"), (0.0154, "0.0154"), (2.5, "2.5"), (12.0, "12"), (0.3, "0.3")]
)
def test_figures_have_the_digits_they_deserve(value: float, text: str) -> None:
    assert number_text(value) == text
