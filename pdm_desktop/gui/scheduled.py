"""Retraining by itself in the window: looks when it is due, trains beside all else, tells calmly what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import Attempt, RetrainingDue, TrainingResult
from pdm_desktop.gui.session import SCHEDULED, Session

if TYPE_CHECKING:
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.workspace import Workspace

Notice = Callable[[str, str, str, Callable[[], object]], None]
REST_MS, LOOK_MS = 1_000, 3_600_000
_LOOK_KEY = "retraining due"


class Scheduled(QObject):
    """Belongs to one window. It looks once after a workspace was opened, and every hour where that was asked for."""

    look_requested = Signal(str)
    """Show this version on the Models page."""

    def __init__(self, session: Session, notice: Notice, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._notice = session, notice
        self._fresh = False
        """A workspace was opened and has not been looked at yet."""
        self._stopped = False
        """The user stopped it: not again before the next start."""
        session.opened.connect(self._opened)
        session.scored.connect(self._scored)
        session.not_scored.connect(self._scored)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._hourly)
        self._timer.start(LOOK_MS)

    def look(self, *, first: bool = True) -> None:
        """Look whether a retraining is due and, the first time, tell what the last one gave."""
        workspace = self._session.workspace
        if workspace is None or not self._session.writable:
            return
        asked = workspace.settings.retrain != "off"

        def done(told: RetrainingDue) -> None:
            if told.last is not None and first:
                self._tell(told.last)
            if told.due and asked and not self._stopped:
                self._train()

        self._session.ask(
            "write", "Looking whether to retrain", lambda w, _: w.retraining_due(), done, self._failed, _LOOK_KEY
        )

    def _opened(self, empty: bool) -> None:
        self._fresh, self._stopped = not empty, False

    def _scored(self, _: object) -> None:
        # The ranking first, then what the pages need: that is what one opens the program for.
        if self._fresh:
            self._fresh = False
            QTimer.singleShot(REST_MS, self, self.look)

    def _hourly(self) -> None:
        workspace = self._session.workspace
        if workspace is not None and workspace.settings.retrain == "weekly":
            self.look(first=False)

    def _train(self) -> None:
        if any(task.lane == "job" for task in self._session.tasks.active()):
            return

        def work(workspace: Workspace, progress: Progress) -> tuple[RetrainingDue, TrainingResult | None]:
            return workspace.retrain_if_due(progress)

        def done(found: tuple[RetrainingDue, TrainingResult | None]) -> None:
            made = found[1]
            if made is None:
                return
            if made.promoted:
                # What pages show of risks is the former model's.
                self._session.change()
            self._tell(
                Attempt(0, "promoted" if made.promoted else "candidate", 0, made.version, made.why), made.verdict.better
            )

        self._session.ask("job", "Retraining by schedule", work, done, self._failed, SCHEDULED)

    def _tell(self, last: Attempt, better: bool = False) -> None:
        if last.state == "candidate":
            text = f"A candidate, version {last.version}, was trained by schedule and waits for a decision."
            if better:
                text += " It is better than the version in use beyond luck."
            self._notice(text, "", "Look at it", lambda: self._show(last.version))
        elif last.state == "promoted":
            text = f"Version {last.version} was trained by schedule and is in use: better beyond luck."
            self._notice(text, "good", "Look at it", lambda: self._show(last.version))
        elif last.state == "failed":
            self._notice(f"Retraining by schedule gave no candidate. {last.message}", "watch", "", lambda: None)
            self._settle()

    def _show(self, version: str) -> None:
        self.look_requested.emit(version)
        self._settle()

    def _settle(self) -> None:
        self._session.ask("write", "Noting what was looked at", lambda w, _: w.settle_retraining(), lambda _: None)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self._stopped = True
        elif isinstance(error, PdmError):
            self._tell(Attempt(0, "failed", 0, message=str(error)))
        else:
            self._session.failed.emit(error)
