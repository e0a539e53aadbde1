"""Step "Reading": how a file is read, every choice changeable, its first rows and their counts following at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QGridLayout, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from pdm_desktop.core.plans import Choices, Plan
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.widgets import Banner, Card, button, label
from pdm_desktop.gui.wizards.import_preview import PreviewTable
from pdm_desktop.gui.wizards.import_questions import QuestionCard
from pdm_desktop.gui.wizards.import_state import (
    DAY_WORDS,
    DECIMAL_WORDS,
    DELIMITER_WORDS,
    ENCODING_WORDS,
    KIND_WORDS,
    LAYOUT_WORDS,
    Source,
    count_words,
)
from pdm_desktop.gui.wizards.steps import StepPage, clear

COLUMNS = 6
FROM_FILE = "As the file says"
LAST_LINE = 100_000
LONGEST = 44
"""Letters of a file's name that are shown."""
TABLES = (".xlsx", ".parquet")
"""Endings of files that are no text: they have neither encoding nor delimiter."""


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


class ReadingPage(StepPage):
    """Shows one Source; `chosen` tells of a change."""

    chosen = Signal(str, object)
    """Field of the choices, its new value (for machine: a name, or None)."""
    reset = Signal()
    """Back to what was recognised."""
    left_out = Signal()
    """The file that cannot be read is not to be imported."""
    profile_unwanted = Signal(str)
    """The profile of this name is to be forgotten."""
    column_chosen = Signal(str)
    """A column's head was clicked, or "" where a question sends to the columns."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._filling = False
        self._profile = ""
        self.kind = self._combo("kind", KIND_WORDS)
        self.layout_box = self._combo("layout", LAYOUT_WORDS)
        self.sheet = self._combo("sheet", {})
        self.encoding = self._combo("encoding", ENCODING_WORDS)
        self.delimiter = self._combo("delimiter", DELIMITER_WORDS)
        self.decimal = self._combo("decimal", DECIMAL_WORDS)
        self.header_row = self._line("header_row")
        self.units_row = self._line("units_row")
        self.day_first = self._combo("day_first", DAY_WORDS)
        self.zone = self._combo("time_zone", {})
        self.machine = self._combo("machine", {})
        for box, hint in ((self.zone, "Europe/Berlin"), (self.machine, FROM_FILE)):
            box.setEditable(True)
            box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            line = box.lineEdit()
            assert line is not None
            line.setPlaceholderText(hint)
            line.editingFinished.connect(lambda box=box: self._typed(box))
        self._zones_filled = False
        self.fields: dict[str, QWidget] = {}
        self._titles: dict[str, QWidget] = {}
        self.heading = label("", "heading")
        self.error = Banner()
        self.error.acted.connect(self.left_out)
        self.questions = QVBoxLayout()
        self.questions.setSpacing(6)
        self.again = button("Back to what was recognised", "link")
        self.again.setAutoDefault(False)
        self.again.clicked.connect(self.reset)
        self.forget = button("Forget the profile…", "link")
        self.forget.setAutoDefault(False)
        self.forget.clicked.connect(lambda: self.profile_unwanted.emit(self._profile))
        self.notes = label("", "small")
        self.notes.setWordWrap(True)
        self.table = PreviewTable(theme)
        self.table.column_chosen.connect(self.column_chosen)
        self.counts = label("", "small")
        self.body.addWidget(self._form())
        self.body.addWidget(self.error)
        self.body.addLayout(self.questions)
        rows = Card(margin=1)
        rows.body.setSpacing(0)
        rows.body.addWidget(self.table)
        self.body.addWidget(rows, 1)
        self.body.addWidget(self.notes)
        self.body.addWidget(self.counts)

    def question_cards(self) -> list[QuestionCard]:
        """The questions asked at present."""
        return [card for at in range(self.questions.count()) if isinstance(card := self._widget(at), QuestionCard)]

    def show_source(self, source: Source, alone: bool = True) -> None:
        """Show the file as it is known now. alone: there is no other, so that it cannot be left out."""
        self._filling = True
        try:
            self._fill(source)
        finally:
            self._filling = False
        error = source.error
        text = "" if error is None else f"{error.message} {error.hint} {error.where}".strip()
        self.error.show_text(text, "alarm", "" if alone else "Leave it out")
        clear(self.questions)
        for question in source.plan.questions if source.plan is not None and error is None else ():
            card = QuestionCard(question)
            card.answered.connect(self.chosen)
            card.columns_wanted.connect(lambda: self.column_chosen.emit(""))
            self.questions.addWidget(card)
        preview = source.preview if error is None else None
        self.table.show_preview(preview)
        self.counts.setText("" if preview is None else count_words(preview, preview.plan.time_zone))
        notes = source.plan.notes if source.plan is not None else ()
        self.notes.setText(" ".join(notes))
        self.notes.setVisible(bool(notes))
        self.again.setVisible(source.changed)

    # ---- building

    def _combo(self, field: str, words: dict[Any, str]) -> QComboBox:
        made = QComboBox()
        made.setProperty("field", field)
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setMinimumContentsLength(6)
        for value, said in words.items():
            made.addItem(said, value)
        made.activated.connect(lambda at, box=made: self._picked(box, at))
        return made

    def _line(self, field: str) -> QSpinBox:
        made = QSpinBox()
        made.setProperty("field", field)
        made.setRange(0, LAST_LINE)
        made.setSpecialValueText("None")
        made.setPrefix("Line ")
        made.setKeyboardTracking(False)
        made.lineEdit().setTextMargins(6, 0, 0, 0)
        made.valueChanged.connect(lambda value: self._say(field, value))
        return made

    def _form(self) -> Card:
        card = Card(margin=12)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.forget)
        head.addWidget(self.again)
        # the links come and go: what stands below stays where it is
        head.addStrut(self.again.sizeHint().height())
        card.body.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        named: Iterable[tuple[str, str, QWidget]] = (
            ("kind", "Kind", self.kind),
            ("layout", "Layout", self.layout_box),
            ("machine", "Machine", self.machine),
            ("time_zone", "Time zone", self.zone),
            ("day_first", "Dates", self.day_first),
            ("encoding", "Encoding", self.encoding),
            ("delimiter", "Between cells", self.delimiter),
            ("decimal", "Decimal mark", self.decimal),
            ("header_row", "Column names", self.header_row),
            ("units_row", "Units", self.units_row),
            ("sheet", "Sheet", self.sheet),
        )
        for at, (key, title, widget) in enumerate(named):
            widget.setAccessibleName(title)
            self.fields[key] = widget
            row, column = divmod(at, COLUMNS)
            words = self._titles[key] = label(title, "small")
            grid.addWidget(words, 3 * row, column)
            grid.addWidget(widget, 3 * row + 1, column)
            if row:
                grid.setRowMinimumHeight(3 * row - 1, 4)
        for column in range(COLUMNS):
            grid.setColumnStretch(column, 1)
        card.body.addLayout(grid)
        return card

    # ---- filling

    def _fill(self, source: Source) -> None:
        plan = source.plan
        self._profile = (plan.profile or "") if plan is not None else ""
        known = (
            "Nothing was recognised in"
            if plan is None
            else "How to read"
            if self._profile
            else "What was recognised in"
        )
        by = f", by profile {_short(self._profile)}" if self._profile else ""
        self.heading.setText(f"{known} {_short(source.name)}{by}")
        self.heading.setToolTip(plain(str(source.path)))
        self.forget.setVisible(bool(self._profile))
        for box in (self.machine, self.day_first):
            box.setEnabled(plan is not None)
        if plan is None:
            self._fill_said(source.choices)
            return
        table = source.path.suffix.lower() in TABLES
        for box in (self.encoding, self.delimiter):
            box.setEnabled(not table)
        self.sheet.clear()
        for name in plan.sheets:
            self.sheet.addItem(name, name)
        for widget in (self.sheet, self._titles["sheet"]):
            widget.setVisible(bool(plan.sheets) and source.member is None)
        for box, value in (
            (self.kind, plan.kind),
            (self.layout_box, source.choices.layout or plan.layout),
            (self.sheet, plan.sheet),
            (self.encoding, None if table else plan.encoding),
            (self.delimiter, None if table else plan.delimiter),
            (self.decimal, plan.decimal),
            (self.day_first, plan.day_first),
        ):
            _set(box, value)
        self.layout_box.setEnabled(plan.kind == "telemetry")
        self.header_row.setValue(plan.header_row)
        self.units_row.setValue(plan.units_row or 0)
        self._fill_zone(plan)
        self._fill_machine(source, plan)

    def _fill_said(self, said: Choices) -> None:
        """There is nothing but what the user said."""
        for widget in (self.sheet, self._titles["sheet"]):
            widget.hide()
        for box in (self.kind, self.layout_box, self.encoding, self.delimiter, self.decimal, self.day_first):
            _set(box, getattr(said, str(box.property("field"))))
        for line in (self.header_row, self.units_row):
            line.setValue(getattr(said, str(line.property("field"))) or 0)
        self.zone.setCurrentText(said.time_zone or "")
        self.machine.setCurrentText(said.machine or "")

    def _fill_zone(self, plan: Plan) -> None:
        if not self._zones_filled:
            self._zones_filled = True
            for name in _zones():
                self.zone.addItem(name, name)
            completer = QCompleter(self.zone.model(), self.zone)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            self.zone.setCompleter(completer)
        self.zone.setCurrentText(plan.time_zone)

    def _fill_machine(self, source: Source, plan: Plan) -> None:
        self.machine.clear()
        column = plan.index("machine")
        told = FROM_FILE if column is None else f"Column {plan.columns[column].name}"
        if plan.layout != "wide":
            told = "As the tags say" if column is None else told
        self.machine.addItem(told, None)
        self.machine.addItem(f"File name: {source.file_name}", source.file_name)
        if plan.machine is None:
            self.machine.setCurrentIndex(0)
        else:
            self.machine.setCurrentText(plan.machine)

    # ---- telling

    def _picked(self, box: QComboBox, at: int) -> None:
        self._say(str(box.property("field")), box.itemData(at))

    def _typed(self, box: QComboBox) -> None:
        text = box.currentText().strip()
        known = box.findText(text)
        if known >= 0:
            self._say(str(box.property("field")), box.itemData(known))
        else:
            self._say(str(box.property("field")), text or None)

    def _say(self, field: str, value: Any) -> None:
        if not self._filling:
            self.chosen.emit(field, value)

    def _widget(self, at: int) -> QWidget | None:
        item = self.questions.itemAt(at)
        return item.widget() if item is not None else None


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}\N{HORIZONTAL ELLIPSIS}{name[-LONGEST // 2 :]}"


def _set(box: QComboBox, value: Any) -> None:
    at = next((at for at in range(box.count()) if box.itemData(at) == value), -1)
    if at < 0 and value is not None:
        box.addItem(str(value), value)
        at = box.count() - 1
    box.setCurrentIndex(at)
