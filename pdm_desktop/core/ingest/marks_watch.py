"""Whether the numbers of the whole file have the decimal mark that its samples told: machines stand still for days, and
what is written with a comma may only come far down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pdm_desktop.core.ingest.blocks import Block, NoRow, Overturned
from pdm_desktop.core.ingest.cells import NUMBERS, Cells
from pdm_desktop.core.ingest.decimals import Count, doubted, is_open
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.plans import OpenQuestion, Plan

_LOOKED_AT = 300
"""Cells of a block, while nothing has told the mark."""
_LEAST, _SHARE = 3, 0.01
"""Cells with the other mark, and their share of the rows, above which they are no slips."""


class MarksWatch:
    """Of one file."""

    def __init__(self, plan: Plan) -> None:
        self._asked = plan.choices.decimal is None
        self._told = plan.marks_told
        self._count = Count()
        self._against: list[str] = []
        self._rows = 0

    def look(self, block: Block, cells: Cells, plan: Plan) -> None:
        """Look at a block just read. Overturned where its numbers have the other mark, and nothing told it before."""
        if not self._asked:
            return
        self._rows += len(cells.lines)
        other = "," if plan.decimal == "." else "."
        found = [text for text in _no_numbers(cells, plan) if other in text and number_of(text, other, plan.decimal)]
        if self._told:
            if found and not plan.thousands and all(map(is_open, found)):
                raise Overturned(replace(plan, thousands=other))  # 1.234 among 12,5 has no decimals
            self._against += found
            return
        self._count.take(found)
        self._count.take(_broken(block, cells, plan))
        vote = self._count.vote
        if vote == other:
            raise Overturned(replace(plan, decimal=other, thousands=plan.decimal, marks_told=True))
        self._told = vote == plan.decimal

    def end(self, plan: Plan) -> None:
        """All is read. OpenQuestion where numbers contradict each other, or may be meant either way."""
        if not self._asked:
            return
        marks = self._count.marks(commas_part=plan.delimiter == ",")
        if self._told and len(self._against) >= max(_LEAST, _SHARE * self._rows):
            marks = replace(marks, decimal=plan.decimal, against=self._against[0])
        elif self._told or marks.decimal is not None:
            return
        raise OpenQuestion(doubted(marks, plan.path.name), plan.path, plan.sheet)


def _no_numbers(cells: Cells, plan: Plan) -> Iterator[str]:
    """Cells of columns of numbers that are none, and those of columns without any number so far."""
    for reject in cells.rejected_values:
        yield reject.content
    for position, column in enumerate(plan.columns):
        if column.role.role == "doubtful" and position in cells.texts:
            for text in np.unique(cells.texts[position][:: max(1, len(cells.lines) // _LOOKED_AT)]).tolist():
                yield text.decode("utf-8", "replace")


def _broken(block: Block, cells: Cells, plan: Plan) -> list[str]:
    """How numbers are written that have decimals, or four digits and more."""
    positions = [i for i, c in enumerate(plan.columns) if c.role.role in NUMBERS and i in cells.numbers]
    wanted: set[int] = set()
    for position in positions:
        values = cells.numbers[position]
        telling = np.isfinite(values) & ((values != np.rint(values)) | (np.abs(values) >= 1000))
        wanted |= set(cells.lines[np.flatnonzero(telling)[:_LOOKED_AT]].tolist())
    found: list[str] = []
    try:
        for line, row in block.rows(plan.delimiter) if wanted else ():
            if line in wanted:
                found += [row[position] for position in positions if position < len(row)]
            if len(found) >= _LOOKED_AT:
                break
    except NoRow:
        pass  # said by those who read the cells
    return found
