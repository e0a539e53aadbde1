"""Sub-commands that paint: screenshot, and what doctor asks of a window.

Qt is imported in the functions: where its libraries are missing, doctor must still be able to say so.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pdm_desktop.core.errors import PdmError, UsageError

if TYPE_CHECKING:
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from pdm_desktop.gui.main_window import MainWindow
    from pdm_desktop.gui.theme import Choice

FEW_COLOURS = 12
"""A page with fewer colours shows nothing."""
DATABASE = "plant.db"


def screenshot(page: str, out: Path, theme: str, size: tuple[int, int], machine: str | None, workspace: Path) -> None:
    """Paint the real window with the workspace's data, off the screen, and write it as PNG.

    page: fleet, machine, data, models or welcome; theme: light or dark; size: pixels; machine: for the machine page,
    else the one at the highest risk. PdmError when there is nothing to show or the file cannot be written.
    """
    if page != "welcome" and not (workspace / DATABASE).is_file():
        raise PdmError("There is no workspace here.", "Import files or run demo first.", str(workspace))
    _application()
    window = _window(cast("Choice", theme))
    try:
        # A picture may be of any size, whatever is comfortable to work in.
        window.setMinimumSize(0, 0)
        window.resize(*size)
        window.show()
        if page == "welcome":
            window.show_welcome(workspace)
        else:
            _fill(window, workspace, page, machine)
        _settle()
        if (window.width(), window.height()) != size:
            raise UsageError(f"The page needs at least {window.width()} x {window.height()} pixels.", where="size")
        shot = window.grab().toImage()
        if is_blank(window.pages[page].grab().toImage()):
            raise PdmError("The page was painted blank.", "Run doctor to see what is missing.", page)
        out.parent.mkdir(parents=True, exist_ok=True)
        if not shot.save(str(out), "PNG"):  # type: ignore[call-overload]
            raise PdmError("The picture cannot be written.", "Choose another folder or name.", str(out))
    except OSError as exc:
        raise PdmError(f"The picture cannot be written: {exc.strerror}.", "Choose another folder.", str(out)) from exc
    finally:
        window.close()
        window.deleteLater()
        _settle()


def doctor_checks() -> list[tuple[str, bool, str]]:
    """(name, ok, detail) of what a window needs: Qt, fonts, icons, a painted window, a screen."""
    try:
        _application()
    except ImportError as exc:
        return [("Qt libraries", False, f"{exc}; on Debian: apt-get install libegl1 libgl1 libfontconfig1 libdbus-1-3")]
    import PySide6

    return [("Qt libraries", True, PySide6.__version__), _fonts(), _icons(), _painted_window(), _screen()]


def is_blank(image: QImage) -> bool:
    """Whether a picture shows (next to) nothing: it has hardly any colours."""
    colours = {image.pixel(x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    return len(colours) < FEW_COLOURS


def _application() -> QApplication:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from pdm_desktop.gui.app import make_application

    running = QApplication.instance()
    return running if isinstance(running, QApplication) else make_application(sys.argv[:1])


def _window(choice: Choice) -> MainWindow:
    from PySide6.QtCore import QSettings

    from pdm_desktop.gui.main_window import MainWindow
    from pdm_desktop.gui.theme import Theme

    theme = Theme(choice)
    theme.apply(_application())
    return MainWindow(theme, QSettings(), interactive=False)


def _fill(window: MainWindow, workspace: Path, page: str, machine: str | None) -> None:
    """Open the workspace and go to the page; back when it shows its data."""
    seen: list[str] = []
    wrong: list[Exception] = []
    window.settled.connect(seen.append)
    window.trouble.connect(wrong.append)
    # Read-only: a picture may be taken while another program has the workspace.
    window.open_workspace(workspace, read_only=True)
    _wait(window, lambda: bool(seen or wrong))
    if not wrong and "fleet" in seen and page != "fleet":
        if machine is not None and page == "machine":
            window.open_machine(machine)
        else:
            window.show_page(page)
        _wait(window, lambda: page in seen or bool(wrong))
    _wait(window, lambda: bool(wrong) or not window.session.tasks.active())
    if wrong:
        raise wrong[0]
    if "welcome" in seen:
        raise PdmError("The workspace is empty.", "Import files or run demo first.", str(workspace))


def _wait(window: MainWindow, ready: object) -> None:
    from collections.abc import Callable

    from PySide6.QtCore import QEventLoop, QTimer

    check = cast("Callable[[], bool]", ready)
    loop = QEventLoop(window)
    timer = QTimer(loop)
    timer.timeout.connect(lambda: loop.quit() if check() else None)
    timer.start(20)
    loop.exec()
    timer.stop()


def _settle() -> None:
    """Let layouts, queued signals and deferred deletes have their turn."""
    from PySide6.QtCore import QCoreApplication, QEvent

    for _ in range(4):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _fonts() -> tuple[str, bool, str]:
    from PySide6.QtGui import QFontDatabase, QFontInfo
    from PySide6.QtWidgets import QApplication

    families = QFontDatabase.families()
    if not families:
        return ("fonts", False, "none; on Debian: apt-get install fonts-dejavu-core")
    return ("fonts", True, f"{QFontInfo(QApplication.font()).family()}, {len(families)} families")


def _icons() -> tuple[str, bool, str]:
    from pdm_desktop.core import paths
    from pdm_desktop.gui.theme import Theme

    theme = Theme("light")
    names = sorted(path.stem for path in (paths.resources() / "icons").glob("*.svg"))
    empty = [name for name in names if not _has_ink(theme.pixmap(name, "text", 16).toImage())]
    if not names or empty:
        return ("icons", False, f"not painted: {', '.join(empty) or 'none found'}")
    return ("icons", True, f"{len(names)}")


def _has_ink(image: QImage) -> bool:
    return any(image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height()))


def _painted_window() -> tuple[str, bool, str]:
    window = _window("light")
    try:
        window.show()
        _settle()
        image = window.grab().toImage()
    finally:
        window.close()
        window.deleteLater()
        _settle()
    return ("painted window", not is_blank(image), f"{image.width()} x {image.height()}")


def _screen() -> tuple[str, bool, str]:
    if sys.platform != "linux":
        return ("screen", True, "the desktop's")
    if os.environ.get("WAYLAND_DISPLAY"):
        return ("screen", True, f"Wayland, {os.environ['WAYLAND_DISPLAY']}")
    if not os.environ.get("DISPLAY"):
        # No fault: the command line works without one.
        return ("screen", True, "none here: the window cannot be opened, the command line works")
    from PySide6.QtCore import QLibraryInfo

    plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms" / "libqxcb.so"
    try:
        # Qt's own message blames one library whichever is missing; the loader names the right one.
        ctypes.CDLL(str(plugin))
    except OSError as exc:
        return ("screen", False, f"{exc}; on Debian: apt-get install libxcb-cursor0 libxkbcommon-x11-0 and their like")
    return ("screen", True, f"X11, {os.environ['DISPLAY']}")
