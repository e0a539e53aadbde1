"""Step "Columns": what each column holds, sensors with their names and units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from pdm_desktop.core.plans import ROLES, Role
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Banner, Card, label
from pdm_desktop.gui.wizards.import_state import Source, role_words, sensor_name, sensor_unit, unsaid
from pdm_desktop.gui.wizards.steps import StepPage

EDITOR_WIDTH = 312
SAMPLES = 4
VALUE_TITLES = {
    "failure": "The value that means a failure",
    "quality": "The value that means good",
    "state": "The value that means it came",
}
"""Roles that take one value of their column."""
EMPTY_VALUES = {
    "failure": "none: it names the component that failed",
    "quality": "the usual words and numbers",
    "state": "the usual words",
}
"""What holds where none is said."""


@dataclass(frozen=True)
class ColumnRow:
    """One column of the file in the table."""

    place: int
    name: str
    role: Role
    sensor: str
    unit: str
    samples: str


class ColumnsPage(StepPage):
    """Shows a Source's columns; `role_chosen` tells of a change."""

    role_chosen = Signal(object, object)
    """Names of columns, their Role."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._filling = False
        self._readings = True
        self.error = Banner()
        self.model: TableModel[ColumnRow] = TableModel(_columns(), lambda row: row.place, theme)
        self.table = TableView(self.model, theme, "Columns of the file")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.heading = label("", "heading")
        self.samples = label("", "small")
        self.role = QComboBox()
        for key, words in ROLES.items():
            # The first part of the sentence is enough here; the whole of it is the tip.
            said = re.split(r"[,;]| \(", words)[0]
            said = "a failure, or a status that tells of it" if key == "failure" else said
            self.role.addItem(said[:1].upper() + said[1:], key)
            self.role.setItemData(self.role.count() - 1, words.capitalize(), 3)
        self.role.setAccessibleName("Holds")
        self.name = QLineEdit()
        self.unit = QLineEdit()
        self.machine = QLineEdit()
        self.value = QLineEdit()
        self.of = QLineEdit()
        self._rows: dict[QLineEdit, QLabel] = {}
        for line in (self.heading, self.samples):
            line.setWordWrap(True)
        columns = Card(margin=1)
        columns.body.addWidget(self.table)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(columns, 1)
        row.addWidget(self._editor())
        self.body.addWidget(self.error)
        self.body.addLayout(row, 1)
        self.role.activated.connect(self._picked)
        for entry in (self.name, self.unit, self.machine, self.value, self.of):
            entry.editingFinished.connect(self._typed)

    def show_source(self, source: Source) -> None:
        """Show the file's columns as they are known now; the selection stays."""
        error = source.error
        text = "" if error is None else f"{error.message} {error.hint}".strip()
        questions = source.plan.questions if source.plan is not None and error is None else ()
        asked = " ".join(question.text for question in questions if question.key == "columns")
        status = unsaid(source.plan) if source.plan is not None else ""
        if status and not asked:
            asked = f"Which value of {status} means a failure? Each change into it becomes one."
        self.error.show_text(text or asked, "alarm" if text else "watch")
        plan, preview = source.plan, source.preview
        self._readings = plan is None or plan.kind == "telemetry"
        if plan is None or preview is None:
            self.model.set_rows(())
        else:
            self.model.set_rows(
                ColumnRow(at, column.name, column.role, sensor_name(column), sensor_unit(column), _samples(preview, at))
                for at, column in enumerate(plan.columns)
            )
        if not self.table.selectionModel().hasSelection() and self.model.rowCount():
            self.table.selectRow(0)
        self._selected()

    def choose(self, name: str) -> None:
        """Select the column of this name."""
        for at, row in enumerate(self.model.rows()):
            if row.name == name:
                self.table.selectRow(at)
                self.table.scrollTo(self.model.index(at, 0))

    def _editor(self) -> Card:
        card = Card(margin=2 * GRID)
        card.setFixedWidth(EDITOR_WIDTH)
        card.body.addWidget(self.heading)
        card.body.addWidget(self.samples)
        card.body.addSpacing(GRID)
        card.body.addWidget(label("Holds", "small"))
        card.body.addWidget(self.role)
        for line, title in (
            (self.name, "Name of the sensor"),
            (self.unit, "Unit"),
            (self.machine, "Machine"),
            (self.value, VALUE_TITLES["failure"]),
            (self.of, "The column whose units these are"),
        ):
            line.setAccessibleName(title)
            words = label(title, "small")
            words.setWordWrap(True)
            self._rows[line] = words
            card.body.addSpacing(GRID // 2)
            card.body.addWidget(words)
            card.body.addWidget(line)
        card.body.addStretch(1)
        hint = label("Several columns can be selected with Shift or Ctrl and given the same role.", "small")
        hint.setWordWrap(True)
        card.body.addWidget(hint)
        return card

    def _chosen(self) -> list[ColumnRow]:
        return [self.model.row(index) for index in self.table.selectionModel().selectedRows()]

    def _selected(self) -> None:
        rows = self._chosen()
        self._filling = True
        for widget in (self.role, self.name, self.unit, self.machine, self.value, self.of):
            widget.setEnabled(bool(rows))
        if not rows:
            for words in (self.heading, self.samples):
                words.setText("")
            self.role.setCurrentIndex(-1)
            for line in self._rows:
                self._show_line(line, False)
        else:
            first = rows[0]
            self.heading.setText(first.name if len(rows) == 1 else f"{len(rows)} columns")
            self.samples.setText(first.samples if len(rows) == 1 else "")
            role = "ignore" if first.role.role == "doubtful" else first.role.role
            self.role.setCurrentIndex(self.role.findData(role))
            self.name.setText(first.sensor)
            self.unit.setText(first.unit)
            self.machine.setText(first.role.machine)
            self.value.setText(first.role.name if role in VALUE_TITLES else "")
            self.value.setPlaceholderText("" if role == "failure" and self._readings else EMPTY_VALUES.get(role, ""))
            self._rows[self.value].setText(VALUE_TITLES.get(role, ""))
            self.value.setAccessibleName(VALUE_TITLES.get(role, ""))
            self._show_line(self.name, role == "sensor" and len(rows) == 1)
            self._show_line(self.unit, role == "sensor")
            self._show_line(self.machine, role == "sensor" and bool(first.role.machine))
            self._show_line(self.value, role in VALUE_TITLES)
            self.of.setText(first.role.name if role == "unit" else "")
            self._show_line(self.of, role == "unit" and len(rows) == 1)
        self._filling = False

    def _show_line(self, line: QLineEdit, shown: bool) -> None:
        line.setVisible(shown)
        self._rows[line].setVisible(shown)

    def _picked(self, _at: int) -> None:
        key = str(self.role.currentData())
        changed = [row.name for row in self._chosen() if row.role.role != key]
        if changed:
            self.role_chosen.emit(changed, Role(key))

    def _typed(self) -> None:
        rows = self._chosen()
        if self._filling or not rows:
            return
        key = str(self.role.currentData())
        unit = self.unit.text().strip()
        for row in rows:
            if key in VALUE_TITLES:
                before, after = row.role, Role(key, self.value.text().strip())
            elif key == "unit":
                before, after = row.role, Role(key, self.of.text().strip())
            elif key == "sensor":
                # What the line shows may come from the header or the units row: only a change is a choice.
                before = Role(key, row.sensor, row.unit, row.role.machine)
                after = Role(key, row.sensor, unit, row.role.machine)
                if len(rows) == 1:
                    after = Role(key, self.name.text().strip() or row.name, unit, self.machine.text().strip())
            else:
                continue
            if after != before:
                self.role_chosen.emit([row.name], after)

    def select(self, places: list[int]) -> None:
        """Select several columns by their place in the file."""
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        self.table.clearSelection()
        for at, row in enumerate(self.model.rows()):
            if row.place in places:
                self.table.selectionModel().select(self.model.index(at, 0), flags)


def _samples(preview: Any, at: int) -> str:
    found: list[str] = []
    for row in preview.rows:
        text = row.cells[at].text.strip() if at < len(row.cells) else ""
        if text and text not in found:
            found.append(text)
        if len(found) == SAMPLES:
            break
    return "   ".join(found)


def _columns() -> tuple[Column[ColumnRow], ...]:
    def token(row: ColumnRow) -> str:
        return "faint" if row.role.role in ("ignore", "doubtful") else "text"

    return (
        Column("place", "", lambda row: f"{row.place + 1}", lambda row: row.place, right=True, width=44, token="faint"),
        Column("name", "Column", lambda row: row.name, lambda row: natural(row.name), width=170, strong=True,
               tip=lambda row: row.name),
        Column("role", "Holds", lambda row: role_words(row.role), width=150,
               token=lambda row: "faint" if row.role.role in ("ignore", "doubtful") else "accent"),
        Column("sensor", "Sensor", lambda row: row.sensor, lambda row: natural(row.sensor), width=130, token=token),
        Column("unit", "Unit", lambda row: row.unit, width=70, token="muted"),
        Column("samples", "First values", lambda row: row.samples, width=0, token="muted", tip=lambda row: row.samples),
    )  # fmt: skip
