"""A file as blocks of whole lines, read once: bounded memory, whatever its size, and its SHA-256 on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.recognise import Layout

ROWS = 45_000  # a block: what is made into Python objects in one go
_MOST_BYTES = 4 * 1024 * 1024
_NEWLINE = b"\n"
LONGEST_LINE = 8 * 1024 * 1024


class Block(NamedTuple):
    """Whole lines, each ended by a newline; `line`: the number of the first, from 1, header included."""

    data: bytes
    line: int
    read: int
    """Bytes of the file read so far."""


class Blocks:
    """The blocks after the header. `sha256` holds once all were read."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._hash = hashlib.sha256()
        self._size = int(min(max(layout.line_bytes * ROWS, 64 * 1024), _MOST_BYTES))

    @property
    def sha256(self) -> str:
        """The hash of all bytes read, hexadecimal."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        path = self._layout.path
        try:
            with path.open("rb") as file:
                rest = b""
                line, read = 1, 0
                while piece := file.read(self._size):
                    self._hash.update(piece)
                    read += len(piece)
                    data = rest + piece
                    cut = self._cut(data)
                    if not cut and len(data) > LONGEST_LINE:
                        raise PdmError(
                            f"A line is longer than {LONGEST_LINE // 2**20} MB, or a quote in it is never closed.",
                            "Check the file in an editor.",
                            f"{path.name}, line {line}",
                        )
                    if cut:
                        yield from self._block(data[:cut], line, read)
                        line += data.count(b"\n", 0, cut)
                    rest = data[cut:]
                if rest:
                    yield from self._block(rest + b"\n", line, read)
        except OSError as exc:
            raise PdmError(f"The file cannot be read: {exc.strerror}.", "Check the disk.", str(path)) from exc

    @staticmethod
    def _cut(data: bytes) -> int:
        """The end of the last whole line; a newline within quotes ends none."""
        cut = data.rfind(b"\n") + 1
        quotes = data.count(b'"', 0, cut)
        while cut and quotes % 2:
            before = data.rfind(b"\n", 0, cut - 1) + 1
            quotes -= data.count(b'"', before, cut)
            cut = before
        return cut

    def _block(self, data: bytes, line: int, read: int) -> Iterator[Block]:
        if line == 1:
            header = self._header_end(data)
            line, data = 1 + data.count(b"\n", 0, header), data[header:]
        bad, message = data.find(b"\0"), "The file is not a table of text."
        if bad < 0 and not data.isascii():
            try:
                data.decode("utf-8")
            except UnicodeDecodeError as exc:
                bad, message = exc.start, "The file is not text in UTF-8."
        if bad >= 0:
            where = f"{self._layout.path.name}, line {line + data.count(_NEWLINE, 0, bad)}"
            raise PdmError(message, "Save it as CSV in UTF-8.", where)
        if data:
            yield Block(data, line, read)

    @staticmethod
    def _header_end(data: bytes) -> int:
        end = data.find(b"\n") + 1
        while data.count(b'"', 0, end) % 2 and end < len(data):
            end = data.find(b"\n", end) + 1 or len(data)
        return end
