"""Retraining in the window with a real workspace: train, decide, see it in use, go back, carry it along."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from pdm_desktop.core.model_results import TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from pdm_desktop.gui.forms import KnownUntilForm
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.pages.machine import MachinePage
from pdm_desktop.gui.pages.models import ModelsPage
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.versions import DecisionDialog
from pdm_desktop.gui.wizards.retrain import DECIDE, RESULT, SETTINGS, TRAINING, RetrainWizard
from tests.gui.hands import LONG, finish, idle, message, press
from tests.gui.trained import dispose

pytestmark = [
    # MLflow's own: nothing the program can do about them.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning"),
]

QUICK = {"rounds": 25, "max_depth": 3}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small simulated plant and one candidate, version 2, beside the version that ships."""
    folder = tmp_path_factory.mktemp("trained") / "workspace"
    with Workspace.open(folder) as workspace:
        workspace.demo(Progress(), machines=8, days=120, seed=1)
        workspace.retrain(TrainingSettings(params=QUICK), Progress())
    return folder


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, trained: Path, tmp_path: Path) -> Iterator[MainWindow]:
    """The window on a copy of it, nothing under way."""
    folder = tmp_path / "workspace"
    shutil.copytree(trained, folder)
    settings.setValue("who", "M. Ito")
    settings.setValue("folder", str(tmp_path))
    made = MainWindow(theme, settings)
    made.show()
    with qtbot.waitSignal(made.settled, timeout=LONG):
        made.open_workspace(folder)
    idle(qtbot, made)
    yield made
    made.session.close()
    dispose(made)


def click(button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def models(qtbot: QtBot, window: MainWindow) -> ModelsPage:
    """The page of versions, opened by its entry in the rail."""
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "models"):
        QTest.mouseClick(window.rail.buttons["models"], Qt.MouseButton.LeftButton)
    return cast(ModelsPage, window.stack.currentWidget())


def choose(window: MainWindow, name: str) -> None:
    """Type a name into the open file dialog and accept it."""
    (dialog,) = [made for made in window.findChildren(QFileDialog) if made.isVisible()]
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert isinstance(line, QLineEdit)
    line.setText(name)
    QTest.keyClick(line, Qt.Key.Key_Return)


def opened(qtbot: QtBot, window: MainWindow) -> RetrainWizard:
    """The wizard, having looked at the record and stepped on to its settings."""
    window.menu_actions["retrain"].trigger()
    wizard = window.models.wizard
    assert wizard is not None
    qtbot.waitUntil(wizard.next_button.isEnabled, timeout=LONG)
    click(wizard.next_button)
    assert wizard.steps.step == SETTINGS
    return wizard


def states(page: ModelsPage) -> dict[str, str]:
    column = page.model.column_of("state")
    return {row.version: page.model.index(at, column).data() for at, row in enumerate(page.model.rows())}


def test_a_model_is_trained_and_promoted_by_clicks_and_judges_the_fleet(qtbot: QtBot, window: MainWindow) -> None:
    assert "v1" in window.top.champion.text()
    before = {row.machine: row.risk for row in window.session.fleet.rows} if window.session.fleet else {}
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "machine"):
        QTest.mouseClick(window.rail.buttons["machine"], Qt.MouseButton.LeftButton)
    wizard = opened(qtbot, window)
    wizard.settings_step.params.setText("rounds=25 max_depth=3")
    click(wizard.next_button)
    assert wizard.steps.step == TRAINING
    qtbot.waitUntil(lambda: wizard.steps.step == RESULT, timeout=LONG)
    assert len(wizard.run_step.chart.curves[0].y) > 1
    assert wizard.result_shown is not None
    version = wizard.result_shown.version
    assert version == "3"
    changed = {row.machine for row in wizard.result_shown.changes}
    assert changed == set(before)
    click(wizard.next_button)
    assert wizard.steps.step == DECIDE
    wizard.decide_step.choices["promote"].click()
    qtbot.keyClicks(wizard.decide_step.why, "tried out")
    with qtbot.waitSignal(window.session.scored, timeout=LONG):
        click(wizard.next_button)
    assert "v3" in window.top.champion.text()
    idle(qtbot, window)
    # The page is read anew; the way back stays above it.
    assert "Version 3 is in use" in window.notice.text
    after = {row.machine: row.risk for row in window.session.fleet.rows} if window.session.fleet else {}
    assert set(after) == set(before)
    assert after != before
    page = models(qtbot, window)
    assert states(page) == {"1": "Was in use", "2": "Candidate", "3": "In use"}
    newest = page.history.model.rows()[0]
    assert (newest.action, newest.version, newest.before, newest.who, newest.why) == (
        "promoted", "3", "1", "M. Ito", "tried out",
    )  # fmt: skip


def test_a_stopped_training_leaves_no_version_behind(qtbot: QtBot, window: MainWindow) -> None:
    wizard = opened(qtbot, window)
    wizard.settings_step.params.setText("rounds=5000 patience=5000 eta=0.0001")
    click(wizard.next_button)
    qtbot.waitUntil(lambda: wizard.run_step.figures["Round"].text() not in ("—", "0"), timeout=LONG)
    click(wizard.stop_button)
    qtbot.waitUntil(lambda: wizard.state == "ended", timeout=LONG)
    assert "nothing was kept" in wizard.run_step.banner.text
    wizard.close()
    assert set(states(models(qtbot, window))) == {"1", "2"}


def test_while_a_training_is_under_way_the_window_is_used_and_told_at_the_end(qtbot: QtBot, window: MainWindow) -> None:
    wizard = opened(qtbot, window)
    wizard.settings_step.params.setText("rounds=40")
    click(wizard.next_button)
    click(wizard.hide_button)
    assert not wizard.isVisible()
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "data"):
        QTest.mouseClick(window.rail.buttons["data"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "The training is done." in window.notice.text, timeout=LONG)
    window.notice.acted.emit()
    assert window.models.wizard is wizard
    assert wizard.isVisible()
    assert wizard.steps.step == RESULT


def test_until_when_failures_are_known_is_asked_on_the_way_and_leads_back(qtbot: QtBot, window: MainWindow) -> None:
    window.menu_actions["retrain"].trigger()
    wizard = window.models.wizard
    assert wizard is not None
    qtbot.waitUntil(wizard.next_button.isEnabled, timeout=LONG)
    click(wizard.data_step.known_until)
    qtbot.waitUntil(lambda: any(form.isVisible() for form in window.findChildren(KnownUntilForm)), timeout=LONG)
    assert not wizard.isVisible()
    assert window.page == "data"
    next(form for form in window.findChildren(KnownUntilForm) if form.isVisible()).reject()
    press(qtbot, window, "Back to it")
    again = window.models.wizard
    assert again is not None
    assert again.isVisible()


def test_a_mistake_opens_the_machine_around_that_time_and_leads_back(qtbot: QtBot, window: MainWindow) -> None:
    page = models(qtbot, window)
    version = next(row for row in page.model.rows() if row.version == "2")
    at = version.splits["test_from"]
    with qtbot.waitSignal(window.settled, timeout=LONG, check_params_cb=lambda key: key == "machine"):
        page.machine_requested.emit("3", at)
    shown = cast(MachinePage, window.stack.currentWidget())
    assert shown.machine == "3"
    start, end = shown.plot.canvas.span()
    assert start <= at <= end


def test_promoting_asks_for_a_name_and_rolling_back_is_one_click(qtbot: QtBot, window: MainWindow) -> None:
    page = models(qtbot, window)
    page.choose("2")
    click(page.promote_button)
    (dialog,) = [made for made in window.findChildren(DecisionDialog) if made.isVisible()]
    assert dialog.who.text() == "M. Ito"
    dialog.who.clear()
    assert not dialog.yes.isEnabled()
    qtbot.keyClicks(dialog.who, "R. Vega")
    with qtbot.waitSignal(window.session.scored, timeout=LONG):
        click(dialog.yes)
    assert "v2" in window.top.champion.text()
    idle(qtbot, window)
    assert states(page)["2"] == "In use"
    with qtbot.waitSignal(window.session.scored, timeout=LONG):
        click(page.rollback_button)
    assert "v1" in window.top.champion.text()
    idle(qtbot, window)
    assert states(page)["1"] == "In use"
    assert [row.action for row in page.history.model.rows()][:2] == ["rolled back", "promoted"]
    assert page.history.model.rows()[1].who == "R. Vega"


def test_a_candidate_kept_once_can_be_discarded_later(qtbot: QtBot, window: MainWindow) -> None:
    page = models(qtbot, window)
    page.choose("2")
    click(page.discard_button)
    (dialog,) = [made for made in window.findChildren(DecisionDialog) if made.isVisible()]
    qtbot.keyClicks(dialog.why, "a trial")
    click(dialog.yes)
    qtbot.waitUntil(lambda: "Version 2 is discarded" in window.notice.text, timeout=LONG)
    idle(qtbot, window)
    assert set(states(page)) == {"1"}
    newest = page.history.model.rows()[0]
    assert (newest.action, newest.version, newest.who, newest.why) == ("discarded", "2", "M. Ito", "a trial")


def test_a_version_is_measured_on_any_span(qtbot: QtBot, window: MainWindow) -> None:
    page = models(qtbot, window)
    page.choose("2")
    click(page.tabs["evaluation"])
    click(page.evaluation.go)
    qtbot.waitUntil(lambda: page.evaluation.comparison.table is not None, timeout=LONG)
    model = page.evaluation.comparison.model
    assert model is not None
    assert model.columns[1].title == "Version 2"
    stored = page.model.rows()[page.model.position("2") or 0].metrics["test"]
    text = model.index(0, 1).data()
    # Its own test span: what was measured in training, measured again.
    assert text.startswith(f"{stored['events_caught']} of {stored['events']}")
    assert len(page.evaluation.charts.reliability.curves[0].x) > 1


def test_a_version_goes_out_and_comes_in_as_one_file(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    page = models(qtbot, window)
    page.choose("2")
    out = tmp_path / "carried.zip"
    click(page.export_button)
    choose(window, str(out))
    qtbot.waitUntil(lambda: "with checksums" in window.notice.text, timeout=LONG)
    assert out.stat().st_size > 1000
    click(page.import_button)
    choose(window, str(out))
    qtbot.waitUntil(lambda: window.notice.text == "Version 2 is here already. It is not in use.", timeout=LONG)
    other = tmp_path / "other plant"
    with Workspace.open(other) as workspace:
        workspace.demo(Progress(), machines=2, days=20, seed=5)
    with qtbot.waitSignal(window.session.scored, timeout=LONG):
        window.open_workspace(other)
    idle(qtbot, window)
    page = models(qtbot, window)
    assert states(page) == {"1": "In use"}
    click(page.import_button)
    choose(window, str(out))
    qtbot.waitUntil(lambda: page.model.rowCount() == 2, timeout=LONG)
    newest = page.selected()
    assert newest is not None
    assert (newest.version, newest.origin, newest.champion) == ("2", "imported", False)


def test_a_damaged_file_is_refused_and_nothing_comes_in(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    page = models(qtbot, window)
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK\x03\x04 no archive")
    click(page.import_button)
    with qtbot.waitSignal(window.trouble, timeout=LONG):
        choose(window, str(bad))
    assert page.model.rowCount() == 2


def test_stored_plots_are_shown_for_the_version_chosen(qtbot: QtBot, window: MainWindow) -> None:
    page = models(qtbot, window)
    # The version that ships has those that need no training to be drawn.
    assert len(page.plots.pictures) == 4
    page.choose("2")
    QApplication.processEvents()
    assert len(page.plots.pictures) == 5
    image = page.plots.pictures[0].grab().toImage()
    seen = {image.pixel(x, y) for x in range(0, image.width(), 2) for y in range(0, image.height(), 2)}
    assert len(seen) > 10


def test_a_model_file_opened_with_the_program_comes_in_only_when_agreed_to(
    qtbot: QtBot, theme: Theme, settings: QSettings, trained: Path, tmp_path: Path
) -> None:
    file = tmp_path / "Halle 2 model v2.pdmmodel"
    with Workspace.open(trained) as workspace:
        workspace.export_model("2", file)
    window = MainWindow(theme, settings)
    qtbot.addWidget(window, before_close_func=finish)
    window.show()
    with qtbot.waitSignal(window.settled, timeout=LONG):
        window.open_workspace(tmp_path / "another")
    window.models.carrying.offer(file)
    assert file.name in message(window).text()
    press(qtbot, message(window), "Cancel")
    idle(qtbot, window)
    assert not (tmp_path / "another" / "mlruns").exists()
    window.models.carrying.offer(file)
    press(qtbot, message(window), "Import")
    idle(qtbot, window)
    assert "came in. It is not in use." in window.notice.text
    assert (tmp_path / "another" / "mlruns").exists()
    window.hide()


def test_a_tracking_server_that_is_not_there_is_told_of_calmly(qtbot: QtBot, window: MainWindow) -> None:
    assert window.session.workspace is not None
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    window.session.workspace.change_settings({"tracking_server": address})
    page = models(qtbot, window)
    assert page.banner.text.startswith(f"Versions 1, 2 are not on {address} yet.")
    press(qtbot, page.banner, "Send now")
    idle(qtbot, window)
    assert f"The tracking server {address} cannot be reached" in window.notice.text
    assert "will be sent with the next training" in window.notice.text
    assert page.banner.text.startswith("Versions 1, 2 are not on")
