"""Local times to UTC: the hour that a clock shows twice is told apart by the order of the file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core import times as clock
from pdm_desktop.core.ingest.instants import GOOD, Ints, Moments

_FOLD = 3 * clock.HOUR  # rows of one fold lie closer together than this


class LocalTimes:
    """Turns the times of one file into UTC, block after block. `folds`: times that the clock showed twice; `gaps`:
    times that it never showed, read as if it had not been put forward."""

    def __init__(self, zone: str, *, repeats: bool) -> None:
        """repeats: whether a series never has the same time twice (readings; events may)."""
        self._zone = zone
        self._repeats = repeats
        self._last: dict[str, tuple[int, bool]] = {}
        self._descending: bool | None = None
        self.second: dict[int, str] = {}
        """Of the rows last given, those of the second passing of an hour: row -> its offset, such as +01:00."""
        self.folds = 0
        self.gaps = 0

    def to_utc(self, moments: Moments, series: Ints, names: list[str]) -> Ints:
        """ms UTC (n,); row i belongs to the series names[series[i]] (a machine, a tag)."""
        ms = moments.ms.copy()
        self.second = {}
        rows = np.flatnonzero(moments.local & (moments.state == GOOD))
        if not len(rows) or self._zone == "UTC":
            return ms
        naive = ms[rows]
        if self._descending is None:
            self._descending = _falls(naive, series[rows])
        index = pd.DatetimeIndex(naive.view("datetime64[ms]"))
        zone = clock.zone(self._zone)
        local = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        odd = np.asarray(local.isna())
        ms[rows] = local.as_unit("ms").asi8
        if bool(odd.any()):
            odd_rows = rows[odd]
            ms[odd_rows], second = self._odd(moments.ms[odd_rows], series[odd_rows], names)
            offsets = (moments.ms[odd_rows] - ms[odd_rows])[second]
            self.second = dict(zip(odd_rows[second].tolist(), map(_offset, offsets.tolist()), strict=True))
        return ms

    def _odd(self, naive: Ints, series: Ints, names: list[str]) -> tuple[Ints, npt.NDArray[np.bool_]]:
        zone = clock.zone(self._zone)
        index = pd.DatetimeIndex(naive.view("datetime64[ms]"))
        summer = np.ones(len(naive), np.bool_)
        early = index.tz_localize(zone, ambiguous=summer, nonexistent="NaT")
        missing = np.asarray(early.isna())
        late = index.tz_localize(zone, ambiguous=~summer, nonexistent="NaT")
        # In a gap the clock had not been put forward yet, wherever the times came from: the offset before holds.
        before = (index - pd.Timedelta(hours=3)).tz_localize(zone, ambiguous=~summer, nonexistent="shift_forward")
        unmoved = before.as_unit("ms").asi8 + 3 * clock.HOUR
        self.gaps += int(missing.sum())
        self.folds += int((~missing).sum())
        second = self._second(naive, series, names, missing)
        if self._descending:
            self._only_once(naive, series, second)
        chosen = np.where(second, late.as_unit("ms").asi8, early.as_unit("ms").asi8)
        return np.where(missing, unmoved, chosen), second

    def _second(
        self, naive: Ints, series: Ints, names: list[str], missing: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Which times are of the second passing of the hour."""
        falls = bool(self._descending)
        second = np.zeros(len(naive), np.bool_)
        for row, (time, code) in enumerate(zip(naive.tolist(), series.tolist(), strict=True)):
            if missing[row]:
                continue
            last, turned = self._last.get(names[code], (None, False))
            if last is None or abs(time - last) > _FOLD:
                turned = False
            elif time == last:
                turned = turned or self._repeats
            elif (time > last) == falls:
                turned = True
            self._last[names[code]] = (time, turned)
            second[row] = turned != falls
        return second

    @staticmethod
    def _only_once(naive: Ints, series: Ints, second: npt.NDArray[np.bool_]) -> None:
        """Where a file that runs backwards passes the hour once, it is the first passing, as it is elsewhere."""
        folds = np.stack([series, naive // clock.DAY], axis=1)
        for fold in np.unique(folds, axis=0):
            rows = np.flatnonzero((folds == fold).all(axis=1))
            if bool(second[rows].all()):
                second[rows] = False


def _offset(ms: int) -> str:
    sign, minutes = "-" if ms < 0 else "+", abs(ms) // clock.MINUTE
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def _falls(naive: Ints, series: Ints) -> bool:
    """Whether the file has the newest first: told from its first series."""
    own = np.diff(naive[series == series[0]])
    return int((own < 0).sum()) > 9 * int((own > 0).sum())
