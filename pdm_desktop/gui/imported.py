"""The history of imports: each file with how it was read and what became of its rows; the newest can be looked at and
any one be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QWidget

from pdm_desktop.core import times
from pdm_desktop.core.results import Batch
from pdm_desktop.gui.messages import ask
from pdm_desktop.gui.stored import KIND, NOTHING, count_text
from pdm_desktop.gui.tables import Column, TableModel, TableView
from pdm_desktop.gui.theme import GRID, Theme
from pdm_desktop.gui.widgets import Card, button, label


class ImportedFiles(Card):
    """Shows every Batch, newest first; below them all that is known of the selected one, or of the newest."""

    undo_requested = Signal(int)
    """The id of a batch to undo; the user has confirmed it."""
    rejects_requested = Signal(object)
    """A Batch whose rejects file is wanted."""
    conflicts_requested = Signal(object)
    """A Batch of which the values that differed are wanted."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self._zone = "UTC"
        self._writable = True
        self.body.setSpacing(0)
        self.model: TableModel[Batch] = TableModel(self._columns(), lambda row: row.id, theme)
        self.table = TableView(self.model, theme, "Imported files")
        self.table.selectionModel().selectionChanged.connect(self._look)
        self.undo_button = button("Undo this import…")
        self.undo_button.clicked.connect(self._ask_undo)
        self.rejects_button = button("Open its rejects")
        self.rejects_button.setToolTip("What did not come in, with line, column and reason. Mended, it can be imported")
        self.rejects_button.clicked.connect(partial(self._ask, self.rejects_requested))
        self.conflicts_button = button("Its conflicts…")
        self.conflicts_button.setToolTip("The values that differed from what was there: both of each")
        self.conflicts_button.clicked.connect(partial(self._ask, self.conflicts_requested))
        self.details = label("", "small")
        self.details.setWordWrap(True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details.setContentsMargins(11, 8, 11, 8)
        head = QHBoxLayout()
        head.setContentsMargins(11, 6, 7, 6)
        head.setSpacing(GRID)
        head.addWidget(label("Imported files", "heading"), 1)
        head.addWidget(self.conflicts_button)
        head.addWidget(self.rejects_button)
        head.addWidget(self.undo_button)
        self.body.addLayout(head)
        self.body.addWidget(self.table)
        self.body.addWidget(self.details)
        self._look()

    def show_batches(self, batches: Sequence[Batch], zone: str) -> None:
        """Show these, with times in this zone; order and selection stay."""
        self._zone = zone
        self.model.set_rows(sorted(batches, key=lambda batch: -batch.id))
        # A column of dashes would leave little of the files' names.
        self.table.setColumnHidden(self.model.column_of("profile"), not any(batch.profile for batch in batches))
        self._look()

    def set_writable(self, writable: bool) -> None:
        """Whether an import may be undone."""
        self._writable = writable
        self._look()

    def _selected(self) -> Batch | None:
        rows = self.table.selectionModel().selectedRows()
        return self.model.row(rows[0]) if rows else None

    def _look(self) -> None:
        chosen = self._selected()
        self.undo_button.setEnabled(self._writable and chosen is not None and not chosen.undone)
        self.rejects_button.setEnabled(chosen is not None and bool(chosen.rejects))
        self.conflicts_button.setEnabled(chosen is not None and bool(chosen.conflicts))
        shown = chosen or max(self.model.rows(), key=lambda batch: batch.id, default=None)
        self.details.setText("" if shown is None else batch_details(shown, self._zone))
        self.details.setVisible(shown is not None)

    def _ask(self, wanted: SignalInstance) -> None:
        chosen = self._selected()
        if chosen is not None:
            wanted.emit(chosen)

    def _ask_undo(self) -> None:
        batch = self._selected()
        if batch is None:
            return
        ask(
            self,
            "Undo an import",
            f"Take back what {batch.file} brought in?",
            f"{_brought(batch)} The file itself is not touched and can be imported again.",
            "Undo this import",
            lambda: self.undo_requested.emit(batch.id),
        )

    def _columns(self) -> tuple[Column[Batch], ...]:
        def number(
            key: str, title: str, read: Callable[[Batch], int], token: str = "text", width: int = 80
        ) -> Column[Batch]:
            return Column(
                key, title, lambda row: count_text(read(row)), read, right=True, width=width, high_first=True,
                token=lambda row: "faint" if row.undone or not read(row) else token,
            )  # fmt: skip

        def quiet(row: Batch) -> str:
            return "faint" if row.undone else "text"

        return (
            Column("file", "File", lambda row: f"undone: {row.file}" if row.undone else row.file, width=0,
                   token=quiet, tip=lambda row: row.file),
            Column("kind", "Kind", lambda row: KIND.get(row.kind, row.kind), width=104, token=quiet),
            Column("profile", "Profile", lambda row: row.profile or NOTHING, lambda row: row.profile, width=84,
                   most=130, token=lambda row: "muted" if row.profile and not row.undone else "faint",
                   tip=lambda row: row.profile),
            Column("when", "Imported", lambda row: times.short(row.imported_at, self._zone),
                   lambda row: row.imported_at, width=142, high_first=True, token=quiet),
            number("accepted", "Accepted", lambda row: row.accepted),
            number("unchanged", "Unchanged", lambda row: row.unchanged, "muted", 90),
            number("duplicates", "Duplicates", lambda row: row.duplicates, "muted", 90),
            number("conflicts", "Conflicts", lambda row: row.conflicts, "watch"),
            number("rejected", "Rejected", lambda row: row.rejected, "alarm"),
        )  # fmt: skip


def _brought(batch: Batch) -> str:
    """What undoing an import takes back."""
    said = []
    if batch.accepted:
        what = KIND.get(batch.kind, batch.kind)
        said.append(f"{batch.accepted:,} row{'s of ' if batch.accepted > 1 else ' of '}{what} came in by it.")
    if batch.conflicts:
        said.append(
            f"In {batch.conflicts:,} row{'s' if batch.conflicts > 1 else ''} it replaced values: they come back."
        )
    return " ".join(said) or "It brought nothing new."


def batch_details(batch: Batch, zone: str) -> str:
    """All that is known of an import, in a line or two."""
    parts = [f"{batch.file}, imported {times.short(batch.imported_at, zone)}"]
    parts.append(f"read by profile {batch.profile}" if batch.profile else "read by no profile")
    if batch.rejected_values:
        parts.append(f"{batch.rejected_values:,} single value{'s' if batch.rejected_values > 1 else ''} rejected")
    if batch.rejects:
        parts.append(f"rejects in imports/{batch.rejects}")
    if batch.undone:
        parts.append("undone")
    return " \N{MIDDLE DOT} ".join(parts) + f"\nSHA-256 {batch.sha256}"
