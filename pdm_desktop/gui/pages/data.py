"""The data page: what the workspace holds of each machine, where it has gaps, and which files it came from."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Batch, DataOverview, DataRow
from pdm_desktop.gui.messages import KIND_WORD, ask
from pdm_desktop.gui.tables import ROW_ROLE, CellDelegate, Column, Index, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, PageHead, button, label

NOTHING = "\N{EM DASH}"
KIND = {**KIND_WORD, "maintenance": "maintenance"}
SENSORS_WIDTH = 232
THINNEST_GAP = 2.0
"""A gap is never narrower than this in the strip, px: it would not be seen."""


def count_text(count: int) -> str:
    """A number of rows; zero is quiet."""
    return f"{count:,}" if count else NOTHING


def duration_text(ms: float) -> str:
    """How long something lasts: 10 min, 14 h, 3.5 d."""
    if ms < times.MINUTE:
        return f"{ms / times.SECOND:g} s"
    if ms < times.HOUR:
        return f"{ms / times.MINUTE:.0f} min"
    if ms < 3 * times.DAY:
        return f"{ms / times.HOUR:.2g} h"
    days = ms / times.DAY
    return f"{days:.1f} d" if days < 9.95 else f"{days:,.0f} d"


def gaps_text(row: DataRow) -> str:
    """How many gaps, and the longest."""
    if not row.gaps:
        return NOTHING
    longest = duration_text(max(end - start for start, end in row.gaps))
    return f"1, {longest}" if len(row.gaps) == 1 else f"{len(row.gaps):,}, longest {longest}"


class DataPage(QWidget):
    """Shows a results.DataOverview; an import and the undoing of one are asked for by signals."""

    title = "Data"
    import_requested = Signal()
    undo_requested = Signal(int)
    """The id of a batch to undo; the user has confirmed it."""
    machine_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._zone = "UTC"
        self._overview: DataOverview | None = None
        self.head = PageHead("Data", "What this workspace holds of each machine, and where it came from")
        self.import_button = button("Import files…")
        self.import_button.clicked.connect(self.import_requested)
        self.head.right.addWidget(self.import_button)
        self.facts: dict[str, QLabel] = {}
        self.strip = StripDelegate(theme)
        self.machines: TableModel[DataRow] = TableModel(self._machine_columns(), lambda row: row.machine, theme)
        self.machine_table = TableView(self.machines, theme, "What is stored, machine by machine")
        self.machine_table.set_delegate("covered", self.strip)
        self.machine_table.chosen.connect(lambda row: self.machine_chosen.emit(row.machine))
        self.batches: TableModel[Batch] = TableModel(self._batch_columns(), lambda row: row.id, theme)
        self.batch_table = TableView(self.batches, theme, "Imported files")
        self.batch_table.selectionModel().selectionChanged.connect(self._batch_selected)
        self.sensors: TableModel[tuple[str, str]] = TableModel(_sensor_columns(), lambda row: row[0], theme)
        self.undo_button = button("Undo this import…")
        self.undo_button.setEnabled(False)
        self.undo_button.clicked.connect(self._ask_undo)
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
        self.batches.set_rows(sorted(overview.batches, key=lambda batch: -batch.id))
        self.sensors.set_rows(overview.sensors)
        self._show_facts(overview, first, last)
        self._batch_selected()
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
            column.addWidget(self.facts[key])
            row.addLayout(column)
        row.addStretch(1)
        facts.body.addLayout(row)
        machines = Card(margin=1)
        machines.body.addWidget(self.machine_table)
        imports = Card(margin=1)
        imports.body.setSpacing(0)
        imports.body.addLayout(_heading("Imported files", self.undo_button))
        imports.body.addWidget(self.batch_table)
        sensors = Card(margin=1)
        sensors.setFixedWidth(SENSORS_WIDTH)
        sensors.body.setSpacing(0)
        sensors.body.addLayout(_heading("Sensors", None))
        sensors.body.addWidget(TableView(self.sensors, self._theme, "Sensors and their units"))
        below = QHBoxLayout()
        below.setSpacing(10)
        below.addWidget(imports, 1)
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
                   strong=True),
            Column("make", "Make", lambda row: row.machine_model or NOTHING, lambda row: row.machine_model or None,
                   width=88, token="muted"),
            Column("age", "Age", _age_text, lambda row: row.age, right=True, width=60, token="muted"),
            number("readings", "Readings", lambda row: row.readings, 92),
            number("errors", "Errors", lambda row: row.errors, 72),
            number("maintenance", "Replaced", lambda row: row.maintenance, 88),
            number("failures", "Failures", lambda row: row.failures, 80),
            Column("first", "First reading", lambda row: self._moment(row.first), lambda row: row.first, width=150),
            Column("last", "Last reading", lambda row: self._moment(row.last), lambda row: row.last, width=150,
                   high_first=True),
            Column("gaps", "Gaps", gaps_text, lambda row: len(row.gaps), width=130, high_first=True,
                   token=lambda row: "watch" if row.gaps else "faint", tip=self._gaps_tip),
            Column("covered", "Time covered", lambda _row: "", lambda row: row.first, width=0, tip=self._gaps_tip),
        )  # fmt: skip

    def _batch_columns(self) -> tuple[Column[Batch], ...]:
        def number(key: str, title: str, read: Callable[[Batch], int], token: str = "text") -> Column[Batch]:
            return Column(
                key, title, lambda row: count_text(read(row)), read, right=True, width=88, high_first=True,
                token=lambda row: "faint" if row.undone or not read(row) else token,
            )  # fmt: skip

        def quiet(row: Batch) -> str:
            return "faint" if row.undone else "text"

        return (
            Column("file", "File", lambda row: row.file, width=0, token=quiet, tip=lambda row: row.file),
            Column("kind", "Kind", lambda row: KIND.get(row.kind, row.kind), width=110, token=quiet),
            Column("when", "Imported", lambda row: self._moment(row.imported_at), lambda row: row.imported_at,
                   width=150, high_first=True, token=quiet),
            number("accepted", "Accepted", lambda row: row.accepted),
            number("unchanged", "Unchanged", lambda row: row.unchanged, "muted"),
            number("duplicates", "Duplicates", lambda row: row.duplicates, "muted"),
            number("conflicts", "Conflicts", lambda row: row.conflicts, "watch"),
            number("rejected", "Rejected", lambda row: row.rejected, "alarm"),
            Column("undone", "State", lambda row: "undone" if row.undone else "", width=76, token="muted"),
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

    # -- undoing -------------------------------------------------------------------------------------------------------

    def _selected_batch(self) -> Batch | None:
        rows = self.batch_table.selectionModel().selectedRows()
        return self.batches.row(rows[0]) if rows else None

    def _batch_selected(self) -> None:
        batch = self._selected_batch()
        self.undo_button.setEnabled(batch is not None and not batch.undone)

    def _ask_undo(self) -> None:
        batch = self._selected_batch()
        if batch is None:
            return
        ask(
            self,
            "Undo an import",
            f"Take back what {batch.file} brought in?",
            f"{batch.accepted:,} rows of {KIND.get(batch.kind, batch.kind)} came in by it. Values that it replaced "
            "come back. The file itself is not touched and can be imported again.",
            "Undo this import",
            lambda: self.undo_requested.emit(batch.id),
        )


def _age_text(row: DataRow) -> str:
    return NOTHING if row.age is None else f"{row.age:g} y"


def _sensor_columns() -> tuple[Column[tuple[str, str]], ...]:
    return (
        Column("name", "Sensor", lambda row: row[0], lambda row: natural(row[0]), width=0, tip=lambda row: row[0]),
        Column("unit", "Unit", lambda row: row[1] or NOTHING, width=76, token="muted"),
    )


def _heading(text: str, action: QWidget | None) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(11, 6, 7, 6)
    row.addStrut(32)  # the same height with and without a button
    row.addWidget(label(text, "heading"), 1)
    if action is not None:
        row.addWidget(action)
    return row


class StripDelegate(CellDelegate):
    """The plant's time as a thin strip: full where a machine has readings, open where it is silent."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._first, self._last = 0, 1

    def set_span(self, first: int | None, last: int | None) -> None:
        """What the whole width stands for, ms UTC."""
        self._first = first or 0
        self._last = max(last or 1, self._first + 1)

    def paint_cell(self, painter: QPainter, box: QRectF, index: Index) -> None:
        """The strip."""
        row: DataRow = index.data(ROW_ROLE)
        unit = box.width() / (self._last - self._first)

        def x_of(at: int) -> float:
            return box.left() + (at - self._first) * unit

        middle = round(box.center().y())
        painter.fillRect(QRectF(box.left(), middle - 3, box.width(), 6), self.theme.colour("line2"))
        if row.first is None or row.last is None:
            return
        # one reading alone is still something
        width = max(2.0, x_of(row.last) - x_of(row.first))
        painter.fillRect(QRectF(x_of(row.first), middle - 3, width, 6), self.theme.colour("normal"))
        drawn = box.left() - 1
        for start, end in row.gaps:
            right = max(x_of(end), x_of(start) + THINNEST_GAP)
            if right <= drawn + 1:
                continue  # thousands of short silences may share a pixel
            painter.fillRect(QRectF(x_of(start), middle - 4, right - x_of(start), 8), self.theme.colour("watch"))
            drawn = right
