"""Long files, a line a value, to readings: all of the file is gathered first, because one sorted tag by tag tells the
values of one reading far apart. Merging block by block into stored rows took three times as long, a staging table in
SQLite twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.cells import Floats, Ints

_Rows = npt.NDArray[np.void]
_ROW = np.dtype([("sensor", np.int32), ("machine", np.int32), ("time", np.int64), ("value", float), ("line", np.int64)])
HELD = 1_500_000
"""Values held in memory (32 bytes each, as much again while they are sorted); more lie in a file without a name."""
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


class Values:
    """The values of a file, gathered block by block; close it in the end."""

    def __init__(self, folder: Path, held: int = HELD) -> None:
        """folder: for what does not fit into memory; held: how many values do."""
        self._folder = folder
        self._most = held
        self._machines: dict[str, int] = {}
        self._sensors: dict[str, int] = {}
        self._called: list[str] = []
        self._rows: list[_Rows] = []
        self._waiting = 0
        self.count = 0
        self._file: IO[bytes] | None = None
        self._kept: list[dict[int, tuple[int, int]]] = []
        """Of each part of the file, by machine: where its rows begin, and how many they are."""

    @property
    def sensors(self) -> list[str]:
        """Their names, in the file's order."""
        return list(self._called)

    def add(
        self,
        machines: Sequence[str],
        machine_codes: Ints,
        sensors: Sequence[str],
        sensor_codes: Ints,
        times: Ints,
        values: Floats,
        lines: Ints,
    ) -> None:
        """Value i is of sensor sensors[sensor_codes[i]] of machine machines[machine_codes[i]]."""
        rows = np.empty(len(values), _ROW)
        rows["machine"] = _numbered(self._machines, machines, machine_codes)
        alike = [name.strip().casefold() for name in sensors]  # letter case tells no sensors apart
        rows["sensor"] = _numbered(self._sensors, alike, sensor_codes)
        for name in self._sensors if len(self._called) < len(self._sensors) else ():
            if self._sensors[name] >= len(self._called):
                self._called.append(sensors[alike.index(name)])
        rows["time"], rows["value"], rows["line"] = times, values, lines
        self._rows.append(rows)
        self.count += len(rows)
        self._waiting += len(rows)
        if self._waiting >= self._most:
            self._put_aside()

    def portions(self) -> Iterator[Portion]:
        """Everything, machine by machine; of one machine the same value said again comes after the first."""
        names = list(self._machines)
        for rows in self._by_machine():
            yield from _pivoted(rows, names, self._called)

    def close(self) -> None:
        """Let go of the file."""
        self._rows.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    # -- more than memory should hold ---------------------------------------------------------------------------------

    def _put_aside(self) -> None:
        rows = self._sorted()
        heads = np.flatnonzero(np.diff(rows["machine"], prepend=-1))
        counts = np.diff(np.append(heads, len(rows)))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by close()
            start = self._file.seek(0, 2)
            self._file.write(rows.tobytes())
        except OSError as exc:
            raise _disk(exc, self._folder) from exc
        at = (start // _ROW.itemsize + heads).tolist()
        places = zip(at, counts.tolist(), strict=True)
        self._kept.append(dict(zip(rows["machine"][heads].tolist(), places, strict=True)))

    def _sorted(self) -> _Rows:
        """What is held, by machine, each in the file's order; nothing is held any more."""
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, _ROW)
        self._rows.clear()
        self._waiting = 0
        machine = rows["machine"]
        if bool((machine[1:] < machine[:-1]).any()):
            rows = rows[np.argsort(machine, kind="stable")]
        return rows

    def _by_machine(self) -> Iterator[_Rows]:
        """Rows of whole machines, several together where they are few."""
        if self._file is None:
            rows = self._sorted()
            heads = np.flatnonzero(np.diff(rows["machine"], prepend=-1))
            start = 0
            for stop in [*heads[1:].tolist(), len(rows)]:
                if stop - start >= 4 * _PORTION or stop == len(rows):
                    yield rows[start:stop]
                    start = stop
            return
        self._put_aside()
        for machine in range(len(self._machines)):
            places = [part[machine] for part in self._kept if machine in part]
            if sum(count for _, count in places) <= self._most:
                yield np.concatenate([self._read(*place) for place in places])
            else:
                yield from self._by_time(places)

    def _by_time(self, places: list[tuple[int, int]]) -> Iterator[_Rows]:
        """One machine's rows, which are many, in spans of time."""
        some = np.concatenate([self._read(*place)["time"][::64] for place in places])
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


def _disk(exc: OSError, folder: Path) -> PdmError:
    return PdmError(f"The disk failed during the import: {exc.strerror or exc}.", "Free some space.", str(folder))


def _numbered(known: dict[str, int], names: Sequence[str], codes: Ints) -> Ints:
    """Codes of the file instead of the block's; only names that occur get one, in the order of the rows."""
    place = np.zeros(len(names) + 1, np.int64)
    seen = np.zeros(len(names) + 1, np.bool_)
    seen[codes] = True
    used = np.flatnonzero(seen)
    if any(names[code] not in known for code in used.tolist()):
        first = np.full(len(names) + 1, len(codes))
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        used = used[np.argsort(first[used])]
    for code in used.tolist():
        place[code] = known.setdefault(names[code], len(known))
    return place[codes]


def _pivoted(rows: _Rows, machines: list[str], sensors: list[str]) -> Iterator[Portion]:
    if not len(rows):
        return
    rows = rows[np.lexsort((rows["time"].copy(), rows["machine"].copy()))]
    machine, time = rows["machine"], rows["time"]
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (machine[1:] != machine[:-1]) | (time[1:] != time[:-1])
    heads = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    again = np.zeros(len(rows), np.bool_)
    used = np.flatnonzero(np.bincount(rows["sensor"], minlength=len(sensors)))
    place = np.zeros(len(sensors), np.int64)
    place[used] = np.arange(len(used))
    names = [sensors[code] for code in used.tolist()]
    at = place[rows["sensor"]]
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
        codes = machine[own].astype(np.int64)
        yield Portion(machines, codes, time[own], names, values.reshape(shape), line.reshape(shape))
    rows = rows[again]
    rows = rows[np.argsort(rows["line"], kind="stable")]
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        values = np.full((len(used), len(part)), np.nan)
        values[place[part["sensor"]], np.arange(len(part))] = part["value"]
        codes = part["machine"].astype(np.int64)
        yield Portion(machines, codes, part["time"], names, values, part["line"])
