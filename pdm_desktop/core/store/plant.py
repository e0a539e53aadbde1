"""The store as the use cases see it: one plant.db."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import Batch, ConflictCell, Upgrade
from pdm_desktop.core.schema import EVENT_KINDS, EVENT_LABEL, Kind, Sensor
from pdm_desktop.core.store import bulk, catalogue, history, risks
from pdm_desktop.core.store.bulk import Floats, Ints
from pdm_desktop.core.store.database import copy_database, driver, open_engine, world_faults
from pdm_desktop.core.store.edits import Edits
from pdm_desktop.core.store.names import Names
from pdm_desktop.core.store.service import Service
from pdm_desktop.core.store.tables import natural_key, record_table, standing
from pdm_desktop.core.store.undo import undo
from pdm_desktop.core.store.writer import BatchWriter

Readings = tuple[Ints, Floats]
"""(times (n,) ascending ms UTC, values (S, n) in catalogue order, NaN = empty cell)."""

_MAX_PARAMETERS = 500


class _Discarded(Exception):
    """Ends a batch that shall not be kept."""


class Store:
    """One plant's record. Any thread may call; writers wait for each other, readers see the last commit (inside a
    transaction its own thread sees what it wrote)."""

    def __init__(self, path: Path, engine: sa.Engine, read_only: bool, upgrade: Upgrade | None) -> None:
        self.path = path
        self.upgrade = upgrade
        """What opening it brought up to date, None when it was of this version."""
        self.read_only = read_only
        self._engine = engine
        self._writing = threading.RLock()
        self._local = threading.local()
        self._closed = False
        self.edits = Edits(self._read, self._write)
        self.names = Names(self._read, self._write)
        self.service = Service(self._read, self._write)
        self.shown = risks.Shown(self._read, self._write)

    @staticmethod
    def open(path: Path, *, read_only: bool = False) -> Store:
        """Open plant.db at `path`, creating it (its folder must exist) or migrating an older one after a backup.

        PdmError: not a plant's database, damaged, made by a newer version, on a network share, not writable.
        """
        engine, upgrade = open_engine(path, read_only)
        return Store(path, engine, read_only, upgrade)

    def close(self) -> None:
        """Close every connection; the file can be moved or deleted then. Nothing can be read or written after."""
        self._closed = True
        self._engine.dispose()

    # -- connections --------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction for all calls of this thread inside; any exception rolls everything back. Nested, it
        is a savepoint."""
        with self._write():
            yield

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with world_faults(self.path), self._writing:
            outer: sa.Connection | None = getattr(self._local, "connection", None)
            if outer is not None:
                with outer.begin_nested():
                    yield driver(outer)
                return
            with self._connect().execution_options(write=True) as connection, connection.begin():
                self._local.connection = connection
                try:
                    yield driver(connection)
                finally:
                    self._local.connection = None

    def _connect(self) -> sa.Connection:
        if self._closed:
            raise PdmError("This workspace is closed.", "Open it again.", str(self.path.parent))
        return self._engine.connect()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One state of the record for all reading of this thread inside, whatever others write meanwhile."""
        with world_faults(self.path), self._connect() as connection, connection.begin():
            self._local.snapshot = connection
            try:
                yield
            finally:
                self._local.snapshot = None

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with world_faults(self.path):
            outer: sa.Connection | None = getattr(self._local, "connection", None) or getattr(
                self._local, "snapshot", None
            )
            if outer is not None:
                yield driver(outer)
                return
            with self._connect() as connection, connection.begin():
                yield driver(connection)

    # -- the record ---------------------------------------------------------------------------------------------------

    def sensors(self) -> tuple[Sensor, ...]:
        """The plant's sensors in catalogue order."""
        with self._read() as db:
            return catalogue.sensors(db)

    def machines(self) -> pd.DataFrame:
        """machine (str), machine_model (str, "" when unknown), age (years, NaN when unknown); natural order of ids."""
        with self._read() as db:
            known = catalogue.machines(db)
            rows = db.execute(
                "SELECT a.machine, l.name, a.age FROM attribute a LEFT JOIN label l ON l.id = a.machine_model"
            ).fetchall()
        attributes = {machine: (model or "", age) for machine, model, age in rows}
        names = sorted(known, key=natural_key)
        data = [(name, *attributes.get(known[name], ("", None))) for name in names]
        frame = pd.DataFrame(data, columns=["machine", "machine_model", "age"])
        return frame.astype({"machine": object, "machine_model": object, "age": float})

    def telemetry(self, machine: str, start: int | None = None, end: int | None = None) -> Readings:
        """The readings of one machine in [start, end] (ms UTC, None = open), ascending; none for an unknown one."""
        return self.telemetry_many([machine], start, end)[machine]

    def telemetry_many(
        self, machines: Sequence[str], start: int | None = None, end: int | None = None
    ) -> dict[str, Readings]:
        """`telemetry` of several machines out of one query."""
        low, high = _bounds(start, end)
        with self._read() as db:
            known = catalogue.machines(db)
            columns = [sensor.column for sensor in catalogue.sensors(db)]
            cells = "".join(f", t.{column}" for column in columns)
            result: dict[str, Readings] = {
                name: (np.empty(0, np.int64), np.empty((len(columns), 0))) for name in machines
            }
            names = {known[name]: name for name in machines if name in known}
            for some in _portions(sorted(names)):
                # CROSS JOIN keeps the order: one seek a machine, never a scan of the whole table.
                found = bulk.select(
                    db,
                    f"WITH m(id) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT t.machine, t.time{cells}"
                    " FROM m CROSS JOIN telemetry t ON t.machine = m.id AND t.time BETWEEN ? AND ?",
                    (*some, low, high),
                    2 + len(columns),
                )
                ids = found[0].astype(np.int64)
                if not len(ids):
                    continue
                heads = np.flatnonzero(np.diff(ids, prepend=-1))
                ends = np.append(heads[1:], len(ids))
                for head, stop in zip(heads.tolist(), ends.tolist(), strict=True):
                    part = np.ascontiguousarray(found[2:, head:stop])
                    result[names[int(ids[head])]] = (found[1, head:stop].astype(np.int64), part)
        return result

    def events(
        self, kind: Kind, machines: Sequence[str] | None = None, start: int | None = None, end: int | None = None
    ) -> pd.DataFrame:
        """machine, time (int64 ms UTC), label (code or component), known (ms UTC, NaN = not recorded), sorted by
        machine (natural order), time and label. kind: errors, maintenance or failures; machines: None = all."""
        label = _label(kind)
        low, high = _bounds(start, end)
        with self._read() as db:
            known = catalogue.machines(db)
            wanted = sorted(
                known if machines is None else {name for name in machines if name in known}, key=natural_key
            )
            rows: list[tuple[int, int, str, int | None]] = []
            for some in _portions([known[name] for name in wanted]):
                rows += db.execute(
                    f"WITH m(id) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT t.machine, t.time, l.name, t.known"
                    f" FROM m CROSS JOIN {kind} t ON t.machine = m.id AND t.time BETWEEN ? AND ?"
                    f" JOIN label l ON l.id = t.{label} WHERE {standing(kind, 't')}",
                    (*some, low, high),
                ).fetchall()
        names = {known[name]: name for name in wanted}
        place = {number: position for position, number in enumerate(names)}
        rows.sort(key=lambda row: (place[row[0]], row[1], row[2]))
        return pd.DataFrame(
            {
                "machine": np.array([names[row[0]] for row in rows], object),
                "time": np.array([row[1] for row in rows], np.int64),
                "label": np.array([row[2] for row in rows], object),
                "known": np.array([row[3] for row in rows], np.float64),
            }
        )

    # -- what is there ------------------------------------------------------------------------------------------------

    def coverage(self) -> pd.DataFrame:
        """machine, readings (int), errors, maintenance, failures (int), first and last reading (float ms UTC, NaN
        where there is none); natural order of ids."""
        with self._read() as db:
            known = catalogue.machines(db)
            rows = db.execute(
                "SELECT name, readings, (SELECT min(time) FROM telemetry t WHERE t.machine = m.id),"
                " (SELECT max(time) FROM telemetry t WHERE t.machine = m.id) FROM machine m"
            ).fetchall()
            counts = {
                kind: dict(
                    db.execute(
                        f"SELECT m.name, count(*) FROM {kind} t JOIN machine m ON m.id = t.machine"
                        f" WHERE {standing(kind, 't')} GROUP BY t.machine"
                    ).fetchall()
                )
                for kind in EVENT_KINDS
            }
        rows = sorted((row for row in rows if row[0] in known), key=lambda row: natural_key(row[0]))
        frame = pd.DataFrame(rows, columns=["machine", "readings", "first", "last"])
        for place, kind in enumerate(EVENT_KINDS, 2):
            frame.insert(place, kind, [counts[kind].get(name, 0) for name in frame["machine"]])
        types = {"machine": object, "readings": np.int64, "first": float, "last": float}
        return frame.astype(types | dict.fromkeys(EVENT_KINDS, np.int64))

    def newest_reading(self, machine: str | None = None) -> int | None:
        """The newest reading's time (ms UTC), of one machine or of the plant; None when there is none."""
        where = "" if machine is None else "WHERE name = ?"
        with self._read() as db:
            row = db.execute(
                f"SELECT max((SELECT max(time) FROM telemetry t WHERE t.machine = m.id)) FROM machine m {where}",
                () if machine is None else (machine,),
            ).fetchone()
        return None if row[0] is None else int(row[0])

    def last_readings(self, until: int | None = None) -> dict[str, int]:
        """machine -> its newest reading's time at or before `until` (ms UTC, None = open); machines without one are
        left out."""
        with self._read() as db:
            rows = db.execute(
                "SELECT name, (SELECT max(time) FROM telemetry t WHERE t.machine = m.id AND t.time <= ?)"
                " FROM machine m",
                (_bounds(None, until)[1],),
            ).fetchall()
        return {name: int(time) for name, time in rows if time is not None}

    def first_reading(self, machine: str) -> int | None:
        """The machine's oldest reading's time (ms UTC); None when there is none."""
        query = "SELECT min(time) FROM telemetry WHERE machine = (SELECT id FROM machine WHERE name = ?)"
        with self._read() as db:
            row = db.execute(query, (machine,)).fetchone()
        return None if row[0] is None else int(row[0])

    def labels(self, kind: Kind) -> tuple[str, ...]:
        """The codes or components that occur in one kind of events, in natural order."""
        label = _label(kind)
        with self._read() as db:
            rows = db.execute(
                f"SELECT name FROM label WHERE id IN (SELECT {label} FROM {kind} t WHERE {standing(kind, 't')})"
            ).fetchall()
        return tuple(sorted((name for (name,) in rows), key=natural_key))

    def newest_event(self, kind: Kind) -> int | None:
        """The newest time (ms UTC) in one kind of events; None when there is none."""
        _label(kind)
        with self._read() as db:
            row = db.execute(f"SELECT max(time) FROM {kind} t WHERE {standing(kind, 't')}").fetchone()
        return None if row[0] is None else int(row[0])

    def versions(self) -> dict[str, tuple[int, int, int]]:
        """machine -> something that changes whenever an import or the undoing of one touches it."""
        with self._read() as db:
            rows = db.execute(
                "SELECT m.name, count(*), sum(b.undone_at IS NOT NULL), max(b.id) FROM batch_machine l"
                " JOIN machine m ON m.id = l.machine JOIN batch b ON b.id = l.batch GROUP BY l.machine"
            ).fetchall()
        return {name: (count, undone, newest) for name, count, undone, newest in rows}

    def gaps(self, machine: str, longer_than_ms: int) -> tuple[tuple[int, int], ...]:
        """(last reading before, first after) of every silence of the machine longer than `longer_than_ms`."""
        query = (
            "SELECT before, time FROM (SELECT time, lag(time) OVER (ORDER BY time) AS before FROM telemetry"
            " WHERE machine = (SELECT id FROM machine WHERE name = ?)) WHERE time - before > ? ORDER BY time"
        )
        with self._read() as db:
            return tuple(db.execute(query, (machine, longer_than_ms)).fetchall())

    def sampling_ms(self) -> int | None:
        """The median interval between readings, from the newest 500 of up to 100 machines; None below two readings."""
        query = "SELECT time FROM telemetry WHERE machine = ? ORDER BY time DESC LIMIT 500"
        with self._read() as db:
            ids = sorted(catalogue.machines(db).values())[:100]
            steps = [np.diff(np.array(db.execute(query, (number,)).fetchall(), np.int64).ravel()) for number in ids]
        every = np.abs(np.concatenate(steps)) if steps else np.empty(0, np.int64)
        return int(np.median(every)) if len(every) else None

    # -- batches ------------------------------------------------------------------------------------------------------

    @contextmanager
    def batch(self, file: str, kind: Kind, *, keep: bool = True) -> Iterator[BatchWriter]:
        """One file's import, in one transaction; the writer's `finish` must be called inside. BatchWriter.kept tells
        whether it was kept: not when `keep` is false (a dry run), nor when nothing changed and a file of the same
        content is in the record already, nor when it would only undo what corrected such a file since. An exception
        that leaves the block takes everything back."""
        try:
            with self._write() as db:
                writer = BatchWriter(db, file, kind)
                yield writer
                assert writer.finished, "a batch must be finished"
                if not keep or (not writer.altered and writer.known_file) or writer.came_before:
                    raise _Discarded
                writer.kept = True
        except _Discarded:
            return

    def batches(self) -> tuple[Batch, ...]:
        """Every import, oldest first; entries by hand are no imports."""
        with self._read() as db:
            return history.batches(db)

    def conflicts(self, batch: int, most: int, of: Sequence[int] = ()) -> tuple[int, tuple[ConflictCell, ...]]:
        """How many cells of an import differed from what was there before, and the first `most`, in file order. of:
        only those in the times of these imports. PdmError: no such import."""
        with self._read() as db:
            return history.conflicts(db, batch, most, of)

    def undo(self, batch: int, progress: Progress) -> dict[str, int]:
        """Take an import back: each cell then holds the value of its newest batch not undone.

        Returns machine -> earliest time (ms UTC) at which its record changed, 0 where its attributes did. PdmError: no
        such batch, undone already, an entry by hand.
        """
        with self._write() as db:
            if db.execute("SELECT 1 FROM edit WHERE batch = ?", (batch,)).fetchone() is not None:
                raise PdmError("This was entered by hand.", "Take it back in the list of changes.", f"batch {batch}")
            return undo(db, batch, progress)

    def backup(self, out: Path) -> None:
        """Copy the database to the file `out` while it is in use; an existing one is replaced once the copy is whole.

        PdmError: cannot be written there, or `out` is the database itself.
        """
        copy_database(self._engine, self.path, out)

    # -- stored opinions ----------------------------------------------------------------------------------------------

    def save_risk(self, run_id: str, model_version: str, feature_version: int, frame: pd.DataFrame) -> None:
        """Store risks of one model: machine, time (int64 ms UTC), risk, then one column a component; replaces those of
        the same machine and time. What an older feature version said under this run is dropped."""
        with self._write() as db:
            risks.save(db, run_id, model_version, feature_version, frame)

    def risk(
        self,
        run_id: str,
        machines: Sequence[str] | None = None,
        start: int | None = None,
        end: int | None = None,
        *,
        feature_version: int | None = None,
    ) -> pd.DataFrame:
        """machine, time, risk, component risks (a column each) of one model, sorted by machine and time. Empty when the
        run is unknown, or was saved with another feature version than the one asked for."""
        with self._read() as db:
            return risks.load(db, run_id, machines, *_bounds(start, end), feature_version)


def _bounds(start: int | None, end: int | None) -> tuple[int, int]:
    return (-(2**62) if start is None else int(start)), (2**62 if end is None else int(end))


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), _MAX_PARAMETERS):
        yield ids[at : at + _MAX_PARAMETERS]


def _label(kind: Kind) -> str:
    assert kind in EVENT_KINDS, f"{kind} are no events"
    assert record_table(kind).keys[-1] == EVENT_LABEL[kind]
    return EVENT_LABEL[kind]
