"""One plant's folder and every use case on it. Delegates; holds no logic of its own.

Progress goes in, frozen results come out. Methods may be called from any thread, those that write one at a time.
"""

from __future__ import annotations

import csv
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pdm_desktop.core import record, report, scoring, settings, simulate, times
from pdm_desktop.core.by_hand import ByHand
from pdm_desktop.core.clock import Clock, clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import grid, grid_step
from pdm_desktop.core.fleet import HISTORY, Scorer
from pdm_desktop.core.histories import histories
from pdm_desktop.core.importing import WithImports
from pdm_desktop.core.lock import WorkspaceLock
from pdm_desktop.core.machine_page import machine_view
from pdm_desktop.core.modelling import WithModels
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.quality import Overview
from pdm_desktop.core.record_results import By
from pdm_desktop.core.results import (
    Batch,
    DataOverview,
    Fleet,
    ImportReport,
    MachineView,
    ModelInfo,
    SensorRow,
    Upgrade,
    WatchReport,
    WatchSettings,
)
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store
from pdm_desktop.core.watch import Watch

DATABASE = "plant.db"
SETTINGS = "settings.toml"
LOCK = "workspace.lock"


class Workspace(ByHand, WithImports, WithModels):
    """An open workspace. Use `open`, and `close` when done."""

    def __init__(self, folder: Path, store: Store, lock: WorkspaceLock | None) -> None:
        self.folder = folder
        self.read_only = lock is None
        self._store = store
        self._lock = lock
        self._settings = settings.load(folder / SETTINGS)
        self._score_lock = threading.Lock()
        self._overview = Overview()

    @staticmethod
    def open(folder: Path, *, read_only: bool = False) -> Workspace:
        """The workspace in `folder`, made when there is none. PdmError when it cannot be opened: held by another
        program, made by a newer version, not writable, on a network share."""
        if read_only:
            if not (folder / DATABASE).is_file():
                raise PdmError("There is no workspace here.", "Import files to make one.", str(folder))
            return _holding(Store.open(folder / DATABASE, read_only=True), folder, None)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = WorkspaceLock(folder / LOCK)
            lock.acquire()
        except OSError as exc:
            raise PdmError(
                f"The workspace folder cannot be used: {exc.strerror}.",
                "Choose a folder you may write to.",
                str(folder),
            ) from exc
        try:
            return _holding(Store.open(folder / DATABASE), folder, lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close the database and give the folder back."""
        self._close_models()
        self._store.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what holds here

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def change_settings(self, values: dict[str, str], by: By | None = None) -> Settings:
        """Set settings from text (`key` to value) and keep them. by: who and why (None: the computer's user); kept
        with a change of what the record says, which failures_known_until is."""
        changed, before = self._settings.changed(values), self._settings.failures_known_until
        if changed.failures_known_until == before:
            self._keep_settings(changed)
            return changed
        with self._store.transaction():
            by = by or By(record.user() or "unknown")
            record.note_known_until(self._store, before, changed.failures_known_until, by)
            self._keep_settings(changed)
        return changed

    def _keep_settings(self, changed: Settings) -> None:
        settings.save(self.folder / SETTINGS, changed)
        self._settings = changed

    def is_empty(self) -> bool:
        """Whether the store holds no machine yet."""
        return self._store.machines().empty

    def clock(self) -> Clock:
        """The workspace's now."""
        return clock(self._settings, self._store.newest_reading(), times.now_ms())

    @property
    def model_info(self) -> ModelInfo:
        """Name, version and run of the model in use."""
        return self.model.info

    @property
    def upgrade(self) -> Upgrade | None:
        """What opening this workspace brought up to date, None when it was of this version."""
        return self._store.upgrade

    # ---- the record

    def demo(self, progress: Progress, machines: int = 30, days: int = 120, seed: int = 1) -> ImportReport:
        """Fill this empty workspace with a simulated plant and score it."""
        if not self.is_empty():
            raise PdmError(
                "This workspace already holds a plant's record.",
                "Open an empty folder as the workspace for the demo plant.",
                str(self.folder),
            )
        # One transaction: a demo that is stopped while it is scored must leave no simulated machines behind, among
        # which a real plant could be imported.
        with tempfile.TemporaryDirectory(prefix="demo-", dir=self.folder) as folder, self._store.transaction():
            simulate.write(Path(folder), machines=machines, days=days, seed=seed, progress=progress)
            made = self.import_files([Path(folder)], progress)
            self.score(None, progress)
        self.change_settings({"plant_name": "Demo plant (simulated)"})
        return made

    def imports(self) -> tuple[Batch, ...]:
        """Every import batch, oldest first."""
        return self._store.batches()

    def undo(self, batch: int, progress: Progress) -> dict[str, int]:
        """Take a batch back; returns for each machine touched the earliest time (ms) that changed."""
        return self._store.undo(batch, progress)

    # ---- the watched folder

    @cached_property
    def _watch(self) -> Watch:
        return Watch(self.folder)

    @property
    def watch_settings(self) -> WatchSettings:
        """The folder whose new files are imported, and whether it is watched at present."""
        return self._watch.settings

    def change_watch(self, settings: WatchSettings) -> None:
        """Watch as `settings` say from now on; PdmError for a folder that cannot be watched."""
        self._watch.change(settings)

    def watch_once(self, progress: Progress, now: int | None = None) -> WatchReport:
        """One look into the watched folder at `now` (ms UTC; None = the computer's clock): imports what has stopped
        growing since an earlier look, each file on its own. Scores nothing."""
        return self._watch.look(
            times.now_ms() if now is None else now,
            self.import_unattended,
            lambda: {batch.sha256 for batch in self._store.batches()},
            progress,
        )

    # ---- the model's opinion

    def score(self, at: int | None, progress: Progress, run_id: str | None = None) -> Fleet:
        """Every machine at `at` (ms UTC; None = the workspace's clock), on the grid time at or before it.

        Scores that are not in the store yet are worked out and, unless the workspace is read-only, kept. run_id: the
        version to ask instead of the one in use; it looks as far ahead as it was trained to, and nothing of it is kept.
        PdmError when there is none, it is damaged, or it must not score this plant.
        """
        now = self.clock()
        scorer = self._scorer(save=not self.read_only)
        if run_id is not None and run_id != self.model.info.run_id:
            scorer = Scorer.of_other(self._store, self.model_of_run(run_id), self._settings)
        with self._score_lock:
            return scorer.fleet(now, (now.now if at is None else at) // scorer.step * scorer.step, progress)

    def score_all(self, progress: Progress) -> int:
        """Score the whole record on the grid; returns the number of scores."""
        scorer = self._scorer(save=not self.read_only)
        obstacle = scorer.obstacle()
        if obstacle:
            raise PdmError(obstacle, where="model")
        return scorer.score_all(self.clock().now, progress)

    def machine_view(self, machine: str, start: int | None, end: int | None, progress: Progress) -> MachineView:
        """One machine's page over [start, end] (ms UTC; None = the last 14 days up to the clock)."""
        now = self.clock()
        scorer = self._scorer(save=False)
        at = now.now // scorer.step * scorer.step
        until = at if end is None else end
        since = until - HISTORY if start is None else start
        return machine_view(scorer, machine, at, since, until, progress)

    def report(self, out: Path, progress: Progress, at: int | None = None, machines: Sequence[str] = ()) -> Fleet:
        """Write the risk report (.csv) of all or some machines; returns what was reported."""
        if out.suffix.lower() != ".csv":
            raise PdmError(
                f"A report of kind {out.suffix or 'without ending'!r} is not available.", "Use .csv.", str(out)
            )
        made = self._only(self.score(at, progress), machines)
        report.write(out, report.risk_csv(made, self.model.components, times.now_ms()))
        return made

    def export_features(self, out: Path, progress: Progress, machines: Sequence[str] = ()) -> int:
        """Write the matrix the model sees, on the grid, as CSV: machine, time, then the features. Returns the rows."""
        spec = self.model.spec
        if scoring.unfit_sensors(self.model, self._store.sensors()):
            raise PdmError(self._scorer(save=False).obstacle(), where="model")
        known = list(self._store.machines()["machine"])
        chosen = self._known(machines, known)
        step = grid_step(spec.horizon, self._store.sampling_ms())
        until, written = self.clock().now, 0
        part = out.with_name(out.name + ".part")
        try:
            with part.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["machine", "time", *(report.safe_cell(name) for name in spec.names)])
                for done, machine in enumerate(chosen):
                    progress.step(done, len(chosen), f"Features of machine {machine}")
                    (history,) = histories(self._store, [machine], None, until)
                    if not len(history.times):
                        continue
                    rows = scoring.rows(self.model, history, grid(int(history.times[0]), until, step), np.float64)
                    name = report.safe_cell(machine)
                    for moment, row in zip(rows.times.tolist(), rows.matrix.tolist(), strict=True):
                        cells = ("" if np.isnan(value) else repr(value) for value in row)
                        writer.writerow([name, times.iso(moment, self._settings.time_zone), *cells])
                    written += len(rows.times)
            part.replace(out)
        except OSError as exc:
            raise PdmError(f"The file cannot be written: {exc.strerror}.", "Choose another folder.", str(out)) from exc
        finally:
            part.unlink(missing_ok=True)
        return written

    # ---- the folder

    def data_overview(self, progress: Progress) -> DataOverview:
        """What the store holds, per machine and kind, with gaps and batches."""
        store = self._store
        rows = self._overview.rows(store, round(self._settings.stuck_h * times.HOUR), progress)
        sensors = store.sensors()
        outside = {name: sum(by.values()) for name, by in store.names.outside_limits().items()}
        return DataOverview(
            time_zone=self._settings.time_zone,
            sensors=tuple((s.name, s.unit) for s in sensors),
            rows=rows,
            batches=store.batches(),
            failures_known_until=self.failures_known_until(),
            sampling_ms=store.sampling_ms(),
            sensor_rows=tuple(SensorRow(s.name, s.unit, s.low, s.high, outside.get(s.name, 0)) for s in sensors),
            rules=store.service.rules(),
            periods=store.service.periods(),
            edits=store.edits.all(),
            known_until_set=self._settings.known_until is not None,
            stuck_h=self._settings.stuck_h,
        )

    def failures_known_until(self) -> int | None:
        """The time (ms) up to which the failure record is complete: as set, else its newest failure."""
        if self._settings.known_until is not None:
            return self._settings.known_until
        return self._store.newest_event("failures")

    def backup(self, out: Path, progress: Progress) -> None:
        """A copy of the record while the program goes on: `.zip` holds the whole workspace, anything else plant.db."""
        part = out.with_name(out.name + ".part")
        try:
            if out.suffix.lower() != ".zip":
                self._store.backup(out)
                return
            with tempfile.TemporaryDirectory(dir=out.parent) as folder:
                copy = Path(folder) / DATABASE
                self._store.backup(copy)
                with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                    archive.write(copy, DATABASE)
                    for path in self._kept_files():
                        progress.check()
                        archive.write(path, path.relative_to(self.folder).as_posix())
            part.replace(out)
        except OSError as exc:
            raise PdmError(
                f"The backup cannot be written: {exc.strerror}.", "Choose another folder.", str(out)
            ) from exc
        finally:
            part.unlink(missing_ok=True)

    def _kept_files(self) -> list[Path]:
        found = [self.folder / SETTINGS] if (self.folder / SETTINGS).is_file() else []
        for name in ("imports", "mlruns"):
            found += sorted(path for path in (self.folder / name).rglob("*") if path.is_file())
        return found

    def _scorer(self, *, save: bool) -> Scorer:
        return Scorer(self._store, self.model, self._settings, save=save)

    def _only(self, fleet: Fleet, machines: Sequence[str]) -> Fleet:
        if not machines:
            return fleet
        chosen = set(self._known(machines, [row.machine for row in fleet.rows]))
        return replace(fleet, rows=tuple(row for row in fleet.rows if row.machine in chosen))

    @staticmethod
    def _known(machines: Sequence[str], known: Sequence[str]) -> list[str]:
        strange = [machine for machine in machines if machine not in known]
        if strange:
            raise PdmError(f"There is no machine {strange[0]!r}.", "See the Data page for the machines.", "machine")
        return list(machines) or list(known)


def _holding(store: Store, folder: Path, lock: WorkspaceLock | None) -> Workspace:
    """The workspace over an open store, which is closed again when its settings cannot be read."""
    try:
        return Workspace(folder, store, lock)
    except BaseException:
        store.close()
        raise
