"""Columns that say whether a value can be used, and which of their words say so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.tokens import is_good, is_missing, is_opc, number_of
from pdm_desktop.core.plans import Question, Role

_QUALITY = re.compile(r"qual|gut|guete|kwal|jakosc|kval|confi|konfi")
_MOST_WORDS = 12  # different words of a column that tells of qualities
_BOOLEANS = frozenset(("true", "false"))
_BAD = re.compile(
    r"bad|invalid|ungultig|questionable|doubtful|suspect|substitut|schlecht|fragw|mauvais|douteu|malo|dudos"
)
_GOOD = re.compile(r"good|valid|gultig|gueltig|confid|konfid|confian|trust|usable|geldig")


def of_values(draft: Draft) -> None:
    """Give the column of qualities of a long file its role; of several, the one whose words are clearest."""
    given = draft.of("quality")
    for i in given[:1]:
        if not draft.roles[i].name:
            draft.roles[i] = _meaning(draft, i, Counter(_cells(draft, i))) or draft.roles[i]
    if given:
        return
    found = {i: counts for i in draft.called("quality") if (counts := Counter(_cells(draft, i)))}
    for i in sorted(found, key=lambda i: _rank(draft, i, found[i])):
        role = _meaning(draft, i, found[i])
        if role is not None:
            draft.roles[i] = role
            break
    chosen = draft.of("quality")
    for i in draft.called("quality"):
        if chosen and len(found.get(i, ())) > 1 and _BAD.search(aliases.plain(draft.facts[i].name)):
            name, other = draft.facts[i].name, draft.facts[chosen[0]].name
            draft.notes.append(f"Column {name} is not used: {other} tells which values are good.")


def in_doubt(draft: Draft, i: int) -> bool:
    """Whether a column tells of qualities by its name, or has nothing but true and false: beside a tag and a value, it
    is no sensor."""
    return "quality" in draft.facts[i].roles or {cell.casefold() for cell in _cells(draft, i)} <= _BOOLEANS


def good(words: Sequence[str], said: str, *, opc: bool) -> npt.NDArray[np.bool_]:
    """Which of the words are of values that can be used. said: the one that is ("" where their own sense tells)."""
    if not said:
        return np.array([is_good(word, opc=opc) for word in words], np.bool_)
    number = number_of(said)
    return np.array(
        [
            not word.strip()
            or word.strip().casefold() == said.strip().casefold()
            or (number is not None and number_of(word) == number)
            for word in words
        ],
        np.bool_,
    )


def warn_of_wide(draft: Draft) -> None:
    """Say where the columns of a wide file that are not used call some of its values bad."""
    for i in draft.of("ignore", "doubtful"):
        cells = {cell.strip() for cell in draft.facts[i].cells if cell.strip()}
        words = {cell for cell in cells if not cell.isdecimal()}
        fine = {cell for cell in words if is_good(cell) and cell.casefold() != "true"}
        if fine and len(fine) < len(cells) and len(cells) <= _MOST_WORDS and words == cells:
            name = draft.facts[i].name
            draft.notes.append(f"Column {name} is not used: values that it does not call good come in too.")


def _cells(draft: Draft, i: int) -> list[str]:
    return [cell.strip() for cell in draft.facts[i].cells if cell.strip() and (not is_missing(cell) or cell.isalpha())]


def _rank(draft: Draft, i: int, counts: Counter[str]) -> int:
    """The smaller, the clearer."""
    name = aliases.plain(draft.facts[i].name)
    if any(map(is_opc, counts)):
        return 0
    if _BAD.search(name):
        return 3
    return 1 if _GOOD.search(name) else 2


def _meaning(draft: Draft, i: int, counts: Counter[str]) -> Role | None:
    """The role with the word that is good, or without one where the words tell by themselves; None: not to be used, or
    asked about. Notes what numbers are taken for."""
    header = draft.facts[i].name
    name = aliases.plain(header)
    numbers = {number for cell in counts if (number := number_of(cell)) is not None}
    if any(map(is_opc, counts)):
        return Role("quality")
    for_bad, for_good = bool(_BAD.search(name)), bool(_GOOD.search(name))
    if {cell.casefold() for cell in counts} <= _BOOLEANS:
        return Role("quality", "False" if for_bad else "True")
    if len(numbers) < len(counts):
        if any(map(is_good, counts)) and not for_bad:
            return Role("quality")
        return _unknown(draft, header)
    if 100 in numbers and max(numbers) == 100 and (for_good or _QUALITY.search(name)):
        draft.notes.append(f"In column {header}, 100 counts as good and anything less as bad.")
        return Role("quality", "100")
    if for_bad:
        return Role("quality", "0") if numbers <= {0, 1} else _unknown(draft, header)
    if for_good:
        if not numbers <= {-1, 0, 1, 2}:
            return _unknown(draft, header)
        draft.notes.append(f"In column {header}, 1 counts as good and anything else as bad.")
        return Role("quality", "1")
    if not any(map(is_good, counts)):
        return _unknown(draft, header)
    if numbers == {0, 100}:
        return _unknown(draft, header)
    if numbers <= {0, 1}:
        zeros = sum(count for cell, count in counts.items() if number_of(cell) == 0)
        if 2 * zeros < counts.total():
            text = f"Whether 0 or 1 in column {header} stands for a good value cannot be told from the file."
            hint = f"Say so: --map {header + '=quality:1'!r} or {header + '=quality:0'!r}, or leave it out with ignore."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
            return Role("quality")
        draft.notes.append(f"In column {header}, 0 counts as good and 1 as bad.")
    return Role("quality")


def _unknown(draft: Draft, header: str) -> Role | None:
    draft.notes.append(
        f"Column {header} is not used: which of its values are good is not known (--map {header + '=quality:GOOD'!r})."
    )
    return None
