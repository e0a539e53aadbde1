"""Steps "Check" and "Result": what would come in, and what came in, file by file; what was rejected and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import DataOverview, FileReport, ImportReport
from pdm_desktop.gui.messages import open_file
from pdm_desktop.gui.tables import Column, TableModel, TableView
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import Banner, Card, button, label
from pdm_desktop.gui.wizards.import_keeping import ProfileBar
from pdm_desktop.gui.wizards.import_rejects import Rejected, RejectsCard, told_rejects
from pdm_desktop.gui.wizards.import_state import ENCODING_WORDS, KIND_WORDS, plural
from pdm_desktop.gui.wizards.steps import StepPage
from pdm_desktop.tasks import Task

NOTHING = "\N{EM DASH}"
LISTED = 6
"""Machines or sensors that are named; more are counted."""
_POLL_MS = 100


class WorkBar(QWidget):
    """How far a task is, with its words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._task: Task | None = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.words = label("", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.bar, 1)
        row.addWidget(self.words)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._look)
        self.hide()

    def follow(self, task: Task | None) -> None:
        """Show this task; None hides."""
        self._task = task
        self.setVisible(task is not None)
        self.bar.setRange(0, 0)
        self.words.setText("")
        if task is None:
            self._timer.stop()
        else:
            self._timer.start()

    def _look(self) -> None:
        step = self._task.step if self._task is not None else None
        if step is None:
            return
        if step.total > 0:
            self.bar.setRange(0, 1000)
            self.bar.setValue(min(1000, round(1000 * step.done / step.total)))
        total = f" of {step.total:,}" if step.total else ""
        self.words.setText(f"{step.text}  {step.done:,}{total} rows")


class _Details(QLabel):
    """How the selected file was read and what is worth knowing of it."""

    def __init__(self, table: TableView, model: TableModel[FileReport]) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "small")
        self.setWordWrap(True)
        self._table, self._model = table, model
        table.selectionModel().selectionChanged.connect(self._selected)
        self.hide()

    def _selected(self) -> None:
        rows = self._table.selectionModel().selectedRows()
        self.setText(details(self._model.row(rows[0])) if rows else "")
        self.setVisible(bool(self.text()))


class CheckPage(StepPage):
    """The dry run of every file; nothing is stored yet."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.verdict = Banner()
        self.work = WorkBar()
        self.model: TableModel[FileReport] = TableModel(file_columns(dry=True), report_key, theme)
        self.table = TableView(self.model, theme, "What would come in")
        card = Card(margin=1)
        card.body.addWidget(self.table)
        self.profile = ProfileBar()
        self.profile.hide()
        self.details = _Details(self.table, self.model)
        self.rejected = RejectsCard(theme)
        self.rejected.hide()
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.body.addWidget(self.verdict)
        self.body.addWidget(self.work)
        self.body.addWidget(card, 2)
        self.body.addWidget(self.details)
        self.body.addWidget(self.rejected, 3)
        self.body.addWidget(self.profile)

    def show_working(self, task: Task | None) -> None:
        """The check, or the import, has begun."""
        self.work.follow(task)
        self.verdict.show_text("")

    def show_report(self, made: ImportReport) -> None:
        """What the check found; the first file with rejects is selected."""
        self.work.follow(None)
        self.model.set_rows(made.files)
        self.rejected.setVisible(any(file.reasons for file in made.files))
        at = next((at for at, file in enumerate(self.model.rows()) if file.reasons), 0)
        if made.files:
            self.table.selectRow(at)
        self._selected()
        self.verdict.show_text(*check_verdict(made))

    def show_error(self, error: PdmError) -> None:
        """The check ended early: nothing can come in."""
        self.work.follow(None)
        self.model.set_rows(())
        self.rejected.hide()
        self.verdict.show_text(" ".join(part for part in (error.where, error.message, error.hint) if part), "alarm")

    def _selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            file = self.model.row(rows[0])
            self.rejected.show_rejects(table_name(file), told_rejects(file), dry=True)


class ResultPage(StepPage):
    """What came in, what was rejected and why, the gaps found."""

    file_selected = Signal(object)
    """The FileReport whose rejects are wanted."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.verdict = Banner()
        self.model: TableModel[FileReport] = TableModel(file_columns(dry=False), report_key, theme)
        self.table = TableView(self.model, theme, "What came in")
        self.table.selectionModel().selectionChanged.connect(self._selected)
        files = Card(margin=1)
        files.body.addWidget(self.table)
        self.open_rejects = button("Open the rejects file")
        self.open_rejects.setAutoDefault(False)
        self.open_rejects.clicked.connect(self._open)
        self.rejected = RejectsCard(theme, [self.open_rejects])
        self.details = _Details(self.table, self.model)
        self.gaps = label("", "muted")
        self.gaps.setWordWrap(True)
        self.body.addWidget(self.verdict)
        self.body.addWidget(files, 2)
        self.body.addWidget(self.details)
        self.body.addWidget(self.rejected, 3)
        self.body.addWidget(self.gaps)
        self._file: FileReport | None = None

    def show_report(self, made: ImportReport) -> None:
        """What the import did; the first file with rejects is selected."""
        self.verdict.show_text(*result_verdict(made))
        self.model.set_rows(made.files)
        self.rejected.setVisible(any(file.rejects_file for file in made.files))
        at = next((at for at, file in enumerate(self.model.rows()) if file.rejects_file), 0)
        if made.files:
            self.table.selectRow(at)

    def show_rejects(self, file: FileReport, found: Rejected) -> None:
        """The rejects of the selected file."""
        if file is not self._file:
            return
        self.rejected.show_rejects(table_name(file), found, dry=False)

    def show_gaps(self, made: ImportReport, overview: DataOverview) -> None:
        """Silences of the machines that came in."""
        self.gaps.setText(gaps_words(made, overview))

    def _selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        self._file = self.model.row(rows[0]) if rows else None
        has = self._file is not None and self._file.rejects_file is not None
        self.open_rejects.setEnabled(has)
        self.rejected.show_nothing("" if self._file is None else f"Nothing was rejected in {table_name(self._file)}")
        if has:
            self.file_selected.emit(self._file)

    def _open(self) -> None:
        if self._file is not None and self._file.rejects_file is not None:
            open_file(self, Path(self._file.rejects_file))


def report_key(file: FileReport) -> tuple[str, str | None, str]:
    """What tells a report from others: a file may hold several tables, a table several kinds of record."""
    return file.file, file.sheet, file.kind


def table_name(file: FileReport) -> str:
    """What was read, as the screen calls it; a sheet or one table of an archive is named too."""
    name = Path(file.file).name
    return name if file.sheet is None else f"{name} \N{RIGHTWARDS ARROW} {file.sheet}"


def check_verdict(made: ImportReport) -> tuple[str, str]:
    """What the check says in a sentence, and its tone."""
    fresh = sum(file.accepted for file in made.files)
    rejected = sum(file.rejected for file in made.files)
    values = sum(file.rejected_values for file in made.files)
    said = [f"{_fresh_words(made)} would come in." if fresh else "Nothing new would come in."]
    conflicts = sum(file.conflicts for file in made.files)
    if rejected or values:
        said.append(f"{_rejected_words(rejected, values)} would be rejected, each with its reason in a file.")
    if conflicts:
        said.append(f"{plural(conflicts, 'row')} would replace another value.")
    said.append("Nothing is stored yet.")
    return " ".join(said), "watch" if rejected or values or conflicts or not fresh else ""


def result_verdict(made: ImportReport) -> tuple[str, str]:
    """What the import did in a sentence, and its tone."""
    fresh = sum(file.accepted for file in made.files)
    rejected = sum(file.rejected for file in made.files)
    conflicts = sum(file.conflicts for file in made.files)
    said = [f"{_fresh_words(made)} came in." if fresh else "Nothing new came in."]
    values = sum(file.rejected_values for file in made.files)
    if rejected or values:
        said.append(f"{_rejected_words(rejected, values)} rejected.")
    if conflicts:
        said.append(f"{plural(conflicts, 'row')} with another value than before: the newer holds.")
    return " ".join(said), "watch" if rejected or values or conflicts else ""


_COUNTED = {"telemetry": "reading", "maintenance": "replacement", "errors": "error", "failures": "failure"}


def _fresh_words(made: ImportReport) -> str:
    """What is new, by what it is: 60 machines, 8,760 readings and 4 failures."""
    counts: Counter[str] = Counter()
    for file in made.files:
        # A row of a long file is one value.
        counts["value" if file.layout == "long" else _COUNTED.get(file.kind, "machine")] += file.accepted
    said = [plural(count, word) for word, count in counts.items() if count]
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def _rejected_words(rows: int, values: int) -> str:
    return " and ".join([plural(rows, "row")] * bool(rows) + [plural(values, "single value")] * bool(values))


def details(file: FileReport) -> str:
    """How a file was read and what is worth knowing of it, in a line or two."""
    parts = [f"{table_name(file)}:"]
    if file.machines:
        parts.append(_listed("machine", file.machines))
    if file.sensors:
        parts.append(_listed("sensor", [f"{name} [{unit}]" if unit else name for name, unit in file.sensors]))
    parts += file.notes
    parts.append(f"read as {ENCODING_WORDS.get(file.encoding, file.encoding)}, times in {file.time_zone}")
    if file.profile:
        parts.append(f"by profile {file.profile}")
    if file.ignored_columns:
        parts.append(f"not used: {', '.join(file.ignored_columns)}")
    for count, word, words in (
        (file.flagged_values, "value", "outside plausible limits, kept and flagged"),
        (file.bad_quality_values, "value", "of bad quality, left out"),
        (file.fold_times, "time", "that the clock showed twice, told apart by their order"),
        (file.gap_times, "time", "that the clock never showed, read as before it was put forward"),
    ):
        if count:
            parts.append(f"{plural(count, word)} {words}")
    return parts[0] + " " + "; ".join(part.rstrip(".") for part in parts[1:]) + "."


def _listed(what: str, names: Sequence[str]) -> str:
    """'machine 3', 'machines 3, 4', '12 machines: 1, 2, 3, 4 …'."""
    if len(names) <= LISTED:
        return f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)}"
    return f"{len(names):,} {what}s: {', '.join(names[:LISTED])} \N{HORIZONTAL ELLIPSIS}"


def gaps_words(made: ImportReport, overview: DataOverview) -> str:
    """Which of the machines that came in were silent, the longest silence first."""
    came = {machine for file in made.files if file.kind == "telemetry" for machine in file.machines}
    silent = [row for row in overview.rows if row.machine in came and row.gaps]
    if not came:
        return ""
    if not silent:
        return "No gaps in the readings of these machines."
    silent.sort(key=lambda row: -max(end - start for start, end in row.gaps))
    count = sum(len(row.gaps) for row in silent)
    start, end = max(silent[0].gaps, key=lambda gap: gap[1] - gap[0])
    zone = overview.time_zone
    longest = f"machine {silent[0].machine}, {times.short(start, zone)} – {times.short(end, zone)}"
    found = f"{plural(count, 'gap')} in the readings of {plural(len(silent), 'machine')}"
    return f"{found}; the longest: {longest}. The Data page shows them all."


def file_columns(*, dry: bool) -> tuple[Column[FileReport], ...]:
    """A file a row, its rows by what became (dry: would become) of them."""

    def number(key: str, title: str, token: str = "text") -> Column[FileReport]:
        def read(row: FileReport) -> int:
            return int(getattr(row, key))

        return Column(
            key, title, lambda row: f"{read(row):,}" if read(row) else NOTHING, read, right=True, width=86,
            high_first=True, token=lambda row: token if read(row) else "faint",
        )  # fmt: skip

    return (
        Column("file", "File", table_name, width=0, strong=True, tip=lambda row: row.file),
        Column("kind", "Kind", lambda row: KIND_WORDS.get(row.kind, row.kind), width=110, token="muted"),
        number("accepted", "Come in" if dry else "Came in"),
        number("unchanged", "Nothing new", "muted"),
        number("duplicates", "Twice in the file", "muted"),
        number("conflicts", "Other value", "watch"),
        number("rejected", "Rejected", "alarm"),
        number("rejected_values", "Values rejected", "alarm"),
        number("missing_cells", "Values missing", "muted"),
    )
