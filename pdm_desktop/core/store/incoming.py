"""A batch's rows on their way into the record: merged with what is there, and noted what became of them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import numpy as np

from pdm_desktop.core.store import bulk, catalogue
from pdm_desktop.core.store.bulk import Floats, Ints
from pdm_desktop.core.store.merge import Merged, Rows, merge, sort_rows
from pdm_desktop.core.store.tables import MIXED, RecordTable


class Outcome(NamedTuple):
    """What became of the rows given: their number is the sum of the first four. values: cells that came in."""

    accepted: int
    unchanged: int
    duplicates: int
    conflicts: int
    values: int


class Incoming:
    """The rows of one batch: give `merge` portions of them; the rest is what is to be known of them at the end."""

    def __init__(self, connection: sqlite3.Connection, batch: int) -> None:
        self._db = connection
        self._id = batch
        self._origins = catalogue.Origins(connection, batch)
        self.altered = False
        """Whether the record says anything else than before."""
        self.by_line: list[tuple[Ints, Ints]] | None = None
        """Set to a list: (lines, what became of each: 0 unchanged, 1 duplicate, 2 accepted, 3 conflict) are added to
        it, for files in which a line is more than one row."""
        self.given = self.contradicted = 0
        """Rows (or values, as they are counted) so far, duplicates aside, and those that say another thing than earlier
        ones of this same batch."""
        self.spans: dict[int, tuple[int | None, int | None]] = {}
        """machine -> first and last time (ms) of its rows; None where they have no times."""
        self.added: dict[int, int] = {}
        """machine -> readings that are new."""
        self.changed: dict[int, int] = {}
        """machine -> the earliest time (ms) at which its record changed; 0 where its attributes did."""

    def close(self) -> None:
        """All rows are in: write down whose they are."""
        self._origins.close()

    def merge(
        self, table: RecordTable, keys: tuple[Ints, ...], cells: tuple[str, ...], values: Floats, lines: Ints
    ) -> Outcome:
        """Merge rows into `table`: keys (n,) a key column, values (S, n) in the order of `cells`, NaN where empty.
        lines: of each row (n,), or of each value (S, n); then values are counted instead of rows."""
        if not len(keys[0]):
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
            count = int((~np.isnan(values)).sum())
            counted = rows.count if rows.lines.ndim == 1 else count
            self.given += counted
            return Outcome(counted, 0, 0, 0, count)
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
        lines = rows.lines
        if lines.ndim == 2:
            lines = np.zeros(wide.shape, np.int64)
            lines[position] = rows.lines
        rows = Rows(rows.keys, wide, lines, rows.start, rows.group)
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
        again = np.ones(rows.count, np.bool_)
        again[rows.start] = False
        again |= own[rows.group]
        if lines.ndim == 2:
            self.given += int((~np.isnan(rows.cells)).sum())
            self.contradicted += int(again[merged.conflict_cells[1]].sum())
            conflicts, given = len(merged.conflict_old), int((~np.isnan(rows.cells)).sum())
            return Outcome(merged.new_values - conflicts, given - merged.new_values, 0, conflicts, merged.new_values)
        self.given += rows.count - int(merged.duplicate.sum())
        self.contradicted += int((merged.conflict & again).sum())
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
            claimed[bulk.select(self._db, query, (self._id,), 1)[0].astype(np.int64)] = True

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
                said = merged.final if batch == self._id else existing
                self._claim(table, keys, said, where, batch)
            if self._id not in self._origins.members(number):
                self._claim(table, keys, merged.brought, where, self._id)
        self._claim(table, keys, merged.brought, mixed, self._id)
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
                rows.lines[row[where]] if rows.lines.ndim == 1 else rows.lines[position, row[where]],
                keys[0][where],
                time[where],
                label[where],
                merged.conflict_old[where],
                values,
            )
            columns = ("batch", "line", "machine", "time", "label", "old", "new", "cell")
            bulk.insert(self._db, "conflict", columns, (self._id, *fields, name), count)

    # -- notes for the end --------------------------------------------------------------------------------------------

    def _note_spans(self, rows: Rows, heads: Ints) -> None:
        machines = rows.keys[0][heads].tolist()
        if len(rows.keys) == 1:
            self.spans.update((machine, (None, None)) for machine in machines)
            return
        ends = np.append(heads[1:], rows.count) - 1
        for machine, first, last in zip(
            machines, rows.keys[1][heads].tolist(), rows.keys[1][ends].tolist(), strict=True
        ):
            low, high = self.spans.get(machine, (first, last))
            assert low is not None
            assert high is not None
            self.spans[machine] = (min(low, first), max(high, last))

    def _note_added(self, table: RecordTable, machines: Ints) -> None:
        if table.name == "telemetry":
            numbers, counts = np.unique(machines, return_counts=True)
            for machine, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                self.added[machine] = self.added.get(machine, 0) + count

    def _note_changed(self, rows: Rows, which: np.typing.NDArray[np.bool_]) -> None:
        machines = rows.keys[0][which]
        times = rows.keys[1][which] if len(rows.keys) > 1 else np.zeros(len(machines), np.int64)
        heads = np.flatnonzero(np.diff(machines, prepend=-1))
        for machine, time in zip(machines[heads].tolist(), times[heads].tolist(), strict=True):
            self.changed[machine] = min(self.changed.get(machine, time), time)


def _same(left: Floats, right: Floats) -> np.typing.NDArray[np.bool_]:
    same: np.typing.NDArray[np.bool_] = (left == right) | (np.isnan(left) & np.isnan(right))
    return same
