"""Sheets of workbooks, and Parquet files, as rows of text."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pdm_desktop.core import workbook_reader
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.archive import archive_of, reading

MOST_BYTES = 1024 * 1024 * 1024
"""Largest unpacked workbook."""
_HEAD_ROWS = 400
_MOST_SHEETS = 100  # that are looked at
_HINT = "Save it again as .xlsx or CSV."
Row = list[str]


class Dates(NamedTuple):
    """How many dates of a column are cells, and how many texts, with a day up to the 12th and after it (of a text: with
    a number above 12)."""

    early_cells: int
    late_cells: int
    open_texts: int
    late_texts: int

    @property
    def turned(self) -> bool:
        """Whether a spreadsheet took the day for the month wherever it could, and left the other dates texts."""
        return bool(self.early_cells and self.late_texts) and not (self.late_cells or self.open_texts)


@dataclass(frozen=True)
class Look:
    """What a sheet looks like. texts: by column those that look like numbers, which alone tell its decimal mark;
    formulas: columns of nothing but formulas without results; merged: whether cells were merged over several rows."""

    head: list[list[str | list[str]]]
    others: list[list[str | list[str]]]
    texts: dict[int, list[str]]
    dates: dict[int, Dates]
    formulas: frozenset[int]
    merged: bool

    def rows(self, decimal: str = ".") -> list[Row]:
        """The first rows as text, the numbers with that decimal mark."""
        return _with_mark(self.head, decimal)

    def others_of(self, width: int, decimal: str) -> list[Row]:
        """Some of the other rows, as wide as the table."""
        return [[*row, *[""] * (width - len(row))][:width] for row in _with_mark(self.others, decimal) if any(row)]


@dataclass(frozen=True, eq=False)
class Book:
    """A workbook's sheets, those that can be seen first, and what each of the first looks like."""

    sheets: tuple[str, ...]
    hidden: frozenset[str]
    since_1904: bool
    looks: Mapping[str, Look]


def book(path: Path) -> Book:
    """What a workbook holds."""
    with reading(path):
        about = path.stat()
    return _book(path.absolute(), about.st_mtime_ns, about.st_size)


@lru_cache(4)  # what the wizard asks for again and again
def _book(path: Path, _changed: int, _size: int) -> Book:
    _check(path)
    found = json.loads(b"".join(_read(path)))
    names = sorted((name for name, _ in found["sheets"]), key=lambda name: not dict(found["sheets"])[name])
    if not names:
        raise PdmError("The workbook has no sheet.", _HINT, path.name)
    hidden = frozenset(name for name, visible in found["sheets"] if not visible)
    return Book(tuple(names), hidden, found["since_1904"], _looks(path, names[:_MOST_SHEETS]))


def look(path: Path, found: Book, sheet: str) -> Look:
    """What one of its sheets looks like."""
    if sheet not in found.looks:
        return _looks(path, [sheet])[sheet]
    return found.looks[sheet]


def _looks(path: Path, names: Sequence[str]) -> dict[str, Look]:
    found = json.loads(b"".join(_read(path, "look", *names)))
    return {
        name: Look(
            look["head"],
            look["others"],
            dict(look["texts"]),
            {column: Dates(*counts) for column, counts in look["dates"]},
            frozenset(look["formulas"]),
            look["merged"],
        )
        for name, look in zip(names, found, strict=True)
    }


def _with_mark(rows: Sequence[Sequence[str | list[str]]], decimal: str) -> list[Row]:
    return [[cell if isinstance(cell, str) else cell[0].replace(".", decimal) for cell in row] for row in rows]


def head(path: Path) -> list[Row]:
    """The first rows of a Parquet file, as text."""
    return list(islice(_parquet(path), _HEAD_ROWS))


def text(
    path: Path, packed: str, sheet: str | None, size: int, readings: Sequence[int] = (), decimal: str = "."
) -> Iterator[bytes]:
    """All rows of a sheet as CSV in UTF-8, about `size` bytes at a time, a line a row, from the sheet's first line.
    readings: columns whose numbers are written with that decimal mark, as the texts among them have it."""
    if packed == "parquet":
        return as_text(_parquet(path), size)
    return _read(path, "read", sheet or book(path).sheets[0], decimal, ",".join(map(str, readings)), size=size)


def as_text(table: Iterator[Row], size: int) -> Iterator[bytes]:
    """Rows as CSV in UTF-8, about `size` bytes at a time, a line a row."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in table:
        # A blank row stays a line of its own, so that line numbers are the sheet's.
        writer.writerow(row if any(row) else [])
        if buffer.tell() >= size:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode("utf-8", "replace")


def _check(path: Path) -> None:
    with reading(path):
        if not zipfile.is_zipfile(path):
            return  # an old one
    with archive_of(path) as book:
        total = sum(info.file_size for info in book.infolist())
    if total > MOST_BYTES:
        raise PdmError(
            f"The workbook unpacks to {total / 1e9:.1f} GB, more than is read at once.",
            "Export it as CSV, which may have any size.",
            path.name,
        )


def _read(path: Path, *wanted: str, size: int = 1 << 20) -> Iterator[bytes]:
    """What `workbook_reader` writes of the file, in a process of its own."""
    if getattr(sys, "frozen", False):
        command = [sys.executable, workbook_reader.ARGUMENT]
    else:
        command = [sys.executable, "-I", workbook_reader.__file__]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*command, str(path.absolute()), *wanted],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            env=os.environ | {"RUST_BACKTRACE": "0"},
        ) as reader,
    ):
        assert reader.stdout is not None
        try:
            while piece := reader.stdout.read(size):
                yield piece
            code = reader.wait()
        finally:
            if reader.poll() is None:
                reader.kill()  # nobody wants the rest
        said.seek(0)
        words = said.read(2_000).decode("utf-8", "replace")
    if code == workbook_reader.LOCKED:
        raise PdmError("The workbook is locked by a password.", "Save it without one.", path.name)
    if code == workbook_reader.BAD_FILE:
        raise PdmError(f"The workbook cannot be read ({words.strip()}).", _HINT, path.name)
    if code:
        raise PdmError(
            f"The workbook cannot be read, or not within {workbook_reader.MOST_BYTES / 1e9:.1f} GB of memory.",
            "Export it as CSV, which may have any size.",
            path.name,
        )


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as exc:
        raise PdmError(
            "Parquet files need a library that does not come with the program.",
            "Install pyarrow, or export the file as CSV.",
            path.name,
        ) from exc
    try:
        with parquet.ParquetFile(path) as file:
            yield list(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=10_000):
                columns = [column.to_pylist() for column in batch.columns]
                for row in zip(*columns, strict=True):
                    yield [workbook_reader.text(cell) for cell in row]
    except (OSError, ValueError) as exc:  # pyarrow's own errors are among these
        raise PdmError(f"The Parquet file cannot be read ({exc}).", "Export it again.", path.name) from exc
