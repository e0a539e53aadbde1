"""What was recorded by hand, as lists with their few actions: one machine's record, the plant's periods and rules, and
every change with who, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTabWidget, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.changes import edit_text
from pdm_desktop.core.record_results import Edit, MachineRecord, Period, PeriodRule, RecordedEvent
from pdm_desktop.core.results import DataOverview
from pdm_desktop.gui.forms import KIND_NAME
from pdm_desktop.gui.list_dialog import ListDialog
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, button, label

SIZE = (920, 560)
CHANGES_SIZE = (1080, 600)
_KIND_TOKEN = {"failures": "alarm", "errors": "watch", "maintenance": "s2"}
_SOURCE = {"hand": "by hand", "file": "from a file", "rule": "by a rule"}


class _Lists(ListDialog):
    """Tabs of tables with buttons below each."""

    def __init__(
        self, theme: Theme, title: str, line: str, parent: QWidget | None, size: tuple[int, int] = SIZE
    ) -> None:
        self.tabs = QTabWidget()
        super().__init__(title, line, size, self.tabs, parent)
        self.theme = theme
        self.zone = "UTC"
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setDrawBase(False)

    def add_list(self, name: str, table: TableView, empty: str, actions: Sequence[QPushButton]) -> None:
        """A tab with a table, words for when it is empty, and its buttons."""
        words = label(empty, "muted")
        words.setWordWrap(True)
        model = table.model()
        assert isinstance(model, TableModel)

        def counted(shown: int, _whole: int) -> None:
            words.setVisible(not shown)
            table.setVisible(bool(shown))

        model.counted.connect(counted)
        card = Card(margin=1)
        card.body.addWidget(table, 1)
        words.setContentsMargins(GRID, GRID, GRID, GRID)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        card.body.addWidget(words, 1)
        counted(0, 0)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        for made in actions:
            row.addWidget(made)
        row.addStretch(1)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(card, 1)
        column.addLayout(row)
        self.tabs.addTab(page, name)

    def moment(self, at: int | None, open_end: str = "") -> str:
        """A time on the plant's clock."""
        return open_end if at is None else times.short(at, self.zone)

    # -- tables that several lists have

    def edit_columns(self, machine: bool) -> tuple[Column[Edit], ...]:
        def quiet(row: Edit) -> str:
            return "faint" if row.undone else "text"

        whose = (Column[Edit]("machine", "Machine", lambda row: row.machine or "—", lambda row: natural(row.machine),
                              width=84, most=150, token=quiet, tip=lambda row: row.machine),)  # fmt: skip
        return (
            Column("at", "When", lambda row: self.moment(row.at), lambda row: row.at, width=140, token=quiet,
                   high_first=True),
            *(whose if machine else ()),
            Column("what", "Change", lambda row: edit_text(row, self.zone), width=0, token=quiet,
                   tip=lambda row: edit_text(row, self.zone)),
            Column("who", "Who", lambda row: row.who, width=110, token=quiet, tip=lambda row: row.who),
            Column("why", "Why", lambda row: row.why or "—", width=170, token=lambda row: "faint" if row.undone
                   else "muted", tip=lambda row: row.why),
            Column("state", "State", lambda row: "taken back" if row.undone else "", width=92, token="muted"),
        )  # fmt: skip

    def period_columns(self, machine: bool) -> tuple[Column[Period], ...]:
        whose = (Column[Period]("machine", "Machine", lambda row: row.machine, lambda row: natural(row.machine),
                                width=84, most=190, strong=True, tip=lambda row: row.machine),)  # fmt: skip
        return (
            *(whose if machine else ()),
            Column("state", "State", lambda row: row.state.capitalize(), width=130),
            Column("start", "From", lambda row: self.moment(row.start), lambda row: row.start, width=150,
                   high_first=True),
            Column("end", "To", lambda row: self.moment(row.end, "still going on"), lambda row: row.end, width=150),
            Column("source", "Source", lambda row: _SOURCE[row.source], width=0, token="muted"),
        )  # fmt: skip


class RecordDialog(_Lists):
    """One machine: its events, its periods and the changes made of it."""

    enter_requested = Signal()
    correct_requested = Signal(object)
    """A RecordedEvent."""
    delete_requested = Signal(object)
    period_requested = Signal()
    remove_requested = Signal(object)
    """A Period."""
    undo_requested = Signal(object)
    """An Edit."""

    def __init__(self, theme: Theme, machine: str, writable: bool, parent: QWidget | None) -> None:
        line = "What imports brought stays below every change made here, and each change can be taken back."
        super().__init__(theme, f"Record of machine {machine}", line, parent)
        self.machine = machine
        self.record: MachineRecord | None = None
        self._writable = writable
        self.events: TableModel[RecordedEvent] = TableModel(self._event_columns(), lambda row: row, theme)
        self.event_table = TableView(self.events, theme, "Events of this machine")
        self.periods: TableModel[Period] = TableModel(self.period_columns(False), lambda row: row, theme)
        self.period_table = TableView(self.periods, theme, "Periods of this machine")
        self.edits: TableModel[Edit] = TableModel(self.edit_columns(False), lambda row: row.id, theme)
        self.edit_table = TableView(self.edits, theme, "Changes of this machine's record")
        self.enter = button("Enter an event…", "primary")
        self.correct, self.delete = button("Correct…"), button("Delete…")
        self.enter_period, self.remove_period = button("Enter a period…", "primary"), button("Remove…")
        self.undo = button("Take back…")
        self.add_list("Events", self.event_table, "No error, replacement or failure is on record.",
                      (self.enter, self.correct, self.delete))  # fmt: skip
        self.add_list("Periods", self.period_table, "Nothing is said of when it ran: it counts as running.",
                      (self.enter_period, self.remove_period))  # fmt: skip
        self.add_list("Changes", self.edit_table, "Nothing was changed by hand yet.", (self.undo,))
        for table in (self.event_table, self.period_table, self.edit_table):
            table.selectionModel().selectionChanged.connect(self._selected)
        self.enter.clicked.connect(self.enter_requested)
        self.enter_period.clicked.connect(self.period_requested)
        self.correct.clicked.connect(lambda: self.correct_requested.emit(self.event_table.selected()))
        self.delete.clicked.connect(lambda: self.delete_requested.emit(self.event_table.selected()))
        self.remove_period.clicked.connect(lambda: self.remove_requested.emit(self.period_table.selected()))
        self.undo.clicked.connect(lambda: self.undo_requested.emit(self.edit_table.selected()))
        self.event_table.chosen.connect(lambda row: self.correct_requested.emit(row) if writable else None)
        self._selected()

    def show_record(self, record: MachineRecord) -> None:
        """Show the record; order and selection stay."""
        self.record = record
        self.zone = record.time_zone
        self.events.set_rows(record.events)
        self.periods.set_rows(sorted(record.periods, key=lambda period: -period.start))
        self.edits.set_rows(record.edits)
        for at, (name, rows) in enumerate(
            (("Events", record.events), ("Periods", record.periods), ("Changes", record.edits))
        ):
            self.tabs.setTabText(at, f"{name} ({len(rows):,})")
        retired = "" if record.retired is None else f"Retired since {self.moment(record.retired)}."
        self.notice.show_text(retired)
        self._selected()

    def _event_columns(self) -> tuple[Column[RecordedEvent], ...]:
        return (
            Column("time", "When", lambda row: self.moment(row.time), lambda row: row.time, width=160,
                   high_first=True),
            Column("kind", "Kind", lambda row: KIND_NAME[row.kind], width=120, token=lambda row: _KIND_TOKEN[row.kind]),
            Column("label", "Component or code", lambda row: row.label, lambda row: natural(row.label), width=0,
                   strong=True),
            Column("known", "Became known", lambda row: self.moment(row.known, "—"), lambda row: row.known, width=160,
                   token="muted"),
            Column("source", "Source", lambda row: "by hand" if row.by_hand else "from a file", width=110,
                   token="muted"),
        )  # fmt: skip

    def _selected(self) -> None:
        event, period = _chosen(self.event_table), _chosen(self.period_table)
        edit = _chosen(self.edit_table)
        for made in (self.enter, self.enter_period):
            made.setEnabled(self._writable and self.record is not None)
        for made in (self.correct, self.delete):
            made.setEnabled(self._writable and event is not None)
        # What a rule says goes with the rule, on the Data page.
        self.remove_period.setEnabled(self._writable and period is not None and period.source != "rule")
        self.undo.setEnabled(self._writable and edit is not None and edit.undoable)


class PeriodsDialog(_Lists):
    """The plant's periods and the rules that give some."""

    add_rule_requested = Signal()
    remove_rule_requested = Signal(object)
    """A PeriodRule."""
    import_requested = Signal()
    remove_requested = Signal(object)
    """A Period."""

    def __init__(self, theme: Theme, writable: bool, parent: QWidget | None) -> None:
        line = "While a machine is stopped or out of service it has no risk, raises no alarm and teaches no model."
        super().__init__(theme, "Periods and rules", line, parent)
        self._writable = writable
        self.rules: TableModel[PeriodRule] = TableModel(_rule_columns(), lambda row: row.id, theme)
        self.rule_table = TableView(self.rules, theme, "Rules on sensors")
        self.periods: TableModel[Period] = TableModel(self.period_columns(True), lambda row: row.id, theme)
        self.period_table = TableView(self.periods, theme, "Periods entered and from files")
        self.add_rule, self.remove_rule = button("Add a rule…", "primary"), button("Remove…")
        self.import_file, self.remove = button("Import a file…", "primary"), button("Remove…")
        self.import_file.setToolTip("CSV with the columns machine, start, end, state; end empty: still going on")
        self.add_list("Rules", self.rule_table, "No rule yet: for example, rotate below 50 means stopped.",
                      (self.add_rule, self.remove_rule))  # fmt: skip
        self.add_list("Periods", self.period_table,
                      "No period yet. Import a CSV file with the columns machine, start, end, state,\n"
                      "or enter one in a machine's record.", (self.import_file, self.remove))  # fmt: skip
        for table in (self.rule_table, self.period_table):
            table.selectionModel().selectionChanged.connect(self._selected)
        self.add_rule.clicked.connect(self.add_rule_requested)
        self.import_file.clicked.connect(self.import_requested)
        self.remove_rule.clicked.connect(lambda: self.remove_rule_requested.emit(self.rule_table.selected()))
        self.remove.clicked.connect(lambda: self.remove_requested.emit(self.period_table.selected()))
        self._selected()

    def show_overview(self, overview: DataOverview) -> None:
        """Show what holds."""
        self.zone = overview.time_zone
        self.rules.set_rows(overview.rules)
        self.periods.set_rows(sorted(overview.periods, key=lambda period: -period.start))
        self.tabs.setTabText(0, f"Rules ({len(overview.rules):,})")
        self.tabs.setTabText(1, f"Periods ({len(overview.periods):,})")
        self._selected()

    def _selected(self) -> None:
        for made in (self.add_rule, self.import_file):
            made.setEnabled(self._writable)
        self.remove_rule.setEnabled(self._writable and _chosen(self.rule_table) is not None)
        self.remove.setEnabled(self._writable and _chosen(self.period_table) is not None)


class ChangesDialog(_Lists):
    """Every change by hand in the plant."""

    undo_requested = Signal(object)
    """An Edit."""

    def __init__(self, theme: Theme, writable: bool, parent: QWidget | None) -> None:
        line = "Who changed what of the record, when and why."
        super().__init__(theme, "Changes by hand", line, parent, CHANGES_SIZE)
        self._writable = writable
        self.edits: TableModel[Edit] = TableModel(self.edit_columns(True), lambda row: row.id, theme)
        self.table = TableView(self.edits, theme, "Changes by hand")
        self.undo = button("Take back…")
        self.undo.clicked.connect(lambda: self.undo_requested.emit(self.table.selected()))
        self.add_list("Changes", self.table, "Nothing was changed by hand yet.", (self.undo,))
        self.tabs.tabBar().hide()
        self.details = label("", "small")
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.column.insertWidget(self.column.count() - 1, self.details)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self._selected()

    def show_overview(self, overview: DataOverview) -> None:
        """Show every change, newest first."""
        self.zone = overview.time_zone
        self.edits.set_rows(overview.edits)
        self._selected()

    def _selected(self) -> None:
        edit = _chosen(self.table)
        self.undo.setEnabled(self._writable and edit is not None and edit.undoable)
        self.details.setText("" if edit is None else change_text(edit, self.zone))
        self.details.setVisible(edit is not None)


def change_text(edit: Edit, zone: str) -> str:
    """What was changed, and of which machine, in a sentence."""
    text = edit_text(edit, zone)
    return f"{text}." if not edit.machine else f"Machine {edit.machine}: {text[:1].lower()}{text[1:]}."


def _rule_columns() -> tuple[Column[PeriodRule], ...]:
    return (
        Column("text", "Rule", lambda row: row.text, width=0, strong=True),
        Column("machine", "For", lambda row: f"machine {row.machine}" if row.machine else "every machine", width=160,
               token="muted"),
    )  # fmt: skip


def _chosen(table: TableView) -> Any | None:
    return table.selected() if table.selectionModel().hasSelection() else None
