"""Files whose own rows contradict each other were not understood: something else than time and machine tells them
apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from pdm_desktop.core.ingest.blocks import Blocks, NoRow
from pdm_desktop.core.plans import OpenQuestion, Plan, Question

_SHARE = 0.2
"""Exports that say some values twice, the corrected one later, stay far below."""
_LEAST = 6
_CLOCK = re.compile(r"(\d{1,2}):\d\d(?::\d\d)?(?:[.,]\d+)?( ?[AaPp]\.? ?[Mm])?")
_ROWS = 5_000  # that are looked at for what tells them apart


def refuse(plan: Plan, contradicted: int, given: int) -> None:
    """OpenQuestion where too many of the rows (of a long file: values) that came in say another thing than earlier ones
    of the same file for the same machine, time and sensor."""
    if contradicted < _LEAST or contradicted <= _SHARE * given or plan.choices.layout == "wide":
        return
    of_what = "machine, time and tag" if plan.layout == "long" else "machine and time"
    if plan.kind == "machines":
        of_what = "machine"
    text = f"{contradicted:,} of {given:,} rows say another thing than an earlier row of the same {of_what}."
    hint = "Look at what is read as the time and as the machine; mornings and afternoons may be told elsewhere."
    if _half_days(plan):
        text += " Its hours are from 1 to 12 only: mornings and afternoons cannot be told apart."
        hint = "Export it with a clock of 24 hours, or with AM and PM."
    telling = _telling(plan)
    if telling:
        text += f" Column {telling} tells them apart."
        hint = (
            f"Say what it holds: --map {telling!r}=machine where it names machines; where it names what was measured,"
            f" --map {telling!r}=tag and --map COLUMN=value."
        )
    if plan.layout == "wide":
        hint += " To have the last of them hold all the same: --layout wide."
    raise OpenQuestion(Question("columns", text, hint, where=plan.path.name), plan.path, plan.sheet)


def _half_days(plan: Plan) -> bool:
    """Whether the first rows show a clock of 12 hours without AM and PM."""
    place = plan.index("time", "timestamp")
    if place is None or plan.time_form != "text":
        return False
    clocks = [_CLOCK.search(row[place]) for row in _first_rows(plan)]
    hours = {int(clock[1]) for clock in clocks if clock is not None and clock[2] is None}
    return 12 in hours and len(hours) > 1 and hours <= set(range(1, 13)) and None not in clocks


def _telling(plan: Plan) -> str:
    """The column that, with time, machine and tag, tells the first rows apart; "" where there is none, or more."""
    keys = [i for i, c in enumerate(plan.columns) if c.role.role in ("timestamp", "date", "time", "machine", "tag")]
    others = [
        i for i, c in enumerate(plan.columns) if c.role.role in ("ignore", "doubtful", "unit", "quality") and c.name
    ]
    rows = _first_rows(plan)
    found = [i for i in others if _different(rows, [*keys, i]) > 0.99 > _different(rows, keys)]
    found = [i for i in found if len({row[i] for row in rows}) <= len(rows) // 2] or found
    return plan.columns[found[0]].name if len(found) == 1 else ""


def _first_rows(plan: Plan) -> list[list[str]]:
    for block in Blocks(plan):
        try:
            rows = [row for _, row in islice(block.rows(plan.delimiter), _ROWS)]
        except NoRow:
            return []
        return [list(row) for row in dict.fromkeys(map(tuple, rows)) if len(row) == len(plan.columns)]
    return []


def _different(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> float:
    return len({tuple(row[i] for i in columns) for row in rows}) / max(1, len(rows))
