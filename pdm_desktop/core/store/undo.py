"""Taking one batch back: afterwards each cell holds the value of its newest batch not undone."""

from __future__ import annotations

import sqlite3

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.store import catalogue, history
from pdm_desktop.core.store.tables import MIXED, RecordTable, record_table


def undo(connection: sqlite3.Connection, batch: int, progress: Progress) -> dict[str, int]:
    """Undo `batch`; machine -> earliest time (ms) at which its record changed, 0 where its attributes did."""
    kind, undone = history.require(connection, batch)
    if undone is not None:
        raise PdmError(f"Import {batch} is undone already.")
    ids = tuple(sensor.id for sensor in catalogue.all_sensors(connection))
    table = record_table(kind, ids)
    origins = catalogue.Origins(connection, batch)
    spans = connection.execute(
        "SELECT m.id, m.name, b.first, b.last FROM batch_machine b JOIN machine m ON m.id = b.machine"
        " WHERE b.batch = ? ORDER BY m.id",
        (batch,),
    ).fetchall()
    changed: dict[int, int] = {}
    for done, (machine, _, first, last) in enumerate(spans):
        progress.step(done, len(spans), "Undoing")
        where = f"machine = {machine}" + (f" AND time BETWEEN {first} AND {last}" if first is not None else "")
        times = [_take_back_shared(connection, table, origins, batch, where, machine)]
        times.append(_take_back_mixed(connection, table, origins, batch, where))
        found = [time for time in times if time is not None]
        if found:
            changed[machine] = min(found)
    connection.execute("UPDATE batch SET undone_at = ? WHERE id = ?", (clock.now_ms(), batch))
    origins.close()
    catalogue.forget_risks(connection, changed)
    catalogue.refresh_views(connection)
    return {name: changed[machine] for machine, name, *_ in spans if machine in changed}


def _earliest(connection: sqlite3.Connection, table: RecordTable, name: str, where: str) -> int | None:
    time = "min(time)" if "time" in table.keys else "CASE WHEN count(*) THEN 0 END"
    found: int | None = connection.execute(f"SELECT {time} FROM {name} WHERE {where}").fetchone()[0]
    return found


def _take_back_shared(
    connection: sqlite3.Connection, table: RecordTable, origins: catalogue.Origins, batch: int, where: str, machine: int
) -> int | None:
    """Rows whose batches agree: they lose this batch, and go where it was the only one."""
    earliest = None
    for origin in origins.holding():
        rest = origins.members(origin) - {batch}
        here = f"{where} AND origin = {origin}"
        if rest:
            after = origins.of(rest)
            cursor = connection.execute(f"UPDATE {table.name} SET origin = ? WHERE {here}", (after,))
            origins.count(origin, -cursor.rowcount)
            origins.count(after, cursor.rowcount)
        else:
            earliest = _earliest(connection, table, table.name, here)
            cursor = connection.execute(f"DELETE FROM {table.name} WHERE {here}")
            origins.count(origin, -cursor.rowcount)
            _count_readings(connection, table, machine, -cursor.rowcount)
    return earliest


def _take_back_mixed(
    connection: sqlite3.Connection, table: RecordTable, origins: catalogue.Origins, batch: int, where: str
) -> int | None:
    """Rows whose batches differ: drop this batch's claims, and let the newest of the others say each cell."""
    mine = f"{where} AND batch = {batch}"
    earliest = _earliest(connection, table, table.claims, mine)
    if earliest is None:
        return None
    keys = ", ".join(table.keys)
    same = " AND ".join(f"c.{key} = {table.name}.{key}" for key in table.keys)
    among = f"{where} AND origin = {MIXED} AND ({keys}) IN (SELECT {keys} FROM touched)"
    connection.execute(f"CREATE TEMP TABLE touched AS SELECT {keys} FROM {table.claims} WHERE {mine}")
    connection.execute(f"DELETE FROM {table.claims} WHERE {mine}")
    if table.cells:
        values = ", ".join(
            f"{cell} = (SELECT c.{cell} FROM {table.claims} c WHERE {same} AND c.{cell} IS NOT NULL"
            " ORDER BY c.batch DESC LIMIT 1)"
            for cell in table.cells
        )
        connection.execute(f"UPDATE {table.name} SET {values} WHERE {among}")
    # Where one batch is left there is no disagreement any more: the row says it all.
    left = connection.execute(
        f"SELECT batch, count(*) FROM (SELECT max(batch) AS batch FROM {table.claims} WHERE {where}"
        f" AND ({keys}) IN (SELECT {keys} FROM touched) GROUP BY {keys} HAVING count(*) = 1) GROUP BY batch"
    ).fetchall()
    for other, count in left:
        origin = origins.of(frozenset({other}))
        alone = f"(SELECT max(c.batch) FROM {table.claims} c WHERE {same} HAVING count(*) = 1) = {other}"
        connection.execute(f"UPDATE {table.name} SET origin = {origin} WHERE {among} AND {alone}")
        origins.count(origin, count)
        connection.execute(
            f"DELETE FROM {table.claims} WHERE {where} AND ({keys}) IN (SELECT {keys} FROM {table.name}"
            f" WHERE {where} AND origin <> {MIXED} AND ({keys}) IN (SELECT {keys} FROM touched))"
        )
    connection.execute("DROP TABLE touched")
    return earliest


def _count_readings(connection: sqlite3.Connection, table: RecordTable, machine: int, step: int) -> None:
    if table.name == "telemetry":
        connection.execute("UPDATE machine SET readings = readings + ? WHERE id = ?", (step, machine))
