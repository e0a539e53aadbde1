"""Columns of time texts to ms UTC, fast where they are written alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core import times as clock
from pdm_desktop.core.errors import PdmError

Texts = npt.NDArray[np.bytes_]
Ints = npt.NDArray[np.int64]

GOOD, EMPTY, NO_TIME, TOO_EARLY, TOO_LATE = range(5)
REASONS = {
    EMPTY: "no time",
    NO_TIME: "not a time like 2015-01-31 06:00",
    TOO_EARLY: "a time before 1970",
    TOO_LATE: "a time in the future",
}
_SHAPE = "0000-00-00 00:00:00"
_DIGITS = np.array([i for i, c in enumerate(_SHAPE) if c == "0"])
_AHEAD = 2 * clock.DAY
"""How far ahead of the computer's clock a time may be: time zones and clocks that are a little wrong."""


def parse(texts: Texts, zone: str, now: int) -> tuple[Ints, npt.NDArray[np.uint8]]:
    """Times (n,) in ms UTC and what is wrong with each (GOOD ...). Without an offset they are in `zone`; in a
    daylight-saving fold the first. now: ms UTC, times two days later are TOO_LATE."""
    count = len(texts)
    result = np.zeros(count, np.int64)
    state = np.full(count, NO_TIME, np.uint8)
    plain = np.zeros(count, np.bool_)
    if texts.dtype.itemsize >= len(_SHAPE):
        naive, plain = _plain(texts)
        plain[plain] = _to_utc(naive[plain], zone, result, plain)
        state[plain] = GOOD
    cache: dict[bytes, tuple[int, int]] = {}
    for position in np.flatnonzero(~plain).tolist():
        text = texts[position]
        if text not in cache:
            cache[text] = _single(text, zone)
        result[position], state[position] = cache[text]
    good = state == GOOD
    state[good & (result < 0)] = TOO_EARLY
    state[good & (result > now + _AHEAD)] = TOO_LATE
    return result, state


def _plain(texts: Texts) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Texts of the form 2015-01-31 06:00:00 (or with T) as ms of a clock without a zone, and which are so written."""
    width = texts.dtype.itemsize
    raw = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
    length = len(_SHAPE)
    good = (raw[:, 4] == ord("-")) & (raw[:, 7] == ord("-")) & (raw[:, 13] == ord(":")) & (raw[:, 16] == ord(":"))
    good &= (raw[:, 10] == ord(" ")) | (raw[:, 10] == ord("T"))
    if width > length:
        good &= raw[:, length] == 0
    digits = raw[:, _DIGITS] - np.uint8(ord("0"))  # wraps around for anything below
    good &= (digits <= 9).all(axis=1)
    number = digits.astype(np.int32)
    year = number[:, 0] * 1000 + number[:, 1] * 100 + number[:, 2] * 10 + number[:, 3]
    month, day, hour, minute, second = (number[:, i] * 10 + number[:, i + 1] for i in range(4, 14, 2))
    good &= (year > 0) & (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length_of_month = (months + 1).astype("datetime64[D]").astype(np.int64) - first
    good &= (day >= 1) & (day <= length_of_month)
    seconds = ((first + day - 1) * 24 + hour) * 3600 + minute * 60 + second
    return seconds.astype(np.int64) * clock.SECOND, good


def _to_utc(naive: Ints, zone: str, result: Ints, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Write the instants of zone-less times into result[where]; which were unambiguous."""
    if zone == "UTC":
        result[where] = naive
        return np.ones(len(naive), np.bool_)
    index = pd.DatetimeIndex(naive.view("datetime64[ms]"))
    local = index.tz_localize(clock.zone(zone), ambiguous="NaT", nonexistent="NaT")
    result[where] = local.asi8
    return ~np.asarray(local.isna())


def _single(text: bytes, zone: str) -> tuple[int, int]:
    written = text.decode("utf-8", errors="replace").strip()
    if not written:
        return 0, EMPTY
    try:
        return clock.parse(written, zone), GOOD
    except (PdmError, OverflowError):
        return 0, NO_TIME
