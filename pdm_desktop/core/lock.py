"""One writing program a workspace: an operating-system lock, so that a crashed program leaves none behind."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from pathlib import Path
from types import TracebackType

from pdm_desktop.core.errors import PdmError

_HOLDER_BYTES = 200
# Windows locks are mandatory: the locked byte lies behind the text so that others can read who holds it.
_LOCKED_AT = 1_000


class WorkspaceLock:
    """Held from `acquire` to `release`. The file says who holds it; the lock itself is the system's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock; PdmError naming the holder when another program has it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(file)
        except OSError as exc:
            os.close(file)
            raise PdmError(
                f"The workspace is open in another program ({self._holder()}).",
                "Close it there, or open the workspace read-only.",
                str(self._path.parent),
            ) from exc
        os.ftruncate(file, 0)
        os.write(file, f"{_user()} on {platform.node()}, process {os.getpid()}".encode()[:_HOLDER_BYTES])
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> WorkspaceLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _holder(self) -> str:
        with self._path.open("rb") as file:
            return file.read(_HOLDER_BYTES).decode("utf-8", "replace") or "unknown"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without an entry, as containers have
        return "unknown user"


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _LOCKED_AT, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
