"""The retraining wizard: data, settings, training, result, decision. It asks by signals and shows what it is given."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QWidget

from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import Round, TrainingData, TrainingResult
from pdm_desktop.core.progress import Step
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import button
from pdm_desktop.gui.wizards.retrain_data import DataStep, Part
from pdm_desktop.gui.wizards.retrain_decide import DecideStep
from pdm_desktop.gui.wizards.retrain_result import ResultStep
from pdm_desktop.gui.wizards.retrain_run import RunStep, clock_text
from pdm_desktop.gui.wizards.retrain_settings import SettingsStep
from pdm_desktop.gui.wizards.steps import OnwardButton, StepDialog

STEPS = ("Data", "Settings", "Training", "Result", "Decide")
DATA, SETTINGS, TRAINING, RESULT, DECIDE = range(5)
LATE = {TRAINING: "run_step", RESULT: "result_step", DECIDE: "decide_step"}
REST_MS = 40
"""Between making one step ahead and the next: what the user does meanwhile goes first."""
State = Literal["asking", "training", "stopping", "ended", "trained"]


class RetrainWizard(StepDialog):
    """Blocks its window only while it is open; a training goes on while it is hidden and the window is used."""

    data_requested = Signal(object)
    """A Part: what is there to learn from?"""
    training_requested = Signal(object)
    """TrainingSettings."""
    stop_requested = Signal()
    known_until_requested = Signal()
    """Set until when failures are known; the wizard has hidden itself."""
    machine_requested = Signal(str, object)
    """Show a machine at a time (ms UTC); the wizard has hidden itself."""
    decided = Signal(str, str, str, str)
    """promote, keep or discard; version, who, why."""

    def __init__(self, theme: Theme, who: str, zone: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Retrain the model", STEPS, parent)
        self._who, self._zone = who, zone
        self.state: State = "asking"
        self.result_shown: TrainingResult | None = None
        self.data_step = DataStep(theme)
        self.settings_step = SettingsStep(theme)
        self._run_step: RunStep | None = None
        self._result_step: ResultStep | None = None
        self._decide_step: DecideStep | None = None
        for page in (self.data_step, self.settings_step, QWidget(), QWidget(), QWidget()):
            self.pages.addWidget(page)
        self.close_button = self.add_button(button("Close"))
        self.stop_button = self.add_button(button("Stop"))
        self.hide_button = self.add_button(button("Carry on in the background"))
        self.back_button = self.add_button(button("Back"))
        self.next_button = self.add_button(OnwardButton("Continue"))
        self.close_button.clicked.connect(self.close)
        self.stop_button.clicked.connect(self._stop)
        self.hide_button.clicked.connect(self.hide)
        self.back_button.clicked.connect(self._back)
        self.next_button.clicked.connect(self._next)
        self.data_step.part_changed.connect(self._ask_data)
        self.data_step.known_until_requested.connect(self.hide)
        self.data_step.known_until_requested.connect(self.known_until_requested)
        self.show_step(DATA)

    # ---- steps that are made when they are first wanted, or one by one while the first is read: their charts take long

    @property
    def run_step(self) -> RunStep:
        """The third step."""
        if self._run_step is None:
            self._run_step = RunStep(self.theme)
            self._put(TRAINING, self._run_step)
        return self._run_step

    @property
    def result_step(self) -> ResultStep:
        """The fourth step."""
        if self._result_step is None:
            self._result_step = ResultStep(self.theme)
            self._result_step.machine_requested.connect(self._show_machine)
            self._put(RESULT, self._result_step)
        return self._result_step

    @property
    def decide_step(self) -> DecideStep:
        """The last step."""
        if self._decide_step is None:
            self._decide_step = DecideStep()
            self._decide_step.changed.connect(self._follow)
            self._put(DECIDE, self._decide_step)
        return self._decide_step

    def _put(self, at: int, page: QWidget) -> None:
        place = self.pages.widget(at)
        self.pages.insertWidget(at, page)
        if place is not None:
            self.pages.removeWidget(place)
            place.deleteLater()

    def _make_ahead(self) -> None:
        unmade = [key for key in LATE.values() if getattr(self, f"_{key}") is None]
        if unmade:
            getattr(self, unmade[0])
            QTimer.singleShot(REST_MS, self, self._make_ahead)

    # ---- what is answered

    def begin(self) -> None:
        """Look at the record."""
        self._ask_data(Part())
        QTimer.singleShot(REST_MS, self, self._make_ahead)

    def show_data(self, data: TrainingData, part: Part) -> None:
        """What there is to learn from."""
        self.data_step.show_data(data, part, self._zone)
        self.settings_step.propose(data)
        self._follow()

    def show_data_problem(self, error: PdmError) -> None:
        """The record cannot be looked at."""
        self.data_step.show_problem(error)
        self._follow()

    def show_progress(self, step: Step | None, left_s: float | None) -> None:
        """How far the training is."""
        if self.state == "training":
            self.run_step.show_step(step, left_s)

    def add_round(self, done: Round) -> None:
        """A boosting round is done."""
        if self.state == "training":
            self.run_step.add_round(done)

    def show_failed(self, error: Exception) -> None:
        """The training ended without a candidate."""
        self.state = "ended"
        if isinstance(error, Cancelled):
            self.run_step.show_ended("Stopped: nothing was kept, and nothing has changed.", "")
        elif isinstance(error, PdmError):
            self.run_step.show_ended(str(error), "alarm")
        else:
            self.run_step.show_ended("Something in the program went wrong; nothing was kept.", "alarm")
        self._follow()

    def show_result(self, result: TrainingResult, now: int) -> None:
        """The candidate is there. now: the time that `today` means, ms UTC."""
        too_late = self.state == "stopping"
        self.state = "trained"
        self.result_shown = result
        self.result_step.show_result(result, self._zone, now)
        data = self.data_step.data
        self.decide_step.show_result(result, self._who, result.horizon_h if data is None else data.horizon_h)
        if too_late:
            self.decide_step.choices["discard"].setChecked(True)
        self.show_step(RESULT)
        if too_late:
            self.note.setText("It was done before it could stop. Continue to discard it, or look at it all the same.")

    # ---- steps

    def show_step(self, at: int) -> None:
        """Go to a step; the foot follows."""
        if at in LATE:
            getattr(self, LATE[at])
        super().show_step(at)
        self._follow()

    def _follow(self) -> None:
        at = self.steps.step
        data = self.data_step.data
        training = self.state in ("training", "stopping")
        words = {
            DATA: "Continue",
            SETTINGS: "Start training",
            TRAINING: "Try again" if self.state == "ended" else "Continue",
            RESULT: "Continue",
            DECIDE: self.decide_step.choice.capitalize() if at == DECIDE else "",
        }
        able = {
            DATA: data is not None and data.trainable,
            SETTINGS: data is not None and data.trainable,
            TRAINING: self.state == "ended",
            RESULT: True,
            DECIDE: at == DECIDE and self.decide_step.ready(),
        }
        self.next_button.setText(words[at])
        self.next_button.setEnabled(able[at])
        self.stop_button.setText("Stopping…" if self.state == "stopping" else "Stop")
        self.stop_button.setEnabled(self.state == "training")
        self.stop_button.setVisible(training)
        self.hide_button.setVisible(training)
        self.close_button.setVisible(not training)
        self.back_button.setVisible(at in (SETTINGS, DECIDE) or (at == TRAINING and self.state == "ended"))
        self.note.setText(self._note(at))

    def _note(self, at: int) -> str:
        result = self.result_shown
        if at in (RESULT, DECIDE) and result is not None:
            parts = (
                f"Run {result.run_id[:8]}… logged in mlruns",
                f"{result.rows:,} rows",
                f"{result.trials:,} trials in {clock_text(result.seconds)}"
                if result.trials
                else clock_text(result.seconds),
                f"data fingerprint {result.fingerprint[:8]}…",
            )
            return " · ".join(parts)
        if at == TRAINING and self.state == "training":
            return "Imports and scoring go on beside it."
        return "Nothing is changed before you decide." if at < TRAINING else ""

    def _next(self) -> None:
        at = self.steps.step
        if at == DATA:
            self.show_step(SETTINGS)
        elif at in (SETTINGS, TRAINING):
            self._start()
        elif at == RESULT:
            self.show_step(DECIDE)
        else:
            self._decide()

    def _back(self) -> None:
        at = self.steps.step
        self.show_step({SETTINGS: DATA, TRAINING: SETTINGS, DECIDE: RESULT}[at])

    def _stop(self) -> None:
        self.state = "stopping"
        self.run_step.show_stopping()
        self._follow()
        self.stop_requested.emit()

    def _start(self) -> None:
        try:
            settings = self.settings_step.settings(self.data_step.part)
        except PdmError as error:
            self.settings_step.problem.show_text(str(error), "alarm")
            self.show_step(SETTINGS)
            return
        self.settings_step.problem.show_text("")
        self.state = "training"
        self.run_step.begin()
        self.show_step(TRAINING)
        # The button pressed last is off now: the keyboard must not be on the one that stops.
        self.hide_button.setFocus()
        self.training_requested.emit(settings)

    def _decide(self) -> None:
        result = self.result_shown
        if result is None:
            return
        step = self.decide_step
        self.decided.emit(step.choice, result.version, step.who.text().strip(), step.why.toPlainText().strip())
        self.state = "asking"
        self.hide()

    def _ask_data(self, part: Part) -> None:
        self.data_step.show_looking()
        self._follow()
        self.data_requested.emit(part)

    def _show_machine(self, machine: str, at: int) -> None:
        self.hide()
        self.machine_requested.emit(machine, at)

    def closeEvent(self, event: QCloseEvent) -> None:
        """While a training is under way, closing only hides: stopping it is a button of its own."""
        event.ignore()
        self.hide()

    def reject(self) -> None:
        """Escape closes as the button does."""
        self.close()
