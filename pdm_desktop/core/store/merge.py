"""The arithmetic of merging by cell, apart from any database: what each incoming row does to what is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.store.bulk import Floats, Ints

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Incoming rows sorted by key, equal keys in file order. start: first row of each key (G,)."""

    keys: tuple[Ints, ...]
    cells: Floats  # (C, n)
    lines: Ints  # (n,), or (C, n) where each cell has a line of its own
    start: Ints
    group: Ints  # (n,) which key each row has

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.keys[0])

    @property
    def groups(self) -> int:
        """How many different keys."""
        return len(self.start)

    def group_keys(self) -> tuple[Ints, ...]:
        """The different keys, (G,) a key column."""
        return tuple(key[self.start] for key in self.keys)


def sort_rows(keys: tuple[Ints, ...], cells: Floats, lines: Ints) -> Rows:
    """Bring rows into key order; nearly free when they are."""
    count = len(keys[0])
    if count > 1 and not _ascending(keys):
        order = np.lexsort(tuple(reversed(keys)))
        keys = tuple(key[order] for key in keys)
        cells, lines = cells[:, order], lines[..., order]
    fresh = np.ones(count, np.bool_)
    if count > 1:
        fresh[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return Rows(keys, cells, lines, np.flatnonzero(fresh).astype(np.int64), np.cumsum(fresh) - 1)


def _ascending(keys: tuple[Ints, ...]) -> bool:
    equal = np.ones(len(keys[0]) - 1, np.bool_)
    for key in keys:
        step = np.diff(key)
        if bool((equal & (step < 0)).any()):
            return False
        equal &= step == 0
    return True


@dataclass(frozen=True)
class Merged:
    """What came of merging. Row flags are (n,) in the order of Rows; cells are (C, G)."""

    accepted: Flags
    unchanged: Flags
    duplicate: Flags
    conflict: Flags
    final: Floats
    """Every key's cells afterwards."""
    brought: Floats
    """What this file alone says of every key."""
    new_values: int
    conflict_cells: npt.NDArray[np.intp]
    """(2, k): cell and row of every conflict."""
    conflict_old: Floats


def merge(rows: Rows, existing: Floats, present: Flags, seen: Flags) -> Merged:
    """Merge rows into what is there, one after the other.

    existing: (C, G) cells of each key, NaN where empty; present: (G,) whether a row of that key exists; seen: (G,)
    whether this same file brought the key before. An empty cell never overwrites; a different value is a conflict
    and wins; a row that brings nothing is a duplicate when the file had its key before, else unchanged.
    """
    # Each key's existing cells stand before its rows as row zero; then every row's predecessor holds the state before.
    place = np.arange(rows.count) + rows.group + 1
    head = rows.start + np.arange(rows.groups)
    tail = place[np.append(rows.start[1:], rows.count) - 1]
    stacked = np.full((rows.cells.shape[0], rows.count + rows.groups), np.nan)
    stacked[:, place] = rows.cells
    brought = rows.cells if rows.groups == rows.count else _carried(stacked, head)[:, tail]
    stacked[:, head] = existing
    state = _carried(stacked, head)
    before = state[:, place - 1]
    given = ~np.isnan(rows.cells)
    empty = np.isnan(before)
    differs = given & ~empty & (rows.cells != before)
    fills = given & empty
    first = np.zeros(rows.count, np.bool_)
    first[rows.start] = True
    conflict = differs.any(axis=0)
    accepted = ~conflict & (fills.any(axis=0) | (first & ~present[rows.group]))
    idle = ~conflict & ~accepted
    unchanged = idle & first & ~seen[rows.group]
    return Merged(
        accepted,
        unchanged,
        idle & ~unchanged,
        conflict,
        state[:, tail],
        brought,
        int(fills.sum() + differs.sum()),
        np.array(np.nonzero(differs)),
        before[differs],
    )


def _carried(stacked: Floats, head: Ints) -> Floats:
    """Each cell, where it is empty, as the nearest one before it of the same key says; head: each key's row zero."""
    width = stacked.shape[1]
    start = np.repeat(head, np.diff(np.append(head, width)))
    index = np.where(np.isnan(stacked), start, np.arange(width))
    np.maximum.accumulate(index, axis=1, out=index)
    return np.take_along_axis(stacked, index, axis=1)
