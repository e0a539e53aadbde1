"""Names of machines and sensors: renamed ones are still found under their former name by the files that use it.
Two machines that are one are merged cell by cell; a retired one keeps its record."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.schema import EVENT_KINDS, KINDS, Sensor
from pdm_desktop.core.store import catalogue
from pdm_desktop.core.store.edits import Transaction, forget_all_risks, machine_id
from pdm_desktop.core.store.tables import MIXED, RecordTable, record_table
from pdm_desktop.core.tag_rules import KnownTags

_LISTED = 100_000
"""Conflicts of a merge that are listed; more are counted."""


class CellConflict(NamedTuple):
    """A cell in which two machines to be merged differ: time (ms UTC, None for make and age), cell, both values."""

    time: int | None
    cell: str
    kept: Any
    dropped: Any


class Overlap(NamedTuple):
    """What merging one machine into another would do: its readings and events, those at times both have, the cells
    in which they differ (`conflicts` lists them, at most 100,000)."""

    readings: int
    events: int
    shared: int
    differing: int
    conflicts: tuple[CellConflict, ...]


class Names:
    """The part of the store that knows what machines and sensors are called; `Store.names`."""

    def __init__(self, read: Transaction, write: Transaction) -> None:
        self._read = read
        self._write = write

    # -- sensors ------------------------------------------------------------------------------------------------------

    def change_sensor(self, sensor: Sensor) -> None:
        """Give the sensor of this id another name, unit or limits. Its readings stay as they are; files that use the
        former name still reach it. PdmError: the name is taken."""
        with self._write() as db:
            row = db.execute("SELECT name FROM sensor WHERE id = ?", (sensor.id,)).fetchone()
            if row[0] != sensor.name:
                _refuse_taken(db, "sensor", sensor.name, sensor.id)
                _keep_alias(db, "sensor", row[0], sensor.name, sensor.id)
                # What a model sees depends on the names.
                forget_all_risks(db)
            values = (sensor.name, sensor.unit, sensor.low, sensor.high, sensor.id)
            db.execute("UPDATE sensor SET name = ?, unit = ?, low = ?, high = ? WHERE id = ?", values)
            catalogue.refresh_views(db)

    def outside_limits(self) -> dict[str, dict[str, int]]:
        """sensor -> machine -> how many of its readings lie outside the sensor's plausible limits (none: left out)."""
        found: dict[str, dict[str, int]] = {}
        with self._read() as db:
            for sensor in catalogue.sensors(db):
                parts = [f"t.{sensor.column} {sign} ?" for sign, limit in _limits(sensor)]
                if parts:
                    rows = db.execute(
                        f"SELECT m.name, count(*) FROM telemetry t JOIN machine m ON m.id = t.machine"
                        f" WHERE {' OR '.join(parts)} GROUP BY t.machine",
                        [limit for _, limit in _limits(sensor)],
                    ).fetchall()
                    if rows:
                        found[sensor.name] = dict(rows)
        return found

    # -- machines -----------------------------------------------------------------------------------------------------

    def retired(self) -> dict[str, int]:
        """machine -> since when (ms UTC) it is retired; only those that are."""
        with self._read() as db:
            return dict(db.execute("SELECT name, retired FROM machine WHERE retired IS NOT NULL").fetchall())

    def former_machines(self) -> dict[str, str]:
        """former name -> the machine's name now."""
        with self._read() as db:
            found = "SELECT a.name, m.name FROM alias a JOIN machine m ON m.id = a.id WHERE a.kind = 'machine'"
            return dict(db.execute(found).fetchall())

    def known_tags(self) -> KnownTags:
        """What tags were taken for, of the machines that are in the plant."""
        with self._read() as db:
            rows = db.execute("SELECT kind, name, id FROM alias WHERE kind IN ('tag', 'path')").fetchall()
            names = {number: name for name, number in catalogue.machines(db).items()}
        of: dict[str, dict[str, str]] = {"tag": {}, "path": {}}
        for kind, name, number in rows:
            if number in names:
                of[kind][name] = names[number]
        return KnownTags(of["tag"], of["path"], frozenset(names.values()))

    def retire(self, machine: str, since: int | None) -> None:
        """Retire a machine from `since` (ms UTC) on, or return it (None)."""
        with self._write() as db:
            db.execute("UPDATE machine SET retired = ? WHERE id = ?", (since, machine_id(db, machine)))

    def rename(self, machine: str, name: str) -> None:
        """Another name for a machine; files that use the former one still reach it. PdmError: the name is taken."""
        with self._write() as db:
            number = machine_id(db, machine)
            _refuse_taken(db, "machine", name, number)
            _keep_alias(db, "machine", machine, name, number)
            db.execute("UPDATE machine SET name = ? WHERE id = ?", (name, number))

    def overlap(self, machine: str, into: str) -> Overlap:
        """What `merge` would do, without doing it."""
        with self._read() as db:
            return _overlap(db, machine_id(db, machine), machine_id(db, into))

    def merge(self, machine: str, into: str) -> Overlap:
        """Make the record of `machine` part of `into`: by cell, where both say something the newer import holds.

        Imports can still be undone one by one afterwards; the merging itself cannot. Files that name `machine` reach
        `into` from then on. Returns what differed.
        """
        with self._write() as db:
            old, new = machine_id(db, machine), machine_id(db, into)
            if old == new:
                raise PdmError("A machine cannot be merged with itself.", "Choose another machine.", "machine")
            found = _overlap(db, old, new)
            ids = tuple(sensor.id for sensor in catalogue.all_sensors(db))
            for kind in KINDS:
                _move(db, record_table(kind, ids), old, new)
            _move_rest(db, machine, old, new)
            forget_all_risks(db, [old, new])
            db.execute("DELETE FROM machine WHERE id = ?", (old,))
            catalogue.drop_unused_origins(db)
            catalogue.refresh_views(db)
            return found


def aliases(db: sqlite3.Connection, kind: str) -> dict[str, int]:
    """former name -> number of the machines or sensors."""
    return dict(db.execute("SELECT name, id FROM alias WHERE kind = ?", (kind,)).fetchall())


def _limits(sensor: Sensor) -> list[tuple[str, float]]:
    return [(sign, limit) for sign, limit in (("<", sensor.low), (">", sensor.high)) if limit is not None]


def _refuse_taken(db: sqlite3.Connection, table: str, name: str, number: int) -> None:
    others = db.execute(f"SELECT name FROM {table} WHERE id <> ?", (number,)).fetchall()
    # Sensors are told apart without letter case, machines with it.
    taken = {other.casefold() if table == "sensor" else other for (other,) in others}
    if (name.casefold() if table == "sensor" else name) in taken:
        hint = "Merge the two machines if they are one." if table == "machine" else "Choose another name."
        raise PdmError(f"There is a {table} {name!r} already.", hint, "name")


def _keep_alias(db: sqlite3.Connection, kind: str, before: str, after: str, number: int) -> None:
    db.execute("DELETE FROM alias WHERE kind = ? AND name = ?", (kind, after))
    db.execute("INSERT OR REPLACE INTO alias (kind, name, id) VALUES (?, ?, ?)", (kind, before, number))


def _overlap(db: sqlite3.Connection, old: int, new: int) -> Overlap:
    (readings,) = db.execute("SELECT count(*) FROM telemetry WHERE machine = ?", (old,)).fetchone()
    events = sum(
        db.execute(f"SELECT count(*) FROM {kind} WHERE machine = ?", (old,)).fetchone()[0] for kind in EVENT_KINDS
    )
    pair = "FROM {0} a JOIN {0} b ON b.machine = ? AND b.time = a.time WHERE a.machine = ?"
    (shared,) = db.execute(f"SELECT count(*) {pair.format('telemetry')}", (new, old)).fetchone()
    conflicts: list[CellConflict] = []
    differing = 0
    for sensor in catalogue.all_sensors(db):
        column = sensor.column
        where = f"{pair.format('telemetry')} AND a.{column} <> b.{column}"
        (count,) = db.execute(f"SELECT count(*) {where}", (new, old)).fetchone()
        differing += count
        if count and len(conflicts) < _LISTED:
            rows = db.execute(
                f"SELECT a.time, b.{column}, a.{column} {where} ORDER BY a.time LIMIT ?",
                (new, old, _LISTED - len(conflicts)),
            ).fetchall()
            conflicts += [CellConflict(time, sensor.name, kept, dropped) for time, kept, dropped in rows]
    for cell in ("machine_model", "age"):
        value = "(SELECT name FROM label WHERE id = {0}.machine_model)" if cell == "machine_model" else "{0}.age"
        row = db.execute(
            f"SELECT {value.format('b')}, {value.format('a')} FROM attribute a JOIN attribute b ON b.machine = ?"
            f" WHERE a.machine = ? AND a.{cell} <> b.{cell}",
            (new, old),
        ).fetchone()
        if row is not None:
            conflicts.append(CellConflict(None, cell, *row))
            differing += 1
    return Overlap(int(readings), int(events), int(shared), differing, tuple(conflicts))


def _move(db: sqlite3.Connection, table: RecordTable, old: int, new: int) -> None:
    """Move one kind's rows. Where both machines have one, each batch's cells become claims: undo stays exact."""
    rest = [key for key in table.keys if key != "machine"]
    same = " AND ".join(["b.machine = ?", *(f"b.{key} = {table.name}.{key}" for key in rest)])
    both = f"EXISTS (SELECT 1 FROM {table.name} b WHERE {same})"
    db.execute("DROP TABLE IF EXISTS temp.shared")
    shared_keys = ", ".join(rest) or "1 AS one"
    db.execute(f"CREATE TEMP TABLE shared AS SELECT {shared_keys} FROM {table.name} WHERE machine = ? AND {both}",
               (old, new))  # fmt: skip
    among = (
        f"({', '.join(rest)}) IN (SELECT {', '.join(rest)} FROM shared)" if rest else "1 IN (SELECT one FROM shared)"
    )
    for machine in (new, old):
        # `new` first: where one file had both names, what it said of the one that stays holds.
        where = f"t.machine = {machine} AND t.origin <> {MIXED} AND {among}"
        _spread(db, table, new, where)
        counts = db.execute(f"SELECT origin, count(*) FROM {table.name} t WHERE {where} GROUP BY origin").fetchall()
        db.executemany("UPDATE origin SET rows = rows - ? WHERE id = ?", [(count, origin) for origin, count in counts])
    _spread_claims(db, table, old, new)
    db.execute(f"DELETE FROM {table.name} WHERE machine = {old} AND {among}")
    db.execute(f"UPDATE {table.name} SET machine = {new} WHERE machine = {old}")
    match = " AND ".join(f"c.{key} = {table.name}.{key}" for key in table.keys)
    newest = [
        f"{cell} = (SELECT c.{cell} FROM {table.claims} c WHERE {match} AND c.{cell} IS NOT NULL"
        " ORDER BY c.batch DESC LIMIT 1)"
        for cell in table.cells
    ]
    db.execute(f"UPDATE {table.name} SET {', '.join([f'origin = {MIXED}', *newest])} WHERE machine = {new} AND {among}")
    db.execute("DROP TABLE shared")


def _spread(db: sqlite3.Connection, table: RecordTable, new: int, where: str) -> None:
    """Write what each batch said of the rows as claims of `new`."""
    rest = [key for key in table.keys if key != "machine"]
    columns = ["machine", *rest, "batch", *table.cells]
    chosen = [str(new), *(f"t.{key}" for key in rest), "o.batch", *(f"t.{cell}" for cell in table.cells)]
    db.execute(
        f"INSERT INTO {table.claims} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM {table.name} t"
        f" JOIN origin_batch o ON o.origin = t.origin WHERE {where} {_filled(table)}"
    )


def _spread_claims(db: sqlite3.Connection, table: RecordTable, old: int, new: int) -> None:
    """Hand the claims of `old` to `new`."""
    rest = [key for key in table.keys if key != "machine"]
    columns = ["machine", *rest, "batch", *table.cells]
    chosen = [str(new), *rest, "batch", *table.cells]
    db.execute(
        f"INSERT INTO {table.claims} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM {table.claims}"
        f" WHERE machine = {old} {_filled(table)}"
    )
    db.execute(f"DELETE FROM {table.claims} WHERE machine = {old}")


def _filled(table: RecordTable) -> str:
    """ON CONFLICT of claims: the one there keeps its cells and takes those it lacks."""
    keys = ", ".join((*table.keys, "batch"))
    cells = ", ".join(f"{cell} = coalesce({cell}, excluded.{cell})" for cell in table.cells)
    return f"ON CONFLICT ({keys}) DO " + (f"UPDATE SET {cells}" if cells else "NOTHING")


def _move_rest(db: sqlite3.Connection, name: str, old: int, new: int) -> None:
    db.execute(
        "INSERT INTO batch_machine (batch, machine, first, last) SELECT batch, ?, first, last FROM batch_machine"
        " WHERE machine = ? ON CONFLICT (batch, machine) DO UPDATE SET first = min(first, excluded.first),"
        " last = max(last, excluded.last)",
        (new, old),
    )
    db.execute("DELETE FROM batch_machine WHERE machine = ?", (old,))
    for table in ("struck", "edit_event", "alarm_shown"):
        db.execute(f"UPDATE OR IGNORE {table} SET machine = ? WHERE machine = ?", (new, old))
        db.execute(f"DELETE FROM {table} WHERE machine = ?", (old,))
    for table in ("edit", "period", "rule", "conflict"):
        db.execute(f"UPDATE {table} SET machine = ? WHERE machine = ?", (new, old))
    db.execute(
        "UPDATE alias SET id = ? WHERE kind NOT IN ('sensor', 'alike code', 'alike component') AND id = ?", (new, old)
    )
    db.execute("INSERT OR REPLACE INTO alias (kind, name, id) VALUES ('machine', ?, ?)", (name, new))
    db.execute(
        "UPDATE machine SET readings = (SELECT count(*) FROM telemetry WHERE machine = ?) WHERE id = ?", (new, new)
    )
