"""Screenshots and doctor's checks of a window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from pdm_desktop.core.errors import PdmError, UsageError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from pdm_desktop.gui import commands

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small demo plant."""
    folder = tmp_path_factory.mktemp("filled") / "workspace"
    with Workspace.open(folder) as workspace:
        workspace.demo(Progress(), machines=3, days=30, seed=2)
    return folder


# MLflow's own, told when the versions of the models page are read.
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning")
@pytest.mark.filterwarnings("ignore:Operation with range is deprecated:DeprecationWarning")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["fleet", "machine", "data", "models", "welcome"])
def test_every_page_is_painted_in_both_themes(filled: Path, tmp_path: Path, page: str, theme: str) -> None:
    out = tmp_path / "new folder" / f"{page}.png"
    commands.screenshot(page, out, theme, (1366, 768), None, filled)
    image = QImage(str(out))
    assert image.size() == QSize(1366, 768)
    assert not commands.is_blank(image)
    corner = image.pixelColor(1340, 730)
    assert (corner.lightness() > 200) == (theme == "light")


def test_the_machine_asked_for_is_the_one_painted(filled: Path, tmp_path: Path) -> None:
    shots = {}
    for machine in ("1", "2"):
        commands.screenshot("machine", tmp_path / f"{machine}.png", "light", (1366, 768), machine, filled)
        shots[machine] = QImage(str(tmp_path / f"{machine}.png"))
    assert shots["1"] != shots["2"]


def test_an_unknown_machine_is_an_error_and_leaves_no_file(filled: Path, tmp_path: Path) -> None:
    out = tmp_path / "shot.png"
    with pytest.raises(PdmError, match="999"):
        commands.screenshot("machine", out, "light", (1366, 768), "999", filled)
    assert not out.exists()


def test_where_there_is_no_plant_there_is_nothing_to_paint(tmp_path: Path) -> None:
    with pytest.raises(PdmError, match="no workspace"):
        commands.screenshot("fleet", tmp_path / "shot.png", "light", (1366, 768), None, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    Workspace.open(tmp_path / "empty").close()
    with pytest.raises(PdmError, match="empty"):
        commands.screenshot("fleet", tmp_path / "shot.png", "light", (1366, 768), None, tmp_path / "empty")


def test_a_target_that_cannot_be_written_is_the_users_error(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(PdmError, match="cannot be written"):
        commands.screenshot("fleet", tmp_path / "file" / "shot.png", "light", (1366, 768), None, filled)


def test_a_plain_surface_counts_as_blank() -> None:
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(0xF4F5F7)
    assert commands.is_blank(image)


def test_doctor_finds_fonts_icons_a_painted_window_and_painted_trends() -> None:
    checks = {name: (ok, detail) for name, ok, detail in commands.doctor_checks()}
    assert set(checks) == {"Qt libraries", "Fonts", "Icons", "Display", "Painted window", "Painted trends"}
    assert all(ok for ok, _ in checks.values()), checks


def test_a_size_the_page_does_not_fit_is_wrong_use_and_leaves_no_file(filled: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs at least"):
        commands.screenshot("fleet", tmp_path / "small.png", "light", (300, 200), None, filled)
    assert not (tmp_path / "small.png").exists()
