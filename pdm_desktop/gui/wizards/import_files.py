"""Step "Files": which files are imported, what each was recognised as, what still stands in the way."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.gui.tables import Column, TableModel, TableView
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.widgets import Banner, Card, button, label
from pdm_desktop.gui.wizards.import_state import (
    KIND_WORDS,
    LAYOUT_WORDS,
    Source,
    machine_words,
    span_words,
    state_words,
)
from pdm_desktop.gui.wizards.steps import StepPage

NAMED = 4
"""Files left out that are named; more are counted."""


class FilesPage(StepPage):
    """The files, one a row; a double click looks into one."""

    chosen = Signal(object)
    """The Source to look into."""
    removed = Signal(object)
    """The Sources to leave out, a list."""
    more_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.verdict = Banner()
        self.model: TableModel[Source] = TableModel(_columns(), lambda row: row.key, theme)
        self.table = TableView(self.model, theme, "Files to import")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.chosen.connect(self.chosen)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        card = Card(margin=1)
        card.body.addWidget(self.table)
        self.more = button("Add files…")
        self.remove = button("Leave out")
        for made in (self.more, self.remove):
            made.setAutoDefault(False)
        self.more.clicked.connect(self.more_wanted)
        self.remove.clicked.connect(lambda: self.removed.emit(self._selection()))
        below = QHBoxLayout()
        below.setSpacing(GRID)
        below.addWidget(
            label("What the program recognised can be looked at and changed in the next steps.", "small"), 1
        )
        below.addWidget(self.remove)
        below.addWidget(self.more)
        self.body.addWidget(self.verdict)
        self.body.addWidget(card, 1)
        self.body.addLayout(below)
        self._selected()

    def show_sources(self, sources: Sequence[Source], left_out: Sequence[tuple[str, str]] = ()) -> None:
        """Show the files as they are known now. left_out: (name, why) of those of a folder that are none of a plant."""
        self.model.set_rows(sources)
        self._selected()
        open_ones = sum(bool(source.plan is not None and source.plan.questions) for source in sources)
        broken = sum(source.error is not None for source in sources)
        words = []
        if broken:
            words.append(f"{_files(broken)} cannot be read as {'it is' if broken == 1 else 'they are'}.")
        if open_ones:
            words.append(f"{_files(open_ones)} leave{'s' if open_ones == 1 else ''} a question open.")
        if left_out:
            words.append(_left_out_words(left_out))
        self.verdict.show_text(" ".join(words), "watch")
        self.verdict.setToolTip(plain("\n".join(f"{name}: {why}" for name, why in left_out)))

    def _selection(self) -> list[Source]:
        return [self.model.row(index) for index in self.table.selectionModel().selectedRows()]

    def _selected(self) -> None:
        self.remove.setEnabled(0 < len(self._selection()) < self.model.rowCount())


def _place(row: Source) -> str:
    return str(row.path) if row.member is None else f"{row.path}\n{row.member}"


def _left_out_words(left_out: Sequence[tuple[str, str]]) -> str:
    if len(left_out) == 1:
        return f"Left out of the folder: {left_out[0][0]} ({left_out[0][1].rstrip('.')})."
    names = ", ".join(name for name, _ in left_out[:NAMED])
    others = f" and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
    return f"Left out of the folder, as they are no tables of a plant: {names}{others}."


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _columns() -> tuple[Column[Source], ...]:
    def kind(row: Source) -> str:
        return "" if row.plan is None else KIND_WORDS[row.plan.kind]

    def layout(row: Source) -> str:
        plan = row.plan
        return "" if plan is None or plan.kind != "telemetry" else LAYOUT_WORDS[plan.layout]

    def machines(row: Source) -> str:
        return "" if row.preview is None else machine_words(row.preview.machines) if row.preview.machines else ""

    def span(row: Source) -> str:
        return (
            ""
            if row.preview is None or row.preview.plan.questions
            else span_words(row.preview, row.preview.plan.time_zone)
        )

    def days(row: Source) -> str:
        if row.preview is None or row.preview.first_time is None or row.preview.last_time is None:
            return ""
        if row.preview.plan.questions:
            return ""  # they may hang on the answer
        zone = row.preview.plan.time_zone
        ends = (times.short(at, zone).partition(",")[0] for at in (row.preview.first_time, row.preview.last_time))
        return " – ".join(dict.fromkeys(ends))

    return (
        Column("file", "File", lambda row: row.name, width=220, strong=True, tip=_place),
        Column("kind", "Kind", kind, width=110),
        Column("layout", "Layout", layout, width=160, token="muted"),
        Column("machines", "In the first rows", machines, width=150, token="muted"),
        Column("span", "First days", days, width=190, token="muted", tip=span),
        Column("state", "State", lambda row: state_words(row)[0], width=0, token=lambda row: state_words(row)[1],
               tip=lambda row: "" if row.error is None else f"{row.error.message} {row.error.hint}"),
    )  # fmt: skip
