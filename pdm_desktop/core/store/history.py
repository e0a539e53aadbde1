"""The history of imports: every batch with what became of its rows, and the cells in which one differed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import Batch, ConflictCell
from pdm_desktop.core.schema import Kind


def batches(db: sqlite3.Connection) -> tuple[Batch, ...]:
    """Every import, oldest first; entries by hand are no imports."""
    rows = db.execute(
        "SELECT id, file, sha256, kind, imported_at, accepted, unchanged, duplicates, conflicts, rejected,"
        " undone_at IS NOT NULL, profile, rejected_values, rejects FROM batch"
        " WHERE id NOT IN (SELECT batch FROM edit WHERE batch IS NOT NULL) ORDER BY id"
    ).fetchall()
    plain = [(*row[:10], bool(row[10]), *row[11:]) for row in rows]
    return tuple(Batch(*row) for row in plain)


def require(db: sqlite3.Connection, batch: int) -> tuple[Kind, int | None]:
    """Kind and time of undoing of an import; PdmError when there is none of that number."""
    row = db.execute("SELECT kind, undone_at FROM batch WHERE id = ?", (batch,)).fetchone()
    if row is None:
        raise PdmError(f"There is no import with number {batch}.", "See the list of imports for their numbers.")
    kind: Kind = row[0]
    return kind, row[1]


def conflicts(
    db: sqlite3.Connection, batch: int, most: int, of: Sequence[int] = ()
) -> tuple[int, tuple[ConflictCell, ...]]:
    """How many cells of an import differed from what was there before, and the first `most`, in file order. of: only
    those in the times of these imports."""
    require(db, batch)
    which = "c.batch = ?"
    if of:
        which += (
            " AND EXISTS (SELECT 1 FROM batch_machine b WHERE b.machine = c.machine"
            f" AND c.time BETWEEN b.first AND b.last AND b.batch IN ({', '.join(str(int(each)) for each in of)}))"
        )
    make = "(SELECT name FROM label WHERE id = c.{0})"
    values = ", ".join(
        f"CASE c.cell WHEN 'machine_model' THEN {make.format(side)} ELSE c.{side} END" for side in ("old", "new")
    )
    query = (
        f"SELECT c.line, m.name, c.time, l.name, coalesce(s.name, c.cell), {values} FROM conflict c"
        " JOIN machine m ON m.id = c.machine LEFT JOIN label l ON l.id = c.label"
        f" LEFT JOIN sensor s ON 's' || s.id = c.cell WHERE {which} ORDER BY c.line, c.id LIMIT ?"
    )
    (count,) = db.execute(f"SELECT count(*) FROM conflict c WHERE {which}", (batch,)).fetchone()
    return int(count), tuple(ConflictCell(*row) for row in db.execute(query, (batch, most)).fetchall())
