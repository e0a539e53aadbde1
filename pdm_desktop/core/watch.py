"""A folder that is watched: new or grown files are imported once they have stopped growing.

A look is one pass over the folder; nothing waits in here. What earlier looks saw is kept in the workspace, so that
looks may be minutes and restarts apart. Only sizes and times of change are compared: this works on network shares too,
which tell nobody of changes.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError, WorkspaceError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport, WatchFailure, WatchReport, WatchSettings

STATE = "watch.json"
DONE = "done"
FAILED = "failed"
REST = 5 * times.SECOND
"""How long a file must have kept its size and time of change, over at least two looks."""
DOUBTFUL_REST = 2 * times.MINUTE
"""The same for a file that looks cut off: its writer may only be pausing."""
MOVED_WATCH = times.DAY
"""How long a file is still looked at after it was moved: its writer may have held it open and go on."""
SUFFIXES = (".csv", ".txt", ".tsv", ".dat", ".asc", ".gz", ".zip", ".xlsx", ".parquet")
_BLOCK = 1 << 20

State = Literal["growing", "imported", "failed"]
Import = Callable[[Path, Progress], Sequence[FileReport]]


@dataclass(frozen=True)
class _Seen:
    """A file as the last look saw it. since: ms UTC of the first look that saw this size and time of change."""

    size: int
    changed: int
    since: int
    state: State = "growing"
    reason: str = ""


@dataclass
class _Memory:
    """What is kept from look to look. files: by name, those that were moved by done/name or failed/name; contents:
    SHA-256 of imported files that no batch of the record tells of."""

    settings: WatchSettings = field(default_factory=WatchSettings)
    files: dict[str, _Seen] = field(default_factory=dict)
    contents: set[str] = field(default_factory=set)


class Watch:
    """The watched folder of the workspace in `workspace`. Not for two threads at once."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._path = workspace / STATE
        self._memory = _load(self._path)

    @property
    def settings(self) -> WatchSettings:
        """What is watched and how."""
        return self._memory.settings

    def change(self, settings: WatchSettings) -> None:
        """Watch as `settings` say from now on, and look again at what had failed. PdmError for a folder that cannot
        be watched."""
        if settings.on:
            self._check(Path(settings.folder) if settings.folder else None)
        same = settings.folder == self._memory.settings.folder
        kept = {name: seen for name, seen in self._memory.files.items() if same and seen.state != "failed"}
        self._keep(replace(self._memory, settings=settings, files=kept))

    def look(
        self, now: int, bring_in: Import, recorded: Callable[[], Collection[str]], progress: Progress
    ) -> WatchReport:
        """One look at `now` (ms UTC). bring_in imports one file or raises PdmError; recorded() are the SHA-256 of the
        record's batches, undone ones too: what was taken back does not return by itself.

        A file is imported when it has rested; when the look is cancelled, what came in before stays in.
        """
        settings = self._memory.settings
        if not settings.on:
            return WatchReport()
        folder = Path(settings.folder)
        try:
            present = _listing(folder) | _moved(folder, self._memory.files, now)
        except OSError as exc:
            return WatchReport(problem=f"The watched folder {folder} cannot be looked into: {exc.strerror}.")
        files = {name: self._seen(name, facts, now) for name, facts in present.items()}
        if files != self._memory.files:
            self._keep(replace(self._memory, files=files))
        made = _Made()
        # The oldest first: where two files disagree, the newer one is to hold.
        for name in sorted(files, key=lambda name: (files[name].changed, name)):
            progress.check()
            try:
                self._take(name, now, bring_in, recorded, progress, made)
            except WorkspaceError as exc:
                # No fault of the file: it waits until the workspace can take it.
                made.waiting.append(name)
                made.problem = str(exc)
                break
        return made.report()

    def _take(
        self,
        name: str,
        now: int,
        bring_in: Import,
        recorded: Callable[[], Collection[str]],
        progress: Progress,
        made: _Made,
    ) -> None:
        path, seen = Path(self._memory.settings.folder, name), self._memory.files[name]
        if seen.state != "growing":
            self._put_away(name, seen, now, made)
            return
        try:
            if not seen.size or now - seen.since < (REST if _whole(path) else DOUBTFUL_REST):
                made.waiting.append(name)
                return
            content = _sha256(path, progress)
            if _facts(path) != (seen.size, seen.changed):
                made.waiting.append(name)
                return
        except FileNotFoundError:
            return  # taken away meanwhile: none of our business
        except OSError as exc:
            made.waiting.append(name)  # its writer still has it, or the share stutters
            if now - seen.since >= DOUBTFUL_REST:
                made.problem = f"{name} cannot be read: {exc.strerror}. It is tried again."
            return
        if content in self._memory.contents or content in recorded():
            made.known.append(name)
            self._settle(name, replace(seen, state="imported"), now, made)
            return
        try:
            reports = bring_in(path, progress)
        except WorkspaceError:
            raise
        except PdmError as exc:
            if _gone_or_changed(path, seen):
                return  # a later look sees what became of it
            reason = str(exc)
            made.failed.append(WatchFailure(name, reason))
            self._settle(name, replace(seen, state="failed", reason=reason), now, made)
            return
        made.imported += reports
        if content not in recorded():
            self._memory.contents.add(content)
        if _gone_or_changed(path, seen):
            self._keep(self._memory)
            return  # it has grown while it was read; the rest follows
        self._settle(name, replace(seen, state="imported"), now, made)

    def _settle(self, name: str, seen: _Seen, now: int, made: _Made) -> None:
        # Noted before the file is moved: whatever happens then, it does not come in again.
        self._keep(replace(self._memory, files=self._memory.files | {name: seen}))
        self._put_away(name, seen, now, made)

    def _put_away(self, name: str, seen: _Seen, now: int, made: _Made) -> None:
        if not self._memory.settings.move:
            return
        root = Path(self._memory.settings.folder)
        path, folder = root / name, root / (DONE if seen.state == "imported" else FAILED)
        try:
            folder.mkdir(exist_ok=True)
            # One that grew after it was moved may be where it belongs.
            target = path if path.parent == folder else _free(folder / path.name)
            if seen.state == "failed" and (target != path or not _reason(path).is_file()):
                _reason(target).write_text(f"{times.iso(now, 'UTC')}\n{seen.reason}\n", "utf-8")
            if target == path:
                return
            path.rename(target)
            if path.parent.name == FAILED:
                _reason(path).unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as exc:
            made.problem = f"{path.name} cannot be moved to {folder.name}: {exc.strerror}. It is tried again."
            return
        rest = {n: s for n, s in self._memory.files.items() if n != name}
        rest[f"{folder.name}/{target.name}"] = replace(seen, since=now)
        self._keep(replace(self._memory, files=rest))

    def _seen(self, name: str, facts: tuple[int, int], now: int) -> _Seen:
        before = self._memory.files.get(name)
        # A clock that was set back would let a file rest for ever.
        if before is None or (before.size, before.changed) != facts or before.since > now:
            return _Seen(*facts, since=now)
        return before

    def _check(self, folder: Path | None) -> None:
        if folder is None or not folder.is_absolute() or not folder.is_dir():
            raise PdmError("There is no such folder.", "Choose the folder in which exports arrive.", str(folder or ""))
        inner, outer = folder.resolve(), self._workspace.resolve()
        if inner == outer or outer in inner.parents:
            raise PdmError(
                "The workspace's own folder cannot be watched.",
                "Choose the folder in which exports arrive.",
                str(folder),
            )

    def _keep(self, memory: _Memory) -> None:
        text = json.dumps(
            {
                "settings": asdict(memory.settings),
                "files": {name: asdict(seen) for name, seen in memory.files.items()},
                "contents": sorted(memory.contents),
            },
            indent=1,
        )
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            fresh.write_text(text, "utf-8")
            fresh.replace(self._path)
        except OSError as exc:
            raise WorkspaceError(
                f"What was seen in the watched folder cannot be noted: {exc.strerror}.",
                "Check that the workspace's folder may be written to.",
                str(self._path),
            ) from exc
        self._memory = memory


@dataclass
class _Made:
    """What a look has done so far."""

    imported: list[FileReport] = field(default_factory=list)
    failed: list[WatchFailure] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    problem: str = ""

    def report(self) -> WatchReport:
        return WatchReport(
            tuple(self.imported), tuple(self.failed), tuple(self.known), tuple(self.waiting), self.problem
        )


def _load(path: Path) -> _Memory:
    try:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return _Memory(
            WatchSettings(**stored["settings"]),
            {name: _Seen(**seen) for name, seen in stored["files"].items()},
            set(stored["contents"]),
        )
    except FileNotFoundError:
        return _Memory()
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise PdmError(
            "What was seen in the watched folder cannot be read.",
            "Delete the file; then choose the folder again. Nothing is imported twice.",
            str(path),
        ) from exc


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Name -> (size, time of change in ns) of the files that may be tables."""
    found = {}
    for path in folder.iterdir():
        if path.suffix.lower() not in SUFFIXES or path.name.startswith((".", "~")):
            continue
        try:
            if path.is_file():
                found[path.name] = _facts(path)
        except FileNotFoundError:
            continue  # gone between the listing and the look at it
    return found


def _moved(folder: Path, files: Mapping[str, _Seen], now: int) -> dict[str, tuple[int, int]]:
    """The same of files that were moved not long ago and are still where they were put."""
    found = {}
    for name, seen in files.items():
        if "/" in name and now - seen.since < MOVED_WATCH:
            with suppress(OSError):  # taken away, or out of reach: it is done with
                found[name] = _facts(folder / name)
    return found


def _reason(path: Path) -> Path:
    return path.with_name(path.name + ".reason.txt")


def _facts(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _gone_or_changed(path: Path, seen: _Seen) -> bool:
    try:
        return _facts(path) != (seen.size, seen.changed)
    except OSError:
        return True


def _whole(path: Path) -> bool:
    """Whether the end looks like a finished file's. OSError while its writer lets nobody read it."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        if suffix in (".zip", ".xlsx"):
            return zipfile.is_zipfile(file)
        file.seek(max(0, path.stat().st_size - 4))
        tail = file.read()
    if suffix == ".parquet":
        return tail == b"PAR1"
    # Two bytes: the line end of UTF-16. The end of a .gz tells nothing without reading all of it.
    return suffix != ".gz" and any(byte in tail[-2:] for byte in b"\r\n")


def _sha256(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            progress.check()
            digest.update(block)
    return digest.hexdigest()


def _free(path: Path) -> Path:
    """`path`, or with a number where that name is taken."""
    target, number = path, 2
    while target.exists():
        target = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return target
