"""What can be set, for this plant and for this computer, as a table, and what a change will mean.

A new setting of a plant is a line in `core.settings.Settings` and a line here; the dialog is made from the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QCompleter, QHBoxLayout, QLineEdit, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.settings import Settings
from pdm_desktop.gui.signed_form import FIELD_HEIGHT, PlantTime
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import label

COMPUTER = "This computer"
_SHORT, _LONG = 96, 300


@dataclass(frozen=True)
class Field:
    """One setting as it is shown. key: its name in `Settings`, or in the window's own settings (`here`).

    choices: (value, words) where there are few; "zone": every time zone; "moment": a time or the words `unset`;
    "on": a yes or no, whose words are `label`; "number" and "text" are typed, "secret" is typed and never shown.
    unit: said behind it.
    """

    key: str
    tab: str
    label: str
    help: str
    kind: str = "text"
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unset: str = ""
    here: bool = False


FIELDS: tuple[Field, ...] = (
    Field("plant_name", "Plant", "Name of the plant", "Stands above every page and in every report."),
    Field("time_zone", "Plant", "Time zone", "Times are shown in it; times in files that say no zone are read in it.",
          "zone"),
    Field("clock", "Plant", "The plant's now", "Risks are worked out for it. A record that is imported once a week "
          "ends in the past: its end is then the better now.", "choice",
          choices=(("automatic", "By itself: live, unless the record is old"),
                   ("live", "The computer's clock"), ("end-of-data", "The end of the record"))),
    Field("horizon_h", "Risks", "A risk looks ahead", "Long enough to plan the repair, short enough that a warning "
          "means something. A model is trained for one horizon only.", "number", "hours"),
    Field("failures_known_until", "Risks", "Failures known until", "Up to this time the record of failures is "
          "complete. Later times stay out of training and out of every figure about the model.", "moment",
          unset="The newest failure on record"),
    Field("stuck_h", "Record", "A sensor is stuck after", "it has shown one and the same value. It is flagged; "
          "nothing is changed or left out.", "number", "hours"),
    Field("retrain", "Models", "Retrain by itself", "When enough new failures are on record, a candidate is trained "
          "and compared in the background, while the program is used.", "choice",
          choices=(("off", "No: only when asked to"), ("at-start", "When the program starts"),
                   ("weekly", "Once a week"))),
    Field("retrain_after_failures", "Models", "Enough is", "recorded since the model in use was trained.", "number",
          "new failures"),
    Field("retrain_promote", "Models", "The candidate then", "Better beyond luck: by average precision, failures "
          "caught and false alarms on the same held-out rows, with no leak found. Going back is one click.", "choice",
          choices=(("never", "Waits for my decision"), ("if-better", "Is put in use if it is better beyond luck"))),
    Field("tracking_server", "Models", "MLflow server", "Gets a copy of every model version, with its figures and "
          "plots; write it like http://server:5000. Models are always kept and loaded here: no risk ever waits for "
          "the server. Empty: nothing is ever sent anywhere."),
    Field("tracking_login", "Models", "Login for it", "user:password, where the server asks for one. Kept in a file of "
          "its own beside the settings, in no backup, and shown nowhere.", "secret"),
    Field("theme", COMPUTER, "Colours", "Light, dark, or as the system is set.", "choice",
          choices=(("system", "As the system"), ("light", "Light"), ("dark", "Dark")), here=True),
    Field("who", COMPUTER, "Your name", "Proposed where a change by hand or a decision is signed.", here=True),
)  # fmt: skip


def consequences(before: Settings, after: Settings, model_horizon_h: float | None) -> list[str]:
    """What a change will mean, in plain words, one sentence or two a change that has a meaning of its own."""
    told = []
    if after.horizon_h != before.horizon_h:
        if model_horizon_h is None:
            told.append(
                "Horizon: a model is trained for one horizon only. Where the model in use looks otherwise far ahead, "
                "no risks are shown until one for the new horizon is trained and promoted."
            )
        elif after.horizon_h != model_horizon_h:
            told.append(
                f"Horizon: the model in use looks {model_horizon_h:g} h ahead. No risks are shown until a model for "
                f"{after.horizon_h:g} h is trained and promoted, or the horizon is set back."
            )
        else:
            told.append(f"Horizon: every risk is worked out anew, for {after.horizon_h:g} h.")
    if after.time_zone != before.time_zone:
        told.append(
            f"Time zone: what is on record stays at its instant and is shown on the clock of {after.time_zone}; days "
            f"begin at its midnight. Files imported before, whose times said no zone, were read in {before.time_zone}: "
            "if that was wrong, undo them and import them again."
        )
    if after.clock != before.clock:
        told.append("Clock: every risk is worked out anew for the new now.")
    if after.failures_known_until != before.failures_known_until:
        told.append("Failures known until: risks stay as they are; the next training and measurement follow it.")
    if after.retrain != "off" and (after.retrain, after.retrain_promote) != (before.retrain, before.retrain_promote):
        told.append(
            "Retraining: a candidate may be put in use without anyone looking at it first."
            if after.retrain_promote == "if-better"
            else "Retraining: nothing is put in use before you decide."
        )
    if after.tracking_server and after.tracking_server != before.tracking_server:
        told.append(
            f"MLflow server: from the next training on, model versions with their figures, machine names and plots "
            f"are sent to {after.tracking_server}."
        )
    return told


class Editor(QWidget):
    """The widget of one field; `text` is its value as `Settings.changed` takes it."""

    changed = Signal()

    def __init__(self, field: Field, value: str, zone: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self.line: QLineEdit | None = None
        self.box: QComboBox | None = None
        self.check: QCheckBox | None = None
        self.time: PlantTime | None = None
        self._zone, self._value = zone, value
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for widget in self._build():
            widget.setAccessibleName(field.label)
            widget.setAccessibleDescription(field.help)
            row.addWidget(widget)
        if field.unit:
            row.addWidget(label(field.unit, "muted"))
        row.addStretch(1)
        self._first = self.text()

    @property
    def is_changed(self) -> bool:
        """Whether another value is shown than in the beginning."""
        return self.text() != self._first

    def text(self) -> str:
        """The value as shown."""
        kind = self.field.kind
        if self.check is not None and self.time is not None:
            if self.check.isChecked():
                return ""
            at = self.time.ms()
            # What was set to the second stays so unless it is changed.
            same = bool(self._value) and times.parse(self._value, self._zone) // times.MINUTE == at // times.MINUTE
            return self._value if same else times.iso(at, self._zone)
        if self.check is not None:
            return "yes" if self.check.isChecked() else "no"
        if self.box is not None:
            return self.box.currentText().strip() if kind == "zone" else str(self.box.currentData())
        return self.line.text().strip() if self.line is not None else ""

    def _build(self) -> list[QWidget]:
        field, value = self.field, self._value
        if field.kind == "moment":
            self.check, self.time = QCheckBox(field.unset), PlantTime(self._zone, times.now_ms())
            if value:
                self.time.set_ms(times.parse(value, self._zone))
            self.time.setFixedHeight(FIELD_HEIGHT)
            self.check.setChecked(not value)
            self.time.setEnabled(bool(value))
            self.check.toggled.connect(self.time.setDisabled)
            self.check.toggled.connect(self.changed)
            self.time.dateTimeChanged.connect(self.changed)
            return [self.time, self.check]
        if field.kind == "on":
            self.check = QCheckBox(field.label)
            self.check.setChecked(value == "yes")
            self.check.toggled.connect(self.changed)
            return [self.check]
        if field.kind in ("choice", "zone"):
            box = self.box = QComboBox()
            if field.kind == "zone":
                box.setEditable(True)
                box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
                box.addItems(sorted(available_timezones()))
                box.setEditText(value)
                completer = QCompleter(box.model(), box)
                completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
                completer.setFilterMode(Qt.MatchFlag.MatchContains)
                box.setCompleter(completer)
                box.editTextChanged.connect(self.changed)
            else:
                for data, words in field.choices:
                    box.addItem(words, data)
                box.setCurrentIndex(max(0, box.findData(value)))
                box.currentIndexChanged.connect(self.changed)
            box.setFixedSize(_LONG, FIELD_HEIGHT)
            return [box]
        secret = field.kind == "secret"
        line = self.line = QLineEdit("" if secret else value)
        if secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
            line.setPlaceholderText("Set, not shown" if value else "None")
        line.setFixedHeight(FIELD_HEIGHT)
        line.setFixedWidth(_SHORT if field.kind == "number" else _LONG)
        line.textChanged.connect(self.changed)
        return [line]


def value_text(value: object) -> str:
    """A setting as `Settings.changed` takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
