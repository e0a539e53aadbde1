"""Failures out of a status column: each change into the value that means failure is one."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.cells import Ints, Texts, factorise
from pdm_desktop.core.ingest.tokens import is_missing

MOST_CHANGES = 2_000_000
_Run = tuple[int, int, bool, int]
"""(first time, last time, whether failed, line) of rows of one state that follow each other."""


class StatusChanges:
    """Collects, per machine, runs of rows with and without the failure value; memory grows with their number only."""

    def __init__(self, value: str) -> None:
        self._value = value.strip().casefold()
        self._runs: dict[str, list[_Run]] = {}
        self._changes = 0
        self.seen = False
        """Whether the value occurred at all."""

    def take(self, machines: list[str], codes: Ints, times: Ints, texts: Texts, lines: Ints) -> None:
        """Rows of a block: machine machines[codes[i]], time (ms UTC), status text."""
        status, different = factorise(texts)
        failed = np.array([text.casefold() == self._value for text in different], np.bool_)[status]
        known = np.array([not is_missing(text) or text.casefold() == self._value for text in different], np.bool_)[
            status
        ]
        self.seen |= bool(failed.any())
        order = np.lexsort((times, codes))
        order = order[known[order]]
        if not len(order):
            return
        codes, times, failed, lines = codes[order], times[order], failed[order], lines[order]
        fresh = np.ones(len(order), np.bool_)
        fresh[1:] = (codes[1:] != codes[:-1]) | (failed[1:] != failed[:-1])
        heads = np.flatnonzero(fresh)
        ends = np.append(heads[1:], len(order)) - 1
        for head, end in zip(heads.tolist(), ends.tolist(), strict=True):
            run = (int(times[head]), int(times[end]), bool(failed[head]), int(lines[head]))
            self._runs.setdefault(machines[int(codes[head])], []).append(run)
        self._changes += len(heads)
        if self._changes > MOST_CHANGES:
            raise PdmError(
                f"The status changes more than {MOST_CHANGES:,} times.", "Look whether its column is the right one."
            )

    def failures(self) -> list[tuple[str, int, int]]:
        """(machine, time, line) of every change into the value. A file that begins with it tells of no change."""
        found = []
        for machine, runs in self._runs.items():
            runs.sort()
            before: bool | None = None
            for first, _, failed, line in runs:
                if failed and before is False:
                    found.append((machine, first, line))
                before = failed
        return found
