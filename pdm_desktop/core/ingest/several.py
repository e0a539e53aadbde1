"""Cells that name several components or codes: each is an event of its own, where all of them are known."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from pdm_desktop.core.ingest.cells import Ints
from pdm_desktop.core.ingest.tokens import normal

_BETWEEN = re.compile(r"\s*(?:[,;/+&|\n]|\s(?:and|und|et|y|e|en|och|og|i)\s)\s*")


class Several:
    """What came up in one file."""

    def __init__(self) -> None:
        self._split: dict[str, None] = {}
        self._doubtful: dict[str, list[str]] = {}

    def parts(self, names: Sequence[str], known: Collection[str]) -> list[list[str]]:
        """The names that each of the names stands for: itself, unless it lists others, all of which are known."""
        whole = {_parts(name)[0] for name in names if len(_parts(name)) == 1} | set(known)
        found = []
        for name in names:
            parts = _parts(name)
            if parts == [name.rstrip(" ,;")]:
                found.append(parts)  # the end of a list
                continue
            unknown = [part for part in parts if part not in whole]
            if len(parts) < 2 or name in known or len(unknown) == len(parts):
                found.append([name])
                continue
            if unknown:
                self._doubtful[name] = unknown
                found.append([name])
                continue
            self._split[name] = None
            found.append(list(dict.fromkeys(parts)))
        return found

    def notes(self, word: str) -> tuple[str, ...]:
        """What is to be told of them, in sentences."""
        found = []
        if self._split:
            found.append(f"Cells that name several {word}s count for each: {_some(list(self._split))}.")
        for name, unknown in list(self._doubtful.items())[:3]:
            found.append(f"{name} was taken for one {word}: {_some(unknown)} is not known. Is it several?")
        return tuple(found)


def spread(parts: Sequence[Sequence[str]], codes: Ints) -> tuple[Ints, list[str], Ints]:
    """(row of each event, their names, each event's code of these), for rows whose names stand for several."""
    names = list(dict.fromkeys(part for each in parts for part in each))
    place = {name: at for at, name in enumerate(names)}
    counts = np.array([len(each) for each in parts], np.int64)
    first = np.cumsum(counts) - counts
    flat = np.array([place[part] for each in parts for part in each], np.int64)
    of_row = counts[codes]
    rows = np.repeat(np.arange(len(codes)), of_row)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(of_row) - of_row, of_row)
    return rows, names, flat[first[codes[rows]] + within]


def _parts(name: str) -> list[str]:
    return [part for part in (normal(part) for part in _BETWEEN.split(name)) if part]


def _some(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:3]) + (" ..." if len(names) > 3 else "")
