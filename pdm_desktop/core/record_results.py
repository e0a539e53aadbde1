"""Frozen values of the record by hand: events, periods, changes, merges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

EventKind = Literal["errors", "maintenance", "failures"]


class HandEvent(NamedTuple):
    """One event as entered by hand: time in ms UTC; label: the code or the component."""

    kind: EventKind
    time: int
    label: str


class By(NamedTuple):
    """Who makes a change by hand, and why."""

    who: str
    why: str = ""


PeriodState = Literal["running", "stopped", "out of service"]


@dataclass(frozen=True)
class Period:
    """A span [start, end) of one machine's life; end None: still going on. source: hand, file, or rule."""

    id: int
    machine: str
    start: int
    end: int | None
    state: PeriodState
    source: str


@dataclass(frozen=True)
class PeriodRule:
    """While `sensor` is below (or above) `value` the machine is in `state`. machine: "" = every machine."""

    id: int
    machine: str
    sensor: str
    above: bool
    value: float
    state: PeriodState

    @property
    def text(self) -> str:
        """The rule as one reads it: rotate < 50 means stopped."""
        return f"{self.sensor} {'>' if self.above else '<'} {self.value:g} means {self.state}"


@dataclass(frozen=True)
class Edit:
    """One change of the record by hand: who, when and why, and what was before and after."""

    id: int
    at: int
    who: str
    why: str
    what: str
    machine: str
    """Empty where it concerns no single machine."""
    before: dict[str, Any]
    after: dict[str, Any]
    undone: bool
    undoable: bool


@dataclass(frozen=True)
class RecordedEvent:
    """An event of the record. by_hand: no import not undone says so, an entry does. known: see schema."""

    kind: EventKind
    time: int
    label: str
    known: int | None
    by_hand: bool


@dataclass(frozen=True)
class MachineRecord:
    """What is on record of one machine besides its readings, newest first, and what was changed by hand."""

    machine: str
    time_zone: str
    retired: int | None
    events: tuple[RecordedEvent, ...]
    labels: dict[EventKind, tuple[str, ...]]
    """The codes and components in use in the plant."""
    periods: tuple[Period, ...]
    """Those entered or from files, and those that rules give."""
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class MergePreview:
    """What merging a machine into another does: readings and events that move, readings at times both have, cells in
    which the two differ; conflicts: the first of those as (time or None, cell, value of `into`, value of `machine`)."""

    machine: str
    into: str
    readings: int
    events: int
    shared: int
    differing: int
    conflicts: tuple[tuple[int | None, str, Any, Any], ...]
