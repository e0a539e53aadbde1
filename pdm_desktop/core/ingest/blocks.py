"""A file as blocks of whole lines, read once: bounded memory, whatever its size, and its SHA-256 on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.encoding import code_page
from pdm_desktop.core.ingest.source import Source
from pdm_desktop.core.plans import Plan

ROWS = 45_000  # a block: what is made into Python objects in one go
_MOST_BYTES = 4 * 1024 * 1024
LONGEST_LINE = 8 * 1024 * 1024
_QUOTE, _NEWLINE = b'"\n'
READINGS = frozenset({"sensor", "age", "value", "doubtful"})
"""Roles of columns that hold numbers, or may."""


class Overturned(Exception):
    """What was told from samples of the file does not hold for all of it; `plan` says what does."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


class NoRow(Exception):
    """Line `line` cannot be read as a row of cells."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


class Block(NamedTuple):
    """Whole lines, each ended by a newline; `line`: the number of the first, from 1, header included."""

    data: bytes
    line: int

    def rows(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of each row; raises NoRow where there is none."""
        text = self.data.replace(b"\r\n", b"\n").replace(b"\r", b" ").decode("utf-8", "replace")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        before = 0
        try:
            for row in reader:
                yield self.line + before, row
                before = reader.line_num
        except csv.Error as exc:
            raise NoRow(str(exc), self.line + before) from exc


def count_of(data: bytes, sign: bytes) -> int:
    """How often a byte stands in the data: bytes.count takes several times as long where it stands often."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == sign[0]))


class Blocks:
    """The blocks from the plan's first row on."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        readings = [i for i, column in enumerate(plan.columns) if column.role.role in READINGS]
        self.source = Source(plan.path, plan.encoding, plan.sheet, readings, plan.decimal)
        self._ascii = True
        self._mark = ord(plan.delimiter)
        self._size = int(min(max(plan.line_bytes * ROWS, 64 * 1024), _MOST_BYTES))

    def __iter__(self) -> Iterator[Block]:
        path = self._plan.path
        rest = b""
        line = 1
        skip = self._plan.first_row - 1
        for piece in self.source.pieces(self._size):
            data = rest + piece
            if line <= skip:
                data, line = _skipped(data, line, skip)
            cut = self._cut(data) if line > skip else 0
            if not cut and len(data) > LONGEST_LINE:
                raise PdmError(
                    f"A line is longer than {LONGEST_LINE // 2**20} MB, or a quote in it is never closed.",
                    "Check the file in an editor.",
                    f"{path.name}, line {line}",
                )
            if cut:
                yield from self._portions(data[:cut], line)
                line += count_of(data[:cut], b"\n")
            rest = data[cut:]
        if rest and line > skip:
            self._refuse_open_quote(rest, line)
            yield self._block(rest + b"\n", line)

    def _refuse_open_quote(self, rest: bytes, line: int) -> None:
        """A quote that is never closed swallows all lines below it."""
        if b'"' not in rest or b"\n" not in rest.rstrip(b"\r\n"):
            return
        text = rest.replace(b"\r\n", b"\n").replace(b"\r", b" ").decode("utf-8", "replace")
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=self._plan.delimiter, skipinitialspace=True, strict=True
        )
        before = 0
        try:
            for _ in reader:
                before = reader.line_num
        except csv.Error as exc:
            if "unexpected end of data" in str(exc):
                raise PdmError(
                    "A quote that opens here is never closed.",
                    "Close it, or take it out.",
                    f"{self._plan.path.name}, line {line + before}",
                ) from exc

    def _portions(self, data: bytes, line: int) -> Iterator[Block]:
        """Whole rows as blocks; lines much shorter than the first ones would make too many rows of one."""
        lines = count_of(data, b"\n")
        while lines > 2 * ROWS:
            cut = self._cut(data[: data.find(b"\n", len(data) * ROWS // lines) + 1])
            if not cut:
                break  # all one row
            yield self._block(data[:cut], line)
            passed = data.count(b"\n", 0, cut)
            data, line, lines = data[cut:], line + passed, lines - passed
        yield self._block(data, line)

    def _cut(self, data: bytes) -> int:
        """The end of the last whole line; a newline within quotes ends none."""
        cut = data.rfind(b"\n") + 1
        quotes = data.count(b'"', 0, cut)
        if quotes and not self._pairs(data[:cut]):
            return self._read_to(data[:cut])
        while cut and quotes % 2:
            before = data.rfind(b"\n", 0, cut - 1) + 1
            quotes -= data.count(b'"', before, cut)
            cut = before
        return cut

    def _pairs(self, data: bytes) -> bool:
        """Whether quotes only open at the beginning of a cell, so that every second one closes; 5" in the middle of a
        text opens nothing."""
        text = np.frombuffer(data, np.uint8)
        at = np.flatnonzero(text == _QUOTE)
        opening = at[0::2]
        before = text[np.maximum(opening, 1) - 1]
        starts = (opening == 0) | (before == self._mark) | (before == _NEWLINE)
        starts[1:] |= opening[1:] - 1 == at[1::2][: len(opening) - 1]  # two of them in a quoted text stand for one
        return bool(starts.all())

    def _read_to(self, data: bytes) -> int:
        """The end of the last whole row, where only reading the rows tells."""
        ends, ended = [0], False

        def lines() -> Iterator[str]:
            nonlocal ended
            for line in data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n", data):
                ends.append(ends[-1] + len(line))
                yield line.replace(b"\r\n", b"\n").replace(b"\r", b" ").decode("latin-1")
            ended = True

        whole = 0
        reader = csv.reader(lines(), delimiter=self._plan.delimiter, skipinitialspace=True)
        try:
            for _ in reader:
                if ended:
                    break  # the last row is still within quotes
                whole = ends[-1]
        except csv.Error:
            return len(data)  # said of its line by those who read the cells
        return whole

    def _block(self, data: bytes, line: int) -> Block:
        bad, message = data.find(b"\0"), "The file is not a table of text."
        if bad < 0 and not data.isascii():
            try:
                data.decode("utf-8")
                self._ascii = False
            except UnicodeDecodeError as exc:
                if self._ascii and self._plan.encoding == "utf-8" and self._plan.choices.encoding is None:
                    # Nothing but ASCII so far: this is the first letter that tells the code page.
                    odd = b"\n".join(row for row in data.split(b"\n") if not row.isascii())
                    raise Overturned(replace(self._plan, encoding=code_page(odd))) from exc
                bad, message = exc.start, "The file is not text in UTF-8."
        if bad >= 0:
            where = f"{self._plan.path.name}, line {line + data.count(bytes([10]), 0, bad)}"
            raise PdmError(message, "Choose another encoding, or save it as CSV in UTF-8.", where)
        if self._plan.mended and b"'" in data:
            # What keeps a spreadsheet from taking a text for a formula is no part of it.
            mark = re.escape(self._plan.delimiter.encode())
            data = re.sub(rb"(?m)(^|" + mark + rb"|\")'(?='*[=+\-@\t])", rb"\1", data)
        return Block(data, line)


def _skipped(data: bytes, line: int, skip: int) -> tuple[bytes, int]:
    """What is left of the data after line `skip`, and the line it begins with."""
    at = 0
    while line <= skip:
        end = data.find(b"\n", at) + 1
        if not end:
            break
        at, line = end, line + 1
    return data[at:], line
