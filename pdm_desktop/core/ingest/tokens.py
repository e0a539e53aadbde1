"""What a cell's text means: a number, nothing, or neither."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import cache

MISSING = (
    "", "NA", "N/A", "n/a", "na", "NaN", "nan", "NAN", "NULL", "null", "Null", "None", "none", "#N/A", "#NA", "-", "--",
    "---", "?", "Bad", "BAD", "bad", "Bad Input", "No Data", "NoData", "No data", "I/O Timeout", "Intf Shut",
    "Pt Created", "Comm Fail", "Not Connect", "Scan Off", "Out of Serv", "Bad Quality", "No Good Data", "Set to Bad",
    "Calc Failed", "Calc Off", "Unit Down", "Configure", "Doubtful", "Shutdown", "Arc Off-line", "Under Range",
    "Over Range", "Inp OutRange", "Invalid", "(null)", "\\N", "#VALUE!", "#DIV/0!", "#REF!", "#NV", "#WERT!", "nil",
    "missing", "k.A.", "n.v.", "keine Daten", "sans donn\u00e9es", "sin datos", "nessun dato", "geen data",
    "ND", "n.d.",
)  # fmt: skip
"""Cells that say "no value": spreadsheets', databases' and historians' words, in their usual spellings."""

_MISSING = {token.casefold() for token in MISSING}
_BOOLEANS = {"true": 1.0, "false": 0.0}
_SPACES = " '\u00a0\u202f\u2009\u2019"
_GOOD = {
    "good", "ok", "g", "valid", "true", "gut", "g\u00fcltig", "bon", "bonne", "valide", "buena", "bueno", "buono",
    "buona", "goed", "bom", "god", "good quality", "good, non-specific", "0x000000c0", "substituted", "",
}  # fmt: skip


_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def normal(text: str) -> str:
    """A name without what nobody sees: surrounding blanks, signs without a width, blanks of other kinds, and letters
    put together from parts. Names that are alike so are one."""
    text = text.strip()
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _UNSEEN.sub("", text))).strip()


def is_missing(text: str) -> bool:
    """Whether the cell says that there is no value."""
    return text.strip().casefold() in _MISSING


def is_opc(text: str) -> bool:
    """Whether a quality is one of OPC's numbers for a good value, 192 to 255: beside these, 0 is bad."""
    word = text.strip()
    return len(word) == 3 and word.isascii() and word.isdecimal() and 192 <= int(word) <= 255


_WITH_WORD = re.compile(r"\d+ ?[-:(\[] ?([a-z][^)\]]*)[)\]]?|([a-z][^(\[]*) ?[(\[]\d+[)\]]")
_HEX = re.compile(r"0x([0-9a-f]{1,8})|([c-f][0-9a-f])")


def is_good(text: str, *, opc: bool = False) -> bool:
    """Whether a quality says that its value can be used: a word, or OPC's 192 to 255, or 0 or 100 of others.
    opc: whether the numbers of the file are OPC's."""
    word = text.strip().casefold()
    said = _WITH_WORD.fullmatch(word)
    if said is not None:
        return is_good(said[1] or said[2], opc=opc)
    status = _HEX.fullmatch(word)
    if status is not None:  # OPC's one or two bytes; OPC UA's four begin with the severity
        code = status[1] or status[2]
        return int(code, 16) >> 30 == 0 if len(code) > 4 else int(code, 16) & 0xC0 == 0xC0
    if word.isascii() and word.isdecimal():
        return is_opc(word) or (not opc and word.lstrip("0") in ("", "100"))
    return word in _GOOD or word.startswith("good")


def number_of(text: str, decimal: str = ".", thousands: str = "") -> float | None:
    """The finite number that a cell writes (true and false are 1 and 0); None for anything else, infinity included.

    A thousands mark is understood where the decimal mark stands beside it, or where `thousands` names it; a space or
    an apostrophe always, for it can be nothing else.
    """
    plain = _plain(text, decimal, thousands)
    try:
        value = float(plain)
    except ValueError:
        return _BOOLEANS.get(text.strip().casefold())
    # Python also takes 1_000 and the digits of other scripts for numbers, the fast reader does not.
    return value if math.isfinite(value) and plain.isascii() and "_" not in plain else None


def _plain(text: str, decimal: str, thousands: str) -> str:
    if decimal == "." and text.isascii() and "," not in text and "'" not in text and " " not in text.strip():
        if text.rstrip()[-1:] == "-":
            return "-" + text.strip()[:-1] if text.strip()[:1] not in ("-", "+") else text
        return text
    text = text.strip().replace("\u2212", "-").replace("\u2013", "-")
    if text[-1:] == "-" and text[:1] not in ("-", "+"):
        text = "-" + text[:-1].rstrip()  # 12,5- as mainframes write it
    grouped = grouping(decimal).fullmatch(text)
    if grouped is not None:
        marks = {char for char in grouped["whole"] if not char.isdigit()} - {"-", "+"}
        if len(marks) == 1 and (
            grouped["rest"]
            or sum(grouped["whole"].count(mark) for mark in marks) > 1
            or marks == {thousands}
            or marks <= set(_SPACES)
        ):
            text = grouped["whole"].replace(marks.pop(), "") + grouped["rest"]
    if decimal == ",":
        text = text.translate({ord("."): ",", ord(","): "."})
    return text


@cache
def grouping(decimal: str) -> re.Pattern[str]:
    """A number with thousands marks: `whole` with them, `rest` with the decimals."""
    other = "." if decimal == "," else ","
    return re.compile(rf"(?P<whole>[+-]?[1-9]\d{{0,2}}(?:[{other}{_SPACES}]\d{{3}})+)(?P<rest>(?:[{decimal}]\d*)?)")
