"""Preferences from the menu: typed by keys, judged at once, kept by the workspace or by this computer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from pdm_desktop.core.settings import Settings
from pdm_desktop.core.workspace import Workspace
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.preference_fields import FIELDS, consequences
from pdm_desktop.gui.preferences import PreferencesDialog
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import click, idle, opened_window


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with some things set."""
    made = tmp_path / "workspace"
    with Workspace.open(made) as workspace:
        workspace.change_settings({"plant_name": "Halle 2", "failures_known_until": "2015-03-31 06:00:30"})
    return made


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, folder: Path) -> Iterator[MainWindow]:
    """The window on that workspace."""
    yield from opened_window(qtbot, theme, settings, folder)


def open_dialog(qtbot: QtBot, window: MainWindow) -> PreferencesDialog:
    """Ctrl+, opens it."""
    window.menu_actions["preferences"].trigger()
    (dialog,) = window.findChildren(PreferencesDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def show(dialog: PreferencesDialog, key: str) -> None:
    """Turn to the tab of a field."""
    tab = dialog.editors[key].field.tab
    dialog.tabs.setCurrentIndex([dialog.tabs.tabText(at) for at in range(dialog.tabs.count())].index(tab))


def enter(qtbot: QtBot, dialog: PreferencesDialog, key: str, text: str) -> None:
    """Replace what a field holds by keys."""
    show(dialog, key)
    editor = dialog.editors[key]
    line = editor.line or (editor.box.lineEdit() if editor.box is not None else None)
    assert isinstance(line, QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_every_plant_setting_but_the_language_of_reports_can_be_set() -> None:
    # Nothing reads `locale` yet: a field without effect would be a lie.
    assert {field.key for field in FIELDS if not field.here} == {f.name for f in fields(Settings)} - {"locale"}


def test_a_name_that_is_typed_stands_in_the_window_and_in_the_workspace(qtbot: QtBot, window: MainWindow) -> None:
    dialog = open_dialog(qtbot, window)
    assert not dialog.save.isEnabled()
    enter(qtbot, dialog, "plant_name", "Nord")
    click(qtbot, dialog.save)
    idle(qtbot, window)
    assert window.session.workspace is not None
    assert window.session.workspace.settings == replace(
        Settings(), plant_name="Nord", failures_known_until="2015-03-31 06:00:30"
    )
    assert window.windowTitle().startswith("Nord ")
    assert not window.findChildren(PreferencesDialog)


def test_nonsense_is_told_while_it_is_typed_and_cannot_be_saved(qtbot: QtBot, window: MainWindow) -> None:
    dialog = open_dialog(qtbot, window)
    enter(qtbot, dialog, "horizon_h", "soon")
    assert "number of hours" in dialog.problem("horizon_h")
    assert dialog.problems["horizon_h"].isVisible()
    assert not dialog.save.isEnabled()
    show(dialog, "plant_name")
    assert "Risks" in dialog.error.text
    enter(qtbot, dialog, "horizon_h", "24")
    assert dialog.problem("horizon_h") == ""
    assert not dialog.error.isVisible()
    enter(qtbot, dialog, "time_zone", "Mars/Olympus")
    assert "Mars/Olympus" in dialog.problem("time_zone")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_what_another_horizon_and_time_zone_mean_is_said_before_they_are_set(qtbot: QtBot, window: MainWindow) -> None:
    dialog = open_dialog(qtbot, window)
    assert not dialog.meaning.isVisible()
    enter(qtbot, dialog, "horizon_h", "12")
    assert "trained for one horizon only" in dialog.meaning.text
    enter(qtbot, dialog, "time_zone", "Europe/Berlin")
    assert dialog.meaning.isVisible()
    assert "import them again" in dialog.meaning.text
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.session.workspace is not None
    assert window.session.workspace.settings.horizon_h == 24


def test_a_horizon_that_is_not_the_models_means_no_risks() -> None:
    plain = Settings()
    (told,) = consequences(plain, replace(plain, horizon_h=12.0), 24.0)
    assert "No risks are shown" in told
    (told,) = consequences(replace(plain, horizon_h=12.0), plain, 24.0)
    assert "worked out anew, for 24 h" in told
    assert consequences(plain, replace(plain, plant_name="Nord", stuck_h=3.0), 24.0) == []


def test_failures_can_be_known_until_the_newest_one_again(qtbot: QtBot, window: MainWindow) -> None:
    dialog = open_dialog(qtbot, window)
    show(dialog, "failures_known_until")
    check = dialog.editors["failures_known_until"].check
    assert check is not None
    assert not check.isChecked()
    check.click()
    click(qtbot, dialog.save)
    idle(qtbot, window)
    assert window.session.workspace is not None
    assert window.session.workspace.settings.failures_known_until == ""


def test_a_login_is_kept_and_not_shown(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    dialog = open_dialog(qtbot, window)
    enter(qtbot, dialog, "tracking_server", "http://eva:secret@server:5000")
    assert "secret" not in dialog.meaning.text
    click(qtbot, dialog.save)
    idle(qtbot, window)
    dialog = open_dialog(qtbot, window)
    server, login = dialog.editors["tracking_server"].line, dialog.editors["tracking_login"].line
    assert server is not None
    assert login is not None
    assert (server.text(), login.text()) == ("http://server:5000", "")
    assert login.placeholderText() == "Set, not shown"
    assert "secret" not in (folder / "settings.toml").read_text("utf-8")
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)


def test_theme_and_name_are_kept_on_this_computer(qtbot: QtBot, window: MainWindow, settings: QSettings) -> None:
    dialog = open_dialog(qtbot, window)
    enter(qtbot, dialog, "who", "A. Weber")
    box = dialog.editors["theme"].box
    assert box is not None
    box.setFocus()
    qtbot.keyClicks(box, "D")
    click(qtbot, dialog.save)
    idle(qtbot, window)
    assert settings.value("who") == "A. Weber"
    assert settings.value("theme") == "dark"
    assert window.theme.name == "dark"
    assert window.menu_actions["theme:dark"].isChecked()


def test_a_plant_that_is_only_read_can_be_looked_at(qtbot: QtBot, theme: Theme) -> None:
    dialog = PreferencesDialog(Settings(), {"theme": theme.choice, "who": ""}, writable=False)
    qtbot.addWidget(dialog)
    assert not dialog.editors["plant_name"].isEnabled()
    assert dialog.editors["who"].isEnabled()


def test_without_a_plant_only_this_computer_can_be_set(qtbot: QtBot, theme: Theme) -> None:
    dialog = PreferencesDialog(None, {"theme": theme.choice, "who": ""})
    qtbot.addWidget(dialog)
    assert set(dialog.editors) == {"theme", "who"}
