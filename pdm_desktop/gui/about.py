"""Help > About: what this is, what it is made of and under which terms, and the doctor's report to hand on."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

import pdm_desktop
from pdm_desktop.core import paths
from pdm_desktop.core.errors import Cancelled
from pdm_desktop.gui import fittings
from pdm_desktop.gui.session import Session
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.widgets import button, label
from pdm_desktop.tasks import Task

ICON_PX, LIST_PX = 48, 256
_RULE = "=" * 100
"""Between two components in the notice that build/notices.py writes."""
_LICENCE_FILE = re.compile(r"(^|/)(licen[sc]es?|copying|copyright|notice)[^/]*$", re.IGNORECASE)
_LOOK_MS = 100


class Component(NamedTuple):
    """A library with its version, and what gives its terms in full."""

    name: str
    text: Callable[[], str]


class AboutDialog(QDialog):
    """Opens at once; the doctor works beside it when asked, and stops when it is closed."""

    def __init__(self, session: Session, icon: QIcon, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About PDM Desktop")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        self._session = session
        self._task: Task | None = None
        self._components = components()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a library")
        self.search.setAccessibleName("Find a library")
        self.search.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Libraries")
        self.list.setProperty("role", "popup")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.addItems([part.name for part in self._components])
        self.terms = QPlainTextEdit()
        self.terms.setReadOnly(True)
        self.terms.setAccessibleName("Terms of the library")
        self.terms.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.status = label("", "muted")
        self.copy, self.close_button = button("Copy the doctor's report"), button("Close", "primary")
        self.copy.setToolTip("Looks at everything the program needs; takes some seconds")
        self.close_button.setDefault(True)
        self._watch = QTimer(self)
        self._watch.setInterval(_LOOK_MS)
        self._watch.timeout.connect(self._tell_progress)
        self._lay_out(icon)
        self.search.textChanged.connect(self._filter)
        self.list.currentRowChanged.connect(self._show_terms)
        self.copy.clicked.connect(self._call_doctor)
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(self._stop)
        self.list.setCurrentRow(0)
        self.resize(1000, 620)

    def _lay_out(self, icon: QIcon) -> None:
        picture = QLabel()
        picture.setPixmap(icon.pixmap(ICON_PX, ICON_PX))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(f"PDM Desktop {pdm_desktop.__version__}", "title"))
        words.addWidget(label("Which machine is likely to fail next, and why, without a network.", "muted"))
        head = QHBoxLayout()
        head.setSpacing(2 * GRID)
        head.addWidget(picture)
        head.addLayout(words, 1)
        opinion = label(
            "Risks are a model's opinion, calibrated on past failures; the plant's record stays as it was imported."
        )
        opinion.setWordWrap(True)
        left = QVBoxLayout()
        left.setSpacing(GRID)
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        both = QHBoxLayout()
        both.setSpacing(GRID)
        self.search.setFixedWidth(LIST_PX)
        self.list.setFixedWidth(LIST_PX)
        both.addLayout(left)
        both.addWidget(self.terms, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.status, 1)
        buttons.addWidget(self.close_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        whole.setSpacing(GRID)
        whole.addLayout(head)
        whole.addWidget(opinion)
        whole.addSpacing(GRID)
        whole.addWidget(
            label(f"Made with {len(self._components)} works of others, each under its own terms", "heading")
        )
        whole.addLayout(both, 1)
        whole.addSpacing(GRID)
        whole.addLayout(buttons)

    # ---- libraries and their terms

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        for row in range(self.list.count()):
            self.list.item(row).setHidden(wanted not in self.list.item(row).text().lower())
        found = [row for row in range(self.list.count()) if not self.list.item(row).isHidden()]
        if found and self.list.currentRow() not in found:
            self.list.setCurrentRow(found[0])

    def _show_terms(self, row: int) -> None:
        self.terms.setPlainText(self._components[row].text() if row >= 0 else "")

    # ---- the doctor

    def _call_doctor(self) -> None:
        self.copy.setEnabled(False)
        self._task = self._session.look_over(fittings.checks(), self._examined, self._not_examined)
        self._watch.start()
        self._tell_progress()

    def _tell_progress(self) -> None:
        step = self._task.step if self._task is not None else None
        if step is None:
            self.status.setText("Waiting for other work to end …")
        else:
            self.status.setText(f"Looking at the installation: {step.text} ({step.done + 1} of {step.total})")

    def _examined(self, checks: list[Any]) -> None:
        if self._task is None:
            return  # closed meanwhile
        from pdm_desktop.core import doctor

        self._ready()
        QGuiApplication.clipboard().setText(f"{doctor.report(checks)}\n")
        wrong = [check.name for check in checks if not check.ok]
        self.status.setText(f"Copied. At fault: {', '.join(wrong)}." if wrong else "Copied. Everything is here.")

    def _not_examined(self, error: Exception) -> None:
        if self._task is None:
            return  # closed meanwhile, which is what stopped it
        self._ready()
        self.status.setText("" if isinstance(error, Cancelled) else f"The doctor could not finish: {error}")

    def _ready(self) -> None:
        self._watch.stop()
        self._task = None
        self.copy.setEnabled(True)

    def _stop(self) -> None:
        self._watch.stop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()


def components() -> list[Component]:
    """What the program is made of: of the packed one all that ships, from source what is installed beside it."""
    licences = paths.resources() / "licences"
    about_qt = Component("Qt: how its licence applies", lambda: _read(licences / "QT.txt"))
    packed = licences / "THIRD-PARTY.txt"
    if packed.is_file():
        _head, *sections = packed.read_text("utf-8").split(_RULE)
        return [about_qt, *(_section(text.strip()) for text in sections)]
    found = sorted(metadata.distributions(), key=lambda dist: dist.name.lower())
    return [about_qt, *(Component(f"{dist.name} {dist.version}", _terms_of(dist)) for dist in found)]


def _section(text: str) -> Component:
    return Component(text.partition("\n")[0], lambda: text)


def _terms_of(dist: metadata.Distribution) -> Callable[[], str]:
    def terms() -> str:
        files = [file for file in dist.files or () if _LICENCE_FILE.search(file.as_posix()) and file.suffix != ".py"]
        texts = [_read(Path(str(dist.locate_file(file)))) for file in files]
        about: Any = dist.metadata
        named = about.get("License-Expression") or about.get("License") or "not named"
        return "\n\n".join(texts) or f"Licence: {named}\n\nIts wheel carries no text; the packed program's notice does."

    return terms


def _read(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")
