"""Exports put one behind the other: below a second header with other columns or units, rows would be misread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.ingest.units import bare, is_unit, key
from pdm_desktop.core.plans import Plan

_HINT = "Split the file before this line, and import the parts one by one."


def refuse(plan: Plan, rows: Mapping[int, Sequence[str]]) -> None:
    """PdmError where one of the rows, line -> cells, which could not be used, names other columns or units."""
    if plan.index("timestamp", "date") is None or plan.mended or not plan.header_row:
        return
    for line, cells in rows.items():
        names = [cell.strip(" \ufeff") for cell in cells]
        if names == list(plan.header) or any(number_of(name) is not None for name in names):
            continue
        _refuse_units(plan, names, line)
        said = [aliases.roles(name) for name in names]
        times = any(roles & {"timestamp", "date", "time"} for roles in said)
        known = sum(bool(roles) or name in plan.header for name, roles in zip(names, said, strict=True) if name)
        if times and known > 1:
            text = "Here the columns are named once more, and not as in the header."
            raise PdmError(text, _HINT, f"{plan.path.name}, line {line}")


def _refuse_units(plan: Plan, cells: Sequence[str], line: int) -> None:
    shown = [cell for cell in cells if cell]
    if not shown or len(cells) != len(plan.columns) or not all(map(is_unit, shown)):
        return
    for column, cell in zip(plan.columns, cells, strict=True):
        unit = column.role.unit or column.unit
        if column.role.role in ("sensor", "doubtful", "value") and bare(cell) and key(cell) != key(unit):
            was = f"not {unit}" if unit else "which was not said above"
            text = f"Here is another row of units: column {column.name} is in {bare(cell)}, {was}."
            raise PdmError(text, _HINT, f"{plan.path.name}, line {line}")
