"""The rejects file: what did not come in, where it stood and why; opens in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple, TextIO

from pdm_desktop.core.errors import PdmError

_LONGEST = 2_000  # characters of a line that are kept


class Reject(NamedTuple):
    """One row or value that did not come in. column: empty where the whole row is meant."""

    line: int
    column: str
    content: str
    reason: str


class Rejects:
    """Collects rejects; writes `<stem>-rejects.csv` into `folder` (None: nowhere) once the first one comes."""

    def __init__(self, source: Path, folder: Path | None) -> None:
        self._source = source
        self._folder = folder
        self._file: TextIO | None = None
        self.path: Path | None = None
        self.first: Reject | None = None

    def add(self, rejects: list[Reject]) -> None:
        """Keep these, in their order."""
        if not rejects:
            return
        if self.first is None:
            self.first = rejects[0]
        if self._folder is None:
            return
        try:
            if self._file is None:
                self._file = self._open(self._folder)
            rows = ((self._source.name, r.line, r.column, _safe(r.content), r.reason) for r in rejects)
            csv.writer(self._file, lineterminator="\r\n").writerows(rows)
        except OSError as exc:
            raise PdmError(
                f"The rejects file cannot be written: {exc.strerror}.", "Check the disk.", str(self._folder)
            ) from exc

    def close(self, *, keep: bool) -> None:
        """Close the file; remove it unless `keep`."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not keep and self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    def _open(self, folder: Path) -> TextIO:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            self.path = folder / f"{self._source.stem}-rejects{f'-{number}' if number > 1 else ''}.csv"
            try:
                file = self.path.open("x", encoding="utf-8-sig", newline="")
            except FileExistsError:
                number += 1
                continue
            csv.writer(file, lineterminator="\r\n").writerow(["file", "line", "column", "content", "reason"])
            return file


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = text[:_LONGEST]
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
