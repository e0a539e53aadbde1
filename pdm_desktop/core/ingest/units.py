"""Units of measurement as plants write them: in a row of their own, or behind a column's name."""

from __future__ import annotations

import re
import unicodedata

_UNIT_WORDS = """
    v kv mv a ma ka w kw mw gw hz khz mhz rpm
    1/min min-1 min^-1 u/min upm tr/min t/min giri/min o/min r/min bar mbar
    barg bara pa hpa kpa mpa psi psig atm °c c degc deg °f f degf k °k % %rh mm/s m/s cm/s in/s ips mm cm m km µm um μm
    mil mils in inch ft g mg kg t lb lbs kg/h kg/s t/h m3/h m³/h nm3/h l/min l/h l/s m3 m³ l ml gal gpm cfm nm n kn j kj
    kwh mwh va kva var kvar ohm ω kω mω s sec ms us min h d ° rad deg/s rad/s m/s2 m/s² mm/s2 mm/s² g/s db db(a) dba ppm
    ppb ph cst mm2/s mpas pas lux lx cd lm s/cm µs/cm us/cm ntu mg/l g/l kg/m3 kg/m³ w/m2 w/m²
    ℃ ℉ мм/с м/с об/мин °с бар мбар кпа мпа па а ма в кв вт квт мвт гц кгц м³/ч м3/ч л/мин л/с кг/ч т/ч мм см м мкм кг т
    counts count pcs stk stück
    - – -- . 1 [-] () [] bool 0/1 text string datetime date time id utc"""
_UNITS = frozenset(_UNIT_WORDS.split())
_BRACKETED = re.compile(r"(.+?)\s*(?:\[([^\[\]]{1,16})\]|[(（]([^()（）]{1,16})[)）])")
_BEHIND = re.compile(r"(.*\w)(?:\s+in|\s*,)\s+(\S{1,12})")


_SAME = """
    °c degc c °с|°f degf f|k °k|rpm 1/min min-1 min^-1 u/min upm tr/min t/min giri/min o/min r/min об/мин|bar бар
    |mbar мбар|pa па|kpa кпа|mpa мпа|a а|ma ма|v в|kv кв|w вт|kw квт|mw мвт|hz гц|mm/s мм/с|m/s м/с|mm мм|m м|cm см
    |μm um мкм|m3/h м3/ч|l/min л/мин|l/s л/с|kg/h кг/ч|t/h т/ч|kg кг|l л|mil mils|in inch|s sec с|ohm ω|db dba db(a)
    |lb lbs|counts count pcs stk stück"""
_CANONICAL = {word: group.split()[0] for group in _SAME.split("|") for word in group.split()}


def differ(one: str, two: str) -> bool:
    """Whether two units are known and not just different spellings of one."""
    plain = [unicodedata.normalize("NFKC", unit).strip("[](){} ").casefold() for unit in (one, two)]
    known = {unicodedata.normalize("NFKC", unit).casefold() for unit in _UNITS}
    if not all(unit_of(unit) and unit in known for unit in plain):
        return False
    return len({_CANONICAL.get(unit, unit) for unit in plain}) > 1


def is_unit(text: str) -> bool:
    """Whether a text is a unit that plants use, in brackets or not."""
    return text.strip("[](){} ").casefold() in _UNITS


def unit_of(cell: str) -> str:
    """The unit a cell of a units row names: without brackets, "" for a dash or a word that says nothing."""
    bare = cell.strip().strip("[](){} ")
    plain = {"-", "–", "--", ".", "1", "bool", "0/1", "text", "string", "datetime", "date", "time", "id", "utc", ""}
    return "" if bare.casefold() in plain else bare if bare.casefold() in _UNITS or cell.strip()[:1] in "[(" else ""


def split_unit(name: str) -> tuple[str, str]:
    """A header such as "Oil Temp (°C)", "Druck in bar" or "Flow, l/min" as name and unit; the unit is empty where the
    header has none."""
    match = _BRACKETED.fullmatch(name.strip())
    if match is None:
        bare = _BEHIND.fullmatch(name.strip())
        known = bare is not None and bool(unit_of(bare[2]))
        return (bare[1].strip(), bare[2]) if bare is not None and known else (name.strip(), "")
    square, round_ = match[2], match[3]
    unit = (square or round_).strip()
    if square is None and unit.casefold() not in _UNITS:
        return name.strip(), ""
    return match[1].strip(), "" if unit in ("-", "–", "1") else unit
