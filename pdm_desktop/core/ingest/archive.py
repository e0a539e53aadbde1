"""Opening files and archives: what goes wrong with them is said as PdmError."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pdm_desktop.core.errors import PdmError

_BROKEN = (
    EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError,
    UnicodeError,
)  # fmt: skip
MOST_FILES = 1_000
"""Of an archive."""
_MOST_LIST = 2 * 1024 * 1024  # bytes of an archive's list of files; a name has 64 KB at most
_TAIL = 66_000  # where the list's size stands: at the end, before a comment


@contextmanager
def archive_of(path: Path) -> Iterator[zipfile.ZipFile]:
    """A .zip, opened; PdmError for a broken one and for one whose list of files alone would fill the memory."""
    with reading(path), unpacking(path):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            tail = file.read(_TAIL)
        end, large = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")  # the second is that of large archives
        sizes = [int.from_bytes(tail[end + 12 : end + 16], "little") % 0xFFFF_FFFF] if end >= 0 else []
        sizes += [int.from_bytes(tail[large + 40 : large + 48], "little")] if large >= 0 else []
        if max(sizes, default=0) > _MOST_LIST:
            raise PdmError(f"The archive holds more than {MOST_FILES:,} files.", "Pack fewer.", path.name)
        with zipfile.ZipFile(path) as archive:
            yield archive


@contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """Says of packed data inside that it is broken."""
    try:
        yield
    except (*_BROKEN, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the disk's fault; bz2 says of its data what has no number
        ends = isinstance(exc, EOFError)
        raise PdmError(
            "The compressed file ends early." if ends else f"The compressed file cannot be unpacked ({exc}).",
            "Copy or export it again; nothing of it was stored.",
            path.name,
        ) from exc


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says of the disk that it failed."""
    try:
        yield
    except OSError as exc:
        raise PdmError(
            f"The file cannot be read: {exc.strerror or exc}.", "Check the disk and its permissions.", str(path)
        ) from exc


def is_no_table(error: PdmError) -> bool:
    """Whether what is wrong with a member of an archive is that it is no table, and not that it is damaged."""
    return not isinstance(error.__cause__, (*_BROKEN, OSError))
