"""What did not come in: line, column, content and reason, as a table for the steps "Check" and "Result"."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.gui.tables import Column, TableModel, TableView
from pdm_desktop.gui.theme import Theme
from pdm_desktop.gui.tips import plain
from pdm_desktop.gui.widgets import Card, label

SHOWN = 500
"""Rejects listed; the file has them all."""
REASONS = 3
"""Reasons told in the heading."""


@dataclass(frozen=True)
class RejectRow:
    """One line of a rejects file."""

    number: int
    line: str
    column: str
    content: str
    reason: str


@dataclass(frozen=True)
class Rejected:
    """What was rejected: its first rows, and how often each reason came."""

    rows: tuple[RejectRow, ...]
    reasons: tuple[tuple[str, int], ...]


def read_rejects(path: Path, progress: Progress) -> Rejected:
    """Read a rejects file for the screen; PdmError where it is gone."""
    rows: list[RejectRow] = []
    reasons: Counter[str] = Counter()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            # The rejected rows' own cells follow, under whatever names they had.
            for number, row in enumerate(islice(csv.reader(file), 1, None)):
                if number % 1000 == 0:
                    progress.check()
                _, line, column, content, reason = (*row, "", "", "", "", "")[:5]
                reasons[reason] += 1
                if number < SHOWN:
                    rows.append(RejectRow(number, line, column, content, reason))
    except OSError as exc:
        raise PdmError(f"The rejects file cannot be read: {exc.strerror}.", "", str(path)) from exc
    return Rejected(tuple(rows), tuple(reasons.most_common()))


def told_rejects(file: FileReport) -> Rejected:
    """What a report itself says of its rejects: the first ones, every reason."""
    rows = (RejectRow(at, f"{r.line:,}", r.column, r.content, r.reason) for at, r in enumerate(file.rejects))
    return Rejected(tuple(rows), file.reasons)


class RejectsCard(Card):
    """The rejects of one file under a heading that says why, with buttons beside it."""

    def __init__(self, theme: Theme, actions: Sequence[QPushButton] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=1)
        self.model: TableModel[RejectRow] = TableModel(_columns(), lambda row: row.number, theme)
        self.table = TableView(self.model, theme, "What was rejected and why")
        self.title = label("", "heading")
        self.more = label("", "small")
        self.more.setContentsMargins(11, 4, 11, 6)
        head = QHBoxLayout()
        head.setContentsMargins(11, 6, 7, 6)
        head.addStrut(32)
        head.addWidget(self.title, 1)
        for action in actions:
            head.addWidget(action)
        self.body.setSpacing(0)
        self.body.addLayout(head)
        self.body.addWidget(self.table)
        self.body.addWidget(self.more)
        self.more.hide()

    def show_rejects(self, name: str, found: Rejected, *, dry: bool) -> None:
        """Show the rejects of the file of this name; dry: nothing has come in yet."""
        count = sum(number for _, number in found.reasons)
        every = [f"{number:,} \N{MULTIPLICATION SIGN} {reason}" for reason, number in found.reasons]
        others = len(every) - REASONS
        why = every[:REASONS] + [f"{others} other reason{'s' if others > 1 else ''}"] * (others > 0)
        self.title.setToolTip(plain("\n".join(every)))
        would = "Would be rejected" if dry else "Rejected"
        self.title.setText(f"{would} in {name}: {', '.join(why)}" if count else f"Nothing is rejected in {name}")
        self.model.set_rows(found.rows)
        left = count - len(found.rows)
        where = "the rejects file will have" if dry else "the rejects file has"
        self.more.setText(f"The first {len(found.rows):,} of {count:,}; {where} them all." if left > 0 else "")
        self.more.setVisible(left > 0)

    def show_nothing(self, words: str) -> None:
        """No rejects are shown: why."""
        self.title.setText(words)
        self.title.setToolTip("")
        self.model.set_rows(())
        self.more.hide()


def _columns() -> tuple[Column[RejectRow], ...]:
    return (
        Column("line", "Line", lambda row: row.line, lambda row: row.number, right=True, width=80, token="muted"),
        Column("column", "Column", lambda row: row.column or "whole row", width=150,
               token=lambda row: "text" if row.column else "muted"),
        Column("reason", "Why", lambda row: row.reason, width=260, token="alarm", tip=lambda row: row.reason),
        Column("content", "Content", lambda row: row.content, width=0, token="muted", tip=lambda row: row.content),
    )  # fmt: skip
