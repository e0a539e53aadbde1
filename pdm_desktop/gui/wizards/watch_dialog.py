"""Which folder is watched for new files, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import Qt, QTime, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import WatchFailure, WatchReport, WatchSettings
from pdm_desktop.gui.messages import KIND_WORD, counted
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import Banner, button, label

_NAMED = 3
"""Files named in a sentence; more are counted."""


class WatchDialog(QDialog):
    """Chooses the watched folder. `saved` asks for it; `show_settings` or `refuse` answers."""

    saved = Signal(object)
    """The WatchSettings chosen."""

    def __init__(self, settings: WatchSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Watch a folder")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self.setMinimumWidth(620)
        self._settings = settings
        self.on = QCheckBox("&Import files that arrive in this folder")
        self.folder = QLineEdit()
        self.folder.setAccessibleName("Watched folder")
        self.folder.setPlaceholderText("The folder or share in which exports arrive")
        self.browse = button("Choose…")
        self.leave = QRadioButton("&Leave the files where they are")
        self.move_files = QRadioButton(
            "&Move them: to done when imported, to failed with the reason beside when refused"
        )
        self._after = QButtonGroup(self)
        for choice in (self.leave, self.move_files):
            self._after.addButton(choice)
        self.state = label("", "small")
        self.state.setWordWrap(True)
        self.error = Banner()
        self.cancel = button("Cancel")
        self.save = button("Save", "primary")
        self._lay_out()
        self.on.setChecked(settings.on or not settings.folder)
        self.folder.setText(settings.folder)
        (self.move_files if settings.move else self.leave).setChecked(True)
        self.on.toggled.connect(self._update)
        self.folder.textChanged.connect(self._update)
        self.browse.clicked.connect(self._browse)
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        self._update()
        self.show_settings(settings)

    def show_settings(self, settings: WatchSettings) -> None:
        """What holds now."""
        self._settings = settings
        self.state.setText(
            f"Watching {settings.folder}. Nothing has been looked at yet."
            if settings.on
            else "No folder is watched at present."
        )

    def show_report(self, report: WatchReport) -> None:
        """What the latest look found."""
        looked = f"Looked at {QTime.currentTime().toString('HH:mm:ss')}: "
        if report.problem:
            self.state.setText(looked + report.problem)
        elif report.waiting:
            self.state.setText(f"{looked}waiting until {_names(report.waiting)} has stopped growing.")
        else:
            self.state.setText(looked + (watch_text(report)[0] or "nothing new."))

    def refuse(self, error: PdmError) -> None:
        """The folder cannot be watched: why."""
        self.save.setEnabled(True)
        self.error.show_text(f"{error.message} {error.hint}".strip(), "alarm")

    def _lay_out(self) -> None:
        path = QHBoxLayout()
        path.setSpacing(GRID)
        path.addWidget(self.folder, 1)
        path.addWidget(self.browse)
        about = label(
            "New and grown files are imported once they have stopped growing, each content once. Files whose layout "
            "raises a question are refused; import one by hand and save your answers as a profile.",
            "muted",
        )
        about.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.state, 1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(label("Watch a folder", "title"))
        column.addWidget(about)
        column.addSpacing(GRID)
        column.addWidget(self.on)
        column.addLayout(path)
        column.addSpacing(GRID)
        column.addWidget(label("Afterwards", "heading"))
        column.addWidget(self.leave)
        column.addWidget(self.move_files)
        column.addSpacing(GRID)
        column.addWidget(self.error)
        column.addStretch(1)
        column.addLayout(buttons)

    def _chosen(self) -> WatchSettings:
        return WatchSettings(self.folder.text().strip(), self.on.isChecked(), self.move_files.isChecked())

    def _update(self) -> None:
        on = self.on.isChecked()
        for widget in (self.folder, self.browse, self.leave, self.move_files):
            widget.setEnabled(on)
        self.save.setEnabled(not on or bool(self.folder.text().strip()))

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Watch a folder", self.folder.text() or str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda chosen: self.folder.setText(str(Path(chosen))))
        dialog.open()

    def _save(self) -> None:
        self.save.setEnabled(False)
        self.error.show_text("")
        self.saved.emit(self._chosen())


def watch_text(report: WatchReport) -> tuple[str, str]:
    """What a look brought, in a sentence or two, and the tone to say it in; empty when it brought nothing."""
    rows: Counter[str] = Counter()
    for file in report.imported:
        rows[KIND_WORD.get(file.kind, file.kind)] += file.accepted
    said = []
    if report.imported:
        # A file whose status column tells of failures has brought two kinds of record.
        names = _names(list(dict.fromkeys(Path(file.file).name for file in report.imported)))
        counts = ", ".join(counted(count, word) for word, count in rows.items() if count)
        said.append(f"From the watched folder: {names} brought {counts or 'nothing new'}.")
    rejected = sum(file.rejected for file in report.imported)
    if rejected:
        said.append("1 row was rejected." if rejected == 1 else f"{rejected:,} rows were rejected.")
    if report.failed:
        names = _names([failure.file for failure in report.failed])
        said.append(f"{names} could not be imported: {_reason(report.failed[0])}")
    if report.problem:
        said.append(report.problem)
    return " ".join(said), "watch" if rejected or report.failed or report.problem else ""


def _reason(failure: WatchFailure) -> str:
    """Why, without the file's name, which was said."""
    return failure.reason.removeprefix(failure.file).lstrip(",: ")


def _names(names: tuple[str, ...] | list[str]) -> str:
    """'a.csv', 'a.csv and b.csv', 'a.csv, b.csv and 7 more'."""
    if len(names) > _NAMED:
        return f"{', '.join(names[: _NAMED - 1])} and {len(names) - _NAMED + 1} more files"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
