"""The system's tray, where there is one: says what the watched folder brought while another window is in front."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

SHOWN_MS = 15_000


class Tray(QObject):
    """Belongs to one window; its icon is there only while something is watched for."""

    def __init__(self, window: QWidget, available: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable) -> None:
        super().__init__(window)
        self._window = window
        self._available = available
        self.icon: QSystemTrayIcon | None = None

    def watch(self, folder: str) -> None:
        """Show that this folder is watched; empty: none is."""
        if not folder or not self._available():
            if self.icon is not None:
                self.icon.hide()
                self.icon.deleteLater()
                self.icon = None
            return
        if self.icon is None:
            self.icon = QSystemTrayIcon(self._window.windowIcon(), self)
            self.icon.activated.connect(self._come_forward)
            self.icon.messageClicked.connect(self._come_forward)
            self.icon.show()
        self.icon.setToolTip(f"PDM Desktop watches {folder}")

    def say(self, text: str, *, wrong: bool) -> bool:
        """Tell the user of another window; whether it was told."""
        if self.icon is None or self._window.isActiveWindow():
            return False
        kind = QSystemTrayIcon.MessageIcon
        self.icon.showMessage("PDM Desktop", text, kind.Warning if wrong else kind.Information, SHOWN_MS)
        return True

    def _come_forward(self) -> None:
        if self._window.isMinimized():
            self._window.showNormal()
        self._window.raise_()
        self._window.activateWindow()
