"""The window with a real workspace, driven by clicks, keys and drops."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from pdm_desktop.core import simulate
from pdm_desktop.core.lock import WorkspaceLock
from pdm_desktop.core.progress import Progress
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.pages.data import DataPage
from pdm_desktop.gui.pages.fleet import FleetPage
from pdm_desktop.gui.pages.machine import MachinePage
from pdm_desktop.gui.pages.welcome import WelcomePage
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import LONG, finish, idle, message, opened_window, press

MACHINES = 4


@pytest.fixture(scope="session")
def plant_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five files of a small simulated plant."""
    folder = tmp_path_factory.mktemp("plant")
    simulate.write(folder, machines=MACHINES, days=40, seed=3, progress=Progress())
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty workspace's folder."""
    return tmp_path / "workspace"


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, folder: Path) -> Iterator[MainWindow]:
    """The window on an empty workspace, greeting."""
    yield from opened_window(qtbot, theme, settings, folder)


@pytest.fixture
def filled(qtbot: QtBot, window: MainWindow, plant_files: Path) -> MainWindow:
    """The window on an imported and scored plant, its message read."""
    with qtbot.waitSignal(window.settled, timeout=LONG):
        window.import_files([plant_files])
    press(qtbot, message(window), "OK")
    idle(qtbot, window)
    return window


def choose(qtbot: QtBot, window: MainWindow, names: str) -> None:
    """Type names into the open file dialog and accept it."""
    (dialog,) = [made for made in window.findChildren(QFileDialog) if made.isVisible()]
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(line, QLineEdit)
    line.setText(names)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def page(window: MainWindow, kind: type[Any]) -> Any:
    shown = window.stack.currentWidget()
    assert isinstance(shown, kind), f"{window.page} is shown"
    return shown


def rows_stored(folder: Path, table: str) -> int:
    connection = sqlite3.connect(folder / "plant.db")
    try:
        (count,) = connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()
    finally:
        connection.close()
    return int(count)


def test_the_first_start_greets_with_two_choices(window: MainWindow, folder: Path) -> None:
    greeting = page(window, WelcomePage)
    assert [made.text() for made in greeting.findChildren(QPushButton)] == ["Open the demo plant", "Import files…"]
    assert str(folder) in greeting.where.text()
    assert not window.rail.buttons["fleet"].isEnabled()


def test_the_demo_plant_opens_with_one_click(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window.settled, timeout=LONG):
        qtbot.mouseClick(page(window, WelcomePage).demo_button, Qt.MouseButton.LeftButton)
    shown = page(window, FleetPage)
    assert shown.model.rowCount() == 30
    assert all(row.risk is not None for row in shown.model.rows())
    assert window.top.plant.text() == "Demo plant (simulated)"
    assert window.top.clock.text() in ("Live", "End of data")


def test_files_chosen_in_the_dialog_come_in_and_the_fleet_appears(
    qtbot: QtBot, window: MainWindow, folder: Path, plant_files: Path
) -> None:
    qtbot.mouseClick(page(window, WelcomePage).import_button, Qt.MouseButton.LeftButton)
    names = " ".join(f'"{path}"' for path in sorted(plant_files.glob("*.csv")))
    with qtbot.waitSignal(window.settled, timeout=LONG):
        choose(qtbot, window, names)
    said = message(window)
    assert "rows came in" in said.text()
    assert f"PdM_machines.csv: {MACHINES} machines" in said.informativeText()
    press(qtbot, said, "OK")
    assert sorted(row.machine for row in page(window, FleetPage).model.rows()) == ["1", "2", "3", "4"]
    with (plant_files / "PdM_telemetry.csv").open(encoding="utf-8") as file:
        assert rows_stored(folder, "telemetry") == sum(1 for _ in file) - 1


def test_the_same_files_again_change_nothing_and_it_says_so(
    qtbot: QtBot, filled: MainWindow, plant_files: Path
) -> None:
    before = page(filled, FleetPage).model.rows()
    with qtbot.waitSignal(filled.settled, timeout=LONG):
        filled.import_files([plant_files])
    said = message(filled)
    assert said.text() == "Already imported: nothing changed."
    press(qtbot, said, "OK")
    after = page(filled, FleetPage).model.rows()
    assert [(row.machine, row.risk) for row in after] == [(row.machine, row.risk) for row in before]


def test_a_broken_file_is_refused_with_its_place_and_nothing_changes(
    qtbot: QtBot, window: MainWindow, folder: Path, plant_files: Path, tmp_path: Path
) -> None:
    good = tmp_path / "PdM_machines.csv"
    shutil.copy(plant_files / "PdM_machines.csv", good)
    broken = tmp_path / "holiday photos.csv"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    with qtbot.waitSignal(window.trouble, timeout=LONG):
        window.import_files([good, broken])
    said = message(window)
    assert "holiday photos.csv" in said.text() + said.informativeText()
    press(qtbot, said, "OK")
    assert page(window, WelcomePage).import_button.isEnabled()
    idle(qtbot, window)
    assert rows_stored(folder, "machine") == 0


def test_a_folder_dropped_on_the_window_is_imported(qtbot: QtBot, window: MainWindow, plant_files: Path) -> None:
    held = QMimeData()
    held.setUrls([QUrl.fromLocalFile(str(plant_files))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(600, 400), copy, held, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(window.settled, timeout=LONG):
        QApplication.sendEvent(window, QDropEvent(QPointF(600, 400), copy, held, left, none))
    assert page(window, FleetPage).model.rowCount() == MACHINES
    press(qtbot, message(window), "OK")


def test_a_double_click_on_a_machine_opens_its_page(qtbot: QtBot, filled: MainWindow) -> None:
    table = page(filled, FleetPage).table
    second = page(filled, FleetPage).model.rows()[1].machine
    spot = table.visualRect(table.model().index(1, 1)).center()
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "machine"):
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    shown = page(filled, MachinePage)
    assert shown.machine == second
    assert shown.heading.text() == f"Machine {second}"
    assert filled.rail.buttons["machine"].isChecked()


def test_the_rail_opens_the_data_page(qtbot: QtBot, filled: MainWindow) -> None:
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "data"):
        qtbot.mouseClick(filled.rail.buttons["data"], Qt.MouseButton.LeftButton)
    overview = page(filled, DataPage).overview
    assert [row.machine for row in overview.rows] == ["1", "2", "3", "4"]
    assert len(overview.batches) == 5


def test_ctrl_k_finds_a_machine(qtbot: QtBot, filled: MainWindow) -> None:
    filled.activateWindow()
    qtbot.waitUntil(filled.isActiveWindow)
    qtbot.keyClick(filled, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert filled.top.search.hasFocus()
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "machine"):
        qtbot.keyClicks(filled.top.search, "3")
        qtbot.keyClick(filled.top.search, Qt.Key.Key_Return)
    assert page(filled, MachinePage).machine == "3"


def test_undoing_an_import_takes_its_rows_back(qtbot: QtBot, filled: MainWindow, folder: Path) -> None:
    before = rows_stored(folder, "errors")
    assert before > 0
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "data"):
        filled.show_page("data")
    shown = page(filled, DataPage)
    errors = next(batch for batch in shown.overview.batches if batch.kind == "errors")
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "data"):
        shown.undo_requested.emit(errors.id)
    assert rows_stored(folder, "errors") == 0
    assert next(batch for batch in shown.overview.batches if batch.id == errors.id).undone


def test_a_machine_that_is_gone_does_not_stay_on_the_screen(qtbot: QtBot, filled: MainWindow, tmp_path: Path) -> None:
    extra = tmp_path / "PdM_machines.csv"
    extra.write_text("machineID,model,age\nZ,model1,3\n", "utf-8")
    workspace = filled.session.workspace
    assert workspace is not None
    (made,) = workspace.import_files([extra], Progress()).files
    filled.session.change()
    idle(qtbot, filled)
    filled.open_machine("Z")
    idle(qtbot, filled)
    assert page(filled, MachinePage).machine == "Z"
    assert made.batch is not None
    late = workspace.machine_view("Z", None, None, Progress())
    workspace.undo(made.batch, Progress())
    filled.session.change()
    idle(qtbot, filled)
    assert page(filled, MachinePage).machine == ""
    assert page(filled, MachinePage).machines.findText("Z") == -1
    # An answer that was under way when the machine went comes too late.
    filled.session.view_ready.emit(late)
    assert page(filled, MachinePage).machine == ""


def test_the_report_of_the_menu_holds_the_risks_on_the_screen(qtbot: QtBot, filled: MainWindow, tmp_path: Path) -> None:
    filled.menu_actions["report"].trigger()
    out = tmp_path / "report.csv"
    with qtbot.waitSignal(filled.session.written, timeout=LONG):
        choose(qtbot, filled, str(out))
    assert str(out) in filled.notice.text
    with out.open(encoding="utf-8-sig", newline="") as file:
        reported = {row["machine"]: float(row["risk"]) for row in csv.DictReader(file)}
    shown = {row.machine: row.risk for row in page(filled, FleetPage).model.rows()}
    assert reported == pytest.approx(shown, abs=1e-6)


def test_the_chosen_theme_is_remembered(window: MainWindow, settings: QSettings) -> None:
    window.menu_actions["theme:dark"].trigger()
    assert window.theme.name == "dark"
    assert settings.value("theme") == "dark"
    window.menu_actions["theme:light"].trigger()
    assert settings.value("theme") == "light"


def test_actions_that_make_no_sense_yet_are_off(window: MainWindow) -> None:
    off = {key for key, action in window.menu_actions.items() if not action.isEnabled()}
    assert off == {"report", "page:fleet", "page:machine", "page:data", "page:models", "find", "refresh"}


def held_up(qtbot: QtBot, window: MainWindow) -> Callable[[], bool]:
    """Work in the write lane that only ends when cancelled; returns whether it was."""
    ended: list[Exception] = []

    def work(progress: Progress) -> None:
        while True:
            progress.check()

    window.session.tasks.run("write", "Importing", work, lambda _: None, ended.append)
    qtbot.waitUntil(lambda: any(task.state == "running" for task in window.session.tasks.active()))
    return lambda: bool(ended)


def test_closing_while_work_is_under_way_asks_first(qtbot: QtBot, window: MainWindow) -> None:
    cancelled = held_up(qtbot, window)
    window.close()
    assert window.isVisible()
    said = message(window)
    assert said.text() == "Importing is not finished."
    press(qtbot, said, "Keep working")
    assert window.isVisible()
    assert not cancelled()
    window.close()
    press(qtbot, message(window), "Stop it and quit")
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=LONG)
    assert window.session.workspace is None
    assert not window.session.tasks.active()


def test_an_import_that_is_stopped_changes_nothing(
    qtbot: QtBot, window: MainWindow, folder: Path, plant_files: Path
) -> None:
    window.import_files([plant_files])
    window.session.cancel_all()
    qtbot.waitUntil(lambda: window.strip.hint.text() == "Stopped: nothing changed", timeout=LONG)
    assert rows_stored(folder, "machine") == 0
    assert rows_stored(folder, "telemetry") == 0
    assert page(window, WelcomePage).demo_button.isEnabled()


def test_a_workspace_in_use_is_offered_read_only(
    qtbot: QtBot, theme: Theme, filled: MainWindow, folder: Path, tmp_path: Path
) -> None:
    filled.close()
    lock = WorkspaceLock(folder / "workspace.lock")
    lock.acquire()
    other = MainWindow(theme, QSettings(str(tmp_path / "other.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(other, before_close_func=finish)
    other.show()
    try:
        with qtbot.waitSignal(other.trouble, timeout=LONG):
            other.open_workspace(folder)
        with qtbot.waitSignal(other.settled, timeout=LONG):
            press(qtbot, message(other), "Open read-only")
        assert page(other, FleetPage).model.rowCount() == MACHINES
        assert "(read-only)" in other.windowTitle()
        assert not other.menu_actions["import"].isEnabled()
        assert not page(other, FleetPage).import_button.isEnabled()
        assert other.menu_actions["report"].isEnabled()
    finally:
        other.session.close()
        lock.release()


def test_the_demo_plant_never_mixes_with_the_plants_record(qtbot: QtBot, filled: MainWindow, folder: Path) -> None:
    before = rows_stored(folder, "telemetry")
    with qtbot.waitSignal(filled.settled, timeout=LONG, check_params_cb=lambda key: key == "fleet"):
        filled.menu_actions["demo"].trigger()
    assert page(filled, FleetPage).model.rowCount() == 30
    assert rows_stored(folder, "telemetry") == before
    assert filled.session.workspace is not None
    assert filled.session.workspace.folder == folder.parent / "demo plant"
