"""The use cases of the record by hand: events, periods, names. Every change keeps who, when and why (record.By)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pdm_desktop.core import naming, record, service, times
from pdm_desktop.core.clock import Clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.histories import histories
from pdm_desktop.core.periods import Entry
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import By, Edit, HandEvent, MachineRecord, MergePreview, Period, PeriodRule
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store


class ByHand:
    """The part of a workspace that changes the record by hand."""

    folder: Path
    _store: Store
    _settings: Settings

    def clock(self) -> Clock:
        """The workspace's now."""
        raise NotImplementedError

    def _keep_settings(self, changed: Settings) -> None:
        """Have other settings hold."""
        raise NotImplementedError

    def machine_record(self, machine: str) -> MachineRecord:
        """Events, periods and changes of one machine."""
        self._require(machine)
        return MachineRecord(
            machine=machine,
            time_zone=self._settings.time_zone,
            retired=self._store.names.retired().get(machine),
            events=self._store.edits.events(machine),
            labels={"errors": self._store.labels("errors"), "maintenance": self._store.labels("maintenance"),
                    "failures": self._store.labels("failures")},
            periods=self.periods(machine),
            edits=self._store.edits.all(machine),
        )  # fmt: skip

    def enter_event(self, machine: str, event: HandEvent, by: By) -> int:
        """Put an error, replacement or failure on record; returns the edit. See record.enter."""
        return record.enter(self._store, machine, event, by, now=times.now_ms(), known=self._known_now())

    def correct_event(self, machine: str, before: HandEvent, after: HandEvent, by: By) -> int:
        """Replace an event by another; returns the edit. See record.correct."""
        now = times.now_ms()
        return record.correct(self._store, machine, before, after, by, now=now, known=self._known_now())

    def delete_event(self, machine: str, event: HandEvent, by: By) -> int:
        """Take an event off the record, whatever imports say of it; returns the edit. See record.delete."""
        return record.delete(self._store, machine, event, by)

    def undo_edit(self, edit: int, who: str, progress: Progress) -> None:
        """Take one change by hand back."""
        with self._store.transaction():
            self._store.edits.undo(edit, who, progress)
            until = record.known_until_without(self._store.edits.all(), edit)
            if until is not None:
                self._keep_settings(self._settings.changed({"failures_known_until": until}))

    def periods(self, machine: str | None = None) -> tuple[Period, ...]:
        """When machines were running, stopped or out of service: of one machine with what rules say, of all without."""
        if machine is None:
            return self._store.service.periods()
        self._require(machine)
        return service.InService(self._store).periods(next(histories(self._store, [machine], None, None)))

    def rules(self) -> tuple[PeriodRule, ...]:
        """The rules on sensors that hold."""
        return self._store.service.rules()

    def changes(self) -> tuple[Edit, ...]:
        """Every change by hand, newest first."""
        return self._store.edits.all()

    def enter_periods(self, entries: Sequence[Entry], by: By) -> int:
        """Keep periods; returns the edit."""
        return service.enter(self._store, entries, by)

    def import_periods(self, path: Path, by: By) -> int:
        """Keep the periods of a CSV file (machine, start, end, state); returns how many were new."""
        return service.import_file(self._store, path, by, self._settings.time_zone)

    def remove_period(self, period: int, by: By) -> int:
        """Let a period hold no longer; returns the edit."""
        return service.remove(self._store, period, by)

    def add_rule(self, rule: PeriodRule, by: By) -> int:
        """Keep a rule on a sensor (its id aside); returns the edit."""
        return service.add_rule(self._store, rule, by)

    def remove_rule(self, rule: int, by: By) -> int:
        """Let a rule hold no longer; returns the edit."""
        return service.remove_rule(self._store, rule, by)

    def change_sensor(self, name: str, after: Sensor, by: By) -> int:
        """Another name, unit or limits for a sensor; its readings stay. Returns the edit."""
        return naming.change_sensor(self._store, name, after, by)

    def rename_machine(self, machine: str, name: str, by: By) -> int:
        """Another name for a machine; returns the edit."""
        return naming.rename(self._store, machine, name, by)

    def retire_machine(self, machine: str, by: By) -> int:
        """Take a machine out of use as of the workspace's clock; returns the edit."""
        return naming.retire(self._store, machine, by, at=self.clock().now)

    def return_machine(self, machine: str, by: By) -> int:
        """Put a retired machine into use again; returns the edit."""
        return naming.bring_back(self._store, machine, by)

    def merge_preview(self, machine: str, into: str) -> MergePreview:
        """What merging one machine into another would do."""
        return naming.preview(self._store, machine, into)

    def merge_machines(self, machine: str, into: str, by: By, progress: Progress) -> MergePreview:
        """Merge one machine into another, after a backup: it cannot be taken back."""
        return naming.merge(self._store, machine, into, by, self.folder / "backups", progress)

    def _known_now(self) -> int | None:
        """When an entry made now became known: now, under a live clock; a past record does not tell."""
        return times.now_ms() if self.clock().mode == "live" else None

    def _require(self, machine: str) -> None:
        if machine not in set(self._store.machines()["machine"]):
            raise PdmError(f"There is no machine {machine!r}.", "See the Data page for the machines.", "machine")
