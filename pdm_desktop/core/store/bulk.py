"""Rows in bulk: few large statements, because the driver lets go of the interpreter lock at every one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.store.tables import quoted

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Column = Ints | Floats | int | str

_VARIABLES = 30_000  # SQLite's limit of parameters a statement is 32,766
_ROWS = 4_000
CHUNK = 50_000  # rows of which Python objects are made in one go: under 30 ms without a pause


def insert(
    connection: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    data: Sequence[Column],
    count: int,
    *,
    update: Sequence[str] = (),
    keys: Sequence[str] = (),
    keep: bool = False,
) -> None:
    """Insert `count` rows given by column: arrays (count,), or one value for all rows; NaN becomes NULL.

    update, keys: columns to overwrite where a row with these keys exists (keep: only where the new cell is not NULL).
    """
    width = len(columns)
    rows = max(1, min(_ROWS, _VARIABLES // width))
    head = f"INSERT INTO {table} ({', '.join(map(quoted, columns))}) VALUES "
    tail = ""
    if keys:
        new = "coalesce(excluded.{0}, {0})" if keep else "excluded.{0}"
        cells = ", ".join(f"{quoted(name)} = {new.format(quoted(name))}" for name in update)
        tail = f" ON CONFLICT ({', '.join(map(quoted, keys))}) DO " + (f"UPDATE SET {cells}" if cells else "NOTHING")
    row = f"({', '.join('?' * width)})"
    statement = head + ", ".join([row] * rows) + tail
    for start in range(0, count, CHUNK):
        stop = min(start + CHUNK, count)
        flat: list[object] = [None] * (width * (stop - start))
        for position, column in enumerate(data):
            flat[position::width] = _objects(column, start, stop)
        step = rows * width
        whole = len(flat) // step * step
        if whole:
            connection.executemany(statement, (flat[at : at + step] for at in range(0, whole, step)))
        if whole < len(flat):
            rest = (len(flat) - whole) // width
            connection.execute(head + ", ".join([row] * rest) + tail, flat[whole:])


def _objects(column: Column, start: int, stop: int) -> list[object]:
    if isinstance(column, int | str):
        return [column] * (stop - start)
    part = column[start:stop]
    values: list[object] = part.tolist()
    if part.dtype.kind == "f":
        for position in np.flatnonzero(np.isnan(part)).tolist():
            values[position] = None
    return values


def select(connection: sqlite3.Connection, statement: str, parameters: Sequence[object], width: int) -> Floats:
    """The numbers a SELECT gives as a (width, n) array, NULL as NaN. Exact for integers below 2**53."""
    cursor = connection.execute(statement, parameters)
    parts: list[Floats] = []
    while rows := cursor.fetchmany(CHUNK):
        parts.append(np.array(rows, dtype=np.float64).reshape(len(rows), width).T)
    return np.concatenate(parts, axis=1) if parts else np.empty((width, 0))
