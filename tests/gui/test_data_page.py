"""The data page: what it says of machines, gaps and files, and how an import is undone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QMessageBox, QTableView, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core import times
from pdm_desktop.core.results import Batch, ClockJump, DataOverview, DataRow, SensorRow, Stuck
from pdm_desktop.gui.pages.data import DataPage
from pdm_desktop.gui.stored import duration_text
from pdm_desktop.gui.theme import Theme

START = times.parse("2015-01-01 06:00", "UTC")
END = times.parse("2015-04-01 05:00", "UTC")
HOUR = times.HOUR

ROWS = (
    DataRow("1", "model3", 18.0, 2_160, 12, 13, 2, START, END, ()),
    DataRow("2", "model4", 7.0, 1_900, 9, 10, 0, START, END,
            ((START + 100 * HOUR, START + 214 * HOUR), (START + 900 * HOUR, START + 905 * HOUR))),
    DataRow("10", "", None, 0, 3, 0, 0, None, None, ()),
)  # fmt: skip
BATCHES = (
    Batch(1, "machines.csv", "a", "machines", END + HOUR, 20, 0, 0, 0, 0, False),
    Batch(
        2,
        "readings.csv",
        "b" * 64,
        "telemetry",
        END + 2 * HOUR,
        43_200,
        0,
        3,
        1,
        17,
        False,
        "Hall 2",
        5,
        "readings-rejects.csv",
    ),
    Batch(3, "old.csv", "c", "errors", END + 3 * HOUR, 390, 0, 0, 0, 0, True),
)
OVERVIEW = DataOverview(
    time_zone="UTC",
    sensors=(("torque", "Nm"), ("flow", "")),
    rows=ROWS,
    batches=BATCHES,
    failures_known_until=times.parse("2015-03-31 06:00", "UTC"),
    sampling_ms=HOUR,
    sensor_rows=(SensorRow("torque", "Nm", 0.0, 120.0, 37), SensorRow("flow", "", None, None, 0)),
)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> DataPage:
    made = DataPage(theme)
    qtbot.addWidget(made)
    made.resize(1294, 692)
    with qtbot.waitExposed(made):
        made.show()
    return made


def cells(table: QTableView, row: int) -> dict[str, str]:
    model = table.model()
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    return {title: model.index(row, i).data() for i, title in enumerate(titles)}


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def click_row(table: QTableView, row: int, double: bool = False) -> None:
    place = table.visualRect(table.model().index(row, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    if double:
        QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def question(page: DataPage) -> QMessageBox:
    (box,) = [box for box in page.findChildren(QMessageBox) if box.isVisible()]
    return box


def press(box: QMessageBox, text: str) -> None:
    (wanted,) = [button for button in box.buttons() if button.text().replace("&", "") == text]
    QTest.mouseClick(wanted, Qt.MouseButton.LeftButton)
    QApplication.processEvents()


def test_an_empty_workspace_offers_the_import(page: DataPage, qtbot: QtBot):
    page.show_overview(DataOverview("UTC", (), (), (), None, None))
    assert "Nothing imported yet" in words(page)
    with qtbot.waitSignal(page.import_requested):
        QTest.mouseClick(page.empty_button, Qt.MouseButton.LeftButton)


def test_each_machine_has_its_counts_its_span_and_its_gaps(page: DataPage):
    page.show_overview(OVERVIEW)
    first, second, third = (cells(page.machine_table, row) for row in range(3))
    assert (first["Readings"], first["Errors"], first["Replaced"], first["Failures"]) == ("2,160", "12", "13", "2")
    assert (first["First reading"], first["Last reading"]) == ("1 Jan 2015, 06:00", "1 Apr 2015, 05:00")
    assert first["Gaps"] == "—"
    # 114 hours and 5 hours
    assert second["Gaps"] == "2, longest 4.8 d"
    assert (third["Machine"], third["Readings"], third["First reading"]) == ("10", "—", "—")


def test_names_of_machines_are_read_whole_up_to_a_bound(page: DataPage):
    page.show_overview(OVERVIEW)
    narrow = page.machine_table.columnWidth(0)
    named = replace(OVERVIEW.rows[0], machine="11-PUMP-4012 A")
    page.show_overview(replace(OVERVIEW, rows=(named, *OVERVIEW.rows[1:])))
    wide = page.machine_table.columnWidth(0)
    metrics = QFontMetrics(page.machines.data(page.machines.index(0, 0), int(Qt.ItemDataRole.FontRole)))
    assert wide >= metrics.horizontalAdvance(named.machine) + 20 > narrow
    page.show_overview(replace(OVERVIEW, rows=(replace(named, machine="W" * 90), *OVERVIEW.rows[1:])))
    assert page.machine_table.columnWidth(0) == 190
    page.show_overview(OVERVIEW)
    assert page.machine_table.columnWidth(0) == narrow


def test_a_tip_shows_names_out_of_files_as_they_are(page: DataPage):
    name = "<b>P</b> <img src=x> & 1"
    page.show_overview(replace(OVERVIEW, rows=(replace(OVERVIEW.rows[0], machine=name),)))
    tip = page.machines.data(page.machines.index(0, 0), int(Qt.ItemDataRole.ToolTipRole))
    shown = QTextDocument()
    shown.setHtml(tip)
    assert shown.toPlainText() == name
    page.show_overview(OVERVIEW)
    assert page.machines.data(page.machines.index(0, 0), int(Qt.ItemDataRole.ToolTipRole)) == "1"


def test_the_plants_figures_are_summed_up(page: DataPage):
    page.show_overview(OVERVIEW)
    assert {key: value.text() for key, value in page.facts.items()} == {
        "Machines": "3",
        "Readings": "4,060",
        "Time covered": "1 Jan 2015, 06:00 – 1 Apr 2015, 05:00 UTC",
        "A reading every": "1 h",
        "Failures known until": "31 Mar 2015, 06:00",
    }


def test_times_are_the_plants(page: DataPage):
    page.show_overview(replace(OVERVIEW, time_zone="Europe/Berlin"))
    assert cells(page.machine_table, 0)["First reading"] == "1 Jan 2015, 07:00"
    assert page.facts["Failures known until"].text() == "31 Mar 2015, 08:00"


def test_machines_sort_by_number_and_those_with_most_gaps_come_first_on_a_click(page: DataPage):
    page.show_overview(OVERVIEW)
    header = page.machine_table.horizontalHeader()
    column = page.machines.column_of("gaps")
    x = header.sectionViewportPosition(column) + 20
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 20))
    assert cells(page.machine_table, 0)["Machine"] == "2"
    x = header.sectionViewportPosition(page.machines.column_of("machine")) + 20
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 20))
    assert [cells(page.machine_table, row)["Machine"] for row in range(3)] == ["1", "2", "10"]


def test_the_gaps_themselves_are_in_the_tool_tip(page: DataPage):
    page.show_overview(OVERVIEW)
    index = page.machines.index(1, page.machines.column_of("gaps"))
    assert index.data(int(Qt.ItemDataRole.ToolTipRole)) == (
        "No reading:\n5 Jan 2015, 10:00 – 10 Jan 2015, 04:00  (4.8 d)\n7 Feb 2015, 18:00 – 7 Feb 2015, 23:00  (5 h)"
    )


def test_gaps_are_open_places_in_the_strip(page: DataPage, theme: Theme):
    page.show_overview(OVERVIEW)
    QApplication.processEvents()
    table = page.machine_table
    column = page.machines.column_of("covered")
    image = table.viewport().grab().toImage()

    def colours(row: int, share: float) -> str:
        cell = table.visualRect(page.machines.index(row, column)).adjusted(10, 0, -10, -1)
        return image.pixelColor(round(cell.left() + share * cell.width()), cell.center().y()).name()

    inside = (157 * HOUR) / (END - START)
    assert colours(0, inside) == theme.colour("normal").name()
    assert colours(1, inside) == theme.colour("watch").name()
    assert colours(1, 0.8) == theme.colour("normal").name()
    assert colours(2, 0.5) == theme.colour("line2").name()


def test_files_stand_with_the_newest_first_and_say_what_became_of_their_rows(page: DataPage):
    page.show_overview(OVERVIEW)
    assert [cells(page.imported.table, row)["File"] for row in range(3)] == [
        "undone: old.csv", "readings.csv", "machines.csv",
    ]  # fmt: skip
    row = cells(page.imported.table, 1)
    assert (row["Kind"], row["Imported"]) == ("readings", "1 Apr 2015, 07:00")
    assert (row["Accepted"], row["Unchanged"], row["Duplicates"], row["Conflicts"], row["Rejected"]) == (
        "43,200", "—", "3", "1", "17",
    )  # fmt: skip
    assert [cells(page.imported.table, row)["Profile"] for row in range(3)] == ["—", "Hall 2", "—"]


def test_all_that_is_known_of_a_file_stands_below_the_list(page: DataPage, qtbot: QtBot):
    page.show_overview(OVERVIEW)
    assert page.imported.details.text().startswith("old.csv")  # the newest, before one is selected
    assert not page.imported.rejects_button.isEnabled()
    click_row(page.imported.table, 1)
    assert page.imported.details.text() == (
        "readings.csv, imported 1 Apr 2015, 07:00 · read by profile Hall 2 · 5 single values rejected"
        " · rejects in imports/readings-rejects.csv\n"
        "SHA-256 " + "b" * 64
    )
    with qtbot.waitSignal(page.rejects_requested) as told:
        QTest.mouseClick(page.imported.rejects_button, Qt.MouseButton.LeftButton)
    assert told.args[0].rejects == "readings-rejects.csv"
    click_row(page.imported.table, 2)
    assert not page.imported.rejects_button.isEnabled()


def test_undoing_asks_first_and_names_the_file(page: DataPage):
    undone: list[int] = []
    page.undo_requested.connect(undone.append)
    page.show_overview(OVERVIEW)
    assert not page.imported.undo_button.isEnabled()
    click_row(page.imported.table, 1)
    assert page.imported.undo_button.isEnabled()
    QTest.mouseClick(page.imported.undo_button, Qt.MouseButton.LeftButton)
    box = question(page)
    assert "readings.csv" in box.text()
    assert undone == []
    press(box, "Cancel")
    assert undone == []
    QTest.mouseClick(page.imported.undo_button, Qt.MouseButton.LeftButton)
    press(question(page), "Undo this import")
    assert undone == [2]


def test_what_is_undone_already_cannot_be_undone_again(page: DataPage):
    page.show_overview(OVERVIEW)
    click_row(page.imported.table, 0)
    assert page.imported.table.selectionBehavior() == QAbstractItemView.SelectionBehavior.SelectRows
    assert not page.imported.undo_button.isEnabled()


def test_a_double_click_on_a_machine_asks_for_its_page(page: DataPage, qtbot: QtBot):
    page.show_overview(OVERVIEW)
    with qtbot.waitSignal(page.machine_chosen) as told:
        click_row(page.machine_table, 1, double=True)
    assert told.args == ["2"]


def test_sensors_stand_with_their_units_limits_and_the_values_beyond_them(page: DataPage):
    page.show_overview(OVERVIEW)
    assert [list(cells(page.sensor_table, row).values()) for row in range(2)] == [
        ["torque", "Nm", "0 to 120", "37"],
        ["flow", "—", "—", "—"],
    ]


def test_a_sensor_is_changed_by_its_button_or_a_double_click(page: DataPage, qtbot: QtBot):
    page.show_overview(OVERVIEW)
    assert not page.sensor_button.isEnabled()
    click_row(page.sensor_table, 1)
    with qtbot.waitSignal(page.sensor_requested) as told:
        QTest.mouseClick(page.sensor_button, Qt.MouseButton.LeftButton)
    assert told.args[0].name == "flow"
    with qtbot.waitSignal(page.sensor_requested) as told:
        click_row(page.sensor_table, 0, double=True)
    assert told.args[0].name == "torque"


def test_what_is_doubtful_is_counted_and_told_in_the_tool_tip(page: DataPage):
    doubtful = replace(
        ROWS[0],
        stuck=(Stuck("torque", START, START + 30 * HOUR, 7.25),),
        jumps=(ClockJump(START + 50 * HOUR, -HOUR // 4),),
        outside=(("torque", 37),),
    )
    page.show_overview(replace(OVERVIEW, rows=(doubtful, *ROWS[1:])))
    assert cells(page.machine_table, 0)["Doubtful"] == "1 stuck · 1 clock jump · 37 outside"
    assert cells(page.machine_table, 1)["Doubtful"] == "—"
    tip = page.machines.index(0, page.machines.column_of("flags")).data(int(Qt.ItemDataRole.ToolTipRole))
    assert tip.splitlines() == [
        "torque showed 7.25 from 1 Jan 2015, 06:00 to 2 Jan 2015, 12:00  (30 h)",
        "The clock jumped by 15 min at 3 Jan 2015, 08:00",
        "37 values of torque lie outside its plausible limits",
    ]


def test_a_machine_must_be_selected_to_be_changed_and_a_retired_one_can_be_returned(page: DataPage, qtbot: QtBot):
    page.show_overview(replace(OVERVIEW, rows=(ROWS[0], replace(ROWS[1], retired=END), ROWS[2])))
    buttons = (page.record_button, page.rename_button, page.merge_button, page.retire_button)
    assert not any(button.isEnabled() for button in buttons)
    click_row(page.machine_table, 0)
    assert all(button.isEnabled() for button in buttons)
    assert page.retire_button.text() == "Retire…"
    click_row(page.machine_table, 1)
    assert page.retire_button.text() == "Return…"
    assert cells(page.machine_table, 1)["Make"] == "retired"
    with qtbot.waitSignal(page.retire_requested) as told:
        QTest.mouseClick(page.retire_button, Qt.MouseButton.LeftButton)
    assert told.args[0].machine == "2"
    page.set_writable(False)
    assert [button.isEnabled() for button in buttons] == [True, False, False, False]


@pytest.mark.parametrize(
    ("ms", "text"),
    [(500, "0.5 s"), (600_000, "10 min"), (HOUR, "1 h"), (90 * times.MINUTE, "1.5 h"), (71 * HOUR, "71 h"),
     (84 * HOUR, "3.5 d"), (40 * times.DAY, "40 d")],
)  # fmt: skip
def test_durations_are_short(ms: int, text: str):
    assert duration_text(ms) == text


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_page_fits_the_smallest_window_and_is_not_blank(page: DataPage, theme: Theme, choice: str):
    theme.set_choice(choice)  # type: ignore[arg-type]
    page.show_overview(OVERVIEW)
    QApplication.processEvents()
    assert page.minimumSizeHint().width() <= 1294
    assert page.minimumSizeHint().height() <= 692
    image = page.grab().toImage()
    colours = {image.pixelColor(x, y).rgb() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}
    assert len(colours) > 30
