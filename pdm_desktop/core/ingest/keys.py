"""The columns that say which row a line is: machine, time, label; lines without them are rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import abbreviations, instants, tags
from pdm_desktop.core.ingest.cells import Cells, Ints, Texts, factorise
from pdm_desktop.core.ingest.folds import LocalTimes
from pdm_desktop.core.ingest.instants import GOOD, Moments
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.tokens import is_missing, normal
from pdm_desktop.core.plans import Plan, Side
from pdm_desktop.core.schema import EVENT_KINDS

BETWEEN = "\0"  # no text of a file has it
_SMALL_GRID = 1_000_000
LABELS = {"errors": ("error",), "maintenance": ("component",), "failures": ("failure", "component")}


@dataclass
class Key:
    """A key column of a block: which rows have it, and its values (times, or codes of `names`)."""

    good: npt.NDArray[np.bool_]
    values: Ints
    names: list[str]


class Keys:
    """Reads the key columns of one file."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._now = clock.now_ms()
        self.local = LocalTimes(plan.time_zone, repeats=plan.kind not in EVENT_KINDS)
        self.second_lines: dict[int, str] = {}
        """Of the lines last read, those of the second passing of the hour that comes twice, with its offset."""
        self.days_before_months = 0
        """Dates that begin with the year and have the month behind the day."""

    def named(self, cells: Cells, position: int | None, lack: str, rejected: list[Reject]) -> Key:
        """A column of names; without a column every row has the name ""."""
        count = len(cells.lines)
        if position is None:
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [""])
        codes, names = factorise(cells.texts[position])
        good = np.array([not is_missing(name) for name in names], np.bool_)[codes] if names else np.empty(0, np.bool_)
        column = self._plan.columns[position].name
        mark = self._plan.delimiter
        broken = next((code for code, name in enumerate(names) if "\n" in name and mark in name), None)
        if broken is not None:
            raise PdmError(
                f"A name has line breaks and cells in it: {names[broken][:60]!r}.",
                "Look at the quotes around this line: one was not closed, most likely.",
                f"{self._plan.path.name}, line {cells.lines[int(np.argmax(codes == broken))]}, column {column}",
            )
        rejected += [
            Reject(int(cells.lines[row]), column, names[codes[row]], lack) for row in np.flatnonzero(~good).tolist()
        ]
        return Key(good, codes, names)

    def machines(self, cells: Cells, rejected: list[Reject]) -> Key:
        """The machine column, or the one machine that the user said."""
        if self._plan.machine is not None:
            count = len(cells.lines)
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [normal(self._plan.machine)])
        return self.named(cells, self._plan.index("machine"), "no machine", rejected)

    def labels(self, cells: Cells, position: int | None, rejected: list[Reject]) -> Key:
        """The codes or components, or the one that the user said."""
        label = self.named(cells, position, "no code or component", rejected)
        if position is None and self._plan.component is not None:
            label.names = [normal(self._plan.component)]
        return label

    def series(self, cells: Cells, rejected: list[Reject]) -> Key:
        """What each row of a long file is a value of: names that `pair` splits into machine and sensor."""
        position = self._plan.index("tag")
        assert position is not None
        tag = self.named(cells, position, "no tag", rejected)
        column = self._plan.columns[position].name
        marks = np.array([tags.is_mark(name) for name in tag.names], np.bool_)
        if bool(marks.any()):
            marks = marks[tag.values]
            rejected += [
                Reject(int(cells.lines[row]), column, tag.names[tag.values[row]], "a mark of the logger, no tag")
                for row in np.flatnonzero(marks).tolist()
            ]
            tag.good = tag.good & ~marks
        rule = self._plan.tag_rule
        if rule is None:
            return _paired(self.machines(cells, rejected), tag)
        known = self._plan.known_tags
        fits = np.array([known.place(tags.unit_behind(name)[0], rule) is not None for name in tag.names], np.bool_)
        fits = fits[tag.values] if len(fits) else tag.good
        rejected += [
            Reject(int(cells.lines[row]), column, tag.names[tag.values[row]], "a tag without machine and sensor")
            for row in np.flatnonzero(tag.good & ~fits).tolist()
        ]
        return Key(tag.good & fits, tag.values, tag.names)

    def pairs(self, names: Sequence[str], *, whole: bool = True) -> list[tuple[str, str]]:
        """Machine and sensor of each of the names, without the units behind them. whole: they are all of the file, and
        tell better than the samples did which part of a tag is the machine."""
        rule = self._plan.tag_rule
        names = [tags.unit_behind(name)[0] for name in names]
        if rule is None:
            return [(machine, sensor) for machine, _, sensor in (name.partition(BETWEEN) for name in names)]
        known = self._plan.known_tags
        said: Side | None = self._plan.choices.machine_side
        found, doubt = tags.settle(names, known, said, "") if whole else (None, None)
        if found is not None and doubt is not None and found.sensor_first != rule.sensor_first:
            found, _ = tags.settle(names, known, "last" if rule.sensor_first else "first", "")
        for candidate in (found, rule):
            split = [known.place(name, candidate) for name in names] if candidate is not None else [None]
            pairs = [pair for pair in split if pair is not None]
            if len(pairs) == len(names):
                return pairs
        raise AssertionError("series() gives only names that its rule splits")

    def sensors(self, names: Sequence[str], knows: Callable[[str], bool]) -> list[tuple[str, str, str]]:
        """Machine, sensor and the unit behind its name of each of the names, which are all of the file. A sensor whose
        name the plant knows with the unit, or that a machine has in two, keeps all of it."""
        behind = [tags.unit_behind(name)[1] for name in names]
        pairs = self.pairs(names)
        if not any(behind):
            return [(machine, sensor, "") for machine, sensor in pairs]
        ends = [name.strip()[len(tags.unit_behind(name)[0]) :] for name in names]
        twice = Counter((machine, sensor.casefold()) for machine, sensor in pairs)
        shared = {sensor for (_, sensor), count in twice.items() if count > 1}
        return [
            (machine, sensor + end if sensor.casefold() in shared or knows(sensor + end) else sensor, unit)
            for (machine, sensor), end, unit in zip(pairs, ends, behind, strict=True)
        ]

    def times(self, cells: Cells, series: Key, rejected: list[Reject]) -> Key:
        """The time of each row, ms UTC; series: whose clock it is, for the hour that comes twice."""
        position = self._plan.index("timestamp", "date")
        count = len(cells.lines)
        if position is None:
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [])
        texts = cells.texts[position]
        beside = self._plan.index("time")
        if self._plan.columns[position].role.role != "date" or beside is None:
            moments = self._parsed(texts, cells, position)
        elif self._plan.time_form == self._plan.clock_form == "text":
            moments = self._parsed(np.strings.add(np.strings.add(texts, b" "), cells.texts[beside]), cells, position)
        else:
            moments = self._parsed(texts, cells, position)
            clocks = instants.of_day(cells.texts[beside], self._plan.clock_form)
            moments.ms[:] += clocks.ms
            moments.state[:] = np.where(moments.state == GOOD, clocks.state, moments.state)
        if beside is not None and self._plan.kind == "telemetry":  # no reading of midnight, perhaps
            empty = np.strings.str_len(np.strings.strip(cells.texts[beside])) == 0
            moments.state[empty & (moments.state == GOOD)] = instants.EMPTY
        ms = self.local.to_utc(moments, series.values, series.names)
        self.second_lines = {int(cells.lines[row]): offset for row, offset in self.local.second.items()}
        instants.check(ms, moments.state, self._now)
        rejected += self.bad_times(cells, position, moments.state)
        return Key(moments.state == GOOD, ms, [])

    def known(self, cells: Cells, position: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """When records became known (ms UTC, NaN where that is not said) and the state of each cell."""
        short = abbreviations.offsets(self._plan.time_zone)
        moments = instants.parse(cells.texts[position], "text", self._plan.day_first, short)
        series = np.zeros(len(cells.lines), np.int64)
        ms = LocalTimes(self._plan.time_zone, repeats=False).to_utc(moments, series, [""])
        instants.check(ms, moments.state, self._now)
        return np.where(moments.state == GOOD, ms, np.nan), moments.state

    def bad_times(self, cells: Cells, position: int, state: npt.NDArray[np.uint8]) -> list[Reject]:
        """A reject for each row whose time is not GOOD."""
        name, texts = self._plan.columns[position].name, cells.texts[position]
        return [
            Reject(int(cells.lines[row]), name, texts[row].decode("utf-8"), instants.REASONS[int(state[row])])
            for row in np.flatnonzero(state != GOOD).tolist()
        ]

    def _parsed(self, texts: Texts, cells: Cells, position: int) -> Moments:
        short = abbreviations.offsets(self._plan.time_zone) if self._plan.time_form == "text" else {}
        moments = instants.parse(texts, self._plan.time_form, self._plan.day_first, short)
        self.days_before_months += int((moments.state == instants.DAY_BEFORE_MONTH).sum())
        wrong = np.flatnonzero(moments.state == instants.SWAPPED)
        if len(wrong) and self._plan.choices.day_first is None and self._plan.day_first is not None:
            order, usual = "day" if self._plan.day_first else "month", self._plan.choices.usual
            by = "in other dates of this file"
            if usual is not None and usual.day_first is not None:
                by = f"by the profile {self._plan.profile} or {by}"
            raise PdmError(
                f"The {order} stands first {by}, but cannot in {texts[wrong[0]].decode()!r}.",
                "Export it with one form of date, or say --day-first or --month-first to reject the others.",
                f"{self._plan.path.name}, line {cells.lines[wrong[0]]}, column {self._plan.columns[position].name}",
            )
        return moments


def _paired(machine: Key, sensor: Key) -> Key:
    """One series for each machine and sensor that occur together."""
    names, of_row = together(machine.names, machine.values, sensor.names, sensor.values)
    return Key(machine.good & sensor.good, of_row, names)


def together(names: Sequence[str], codes: Ints, others: Sequence[str], other_codes: Ints) -> tuple[list[str], Ints]:
    """The names that two columns give together, joined by `BETWEEN`, and each row's code of these."""
    width = max(1, len(others))
    both = codes * width + other_codes
    if len(names) * width <= _SMALL_GRID:  # the fast way, in memory for every pair there could be
        seen = np.zeros(len(names) * width + 1, np.bool_)
        seen[both] = True
        found, of_row = np.flatnonzero(seen), (np.cumsum(seen) - 1)[both]
    else:
        found, of_row = np.unique(both, return_inverse=True)
    joined = [names[code // width] + BETWEEN + others[code % width] for code in found.tolist()]
    return joined, of_row.astype(np.int64)
