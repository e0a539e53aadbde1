"""What a cell's text means: a number, nothing, or neither."""

from __future__ import annotations

import math

MISSING = (
    "", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "NULL", "null", "Null", "None", "none", "#N/A", "#NA", "-", "--",
    "?", "Bad", "BAD", "bad", "Bad Input", "No Data", "NoData", "No data", "I/O Timeout", "Intf Shut", "Pt Created",
    "Comm Fail", "Not Connect", "Scan Off", "Out of Serv",
)  # fmt: skip
"""Cells that say "no value": spreadsheets', databases' and historians' words, in their usual spellings."""

_MISSING = {token.casefold() for token in MISSING}
_BOOLEANS = {"true": 1.0, "false": 0.0}


def is_missing(text: str) -> bool:
    """Whether the cell says that there is no value."""
    return text.strip().casefold() in _MISSING


def number_of(text: str) -> float | None:
    """The finite number that a cell writes (true and false are 1 and 0); None for anything else, infinity included."""
    try:
        value = float(text)
    except ValueError:
        return _BOOLEANS.get(text.strip().casefold())
    # Python also takes 1_000 and the digits of other scripts for numbers, the fast reader does not.
    return value if math.isfinite(value) and text.isascii() and "_" not in text else None
