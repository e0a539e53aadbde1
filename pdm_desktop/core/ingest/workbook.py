"""Sheets of workbooks, and Parquet files, as rows of text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pdm_desktop.core.errors import PdmError

MOST_BYTES = 1024 * 1024 * 1024
"""Largest unpacked workbook: it is read into memory, and takes about as much there."""
_HEAD_ROWS = 400
Row = list[str]


def sheets(path: Path) -> tuple[str, ...]:
    """The names of a workbook's sheets that hold cells."""
    book = _open(path)
    try:
        names = tuple(book.sheet_names)
    finally:
        book.close()
    if not names:
        raise PdmError("The workbook has no sheet.", "Save it again as .xlsx or CSV.", path.name)
    return names


def head(path: Path, packed: str, sheet: str | None) -> list[Row]:
    """The first rows, as text."""
    return list(islice(rows(path, packed, sheet), _HEAD_ROWS))


def rows(path: Path, packed: str, sheet: str | None) -> Iterator[Row]:
    """All rows of a sheet as text, from its first line, each as wide as the widest."""
    if packed == "parquet":
        yield from _parquet(path)
        return
    from python_calamine import CalamineError

    book = _open(path)
    try:
        page = book.get_sheet_by_name(sheet or book.sheet_names[0])
        for row in page.iter_rows():
            yield [_text(cell) for cell in row]
    except CalamineError as exc:
        raise PdmError(f"The workbook cannot be read ({exc}).", "Save it again as .xlsx or CSV.", path.name) from exc
    finally:
        book.close()


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


def _open(path: Path) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                total = sum(info.file_size for info in archive.infolist())
            if total > MOST_BYTES:
                raise PdmError(
                    f"The workbook unpacks to {total / 1e9:.1f} GB, more than is read at once.",
                    "Export it as CSV, which may have any size.",
                    path.name,
                )
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as exc:
        raise PdmError("The workbook is locked by a password.", "Save it without one.", path.name) from exc
    except (CalamineError, zipfile.BadZipFile, OSError) as exc:
        raise PdmError(f"The workbook cannot be read ({exc}).", "Save it again as .xlsx or CSV.", path.name) from exc


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, str):
        return " ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):  # a time of day, in some workbooks
        return (dt.datetime(1900, 1, 1, tzinfo=dt.UTC) + cell).time().isoformat()
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(cell)


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
                    yield [_text(cell) for cell in row]
    except (OSError, ValueError) as exc:  # pyarrow's own errors are among these
        raise PdmError(f"The Parquet file cannot be read ({exc}).", "Export it again.", path.name) from exc
