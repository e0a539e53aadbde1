"""The models page: every version with its figures, where the chosen one came from, its plots, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.model_results import Decision, Evaluation, ModelVersion, former_version
from pdm_desktop.gui.figures import Figures, caught_text, false_text, fraction, lead_text
from pdm_desktop.gui.marks import NOTHING
from pdm_desktop.gui.tables import ROW_HEIGHT, Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.versions import ORIGIN_WORD, EvaluationView, Facts, History, Plots
from pdm_desktop.gui.widgets import Banner, Card, PageHead, button

TABS = (("plots", "Plots"), ("evaluation", "Evaluate on any span"), ("history", "History of decisions"))
FACTS_WIDTH = 340
REST_MS = 200
"""After the list is shown and before what is not looked at yet is made."""
LEAST_ROWS, BELOW = 3, 480
"""Versions there is always room for; px that everything but their list wants to have."""


class ModelsPage(QWidget):
    """Shows the versions; everything that changes or measures one is asked for by signals."""

    title = "Models"
    retrain_requested = Signal()
    promote_requested = Signal(object)
    """The ModelVersion."""
    rollback_requested = Signal()
    discard_requested = Signal(object)
    export_requested = Signal(object)
    import_requested = Signal()
    evaluate_requested = Signal(str, object, object)
    """Version, start and end (ms UTC)."""
    machine_requested = Signal(str, object)
    send_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "page")
        self._theme = theme
        self._zone = "UTC"
        self._writable = True
        self._span: tuple[int | None, int | None] = (None, None)
        self._shown = ""
        self._server = ""
        self._former: str | None = None
        """The version one roll back goes to."""
        self.head = PageHead("Models", "Which version judges the machines, how good each is, and where it came from")
        self.banner = Banner()
        self.import_button = button("Import…")
        self.retrain_button = button("Retrain…", "primary")
        self.promote_button = button("Promote…")
        self.rollback_button = button("Roll back")
        self.discard_button = button("Discard…")
        self.export_button = button("Export…")
        self.model: TableModel[ModelVersion] = TableModel(self._columns(), lambda row: row.version, theme)
        self.table = TableView(self.model, theme, "Versions and their figures")
        self._versions = Card(margin=1)
        self.facts = Facts()
        self.plots = Plots(theme)
        self._evaluation: EvaluationView | None = None
        self._evaluation_place = QVBoxLayout()
        self.history = History(theme)
        self.views = QStackedWidget()
        self.tabs: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._lay_out()
        self._connect()
        self.setFocusProxy(self.table)
        self._follow()

    def show_versions(
        self,
        versions: Sequence[ModelVersion],
        history: Sequence[Decision],
        span: tuple[int | None, int | None],
        zone: str,
        writable: bool,
        server: str = "",
    ) -> None:
        """Show them, the one in use chosen at first. span: of the record, ms UTC; writable: whether any may change;
        server: the tracking server that gets copies, where one is set."""
        self._zone, self._writable, self._span, self._server = zone, writable, span, server
        chosen = self.selected()
        self.model.set_rows(sorted(versions, key=lambda row: (not row.champion, -(row.created or 0))))
        shipped = next((row.version for row in versions if row.origin == "bundled"), "")
        self._former = former_version(sorted(history, key=lambda decision: decision.at), shipped)
        self._make_room()
        self.history.show_decisions(history, zone)
        wanted = chosen.version if chosen is not None else next((v.version for v in versions if v.champion), "")
        self.choose(wanted)
        self._shown = ""
        self._selected()
        QTimer.singleShot(REST_MS, self, lambda: self.evaluation)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list of versions is as high as they are many, while the rest has its room."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        most = max(LEAST_ROWS, (self.height() - BELOW) // ROW_HEIGHT)
        rows = min(max(LEAST_ROWS, self.model.rowCount()), most)
        self._versions.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + rows * ROW_HEIGHT + 4)

    def choose(self, version: str) -> None:
        """Select a version, else the first."""
        at = self.model.position(version)
        if at is None and self.model.rowCount():
            at = 0
        if at is not None:
            self.table.selectRow(at)

    def selected(self) -> ModelVersion | None:
        """The version chosen."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.row(rows[0]) if rows else None

    @property
    def evaluation(self) -> EvaluationView:
        """A version on any span; made when it is first wanted or once the page stands: its charts take long."""
        if self._evaluation is None:
            made = self._evaluation = EvaluationView(self._theme)
            made.asked.connect(self._evaluate)
            made.machine_requested.connect(self.machine_requested)
            self._evaluation_place.addWidget(made)
            version = self.selected()
            if version is not None:
                made.propose(version, *self._span, self._zone)
        return self._evaluation

    def show_measuring(self) -> None:
        """The chosen version is being measured."""
        self.evaluation.show_measuring()

    def show_evaluation(self, made: Evaluation) -> None:
        """Figures of a version on a span; those of another than the chosen one are of no interest any more."""
        chosen = self.selected()
        if chosen is not None and chosen.version == made.version:
            self.evaluation.show_evaluation(made, chosen.threshold)
            self.show_tab("evaluation")

    def show_evaluation_problem(self, text: str) -> None:
        """The span could not be measured."""
        self.evaluation.show_problem(text)

    def show_tab(self, key: str) -> None:
        """Bring plots, evaluation or history to the front."""
        if key == "evaluation":
            # Made by now at the latest.
            self.evaluation.show()
        self.tabs[key].setChecked(True)
        self.views.setCurrentIndex(list(self.tabs).index(key))

    # ---- building

    def _lay_out(self) -> None:
        for made in (self.import_button, self.retrain_button):
            self.head.right.addWidget(made)
        self._versions.body.addWidget(self.table)
        lower = QHBoxLayout()
        lower.setSpacing(12)
        self.facts.setFixedWidth(FACTS_WIDTH)
        lower.addWidget(self.facts)
        right = QVBoxLayout()
        right.setSpacing(GRID)
        tabs = QHBoxLayout()
        tabs.setSpacing(0)
        for key, word in TABS:
            tabs.addWidget(self._tab(key, word))
        tabs.addStretch(1)
        for made in (self.promote_button, self.discard_button, self.rollback_button, self.export_button):
            tabs.addSpacing(GRID)
            tabs.addWidget(made)
        right.addLayout(tabs)
        late = QWidget()
        late.setLayout(self._evaluation_place)
        self._evaluation_place.setContentsMargins(0, 0, 0, 0)
        for view in (self.plots, late, self.history):
            self.views.addWidget(view)
        right.addWidget(self.views, 1)
        lower.addLayout(right, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, 12, 2 * GRID, 12)
        page.setSpacing(10)
        page.addWidget(self.head)
        page.addWidget(self.banner)
        page.addWidget(self._versions)
        page.addLayout(lower, 1)
        self.show_tab("plots")

    def _tab(self, key: str, word: str) -> QPushButton:
        made = button(word, "segment")
        made.setCheckable(True)
        edge = {"plots": "first", "history": "last"}.get(key, "")
        if edge:
            made.setProperty("edge", edge)
        made.setMinimumWidth(QFontMetrics(self._theme.font(strong=True)).horizontalAdvance(word) + 30)
        made.clicked.connect(lambda: self.show_tab(key))
        self._group.addButton(made)
        self.tabs[key] = made
        return made

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.import_button.clicked.connect(self.import_requested)
        self.retrain_button.clicked.connect(self.retrain_requested)
        self.rollback_button.clicked.connect(self.rollback_requested)
        self.promote_button.clicked.connect(lambda: self._tell(self.promote_requested))
        self.discard_button.clicked.connect(lambda: self._tell(self.discard_requested))
        self.export_button.clicked.connect(lambda: self._tell(self.export_requested))
        self.banner.acted.connect(self.send_requested)

    def _columns(self) -> tuple[Column[ModelVersion], ...]:
        def figure(key: str, title: str, digits: int, width: int) -> Column[ModelVersion]:
            return Column(
                key, title, lambda row: fraction(test_figures(row).get(key), digits),
                lambda row: test_figures(row).get(key), right=True, width=width, high_first=True,
            )  # fmt: skip

        return (
            Column("version", "Version", lambda r: f"v{r.version}", lambda r: natural(r.version), width=76,
                   strong=True),
            Column("state", "State", state_text, width=120, least=112,
                   token=lambda r: "accent" if r.champion else "watch" if r.obstacle else "muted",
                   tip=lambda r: r.obstacle),
            Column("made", "Made", lambda r: made_text(r, self._zone), lambda r: r.created, width=144, high_first=True,
                   token="muted"),
            Column("origin", "Origin", lambda r: ORIGIN_WORD[r.origin], width=128, least=124, token="muted"),
            Column("horizon", "Ahead", lambda r: f"{r.horizon_h:g} h", lambda r: r.horizon_h, right=True, width=68),
            Column("caught", "Failures caught", lambda r: caught_text(test_figures(r)), _caught_share, right=True,
                   width=92, high_first=True),
            Column("lead", "Median lead\n(10 – 90 %)", lambda r: lead_text(test_figures(r)),
                   lambda r: test_figures(r).get("median_lead_h"), right=True, width=128, least=116, high_first=True),
            Column("false", "False alarms a machine-month", lambda r: false_text(test_figures(r)),
                   lambda r: test_figures(r).get("false_episodes_per_machine_month"), right=True, width=128),
            figure("f1", "F1", 3, 60),
            figure("ap", "Average precision", 4, 84),
            figure("ece", "Calibration error", 4, 88),
            Column("note", "Note", lambda r: r.note, width=0, token="muted", tip=lambda r: r.note),
        )  # fmt: skip

    # ---- what changes

    def _selected(self) -> None:
        version = self.selected()
        if version is not None and version.version != self._shown:
            self._shown = version.version
            self.facts.show_version(version, self._zone)
            self.plots.show_plots(version.plots)
            if self._evaluation is not None:
                self._evaluation.propose(version, *self._span, self._zone)
        self._follow()

    def _follow(self) -> None:
        version = self.selected()
        rows = self.model.rows()
        usable = version is not None and not version.champion and not version.obstacle
        self.promote_button.setEnabled(usable and self._writable)
        used = version is None or version.champion or version.was_champion
        self.discard_button.setEnabled(self._writable and not used)
        self.rollback_button.setEnabled(self._writable and self._former is not None)
        self.rollback_button.setText("Roll back" if self._former is None else f"Roll back to v{self._former}")
        self.export_button.setEnabled(version is not None)
        self.import_button.setEnabled(self._writable)
        self.retrain_button.setEnabled(self._writable)
        waiting = [row.version for row in rows if row.sent_to != self._server] if self._server else []
        if version and version.obstacle:
            self.banner.show_text(f"Version {version.version} cannot be used here: {version.obstacle}", "watch")
        elif waiting and self._writable:
            self.banner.show_text(waiting_text(waiting, self._server), "", "Send now")
        else:
            self.banner.show_text("")

    def _tell(self, signal: object) -> None:
        version = self.selected()
        if version is not None:
            signal.emit(version)  # type: ignore[attr-defined]

    def _evaluate(self, start: int, end: int) -> None:
        version = self.selected()
        if version is not None:
            self.evaluate_requested.emit(version.version, start, end)


def test_figures(row: ModelVersion) -> Figures:
    """The version's figures over its test span."""
    return row.metrics.get("test", {})


def waiting_text(waiting: Sequence[str], server: str) -> str:
    """What the tracking server does not have yet."""
    numbers = sorted(waiting, key=natural)
    named = f"Version {numbers[0]} is" if len(numbers) == 1 else f"Versions {', '.join(numbers)} are"
    return f"{named} not on {server} yet. What is here is complete; the next training sends the rest along."


def made_text(row: ModelVersion, zone: str) -> str:
    """When a version was made. Of the one that ships only the time it came into this workspace is known."""
    return NOTHING if row.created is None or row.origin == "bundled" else times.short(row.created, zone)


def state_text(row: ModelVersion) -> str:
    """What a version is now."""
    if row.champion:
        return "In use"
    if row.obstacle:
        return "Not usable here"
    return "Was in use" if row.was_champion else "Candidate"


def _caught_share(row: ModelVersion) -> float | None:
    figures = test_figures(row)
    events, caught = figures.get("events"), figures.get("events_caught")
    return caught / events if events and caught is not None else None


def file_name(row: ModelVersion, plant: str) -> Path:
    """A proposal for an export."""
    kept = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in plant).strip()
    return Path(f"{kept or 'plant'} model v{row.version}.pdmmodel")
