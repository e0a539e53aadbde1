"""One file's import from beginning to end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import cells as cell_reader
from pdm_desktop.core.ingest import instants
from pdm_desktop.core.ingest.blocks import Block, Blocks
from pdm_desktop.core.ingest.cells import Cells, Ints, factorise
from pdm_desktop.core.ingest.doubtful import Doubtful
from pdm_desktop.core.ingest.recognise import Column, Layout, recognise
from pdm_desktop.core.ingest.rejects import Reject, Rejects
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.schema import Kind

if TYPE_CHECKING:
    from pdm_desktop.core.store import BatchWriter, Store


def import_file(
    store: Store,
    path: Path,
    *,
    kind: Kind | None = None,
    time_zone: str = "UTC",
    dry_run: bool = False,
    progress: Progress,
    rejects_dir: Path | None,
) -> FileReport:
    """Import one file in one transaction; a dry run reports the same and keeps nothing.

    kind: where the file does not tell; time_zone: IANA name for times without an offset; rejects_dir: the folder for
    the rejects file (None: none is written). PdmError where the file cannot be used; then, and when cancelled, the
    store is as it was.
    """
    clock.zone(time_zone)
    layout = recognise(path, kind)
    rejects = Rejects(path, None if dry_run else rejects_dir)
    kept = False
    try:
        with store.batch(path.name, layout.kind, keep=not dry_run) as writer:
            run = _Run(layout, writer, rejects, time_zone)
            blocks = Blocks(layout)
            size = path.stat().st_size
            for block in blocks:
                run.take(block)
                progress.step(run.rows, _estimate(run.rows, block, size), f"Importing {path.name}")
            run.end()
            writer.finish(blocks.sha256, run.rejected)
        kept = not dry_run
    finally:
        rejects.close(keep=kept)
    return run.report(rejects.path)


def _estimate(rows: int, block: Block, size: int) -> int:
    return max(rows, round(rows * size / block.read))


class _Run:
    """The state of one import: the layout as it becomes known, and the counts."""

    def __init__(self, layout: Layout, writer: BatchWriter, rejects: Rejects, time_zone: str) -> None:
        known = {c.name for c in layout.columns if c.role == "doubtful" and writer.knows_sensor(c.name)}
        columns = (Column(c.name, "sensor") if c.name in known else c for c in layout.columns)
        self.layout = replace(layout, columns=tuple(columns))
        self._writer = writer
        self._rejects = rejects
        self._zone = time_zone
        self._now = clock.now_ms()
        self._doubtful = Doubtful()
        self._settled_now: set[int] = set()
        self.rows = 0
        self.rejected = 0
        self.rejected_values = 0
        self.missing = 0

    def take(self, block: Block) -> None:
        """Validate one block and merge what is good of it."""
        cells = cell_reader.read(block, self.layout)
        self.rows += len(cells.lines) + len(cells.rejected_rows)
        rejected = list(cells.rejected_rows)
        named = self._named(cells, "machine", "no machine", rejected)
        timed = self._timed(cells, rejected)
        labelled = self._named(cells, "label", "no code or component", rejected)
        good = np.ones(len(cells.lines), np.bool_)
        for column in (named, timed, labelled):
            good &= column.good
        for column in (named, timed, labelled):
            column.values = column.values[good]
        cells.keep(good)
        # One line may have more than one fault; its row is rejected once, for the first.
        first = {reject.line: reject for reject in reversed(rejected)}
        self.rejected += len(first)
        if self.layout.kind == "telemetry":
            self._readings(cells, named, timed)
        elif self.layout.kind == "machines":
            self._attributes(cells, named)
        else:
            self._events(cells, named, timed, labelled)
        self.rejected_values += len(cells.rejected_values)
        self._rejects.add(sorted([*first.values(), *cells.rejected_values]))

    def end(self) -> None:
        """Refuse a file of which nothing can be used."""
        name = self.layout.path.name
        if not self.rows:
            raise PdmError("The file has a header and no rows.", "Export it again with its rows.", name)
        if self.rejected == self.rows and self._rejects.first is not None:
            line, column, content, reason = self._rejects.first
            where = f"{name}, line {line}" + (f", column {column}" if column else "")
            raise PdmError(f"No row of the file can be used. In the first: {reason}, {content[:80]!r}.", "", where)
        if self.layout.kind == "telemetry" and self.layout.index("sensor") is None:
            raise PdmError(
                "No column of the file holds numbers.", "Telemetry has a column of numbers for each sensor.", name
            )

    def report(self, rejects_file: Path | None) -> FileReport:
        """What the import did."""
        layout, writer = self.layout, self._writer
        totals = writer.totals
        return FileReport(
            file=str(layout.path),
            kind=layout.kind,
            layout="wide",
            encoding=layout.encoding,
            delimiter=layout.delimiter,
            decimal=".",
            time_zone=self._zone,
            columns={c.name: "ignore" if c.role == "doubtful" else c.role for c in layout.columns},
            machines=writer.machines,
            sensors=tuple((sensor.name, sensor.unit) for sensor in writer.sensors),
            accepted=totals.accepted,
            rejected=self.rejected,
            duplicates=totals.duplicates,
            conflicts=totals.conflicts,
            unchanged=totals.unchanged,
            accepted_values=totals.values,
            rejected_values=self.rejected_values,
            missing_cells=self.missing,
            batch=writer.id if writer.kept else None,
            rejects_file=None if rejects_file is None else str(rejects_file),
            changed=writer.changed if writer.kept else {},
        )

    # -- the columns that say which row it is -------------------------------------------------------------------------

    def _named(self, cells: Cells, role: str, lack: str, rejected: list[Reject]) -> _Codes:
        position = self.layout.label if role == "label" else self.layout.index(role)
        if position is None:
            return _Codes(np.ones(len(cells.lines), np.bool_), np.zeros(len(cells.lines), np.int64), [])
        codes, names = factorise(cells.texts[position])
        good = np.array([not is_missing(name) for name in names], np.bool_)[codes] if names else np.empty(0, np.bool_)
        column = self.layout.columns[position].name
        rejected += [
            Reject(int(cells.lines[row]), column, names[codes[row]], lack) for row in np.flatnonzero(~good).tolist()
        ]
        return _Codes(good, codes, names)

    def _timed(self, cells: Cells, rejected: list[Reject]) -> _Codes:
        position = self.layout.index("timestamp")
        if position is None:
            return _Codes(np.ones(len(cells.lines), np.bool_), np.zeros(len(cells.lines), np.int64), [])
        times, state = instants.parse(cells.texts[position], self._zone, self._now)
        rejected += self._bad_times(cells, position, state)
        return _Codes(state == instants.GOOD, times, [])

    def _bad_times(self, cells: Cells, position: int, state: npt.NDArray[np.uint8]) -> list[Reject]:
        name, texts = self.layout.columns[position].name, cells.texts[position]
        return [
            Reject(int(cells.lines[row]), name, texts[row].decode("utf-8"), instants.REASONS[int(state[row])])
            for row in np.flatnonzero(state != instants.GOOD).tolist()
        ]

    # -- the kinds ----------------------------------------------------------------------------------------------------

    def _readings(self, cells: Cells, machines: _Codes, times: _Codes) -> None:
        for position, column in enumerate(self.layout.columns):
            if column.role == "doubtful":
                self._look_at_doubtful(cells, position, column)
        sensors = [p for p, column in enumerate(self.layout.columns) if column.role == "sensor"]
        values = np.array([cells.numbers[p] for p in sensors]).reshape(len(sensors), len(cells.lines))
        judged = [p for p in sensors if p not in self._settled_now]
        self.missing += sum(int(np.isnan(cells.numbers[p]).sum()) for p in judged) - len(cells.rejected_values)
        self._settled_now.clear()
        names = [(self.layout.columns[p].name, "") for p in sensors]
        self._writer.readings(machines.names, machines.values, times.values, names, values, cells.lines)

    def _look_at_doubtful(self, cells: Cells, position: int, column: Column) -> None:
        numbers = self._doubtful.values(position, column.name, cells.texts[position], cells.lines)
        if numbers is None:
            return
        cells.numbers[position] = numbers
        self._settled_now.add(position)
        columns = list(self.layout.columns)
        columns[position] = Column(column.name, "sensor")
        self.layout = replace(self.layout, columns=tuple(columns))
        rejects, rejected, missing = self._doubtful.settle(position)
        self._rejects.add(rejects)
        self.rejected_values += rejected
        self.missing += missing

    def _attributes(self, cells: Cells, machines: _Codes) -> None:
        count = len(cells.lines)
        names = [machines.names[code] for code in machines.values.tolist()]
        model, age = self.layout.index("machine_model"), self.layout.index("age")
        models = [""] * count if model is None else [t.decode("utf-8").strip() for t in cells.texts[model].tolist()]
        models = ["" if is_missing(text) else text for text in models]
        ages = np.full(count, np.nan) if age is None else cells.numbers[age]
        self.missing += int(np.isnan(ages).sum()) * (age is not None) - len(cells.rejected_values)
        self.missing += models.count("") * (model is not None)
        self._writer.attributes(names, models, ages, cells.lines)

    def _events(self, cells: Cells, machines: _Codes, times: _Codes, labels: _Codes) -> None:
        known = np.full(len(cells.lines), np.nan)
        position = self.layout.index("known")
        if position is not None:
            stamps, state = instants.parse(cells.texts[position], self._zone, self._now)
            known = np.where(state == instants.GOOD, stamps, np.nan)
            said = state != instants.EMPTY
            state[~said] = instants.GOOD  # an empty cell is no fault here
            cells.rejected_values += self._bad_times(cells, position, state)
            self.missing += int((~said).sum())
        args = (machines.names, machines.values, times.values, labels.names, labels.values, known, cells.lines)
        self._writer.events(*args)


@dataclass
class _Codes:
    """A key column of a block: which rows have it, and its values (times, or codes of `names`)."""

    good: npt.NDArray[np.bool_]
    values: Ints
    names: list[str]
