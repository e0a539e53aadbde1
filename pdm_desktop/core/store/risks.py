"""The model's opinions as stored: one row a model run, machine and time; component risks in columns c1, c2 ...

An opinion is worked out anew when the record changes. That an alarm was shown is a fact and stays: `alarm_shown`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pdm_desktop.core import times as clock
from pdm_desktop.core.store import bulk, catalogue
from pdm_desktop.core.store.edits import Transaction
from pdm_desktop.core.store.tables import natural_key

_FIXED = ("machine", "time", "risk")


def save(
    connection: sqlite3.Connection, run_id: str, model_version: str, feature_version: int, frame: pd.DataFrame
) -> None:
    """Store the risks in `frame` (machine, time, risk, components ...); see Store.save_risk."""
    names = [str(name) for name in frame.columns if name not in _FIXED]
    run = _run(connection, run_id, model_version, feature_version, names)
    cells = ["risk", *(f"c{i}" for i in range(1, len(names) + 1))]
    ids = _machine_ids(connection, frame)
    values = [frame[name].to_numpy(np.float64) for name in ("risk", *names)]
    keys = ("model_run", "machine", "time")
    data: list[bulk.Column] = [run, ids, frame["time"].to_numpy(np.int64), *values]
    bulk.insert(connection, "risk", (*keys, *cells), data, len(frame), keys=keys, update=cells)


class Shown:
    """The part of the store that knows what was shown of the risks, and of which run; `Store.shown`."""

    def __init__(self, read: Transaction, write: Transaction) -> None:
        self._read = read
        self._write = write

    def put_first(self, run_id: str) -> None:
        """The view `latest_risk` is to show this run, where any of its risks is stored."""
        with self._read() as db:
            runs = db.execute("SELECT run_id FROM model_run ORDER BY saved_at DESC, id DESC").fetchall()
        if (run_id,) not in runs[1:]:
            return
        with self._write() as db:
            # A clock that was wrong once must not keep another run in front.
            newest = db.execute("SELECT max(saved_at) FROM model_run").fetchone()[0]
            now = max(clock.now_ms(), newest + 1)
            db.execute("UPDATE model_run SET saved_at = ? WHERE run_id = ?", (now, run_id))
            catalogue.refresh_views(db)

    def note(self, run_id: str, scored_at: int, frame: pd.DataFrame) -> None:
        """Note alarms a saved run shows: machine, time (int64 ms UTC), component. One noted before stays as it was.
        scored_at: ms UTC of the computer's clock."""
        with self._write() as db:
            (run,) = db.execute("SELECT id FROM model_run WHERE run_id = ?", (run_id,)).fetchone()
            machines = _machine_ids(db, frame).tolist()
            rows = zip(machines, frame["time"].tolist(), frame["component"].tolist(), strict=True)
            db.executemany(
                "INSERT INTO alarm_shown (machine, time, model_run, component, scored_at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                [(machine, time, run, component, scored_at) for machine, time, component in rows],
            )

    def alarms(self, run_ids: Sequence[str]) -> pd.DataFrame:
        """machine, time, component, scored_at of every alarm these runs showed, by machine and time."""
        with self._read() as db:
            rows = db.execute(
                "SELECT m.name, a.time, a.component, a.scored_at FROM alarm_shown a JOIN machine m ON m.id = a.machine"
                " JOIN model_run r ON r.id = a.model_run WHERE r.run_id IN (SELECT value FROM json_each(?))"
                " ORDER BY a.machine, a.time, a.scored_at",
                (json.dumps(list(run_ids)),),
            ).fetchall()
        return pd.DataFrame(
            {
                "machine": np.array([row[0] for row in rows], object),
                "time": np.array([row[1] for row in rows], np.int64),
                "component": np.array([row[2] for row in rows], object),
                "scored_at": np.array([row[3] for row in rows], np.int64),
            }
        )


def _machine_ids(connection: sqlite3.Connection, frame: pd.DataFrame) -> np.typing.NDArray[np.int64]:
    codes, uniques = pd.factorize(frame["machine"])
    known = dict(connection.execute("SELECT name, id FROM machine").fetchall())
    return np.array([known[name] for name in uniques], np.int64)[codes] if len(frame) else np.empty(0, np.int64)


def _run(
    connection: sqlite3.Connection, run_id: str, model_version: str, feature_version: int, names: list[str]
) -> int:
    listed = json.dumps(names, ensure_ascii=False)
    row = connection.execute(
        "SELECT id, feature_version, components FROM model_run WHERE run_id = ?", (run_id,)
    ).fetchone()
    same = row is not None and row[1] == feature_version and row[2] == listed
    now = clock.now_ms()
    if row is None:
        cursor = connection.execute(
            "INSERT INTO model_run (run_id, model_version, feature_version, components, saved_at)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (run_id, model_version, feature_version, listed, now),
        )
        run = int(cursor.fetchone()[0])
    else:
        run = int(row[0])
        if not same:
            connection.execute("DELETE FROM risk WHERE model_run = ?", (run,))
        connection.execute(
            "UPDATE model_run SET model_version = ?, feature_version = ?, components = ?, saved_at = ? WHERE id = ?",
            (model_version, feature_version, listed, now, run),
        )
    there = {name for _, name, *_ in connection.execute("PRAGMA table_info(risk)").fetchall()}
    for position in range(1, len(names) + 1):
        if f"c{position}" not in there:
            connection.execute(f"ALTER TABLE risk ADD COLUMN c{position} REAL")
    newest = connection.execute("SELECT id FROM model_run ORDER BY saved_at DESC, id DESC LIMIT 1").fetchone()[0]
    if not same or newest != run:
        catalogue.refresh_views(connection)
    return run


def load(
    connection: sqlite3.Connection,
    run_id: str,
    machines: Sequence[str] | None,
    low: int,
    high: int,
    feature_version: int | None,
) -> pd.DataFrame:
    """The stored risks of one run between two times; see Store.risk."""
    row = connection.execute(
        "SELECT id, feature_version, components FROM model_run WHERE run_id = ?", (run_id,)
    ).fetchone()
    if row is None or (feature_version is not None and row[1] != feature_version):
        return _frame(np.empty(0, object), np.empty((2, 0)), ())
    names = catalogue.components(row[2])
    known = catalogue.machines(connection)
    wanted = sorted(known if machines is None else {name for name in machines if name in known}, key=natural_key)
    cells = "".join(f", c{i}" for i in range(1, len(names) + 1))
    query = f"SELECT time, risk{cells} FROM risk WHERE model_run = ? AND machine = ? AND time BETWEEN ? AND ?"
    parts = [bulk.select(connection, query, (row[0], known[name], low, high), 2 + len(names)) for name in wanted]
    data = np.concatenate(parts, axis=1) if parts else np.empty((2 + len(names), 0))
    owners = np.repeat(np.array(wanted, object), [part.shape[1] for part in parts])
    return _frame(owners, data, names)


def _frame(owners: np.typing.NDArray[np.object_], data: bulk.Floats, names: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, object] = {"machine": owners, "time": data[0].astype(np.int64), "risk": data[1]}
    return pd.DataFrame(columns | {name: data[2 + i] for i, name in enumerate(names)})
