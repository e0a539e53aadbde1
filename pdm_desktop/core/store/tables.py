"""What the store's code must know of the tables; the tables themselves are made by the migrations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pdm_desktop.core.schema import Kind

HEAD = "0005"
"""The newest migration; a database with another revision is migrated or refused at open."""

MIXED = 0
"""The origin of a row whose batches disagree: every batch's own cells are in the table's `_claim` twin."""


@dataclass(frozen=True)
class RecordTable:
    """One kind's table: integer key columns, number cells, an origin; and its twin `<name>_claim`.

    A row's origin names the set of batches of which each brought exactly the row's cells (origin_batch). Where batches
    brought different cells the origin is MIXED and `<name>_claim` holds what each of them brought; a cell's value is
    then that of its newest batch. So an import into empty ranges costs one row, and undo is exact in any order.
    """

    name: str
    keys: tuple[str, ...]
    cells: tuple[str, ...]

    @property
    def claims(self) -> str:
        """The table of the single batches' cells of mixed rows."""
        return f"{self.name}_claim"


TELEMETRY = "telemetry"

_TABLES: dict[Kind, RecordTable] = {
    "machines": RecordTable("attribute", ("machine",), ("machine_model", "age")),
    "errors": RecordTable("errors", ("machine", "time", "code"), ("known",)),
    "maintenance": RecordTable("maintenance", ("machine", "time", "component"), ("known",)),
    "failures": RecordTable("failures", ("machine", "time", "component"), ("known",)),
}


def record_table(kind: Kind, sensor_ids: tuple[int, ...] = ()) -> RecordTable:
    """The table of `kind`; telemetry's cells are the columns of `sensor_ids`."""
    if kind == "telemetry":
        return RecordTable(TELEMETRY, ("machine", "time"), tuple(f"s{i}" for i in sensor_ids))
    return _TABLES[kind]


def standing(kind: str, row: str) -> str:
    """SQL: the event `row` (a table alias) of `kind` was not deleted by hand."""
    label = record_table(kind).keys[-1]  # type: ignore[arg-type]
    same = f"x.machine = {row}.machine AND x.time = {row}.time AND x.label = {row}.{label}"
    return f"NOT EXISTS (SELECT 1 FROM struck x WHERE x.kind = '{kind}' AND {same})"


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts machine 2 before machine 10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    digits = [part.lstrip("0") if part[0] in "0123456789" else None for part in parts]
    # Numbers compare by length, then digit by digit: int() refuses very long ones.
    return tuple(
        (1, 0, part) if number is None else (0, len(number), number) for part, number in zip(parts, digits, strict=True)
    )
