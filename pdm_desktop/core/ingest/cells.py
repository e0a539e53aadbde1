"""Blocks to columns: every row has its cells or is rejected, every sensor cell is a number, empty or rejected."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.blocks import Block, NoRow, count_of
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.stripping import HIDDEN, HIDDEN_LINE, ungrouped, without_quotes
from pdm_desktop.core.ingest.tokens import MISSING, is_missing, normal, number_of
from pdm_desktop.core.ingest.units import LONGEST_MEASURED, bare, split_measured
from pdm_desktop.core.plans import Plan

Texts = npt.NDArray[np.bytes_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUMBERS = frozenset({"sensor", "age", "value"})
_TEXT_WIDTH = {"timestamp": 40, "known": 40, "date": 24, "time": 24}
_NAME_WIDTH = 64
_BROKEN_EXPONENT = re.compile(rb"[\d.][eE][ \t]+[-+]?\d")
_STRETCH = 64 * 1024  # bytes that share one bad row's fate of being read slowly


@dataclass
class Cells:
    """The rows of a block that have the right number of cells; texts and numbers by column position."""

    lines: Ints
    texts: dict[int, Texts] = field(default_factory=dict)
    numbers: dict[int, Floats] = field(default_factory=dict)
    units: dict[int, tuple[Ints, list[str]]] = field(default_factory=dict)
    """Of columns whose cells have units behind their numbers: codes and the units, "" where there is none."""
    rejected_rows: list[Reject] = field(default_factory=list)
    rejected_values: list[Reject] = field(default_factory=list)

    def keep(self, which: npt.NDArray[np.bool_]) -> None:
        """Drop the rows not in `which`, with their rejected values."""
        if bool(which.all()):
            return
        gone = set(self.lines[~which].tolist())
        self.rejected_values = [reject for reject in self.rejected_values if reject.line not in gone]
        self.lines = self.lines[which]
        self.texts = {position: column[which] for position, column in self.texts.items()}
        self.numbers = {position: column[which] for position, column in self.numbers.items()}
        self.units = {position: (codes[which], names) for position, (codes, names) in self.units.items()}


def read(block: Block, plan: Plan) -> Cells:
    """The cells of a block. Clean stretches take a fast way, the others are read cell by cell; both read numbers
    alike, so that it does not matter beside what a row stands."""
    fast = _read_clean(block, plan)
    if fast is None and not block.data.strip():
        return _read_carefully(Block(b"", block.line), plan)  # blank lines, perhaps millions of them
    if fast is not None:
        return fast
    if b'"' in block.data or len(block.data) < _STRETCH:
        return _read_carefully(block, plan)
    return _joined([_read_clean(part, plan) or _read_carefully(part, plan) for part in _stretches(block)])


def _stretches(block: Block) -> Iterator[Block]:
    """The block in shorter ones; only where there are no quotes is every newline the end of a row."""
    start, line = 0, block.line
    while start < len(block.data):
        stop = block.data.find(b"\n", start + _STRETCH) + 1 or len(block.data)
        part = block.data[start:stop]
        yield Block(part, line)
        start, line = stop, line + part.count(b"\n")


def _joined(parts: list[Cells]) -> Cells:
    whole = Cells(np.concatenate([part.lines for part in parts]))
    for position in parts[0].texts:
        whole.texts[position] = np.concatenate([part.texts[position] for part in parts])
    for position in parts[0].numbers:
        whole.numbers[position] = np.concatenate([part.numbers[position] for part in parts])
    for position in parts[0].units:
        names = list(dict.fromkeys(name for part in parts for name in part.units[position][1]))
        place = {name: code for code, name in enumerate(names)}
        codes = [
            np.array([place[n] for n in own] or [0], np.int64)[at] for at, own in (p.units[position] for p in parts)
        ]
        whole.units[position] = np.concatenate(codes), names
    for part in parts:
        whole.rejected_rows += part.rejected_rows
        whole.rejected_values += part.rejected_values
    return whole


def _read_clean(block: Block, plan: Plan) -> Cells | None:
    """The block when each line has its cells and each number column only numbers and empty cells, else None."""
    data = block.data
    width = len(plan.columns)
    delimiter = plan.delimiter.encode()
    hidden = b'"' in data
    if hidden:
        bare = without_quotes(data, delimiter)
        if bare is None:
            return None
        data = bare
    # A single byte is found many times as fast as a pair, and telemetry seldom has a letter at all.
    letters = b"e" in data or b"E" in data
    if letters and any(sign in data for sign in (b"e ", b"E ", b"e\t", b"E\t")) and _BROKEN_EXPONENT.search(data):
        return None  # pandas reads "1e 5" as a number
    count = count_of(data, b"\n")
    # A line with a cell too many makes the reader stop (but for the first, which is looked at here); so a right total
    # means that no line has a cell too few either.
    if data.count(delimiter, 0, data.index(b"\n")) != width - 1 or count_of(data, delimiter) != count * (width - 1):
        return None
    frame = _frame(data, plan, count, as_text=bool(plan.thousands) or plan.delimiter == plan.decimal)
    if frame is None and plan.decimal == "," and not plan.thousands:
        frame = _frame(data, plan, count, as_text=True)
    if frame is None:
        return None
    # Lines of rows inside quotes: as many newlines as the text before them hides.
    lines = np.arange(block.line, block.line + count)
    if hidden and HIDDEN_LINE in data:
        inside = np.array([row.count(HIDDEN_LINE) for row in data.split(b"\n")[:count]])
        lines[1:] += np.cumsum(inside)[:-1]
    cells = Cells(lines)
    for position, column in enumerate(plan.columns):
        if column.role.role == "ignore":
            continue
        values = frame[str(position)].to_numpy()
        if column.inside:
            found = _measured(values, plan)
            if found is None:
                return None
            cells.numbers[position], cells.units[position] = found
            continue
        if column.role.role in NUMBERS:
            numbers = values if values.dtype.kind == "f" else _from_texts(values, plan)
            if numbers is None or bool(np.isinf(numbers).any()):
                return None
            cells.numbers[position] = numbers
            continue
        texts = np.ascontiguousarray(values).astype(f"S{_width(column.role.role)}", copy=False)
        if bool(_full(texts).any()):
            return None  # perhaps cut off
        if hidden:
            texts = texts.copy()
            raw = texts.view(np.uint8)
            raw[raw == HIDDEN[0]] = delimiter[0]
            raw[raw == HIDDEN_LINE[0]] = ord("\n")
        cells.texts[position] = texts
    return cells


def _width(role: str) -> int:
    return 1 if role == "ignore" else _TEXT_WIDTH.get(role, _NAME_WIDTH)


def _frame(data: bytes, plan: Plan, count: int, *, as_text: bool) -> pd.DataFrame | None:
    """The cells by column; as_text: numbers too, because of their thousands marks. None where that cannot be."""
    width = len(plan.columns)
    types: dict[str, str] = {}
    for position, column in enumerate(plan.columns):
        role = column.role.role
        number = role in NUMBERS and not as_text and not column.inside
        types[str(position)] = "float64" if number else f"S{_width(role)}"
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            header=None,
            names=[str(position) for position in range(width)],
            sep=plan.delimiter,
            dtype=types,
            quoting=3,  # csv.QUOTE_NONE
            keep_default_na=False,
            na_values=MISSING,  # holds for columns of numbers alone: texts of fixed width are left as they are
            low_memory=False,
            decimal=plan.decimal,
        )
    except (ValueError, OverflowError):  # text in a number column, or a line with a cell too many
        return None
    return frame if len(frame) == count and isinstance(frame.index, pd.RangeIndex) else None


def _measured(texts: Texts, plan: Plan) -> tuple[Floats, tuple[Ints, list[str]]] | None:
    """Numbers that have all the same unit behind them, and that unit; None for any others."""
    texts = np.ascontiguousarray(texts).astype(f"S{_NAME_WIDTH}", copy=False)
    if not len(texts) or bool(_full(texts).any()) or HIDDEN in texts[0]:
        return None
    split = split_measured(texts[0].decode("utf-8", "replace"))
    if split is None:
        return None
    end = texts[0].strip()[len(split[0].encode()) :]
    if not bool(np.strings.endswith(texts, end).all()):
        return None
    lengths = np.strings.str_len(texts)
    if int(lengths.max()) > LONGEST_MEASURED:
        return None
    numbers = _from_texts(np.strings.slice(texts, lengths - len(end)), plan)
    if numbers is None or not bool(np.isfinite(numbers).all()):
        return None
    return numbers, (np.zeros(len(numbers), np.int64), [bare(split[1])])


def _from_texts(texts: Texts, plan: Plan) -> Floats | None:
    """Numbers with the plan's marks; None where one is no number."""
    texts = np.ascontiguousarray(texts).astype(f"S{_NAME_WIDTH}", copy=False)
    if bool(_full(texts).any()):
        return None
    joined = b"\n".join(texts.tolist()) + b"\n"
    if b"\t" in joined:
        return None  # would end the cell for the reader below
    other = "," if plan.decimal == "." else "."
    marks = {other, plan.thousands} - {"", plan.decimal}
    for mark in marks:
        written, decimal = (HIDDEN if m == plan.delimiter else m.encode() for m in (mark, plan.decimal))
        if written in joined:
            joined = ungrouped(joined, written, decimal, bare=mark == plan.thousands)
    if plan.decimal == ",":
        joined = joined.replace(HIDDEN, b",") if plan.delimiter == "," else joined
        joined = joined.translate(bytes.maketrans(b".,", b",."))
    try:
        frame = pd.read_csv(
            io.BytesIO(joined),
            header=None,
            names=["0"],
            sep="\t",
            dtype="float64",
            quoting=3,
            keep_default_na=False,
            na_values=MISSING,
            skip_blank_lines=False,
        )
    except (ValueError, OverflowError):
        return None
    numbers: Floats = frame["0"].to_numpy()
    return numbers if len(numbers) == len(texts) else None


def _full(texts: Texts) -> npt.NDArray[np.bool_]:
    width = texts.dtype.itemsize
    full: npt.NDArray[np.bool_] = texts.view(np.uint8).reshape(len(texts), width)[:, -1] != 0
    return full


def _read_carefully(block: Block, plan: Plan) -> Cells:
    width = len(plan.columns)
    lines: list[int] = []
    rejected: list[Reject] = []
    # By columns from the start: tens of thousands of row lists alive at once would make the garbage collector stop
    # everything for a tenth of a second.
    found: list[list[str]] = [[] for _ in range(width)]
    for line, row in rows(block, plan):
        if len(row) == width:
            lines.append(line)
            for column_texts, cell in zip(found, row, strict=True):
                column_texts.append(cell)
        elif row and not (len(row) == 1 and not row[0].strip()):  # a blank line is no row
            reason = f"{len(row)} cells instead of {width}"
            rejected.append(Reject(line, "", plan.delimiter.join(row), reason))
    cells = Cells(np.array(lines, np.int64), rejected_rows=rejected)
    for position, column in enumerate(plan.columns):
        if column.role.role == "ignore":
            continue
        texts = found[position]
        if column.inside:
            units: list[str] = []
            numbers = _numbers(texts, lines, plan, position, cells.rejected_values, units)
            names = list(dict.fromkeys(units))
            codes = np.array([names.index(unit) for unit in units], np.int64)
            cells.numbers[position], cells.units[position] = numbers, (codes, names)
        elif column.role.role in NUMBERS:
            cells.numbers[position] = _numbers(texts, lines, plan, position, cells.rejected_values)
        else:
            encoded = [text.encode() for text in texts]
            size = max(map(len, encoded), default=0)
            cells.texts[position] = np.array(encoded, f"S{max(size, 1)}")
    return cells


def rows(block: Block, plan: Plan) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row; PdmError (file, line) for what is none."""
    try:
        yield from block.rows(plan.delimiter)
    except NoRow as exc:
        raise PdmError(
            f"The line cannot be read as a row of a table ({exc}).",
            "Check the quotes in it, and whether a cell is very long.",
            f"{plan.path.name}, line {exc.line}",
        ) from exc


def _numbers(
    texts: list[str],
    lines: list[int],
    plan: Plan,
    position: int,
    rejects: list[Reject],
    units: list[str] | None = None,
) -> Floats:
    """The cells' numbers; units: filled with what stands behind them, where that is expected."""
    values = np.full(len(texts), math.nan)
    column = plan.columns[position].name
    for row, text in enumerate(texts):
        value = number_of(text, plan.decimal, plan.thousands)
        if units is not None:
            split = None if value is not None else split_measured(text)
            value = value if split is None else number_of(split[0], plan.decimal, plan.thousands)
            units.append("" if split is None or value is None else bare(split[1]))
        if value is not None:
            values[row] = value
        elif not is_missing(text):
            rejects.append(Reject(lines[row], column, text, "not a number"))
    return values


def factorise(texts: Texts) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes (n,) and the different texts, as names, in order of appearance."""
    if not len(texts):
        return np.empty(0, np.int64), []
    heads = np.flatnonzero(np.append(True, texts[1:] != texts[:-1]))
    codes: dict[str, int] = {}
    seen: dict[bytes, int] = {}
    of_heads: list[int] = []
    for text in texts[heads].tolist():
        code = seen.get(text)
        if code is None:
            code = seen[text] = codes.setdefault(normal(text.decode("utf-8")), len(codes))
        of_heads.append(code)
    runs = np.diff(np.append(heads, len(texts)))
    return np.repeat(np.array(of_heads, np.int64), runs), list(codes)
