"""The dialog of preferences, and what the window does about it.

What is typed is looked at while it is typed, and what a change will mean is said before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.record_results import By
from pdm_desktop.core.settings import Settings
from pdm_desktop.gui.preference_fields import FIELDS, Editor, Field, consequences, value_text
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import Banner, button, label

Values = Mapping[str, str]
_LABEL_WIDTH = 168


class PreferencesDialog(QDialog):
    """Shows what holds. `saved` asks for the plant's changes and this computer's; `close` or `refuse` answers."""

    saved = Signal(object, object)
    """The changed settings of the plant, of this computer: key to text."""

    def __init__(
        self,
        plant: Settings | None,
        computer: Values,
        *,
        writable: bool = True,
        model_horizon_h: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self._plant, self._model_horizon_h = plant, model_horizon_h
        self.editors: dict[str, Editor] = {}
        self.problems: dict[str, QLabel] = {}
        self._problem_texts: dict[str, str] = {}
        self._refused = False
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)
        self.tabs.currentChanged.connect(self._look)
        self.meaning, self.error = Banner(), Banner()
        self.cancel, self.save = button("Cancel"), button("Save", "primary")
        self.save.setDefault(True)
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        self._lay_out(computer, writable)
        self._look()
        self.resize(680, 640)

    def changes(self, *, here: bool) -> dict[str, str]:
        """What was changed: of this computer (here) or of the plant."""
        return {
            key: editor.text()
            for key, editor in self.editors.items()
            if editor.field.here == here and editor.isEnabled() and editor.is_changed
        }

    def problem(self, key: str) -> str:
        """What is wrong with the value of this field; empty where it is right."""
        return self._problem_texts.get(key, "")

    def refuse(self, error: Exception) -> None:
        """The changes were not made: why."""
        text = f"{error.message} {error.hint}".strip() if isinstance(error, PdmError) else str(error)
        self._refused = True
        self.error.show_text(text, "alarm")
        self._look()

    # ---- inside

    def _lay_out(self, computer: Values, writable: bool) -> None:
        plant = self._plant
        zone = plant.time_zone if plant is not None else "UTC"
        columns: dict[str, QVBoxLayout] = {}
        for field in FIELDS:
            if not field.here and plant is None:
                continue
            if field.tab not in columns:
                columns[field.tab] = self._tab(field, plant)
            value = computer.get(field.key, "") if field.here else value_text(getattr(plant, field.key))
            editor = Editor(field, value, zone)
            editor.setEnabled(field.here or writable)
            editor.changed.connect(self._look)
            self.editors[field.key] = editor
            self._add(columns[field.tab], editor)
        for column in columns.values():
            column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        whole.setSpacing(GRID)
        whole.addWidget(label("Preferences", "title"))
        if plant is not None and not writable:
            reading = Banner()
            reading.show_text("This workspace is open read-only: what belongs to the plant can be looked at only.")
            whole.addWidget(reading)
        whole.addWidget(self.tabs, 1)
        whole.addWidget(self.meaning)
        whole.addWidget(self.error)
        whole.addSpacing(GRID)
        whole.addLayout(buttons)

    def _tab(self, field: Field, plant: Settings | None) -> QVBoxLayout:
        page = QWidget()
        page.setProperty("role", "page")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 2 * GRID, 0, GRID)
        column.setSpacing(GRID // 2)
        words = "Kept on this computer, whichever plant is open."
        if plant is not None and not field.here:
            words = f"Kept in the folder of {plant.plant_name}."
        column.addWidget(label(words, "muted"))
        column.addSpacing(GRID)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(page)
        self.tabs.addTab(area, field.tab)
        return column

    def _add(self, column: QVBoxLayout, editor: Editor) -> None:
        field = editor.field
        row = QHBoxLayout()
        row.setSpacing(GRID)
        title = label("" if field.kind == "on" else field.label)
        title.setFixedWidth(_LABEL_WIDTH)
        title.setBuddy(editor)
        row.addWidget(title, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(editor, 1)
        column.addLayout(row)
        for text, role in ((field.help, "small"), ("", "problem")):
            words = label(text, role)
            words.setWordWrap(True)
            words.setContentsMargins(_LABEL_WIDTH + GRID, 0, 0, 0)
            column.addWidget(words)
            if role == "problem":
                words.hide()
                self.problems[field.key] = words
        column.addSpacing(2 * GRID)

    def _look(self) -> None:
        """Judge what is entered, each field on its own, and say what it would mean."""
        plant, wanted = self._plant, self.changes(here=False)
        self._problem_texts = {}
        good: dict[str, str] = {}
        for key, text in wanted.items():
            try:
                if plant is not None:
                    plant.changed({key: text})
                good[key] = text
            except PdmError as exc:
                self._problem_texts[key] = f"{exc.message} {exc.hint}".strip()
        for key, words in self.problems.items():
            words.setText(self.problem(key))
            words.setVisible(bool(self.problem(key)))
        shown = self.tabs.tabText(self.tabs.currentIndex())
        elsewhere = {self.editors[key].field.tab for key in self._problem_texts} - {shown}
        if elsewhere or not self._refused:
            self.error.show_text(f"Something under {', '.join(sorted(elsewhere))} is not right." if elsewhere else "",
                                 "alarm")  # fmt: skip
        told: list[str] = []
        if plant is not None and good:
            told = consequences(plant, plant.changed(good), self._model_horizon_h)
        self.meaning.show_text("\n".join(told), "watch")
        self.save.setEnabled(not self._problem_texts and bool(wanted or self.changes(here=True)))

    def _save(self) -> None:
        self.save.setEnabled(False)
        self._refused = False
        self.error.show_text("")
        self.saved.emit(self.changes(here=False), self.changes(here=True))


class Preferences(QObject):
    """Belongs to one window: opens the dialog, has the session keep what was chosen."""

    computer_chosen = Signal(object)
    """This computer's changed settings, key to text."""

    def __init__(self, session: Session, window: QWidget, computer: Callable[[], Values]) -> None:
        super().__init__(window)
        self._session, self._window, self._computer = session, window, computer
        self.dialog: PreferencesDialog | None = None

    def open(self) -> None:
        """Show what holds and let it be changed."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        workspace, fleet = self._session.workspace, self._session.fleet
        dialog = self.dialog = PreferencesDialog(
            None if workspace is None else workspace.settings,
            self._computer(),
            writable=self._session.writable,
            model_horizon_h=None if fleet is None or fleet.model is None else fleet.model.horizon_h,
            parent=self._window,
        )
        dialog.saved.connect(self._save)
        dialog.finished.connect(self._closed)
        dialog.open()

    def _save(self, plant: dict[str, str], computer: dict[str, str]) -> None:
        from pdm_desktop.core.record import user

        def done(_: object) -> None:
            if computer:
                self.computer_chosen.emit(computer)
            if self.dialog is not None:
                self.dialog.accept()

        def failed(error: Exception) -> None:
            if isinstance(error, PdmError) and self.dialog is not None:
                self.dialog.refuse(error)
            else:
                self._session.failed.emit(error)

        if plant:
            who = computer.get("who") or self._computer().get("who", "")
            by = By(who.strip() or user() or "unknown")
            self._session.record("Changing settings", lambda w, _: w.change_settings(plant, by), done, failed)
        else:
            done(None)

    def _closed(self) -> None:
        self.dialog = None
