"""What a cell's text means: a number, nothing, or neither."""

from __future__ import annotations

import math
import re

MISSING = (
    "", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "NULL", "null", "Null", "None", "none", "#N/A", "#NA", "-", "--",
    "?", "Bad", "BAD", "bad", "Bad Input", "No Data", "NoData", "No data", "I/O Timeout", "Intf Shut", "Pt Created",
    "Comm Fail", "Not Connect", "Scan Off", "Out of Serv",
)  # fmt: skip
"""Cells that say "no value": spreadsheets', databases' and historians' words, in their usual spellings."""

_MISSING = {token.casefold() for token in MISSING}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = {"true": 1.0, "false": 0.0}


def is_missing(text: str) -> bool:
    """Whether the cell says that there is no value."""
    return text.strip().casefold() in _MISSING


def number_of(text: str) -> float | None:
    """The finite number that a cell writes (true and false are 1 and 0); None for anything else, infinity included."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return _BOOLEANS.get(text.casefold())
