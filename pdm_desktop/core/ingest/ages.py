"""How old machines are, in years, as files say it: in days or months, or, which is no age, by the year of make."""

from __future__ import annotations

import re

import numpy as np

from pdm_desktop.core.ingest.cells import Floats, Ints
from pdm_desktop.core.ingest.dialect import is_time
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import PlanColumn, Question

OLDEST = 150
"""Years; no machine in use is older."""
_UNITS = {
    1.0: "y yr yrs year years a jahr jahre jahren an ans annee annees ano anos anni anno jaar jaren lat 年 лет",
    12.0: "mo mos mon month months monat monate monaten mois mes meses mese mesi maand maanden 月",
    365.25: "d day days tag tage tagen dia dias giorno giorni dag dagen dni 天 日 дней",
    365.25 / 7: "w wk week weeks woche wochen semaine semaines semana semanas settimane weken",
}
_A_YEAR = {word: parts for parts, words in _UNITS.items() for word in words.split()}
"""Word -> how many of them make a year."""
_WORDS = re.compile(r"[^\W\d_]+")
_BRACKETS = re.compile(r"[\[(（]([^\[\]()（）]{1,16})[\])）]")


def a_year(name: str, unit: str) -> float | None:
    """How many of the units that a column's name, or `unit` below it, says make a year; None where that is unknown."""
    inside = _BRACKETS.search(name)
    said = unit or split_unit(name)[1] or (inside[1] if inside is not None else "")
    if said:
        return _A_YEAR.get(_folded(said))
    words = [_folded(word) for word in _WORDS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))]
    found = [_A_YEAR[word] for word in words[1:] if len(word) > 1 and word in _A_YEAR]
    return found[0] if found else 1.0


def ask(draft: Draft, i: int, unit: str) -> None:
    """Ask about ages in a unit that is not known."""
    name = draft.facts[i].name
    if i in draft.given or a_year(name, unit) is not None:
        return
    text = f"In which unit the ages in column {name} are is not known."
    hint = f"Where they are years, say --map {name + '=age'!r}; else leave the column out: --map {name + '=ignore'!r}."
    draft.questions.append(Question("columns", text, hint, where=draft.where))


def in_years(values: Floats, lines: Ints, column: PlanColumn, rejected: list[Reject]) -> Floats:
    """The ages in years; what can be none is rejected."""
    parts = a_year(column.name, column.unit) or 1.0
    ages = values / parts
    wrong = (ages < 0) | (ages > OLDEST)
    for row in np.flatnonzero(wrong).tolist():
        year = parts == 1.0 and 1900 <= values[row] <= 2100
        why = "a year, perhaps of make, and no age in years" if year else f"no age: 0 to {OLDEST} years"
        rejected.append(Reject(int(lines[row]), column.name, f"{values[row]:.15g}", why))
    return np.where(wrong, np.nan, ages)


def said_plainly(reject: Reject, column: PlanColumn) -> Reject:
    """Why a date is no age."""
    return reject._replace(reason="a date, no age in years") if _is_date(reject, column) else reject


def _is_date(reject: Reject, column: PlanColumn) -> bool:
    return reject.column == column.name and is_time(reject.content)


def _folded(word: str) -> str:
    return word.strip(" .").casefold().translate(str.maketrans("éèàñ", "eean"))
