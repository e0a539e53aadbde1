"""Which sheet of a workbook is read, which others are its like, and what its cells tell beyond their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import dialect, numbered, workbook
from pdm_desktop.core.ingest.workbook import Book, Look
from pdm_desktop.core.plans import Plan, Question

_FIRST = 40  # rows that show a sheet's header


def best(book: Book) -> str:
    """The sheet that looks most like a table, its likes counted in; a hidden one only where no other is."""
    return _groups(book)[0][0]


@lru_cache(4)
def _groups(book: Book) -> list[list[str]]:
    """The sheets that can be seen by their header, those that look most like tables first."""
    seen = [name for name in book.looks if name not in book.hidden] or list(book.looks)
    found: dict[tuple[str, ...], list[str]] = {}
    for name in seen:
        header = tuple(_header(book.looks[name])) if len(seen) > 1 else ()
        found.setdefault(header if any(header) else (name, ""), []).append(name)
    scores = {name: _score(book.looks[name]) for name in seen}

    def score(group: list[str]) -> tuple[int, ...]:
        return tuple(map(sum, zip(*(scores[name] for name in group), strict=True)))

    groups = sorted(found.values(), key=score, reverse=True)
    return [sorted(group, key=seen.index) for group in groups]


def _score(look: Look) -> tuple[int, int, int]:
    rows = [row for row in look.rows() if any(row)]
    told = sum(any(dialect.is_time(cell) for cell in row) for row in rows)
    return told, sum(any(dialect.is_number(cell) for cell in row) for row in rows), len(rows)


def alike(book: Book) -> tuple[str, ...]:
    """The sheets with the header of the best one, where there are several: a sheet a day, or a machine."""
    first = _groups(book)[0]
    return tuple(first) if len(first) > 1 else ()


def _header(look: Look) -> list[str]:
    rows = look.rows()[:_FIRST]
    if not any(map(any, rows)):
        return []
    table = dialect.table(b"".join(workbook.as_text(iter(rows), 1 << 20)).decode("utf-8"), ",", None, None)
    return table.header if table.header_row and table.data else []


def tables(path: Path) -> tuple[str, ...]:
    """The sheets that are read one after the other; none where only one is."""
    return alike(workbook.book(path))


def as_the_cells_say(plan: Plan, book: Book, look: Look) -> Plan:
    """The plan with what a workbook says beyond the texts of its cells. PdmError where its dates are damaged."""
    position = plan.index("timestamp", "date")
    where = f"{plan.path.name}, sheet {plan.sheet}"
    if position is not None and position in look.dates and look.dates[position].turned:
        name = plan.columns[position].name
        raise PdmError(
            f"In column {name}, dates up to the 12th are cells of dates, and all later ones texts: a spreadsheet took"
            " the day for the month wherever it could.",
            "Import the file that it was opened from, or have the spreadsheet read its dates with the day first.",
            where,
        )
    notes = list(plan.notes)
    if plan.time_form == "excel" and book.since_1904:
        notes = [note.replace(numbered.FORMS["excel"].words, numbered.FORMS["excel 1904"].words) for note in notes]
        plan = replace(plan, time_form="excel 1904")
    if look.merged:
        notes.append("A cell merged over several rows counts for each of them, one of a reading for the first alone.")
    notes += _not_read(plan, book)
    said = {name.casefold() for name in plan.choices.columns}
    empty = [plan.columns[i].name for i in sorted(look.formulas) if i < len(plan.columns) and plan.columns[i].name]
    questions = [
        Question(
            "columns",
            f"Column {name} holds formulas without their results.",
            f"Open the workbook in a spreadsheet program and save it, or leave the column out: --map {name!r}=ignore.",
            where=where,
        )
        for name in empty
        if name.casefold() not in said
    ]
    return replace(plan, notes=tuple(notes), questions=(*plan.questions, *questions))


def _not_read(plan: Plan, book: Book) -> list[str]:
    read = alike(book) or (best(book),)
    if plan.sheet not in read:
        return []  # one that the user chose
    others = [name for name, look in book.looks.items() if name not in read and _score(look)[0] > 1]
    others = [f"{name} (hidden)" if name in book.hidden else name for name in others]
    return [f"Sheets not read: {', '.join(others)}."] if others else []


def of_which_machine(plan: Plan, names: Sequence[str]) -> Plan:
    """The plan with the sheet's name suggested, where each of several sheets may be a machine of its own."""
    if plan.sheet not in names:
        return plan
    hint = f"Import the sheets one by one, and say whose each is: --sheet {plan.sheet!r} --machine {plan.sheet!r}."
    asked = [replace(q, suggested=plan.sheet, hint=hint) if q.key == "machine" else q for q in plan.questions]
    return replace(plan, questions=tuple(asked))
