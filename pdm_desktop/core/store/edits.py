"""Changes by hand, kept with who, when and why. They lie above the imports and never touch what those brought.

An entered event is a batch of its own, so it merges and is undone as a file's. A deleted one is struck: reads leave it
out whatever imports say of it, so neither the same file again nor the undoing of one brings it back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import Edit, EventKind, RecordedEvent
from pdm_desktop.core.schema import EVENT_LABEL
from pdm_desktop.core.store import catalogue
from pdm_desktop.core.store.tables import MIXED, standing
from pdm_desktop.core.store.undo import undo
from pdm_desktop.core.store.writer import BatchWriter

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]
Event = tuple[EventKind, int, str]
"""(kind, time in ms UTC, label)."""

BY_HAND = "entered by hand"
ALWAYS = -(2**62)
_FINAL = ("machines merged",)
"""What cannot be taken back."""


class Edits:
    """The part of the store that keeps changes by hand; `Store.edits`."""

    def __init__(self, read: Transaction, write: Transaction) -> None:
        self._read = read
        self._write = write

    def all(self, machine: str | None = None) -> tuple[Edit, ...]:
        """Every change by hand, newest first; of one machine, or of the plant."""
        where = "" if machine is None else "WHERE e.machine = (SELECT id FROM machine WHERE name = ?)"
        with self._read() as db:
            rows = db.execute(
                "SELECT e.id, e.at, e.who, e.why, e.what, coalesce(m.name, ''), e.before, e.after,"
                " e.undone_at IS NOT NULL FROM edit e LEFT JOIN machine m ON m.id = e.machine"
                f" {where} ORDER BY e.id DESC",
                () if machine is None else (machine,),
            ).fetchall()
        return tuple(
            Edit(
                number,
                at,
                who,
                why,
                what,
                name,
                json.loads(before),
                json.loads(after),
                bool(undone),
                undoable=not undone and what not in _FINAL,
            )
            for number, at, who, why, what, name, before, after, undone in rows
        )

    def note(
        self, what: str, machine: str | None, who: str, why: str, before: dict[str, Any], after: dict[str, Any]
    ) -> int:
        """Keep that something is changed; returns the edit's number."""
        with self._write() as db:
            cursor = db.execute(
                "INSERT INTO edit (at, who, why, what, machine, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)"
                " RETURNING id",
                (clock.now_ms(), who, why, what, None if machine is None else machine_id(db, machine),
                 json.dumps(before, ensure_ascii=False), json.dumps(after, ensure_ascii=False)),
            )  # fmt: skip
            return int(cursor.fetchone()[0])

    def undo(self, edit: int, who: str, progress: Progress) -> None:
        """Take one change back, in whatever order; what other changes say still holds.

        PdmError: no such edit, taken back already, or one that cannot be.
        """
        with self._write() as db:
            row = db.execute("SELECT what, batch, undone_at, machine, before, after FROM edit WHERE id = ?", (edit,))
            found = row.fetchone()
            if found is None:
                raise PdmError(f"There is no change with number {edit}.", "See the list of changes for their numbers.")
            what, batch, undone, machine, before, after = found
            if undone is not None:
                raise PdmError(f"Change {edit} is taken back already.")
            if what in _FINAL:
                raise PdmError("Merging machines cannot be taken back.", "Restore the backup made before it.")
            db.execute("UPDATE edit SET undone_at = ?, undone_by = ? WHERE id = ?", (clock.now_ms(), who, edit))
            if batch is not None:
                undo(db, batch, progress)
            for kind, at_machine, time, label in db.execute(
                "SELECT kind, machine, time, label FROM edit_event WHERE edit = ?", (edit,)
            ).fetchall():
                _settle(db, kind, at_machine, time, label)
            forget_service(db, edit)
            _undo_rest(db, what, machine, json.loads(before), json.loads(after))
            catalogue.refresh_views(db)

    # -- events -------------------------------------------------------------------------------------------------------

    def has(self, machine: str, event: Event) -> bool:
        """Whether the event is on record (and not deleted)."""
        kind, time, label = event
        with self._read() as db:
            return _stored(db, kind, machine, time, label, f" AND {standing(kind, 't')}")

    def enter(self, edit: int, machine: str, event: Event, known: int | None) -> None:
        """Put an event on record. known: ms UTC at which it became known, None = not recorded."""
        kind, time, label = event
        with self._write() as db:
            # A deleted one that comes back keeps what was recorded of when it became known.
            kept = _stored(db, kind, machine, time, label, "")
            writer = BatchWriter(db, BY_HAND, kind)
            zero = np.zeros(1, np.int64)
            moment = np.array([np.nan if known is None or kept else float(known)])
            writer.events([machine], zero, np.array([time], np.int64), [label], zero, moment, zero)
            writer.finish(f"by hand {edit}", 0)
            db.execute("UPDATE edit SET batch = ? WHERE id = ?", (writer.id, edit))
            _say(db, edit, machine, event, there=True)

    def delete(self, edit: int, machine: str, event: Event) -> None:
        """Take an event off the record; imports cannot bring it back, only another entry or undoing this one can."""
        with self._write() as db:
            _say(db, edit, machine, event, there=False)
            catalogue.refresh_views(db)

    def events(self, machine: str) -> tuple[RecordedEvent, ...]:
        """The events of one machine, newest first."""
        found: list[RecordedEvent] = []
        with self._read() as db:
            hand = {number for (number,) in db.execute("SELECT batch FROM edit WHERE batch IS NOT NULL").fetchall()}
            sets: dict[int, set[int]] = {}
            for origin, batch in db.execute("SELECT origin, batch FROM origin_batch").fetchall():
                sets.setdefault(origin, set()).add(batch)
            for kind, label in _KINDS:
                rows = db.execute(
                    f"SELECT t.time, l.name, t.known, t.origin FROM {kind} t JOIN label l ON l.id = t.{label}"
                    f" WHERE t.machine = (SELECT id FROM machine WHERE name = ?) AND {standing(kind, 't')}",
                    (machine,),
                ).fetchall()
                found += [
                    RecordedEvent(kind, time, name, known, origin != MIXED and sets.get(origin, set()) <= hand)
                    for time, name, known, origin in rows
                ]
        return tuple(sorted(found, key=lambda event: (event.time, event.kind, event.label), reverse=True))


_KINDS: tuple[tuple[EventKind, str], ...] = (
    ("errors", EVENT_LABEL["errors"]),
    ("maintenance", EVENT_LABEL["maintenance"]),
    ("failures", EVENT_LABEL["failures"]),
)


def machine_id(db: sqlite3.Connection, machine: str) -> int:
    """The number of a machine of the plant; PdmError when there is none of that name."""
    found = catalogue.machines(db).get(machine)
    if found is None:
        raise PdmError(f"There is no machine {machine!r}.", "See the Data page for the machines.", "machine")
    return found


def forget_service(db: sqlite3.Connection, edit: int) -> None:
    """Delete the opinions that the periods or rules of an edit bear on."""
    spans = db.execute(
        "SELECT machine, min(start) FROM period WHERE edit = ? OR removed_by = ? GROUP BY machine", (edit, edit)
    ).fetchall()
    catalogue.forget_risks(db, dict(spans))
    for (machine,) in db.execute("SELECT machine FROM rule WHERE edit = ? OR removed_by = ?", (edit, edit)).fetchall():
        forget_all_risks(db, None if machine is None else [machine])


def forget_all_risks(db: sqlite3.Connection, machines: Sequence[int] | None = None) -> None:
    """Delete the stored risks of some machines, or of all: opinions on another record."""
    if machines is None:
        machines = [number for (number,) in db.execute("SELECT id FROM machine").fetchall()]
    catalogue.forget_risks(db, dict.fromkeys(machines, ALWAYS))


def _stored(db: sqlite3.Connection, kind: str, machine: str, time: int, label: str, more: str) -> bool:
    name = dict(_KINDS)[kind]  # type: ignore[index]
    query = (
        f"SELECT 1 FROM {kind} t JOIN machine m ON m.id = t.machine JOIN label l ON l.id = t.{name}"
        f" WHERE m.name = ? AND t.time = ? AND l.name = ?{more}"
    )
    return db.execute(query, (machine, time, label)).fetchone() is not None


def _say(db: sqlite3.Connection, edit: int, machine: str, event: Event, *, there: bool) -> None:
    kind, time, label = event
    number = machine_id(db, machine)
    (label_id,) = db.execute("SELECT id FROM label WHERE name = ?", (label,)).fetchone()
    db.execute(
        "INSERT INTO edit_event (edit, kind, machine, time, label, there) VALUES (?, ?, ?, ?, ?, ?)",
        (edit, kind, number, time, label_id, int(there)),
    )
    _settle(db, kind, number, time, label_id)


def _settle(db: sqlite3.Connection, kind: str, machine: int, time: int, label: int) -> None:
    """Have the newest edit not undone decide whether the event is struck; opinions from then on no longer hold."""
    key = (kind, machine, time, label)
    row = db.execute(
        "SELECT v.there FROM edit_event v JOIN edit e ON e.id = v.edit WHERE v.kind = ? AND v.machine = ?"
        " AND v.time = ? AND v.label = ? AND e.undone_at IS NULL ORDER BY e.id DESC LIMIT 1",
        key,
    ).fetchone()
    db.execute("DELETE FROM struck WHERE kind = ? AND machine = ? AND time = ? AND label = ?", key)
    if row is not None and not row[0]:
        db.execute("INSERT INTO struck (kind, machine, time, label) VALUES (?, ?, ?, ?)", key)
    catalogue.forget_risks(db, {machine: time})


def _undo_rest(
    db: sqlite3.Connection, what: str, machine: int | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """What an edit changed outside of events and periods: names, limits, retirement."""
    if what == "machine renamed":
        _give_back_name(db, "machine", machine, str(before["name"]), str(after["name"]))
    elif what in ("machine retired", "machine returned"):
        db.execute("UPDATE machine SET retired = ? WHERE id = ?", (before["retired"], machine))
    elif what == "sensor changed":
        row = db.execute("SELECT id, name FROM sensor WHERE id = ?", (after["id"],)).fetchone()
        if before["name"] != after["name"]:
            _give_back_name(db, "sensor", row[0], str(before["name"]), str(after["name"]))
            forget_all_risks(db)
        db.execute(
            "UPDATE sensor SET unit = ?, low = ?, high = ? WHERE id = ?",
            (before["unit"], before["low"], before["high"], row[0]),
        )


def _give_back_name(db: sqlite3.Connection, table: str, number: int | None, before: str, after: str) -> None:
    row = db.execute(f"SELECT name FROM {table} WHERE id = ?", (number,)).fetchone()
    taken = db.execute(f"SELECT 1 FROM {table} WHERE lower(name) = lower(?) AND id <> ?", (before, number)).fetchone()
    if row is None or row[0] != after or taken is not None:
        raise PdmError(
            f"The name {before!r} cannot be given back: a later change stands in its way.", "Take that back first."
        )
    db.execute(f"UPDATE {table} SET name = ? WHERE id = ?", (before, number))
    db.execute("DELETE FROM alias WHERE kind = ? AND name = ? AND id = ?", (table, before, number))
