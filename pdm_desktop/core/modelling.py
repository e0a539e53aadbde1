"""The use cases around the model: what is in use, training, versions, who decided what and why."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pdm_desktop.core import assessment, champion, gathering, retraining, schedule, sending, times, versions
from pdm_desktop.core.clock import Clock
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import (
    Decision,
    Evaluation,
    ModelVersion,
    Promotion,
    RetrainingDue,
    Round,
    TrainingData,
    TrainingResult,
    TrainingSettings,
)
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rivals import Plant
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.sent import Sending
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store

MLRUNS = "mlruns"


class WithModels:
    """The part of a workspace that trains models and keeps their versions.

    Methods that look at versions import MLflow at their first call: two seconds, never on the window's thread. Training
    reads through the store only: imports may go on meanwhile.
    """

    folder: Path
    read_only: bool
    _store: Store
    _settings: Settings
    _model: Model | None = None
    _model_lock = threading.Lock()

    def clock(self) -> Clock:
        """The workspace's now."""
        raise NotImplementedError

    def change_settings(self, values: dict[str, str]) -> Settings:
        """Set settings from text and keep them."""
        raise NotImplementedError

    @property
    def model(self) -> Model:
        """The model in use: the champion promoted here, else the one that ships with the program."""
        with self._model_lock:
            if self._model is None:
                self._model = champion.in_use(self.folder / MLRUNS)
            return self._model

    def training_data(self, options: TrainingSettings, progress: Progress) -> TrainingData:
        """What there is to learn from and whether it is enough; see gathering.training_data."""
        return gathering.training_data(self._store, self._settings, options, progress)

    def retrain(
        self, options: TrainingSettings, progress: Progress, on_round: Callable[[Round], None] | None = None
    ) -> TrainingResult:
        """Train, measure, compare and keep a candidate; see retraining.retrain. on_round is called from this thread."""
        self._writable()
        try:
            made = retraining.retrain(self._plant(), options, progress, on_round)
            if made.promoted:
                self._look_ahead(made.horizon_h)
            return self._sent(made, progress)
        finally:
            self._changed()

    def retraining_due(self, now: int | None = None) -> RetrainingDue:
        """Whether enough new failures are on record to retrain, and what came of the last time; see schedule.due.
        now: ms UTC, None = the computer's clock."""
        return schedule.due(
            self._store, self._settings, self.folder / MLRUNS, self._attempts, times.now_ms() if now is None else now
        )

    def retrain_if_due(
        self,
        progress: Progress,
        on_round: Callable[[Round], None] | None = None,
        promote: Promotion | None = None,
        now: int | None = None,
    ) -> tuple[RetrainingDue, TrainingResult | None]:
        """Retrain where that is due, promoting by the user's rule (promote: another one); whether it was, and the
        candidate."""
        self._writable()
        now = times.now_ms() if now is None else now
        asked = self.retraining_due(now)
        if not asked.due:
            return asked, None
        try:
            made = schedule.retrain(self._plant(), self._attempts, asked, promote, now, progress, on_round)
            return asked, self._sent(made, progress)
        finally:
            self._changed()

    def settle_retraining(self) -> None:
        """The user has looked at what came of the newest retraining by schedule: no more is said of it."""
        self._writable()
        schedule.settle(self._attempts)

    def models(self) -> tuple[ModelVersion, ...]:
        """Every version, newest first."""
        return self._versions().all()

    def model_version(self, version: str) -> ModelVersion:
        """One version by number, or `champion`."""
        return self._versions().get(version)

    def model_of_run(self, run_id: str) -> Model:
        """The version of a run, ready to predict. PdmError when there is none, or its files are damaged."""
        found = [version for version in self.models() if version.run_id == run_id]
        if not found:
            raise PdmError(f"No model version has the run id {run_id!r}.", "See `models list`.", "run-id")
        return self._versions().model(found[0].version)

    def decisions(self) -> tuple[Decision, ...]:
        """Who promoted, rolled back, discarded or imported what, when and why; newest first."""
        return self._versions().decisions()

    def promote(self, version: str, who: str, why: str) -> ModelVersion:
        """Put a version in use at once; risks are worked out anew at the next score, as far ahead as it looks."""
        self._writable()
        try:
            made = self._versions().promote(version, who, why)
            self._look_ahead(made.horizon_h)
            schedule.settle(self._attempts, made.version)
            return made
        finally:
            self._changed()

    def rollback(self, who: str, why: str) -> ModelVersion:
        """Go back to the version that was in use before."""
        self._writable()
        try:
            made = self._versions().rollback(who, why)
            self._look_ahead(made.horizon_h)
            return made
        finally:
            self._changed()

    def discard(self, version: str, who: str, why: str) -> None:
        """Take a candidate that was never in use off the list."""
        self._writable()
        self._versions().discard(version, who, why)
        schedule.settle(self._attempts, version)

    def send_models(self, progress: Progress) -> Sending:
        """Send what is not on the tracking server yet; see sending.send."""
        self._writable()
        return sending.send(self._versions(), self._settings, progress)

    def export_model(self, version: str, out: Path) -> Path:
        """Write a version into one zip with checksums."""
        return self._versions().export(version, out)

    def import_model(self, file: Path, who: str, why: str) -> ModelVersion:
        """Take a version in from such a zip; it is not promoted. PdmError says why one is refused."""
        self._writable()
        return self._versions().bring(file, who, why)

    def evaluate(self, version: str, start: int | None, end: int | None, progress: Progress) -> Evaluation:
        """A version measured on a span of the record (ms UTC, None = open)."""
        return assessment.evaluate(self._plant(), version, start, end, progress)

    def _sent(self, made: TrainingResult, progress: Progress) -> TrainingResult:
        """The version is kept, whatever becomes of its copy."""
        if not self._settings.tracking_server:
            return made
        done = sending.send(self._versions(), self._settings, progress)
        told = (done.text,) if done.problem else ()
        return replace(made, sending=done, warnings=(*made.warnings, *told))

    @property
    def _attempts(self) -> Path:
        return self.folder / schedule.FILE

    def _plant(self) -> Plant:
        now = self.clock().now if self._store.newest_reading() is not None else times.now_ms()
        return Plant(self._store, self._settings, self._versions(), now)

    def _versions(self) -> versions.Versions:
        return versions.Versions(self.folder / MLRUNS)

    def _close_models(self) -> None:
        """Let go of the version store's file, where it was opened at all."""
        if "mlflow" in sys.modules:
            self._versions().close()

    def _look_ahead(self, horizon_h: float) -> None:
        """The plant's horizon follows the model in use: with another one it could show no risk."""
        if horizon_h != self._settings.horizon_h:
            self.change_settings({"horizon_h": repr(horizon_h)})

    def _changed(self) -> None:
        with self._model_lock:
            self._model = None

    def _writable(self) -> None:
        if self.read_only:
            raise PdmError(
                "This workspace is open read-only.", "Close the other program that has it open.", str(self.folder)
            )
