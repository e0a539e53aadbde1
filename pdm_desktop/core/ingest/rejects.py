"""The rejects file: what did not come in, where it stood and why. Opens in a spreadsheet; its rows carry the file's own
columns, so that it can be mended there and imported again."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from pdm_desktop.core.errors import WorkspaceError
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.results import RejectedCell

REJECTS_HEADER = ("file", "line", "column", "content", "reason")
"""The first columns of a rejects file; those of the file it came from follow."""
LISTED = 50
"""Rejects that a report lists; their file has them all."""
_SHOWN = 200  # characters of a cell that a report shows
_LONGEST = 2_000  # characters of a cell that are kept
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Reject(NamedTuple):
    """One row or value that did not come in. column: empty where the whole row is meant; cells: the row's."""

    line: int
    column: str
    content: str
    reason: str
    cells: tuple[str, ...] = ()


class Rejects:
    """Collects rejects; writes `<stem>-rejects.csv` into `folder` (None: nowhere) once the first one comes."""

    def __init__(self, source: Path, header: Sequence[str], folder: Path | None, label: str = "") -> None:
        """label: what the file is called in each line; "": its name."""
        self._source = source
        self._label = label or source.name
        own = tuple(header[: len(REJECTS_HEADER)]) == REJECTS_HEADER
        self._skip = len(REJECTS_HEADER) if own else 0
        self._header = header[self._skip :]
        self._folder = folder
        self._file: TextIO | None = None
        self.path: Path | None = None
        self.first: Reject | None = None
        self.reasons: Counter[str] = Counter()
        self.listed: list[Reject] = []
        """The first ones."""

    def add(self, rejects: Iterable[Reject]) -> None:
        """Keep these, in their order."""
        rejects = list(rejects)
        if not rejects:
            return
        if self.first is None:
            self.first = rejects[0]
        self.reasons.update(reject.reason for reject in rejects)
        self.listed += rejects[: LISTED - len(self.listed)]
        if self._folder is None:
            return
        try:
            if self._file is None:
                self._file = self._open(self._folder)
            csv.writer(self._file, lineterminator="\r\n").writerows(self._row(reject) for reject in rejects)
        except OSError as exc:
            raise WorkspaceError(
                f"The rejects file cannot be written: {exc.strerror}.", "Check the disk.", str(self._folder)
            ) from exc

    def told(self) -> tuple[RejectedCell, ...]:
        """The first ones as a report lists them, in the file's order."""
        found = (RejectedCell(r.line, r.column, r.content[:_SHOWN], r.reason) for r in self.listed)
        return tuple(sorted(found))

    def close(self, *, keep: bool) -> None:
        """Close the file; remove it unless `keep`."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as exc:  # the disk may only now be found full
                if self.path is not None:
                    self.path.unlink(missing_ok=True)
                raise WorkspaceError(
                    f"The rejects file cannot be written: {exc.strerror}.", "Check the disk.", str(self._folder)
                ) from exc
        if not keep and self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    def _row(self, reject: Reject) -> list[object]:
        cells = reject.cells[self._skip :]
        said = (reject.column, reject.content, reject.reason)
        return [safe(self._label), reject.line, *map(safe, said), *map(safe, cells)]

    def _open(self, folder: Path) -> TextIO:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            stem = self._source.name.split(".")[0] or "file"
            self.path = folder / f"{stem}-rejects{f'-{number}' if number > 1 else ''}.csv"
            try:
                file = self.path.open("x", encoding="utf-8-sig", newline="")
            except FileExistsError:
                number += 1
                continue
            header = [*REJECTS_HEADER, *map(safe, self._header)]
            csv.writer(file, lineterminator="\r\n").writerow(header)
            return file


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula; numbers stay numbers."""
    text = text[:_LONGEST]
    # A mark that the text has of its own gets another before it: one is taken off again when the file is mended.
    return "'" + text if text.lstrip("'").startswith(_FORMULA) and number_of(text, ",", ".") is None else text
