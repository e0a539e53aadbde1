"""What weakens a record: sensors that show the same value for too long, jumps of the clock, silences, absurd values.

Flags only: nothing is changed or left out for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import ClockJump, DataRow, Stuck
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.store import Store

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LONG_GAP_STEPS = 3
"""A silence longer than this many sampling intervals is a gap."""
LEAST_READINGS = 5
"""Fewer equal values in a row are chance, however far apart they are."""
FEW_VALUES = 10
"""A sensor with two to this many different values is a state or a setting: it may stay the same."""
_OFF = 0.05
"""Share of the sampling interval that an interval between readings may be off before it counts."""
_REGULAR = 0.95
"""Share of the intervals that must be whole ones for a jump to mean anything."""
_SETTLED = 3
"""After so many intervals off the beat, a reading at the wrong time was one, not a jump."""


def stuck(sensor: str, when: Ints, values: Floats, least: int) -> tuple[Stuck, ...]:
    """Spans in which a sensor showed one value for `least` ms or longer. when, values: (n,) without empty cells."""
    if len(values) < LEAST_READINGS or not _is_measurement(values):
        return ()
    heads = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    tails = np.append(heads[1:], len(values)) - 1
    long = (when[tails] - when[heads] >= least) & (tails - heads + 1 >= LEAST_READINGS)
    return tuple(
        Stuck(sensor, int(when[head]), int(when[tail]), float(values[head]))
        for head, tail in zip(heads[long], tails[long], strict=True)
    )


def clock_jumps(when: Ints, sampling: int | None) -> tuple[ClockJump, ...]:
    """Times (ms UTC) at which readings that came on a regular beat went on with another: the clock was set.

    by: ms that the beat moved, within half a sampling interval either way.
    """
    if not sampling or len(when) < 3:
        return ()
    steps = np.diff(when) / sampling
    off = steps - np.round(steps)
    odd = np.flatnonzero((np.abs(off) > _OFF) | (steps < 0.5))
    if not len(odd) or len(odd) > (1 - _REGULAR) * len(steps):
        return ()
    found: list[ClockJump] = []
    at = 0
    while at < len(odd):
        stop = at
        while stop + 1 < len(odd) and odd[stop + 1] - odd[stop] <= _SETTLED:
            stop += 1
        moved = float(off[odd[at : stop + 1]].sum())
        moved -= round(moved)
        if abs(moved) > _OFF:
            found.append(ClockJump(int(when[odd[at] + 1]), round(moved * sampling)))
        at = stop + 1
    return tuple(found)


def doubts(
    history: MachineHistory,
    used: Sequence[str],
    limits: Sequence[Sensor],
    at: int,
    window: int,
    sampling: int | None,
    least: int,
    moment: Callable[[int], str],
    learned: Mapping[str, tuple[float, float]] = MappingProxyType({}),
) -> tuple[str, ...]:
    """What weakens a risk at `at` (ms UTC), in words: of the sensors `used` and of the readings in (at - window, at].

    limits: the plant's sensors with their plausible limits; least: as in `stuck`; moment: how a time is written.
    learned: sensor in lower case -> the range of the readings the model was trained on.
    """
    found: list[str] = []
    outliers: list[str] = []
    for sensor in used:
        when, values = history.readings_of(sensor)
        last = int(np.searchsorted(when, at, "right"))
        since = _same_since(when[:last], values[:last])
        if since is not None and when[last - 1] - when[since] >= least and last - since >= LEAST_READINGS:
            value = f"{values[last - 1]:.6g}"
            found.append(f"{sensor} has shown the same value, {value}, since {moment(int(when[since]))}")
        recent = values[np.searchsorted(when, at - window, "right") : last]
        span = learned.get(sensor.casefold())
        if span is not None and len(recent) and not span[0] <= (mean := float(recent.mean())) <= span[1]:
            found.append(
                f"{sensor} averages {mean:.4g} over {_span(window)}, beyond all the model learned from "
                f"({span[0]:.4g} to {span[1]:.4g}): another unit, or a state it never met"
            )
        plausible = next((s for s in limits if s.name.casefold() == sensor.casefold()), None)
        if plausible is not None:
            outside = int(_outside(recent, plausible).sum())
            if outside:
                outliers.append(f"{outside} of {len(recent)} values of {sensor} lie outside its plausible limits")
    first, last = np.searchsorted(history.times, [at - window, at], "right")
    recent_times = history.times[max(int(first) - 1, 0) : last]
    if sampling and len(recent_times):
        silences = np.diff(recent_times)
        at_gap = int(np.argmax(silences)) if len(silences) else 0
        if len(silences) and silences[at_gap] > LONG_GAP_STEPS * sampling:
            begun, ended = int(recent_times[at_gap]), int(recent_times[at_gap + 1])
            longest = _span(ended - begun)
            if begun < at - window:  # longer than what the risk rests on, or partly before it
                found.append(f"no reading for {longest}, until {moment(ended)}")
            else:
                found.append(f"{longest} without a reading in the {_span(window)} it rests on")
        jumps = clock_jumps(history.times[max(int(last) - 500, 0) : last], sampling)
        found += [f"the clock of its readings jumped at {moment(j.time)}" for j in jumps if j.time > at - window]
    return (*found, *outliers)


def _is_measurement(values: Floats) -> bool:
    different = len(np.unique(values))
    return different == 1 or different > FEW_VALUES


def _same_since(when: Ints, values: Floats) -> int | None:
    """The first position of the last value's run; None where there is no value, or the sensor is a state."""
    if not len(when):
        return None
    other = np.flatnonzero(values != values[-1])
    start = int(other[-1]) + 1 if len(other) else 0
    if len(when) - start < LEAST_READINGS or not _is_measurement(values):
        return None
    return start


def _outside(values: Floats, sensor: Sensor) -> npt.NDArray[np.bool_]:
    outside = np.zeros(len(values), np.bool_)
    if sensor.low is not None:
        outside |= values < sensor.low
    if sensor.high is not None:
        outside |= values > sensor.high
    return outside


def _span(ms: int) -> str:
    hours = ms / times.HOUR
    if hours < 1:
        return f"{ms / times.MINUTE:.0f} min"
    return f"{hours:.3g} h" if hours < 72 else f"{hours / 24:.0f} days"


class _Flags(NamedTuple):
    gaps: tuple[tuple[int, int], ...]
    stuck: tuple[Stuck, ...]
    jumps: tuple[ClockJump, ...]


class Overview:
    """What the store holds of each machine, with its flags. Remembers what it found of a machine until an import or
    the undoing of one touches it."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Any, _Flags]] = {}

    def rows(self, store: Store, least: int, progress: Progress) -> tuple[DataRow, ...]:
        """A row a machine, in natural order. least: ms that a sensor must show one value to be flagged."""
        sampling = store.sampling_ms()
        about: list[Any] = store.machines().to_dict("records")
        coverage: dict[str, Any] = {row["machine"]: row for row in store.coverage().to_dict("records")}
        retired = store.names.retired()
        outside = store.names.outside_limits()
        versions = store.versions()
        names = tuple(sensor.name for sensor in store.sensors())
        rows = []
        for done, known in enumerate(about):
            machine = known["machine"]
            progress.step(done, len(about), f"Looking at machine {machine}")
            seen = coverage.get(machine)
            version = (versions.get(machine), names, sampling, least)
            if machine not in self._found or self._found[machine][0] != version:
                self._found[machine] = (version, _flags(store, machine, names, sampling, least))
            flags = self._found[machine][1]
            rows.append(
                DataRow(
                    machine=machine,
                    machine_model=known["machine_model"],
                    age=None if np.isnan(known["age"]) else float(known["age"]),
                    readings=0 if seen is None else int(seen["readings"]),
                    errors=0 if seen is None else int(seen["errors"]),
                    maintenance=0 if seen is None else int(seen["maintenance"]),
                    failures=0 if seen is None else int(seen["failures"]),
                    first=None if seen is None or np.isnan(seen["first"]) else int(seen["first"]),
                    last=None if seen is None or np.isnan(seen["last"]) else int(seen["last"]),
                    gaps=flags.gaps,
                    stuck=flags.stuck,
                    jumps=flags.jumps,
                    outside=tuple((name, by[machine]) for name, by in outside.items() if machine in by),
                    retired=retired.get(machine),
                )
            )
        return tuple(rows)


def _flags(store: Store, machine: str, names: Iterable[str], sampling: int | None, least: int) -> _Flags:
    when, values = store.telemetry(machine)
    found: list[Stuck] = []
    for name, row in zip(names, values, strict=True):
        filled = ~np.isnan(row)
        found += stuck(name, when[filled], row[filled], least)
    silent = np.flatnonzero(np.diff(when) > LONG_GAP_STEPS * sampling) if sampling else np.empty(0, np.int64)
    gaps = tuple(zip(when[silent].tolist(), when[silent + 1].tolist(), strict=True))
    return _Flags(gaps, tuple(sorted(found, key=lambda span: span.start)), clock_jumps(when, sampling))
