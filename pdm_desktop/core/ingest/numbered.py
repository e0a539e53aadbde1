"""Times that are kept as numbers: which forms there are, and which one a column's numbers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pdm_desktop.core import times as clock

OLDEST = 946_684_800_000
"""2000-01-01 in ms UTC: numbers that would be times before are other numbers, or come from a clock that was not set."""


class NumberForm(NamedTuple):
    """unit: one of its units in ms; zero: what it counts from, in ms UTC; local: whether it is of a clock without a
    zone; low, high: the numbers it is told by."""

    unit: float
    zero: int
    local: bool
    low: float
    high: float
    words: str


FORMS = {
    "epoch s": NumberForm(1e3, 0, False, 1e8, 4.2e9, "seconds since 1970 (UTC)"),
    "epoch ms": NumberForm(1.0, 0, False, 1e11, 4.2e12, "milliseconds since 1970 (UTC)"),
    "epoch us": NumberForm(1e-3, 0, False, 1e14, 4.2e15, "microseconds since 1970 (UTC)"),
    # Of these three none reaches into another before 2100, and none of them means a time before 2000.
    "filetime": NumberForm(1e-4, -11_644_473_600_000, False, 1.2e17, 1.6e17, "Windows file times (UTC)"),
    "ticks": NumberForm(1e-4, -62_135_596_800_000, True, 6.3e17, 6.7e17, ".NET ticks, local time"),
    "epoch ns": NumberForm(1e-6, 0, False, 9.4e17, 4.2e18, "nanoseconds since 1970 (UTC)"),
    "excel": NumberForm(clock.DAY, -25_569 * clock.DAY, True, 20_000, 80_000, "a spreadsheet's days, local time"),
    # Never told by the numbers alone: a workbook says so.
    "excel 1904": NumberForm(clock.DAY, -24_107 * clock.DAY, True, np.inf, np.inf, "days since 1904, local time"),
}


def form_of(stamps: Sequence[float]) -> str:
    """The form that nearly all of the numbers have; "" where there is none."""
    for name, found in FORMS.items():
        if sum(found.low <= abs(value) < found.high for value in stamps) >= 0.9 * len(stamps):
            return name
    return ""


def doubt(name: str, form: str, stamps: Sequence[float], now: int) -> str:
    """Why a column's numbers cannot be times of that form; "" where they can."""
    found = FORMS[form]
    middle = float(np.median(stamps)) * found.unit + found.zero
    if OLDEST <= middle <= now + 2 * clock.DAY:
        return ""
    when = clock.iso(int(np.clip(middle, -6e13, 2e14)), "UTC")[:4]
    return f"Read as {found.words}, the numbers in column {name} would be times of {when}."
