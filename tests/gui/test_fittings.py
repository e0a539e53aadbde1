"""Where there is no screen, that is said; Qt itself would abort."""

from __future__ import annotations

import sys

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.gui import fittings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a screen")


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_a_window_without_a_display_is_refused_with_the_way_to_the_command_line() -> None:
    with pytest.raises(PdmError, match="no display") as caught, fittings.answering_display():
        pass
    assert "command line" in caught.value.hint


def test_a_display_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(fittings, "_PAUSE_S", 0)
    with pytest.raises(PdmError, match=":4711 does not answer"), fittings.answering_display():
        pass


def test_where_qt_is_told_what_to_paint_on_no_screen_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    with fittings.answering_display():
        assert fittings.display()[1]
