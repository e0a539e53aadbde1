"""The window: navigation, page stack, task strip, and the wires between pages and the session.

No domain code: a page asks by a signal, the session runs the use case, the page shows the frozen result.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import Fleet, ImportReport
from pdm_desktop.gui import actions, messages
from pdm_desktop.gui.asking import Asking
from pdm_desktop.gui.frame import Rail, TaskStrip, TopBar
from pdm_desktop.gui.importing import Importing
from pdm_desktop.gui.navigation import Navigation
from pdm_desktop.gui.page_stack import PageStack
from pdm_desktop.gui.scheduled import Scheduled
from pdm_desktop.gui.shell import Shell
from pdm_desktop.gui.theme import CHOICES, Choice, Theme
from pdm_desktop.gui.widgets import Banner

if TYPE_CHECKING:
    from pdm_desktop.gui.modelling import Modelling
    from pdm_desktop.gui.preferences import Preferences
    from pdm_desktop.gui.recording import Recording

DEMO_FOLDER = "demo plant"
_TICK_MS = 60_000
_REST_MS = 300


class MainWindow(Shell):
    """One workspace in one window. With interactive=False (painting for a file) it opens no dialogs."""

    settled = Signal(str)
    """The page of this key shows its data."""
    trouble = Signal(object)
    """An exception the user is being told of."""

    def __init__(self, theme: Theme, settings: QSettings, *, interactive: bool = True) -> None:
        super().__init__(settings, interactive=interactive)
        self.theme = theme
        self.rail = Rail(theme)
        self.top = TopBar()
        self.notice = Banner()
        self._notice_action: Callable[[], object] = lambda: None
        self.stack = PageStack(theme, self._build_models)
        self.strip = TaskStrip(self.session.tasks.active)
        self.pages = self.stack.pages
        self.navigation = Navigation(self.stack, self.session, self)
        self._asking = Asking(self, self.session, settings)
        self._models: Modelling | None = None
        self._hand: Recording | None = None
        self._preferences: Preferences | None = None
        self._lay_out()
        self.importing = Importing(self, self.theme, self.session, self._tell_calmly)
        self.menu_actions = actions.build_menus(self, self._handlers())
        self.menu_actions[f"theme:{theme.choice}"].setChecked(True)
        self.scheduled = Scheduled(self.session, self._tell_calmly, self)
        self._connect()
        self.navigation.show("fleet")
        self._update_actions()
        self.setWindowTitle("PDM Desktop")
        self.setWindowIcon(QIcon(theme.pixmap("app", "text", 128)))
        self.setMinimumSize(1100, 600)
        self.resize(1366, 768)
        self.restore_place()
        self._clock = QTimer(self)
        self._clock.timeout.connect(self.top.tick)
        self._clock.timeout.connect(self.session.tick)
        self._clock.start(_TICK_MS)

    # ---- what other code may ask

    @property
    def page(self) -> str:
        """The key of the page shown."""
        return self.stack.key

    def open_workspace(self, folder: Path, *, read_only: bool = False, fill_demo: bool = False) -> None:
        """Open the workspace in `folder` in place of the one open; fill_demo: make it the demo plant when empty."""
        self.session.open(folder, read_only=read_only, fill_demo=fill_demo)
        self._update_actions()

    def import_files(self, files: Sequence[Path]) -> None:
        """Import files and folders, tell what came in, show the fleet anew; the wizard asks what they leave open."""
        if files and self.session.writable:
            self.stack.welcome.set_enabled(False)
            self.importing.bring_in(files)

    def open_machine(self, machine: str) -> None:
        """Show the machine's page."""
        self.navigation.open_machine(machine)

    def show_page(self, key: str) -> None:
        """Show the page of this key and load its data when that has changed since."""
        self.navigation.open_page(key)

    @property
    def models(self) -> Modelling:
        """What the window does about models; made when it is first wanted."""
        if self._models is None:
            from pdm_desktop.gui.modelling import Modelling

            made = self._models = Modelling(self, self.session, self.theme, self._settings, self._tell_calmly)
            made.shown.connect(partial(self.navigation.settle, "models"))
            made.failed.connect(self._fail)
            made.machine_requested.connect(self.navigation.open_machine_at)
            made.known_until_requested.connect(self._ask_known_until)
        return self._models

    def show_welcome(self, folder: Path | None = None) -> None:
        """Greet; `folder` is where the plant's record will lie, when no workspace is open to say so."""
        workspace = self.session.workspace
        shown = workspace.folder if workspace is not None else folder
        if shown is not None:
            self.stack.welcome.show_folder(str(shown))
        self.stack.welcome.set_enabled(workspace is None or self.session.writable)
        self.top.show_plant(workspace.settings.plant_name if workspace is not None else "")
        self.navigation.show("welcome")
        self._update_actions()
        self.navigation.settle("welcome")

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
        pages, asking, navigation, session = self.stack, self._asking, self.navigation, self.session
        pages.built.connect(self._page_built)
        pages.import_requested.connect(asking.files)
        pages.report_requested.connect(asking.report)
        pages.retrain_requested.connect(self._retrain)
        pages.demo_requested.connect(self._fill_demo)
        pages.undo_requested.connect(session.undo)
        pages.hinted.connect(self.strip.show_hint)
        navigation.shown.connect(self._page_shown)
        navigation.refused.connect(lambda: self.rail.show_page(self.page))
        navigation.settled.connect(self.settled)
        navigation.models_wanted.connect(lambda: self.models.load())  # noqa: PLW0108 (made when it is first wanted)
        asking.workspace_chosen.connect(self.open_workspace)
        asking.files_chosen.connect(self.import_files)
        asking.wizard_chosen.connect(self.importing.open_wizard)
        self.dropped.connect(self.import_files)
        self.scheduled.look_requested.connect(self._show_version)
        session.opened.connect(self._opened)
        session.not_opened.connect(self._not_opened)
        session.scored.connect(self._show_fleet)
        session.not_scored.connect(self._no_fleet)
        session.imported.connect(self._imported)
        session.watching_changed.connect(self.strip.show_watched)
        self.importing.refused.connect(self._fail)
        self.importing.asking.connect(lambda: self.stack.welcome.set_enabled(True))
        self.importing.more_wanted.connect(asking.files)
        session.record_changed.connect(self._name_plant)
        session.written.connect(self._written)
        session.failed.connect(self._fail)
        session.cancelled.connect(self._cancelled)
        session.tasks_changed.connect(self.strip.refresh)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        handlers: dict[str, Callable[[], object]] = {
            "open": self._asking.workspace,
            "import": self._asking.files,
            "import_folder": self._asking.folder,
            "import_choices": self._asking.files_for_wizard,
            "report": self._asking.report,
            "backup": self._asking.backup,
            "preferences": self._ask_preferences,
            "quit": self.close,
            "find": self._find,
            "refresh": self.session.change,
            "retrain": self._retrain,
            "demo": self._open_demo,
            "watch": self.importing.ask_watch,
            "doctor": self._asking.doctor,
            "about": self._asking.about,
        }
        handlers |= {f"page:{key}": partial(self.show_page, key) for key in ("fleet", "machine", "data", "models")}
        handlers |= {f"theme:{choice}": partial(self._choose_theme, choice) for choice in CHOICES}
        return handlers

    def _build_models(self) -> QWidget:
        return self.models.build_page()

    def _show_version(self, version: str) -> None:
        self.models.choose(version)
        self.show_page("models")

    def _recording(self) -> Recording:
        """Changes by hand; made when they are first wanted."""
        if self._hand is None:
            from pdm_desktop.gui.recording import Recording

            self._hand = Recording(self.session, self.theme, self._settings, self)
            self._hand.machine_renamed.connect(self.navigation.follow_name)
        return self._hand

    # ---- showing

    def _page_built(self, key: str) -> None:
        if key == "machine":
            self._recording().serve_machine(self.stack.machine)
        elif key == "data":
            self._recording().serve_data(self.stack.data)

    def _page_shown(self, key: str, keep_notice: bool) -> None:
        # The greeting has nothing to say about a plant yet.
        self.top.setVisible(key != "welcome")
        self.rail.show_page(key)
        if not keep_notice:
            self.notice.show_text("")
        self.strip.show_hint("")
        if f"page:{key}" in self.menu_actions:
            self.menu_actions[f"page:{key}"].setChecked(True)

    def _opened(self, empty: bool) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        self.navigation.forget()
        self._name_plant()
        if empty:
            self.show_welcome()
        else:
            self.stack.fleet.show_nothing("Looking at the machines", "The ranking appears as soon as they are scored.")
            self.navigation.show("fleet")
            self._update_actions()
        done = workspace.upgrade
        if done is not None:
            self._tell_calmly(str(done), "", "Show in folder", lambda: messages.show_folder(done.backup.parent))

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
        choices.append(("Open another…", self._asking.workspace))
        if self.session.workspace is None:
            self.stack.fleet.show_nothing("No workspace is open", str(error))
        self._update_actions()
        self._fail(error, choices)

    def _show_fleet(self, fleet: Fleet) -> None:
        if not fleet.rows:
            self.show_welcome()
            return
        first = self.stack.fleet.fleet is None
        self.top.show_fleet(fleet)
        self.navigation.show_fleet(fleet)
        self._update_actions()
        self.navigation.settle("fleet")
        if first:
            # After the ranking is painted: both at once would take longer than either.
            QTimer.singleShot(_REST_MS, self, self._prepare)
        self.navigation.freshen()

    def _prepare(self) -> None:
        if self.session.workspace is not None:
            # Trends and the retraining wizard: half a second of libraries, which a click need not wait for.
            names = ("pdm_desktop.gui.pages.machine", "pdm_desktop.gui.modelling", "pdm_desktop.gui.recording")
            self.session.prepare(lambda: [importlib.import_module(name) for name in names])

    def _no_fleet(self, error: PdmError) -> None:
        self.navigation.unjudged = True
        self.stack.fleet.show_nothing(error.message, error.hint)
        self.navigation.show("fleet")
        self._update_actions()
        self.trouble.emit(error)

    def _imported(self, made: ImportReport) -> None:
        if self._interactive:
            messages.show_import(self, made)

    def _written(self, out: Path, what: str) -> None:
        self._tell_calmly(f"Written: {out} ({what})", "", "Show in folder", lambda: messages.show_folder(out.parent))

    def _tell_calmly(self, text: str, tone: str, action: str, then: Callable[[], object]) -> None:
        self._notice_action = then
        self.notice.show_text(text, tone, action)

    def _act_on_notice(self) -> None:
        self._notice_action()

    def _fail(self, error: Exception, choices: Sequence[tuple[str, Callable[[], object]]] = ()) -> None:
        self.stack.welcome.set_enabled(self.session.writable)
        self.navigation.nothing_came()
        self.trouble.emit(error)
        if self._interactive:
            messages.show_error(self, error, self.session.logs, choices)

    def _cancelled(self) -> None:
        self.stack.welcome.set_enabled(self.session.writable)
        self.navigation.nothing_came()
        self.strip.show_hint("Stopped: nothing changed")

    # ---- asking

    def _retrain(self) -> None:
        self.models.retrain()

    def _ask_known_until(self) -> None:
        once = Qt.ConnectionType.SingleShotConnection
        # Where it stands, once all that is shown there has come.
        ask = partial(QTimer.singleShot, 0, self, lambda: self._recording().set_known_until())
        self.navigation.settled.connect(lambda _: ask(), once)
        self.show_page("data")

    def _fill_demo(self) -> None:
        self.stack.welcome.set_enabled(False)
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

    # ---- states

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
        if filled or self.navigation.unjudged:
            present.append("models")
        actions.enable(self.menu_actions, present)
        # A picture shows the page as it is worked with, though it is painted from a workspace that is only read.
        self.stack.fleet.set_writable(session.writable or not self._interactive)
        self.rail.setEnabled(filled or self.navigation.unjudged)
