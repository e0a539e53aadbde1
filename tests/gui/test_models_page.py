"""The models page with hand-made versions (with a real workspace: test_retraining.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from pdm_desktop.core.model_results import Decision
from pdm_desktop.gui.pages.models import ModelsPage, file_name
from pdm_desktop.gui.theme import Theme
from tests.gui.hands import press
from tests.gui.trained import HISTORY, at, dispose, figures, version

SPAN = (at("2015-01-01"), at("2015-12-31"))
VERSIONS = (
    version("1", origin="bundled", created=at("2015-12-01"), was_champion=True),
    version("3", champion=True, was_champion=True, test=figures(175, 179, 0.981, 0.9984)),
    version("4", created=at("2016-01-05 10:00"), note="thresholds by cost"),
    version("5", origin="imported", obstacle="The plant has no sensor torque.", created=at("2016-01-04")),
)


@pytest.fixture
def page(qapp: QApplication, theme: Theme) -> Iterator[ModelsPage]:  # noqa: ARG001 (there must be one)
    made = ModelsPage(theme)
    made.resize(1294, 692)
    made.show()
    made.show_versions(VERSIONS, HISTORY, SPAN, "UTC", writable=True)
    yield made
    dispose(made)


def row(page: ModelsPage, name: str) -> dict[str, str]:
    place = page.model.position(name)
    assert place is not None
    return {
        page.model.headerData(at, Qt.Orientation.Horizontal): page.model.index(place, at).data()
        for at in range(page.model.columnCount())
    }


def test_the_version_in_use_stands_first_and_is_chosen(page: ModelsPage) -> None:
    assert [made.version for made in page.model.rows()] == ["3", "4", "5", "1"]
    chosen = page.selected()
    assert chosen is not None
    assert chosen.version == "3"
    assert page.facts.heading.text() == "Where version 3 came from"


def test_figures_stand_side_by_side(page: ModelsPage) -> None:
    assert row(page, "4")["Failures caught"] == "178 of 179"
    assert row(page, "3")["Failures caught"] == "175 of 179"
    assert row(page, "3")["F1"] == "0.981"
    assert row(page, "3")["Average precision"] == "0.9984"
    assert [row(page, name)["State"] for name in ("3", "4", "5", "1")] == [
        "In use", "Candidate", "Not usable here", "Was in use",
    ]  # fmt: skip


def test_where_a_version_came_from_is_told_in_words(page: ModelsPage) -> None:
    said = {key.text(): value.text() for key, value in page.facts.pairs.rows if not key.isHidden()}
    assert said["Origin"] == "trained here"
    assert said["Plant"] == "Bottling hall 2"
    assert said["Tested from"] == "1 Oct 2015, 00:00"


def test_the_version_in_use_cannot_be_promoted_and_an_unusable_one_says_why(page: ModelsPage) -> None:
    assert not page.promote_button.isEnabled()
    page.choose("5")
    assert not page.promote_button.isEnabled()
    assert page.banner.text == "Version 5 cannot be used here: The plant has no sensor torque."
    page.choose("4")
    assert page.promote_button.isEnabled()
    assert page.banner.text == ""


def test_promoting_asks_for_the_version_chosen(qtbot: QtBot, page: ModelsPage) -> None:
    page.choose("4")
    with qtbot.waitSignal(page.promote_requested) as told:
        QTest.mouseClick(page.promote_button, Qt.MouseButton.LeftButton)
    assert told.args[0].version == "4"


def test_only_a_version_that_was_never_in_use_can_be_discarded(qtbot: QtBot, page: ModelsPage) -> None:
    for name in ("3", "1"):
        page.choose(name)
        assert not page.discard_button.isEnabled()
    page.choose("4")
    with qtbot.waitSignal(page.discard_requested) as told:
        QTest.mouseClick(page.discard_button, Qt.MouseButton.LeftButton)
    assert told.args[0].version == "4"


def test_a_read_only_workspace_offers_only_what_changes_nothing(page: ModelsPage) -> None:
    page.show_versions(VERSIONS, HISTORY, SPAN, "UTC", writable=False)
    page.choose("4")
    off = [
        page.promote_button, page.discard_button, page.rollback_button, page.import_button, page.retrain_button,
    ]  # fmt: skip
    assert not any(made.isEnabled() for made in off)
    assert page.export_button.isEnabled()


def test_nothing_to_go_back_to_means_no_way_back(page: ModelsPage) -> None:
    page.show_versions((version("1", champion=True, was_champion=True),), (), SPAN, "UTC", writable=True)
    assert not page.rollback_button.isEnabled()


def test_the_way_back_names_the_version_it_leads_to(page: ModelsPage) -> None:
    assert page.rollback_button.text() == "Roll back to v1"
    back = Decision(at("2016-01-03 09:00"), "M. Ito", "rolled back", "1", "3", "")
    shipped = replace(VERSIONS[0], champion=True)
    page.show_versions((shipped, replace(VERSIONS[1], champion=False)), (back, *HISTORY), SPAN, "UTC", writable=True)
    # It was in use, but before it there was nothing else.
    assert not page.rollback_button.isEnabled()


def test_a_span_is_asked_for_in_whole_days_of_the_plant(qtbot: QtBot, page: ModelsPage) -> None:
    page.choose("4")
    QTest.mouseClick(page.tabs["evaluation"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(page.evaluate_requested) as told:
        QTest.mouseClick(page.evaluation.go, Qt.MouseButton.LeftButton)
    assert told.args == ["4", at("2015-10-01"), at("2016-01-01") - 1]


def test_the_history_says_who_when_and_why(page: ModelsPage) -> None:
    QTest.mouseClick(page.tabs["history"], Qt.MouseButton.LeftButton)
    model = page.history.model
    assert [model.index(0, column).data() for column in range(4)] == [
        "2 Jan 2016, 09:00", "v3 promoted, in place of v1", "M. Ito", "fewer false alarms",
    ]  # fmt: skip


def test_an_export_is_named_after_plant_and_version() -> None:
    assert file_name(VERSIONS[2], "Halle 2: Nord/Süd").name == "Halle 2_ Nord_Süd model v4.pdmmodel"


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_page_fits_the_smallest_window(page: ModelsPage, theme: Theme, choice: str) -> None:
    theme.set_choice(choice)  # type: ignore[arg-type]
    for key in page.tabs:
        page.show_tab(key)
        QApplication.processEvents()
        assert page.minimumSizeHint().width() <= 1294
        assert page.minimumSizeHint().height() <= 692


def test_what_a_tracking_server_lacks_is_said_and_can_be_sent(qtbot: QtBot, page: ModelsPage) -> None:
    assert not page.banner.isVisible()
    sent = [replace(made, sent_to="http://server:5000") if made.version != "4" else made for made in VERSIONS]
    page.show_versions(sent, HISTORY, SPAN, "UTC", writable=True, server="http://server:5000")
    assert page.banner.text.startswith("Version 4 is not on http://server:5000 yet.")
    with qtbot.waitSignal(page.send_requested):
        press(qtbot, page.banner, "Send now")
    page.show_versions(VERSIONS, HISTORY, SPAN, "UTC", writable=True, server="http://other:5000")
    assert page.banner.text.startswith("Versions 1, 3, 4, 5 are not on http://other:5000 yet.")
    page.show_versions(sent, HISTORY, SPAN, "UTC", writable=False, server="http://server:5000")
    assert not page.banner.isVisible()
