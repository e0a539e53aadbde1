"""What every window test gets: a dressed application in the light theme, and settings of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from pdm_desktop.gui.theme import Theme


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """The light theme, applied."""
    made = Theme("light")
    made.apply(qapp)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    """Window settings that no other test and no user shares."""
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
