"""The window: navigation, page stack, task strip, and the wires between pages and the session.

No domain code: a page asks by a signal, the session runs the use case, the page shows the frozen result.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QSettings, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

import pdm_desktop
from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import DataOverview, Fleet, ImportReport, MachineView
from pdm_desktop.gui import actions, messages
from pdm_desktop.gui.frame import DropHint, Rail, TaskStrip, TopBar
from pdm_desktop.gui.importing import Importing
from pdm_desktop.gui.pages.fleet import FleetPage
from pdm_desktop.gui.pages.welcome import WelcomePage
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.theme import CHOICES, Choice, Theme
from pdm_desktop.gui.widgets import Banner

if TYPE_CHECKING:
    from pdm_desktop.gui.modelling import Modelling
    from pdm_desktop.gui.pages.data import DataPage
    from pdm_desktop.gui.pages.machine import MachinePage
    from pdm_desktop.gui.preferences import Preferences
    from pdm_desktop.gui.recording import Recording

DEMO_FOLDER = "demo plant"
TABLES = ["Tables (*.csv *.txt *.tsv *.xlsx *.gz *.zip *.parquet)", "All files (*)"]
_TICK_MS = 60_000
_REST_MS = 300
BEFORE, AFTER = 6 * times.DAY, times.DAY
"""What a machine's page shows around a time."""


class MainWindow(QMainWindow):
    """One workspace in one window. With interactive=False (painting for a file) it opens no dialogs."""

    painted = Signal()
    """The first time the window is on the screen: heavy work may begin."""
    settled = Signal(str)
    """The page of this key shows its data."""
    trouble = Signal(object)
    """An exception the user is being told of."""

    def __init__(self, theme: Theme, settings: QSettings, *, interactive: bool = True) -> None:
        super().__init__()
        self.theme = theme
        self.session = Session(self)
        self._settings = settings
        self._interactive = interactive
        self._machine = ""
        self._stale: set[str] = {"machine", "data"}
        """Pages whose data has changed since they showed it."""
        self._wants_focus = ""
        self._was_painted = False
        self._leaving = False
        self.rail = Rail(theme)
        self.top = TopBar()
        self.notice = Banner()
        self._notice_action: Callable[[], object] = lambda: None
        self.stack = QStackedWidget()
        self.strip = TaskStrip(self.session.tasks.active)
        self.pages: dict[str, QWidget] = {}
        self._models: Modelling | None = None
        self._unjudged = False
        """Machines are on record but none can be judged: another model may help."""
        self._hand: Recording | None = None
        self._preferences: Preferences | None = None
        self._lay_out()
        self._drop = DropHint(self)
        self.importing = Importing(self, self.theme, self.session, self._tell_calmly)
        self.menu_actions = actions.build_menus(self, self._handlers())
        self.menu_actions[f"theme:{theme.choice}"].setChecked(True)
        self._connect()
        self._show("fleet")
        self._update_actions()
        self.setWindowTitle("PDM Desktop")
        self.setWindowIcon(QIcon(theme.pixmap("app", "text", 128)))
        self.setAcceptDrops(True)
        self.setMinimumSize(1100, 600)
        self.resize(1366, 768)
        geometry = settings.value("geometry")
        if interactive and geometry is not None:
            self.restoreGeometry(geometry)
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.top.tick)
        self._clock.timeout.connect(self.session.tick)
        self._clock.start(_TICK_MS)

    # ---- what other code may ask

    @property
    def page(self) -> str:
        """The key of the page shown."""
        shown = self.stack.currentWidget()
        return next(key for key, page in self.pages.items() if page is shown)

    def open_workspace(self, folder: Path, *, read_only: bool = False, fill_demo: bool = False) -> None:
        """Open the workspace in `folder` in place of the one open; fill_demo: make it the demo plant when empty."""
        self.session.open(folder, read_only=read_only, fill_demo=fill_demo)
        self._update_actions()

    def import_files(self, files: Sequence[Path]) -> None:
        """Import files and folders, tell what came in, show the fleet anew; the wizard asks what they leave open."""
        if files and self.session.writable:
            self._welcome().set_enabled(False)
            self.importing.bring_in(files)

    def open_machine(self, machine: str) -> None:
        """Show the machine's page."""
        if machine != self._machine:
            self._machine = machine
            self._stale.add("machine")
        self.show_page("machine")

    def show_page(self, key: str) -> None:
        """Show the page of this key and load its data when that has changed since."""
        fleet = self.session.fleet
        if key == "models" and (fleet is not None or self._unjudged):
            self._show(key)
            self.models.load()
            return
        if fleet is None or not fleet.rows:
            self.rail.show_page(self.page)
            return
        if key == "machine" and not self._machine:
            self._machine = fleet.rows[0].machine
        self._show(key)
        if key in self._stale:
            self._stale.discard(key)
            if key == "machine":
                page = self._machine_page()
                same = page.machine == self._machine
                self._load_machine(self._machine, *(page.current_range() if same else (None, None)))
            elif key == "data":
                self.session.load_overview()
        else:
            self._settle(key)

    def open_machine_at(self, machine: str, at: int) -> None:
        """Show the machine's page around a time, ms UTC."""
        self._machine = machine
        self._stale.discard("machine")
        self._show("machine")
        self._load_machine(machine, at - BEFORE, at + AFTER)

    @property
    def models(self) -> Modelling:
        """What the window does about models; made when it is first wanted."""
        if self._models is None:
            from pdm_desktop.gui.modelling import Modelling

            made = self._models = Modelling(self, self.session, self.theme, self._settings, self._tell_calmly)
            made.shown.connect(partial(self._settle, "models"))
            made.failed.connect(self._fail)
            made.machine_requested.connect(self.open_machine_at)
        return self._models

    def show_welcome(self, folder: Path | None = None) -> None:
        """Greet; `folder` is where the plant's record will lie, when no workspace is open to say so."""
        workspace = self.session.workspace
        shown = workspace.folder if workspace is not None else folder
        if shown is not None:
            self._welcome().show_folder(str(shown))
        self._welcome().set_enabled(workspace is None or self.session.writable)
        self.top.show_plant(workspace.settings.plant_name if workspace is not None else "")
        self._show("welcome")
        self._update_actions()
        self._settle("welcome")

    # ---- building

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        for widget in (self.top, self.notice):
            right.addWidget(widget)
        right.addWidget(self.stack, 1)
        right.addWidget(self.strip)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(right, 1)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.show_page)
        self.top.search.machine_chosen.connect(self.open_machine)
        self.notice.acted.connect(self._act_on_notice)
        session = self.session
        session.opened.connect(self._opened)
        session.not_opened.connect(self._not_opened)
        session.scored.connect(self._show_fleet)
        session.not_scored.connect(self._no_fleet)
        session.imported.connect(self._imported)
        self.importing.refused.connect(self._fail)
        self.importing.asking.connect(lambda: self._welcome().set_enabled(True))
        self.importing.more_wanted.connect(self._ask_files)
        session.record_changed.connect(lambda: self._stale.update({"machine", "data"}))
        session.record_changed.connect(self._name_plant)
        session.view_ready.connect(self._show_view)
        session.overview_ready.connect(self._show_overview)
        session.checked.connect(self._show_checks)
        session.written.connect(self._written)
        session.failed.connect(self._fail)
        session.cancelled.connect(self._cancelled)
        session.tasks_changed.connect(self._tasks_changed)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        handlers: dict[str, Callable[[], object]] = {
            "open": self._ask_workspace,
            "import": self._ask_files,
            "import_folder": self._ask_folder,
            "import_choices": self._ask_files_for_wizard,
            "report": self._ask_report,
            "backup": self._ask_backup,
            "preferences": self._ask_preferences,
            "quit": self.close,
            "find": self._find,
            "refresh": self.session.change,
            "retrain": self._retrain,
            "demo": self._open_demo,
            "watch": self.importing.ask_watch,
            "doctor": self.session.check_installation,
            "about": self._about,
        }
        handlers |= {f"page:{key}": partial(self.show_page, key) for key in ("fleet", "machine", "data", "models")}
        handlers |= {f"theme:{choice}": partial(self._choose_theme, choice) for choice in CHOICES}
        return handlers

    def _page(self, key: str) -> QWidget:
        """The page of this key, built when it is first wanted: its libraries may be heavy."""
        if key not in self.pages:
            build: dict[str, Callable[[], QWidget]] = {
                "fleet": self._build_fleet,
                "welcome": self._build_welcome,
                "machine": self._build_machine,
                "data": self._build_data,
                "models": self._build_models,
            }
            self.pages[key] = build[key]()
            self.stack.addWidget(self.pages[key])
        page: QWidget = self.pages[key]
        return page

    def _build_fleet(self) -> QWidget:
        page = FleetPage(self.theme)
        page.machine_chosen.connect(self.open_machine)
        page.import_requested.connect(self._ask_files)
        page.report_requested.connect(self._ask_report)
        page.retrain_requested.connect(self._retrain)
        return page

    def _build_welcome(self) -> QWidget:
        page = WelcomePage(self.theme)
        page.demo_requested.connect(self._fill_demo)
        page.import_requested.connect(self._ask_files)
        return page

    def _build_machine(self) -> QWidget:
        from pdm_desktop.gui.pages.machine import MachinePage

        page = MachinePage(self.theme)
        page.set_machines(self._machines())
        page.range_requested.connect(self._load_machine)
        self._recording().serve_machine(page)
        page.cursor_moved.connect(self.strip.show_hint)
        page.fleet_requested.connect(partial(self.show_page, "fleet"))
        return page

    def _build_data(self) -> QWidget:
        from pdm_desktop.gui.pages.data import DataPage

        page = DataPage(self.theme)
        page.setFocusProxy(page.machine_table)
        page.undo_requested.connect(self.session.undo)
        self._recording().serve_data(page)
        page.machine_chosen.connect(self.open_machine)
        page.import_requested.connect(self._ask_files)
        return page

    def _build_models(self) -> QWidget:
        return self.models.build_page()

    def _recording(self) -> Recording:
        """Changes by hand; made when they are first wanted."""
        if self._hand is None:
            from pdm_desktop.gui.recording import Recording

            self._hand = Recording(self.session, self.theme, self._settings, self)
            self._hand.machine_renamed.connect(self._follow_name)
        return self._hand

    def _follow_name(self, before: str, after: str) -> None:
        if self._machine == before:
            self._machine = after

    def _fleet_page(self) -> FleetPage:
        return cast(FleetPage, self._page("fleet"))

    def _machine_page(self) -> MachinePage:
        return cast("MachinePage", self._page("machine"))

    def _machines(self) -> list[str]:
        fleet = self.session.fleet
        return [row.machine for row in fleet.rows] if fleet is not None else []

    def _welcome(self) -> WelcomePage:
        return cast(WelcomePage, self._page("welcome"))

    # ---- showing

    def _show(self, key: str, *, keep_notice: bool = False) -> None:
        self._wants_focus = key
        self.stack.setCurrentWidget(self._page(key))
        # The greeting has nothing to say about a plant yet.
        self.top.setVisible(key != "welcome")
        self.rail.show_page(key)
        if not keep_notice:
            self.notice.show_text("")
        self.strip.show_hint("")
        if f"page:{key}" in self.menu_actions:
            self.menu_actions[f"page:{key}"].setChecked(True)

    def _settle(self, key: str) -> None:
        """The page has its data. The first time after it was chosen it also gets the keyboard."""
        if self._wants_focus == key == self.page and key != "welcome":
            self._wants_focus = ""
            self.pages[key].setFocus()
        self.settled.emit(key)

    def _opened(self, empty: bool) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        self._unjudged = False
        self._machine, self._stale = "", {"machine", "data"}
        if "machine" in self.pages:
            self._machine_page().clear()
        self._name_plant()
        if empty:
            self.show_welcome()
        else:
            self._fleet_page().show_nothing(
                "Looking at the machines", "The ranking appears as soon as they are scored."
            )
            self._show("fleet")
            self._update_actions()

    def _name_plant(self) -> None:
        workspace = self.session.workspace
        if workspace is not None:
            name = workspace.settings.plant_name
            self.top.show_plant(name)
            self.setWindowTitle(f"{name}{' (read-only)' if workspace.read_only else ''} \N{EN DASH} PDM Desktop")

    def _not_opened(self, folder: Path, error: Exception, read_only: bool) -> None:
        choices: list[tuple[str, Callable[[], object]]] = []
        if isinstance(error, PdmError) and not read_only:
            choices.append(("Open read-only", partial(self.open_workspace, folder, read_only=True)))
        choices.append(("Open another…", self._ask_workspace))
        if self.session.workspace is None:
            self._fleet_page().show_nothing("No workspace is open", str(error))
        self._update_actions()
        self._fail(error, choices)

    def _show_fleet(self, fleet: Fleet) -> None:
        if not fleet.rows:
            self.show_welcome()
            return
        self._unjudged = False
        first = self._fleet_page().fleet is None
        self._fleet_page().show_fleet(fleet)
        self.top.show_fleet(fleet)
        if "machine" in self.pages:
            self._machine_page().set_machines(self._machines())
            if self._machine and self._machine not in self._machines():
                # Undone, merged or retired meanwhile: its figures must not stay on the screen.
                self._machine = ""
                self._machine_page().clear()
                if self.page == "machine":
                    self._stale.discard("machine")
        if self.page == "welcome":
            self._show("fleet", keep_notice=True)
        self._update_actions()
        self._settle("fleet")
        if first:
            # After the ranking is painted: both at once would take longer than either.
            QTimer.singleShot(_REST_MS, self, self._prepare)
        if self.page in self._stale:
            self.show_page(self.page)

    def _prepare(self) -> None:
        if self.session.workspace is not None:
            self.session.prepare(partial(importlib.import_module, "pdm_desktop.gui.pages.machine"))

    def _no_fleet(self, error: PdmError) -> None:
        self._unjudged = True
        self._fleet_page().show_nothing(error.message, error.hint)
        self._show("fleet")
        self._update_actions()
        self.trouble.emit(error)

    def _load_machine(self, machine: str, start: int | None, end: int | None) -> None:
        # The page itself may ask for another machine.
        self._machine = machine
        self._machine_page().show_loading(machine)
        self.session.load_machine(machine, start, end)

    def _show_view(self, view: MachineView) -> None:
        if view.state.machine != self._machine:
            # Asked for before the machine went out of the record or another one was chosen.
            return
        self._machine_page().show_view(view)
        self._settle("machine")

    def _show_overview(self, overview: DataOverview) -> None:
        cast("DataPage", self._page("data")).show_overview(overview)
        self._settle("data")

    def _imported(self, made: ImportReport) -> None:
        if self._interactive:
            messages.show_import(self, made)

    def _written(self, out: Path, what: str) -> None:
        text = f"Written: {out} ({what})"
        self._tell_calmly(text, "", "Show in folder", lambda: messages.show_folder(out.parent))

    def _tell_calmly(self, text: str, tone: str, action: str, then: Callable[[], object]) -> None:
        self._notice_action = then
        self.notice.show_text(text, tone, action)

    def _act_on_notice(self) -> None:
        self._notice_action()

    def _show_checks(self, checks: Sequence[Any]) -> None:
        lines = [f"{'✓' if check.ok else '✗'}  {check.name}: {check.detail}" for check in checks]
        heading = "Everything is here." if all(check.ok for check in checks) else "Something needs attention."
        messages.tell(self, "Doctor", heading, "\n".join(lines))

    def _fail(self, error: Exception, choices: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        self._welcome().set_enabled(self.session.writable)
        self._nothing_came()
        self.trouble.emit(error)
        if self._interactive:
            messages.show_error(self, error, self.session.logs, choices)

    def _nothing_came(self) -> None:
        """What a page waits for will not come: it may be asked for again."""
        self._stale.update({"machine", "data"} & {self.page})
        if "machine" in self.pages:
            self._machine_page().stop_loading()

    def _cancelled(self) -> None:
        self._welcome().set_enabled(self.session.writable)
        self._nothing_came()
        self.strip.show_hint("Stopped: nothing changed")

    # ---- asking

    def _ask_workspace(self) -> None:
        messages.choose_folder(self, self._settings, "Open workspace", self.open_workspace)

    def _ask_files(self) -> None:
        messages.choose_files(self, self._settings, "Import files", TABLES, self.import_files)

    def _ask_files_for_wizard(self) -> None:
        title = "Import with choices"
        messages.choose_files(self, self._settings, title, TABLES, self.importing.open_wizard)

    def _ask_folder(self) -> None:
        messages.choose_folder(self, self._settings, "Import a folder", lambda folder: self.import_files([folder]))

    def _ask_report(self) -> None:
        fleet = self.session.fleet
        if fleet is not None:
            name = f"risk report {times.local(fleet.as_of, fleet.time_zone):%Y-%m-%d %H%M}.csv"
            write = self.session.write_report
            messages.choose_target(self, self._settings, "Export risk report", ["CSV (*.csv)"], name, write)

    def _ask_backup(self) -> None:
        workspace = self.session.workspace
        if workspace is not None:
            today = times.local(times.now_ms(), workspace.settings.time_zone)
            name = f"{workspace.folder.name} {today:%Y-%m-%d}.zip"
            names = ["Whole workspace (*.zip)", "Record only (*.db)"]
            messages.choose_target(self, self._settings, "Back up", names, name, self.session.back_up)

    def _retrain(self) -> None:
        self.models.retrain()

    def _fill_demo(self) -> None:
        self._welcome().set_enabled(False)
        self.session.fill_demo()

    def _open_demo(self) -> None:
        workspace, fleet = self.session.workspace, self.session.fleet
        if workspace is None:
            return
        if self.page == "welcome" and self.session.writable:
            self._fill_demo()
        elif fleet is not None:
            # Never among the plant's own record.
            self.open_workspace(workspace.folder.parent / DEMO_FOLDER, fill_demo=True)

    def _find(self) -> None:
        self.top.search.setFocus()
        self.top.search.selectAll()

    def _ask_preferences(self) -> None:
        if self._preferences is None:
            from pdm_desktop.gui.preferences import Preferences

            self._preferences = Preferences(self.session, self, self._computer_settings)
            self._preferences.computer_chosen.connect(self._set_up_computer)
        self._preferences.open()

    def _computer_settings(self) -> dict[str, str]:
        return {"theme": self.theme.choice, "who": str(self._settings.value("who") or "")}

    def _set_up_computer(self, chosen: dict[str, str]) -> None:
        for choice in CHOICES:
            if choice == chosen.get("theme"):
                self.menu_actions[f"theme:{choice}"].setChecked(True)
                self._choose_theme(choice)
        if "who" in chosen:
            self._settings.setValue("who", chosen["who"])

    def _choose_theme(self, choice: Choice) -> None:
        self._settings.setValue("theme", choice)
        self.theme.set_choice(choice)

    def _about(self) -> None:
        messages.tell(
            self,
            "About PDM Desktop",
            f"PDM Desktop {pdm_desktop.__version__}",
            "Which machine is likely to fail next, and why, without a network.\n\n"
            "Risks are a model's opinion, calibrated on past failures; the plant's record stays as it was imported.",
        )

    # ---- states and events

    def _tasks_changed(self) -> None:
        self.strip.refresh()
        if self._leaving and not self.session.tasks.active():
            self.close()

    def _update_actions(self) -> None:
        session = self.session
        present: list[actions.Need] = []
        if session.workspace is not None:
            present.append("workspace")
        if session.writable:
            present.append("writable")
        filled = session.fleet is not None and bool(session.fleet.rows)
        if filled:
            present.append("machines")
        if filled or self._unjudged:
            present.append("models")
        actions.enable(self.menu_actions, present)
        # A picture shows the page as it is worked with, though it is painted from a workspace that is only read.
        self._fleet_page().set_writable(session.writable or not self._interactive)
        self.rail.setEnabled(filled or self._unjudged)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell once that the window is on the screen."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped where they may be imported."""
        files = _local_files(event)
        if files and self.session.writable:
            self._drop.show_count(len(files))
            event.acceptProposedAction()

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The files were taken elsewhere."""
        self._drop.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        self._drop.hide()
        event.acceptProposedAction()
        self.import_files(_local_files(event))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask while work is under way, and let it stop at a clean edge before leaving."""
        busy = self.session.busy()
        if busy and not self._leaving and self._interactive:
            event.ignore()
            messages.ask(
                self,
                "Work is under way",
                f"{busy[0].title} is not finished.",
                "Stopping it changes nothing: what is half done is taken back.",
                "Stop it and quit",
                self._leave,
                no="Keep working",
            )
            return
        if self._leaving and self.session.tasks.active():
            event.ignore()
            return
        self.session.close()
        if self._interactive:
            self._settings.setValue("geometry", self.saveGeometry())
        event.accept()

    def _leave(self) -> None:
        self._leaving = True
        self.session.cancel_all()
        self._tasks_changed()


def _local_files(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
