"""Long files, a line a value, to readings: all of the file is gathered first, because one sorted tag by tag tells the
values of one reading far apart, and only all its tags tell which part of them is the machine. Merging block by block
into stored rows took four times as long, a staging table in SQLite twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError, WorkspaceError
from pdm_desktop.core.ingest.cells import Floats, Ints
from pdm_desktop.core.ingest.units import Conversion

_Rows = npt.NDArray[np.void]
_ROW = np.dtype([("tag", np.int32), ("time", np.int64), ("value", np.float64), ("line", np.int64)])
HELD = 1_500_000
"""Values held in memory, 28 bytes each, and twice as much while they are sorted; more lie in a file without a name."""
MOST_TAGS = 1_000_000
_PORTION = 45_000  # readings handed on at one go
_MOST_CELLS = 2_000_000  # of a matrix that may be mostly empty


class Portion(NamedTuple):
    """Readings of some machines: row i is of machines[codes[i]] at times[i]; values (S, n) of `sensors`, NaN where the
    file has none; lines: of each value (S, n), or of each reading (n,) where the file says a value again."""

    machines: list[str]
    codes: Ints
    times: Ints
    sensors: list[str]
    values: Floats
    lines: Ints


class _Part(NamedTuple):
    """What was put aside at one go, by tag: where its rows begin, and how many they are."""

    tags: Ints
    starts: Ints
    counts: Ints


class Values:
    """The values of a file, gathered block by block; close it in the end."""

    def __init__(self, folder: Path, held: int = HELD) -> None:
        """folder: for what does not fit into memory; held: how many values do."""
        self._folder = folder
        self._most = held
        self._tags: dict[str, int] = {}
        self.first_lines: list[int] = []
        """Of each of `tags`, the line of its first value."""
        self._counts = np.zeros(0, np.int64)
        self._rows: list[_Rows] = []
        self._waiting = 0
        self.count = 0
        self._file: IO[bytes] | None = None
        self._parts: list[_Part] = []

    @property
    def tags(self) -> list[str]:
        """All that have a value, in the file's order."""
        return list(self._tags)

    @property
    def counts(self) -> list[int]:
        """How many values each of `tags` has."""
        return [int(count) for count in self._counts[: len(self._tags)]]

    def add(self, tags: Sequence[str], codes: Ints, times: Ints, values: Floats, lines: Ints) -> None:
        """Value i is of tags[codes[i]]."""
        rows = np.empty(len(values), _ROW)
        rows["tag"] = _numbered(self._tags, tags, codes, lines, self.first_lines)
        if len(self._tags) > MOST_TAGS:
            raise PdmError(
                f"The file has more than {MOST_TAGS:,} tags.", "Look whether the column of tags is the right one."
            )
        rows["time"], rows["value"], rows["line"] = times, values, lines
        if len(self._tags) > len(self._counts):
            self._counts = np.append(self._counts, np.zeros(len(self._tags), np.int64))
        self._counts += np.bincount(rows["tag"], minlength=len(self._counts))
        self._rows.append(rows)
        self.count += len(rows)
        self._waiting += len(rows)
        if self._waiting >= self._most:
            self._put_aside()

    def portions(
        self, pairs: Sequence[tuple[str, str]], conversions: Sequence[Conversion | None] = ()
    ) -> Iterator[Portion]:
        """Everything, machine by machine; pairs: machine and sensor of each of `tags`; conversions: of each, what its
        values go through. Of one machine, the same value said again comes after the first."""
        machines = list(dict.fromkeys(machine for machine, _ in pairs))
        place = {machine: number for number, machine in enumerate(machines)}
        of_machine = np.array([place[machine] for machine, _ in pairs], np.int64)
        sensors = sensors_of(pairs)
        number = {name.casefold(): at for at, name in enumerate(sensors)}
        of_sensor = np.array([number[sensor.casefold()] for _, sensor in pairs], np.int64)
        changed = {tag: found for tag, found in enumerate(conversions) if found is not None}
        for rows in self._by_machine(of_machine):
            rows = _converted(rows, changed) if changed else rows
            yield from _pivoted(rows, of_machine[rows["tag"]], of_sensor[rows["tag"]], machines, sensors)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _by_machine(self, of_machine: Ints) -> Iterator[_Rows]:
        """Rows of whole machines, several together where they are few."""
        if self._file is None:
            rows = self._taken()
            rows = _ordered(rows, of_machine[rows["tag"]])
            machine = of_machine[rows["tag"]]
            start = 0
            for stop in [*(np.flatnonzero(np.diff(machine)) + 1).tolist(), len(rows)]:
                if stop - start >= 4 * _PORTION or stop == len(rows):
                    yield rows[start:stop]
                    start = stop
            return
        self._put_aside()
        order = np.argsort(of_machine, kind="stable")
        for tags in np.split(order, np.flatnonzero(np.diff(of_machine[order])) + 1):
            places = [place for part in self._parts for place in _places(part, tags)]
            if sum(count for _, count in places) <= self._most:
                yield np.concatenate([self._read(*place) for place in places])
            else:
                yield from self._by_time(places)

    # -- more than memory should hold ---------------------------------------------------------------------------------

    def _taken(self) -> _Rows:
        """What is held; nothing is held any more."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, _ROW)
        self._rows.clear()
        self._waiting = 0
        return rows

    def _put_aside(self) -> None:
        rows = self._taken()
        if not len(rows):
            return
        rows = _ordered(rows, rows["tag"])
        heads = np.flatnonzero(np.diff(rows["tag"], prepend=-1))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close()
            start = self._file.seek(0, 2)
            self._file.write(rows.tobytes())
        except OSError as exc:
            raise _disk(exc, self._folder) from exc
        starts = start // _ROW.itemsize + heads
        self._parts.append(_Part(rows["tag"][heads], starts, np.diff(np.append(heads, len(rows)))))

    def _by_time(self, places: list[tuple[int, int]]) -> Iterator[_Rows]:
        """One machine's rows, which are many, in spans of time."""
        some = np.concatenate([self._read(*place)["time"][::64].copy() for place in places])
        spans = 2 * -(-sum(count for _, count in places) // self._most)
        cuts = np.unique(np.quantile(some, np.linspace(0, 1, spans + 1)[1:-1], method="nearest"))
        for low, high in zip([-(1 << 62), *cuts.tolist()], [*cuts.tolist(), 1 << 62], strict=True):
            found: list[_Rows] = []
            for place in places:
                rows = self._read(*place)
                found.append(rows[(rows["time"] >= low) & (rows["time"] < high)])
                if sum(map(len, found)) > self._most:  # all at one time
                    yield np.concatenate(found)
                    found = []
            if found:
                yield np.concatenate(found)

    def _read(self, start: int, count: int) -> _Rows:
        assert self._file is not None
        try:
            self._file.seek(start * _ROW.itemsize)
            return np.frombuffer(self._file.read(count * _ROW.itemsize), _ROW)
        except OSError as exc:
            raise _disk(exc, self._folder) from exc


def sensors_of(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The different sensors, in order; letter case tells none apart."""
    return list({sensor.casefold(): sensor for _, sensor in reversed(pairs)}.values())[::-1]


def _disk(exc: OSError, folder: Path) -> WorkspaceError:
    return WorkspaceError(f"The disk failed during the import: {exc.strerror or exc}.", "Free some space.", str(folder))


def _places(part: _Part, tags: Ints) -> list[tuple[int, int]]:
    at = np.searchsorted(part.tags, tags)
    at = at[(at < len(part.tags)) & (part.tags[np.minimum(at, len(part.tags) - 1)] == tags)]
    return list(zip(part.starts[at].tolist(), part.counts[at].tolist(), strict=True))


def _ordered(rows: _Rows, keys: Ints) -> _Rows:
    """By key, each in the file's order."""
    return rows[np.argsort(keys, kind="stable")] if bool((keys[1:] < keys[:-1]).any()) else rows


def _converted(rows: _Rows, changed: dict[int, Conversion]) -> _Rows:
    rows = rows.copy()
    for tag, found in changed.items():
        own = rows["tag"] == tag
        rows["value"][own] = found.of(rows["value"][own])
    return rows


def _numbered(known: dict[str, int], names: Sequence[str], codes: Ints, lines: Ints, first_lines: list[int]) -> Ints:
    """Codes of the file instead of the block's; only names that occur get one, in the order of the rows."""
    first = np.full(len(names), len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    place = np.zeros(len(names), np.int64)
    for code in np.argsort(first, kind="stable")[: int((first < len(codes)).sum())].tolist():
        place[code] = number = known.setdefault(names[code], len(known))
        if number == len(first_lines):
            first_lines.append(int(lines[first[code]]))
    return place[codes]


def _pivoted(rows: _Rows, machine: Ints, sensor: Ints, machines: list[str], sensors: list[str]) -> Iterator[Portion]:
    if not len(rows):
        return
    time = rows["time"].copy()
    order = np.lexsort((rows["line"].copy(), time, machine))
    rows, machine, time, sensor = rows[order], machine[order], time[order], sensor[order]
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (machine[1:] != machine[:-1]) | (time[1:] != time[:-1])
    heads = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    again = np.zeros(len(rows), np.bool_)
    used = np.flatnonzero(np.bincount(sensor, minlength=len(sensors)))
    place = np.zeros(len(sensors), np.int64)
    place[used] = np.arange(len(used))
    names = [sensors[code] for code in used.tolist()]
    at = place[sensor]
    step = max(1, min(_PORTION, _MOST_CELLS // len(used)))
    for start in range(0, len(heads), step):
        own = heads[start : start + step]
        first = own[0]
        last = heads[start + step] if start + step < len(heads) else len(rows)
        cell = at[first:last] * len(own) + (group[first:last] - start)
        line = np.full(len(used) * len(own), -1, np.int64)
        number = np.arange(last - first)
        line[cell[::-1]] = number[::-1]  # the first to say it stands last here, and stays
        again[first:last] = line[cell] != number
        filled = line >= 0
        values = np.full(len(line), np.nan)
        values[filled] = rows["value"][first + line[filled]]
        line[filled] = rows["line"][first + line[filled]]
        shape = (len(used), len(own))
        yield Portion(machines, machine[own], time[own], names, values.reshape(shape), line.reshape(shape))
    later = np.flatnonzero(again)
    later = later[np.argsort(rows["line"][later], kind="stable")]
    for start in range(0, len(later), step):
        part = later[start : start + step]
        values = np.full((len(used), len(part)), np.nan)
        values[at[part], np.arange(len(part))] = rows["value"][part]
        yield Portion(machines, machine[part], time[part], names, values, rows["line"][part])
