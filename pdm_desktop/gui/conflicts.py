"""The cells in which an import said something else than what was there: the newer value holds, both are listed."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Batch, ConflictCell
from pdm_desktop.gui.list_dialog import ListDialog
from pdm_desktop.gui.tables import Column, TableModel, TableView, natural
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.widgets import Card

SIZE = (860, 520)
_WORDS = {"machine_model": "make", "age": "age", "known": "known since"}


class ConflictsDialog(ListDialog):
    """The conflicts of one import."""

    def __init__(self, theme: Theme, batch: Batch, zone: str, parent: QWidget | None) -> None:
        line = f"Where {batch.file} said something else than what was there. Its values hold" + (
            " no longer: the import is undone."
            if batch.undone
            else " unless a later import or change replaced them; undoing the import takes them back."
        )
        card = Card(margin=1)
        super().__init__("Values that differed", line, SIZE, card, parent)
        self._zone = zone
        self.model: TableModel[tuple[int, ConflictCell]] = TableModel(self._columns(), lambda row: row[0], theme)
        self.table = TableView(self.model, theme, "Values that differed")
        card.body.addWidget(self.table)
        self.notice.show_text("Looking at them …")

    def show_conflicts(self, found: tuple[int, tuple[ConflictCell, ...]]) -> None:
        """Show the first of them; found: how many there are, and those."""
        count, cells = found
        self.model.set_rows(enumerate(cells))
        self.notice.show_text(f"The first {len(cells):,} of {count:,} values." if count > len(cells) else "")

    def _columns(self) -> tuple[Column[tuple[int, ConflictCell]], ...]:
        def when(row: tuple[int, ConflictCell]) -> str:
            return "" if row[1].time is None else times.short(row[1].time, self._zone)

        return (
            Column("line", "Line", lambda row: f"{row[1].line:,}", lambda row: row[0], right=True, width=80,
                   token="muted"),
            Column("machine", "Machine", lambda row: row[1].machine, lambda row: natural(row[1].machine), width=110,
                   most=190, strong=True),
            Column("time", "When", when, lambda row: row[1].time, width=150),
            Column("what", "What", _what, width=0, tip=_what),
            Column("old", "Was", lambda row: self._said(row[1])[0], right=True, width=140, token="muted"),
            Column("new", "Became", lambda row: self._said(row[1])[1], right=True, width=140),
        )  # fmt: skip

    def _said(self, cell: ConflictCell) -> tuple[str, str]:
        """The value that was and the one that came, with as many digits as tell them apart."""
        pair = (cell.old, cell.new)
        for digits in (6, 9, 12, 17):
            old, new = (self._value(cell, value, digits) for value in pair)
            if old != new:
                break
        return old, new

    def _value(self, cell: ConflictCell, value: float | str, digits: int) -> str:
        if isinstance(value, str):
            return value
        return times.short(int(value), self._zone) if cell.cell == "known" else f"{value:,.{digits}g}"


def _what(row: tuple[int, ConflictCell]) -> str:
    cell = row[1]
    word = _WORDS.get(cell.cell, cell.cell) if cell.label or cell.time is None else cell.cell
    return word if not cell.label else f"{cell.label}: {word}"
