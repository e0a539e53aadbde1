"""Errors, replacements and failures on their way into the record: which lines count, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pdm_desktop.core.ingest import alarm_states, several
from pdm_desktop.core.ingest.cells import Cells, Floats, Ints, factorise
from pdm_desktop.core.ingest.keys import Key
from pdm_desktop.core.ingest.names import Names
from pdm_desktop.core.ingest.several import Several
from pdm_desktop.core.plans import Plan

if TYPE_CHECKING:
    from pdm_desktop.core.store import BatchWriter


class Events:
    """Those of one file."""

    def __init__(self, plan: Plan, writer: BatchWriter) -> None:
        self._plan = plan
        self._writer = writer
        self._labels = Names(plan, "code" if plan.kind == "errors" else "component", writer)
        self._several = Several()
        self._state = plan.index("state")
        self.gone = 0
        """Lines of alarms that went, or were acknowledged."""

    def keep_what_came(self, cells: Cells, parts: list[Key]) -> None:
        """Leave out the lines that say of an alarm that it went, or was acknowledged."""
        if self._state is None or not len(cells.lines):
            return
        codes, words = factorise(cells.texts[self._state])
        came = alarm_states.came(words, self._plan.columns[self._state].role.name)[codes]
        self.gone += len(came) - int(came.sum())
        for part in parts:
            part.values = part.values[came]
        cells.keep(came)

    def write(self, machines: Key, times: Ints, labels: Key, known: Floats, lines: Ints) -> Ints:
        """Merge the events of the lines into the record. What counting the lines instead of the events makes of their
        numbers: unchanged, duplicates, accepted, conflicts more."""
        parts = self._several.parts(labels.names, self._labels.known())
        more = np.zeros(4, np.int64)
        if parts == [[name] for name in labels.names]:
            names = self._labels.settle(labels.names, labels.values)
            self._writer.events(machines.names, machines.values, times, names, labels.values, known, lines)
            return more
        row, names, codes = several.spread(parts, labels.values)
        names = self._labels.settle(names, codes)
        self._writer.by_line = []
        made = self._writer.events(
            machines.names, machines.values[row], times[row], names, codes, known[row], lines[row]
        )
        became = np.zeros(len(lines), np.int64)
        for at, states in self._writer.by_line:
            np.maximum.at(became, np.searchsorted(lines, at), states)
        self._writer.by_line = None
        more += np.bincount(became, minlength=4)
        more -= np.array([made.unchanged, made.duplicates, made.accepted, made.conflicts])
        return more

    def remember(self) -> None:
        """Keep in the plant which names are the same, for the files to come."""
        self._labels.remember()

    def notes(self) -> tuple[str, ...]:
        """What came up, in sentences."""
        found = [*self._labels.notes(), *self._several.notes(self._labels.word)]
        if self.gone and self._state is not None:
            found.append(alarm_states.note(self._plan.columns[self._state].name, self.gone))
        return tuple(found)
