"""Small forms for changes by hand: what is changed, by whom and why. Each asks by `submitted` and is told by `refuse`
or closed; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLineEdit,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.record_results import EventKind, HandEvent, MergePreview, PeriodRule, PeriodState, RecordedEvent
from pdm_desktop.core.results import SensorRow
from pdm_desktop.gui.signed_form import PlantTime, SignedForm, number
from pdm_desktop.gui.widgets import label

KIND_NAME: dict[EventKind, str] = {"failures": "Failure", "maintenance": "Replacement", "errors": "Error"}
LABEL_NAME: dict[EventKind, str] = {"failures": "Component", "maintenance": "Component", "errors": "Code"}
STATE_NAME: dict[PeriodState, str] = {state: state.capitalize() for state in get_args(PeriodState)}


class EventForm(SignedForm):
    """Enters an event, or corrects one (`before`)."""

    def __init__(
        self,
        machine: str,
        zone: str,
        labels: dict[EventKind, tuple[str, ...]],
        at: int,
        who: str,
        parent: QWidget | None,
        before: RecordedEvent | None = None,
    ) -> None:
        if before is None:
            title, line, action = "Enter an event", f"Machine {machine}: what happened, and when.", "Enter"
        else:
            what = f"{KIND_NAME[before.kind].lower()} {before.label}, {times.short(before.time, zone)}"
            title, line, action = "Correct an event", f"On record: {what}.", "Correct"
        super().__init__(title, line, action, who, parent, reason=before is not None)
        self.before = before
        self._labels = labels
        self.kind = QComboBox()
        for kind, name in KIND_NAME.items():
            self.kind.addItem(name, kind)
        self.time = PlantTime(zone, at if before is None else before.time)
        self.what = QComboBox()
        self.what.setEditable(True)
        self.what.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.field("Kind", self.kind)
        self.field("When", self.time)
        self.field("Component", self.what)
        self.fields.addRow("", label(f"Times are the plant's, {zone}", "small"))
        if before is not None:
            self.kind.setCurrentIndex(self.kind.findData(before.kind))
        self._kind_chosen()
        self.what.setEditText("" if before is None else before.label)
        self.kind.currentIndexChanged.connect(self._kind_chosen)
        self.what.editTextChanged.connect(self.check)
        self.check()

    def event_entered(self) -> HandEvent:
        """The event as entered."""
        return HandEvent(self.kind.currentData(), self.time.ms(), self.what.currentText().strip())

    def complete(self) -> bool:
        return bool(self.what.currentText().strip())

    def _kind_chosen(self) -> None:
        kind: EventKind = self.kind.currentData()
        text = self.what.currentText()
        self.what.clear()
        self.what.addItems(list(self._labels.get(kind, ())))
        self.what.setEditText(text)
        title = self.fields.labelForField(self.what)
        if title is not None:
            title.setProperty("text", LABEL_NAME[kind])
        self.what.setAccessibleName(LABEL_NAME[kind])


class ReasonForm(SignedForm):
    """Only who and why: for deleting, retiring, taking something off."""

    def __init__(
        self, title: str, line: str, action: str, who: str, parent: QWidget | None, *, reason: bool = True
    ) -> None:
        super().__init__(title, line, action, who, parent, reason=reason)
        self.check()


class PeriodForm(SignedForm):
    """Enters a period of one machine."""

    def __init__(self, machine: str, zone: str, at: int, who: str, parent: QWidget | None) -> None:
        line = f"Machine {machine}: while it is stopped or out of service it has no risk and raises no alarm."
        super().__init__("Enter a period", line, "Enter", who, parent)
        self.state = QComboBox()
        for state in ("out of service", "stopped", "running"):
            self.state.addItem(state.capitalize(), state)
        self.start, self.end = PlantTime(zone, at), PlantTime(zone, at)
        self.ongoing = QCheckBox("Still going on")
        self.ongoing.setChecked(True)
        self.end.setEnabled(False)
        self.field("State", self.state)
        self.field("From", self.start)
        self.field("To", self.end)
        self.fields.addRow("", self.ongoing)
        self.fields.addRow("", label(f"Times are the plant's, {zone}", "small"))
        self.ongoing.toggled.connect(lambda on: self.end.setEnabled(not on))
        self.ongoing.toggled.connect(self.check)
        for field in (self.start, self.end):
            field.dateTimeChanged.connect(self.check)
        self.check()

    def period(self) -> tuple[int, int | None, PeriodState]:
        """Start, end (ms UTC, None: still going on) and state."""
        return self.start.ms(), None if self.ongoing.isChecked() else self.end.ms(), self.state.currentData()

    def complete(self) -> bool:
        return self.ongoing.isChecked() or self.end.ms() > self.start.ms()


class RuleForm(SignedForm):
    """Enters a rule on a sensor."""

    def __init__(self, sensors: Sequence[str], machines: Sequence[str], who: str, parent: QWidget | None) -> None:
        line = "While the rule holds a machine has no risk and raises no alarm, and its rows are left out of training."
        super().__init__("Add a rule", line, "Add", who, parent)
        self.sensor, self.sense, self.value, self.state = QComboBox(), QComboBox(), QLineEdit(), QComboBox()
        self.machine = QComboBox()
        self.sensor.addItems(list(sensors))
        self.sense.addItem("below", False)
        self.sense.addItem("above", True)
        for state in ("stopped", "out of service"):
            self.state.addItem(state.capitalize(), state)
        self.machine.addItem("Every machine", "")
        for machine in machines:
            self.machine.addItem(f"Machine {machine}", machine)
        self.field("While", self.sensor)
        self.field("is", self.sense)
        self.field("this value", self.value)
        self.field("it means", self.state)
        self.field("for", self.machine)
        self.value.textChanged.connect(self.check)
        self.check()

    def rule(self) -> PeriodRule:
        """The rule as entered."""
        value = number(self.value.text())
        assert value is not None
        return PeriodRule(
            0, self.machine.currentData(), self.sensor.currentText(), self.sense.currentData(), value,
            self.state.currentData(),
        )  # fmt: skip

    def complete(self) -> bool:
        return number(self.value.text()) is not None


class SensorForm(SignedForm):
    """Changes a sensor's name, unit and plausible limits."""

    def __init__(self, row: SensorRow, who: str, parent: QWidget | None) -> None:
        line = (
            "Readings stay as they are: another unit changes no number, and values beyond the limits are kept and "
            "flagged. Files that use the former name still find the sensor; a model knows sensors by their name."
        )
        super().__init__(f"Sensor {row.name}", line, "Change", who, parent)
        self.row = row
        self.name, self.unit = QLineEdit(row.name), QLineEdit(row.unit)
        self.low, self.high = (QLineEdit("" if limit is None else f"{limit:.10g}") for limit in (row.low, row.high))
        for limit in (self.low, self.high):
            limit.setPlaceholderText("no limit")
        self.field("Name", self.name)
        self.field("Unit", self.unit)
        self.field("Plausible from", self.low)
        self.field("to", self.high)
        for field in (self.name, self.unit, self.low, self.high):
            field.textChanged.connect(self.check)
        self.check()

    def sensor(self) -> SensorRow:
        """The sensor as entered."""
        return SensorRow(
            self.name.text().strip(), self.unit.text().strip(), number(self.low.text()), number(self.high.text()), 0
        )

    def complete(self) -> bool:
        limits = [field.text().strip() for field in (self.low, self.high)]
        made = self.sensor()
        same = (made.name, made.unit, made.low, made.high) == (
            self.row.name,
            self.row.unit,
            self.row.low,
            self.row.high,
        )
        return bool(made.name) and not same and all(not text or number(text) is not None for text in limits)


class RenameForm(SignedForm):
    """Another name for a machine."""

    def __init__(self, machine: str, who: str, parent: QWidget | None) -> None:
        line = "Its record stays as it is, and files that use the former name still reach it."
        super().__init__(f"Rename machine {machine}", line, "Rename", who, parent)
        self._machine = machine
        self.name = QLineEdit(machine)
        self.name.selectAll()
        self.field("New name", self.name)
        self.name.textChanged.connect(self.check)
        self.check()

    def complete(self) -> bool:
        return self.name.text().strip() not in ("", self._machine)


class MergeForm(SignedForm):
    """Which machine another one is to be merged into, and what that would do."""

    asked = Signal(str)
    """Show what merging into this machine would do."""

    def __init__(self, machine: str, others: Sequence[str], zone: str, who: str, parent: QWidget | None) -> None:
        line = f"Machine {machine} and another one are the same machine under two names: their records become one."
        super().__init__(f"Merge machine {machine}", line, "Merge", who, parent, reason=True)
        self.machine = machine
        self._zone = zone
        self._told = ""
        self.into = QComboBox()
        self.into.addItem("Choose a machine", "")
        for other in others:
            self.into.addItem(f"Machine {other}", other)
        self.what = label("")
        self.what.setWordWrap(True)
        self.what.setMinimumHeight(112)
        self.what.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.field("Into", self.into)
        self.fields.addRow(self.what)
        self.into.currentIndexChanged.connect(self._chosen)
        self.check()

    def chosen(self) -> str:
        """The machine that stays; empty when none was chosen."""
        return str(self.into.currentData())

    def show_preview(self, preview: MergePreview) -> None:
        """What would happen."""
        if preview.into != self.chosen():
            return
        self._told = preview.into
        lines = [f"{preview.readings:,} readings and {preview.events:,} events come from machine {preview.machine}."]
        if preview.shared:
            lines.append(f"At {preview.shared:,} times both have readings; they are merged value by value.")
        if preview.differing:
            lines.append(f"{preview.differing:,} values differ: the newer import holds, all are listed in backups.")
            lines += [_conflict_text(conflict, preview, self._zone) for conflict in preview.conflicts[:2]]
        lines.append("It cannot be taken back; a backup is made first.")
        self.what.setText("\n".join(lines))
        self.check()

    def complete(self) -> bool:
        return bool(self.chosen()) and self._told == self.chosen()

    def _chosen(self) -> None:
        self._told = ""
        self.what.setText("Looking at what would happen …" if self.chosen() else "")
        self.check()
        if self.chosen():
            self.asked.emit(self.chosen())


class KnownUntilForm(SignedForm):
    """Up to when the failure record is complete."""

    def __init__(self, zone: str, at: int | None, is_set: bool, who: str, parent: QWidget | None) -> None:
        line = (
            "Up to this time the record of failures is complete: a machine without one did not fail. Later times stay "
            "out of training and of every figure about the model."
        )
        super().__init__("Failures known until", line, "Set", who, parent)
        self._zone, self._is_set, self._at = zone, is_set, at
        self.newest = QCheckBox("Take the newest failure on record")
        self.time = PlantTime(zone, times.now_ms() if at is None else at)
        self.newest.setChecked(not is_set)
        self.time.setEnabled(is_set)
        self.field("Until", self.time)
        self.fields.addRow("", label(f"Times are the plant's, {zone}", "small"))
        self.fields.addRow("", self.newest)
        self.newest.toggled.connect(self.time.setDisabled)
        self.newest.toggled.connect(self.check)
        self.time.dateTimeChanged.connect(self.check)
        self.check()

    def setting(self) -> str:
        """ISO time with offset, or empty for the newest failure."""
        return "" if self.newest.isChecked() else times.iso(self.time.ms(), self._zone)

    def complete(self) -> bool:
        if self.newest.isChecked() or not self._is_set or self._at is None:
            return self.newest.isChecked() == self._is_set
        # The field shows whole minutes: what was set to the second stays so unless it is changed.
        return self.time.ms() != self._at // times.MINUTE * times.MINUTE


def _conflict_text(conflict: tuple[int | None, str, object, object], preview: MergePreview, zone: str) -> str:
    time, cell, kept, dropped = conflict
    when = "" if time is None else f", {times.short(time, zone)}"
    values = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in (kept, dropped)]
    return f"\N{BULLET} {cell}{when}: {values[0]} ({preview.into}), {values[1]} ({preview.machine})"
