"""The fleet page, driven by clicks and keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from pdm_desktop.core import times
from pdm_desktop.gui.pages.fleet import FleetPage
from pdm_desktop.gui.theme import Theme
from tests.gui import plant


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> FleetPage:
    made = FleetPage(theme)
    qtbot.addWidget(made)
    made.resize(1294, 640)
    made.show()
    made.show_fleet(plant.fleet())
    return made


def machines(page: FleetPage) -> list[str]:
    return [row.machine for row in page.model.rows()]


def column(page: FleetPage, key: str) -> list[str]:
    at = page.model.column_of(key)
    return [str(page.model.index(row, at).data()) for row in range(page.model.rowCount())]


def click_header(qtbot: QtBot, page: FleetPage, key: str) -> None:
    header = page.table.horizontalHeader()
    at = page.model.column_of(key)
    middle = QPoint(header.sectionViewportPosition(at) + header.sectionSize(at) // 2, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=middle)


def cell(page: FleetPage, row: int, key: str) -> QPoint:
    return page.table.visualRect(page.model.index(row, page.model.column_of(key))).center()


def test_machines_are_ranked_by_risk_and_those_without_a_number_come_last(page: FleetPage) -> None:
    assert machines(page) == ["15", "11", "4", "17", "2", "7", "1", "13", "3", "20", "5", "9"]
    assert column(page, "risk")[:3] == ["96 %", "91 %", "14 %"]
    assert column(page, "risk")[-2:] == ["< 0.1 %", "—"]


def test_a_row_says_state_make_change_component_reason_and_age(page: FleetPage) -> None:
    row = {key: column(page, key)[0] for key in ("state", "make", "change", "component", "reason", "age")}
    assert row == {
        "state": "Alarm",
        "make": "model3 · 14 y",
        "change": "+95 pts",
        "component": "comp2 · comp4",
        "reason": "rotate averaged 366 over 24 h; usual 448 ± 9",
        "age": "1 h",
    }


def test_a_stale_machine_says_since_when_it_is_silent(page: FleetPage) -> None:
    at = machines(page).index("7")
    assert column(page, "reason")[at] == "No reading for 31 h; risk as of 18 Jan 17:00"
    assert column(page, "age")[at] == "31 h"
    assert column(page, "change")[at] == "—"


def test_the_tiles_count_what_needs_attention(page: FleetPage) -> None:
    shown = {name: (tile.number, tile.line) for name, tile in page.tiles.items()}
    assert shown == {
        "alarm": ("2", "+1 since yesterday"),
        "watch": ("3", "unchanged since yesterday"),
        "stale": ("1", "machine 7, silent 31 h"),
        "failures": ("4", "recorded 21 Dec to 20 Jan"),
    }


def test_a_click_on_a_header_sorts_and_a_second_turns_the_order(qtbot: QtBot, page: FleetPage) -> None:
    click_header(qtbot, page, "machine")
    assert machines(page) == ["1", "2", "3", "4", "5", "7", "9", "11", "13", "15", "17", "20"]
    click_header(qtbot, page, "machine")
    assert machines(page)[:3] == ["20", "17", "15"]


def test_rows_without_a_value_stay_last_in_both_orders(qtbot: QtBot, page: FleetPage) -> None:
    click_header(qtbot, page, "risk")
    assert machines(page)[0] == "5"
    assert machines(page)[-1] == "9"
    click_header(qtbot, page, "risk")
    assert machines(page)[0] == "15"
    assert machines(page)[-1] == "9"


def test_a_click_on_a_tile_shows_only_its_machines_and_a_second_all(qtbot: QtBot, page: FleetPage) -> None:
    qtbot.mouseClick(page.tiles["watch"], Qt.MouseButton.LeftButton)
    assert machines(page) == ["4", "17", "2"]
    assert page.filter_band.currentText() == "Watch"
    assert page.shown.text() == "3 of 12"
    qtbot.mouseClick(page.tiles["watch"], Qt.MouseButton.LeftButton)
    assert len(machines(page)) == 12
    assert page.shown.text() == ""


def test_typing_filters_by_words_in_machine_make_and_reason(qtbot: QtBot, page: FleetPage) -> None:
    qtbot.keyClicks(page.filter_text, "model2")
    assert machines(page) == ["11", "20"]
    qtbot.keyClicks(page.filter_text, " error3")
    assert machines(page) == ["11"]


def test_when_nothing_matches_the_page_says_so_and_offers_all(qtbot: QtBot, page: FleetPage) -> None:
    qtbot.keyClicks(page.filter_text, "zeppelin")
    assert not page.table.isVisible()
    assert any(shown.text() == "No machine matches" for shown in page.findChildren(QLabel) if shown.isVisible())
    qtbot.mouseClick(page.empty_button, Qt.MouseButton.LeftButton)
    assert len(machines(page)) == 12
    assert page.table.isVisible()


def test_a_double_click_opens_the_machine(qtbot: QtBot, page: FleetPage) -> None:
    viewport = page.table.viewport()
    with qtbot.waitSignal(page.machine_chosen) as chosen:
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=cell(page, 1, "reason"))
        qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=cell(page, 1, "reason"))
    assert chosen.args == ["11"]


def test_the_keyboard_reaches_a_machine(qtbot: QtBot, page: FleetPage) -> None:
    page.table.setFocus()
    page.table.selectRow(0)
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    with qtbot.waitSignal(page.machine_chosen) as chosen:
        qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert chosen.args == ["4"]


def test_a_refresh_keeps_order_filter_and_selection(qtbot: QtBot, page: FleetPage) -> None:
    click_header(qtbot, page, "machine")
    qtbot.mouseClick(page.tiles["watch"], Qt.MouseButton.LeftButton)
    page.table.selectRow(1)
    assert page.table.selected().machine == "4"
    rows = tuple(replace(row, risk=0.2, band="watch") if row.machine == "3" else row for row in plant.ROWS)
    page.show_fleet(plant.fleet(rows))
    assert machines(page) == ["2", "3", "4", "17"]
    assert page.table.selected().machine == "4"


def test_an_empty_fleet_offers_to_import(qtbot: QtBot, page: FleetPage) -> None:
    page.show_fleet(plant.fleet(()))
    assert page.empty_button.text() == "Import files…"
    with qtbot.waitSignal(page.import_requested):
        qtbot.mouseClick(page.empty_button, Qt.MouseButton.LeftButton)


def test_what_concerns_the_whole_plant_is_said_above_the_table(page: FleetPage) -> None:
    assert not page.banner.isVisible()
    page.show_fleet(plant.fleet(notes=("The champion does not know torque.",)))
    assert page.banner.isVisible()
    assert page.banner.text == "The champion does not know torque."


def test_the_two_actions_are_asked_for_by_their_buttons(qtbot: QtBot, page: FleetPage) -> None:
    buttons = {made.text(): made for made in page.head.findChildren(QPushButton)}
    with qtbot.waitSignal(page.import_requested):
        qtbot.mouseClick(buttons["Import files…"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(page.report_requested):
        qtbot.mouseClick(buttons["Export report…"], Qt.MouseButton.LeftButton)


def test_another_horizon_is_named_where_the_risk_is(page: FleetPage) -> None:
    page.show_fleet(replace(plant.fleet(), horizon_h=48.0))
    assert page.model.headerData(page.model.column_of("risk"), Qt.Orientation.Horizontal) == "Risk in 48 h"
    assert "48 hours" in page.head.line.text()


def test_times_are_shown_in_the_plants_zone(page: FleetPage) -> None:
    page.show_fleet(replace(plant.fleet(), time_zone="Asia/Tokyo"))
    tip = page.model.index(0, page.model.column_of("age")).data(int(Qt.ItemDataRole.ToolTipRole))
    assert "20 Jan 2015, 08:00" in tip
    assert times.short(plant.AS_OF, "UTC") == "20 Jan 2015, 00:00"


def test_a_screen_reader_hears_state_and_numbers(page: FleetPage) -> None:
    assert page.table.accessibleName() == "Machines by risk"
    assert page.tiles["alarm"].accessibleName() == "2 machines in alarm"
    said = page.model.index(0, page.model.column_of("risk")).data(int(Qt.ItemDataRole.AccessibleTextRole))
    assert said == "Risk in 24 h: 96 %"


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_badge_bar_and_sparkline_are_painted_in_the_bands_colour(theme: Theme, page: FleetPage, choice: str) -> None:
    theme.set_choice("light" if choice == "light" else "dark")
    image = page.table.viewport().grab().toImage()
    for key in ("state", "risk", "spark"):
        box = page.table.visualRect(page.model.index(0, page.model.column_of(key)))
        seen = {
            image.pixelColor(x, y).name()
            for x in range(box.left(), box.right())
            for y in range(box.top(), box.bottom())
        }
        assert theme.colour("alarm").name() in seen, key


def test_a_plant_the_model_cannot_judge_is_not_reported_as_all_clear(page: FleetPage) -> None:
    note = "No risks are shown: the model in use does not know torque."
    blind = tuple(plant.machine(name, None, "unknown", change=None, note=note) for name in ("1", "2"))
    page.show_fleet(plant.fleet(blind, notes=(note,)))
    assert page.banner.text == note
    assert (page.tiles["alarm"].number, page.tiles["watch"].number) == ("—", "—")
    assert column(page, "risk") == ["—", "—"]
    assert column(page, "reason") == ["", ""]


def test_a_plant_the_model_does_not_know_is_offered_a_model_of_its_own(qtbot: QtBot, page: FleetPage) -> None:
    page.show_fleet(replace(plant.fleet(notes=("The model does not know the sensor flow.",)), model=None))
    (offer,) = [made for made in page.banner.findChildren(QPushButton) if made.isVisible()]
    assert offer.text() == "Retrain…"
    with qtbot.waitSignal(page.retrain_requested):
        qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    page.show_fleet(plant.fleet(notes=("Error code E9 is new.",)))
    assert not offer.isVisible()
