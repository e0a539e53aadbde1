"""Events entered, corrected and deleted by hand: from a machine's record, or where they are seen, among its trends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.core.record_results import HandEvent, MachineRecord, RecordedEvent
from pdm_desktop.core.results import Event
from pdm_desktop.gui.forms import KIND_NAME, EventForm, ReasonForm
from pdm_desktop.gui.signing import Signing, Work

if TYPE_CHECKING:
    from pdm_desktop.gui.pages.machine import MachinePage


class EventChanges(Signing):
    """Opens the forms for events."""

    def serve_machine(self, page: MachinePage) -> None:
        """Do what the machine page asks for among its trends."""
        page.enter_requested.connect(self._enter_there)
        page.correct_requested.connect(self._correct_there)
        page.delete_requested.connect(self._delete_there)
        self._session.overview_ready.connect(lambda _: page.set_writable(self._session.writable))
        page.set_writable(self._session.writable)

    def enter(
        self, record: MachineRecord, parent: QWidget, before: RecordedEvent | None = None, at: int | None = None
    ) -> None:
        """Enter an event, of the time `at` to begin with; or correct one (`before`)."""
        moment = self.now() if at is None else at
        form = EventForm(record.machine, record.time_zone, record.labels, moment, self.who(), parent, before)

        def make(by: Any) -> Work:
            event = form.event_entered()
            if before is None:
                return lambda w, _p: w.enter_event(record.machine, event, by)
            old = HandEvent(before.kind, before.time, before.label)
            return lambda w, _p: w.correct_event(record.machine, old, event, by)

        self.ask(form, "Changing the record", make)

    def delete(self, machine: str, zone: str, event: RecordedEvent | Event, parent: QWidget) -> None:
        """Delete an event."""
        what = f"{KIND_NAME[event.kind].lower()} {event.label}, {times.short(event.time, zone)}"
        line = f"The {what} is taken off the record of machine {machine}. Imports do not bring it back."
        form = ReasonForm("Delete an event", line, "Delete", self.who(), parent)
        hand = HandEvent(event.kind, event.time, event.label)
        self.ask(form, "Changing the record", lambda by: lambda w, _p: w.delete_event(machine, hand, by))

    def _enter_there(self, machine: str, at: int) -> None:
        self._session.read(
            f"Reading the record of machine {machine}",
            lambda w, _p: w.machine_record(machine),
            lambda record: self.enter(record, self._window, at=at),
        )

    def _correct_there(self, machine: str, event: Event) -> None:
        def show(record: MachineRecord) -> None:
            same = (e for e in record.events if (e.kind, e.time, e.label) == (event.kind, event.time, event.label))
            before = next(same, None)
            if before is not None:  # else it went while it was asked for, and the page is about to say so
                self.enter(record, self._window, before)

        self._session.read(f"Reading the record of machine {machine}", lambda w, _p: w.machine_record(machine), show)

    def _delete_there(self, machine: str, event: Event) -> None:
        self.delete(machine, self.zone(), event, self._window)
