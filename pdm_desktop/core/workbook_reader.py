"""Reads a workbook in a process of its own: `workbook_reader.py FILE`, `... FILE look SHEET...` or
`... FILE read SHEET MARK COLUMNS`: MARK is the decimal mark that numbers are to be written with, in the columns that
hold readings, as 0,3,4.

The library that reads workbooks takes the memory a sheet claims to need. A few bytes can claim hundreds of gigabytes;
then the library ends its process, which must not be the program's. What this one may take is limited. The sheets'
names go to stdout as JSON, or what sheets look like, or a sheet's rows as CSV in UTF-8, a line a row; what is wrong
with the file to stderr. Nothing of the program is imported here, so that starting takes a moment.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import sys
import zipfile
from collections.abc import Container, Iterable, Iterator, Set
from typing import Any, BinaryIO
from xml.etree import ElementTree

ARGUMENT = "--read-workbook"
"""What makes the packed program, which has no interpreter beside it, run this."""
MOST_BYTES = 1_500_000_000
"""Memory the process may take: about 14 million cells."""
_MOST_SECONDS = 300
BAD_FILE, LOCKED = 3, 4
"""Exit codes; any other but 0 means that the reader came to grief over the file."""
_HEAD, _OTHERS, _TEXTS = 400, 300, 100_000  # rows and texts that are told of a sheet
_LONGEST = 1_000  # letters of a cell that are told
_TITLES = 3  # texts of a column without anything else: a title, a name, a unit
_LIKE_NUMBER = re.compile(r"[-+(\u2212]?\d[\d.,'\u00a0\u202f ]*[-)]?")
_LIKE_DATE = re.compile(r"\s*(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}\b")
_PART = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MOST_PART = 4_000_000  # bytes looked at of a part beside the cells themselves


def main(arguments: list[str]) -> int:
    """Read the file; returns the exit code."""
    import python_calamine as calamine

    limit()
    path, *wanted = arguments
    # Not sys.stdout: a program without a console has none, but what it was given to write to all the same.
    with open(1, "wb", closefd=False) as out, open(2, "wb", closefd=False) as said:
        try:
            book = calamine.CalamineWorkbook.from_path(path)
            if not wanted:
                told = [
                    (sheet.name, sheet.visible == calamine.SheetVisibleEnum.Visible) for sheet in book.sheets_metadata
                ]
                out.write(json.dumps({"sheets": told, "since_1904": _since_1904(path)}).encode())
            elif wanted[0] == "look":
                looks = [_look(book.get_sheet_by_name(name), path) for name in wanted[1:]]
                out.write(json.dumps(looks).encode())
            else:
                _, name, mark, columns = wanted
                readings = [int(at) for at in columns.split(",") if at]
                _write(_rows(book.get_sheet_by_name(name), readings), readings, mark, out)
        except calamine.PasswordError:
            return LOCKED
        except (calamine.CalamineError, OSError, ValueError, zipfile.BadZipFile) as exc:
            said.write(str(exc).encode("utf-8", "replace"))
            return BAD_FILE
    return 0


def _rows(sheet: Any, readings: Container[int] = ()) -> Iterator[list[Any]]:
    """The rows of a sheet; a cell merged over several rows stands in each of them, but not one of a reading: it was
    taken once."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for (top, column), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top and column not in readings:
            merged.setdefault(top, []).append((column, bottom))
    if not merged:
        yield from sheet.iter_rows()
        return
    held: dict[int, tuple[int, Any]] = {}
    for at, row in enumerate(sheet.iter_rows()):
        for column, (bottom, cell) in list(held.items()):
            if at > bottom:
                del held[column]
            elif column < len(row) and row[column] == "":
                row[column] = cell
        for column, bottom in merged.get(at, ()):
            if column < len(row):
                held[column] = (bottom, row[column])
        yield row


def _write(rows: Iterable[list[Any]], readings: list[int], mark: str, out: BinaryIO) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        cells = [text(cell) for cell in row]
        for at in readings if mark != "." else ():
            if at < len(row) and isinstance(row[at], float):
                cells[at] = cells[at].replace(".", mark)
        # A blank row stays a line of its own, so that line numbers are the sheet's.
        writer.writerow(cells if any(cells) else [])
        if buffer.tell() >= 1 << 20:
            out.write(buffer.getvalue().encode("utf-8", "replace"))
            buffer.seek(0)
            buffer.truncate()
    out.write(buffer.getvalue().encode("utf-8", "replace"))


def _look(sheet: Any, path: str) -> dict[str, Any]:
    """What a sheet looks like: its first rows and some of the others, numbers as [text]; by column the texts that look
    like numbers, and of dates how many are cells and texts with the day up to the 12th and after it; the columns that
    hold nothing but formulas without results; whether cells were merged over several rows."""
    head: list[list[Any]] = []
    others: list[list[Any]] = []
    texts: dict[int, list[str]] = {}
    dates: dict[int, list[int]] = {}
    words: dict[int, int] = {}
    told = 0
    filled: set[int] = set()
    step = max(1, (sheet.total_height - _HEAD) // min(_OTHERS, 300_000 // max(1, sheet.total_width)))
    for at, row in enumerate(_rows(sheet)):
        if at < _HEAD or at % step == 0:
            shown = [[text(cell)] if isinstance(cell, float) else text(cell)[:_LONGEST] for cell in row]
            (head if at < _HEAD else others).append(shown)
        for column, cell in enumerate(row):
            kind = type(cell)
            if kind is float or cell == "":
                continue
            if kind is str:
                if _LIKE_NUMBER.fullmatch(cell.strip()):
                    told += 1
                    if told <= _TEXTS:
                        texts.setdefault(column, []).append(cell)
                elif (date := _LIKE_DATE.match(cell)) is not None:
                    late = max(int(date[1]), int(date[2])) > 12
                    dates.setdefault(column, [0, 0, 0, 0])[2 + late] += 1
            elif kind is dt.datetime or kind is dt.date:
                dates.setdefault(column, [0, 0, 0, 0])[cell.day > 12] += 1
        if len(filled) < len(row):
            for column, cell in enumerate(row):
                if cell != "" and column not in filled:
                    words[column] = words.get(column, 0) + 1
                    if not isinstance(cell, str) or words[column] > _TITLES:
                        filled.add(column)
    empty = words.keys() - filled
    return {
        "head": head,
        "others": others,
        "texts": list(texts.items()),
        "dates": list(dates.items()),
        "formulas": _formulas(path, sheet.name, empty) if empty else [],
        "merged": any(bottom > top for (top, _), (bottom, _) in sheet.merged_cell_ranges or ()),
    }


def _since_1904(path: str) -> bool:
    """Whether the days of the workbook count from 1904."""
    return (
        re.search(rb"<(?:\w+:)?workbookPr[^>]*\sdate1904=[\"'](?:1|true)", _part(path, "xl/workbook.xml")) is not None
    )


def _formulas(path: str, sheet: str, columns: Set[int]) -> list[int]:
    """Which of the columns hold formulas."""
    try:
        book = ElementTree.fromstring(_part(path, "xl/workbook.xml"))
        links = ElementTree.fromstring(_part(path, "xl/_rels/workbook.xml.rels"))
    except ElementTree.ParseError:
        return []
    part = next(
        (each.get(_PART) for each in book.iter() if each.tag.endswith("}sheet") and each.get("name") == sheet), ""
    )
    target = next((each.get("Target", "") for each in links if each.get("Id") == part), "")
    cells = _part(path, target.lstrip("/") if target.startswith("/") else f"xl/{target}")
    found = {name.decode() for name in re.findall(rb'<c r="([A-Z]+)\d+"[^>]*><f[ >]', cells)}
    return sorted(column for column in columns if _letters(column) in found)


def _letters(column: int) -> str:
    """What a spreadsheet calls a column, from 0."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _part(path: str, name: str) -> bytes:
    """The beginning of a part of a workbook; nothing where there is none."""
    if not zipfile.is_zipfile(path):
        return b""
    with zipfile.ZipFile(path) as book:
        if name not in book.namelist():
            return b""
        with book.open(name) as part:
            return part.read(_MOST_PART)


def text(cell: Any) -> str:
    """A cell as text of one line."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, str):
        return " ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):  # a time of day in some workbooks, 24:00 among them, or how long something took
        minutes, seconds = divmod(abs(cell) // dt.timedelta(milliseconds=1) / 1000, 60)
        sign = "-" if cell < dt.timedelta(0) else ""
        return f"{sign}{int(minutes // 60):02}:{int(minutes % 60):02}:{seconds:06.3f}".removesuffix(".000")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(cell)


def limit() -> None:
    """Limit what this process may take of memory and time."""
    if sys.platform == "win32":
        _limit_on_windows()
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, MOST_BYTES),
        (resource.RLIMIT_CPU, _MOST_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _limit_on_windows() -> None:
    """A job object for this process alone. JOBOBJECT_EXTENDED_LIMIT_INFORMATION on 64 bits: its flags stand at byte 16,
    ProcessMemoryLimit at 112 of 144."""
    import ctypes
    import struct

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = ctypes.c_void_p
    information = bytearray(144)
    struct.pack_into("<I", information, 16, 0x100)  # JOB_OBJECT_LIMIT_PROCESS_MEMORY
    struct.pack_into("<Q", information, 112, MOST_BYTES)
    job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
    given = (ctypes.c_char * len(information)).from_buffer(information)
    done = kernel.SetInformationJobObject(job, 9, given, len(information))
    if not done or not kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess())):
        raise OSError("The memory of the reading process cannot be limited.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
