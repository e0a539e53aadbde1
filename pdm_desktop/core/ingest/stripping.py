"""Quotes and thousands marks taken out of a whole block at once, where all of them stand as they should."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

HIDDEN, HIDDEN_LINE = b"\x1f", b"\x1e"
"""Stand for a delimiter and a newline inside quotes."""
_MARK = b"\x1d"  # stands for a thousands mark of several bytes
_PAD = b"\n" * 6
_QUOTE, _LF, _CR = 34, 10, 13
_Bytes = npt.NDArray[np.uint8]
_Flags = npt.NDArray[np.bool_]


def without_quotes(data: bytes, delimiter: bytes) -> bytes | None:
    """Whole lines with quotes taken off and the delimiters and newlines in them hidden; None where a quote stands
    anywhere but around a whole cell."""
    if HIDDEN in data or HIDDEN_LINE in data or not data.endswith(b"\n"):
        return None
    raw = np.frombuffer(data, np.uint8)
    at = np.flatnonzero(raw == _QUOTE)
    opening, closing = at[0::2], at[1::2]
    if len(opening) != len(closing) or (len(closing) and closing[-1] == len(raw) - 1):
        return None
    mark = delimiter[0]
    before, after = raw[np.maximum(opening, 1) - 1], raw[closing + 1]
    begins = (opening == 0) | (before == mark) | (before == _LF)
    ends = (after == mark) | (after == _LF)
    returns = after == _CR
    ends[returns] = raw[np.minimum(closing[returns] + 2, len(raw) - 1)] == _LF
    if not bool(begins.all() and ends.all()):
        return None
    bare = raw
    for sign, hidden in ((mark, HIDDEN), (_LF, HIDDEN_LINE)):
        places = np.flatnonzero(raw == sign)
        inside = places[np.searchsorted(at, places) % 2 == 1]
        if len(inside):
            bare = raw.copy() if bare is raw else bare
            bare[inside] = hidden[0]
    return (data if bare is raw else bare.tobytes()).translate(None, b'"')


def ungrouped(cells: bytes, mark: bytes, decimal: bytes, *, bare: bool) -> bytes:
    """Cells, a line each, with the thousands marks of their numbers taken out; bare: also where no decimals follow."""
    quick = _all_grouped(cells, mark, decimal, bare)
    if quick is not None:
        return quick
    mark_, decimal_ = re.escape(mark), re.escape(decimal)
    end = rb"(?=" + decimal_ + rb"\d|\r?$)" if bare else rb"(?=" + decimal_ + rb"\d)"
    pattern = re.compile(rb"^[ ]*[+-]?[1-9]\d{0,2}(?:" + mark_ + rb"\d{3})+" + end, re.MULTILINE)
    return pattern.sub(lambda found: found[0].replace(mark, b""), cells)


def _all_grouped(cells: bytes, mark: bytes, decimal: bytes, bare: bool) -> bytes | None:
    """The same, a hundred times as fast; None where a mark stands anywhere but in a number grouped by it."""
    if len(mark) > 1:
        if _MARK in cells:
            return None
        cells, mark = cells.replace(mark, _MARK), _MARK
    raw = np.frombuffer(_PAD + cells + _PAD, np.uint8)
    at = np.flatnonzero(raw == mark[0])

    def digit(offset: int) -> _Flags:
        return np.asarray((raw[at + offset] - np.uint8(48)) <= 9)

    following = raw[at + 4]
    ends = (following == decimal[0]) & digit(5)
    if bare:
        ends |= (following == _LF) | ((following == _CR) & (raw[at + 5] == _LF))
    good = digit(1) & digit(2) & digit(3) & (ends | (following == mark[0]))
    first = raw[at - 4] != mark[0]  # of its number; what stands before the others the mark before them looked at
    two = digit(-2)
    three = two & digit(-3)
    start = at - 1 - two - three
    sign = (raw[start - 1] == ord("-")) | (raw[start - 1] == ord("+"))
    begins = raw[start - 1 - sign] == _LF
    good &= ~first | (digit(-1) & begins & (raw[start] != ord("0")))
    return cells.translate(None, mark) if bool(good.all()) else None
