"""Model versions on a stick: one file out, one file in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QMainWindow

from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.model_results import ModelVersion
from pdm_desktop.core.progress import Progress
from pdm_desktop.gui import messages
from pdm_desktop.gui.pages.models import file_name
from pdm_desktop.gui.session import Session

if TYPE_CHECKING:
    from pdm_desktop.core.workspace import Workspace

MODEL_FILES = ["Model versions (*.pdmmodel *.zip)"]
"""One and the same zip; the ending of its own is what a desktop opens with this program."""

Notice = Callable[[str, str, str, Callable[[], object]], None]
"""Shows text, tone, the word of an action and what it does, calmly above the page."""


class Carrying(QObject):
    """Exports and imports of one window."""

    came = Signal(str)
    """The number of a version that came in, or is here already."""
    failed = Signal(object)
    """An exception the user must be told of."""

    def __init__(
        self, window: QMainWindow, session: Session, settings: QSettings, notice: Notice, who: Callable[[], str]
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings = window, session, settings
        self._notice, self._who = notice, who

    def ask_export(self, version: ModelVersion) -> None:
        workspace = self._session.workspace
        if workspace is None:
            return
        name = str(file_name(version, workspace.settings.plant_name))

        def write(out: Path) -> None:
            def done(file: Path) -> None:
                text = f"Version {version.version} is in {file}, with checksums."
                self._notice(text, "", "Show in folder", lambda: messages.show_folder(file.parent))

            self._session.ask(
                "read", "Exporting a version", lambda w, _: w.export_model(version.version, out), done, self._fail
            )

        messages.choose_target(self._window, self._settings, "Export a version", MODEL_FILES, name, write)

    def ask_import(self) -> None:
        title = "Import a version"
        messages.choose_files(self._window, self._settings, title, MODEL_FILES, lambda files: self._bring(files[0]))

    def offer(self, file: Path) -> None:
        """A file was opened with the program: ask whether its version shall come in; opening alone changes nothing."""
        workspace = self._session.workspace
        if workspace is None or workspace.read_only:
            text = f"The model version in {file.name} cannot come in: this workspace is open for reading only."
            messages.tell(self._window, "Model version", text)
            return
        more = (
            f"It becomes a further version in {workspace.settings.plant_name or workspace.folder.name}, checked first. "
            f"It judges no machine until it is promoted.\n\n{file}"
        )
        question = f"Import the model version in {file.name}?"
        messages.ask(self._window, "Model version", question, more, "Import", lambda: self._bring(file))

    def _bring(self, file: Path) -> None:
        def done(version: ModelVersion) -> None:
            use = "It is in use." if version.champion else "It is not in use."
            came = "came in" if version.origin == "imported" else "is here already"
            self._notice(f"Version {version.version} {came}. {use}", "", "", lambda: None)
            self.came.emit(version.version)

        work: Callable[[Workspace, Progress], Any] = lambda w, _: w.import_model(file, self._who(), "")  # noqa: E731
        self._session.ask("write", "Importing a version", work, done, self._fail)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.failed.emit(error)
