"""A text as a table: delimiter, decimal and thousands marks, where the header stands, whether units stand below it."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.shapes import form, is_clock, shape_of
from pdm_desktop.core.ingest.tokens import is_missing, number_of
from pdm_desktop.core.ingest.units import is_unit, split_measured, unit_of

DELIMITERS = (",", ";", "\t", "|")
_ROWS = 200  # rows a delimiter is judged by
_Row = TypeVar("_Row")
_HEAD_CELLS = 1_500  # rows of the head whose cells are judged
_TIMES = 60  # cells that tell of a column without a name whether it has the times


@dataclass(frozen=True)
class Table:
    """The head of a file as rows. header_row 0: there is none; all lines count from 1."""

    delimiter: str
    rows: list[tuple[int, list[str]]]
    header_row: int
    units_row: int | None
    first_row: int
    header: list[str]
    units: list[str]
    data: list[list[str]] = field(default_factory=list)
    """Rows from the first one on that have the header's width."""
    misfit: tuple[int, int, int] | None = None
    """A line above the rows that names columns, but not as many as they have cells: line, names, cells."""


def read(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """(line, cells) of each row that is not blank; as far as it can be read."""
    # A carriage return alone ends no line here: line numbers are those of the blocks, and of editors.
    text = text.replace("\r\n", "\n").replace("\r", " ")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((before + 1, row))
            before = reader.line_num
    except csv.Error:
        return rows
    return rows


def is_time(text: str) -> bool:
    """Whether a text is a date, with or without a time."""
    text = text.strip()
    if text.isdecimal():  # 20150131, 20150131060000: only where month and day are such
        return len(text) in (8, 12, 14) and text[:2] in ("19", "20") and "01" <= text[4:6] <= "12" and text[6:8] <= "31"
    if text.count(".") == 1 and text.replace(".", "").isdecimal():
        return False  # a date has three parts
    return len(text) < 60 and any(char.isdigit() for char in text) and form(shape_of(text)) is not None


def is_time_of_day(text: str) -> bool:
    """Whether a text is a time of day alone, hours and minutes at least."""
    return len(text) < 20 and ":" in text and is_clock(shape_of(text))


def is_number(text: str) -> bool:
    """Whether a text is a number with either decimal mark."""
    return number_of(text) is not None or number_of(text, ",", ".") is not None or number_of(text, ".", ",") is not None


def is_measured(text: str) -> bool:
    """Whether a text is a number with a unit behind it."""
    split = split_measured(text)
    return split is not None and is_number(split[0])


def best_delimiter(text: str) -> str:
    """The delimiter under which the lines have alike many cells, and those make most sense."""
    lines = text.splitlines()
    told = lines[0].strip().strip('"') if lines else ""
    if told[:4].casefold() == "sep=" and len(told) == 5:
        return told[4]
    short = "\n".join(lines[: _ROWS + 40]) + "\n"
    return max(DELIMITERS, key=lambda delimiter: _sense(read(short, delimiter), delimiter))


def _sense(rows: list[tuple[int, list[str]]], delimiter: str) -> tuple[float, int]:
    """How much sense the rows make, and their width."""
    widths = Counter(len(row) for _, row in rows)
    if not rows:
        return 0.0, 0
    # The width most cells stand in; a one-cell preamble may have many lines.
    width = max(widths, key=lambda w: (widths[w] * (w > 1), w))
    if width < 2:
        return 0.0, 1
    alike = [row for _, row in rows if len(row) == width]
    cells = [cell.strip() for row in (alike[1:] or alike)[-60:] for cell in row]  # the first has names
    others = set(DELIMITERS) - {delimiter}
    sense = sum(_speaks(cell, others) for cell in cells) / len(cells)
    first = next(i for i, (_, row) in enumerate(rows) if len(row) == width)
    after = len(alike) / max(1, len(rows) - first)
    # Decimal commas part rows of data alike, but not their header.
    headless = first > 0 and _is_data(rows[first][1])
    return after * (0.3 + max(0.0, sense)) * (0.6 if headless else 1.0), width


def _speaks(cell: str, others: set[str]) -> float:
    """1 for a cell that is something, below 0 for one in which other delimiters stand."""
    if is_missing(cell) or is_time_of_day(cell) or is_time(cell) or is_number(cell) or is_measured(cell):
        return 1.0
    return -0.5 if others & set(cell) else 0.0


def table(text: str, delimiter: str, header_row: int | None, units_row: int | None) -> Table:
    """Find header, units and data; header_row, units_row: where the user said so (0 = none)."""
    rows = read(text, delimiter)
    if header_row is not None:
        at = next((i for i, (line, _) in enumerate(rows) if line >= max(1, header_row)), len(rows))
        if header_row == 0:
            return _made(delimiter, rows, None, None, _first_data(rows))
        units = at + 1 if units_row is None and at + 1 < len(rows) and _is_units(rows, at, at + 1) else None
        if units_row:
            units = _line_below(rows, at, units_row)
        return _made(delimiter, rows, at if at < len(rows) else None, units, (at if units is None else units) + 1)
    first = _first_data(rows)
    if _numbers_for_names(rows, first):
        units = first + 1 if units_row is None and _is_units(rows, first, first + 1) else None
        units = _line_below(rows, first, units_row) if units_row else units
        return _made(delimiter, rows, first, units, (first if units is None else units) + 1)
    width = _width(rows[first:]) if first < len(rows) else 0
    above = [i for i in range(first) if _could_head(rows[i][1], width)]
    # Names with a number among them are a header too, but a row of data never is.
    above = [i for i in above if not _is_data(rows[i][1])] or [
        i for i in above if not any(is_time(cell) for cell in rows[i][1]) and not all(map(is_number, rows[i][1]))
    ]
    if first >= len(rows):
        wide = max((len(row) for _, row in rows), default=0)
        above = [i for i in range(len(rows)) if len(rows[i][1]) == wide][:1]
        return _made(delimiter, rows, above[0] if above else None, None, above[0] + 1 if above else 0)
    if not above:
        return replace(_made(delimiter, rows, None, None, first), misfit=_misfit(rows, first, width))
    head = _named_most(rows, above)
    if head == above[-1] and len(above) > 1 and above[-2] == head - 1 and _is_units(rows, head - 1, head):
        head -= 1
    # Between the names and their units some exports have descriptions.
    below = [at for at in range(head + 1, first) if units_row != 0 and _is_units(rows, head, at)]
    units = below[0] if below else None
    if units_row:
        units = _line_below(rows, head, units_row)
    return _made(delimiter, rows, head, units, (head if units is None else units) + 1)


def sampled(rows: Sequence[_Row]) -> list[_Row]:
    """The first ones, and some of those below: a file may be sorted by machine or tag."""
    first = 2 * _HEAD_CELLS // 3
    below = rows[first:]
    return [*rows[:first], *below[:: max(1, -(-len(below) // (_HEAD_CELLS - first)))]]


def _misfit(rows: list[tuple[int, list[str]]], first: int, width: int) -> tuple[int, int, int] | None:
    for line, row in rows[max(0, first - 2) : first]:
        known = sum(bool(aliases.roles(cell.strip())) for cell in row if cell.strip())
        if known >= 2 and len(row) != width and not _is_data(row):
            return line, len(row), width
    return None


def refuse_misfit(table: Table, where: str) -> None:
    """PdmError where the header has another number of names than the rows have cells."""
    if table.misfit is not None:
        line, named, wide = table.misfit
        text = f"The header has {named} names and the rows have {wide} cells."
        hint = "Were numbers with decimal commas written with commas between them? Export with semicolons; where the"
        raise PdmError(text, f"{hint} line is no header, say --header-row 0.", f"{where}, line {line}")


def _numbers_for_names(rows: list[tuple[int, list[str]]], at: int) -> bool:
    """Whether a row is a header though it has numbers, such as a logger's channels: where all rows below have a time,
    or a number in what it calls the time, it has words."""
    if at >= len(rows):
        return False
    head = [cell.strip() for cell in rows[at][1]]
    below = [row for _, row in rows[at + 1 : at + 61] if len(row) == len(head)]
    below = below[1:] if len(below) > 2 and _is_units(rows, at, at + 1) else below
    for place, cell in enumerate(head):
        if not cell or is_missing(cell) or is_time(cell) or is_time_of_day(cell) or is_number(cell):
            continue
        clock = bool(aliases.roles(cell) & {"timestamp", "date", "time"})
        told = sum(is_time(row[place]) or (clock and is_number(row[place])) for row in below)
        if len(below) > 1 and told >= 0.9 * len(below):
            return True
    return False


def names(table: Table) -> list[str]:
    """Column names, each once; made up where there is no header."""
    if not table.header_row:
        return [f"column {i + 1}" for i in range(len(table.header))]
    found: dict[str, None] = {}
    counts: dict[str, int] = {}
    empty = 0
    for at, name in enumerate(table.header):
        if not name and _holds_times(row[at] for row in table.data[:_TIMES]):
            name = f"column {at + 1}"  # as tables of data frames and workbooks with an empty first cell have it
        again = name
        while again and again in found:
            counts[name] = counts.get(name, 1) + 1
            again = f"{name} ({counts[name]})"
        empty += not again
        found[again or f"\n{empty}"] = None  # columns without a name stay so
    return ["" if name.startswith("\n") else name for name in found]


def _holds_times(cells: Iterable[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(map(is_time, filled)) * 5 >= len(filled) * 4


def _line_below(rows: list[tuple[int, list[str]]], head: int, line: int) -> int | None:
    """Where the line stands that the user named; None where it is blank, or not below the header."""
    return next((at for at in range(head + 1, len(rows)) if rows[at][0] == line), None)


def _made(delimiter: str, rows: list[tuple[int, list[str]]], head: int | None, units: int | None, first: int) -> Table:
    data = [row for _, row in rows[first:]]
    width = _width(rows[first:])
    header = [cell.strip() for cell in rows[head][1]] if head is not None else [""] * width
    # A delimiter at the end of each line makes no column, nor does its lack in the header.
    while header and width and len(header) > width and not header[-1]:
        header.pop()
    if width == len(header) + 1 and not any(row[-1].strip() for row in data if len(row) == width):
        header.append("")
    last = units if units is not None else head
    if last is not None:
        line, cells = rows[last]
        first_row = line + 1 + sum(cell.count("\n") for cell in cells)
    else:
        first_row = rows[first][0] if first < len(rows) else (rows[-1][0] if rows else 0) + 1
    return Table(
        delimiter,
        rows,
        0 if head is None else rows[head][0],
        None if units is None else rows[units][0],
        first_row,
        header,
        [cell.strip() for cell in rows[units][1]] if units is not None else [],
        [row for row in data if len(row) == len(header)],
    )


def _first_data(rows: list[tuple[int, list[str]]]) -> int:
    """The position of the first row that holds a time or a number, and is followed by its like."""
    for i, (_, row) in enumerate(rows):
        if len(row) < 2 or not _is_data(row):
            continue
        following = [other for _, other in rows[i + 1 : i + 6]]
        alike = sum(len(other) == len(row) and _is_data(other) for other in following)
        if alike * 2 >= len(following):
            return i
    return len(rows)


def _is_data(row: list[str]) -> bool:
    cells = [cell.strip() for cell in row]
    # A word that may stand for a number makes no row of data.
    return any(is_time(c) or (is_number(c) and not is_missing(c) and not c.isalpha()) for c in cells if c)


def _could_head(row: list[str], width: int) -> bool:
    named = sum(bool(cell.strip()) for cell in row)
    return abs(len(row) - width) <= 1 and named >= max(2, (width + 1) // 2)


def _named_most(rows: list[tuple[int, list[str]]], candidates: list[int]) -> int:
    """The row that names most columns as plants do; of rows alike the last, which stands nearest to the data. So rows
    of data without any number, of machines perhaps, are not taken for the header."""
    named = {}
    for i in candidates:
        cells = [cell.strip().casefold() for cell in rows[i][1] if cell.strip()]
        unlike = len(set(cells)) == len(cells)
        named[i] = len({role for cell in cells for role in aliases.roles(cell)}) * unlike
    return max(reversed(candidates), key=named.__getitem__)


def _width(rows: list[tuple[int, list[str]]]) -> int:
    widths = Counter(len(row) for _, row in rows[:_ROWS])
    return max(widths, key=lambda w: (widths[w], w)) if widths else 0


def _is_units(rows: list[tuple[int, list[str]]], head: int, at: int) -> bool:
    """Whether the row at position `at` holds units of the names at position `head`."""
    if at >= len(rows):
        return False
    names, units = rows[head][1], [cell.strip() for cell in rows[at][1]]
    if len(units) != len(names) or sum(bool(name.strip()) for name in names) < len(names) - 1:
        return False
    shown = [unit for unit in units if unit]
    like = [unit for unit in shown if unit_of(unit) or is_unit(unit)]
    return bool(like) and len(like) * 3 >= len(shown) * 2 and all(len(unit) <= 24 for unit in shown)
