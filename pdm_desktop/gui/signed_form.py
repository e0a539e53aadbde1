"""What forms for changes by hand have in common: fields, who and why, and one button that asks for the change."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from PySide6.QtCore import QDateTime, Qt, QTimeZone, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDateTimeEdit,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.record_results import By
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import Banner, button, label

WIDTH = 460
FIELD_HEIGHT = 32


class PlantTime(QDateTimeEdit):
    """A time on the plant's clock, whatever the computer's zone is."""

    def __init__(self, zone: str, at: int) -> None:
        super().__init__()
        self._zone = zone
        self.setDisplayFormat("yyyy-MM-dd HH:mm")
        self.setCalendarPopup(True)
        # figures only, no zone of Qt's
        self.setTimeZone(QTimeZone(QTimeZone.Initialization.UTC))
        self.set_ms(at)

    def set_ms(self, at: int) -> None:
        """Show an instant, ms UTC."""
        wall = round(times.local(at, self._zone).replace(tzinfo=UTC).timestamp() * 1000)
        self.setDateTime(QDateTime.fromMSecsSinceEpoch(wall, QTimeZone(QTimeZone.Initialization.UTC)))

    def ms(self) -> int:
        """The instant shown, ms UTC; in a daylight-saving fold the first."""
        wall = datetime.fromtimestamp(self.dateTime().toMSecsSinceEpoch() / 1000, UTC)
        return round(wall.replace(tzinfo=times.zone(self._zone)).timestamp() * 1000)


class SignedForm(QDialog):
    """Fields, who and why, Cancel and one button that asks for the change. reason: a why is needed."""

    submitted = Signal()

    def __init__(
        self, title: str, line: str, action: str, who: str, parent: QWidget | None, *, reason: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setMinimumWidth(WIDTH)
        self._reason = reason
        self.line = label(line, "muted")
        self.line.setWordWrap(True)
        self.line.setVisible(bool(line))
        self.fields = QFormLayout()
        self.fields.setHorizontalSpacing(2 * GRID)
        self.fields.setVerticalSpacing(GRID)
        self.fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.who, self.why = QLineEdit(who), QLineEdit()
        self.why.setPlaceholderText("Kept with the change " + ("(needed)" if reason else "(may be left empty)"))
        self.error = Banner()
        self.cancel, self.save = button("Cancel"), button(action, "primary")
        self.save.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._submit)
        self._signature = QFormLayout()
        self._signature.setHorizontalSpacing(2 * GRID)
        self._signature.setVerticalSpacing(GRID)
        for name, field in (("Who", self.who), ("Why", self.why)):
            self._add(self._signature, name, field)
            field.textChanged.connect(self.check)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        self.column.setSpacing(GRID)
        self.column.addWidget(label(title, "title"))
        self.column.addWidget(self.line)
        self.column.addSpacing(GRID // 2)
        self.column.addLayout(self.fields)
        self.column.addLayout(self._signature)
        self.column.addWidget(self.error)
        self.column.addStretch(1)
        self.column.addSpacing(GRID)
        self.column.addLayout(buttons)

    def by(self) -> By:
        """Who and why, as entered."""
        return By(self.who.text().strip(), self.why.text().strip())

    def field(self, name: str, widget: QWidget) -> None:
        """A row above who and why."""
        self._add(self.fields, name, widget)

    def complete(self) -> bool:
        """Whether what was entered can be asked for."""
        return True

    def check(self) -> None:
        """Look at what was entered."""
        self.save.setEnabled(bool(self.by().who) and bool(self.by().why or not self._reason) and self.complete())

    def showEvent(self, event: QShowEvent) -> None:
        """What is changed comes first, then who and why."""
        entered = [self._widget(self.fields, row) for row in range(self.fields.rowCount())]
        order = [*(field for field in entered if field is not None), self.who, self.why, self.save, self.cancel]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)
        first = order[0] if order[0] is not self.who or not self.who.text() else self.why
        first.setFocus()
        super().showEvent(event)

    @staticmethod
    def _widget(form: QFormLayout, row: int) -> QWidget | None:
        item = form.itemAt(row, QFormLayout.ItemRole.FieldRole)
        widget = None if item is None else item.widget()
        return widget if widget is not None and widget.focusPolicy() != Qt.FocusPolicy.NoFocus else None

    def refuse(self, error: Exception) -> None:
        """The change was not made: why."""
        text = str(error)
        if isinstance(error, PdmError):
            # An address inside a file is worth having; "machine" or "who" is not: the form shows it.
            place = f"({error.where})" if ", line " in error.where else ""
            text = " ".join(part for part in (error.message, error.hint, place) if part)
        self.error.show_text(text, "alarm")
        self.check()

    def _submit(self) -> None:
        self.save.setEnabled(False)
        self.error.show_text("")
        self.submitted.emit()

    def _add(self, form: QFormLayout, name: str, widget: QWidget) -> None:
        title = label(name, "muted")
        title.setFixedWidth(84)
        title.setFixedHeight(FIELD_HEIGHT)
        title.setBuddy(widget)
        widget.setAccessibleName(name)
        if isinstance(widget, QLineEdit | QComboBox | QDateTimeEdit):
            widget.setFixedHeight(FIELD_HEIGHT)
        form.addRow(title, widget)


def number(text: str) -> float | None:
    """A finite number as typed, with a point or a comma; None when it is none."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
