"""What the menu asks for before it does something: folders, files, where to write; and what it only tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.gui import messages
from pdm_desktop.gui.session import Session

TABLES = ["Tables (*.csv *.txt *.tsv *.dat *.asc *.xlsx *.xls *.ods *.gz *.zip *.parquet)", "All files (*)"]


class Asking(QObject):
    """Belongs to one window. Dialogs open and report back; nothing here blocks."""

    workspace_chosen = Signal(object)
    """A folder."""
    files_chosen = Signal(object)
    """Files and folders to import, a list."""
    wizard_chosen = Signal(object)
    """Files to look at before they are imported, a list."""

    def __init__(self, window: QWidget, session: Session, settings: QSettings) -> None:
        super().__init__(window)
        self._window, self._session, self._settings = window, session, settings

    def workspace(self) -> None:
        messages.choose_folder(self._window, self._settings, "Open workspace", self.workspace_chosen.emit)

    def files(self) -> None:
        messages.choose_files(self._window, self._settings, "Import files", TABLES, self.files_chosen.emit)

    def files_for_wizard(self) -> None:
        title = "Import with choices"
        messages.choose_files(self._window, self._settings, title, TABLES, self.wizard_chosen.emit)

    def folder(self) -> None:
        title = "Import a folder"
        messages.choose_folder(self._window, self._settings, title, lambda found: self.files_chosen.emit([found]))

    def report(self) -> None:
        fleet = self._session.fleet
        if fleet is not None:
            name = f"risk report {times.local(fleet.as_of, fleet.time_zone):%Y-%m-%d %H%M}.csv"
            write = self._session.write_report
            messages.choose_target(self._window, self._settings, "Export risk report", ["CSV (*.csv)"], name, write)

    def backup(self) -> None:
        workspace = self._session.workspace
        if workspace is not None:
            today = times.local(times.now_ms(), workspace.settings.time_zone)
            name = f"{workspace.folder.name} {today:%Y-%m-%d}.zip"
            names = ["Whole workspace (*.zip)", "Record only (*.db)"]
            messages.choose_target(self._window, self._settings, "Back up", names, name, self._session.back_up)

    def doctor(self) -> None:
        """Look at everything the program needs, and tell."""
        from pdm_desktop.gui import fittings

        self._session.look_over(fittings.checks(), self._show_checks)

    def _show_checks(self, checks: Sequence[Any]) -> None:
        lines = [f"{'✓' if check.ok else '✗'}  {check.name}: {check.detail}" for check in checks]
        heading = "Everything is here." if all(check.ok for check in checks) else "Something needs attention."
        messages.tell(self._window, "Doctor", heading, "\n".join(lines))

    def about(self) -> None:
        from pdm_desktop.gui.about import AboutDialog

        AboutDialog(self._session, self._window.windowIcon(), self._window).open()
