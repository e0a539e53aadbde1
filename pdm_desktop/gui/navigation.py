"""Which page is shown, and that it shows what holds: what has changed since is read anew when it is looked at."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from pdm_desktop.core import times
from pdm_desktop.core.results import DataOverview, Fleet, MachineView
from pdm_desktop.gui.page_stack import PageStack
from pdm_desktop.gui.session import Session

BEFORE, AFTER = 6 * times.DAY, times.DAY
"""What a machine's page shows around a time."""
_READ = ("machine", "data")
"""Pages that are read from the record when they are looked at."""


class Navigation(QObject):
    """Leads one window's pages; what they show comes from its session."""

    shown = Signal(str, bool)
    """The page of this key is on the screen; whether the notice above it stays."""
    refused = Signal()
    """Another page cannot be shown yet."""
    settled = Signal(str)
    """The page of this key shows its data."""
    models_wanted = Signal()
    """The page of versions is on the screen and wants its list."""

    def __init__(self, stack: PageStack, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._stack, self._session = stack, session
        self.unjudged = False
        """Machines are on record but none can be judged: another model may help."""
        self._machine = ""
        self._stale: set[str] = set(_READ)
        """Pages whose data has changed since they showed it."""
        self._wants_focus = ""
        stack.built.connect(self._page_built)
        stack.machine_chosen.connect(self.open_machine)
        stack.page_chosen.connect(self.open_page)
        stack.range_requested.connect(self._load_machine)
        session.record_changed.connect(lambda: self._stale.update(_READ))
        session.view_ready.connect(self._show_view)
        session.overview_ready.connect(self._show_overview)

    # ---- choosing a page

    def open_page(self, key: str) -> None:
        """Show the page of this key and load its data when that has changed since. What stands above the page that is
        on the screen already stays: what was just done there (a promotion) has its way back in it."""
        fleet, stays = self._session.fleet, key == self._stack.key
        if key == "models" and (fleet is not None or self.unjudged):
            self.show(key, keep_notice=stays)
            self.models_wanted.emit()
            return
        if fleet is None or not fleet.rows:
            self.refused.emit()
            return
        if key == "machine" and not self._machine:
            self._machine = fleet.rows[0].machine
        self.show(key, keep_notice=stays)
        if key in self._stale:
            self._stale.discard(key)
            if key == "machine":
                page = self._stack.machine
                same = page.machine == self._machine
                self._load_machine(self._machine, *(page.current_range() if same else (None, None)))
            elif key == "data":
                self._session.load_overview()
        else:
            self.settle(key)

    def open_machine(self, machine: str) -> None:
        """Show the machine's page."""
        if machine != self._machine:
            self._machine = machine
            self._stale.add("machine")
        self.open_page("machine")

    def open_machine_at(self, machine: str, at: int) -> None:
        """Show the machine's page around a time, ms UTC."""
        self._machine = machine
        self._stale.discard("machine")
        self.show("machine")
        self._load_machine(machine, at - BEFORE, at + AFTER)

    def show(self, key: str, *, keep_notice: bool = False) -> None:
        """Put the page of this key on the screen as it is."""
        self._wants_focus = key
        self._stack.show_page(key)
        self.shown.emit(key, keep_notice)

    def settle(self, key: str) -> None:
        """The page has its data. The first time after it was chosen it also gets the keyboard."""
        if self._wants_focus == key == self._stack.key and key != "welcome":
            self._wants_focus = ""
            self._stack.pages[key].setFocus()
        self.settled.emit(key)

    # ---- what comes from the session

    def forget(self) -> None:
        """Another plant is open: nothing shown holds any more."""
        self.unjudged = False
        self._machine, self._stale = "", set(_READ)
        if "machine" in self._stack.pages:
            self._stack.machine.clear()

    def show_fleet(self, fleet: Fleet) -> None:
        """The fleet has been judged: a machine that is gone meanwhile goes from its page too."""
        self.unjudged = False
        self._stack.fleet.show_fleet(fleet)
        if "machine" in self._stack.pages:
            names = self._machines()
            self._stack.machine.set_machines(names)
            if self._machine and self._machine not in names:
                # Undone, merged or retired meanwhile: its figures must not stay on the screen.
                self._machine = ""
                self._stack.machine.clear()
                if self._stack.key == "machine":
                    self._stale.discard("machine")
        if self._stack.key == "welcome":
            self.show("fleet", keep_notice=True)

    def freshen(self) -> None:
        """Read the page on the screen anew where its data has changed."""
        if self._stack.key in self._stale:
            self.open_page(self._stack.key)

    def nothing_came(self) -> None:
        """What a page waits for will not come: it may be asked for again."""
        self._stale.update({*_READ} & {self._stack.key})
        if "machine" in self._stack.pages:
            self._stack.machine.stop_loading()

    def follow_name(self, before: str, after: str) -> None:
        """A machine is called otherwise from now on."""
        if self._machine == before:
            self._machine = after

    def _page_built(self, key: str) -> None:
        if key == "machine":
            self._stack.machine.set_machines(self._machines())

    def _machines(self) -> list[str]:
        fleet = self._session.fleet
        return [row.machine for row in fleet.rows] if fleet is not None else []

    def _load_machine(self, machine: str, start: int | None, end: int | None) -> None:
        # The page itself may ask for another machine.
        self._machine = machine
        self._stack.machine.show_loading(machine)
        self._session.load_machine(machine, start, end)

    def _show_view(self, view: MachineView) -> None:
        if view.state.machine != self._machine:
            # Asked for before the machine went out of the record or another one was chosen.
            return
        self._stack.machine.show_view(view)
        self.settle("machine")

    def _show_overview(self, overview: DataOverview) -> None:
        self._stack.data.show_overview(overview)
        self.settle("data")
