"""The small tables around the record: sensors, origins, views, and the risks that a change makes stale."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import numpy as np

from pdm_desktop.core.schema import Kind, Sensor
from pdm_desktop.core.store.bulk import Ints
from pdm_desktop.core.store.tables import MIXED, quoted, record_table, standing

_ACTIVE = "SELECT 1 FROM batch_{0} l JOIN batch b ON b.id = l.batch WHERE l.{0} = {0}.id AND b.undone_at IS NULL"


def all_sensors(connection: sqlite3.Connection) -> tuple[Sensor, ...]:
    """Every sensor that has a column, those of undone batches included."""
    rows = connection.execute("SELECT id, name, unit, low, high FROM sensor ORDER BY id").fetchall()
    return tuple(Sensor(*row) for row in rows)


def sensors(connection: sqlite3.Connection) -> tuple[Sensor, ...]:
    """The plant's sensors in catalogue order: those that a batch not undone brought."""
    query = f"SELECT id, name, unit, low, high FROM sensor WHERE EXISTS ({_ACTIVE.format('sensor')}) ORDER BY id"
    return tuple(Sensor(*row) for row in connection.execute(query).fetchall())


def machines(connection: sqlite3.Connection) -> dict[str, int]:
    """name -> id of the plant's machines: those that a batch not undone mentions."""
    query = f"SELECT name, id FROM machine WHERE EXISTS ({_ACTIVE.format('machine')})"
    return dict(connection.execute(query).fetchall())


def labels(connection: sqlite3.Connection, kind: Kind) -> tuple[str, ...]:
    """The codes of the plant's errors, or the components of its replacements and failures."""
    kinds: tuple[Kind, ...] = ("errors",) if kind == "errors" else ("maintenance", "failures")
    found = " UNION ".join(f"SELECT {record_table(each).keys[-1]} FROM {record_table(each).name}" for each in kinds)
    return tuple(name for (name,) in connection.execute(f"SELECT name FROM label WHERE id IN ({found})").fetchall())


def alike(connection: sqlite3.Connection, word: str) -> dict[str, str]:
    """name -> the machine's (or code's, component's: `word`) name in the plant that it was said to be the same as."""
    table = "machine" if word == "machine" else "label"
    query = f"SELECT a.name, t.name FROM alias a JOIN {table} t ON t.id = a.id WHERE a.kind = ?"
    return dict(connection.execute(query, (f"alike {word}",)).fetchall())


def add_sensor(connection: sqlite3.Connection, name: str, unit: str) -> Sensor:
    """Enter a sensor into the catalogue and give it its column."""
    cursor = connection.execute("INSERT INTO sensor (name, unit) VALUES (?, ?) RETURNING id", (name, unit))
    sensor = Sensor(int(cursor.fetchone()[0]), name, unit)
    for table in ("telemetry", "telemetry_claim"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {sensor.column} REAL")
    return sensor


def say_unit(connection: sqlite3.Connection, sensor: Sensor) -> None:
    """Give a sensor of the catalogue its unit."""
    connection.execute("UPDATE sensor SET unit = ? WHERE id = ?", (sensor.unit, sensor.id))


class Origins:
    """The sets of batches that rows came from, seen from one batch that joins them."""

    def __init__(self, connection: sqlite3.Connection, batch: int) -> None:
        self._db = connection
        self._batch = batch
        self._members: dict[int, frozenset[int]] = {}
        for origin, member in connection.execute("SELECT origin, batch FROM origin_batch").fetchall():
            self._members[origin] = self._members.get(origin, frozenset()) | {member}
        self._by_set = {members: origin for origin, members in self._members.items()}
        self._rows: dict[int, int] = {}
        self.own_id = self.of(frozenset({batch}))

    def of(self, members: frozenset[int]) -> int:
        """The origin that stands for this set of batches."""
        origin = self._by_set.get(members)
        if origin is None:
            origin = int(self._db.execute("INSERT INTO origin (rows) VALUES (0) RETURNING id").fetchone()[0])
            pairs = [(origin, member) for member in sorted(members)]
            self._db.executemany("INSERT INTO origin_batch (origin, batch) VALUES (?, ?)", pairs)
            self._members[origin] = members
            self._by_set[members] = origin
        return origin

    def members(self, origin: int) -> frozenset[int]:
        """The batches of an origin."""
        return self._members[origin]

    def holding(self) -> tuple[int, ...]:
        """The origins that the batch is part of."""
        return tuple(origin for origin, members in self._members.items() if self._batch in members)

    def own(self, count: int) -> int:
        """The origin of rows that this batch alone brought, for `count` new ones."""
        self.count(self.own_id, count)
        return self.own_id

    def include_own(self, origins: Ints) -> np.typing.NDArray[np.bool_]:
        """Which of the origins the batch is part of."""
        return np.isin(origins, self.holding())

    def with_own(self, origins: Ints) -> Ints:
        """Each origin with this batch added."""
        numbers, inverse = np.unique(origins, return_inverse=True)
        joined = [self.of(self._members[number] | {self._batch}) for number in numbers.tolist()]
        return np.array(joined, np.int64)[inverse]

    def move(self, before: Ints, after: Ints) -> None:
        """Note that rows went from the origins `before` to `after` (MIXED and absent ones are not counted)."""
        for origins, step in ((before, -1), (after, 1)):
            numbers, counts = np.unique(origins, return_counts=True)
            for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                if number > MIXED:
                    self.count(number, step * count)

    def count(self, origin: int, step: int) -> None:
        """Note that `step` rows came to the origin (negative: left it)."""
        self._rows[origin] = self._rows.get(origin, 0) + step

    def close(self) -> None:
        """Write the row counts and drop the origins that no row has any more."""
        changes = [(count, origin) for origin, count in self._rows.items()]
        self._db.executemany("UPDATE origin SET rows = rows + ? WHERE id = ?", changes)
        drop_unused_origins(self._db)


def drop_unused_origins(connection: sqlite3.Connection) -> None:
    """Forget origins without rows: a file that grows from export to export would pile them up."""
    connection.execute("DELETE FROM origin_batch WHERE origin IN (SELECT id FROM origin WHERE rows <= 0)")
    connection.execute("DELETE FROM origin WHERE rows <= 0")


def forget_risks(connection: sqlite3.Connection, changed: Mapping[int, int]) -> None:
    """Delete each machine's stored risks from the time its record changed on: they are opinions on another record."""
    runs = [run for (run,) in connection.execute("SELECT id FROM model_run").fetchall()]
    connection.executemany(
        "DELETE FROM risk WHERE model_run = ? AND machine = ? AND time >= ?",
        [(run, machine, time) for run in runs for machine, time in changed.items()],
    )


_ISO = "strftime('%Y-%m-%dT%H:%M:%fZ', {0} / 1000.0, 'unixepoch') AS {1}"


def refresh_views(connection: sqlite3.Connection) -> None:
    """Bring the views up to date that show the record by names; sensors and components are their columns."""
    taken = {"machine", "time"}
    columns = "".join(f", t.{s.column} AS {quoted(_free(s.name, taken))}" for s in sensors(connection))
    views = {
        "telemetry_by_name": f"SELECT m.name AS machine, {_ISO.format('t.time', 'time')}{columns}"
        " FROM telemetry t JOIN machine m ON m.id = t.machine"
    }
    for table, label in (("errors", "code"), ("maintenance", "component"), ("failures", "component")):
        views[f"{table}_by_name"] = (
            f"SELECT m.name AS machine, {_ISO.format('t.time', 'time')}, l.name AS {label},"
            f" {_ISO.format('t.known', 'known')} FROM {table} t"
            f" JOIN machine m ON m.id = t.machine JOIN label l ON l.id = t.{label} WHERE {standing(table, 't')}"
        )
    views["latest_risk"] = _latest_risk(connection)
    there = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall())
    for name, query in views.items():
        statement = f"CREATE VIEW {name} AS {query}"
        if there.get(name) != statement:
            connection.execute(f"DROP VIEW IF EXISTS {name}")
            connection.execute(statement)


def _latest_risk(connection: sqlite3.Connection) -> str:
    taken = {"machine", "time", "risk", "model_version", "run_id", "feature_version"}
    newest = connection.execute("SELECT components FROM model_run ORDER BY saved_at DESC, id DESC LIMIT 1").fetchone()
    names = components(newest[0]) if newest else ()
    columns = "".join(f", r.c{i} AS {quoted(_free(f'risk_{name}', taken))}" for i, name in enumerate(names, 1))
    return (
        f"SELECT m.name AS machine, {_ISO.format('r.time', 'time')}, r.risk AS risk{columns},"
        " u.model_version AS model_version, u.run_id AS run_id, u.feature_version AS feature_version"
        " FROM risk r JOIN machine m ON m.id = r.machine JOIN model_run u ON u.id = r.model_run"
        " WHERE u.id = (SELECT id FROM model_run ORDER BY saved_at DESC, id DESC LIMIT 1)"
        " AND r.time = (SELECT max(time) FROM risk WHERE model_run = r.model_run AND machine = r.machine)"
    )


def components(text: str) -> tuple[str, ...]:
    """The component names of a model run, as stored in its row."""
    import json

    return tuple(json.loads(text))


def _free(name: str, taken: set[str]) -> str:
    """`name`, numbered where a view has a column of that name (SQLite ignores case)."""
    free, number = name, 2
    while free.casefold() in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free.casefold())
    return free
