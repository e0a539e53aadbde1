"""What surrounds the pages: the rail on the left, the bar on top, the task strip at the bottom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from PySide6.QtCore import QSize, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.results import Fleet, WatchSettings
from pdm_desktop.gui.marks import age_text
from pdm_desktop.gui.tables import natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.widgets import button, label
from pdm_desktop.tasks import Task

PAGES: tuple[tuple[str, str], ...] = (
    ("fleet", "Fleet"),
    ("machine", "Machine"),
    ("data", "Data"),
    ("models", "Models"),
)
"""Key (and icon) and word of each page that works."""
CLOCK_WORD = {"live": "Live", "end-of-data": "End of data"}
CLOCK_TIP = {
    "live": "The fleet is shown at the computer's time.",
    "end-of-data": "The fleet is shown at the time of the newest reading, not at today's.",
}
QUIET_S = 0.3
"""A task shorter than this is not worth a flicker in the strip."""
LONGEST = 60
"""Letters of a folder's path that are shown."""


class Rail(QFrame):
    """Navigation: a button a page, icon above word."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(72)
        self._theme = theme
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(4, GRID, 4, GRID)
        column.setSpacing(2)
        for key, word in PAGES:
            made = QToolButton(self)
            made.setText(word)
            made.setObjectName(f"rail-{key}")
            made.setAccessibleName(f"{word} page")
            made.setCheckable(True)
            made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            made.setIconSize(QSize(20, 20))
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            made.setFixedHeight(52)
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.clicked.connect(lambda _checked=False, key=key: self.chosen.emit(key))
            self._group.addButton(made)
            self.buttons[key] = made
            column.addWidget(made)
        column.addStretch(1)
        self._paint_icons()
        theme.changed.connect(self._paint_icons)

    def show_page(self, key: str) -> None:
        """Mark the page shown; an unknown key (the welcome page) marks none."""
        self._group.setExclusive(False)
        for name, made in self.buttons.items():
            made.setChecked(name == key)
        self._group.setExclusive(key in self.buttons)

    def _paint_icons(self) -> None:
        for key, made in self.buttons.items():
            made.setIcon(self._theme.icon(key, "rail-text", checked="rail-on"))


class Search(QLineEdit):
    """Finds a machine by its id: type, pick or press Enter."""

    machine_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "search")
        self.setPlaceholderText("Find a machine   Ctrl+K")
        self.setAccessibleName("Find a machine")
        self.setFixedWidth(216)
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        # Queued: the completer writes its text into the line after it has told of the choice.
        completer.activated.connect(self._choose, Qt.ConnectionType.QueuedConnection)
        self.setCompleter(completer)
        self.returnPressed.connect(self._entered)

    def set_machines(self, names: Iterable[str]) -> None:
        """What can be found."""
        self._names.setStringList(sorted(names, key=natural))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape clears the line and gives the focus back to the page."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.clearFocus()
            return
        super().keyPressEvent(event)

    def _entered(self) -> None:
        typed = self.text().strip().casefold()
        names = self._names.stringList()
        exact = [name for name in names if name.casefold() == typed]
        near = exact or [name for name in names if typed and typed in name.casefold()]
        if near:
            self._choose(near[0])

    def _choose(self, name: str) -> None:
        if not self.text() and not self.hasFocus():
            return  # Enter and the completer both tell of one choice.
        self.clear()
        self.clearFocus()
        self.machine_chosen.emit(name)


class TopBar(QFrame):
    """Which plant, as of when, by which clock, how old its data is, which model speaks; and the search."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self.setFixedHeight(48)
        self.plant = label("", "strong")
        self.as_of = label("", "strong")
        self._as_of_word = label("as of", "muted")
        self.clock = label("", "chip")
        self.newest = label("", "muted")
        self.champion = label("", "muted")
        self.search = Search()
        self._fleet: Fleet | None = None
        when = QHBoxLayout()
        when.setSpacing(4)
        when.addWidget(self._as_of_word)
        when.addWidget(self.as_of)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, 0, 2 * GRID, 0)
        row.setSpacing(18)
        row.addWidget(self.plant)
        row.addLayout(when)
        self.clock.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        for widget in (self.clock, self.newest, self.champion):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.search)
        self.show_plant("")

    def show_plant(self, name: str) -> None:
        """Only the plant's name: nothing is scored."""
        self._fleet = None
        self.plant.setText(name)
        for widget in (self._as_of_word, self.as_of, self.clock, self.newest, self.champion):
            widget.hide()
        self.search.set_machines(())
        self.search.setVisible(False)

    def show_fleet(self, fleet: Fleet) -> None:
        """Everything the fleet says about itself."""
        self._fleet = fleet
        moment = times.local(fleet.as_of, fleet.time_zone)
        self.plant.setText(fleet.plant_name)
        self.as_of.setText(f"{times.short(fleet.as_of, fleet.time_zone)} {moment:%Z}")
        self.clock.setText(CLOCK_WORD[fleet.clock])
        self.clock.setToolTip(CLOCK_TIP[fleet.clock])
        model = fleet.model
        self.champion.setText(
            f"champion v{model.version} · {model.horizon_h:g} h" if model is not None else "no model for this plant"
        )
        for widget in (self._as_of_word, self.as_of, self.clock, self.newest, self.champion):
            widget.show()
        self.search.set_machines(row.machine for row in fleet.rows)
        self.search.setVisible(bool(fleet.rows))
        self.tick()

    def tick(self) -> None:
        """Time has passed: say again how old the newest reading is."""
        fleet = self._fleet
        if fleet is None:
            return
        if fleet.newest_reading is None:
            self.newest.setText("no readings")
            return
        # By the clock the fleet is shown at: under End of data its age against today would say nothing.
        now = times.now_ms() if fleet.clock == "live" else fleet.as_of
        age = max(0, now - fleet.newest_reading)
        if age < times.MINUTE:
            self.newest.setText("newest reading just now" if fleet.clock == "live" else "newest reading at that time")
        else:
            self.newest.setText(f"newest reading {age_text(age / times.HOUR)} old")
        self.newest.setToolTip(times.short(fleet.newest_reading, fleet.time_zone))


class TaskStrip(QFrame):
    """The work under way with its numbers, and a way to stop it."""

    def __init__(self, active: Callable[[], tuple[Task, ...]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "strip")
        self.setFixedHeight(28)
        self._active = active
        self._shown: Task | None = None
        self._stopping: Task | None = None
        self._idle = "Ready"
        self.title = label(self._idle, "small")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(180)
        self.numbers = label("", "small")
        self.hint = label("", "small")
        self.count = label("", "small")
        self.cancel = button("Cancel", "quiet")
        self.cancel.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, 0, 10, 0)
        row.setSpacing(12)
        left: tuple[QWidget, ...] = (self.title, self.bar, self.numbers)
        right: tuple[QWidget, ...] = (self.hint, self.count, self.cancel)
        for widget in left:
            row.addWidget(widget)
        row.addStretch(1)
        for widget in right:
            row.addWidget(widget)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(round(1000 * QUIET_S))
        self._later.timeout.connect(self.refresh)
        self.refresh()

    def show_hint(self, text: str) -> None:
        """What the page has to say at the right end: the values under the crosshair."""
        self.hint.setText(text)

    def show_watched(self, settings: WatchSettings) -> None:
        """Say which folder is watched while nothing else is under way."""
        self._idle = f"Ready \N{MIDDLE DOT} watching {_end_of(settings.folder)}" if settings.on else "Ready"
        self.title.setToolTip(plain(settings.folder) if settings.on else "")
        self.refresh()

    def refresh(self) -> None:
        """Look at the tasks again."""
        tasks = self._active()
        now = time.monotonic()
        old = [task for task in tasks if task.started is not None and now - task.started >= QUIET_S]
        if tasks and not old and self._shown not in tasks:
            self._later.start()
        running = [task for task in tasks if task.state == "running"] if old or self._shown in tasks else []
        self._show(running[0] if running else None, len(tasks))

    def _show(self, task: Task | None, count: int) -> None:
        self._shown = task
        for widget in (self.bar, self.numbers, self.cancel):
            widget.setVisible(task is not None)
        self.count.setVisible(task is not None and count > 1)
        self.count.setText(f"{count} tasks")
        if task is None:
            self.title.setText(self._idle)
            return
        self.title.setText(task.title)
        step = task.step
        if step is None or step.total <= 0:
            self.bar.setRange(0, 0)
        else:
            # In thousandths: rows of ten years overflow the bar's own counter.
            self.bar.setRange(0, 1000)
            self.bar.setValue(min(1000, round(1000 * step.done / step.total)))
        self.numbers.setText(progress_text(task))
        stopping = task is self._stopping
        self.cancel.setEnabled(not stopping)
        self.cancel.setText("Stopping…" if stopping else "Cancel")

    def _cancel(self) -> None:
        if self._shown is not None:
            # Work stops at its next chunk edge; until then the button says that it was heard.
            self._stopping = self._shown
            self._shown.cancel()
            self.refresh()


class DropHint(QLabel):
    """Covers the window while files are held over it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "drop")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.hide()

    def show_count(self, count: int) -> None:
        """How many files or folders are held."""
        self.setText("Drop to import" if count == 1 else f"Drop to import {count} files or folders")
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect().adjusted(GRID, GRID, -GRID, -GRID))
        self.raise_()
        self.show()


def progress_text(task: Task) -> str:
    """'Reading rows · 412,000 of 876,100 · 6 s left'; what is not known is left out."""
    if task.step is None:
        return ""
    done, total, text = task.step
    parts = [text] if text else []
    if total > 0:
        parts.append(f"{done:,} of {total:,}")
    elif done > 0:
        parts.append(f"{done:,}")
    left = task.eta_s()
    if left is not None:
        parts.append(time_left(left))
    return " · ".join(parts)


def time_left(seconds: float) -> str:
    """'6 s left', '3 min left'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    return f"{round(seconds / 60)} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def _end_of(path: str) -> str:
    """The end of a long path, which tells more than its beginning."""
    return path if len(path) <= LONGEST else f"\N{HORIZONTAL ELLIPSIS}{path[-LONGEST:]}"
