"""The columns that say which row a line is: machine, time, label; lines without them are rejected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import instants
from pdm_desktop.core.ingest.blocks import Overturned
from pdm_desktop.core.ingest.cells import Cells, Ints, Texts, factorise
from pdm_desktop.core.ingest.folds import LocalTimes
from pdm_desktop.core.ingest.instants import GOOD, Moments
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.plans import Plan, TagRule
from pdm_desktop.core.schema import EVENT_KINDS

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

    def named(self, cells: Cells, position: int | None, lack: str, rejected: list[Reject]) -> Key:
        """A column of names; without a column every row has the name ""."""
        count = len(cells.lines)
        if position is None:
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [""])
        codes, names = factorise(cells.texts[position])
        good = np.array([not is_missing(name) for name in names], np.bool_)[codes] if names else np.empty(0, np.bool_)
        column = self._plan.columns[position].name
        rejected += [
            Reject(int(cells.lines[row]), column, names[codes[row]], lack) for row in np.flatnonzero(~good).tolist()
        ]
        return Key(good, codes, names)

    def machines(self, cells: Cells, rejected: list[Reject]) -> Key:
        """The machine column, or the one machine that the user said."""
        if self._plan.machine is not None:
            count = len(cells.lines)
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [self._plan.machine])
        return self.named(cells, self._plan.index("machine"), "no machine", rejected)

    def tags(self, cells: Cells, rejected: list[Reject]) -> tuple[Key, Key]:
        """Machine and sensor of each row of a long file."""
        position = self._plan.index("tag")
        assert position is not None
        tags = self.named(cells, position, "no tag", rejected)
        rule = self._plan.tag_rule
        if rule is None:
            return self.machines(cells, rejected), tags
        pairs = [rule.split(name) for name in tags.names]
        if rule.dropped and any(
            pair is None and self._without(rule).split(name) is not None and not is_missing(name)
            for pair, name in zip(pairs, tags.names, strict=True)
        ):
            raise Overturned(_with_rule(self._plan, self._without(rule)))
        fits = np.array([pair is not None for pair in pairs], np.bool_)[tags.values] if pairs else tags.good
        column = self._plan.columns[position].name
        rejected += [
            Reject(int(cells.lines[row]), column, tags.names[tags.values[row]], "a tag without machine and sensor")
            for row in np.flatnonzero(tags.good & ~fits).tolist()
        ]
        good = tags.good & fits
        both = [pair or ("", "") for pair in pairs]
        return _coded([m for m, _ in both], tags.values, good), _coded([s for _, s in both], tags.values, good)

    @staticmethod
    def _without(rule: TagRule) -> TagRule:
        return TagRule(rule.separator, rule.sensor_parts, (), rule.machine_parts, rule.sensor_first)

    def times(self, cells: Cells, series: Key, rejected: list[Reject]) -> Key:
        """The time of each row, ms UTC; series: whose clock it is, for the hour that comes twice."""
        position = self._plan.index("timestamp", "date")
        count = len(cells.lines)
        if position is None:
            return Key(np.ones(count, np.bool_), np.zeros(count, np.int64), [])
        texts = cells.texts[position]
        beside = self._plan.index("time")
        if self._plan.columns[position].role.role == "date" and beside is not None:
            texts = np.strings.add(np.strings.add(texts, b" "), cells.texts[beside])
        moments = self._parsed(texts, cells, position)
        ms = self.local.to_utc(moments, series.values, series.names)
        instants.check(ms, moments.state, self._now)
        rejected += self.bad_times(cells, position, moments.state)
        return Key(moments.state == GOOD, ms, [])

    def known(self, cells: Cells, position: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """When records became known (ms UTC, NaN where that is not said) and the state of each cell."""
        moments = instants.parse(cells.texts[position], "text", self._plan.day_first)
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
        moments = instants.parse(texts, self._plan.time_form, self._plan.day_first)
        wrong = np.flatnonzero(moments.state == instants.SWAPPED)
        if len(wrong) and self._plan.choices.day_first is None and self._plan.day_first is not None:
            order = "day" if self._plan.day_first else "month"
            raise PdmError(
                f"The {order} stands first in other dates of this file, but cannot in {texts[wrong[0]].decode()!r}.",
                "Export it with one form of date, or say --day-first or --month-first to reject the others.",
                f"{self._plan.path.name}, line {cells.lines[wrong[0]]}, column {self._plan.columns[position].name}",
            )
        return moments


def _coded(names: list[str], codes: Ints, good: npt.NDArray[np.bool_]) -> Key:
    """Names of codes with equal ones joined."""
    different = list(dict.fromkeys(names))
    place = {name: number for number, name in enumerate(different)}
    return Key(good.copy(), np.array([place[name] for name in names], np.int64)[codes], different)


def _with_rule(plan: Plan, rule: TagRule) -> Plan:
    from dataclasses import replace

    return replace(plan, tag_rule=rule)
