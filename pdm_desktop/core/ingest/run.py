"""One file's import under way: block after block validated and merged, and what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import ages as years
from pdm_desktop.core.ingest import beside, instants, qualities, second_header
from pdm_desktop.core.ingest import cells as cell_reader
from pdm_desktop.core.ingest.blocks import Block, NoRow, Overturned
from pdm_desktop.core.ingest.cells import Cells, Floats, Ints, factorise
from pdm_desktop.core.ingest.doubtful import Doubtful
from pdm_desktop.core.ingest.events import Events
from pdm_desktop.core.ingest.keys import BETWEEN, LABELS, Key, Keys
from pdm_desktop.core.ingest.marks_watch import MarksWatch
from pdm_desktop.core.ingest.names import Names
from pdm_desktop.core.ingest.pivot import Values, sensors_of
from pdm_desktop.core.ingest.rejects import Reject, Rejects
from pdm_desktop.core.ingest.sensor_units import SensorUnits
from pdm_desktop.core.ingest.status import StatusChanges
from pdm_desktop.core.ingest.tags import unit_behind
from pdm_desktop.core.ingest.tokens import is_missing, is_opc
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import Plan, PlanColumn, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.schema import EVENT_KINDS

if TYPE_CHECKING:
    from pdm_desktop.core.store import BatchWriter, Outcome

Limits = Mapping[str, tuple[float | None, float | None]]
_MOST_CELLS = 2_000_000  # of a matrix that may be mostly empty


class Run:
    """The plan as it becomes known, and the counts."""

    def __init__(self, plan: Plan, writer: BatchWriter, rejects: Rejects, limits: Limits, folder: Path) -> None:
        """limits: sensor (casefolded) -> its plausible values; folder: for what does not fit into memory."""
        columns = []
        for column in plan.columns:
            role = column.role
            if role.role == "doubtful" and writer.knows_sensor(role.name or column.name):
                role = replace(role, role="sensor")
            columns.append(replace(column, role=role))
        self.plan = replace(plan, columns=tuple(columns))
        self._writer = writer
        self.units = SensorUnits(self.plan, writer.unit_of)
        self._beside = beside.columns_of_units(self.plan)
        self._conversions = beside.by_column(self.plan, self.units)
        self._rejects = rejects
        self._limits = limits
        self.keys = Keys(plan)
        self._machines = Names(plan, "machine", writer)
        self._events_of = Events(plan, writer) if plan.kind in EVENT_KINDS else None
        self._doubtful = Doubtful()
        self._marks = MarksWatch(self.plan)
        self._settled_now: set[int] = set()
        status = [i for i, c in enumerate(plan.columns) if c.role.role == "failure" and c.role.name]
        self._status_at = status[0] if status else None
        self.status = StatusChanges(plan.columns[status[0]].role.name) if status else None
        self.rows = self.rejected = self.rejected_values = self.missing = self.bad_quality = self.flagged = 0
        self._values = Values(folder) if plan.layout == "long" else None
        self._with_units = bool(self._beside) or any(column.inside for column in plan.columns)
        self._idle = 0  # rows of a long file without a value
        self._lines = [0, 0, 0, 0]
        """In layout "wide tags", where a line is several readings: unchanged, duplicate, accepted, conflicting; else
        what lines of several events are more or less than these."""

    def take(self, block: Block) -> None:
        """Validate one block and merge what is good of it."""
        plan = self.plan
        cells = cell_reader.read(block, plan)
        self._marks.look(block, cells, plan)
        self.rows += len(cells.lines) + len(cells.rejected_rows)
        rejected = list(cells.rejected_rows)
        if plan.layout == "long":
            machine = self.keys.series(cells, rejected)
        elif plan.layout == "wide tags":
            machine = self.keys.named(cells, None, "", rejected)
        else:
            machine = self.keys.machines(cells, rejected)
        timed = self.keys.times(cells, machine, rejected) if plan.kind != "machines" else self._timeless(cells)
        label = self.keys.labels(cells, self._label(), rejected)
        parts = [machine, timed, label]
        good = np.ones(len(cells.lines), np.bool_)
        for part in parts:
            good &= part.good
        for part in parts:
            part.values = part.values[good]
        cells.keep(good)
        if self._events_of is not None:
            self._events_of.keep_what_came(cells, parts)
        if plan.layout == "wide":
            machine.names = self._machines.settle(machine.names, machine.values)
        # One line may have more than one fault; its row is rejected once, for the first.
        first = {reject.line: reject for reject in reversed(rejected)}
        self.rejected += len(first)
        if self._values is not None:
            self._long(self._values, cells, machine, timed)
        elif plan.kind == "telemetry":
            self._readings(cells, machine, timed)
        elif plan.kind == "machines":
            self._attributes(cells, machine)
        elif self.status is None:
            self._events(cells, machine, timed, label)
        if self.status is not None and self._status_at is not None:
            texts = cells.texts[self._status_at]
            self.status.take(machine.names, machine.values, timed.values, texts, cells.lines)
        self.rejected_values += len(cells.rejected_values)
        self._keep_rejects(block, [*first.values(), *cells.rejected_values])

    def end(self) -> None:
        """Refuse a file of which nothing can be used, or that raises a question."""
        name = self.plan.path.name
        self._marks.end(self.plan)
        if not self.rows:
            raise PdmError("The file has a header and no rows.", "Export it again with its rows.", name)
        if self.keys.days_before_months * 20 > self.rows:  # no slip of the pen: then the others were misread
            raise PdmError(
                "The dates of the file seem to have the year first, then the day, then the month.",
                "Export it with dates like 2015-01-31.",
                name,
            )
        if self.rejected == self.rows and self._rejects.first is not None:
            line, column, content, reason, _ = self._rejects.first
            where = f"{name}, line {line}" + (f", column {column}" if column else "")
            raise PdmError(f"No row of the file can be used. In the first: {reason}, {content[:80]!r}.", "", where)
        if self.plan.kind == "telemetry" and self.plan.layout != "long" and self.plan.index("sensor") is None:
            raise PdmError(
                "No column of the file holds numbers.",
                "Telemetry has a column of numbers for each sensor. Events need the column of their code or component"
                " named: --map COLUMN=error, component or failure.",
                name,
            )

    def _label(self) -> int | None:
        return None if self.status is not None else self.plan.index(*LABELS.get(self.plan.kind, ()))

    @staticmethod
    def _timeless(cells: Cells) -> Key:
        count = len(cells.lines)
        return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [])

    def _keep_rejects(self, block: Block, rejects: list[Reject]) -> None:
        if not rejects:
            return
        wanted = {reject.line for reject in rejects}
        rows: dict[int, tuple[str, ...]] = {}
        try:
            for line, row in block.rows(self.plan.delimiter):
                if line in wanted:
                    rows[line] = tuple(self._with_offset(line, row))
        except NoRow:
            pass  # the rejects then carry no row beside what was wrong in it
        second_header.refuse(self.plan, rows)
        self._rejects.add(sorted(reject._replace(cells=rows.get(reject.line, ())) for reject in rejects))

    def _with_offset(self, line: int, row: list[str]) -> list[str]:
        """The row as it must stand in the rejects file: by itself, 02:30 would be the first of the two."""
        offset = self.keys.second_lines.get(line)
        position = self.plan.index("time", "timestamp")
        if offset and position is not None and position < len(row) and self.plan.time_form == "text":
            row[position] = row[position].rstrip() + offset
        return row

    # -- readings -----------------------------------------------------------------------------------------------------

    def _readings(self, cells: Cells, machine: Key, timed: Key) -> None:
        for position, column in enumerate(self.plan.columns):
            if column.role.role == "doubtful":
                self._look_at_doubtful(cells, position, column)
        sensors = [p for p, column in enumerate(self.plan.columns) if column.role.role == "sensor"]
        judged = [p for p in sensors if p not in self._settled_now]
        self.missing += sum(int(np.isnan(cells.numbers[p]).sum()) for p in judged) - len(cells.rejected_values)
        self._settled_now.clear()
        for p in sensors:
            cells.numbers[p] = self._in_its_unit(cells, p)
        for p in sensors if self._limits else ():
            self._flag(self._sensor(p)[0], cells.numbers[p])
        if self.plan.layout == "wide tags":
            self._tagged(cells, sensors, timed)
            return
        values = np.array([cells.numbers[p] for p in sensors]).reshape(len(sensors), len(cells.lines))
        names = [self._sensor(p) for p in sensors]
        self._writer.readings(machine.names, machine.values, timed.values, names, values, cells.lines)

    def _sensor(self, position: int) -> tuple[str, str]:
        column = self.plan.columns[position]
        name = column.role.name or column.name
        return name, self.units.of(name)

    def _in_its_unit(self, cells: Cells, position: int) -> Floats:
        """A column's values in the unit of its sensor."""
        column, values = self.plan.columns[position], cells.numbers[position]
        name, file = column.role.name or column.name, self.plan.path.name
        units = beside.units_of(cells, position, self._beside.get(position), self.plan)
        if units is not None:
            return beside.converted(values, cells.lines, units, name, column.role.unit, self.units, file)
        change = self._conversions.get(position)
        if change is None:
            return values
        self.units.converted(name, column.role.unit, int((~np.isnan(values)).sum()))
        return change.of(values)

    def _flag(self, sensor: str, values: Floats) -> None:
        low, high = self._limits.get(sensor.casefold(), (None, None))
        if low is not None:
            self.flagged += int((values < low).sum())
        if high is not None:
            self.flagged += int((values > high).sum())

    def _tagged(self, cells: Cells, sensors: list[int], timed: Key) -> None:
        """Layout "wide tags": each line holds a reading of several machines."""
        count = len(cells.lines)
        machines = list(dict.fromkeys(self.plan.columns[p].role.machine for p in sensors))
        names = list(dict.fromkeys(self._sensor(p) for p in sensors))
        units = {name.casefold(): unit for name, unit in reversed(names)}
        names = [(name, units[name.casefold()]) for name in dict.fromkeys(name for name, _ in names)]
        row = {name: number for number, (name, _) in enumerate(names)}
        self._writer.by_line = []
        portion = max(1, _MOST_CELLS // max(1, len(names) * count))
        for start in range(0, len(machines), portion):
            some = machines[start : start + portion]
            values = np.full((len(names), len(some), count), np.nan)
            own = self._machines.settle(some)
            for p in sensors:
                machine = self.plan.columns[p].role.machine
                if machine in some:
                    values[row[self._sensor(p)[0]], some.index(machine)] = cells.numbers[p]
            codes = np.repeat(np.arange(len(some)), count)
            times, lines = np.tile(timed.values, len(some)), np.tile(cells.lines, len(some))
            self._writer.readings(own, codes, times, names, values.reshape(len(names), -1), lines)
        self._count_lines(cells.lines)

    def _count_lines(self, lines: Ints) -> None:
        became = np.zeros(len(lines), np.int64)
        for at, states in self._writer.by_line or ():
            np.maximum.at(became, np.searchsorted(lines, at), states)
        self._writer.by_line = None
        for state, number in enumerate(np.bincount(became, minlength=4).tolist()):
            self._lines[state] += number

    def _long(self, gathered: Values, cells: Cells, series: Key, timed: Key) -> None:
        """Layout "long": each line holds one value."""
        plan = self.plan
        position = plan.index("value")
        assert position is not None
        values = cells.numbers[position].copy()
        quality = plan.index("quality")
        if quality is not None and len(cells.lines):
            codes, words = factorise(cells.texts[quality])
            if not plan.opc and not plan.columns[quality].role.name and any(map(is_opc, words)):
                raise Overturned(replace(plan, opc=True))  # zeros of the lines before, if any, were bad
            bad = ~qualities.good(words, plan.columns[quality].role.name, opc=plan.opc)[codes]
            self.bad_quality += int(bad.sum())
            values[bad] = np.nan
            gone = set(cells.lines[bad].tolist())
            cells.rejected_values = [reject for reject in cells.rejected_values if reject.line not in gone]
            self.missing -= int(bad.sum())
        self.missing += int(np.isnan(values).sum()) - len(cells.rejected_values)
        some = ~np.isnan(values)
        self._idle += len(values) - int(some.sum())
        names, codes = series.names, series.values
        units = beside.units_of(cells, position, self._beside.get(position), plan)
        if units is not None:
            names, codes = beside.with_units(names, codes, units)
        gathered.add(names, codes[some], timed.values[some], values[some], cells.lines[some])

    def store(self, progress: Progress) -> None:
        """Layout "long": all the file is read, now merge its values."""
        if self._values is None:
            return
        pairs, conversions = beside.settled(
            self._values, self.plan, self.keys, self.units, self._writer.knows_sensor, beside=self._with_units
        )
        machines = list(dict.fromkeys(machine for machine, _ in pairs))
        of_plant = dict(zip(machines, self._machines.settle(machines), strict=True))
        pairs = [(of_plant[machine], sensor) for machine, sensor in pairs]
        # So that the plant's catalogue has the sensors in the order of the file.
        names = [(name, self.units.of(name)) for name in sensors_of(pairs)]
        empty = np.empty(0, np.int64)
        self._writer.readings([], empty, empty, names, np.empty((len(names), 0)), empty)
        done = 0
        for portion in self._values.portions(pairs, conversions):
            progress.step(done, self._values.count, f"Storing {self.plan.path.name}")
            for sensor, row in zip(portion.sensors, portion.values, strict=True) if self._limits else ():
                self._flag(sensor, row)
            sensors = [(name, self.units.of(name)) for name in portion.sensors]
            self._writer.readings(
                portion.machines, portion.codes, portion.times, sensors, portion.values, portion.lines
            )
            done += int((~np.isnan(portion.values)).sum())

    @property
    def notes(self) -> tuple[str, ...]:
        """What came up while the file was read, in sentences."""
        of_events = () if self._events_of is None else self._events_of.notes()
        return (*self.units.notes(), *self._machines.notes(), *of_events)

    def remember_names(self) -> None:
        """Keep in the plant which names were said to be the same, for the files to come."""
        self._machines.remember()
        if self._events_of is not None:
            self._events_of.remember()

    def tags(self) -> list[tuple[str, str, str]]:
        """(tag, what stands before its sensor, machine) of every tag of the file that names both."""
        plan = self.plan
        if plan.layout == "wide tags":
            named = [(split_unit(c.name)[0], c.role) for c in plan.columns if c.role.machine]
            split = [(tag, role.machine, role.name) for tag, role in named]
        elif self._values is not None and plan.tag_rule is not None:
            gathered = dict.fromkeys(tag.partition(BETWEEN)[0] for tag in self._values.tags)
            names = list(dict.fromkeys(unit_behind(tag)[0] for tag in gathered))
            split = [(tag, *pair) for tag, pair in zip(names, self.keys.pairs(names), strict=True)]
        else:
            return []
        of_plant = self._machines.settle([machine for _, machine, _ in split])
        fits = [(t, sensor, own) for (t, _, sensor), own in zip(split, of_plant, strict=True) if sensor]
        return [(t, t[: -len(sensor)], own) for t, sensor, own in fits if t.endswith(sensor)]

    def close(self) -> None:
        """Let go of what was gathered."""
        if self._values is not None:
            self._values.close()

    @property
    def counts(self) -> Outcome:
        """What became of the file's rows."""
        totals = self._writer.totals
        if self.plan.layout == "wide tags":
            unchanged, duplicates, accepted, conflicts = self._lines
            return totals._replace(accepted=accepted, unchanged=unchanged, duplicates=duplicates, conflicts=conflicts)
        unchanged, duplicates, accepted, conflicts = self._lines
        gone = 0 if self._events_of is None else self._events_of.gone
        return totals._replace(
            accepted=totals.accepted + accepted,
            unchanged=totals.unchanged + unchanged + self._idle + gone,
            duplicates=totals.duplicates + duplicates,
            conflicts=totals.conflicts + conflicts,
        )

    def _look_at_doubtful(self, cells: Cells, position: int, column: PlanColumn) -> None:
        numbers = self._doubtful.values(position, self.plan, cells.texts[position], cells.lines)
        if numbers is None:
            return
        cells.numbers[position] = numbers
        self._settled_now.add(position)
        columns = list(self.plan.columns)
        columns[position] = replace(column, role=replace(column.role, role="sensor"))
        self.plan = replace(self.plan, columns=tuple(columns))
        rejects, rejected, missing = self._doubtful.settle(position)
        self._rejects.add(rejects)
        self.rejected_values += rejected
        self.missing += missing

    # -- the other kinds ----------------------------------------------------------------------------------------------

    def _attributes(self, cells: Cells, machines: Key) -> None:
        count = len(cells.lines)
        names = [machines.names[code] for code in machines.values.tolist()]
        model, age = self.plan.index("machine_model"), self.plan.index("age")
        models = [""] * count if model is None else [t.decode("utf-8").strip() for t in cells.texts[model].tolist()]
        models = ["" if is_missing(text) else text for text in models]
        ages = np.full(count, np.nan)
        if age is not None:
            column = self.plan.columns[age]
            cells.rejected_values = [years.said_plainly(reject, column) for reject in cells.rejected_values]
            ages = years.in_years(cells.numbers[age], cells.lines, column, cells.rejected_values)
        self.missing += int(np.isnan(ages).sum()) * (age is not None) - len(cells.rejected_values)
        self.missing += models.count("") * (model is not None)
        self._writer.attributes(names, models, ages, cells.lines)

    def _events(self, cells: Cells, machines: Key, times: Key, labels: Key) -> None:
        known = np.full(len(cells.lines), np.nan)
        position = self.plan.index("known")
        if position is not None:
            known, state = self.keys.known(cells, position)
            said = state != instants.EMPTY
            state[~said] = instants.GOOD  # an empty cell is no fault here
            cells.rejected_values += self.keys.bad_times(cells, position, state)
            self.missing += int((~said).sum())
        assert self._events_of is not None
        more = self._events_of.write(machines, times.values, labels, known, cells.lines)
        self._lines = [count + change for count, change in zip(self._lines, more.tolist(), strict=True)]


def shown(role: Role, column: str) -> str:
    """A role as reports show it: without a sensor's name where that is the column's."""
    if role.role == "doubtful":
        return "ignore"
    return "sensor" if role.role == "sensor" and role.name in ("", column) and not role.unit else str(role)
