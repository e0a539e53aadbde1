"""Sub-commands that paint: screenshot, and what doctor asks of a window.

Qt is imported in the functions: where its libraries are missing, doctor must still be able to say so.
"""

from __future__ import annotations

import os
import sys
import tempfile
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
    from pdm_desktop.gui import fittings

    libraries, *others = fittings.checks()
    return [libraries, *others, _painted_window(), _painted_pages()]


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
    return ("Painted window", not is_blank(image), f"{image.width()} x {image.height()}")


def _painted_pages() -> tuple[str, bool, str]:
    """A small simulated plant of its own, imported and scored: its fleet, and a machine's trends."""
    from pdm_desktop.core import simulate
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.workspace import Workspace

    name = "Painted trends"
    with tempfile.TemporaryDirectory(prefix="pdm-doctor-") as folder:
        files = simulate.write(Path(folder) / "files", machines=2, days=10, seed=1)
        with Workspace.open(Path(folder) / "workspace") as workspace:
            workspace.import_files(files, Progress())
            workspace.score(None, Progress())
        window = _window("light")
        try:
            window.show()
            _fill(window, Path(folder) / "workspace", "machine", None)
            _settle()
            page = window.pages["machine"].grab().toImage()
        except PdmError as exc:
            return (name, False, str(exc))
        finally:
            window.close()
            window.deleteLater()
            _settle()
    return (name, not is_blank(page), f"a machine's page of {page.width()} x {page.height()}")
