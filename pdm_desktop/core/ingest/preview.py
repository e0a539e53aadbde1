"""A file's first rows under a plan, cell by cell as the import would judge them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pdm_desktop.core.ingest import cells as cell_reader
from pdm_desktop.core.ingest.blocks import Block, Blocks, Overturned
from pdm_desktop.core.ingest.keys import LABELS, Keys
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.plans import Plan, Preview, PreviewCell, PreviewRow
from pdm_desktop.core.progress import Progress


def preview(plan: Plan, rows: int, progress: Progress | None = None) -> Preview:
    """The first `rows` rows of data. Open questions are left open: times that hang on one show as rejected."""
    try:
        return _preview(plan, rows, progress)
    except Overturned as exc:  # these rows tell better than the samples
        return _preview(replace(exc.plan, choices=plan.choices), rows, progress)


def _preview(plan: Plan, rows: int, progress: Progress | None) -> Preview:
    taken: list[PreviewRow] = []
    found: dict[str, int] = dict.fromkeys(("rows", "rejected", "rejected_values", "missing"), 0)
    machines: dict[str, None] = {}
    sensors: dict[str, None] = {}
    times: list[int] = []
    # The questions keep their place in the plan shown; a contradiction would raise, so the order counts as chosen.
    lenient = replace(plan, choices=replace(plan.choices, day_first=bool(plan.day_first)), line_bytes=80.0)
    for block in Blocks(lenient):
        if progress is not None:
            progress.check()
        raw = _first(block, plan, rows - len(taken))
        if not raw:
            continue
        until = raw[-1][0]
        part = Block(_lines(block.data, until - block.line + 1, len(raw) == rows - len(taken)), block.line)
        cells = cell_reader.read(part, lenient)
        keys = Keys(lenient)
        rejected = list(cells.rejected_rows)
        if plan.layout == "long" and plan.index("tag") is not None:
            machine = keys.series(cells, rejected)
            used = np.unique(machine.values[machine.good]).tolist()
            for name, sensor in keys.pairs([machine.names[code] for code in used], whole=False):
                machines[name] = sensors[sensor] = None
        else:
            machine = keys.machines(cells, rejected)
        timed = keys.times(cells, machine, rejected) if plan.kind != "machines" else None
        keys.labels(cells, plan.index(*LABELS.get(plan.kind, ())), rejected)
        if plan.layout != "long":
            machines |= dict.fromkeys(name for name in machine.names if name and not is_missing(name))
        if timed is not None and plan.index("timestamp", "date") is not None:
            times += timed.values[timed.good].tolist()
        whole = {reject.line: reject for reject in reversed(rejected)}
        values = {(reject.line, reject.column): reject for reject in cells.rejected_values}
        for line, row in raw:
            made = _row(plan, line, row, whole.get(line), values)
            found["rows"] += 1
            found["rejected"] += bool(made.reason)
            found["rejected_values"] += sum(cell.state == "rejected" for cell in made.cells) * (not made.reason)
            found["missing"] += sum(cell.state == "missing" for cell in made.cells)
            taken.append(made)
        if len(taken) >= rows:
            break
    for column in plan.columns:
        if column.role.role == "sensor":
            sensors[column.role.name or column.name] = None
            if column.role.machine:
                machines[column.role.machine] = None
    counts = found | {"machines": len(machines), "sensors": len(sensors)}
    moments = np.array(times, np.int64)
    return Preview(
        plan,
        plan.header,
        tuple(taken),
        counts,
        tuple(machines),
        int(moments.min()) if len(moments) else None,
        int(moments.max()) if len(moments) else None,
    )


def _first(block: Block, plan: Plan, rows: int) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    for line, row in cell_reader.rows(block, plan):
        if len(found) >= rows:
            break
        if any(cell.strip() for cell in row):
            found.append((line, row))
    return found


def _lines(data: bytes, lines: int, cut: bool) -> bytes:
    """The first `lines` lines and, where the last may be a row of several, those that belong to it."""
    if not cut:
        return data
    at = 0
    for _ in range(lines):
        at = data.find(b"\n", at) + 1 or len(data)
    while data.count(b'"', 0, at) % 2 and at < len(data):
        at = data.find(b"\n", at) + 1 or len(data)
    return data[:at]


def _row(
    plan: Plan, line: int, row: list[str], whole: Reject | None, values: dict[tuple[int, str], Reject]
) -> PreviewRow:
    cells = []
    for position, text in enumerate(row):
        if position >= len(plan.columns):
            cells.append(PreviewCell(text, "rejected", "no column for it"))
            continue
        column = plan.columns[position]
        reject = values.get((line, column.name))
        if column.role.role in ("ignore", "doubtful"):
            cells.append(PreviewCell(text, "ignored"))
        elif whole is not None and whole.column == column.name:
            cells.append(PreviewCell(text, "rejected", whole.reason))
        elif reject is not None:
            cells.append(PreviewCell(text, "rejected", reject.reason))
        else:
            cells.append(PreviewCell(text, "missing" if is_missing(text) else "ok"))
    return PreviewRow(line, tuple(cells), "" if whole is None else whole.reason)
