"""The open workspace and its use cases as signals: asked in the GUI thread, run in a lane, answered in the GUI thread.

Nothing here shows anything. An answer counts only while the workspace it was asked of is still the open one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal

from pdm_desktop.core import times
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.results import Fleet, ImportReport, WatchReport, WatchSettings
from pdm_desktop.tasks import Lane, Task, Tasks

if TYPE_CHECKING:
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.workspace import Workspace

PREPARE = "prepare"
WATCH = "watch"
SCHEDULED = "retraining by schedule"
UNASKED = (PREPARE, WATCH, SCHEDULED)
"""Keys of work nobody asked for: it may be stopped without a word and is done the next time."""
LIVE_REFRESH = 5 * times.MINUTE
"""Under a live clock the fleet is scored anew this often."""


class _Poster(QObject):
    """Runs callables in the thread it lives in; they may be posted from any."""

    posted = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def _run(self, call: Callable[[], None]) -> None:
        call()


class Session(QObject):
    """One workspace at a time. Methods return at once; what comes of them is told by the signals."""

    opened = Signal(bool)
    """Another workspace is open; whether it is empty."""
    not_opened = Signal(object, object, bool)
    """Folder, exception, whether it was asked for read-only."""
    scored = Signal(object)
    """A Fleet."""
    not_scored = Signal(object)
    """The PdmError that says why there is no fleet."""
    imported = Signal(object)
    """An ImportReport; the fleet follows."""
    record_changed = Signal()
    """What pages show of the record may be out of date; the fleet follows."""
    view_ready = Signal(object)
    """A MachineView."""
    overview_ready = Signal(object)
    """A DataOverview."""
    written = Signal(object, str)
    """A file was written: its path, what is in it."""
    failed = Signal(object)
    """An exception nobody else was told of."""
    cancelled = Signal()
    """The user stopped something; nothing changed."""
    watching_changed = Signal(object)
    """The WatchSettings in force."""
    watched = Signal(object)
    """A WatchReport: what a look into the watched folder found; the fleet follows where the record changed."""
    tasks_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace: Workspace | None = None
        self.fleet: Fleet | None = None
        self.watching = WatchSettings()
        self.tasks = Tasks(_Poster(self).posted.emit)
        self.tasks.on_change.append(self.tasks_changed.emit)

    @property
    def writable(self) -> bool:
        """Whether a workspace is open that may be changed."""
        return self.workspace is not None and not self.workspace.read_only

    @property
    def logs(self) -> Path | None:
        """Where faults of the program are noted: the workspace's logs."""
        return self.workspace.folder / "logs" if self.workspace is not None else None

    def busy(self) -> tuple[Task, ...]:
        """The work under way that matters when leaving: all but reading and loading libraries."""
        return tuple(task for task in self.tasks.active() if task.lane != "read" and task.key not in UNASKED)

    def open(self, folder: Path, *, read_only: bool = False, fill_demo: bool = False) -> None:
        """Open the workspace in `folder` in place of the one open; fill_demo: make it the demo plant when empty."""
        before, shown = self.workspace, self.fleet
        if before is not None and before.folder == folder:
            self.change()
            return
        # Nothing may be asked of a workspace that is about to be closed.
        self.workspace, self.fleet = None, None
        self.tasks_changed.emit()

        def work(_progress: Progress) -> tuple[Workspace, bool]:
            # Here and not above: the record's libraries take longer to load than the window to appear.
            from pdm_desktop.core.workspace import Workspace

            opened = Workspace.open(folder, read_only=read_only)
            if before is not None:
                before.close()
            return opened, opened.is_empty()

        def done(result: tuple[Workspace, bool]) -> None:
            self.workspace, empty = result
            self.fleet = None
            self.watching = WatchSettings()
            self.opened.emit(empty)
            self._read_watching()
            if empty and fill_demo:
                self.fill_demo()
            elif not empty:
                self.refresh()

        def failed(error: Exception) -> None:
            # The other one could not be opened: stay with the one that is, if it was not closed yet.
            self.workspace, self.fleet = before, shown
            self.not_opened.emit(folder, error, read_only)

        self.tasks.run("write", "Opening the workspace", work, done, failed)

    def refresh(self) -> None:
        """Score what is missing; `scored` or `not_scored` follows."""

        def done(fleet: Fleet) -> None:
            self.fleet = fleet
            self.scored.emit(fleet)

        def failed(error: Exception) -> None:
            if isinstance(error, Cancelled):
                self.cancelled.emit()
                if self.fleet is None:
                    # Nothing is on the screen yet: say how to go on.
                    self.not_scored.emit(PdmError("The scoring was stopped.", "View > Refresh takes it up again."))
            elif isinstance(error, PdmError):
                self.fleet = None
                self.not_scored.emit(error)
            else:
                self._fail(error)

        self.ask("write", "Scoring machines", lambda w, p: w.score(None, p), done, failed, "score")

    def change(self) -> None:
        """The record has changed, or may have: everyone must look again."""
        self.record_changed.emit()
        self.refresh()

    def import_files(self, files: Sequence[Path]) -> None:
        """Import files and folders."""

        def done(report: ImportReport) -> None:
            self.imported.emit(report)
            self.change()

        title = f"Importing {files[0].name}" if len(files) == 1 else f"Importing {len(files)} files"
        self.ask("write", title, lambda w, p: w.import_files(list(files), p), done)

    def fill_demo(self) -> None:
        """Make the open, empty workspace the demo plant."""
        self.ask("write", "Making the demo plant", lambda w, p: w.demo(p), lambda _: self.change())

    def undo(self, batch: int) -> None:
        """Take an import back."""
        self.ask("write", "Undoing an import", lambda w, p: w.undo(batch, p), lambda _: self.change())

    def watch(self, settings: WatchSettings, failed: Callable[[Exception], None]) -> None:
        """Watch a folder, or no longer; `failed` gets the PdmError where it cannot be watched."""

        def work(workspace: Workspace, _progress: Progress) -> WatchSettings:
            workspace.change_watch(settings)
            return workspace.watch_settings

        self.ask("write", "Watching a folder", work, self._watching_is, failed)

    def look(self, now: int | None = None) -> None:
        """Look into the watched folder (at `now`, ms UTC; None = the computer's clock), unless other work is under
        way: then the next look comes soon enough."""
        if not self.watching.on or not self.writable or any(task.lane == "write" for task in self.tasks.active()):
            return

        def done(report: WatchReport) -> None:
            self.watched.emit(report)
            if report.changed:
                self.change()

        def failed(error: Exception) -> None:
            if isinstance(error, PdmError):
                self.watched.emit(WatchReport(problem=str(error)))
                return
            # A fault of the program would come again with every look.
            self._watching_is(WatchSettings(self.watching.folder, False, self.watching.move))
            self._fail(error)

        self.ask("write", "Looking into the watched folder", lambda w, p: w.watch_once(p, now), done, failed, WATCH)

    def _read_watching(self) -> None:
        if self.writable:
            self.ask("write", "Watching a folder", lambda w, _: w.watch_settings, self._watching_is, None, WATCH)

    def _watching_is(self, settings: WatchSettings) -> None:
        self.watching = settings
        self.watching_changed.emit(settings)

    def record(
        self,
        title: str,
        work: Callable[[Workspace, Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None,
    ) -> None:
        """Change the record or what holds of it; everyone looks again then. failed: who is told instead of all."""

        def finished(result: Any) -> None:
            done(result)
            self.change()

        self.ask("write", title, work, finished, failed)

    def read(self, title: str, work: Callable[[Workspace, Progress], Any], done: Callable[[Any], None]) -> None:
        """Read something of the workspace."""
        self.ask("read", title, work, done)

    def write_report(self, out: Path) -> None:
        """Write the risk report as of the time on the screen, whatever the clock says by now."""
        shown = self.fleet
        if shown is not None:
            work: Callable[[Workspace, Progress], Fleet] = lambda w, p: w.report(out, p, at=shown.as_of)  # noqa: E731
            self.ask("write", "Writing the report", work, lambda made: self.written.emit(out, _machines(made)))

    def back_up(self, out: Path) -> None:
        """Write a backup."""

        def done(_: None) -> None:
            self.written.emit(out, f"{out.stat().st_size / 1e6:,.1f} MB")

        self.ask("write", "Backing up", lambda w, p: w.backup(out, p), done)

    def load_machine(self, machine: str, start: int | None, end: int | None) -> None:
        """Look at a machine; a later request replaces an earlier one."""
        work: Callable[[Workspace, Progress], Any] = lambda w, p: w.machine_view(machine, start, end, p)  # noqa: E731
        self.ask("read", f"Loading machine {machine}", work, self.view_ready.emit, None, "machine")

    def load_overview(self) -> None:
        """Look at what the store holds."""
        self.ask("read", "Looking at the data", lambda w, p: w.data_overview(p), self.overview_ready.emit, None, "data")

    def look_over(
        self,
        window: Sequence[tuple[str, bool, str]],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> Task:
        """Run the doctor's checks, also where no workspace could be opened. window: what was found of the window."""
        folder = self.workspace.folder if self.workspace is not None else None

        def work(progress: Progress) -> list[Any]:
            from pdm_desktop.core import doctor

            return list(doctor.run(folder, lambda: window, progress))

        return self.tasks.run("job", "Looking at the installation", work, done, failed or self._fail)

    def prepare(self, load: Callable[[], object]) -> None:
        """Load a library beside the window, so that the page that needs it opens without a pause."""
        # In turn with the heavy work: two busy lanes at once would make the window wait for both.
        self.tasks.run("write", "Preparing pages", lambda _: load(), lambda _: None, self._fail, PREPARE)

    def tick(self) -> None:
        """Time has passed: under a live clock the fleet is due anew now and then."""
        fleet = self.fleet
        if fleet is None or fleet.clock != "live" or self.busy():
            return
        if times.now_ms() - fleet.as_of >= LIVE_REFRESH:
            self.refresh()

    def cancel_all(self) -> None:
        """Ask everything under way to stop."""
        for task in self.tasks.active():
            task.cancel()

    def close(self) -> None:
        """End the threads and give the workspace back."""
        self.tasks.close()
        if self.workspace is not None:
            self.workspace.close()
            self.workspace = None

    def ask(
        self,
        lane: Lane,
        title: str,
        work: Callable[[Workspace, Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        replace: str | None = None,
    ) -> Task | None:
        """Run work on the open workspace; answers count while it is the open one. None where no workspace is open."""
        workspace = self.workspace
        if workspace is None:
            return None

        def if_same(call: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: call(value) if self.workspace is workspace else None

        return self.tasks.run(
            lane, title, partial(work, workspace), if_same(done), if_same(failed or self._fail), replace
        )

    def _fail(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self.cancelled.emit()
        else:
            self.failed.emit(error)


def _machines(fleet: Fleet) -> str:
    return "1 machine" if len(fleet.rows) == 1 else f"{len(fleet.rows):,} machines"
