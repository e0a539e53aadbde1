"""The pages of the window, each built when it is first wanted: its libraries may be heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from pdm_desktop.gui.pages.fleet import FleetPage
from pdm_desktop.gui.pages.welcome import WelcomePage
from pdm_desktop.gui.theme import Theme

if TYPE_CHECKING:
    from pdm_desktop.gui.pages.data import DataPage
    from pdm_desktop.gui.pages.machine import MachinePage


class PageStack(QStackedWidget):
    """One page at a time, found by its key. What pages ask for comes out as signals, whichever page asks."""

    built = Signal(str)
    """A page is there for the first time."""
    machine_chosen = Signal(str)
    page_chosen = Signal(str)
    range_requested = Signal(str, object, object)
    """A machine over a span, ms UTC; None, None is the usual one."""
    import_requested = Signal()
    report_requested = Signal()
    retrain_requested = Signal()
    demo_requested = Signal()
    undo_requested = Signal(int)
    hinted = Signal(str)
    """What the task strip says meanwhile."""

    def __init__(self, theme: Theme, build_models: Callable[[], QWidget]) -> None:
        super().__init__()
        self._theme = theme
        self.pages: dict[str, QWidget] = {}
        self._builders: dict[str, Callable[[], QWidget]] = {
            "fleet": self._build_fleet,
            "welcome": self._build_welcome,
            "machine": self._build_machine,
            "data": self._build_data,
            "models": build_models,
        }

    @property
    def key(self) -> str:
        """The key of the page shown."""
        shown = self.currentWidget()
        return next(key for key, page in self.pages.items() if page is shown)

    @property
    def fleet(self) -> FleetPage:
        return cast(FleetPage, self.page("fleet"))

    @property
    def machine(self) -> MachinePage:
        return cast("MachinePage", self.page("machine"))

    @property
    def data(self) -> DataPage:
        return cast("DataPage", self.page("data"))

    @property
    def welcome(self) -> WelcomePage:
        return cast(WelcomePage, self.page("welcome"))

    def page(self, key: str) -> QWidget:
        """The page of this key, built when there is none yet."""
        if key not in self.pages:
            self.pages[key] = self._builders[key]()
            self.addWidget(self.pages[key])
            self.built.emit(key)
        return self.pages[key]

    def show_page(self, key: str) -> None:
        self.setCurrentWidget(self.page(key))

    def _build_fleet(self) -> QWidget:
        page = FleetPage(self._theme)
        page.machine_chosen.connect(self.machine_chosen)
        page.import_requested.connect(self.import_requested)
        page.report_requested.connect(self.report_requested)
        page.retrain_requested.connect(self.retrain_requested)
        return page

    def _build_welcome(self) -> QWidget:
        page = WelcomePage(self._theme)
        page.demo_requested.connect(self.demo_requested)
        page.import_requested.connect(self.import_requested)
        return page

    def _build_machine(self) -> QWidget:
        from pdm_desktop.gui.pages.machine import MachinePage

        page = MachinePage(self._theme)
        page.range_requested.connect(self.range_requested)
        page.cursor_moved.connect(self.hinted)
        page.fleet_requested.connect(lambda: self.page_chosen.emit("fleet"))
        return page

    def _build_data(self) -> QWidget:
        from pdm_desktop.gui.pages.data import DataPage

        page = DataPage(self._theme)
        page.setFocusProxy(page.machine_table)
        page.undo_requested.connect(self.undo_requested)
        page.machine_chosen.connect(self.machine_chosen)
        page.import_requested.connect(self.import_requested)
        return page
