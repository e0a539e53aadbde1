"""The arithmetic of a time plot, without Qt: ticks in the plant's time zone, gaps, decimation, figures as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil, floor, log10

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times

GAP_STEPS = 3
"""A line is broken where two readings lie more than this many sampling steps apart."""

_CLOCK_STEPS = tuple(m * times.MINUTE for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720))
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class Tick:
    """One labelled place on the time axis. strong: a day, month or year begins here and the label says which."""

    time: int
    text: str
    strong: bool


def ticks(start: float, end: float, zone_name: str, at_most: int) -> tuple[Tick, ...]:
    """Up to about `at_most` ticks in [start, end] (ms UTC), on round local times; right across daylight saving."""
    span = end - start
    at_most = max(2, at_most)
    for clock in _CLOCK_STEPS:
        if span / clock <= at_most:
            return _clock_ticks(start, end, zone_name, clock)
    for days in _DAY_STEPS:
        if span / (days * times.DAY) <= at_most:
            return _day_ticks(start, end, zone_name, days)
    months = next((m for m in _MONTH_STEPS if span / (m * 30.4 * times.DAY) <= at_most), _MONTH_STEPS[-1])
    return _month_ticks(start, end, zone_name, months)


def _instants(day: date, minutes: int, zone_name: str) -> list[int]:
    """The instants (none, one or two) at which the clocks of the zone show `minutes` after midnight of `day`."""
    place = times.zone(zone_name)
    found = set()
    for fold in (0, 1):
        wall = datetime(day.year, day.month, day.day, *divmod(minutes, 60), tzinfo=place, fold=fold)
        back = wall.astimezone(UTC).astimezone(place)
        if (back.day, back.hour, back.minute) == (wall.day, wall.hour, wall.minute):
            found.add(round(wall.timestamp() * 1000))
    return sorted(found)


def _clock_ticks(start: float, end: float, zone_name: str, step: int) -> tuple[Tick, ...]:
    day = times.local(int(start), zone_name).date()
    last = times.local(int(end), zone_name).date()
    found = []
    while day <= last:
        for minutes in range(0, 24 * 60, step // times.MINUTE):
            for instant in _instants(day, minutes, zone_name):
                if start <= instant <= end:
                    text = f"{minutes // 60:02d}:{minutes % 60:02d}" if minutes else f"{day.day} {day:%b}"
                    found.append(Tick(instant, text, not minutes))
        day += timedelta(days=1)
    return tuple(sorted(found, key=lambda tick: tick.time))


def _day_ticks(start: float, end: float, zone_name: str, step: int) -> tuple[Tick, ...]:
    first = times.local(int(start), zone_name).date()
    # whole steps from a Monday, so that weeks begin on Mondays and labels stand still while panning
    day = date.fromordinal((first.toordinal() - 1) // step * step + 1)
    found = []
    while (instant := _midnight(day, zone_name)) <= end:
        if instant >= start:
            found.append(Tick(instant, f"{day.day} {day:%b}", step < 7))
        day += timedelta(days=step)
    return tuple(found)


def _month_ticks(start: float, end: float, zone_name: str, step: int) -> tuple[Tick, ...]:
    first = times.local(int(start), zone_name)
    count = (first.year * 12 + first.month - 1) // step * step
    found = []
    while count // 12 < 9999:
        day = date(count // 12, count % 12 + 1, 1)
        instant = _midnight(day, zone_name)
        if instant > end:
            break
        if instant >= start:
            text = f"{day.year}" if day.month == 1 else f"{day:%b}"
            found.append(Tick(instant, text, day.month == 1))
        count += step
    return tuple(found)


def _midnight(day: date, zone_name: str) -> int:
    moment = datetime(day.year, day.month, day.day, tzinfo=times.zone(zone_name))
    return round(moment.timestamp() * 1000)


def axis_caption(start: float, end: float, zone_name: str) -> str:
    """What the ticks leave unsaid, the zone and the year: "UTC, 2015" or "CET/CEST, 2014/15"."""
    first, last = times.local(int(start), zone_name), times.local(int(end), zone_name)
    names = dict.fromkeys((first.tzname() or zone_name, last.tzname() or zone_name))
    years = f"{first.year}" if first.year == last.year else f"{first.year}/{last.year % 100:02d}"
    return f"{'/'.join(names)}, {years}"


def value_ticks(low: float, high: float, at_most: int) -> tuple[float, ...]:
    """Round values inside [low, high], at most `at_most` of them."""
    span = high - low
    if not span > 0:
        return ()
    power = 10.0 ** floor(log10(span / max(1, at_most)))
    for factor in (1, 2, 5, 10, 20, 50, 100):
        step = factor * power
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if last - first + 1 <= at_most:
            return tuple(k * step for k in range(first, last + 1))
    return ()


def value_text(value: float, span: float) -> str:
    """A reading in as many digits as the plotted span deserves (a fiftieth of it)."""
    decimals = max(0, ceil(-log10(span / 50))) if span > 0 else 0
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:.4g}".replace("-", "−")
    text = f"{value:,.{decimals}f}".replace("-", "−")
    return text[1:] if text.startswith("−") and not text.strip("−0.,") else text


@dataclass(frozen=True)
class Line:
    """A trace ready to be cut to a view: finite points in time order, and where it must be broken.

    times (n,) ms UTC as float64, values (n,), breaks: indices of points that begin a new piece.
    """

    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    breaks: npt.NDArray[np.intp]
    step: float
    """Median sampling interval in ms; 0 with fewer than two points."""

    @staticmethod
    def of(at: npt.NDArray[np.int64], values: npt.NDArray[np.float64], step: float | None = None) -> Line:
        """The trace of `values` (n,) at the ascending times `at` (n,) ms UTC. NaN values are no readings; the line
        is broken where two readings are more than GAP_STEPS sampling steps apart (`step`, else the median)."""
        known = np.isfinite(values)
        if not known.all():
            at, values = at[known], values[known]
        moments = np.ascontiguousarray(at, dtype=np.float64)
        between = np.diff(moments)
        if step is None:
            # a sample tells the median of a million intervals well enough, and in no time
            step = float(np.median(between[:: max(1, len(between) // 9_999)])) if len(between) else 0.0
        breaks = np.flatnonzero(between > GAP_STEPS * step) + 1 if step else np.empty(0, np.intp)
        return Line(moments, np.ascontiguousarray(values, dtype=np.float64), breaks, step)

    def __len__(self) -> int:
        return len(self.times)

    def nearest(self, at: float) -> int | None:
        """The index of the reading nearest to the time `at`, if it is no further than the line would be drawn."""
        if not len(self.times):
            return None
        right = int(np.searchsorted(self.times, at))
        best = min((k for k in (right - 1, right) if 0 <= k < len(self.times)), key=lambda k: abs(self.times[k] - at))
        return best if abs(self.times[best] - at) <= max(self.step, 1.0) * GAP_STEPS / 2 else None

    def cut(
        self, start: float, end: float, columns: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        """The points to draw for the view [start, end] on `columns` pixels: times, values, and for each point whether
        a stroke leads on to the next (0 or 1).

        With more than two readings a pixel each pixel keeps its lowest and its highest value, so no peak is lost.
        Pixels lie on whole multiples of their width: the picture stands still while it is dragged.
        """
        # one point more on both sides, so that strokes run out of the picture
        low = max(0, int(np.searchsorted(self.times, start)) - 1)
        high = min(len(self.times), int(np.searchsorted(self.times, end, side="right")) + 1)
        moments, values = self.times[low:high], self.values[low:high]
        breaks = self.breaks[(self.breaks > low) & (self.breaks < high)] - low
        if high - low <= 2 * max(1, columns):
            connect = np.ones(len(moments), np.int32)
            connect[breaks - 1] = 0
            connect[-1:] = 0
            return moments, values, connect
        width = (end - start) / max(1, columns)
        edges = np.arange(floor(moments[0] / width) + 1, floor(moments[-1] / width) + 1) * width
        # silences narrower than a pixel cannot be seen; breaking there would only cost strokes
        wide = breaks[moments[breaks] - moments[breaks - 1] > width]
        starts = np.sort(np.concatenate(([0], np.searchsorted(moments, edges), wide)))
        starts = starts[np.diff(starts, append=len(moments)) > 0]
        ends = np.append(starts[1:], len(moments)) - 1
        lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        falls = values[starts] > values[ends]
        x = np.empty(2 * len(starts))
        x[0::2], x[1::2] = moments[starts], moments[ends]
        y = np.empty(2 * len(starts))
        y[0::2], y[1::2] = np.where(falls, highest, lowest), np.where(falls, lowest, highest)
        connect = np.ones(len(x), np.int32)
        connect[2 * np.searchsorted(starts, wide) - 1] = 0
        connect[-1] = 0
        return x, y, connect
