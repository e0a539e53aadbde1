"""Rail, top bar, search and task strip."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pdm_desktop.core import times
from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.progress import Progress
from pdm_desktop.gui.frame import QUIET_S, Search, TaskStrip, TopBar, time_left
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.wizards.steps import fitted
from tests.gui import plant


@pytest.fixture
def session(theme: Theme) -> Iterator[Session]:
    made = Session(theme)
    yield made
    made.close()


def test_the_top_bar_says_plant_time_clock_age_and_model(qtbot: QtBot) -> None:
    bar = TopBar()
    qtbot.addWidget(bar)
    bar.show_fleet(plant.fleet())
    said = [bar.plant.text(), bar.as_of.text(), bar.clock.text(), bar.newest.text(), bar.champion.text()]
    assert said == [
        "Bottling hall 2",
        "20 Jan 2015, 00:00 UTC",
        "End of data",
        "newest reading 1 h old",
        "champion v3 · 24 h",
    ]


def test_under_a_live_clock_the_age_of_the_data_is_against_the_computers_time(qtbot: QtBot) -> None:
    bar = TopBar()
    qtbot.addWidget(bar)
    bar.show_fleet(replace(plant.fleet(), clock="live", newest_reading=times.now_ms() - 5 * times.HOUR))
    assert bar.clock.text() == "Live"
    assert bar.newest.text() == "newest reading 5 h old"


def test_a_plant_without_a_model_says_so(qtbot: QtBot) -> None:
    bar = TopBar()
    qtbot.addWidget(bar)
    bar.show_fleet(replace(plant.fleet(), model=None))
    assert bar.champion.text() == "no model for this plant"


def test_typing_a_machine_and_enter_finds_it(qtbot: QtBot) -> None:
    search = Search()
    qtbot.addWidget(search)
    search.set_machines(["1", "11", "15"])
    search.show()
    search.setFocus()
    chosen: list[str] = []
    search.machine_chosen.connect(chosen.append)
    qtbot.keyClicks(search, "1")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(chosen))
    QApplication.processEvents()
    assert chosen == ["1"], "once, though the line and its list both tell of Enter"
    assert search.text() == ""


def test_part_of_a_name_finds_the_first_machine_that_has_it_and_nothing_finds_none(qtbot: QtBot) -> None:
    search = Search()
    qtbot.addWidget(search)
    search.set_machines(["Press A", "Lathe B"])
    search.show()
    chosen: list[str] = []
    search.machine_chosen.connect(chosen.append)
    qtbot.keyClicks(search, "zeppelin")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert chosen == []
    search.clear()
    qtbot.keyClicks(search, "lathe")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(chosen))
    assert chosen == ["Lathe B"]


def test_the_strip_shows_numbers_of_work_under_way_and_stops_it(qtbot: QtBot, session: Session) -> None:
    strip = TaskStrip(session.tasks.active)
    qtbot.addWidget(strip)
    strip.show()
    session.tasks_changed.connect(strip.refresh)
    go_on = threading.Event()
    ended: list[Exception] = []

    def work(progress: Progress) -> None:
        progress.step(412_000, 876_100, "Reading rows")
        while not go_on.wait(0.01):
            progress.check()

    session.tasks.run("write", "Importing PdM_telemetry.csv", work, lambda _: None, ended.append)
    assert strip.title.text() == "Ready"
    qtbot.waitUntil(strip.cancel.isVisible, timeout=20_000)
    assert strip.title.text() == "Importing PdM_telemetry.csv"
    assert strip.numbers.text().startswith("Reading rows · 412,000 of 876,100")
    assert strip.bar.value() == 470
    qtbot.mouseClick(strip.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    assert isinstance(ended[0], Cancelled)
    qtbot.waitUntil(lambda: strip.title.text() == "Ready", timeout=20_000)
    assert not strip.cancel.isVisible()
    assert QUIET_S < 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s left"), (6.4, "6 s left"), (200, "3 min left"), (9000, "2.5 h left")]
)
def test_the_time_left_is_in_the_unit_one_would_say(seconds: float, text: str) -> None:
    assert time_left(seconds) == text


def test_a_wizard_leaves_room_for_its_title_on_a_small_screen() -> None:
    assert fitted(QSize(1080, 680), QSize(1366, 728)) == QSize(1080, 664)
    assert fitted(QSize(1080, 680), QSize(1280, 703)) == QSize(1080, 639)  # Full HD at one and a half times the size
    assert fitted(QSize(1080, 680), QSize(1920, 1040)) == QSize(1080, 680)
