"""The machine page as a user meets it: clicks on ranges and machines, what the cards say, what empty places say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QDateTime, QPoint, QPointF, Qt, QTimeZone
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core import times
from pdm_desktop.core.results import Reason
from pdm_desktop.gui.pages.machine import MachinePage
from pdm_desktop.gui.range_picker import DATES
from pdm_desktop.gui.theme import Theme
from tests.gui import trends

DAY = times.DAY
Request = tuple[str, int | None, int | None]


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> MachinePage:
    made = MachinePage(theme)
    qtbot.addWidget(made)
    made.resize(1294, 692)
    made.set_machines(["2", "10", "15"])
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def asked(page: MachinePage) -> list[Request]:
    found: list[Request] = []
    page.range_requested.connect(lambda *request: found.append(request))
    return found


def words(widget: QWidget) -> str:
    shown = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    return "\n".join(shown).replace("\N{NO-BREAK SPACE}", " ")


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def test_without_a_machine_the_page_says_what_to_do(page: MachinePage, qtbot: QtBot):
    assert "No machine chosen" in words(page)
    assert not page.picker.isEnabled()
    with qtbot.waitSignal(page.fleet_requested):
        click(qtbot, page.message.button)


def test_a_machine_in_alarm_shows_its_risk_and_where_it_comes_from(page: MachinePage):
    page.show_view(trends.view())
    text = words(page)
    assert "Machine 15" in text
    assert "model3 · 14 years · last failure 10 Jan (pump)" in text
    assert "94 %" in text
    assert "probability of a failure\nbefore 21 Jan, 00:00 UTC" in text
    facts = words(page.risk_card)
    for key, value in (
        ("Alarm since", "19 Jan, 06:00 (18 h)"),
        ("Threshold", "38 %"),
        ("A day earlier", "1 %"),
        ("Last reading", "19 Jan, 23:00 (1 h old)"),
        ("Model", "risk v3, features 2"),
    ):
        assert f"{key}\n{value}" in facts
    assert page.badge.band == "alarm"


def test_times_on_the_page_are_the_plants(page: MachinePage):
    page.show_view(trends.view(zone="Europe/Berlin"))
    assert "before 21 Jan, 01:00 CET" in words(page.risk_card)


def test_reasons_that_raise_stand_first_and_those_that_lower_last(page: MachinePage):
    view = trends.view()
    reasons = tuple(Reason(f, f"reason {f}", c) for f, c in (("a", -2.0), ("b", 0.5), ("c", 3.0), ("d", 0.01)))
    page.show_view(replace(view, state=replace(view.state, reasons=reasons)))
    text = words(page.reason_card)
    # the fourth is a three-hundredth of the strongest: noise
    assert [line for line in text.splitlines() if line.startswith("reason")] == ["reason c", "reason b", "reason a"]


def test_of_many_reasons_the_seven_strongest_are_shown(page: MachinePage):
    view = trends.view()
    reasons = tuple(Reason(f"f{i}", f"reason {i}", (-1) ** i * (i + 1) / 2) for i in range(12))
    page.show_view(replace(view, state=replace(view.state, reasons=reasons)))
    shown = [line for line in words(page.reason_card).splitlines() if line.startswith("reason")]
    assert shown == [f"reason {i}" for i in (10, 8, 6, 5, 7, 9, 11)]


def test_nothing_beside_the_trends_is_cut_off_however_long_the_numbers_are(page: MachinePage):
    view = trends.view()
    risks = {f"part {i}": 0.99999 for i in range(12)}
    reasons = tuple(Reason(f"f{i}", f"reason {i} " + "word " * 20, 3.0 - i) for i in range(7))
    page.show_view(
        replace(view, state=replace(view.state, risk=0.99999, component_risks=risks, reasons=reasons, note="n " * 90))
    )
    QApplication.processEvents()
    for card in (page.risk_card, page.component_card, page.reason_card):
        assert card.minimumSizeHint().width() <= card.width()
        assert card.width() <= card.parentWidget().parentWidget().width()


def test_a_plant_with_many_components_lists_the_likeliest_and_counts_the_rest(page: MachinePage):
    view = trends.view()
    risks = {f"part {i}": i / 100 for i in range(1, 13)}
    page.show_view(replace(view, state=replace(view.state, component_risks=risks)))
    assert "7 more, each at most 7 %" in words(page.component_card)


def test_a_stale_machine_says_how_old_its_risk_is(page: MachinePage):
    view = trends.view()
    then = trends.END - 31 * times.HOUR
    state = replace(view.state, band="stale", risk=0.03, as_of=then, last_reading=then, data_age_h=31.0, change=None)
    page.show_view(replace(view, state=state, alarm_since=None))
    text = words(page)
    assert "3 %" in text
    assert "before 19 Jan, 17:00 UTC\nas of 18 Jan, 17:00" in text
    assert "No reading for 31 h." in text
    assert "A day earlier" not in text
    assert page.badge.band == "stale"


def test_where_there_is_no_number_there_is_the_reason_and_not_a_per_cent_sign(page: MachinePage):
    view = trends.view()
    note = "The model needs the sensor strain, which this machine has not sent for 26 h."
    state = replace(view.state, band="unknown", risk=None, component_risks={}, reasons=(), change=None, note=note)
    page.show_view(replace(view, state=state, alarm_since=None, risk=np.full(len(view.risk), np.nan)))
    text = words(page)
    assert "No number" in text
    assert note in text
    assert "%" not in text
    assert not page.risk_card.bar.isVisible()
    assert not page.reason_card.isVisible()
    assert not page.component_card.isVisible()


def test_each_usual_range_asks_for_its_span_up_to_the_clock(page: MachinePage, asked: list[Request], qtbot: QtBot):
    view = trends.view()
    page.show_view(view)
    for word in ("24 h", "7 d", "14 d", "90 d", "All"):
        click(qtbot, page.picker.buttons[word])
    end = view.end
    assert asked == [
        ("15", end - DAY, end),
        ("15", end - 7 * DAY, end),
        ("15", None, None),
        ("15", end - 90 * DAY, end),
        ("15", view.first_reading, end),
    ]


def test_two_dates_can_be_chosen_on_the_plants_clock(page: MachinePage, asked: list[Request], qtbot: QtBot):
    page.show_view(trends.view(zone="Europe/Berlin"))
    click(qtbot, page.picker.buttons[DATES])
    popup = page.picker.popup
    assert popup.isVisible()
    utc = QTimeZone(QTimeZone.Initialization.UTC)
    popup.start.setDateTime(QDateTime.fromString("2015-01-03T08:00:00Z", Qt.DateFormat.ISODate).toTimeZone(utc))
    popup.end.setDateTime(QDateTime.fromString("2015-01-02T08:00:00Z", Qt.DateFormat.ISODate).toTimeZone(utc))
    assert not popup.show_button.isEnabled()
    assert "before the last" in popup.wrong.text()
    popup.end.setDateTime(QDateTime.fromString("2015-01-05T20:00:00Z", Qt.DateFormat.ISODate).toTimeZone(utc))
    click(qtbot, popup.show_button)
    # 08:00 and 20:00 in Berlin's winter
    assert asked == [("15", times.parse("2015-01-03T07:00Z", "UTC"), times.parse("2015-01-05T19:00Z", "UTC"))]
    assert not popup.isVisible()
    assert page.picker.buttons[DATES].text() == "3 Jan – 5 Jan 2015"


def test_the_button_pressed_is_the_span_shown_whoever_asked_for_it(page: MachinePage):
    page.show_view(trends.view(days=7))
    assert [word for word, made in page.picker.buttons.items() if made.isChecked()] == ["7 d"]
    page.show_view(trends.view())
    assert [word for word, made in page.picker.buttons.items() if made.isChecked()] == ["14 d"]
    page.show_view(replace(trends.view(days=5), end=trends.END - DAY))
    assert [word for word, made in page.picker.buttons.items() if made.isChecked()] == [DATES]


def test_the_next_machine_is_shown_over_the_same_span(page: MachinePage, asked: list[Request], qtbot: QtBot):
    page.show_view(trends.view("10", days=7))
    click(qtbot, page.later)
    end = trends.END
    assert asked == [("15", end - 7 * DAY, end)]
    assert page.machine == "15"
    assert "Reading machine 15" in words(page)
    page.show_view(trends.view("15", days=7))
    assert not page.later.isEnabled()
    assert page.earlier.isEnabled()
    assert page.machines.currentText() == "15"


def test_a_machine_can_be_picked_by_typing_its_name(page: MachinePage, asked: list[Request], qtbot: QtBot):
    page.show_view(trends.view("15"))
    field = page.machines.lineEdit()
    assert field is not None
    field.selectAll()
    qtbot.keyClicks(field, "2")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert asked == [("2", None, None)]


def test_a_name_that_is_no_machine_asks_for_nothing(page: MachinePage, asked: list[Request], qtbot: QtBot):
    page.show_view(trends.view("15"))
    field = page.machines.lineEdit()
    assert field is not None
    field.selectAll()
    qtbot.keyClicks(field, "lathe")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert asked == []
    assert field.text() == "15"


def test_without_readings_in_the_span_the_page_leads_to_where_they_are(
    page: MachinePage, asked: list[Request], qtbot: QtBot
):
    view = trends.silent(trends.view())
    last = view.start - 3 * DAY
    page.show_view(replace(view, state=replace(view.state, last_reading=last, data_age_h=17 * 24.0)))
    text = words(page)
    assert "No readings between 6 Jan 2015, 00:00 and 20 Jan 2015, 00:00" in text
    assert "The newest reading is from 3 Jan 2015, 00:00." in text
    click(qtbot, page.no_data.button)
    assert asked == [("15", last - 14 * DAY, last)]


def test_a_machine_that_never_sent_a_reading_says_so(page: MachinePage):
    view = trends.silent(trends.view())
    page.show_view(replace(view, state=replace(view.state, last_reading=None, data_age_h=None)))
    assert "No readings of this machine yet" in words(page)
    assert not page.no_data.button.isVisible()


def test_reading_the_same_machine_again_keeps_its_picture(page: MachinePage):
    page.show_view(trends.view())
    page.show_loading("15")
    assert "94 %" in words(page)
    page.show_loading("10")
    assert "94 %" not in words(page)
    assert "Reading machine 10" in words(page)


def test_zooming_out_beyond_what_is_loaded_reads_more_and_the_picture_stays(
    page: MachinePage, asked: list[Request], qtbot: QtBot
):
    page.show_view(trends.view())
    canvas = page.plot.canvas
    spot = QPointF(500, 100)
    turn = QWheelEvent(
        spot, canvas.viewport().mapToGlobal(spot), QPoint(), QPoint(0, -240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    with qtbot.waitSignal(page.range_requested):
        QApplication.sendEvent(canvas.viewport(), turn)
    ((machine, start, end),) = asked
    sight = canvas.span()
    assert machine == "15"
    assert start is not None
    assert end is not None
    assert start <= sight[0]
    assert end == trends.END
    assert not any(made.isChecked() for made in page.picker.buttons.values())
    page.show_loading("15")
    page.show_view(replace(trends.view(days=(end - start) / DAY), start=start, end=end))
    assert canvas.span() == pytest.approx(sight)
    # a double-click goes back to the span picked before
    QTest.mouseDClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(500, 100))
    QTest.mouseRelease(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(500, 100))
    assert asked[-1] == ("15", None, None)


def test_the_crosshairs_values_are_told_to_the_window(page: MachinePage, qtbot: QtBot):
    page.show_view(trends.view())
    with qtbot.waitSignal(page.cursor_moved, check_params_cb=lambda text: "torque" in text and "risk" in text):
        QTest.mouseMove(page.plot.canvas.viewport(), QPoint(300, 90))
        QTest.mouseMove(page.plot.canvas.viewport(), QPoint(500, 120))


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_everything_fits_the_smallest_window_and_the_page_is_not_blank(page: MachinePage, theme: Theme, choice: str):
    theme.set_choice(choice)  # type: ignore[arg-type]
    page.show_view(trends.view())
    QApplication.processEvents()
    assert page.minimumSizeHint().width() <= 1294
    assert page.minimumSizeHint().height() <= 692
    image = page.grab().toImage()
    colours = {image.pixelColor(x, y).rgb() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}
    assert len(colours) > 60
