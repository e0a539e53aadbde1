"""What bench.py measures of the window, each in a process of its own; prints one JSON object.

python build/bench_window.py bare | program WORKSPACE | heartbeat FILES
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

BEAT_MS = 10


def _end(**found: object) -> NoReturn:
    """Print and leave at once: only what came before counts."""
    print(json.dumps(found), flush=True)
    os._exit(0)


def bare() -> None:
    """The least a window with a plot can be: the time (perf_counter) at which it is on the screen."""
    import pyqtgraph as pg
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QPaintEvent
    from PySide6.QtWidgets import QApplication, QMainWindow

    class Plot(pg.PlotWidget):  # type: ignore[misc, unused-ignore]
        def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
            super().paintEvent(event)
            QTimer.singleShot(0, lambda: _end(shown=time.perf_counter()))

    app = QApplication(sys.argv[:1])
    window = QMainWindow()
    plot = Plot()
    plot.plot(list(range(100)))
    window.setCentralWidget(plot)
    window.resize(1366, 768)
    window.show()
    app.exec()


def program(workspace: str) -> None:
    """The program started on a filled workspace: when its window is on the screen, and what is imported by then."""
    from pdm_desktop import __main__ as entry
    from pdm_desktop.gui import app
    from pdm_desktop.gui.main_window import MainWindow

    class Window(MainWindow):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            # Connected first, so called before the window starts to open the workspace.
            self.painted.connect(self._shown)

        def _shown(self) -> None:
            heavy = [name for name in ("mlflow", "xgboost", "pandas", "sqlalchemy") if name in sys.modules]
            _end(shown=time.perf_counter(), heavy=heavy)

    app.MainWindow = Window  # type: ignore[attr-defined]
    entry.main(["--workspace", workspace])


def heartbeat(files: str) -> None:
    """Gaps (ms) between beats of a 10 ms timer on the GUI thread while the year is imported and scored whole."""
    from PySide6.QtCore import Qt, QTimer

    from pdm_desktop import __main__ as entry
    from pdm_desktop.gui import app
    from pdm_desktop.gui.main_window import MainWindow

    class Window(MainWindow):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            self.gaps: list[float] = []
            self.phase = ""
            self.longest: dict[str, float] = {}
            self.began = self.last = time.perf_counter()
            self.beat = QTimer(self)
            self.beat.setTimerType(Qt.TimerType.PreciseTimer)
            self.beat.timeout.connect(self._beats)
            self.session.opened.connect(self._opened)
            self.session.imported.connect(partial(setattr, self, "phase", "scoring the fleet"))
            self.session.scored.connect(self._scored)
            self.trouble.connect(lambda error: _end(error=str(error)))

        def _opened(self, _empty: bool) -> None:
            self.began = self.last = time.perf_counter()
            self.beat.start(BEAT_MS)
            self.phase = "import"
            self.import_files([Path(files)])

        def _beats(self) -> None:
            now = time.perf_counter()
            gap = (now - self.last) * 1000
            self.gaps.append(gap)
            self.longest[self.phase] = max(gap, self.longest.get(self.phase, 0))
            self.last = now

        def _scored(self, _fleet: object) -> None:
            workspace = self.session.workspace
            assert workspace is not None
            self.phase = "scoring the year"
            self.session.tasks.run("write", "Scoring the year", workspace.score_all, self._done)

        def _done(self, scores: int) -> None:
            seconds = time.perf_counter() - self.began
            _end(gaps=self.gaps, scores=scores, seconds=seconds, longest=self.longest)

    app.MainWindow = Window  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as folder:
        entry.main(["--workspace", str(Path(folder) / "workspace")])


if __name__ == "__main__":
    measurements: dict[str, Callable[..., None]] = {"bare": bare, "program": program, "heartbeat": heartbeat}
    measurements[sys.argv[1]](*sys.argv[2:])
