"""Second step of retraining: how far ahead, from what, how hard to try, and when an alarm is wanted."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QWidget,
)

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import Goal, TrainingData, TrainingSettings
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Banner, Card, button, label
from pdm_desktop.gui.wizards.retrain_data import Part
from pdm_desktop.gui.wizards.steps import StepPage

HORIZON = "Long enough to plan the repair, short enough that a warning means something."


class SettingsStep(StepPage):
    """Every choice has a sensible default; `settings` reads them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:  # noqa: ARG002 (as every step)
        super().__init__(scrolls=True, parent=parent)
        self.problem = Banner()
        self.horizon = _number(1 / 60, 24 * 366, 24.0, " h", 2)
        self.horizon_words = label(HORIZON, "small")
        self._plant_horizon_h = 24.0
        self.everything = QRadioButton("&Everything on record: readings, errors, replacements, age and make")
        self.telemetry = QRadioButton("&Readings alone, where errors and replacements are not recorded well")
        self.default = QRadioButton("&Usual: settings that have proven themselves; a few minutes at most")
        self.tuned = QRadioButton("&Tuned: try many settings and keep the best on validation")
        self.trials = _count(2, 500, 30, " trials")
        self.limit = _count(1, 24 * 60, 20, " min")
        self.f1 = QRadioButton("&Balanced: as few wrong alarms as missed hours (best F1)")
        self.budget = QRadioButton("A&larm budget: catch as many failures as possible with at most")
        self.alarms = _number(0.01, 1000, 0.5, "", 2)
        self.cost = QRadioButton("&Costs: a missed failure costs")
        self.missed = _number(0.01, 1e9, 10.0, "", 2)
        self.false_alarm = _number(0.01, 1e9, 1.0, "", 2)
        self.fold = button("Expert options", "link")
        self.holdout = _count(0, 10_000, 0, " machines")
        self.seed = _count(0, 1_000_000, 0, "")
        self.params = QLineEdit()
        self._groups: list[QButtonGroup] = []
        self.expert = Card()
        self._lay_out()
        self.everything.setChecked(True)
        self.default.setChecked(True)
        self.f1.setChecked(True)
        self._follow()

    def propose(self, data: TrainingData) -> None:
        """Defaults that hang on the plant."""
        self._plant_horizon_h = data.horizon_h
        self.horizon.setValue(data.horizon_h)
        self._weigh_horizon()
        self.holdout.setMaximum(max(0, len(data.machines) - 1))
        self.holdout.setValue(data.suggested_holdout)

    def settings(self, part: Part) -> TrainingSettings:
        """What was chosen; PdmError for expert parameters that cannot be read."""
        tuned = self.tuned.isChecked()
        return TrainingSettings(
            since=part.since,
            until=part.until,
            machines=part.machines,
            holdout_machines=self.holdout.value(),
            trials=self.trials.value() if tuned else 0,
            time_limit_s=60.0 * self.limit.value() if tuned else None,
            horizon_h=self.horizon.value(),
            features="telemetry" if self.telemetry.isChecked() else "all",
            params=parse_params(self.params.text()),
            goal=Goal(
                "f1" if self.f1.isChecked() else "cost" if self.cost.isChecked() else "alarm-budget",
                self.alarms.value(),
                self.missed.value(),
                self.false_alarm.value(),
            ),
            seed=self.seed.value(),
        )

    def _lay_out(self) -> None:
        self.body.addWidget(self.problem)
        what = Card("What is foretold")
        what.body.addLayout(_line(label("A failure within the next"), self.horizon))
        self.horizon_words.setWordWrap(True)
        what.body.addWidget(self.horizon_words)
        what.body.addSpacing(GRID // 2)
        what.body.addWidget(label("From what", "heading"))
        self._group(what, self.everything, self.telemetry)
        effort = Card("How hard to try")
        self._group(effort, self.default, self.tuned)
        effort.body.addLayout(
            _indented(self.trials, label("or until", "muted"), self.limit, label("have passed", "muted"))
        )
        effort.body.addStretch(1)
        what.body.addStretch(1)
        for card in (what, effort):
            card.body.setSpacing(GRID)
        goal = Card("When an alarm is wanted")
        goal.body.addWidget(label("The threshold is chosen for it on the validation span.", "small"))
        self._group(goal, self.f1)
        goal.body.setSpacing(GRID)
        goal.body.addLayout(_line(self.budget, self.alarms, label("alarms a machine and month")))
        goal.body.addLayout(_line(self.cost, self.missed, label("and a false alarm costs"), self.false_alarm))
        self._groups[-1].addButton(self.budget)
        self._groups[-1].addButton(self.cost)
        upper = QHBoxLayout()
        upper.setSpacing(12)
        upper.addWidget(what, 1)
        upper.addWidget(effort, 1)
        self.body.addLayout(upper)
        self.body.addWidget(goal)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        self.params.setPlaceholderText("XGBoost parameters, such as max_depth=4 eta=0.05 rounds=300")
        self.params.setAccessibleName("XGBoost parameters")
        lines: tuple[tuple[str, QWidget, str], ...] = (
            ("Kept out", self.holdout, "never trained on: measures how well a new machine is judged"),
            ("Seed", self.seed, "the same seed and record give the same model"),
            ("Parameters", self.params, ""),
        )
        for at, (name, widget, words) in enumerate(lines):
            grid.addWidget(label(name, "muted"), at, 0)
            grid.addWidget(widget, at, 1, 1, 1 if words else 2)
            if words:
                grid.addWidget(label(words, "small"), at, 2)
        grid.setColumnStretch(2, 1)
        self.expert.body.addLayout(grid)
        self.expert.hide()
        self.fold.setAutoDefault(False)
        self.fold.clicked.connect(self._unfold)
        self.body.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addWidget(self.expert)
        self.body.addStretch(1)
        self.horizon.valueChanged.connect(self._weigh_horizon)
        for choice in (self.tuned, self.budget, self.cost):
            choice.toggled.connect(self._follow)
        for widget, name in (
            (self.horizon, "Horizon in hours"), (self.trials, "Trials"), (self.limit, "Time limit in minutes"),
            (self.alarms, "Alarms a machine and month"), (self.missed, "Cost of a missed failure"),
            (self.false_alarm, "Cost of a false alarm"), (self.holdout, "Machines kept out"), (self.seed, "Seed"),
        ):  # fmt: skip
            widget.setAccessibleName(name)

    def _weigh_horizon(self) -> None:
        """What another horizon than the plant's would mean."""
        chosen = self.horizon.value()
        other = abs(chosen - self._plant_horizon_h) > 1e-6
        said = f"The plant looks {self._plant_horizon_h:g} h ahead until now; promoting this version changes that too."
        self.horizon_words.setText(said if other else HORIZON)

    def _group(self, card: Card, *choices: QRadioButton) -> None:
        group = QButtonGroup(self)
        self._groups.append(group)
        for choice in choices:
            group.addButton(choice)
            card.body.addWidget(choice)

    def _unfold(self) -> None:
        shown = not self.expert.isHidden()
        self.expert.setVisible(not shown)
        self.fold.setText("Expert options" if shown else "Hide expert options")

    def _follow(self) -> None:
        for choice, widgets in (
            (self.tuned, (self.trials, self.limit)),
            (self.budget, (self.alarms,)),
            (self.cost, (self.missed, self.false_alarm)),
        ):
            for widget in widgets:
                widget.setEnabled(choice.isChecked())


def parse_params(text: str) -> dict[str, float | int | str]:
    """'max_depth=4 eta=0.05' as parameters; PdmError for anything else."""
    found: dict[str, float | int | str] = {}
    for word in text.replace(",", " ").split():
        name, sign, value = word.partition("=")
        if not (name and sign and value):
            raise PdmError(f"{word!r} is no parameter.", "Write name=value, such as max_depth=4.", "Parameters")
        found[name] = _plain(value)
    return found


def _plain(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class _Plain(QDoubleSpinBox):
    """Without zeros that say nothing: 24, not 24.00."""

    def textFromValue(self, value: float) -> str:
        return self.locale().toString(value, "g", 9) if value < 1e9 else super().textFromValue(value)


def _number(low: float, high: float, value: float, suffix: str, decimals: int) -> QDoubleSpinBox:
    made = _Plain()
    made.setDecimals(decimals)
    made.setRange(low, high)
    made.setValue(value)
    made.setSuffix(suffix)
    made.lineEdit().setTextMargins(6, 0, 0, 0)
    made.setFixedWidth(88)
    return made


def _count(low: int, high: int, value: int, suffix: str) -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setValue(value)
    made.setSuffix(suffix)
    made.lineEdit().setTextMargins(6, 0, 0, 0)
    made.setFixedWidth(108)
    return made


def _line(*widgets: QWidget) -> QHBoxLayout:
    made = QHBoxLayout()
    made.setSpacing(GRID)
    for widget in widgets:
        made.addWidget(widget)
    made.addStretch(1)
    return made


def _indented(*widgets: QWidget) -> QHBoxLayout:
    made = _line(*widgets)
    made.setContentsMargins(24, 0, 0, 0)
    return made
