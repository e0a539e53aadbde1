"""What the window can do, as a table: menus, shortcuts and states are built from it, handlers are found by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

Need = Literal["nothing", "workspace", "writable", "machines", "models"]
"""What must be there for an action to make sense: an open workspace, one that may be changed, one with machines on
the screen, one whose models can be looked at even where no machine can be judged."""


@dataclass(frozen=True)
class Action:
    """One thing to do. `group`: exclusive choices of which one is checked. `gap`: a separator above it."""

    key: str
    menu: str
    text: str
    shortcut: str = ""
    need: Need = "nothing"
    group: str = ""
    gap: bool = False
    tip: str = ""
    role: QAction.MenuRole = QAction.MenuRole.NoRole
    """Where macOS puts it."""


ACTIONS: tuple[Action, ...] = (
    Action("open", "&File", "&Open workspace…", "Ctrl+O", tip="Open another plant's folder"),
    Action("import", "&File", "&Import files…", "Ctrl+I", "writable", gap=True, tip="Telemetry, errors, maintenance …"),
    Action("import_folder", "&File", "Import a &folder…", "Ctrl+Shift+I", "writable", tip="All its recognised files"),
    Action("import_choices", "&File", "Import with &choices…", "", "writable", tip="Look at how files are read first"),
    Action("report", "&File", "&Export risk report…", "Ctrl+E", "machines", gap=True, tip="One row a machine, as CSV"),
    Action("backup", "&File", "&Back up…", "", "workspace", tip="A copy of the plant's record in one file"),
    Action("preferences", "&File", "&Preferences…", "Ctrl+,", gap=True, role=QAction.MenuRole.PreferencesRole),
    Action("quit", "&File", "&Quit", "Ctrl+Q", gap=True, role=QAction.MenuRole.QuitRole),
    Action("page:fleet", "&View", "&Fleet", "Ctrl+1", "machines", group="page"),
    Action("page:machine", "&View", "&Machine", "Ctrl+2", "machines", group="page"),
    Action("page:data", "&View", "&Data", "Ctrl+3", "machines", group="page"),
    Action("page:models", "&View", "M&odels", "Ctrl+4", "models", group="page"),
    Action("find", "&View", "Find a &machine", "Ctrl+K", "machines", gap=True),
    Action("refresh", "&View", "&Refresh", "F5", "models"),
    Action("theme:system", "&View", "Theme as the &system's", group="theme", gap=True),
    Action("theme:light", "&View", "&Light theme", group="theme"),
    Action("theme:dark", "&View", "D&ark theme", group="theme"),
    Action("watch", "&Plant", "&Watch a folder…", "", "writable", tip="Import files that arrive in a folder"),
    Action("retrain", "&Plant", "&Retrain the model…", "", "writable", tip="A model of this plant's own history"),
    Action("demo", "&Plant", "Open &demo plant", need="workspace", tip="A simulated plant, in a workspace of its own"),
    Action("doctor", "&Help", "&Doctor…", tip="Is everything here that the program needs?"),
    Action("about", "&Help", "&About PDM Desktop", gap=True, role=QAction.MenuRole.AboutRole),
)


def build_menus(window: QMainWindow, handlers: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Fill the window's menu bar from ACTIONS; every key must have its handler. Returns the actions by key."""
    menus: dict[str, QMenu] = {}
    groups: dict[str, QActionGroup] = {}
    built: dict[str, QAction] = {}
    for action in ACTIONS:
        if action.menu not in menus:
            menus[action.menu] = window.menuBar().addMenu(action.menu)
            menus[action.menu].setToolTipsVisible(True)
        if action.gap:
            menus[action.menu].addSeparator()
        made = QAction(action.text, window)
        made.setObjectName(action.key)
        made.setMenuRole(action.role)
        if action.shortcut:
            made.setShortcut(QKeySequence(action.shortcut))
        if action.tip:
            made.setToolTip(action.tip)
        if action.group:
            made.setCheckable(True)
            groups.setdefault(action.group, QActionGroup(window)).addAction(made)
        made.triggered.connect(lambda _checked=False, run=handlers[action.key]: run())
        menus[action.menu].addAction(made)
        built[action.key] = made
    return built


def enable(built: Mapping[str, QAction], present: Iterable[Need]) -> None:
    """Enable the actions whose need is among `present`."""
    have = {"nothing", *present}
    for action in ACTIONS:
        built[action.key].setEnabled(action.need in have)
