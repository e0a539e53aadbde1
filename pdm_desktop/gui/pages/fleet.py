"""The fleet page: every machine ranked by risk, with what changed and why."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Band, Fleet, MachineRisk, risk_text
from pdm_desktop.gui.cell_marks import BadgeDelegate, RiskDelegate, SparklineDelegate
from pdm_desktop.gui.marks import BAND_RANK, BAND_WORD, MINUS, age_text, band_token, change_text
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Banner, Card, PageHead, Tile, button, label

FILTERS: tuple[tuple[str, Band | None], ...] = (
    ("All states", None),
    *((BAND_WORD[band], band) for band in sorted(BAND_RANK, key=BAND_RANK.__getitem__)),
)
RETRAIN = "Retrain…"
"""What to do about a plant that the model in use does not know."""
SENSIBLE_REASONS = 5
WORTH_NAMING = 0.001
"""A component risk below this is not shown as the likeliest."""


class FleetPage(QWidget):
    """Shows a results.Fleet. Filtering, sorting and searching happen here; everything else is asked for by signals."""

    title = "Fleet"
    machine_chosen = Signal(str)
    import_requested = Signal()
    report_requested = Signal()
    retrain_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._fleet: Fleet | None = None
        self.head = PageHead("Fleet", "")
        self.tiles = self._make_tiles()
        self.banner = Banner()
        self.banner.acted.connect(self.retrain_requested)
        self.filter_text = QLineEdit()
        self.filter_band = QComboBox()
        self.shown = label(role="small")
        self.export_button = button("Export report…")
        self._fill_head()
        self.model: TableModel[MachineRisk] = TableModel(self._columns(), lambda row: row.machine, theme)
        self.table = TableView(self.model, theme, "Machines by risk")
        self.table.set_delegate("state", BadgeDelegate(theme, lambda row: row.band, self.table))
        self.table.set_delegate(
            "risk", RiskDelegate(theme, lambda row: (row.risk, row.threshold, row.band), self.table)
        )
        self.table.set_delegate("spark", SparklineDelegate(theme, _spark, self.table))
        self.table.sort_by("risk", Qt.SortOrder.DescendingOrder)
        self.table.chosen.connect(lambda row: self.machine_chosen.emit(row.machine))
        self.model.counted.connect(self._count)
        self._empty_title = label("", "heading")
        self._empty_line = label("", "muted")
        self.empty_button = button("")
        self.body = self._make_body()
        tiles = QHBoxLayout()
        tiles.setSpacing(10)
        for tile in self.tiles.values():
            tiles.addWidget(tile)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, 12, 2 * GRID, 12)
        page.setSpacing(10)
        page.addWidget(self.head)
        page.addLayout(tiles)
        page.addWidget(self.banner)
        page.addWidget(self.body, 1)
        self.setFocusProxy(self.table)
        self._say_horizon(24.0)
        self._show_empty("Looking at the machines", "The ranking appears as soon as they are scored.", "")

    @property
    def fleet(self) -> Fleet | None:
        """What is shown; None before anything was."""
        return self._fleet

    def show_fleet(self, fleet: Fleet) -> None:
        """Show the fleet; order, filter and selection stay."""
        self._fleet = fleet
        self._say_horizon(fleet.horizon_h)
        self.model.set_rows(fleet.rows)
        self._fill_tiles(fleet)
        foreign = fleet.model is None and bool(fleet.rows)
        self.banner.show_text(
            "\n".join(fleet.notes), "watch" if fleet.count("unknown") else "", RETRAIN if foreign else ""
        )
        self.export_button.setEnabled(bool(fleet.rows))

    def show_nothing(self, heading: str, line: str) -> None:
        """There is no fleet to show, and why."""
        self._fleet = None
        self.model.set_rows(())
        for tile in self.tiles.values():
            tile.show_count(None, "")
        self.banner.show_text("")
        self.export_button.setEnabled(False)
        self._show_empty(heading, line, "")

    def show_band(self, band: Band | None) -> None:
        """Show only the machines in `band`; None shows all."""
        self.filter_band.setCurrentIndex(next(at for at, (_, b) in enumerate(FILTERS) if b == band))

    # -- building ------------------------------------------------------------------------------------------------------

    def _make_tiles(self) -> dict[str, Tile]:
        tiles = {
            "alarm": Tile(self._theme, "machines in alarm", "alarm", filters=True),
            "watch": Tile(self._theme, "to watch", "watch", filters=True),
            "stale": Tile(self._theme, "without fresh data", "stale", filters=True),
            "failures": Tile(self._theme, "failures in 30 days", "normal", filters=False),
        }
        bands: tuple[Band, ...] = ("alarm", "watch", "stale")
        for band in bands:
            tiles[band].clicked.connect(lambda checked, band=band: self.show_band(band if checked else None))
        for tile in tiles.values():
            tile.show_count(None, "")
        return tiles

    def _fill_head(self) -> None:
        self.filter_text.setPlaceholderText("Filter by machine, make, reason…")
        self.filter_text.setAccessibleName("Filter the machines shown")
        self.filter_text.setClearButtonEnabled(True)
        self.filter_text.setMinimumWidth(120)
        self.filter_text.setMaximumWidth(232)
        self.filter_text.textChanged.connect(self._filter)
        self.filter_text.returnPressed.connect(self._into_table)
        QShortcut(QKeySequence.StandardKey.Find, self, self.filter_text.setFocus)
        self.filter_band.setAccessibleName("Show machines in state")
        self.filter_band.addItems([word for word, _ in FILTERS])
        self.filter_band.currentIndexChanged.connect(self._filter)
        self.import_button = button("Import files…")
        self.import_button.clicked.connect(self.import_requested)
        self.export_button.setEnabled(False)
        self.export_button.clicked.connect(self.report_requested)
        for widget in (self.shown, self.filter_text, self.filter_band, self.import_button, self.export_button):
            self.head.right.addWidget(widget)

    def _make_body(self) -> QStackedWidget:
        holder = Card(margin=1)
        holder.body.addWidget(self.table)
        empty = Card()
        self.empty_button.clicked.connect(self._empty_action)
        empty.body.addStretch(2)
        for widget in (self._empty_title, self._empty_line, self.empty_button):
            empty.body.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        empty.body.setSpacing(GRID)
        empty.body.addStretch(3)
        body = QStackedWidget()
        body.addWidget(holder)
        body.addWidget(empty)
        return body

    def _columns(self) -> tuple[Column[MachineRisk], ...]:
        return (
            Column("state", "State", lambda r: BAND_WORD[r.band], lambda r: BAND_RANK[r.band], width=104),
            Column(
                "machine", "Machine", lambda r: r.machine, lambda r: natural(r.machine), width=80, most=190,
                strong=True, tip=lambda r: r.machine,
            ),
            Column(
                "make", "Make, age", _make, lambda r: (natural(r.machine_model), r.age or 0.0), width=108,
                token="muted",
            ),
            Column(
                "risk", "Risk", lambda r: risk_text(r.risk), lambda r: r.risk, width=216,
                least=136, high_first=True, tip=_risk_tip,
            ),
            Column(
                "change", "Since yesterday", lambda r: change_text(r.change), lambda r: r.change, right=True, width=92,
                token=lambda r: "alarm" if r.band == "alarm" and (r.change or 0) > 0 else "muted", high_first=True,
            ),
            Column(
                "spark", "Last 14 days", lambda _: "", _spark_peak, width=132, least=84,
                high_first=True, tip=_spark_tip,
            ),
            Column(
                "component", "Likeliest component", _components, width=120, tip=_components_tip,
                token=lambda r: "muted" if r.band == "normal" else "text",
            ),
            Column("reason", "First reason", self._reason, width=0, token="muted", tip=_reasons_tip),
            Column(
                "age", "Data age", lambda r: age_text(r.data_age_h), lambda r: r.data_age_h, right=True, width=92,
                token=lambda r: "text" if r.band == "stale" else "muted", tip=self._age_tip,
            ),
        )  # fmt: skip

    # -- what changes --------------------------------------------------------------------------------------------------

    def _say_horizon(self, hours: float) -> None:
        span = f"{hours:g} hours" if hours != 1 else "hour"
        self.head.line.setText(f"Which machine is likely to fail in the next {span}, and why")
        self.model.set_title("risk", f"Risk in {hours:g} h")

    def _fill_tiles(self, fleet: Fleet) -> None:
        # Nobody looked: a zero would read as all clear.
        blind = bool(fleet.rows) and fleet.count("unknown") == len(fleet.rows)
        self.tiles["alarm"].show_count(None if blind else fleet.count("alarm"), _since_yesterday(fleet.alarms_change))
        self.tiles["watch"].show_count(None if blind else fleet.count("watch"), _since_yesterday(fleet.watch_change))
        stale = [row for row in fleet.rows if row.band == "stale"]
        mute = sum(row.last_reading is None for row in fleet.rows)
        self.tiles["stale"].show_count(len(stale), _silence(stale, mute))
        start = times.local(fleet.as_of - 30 * times.DAY, fleet.time_zone)
        end = times.local(fleet.as_of, fleet.time_zone)
        span = f"recorded {start.day} {start:%b} to {end.day} {end:%b}"
        self.tiles["failures"].show_count(fleet.failures_30d, span)

    def _filter(self) -> None:
        words = self.filter_text.text().casefold().split()
        band = FILTERS[self.filter_band.currentIndex()][1]
        for name in ("alarm", "watch", "stale"):
            self.tiles[name].setChecked(band == name)

        def keep(row: MachineRisk) -> bool:
            if band is not None and row.band != band:
                return False
            return all(word in _haystack(row) for word in words)

        self.model.set_filter(keep if words or band is not None else None)

    def _count(self, shown: int, total: int) -> None:
        self.shown.setText(f"{shown:,} of {total:,}" if shown != total else "")
        if shown:
            self.body.setCurrentIndex(0)
        elif total:
            self._show_empty("No machine matches", "None is in this state and has these words.", "Show all machines")
        elif self._fleet is not None:
            self._show_empty("No machines yet", "Import the plant's files to see its machines here.", "Import files…")

    def set_writable(self, writable: bool) -> None:
        """Whether files may be imported."""
        self.import_button.setEnabled(writable)

    def _show_empty(self, heading: str, line: str, action: str) -> None:
        self._empty_title.setText(heading)
        self._empty_line.setText(line)
        self.empty_button.setText(action)
        self.empty_button.setVisible(bool(action))
        self.body.setCurrentIndex(1)

    def _empty_action(self) -> None:
        if self.model.rows() or (self._fleet is not None and self._fleet.rows):
            self.filter_text.clear()
            self.show_band(None)
        else:
            self.import_requested.emit()

    def _into_table(self) -> None:
        if self.model.rows():
            self.table.setFocus()
            self.table.selectRow(0)

    def _reason(self, row: MachineRisk) -> str:
        # What the banner says of the whole plant needs no saying in every row.
        if self._fleet is not None and row.note and row.note in self._fleet.notes:
            return ""
        return _first_reason(row)

    def _age_tip(self, row: MachineRisk) -> str:
        if row.last_reading is None or self._fleet is None:
            return "No reading at all."
        zone = self._fleet.time_zone
        return f"Newest reading {times.short(row.last_reading, zone)} ({zone})"


def _make(row: MachineRisk) -> str:
    age = f"{row.age:g} y" if row.age is not None else ""
    return " · ".join(part for part in (row.machine_model, age) if part)


def _components(row: MachineRisk) -> str:
    # Two components at once is what a maintenance crew must know before it sets out.
    over = [name for name, risk in _by_risk(row) if risk >= row.threshold]
    if over:
        return " · ".join(over)
    # Where none is likely, which one leads is chance.
    return row.top_component if row.component_risks.get(row.top_component, 0.0) >= WORTH_NAMING else ""


def _by_risk(row: MachineRisk) -> list[tuple[str, float]]:
    return sorted(row.component_risks.items(), key=lambda pair: -pair[1])


def _components_tip(row: MachineRisk) -> str:
    return "\n".join(f"{name}: {risk_text(risk)}" for name, risk in _by_risk(row))


def _first_reason(row: MachineRisk) -> str:
    if row.note:
        return row.note
    doubt = "; ".join(row.doubts)
    if row.band == "normal":
        # What raises a risk that is low anyway is not worth a word for every machine.
        return doubt
    reason = next((reason.text for reason in row.reasons if reason.contribution > 0), "")
    return " · ".join(part for part in (reason, doubt) if part)


def _reasons_tip(row: MachineRisk) -> str:
    lines = [text for text in (row.note, *row.doubts) if text]
    lines += [f"{'+' if r.contribution > 0 else MINUS} {r.text}" for r in row.reasons[:SENSIBLE_REASONS]]
    return "\n".join(lines)


def _risk_tip(row: MachineRisk) -> str:
    if row.risk is None:
        return row.note
    return f"Risk {risk_text(row.risk)}, threshold {risk_text(row.threshold)}"


def _spark(row: MachineRisk) -> tuple[Any, Any, str]:
    return row.history_times, row.history_risk, band_token(row.band)


def _spark_peak(row: MachineRisk) -> float | None:
    known = row.history_risk[row.history_risk == row.history_risk]
    return float(known.max()) if len(known) else None


def _spark_tip(row: MachineRisk) -> str:
    peak = _spark_peak(row)
    return "" if peak is None else f"Highest in 14 days: {risk_text(peak)}"


def _since_yesterday(change: int | None) -> str:
    if change is None:
        return ""
    if change == 0:
        return "unchanged since yesterday"
    return f"{'+' if change > 0 else MINUS}{abs(change)} since yesterday"


def _silence(stale: list[MachineRisk], mute: int) -> str:
    """mute: machines without any reading on record."""
    if not stale and mute:
        return f"{mute:,} machine{'' if mute == 1 else 's'} never reported"
    if not stale:
        return "every machine reports"
    longest = max(stale, key=lambda row: row.data_age_h or 0.0)
    silent = f"machine {longest.machine}, silent {age_text(longest.data_age_h)}"
    return silent if len(stale) == 1 else f"longest: {silent}"


def _haystack(row: MachineRisk) -> str:
    parts = (row.machine, row.machine_model, BAND_WORD[row.band], _components(row), _first_reason(row))
    return " ".join(parts).casefold()
