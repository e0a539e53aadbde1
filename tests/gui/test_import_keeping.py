"""What the import wizard keeps for the next files, leaves out of a folder, and does not let pass in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from pdm_desktop.core.progress import Progress
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.wizards.import_wizard import CHECK, COLUMNS, FILES, READING, RESULT, ImportWizard
from tests.gui.hands import LONG, click, idle, message, opened_window, press
from tests.gui.leading import forward, led, opened, pick, shown, step, type_into

PUMP = "Time;Speed [1/min];Status\n" + "".join(
    f"2026-10-01 {hour:02}:00;{1500 + hour};{'DOWN' if hour in (4, 5, 9) else 'RUN'}\n" for hour in range(12)
)
HALL = "datetime,machineID,heat\n02/01/2015 06:00,1,10.5\n02/01/2015 07:00,1,11\n"


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[MainWindow]:
    yield from opened_window(qtbot, theme, settings, tmp_path / "workspace")


def name_machine(qtbot: QtBot, window: MainWindow, wizard: ImportWizard, machine: str) -> None:
    (question,) = wizard.reading.question_cards()
    assert question.text is not None
    question.text.clear()
    qtbot.keyClicks(question.text, machine)
    press(qtbot, question, "Use this")
    idle(qtbot, window)


def finished(qtbot: QtBot, window: MainWindow, wizard: ImportWizard) -> None:
    """From the check to the end."""
    assert step(wizard) == CHECK
    with qtbot.waitSignal(wizard.imported, timeout=LONG):
        click(qtbot, wizard.forward)
    idle(qtbot, window)
    assert step(wizard) == RESULT
    forward(qtbot, window, wizard)


def test_a_plant_of_one_machine_need_not_name_it_again(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    wizard = led(qtbot, window, tmp_path / "october.csv", PUMP)
    name_machine(qtbot, window, wizard, "Pump & Co")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    profile = wizard.check.profile
    assert not profile.machine.isVisible()
    click(qtbot, profile.keep)
    assert profile.machine.text() == "Files of this shape are always of machine Pump && Co"
    profile.machine.click()
    finished(qtbot, window, wizard)
    # the next one leaves no question: it comes in by itself, as it would from a watched folder
    later = tmp_path / "november.csv"
    later.write_text(PUMP.replace("2026-10", "2026-09"), "utf-8")
    with qtbot.waitSignal(window.session.imported, timeout=LONG) as came:
        window.import_files([later])
    assert came.args is not None
    (file,) = came.args[0].files
    assert (file.machines, file.profile, file.accepted) == (("Pump & Co",), "october", 12)
    press(qtbot, message(window), "OK")
    idle(qtbot, window)


def test_a_profile_can_be_forgotten_where_it_misreads(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    wizard = led(qtbot, window, tmp_path / "hall.csv", HALL)
    press(qtbot, wizard.reading.question_cards()[0], "Month first")
    idle(qtbot, window)
    assert not wizard.reading.forget.isVisible()
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    click(qtbot, wizard.check.profile.keep)
    finished(qtbot, window, wizard)
    wizard = led(qtbot, window, tmp_path / "hall.csv")
    assert wizard.reading.heading.text() == "How to read hall.csv, by profile hall"
    assert not wizard.reading.question_cards()
    click(qtbot, wizard.reading.forget)
    press(qtbot, message_of(wizard), "Forget it")
    idle(qtbot, window)
    assert wizard.reading.heading.text() == "What was recognised in hall.csv"
    assert len(wizard.reading.question_cards()) == 1
    assert window.session.workspace is not None
    assert window.session.workspace.profiles() == ()
    click(qtbot, wizard.cancel)


def message_of(wizard: ImportWizard):
    from PySide6.QtWidgets import QMessageBox

    (box,) = [box for box in wizard.findChildren(QMessageBox) if box.isVisible()]
    return box


def test_choices_for_two_shapes_of_file_are_kept_as_two_profiles(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    (tmp_path / "pump.csv").write_text(PUMP, "utf-8")
    (tmp_path / "hall.csv").write_text(HALL, "utf-8")
    wizard = opened(qtbot, window, tmp_path / "pump.csv", tmp_path / "hall.csv")
    assert step(wizard) == FILES
    forward(qtbot, window, wizard)
    name_machine(qtbot, window, wizard, "P")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    press(qtbot, wizard.reading.question_cards()[0], "Day first")
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    profile = wizard.check.profile
    assert not profile.name.isVisible()
    assert "2 profiles, a shape of file each: pump, hall" in profile.keep.text()
    click(qtbot, profile.keep)
    finished(qtbot, window, wizard)
    assert window.session.workspace is not None
    assert {(kept.name, kept.choices.machine) for kept in window.session.workspace.profiles()} == {
        ("pump", None),
        ("hall", None),
    }


def test_a_status_column_of_readings_is_not_passed_over_where_no_value_of_it_means_a_failure(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    wizard = led(qtbot, window, tmp_path / "pump.csv", PUMP)
    name_machine(qtbot, window, wizard, "P")
    forward(qtbot, window, wizard)
    wizard.columns.choose("Status")
    pick(qtbot, window, wizard.columns.role, "A failure, or a status that tells of it")
    assert "Status" in wizard.columns.error.text
    assert not wizard.forward.isEnabled()
    type_into(qtbot, window, wizard.columns.value, "DOWN")
    assert wizard.columns.error.text == ""
    forward(qtbot, window, wizard)
    assert wizard.check.verdict.text.startswith("12 readings and 2 failures would come in.")
    click(qtbot, wizard.cancel)


def test_going_on_from_an_open_question_says_that_it_leads_back(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    wizard = led(qtbot, window, tmp_path / "hall.csv", HALL)
    forward(qtbot, window, wizard)
    assert (step(wizard), wizard.forward.text()) == (COLUMNS, "Back to the question")
    forward(qtbot, window, wizard)
    assert (step(wizard), wizard.forward.text()) == (READING, "Continue")
    click(qtbot, wizard.cancel)


def test_the_tables_of_a_folder_that_are_left_out_are_named(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (folder / name).write_text(HALL, "utf-8")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04")
    wizard = opened(qtbot, window, folder)
    assert step(wizard) == FILES
    assert "Left out of the folder: broken.zip (The compressed file cannot be unpacked" in wizard.files.verdict.text
    table = wizard.files.table
    for at, keys in ((0, Qt.KeyboardModifier.NoModifier), (2, Qt.KeyboardModifier.ControlModifier)):
        spot = table.visualRect(wizard.files.model.index(at, 0)).center()
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, keys, spot)
    click(qtbot, wizard.files.remove)
    assert [source.name for source in wizard.sources] == ["b.csv"]
    click(qtbot, wizard.cancel)
    assert window.session.workspace is not None
    assert window.session.workspace.data_overview(Progress()).batches == ()


def test_a_file_that_cannot_be_read_is_left_out_where_it_is_told_so(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    for name, text in (("empty.csv", ""), ("hall.csv", HALL)):
        (tmp_path / name).write_text(text, "utf-8")
    window.importing.open_wizard([tmp_path / "hall.csv", tmp_path / "empty.csv"])
    wizard = shown(qtbot, window)
    forward(qtbot, window, wizard)
    press(qtbot, wizard.reading.question_cards()[0], "Day first")
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    assert step(wizard) == COLUMNS
    wizard.picker.setCurrentIndex(1)
    wizard.picker.activated.emit(1)
    assert step(wizard) == READING
    assert "The file is empty." in wizard.reading.error.text
    press(qtbot, wizard.reading.error, "Leave it out")
    assert [source.name for source in wizard.sources] == ["hall.csv"]
    assert wizard.reading.heading.text() == "What was recognised in hall.csv"
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    click(qtbot, wizard.cancel)


def test_the_value_of_a_column_that_means_good_can_be_said(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    text = "time,tag,value,quality\n" + "".join(
        f"2026-10-01 {hour:02}:00,P1.heat,{hour},{'fine' if hour % 3 else 'poor'}\n" for hour in range(12)
    )
    wizard = led(qtbot, window, tmp_path / "long.csv", text)
    forward(qtbot, window, wizard)
    wizard.columns.choose("quality")
    pick(qtbot, window, wizard.columns.role, "How good the value is")
    assert wizard.columns.value.accessibleName() == "The value that means good"
    type_into(qtbot, window, wizard.columns.value, "fine")
    assert wizard.source is not None
    assert str(wizard.source.choices.columns["quality"]) == "quality:fine"
    click(qtbot, wizard.cancel)
