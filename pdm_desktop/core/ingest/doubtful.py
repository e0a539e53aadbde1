"""Columns without a number so far: a sensor that has not started yet, or a remark that is none."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core.ingest.cells import Floats, Ints, Texts, factorise
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.tokens import is_missing, number_of
from pdm_desktop.core.plans import Plan

_KEPT = 10_000  # texts of one column that are remembered, in case it turns out to be a sensor


class Doubtful:
    """What the doubtful columns held, counted only once they are known to be sensors."""

    def __init__(self) -> None:
        self._rejects: dict[int, list[Reject]] = {}
        self._texts: dict[int, int] = {}
        self._missing: dict[int, int] = {}

    def values(self, position: int, plan: Plan, texts: Texts, lines: Ints) -> Floats | None:
        """The column's numbers once it has some; None as long as it has none."""
        name = plan.columns[position].name
        codes, different = factorise(texts)
        numbers = [number_of(text, plan.decimal, plan.thousands) for text in different]
        missing = np.array([is_missing(text) for text in different], np.bool_)
        text = np.array([number is None for number in numbers], np.bool_) & ~missing
        kept = self._rejects.setdefault(position, [])
        for row in np.flatnonzero(text[codes])[: _KEPT - len(kept)].tolist() if len(kept) < _KEPT else ():
            kept.append(Reject(int(lines[row]), name, different[codes[row]], "not a number"))
        self._texts[position] = self._texts.get(position, 0) + int(text[codes].sum())
        self._missing[position] = self._missing.get(position, 0) + int(missing[codes].sum())
        if all(number is None for number in numbers):
            return None
        return np.array([np.nan if number is None else number for number in numbers])[codes]

    def settle(self, position: int) -> tuple[list[Reject], int, int]:
        """The column is a sensor: (rejects, rejected values, missing cells) up to now."""
        return self._rejects.pop(position), self._texts.pop(position), self._missing.pop(position)
