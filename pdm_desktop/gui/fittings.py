"""What a window needs of the computer: Qt, fonts, icons, a screen. For the doctor, from outside and from the window."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import PySide6
from PySide6.QtCore import QLibraryInfo
from PySide6.QtGui import QFontDatabase, QFontInfo, QImage
from PySide6.QtWidgets import QApplication

from pdm_desktop.core import paths
from pdm_desktop.core.errors import PdmError
from pdm_desktop.gui.theme import Theme

Found = tuple[str, bool, str]
_TRIES, _PAUSE_S = 10, 0.1


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


@contextmanager
def answering_display() -> Iterator[None]:
    """While Qt connects to the screen. PdmError where there is none: Qt itself would abort and blame a library.

    An X server whose last client has gone starts over and answers nobody for a moment. This waits for it, and holds a
    connection meanwhile, so that it does not start over again.
    """
    variables = os.environ
    if sys.platform != "linux" or "QT_QPA_PLATFORM" in variables or variables.get("WAYLAND_DISPLAY"):
        yield
        return
    hint = "Start it from the desktop. The command line needs no display: pdm-desktop --help."
    if not variables.get("DISPLAY"):
        raise PdmError("There is no display to open a window on.", hint, "DISPLAY")
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        yield  # Qt lacks it too, and the doctor names it
        return
    xcb.xcb_connect.restype = ctypes.c_void_p
    for left in reversed(range(_TRIES)):
        connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
        if not xcb.xcb_connection_has_error(connection):
            break
        xcb.xcb_disconnect(connection)
        if not left:
            raise PdmError(f"The display {variables['DISPLAY']} does not answer.", hint, "DISPLAY")
        time.sleep(_PAUSE_S)
    try:
        yield
    finally:
        xcb.xcb_disconnect(connection)
