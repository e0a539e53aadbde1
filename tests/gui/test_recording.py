"""Changes by hand in the real window, by clicks: what is entered reaches the record and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core import simulate, times
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from pdm_desktop.gui.conflicts import ConflictsDialog
from pdm_desktop.gui.event_menu import EventMenu
from pdm_desktop.gui.forms import (
    EventForm,
    KnownUntilForm,
    MergeForm,
    PeriodForm,
    ReasonForm,
    RenameForm,
    RuleForm,
    SensorForm,
)
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.pages.data import DataPage
from pdm_desktop.gui.pages.machine import MachinePage
from pdm_desktop.gui.record_dialogs import ChangesDialog, PeriodsDialog, RecordDialog
from pdm_desktop.gui.signed_form import SignedForm
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import idle, opened_window

LONG = 60_000
HOUR = times.HOUR
W = TypeVar("W", bound=QWidget)


@pytest.fixture(scope="session")
def hand_plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hand plant")
    simulate.write(folder, machines=3, days=30, seed=3, progress=Progress())
    return folder


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path, hand_plant: Path) -> Iterator[MainWindow]:
    folder = tmp_path / "ws"
    with Workspace.open(folder) as workspace:
        workspace.import_files([hand_plant], Progress())
    yield from opened_window(qtbot, theme, settings, folder)


def store(window: MainWindow) -> Workspace:
    assert window.session.workspace is not None
    return window.session.workspace


def click(widget: QWidget) -> None:
    assert widget.isEnabled(), widget
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    QApplication.processEvents()


def shown(window: MainWindow, kind: type[W]) -> W:
    (found,) = [made for made in window.findChildren(kind) if made.isVisible()]
    return found


def row(table: QTableView, at: int) -> None:
    place = table.visualRect(table.model().index(at, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QApplication.processEvents()


def sign(form: SignedForm, who: str = "Ann", why: str = "") -> None:
    form.who.clear()
    QTest.keyClicks(form.who, who)
    QTest.keyClicks(form.why, why)


def submit(qtbot: QtBot, window: MainWindow, form: SignedForm) -> None:
    """Press the form's button; it closes once the change is made and the pages have looked again."""
    with qtbot.waitSignal(form.finished, timeout=LONG):
        click(form.save)
    idle(qtbot, window)


def press(box: QMessageBox, text: str) -> None:
    (found,) = [made for made in box.findChildren(QPushButton) if made.text().replace("&", "") == text]
    click(found)


@pytest.fixture
def data(qtbot: QtBot, window: MainWindow) -> DataPage:
    with qtbot.waitSignal(window.settled, timeout=LONG):
        window.show_page("data")
    idle(qtbot, window)
    page = window.pages["data"]
    assert isinstance(page, DataPage)
    return page


@pytest.fixture
def record(qtbot: QtBot, window: MainWindow) -> RecordDialog:
    """The record of machine 2, opened from its page."""
    window.open_machine("2")
    idle(qtbot, window)
    page = window.pages["machine"]
    assert isinstance(page, MachinePage)
    click(page.record_button)
    dialog = shown(window, RecordDialog)
    qtbot.waitUntil(lambda: dialog.record is not None, timeout=LONG)
    return dialog


def test_a_replacement_entered_by_hand_is_on_record_and_can_be_taken_back(
    qtbot: QtBot, window: MainWindow, record: RecordDialog
) -> None:
    count = record.events.rowCount()
    click(record.enter)
    form = shown(window, EventForm)
    assert form.focusWidget() is form.kind
    assert not form.save.isEnabled()
    form.kind.setFocus()
    QTest.keyClick(form.kind, Qt.Key.Key_Down)
    form.time.set_ms(store(window).clock().now - 5 * HOUR)
    QTest.keyClicks(form.what, "comp9")
    sign(form, "Ann", "forgotten")
    submit(qtbot, window, form)
    newest = record.events.rows()[0]
    assert (newest.kind, newest.label, newest.by_hand) == ("maintenance", "comp9", True)
    assert record.events.rowCount() == count + 1
    record.tabs.setCurrentIndex(2)
    (edit,) = record.edits.rows()
    assert (edit.who, edit.why) == ("Ann", "forgotten")
    row(record.edit_table, 0)
    click(record.undo)
    press(shown(window, QMessageBox), "Take back")
    qtbot.waitUntil(lambda: record.events.rowCount() == count, timeout=LONG)
    assert record.edits.rows()[0].undone
    idle(qtbot, window)


def test_what_is_refused_is_said_in_the_form_and_kept_there(
    qtbot: QtBot, window: MainWindow, record: RecordDialog
) -> None:
    there = record.events.rows()[0]
    click(record.enter)
    form = shown(window, EventForm)
    form.kind.setCurrentIndex(form.kind.findData(there.kind))
    form.time.set_ms(there.time)
    form.what.setEditText(there.label)
    sign(form)
    click(form.save)
    qtbot.waitUntil(form.error.isVisible, timeout=LONG)
    assert "on record already" in form.error.text
    assert form.what.currentText() == there.label
    click(form.cancel)
    assert store(window).machine_record("2").edits == ()


def test_an_event_is_corrected_and_another_deleted_each_with_a_reason(
    qtbot: QtBot, window: MainWindow, record: RecordDialog
) -> None:
    first, second = record.events.rows()[:2]
    row(record.event_table, 0)
    click(record.correct)
    form = shown(window, EventForm)
    assert form.what.currentText() == first.label
    form.time.set_ms(first.time - HOUR)
    sign(form)
    assert not form.save.isEnabled()
    QTest.keyClicks(form.why, "wrong shift")
    submit(qtbot, window, form)
    times_now = [event.time for event in record.events.rows() if event.by_hand]
    assert times_now == [first.time - HOUR]
    at = record.events.position(second)
    assert at is not None
    row(record.event_table, at)
    click(record.delete)
    asked = shown(window, SignedForm)
    assert second.label in asked.line.text()
    sign(asked, why="another machine")
    submit(qtbot, window, asked)
    assert record.events.position(second) is None
    whats = [edit.what for edit in store(window).machine_record("2").edits]
    assert whats == ["event deleted", "event corrected"]


def test_a_machine_entered_as_out_of_service_loses_its_risk_on_the_fleet_page(
    qtbot: QtBot, window: MainWindow, record: RecordDialog
) -> None:
    record.tabs.setCurrentIndex(1)
    click(record.enter_period)
    form = shown(window, PeriodForm)
    form.start.set_ms(store(window).clock().now - 3 * HOUR)
    sign(form, why="overhaul")
    submit(qtbot, window, form)
    fleet = window.session.fleet
    assert fleet is not None
    (state,) = [machine for machine in fleet.rows if machine.machine == "2"]
    assert state.risk is None
    assert state.note.startswith("Out of service since")
    row(record.period_table, 0)
    click(record.remove_period)
    asked = shown(window, SignedForm)
    sign(asked)
    submit(qtbot, window, asked)
    assert record.periods.rowCount() == 0


def test_who_is_remembered(qtbot: QtBot, window: MainWindow, record: RecordDialog) -> None:
    click(record.enter_period)
    form = shown(window, PeriodForm)
    sign(form, "Anna Berg")
    submit(qtbot, window, form)
    click(record.enter_period)
    again = shown(window, PeriodForm)
    assert again.who.text() == "Anna Berg"
    click(again.cancel)


def test_a_sensor_gets_limits_and_the_values_beyond_are_counted(
    qtbot: QtBot, window: MainWindow, data: DataPage
) -> None:
    row(data.sensor_table, 0)
    click(data.sensor_button)
    form = shown(window, SensorForm)
    assert not form.save.isEnabled()
    QTest.keyClicks(form.high, "1000000")
    QTest.keyClicks(form.low, "many")
    assert not form.save.isEnabled()
    form.low.clear()
    QTest.keyClicks(form.low, "999999")
    form.unit.clear()
    QTest.keyClicks(form.unit, "V")
    sign(form)
    submit(qtbot, window, form)
    changed = data.sensors.rows()[0]
    readings = sum(machine.readings for machine in data.machines.rows())
    assert (changed.unit, changed.low, changed.high, changed.outside) == ("V", 999999.0, 1000000.0, readings)


def test_a_machine_is_renamed_and_merged_and_retired_from_the_data_page(
    qtbot: QtBot, window: MainWindow, data: DataPage
) -> None:
    window.open_machine("1")
    idle(qtbot, window)
    window.show_page("data")
    row(data.machine_table, 0)
    click(data.rename_button)
    form = shown(window, RenameForm)
    form.name.clear()
    QTest.keyClicks(form.name, "Press 1")
    sign(form)
    submit(qtbot, window, form)
    assert [machine.machine for machine in data.machines.rows()] == ["2", "3", "Press 1"]
    window.show_page("machine")
    idle(qtbot, window)
    page = window.pages["machine"]
    assert isinstance(page, MachinePage)
    assert page.heading.text() == "Machine Press 1"
    window.show_page("data")
    row(data.machine_table, 1)
    click(data.merge_button)
    merge = shown(window, MergeForm)
    sign(merge, why="the same press")
    merge.into.setFocus()
    QTest.keyClick(merge.into, Qt.Key.Key_Down)
    qtbot.waitUntil(merge.save.isEnabled, timeout=LONG)
    assert merge.chosen() == "2"
    readings = data.machines.rows()[1].readings
    assert f"{readings:,} readings and" in merge.what.text()
    assert "cannot be taken back" in merge.what.text()
    submit(qtbot, window, merge)
    assert [machine.machine for machine in data.machines.rows()] == ["2", "Press 1"]
    row(data.machine_table, 0)
    click(data.retire_button)
    asked = shown(window, SignedForm)
    sign(asked, why="scrapped")
    submit(qtbot, window, asked)
    fleet = window.session.fleet
    assert fleet is not None
    assert [machine.machine for machine in fleet.rows] == ["Press 1"]
    assert data.machines.rows()[0].retired is not None
    click(data.changes_button)
    changes = shown(window, ChangesDialog)
    assert [edit.what for edit in changes.edits.rows()] == ["machine retired", "machines merged", "machine renamed"]
    row(changes.table, 1)
    assert not changes.undo.isEnabled()
    row(changes.table, 0)
    assert changes.details.text() == "Machine 2: retired."
    click(changes.undo)
    press(shown(window, QMessageBox), "Take back")
    idle(qtbot, window)
    assert data.machines.rows()[0].retired is None


def test_until_when_failures_are_known_is_set_on_the_data_page(
    qtbot: QtBot, window: MainWindow, data: DataPage
) -> None:
    click(data.known_until_button)
    form = shown(window, KnownUntilForm)
    assert not form.time.isEnabled()
    form.newest.click()
    form.time.set_ms(times.parse("2015-01-28 00:00", "UTC"))
    sign(form, "Ann", "Asked the shift")
    newest = data.facts["Failures known until"].text()
    submit(qtbot, window, form)
    assert data.facts["Failures known until"].text() == "28 Jan 2015, 00:00"
    assert store(window).settings.failures_known_until == "2015-01-28T00:00:00+00:00"
    click(data.changes_button)
    changes = shown(window, ChangesDialog)
    (edit,) = changes.edits.rows()
    assert (edit.who, edit.why) == ("Ann", "Asked the shift")
    assert "Failures known until 28 Jan 2015, 00:00" in changes.edits.index(0, changes.edits.column_of("what")).data()
    row(changes.table, 0)
    click(changes.undo)
    press(shown(window, QMessageBox), "Take back")
    idle(qtbot, window)
    assert store(window).settings.failures_known_until == ""
    assert data.facts["Failures known until"].text() == newest


def test_a_rule_is_added_and_a_file_of_periods_imported(
    qtbot: QtBot, window: MainWindow, data: DataPage, tmp_path: Path
) -> None:
    click(data.periods_button)
    dialog = shown(window, PeriodsDialog)
    click(dialog.add_rule)
    form = shown(window, RuleForm)
    assert not form.save.isEnabled()
    QTest.keyClicks(form.value, "-5")
    sign(form)
    submit(qtbot, window, form)
    assert [rule.value for rule in dialog.rules.rows()] == [-5.0]
    path = tmp_path / "periods.csv"
    path.write_text("machine,start,end,state\n1,2015-01-02,2015-01-03,stopped\n", "utf-8")
    window._recording()._take_file([path])
    asked = shown(window, SignedForm)
    sign(asked)
    submit(qtbot, window, asked)
    (period,) = dialog.periods.rows()
    assert (period.machine, period.state, period.source) == ("1", "stopped", "file")
    row(dialog.rule_table, 0)
    click(dialog.remove_rule)
    asked = shown(window, SignedForm)
    sign(asked)
    submit(qtbot, window, asked)
    assert dialog.rules.rowCount() == 0
    click(dialog.done_button)


def test_the_values_in_which_an_import_differed_are_listed_with_both(
    qtbot: QtBot, window: MainWindow, data: DataPage, tmp_path: Path
) -> None:
    history = store(window).machine_view("2", None, None, Progress())
    moment = times.iso(int(history.sensors[0].times[-1]), "UTC")
    was = float(history.sensors[0].values[-1])
    path = tmp_path / "later.csv"
    path.write_text(f"datetime,machineID,{history.sensors[0].name}\n{moment},2,777\n", "utf-8")
    with qtbot.waitSignal(window.session.imported, timeout=LONG):
        window.import_files([path])
    (box,) = [made for made in window.findChildren(QMessageBox) if made.isVisible()]
    press(box, "OK")
    window.show_page("data")
    idle(qtbot, window)
    row(data.imported.table, 1)
    assert not data.imported.conflicts_button.isEnabled()
    row(data.imported.table, 0)
    click(data.imported.conflicts_button)
    dialog = shown(window, ConflictsDialog)
    qtbot.waitUntil(lambda: dialog.model.rowCount() == 1, timeout=LONG)
    cells = [dialog.model.index(0, at).data() for at in range(dialog.model.columnCount())]
    assert (cells[0], cells[1], cells[3], cells[4:]) == ("2", "2", history.sensors[0].name, [f"{was:.6g}", "777"])
    assert not dialog.notice.isVisible()
    click(dialog.done_button)


def popped(window: MainWindow) -> EventMenu:
    """The menu that the pointer opened among the trends."""
    (menu,) = [made for made in window.findChildren(EventMenu) if made.isVisible()]
    return menu


def choose(menu: EventMenu, words: str) -> None:
    """Press the entry whose text begins so."""
    (act,) = [act for act in menu.actions() if act.text().startswith(words)]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(act).center())
    QApplication.processEvents()


def right_click(page: MachinePage, at: int) -> None:
    """Ask for what can be done at a time, on the lane of events."""
    canvas = page.plot.canvas
    assert canvas.events is not None
    x = round(float(canvas.x_of(np.array([at], np.float64))[0]))
    spot = QPoint(x, round(canvas.events.pos().y() + 10))
    place = canvas.viewport().mapToGlobal(spot)
    QApplication.sendEvent(canvas.viewport(), QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, place))
    QApplication.processEvents()


def test_an_event_is_entered_corrected_and_deleted_where_it_is_seen(qtbot: QtBot, window: MainWindow) -> None:
    window.open_machine("2")
    idle(qtbot, window)
    page = window.pages["machine"]
    assert isinstance(page, MachinePage)
    at = store(window).clock().now - 100 * HOUR
    before = {(e.kind, e.time, e.label) for e in store(window).machine_record("2").events}
    quiet = next(at - k * HOUR for k in range(100) if not page.plot.canvas._near(at - k * HOUR))
    right_click(page, quiet)
    assert [act.text().partition(" at ")[0] for act in popped(window).actions()] == [
        "Enter an event",
        "Open the record…",
    ]
    choose(popped(window), "Enter an event")
    qtbot.waitUntil(lambda: any(form.isVisible() for form in window.findChildren(EventForm)), timeout=LONG)
    form = shown(window, EventForm)
    # a pixel is some minutes wide
    assert abs(form.time.ms() - quiet) < HOUR
    form.time.set_ms(quiet)
    QTest.keyClicks(form.what, "comp9")
    sign(form, "Ann")
    submit(qtbot, window, form)
    assert {(e.kind, e.time, e.label) for e in store(window).machine_record("2").events} - before == {
        ("failures", quiet, "comp9")
    }
    right_click(page, quiet)
    choose(popped(window), "Correct failure comp9")
    qtbot.waitUntil(lambda: any(form.isVisible() for form in window.findChildren(EventForm)), timeout=LONG)
    form = shown(window, EventForm)
    form.what.setFocus()
    form.what.lineEdit().selectAll()
    QTest.keyClicks(form.what, "comp8")
    sign(form, "Ann", "typing error")
    submit(qtbot, window, form)
    right_click(page, quiet)
    choose(popped(window), "Delete failure comp8")
    reason = shown(window, ReasonForm)
    sign(reason, "Ann", "never happened")
    submit(qtbot, window, reason)
    assert {(e.kind, e.time, e.label) for e in store(window).machine_record("2").events} == before
    whats = [edit.what for edit in store(window).changes()]
    assert whats == ["event deleted", "event corrected", "event entered"]


def test_what_can_be_done_among_the_trends_is_little_where_nothing_may_be_changed(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.open_machine("2")
    idle(qtbot, window)
    page = window.pages["machine"]
    assert isinstance(page, MachinePage)
    page.set_writable(False)
    right_click(page, store(window).clock().now - 100 * HOUR)
    usable = [act.text() for act in popped(window).actions() if act.isEnabled() and not act.isSeparator()]
    assert usable == ["Open the record…"]
    popped(window).close()
