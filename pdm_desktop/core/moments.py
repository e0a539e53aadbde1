"""Statistics of windows of readings.

They are combined pairwise from blocks of 1, 2, 4 ... readings (Chan, Golub, LeVeque 1979, "Updating formulae and a
pairwise algorithm for computing sample variances"). Nothing outside a window enters its arithmetic, as it would with
prefix sums: a row is the same bit for bit whatever lies before or after its windows, one absurd reading
does no harm once it has left, and a spread of 1 survives an offset of 1e9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.times import HOUR

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Moments(NamedTuple):
    """Statistics of m windows over S series, each (m, S); NaN where a window is empty. std has n - 1 below; slope is
    per hour and needs two different times."""

    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    slope: Floats


class _Sum:
    """Running combination of blocks for m windows, in arrays of the given Moments (std holds the second moment till
    `finish`). In `alike` windows, all of one length, the counts are plain numbers, which halves the work.
    """

    def __init__(self, into: Moments, alike: bool, extremes: bool, slope: bool) -> None:
        self.into = into
        self.alike = alike
        self.extremes = extremes
        self.slope = slope
        windows = len(into.mean)
        self.count: Any = 0.0 if alike else np.zeros((windows, 1))
        if slope:
            self.time = np.zeros((windows, 1))
            self.time_square = np.zeros((windows, 1))
        if not alike:
            for array, empty in zip(into, (0.0, 0.0, np.inf, -np.inf, 0.0), strict=True):
                if array.flags.writeable:
                    array[:] = empty

    def add(self, rows: npt.NDArray[np.intp] | slice, block: _Blocks, first: npt.NDArray[np.intp] | slice) -> None:
        """Combine the blocks that start at the readings `first` into the windows `rows`."""
        if self.alike and self.count == 0:
            self._begin(block, first)
            return
        mean, square, low, high, cross = self.into
        size = float(block.size)
        before = self.count if self.alike else self.count[rows]
        share = size / (before + size)
        weight = before * share
        delta = block.mean[first] - mean[rows]
        square[rows] += block.square[first] + delta * delta * weight
        if self.slope:
            apart = block.time[first] - self.time[rows]
            cross[rows] += block.cross[first] + delta * (apart * weight)
            self.time_square[rows] += block.time_square[first] + apart * apart * weight
            self.time[rows] += apart * share
        delta *= share
        mean[rows] += delta
        if self.extremes:
            low[rows] = np.minimum(low[rows], block.low[first])
            high[rows] = np.maximum(high[rows], block.high[first])
        if self.alike:
            self.count += size
        else:
            self.count[rows] += size

    def _begin(self, block: _Blocks, first: npt.NDArray[np.intp] | slice) -> None:
        sources = (block.mean, block.square, block.low, block.high, block.cross)
        for target, source in zip(self.into, sources, strict=True):
            if target.flags.writeable:
                target[:] = source[first]
        if self.slope:
            self.time[:] = block.time[first]
            self.time_square[:] = block.time_square[first]
        self.count = float(block.size)

    def finish(self) -> None:
        """Turn second moments into statistics; NaN where a window holds too few readings for one."""
        mean, square, low, high, cross = self.into
        if self.alike and self.count > 1:
            square /= self.count - 1
        else:
            several = np.broadcast_to(np.asarray(self.count) > 1, square.shape)
            np.divide(square, np.asarray(self.count) - 1, out=square, where=several)
            square[~several] = np.nan
            none = np.broadcast_to(np.asarray(self.count) == 0, mean.shape)
            for array in (mean, low, high):
                if array.flags.writeable:
                    array[none] = np.nan
        np.sqrt(square, out=square)
        if self.slope:
            sloping = np.broadcast_to(self.time_square > 0, cross.shape)
            np.divide(cross, self.time_square, out=cross, where=sloping)
            cross[~sloping] = np.nan


class _Blocks:
    """Statistics of every run of `size` consecutive readings, by the index of its first reading."""

    def __init__(self, times: Ints, values: Floats) -> None:
        self.size = 1
        self.mean = values
        self.square = np.zeros_like(values)
        self.low = values
        self.high = values
        self.time = (times / HOUR)[:, None]
        self.time_square = np.zeros_like(self.time)
        self.cross = np.zeros_like(values)

    def double(self, extremes: bool, slope: bool) -> None:
        """Go on to runs of twice the size; what no window needs any more is left behind."""
        n = self.size
        half = n / 2
        delta = self.mean[n:] - self.mean[:-n]
        if slope:
            apart = self.time[n:] - self.time[:-n]
            self.cross = self.cross[:-n] + self.cross[n:] + delta * (apart * half)
            self.time_square = self.time_square[:-n] + self.time_square[n:] + apart * apart * half
            self.time = self.time[:-n] + apart / 2
        if extremes:
            self.low = np.minimum(self.low[:-n], self.low[n:])
            self.high = np.maximum(self.high[:-n], self.high[n:])
        square = self.square[:-n] + self.square[n:]
        square += delta * delta * half
        self.square = square
        delta *= 0.5
        delta += self.mean[:-n]
        self.mean = delta
        self.size = 2 * n


class _Group(NamedTuple):
    """Windows that are worked out together: all of one length at consecutive readings (`alike`), or the rest."""

    name: str
    rows: npt.NDArray[np.intp] | slice
    first: npt.NDArray[np.intp]
    length: npt.NDArray[np.intp]
    total: _Sum


def window_moments(
    times: Ints,
    values: Floats,
    windows: dict[str, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    extremes: Iterable[str] = (),
    slopes: Iterable[str] = (),
) -> dict[str, Moments]:
    """Statistics of index windows [first, end) over `values` (n, S) without NaN at `times` (n,) ms.

    extremes and slopes name the windows for which those are wanted; elsewhere they are NaN.
    """
    extremes, slopes = set(extremes), set(slopes)
    found = {
        name: _room(len(first), values.shape[1], name in extremes, name in slopes)
        for name, (first, _) in windows.items()
    }
    groups: list[_Group] = []
    for name, (first, end) in windows.items():
        for rows, alike in _alike_and_rest(first, end):
            length = (end - first)[rows]
            # The run works in place; the rest, coming last, is put over the run's holes.
            into = (
                Moments(*(array[rows] for array in found[name]))
                if alike
                else _room(len(length), values.shape[1], name in extremes, name in slopes)
            )
            total = _Sum(into, alike, name in extremes, name in slopes)
            groups.append(_Group(name, rows, first[rows].copy(), length, total))
    longest = [int(group.length.max(initial=0)) for group in groups]
    block = _Blocks(times, values)
    for bit in range(max(longest, default=0).bit_length()):
        if bit:
            needed = {group.name for group, n in zip(groups, longest, strict=True) if n >> bit}
            block.double(bool(needed & extremes), bool(needed & slopes))
        for group in groups:
            _add_blocks(group, block, bit)
    for group in groups:
        group.total.finish()
        if not group.total.alike:
            for target, source in zip(found[group.name], group.total.into, strict=True):
                if target.flags.writeable:
                    target[group.rows] = source
    return found


def _room(windows: int, series: int, extremes: bool, slope: bool) -> Moments:
    """Arrays for the statistics that are wanted; one NaN stands for those that are not."""
    nothing = np.broadcast_to(np.nan, (windows, series))
    wanted = (True, True, extremes, extremes, slope)
    return Moments(*(np.empty((windows, series)) if want else nothing for want in wanted))


def _add_blocks(group: _Group, block: _Blocks, bit: int) -> None:
    if not len(group.length):
        return
    if group.total.alike:
        if int(group.length[0]) >> bit & 1:
            begin = int(group.first[0])
            group.total.add(slice(None), block, slice(begin, begin + len(group.first)))
            group.first[:] += 1 << bit
        return
    rows = np.flatnonzero(group.length >> bit & 1)
    if len(rows):
        group.total.add(rows, block, group.first[rows])
        group.first[rows] += 1 << bit


def _alike_and_rest(
    first: npt.NDArray[np.intp], end: npt.NDArray[np.intp]
) -> Iterator[tuple[npt.NDArray[np.intp] | slice, bool]]:
    """Split windows into one run of equal length that moves on by one reading a row, as on regularly sampled data, and
    the rest. The run may have holes (after a failure windows are shorter); rows in holes belong to the rest."""
    length = end - first
    usual = int(length[len(length) // 2]) if len(length) else 0
    shift = first - np.arange(len(first))
    regular = (length == usual) & (shift == shift[len(shift) // 2]) if usual > 0 else np.zeros(len(first), bool)
    run = np.flatnonzero(regular)
    if len(run) > 16 and 2 * len(run) > len(first):
        yield slice(int(run[0]), int(run[-1]) + 1), True
        yield np.flatnonzero(~regular), False
    else:
        yield np.arange(len(first)), False
