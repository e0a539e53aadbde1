"""When a machine ran and when it did not: periods entered, from files and by rules on a sensor.

While a machine is stopped or out of service there are no rows for training and evaluation and no alarms.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.record_results import Period, PeriodRule, PeriodState

STATES: tuple[PeriodState, ...] = get_args(PeriodState)
IDLE: tuple[PeriodState, ...] = ("stopped", "out of service")
"""States without rows and without alarms."""
COLUMNS = ("machine", "start", "end", "state")
BY_RULE = "rule"

Ints = npt.NDArray[np.int64]
Readings = Callable[[str], tuple[Ints, npt.NDArray[np.float64]]]
"""Times (n,) and values (n,) of a sensor by its name, without empty cells (MachineHistory.readings_of)."""


class Entry(NamedTuple):
    """A period as entered or read: start, end in ms UTC, end None = still going on."""

    machine: str
    start: int
    end: int | None
    state: PeriodState


def usable(at: Ints, periods: Iterable[Period]) -> npt.NDArray[np.bool_]:
    """(len(at),): True at the times (ms UTC) at which one machine was in use, as far as its `periods` say.

    Later periods of the sequence hold over earlier ones: see `of`.
    """
    mask = np.ones(len(at), np.bool_)
    for period in periods:
        inside = at >= period.start
        if period.end is not None:
            inside &= at < period.end
        mask[inside] = period.state not in IDLE
    return mask


def at_time(at: int, periods: Sequence[Period]) -> Period | None:
    """The period that holds at a time (ms UTC); None when nothing is said of it."""
    return next((p for p in reversed(periods) if p.start <= at and (p.end is None or at < p.end)), None)


def of(machine: str, stored: Iterable[Period], rules: Iterable[PeriodRule], readings: Readings) -> tuple[Period, ...]:
    """The periods of one machine in order of weight: what rules give first, over it what was entered, newest last."""
    given = [period for rule in rules if rule.machine in ("", machine) for period in by_rule(machine, rule, readings)]
    entered = sorted((period for period in stored if period.machine == machine), key=lambda period: period.id)
    return (*given, *entered)


def by_rule(machine: str, rule: PeriodRule, readings: Readings) -> tuple[Period, ...]:
    """The periods in which a rule holds: from a reading that meets it to the next that does not. Looks at nothing
    that comes later than the time it speaks of."""
    when, values = readings(rule.sensor)
    meets = values > rule.value if rule.above else values < rule.value
    edges = np.flatnonzero(np.diff(meets, prepend=False))
    starts, ends = edges[0::2], edges[1::2]
    last: list[int | None] = [int(when[end]) for end in ends]
    if len(starts) > len(ends):
        last.append(None)
    return tuple(
        Period(rule.id, machine, int(when[start]), end, rule.state, BY_RULE)
        for start, end in zip(starts, last, strict=True)
    )


def checked(entry: Entry, where: str = "") -> Entry:
    """The period itself; PdmError when it ends before it begins."""
    if entry.end is not None and entry.end <= entry.start:
        raise PdmError("The period ends before it begins.", "Give a later end, or none while it goes on.", where)
    return entry


def read_file(path: Path, time_zone: str) -> tuple[Entry, ...]:
    """The periods in a CSV file with the columns machine, start, end, state (end empty: still going on).

    Times without an offset are in `time_zone`. Comma, semicolon or tab. PdmError with file, line and column for
    whatever is wrong: a file is taken whole or not at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise PdmError("The file cannot be read as text.", "Save it as CSV in UTF-8.", path.name) from exc
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    header = [name.strip().casefold() for name in next(reader, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise PdmError(
            f"There is no column {missing[0]!r}.",
            f"A file of periods has {', '.join(COLUMNS)}.",
            f"{path.name}, line 1",
        )
    place = {name: header.index(name) for name in COLUMNS}
    found = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        where = f"{path.name}, line {reader.line_num}"
        if len(row) != len(header):
            raise PdmError(f"The line has {len(row)} cells, the header {len(header)}.", "", where)
        machine, start, end, state = (row[place[name]].strip() for name in COLUMNS)
        if not machine:
            raise PdmError("The machine is missing.", "", f"{where}, column machine")
        begun = _time(start, time_zone, f"{where}, column start")
        ended = _time(end, time_zone, f"{where}, column end") if end else None
        found.append(checked(Entry(machine, begun, ended, _state(state, f"{where}, column state")), where))
    if not found:
        raise PdmError("The file holds no period.", f"A file of periods has {', '.join(COLUMNS)}.", path.name)
    return tuple(found)


def _time(text: str, time_zone: str, where: str) -> int:
    try:
        return times.parse(text, time_zone)
    except PdmError as exc:
        raise PdmError(exc.message, exc.hint, where) from exc


def _state(text: str, where: str) -> PeriodState:
    folded = text.casefold().replace("_", " ").replace("-", " ")
    for state in STATES:
        if folded == state:
            return state
    raise PdmError(f"{text!r} is no state of a machine.", f"States are {', '.join(STATES)}.", where)
