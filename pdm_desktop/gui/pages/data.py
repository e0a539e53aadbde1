"""The data page: what the workspace holds of each machine, where it has gaps, and which files it came from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import DataOverview, DataRow, SensorRow
from pdm_desktop.gui.imported import ImportedFiles
from pdm_desktop.gui.stored import (
    NOTHING,
    StripDelegate,
    age_text,
    count_text,
    doubtful,
    duration_text,
    flags_text,
    gaps_text,
    make_text,
    sensor_columns,
)
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, PageHead, button, label

SENSORS_WIDTH = 346
TOLD = 6
"""Doubtful spans told one by one."""


class DataPage(QWidget):
    """Shows a results.DataOverview; every change of what is stored is asked for by a signal."""

    title = "Data"
    import_requested = Signal()
    undo_requested = Signal(int)
    """The id of a batch to undo; the user has confirmed it."""
    rejects_requested = Signal(object)
    """A Batch whose rejects file is wanted; of conflicts_requested, whose differing values are."""
    conflicts_requested = Signal(object)
    machine_chosen = Signal(str)
    record_requested = Signal(str)
    """Enter, correct or delete what is on record of this machine."""
    rename_requested = Signal(object)
    """A DataRow, as merge_requested and retire_requested (which returns a retired one)."""
    merge_requested = Signal(object)
    retire_requested = Signal(object)
    sensor_requested = Signal(object)
    """A SensorRow: change its name, unit or limits."""
    periods_requested = Signal()
    changes_requested = Signal()
    known_until_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._zone = "UTC"
        self._overview: DataOverview | None = None
        self.head = PageHead("Data", "What this workspace holds of each machine, and where it came from")
        self._writable = True
        self.import_button = button("Import files…")
        self.import_button.clicked.connect(self.import_requested)
        self.periods_button, self.changes_button = button("Periods and rules…"), button("Changes by hand…")
        self.periods_button.clicked.connect(self.periods_requested)
        self.changes_button.clicked.connect(self.changes_requested)
        for made in (self.changes_button, self.periods_button, self.import_button):
            self.head.right.addWidget(made)
        self.known_until_button = button("Set…", "link")
        # no higher than the figures it stands beside
        self.known_until_button.setFixedHeight(theme.text_size("body") + 4)
        self.known_until_button.setStyleSheet("padding: 0 4px;")
        self.known_until_button.setAccessibleName("Set until when failures are known")
        self.known_until_button.clicked.connect(self.known_until_requested)
        self.record_button, self.rename_button = button("Record…"), button("Rename…")
        self.merge_button, self.retire_button = button("Merge…"), button("Retire…")
        self.sensor_button = button("Change…")
        self.facts: dict[str, QLabel] = {}
        self.strip = StripDelegate(theme)
        self.machines: TableModel[DataRow] = TableModel(self._machine_columns(), lambda row: row.machine, theme)
        self.machine_table = TableView(self.machines, theme, "What is stored, machine by machine")
        self.machine_table.set_delegate("covered", self.strip)
        self.machine_table.chosen.connect(lambda row: self.machine_chosen.emit(row.machine))
        self.machine_table.selectionModel().selectionChanged.connect(self._enable)
        for made, asked in (
            (self.rename_button, self.rename_requested),
            (self.merge_button, self.merge_requested),
            (self.retire_button, self.retire_requested),
        ):
            made.clicked.connect(partial(self._emit_machine, asked))
        self.record_button.clicked.connect(self._emit_record)
        self.imported = ImportedFiles(theme)
        self.imported.undo_requested.connect(self.undo_requested)
        self.imported.rejects_requested.connect(self.rejects_requested)
        self.imported.conflicts_requested.connect(self.conflicts_requested)
        self.sensors: TableModel[SensorRow] = TableModel(sensor_columns(), lambda row: row.name, theme)
        self.sensor_table = TableView(self.sensors, theme, "Sensors, their units and plausible limits")
        self.sensor_table.selectionModel().selectionChanged.connect(self._enable)
        self.sensor_table.chosen.connect(self._emit_sensor)
        self.sensor_button.clicked.connect(self._emit_sensor)
        self.body = QStackedWidget()
        self.body.addWidget(self._make_tables())
        self.body.addWidget(self._make_empty())
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, 12, 2 * GRID, 12)
        page.setSpacing(10)
        page.addWidget(self.head)
        page.addWidget(self.body, 1)
        self._show_words("Looking at the data", "", importable=False)

    @property
    def overview(self) -> DataOverview | None:
        """What is shown; None before anything was."""
        return self._overview

    def show_overview(self, overview: DataOverview) -> None:
        """Show the overview; order and selection stay."""
        self._overview = overview
        self._zone = overview.time_zone
        seen = [row for row in overview.rows if row.first is not None and row.last is not None]
        first = min((row.first for row in seen if row.first is not None), default=None)
        last = max((row.last for row in seen if row.last is not None), default=None)
        self.strip.set_span(first, last)
        self.machines.set_rows(overview.rows)
        self.imported.show_batches(overview.batches, overview.time_zone)
        self.sensors.set_rows(overview.sensor_rows)
        self._show_facts(overview, first, last)
        self._enable()
        if overview.rows or overview.batches:
            self.body.setCurrentIndex(0)
        else:
            self._show_words(
                "Nothing imported yet",
                "Import the plant's machines, readings, errors, maintenance and failures.",
                importable=True,
            )

    # -- building ------------------------------------------------------------------------------------------------------

    def _make_tables(self) -> QWidget:
        facts = Card(margin=12)
        row = QHBoxLayout()
        row.setSpacing(4 * GRID)
        for key in ("Machines", "Readings", "Time covered", "A reading every", "Failures known until"):
            self.facts[key] = label(NOTHING, "strong")
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(label(key, "small"))
            value = QHBoxLayout()
            value.setSpacing(GRID)
            value.addWidget(self.facts[key])
            if key == "Failures known until":
                value.addWidget(self.known_until_button)
            value.addStretch(1)
            column.addLayout(value)
            row.addLayout(column)
        row.addStretch(1)
        facts.body.addLayout(row)
        machines = Card(margin=1)
        machines.body.setSpacing(0)
        actions = (self.record_button, self.rename_button, self.merge_button, self.retire_button)
        machines.body.addLayout(_heading("Machines", *actions))
        machines.body.addWidget(self.machine_table)
        sensors = Card(margin=1)
        sensors.setFixedWidth(SENSORS_WIDTH)
        sensors.body.setSpacing(0)
        sensors.body.addLayout(_heading("Sensors", self.sensor_button))
        sensors.body.addWidget(self.sensor_table)
        below = QHBoxLayout()
        below.setSpacing(10)
        below.addWidget(self.imported, 1)
        below.addWidget(sensors)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(facts)
        column.addWidget(machines, 3)
        column.addLayout(below, 2)
        return whole

    def _make_empty(self) -> QWidget:
        self._empty_title = label("", "heading")
        self._empty_line = label("", "muted")
        self.empty_button = button("Import files…", "primary")
        self.empty_button.clicked.connect(self.import_requested)
        empty = Card()
        empty.body.setSpacing(GRID)
        empty.body.addStretch(2)
        for widget in (self._empty_title, self._empty_line, self.empty_button):
            empty.body.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        empty.body.addStretch(3)
        return empty

    def _show_words(self, title: str, line: str, importable: bool) -> None:
        self._empty_title.setText(title)
        self._empty_line.setText(line)
        self.empty_button.setVisible(importable)
        self.body.setCurrentIndex(1)

    def _machine_columns(self) -> tuple[Column[DataRow], ...]:
        def number(key: str, title: str, read: Callable[[DataRow], int], width: int) -> Column[DataRow]:
            return Column(
                key, title, lambda row: count_text(read(row)), read, right=True, width=width, high_first=True,
                token=lambda row: "text" if read(row) else "faint",
            )  # fmt: skip

        return (
            Column("machine", "Machine", lambda row: row.machine, lambda row: natural(row.machine), width=84,
                   most=190, strong=True, token=lambda row: "text" if row.retired is None else "faint",
                   tip=lambda row: row.machine
                   + ("" if row.retired is None else f"\nRetired since {self._moment(row.retired)}")),
            Column("make", "Make", make_text, lambda row: row.machine_model or None, width=88, least=76,
                   token="muted"),
            Column("age", "Age", age_text, lambda row: row.age, right=True, width=60, least=52, token="muted"),
            number("readings", "Readings", lambda row: row.readings, 92),
            number("errors", "Errors", lambda row: row.errors, 72),
            number("maintenance", "Replaced", lambda row: row.maintenance, 88),
            number("failures", "Failures", lambda row: row.failures, 80),
            Column("first", "First reading", lambda row: self._moment(row.first), lambda row: row.first, width=140),
            Column("last", "Last reading", lambda row: self._moment(row.last), lambda row: row.last, width=140,
                   high_first=True),
            Column("gaps", "Gaps", gaps_text, lambda row: len(row.gaps), width=120, high_first=True,
                   token=lambda row: "watch" if row.gaps else "faint", tip=self._gaps_tip),
            Column("flags", "Doubtful", flags_text, doubtful, width=190, least=120, high_first=True,
                   token=lambda row: "watch" if doubtful(row) else "faint", tip=self._flags_tip),
            Column("covered", "Time covered", lambda _row: "", lambda row: row.first, width=0, tip=self._gaps_tip),
        )  # fmt: skip

    # -- filling -------------------------------------------------------------------------------------------------------

    def _show_facts(self, overview: DataOverview, first: int | None, last: int | None) -> None:
        covered = NOTHING if first is None or last is None else f"{self._moment(first)} – {self._moment(last)}"
        every = NOTHING if overview.sampling_ms is None else duration_text(overview.sampling_ms)
        words = {
            "Machines": f"{len(overview.rows):,}",
            "Readings": f"{sum(row.readings for row in overview.rows):,}",
            "Time covered": f"{covered} {self._zone}" if first is not None else covered,
            "A reading every": every,
            "Failures known until": self._moment(overview.failures_known_until),
        }
        for key, text in words.items():
            self.facts[key].setText(text)

    def _moment(self, at: int | None) -> str:
        return NOTHING if at is None else times.short(at, self._zone)

    def _gaps_tip(self, row: DataRow) -> str:
        longest = sorted(row.gaps, key=lambda gap: gap[0] - gap[1])[:8]
        lines = [
            f"{self._moment(start)} – {self._moment(end)}  ({duration_text(end - start)})"
            for start, end in sorted(longest)
        ]
        if len(row.gaps) > len(longest):
            lines.append(f"and {len(row.gaps) - len(longest):,} shorter ones")
        return "\n".join(["No reading:", *lines]) if lines else ""

    def _flags_tip(self, row: DataRow) -> str:
        lines = [
            f"{span.sensor} showed {span.value:.6g} from {self._moment(span.start)} to {self._moment(span.end)}"
            f"  ({duration_text(span.end - span.start)})"
            for span in row.stuck[:TOLD]
        ]
        if len(row.stuck) > TOLD:
            lines.append(f"and {len(row.stuck) - TOLD:,} more spans with one value")
        lines += [
            f"The clock jumped by {duration_text(abs(jump.by))} at {self._moment(jump.time)}"
            for jump in row.jumps[:TOLD]
        ]
        lines += [f"{count:,} values of {sensor} lie outside its plausible limits" for sensor, count in row.outside]
        return "\n".join(lines)

    # -- asking for changes --------------------------------------------------------------------------------------------

    def set_writable(self, writable: bool) -> None:
        """Whether what is stored may be changed."""
        self._writable = writable
        self._enable()

    def _enable(self) -> None:
        machine, sensor = self._selected_machine(), self._selected_sensor()
        retired = machine is not None and machine.retired is not None
        self.retire_button.setText("Return…" if retired else "Retire…")
        for made in (self.rename_button, self.retire_button):
            made.setEnabled(self._writable and machine is not None)
        self.merge_button.setEnabled(self._writable and machine is not None and self.machines.rowCount() > 1)
        self.record_button.setEnabled(machine is not None)
        self.sensor_button.setEnabled(self._writable and sensor is not None)
        self.known_until_button.setEnabled(self._writable)
        self.import_button.setEnabled(self._writable)
        self.imported.set_writable(self._writable)

    def _selected_machine(self) -> DataRow | None:
        rows = self.machine_table.selectionModel().selectedRows()
        return self.machines.row(rows[0]) if rows else None

    def _selected_sensor(self) -> SensorRow | None:
        rows = self.sensor_table.selectionModel().selectedRows()
        return self.sensors.row(rows[0]) if rows else None

    def _emit_machine(self, asked: SignalInstance) -> None:
        row = self._selected_machine()
        if row is not None:
            asked.emit(row)

    def _emit_record(self) -> None:
        row = self._selected_machine()
        if row is not None:
            self.record_requested.emit(row.machine)

    def _emit_sensor(self) -> None:
        row = self._selected_sensor()
        if row is not None and self._writable:
            self.sensor_requested.emit(row)


def _heading(text: str, *actions: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(11, 6, 7, 6)
    row.addStrut(32)  # the same height with and without a button
    row.addWidget(label(text, "heading"), 1)
    row.setSpacing(GRID)
    for action in actions:
        row.addWidget(action)
    return row
