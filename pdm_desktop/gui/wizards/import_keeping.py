"""At the step "Check": whether what was said of the files is kept as a profile, for the next files of their shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from pdm_desktop.core.plans import Plan
from pdm_desktop.gui.theme import GRID
from pdm_desktop.gui.wizards.import_state import Source

NAME_WIDTH = 240
_NAMED = 3


class Wanted(NamedTuple):
    """A profile to keep. machine: files of the shape are all of the machine that was said of this one."""

    name: str
    plan: Plan
    machine: bool


class ProfileBar(QWidget):
    """Hidden where nothing was said of any file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shapes: list[Source] = []
        self.keep = QCheckBox()
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the profile")
        self.name.setFixedWidth(NAME_WIDTH)
        self.name.setEnabled(False)
        self.machine = QCheckBox()
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(self.keep)
        first.addWidget(self.name)
        first.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(first)
        column.addWidget(self.machine)
        self.keep.toggled.connect(self._follow)

    def show_sources(self, sources: Sequence[Source]) -> None:
        """Offer a profile for each shape of file of which something was said."""
        shapes: dict[object, Source] = {}
        for source in sources:
            if source.changed and source.plan is not None:
                shapes.setdefault((source.plan.header, source.plan.layout), source)
        self._shapes = list(shapes.values())
        if len(self._shapes) == 1 and not self.name.text():
            self.name.setText(self._shapes[0].file_name)
        self.keep.setText(_keep_words([source.file_name for source in self._shapes]))
        said = self._said()
        if not said:
            self.machine.setChecked(False)
        self.machine.setText(f"Files of this shape are always of machine {said}".replace("&", "&&"))
        self.setVisible(bool(self._shapes))
        self._follow()

    def wanted(self) -> list[Wanted]:
        """What is to be kept."""
        if not self.keep.isChecked():
            return []
        if len(self._shapes) == 1:
            names = [self.name.text().strip() or self._shapes[0].file_name]
        else:
            names = [source.file_name for source in self._shapes]
        always = self.machine.isChecked() and bool(self._said())
        return [
            Wanted(name, source.plan, always)
            for name, source in zip(names, self._shapes, strict=True)
            if source.plan is not None
        ]

    def _said(self) -> str:
        return (self._shapes[0].choices.machine or "") if len(self._shapes) == 1 else ""

    def _follow(self) -> None:
        self.name.setVisible(len(self._shapes) == 1)
        self.name.setEnabled(self.keep.isChecked())
        self.machine.setVisible(self.keep.isChecked() and bool(self._said()))


def _keep_words(names: Sequence[str]) -> str:
    if len(names) <= 1:
        return "&Keep these choices as a profile, applied by itself to the next file of this shape:"
    named = ", ".join(names[:_NAMED]).replace("&", "&&") + (" …" if len(names) > _NAMED else "")
    return f"&Keep these choices as {len(names)} profiles, a shape of file each: {named}"
