"""The machine page: one machine's trends, events and risk over time, how high the risk is now, and why."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from pdm_desktop.core import times
from pdm_desktop.core.results import Event, MachineRisk, MachineView
from pdm_desktop.gui.cards import ComponentCard, ReasonCard, RiskCard
from pdm_desktop.gui.event_menu import EventMenu
from pdm_desktop.gui.plots import TrendPlot
from pdm_desktop.gui.range_picker import RangePicker
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import BandBadge, Card, button, label

SIDE = 330
"""Width of the right column, px."""


def years_text(age: float | None) -> str:
    """A machine's age: 14 years; empty when unknown."""
    if age is None:
        return ""
    return f"{age:g} year" if age == 1 else f"{age:g} years"


def about_text(view: MachineView) -> str:
    """Make, age and last failure in one line."""
    state = view.state
    if view.last_failure is None:
        failure = "no failure on record"
    else:
        moment = times.local(view.last_failure.time, view.time_zone)
        year = "" if moment.year == times.local(view.end, view.time_zone).year else f" {moment.year}"
        failure = f"last failure {moment.day} {moment:%b}{year} ({view.last_failure.label})"
    return " · ".join(part for part in (state.machine_model, years_text(state.age), failure) if part)


class MachinePage(QWidget):
    """Shows a results.MachineView; asks for another span or machine by `range_requested`."""

    title = "Machine"
    range_requested = Signal(str, object, object)
    """(machine, start, end): show that span, ms UTC; None, None is the usual one, the last 14 days."""
    cursor_moved = Signal(str)
    """The crosshair's time and values as one line; empty when it left the plot."""
    fleet_requested = Signal()
    record_requested = Signal(str)
    """Enter, correct or delete what is on record of this machine."""
    enter_requested = Signal(str, object)
    """(machine, time in ms UTC): enter an event there."""
    correct_requested = Signal(str, object)
    """(machine, a results.Event), as delete_requested."""
    delete_requested = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._machine = ""
        self._writable = True
        self._view: MachineView | None = None
        self._asked: tuple[str, int, int] | None = None
        """The span asked for because the user moved the plot beyond what is loaded."""
        self.heading = label("", "title")
        self.about = label("", "muted")
        self.badge = BandBadge(theme)
        self.picker = RangePicker()
        self.machines = QComboBox()
        self.earlier, self.later = button(""), button("")
        self.record_button = button("Record…")
        self.plot = TrendPlot(theme)
        self.risk_card = RiskCard(theme)
        self.component_card = ComponentCard(theme)
        self.reason_card = ReasonCard(theme)
        self.message, self.no_data = _Message(), _Message()
        """In place of the whole body, and of the trends alone."""
        self._trends = QStackedWidget()
        self._body = QStackedWidget()
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, 12, 2 * GRID, 12)
        page.setSpacing(10)
        page.addLayout(self._make_head())
        page.addWidget(self._make_body(), 1)
        self.picker.chosen.connect(self._range_chosen)
        self.machines.activated.connect(lambda at: self._choose(self.machines.itemText(at)))
        self.earlier.clicked.connect(lambda: self._step(-1))
        self.later.clicked.connect(lambda: self._step(1))
        self.record_button.clicked.connect(lambda: self.record_requested.emit(self._machine))
        self.plot.span_changed.connect(self._plot_moved)
        self.plot.cursor_moved.connect(self.cursor_moved)
        self.plot.reset_asked.connect(self._reset)
        self.plot.menu_asked.connect(self._open_menu)
        self.message.acted.connect(self.fleet_requested)
        self.no_data.acted.connect(self._show_last_readings)
        self.setFocusProxy(self.plot.canvas)
        self.clear()

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def machine(self) -> str:
        """The machine shown or being loaded; empty when none was chosen."""
        return self._machine

    def current_range(self) -> tuple[int | None, int | None]:
        """What to ask the workspace for when the page is to be read anew (after an import)."""
        return self.picker.range()

    def set_machines(self, names: list[str]) -> None:
        """The machines one can step through and pick, in that order."""
        self.machines.clear()
        self.machines.addItems(names)
        self._mark_machine()

    def clear(self) -> None:
        """No machine is chosen."""
        self._machine, self._view, self._asked = "", None, None
        self.heading.setText("Machine")
        self.about.setText("How one machine is doing, and why")
        self.badge.hide()
        self.picker.setEnabled(False)
        self.record_button.setEnabled(False)
        self._mark_machine()
        line = "Double-click one on the Fleet page, or pick one at the top right."
        self.message.say("No machine chosen", line, "Go to Fleet")
        self._body.setCurrentIndex(1)

    def show_loading(self, machine: str) -> None:
        """`machine` is being read. What is shown of the same machine stays until the new view comes."""
        if machine == self._machine and self._view is not None and self._view.state.machine == machine:
            return
        if machine != self._machine:
            # opened from elsewhere: begin with the usual span
            self.picker.reset()
        self._machine = machine
        self._view = None
        self.heading.setText(f"Machine {machine}")
        self.about.setText("")
        self.badge.hide()
        self._mark_machine()
        self.message.say(f"Reading machine {machine} …", "")
        self._body.setCurrentIndex(1)

    def stop_loading(self) -> None:
        """The reading was stopped or failed: no machine is shown where none could be."""
        if self._view is None:
            self.clear()

    def show_view(self, view: MachineView) -> None:
        """Show `view`; where it answers a pan beyond what was loaded, the time in sight stays."""
        state = view.state
        kept = self.plot.canvas.span() if self._asked == (state.machine, view.start, view.end) else None
        self._asked = None
        self._view = view
        self._machine = state.machine
        self.heading.setText(f"Machine {state.machine}")
        self.about.setText(about_text(view))
        self.badge.set_band(state.band)
        self.badge.show()
        self._mark_machine()
        clock = clock_of(state, view.end)
        self.picker.set_bounds(view.time_zone, view.first_reading, clock, (view.start, view.end))
        self.picker.setEnabled(True)
        self.record_button.setEnabled(True)
        self.risk_card.show_view(view)
        self.component_card.show_view(view)
        self.reason_card.show_view(view)
        self._body.setCurrentIndex(0)
        if any(len(trace.times) for trace in view.sensors):
            first = view.start if view.first_reading is None else view.first_reading
            self.plot.show_view(view, first, max(clock, view.end))
            if kept is not None:
                self.plot.set_span(*kept)
            self._trends.setCurrentIndex(0)
        else:
            self._show_no_data(view)

    def _show_no_data(self, view: MachineView) -> None:
        self._trends.setCurrentIndex(1)
        last = view.state.last_reading
        if last is None:
            self.no_data.say("No readings of this machine yet", "Import its telemetry on the Data page.")
            return
        first, end, newest = (times.short(at, view.time_zone) for at in (view.start, view.end, last))
        self.no_data.say(
            f"No readings between {first} and {end}",
            f"The newest reading is from {newest}.",
            "Show the last 14 days with readings",
        )

    # --- what is asked for ---------------------------------------------------------------------------------------

    def _range_chosen(self) -> None:
        if self._machine:
            self.range_requested.emit(self._machine, *self.picker.range())

    def _choose(self, machine: str) -> None:
        """Another machine, over the same span."""
        if not machine or machine == self._machine:
            self._mark_machine()
            return
        start, end = self.picker.range()
        self.show_loading(machine)
        self.picker.keep(start, end)
        self.range_requested.emit(machine, start, end)

    def _typed(self) -> None:
        """A name was typed and left: one that is no machine gives way to the one shown."""
        text = self.machines.currentText().strip()
        self._choose(text if self.machines.findText(text, Qt.MatchFlag.MatchExactly) >= 0 else "")

    def _step(self, by: int) -> None:
        at = self.machines.findText(self._machine, Qt.MatchFlag.MatchExactly) + by
        if 0 <= at < self.machines.count():
            self._choose(self.machines.itemText(at))

    def _mark_machine(self) -> None:
        at = self.machines.findText(self._machine, Qt.MatchFlag.MatchExactly) if self._machine else -1
        self.machines.setCurrentIndex(at)
        field = self.machines.lineEdit()
        if field is not None:
            field.setCursorPosition(0)  # a long name shows its beginning
        if at < 0:
            self.machines.clearEditText()
        self.machines.setEnabled(self.machines.count() > 0)
        self.earlier.setEnabled(at > 0)
        self.later.setEnabled(0 <= at < self.machines.count() - 1)

    def _plot_moved(self, start: float, end: float) -> None:
        """Read more where the user moved the plot beyond what is loaded."""
        view = self._view
        if view is None:
            return
        slack = 0.002 * (end - start)
        first = view.start if view.first_reading is None else min(view.first_reading, view.start)
        last = max(clock_of(view.state, view.end), view.end)
        if (start < view.start - slack and view.start > first) or (end > view.end + slack and view.end < last):
            around = end - start
            wanted = (int(max(first, start - around)), int(min(last, end + around)))
            self._asked = (view.state.machine, *wanted)
            self.picker.follow(*wanted)
            self.range_requested.emit(*self._asked)

    def _reset(self) -> None:
        """Back to the whole of the span that was last picked."""
        if self._view is None:
            return
        if self.picker.followed:
            self.picker.back()
            self.range_requested.emit(self._machine, *self.picker.range())
        else:
            self.plot.set_span(self._view.start, self._view.end)

    def set_writable(self, writable: bool) -> None:
        """Whether the record may be changed."""
        self._writable = writable

    def _open_menu(self, at: float, events: list[Event], where: QPoint) -> None:
        """What can be done at this place of the trends."""
        view = self._view
        if view is None:
            return
        machine = self._machine
        moment = min(int(at), clock_of(view.state, view.end)) // times.MINUTE * times.MINUTE
        menu = EventMenu(events, moment, view.time_zone, self._writable, self)
        menu.enter_requested.connect(partial(self.enter_requested.emit, machine))
        menu.correct_requested.connect(partial(self.correct_requested.emit, machine))
        menu.delete_requested.connect(partial(self.delete_requested.emit, machine))
        menu.record_requested.connect(partial(self.record_requested.emit, machine))
        menu.popup(where)

    def _show_last_readings(self) -> None:
        last = None if self._view is None else self._view.state.last_reading
        if last is not None:
            self.picker.keep(last - 14 * times.DAY, last)
            self._range_chosen()

    # --- building ------------------------------------------------------------------------------------------------

    def _make_head(self) -> QHBoxLayout:
        title = QHBoxLayout()
        title.setSpacing(12)
        title.addWidget(self.heading)
        title.addWidget(self.badge)
        title.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addLayout(title)
        words.addWidget(self.about)
        self.machines.setEditable(True)
        self.machines.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.machines.setMinimumContentsLength(10)
        self.machines.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.machines.setMaxVisibleItems(20)
        self.machines.setAccessibleName("Machine")
        self.machines.setFixedHeight(32)
        field, completer = self.machines.lineEdit(), self.machines.completer()
        assert field is not None
        assert completer is not None
        field.setPlaceholderText("Machine")
        field.editingFinished.connect(self._typed)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(completer.CompletionMode.PopupCompletion)
        for tool, arrow, tip in (
            (self.earlier, "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", "The machine before"),
            (self.later, "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", "The next machine"),
        ):
            tool.setText(arrow)
            tool.setStyleSheet("padding: 0; min-height: 0; font-size: 18px;")
            tool.setFixedSize(28, 32)
            tool.setToolTip(tip)
            tool.setAccessibleName(tip)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addLayout(words, 1)
        for widget in (self.earlier, self.machines, self.later):
            row.addWidget(widget)
        row.addSpacing(GRID)
        row.addWidget(self.picker)
        row.addSpacing(GRID)
        self.record_button.setToolTip("Failures, replacements, errors and periods of this machine, by hand")
        self.record_button.setFixedHeight(32)
        row.addWidget(self.record_button)
        return row

    def _make_body(self) -> QStackedWidget:
        plots = Card(margin=GRID)
        plots.body.addWidget(self.plot)
        self._trends.addWidget(plots)
        self._trends.addWidget(self.no_data)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for card in (self.risk_card, self.component_card, self.reason_card):
            column.addWidget(card)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(SIDE)
        scroll.setWidget(side)
        # both are transparent: the cards lie on the page
        scroll.viewport().setAutoFillBackground(False)
        side.setAutoFillBackground(False)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self._trends, 1)
        row.addWidget(scroll)
        self._body.addWidget(whole)
        self._body.addWidget(self.message)
        return self._body


class _Message(Card):
    """Words in the middle of an empty place, with at most one thing to do about it."""

    acted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.heading = label("", "heading")
        self.line = label("", "muted")
        self.button = button("")
        self.button.clicked.connect(self.acted)
        self.body.setSpacing(GRID)
        self.body.addStretch(2)
        for widget in (self.heading, self.line, self.button):
            self.body.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addStretch(3)

    def say(self, heading: str, line: str, action: str = "") -> None:
        """Without an action there is no button."""
        self.heading.setText(heading)
        self.line.setText(line)
        self.button.setText(action)
        self.button.setVisible(bool(action))


def clock_of(state: MachineRisk, otherwise: int) -> int:
    """The workspace's clock as the state tells it: newest reading plus its age."""
    if state.last_reading is None or state.data_age_h is None:
        return max(otherwise, state.as_of)
    return state.last_reading + round(state.data_age_h * times.HOUR)
