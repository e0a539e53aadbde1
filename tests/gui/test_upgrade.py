"""A workspace of an older version in the window: what was done with it is said, and where it lies as it was."""

from __future__ import annotations

import zipfile
from pathlib import Path

from PySide6.QtCore import QSettings
from pytestqt.qtbot import QtBot

from pdm_desktop.core.store import tables
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import LONG, finish, idle

FIRST = Path(__file__).resolve().parents[1] / "upgrades" / "0001.zip"


def test_the_window_says_that_it_brought_an_older_workspace_up_to_date_and_where_it_is_kept(
    qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path
) -> None:
    with zipfile.ZipFile(FIRST) as archive:
        archive.extractall(tmp_path / "plant")
    window = MainWindow(theme, settings)
    qtbot.addWidget(window, before_close_func=finish)
    window.show()
    with qtbot.waitSignal(window.settled, timeout=LONG):
        window.open_workspace(tmp_path / "plant")
    idle(qtbot, window)
    (kept,) = (tmp_path / "plant" / "backups").iterdir()
    assert window.notice.isVisible()
    text = window.notice.text
    assert "older version" in text
    assert f"0001 to {tables.HEAD}" in text
    assert kept.name in text
    assert window.page == "fleet"
