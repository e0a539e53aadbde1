"""The shapes in which times are written: where the year, the month ... stand in a text, digits apart.

A shape is the text with every digit as 0: "13.01.2015 05:00" has "00.00.0000 00:00". A column of a million times has
a handful of shapes, so each is understood once and then read for all its rows at one go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pdm_desktop.core.ingest.abbreviations import NAMES
from pdm_desktop.core.ingest.months import month_number

Span = tuple[int, int]

_EASTERN = [word.encode().decode("latin-1") for word in ("年", "月", "日")]
"""Stand behind the year, the month and the day."""
_LETTERS = r"[A-Za-z\x80-\xff]"
_DATE = rf"""(?:
    (?P<y1>0000)(?:(?P<s1>[-/.])(?P<m1>00?)(?P=s1)(?P<d1>00?)|\.[ ]?(?P<m6>00?)\.[ ]?(?P<d6>00?)\.
      |{_EASTERN[0]}(?P<m7>00?){_EASTERN[1]}(?P<d7>00?){_EASTERN[2]})
  | (?P<y2>0000)(?P<m2>00)(?P<d2>00)
  | (?P<a>00?)(?P<s2>[-/. ])(?P<b>00?)(?P=s2)(?P<y3>0000|00)
  | (?P<d4>00?)\.?[- /]?(?P<n4>{_LETTERS}{{3,}})\.?[- /]?,?[ ]?(?P<y4>0000|00)
  | (?P<n5>{_LETTERS}{{3,}})\.?[- ][ ]?(?P<d5>00?),?[- ](?P<y5>0000)
)"""
_HALVES = {word.encode().decode("latin-1"): half for half, words in (
    (0, ("오전", "上午", "午前")), (12, ("오후", "下午", "午後")),
) for word in words}  # fmt: skip
"""What stands before a time in the morning or in the afternoon."""
_TIME = rf"""(?:(?P<before>{"|".join(_HALVES)})[ ]?)?(?:
    (?P<h>00?)[:.h](?P<i>00)(?:[:.m](?P<s>00)s?(?:[.,:](?P<f>0{{1,9}}))?)?
  | (?P<hc>00)(?P<ic>00)(?P<sc>00)?
)
(?:[ ]{{0,3}}(?P<half>[AaPp])\.?[ ]{{0,3}}[Mm]\.?)?"""
_SHORT = "|".join(sorted(NAMES, key=len, reverse=True))
_ZONE = rf"(?:[ ]?(?P<utc>Z|UTC|GMT)|[ ]?(?P<short>{_SHORT})|[ ]?(?P<sign>[+-])(?P<oh>00):?(?P<om>00)?)?"
_FULL = re.compile(
    rf"[ ]*(?:{_LETTERS}{{2,}}[.,]?[ ]+)??{_DATE}"
    rf"(?:(?:[T_]|-(?=00\.00\.00|000000)|,?[ ]+|[ ]-[ ]|:){_TIME}{_ZONE})?[ ]*\Z",
    re.VERBOSE,
)
_YEAR_LAST = re.compile(
    rf"[ ]*(?:{_LETTERS}{{2,}}[.,]?[ ]+)?(?P<n4>{_LETTERS}{{3,}})[ ]{{1,2}}(?P<d4>00?)[ ]+{_TIME}[ ]"
    r"(?:(?P<utc>UTC|GMT)[ ])?(?P<y4>0000)[ ]*\Z",
    re.VERBOSE,
)
_CLOCK = re.compile(rf"[ ]*{_TIME}[ ]*\Z", re.VERBOSE)
_COMPACT = re.compile(r"[ ]*(?P<y2>0000)(?P<m2>00)(?P<d2>00)(?P<hc>00)(?P<ic>00)(?P<sc>00)?[ ]*\Z")


@dataclass(frozen=True)
class Form:
    """Where the parts of a time stand (start, stop); None where the text has none. month_number: of a month's name,
    UNCLEAR where that differs between languages.
    either: day and month could change places, `day` stands first. half: None, or 0 (AM) or 12 (PM)."""

    year: Span
    month: Span | None
    day: Span
    month_number: int = 0
    either: bool = False
    hour: Span | None = None
    minute: Span | None = None
    second: Span | None = None
    fraction: Span | None = None
    half: int | None = None
    utc: bool = False
    short: str = ""
    """The zone's short name, such as CET."""
    sign: int = 0
    offset_hour: Span | None = None
    offset_minute: Span | None = None


@lru_cache(4096)  # hostile files have endlessly many
def form(shape: bytes) -> Form | None:
    """What a shape (bytes of UTF-8, digits as 0) says; None where it is no date with or without a time."""
    text = _spaced(shape)
    match = _COMPACT.match(text) or _FULL.match(text) or _YEAR_LAST.match(text)
    if match is None:
        return None
    parts = match.groupdict()

    def span(*names: str) -> Span | None:
        for name in names:
            if parts.get(name) is not None:
                return match.span(name)
        return None

    year = span("y1", "y2", "y3", "y4", "y5")
    name = parts.get("n4") or parts.get("n5")
    number = month_number(name.encode("latin-1").decode("utf-8", "replace")) if name else 0
    day = span("d1", "d2", "d6", "d7", "a", "d4", "d5")
    if year is None or day is None or (name and not number):
        return None
    half = (parts.get("half") or "").casefold()
    return Form(
        year=year,
        month=span("m1", "m2", "m6", "m7", "b"),
        day=day,
        month_number=number,
        either=parts.get("a") is not None,
        hour=span("h", "hc"),
        minute=span("i", "ic"),
        second=span("s", "sc"),
        fraction=span("f"),
        half={"": _HALVES.get(parts.get("before") or ""), "a": 0, "p": 12}[half],
        utc=parts.get("utc") is not None,
        short=parts.get("short") or "",
        sign=0 if parts.get("sign") is None else -1 if parts["sign"] == "-" else 1,
        offset_hour=span("oh"),
        offset_minute=span("om"),
    )


@lru_cache(4096)  # hostile files have endlessly many
def is_clock(shape: bytes) -> bool:
    """Whether a shape is a time of day alone."""
    return _CLOCK.match(_spaced(shape)) is not None


def shape_of(text: str) -> bytes:
    """The shape of one text."""
    return re.sub(rb"[0-9]", b"0", text.strip().encode("utf-8"))


def _spaced(shape: bytes) -> str:
    """A shape with blanks for the narrow and the unbreakable ones that newer programs write before AM and PM."""
    for blank in (b"\xc2\xa0", b"\xe2\x80\xaf", b"\xe2\x80\x89"):
        shape = shape.replace(blank, b" " * len(blank))
    return shape.decode("latin-1")
