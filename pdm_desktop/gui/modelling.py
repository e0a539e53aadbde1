"""Everything the window does about models: the page of versions, the retraining wizard, putting a version into use."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.core import times
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import (
    Decision,
    Evaluation,
    ModelVersion,
    Round,
    TrainingData,
    TrainingResult,
    TrainingSettings,
)
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.sent import Sending
from pdm_desktop.gui.carrying import Carrying, Notice
from pdm_desktop.gui.figures import mistake_words
from pdm_desktop.gui.pages.models import ModelsPage
from pdm_desktop.gui.session import SCHEDULED, Session
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.versions import DecisionDialog
from pdm_desktop.gui.wizards.retrain import RetrainWizard
from pdm_desktop.gui.wizards.retrain_data import Part
from pdm_desktop.gui.wizards.retrain_result import headline
from pdm_desktop.tasks import Task

if TYPE_CHECKING:
    from pdm_desktop.core.workspace import Workspace

WHO = "who"
"""The key of the window's settings that remembers who decided last."""
LATELY = 90 * times.DAY
"""The span proposed for measuring a version that was not trained here."""
DATA_KEY, EVALUATION_KEY, VERSIONS_KEY = "training data", "evaluation", "versions"


class Modelling(QObject):
    """Belongs to one window. Nothing here blocks; the work runs in the session's lanes."""

    shown = Signal()
    """The page shows its versions."""
    failed = Signal(object)
    """An exception the user must be told of."""
    machine_requested = Signal(str, object)
    """Show a machine at a time, ms UTC."""
    known_until_requested = Signal()
    """Ask until when failures are known."""
    _rounds = Signal(object)

    def __init__(
        self, window: QMainWindow, session: Session, theme: Theme, settings: QSettings, notice: Notice
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._theme = window, session, theme
        self._settings, self._notice = settings, notice
        self._page: ModelsPage | None = None
        self._task: Task | None = None
        self._choose = ""
        """The version to select once the list is there."""
        self.wizard: RetrainWizard | None = None
        self.carrying = Carrying(window, session, settings, notice, self._who)
        self.carrying.came.connect(self._came)
        self.carrying.failed.connect(self.failed)
        # Told from the lane's thread, shown in the window's.
        self._rounds.connect(self._show_round, Qt.ConnectionType.QueuedConnection)
        session.tasks_changed.connect(self._show_progress)
        session.opened.connect(lambda _empty: self._forget())

    # ---- the page

    def build_page(self) -> ModelsPage:
        """The page of versions, wired."""
        page = self._page = ModelsPage(self._theme)
        page.retrain_requested.connect(self.retrain)
        page.promote_requested.connect(self._ask_promotion)
        page.discard_requested.connect(self._ask_discard)
        page.rollback_requested.connect(self.roll_back)
        page.export_requested.connect(self.carrying.ask_export)
        page.import_requested.connect(self.carrying.ask_import)
        page.evaluate_requested.connect(self._evaluate)
        page.send_requested.connect(self.send)
        page.machine_requested.connect(self._show_measured)
        return page

    def load(self) -> None:
        """Look at the versions; `shown` follows."""
        zone, writable, server = self._zone(), self._session.writable, self._server()

        def work(workspace: Workspace, progress: Progress) -> tuple[tuple[ModelVersion, ...], tuple[Decision, ...]]:
            progress.check()
            return workspace.models(), workspace.decisions()

        def done(found: tuple[tuple[ModelVersion, ...], tuple[Decision, ...]]) -> None:
            page = self._page
            if page is not None:
                page.show_versions(*found, self._lately(), zone, writable, server)
                if self._choose:
                    page.choose(self._choose)
                    self._choose = ""
                self.shown.emit()

        self._session.ask("read", "Looking at the model versions", work, done, self._fail, VERSIONS_KEY)

    def _ask_promotion(self, version: ModelVersion) -> None:
        workspace = self._session.workspace
        more = ""
        if workspace is not None and version.horizon_h != workspace.settings.horizon_h:
            more = f" The plant then looks {version.horizon_h:g} h ahead, {workspace.settings.horizon_h:g} h until now."
        dialog = DecisionDialog(
            f"Promote version {version.version}",
            "It judges every machine from now on; the risks are worked out anew in the background. "
            f"The version in use until now stays, and one click goes back to it.{more}",
            "Promote",
            self._who(),
            self._window,
        )
        dialog.decided.connect(lambda who, why: self.promote(version.version, who, why))
        dialog.open()

    def _ask_discard(self, version: ModelVersion) -> None:
        dialog = DecisionDialog(
            f"Discard version {version.version}",
            "It goes from the versions for good. That it was trained, and who discarded it, stays in the history.",
            "Discard",
            self._who(),
            self._window,
        )
        dialog.decided.connect(lambda who, why: self._discard(version.version, who, why))
        dialog.open()

    def _discard(self, version: str, who: str, why: str) -> None:
        def done(_: object) -> None:
            self._notice(f"Version {version} is discarded; nothing else has changed.", "", "", lambda: None)
            if self._page is not None:
                self.load()

        self._settings.setValue(WHO, who)
        self._session.ask("write", "Discarding a version", lambda w, _: w.discard(version, who, why), done, self._fail)

    def promote(self, version: str, who: str, why: str) -> None:
        """Put a version into use; the fleet is scored anew."""
        self._settings.setValue(WHO, who)
        self._change("Putting a version into use", lambda w: w.promote(version, who, why), self._in_use)

    def roll_back(self) -> None:
        """Go back to the version that was in use before."""
        self._change("Going back a version", lambda w: w.rollback(self._who(), "rolled back in the window"), self._back)

    def _in_use(self, version: ModelVersion) -> None:
        self._notice(
            f"Version {version.version} is in use. Risks are worked out anew.", "good", "Roll back", self.roll_back
        )

    def _back(self, version: ModelVersion) -> None:
        self._notice(f"Version {version.version} is in use again.", "good", "", lambda: None)

    def _change(self, title: str, work: Callable[[Workspace], Any], then: Callable[[Any], None]) -> None:
        def done(version: ModelVersion) -> None:
            self._choose = version.version
            then(version)
            # What pages show of risks is the former model's.
            self._session.change()
            if self._page is not None:
                self.load()

        self._session.ask("write", title, lambda w, _: work(w), done, self._fail)

    def send(self) -> None:
        """Send the tracking server what it does not have yet."""

        def done(made: Sending) -> None:
            self._tell_sending(made)
            self.load()

        title = f"Sending model versions to {self._server()}"
        self._session.ask("job", title, lambda w, p: w.send_models(p), done, self._fail)

    def _tell_sending(self, made: Sending) -> None:
        if made.server:
            self._notice(made.text, "watch" if made.problem else "good", "", lambda: None)

    def _came(self, version: str) -> None:
        self._choose = version
        self.load()

    def _evaluate(self, version: str, start: int, end: int) -> None:
        page = self._page
        if page is None:
            return
        page.show_measuring()

        def done(made: Evaluation) -> None:
            page.show_evaluation(made)

        def failed(error: Exception) -> None:
            if isinstance(error, PdmError):
                page.show_evaluation_problem(str(error))
            elif isinstance(error, Cancelled):
                page.show_evaluation_problem("Stopped.")
            else:
                self.failed.emit(error)

        work: Callable[[Workspace, Progress], Any] = lambda w, p: w.evaluate(version, start, end, p)  # noqa: E731
        self._session.ask("job", f"Evaluating version {version}", work, done, failed)

    # ---- the wizard

    def retrain(self) -> None:
        """Open the wizard: a new one, or the one whose training is under way or waits for a decision."""
        if not self._session.writable:
            return
        wizard = self.wizard
        if wizard is not None and wizard.state in ("asking", "ended"):
            wizard.deleteLater()
            wizard = None
        if wizard is None:
            wizard = self.wizard = RetrainWizard(self._theme, self._who(), self._zone(), self._window)
            wizard.data_requested.connect(self._look)
            wizard.training_requested.connect(self._train)
            wizard.stop_requested.connect(self._stop)
            wizard.machine_requested.connect(self._show_machine)
            wizard.decided.connect(self._decide)
            wizard.known_until_requested.connect(self._ask_known_until)
            wizard.begin()
        wizard.open()

    def _ask_known_until(self) -> None:
        self.known_until_requested.emit()
        self._notice("The retraining is not begun yet.", "", "Back to it", self.retrain)

    def _look(self, part: Part) -> None:
        wizard = self.wizard
        if wizard is None:
            return
        asked = TrainingSettings(since=part.since, until=part.until, machines=part.machines)

        def done(data: TrainingData) -> None:
            if self.wizard is wizard:
                wizard.show_data(data, part)

        def failed(error: Exception) -> None:
            if isinstance(error, PdmError) and self.wizard is wizard:
                wizard.show_data_problem(error)
            else:
                self._fail(error)

        work: Callable[[Workspace, Progress], Any] = lambda w, p: w.training_data(asked, p)  # noqa: E731
        self._session.ask("read", "Looking at what there is to learn from", work, done, failed, DATA_KEY)

    def choose(self, version: str) -> None:
        """Select this version when the list is shown next."""
        self._choose = version

    def _train(self, settings: TrainingSettings) -> None:
        wizard = self.wizard
        # Whoever asks goes first: one by schedule is taken up at the next start.
        for task in self._session.tasks.active():
            if task.key == SCHEDULED:
                task.cancel()

        def done(result: TrainingResult) -> None:
            self._task = None
            if wizard is None or self.wizard is not wizard:
                return
            fleet = self._session.fleet
            wizard.show_result(result, fleet.as_of if fleet is not None else times.now_ms())
            self._tell_sending(result.sending)
            if not wizard.isVisible():
                told = " ".join(filter(None, ("The training is done.", headline(result)[0], result.sending.problem)))
                self._notice(told, "", "Show the result", self.retrain)
            if self._page is not None:
                self.load()

        def failed(error: Exception) -> None:
            self._task = None
            if wizard is not None and self.wizard is wizard:
                wizard.show_failed(error)
                if not wizard.isVisible() and not isinstance(error, Cancelled):
                    self._notice(f"The training ended without a candidate: {error}", "watch", "Show", wizard.open)
            if not isinstance(error, PdmError | Cancelled):
                self.failed.emit(error)

        def work(workspace: Workspace, progress: Progress) -> TrainingResult:
            return workspace.retrain(settings, progress, self._tell_round)

        self._task = self._session.ask("job", "Training a model", work, done, failed)

    def _tell_round(self, done: Round) -> None:
        self._rounds.emit(done)

    def _show_round(self, done: Round) -> None:
        if self.wizard is not None:
            self.wizard.add_round(done)

    def _show_progress(self) -> None:
        if self._task is not None and self.wizard is not None:
            self.wizard.show_progress(self._task.step, self._task.eta_s())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _show_machine(self, machine: str, at: int) -> None:
        self.machine_requested.emit(machine, at)
        result = self.wizard.result_shown if self.wizard is not None else None
        wrong = "" if result is None else mistake_words(result.missed, result.false_alarms, machine, at)
        told = "The retraining waits for your decision."
        if wrong and result is not None:
            told = f"{self._wrong(result.version, wrong, at)} {told}"
        self._notice(told, "", "Back to the result", self.retrain)

    def _show_measured(self, machine: str, at: int) -> None:
        self.machine_requested.emit(machine, at)
        made = self._page.evaluation.shown if self._page is not None else None
        wrong = "" if made is None else mistake_words(made.missed, made.false_alarms, machine, at)
        if wrong and made is not None:
            self._notice(self._wrong(made.version, wrong, at), "", "", lambda: None)

    def _wrong(self, version: str, words: str, at: int) -> str:
        """What a version got wrong at a time, above the machine's page, which draws the risks of the one in use."""
        fleet = self._session.fleet
        used = fleet.model.version if fleet is not None and fleet.model is not None else ""
        drawn = f" The risk drawn is that of version {used}, which is in use." if used not in ("", version) else ""
        return f"{times.short(at, self._zone())}: version {version} {words}{drawn}"

    def _decide(self, choice: str, version: str, who: str, why: str) -> None:
        if choice == "promote":
            self.promote(version, who, why)
        elif choice == "discard":
            self._discard(version, who, why)
        else:
            self._notice(f"Version {version} is kept as a candidate.", "", "", lambda: None)
            if self._page is not None:
                self.load()

    # ---- what holds now

    def _server(self) -> str:
        workspace = self._session.workspace
        return workspace.settings.tracking_server if workspace is not None else ""

    def _zone(self) -> str:
        workspace = self._session.workspace
        return workspace.settings.time_zone if workspace is not None else "UTC"

    def _lately(self) -> tuple[int | None, int | None]:
        fleet = self._session.fleet
        return (None, None) if fleet is None else (fleet.as_of - LATELY, fleet.as_of)

    def _who(self) -> str:
        remembered = str(self._settings.value(WHO, "") or "")
        if remembered:
            return remembered
        try:
            return getpass.getuser()
        except (OSError, KeyError, ImportError):
            # No account name is to be had: the user types one.
            return ""

    def _forget(self) -> None:
        """Another workspace is open: what was asked of the former one is of no interest any more."""
        self._stop()
        self._task = None
        if self.wizard is not None:
            self.wizard.hide()
            self.wizard.deleteLater()
            self.wizard = None

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.failed.emit(error)
