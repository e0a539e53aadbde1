"""The import wizard on a real workspace, driven by clicks and keys from the files to what came of them."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core.progress import Progress
from pdm_desktop.gui.commands import is_blank
from pdm_desktop.gui.main_window import MainWindow
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.wizards.import_wizard import CHECK, COLUMNS, FILES, READING, RESULT, ImportWizard
from tests.gui.hands import LONG, click, idle, message, opened_window, press
from tests.gui.leading import forward, led, opened, pick, shown, step, type_into

HEAD = "Zeitstempel;Maschine;Spannung [V];Druck [bar];Prüfer"


def rows(days: range, hours: int = 3) -> list[str]:
    """Hourly rows of machine M-1; no day above 12, so the order of day and month stays open."""
    return [f"{day:02}/02/2015 {hour:02}:00;M-1;17{hour},5;10{day},25;Meier" for day in days for hour in range(hours)]


def write(folder: Path, name: str, lines: list[str]) -> Path:
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode("cp1252"))
    return path


@pytest.fixture
def unclear(tmp_path: Path) -> Path:
    """German, semicolons, decimal commas; one value and one row that are wrong, and a day that may be a month."""
    lines = [HEAD, *rows(range(1, 5))]
    lines[3] = lines[3].replace("172,5", "kaputt")
    lines[5] = "99/99/2015;M-1;1;1;Meier"
    return write(tmp_path, "Halle 2.csv", lines)


@pytest.fixture
def certain(tmp_path: Path) -> Path:
    """A file that leaves no question."""
    path = tmp_path / "certain.csv"
    path.write_text("datetime,machineID,heat\n2015-01-01 06:00:00,1,10.5\n2015-01-01 07:00:00,1,11\n", "utf-8")
    return path


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, settings: QSettings, tmp_path: Path) -> Iterator[MainWindow]:
    yield from opened_window(qtbot, theme, settings, tmp_path / "workspace")


def stored(tmp_path: Path, query: str) -> list[tuple]:  # type: ignore[type-arg]
    connection = sqlite3.connect(tmp_path / "workspace" / "plant.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_file_that_leaves_no_question_comes_in_without_the_wizard(
    qtbot: QtBot, window: MainWindow, certain: Path
) -> None:
    with qtbot.waitSignal(window.session.imported, timeout=LONG):
        window.import_files([certain])
    assert window.importing.wizard is None
    press(qtbot, message(window), "OK")
    idle(qtbot, window)


def test_from_an_unclear_file_to_the_record_by_clicks(
    qtbot: QtBot, window: MainWindow, unclear: Path, tmp_path: Path
) -> None:
    wizard = opened(qtbot, window, unclear)
    assert step(wizard) == READING
    reading = wizard.reading
    assert (reading.kind.currentText(), reading.delimiter.currentText()) == ("Telemetry", "Semicolon  ;")
    assert (reading.encoding.currentText(), reading.decimal.currentText()) == ("Windows, Western", "Comma  1,5")
    assert reading.machine.currentText() == "Column Maschine"
    (question,) = reading.question_cards()
    assert "day or the month" in question.question.text
    assert wizard.note.text() == "A question is open."
    (answer,) = [text for text in ("Day first", "Day first (likely)") if text in buttons(question)]
    press(qtbot, question, answer)
    idle(qtbot, window)
    assert not reading.question_cards()
    assert "1 rejected" in reading.counts.text()
    assert "1 Feb 2015" in reading.counts.text()

    forward(qtbot, window, wizard)
    assert step(wizard) == COLUMNS
    names = {row.name: (row.role.role, row.sensor, row.unit) for row in wizard.columns.model.rows()}
    assert names["Zeitstempel"][0] == "timestamp"
    assert names["Spannung [V]"][1:] == ("Spannung", "V")
    click_row(qtbot, wizard, "Spannung [V]")
    type_into(qtbot, window, wizard.columns.name, "volt")
    assert {row.sensor for row in wizard.columns.model.rows()} >= {"volt", "Druck"}

    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    assert "11 readings would come in" in wizard.check.verdict.text
    assert wizard.check.rejected.isVisible()
    told = [(row.line, row.column, row.content) for row in wizard.check.rejected.model.rows()]
    assert told == [("4", "Spannung [V]", "kaputt"), ("6", "Zeitstempel", "99/99/2015")]
    assert wizard.check.rejected.title.text().startswith("Would be rejected in Halle 2.csv: 1 × not a ")
    assert not wizard.check.rejected.more.isVisible()
    assert stored(tmp_path, "SELECT COUNT(*) FROM telemetry") == [(0,)]
    assert not (tmp_path / "workspace" / "imports").exists()
    click(qtbot, wizard.check.profile.keep)
    assert wizard.check.profile.name.text() == "Halle 2"

    with qtbot.waitSignal(wizard.imported, timeout=LONG):
        click(qtbot, wizard.forward)
    idle(qtbot, window)
    assert step(wizard) == RESULT
    assert wizard.outcome.verdict.text.startswith("11 readings came in. 1 row and 1 single value rejected.")
    reasons = [(row.line, row.column) for row in wizard.outcome.rejected.model.rows()]
    assert reasons == [("4", "Spannung [V]"), ("6", "Zeitstempel")]
    assert all(row.reason for row in wizard.outcome.rejected.model.rows())
    assert wizard.outcome.open_rejects.isEnabled()
    assert "gap" in wizard.outcome.gaps.text()
    forward(qtbot, window, wizard)
    assert window.importing.wizard is None
    assert stored(tmp_path, "SELECT name, unit FROM sensor ORDER BY name") == [("Druck", "bar"), ("volt", "V")]
    assert stored(tmp_path, "SELECT volt, Druck FROM telemetry_by_name ORDER BY time LIMIT 1") == [(170.5, 101.25)]


def buttons(widget: QWidget) -> list[str]:
    from PySide6.QtWidgets import QPushButton

    return [made.text() for made in widget.findChildren(QPushButton)]


def click_row(qtbot: QtBot, wizard: ImportWizard, name: str, *, more: bool = False) -> None:
    page = wizard.columns
    at = next(at for at, row in enumerate(page.model.rows()) if row.name == name)
    spot = page.table.visualRect(page.model.index(at, 1)).center()
    modifier = Qt.KeyboardModifier.ControlModifier if more else Qt.KeyboardModifier.NoModifier
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, modifier, spot)


def test_a_profile_spares_the_next_file_of_that_shape_the_questions(
    qtbot: QtBot, window: MainWindow, unclear: Path, tmp_path: Path
) -> None:
    wizard = opened(qtbot, window, unclear)
    wizard.reading.chosen.emit("day_first", False)
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    click(qtbot, wizard.check.profile.keep)
    forward(qtbot, window, wizard)
    assert wizard.note.text() == "Profile Halle 2 is kept."
    forward(qtbot, window, wizard)
    following = write(tmp_path, "Halle 2, next week.csv", [HEAD, *rows(range(5, 8))])
    with qtbot.waitSignal(window.session.imported, timeout=LONG) as made:
        window.import_files([following])
    (file,) = made.args[0].files
    assert (file.accepted, file.profile) == (9, "Halle 2")
    press(qtbot, message(window), "OK")
    idle(qtbot, window)


def test_a_wrong_choice_is_told_at_once_and_taken_back_with_one_click(
    qtbot: QtBot, window: MainWindow, unclear: Path
) -> None:
    wizard = opened(qtbot, window, unclear)
    pick(qtbot, window, wizard.reading.delimiter, "Bar  |")
    broken = wizard.source
    assert broken is not None
    assert not broken.ready
    click(qtbot, wizard.reading.again)
    idle(qtbot, window)
    assert wizard.reading.delimiter.currentText() == "Semicolon  ;"
    assert wizard.reading.table.rows.columnCount() == 6
    assert not wizard.reading.error.isVisible()


def test_a_file_that_nothing_was_recognised_of_can_be_read_by_what_the_user_says(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    wizard = led(qtbot, window, path, "a|b|c\nd|e|f\ndatetime|machineID|heat\n2015-01-01 06:00:00|1|10.5\n", "utf-16")
    pick(qtbot, window, wizard.reading.encoding, "UTF-8")
    assert wizard.source is not None
    assert wizard.source.error is not None
    pick(qtbot, window, wizard.reading.encoding, "UTF-16")
    line = wizard.reading.header_row.lineEdit()
    assert line is not None
    type_into(qtbot, window, line, "3")
    assert wizard.reading.table.rows.preview is not None
    assert wizard.reading.table.rows.preview.header == ("datetime", "machineID", "heat")
    assert wizard.source.ready


def test_the_fields_of_a_broken_file_show_what_the_user_said_and_no_guesses(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    wizard = led(qtbot, window, path)
    assert wizard.reading.heading.text() == "Nothing was recognised in empty.csv"
    assert (wizard.reading.kind.currentText(), wizard.reading.encoding.currentText()) == ("", "")
    path.write_text("datetime;machineID;heat\n2015-01-01 06:00:00;1;10,5\n", "utf-8")
    pick(qtbot, window, wizard.reading.delimiter, "Semicolon  ;")
    assert wizard.reading.heading.text() == "What was recognised in empty.csv"
    assert (wizard.reading.kind.currentText(), wizard.reading.encoding.currentText()) == ("Telemetry", "UTF-8")


def test_the_preview_follows_the_time_zone(qtbot: QtBot, window: MainWindow, certain: Path) -> None:
    wizard = led(qtbot, window, certain)
    line = wizard.reading.zone.lineEdit()
    assert line is not None
    type_into(qtbot, window, line, "Europe/Berlin")
    assert wizard.source is not None
    assert wizard.source.preview is not None
    assert wizard.source.preview.first_time == 1_420_088_400_000  # 06:00 in Berlin is 05:00 UTC
    assert "Europe/Berlin" in wizard.reading.counts.text()
    type_into(qtbot, window, line, "Europe/Nowhere")
    assert "no time zone" in wizard.reading.error.text
    assert not wizard.forward.isEnabled()


def test_a_time_zone_that_is_none_is_told_even_where_the_times_say_their_offset(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "offsets.csv"
    wizard = led(qtbot, window, path, "datetime,machineID,heat\n2015-01-01T06:00:00+01:00,1,10.5\n")
    line = wizard.reading.zone.lineEdit()
    assert line is not None
    type_into(qtbot, window, line, "Mars/Base")
    assert "no time zone" in wizard.reading.error.text
    click(qtbot, wizard.back)
    assert wizard.files.grab().width() > 0


def test_lines_behind_the_files_end_are_told_calmly(qtbot: QtBot, window: MainWindow, certain: Path) -> None:
    wizard = led(qtbot, window, certain)
    for spin, text in ((wizard.reading.units_row, "8"), (wizard.reading.header_row, "90")):
        line = spin.lineEdit()
        assert line is not None
        with qtbot.assertNotEmitted(window.trouble):
            type_into(qtbot, window, line, text)
    assert wizard.reading.error.isVisible()
    click(qtbot, wizard.reading.again)
    idle(qtbot, window)
    assert wizard.source is not None
    assert wizard.source.ready


def test_the_machine_may_come_from_the_file_name(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "pump 7.csv"
    path.write_text("datetime,heat\n2015-01-01 06:00:00,10.5\n2015-01-01 07:00:00,11\n", "utf-8")
    wizard = opened(qtbot, window, path)
    pick(qtbot, window, wizard.reading.machine, "File name: pump 7")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT DISTINCT name FROM machine") == [("pump 7",)]
    forward(qtbot, window, wizard)


def test_a_question_about_the_machine_is_answered_by_naming_its_column(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_text("2015-01-01 06:00:00,P-7,2.5\n2015-01-01 07:00:00,P-7,3.5\n", "utf-8")
    wizard = opened(qtbot, window, path)
    for question in wizard.reading.question_cards():
        if question.question.key == "machine":
            press(qtbot, question, "Choose among the columns")
            break
    else:
        forward(qtbot, window, wizard)
    assert step(wizard) == COLUMNS
    click_row(qtbot, wizard, "column 2")
    pick(qtbot, window, wizard.columns.role, "The machine")
    assert wizard.source is not None
    assert wizard.source.preview is not None
    assert wizard.source.preview.machines == ("P-7",)
    # the file has no line of names: what its sensor is, it does not tell either
    assert not wizard.source.ready
    click_row(qtbot, wizard, "column 3")
    type_into(qtbot, window, wizard.columns.name, "heat")
    assert wizard.source.ready


def test_a_question_about_the_machine_is_answered_by_typing_its_name(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_text("time,heat\n2015-01-01 06:00:00,1\n", "utf-8")
    wizard = opened(qtbot, window, path)
    (question,) = wizard.reading.question_cards()
    assert question.text is not None
    assert question.text.text() == "export"
    type_into(qtbot, window, question.text, "pump 7")
    assert wizard.source is not None
    assert wizard.source.ready
    assert wizard.source.plan is not None
    assert wizard.source.plan.machine == "pump 7"


def test_a_status_column_gives_failures_where_the_user_says_which_value_is_one(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "status.csv"
    states = ["OK", "BROKEN", "BROKEN", "OK", "BROKEN"]
    lines = [f"2015-01-01 {6 + at:02}:00:00,1,{state},{at}.5" for at, state in enumerate(states)]
    path.write_text("time,machine,status,heat\n" + "\n".join(lines) + "\n", "utf-8")
    wizard = led(qtbot, window, path)
    forward(qtbot, window, wizard)
    click_row(qtbot, wizard, "status")
    pick(qtbot, window, wizard.columns.role, "A failure, or a status that tells of it")
    type_into(qtbot, window, wizard.columns.value, "BROKEN")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT COUNT(*) FROM failures") == [(2,)]
    assert stored(tmp_path, "SELECT COUNT(*) FROM telemetry") == [(5,)]
    forward(qtbot, window, wizard)


def test_several_columns_get_a_role_at_once(qtbot: QtBot, window: MainWindow, unclear: Path) -> None:
    wizard = opened(qtbot, window, unclear)
    wizard.reading.chosen.emit("day_first", True)
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    click_row(qtbot, wizard, "Spannung [V]")
    click_row(qtbot, wizard, "Prüfer", more=True)
    assert wizard.columns.heading.text() == "2 columns"
    pick(qtbot, window, wizard.columns.role, "Not used")
    roles = {row.name: row.role.role for row in wizard.columns.model.rows()}
    assert (roles["Spannung [V]"], roles["Prüfer"], roles["Druck [bar]"]) == ("ignore", "ignore", "sensor")


def test_a_click_on_a_columns_head_leads_to_the_column(qtbot: QtBot, window: MainWindow, unclear: Path) -> None:
    wizard = opened(qtbot, window, unclear)
    header = wizard.reading.table.horizontalHeader()
    spot = QPoint(header.sectionViewportPosition(4) + 20, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert step(wizard) == COLUMNS
    assert wizard.columns.heading.text() == "Druck [bar]"


def test_many_files_are_listed_and_the_next_unclear_one_comes_up(
    qtbot: QtBot, window: MainWindow, unclear: Path, certain: Path, tmp_path: Path
) -> None:
    other = write(tmp_path, "Halle 3.csv", [HEAD, *rows(range(1, 4))])
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"")
    window.importing.open_wizard([certain, unclear, other, broken])
    wizard = shown(qtbot, window)
    assert step(wizard) == FILES
    assert wizard.files.verdict.text == "1 file cannot be read as it is. 2 files leave a question open."
    wizard.files.table.selectRow(3)
    press(qtbot, wizard, "Leave out")
    assert [source.path for source in wizard.sources] == [certain, unclear, other]
    for path in (unclear, other):
        wizard.same.setChecked(False)
        forward(qtbot, window, wizard)
        assert step(wizard) == READING
        assert wizard.source is not None
        assert wizard.source.path == path
        wizard.reading.chosen.emit("day_first", True)
        idle(qtbot, window)
        forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    assert [Path(file.file).name for file in wizard.check.model.rows()] == ["certain.csv", "Halle 2.csv", "Halle 3.csv"]
    assert wizard.forward.text() == "Import 3 files"
    click(qtbot, wizard.back)
    assert step(wizard) == COLUMNS


def test_one_answer_holds_for_every_file_of_that_shape(
    qtbot: QtBot, window: MainWindow, unclear: Path, certain: Path, tmp_path: Path
) -> None:
    other = write(tmp_path, "Halle 3.csv", [HEAD, *rows(range(1, 4))])
    wizard = opened(qtbot, window, unclear, certain, other)
    forward(qtbot, window, wizard)
    assert wizard.same.text().replace("&", "") == "Same for one more file of this shape"
    (question,) = wizard.reading.question_cards()
    press(qtbot, question, next(text for text in buttons(question) if text.startswith("Month first")))
    idle(qtbot, window)
    assert [source.choices.day_first for source in wizard.sources] == [False, None, False]
    assert all(source.ready for source in wizard.sources)


def test_each_file_of_a_shape_may_name_its_own_machine(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    paths = [tmp_path / f"pump {number}.csv" for number in (7, 8)]
    for path in paths:
        path.write_text("datetime,heat\n2015-01-01 06:00:00,10.5\n2015-01-01 07:00:00,11\n", "utf-8")
    wizard = opened(qtbot, window, *paths)
    forward(qtbot, window, wizard)
    pick(qtbot, window, wizard.reading.machine, "File name: pump 7")
    for _ in range(3):
        forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT name FROM machine ORDER BY name") == [("pump 7",), ("pump 8",)]
    forward(qtbot, window, wizard)


def test_what_is_worth_knowing_of_a_file_is_said(qtbot: QtBot, window: MainWindow, unclear: Path) -> None:
    wizard = opened(qtbot, window, unclear)
    wizard.reading.chosen.emit("day_first", True)
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert "not used: Prüfer" in wizard.check.details.text()
    assert "times in UTC" in wizard.check.details.text()


def test_a_file_that_is_refused_offers_the_wizard(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_bytes(b"")
    with qtbot.waitSignal(window.trouble, timeout=LONG):
        window.import_files([path])
    press(qtbot, message(window), "Import with choices…")
    wizard = shown(qtbot, window)
    assert step(wizard) == READING
    assert "empty" in wizard.reading.error.text
    assert not wizard.forward.isEnabled()


def test_closing_the_wizard_leaves_the_record_as_it_was(
    qtbot: QtBot, window: MainWindow, unclear: Path, tmp_path: Path
) -> None:
    wizard = opened(qtbot, window, unclear)
    wizard.reading.chosen.emit("day_first", True)
    idle(qtbot, window)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    qtbot.keyClick(wizard, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.importing.wizard is None, timeout=LONG)
    idle(qtbot, window)
    assert stored(tmp_path, "SELECT COUNT(*) FROM machine") == [(0,)]
    assert window.pages["welcome"].isEnabled()


def test_stopping_the_import_changes_nothing_and_it_can_be_begun_again(
    qtbot: QtBot, window: MainWindow, certain: Path, tmp_path: Path
) -> None:
    wizard = led(qtbot, window, certain)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)

    def until_cancelled(progress: Progress) -> None:
        while True:
            progress.check()

    # Other writing holds the lane, so that the import is stopped before it ends.
    held = window.session.tasks.run("write", "Backing up", until_cancelled, lambda _: None, lambda _: None)
    click(qtbot, wizard.forward)
    assert wizard.cancel.text() == "Stop"
    click(qtbot, wizard.cancel)
    held.cancel()
    idle(qtbot, window)
    qtbot.waitUntil(lambda: wizard.note.text() == "Stopped: nothing changed.", timeout=LONG)
    assert step(wizard) == CHECK
    assert stored(tmp_path, "SELECT COUNT(*) FROM machine") == [(0,)]
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT COUNT(*) FROM machine") == [(1,)]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_step_is_painted(
    qtbot: QtBot, window: MainWindow, theme: Theme, unclear: Path, certain: Path, name: str, tmp_path: Path
) -> None:
    theme.set_choice("dark" if name == "dark" else "light")
    window.importing.open_wizard([unclear, certain])
    wizard = shown(qtbot, window)
    seen = [step(wizard)]
    shots = tmp_path / "shots"
    shots.mkdir()
    while True:
        QApplication.processEvents()
        picture = wizard.grab()
        picture.save(str(shots / f"{step(wizard)}-{name}.png"))
        assert not is_blank(picture.toImage())
        assert picture.width() <= 1366
        assert picture.height() <= 768
        if step(wizard) == RESULT:
            break
        if step(wizard) == READING and wizard.source is not None and not wizard.source.ready:
            wizard.reading.chosen.emit("day_first", True)
            idle(qtbot, window)
        forward(qtbot, window, wizard)
        seen.append(step(wizard))
    assert seen == [FILES, READING, COLUMNS, CHECK, RESULT]
    theme.set_choice("light")


def test_the_check_tells_every_reason_and_the_first_rejects_of_the_file_selected(
    qtbot: QtBot, window: MainWindow, certain: Path, tmp_path: Path
) -> None:
    lines = ["datetime,machineID,heat"]
    lines += [f"2015-01-{1 + at // 24:02} {at % 24:02}:00:00,1,{'off' if at % 2 else at}" for at in range(140)]
    lines += ["2015-01-09,,1", "yesterday,1,1", "2015-01-09,1"]
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join(lines) + "\n", "utf-8")
    window.importing.open_wizard([certain, bad])
    wizard = shown(qtbot, window)
    for _ in range(3):
        forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    card = wizard.check.rejected
    # 70 values that are no number; a row without machine, one without a time, one with two cells of three
    assert card.title.text() == (
        "Would be rejected in bad.csv: 70 × not a number, 1 × no machine, 1 × not a time like 2015-01-31 06:00, "
        "1 other reason"
    )
    assert "1 × 2 cells instead of 3" in card.title.toolTip()
    assert card.more.text() == "The first 50 of 73; the rejects file will have them all."
    assert [row.line for row in card.model.rows()] == [f"{3 + 2 * at}" for at in range(50)]
    assert {(row.column, row.content, row.reason) for row in card.model.rows()} == {("heat", "off", "not a number")}
    at = next(at for at, file in enumerate(wizard.check.model.rows()) if Path(file.file) == certain)
    spot = wizard.check.table.visualRect(wizard.check.model.index(at, 1)).center()
    qtbot.mouseClick(wizard.check.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert card.title.text() == "Nothing is rejected in certain.csv"
    assert card.model.rowCount() == 0


def test_every_table_of_an_archive_stands_for_itself(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "hall 2/pump 7.csv", "\n".join(["time;heat", *(f"01/02/2015 0{at}:00;{at},5" for at in range(5))])
        )
        archive.writestr(
            "hall 2/pump 8.csv", "\n".join(["time;heat", *(f"01/02/2015 0{at}:00;{at},5" for at in range(3))])
        )
        archive.writestr("stops.csv", "datetime,machineID,failure\n2015-02-01 06:00:00,pump 7,seal\n")
        archive.writestr("read me.txt", "Exported at night.\n")
    wizard = opened(qtbot, window, path)
    assert step(wizard) == FILES
    names = [source.name for source in wizard.files.model.rows()]
    assert names == [f"export.zip → {name}" for name in
                     ("hall 2/pump 7.csv", "hall 2/pump 8.csv", "stops.csv", "read me.txt")]  # fmt: skip
    wizard.files.table.selectRow(3)
    press(qtbot, wizard, "Leave out")
    forward(qtbot, window, wizard)
    assert not wizard.reading.sheet.isVisible()
    pick(qtbot, window, wizard.reading.machine, "File name: pump 7")
    (question,) = wizard.reading.question_cards()
    press(qtbot, question, next(text for text in buttons(question) if text.startswith("Day first")))
    idle(qtbot, window)
    assert all(source.ready for source in wizard.sources)
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    told = [(row.sheet, row.kind, row.accepted) for row in wizard.check.model.rows()]
    assert sorted(told) == [
        ("hall 2/pump 7.csv", "telemetry", 5), ("hall 2/pump 8.csv", "telemetry", 3), ("stops.csv", "failures", 1),
    ]  # fmt: skip
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    counted = "SELECT m.name, count(*) FROM telemetry t JOIN machine m ON m.id = t.machine GROUP BY m.name"
    assert stored(tmp_path, counted) == [("pump 7", 5), ("pump 8", 3)]
    assert stored(tmp_path, "SELECT count(*) FROM failures") == [(1,)]


def test_columns_with_names_that_nobody_knows_are_told_what_they_hold(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "odd.csv"
    rows_of = [f"{1_420_092_000 + 3600 * at}|X{at % 2}|{at}.5|{at}" for at in range(6)]
    path.write_text("\n".join(["q1|q2|q3|q4", *rows_of]) + "\n", "utf-8")
    wizard = opened(qtbot, window, path)
    assert step(wizard) == READING
    (question,) = [card for card in wizard.reading.question_cards() if card.question.key == "columns"]
    press(qtbot, question, "Choose among the columns")
    assert step(wizard) == COLUMNS
    for name, role in (("q1", "Date and time"), ("q2", "The machine"), ("q3", "A sensor's values")):
        click_row(qtbot, wizard, name)
        pick(qtbot, window, wizard.columns.role, role)
    type_into(qtbot, window, wizard.columns.name, "Heat")
    assert wizard.source is not None
    assert wizard.source.ready
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT Heat FROM telemetry_by_name ORDER BY time, machine")[0] == (0.5,)
    assert stored(tmp_path, "SELECT name FROM machine ORDER BY name") == [("X0",), ("X1",)]


def test_the_preview_and_the_counts_follow_every_choice(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    lines = ["Zeit;Maschine;Druck;Temp", ";;bar;°C"]
    lines += [f"{day}.02.2015 {hour:02}:00;M{hour % 2};1{hour},25;4{hour},5" for day in (13, 14) for hour in range(5)]
    path = tmp_path / "export.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode("cp1252"))
    wizard = led(qtbot, window, path)
    reading = wizard.reading
    span = "13 Feb 2015, 00:00 – 14 Feb 2015, 04:00 UTC"
    begin = f"First 10 rows · machines M0, M1 · 2 sensors · {span}"
    assert reading.counts.text() == begin

    def again() -> None:
        click(qtbot, reading.again)
        idle(qtbot, window)
        assert reading.counts.text() == begin

    pick(qtbot, window, reading.decimal, "Point  1.5")
    assert reading.counts.text() == f"First 10 rows · machines M0, M1 · {span}"  # 10,25 is no number now
    again()
    pick(qtbot, window, reading.day_first, "Month first  12/31")
    assert reading.counts.text() == "First 10 rows · 10 rejected · machines M0, M1 · 2 sensors"
    again()
    pick(qtbot, window, reading.kind, "Errors")
    (question,) = reading.question_cards()
    assert question.question.text == "The file has no column for the error code, which errors need."
    again()
    pick(qtbot, window, reading.layout_box, "A row a value")
    (question,) = reading.question_cards()
    assert question.question.text == "Which column says what was measured, and which holds the value?"
    assert reading.layout_box.currentText() == "A row a value"
    again()
    pick(qtbot, window, reading.layout_box, "A column a tag")
    assert reading.question_cards()[0].question.text.startswith("No column's name tells both")
    again()
    pick(qtbot, window, reading.machine, "File name: export")
    assert reading.counts.text() == f"First 10 rows · machine export · 2 sensors · {span}"
    again()
    pick(qtbot, window, reading.encoding, "UTF-8")
    assert "not text in UTF-8" in reading.error.text
    again()
    for spin, text, told in (
        (
            reading.units_row,
            "0",
            f"First 11 rows · 1 rejected · 1 value missing · machines M0, M1 · 2 sensors · {span}",
        ),
        (reading.header_row, "0", "First 10 rows · 2 sensors"),
    ):
        line = spin.lineEdit()
        assert line is not None
        type_into(qtbot, window, line, text)
        assert reading.counts.text().startswith(told)
        again()


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> None:
    """The least a spreadsheet program would write."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"

    def cell(value: object) -> str:
        kind = "" if isinstance(value, int | float) else ' t="inlineStr"'
        return f"<c{kind}><v>{value}</v></c>" if not kind else f"<c{kind}><is><t>{value}</t></is></c>"

    names = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" Type="{office}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>'
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for number, rows_of in enumerate(sheets.values(), 1):
            written = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows_of)
            text = f'<worksheet xmlns="{main}"><sheetData>{written}</sheetData></worksheet>'
            book.writestr(f"xl/worksheets/sheet{number}.xml", text)


def test_a_sheet_is_chosen_and_the_preview_follows(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    workbook(path, {"Hall 1": [["datetime", "machineID", "heat"], ["2015-01-01 06:00:00", "1", 10.5]],
                    "Hall 2": [["datetime", "machineID", "flow"], ["2015-01-01 06:00:00", "2", 3],
                               ["2015-01-01 07:00:00", "2", 4]]})  # fmt: skip
    wizard = led(qtbot, window, path)
    sheet = wizard.reading.sheet
    assert [sheet.itemText(at) for at in range(sheet.count())] == ["Hall 1", "Hall 2"]
    for name, told in (("Hall 2", "First 2 rows · machine 2"), ("Hall 1", "First row · machine 1")):
        pick(qtbot, window, sheet, name)
        assert wizard.reading.counts.text().startswith(told)


def test_a_question_that_only_the_whole_file_raises_is_asked_among_the_others(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    lines = [f"P{m}.heat,{1546300800 + 600 * row},50,degC" for m in (1, 2) for row in range(25_000)]
    lines[40_000] = lines[40_000].replace(",50,degC", ",212,degF")
    wizard = led(qtbot, window, tmp_path / "units.csv", "\n".join(["tag,timestamp,value,unit", *lines]) + "\n")
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == READING
    (question,) = wizard.reading.question_cards()
    assert "heat is in degC in line 2, and in degF in line 40,002" in question.question.text
    press(qtbot, question, "Convert degF to degC")
    idle(qtbot, window)
    assert not wizard.reading.question_cards()
    forward(qtbot, window, wizard)
    forward(qtbot, window, wizard)
    assert step(wizard) == CHECK
    assert "50,000 values would come in" in wizard.check.verdict.text
    forward(qtbot, window, wizard)
    assert step(wizard) == RESULT
    assert stored(tmp_path, "SELECT max(s1), count(*) FROM telemetry WHERE machine = 2") == [(100.0, 25_000)]
