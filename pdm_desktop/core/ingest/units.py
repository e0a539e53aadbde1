"""Units of measurement as plants write them: in a row or column of their own, behind a column's name, in its cells."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

_UNIT_WORDS = """
    v kv mv vdc vac a ma ka w kw mw gw hp btu/h hz khz mhz cpm rpm rps rev/min
    1/min min-1 min^-1 u/min upm tr/min t/min giri/min o/min r/min bar mbar bar(g) bar(a)
    barg bara pa hpa kpa mpa psi psig psia psi(g) psi(a) kpag kpa(g) kpaa atm torr mmhg inhg mmh2o inh2o
    kg/cm2 kgf/cm2 kp/cm2 °c c degc deg gradc grdc celsius °celsius °f f degf gradf fahrenheit k degk °k kelvin
    % %rh %rf %vol vol% mm/s m/s cm/s in/s in/sec ips mm cm m km µm um μm micron microns
    mil mils in inch ft g mg kg t lb lbs kg/h kg/hr kg/s kg/min t/h t/d lb/h l/min lpm l/h l/s m3 m³ l ml gal gpm cfm
    m³/h m3/h m3/hr m3/s m3/min m3/d nm3/h sm3/h scfm nm knm n kn j kj mj gj
    wh kwh mwh va kva var kvar mvar ohm ω kω mω s sec ms us min h hr std d ° rad deg/s rad/s m/s2 mm/s2 g/s db db(a)
    dba ppm ppb ph cst mm2/s mpas pas lux lx cd lm s/cm us/cm ms/cm ntu mg/l g/l kg/m3 w/m2 mg/m3
    ℃ ℉ мм/с м/с об/мин °с с бар мбар кпа мпа па а ма в кв вт квт мвт гц кгц м³/ч м3/ч л/мин л/с кг/ч т/ч мм см м мкм
    кг т
    counts count pcs stk stück
    - – -- . 1 [-] () [] bool 0/1 text string datetime date time id utc"""
_NOTHING = frozenset("- – — -- . 1 bool 0/1 text string datetime date time id utc".split(" ")) | {""}  # noqa: SIM905
"""What stands in the place of a unit and is none."""
_SAME = """
    °c degc c °с с gradc grdc celsius °celsius|°f degf f gradf fahrenheit|k °k degk kelvin
    |rpm 1/min min-1 u/min upm tr/min t/min giri/min o/min r/min rev/min об/мин|bar бар|barg bar(g)|bara bar(a)
    |psig psi(g)|psia psi(a)|kpag kpa(g)|kg/cm2 kgf/cm2 kp/cm2|torr mmhg
    |mbar мбар|pa па|kpa кпа|mpa мпа|a а|ma ма|v в|kv кв|w вт|kw квт|mw мвт|hz гц|khz кгц|mm/s мм/с|m/s м/с|mm мм|m м
    |cm см|μm um мкм micron microns|m3/h м3/ч m3/hr|l/min л/мин lpm|l/s л/с|kg/h кг/ч kg/hr|t/h т/ч|kg кг|t т|l л
    |mil mils|in inch|in/s ips in/sec|s sec|h hr std|ohm ω|db dba db(a)|lb lbs|counts count pcs stk stück
    |%rh %rf|%vol vol%"""
_MEGA = frozenset(["w", "wh", "pa", "v", "va", "var", "hz", "j", "n", "ohm", "ω", "вт", "па", "в", "гц"])
"""Units that plants have both thousandths and millions of: there a small m is another one than a large one."""
_OPEN, _CLOSE = "[({（", "])}）"
_BRACKETED = re.compile(r"(.+?)\s*(?:\[([^\[\]]{1,16})\]|[(（]([^()（）]{1,16})[)）])")
_BEHIND = re.compile(r"(.*\w)(?:\s+in|\s*,)\s+(\S{1,12})")
_MEASURED = re.compile(
    r"(?P<number>[-+\u2212]?[\d.,'\u2019]+(?:[ \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?(?:[eE][-+]?\d{1,3})?)"
    r"[\s\u00a0\u202f]*(?P<unit>(?:1 ?/)?[^\d\s.,'\u2019].*)"
)
_LONGEST_NAME = 200  # above, a column's name is looked through for no unit
LONGEST_MEASURED = 40  # characters of a cell with a number and its unit


def _folded(text: str) -> str:
    """Without brackets around all of it, inner blanks and letter case."""
    text = unicodedata.normalize("NFKC", text).strip()
    while len(text) > 1 and text[0] in _OPEN and text[-1] in _CLOSE:
        text = text[1:-1].strip()
    return re.sub(r"\s|(?<=deg)\.|(?<=grad)\.|\^", "", text.casefold())


_UNITS = frozenset(map(_folded, _UNIT_WORDS.split()))
_CANONICAL = {_folded(word): _folded(group.split()[0]) for group in _SAME.split("|") for word in group.split()}


@lru_cache(4096)
def key(unit: str) -> str:
    """What a unit is compared by: alike for all spellings of one; "" where the text says none."""
    text = _folded(unit)
    if text in _NOTHING:
        return ""
    found = _CANONICAL.get(text, text)
    large = unicodedata.normalize("NFKC", unit).lstrip(_OPEN + " ")[:1] in ("M", "М")
    return found.upper() if large and found[:1] in ("m", "м") and found[1:] in _MEGA else found


def differ(one: str, two: str) -> bool:
    """Whether two units are said, and are not just different spellings of one."""
    return bool(key(one) and key(two)) and key(one) != key(two)


@lru_cache(4096)
def is_unit(text: str) -> bool:
    """Whether a text is a unit that plants use, in brackets or not."""
    return _folded(text) in _UNITS


def bare(cell: str) -> str:
    """What a cell that should hold a unit says: without brackets, "" for a dash or a word that says nothing."""
    text = cell.strip()
    while len(text) > 1 and text[0] in _OPEN and text[-1] in _CLOSE:
        text = text[1:-1].strip()
    return text if key(text) else ""


def unit_of(cell: str) -> str:
    """The same of a cell of a units row, where a word that is no known unit counts only in brackets."""
    return bare(cell) if is_unit(cell) or cell.strip()[:1] in ("[", "(") else ""


def split_unit(name: str) -> tuple[str, str]:
    """A header such as "Oil Temp (°C)", "Druck in bar" or "Flow, l/min" as name and unit; the unit is empty where the
    header has none."""
    name = name.strip()
    if len(name) > _LONGEST_NAME:
        return name, ""
    match = _BRACKETED.fullmatch(name.strip())
    if match is None:
        behind = _BEHIND.fullmatch(name.strip())
        known = behind is not None and bool(unit_of(behind[2]))
        return (behind[1].strip(), behind[2]) if behind is not None and known else (name.strip(), "")
    square, round_ = match[2], match[3]
    unit = (square or round_).strip()
    if square is None and not is_unit(unit):
        return name.strip(), ""
    return match[1].strip(), "" if unit in ("-", "–", "1") else unit


def split_measured(cell: str) -> tuple[str, str] | None:
    """A cell such as "80.5 °C" as the text of the number and a known unit; None for any other."""
    match = _MEASURED.fullmatch(cell.strip()) if len(cell) <= LONGEST_MEASURED else None
    if match is None or not bare(match["unit"]) or not is_unit(match["unit"]):
        return None
    return match["number"].strip(), match["unit"].strip()


@dataclass(frozen=True)
class Conversion:
    """From one unit to another."""

    before: float
    times: float
    over: float
    after: float

    def of(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The values in the other unit."""
        found: npt.NDArray[np.float64] = (values + self.before) * self.times / self.over + self.after
        return found


# (added to the value, factor to the dimension's base unit). Factors are exact by definition, but psi, whose pound-force
# a square inch is 0.45359237 * 9.80665 / 0.0254**2 Pa. Gauge and absolute pressures convert among their like alone, and
# a bare bar may be either: what the plant means by it is not known.
_PSI = 6894.757293168361
_SCALES: dict[str, dict[str, tuple[float, float]]] = {
    "temperature": {"°c": (0.0, 1.0), "°f": (-32.0, 5 / 9), "k": (-273.15, 1.0)},
    "pressure": {
        "pa": (0, 1.0), "hpa": (0, 100.0), "kpa": (0, 1e3), "MPA": (0, 1e6), "mbar": (0, 100.0), "bar": (0, 1e5),
        "psi": (0, _PSI), "atm": (0, 101_325.0), "kg/cm2": (0, 98_066.5),
    },
    "gauge pressure": {"barg": (0, 1e5), "psig": (0, _PSI), "kpag": (0, 1e3)},
    "absolute pressure": {"bara": (0, 1e5), "psia": (0, _PSI), "kpaa": (0, 1e3)},
    "length": {
        "μm": (0, 1.0), "mm": (0, 1e3), "cm": (0, 1e4), "m": (0, 1e6), "mil": (0, 25.4), "in": (0, 25_400.0),
        "ft": (0, 304_800.0),
    },
    "speed": {"mm/s": (0, 1.0), "cm/s": (0, 10.0), "m/s": (0, 1e3), "in/s": (0, 25.4)},
    "acceleration": {"mm/s2": (0, 1.0), "m/s2": (0, 1e3)},
    "mass flow": {"kg/h": (0, 1.0), "kg/min": (0, 60.0), "kg/s": (0, 3600.0), "t/h": (0, 1e3)},
    "flow": {
        "l/h": (0, 1.0), "l/min": (0, 60.0), "l/s": (0, 3600.0), "m3/h": (0, 1e3), "m3/min": (0, 6e4),
        "m3/s": (0, 3.6e6),
    },
    "power": {"w": (0, 1.0), "kw": (0, 1e3), "MW": (0, 1e6)},
    "energy": {"wh": (0, 1.0), "kwh": (0, 1e3), "MWH": (0, 1e6)},
    "voltage": {"mv": (0, 1.0), "v": (0, 1e3), "kv": (0, 1e6)},
    "current": {"ma": (0, 1.0), "a": (0, 1e3), "ka": (0, 1e6)},
    "frequency": {"hz": (0, 1.0), "khz": (0, 1e3)},
}  # fmt: skip


def conversion(one: str, two: str) -> Conversion | None:
    """How values in one unit become values in the other; None where that is not certain."""
    for scale in _SCALES.values():
        if key(one) in scale and key(two) in scale:
            (before, times), (after, over) = scale[key(one)], scale[key(two)]
            if {key(one), key(two)} == {"°c", "°f"}:  # in whole numbers, so that 212 °F are 100 °C to the last digit
                times, over = (5.0, 9.0) if key(two) == "°c" else (9.0, 5.0)
            return Conversion(before, times, over, -after)
    return None
