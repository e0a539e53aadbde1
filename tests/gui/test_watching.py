"""Watching a folder from the window: chosen by clicks, looked into by the session, told calmly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QCheckBox, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core import simulate, times
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport, WatchFailure, WatchReport, WatchSettings
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.pages.fleet import FleetPage
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tray import Tray
from pdm_desktop.gui.wizards.watch_dialog import WatchDialog, watch_text
from tests.gui.hands import LONG, click, finish, idle, message, opened_window, press


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """Where exports arrive."""
    made = tmp_path / "share"
    made.mkdir()
    return made


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[MainWindow]:
    """The window on an empty workspace."""
    yield from opened_window(qtbot, theme, settings, tmp_path / "workspace")


def open_dialog(window: MainWindow) -> WatchDialog:
    window.menu_actions["watch"].trigger()
    assert window.importing.watch_dialog is not None
    return window.importing.watch_dialog


def watch(qtbot: QtBot, window: MainWindow, share: Path, *, move: bool = False) -> None:
    """Choose the folder by keys and clicks; back after the first look."""
    dialog = open_dialog(window)
    dialog.folder.clear()
    qtbot.keyClicks(dialog.folder, str(share))
    if move:
        dialog.move_files.click()
    with qtbot.waitSignal(window.session.watched, timeout=LONG):
        click(qtbot, dialog.save)
    idle(qtbot, window)


def look(qtbot: QtBot, window: MainWindow) -> WatchReport:
    """A look a minute from now."""
    with qtbot.waitSignal(window.session.watched, timeout=LONG) as found:
        window.session.look(times.now_ms() + times.MINUTE)
    report = found.args[0]
    assert isinstance(report, WatchReport)
    return report


def test_files_that_arrive_in_the_chosen_folder_come_in_are_scored_and_told(
    qtbot: QtBot, window: MainWindow, share: Path
) -> None:
    simulate.write(share, machines=3, days=20, seed=5, progress=Progress())
    assert window.strip.title.text() == "Ready"
    watch(qtbot, window, share, move=True)
    assert window.strip.title.text().startswith("Ready · watching ")
    assert window.strip.title.text().endswith(share.name)
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "fleet"):
        report = look(qtbot, window)
    assert len(report.imported) == 5
    shown = window.stack.currentWidget()
    assert isinstance(shown, FleetPage)
    assert sorted(row.machine for row in shown.model.rows()) == ["1", "2", "3"]
    assert "and 3 more files brought" in window.notice.text
    assert f"{3 * (20 * 24 + 1):,} readings" in window.notice.text
    assert window.notice.isVisible()
    assert sorted(path.name for path in share.iterdir()) == ["done"]
    press(qtbot, window.notice, "Details…")
    assert "PdM_machines.csv: 3 machines" in message(window).informativeText()
    press(qtbot, message(window), "OK")


def test_a_file_that_is_refused_is_told_with_its_reason_and_no_dialog_pops_up(
    qtbot: QtBot, window: MainWindow, share: Path
) -> None:
    watch(qtbot, window, share)
    (share / "note.txt").write_text("The export follows tomorrow.\n", "utf-8")
    look(qtbot, window)
    with qtbot.assertNotEmitted(window.trouble):
        window.session.look(times.now_ms() + 2 * times.MINUTE)
        idle(qtbot, window)
    assert window.notice.text.startswith("note.txt could not be imported: ")
    assert window.notice.property("tone") == "watch"


def test_the_choice_is_shown_again_and_survives_a_restart(
    qtbot: QtBot, window: MainWindow, share: Path, theme: Theme, tmp_path: Path
) -> None:
    watch(qtbot, window, share, move=True)
    window.close()
    again = MainWindow(theme, QSettings(str(tmp_path / "again.ini"), QSettings.Format.IniFormat))
    qtbot.addWidget(again, before_close_func=finish)
    again.show()
    with qtbot.waitSignal(again.session.watching_changed, timeout=LONG):
        again.open_workspace(tmp_path / "workspace")
    idle(qtbot, again)
    dialog = open_dialog(again)
    assert dialog.folder.text() == str(share)
    assert dialog.on.isChecked()
    assert dialog.move_files.isChecked()
    assert str(share) in dialog.state.text()
    again.session.close()


def test_a_folder_that_is_not_there_is_refused_in_the_dialog(qtbot: QtBot, window: MainWindow, share: Path) -> None:
    dialog = open_dialog(window)
    qtbot.keyClicks(dialog.folder, str(share / "not there"))
    click(qtbot, dialog.save)
    qtbot.waitUntil(dialog.error.isVisible, timeout=LONG)
    assert "no such folder" in dialog.error.text
    assert dialog.save.isEnabled()
    assert window.session.watching == WatchSettings()


def test_unchecking_the_box_ends_the_watching(qtbot: QtBot, window: MainWindow, share: Path) -> None:
    watch(qtbot, window, share)
    dialog = open_dialog(window)
    box = dialog.on
    assert isinstance(box, QCheckBox)
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert not dialog.folder.isEnabled()
    with qtbot.waitSignal(window.session.watching_changed, timeout=LONG):
        click(qtbot, dialog.save)
    idle(qtbot, window)
    with qtbot.assertNotEmitted(window.session.watched):
        window.session.look()
        idle(qtbot, window)


def test_the_menu_says_which_folder_is_watched(qtbot: QtBot, window: MainWindow, share: Path) -> None:
    assert window.menu_actions["watch"].text() == "&Watch a folder…"
    watch(qtbot, window, share)
    assert window.menu_actions["watch"].text() == "&Watching share…"


def test_the_dialog_says_what_it_waits_for(qtbot: QtBot, window: MainWindow, share: Path) -> None:
    watch(qtbot, window, share)
    dialog = open_dialog(window)
    (share / "export.csv").write_text("datetime,machineID,heat\n2015-01-01 06:00:00,1,1", "utf-8")
    look(qtbot, window)
    assert "waiting until export.csv has stopped growing" in dialog.state.text()


def test_a_share_that_is_away_is_told_once(qtbot: QtBot, window: MainWindow, share: Path) -> None:
    watch(qtbot, window, share)
    shutil.rmtree(share)
    look(qtbot, window)
    assert "cannot be looked into" in window.notice.text
    window.notice.show_text("")
    look(qtbot, window)
    assert window.notice.text == ""


def file_report(name: str, kind: str, accepted: int, rejected: int = 0) -> FileReport:
    how = ("wide", "utf-8", ",", ".", "UTC")
    return FileReport(f"/share/{name}", kind, *how, {}, (), (), accepted, rejected, 0, 0, 0, 0, 0, 0, 1, None)


def test_news_of_the_folder_are_counted_by_kind() -> None:
    files = (
        file_report("a.csv", "telemetry", 1_200),
        file_report("b.csv", "telemetry", 240, rejected=2),
        file_report("c.csv", "errors", 3),
    )
    text, tone = watch_text(WatchReport(files))
    assert text == (
        "From the watched folder: a.csv, b.csv and c.csv brought 1,440 readings, 3 errors. 2 rows were rejected."
    )
    assert tone == "watch"


def test_a_file_that_brought_two_kinds_of_record_is_named_once() -> None:
    files = (file_report("a.csv", "telemetry", 1_440), file_report("a.csv", "failures", 1))
    text, _ = watch_text(WatchReport(files))
    assert text == "From the watched folder: a.csv brought 1,440 readings, 1 failure."


def test_no_news_say_nothing() -> None:
    assert watch_text(WatchReport(known=("a.csv",), waiting=("b.csv",))) == ("", "")
    for reason in ("Why.", "a.csv: Why."):
        report = WatchReport(failed=(WatchFailure("a.csv", reason),))
        assert watch_text(report)[0] == "a.csv could not be imported: Why."


# The platform without a screen has no tray; what is looked at here is what is said to it.
@pytest.mark.qt_log_ignore("systemTrayWindowChanged")
def test_the_tray_tells_what_came_while_another_window_is_in_front(qtbot: QtBot, theme: Theme) -> None:
    behind, front = QWidget(), QWidget()
    for made in (behind, front):
        qtbot.addWidget(made)
        made.setWindowIcon(QIcon(theme.pixmap("app", "text", 64)))
    tray = Tray(behind, lambda: True)
    assert not tray.say("5 files came in", wrong=False)  # nothing is watched
    tray.watch("/share")
    assert tray.icon is not None
    assert tray.icon.toolTip() == "PDM Desktop watches /share"
    behind.showMinimized()
    front.show()
    front.activateWindow()
    qtbot.waitUntil(front.isActiveWindow, timeout=LONG)
    assert tray.say("5 files came in", wrong=False)
    tray.icon.messageClicked.emit()
    qtbot.waitUntil(behind.isActiveWindow, timeout=LONG)
    assert not behind.isMinimized()
    assert not tray.say("5 files came in", wrong=False)  # the window itself says it
    tray.watch("")
    assert tray.icon is None


def test_a_system_without_a_tray_gets_no_icon(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    tray = Tray(window, lambda: False)
    tray.watch("/share")
    assert tray.icon is None
    assert not tray.say("5 files came in", wrong=False)
