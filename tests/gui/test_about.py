"""Help > About: what the program is made of, the terms in full, and the doctor's report on the clipboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from pdm_desktop.core import paths
from pdm_desktop.gui import about
from pdm_desktop.gui.about import AboutDialog
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import LONG, click, finish


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[MainWindow]:
    made = MainWindow(theme, settings)
    qtbot.addWidget(made, before_close_func=finish)
    made.show()
    with qtbot.waitSignal(made.settled, timeout=LONG):
        made.open_workspace(tmp_path / "workspace")
    yield made
    finish(made)


def opened(window: MainWindow) -> AboutDialog:
    window.menu_actions["about"].trigger()
    (dialog,) = window.findChildren(AboutDialog)
    assert dialog.isVisible()
    return dialog


def test_every_library_that_is_found_shows_its_terms_in_full(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(window)
    assert "LGPL" in dialog.terms.toPlainText()  # Qt comes first
    qtbot.keyClicks(dialog.search, "pandas")
    shown = [dialog.list.item(row).text() for row in range(dialog.list.count()) if not dialog.list.item(row).isHidden()]
    assert any(name.startswith("pandas 3") for name in shown)
    assert all("pandas" in name.lower() for name in shown)
    (found,) = dialog.list.findItems("pandas 3", Qt.MatchFlag.MatchStartsWith)
    dialog.list.setCurrentItem(found)
    assert "BSD 3-Clause" in dialog.terms.toPlainText()
    dialog.close()


def test_the_packed_programs_notice_is_shown_section_by_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "licences"
    folder.mkdir()
    rule = "=" * 100
    (folder / "QT.txt").write_text("Qt is used under the LGPL.", encoding="utf-8")
    notice = f"List of all\n{rule}\nnumpy 2.4.6\nhttps://numpy.org\n\nBSD text\n{rule}\nzlib1g 1.2.13\n\nzlib text\n"
    (folder / "THIRD-PARTY.txt").write_text(notice, encoding="utf-8")
    monkeypatch.setattr(paths, "resources", lambda: tmp_path)
    qt, numpy, zlib = about.components()
    assert (numpy.name, zlib.name) == ("numpy 2.4.6", "zlib1g 1.2.13")
    assert numpy.text().endswith("BSD text")
    assert qt.text() == "Qt is used under the LGPL."


def test_the_doctors_report_is_worked_out_beside_the_window_and_copied(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(window)
    click(qtbot, dialog.copy)
    assert not dialog.copy.isEnabled()
    assert dialog.status.text()
    qtbot.waitUntil(dialog.copy.isEnabled, timeout=LONG)
    copied = QGuiApplication.clipboard().text()
    for words in ("PDM Desktop 0.", "Training and MLflow", "Fonts", str(window.session.workspace.folder)):  # type: ignore[union-attr]
        assert words in copied
    assert "FAIL" not in copied
    assert dialog.status.text() == "Copied. Everything is here."
    dialog.close()


def test_closing_it_stops_the_doctor(qtbot: QtBot, window: MainWindow) -> None:
    dialog = opened(window)
    click(qtbot, dialog.copy)
    dialog.close()
    qtbot.waitUntil(lambda: not window.session.tasks.active(), timeout=LONG)
