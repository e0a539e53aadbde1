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
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pdm_desktop.core import workbook_reader
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.archive import archive_of, reading

MOST_BYTES = 1024 * 1024 * 1024
"""Largest unpacked workbook."""
_HEAD_ROWS = 400
_HINT = "Save it again as .xlsx or CSV."
Row = list[str]


def sheets(path: Path) -> tuple[str, ...]:
    """The names of a workbook's sheets that hold cells."""
    _check(path)
    names = tuple(json.loads(b"".join(_read(path))))
    if not names:
        raise PdmError("The workbook has no sheet.", _HINT, path.name)
    return names


def head(path: Path, packed: str, sheet: str | None) -> list[Row]:
    """The first rows, as text."""
    if packed == "parquet":
        return list(islice(_parquet(path), _HEAD_ROWS))
    text = b"".join(_read(path, sheet or sheets(path)[0], str(_HEAD_ROWS))).decode("utf-8")
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as exc:
        raise PdmError(f"The workbook cannot be read ({exc}).", _HINT, path.name) from exc


def text(path: Path, packed: str, sheet: str | None, size: int) -> Iterator[bytes]:
    """All rows of a sheet as CSV in UTF-8, about `size` bytes at a time, a line a row, from the sheet's first line."""
    if packed == "parquet":
        return as_text(_parquet(path), size)
    return _read(path, sheet or sheets(path)[0], "0", size=size)


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
