"""What can be done where the pointer is among the trends: the events there, and entering another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Event

LISTED = 4
"""Events that are offered to be changed; the record has them all."""
KIND_NAME = {"failures": "failure", "maintenance": "replacement", "errors": "error"}


class EventMenu(QMenu):
    """Asks by its signals; nothing but the record can be opened where it may not be changed."""

    enter_requested = Signal(object)
    """Enter an event at this time, ms UTC."""
    correct_requested = Signal(object)
    """An Event, as delete_requested."""
    delete_requested = Signal(object)
    record_requested = Signal()

    def __init__(
        self, events: Sequence[Event], moment: int, zone: str, writable: bool, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for event in events[:LISTED]:
            what = f"{KIND_NAME[event.kind]} {event.label}, {times.short(event.time, zone)}".replace("&", "&&")
            self.addAction(f"Correct {what}…", partial(self.correct_requested.emit, event)).setEnabled(writable)
            self.addAction(f"Delete {what}…", partial(self.delete_requested.emit, event)).setEnabled(writable)
            self.addSeparator()
        enter = self.addAction(f"Enter an event at {times.short(moment, zone)}…")
        enter.triggered.connect(lambda: self.enter_requested.emit(moment))
        enter.setEnabled(writable)
        self.addAction("Open the record…", self.record_requested.emit)
