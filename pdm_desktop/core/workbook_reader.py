"""Reads a workbook in a process of its own: `workbook_reader.py FILE`, or `workbook_reader.py FILE SHEET MOST_ROWS`.

The library that reads workbooks takes the memory a sheet claims to need. A few bytes can claim hundreds of gigabytes;
then the library ends its process, which must not be the program's. What this one may take is limited. The sheets'
names go to stdout as JSON, or a sheet's rows as CSV in UTF-8, a line a row; what is wrong with the file to stderr.
Nothing of the program is imported here, so that starting takes a moment.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO

ARGUMENT = "--read-workbook"
"""What makes the packed program, which has no interpreter beside it, run this."""
MOST_BYTES = 1_500_000_000
"""Memory the process may take: about 14 million cells."""
_MOST_SECONDS = 300
BAD_FILE, LOCKED = 3, 4
"""Exit codes; any other but 0 means that the reader came to grief over the file."""


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
                out.write(json.dumps(book.sheet_names).encode())
                return 0
            sheet, most = wanted
            _write(islice(book.get_sheet_by_name(sheet).iter_rows(), int(most) or None), out)
        except calamine.PasswordError:
            return LOCKED
        except (calamine.CalamineError, OSError, ValueError) as exc:
            said.write(str(exc).encode("utf-8", "replace"))
            return BAD_FILE
    return 0


def _write(rows: Iterable[list[Any]], out: BinaryIO) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        cells = [text(cell) for cell in row]
        # A blank row stays a line of its own, so that line numbers are the sheet's.
        writer.writerow(cells if any(cells) else [])
        if buffer.tell() >= 1 << 20:
            out.write(buffer.getvalue().encode("utf-8", "replace"))
            buffer.seek(0)
            buffer.truncate()
    out.write(buffer.getvalue().encode("utf-8", "replace"))


def text(cell: Any) -> str:
    """A cell as text of one line."""
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
