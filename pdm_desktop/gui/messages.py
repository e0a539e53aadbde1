"""What the program tells and asks: the world's faults with a hint, its own faults with a report, results of imports.

Nothing here blocks: dialogs open and report back through callables, so that work under way keeps painting.
"""

from __future__ import annotations

import logging
import platform
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFont, QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel, QMessageBox, QWidget

import pdm_desktop
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import FileReport, ImportReport

log = logging.getLogger(__name__)

KIND_WORD = {
    "machines": "machines",
    "telemetry": "readings",
    "errors": "errors",
    "maintenance": "maintenance records",
    "failures": "failures",
}
NARROWEST, WIDEST = 280, 500
"""Pixels of a message's heading; a longer one is broken."""
_MANY = 8
"""Files listed in full; more are summed up."""


def tell(
    parent: QWidget | None,
    title: str,
    text: str,
    more: str = "",
    icon: QMessageBox.Icon = QMessageBox.Icon.Information,
    choices: Sequence[tuple[str, Callable[[], object]]] = (),
) -> QMessageBox:
    """A message with OK, and before it buttons for `choices`; returns at once."""
    box = _box(parent, icon, title, text, more)
    close = box.addButton(QMessageBox.StandardButton.Ok)
    _open(box, choices, close, close)
    return box


def ask(
    parent: QWidget | None, title: str, text: str, more: str, yes: str, then: Callable[[], object], no: str = "Cancel"
) -> QMessageBox:
    """A question; `then` is called when the button `yes` is pressed. Enter and Escape both mean `no`."""
    box = _box(parent, QMessageBox.Icon.Question, title, text, more)
    refuse = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    _open(box, [(yes, then)], refuse, refuse)
    return box


def show_error(
    parent: QWidget | None,
    error: Exception,
    logs: Path | None,
    choices: Sequence[tuple[str, Callable[[], object]]] = (),
) -> QMessageBox:
    """A PdmError with its hint and place; anything else as a fault of the program, logged and offered to copy."""
    if not isinstance(error, PdmError):
        return unexpected(parent, error, logs)
    more = "\n\n".join(part for part in (error.hint, error.where) if part)
    return tell(parent, "PDM Desktop", error.message, more, QMessageBox.Icon.Warning, choices)


def unexpected(parent: QWidget | None, error: BaseException, logs: Path | None) -> QMessageBox:
    """A fault of the program: logged, and its report can be copied. Nothing the user did is to blame."""
    text = report(error)
    log.error("unexpected error\n%s", text)
    where = f"It is noted in {logs}." if logs is not None else ""
    box = _box(
        parent,
        QMessageBox.Icon.Critical,
        "PDM Desktop",
        "Something in the program went wrong.",
        f"{type(error).__name__}: {error}\n\nThe plant's record is not changed by it. {where}".strip(),
    )
    box.setDetailedText(text)
    copy = box.addButton("Copy report", QMessageBox.ButtonRole.ActionRole)
    # A message box closes on every button; the report is copied and the box may go.
    close = box.addButton(QMessageBox.StandardButton.Close)
    _open(box, [], close, close, {copy: lambda: QGuiApplication.clipboard().setText(text)})
    return box


def report(error: BaseException) -> str:
    """The error with versions and trace, as text to hand on."""
    head = f"PDM Desktop {pdm_desktop.__version__}, Python {platform.python_version()}, {platform.platform()}"
    return head + "\n" + "".join(traceback.format_exception(error))


def show_import(parent: QWidget | None, made: ImportReport) -> QMessageBox:
    """What an import brought in, file by file, with a way to the rejected rows."""
    heading, lines = import_summary(made)
    rejects = [file.rejects_file for file in made.files if file.rejects_file]
    choices: list[tuple[str, Callable[[], object]]] = []
    if rejects:
        folder = Path(rejects[0]).parent
        choices.append(("Show rejected rows", lambda: show_folder(folder)))
    wrong = any(file.rejected or file.rejected_values or file.conflicts for file in made.files)
    icon = QMessageBox.Icon.Warning if wrong or made.left_out else QMessageBox.Icon.Information
    return tell(parent, "Import", heading, "\n".join(lines), icon, choices)


def choose_files(
    parent: QWidget, settings: QSettings, title: str, names: Sequence[str], then: Callable[[list[Path]], object]
) -> QFileDialog:
    """Ask for existing files; the folder is remembered."""
    dialog = _file_dialog(parent, settings, title, QFileDialog.FileMode.ExistingFiles)
    dialog.setNameFilters(names)
    dialog.filesSelected.connect(lambda chosen: then([Path(name) for name in chosen]))
    dialog.open()
    return dialog


def choose_folder(parent: QWidget, settings: QSettings, title: str, then: Callable[[Path], object]) -> QFileDialog:
    """Ask for a folder."""
    dialog = _file_dialog(parent, settings, title, QFileDialog.FileMode.Directory)
    dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
    dialog.open()
    return dialog


def choose_target(
    parent: QWidget,
    settings: QSettings,
    title: str,
    names: Sequence[str],
    name: str,
    then: Callable[[Path], object],
) -> QFileDialog:
    """Ask where to write a file; `name` is the proposal, its ending the default."""
    dialog = _file_dialog(parent, settings, title, QFileDialog.FileMode.AnyFile)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(names)
    dialog.setDefaultSuffix(Path(name).suffix[1:])
    dialog.selectFile(name)
    dialog.fileSelected.connect(lambda chosen: then(Path(chosen)))
    dialog.open()
    return dialog


def _file_dialog(parent: QWidget, settings: QSettings, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
    dialog = QFileDialog(parent, title, str(settings.value("folder", str(Path.home()))))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(mode)
    dialog.fileSelected.connect(lambda chosen: settings.setValue("folder", str(Path(chosen).parent)))
    return dialog


def show_folder(folder: Path) -> None:
    """Open the folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def open_file(parent: QWidget | None, path: Path) -> None:
    """Open the file with the program that the system has for it; where there is none, say where the file is."""
    if not (path.is_file() and QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))):
        missing = (
            "The file is no longer there." if not path.is_file() else "No program of this computer opens the file."
        )
        tell(parent, "PDM Desktop", missing, str(path), QMessageBox.Icon.Warning)


def import_summary(made: ImportReport) -> tuple[str, list[str]]:
    """A heading and a line a file: what came in, what did not and why."""
    accepted = sum(file.accepted for file in made.files)
    rejected = sum(file.rejected for file in made.files)
    conflicts = sum(file.conflicts for file in made.files)
    if not made.files:
        heading = "There was nothing to import."
    elif all(file.batch is None for file in made.files):
        heading = "Already imported: nothing changed." if not rejected else "Nothing came in."
    else:
        said = [
            "1 row came in" if accepted == 1 else f"{accepted:,} rows came in" if accepted else "No new row came in"
        ]
        said += [f"{conflicts:,} got another value"] * bool(conflicts)
        said += [f"{rejected:,} {'was' if rejected == 1 else 'were'} rejected"] * bool(rejected)
        heading = ", ".join(said) + "."
    return heading, _shortened([f"{Path(file.file).name}: {_file_line(file)}" for file in made.files], "files") + (
        _shortened([f"{name}: left out. {why}" for name, why in made.left_out], "files left out")
    )


def _shortened(lines: list[str], what: str) -> list[str]:
    return [*lines[:_MANY], f"and {len(lines) - _MANY} more {what}"] if len(lines) > _MANY else lines


def counted(count: int, plural: str) -> str:
    """'1 reading', '1,440 readings'."""
    return f"{count:,} {plural.removesuffix('s') if count == 1 else plural}"


def _file_line(file: FileReport) -> str:
    what = KIND_WORD.get(file.kind, file.kind)
    if file.batch is None and not file.rejected:
        return "already imported, nothing changed"
    parts = [counted(file.accepted, what)] if file.accepted else []
    # A row whose only values were refused, or of bad quality, is there no more than it was.
    without = file.rejected_values or file.bad_quality_values
    for count, words in (
        (file.unchanged, "that brought nothing new" if without else "already there"),
        (file.duplicates, "twice in the file"),
        (file.conflicts, "with another value than before (the newer holds)"),
        (file.rejected, "rejected"),
        (file.rejected_values, f"single value{'' if file.rejected_values == 1 else 's'} rejected"),
    ):
        if count:
            parts.append(f"{count:,} {words}")
    return ", ".join(parts) if parts else f"no {what}"


def _box(parent: QWidget | None, icon: QMessageBox.Icon, title: str, text: str, more: str) -> QMessageBox:
    box = QMessageBox(icon, title, text, QMessageBox.StandardButton.NoButton, parent)
    # Plain: names out of files must not act as HTML.
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(more)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    heading = box.findChild(QLabel, "qt_msgbox_label")
    assert isinstance(heading, QLabel)
    # A short heading would make a narrow box; one with a width of its own in the style sheet is cut off where it is
    # longer.
    font = QFont(heading.font())
    font.setBold(True)
    heading.setMinimumWidth(min(WIDEST, max(NARROWEST, QFontMetrics(font).horizontalAdvance(text) + 8)))
    heading.setWordWrap(True)
    return box


def _open(
    box: QMessageBox,
    choices: Sequence[tuple[str, Callable[[], object]]],
    default: QAbstractButton,
    escape: QAbstractButton,
    actions: dict[QAbstractButton, Callable[[], object]] | None = None,
) -> None:
    handlers = dict(actions or {})
    for text, then in choices:
        handlers[box.addButton(text, QMessageBox.ButtonRole.AcceptRole)] = then
    # setDefaultButton wants a QPushButton, which every button of a message box is.
    box.setDefaultButton(default)  # type: ignore[call-overload]
    box.setEscapeButton(escape)

    def clicked(pressed: QAbstractButton) -> None:
        if pressed in handlers:
            handlers[pressed]()

    box.buttonClicked.connect(clicked)
    box.open()
