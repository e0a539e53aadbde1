"""A file as UTF-8 text in pieces, whatever it is packed in and written in: plain, .gz, .zip, .xlsx (.xls, .ods),
.parquet. Bounded memory; nothing unpacks without limit."""

from __future__ import annotations

import codecs
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import workbook
from pdm_desktop.core.ingest.archive import MOST_FILES, archive_of, reading, unpacking

HEAD = 256 * 1024
_ELSEWHERE = 64 * 1024  # bytes looked at in the middle and at the end
_SPOTS, _SPOT = 40, 1024  # and elsewhere
MOST_RATIO = 200
_FREE = 256 * 1024 * 1024
"""Unpacked bytes allowed whatever the ratio; beyond them, MOST_RATIO times the packed size."""
BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Sample(NamedTuple):
    """Bytes of a file to tell it from. head: from its beginning; others: from further on, cut anywhere."""

    head: bytes
    others: tuple[bytes, ...]
    whole: bool
    """Whether the head is all there is."""


def container(path: Path) -> str:
    """What the file is packed in, by its first bytes: "", gz, zip, workbook or parquet. PdmError: no such file."""
    with reading(path):
        if path.is_dir():
            raise PdmError("This is a folder, not a file.", "", str(path))
        if not path.is_file():  # nor a pipe or a device, which may never end
            what = "This is no ordinary file." if path.exists() else "There is no such file."
            raise PdmError(what, "Check the name and the folder.", str(path))
        with path.open("rb") as file:
            start = file.read(8)
    if start.startswith(b"\x1f\x8b"):
        return "gz"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return "workbook"
    if start.startswith(b"PK"):
        with archive_of(path) as archive:
            names = set(archive.namelist())
        return "workbook" if names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"} else "zip"
    return ""


def members(path: Path) -> tuple[str, ...]:
    """The files inside a .zip, hidden ones left out."""
    with archive_of(path) as archive:
        infos = [info for info in archive.infolist() if info.filename and not info.is_dir()]
    names = [info.filename for info in infos]
    if len(names) > MOST_FILES:
        raise PdmError(
            f"The archive holds {len(names):,} files; {MOST_FILES:,} are read at most.", "Pack fewer.", path.name
        )
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise PdmError(f"The archive holds two files named {twice!r}.", "Give them names of their own.", path.name)
    return tuple(n for n in names if not any(map(_hidden, n.split("/"))))


def _hidden(part: str) -> bool:
    return part.startswith((".", "__MACOSX")) and part not in (".", "..")  # no place is left by reading


def sample(path: Path, packed: str, member: str | None) -> Sample:
    """The beginning of the file and, of a plain one, some of its middle and end."""
    with reading(path), _opened(path, packed, member) as file:
        head = _read_up_to(file, HEAD)
        if packed:
            return Sample(head, (), len(head) < HEAD)
        size = path.stat().st_size
        if size <= HEAD:
            return Sample(head, (), True)
        others = []
        # Two long pieces and many short ones, so that of a file sorted by tag or machine more than two are seen.
        long = [(size // 2, _ELSEWHERE), (size - _ELSEWHERE, _ELSEWHERE)]
        short = [(HEAD + (size - HEAD) * part // _SPOTS, _SPOT) for part in range(_SPOTS)]
        for at, length in (*long, *short):
            file.seek(max(HEAD, at) & ~3)
            others.append(file.read(length))
        return Sample(head, tuple(others), False)


class Source:
    """The text of a file. `sha256` (of the file as it lies on the disk) and `read` hold once all pieces were taken."""

    def __init__(
        self,
        path: Path,
        encoding: str,
        sheet: str | None = None,
        readings: Sequence[int] = (),
        decimal: str = ".",
    ) -> None:
        """readings: columns of a workbook whose numbers are written with that decimal mark."""
        self._path = path
        self._readings = readings
        self._decimal = decimal
        self._encoding = encoding
        self._sheet = sheet
        self._packed = container(path)
        self._hash = hashlib.sha256()
        self._facts = self._seen()
        self.size = self._facts[0]
        self.read = 0
        """Bytes of the file taken so far (of a packed one an estimate)."""

    @property
    def sha256(self) -> str:
        """The hash, hexadecimal."""
        return self._hash.hexdigest()

    def pieces(self, size: int) -> Iterator[bytes]:
        """The text as UTF-8, about `size` bytes at a time. UTF-8 itself is handed on unchecked."""
        if self._packed:
            with reading(self._path), self._path.open("rb") as file:
                while block := file.read(1 << 20):
                    self._hash.update(block)
        if self._packed in ("workbook", "parquet"):
            args = self._path, self._packed, self._sheet, size, self._readings, self._decimal
            yield from workbook.text(*args)
        else:
            with reading(self._path), _opened(self._path, self._packed, self._sheet) as file:
                yield from _newlines(self._decoded(file, size))
        if self._seen() != self._facts:
            raise self._changed()

    def _seen(self) -> tuple[int, int]:
        """Size and time of change of the file."""
        with reading(self._path):
            about = self._path.stat()
        return about.st_size, about.st_mtime_ns

    def _changed(self) -> PdmError:
        return PdmError(
            "The file changed while it was read; nothing of it was stored.",
            "Import it once its writer has finished.",
            self._path.name,
        )

    def _decoded(self, file: IO[bytes], size: int) -> Iterator[bytes]:
        plain = self._encoding == "utf-8"
        decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        first, unpacked = True, 0
        while piece := _read_up_to(file, size):
            unpacked += len(piece)
            self._count(piece, unpacked)
            if first:
                first = False
                for bom, encoding in BOMS.items():
                    if piece.startswith(bom) and encoding == self._encoding:
                        piece = piece[len(bom) :]
            yield piece if plain else self._encode(decoder, piece, final=False)
        if not plain:
            yield self._encode(decoder, b"", final=True)

    def _encode(self, decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool) -> bytes:
        try:
            return decoder.decode(piece, final).encode("utf-8")
        except UnicodeError as exc:
            raise PdmError(
                f"The file is not text in {self._encoding.upper()} throughout.",
                "Choose another encoding, or save it as CSV in UTF-8.",
                self._path.name,
            ) from exc

    def _count(self, piece: bytes, unpacked: int) -> None:
        if not self._packed:
            self._hash.update(piece)
            self.read += len(piece)
            if self.read > self.size:
                raise self._changed()  # its writer may never end
            return
        self.read = min(self.size, self.read + len(piece) // 8)
        if unpacked > max(_FREE, MOST_RATIO * self.size):
            raise PdmError(
                f"The file unpacks to more than {MOST_RATIO} times its size, as no plant's file does.",
                "Unpack it yourself if you trust it.",
                self._path.name,
            )


def _newlines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of a file whose lines end with CR alone, as old programs wrote them, with LF; others as they are."""
    old: bool | None = None
    for piece in pieces:
        if old is None and piece:
            old = b"\n" not in piece and b"\r" in piece
        yield piece.replace(b"\r", b"\n") if old else piece


def _read_up_to(file: IO[bytes], size: int) -> bytes:
    """`size` bytes, or what is left of the file."""
    parts, missing = [], size
    while missing and (part := file.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


@contextmanager
def _opened(path: Path, packed: str, member: str | None) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        stack.enter_context(unpacking(path))
        if packed == "gz":
            yield cast(IO[bytes], stack.enter_context(gzip.open(path, "rb")))
        elif packed == "zip":
            archive = stack.enter_context(archive_of(path))
            if member is None or member not in archive.namelist():
                raise PdmError(f"The archive has no file {member!r}.", "", path.name)
            yield stack.enter_context(archive.open(member))
        else:
            yield stack.enter_context(path.open("rb"))
