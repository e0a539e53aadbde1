"""What a window needs of the computer: Qt, fonts, icons, a screen. For the doctor, from outside and from the window."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import PySide6
from PySide6.QtCore import QLibraryInfo
from PySide6.QtGui import QFontDatabase, QFontInfo, QImage
from PySide6.QtWidgets import QApplication

from pdm_desktop.core import paths
from pdm_desktop.gui.theme import Theme

Found = tuple[str, bool, str]


def checks() -> list[Found]:
    """(name, ok, detail) each; there must be a QApplication."""
    return [("Qt libraries", True, PySide6.__version__), fonts(), icons(), display()]


def fonts() -> Found:
    families = QFontDatabase.families()
    if not families:
        return ("Fonts", False, "none; on Debian: apt-get install fonts-dejavu-core")
    return ("Fonts", True, f"{QFontInfo(QApplication.font()).family()}, {len(families)} families")


def icons() -> Found:
    theme = Theme("light")
    names = sorted(path.stem for path in (paths.resources() / "icons").glob("*.svg"))
    empty = [name for name in names if not _has_ink(theme.pixmap(name, "text", 16).toImage())]
    if not names or empty:
        return ("Icons", False, f"not painted: {', '.join(empty) or 'none found'}")
    return ("Icons", True, f"{len(names)}")


def _has_ink(image: QImage) -> bool:
    return any(image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height()))


def display() -> Found:
    if sys.platform != "linux":
        return ("Display", True, "the desktop's")
    if os.environ.get("WAYLAND_DISPLAY"):
        return ("Display", True, f"Wayland, {os.environ['WAYLAND_DISPLAY']}")
    if not os.environ.get("DISPLAY"):
        # No fault: the command line works without one.
        return ("Display", True, "none here: the window cannot be opened, the command line works")

    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    try:
        # Qt's own message blames one library whichever is missing; the loader names the right one.
        ctypes.CDLL(str(plugin))
    except OSError as exc:
        return ("Display", False, f"{exc}; on Debian: apt-get install libxcb-cursor0 libxkbcommon-x11-0 and their like")
    return ("Display", True, f"X11, {os.environ['DISPLAY']}")
