"""Columns of time texts to times, fast because texts of one shape are read together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import times as clock
from pdm_desktop.core.ingest.months import UNCLEAR
from pdm_desktop.core.ingest.numbered import FORMS, OLDEST
from pdm_desktop.core.ingest.shapes import Form, Span, form

Texts = npt.NDArray[np.bytes_]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

GOOD, EMPTY, NO_TIME, TOO_EARLY, TOO_LATE, SWAPPED, DAY_BEFORE_MONTH, UNCLEAR_MONTH, OLD_NUMBER, ROUGH = range(10)
NO_ZONE = 10
NO_ZONES: Mapping[str, int | None] = MappingProxyType({})
REASONS = {
    NO_ZONE: "a time whose zone is not told by its short name",
    EMPTY: "no time",
    NO_TIME: "not a time like 2015-01-31 06:00",
    TOO_EARLY: "a time before 1970",
    TOO_LATE: "a time in the future",
    SWAPPED: "not a time with day and month in the order of this file",
    DAY_BEFORE_MONTH: "not a time with the month behind the year",
    UNCLEAR_MONTH: "a name that means another month in another language",
    OLD_NUMBER: "a number that would be a time before 2000",
    ROUGH: "days with too few digits to tell the second",
}
AHEAD = 2 * clock.DAY
"""How far ahead of the computer's clock a time may be: time zones and clocks that are a little wrong."""
_PIVOT = 70  # two-digit years from here on are of the last century
_MOST_SHAPES = 500
_FAR = 1 << 60


class Moments(NamedTuple):
    """Times of a column. ms: of a clock without a zone where `local`, else UTC; state: GOOD ..."""

    ms: Ints
    local: Flags
    state: Bytes


def parse(texts: Texts, time_form: str, day_first: bool | None, zones: Mapping[str, int | None] = NO_ZONES) -> Moments:
    """What the texts say. time_form: "text", or one of numbered.FORMS; day_first: the order where both are possible,
    None: such texts are NO_TIME; zones: short names of zones and their ms ahead of UTC, any other is NO_ZONE."""
    count = len(texts)
    ms = np.zeros(count, np.int64)
    local = np.zeros(count, np.bool_)
    state = np.full(count, NO_TIME, np.uint8)
    if not count:
        return Moments(ms, local, state)
    raw = np.ascontiguousarray(texts).view(np.uint8).reshape(count, texts.dtype.itemsize)
    if time_form != "text":
        _numbers(texts, time_form, ms, local, state)
        return Moments(ms, local, state)
    shapes = np.where((raw - np.uint8(48)) <= 9, np.uint8(48), raw)
    left = np.arange(count)
    for _ in range(_MOST_SHAPES):
        if not len(left):
            break
        here = shapes[left] if len(left) < count else shapes
        like = (here == here[0]).all(axis=1)
        rows = left[like]
        found = form(here[0].tobytes().rstrip(b"\0").rstrip())
        if found is not None:
            part = raw[rows] if len(rows) < count else raw
            ms[rows], state[rows] = _read(part, found, day_first)
            ahead = zones.get(found.short, 0)
            local[rows] = not (found.utc or found.sign or found.short) or ahead is None
            ms[rows] -= ahead or 0
            if found.short and found.short not in zones:
                state[rows] = NO_ZONE
        elif not here[0].tobytes().strip(b"\0 \t"):
            state[rows] = EMPTY
        left = left[~like]
    return Moments(ms, local, state)


def of_day(texts: Texts, clock_form: str) -> Moments:
    """Times of day, as ms since midnight. clock_form: "text", or of numbers "fraction" (of a day), "hours", "hhmm" or
    "hhmmss"."""
    if clock_form == "text":
        return parse(np.strings.add(b"1970-01-01 ", np.strings.strip(texts)), "text", None)
    count = len(texts)
    found = Moments(np.zeros(count, np.int64), np.ones(count, np.bool_), np.full(count, NO_TIME, np.uint8))
    values = _floats(texts, found.state)
    if clock_form != "fraction":
        good = (values >= 0) & (values <= 240_000) & (values == np.rint(values))
        seconds = np.where(good, values, 0.0).astype(np.int64) * {"hours": 10_000, "hhmm": 100, "hhmmss": 1}[clock_form]
        hour, minute, second = seconds // 10_000, seconds // 100 % 100, seconds % 100
        found.ms[:] = hour * clock.HOUR + minute * clock.MINUTE + second * clock.SECOND
        found.state[good & (minute < 60) & (second < 60) & (found.ms <= clock.DAY)] = GOOD
        return found
    inside = (values >= 0) & (values <= 1)
    ms, rough = _whole(np.where(inside, values, 0.0) * clock.DAY, texts)
    found.ms[:] = ms
    found.state[inside] = np.where(rough[inside], ROUGH, GOOD)
    return found


def check(ms: Ints, state: Bytes, now: int) -> None:
    """Mark times (ms UTC) that no reading can have; now: ms UTC."""
    good = state == GOOD
    state[good & (ms < 0)] = TOO_EARLY
    state[good & (ms > now + AHEAD)] = TOO_LATE


def orders(texts: Texts) -> tuple[bool, bool, bool]:
    """Of a column: whether some text can be read either way round, whether one proves that the day stands first, and
    whether one proves the month does. 24-03-01 and 24.03.01 may begin with the year: they prove a day only where more
    days than years would stand in the column."""
    either = day = month = False
    firsts: set[int] = set()
    lasts: set[int] = set()
    year_first = True
    if len(texts):
        different = np.unique(texts)
        raw = np.ascontiguousarray(different).view(np.uint8).reshape(len(different), different.dtype.itemsize)
        shapes = np.where((raw - np.uint8(48)) <= 9, np.uint8(48), raw)
        left = np.arange(len(different))
        for _ in range(_MOST_SHAPES):
            if not len(left):
                break
            here = shapes[left]
            like = (here == here[0]).all(axis=1)
            found = form(here[0].tobytes().rstrip(b"\0").rstrip())
            if found is not None and found.either and found.month is not None:
                rows = raw[left[like]]
                one, two = _number(rows, found.day), _number(rows, found.month)
                day |= bool(((one > 12) & (one <= 31) & (two >= 1) & (two <= 12)).any())
                month |= bool(((two > 12) & (two <= 31) & (one >= 1) & (one <= 12)).any())
                either |= bool(((one != two) & (one <= 12) & (two <= 12)).any())
                last = _number(rows, found.year)
                if found.year[1] - found.year[0] == 4 or bool(((two > 12) | (last < 1) | (last > 31)).any()):
                    year_first = False
                else:
                    firsts.update(np.unique(one).tolist())
                    lasts.update(np.unique(last).tolist())
            elif found is not None:
                year_first = False
            left = left[~like]
    if day and year_first and len(firsts) <= len(lasts):
        either, day = True, False
    return either, day, month


def _numbers(texts: Texts, time_form: str, ms: Ints, local: Flags, state: Bytes) -> None:
    values = _floats(texts, state)
    finite = np.isfinite(values)
    found = FORMS[time_form]
    stamps = np.where(finite, values, 0.0) * found.unit
    finite &= np.abs(stamps) < _FAR
    rounded = np.where(finite, np.rint(stamps), 0).astype(np.int64)
    rough = np.zeros(len(texts), np.bool_)
    if found.unit == clock.DAY:
        rounded, rough = _whole(np.where(finite, stamps, 0.0), texts)
    rounded += found.zero
    local[finite] = found.local
    ms[finite] = rounded[finite]
    state[finite] = np.where(rounded[finite] < OLDEST, OLD_NUMBER, np.where(rough[finite], ROUGH, GOOD))


def _whole(stamps: npt.NDArray[np.float64], texts: Texts) -> tuple[Ints, Flags]:
    """ms of days, on the whole second where the digits of the column cannot tell another time; and which of them have
    too few digits to tell the second. Of 45304.041667 the last digit is worth 86 ms, of .0417 nine seconds."""
    points = np.maximum(np.strings.find(texts, b"."), np.strings.find(texts, b","))
    digits = int(np.where(points < 0, 0, np.strings.str_len(np.strings.strip(texts)) - points - 1).max(initial=0))
    step = clock.DAY / 10.0 ** min(digits, 12)
    whole = np.rint(stamps / clock.SECOND) * clock.SECOND
    apart = np.abs(whole - stamps)
    exact = apart <= 2  # readings are taken on whole seconds more often than a ms beside them
    fine = step <= clock.SECOND
    ms = np.rint(np.where(exact | (fine & (apart <= step / 2)), whole, stamps)).astype(np.int64)
    return ms, ~exact & (not fine)


def _floats(texts: Texts, state: Bytes) -> npt.NDArray[np.float64]:
    """The numbers of texts, NaN where there is none; then `state` says which of the two it is, EMPTY or NO_TIME."""
    values = np.full(len(texts), np.nan)
    # Whichever decimal mark the spreadsheet had; a time has no thousands.
    texts = np.char.replace(texts, b",", b".")
    try:
        values[:] = texts.astype(np.float64)
    except ValueError:
        for row, text in enumerate(texts.tolist()):
            try:
                values[row] = float(text)
            except ValueError:
                state[row] = NO_TIME if text.strip() else EMPTY
    return values


def _number(raw: Bytes, span: Span) -> npt.NDArray[np.int32]:
    value = np.zeros(len(raw), np.int32)
    for position in range(*span):
        value = value * 10 + (raw[:, position] - np.uint8(48))
    return value


def _read(raw: Bytes, found: Form, day_first: bool | None) -> tuple[Ints, Bytes]:
    count = len(raw)
    year = _number(raw, found.year)
    if found.year[1] - found.year[0] == 2:
        year += np.where(year >= _PIVOT, 1900, 2000).astype(np.int32)
    day = _number(raw, found.day)
    month = np.full(count, found.month_number, np.int32) if found.month is None else _number(raw, found.month)
    if found.either and day_first is False:
        day, month = month, day
    good = (year > 0) & (month >= 1) & (month <= 12)
    swapped = np.zeros(count, np.bool_)
    if found.either:
        swapped = (month > 12) & (month <= 31) & (day >= 1) & (day <= 12)
        if day_first is None:
            good[:] = good & (day == month)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    good &= (day >= 1) & (day <= (months + 1).astype("datetime64[D]").astype(np.int64) - first)
    seconds = (first + day - 1) * 86_400
    if found.hour is not None:
        hour = _number(raw, found.hour)
        if found.half is not None:
            good &= (hour >= 1) & (hour <= 12)
            hour = hour % 12 + found.half
        minute = _number(raw, found.minute) if found.minute is not None else 0
        second = _number(raw, found.second) if found.second is not None else np.zeros(count, np.int32)
        midnight = (hour == 24) & (minute == 0) & (second == 0)  # the end of a day, as some write it
        good &= ((hour < 24) | midnight) & (minute < 60) & (second < 60)
        seconds = seconds + hour.astype(np.int64) * 3600 + minute * 60 + second
    ms = seconds.astype(np.int64) * clock.SECOND
    if found.fraction is not None:
        start, stop = found.fraction
        digits = min(stop - start, 3)
        ms += _number(raw, (start, start + digits)).astype(np.int64) * 10 ** (3 - digits)
    if found.sign and found.offset_hour is not None:
        hours = _number(raw, found.offset_hour).astype(np.int64)
        minutes = 0 if found.offset_minute is None else _number(raw, found.offset_minute).astype(np.int64)
        good &= (hours < 24) & (minutes < 60)
        ms -= found.sign * (hours * clock.HOUR + minutes * clock.MINUTE)
    state = np.where(good, GOOD, np.where(swapped, SWAPPED, NO_TIME)).astype(np.uint8)
    if found.month_number == UNCLEAR:
        state[:] = UNCLEAR_MONTH
    if not found.either and found.month is not None and not bool(good.all()):
        state[(month > 12) & (month <= 31) & (day >= 1) & (day <= 12)] = DAY_BEFORE_MONTH
    return ms, state
