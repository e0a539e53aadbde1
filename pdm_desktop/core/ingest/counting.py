"""Columns that number the rows of a file: no sensors, and no codes."""

from __future__ import annotations

import re
from itertools import pairwise

from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.plans import Question, Role

_SAID = """
    index idx id rowid row rownr rownum rowno rownumber no nr num number nummer numero n rec recno record recordid
    recordno recordnumber seq seqno seqnr sequence sequenceno sequencenumber sample sampleno samplenr samplenumber scan
    scanno scannumber line lineno linenumber entry lfd lfdnr lfnr laufendenr laufendenummer laufnummer zeile zeilennr
    zeilennummer satz satznr datensatz ligne numligne numeroligne numerodeligne fila numerodefila registro riga
    numeroriga regel regelnummer rij rijnummer rad radnr lp poradovecislo sira sirano rivi
    序号 行号 编号 номер номерстроки пп"""
_NAMES = frozenset(_SAID.split())
_UNNAMED = re.compile(r"(?i)unnamed:? ?\d+(_level_\d+)?|#|№|n[°º]|\.\.\.1|x\.?1?|level_\d+")
_SIGNS = re.compile(r"(?i)(n[°º]|№|#|nr\.?|no\.?)")
_FEW = 3
_SURE = 10  # rows whose numbers all follow each other are numbered
_WORDS = {"error": "code", "component": "component", "failure": "component"}
_LONG = 1_000  # above, numbers are no codes that just happen to follow each other


def rows(draft: Draft) -> None:
    """Leave the columns out that are called so and count the rows."""
    if not draft.of("machine") and not draft.of("timestamp", "date"):
        return  # then the number may be the machine's
    for i in draft.free():
        name = draft.facts[i].name
        called = aliases.plain(name) in _NAMES or _UNNAMED.fullmatch(name.strip()) or _SIGNS.fullmatch(name.strip())
        if called and _follow(draft.facts[i].cells, _FEW):
            draft.roles[i] = Role("ignore")
            draft.notes.append(f"Column {name} numbers the rows and was left out.")


def refuse_running(draft: Draft, i: int) -> None:
    """Ask about a column of codes or components in which each row has a number of its own."""
    f = draft.facts[i]
    if i in draft.given:
        return
    cells = [cell.strip() for cell in f.cells if cell.strip()]
    if not _follow(cells, _SURE) and not (_follow(cells, _FEW) and min(map(_number, cells)) >= _LONG):
        return
    words = [j for j in draft.free() if draft.facts[j].is_text and j != i]
    words.sort(key=lambda j: (len(set(draft.facts[j].cells)) < 2, len(set(draft.facts[j].cells)) / len(cells)))
    words = [j for j in words if draft.facts[j].roles] + [j for j in words if not draft.facts[j].roles]
    other = draft.facts[words[0]].name if words else "COLUMN"
    role = draft.roles[i].role
    text = (
        f"Column {f.name} numbers its rows ({cells[0]}, {cells[1]} ...): that is no {_WORDS[role]}, which comes again."
    )
    hint = f"Say which column does: --map {f'{other}={role}'!r}; where it is this one, --map {f'{f.name}={role}'!r}."
    draft.questions.append(Question("columns", text, hint, where=draft.where))


def _follow(cells: list[str], least: int) -> bool:
    """Whether numbers, perhaps behind the same letters, follow each other by one, but for a few new beginnings."""
    cells = [cell.strip() for cell in cells]
    if len(cells) < least or len({re.sub(r"\d+(\.0+)?$", "", cell) for cell in cells}) > 1:
        return False
    if not all(re.search(r"\d{1,15}(\.0+)?$", cell) for cell in cells):
        return False
    numbers = [_number(cell) for cell in cells]
    steps = sum(b - a == 1 for a, b in pairwise(numbers))
    return steps >= max(least - 1, 0.9 * (len(numbers) - 1))


def _number(cell: str) -> int:
    found = re.search(r"(\d{1,15})(\.0+)?$", cell)
    return int(found[1]) if found is not None else 0
