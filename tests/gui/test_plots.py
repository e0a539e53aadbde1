"""The stacked trends, moved with a real mouse, wheel and keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pdm_desktop.core import times
from pdm_desktop.core.results import Event, MachineView
from pdm_desktop.gui.event_lane import joined
from pdm_desktop.gui.plots import TrendPlot
from pdm_desktop.gui.theme import Theme
from tests.gui import trends

DAY = times.DAY


@pytest.fixture
def plot(qtbot: QtBot, theme: Theme) -> TrendPlot:
    made = TrendPlot(theme)
    qtbot.addWidget(made)
    made.resize(900, 600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def show(plot: TrendPlot, view: MachineView, first: int | None = None, last: int | None = None) -> None:
    plot.show_view(view, view.start if first is None else first, view.end if last is None else last)
    QApplication.processEvents()


def x_of(plot: TrendPlot, at: float) -> int:
    return round(float(plot.canvas.x_of(np.array([at], float))[0]))


def near(colours: set[str], wanted: QColor, reach: int = 48) -> bool:
    """Whether one of the colours is `wanted`, or nearly (thin strokes are smoothed)."""
    one = np.array([QColor(name).getRgb()[:3] for name in sorted(colours)])
    return bool((np.abs(one - np.array(wanted.getRgb()[:3])).max(axis=1) <= reach).any())


def wheel(plot: TrendPlot, x: int, steps: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    target = plot.canvas.viewport()
    spot = QPointF(x, 100)
    event = QWheelEvent(
        spot, target.mapToGlobal(spot), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton, keys,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(target, event)
    QApplication.processEvents()


def hover(plot: TrendPlot, x: int) -> None:
    # a pointer that is there already would not move
    for place in (QPoint(x, 20), QPoint(x, 150)):
        QTest.mouseMove(plot.canvas.viewport(), place)
        QApplication.processEvents()


def drag(plot: TrendPlot, start: QPoint, end: QPoint) -> None:
    target = plot.canvas.viewport()
    QTest.mousePress(target, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 11):
        QTest.mouseMove(target, start + (end - start) * step / 10)
        QApplication.processEvents()
    QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=end)
    QApplication.processEvents()


def test_the_whole_span_of_a_view_is_in_sight(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    assert plot.canvas.span() == (view.start, view.end)
    assert [track.name for track in plot.canvas.sensors] == ["torque", "flow", "motor temperature", "noise"]


def test_a_view_as_long_as_the_one_before_shows_its_own_time(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    later = trends.view(end=view.end + 3 * DAY)
    show(plot, later)
    assert plot.canvas.span() == (later.start, later.end)
    assert x_of(plot, later.end) == plot.canvas.right


def test_dragging_moves_the_time_by_as_much_as_the_mouse_and_nothing_else(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    plot.set_span(view.start + 5 * DAY, view.start + 9 * DAY)
    QApplication.processEvents()
    rows = [(track.pos(), track.height) for track in plot.canvas.sensors]
    grabbed = plot.canvas.time_at(500)
    drag(plot, QPoint(500, 120), QPoint(620, 260))
    start, end = plot.canvas.span()
    assert end - start == pytest.approx(4 * DAY)
    assert plot.canvas.time_at(620) == pytest.approx(grabbed, abs=0.01 * DAY)
    assert [(track.pos(), track.height) for track in plot.canvas.sensors] == rows


def test_the_wheel_zooms_about_the_pointer(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    under = plot.canvas.time_at(400)
    wheel(plot, 400, 3)
    start, end = plot.canvas.span()
    assert end - start == pytest.approx(14 * DAY * 0.8**3)
    assert plot.canvas.time_at(400) == pytest.approx(under, abs=times.MINUTE)


def test_neither_wheel_nor_drag_leaves_the_record(plot: TrendPlot):
    view = trends.view()
    show(plot, view, first=view.start - DAY)
    wheel(plot, 400, -20)
    assert plot.canvas.span() == pytest.approx((view.start - DAY, view.end))
    drag(plot, QPoint(300, 100), QPoint(800, 100))
    assert plot.canvas.span() == pytest.approx((view.start - DAY, view.end))


def test_a_double_click_and_home_ask_for_the_whole_span(plot: TrendPlot, qtbot: QtBot):
    show(plot, trends.view())
    target = plot.canvas.viewport()
    with qtbot.waitSignal(plot.reset_asked):
        QTest.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
        QTest.mouseDClick(target, Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
        QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
    with qtbot.waitSignal(plot.reset_asked):
        QTest.keyClick(plot.canvas, Qt.Key.Key_Home)


def test_the_keyboard_pans_and_zooms(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    QTest.keyClick(plot.canvas, Qt.Key.Key_Plus)
    start, end = plot.canvas.span()
    assert end - start == pytest.approx(0.8 * 14 * DAY)
    QTest.keyClick(plot.canvas, Qt.Key.Key_Left)
    assert plot.canvas.span()[0] == pytest.approx(start - 0.1 * (end - start))


def test_the_span_is_told_once_after_the_user_moved_it_and_never_for_a_new_view(plot: TrendPlot, qtbot: QtBot):
    told: list[tuple[float, float]] = []
    plot.span_changed.connect(lambda start, end: told.append((start, end)))
    view = trends.view()
    show(plot, view)
    plot.set_span(view.start + DAY, view.end - DAY)
    with qtbot.waitSignal(plot.span_changed):
        wheel(plot, 400, 1)
        wheel(plot, 400, 1)
    assert told == [plot.canvas.span()]


def test_the_crosshair_says_the_readings_at_its_time_and_the_risk(plot: TrendPlot):
    view = trends.view()
    show(plot, view)
    words: list[str] = []
    plot.cursor_moved.connect(words.append)
    hover(plot, x_of(plot, times.parse("2015-01-19 14:00", "UTC")))
    expected = "19 Jan 14:00 · torque 114.0 Nm · flow 214.0 l/s · motor temperature 314.0 °C · noise 414.0 · risk 94 %"
    assert words[-1] == expected
    assert plot.words == expected


def test_the_crosshair_speaks_the_plants_time(plot: TrendPlot):
    show(plot, trends.view(zone="Asia/Tokyo"))
    hover(plot, x_of(plot, times.parse("2015-01-19 14:00", "UTC")))
    assert plot.words.startswith("19 Jan 23:00 · torque 114.0 Nm")


def test_where_there_is_a_gap_the_crosshair_says_so_and_no_value(plot: TrendPlot):
    view = trends.view()
    gone = (view.sensors[0].times > view.start + 3 * DAY) & (view.sensors[0].times < view.start + 6 * DAY)
    sensors = tuple(replace(one, times=one.times[~gone], values=one.values[~gone]) for one in view.sensors)
    risk = np.where((view.risk_times > view.start + 3 * DAY) & (view.risk_times < view.start + 6 * DAY), np.nan, 0.01)
    show(plot, replace(view, sensors=sensors, risk=risk))
    hover(plot, x_of(plot, view.start + 4.5 * DAY))
    assert plot.words.endswith("· no reading")
    assert "torque" not in plot.words


def test_leaving_the_plot_brings_the_legend_back(plot: TrendPlot):
    show(plot, trends.view())
    legend = plot.words
    assert "mean over 24 h" in legend
    assert "normal range" in legend
    hover(plot, 400)
    assert plot.words != legend
    hover(plot, 10)
    assert plot.words == legend


def test_events_under_the_crosshair_are_in_the_tool_tip(plot: TrendPlot):
    show(plot, trends.view())
    hover(plot, x_of(plot, trends.END - 10 * DAY))
    assert plot.canvas.toolTip() == "10 Jan 00:00  Failure of pump\n10 Jan 00:00  Replaced: pump"


def test_four_sensors_share_the_height_and_twelve_scroll(plot: TrendPlot):
    show(plot, trends.view(sensors=4))
    bottoms = [track.pos().y() + track.height for track in plot.canvas.sensors]
    assert plot.canvas.events is not None
    assert bottoms[-1] == pytest.approx(plot.canvas.events.pos().y(), abs=1)
    assert "Shift" not in plot.words
    show(plot, trends.view(sensors=12))
    assert min(track.height for track in plot.canvas.sensors) >= 54
    first = plot.canvas.sensors[0].pos().y()
    span = plot.canvas.span()
    wheel(plot, 400, -3, Qt.KeyboardModifier.ShiftModifier)
    assert plot.canvas.sensors[0].pos().y() < first
    assert plot.canvas.span() == span
    wheel(plot, 20, 30)
    assert plot.canvas.sensors[0].pos().y() == first


def test_the_risk_and_the_events_stay_in_sight_however_many_sensors_there_are(plot: TrendPlot):
    show(plot, trends.view(sensors=60))
    height = plot.canvas.viewport().height()
    assert plot.canvas.risk is not None
    assert plot.canvas.risk.pos().y() + plot.canvas.risk.height <= height
    wheel(plot, 400, -500, Qt.KeyboardModifier.ShiftModifier)
    last = plot.canvas.sensors[-1]
    assert plot.canvas.events is not None
    assert last.pos().y() + last.height == pytest.approx(plot.canvas.events.pos().y(), abs=1)


def test_labels_of_events_touch_neither_each_other_nor_another_glyph(plot: TrendPlot, theme: Theme):
    rng = np.random.default_rng(11)
    view = trends.view()
    at = rng.integers(view.start, view.end, 40)
    show(plot, replace(view, events=tuple(Event("errors", int(t), f"error{t % 5}") for t in at)))
    lane = plot.canvas.events
    assert lane is not None
    metrics = QFontMetricsF(theme.font("tiny"))
    placed = lane.placed("errors", metrics)
    assert sum(len(mark.labels) for mark, _, _ in placed) == 40
    boxes = [(mark.x - 5, mark.x + 5) for mark, _, _ in placed]
    labels = [(x, x + metrics.horizontalAdvance(text)) for _, x, text in placed if x is not None]
    assert labels, "some labels have room"
    for i, (left, right) in enumerate(labels):
        assert plot.canvas.left <= left
        assert right <= plot.canvas.right
        assert not [box for box in boxes if box[0] < right and left < box[1]]
        assert not [other for other in labels[i + 1 :] if other[0] < right and left < other[1]]


def test_an_event_at_either_end_of_the_span_has_its_glyph(plot: TrendPlot):
    shown = trends.view()
    ends = (Event("errors", shown.start, "first"), Event("errors", shown.end, "newest"))
    show(plot, replace(shown, events=ends))
    lane = plot.canvas.events
    assert lane is not None
    assert [mark.labels for mark in lane.marks("errors")] == [("first",), ("newest",)]


def test_events_at_one_time_are_named_together():
    assert joined(["error3", "error2", "error5"]) == "error2, 3, 5"
    assert joined(["pump", "belt"]) == "belt, pump"
    assert joined(["error1", "error1"]) == "error1 ×2"
    assert joined(["4711", "4712"]) == "4711, 4712"


def test_traces_markers_and_threshold_are_painted_in_both_themes(plot: TrendPlot, theme: Theme):
    show(plot, trends.view())
    for choice in ("light", "dark"):
        theme.set_choice(choice)
        QApplication.processEvents()
        image = plot.canvas.grab().toImage()
        seen = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        for token in ("surface", "s1", "s2", "s3", "s4", "alarm", "watch"):
            assert near(seen, theme.colour(token)), f"{token} is missing in {choice}"


def test_a_gap_is_empty_on_the_screen(plot: TrendPlot, theme: Theme):
    view = trends.view(sensors=1)
    one = view.sensors[0]
    kept = (one.times < view.start + 5 * DAY) | (one.times > view.start + 8 * DAY)
    means = (one.mean_times < view.start + 5 * DAY) | (one.mean_times > view.start + 8 * DAY)
    bare = replace(
        one, times=one.times[kept], values=one.values[kept], mean_times=one.mean_times[means], mean=one.mean[means],
        low=None, high=None,
    )  # fmt: skip
    show(plot, replace(view, sensors=(bare,), events=()))
    image = plot.canvas.grab().toImage()
    left, right = x_of(plot, view.start + 5 * DAY) + 3, x_of(plot, view.start + 8 * DAY) - 3
    height = int(plot.canvas.sensors[0].height) - 2
    inside = {image.pixelColor(x, y).name() for x in range(left, right) for y in range(height)}
    beside = {image.pixelColor(x, y).name() for x in range(left - 60, left - 10) for y in range(height)}
    assert inside <= {theme.colour("surface").name(), theme.colour("line2").name()}
    assert near(beside, theme.colour("s1"))


def test_the_mean_ends_where_its_sensor_falls_silent(plot: TrendPlot):
    view = trends.view(sensors=1)
    one = view.sensors[0]
    kept = one.times < view.end - 3 * DAY
    show(plot, replace(view, sensors=(replace(one, times=one.times[kept], values=one.values[kept]),)))
    (track,) = plot.canvas.sensors
    # three sampling steps after the last reading at most
    assert track.mean.times[-1] - track.line.times[-1] == 3 * times.HOUR


def test_a_reading_between_two_silences_can_be_seen(plot: TrendPlot, theme: Theme):
    view = trends.view(sensors=1)
    one = view.sensors[0]
    kept = np.ones(len(one.times), bool)
    kept[100:140] = False
    kept[120] = True
    none = np.empty(0)
    bare = replace(
        one, times=one.times[kept], values=one.values[kept], mean_times=none.astype(np.int64), mean=none, low=None,
        high=None,
    )  # fmt: skip
    show(plot, replace(view, sensors=(bare,), events=()))
    image = plot.canvas.grab().toImage()
    x = x_of(plot, int(one.times[120]))
    height = int(plot.canvas.sensors[0].height) - 2
    seen = {image.pixelColor(x + dx, y).name() for dx in (-1, 0, 1) for y in range(height)}
    assert seen - {theme.colour("surface").name(), theme.colour("line2").name()}


def test_a_constant_sensor_and_one_without_any_reading_are_shown(plot: TrendPlot):
    view = trends.view(sensors=3)
    flat = replace(view.sensors[0], values=np.full(len(view.sensors[0].times), 7.0), low=None, high=None)
    empty = replace(view.sensors[1], values=np.full(len(view.sensors[1].times), np.nan), low=None, high=None)
    show(plot, replace(view, sensors=(flat, empty, view.sensors[2])))
    hover(plot, 400)
    assert "torque 7.000 Nm" in plot.words
    assert "flow" not in plot.words


def test_five_hundred_repaints_while_panning_do_not_end_the_program(plot: TrendPlot):
    view = trends.view(days=60)
    show(plot, view)
    span = 20 * DAY
    painted = 0
    for step in range(500):
        start = view.start + (view.end - view.start - span) * (step % 250) / 250
        plot.set_span(start, start + span)
        plot.canvas.viewport().repaint()
        painted += 1
    assert painted == 500
    assert plot.canvas.span()[1] - plot.canvas.span()[0] == pytest.approx(span)


def test_a_view_can_follow_another_a_hundred_times(plot: TrendPlot):
    for sensors in [1, 4, 12] * 34:
        show(plot, trends.view(days=2, sensors=sensors))
    assert len(plot.canvas.sensors) == 12
    assert len(plot.canvas.scene().items()) < 40


def test_sensors_that_a_machine_has_no_readings_of_take_no_row_and_are_named(plot: TrendPlot) -> None:
    view = trends.view()
    none = np.empty(0, np.int64), np.empty(0)
    silent = [replace(view.sensors[0], name=name, times=none[0], values=none[1]) for name in "ABCDE"]
    show(plot, replace(view, sensors=(*silent, *view.sensors)))
    assert [track.name for track in plot.canvas.sensors] == [trace.name for trace in view.sensors]
    assert "no readings here of A, B, C and 2 more" in plot.words
    show(plot, view)
    assert "no readings here" not in plot.words
