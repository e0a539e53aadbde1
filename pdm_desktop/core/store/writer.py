"""Merging one file into the record, chunk by chunk, inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.schema import EVENT_KINDS, Kind, Sensor
from pdm_desktop.core.store import bulk, catalogue
from pdm_desktop.core.store.bulk import Floats, Ints
from pdm_desktop.core.store.merge import Merged, Rows, merge, sort_rows
from pdm_desktop.core.store.tables import MIXED, RecordTable, natural_key, record_table

_MAX_SENSORS = 1_900  # SQLite stops at 2,000 columns a table or result


class Outcome(NamedTuple):
    """What became of the rows given: their number is the sum of the first four. values: cells that came in."""

    accepted: int
    unchanged: int
    duplicates: int
    conflicts: int
    values: int


class BatchWriter:
    """One import batch under way; made by Store.batch. Give it chunks, then `finish` it (or nothing is kept)."""

    def __init__(self, connection: sqlite3.Connection, file: str, kind: Kind) -> None:
        self._db = connection
        self._kind = kind
        self.finished = False
        self.kept = False
        self.altered = False
        """Whether the record says anything else than before; a file that contradicts itself may not alter it."""
        self.id = int(
            connection.execute(
                "INSERT INTO batch (file, sha256, kind, imported_at) VALUES (?, '', ?, ?) RETURNING id",
                (file, kind, clock.now_ms()),
            ).fetchone()[0]
        )
        self._origins = catalogue.Origins(connection, self.id)
        self._machines = dict(connection.execute("SELECT name, id FROM machine").fetchall())
        self._former = dict(connection.execute("SELECT name, id FROM alias WHERE kind = 'machine'").fetchall())
        self._labels = dict(connection.execute("SELECT name, id FROM label").fetchall())
        self._sensors = {sensor.name.casefold(): sensor for sensor in catalogue.all_sensors(connection)}
        former = connection.execute("SELECT name, id FROM alias WHERE kind = 'sensor'").fetchall()
        by_id = {sensor.id: sensor for sensor in self._sensors.values()}
        self._former_sensors = {name.casefold(): by_id[number] for name, number in former}
        self._used_sensors: dict[int, Sensor] = {}
        self._spans: dict[int, tuple[int | None, int | None]] = {}
        self._added: dict[int, int] = {}
        self._changed: dict[int, int] = {}
        self._totals = Outcome(0, 0, 0, 0, 0)
        self.by_line: list[tuple[Ints, Ints]] | None = None
        """Set to a list: (lines, what became of each: 0 unchanged, 1 duplicate, 2 accepted, 3 conflict) are added to
        it, for files in which a line is more than one row."""

    # -- what came in so far ------------------------------------------------------------------------------------------

    @property
    def totals(self) -> Outcome:
        """The sums over all chunks so far."""
        return self._totals

    @property
    def machines(self) -> tuple[str, ...]:
        """The machines of the file so far, in natural order."""
        names = {number: name for name, number in self._machines.items()}
        return tuple(sorted((names[number] for number in self._spans), key=natural_key))

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """The sensors of the file so far, in the file's order."""
        return tuple(self._used_sensors.values())

    @property
    def changed(self) -> dict[str, int]:
        """machine -> the earliest time (ms) at which its record changed; 0 where its attributes did."""
        names = {number: name for name, number in self._machines.items()}
        return {names[number]: time for number, time in self._changed.items()}

    def knows_sensor(self, name: str) -> bool:
        """Whether the catalogue has a sensor of that name (letter case aside)."""
        return self._sensor(name.strip()) is not None

    def _sensor(self, name: str) -> Sensor | None:
        return self._sensors.get(name.casefold()) or self._former_sensors.get(name.casefold())

    # -- chunks -------------------------------------------------------------------------------------------------------

    def readings(
        self,
        machines: Sequence[str],
        codes: Ints,
        times: Ints,
        sensors: Sequence[tuple[str, str]],
        values: Floats,
        lines: Ints,
    ) -> Outcome:
        """Merge readings: row i is of machine machines[codes[i]] at times[i] (ms UTC), values (S, n) in the order of
        `sensors` ((name, unit)), NaN where empty; lines: the rows' line numbers. Sensors and machines new to the plant
        enter its catalogue. A row without any value changes nothing and counts as unchanged."""
        ids = [self._sensor_id(name, unit) for name, unit in sensors]
        twice = [name for at, (name, _) in enumerate(sensors) if ids[at] in ids[:at]]
        if twice:
            # Only a renamed sensor can come twice: under its present and its former name.
            raise PdmError(f"Two columns are the sensor {twice[0]!r}.", "Leave one of them out of the file.", twice[0])
        some = ~np.isnan(values).all(axis=0) if ids else np.zeros(len(lines), np.bool_)
        idle = len(lines) - int(some.sum())
        if idle:
            codes, times, values, lines = codes[some], times[some], values[:, some], lines[some]
        outcome = Outcome(0, idle, 0, 0, 0)
        if len(lines):
            table = record_table("telemetry", tuple(sensor.id for sensor in self._sensors.values()))
            cells = tuple(f"s{i}" for i in ids)
            machine_ids = self._machine_ids(machines, codes)
            merged = self._merge(table, (machine_ids, times), cells, values, lines)
            outcome = Outcome(*(a + b for a, b in zip(merged, outcome, strict=True)))
        return self._count(outcome)

    def events(
        self, machines: Sequence[str], codes: Ints, times: Ints, labels: Sequence[str], label_codes: Ints,
        known: Floats, lines: Ints,
    ) -> Outcome:  # fmt: skip
        """Merge events of the batch's kind: labels[label_codes[i]] at machines[codes[i]] at times[i] (ms UTC), known:
        ms UTC at which the record became known, NaN where the file does not say."""
        assert self._kind in EVENT_KINDS
        table = record_table(self._kind)
        keys = (self._machine_ids(machines, codes), times, self._label_ids(labels)[label_codes])
        return self._count(self._merge(table, keys, table.cells, known[np.newaxis, :], lines)._replace(values=0))

    def attributes(self, machines: Sequence[str], models: Sequence[str], ages: Floats, lines: Ints) -> Outcome:
        """Merge machines: names (n,), machine_model ("" where empty), age in years (NaN where empty)."""
        table = record_table("machines")
        keys = (self._machine_ids(machines, np.arange(len(lines))),)
        given = np.array([bool(model) for model in models], np.bool_)
        numbers = np.where(given, self._label_ids(models).astype(np.float64), np.nan)
        cells = np.array([numbers, ages])
        return self._count(self._merge(table, keys, table.cells, cells, lines)._replace(values=0))

    def finish(self, sha256: str, rejected: int, counts: Outcome | None = None) -> None:
        """Close the batch: counts (where lines are not the rows given), catalogue of what it touched, risks that no
        longer hold."""
        counts = self._totals if counts is None else counts
        self._db.execute(
            "UPDATE batch SET sha256 = ?, accepted = ?, unchanged = ?, duplicates = ?, conflicts = ?, rejected = ?"
            " WHERE id = ?",
            (sha256, *counts[:4], rejected, self.id),
        )
        spans = [(self.id, machine, *span) for machine, span in self._spans.items()]
        self._db.executemany("INSERT INTO batch_machine (batch, machine, first, last) VALUES (?, ?, ?, ?)", spans)
        self._db.executemany(
            "INSERT INTO batch_sensor (batch, sensor) VALUES (?, ?)",
            [(self.id, number) for number in self._used_sensors],
        )
        self._db.executemany(
            "UPDATE machine SET readings = readings + ? WHERE id = ?",
            [(n, machine) for machine, n in self._added.items()],
        )
        self._origins.close()
        catalogue.forget_risks(self._db, self._changed)
        catalogue.refresh_views(self._db)
        self.finished = True

    @property
    def known_file(self) -> bool:
        """Whether a batch not undone came from a file of the same content (after `finish`)."""
        row = self._db.execute(
            "SELECT 1 FROM batch b JOIN batch o ON o.sha256 = b.sha256 AND o.kind = b.kind AND o.id <> b.id"
            " WHERE b.id = ? AND o.undone_at IS NULL",
            (self.id,),
        ).fetchone()
        return row is not None

    # -- the catalogue ------------------------------------------------------------------------------------------------

    def _machine_ids(self, names: Sequence[str], codes: Ints) -> Ints:
        for name in names:
            if name not in self._machines and name not in self._former:
                cursor = self._db.execute("INSERT INTO machine (name) VALUES (?) RETURNING id", (name,))
                self._machines[name] = int(cursor.fetchone()[0])
        known = self._former | self._machines
        return np.array([known[name] for name in names], np.int64)[codes]

    def _label_ids(self, names: Sequence[str]) -> Ints:
        for name in names:
            if name not in self._labels:
                cursor = self._db.execute("INSERT INTO label (name) VALUES (?) RETURNING id", (name,))
                self._labels[name] = int(cursor.fetchone()[0])
        return np.array([self._labels[name] for name in names], np.int64)

    def _sensor_id(self, name: str, unit: str) -> int:
        name = name.strip()
        sensor = self._sensor(name)
        if sensor is None:
            if len(self._sensors) >= _MAX_SENSORS:
                raise PdmError(f"A plant can have {_MAX_SENSORS} sensors at most.", "Leave columns out of the file.")
            sensor = catalogue.add_sensor(self._db, name, unit)
            self._sensors[name.casefold()] = sensor
        self._used_sensors.setdefault(sensor.id, sensor)
        return sensor.id

    def _count(self, outcome: Outcome) -> Outcome:
        self._totals = Outcome(*(a + b for a, b in zip(self._totals, outcome, strict=True)))
        return outcome

    # -- merging ------------------------------------------------------------------------------------------------------

    def _merge(
        self, table: RecordTable, keys: tuple[Ints, ...], cells: tuple[str, ...], values: Floats, lines: Ints
    ) -> Outcome:
        if not len(lines):
            return Outcome(0, 0, 0, 0, 0)
        rows = sort_rows(keys, values, lines)
        heads = np.flatnonzero(np.diff(rows.keys[0], prepend=rows.keys[0][0] - 1))
        self._note_spans(rows, heads)
        occupied = self._occupied(table, rows, heads)
        if not occupied and rows.groups == rows.count:
            origin = self._origins.own(rows.count)
            columns = (*table.keys, "origin", *cells)
            bulk.insert(self._db, table.name, columns, (*rows.keys, origin, *rows.cells), rows.count)
            self.altered = True
            self._note_added(table, rows.keys[0])
            self._note_changed(rows, np.ones(rows.count, np.bool_))
            if self.by_line is not None:
                self.by_line.append((rows.lines, np.full(rows.count, 2)))
            return Outcome(rows.count, 0, 0, 0, int((~np.isnan(values)).sum()))
        return self._merge_overlapping(table, rows, cells, occupied)

    def _occupied(self, table: RecordTable, rows: Rows, heads: Ints) -> bool:
        """Whether anything is stored in the ranges of the rows (per machine, from first to last time)."""
        if len(table.keys) == 1:
            return True
        query = f"SELECT 1 FROM {table.name} WHERE machine = ? AND time BETWEEN ? AND ? LIMIT 1"
        ends = np.append(heads[1:], rows.count) - 1
        machines, times = rows.keys[0], rows.keys[1]
        spans = zip(machines[heads].tolist(), times[heads].tolist(), times[ends].tolist(), strict=True)
        return any(self._db.execute(query, span).fetchone() is not None for span in spans)

    def _merge_overlapping(self, table: RecordTable, rows: Rows, cells: tuple[str, ...], occupied: bool) -> Outcome:
        position = [table.cells.index(cell) for cell in cells]
        wide = np.full((len(table.cells), rows.count), np.nan)
        wide[position] = rows.cells
        rows = Rows(rows.keys, wide, rows.lines, rows.start, rows.group)
        existing = np.full((len(table.cells), rows.groups), np.nan)
        origin = np.full(rows.groups, -1, np.int64)
        claimed = np.zeros(rows.groups, np.bool_)
        if occupied:
            self._read_existing(table, rows, existing, origin, claimed)
        present = origin >= 0
        simple = origin > MIXED
        own = claimed | (simple & self._origins.include_own(origin))
        merged = merge(rows, existing, present, own)
        self._write(table, rows, merged, existing, origin, own)
        self._list_conflicts(table, rows, merged)
        self._note_changed(rows, merged.accepted | merged.conflict)
        if self.by_line is not None:
            self.by_line.append((rows.lines, merged.duplicate + 2 * merged.accepted + 3 * merged.conflict))
        return Outcome(
            int(merged.accepted.sum()),
            int(merged.unchanged.sum()),
            int(merged.duplicate.sum()),
            int(merged.conflict.sum()),
            merged.new_values,
        )

    def _read_existing(
        self, table: RecordTable, rows: Rows, existing: Floats, origin: Ints, claimed: np.typing.NDArray[np.bool_]
    ) -> None:
        keys = ", ".join(table.keys)
        self._db.execute(f"CREATE TEMP TABLE IF NOT EXISTS probe_{table.name} (position INTEGER PRIMARY KEY, {keys})")
        self._db.execute(f"DELETE FROM probe_{table.name}")
        columns = ("position", *table.keys)
        data = (np.arange(rows.groups), *rows.group_keys())
        bulk.insert(self._db, f"probe_{table.name}", columns, data, rows.groups)
        match = " AND ".join(f"t.{key} = p.{key}" for key in table.keys)
        cells = "".join(f", t.{cell}" for cell in table.cells)
        found = bulk.select(
            self._db,
            f"SELECT p.position, t.origin{cells} FROM probe_{table.name} p CROSS JOIN {table.name} t ON {match}",
            (),
            2 + len(table.cells),
        )
        at = found[0].astype(np.int64)
        origin[at] = found[1].astype(np.int64)
        existing[:, at] = found[2:]
        if bool((origin == MIXED).any()):
            query = (
                f"SELECT p.position FROM probe_{table.name} p CROSS JOIN {table.claims} t ON {match} AND t.batch = ?"
            )
            claimed[bulk.select(self._db, query, (self.id,), 1)[0].astype(np.int64)] = True

    def _write(
        self,
        table: RecordTable,
        rows: Rows,
        merged: Merged,
        existing: Floats,
        origin: Ints,
        own: np.typing.NDArray[np.bool_],
    ) -> None:
        keys = rows.group_keys()
        absent = origin < 0
        mixed = origin == MIXED
        simple = origin > MIXED
        changed = ~_same(merged.final, existing).all(axis=0)
        self.altered |= bool((absent | changed).any())
        whole = _same(merged.brought, existing).all(axis=0)  # this file says exactly what is there
        alone = simple & (origin == self._origins.own_id)
        joins = simple & ~own & whole
        parts = simple & ~alone & ~joins & (changed | ~own)
        after = origin.copy()
        after[absent] = self._origins.own_id
        after[joins] = self._origins.with_own(origin[joins])
        after[parts] = MIXED
        for number in np.unique(origin[parts]).tolist():
            where = parts & (origin == number)
            for batch in self._origins.members(number):
                said = merged.final if batch == self.id else existing
                self._claim(table, keys, said, where, batch)
            if self.id not in self._origins.members(number):
                self._claim(table, keys, merged.brought, where, self.id)
        self._claim(table, keys, merged.brought, mixed, self.id)
        touched = absent | changed | (after != origin)
        self._origins.move(origin[touched], after[touched])
        bulk.insert(
            self._db,
            table.name,
            (*table.keys, "origin", *table.cells),
            (*(key[touched] for key in keys), after[touched], *merged.final[:, touched]),
            int(touched.sum()),
            keys=table.keys,
            update=("origin", *table.cells),
        )
        self._note_added(table, keys[0][absent])

    def _claim(
        self,
        table: RecordTable,
        keys: tuple[Ints, ...],
        cells: Floats,
        where: np.typing.NDArray[np.bool_],
        batch: int,
    ) -> None:
        bulk.insert(
            self._db,
            table.claims,
            (*table.keys, "batch", *table.cells),
            (*(key[where] for key in keys), batch, *cells[:, where]),
            int(where.sum()),
            keys=(*table.keys, "batch"),
            update=table.cells,
            keep=True,
        )

    def _list_conflicts(self, table: RecordTable, rows: Rows, merged: Merged) -> None:
        cell, row = merged.conflict_cells
        if not len(row):
            return
        empty = np.full(len(row), np.nan)
        keys = [key[row] for key in rows.keys]
        time, label = [*keys[1:], empty, empty][:2]
        for position in np.unique(cell).tolist():
            where = cell == position
            name = table.cells[position]
            values = rows.cells[position, row[where]]
            count = int(where.sum())
            fields = (
                rows.lines[row][where],
                keys[0][where],
                time[where],
                label[where],
                merged.conflict_old[where],
                values,
            )
            columns = ("batch", "line", "machine", "time", "label", "old", "new", "cell")
            bulk.insert(self._db, "conflict", columns, (self.id, *fields, name), count)

    # -- notes for the end --------------------------------------------------------------------------------------------

    def _note_spans(self, rows: Rows, heads: Ints) -> None:
        machines = rows.keys[0][heads].tolist()
        if len(rows.keys) == 1:
            self._spans.update((machine, (None, None)) for machine in machines)
            return
        ends = np.append(heads[1:], rows.count) - 1
        for machine, first, last in zip(
            machines, rows.keys[1][heads].tolist(), rows.keys[1][ends].tolist(), strict=True
        ):
            low, high = self._spans.get(machine, (first, last))
            assert low is not None
            assert high is not None
            self._spans[machine] = (min(low, first), max(high, last))

    def _note_added(self, table: RecordTable, machines: Ints) -> None:
        if table.name == "telemetry":
            numbers, counts = np.unique(machines, return_counts=True)
            for machine, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                self._added[machine] = self._added.get(machine, 0) + count

    def _note_changed(self, rows: Rows, which: np.typing.NDArray[np.bool_]) -> None:
        machines = rows.keys[0][which]
        times = rows.keys[1][which] if len(rows.keys) > 1 else np.zeros(len(machines), np.int64)
        heads = np.flatnonzero(np.diff(machines, prepend=-1))
        for machine, time in zip(machines[heads].tolist(), times[heads].tolist(), strict=True):
            self._changed[machine] = min(self._changed.get(machine, time), time)


def _same(left: Floats, right: Floats) -> np.typing.NDArray[np.bool_]:
    same: np.typing.NDArray[np.bool_] = (left == right) | (np.isnan(left) & np.isnan(right))
    return same
