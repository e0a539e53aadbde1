"""Changes by hand, from the page that asks for them to the session that makes them: opens lists and forms, closes a
form once its change is made, tells it where it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSettings, Signal
from PySide6.QtWidgets import QDialog, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.periods import Entry
from pdm_desktop.core.record_results import Edit, MachineRecord, Period, PeriodRule, RecordedEvent
from pdm_desktop.core.results import Batch, ConflictCell, DataOverview, DataRow, SensorRow
from pdm_desktop.core.schema import Sensor
from pdm_desktop.gui import messages
from pdm_desktop.gui.conflicts import ConflictsDialog
from pdm_desktop.gui.event_changes import EventChanges
from pdm_desktop.gui.forms import (
    KnownUntilForm,
    MergeForm,
    PeriodForm,
    ReasonForm,
    RenameForm,
    RuleForm,
    SensorForm,
)
from pdm_desktop.gui.record_dialogs import ChangesDialog, PeriodsDialog, RecordDialog, change_text
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.signing import Signing, Work
from pdm_desktop.gui.theme import Theme

if TYPE_CHECKING:
    from pdm_desktop.gui.pages.data import DataPage
    from pdm_desktop.gui.pages.machine import MachinePage


class Recording(Signing):
    """The record by hand of the open workspace, asked for by the machine and the data page."""

    machine_renamed = Signal(str, str)
    """A machine's former and its present name."""

    def __init__(self, session: Session, theme: Theme, settings: QSettings, window: QWidget) -> None:
        super().__init__(session, settings, window)
        self._theme = theme
        self._events = EventChanges(session, settings, window)
        self._overview: DataOverview | None = None
        self._record: RecordDialog | None = None
        self._periods: PeriodsDialog | None = None
        self._changes: ChangesDialog | None = None
        session.overview_ready.connect(self._show_overview)
        session.record_changed.connect(self._read_again)

    def serve_machine(self, page: MachinePage) -> None:
        """Do what the machine page asks for."""
        page.record_requested.connect(self.open_record)
        self._events.serve_machine(page)

    def serve_data(self, page: DataPage) -> None:
        """Do what the data page asks for."""
        page.record_requested.connect(self.open_record)
        page.rename_requested.connect(self.rename)
        page.merge_requested.connect(self.merge)
        page.retire_requested.connect(self.retire)
        page.sensor_requested.connect(self.change_sensor)
        page.periods_requested.connect(self.open_periods)
        page.changes_requested.connect(self.open_changes)
        page.known_until_requested.connect(self.set_known_until)
        page.rejects_requested.connect(self.open_rejects)
        page.conflicts_requested.connect(self.open_conflicts)
        self._session.overview_ready.connect(lambda _: page.set_writable(self._session.writable))

    # ---- one machine's record

    def open_record(self, machine: str) -> None:
        """Show what is on record of a machine, to be added to and corrected."""
        if self._record is not None:
            self._record.close()
        made = self._record = RecordDialog(self._theme, machine, self._session.writable, self._window)
        made.enter_requested.connect(self._enter_event)
        made.correct_requested.connect(self._enter_event)
        made.delete_requested.connect(self._delete_event)
        made.period_requested.connect(self._enter_period)
        made.remove_requested.connect(partial(self._remove_period, made))
        made.undo_requested.connect(partial(self._undo, made))
        made.finished.connect(lambda: self._forget(made))
        made.open()
        self._read_record()

    def _read_record(self) -> None:
        shown = self._record
        if shown is not None:

            def show(record: MachineRecord) -> None:
                if self._record is shown:
                    shown.show_record(record)

            self._session.read(f"Reading the record of machine {shown.machine}",
                               lambda w, _p: w.machine_record(shown.machine), show)  # fmt: skip

    def _enter_event(self, before: RecordedEvent | None = None) -> None:
        shown = self._record
        if shown is not None and shown.record is not None:
            self._events.enter(shown.record, shown, before)

    def _delete_event(self, event: RecordedEvent) -> None:
        shown = self._record
        if shown is not None:
            self._events.delete(shown.machine, shown.zone, event, shown)

    def _enter_period(self) -> None:
        shown = self._record
        if shown is None:
            return
        form = PeriodForm(shown.machine, shown.zone, self.now(), self.who(), shown)

        def make(by: Any) -> Work:
            entry = Entry(shown.machine, *form.period())
            return lambda w, _p: w.enter_periods([entry], by)

        self.ask(form, "Changing the record", make)

    # ---- the data page

    def open_periods(self) -> None:
        """Show the plant's periods and rules."""
        made = self._periods = PeriodsDialog(self._theme, self._session.writable, self._window)
        made.add_rule_requested.connect(self._add_rule)
        made.remove_rule_requested.connect(self._remove_rule)
        made.remove_requested.connect(partial(self._remove_period, made))
        made.import_requested.connect(self._import_periods)
        made.finished.connect(lambda: self._forget(made))
        self._fill(made)

    def open_changes(self) -> None:
        """Show every change by hand."""
        made = self._changes = ChangesDialog(self._theme, self._session.writable, self._window)
        made.undo_requested.connect(partial(self._undo, made))
        made.finished.connect(lambda: self._forget(made))
        self._fill(made)

    def change_sensor(self, row: SensorRow) -> None:
        """Ask for another name, unit or limits."""
        form = SensorForm(row, self.who(), self._window)

        def make(by: Any) -> Work:
            made = form.sensor()
            after = Sensor(0, made.name, made.unit, made.low, made.high)
            return lambda w, _p: w.change_sensor(row.name, after, by)

        self.ask(form, f"Changing sensor {row.name}", make)

    def rename(self, row: DataRow) -> None:
        """Ask for another name of a machine."""
        form = RenameForm(row.machine, self.who(), self._window)

        def make(by: Any) -> Work:
            name = form.name.text().strip()
            return lambda w, _p: w.rename_machine(row.machine, name, by)

        told = partial(self._renamed, row.machine, lambda: form.name.text().strip())
        self.ask(form, f"Renaming machine {row.machine}", make, told)

    def merge(self, row: DataRow) -> None:
        """Ask which machine is the same, show what would happen, merge."""
        overview = self._overview
        if overview is None:
            return
        others = [other.machine for other in overview.rows if other.machine != row.machine]
        form = MergeForm(row.machine, others, overview.time_zone, self.who(), self._window)

        def preview(into: str) -> None:
            look: Work = lambda w, _p: w.merge_preview(row.machine, into)  # noqa: E731
            self._session.read("Comparing two machines", look, form.show_preview)

        def make(by: Any) -> Work:
            into = form.chosen()
            return lambda w, p: w.merge_machines(row.machine, into, by, p)

        form.asked.connect(preview)
        self.ask(form, f"Merging machine {row.machine}", make, partial(self._renamed, row.machine, form.chosen))

    def retire(self, row: DataRow) -> None:
        """Ask whether a machine is out of use, or in use again."""
        machine = row.machine
        if row.retired is None:
            line = "It leaves the fleet page and is scored no longer; its record stays and trains models."
            form = ReasonForm(f"Retire machine {machine}", line, "Retire", self.who(), self._window)
            self.ask(form, f"Retiring machine {machine}", lambda by: lambda w, _p: w.retire_machine(machine, by))
        else:
            line = "It is scored and shown on the fleet page again."
            form = ReasonForm(f"Return machine {machine}", line, "Return", self.who(), self._window, reason=False)
            self.ask(form, f"Returning machine {machine}", lambda by: lambda w, _p: w.return_machine(machine, by))

    def set_known_until(self) -> None:
        """Ask up to when failures are known."""
        overview = self._overview
        if overview is None:
            return
        until, is_set = overview.failures_known_until, overview.known_until_set
        form = KnownUntilForm(overview.time_zone, until, is_set, self.who(), self._window)

        def make(by: Any) -> Work:
            values = {"failures_known_until": form.setting()}
            return lambda w, _p: w.change_settings(values, by)

        self.ask(form, "Changing a setting", make)

    def open_conflicts(self, batch: Batch) -> None:
        """Show the values in which an import differed from what was there."""
        made = ConflictsDialog(self._theme, batch, self.zone(), self._window)
        open_ones = {"dialog": made}
        made.destroyed.connect(open_ones.clear)
        made.open()

        def show(found: tuple[int, tuple[ConflictCell, ...]]) -> None:
            if open_ones:
                made.show_conflicts(found)

        self._session.read("Looking at what differed", lambda w, _p: w.conflicts(batch.id), show)

    def open_rejects(self, batch: Batch) -> None:
        """Have the system open what an import rejected."""
        workspace = self._session.workspace
        path = None if workspace is None else workspace.folder / "imports" / Path(batch.rejects).name
        if path is None or not path.is_file():
            what = f"The rejects of {batch.file} are not there any more."
            self._session.failed.emit(PdmError(what, "Import the file again to see them.", str(path or "")))
        else:
            messages.open_file(self._window, path)

    def _add_rule(self) -> None:
        overview = self._overview
        if overview is None or not overview.sensors:
            return
        machines = [row.machine for row in overview.rows]
        form = RuleForm([name for name, _ in overview.sensors], machines, self.who(), self._periods)

        def make(by: Any) -> Work:
            rule = form.rule()
            return lambda w, _p: w.add_rule(rule, by)

        self.ask(form, "Adding a rule", make)

    def _remove_rule(self, rule: PeriodRule) -> None:
        form = ReasonForm("Remove a rule", f"{rule.text}: the rule holds no longer.", "Remove", self.who(),
                          self._periods, reason=False)  # fmt: skip
        self.ask(form, "Removing a rule", lambda by: lambda w, _p: w.remove_rule(rule.id, by))

    def _remove_period(self, shown: RecordDialog | PeriodsDialog, period: Period) -> None:
        line = f"Machine {period.machine} {period.state} from {times.short(period.start, shown.zone)}: no longer said."
        form = ReasonForm("Remove a period", line, "Remove", self.who(), shown, reason=False)
        self.ask(form, "Removing a period", lambda by: lambda w, _p: w.remove_period(period.id, by))

    def _import_periods(self) -> None:
        messages.choose_files(
            self._periods or self._window, self._settings, "Import periods", ["Tables (*.csv *.txt)"], self._take_file
        )

    def _take_file(self, files: Sequence[Path]) -> None:
        path = files[0]
        line = f"The periods in {path.name}: machine, start, end, state. They come in whole or not at all."
        form = ReasonForm("Import periods", line, "Import", self.who(), self._periods, reason=False)
        self.ask(form, "Importing periods", lambda by: lambda w, _p: w.import_periods(path, by))

    def _undo(self, shown: QDialog, edit: Edit) -> None:
        who = self.who()
        messages.ask(
            shown, "Take a change back", change_text(edit, self.zone()),
            "The record is then as if this change had not been made; other changes still hold.", "Take back",
            lambda: self._session.record("Taking a change back", lambda w, p: w.undo_edit(edit.id, who, p),
                                         lambda _: None, None),
        )  # fmt: skip

    def _renamed(self, before: str, after: Callable[[], str]) -> Callable[[], None]:
        name = after()
        return lambda: self.machine_renamed.emit(before, name)

    def _fill(self, made: PeriodsDialog | ChangesDialog) -> None:
        if self._overview is not None:
            made.show_overview(self._overview)
        made.open()

    def _show_overview(self, overview: DataOverview) -> None:
        self._overview = overview
        for shown in (self._periods, self._changes):
            if shown is not None:
                shown.show_overview(overview)

    def _read_again(self) -> None:
        self._read_record()
        if self._periods is not None or self._changes is not None:
            self._session.load_overview()

    def _forget(self, made: QDialog) -> None:
        if self._record is made:
            self._record = None
        elif self._periods is made:
            self._periods = None
        elif self._changes is made:
            self._changes = None
