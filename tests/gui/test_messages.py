"""What is told about imports and errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import FileReport, ImportReport
from pdm_desktop.gui import messages
from pdm_desktop.gui.theme import Theme


def file_report(
    name: str, accepted: int, *, batch: int | None = 1, rejected: int = 0, unchanged: int = 0
) -> FileReport:
    return FileReport(
        file=f"/data/{name}",
        kind="telemetry",
        layout="wide",
        encoding="utf-8",
        delimiter=",",
        decimal=".",
        time_zone="UTC",
        columns={},
        machines=("1",),
        sensors=(),
        accepted=accepted,
        rejected=rejected,
        duplicates=0,
        conflicts=0,
        unchanged=unchanged,
        accepted_values=accepted,
        rejected_values=0,
        missing_cells=0,
        batch=batch,
        rejects_file=None,
    )


def test_an_import_is_summed_up_file_by_file() -> None:
    heading, lines = messages.import_summary(
        ImportReport((file_report("a.csv", 1_200, rejected=3), file_report("b.csv", 40)), 0.5)
    )
    assert heading == "1,240 rows came in, 3 were rejected."
    assert lines == ["a.csv: 1,200 readings, 3 rejected", "b.csv: 40 readings"]


def test_the_sum_tells_of_other_values_and_of_files_that_were_left_out() -> None:
    made = ImportReport(
        (replace(file_report("a.csv", 0), conflicts=1, rejected_values=1),), 0.5, (("empty.csv", "The file is empty."),)
    )
    heading, lines = messages.import_summary(made)
    assert heading == "No new row came in, 1 got another value."
    assert lines == [
        "a.csv: 1 with another value than before (the newer holds), 1 single value rejected",
        "empty.csv: left out. The file is empty.",
    ]


def test_importing_the_same_again_says_that_nothing_changed() -> None:
    heading, lines = messages.import_summary(ImportReport((file_report("a.csv", 0, batch=None, unchanged=1_200),), 0.5))
    assert heading == "Already imported: nothing changed."
    assert lines == ["a.csv: already imported, nothing changed"]


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def press(qtbot: QtBot, box: QWidget, text: str) -> None:
    (found,) = [made for made in box.findChildren(QPushButton) if made.text().replace("&", "") == text]
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def test_an_error_of_the_input_is_shown_with_hint_and_place(qtbot: QtBot, parent: QWidget) -> None:
    error = PdmError("There is no column of times.", "Name it timestamp.", "a.csv, line 1")
    box = messages.show_error(parent, error, None)
    assert box.text() == "There is no column of times."
    assert box.informativeText() == "Name it timestamp.\n\na.csv, line 1"
    press(qtbot, box, "OK")


def test_a_fault_of_the_program_is_logged_and_its_report_can_be_copied(
    qtbot: QtBot, parent: QWidget, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise ZeroDivisionError("made for the test")
    except ZeroDivisionError as error:
        box = messages.show_error(parent, error, tmp_path)
    assert str(tmp_path) in box.informativeText()
    assert "made for the test" in caplog.text
    press(qtbot, box, "Copy report")
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("PDM Desktop ")
    assert "test_messages.py" in copied
    assert "ZeroDivisionError: made for the test" in copied


def test_a_question_acts_only_on_yes(qtbot: QtBot, parent: QWidget) -> None:
    done: list[str] = []
    for answer in ("Cancel", "Do it"):
        box = messages.ask(parent, "Really", "Do it?", "", "Do it", lambda: done.append("did"))
        press(qtbot, box, answer)
        assert done == (["did"] if answer == "Do it" else [])


def test_names_from_files_do_not_act_as_html(qtbot: QtBot, parent: QWidget) -> None:
    box = messages.show_error(parent, PdmError("<b>x</b>.csv is not a table."), None)
    assert box.textFormat() == Qt.TextFormat.PlainText
    press(qtbot, box, "OK")


@pytest.mark.parametrize(
    "heading", ["Short.", "The workspace is open in another program (M. Ito on pc-17, process 4711).", "long " * 40]
)
def test_a_heading_is_never_cut_off(qtbot: QtBot, theme: Theme, heading: str) -> None:  # noqa: ARG001 (its style sheet)
    parent = QWidget()
    qtbot.addWidget(parent)
    with qtbot.waitExposed(parent):
        parent.show()
    box = messages.tell(parent, "PDM Desktop", heading, "Close it there, or open it read-only.")
    qtbot.waitUntil(box.isVisible)
    words = box.findChild(QLabel, "qt_msgbox_label")
    assert isinstance(words, QLabel)
    needed = words.fontMetrics().boundingRect(
        QRect(0, 0, words.width(), 10_000), int(Qt.TextFlag.TextWordWrap), heading
    )
    assert needed.width() <= words.width()
    assert needed.height() <= words.height()
    box.close()
