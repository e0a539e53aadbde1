"""Blocks to columns: every row has its cells or is rejected, every sensor cell is a number, empty or rejected."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.blocks import Block
from pdm_desktop.core.ingest.recognise import Layout
from pdm_desktop.core.ingest.rejects import Reject
from pdm_desktop.core.ingest.tokens import MISSING, is_missing, number_of

Texts = npt.NDArray[np.bytes_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NUMBERS = frozenset({"sensor", "age"})
_TEXT_WIDTH = {"timestamp": 40, "known": 40}
_NAME_WIDTH = 64
_STRETCH = 64 * 1024  # bytes that share one bad row's fate of being read slowly


@dataclass
class Cells:
    """The rows of a block that have the right number of cells; texts and numbers by column position."""

    lines: Ints
    texts: dict[int, Texts] = field(default_factory=dict)
    numbers: dict[int, Floats] = field(default_factory=dict)
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


def read(block: Block, layout: Layout) -> Cells:
    """The cells of a block. Clean stretches take a fast way, the others are read cell by cell; both read numbers
    alike, so that it does not matter beside what a row stands."""
    fast = _read_clean(block, layout)
    if fast is not None:
        return fast
    if b'"' in block.data or len(block.data) < _STRETCH:
        return _read_carefully(block, layout)
    return _joined([_read_clean(part, layout) or _read_carefully(part, layout) for part in _stretches(block)])


def _stretches(block: Block) -> Iterator[Block]:
    """The block in shorter ones; only where there are no quotes is every newline the end of a row."""
    start, line = 0, block.line
    while start < len(block.data):
        stop = block.data.find(b"\n", start + _STRETCH) + 1 or len(block.data)
        part = block.data[start:stop]
        yield Block(part, line, block.read)
        start, line = stop, line + part.count(b"\n")


def _joined(parts: list[Cells]) -> Cells:
    whole = Cells(np.concatenate([part.lines for part in parts]))
    for position in parts[0].texts:
        whole.texts[position] = np.concatenate([part.texts[position] for part in parts])
    for position in parts[0].numbers:
        whole.numbers[position] = np.concatenate([part.numbers[position] for part in parts])
    for part in parts:
        whole.rejected_rows += part.rejected_rows
        whole.rejected_values += part.rejected_values
    return whole


def _read_clean(block: Block, layout: Layout) -> Cells | None:
    """The block when each line has its cells and each number column only numbers and empty cells, else None."""
    data = block.data
    width = len(layout.columns)
    delimiter = layout.delimiter.encode()
    if b'"' in data:
        if not _only_around_cells(data, delimiter):
            return None
        # Quotes around whole cells say nothing; a delimiter or newline within them shows in the counts below.
        data = data.replace(b'"', b"")
    count = data.count(b"\n")
    # A line with a cell too many makes the reader stop (but for the first, which is looked at here); so a right total
    # means that no line has a cell too few either.
    if data.count(delimiter, 0, data.index(b"\n")) != width - 1 or data.count(delimiter) != count * (width - 1):
        return None
    types: dict[int, str] = {}
    for position, column in enumerate(layout.columns):
        size = 1 if column.role == "ignore" else _TEXT_WIDTH.get(column.role, _NAME_WIDTH)
        types[position] = "float64" if column.role in NUMBERS else f"S{size}"
    numbers = [position for position, kind in types.items() if kind == "float64"]
    try:
        frame = pd.read_csv(
            io.BytesIO(data),
            header=None,
            names=[str(position) for position in range(width)],
            sep=layout.delimiter,
            dtype={str(position): kind for position, kind in types.items()},
            quoting=3,  # csv.QUOTE_NONE
            keep_default_na=False,
            na_values={str(position): MISSING for position in numbers},
            low_memory=False,
        )
    except (ValueError, OverflowError):  # text in a number column, or a line with a cell too many
        return None
    if len(frame) != count or not isinstance(frame.index, pd.RangeIndex):
        return None
    cells = Cells(np.arange(block.line, block.line + count))
    for position, column in enumerate(layout.columns):
        if column.role == "ignore":
            continue
        values = frame[str(position)].to_numpy()
        if position in numbers:
            if bool(np.isinf(values).any()):
                return None
            cells.numbers[position] = values
            continue
        texts = np.ascontiguousarray(values).astype(types[position], copy=False)
        if bool(_full(texts).any()):
            return None  # perhaps cut off
        cells.texts[position] = texts
    return cells


def _only_around_cells(data: bytes, delimiter: bytes) -> bool:
    """Whether each quote opens or closes a cell that is not empty: no quote in a text, none doubled, none alone."""
    before = (delimiter, b"\n")
    after = (delimiter, b"\n", b"\r")
    if b'""' in data or any(b + b'"' + a in data for b in before for a in after) or data.startswith(b'"' + delimiter):
        return False
    opening = sum(data.count(b + b'"') for b in before) + data.startswith(b'"')
    closing = sum(data.count(b'"' + a) for a in after)
    return opening == closing and opening + closing == data.count(b'"')


def _full(texts: Texts) -> npt.NDArray[np.bool_]:
    width = texts.dtype.itemsize
    full: npt.NDArray[np.bool_] = texts.view(np.uint8).reshape(len(texts), width)[:, -1] != 0
    return full


def _read_carefully(block: Block, layout: Layout) -> Cells:
    width = len(layout.columns)
    lines: list[int] = []
    rejected: list[Reject] = []
    # By columns from the start: tens of thousands of row lists alive at once would make the garbage collector stop
    # everything for a tenth of a second.
    found: list[list[str]] = [[] for _ in range(width)]
    for line, row in _rows(block, layout):
        if len(row) == width:
            lines.append(line)
            for column_texts, cell in zip(found, row, strict=True):
                column_texts.append(cell)
        elif row and not (len(row) == 1 and not row[0].strip()):  # a blank line is no row
            reason = f"{len(row)} cells instead of {width}"
            rejected.append(Reject(line, "", layout.delimiter.join(row), reason))
    cells = Cells(np.array(lines, np.int64), rejected_rows=rejected)
    for position, column in enumerate(layout.columns):
        if column.role == "ignore":
            continue
        texts = found[position]
        if column.role in NUMBERS:
            cells.numbers[position] = _numbers(texts, lines, column.name, cells.rejected_values)
        else:
            encoded = [text.encode() for text in texts]
            size = max(map(len, encoded), default=0)
            cells.texts[position] = np.array(encoded, f"S{max(size, 1)}")
    return cells


def _rows(block: Block, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(block.data.decode("utf-8"), newline=""), delimiter=layout.delimiter)
    before = 0
    try:
        for row in reader:
            yield block.line + before, row
            before = reader.line_num
    except csv.Error as exc:
        raise PdmError(
            f"The line cannot be read as a row of a table ({exc}).",
            "Check the quotes in it.",
            f"{layout.path.name}, line {block.line + before}",
        ) from exc


def _numbers(texts: list[str], lines: list[int], column: str, rejects: list[Reject]) -> Floats:
    values = np.full(len(texts), math.nan)
    for position, text in enumerate(texts):
        value = number_of(text)
        if value is not None:
            values[position] = value
        elif not is_missing(text):
            rejects.append(Reject(lines[position], column, text, "not a number"))
    return values


def factorise(texts: Texts) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes (n,) and the different texts, stripped, in order of appearance."""
    if not len(texts):
        return np.empty(0, np.int64), []
    heads = np.flatnonzero(np.append(True, texts[1:] != texts[:-1]))
    codes: dict[str, int] = {}
    seen: dict[bytes, int] = {}
    of_heads: list[int] = []
    for text in texts[heads].tolist():
        code = seen.get(text)
        if code is None:
            code = seen[text] = codes.setdefault(text.decode("utf-8").strip(), len(codes))
        of_heads.append(code)
    runs = np.diff(np.append(heads, len(texts)))
    return np.repeat(np.array(of_heads, np.int64), runs), list(codes)
