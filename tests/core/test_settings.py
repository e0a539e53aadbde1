"""Settings give figures their meaning: they are typed, checked and kept."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from pdm_desktop.core import settings
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.workspace import Workspace


def test_settings_that_were_saved_are_read_back_equal(tmp_path: Path) -> None:
    changed = Settings().changed({"plant_name": 'Halle 2 "Süd"', "time_zone": "Europe/Berlin", "horizon_h": "12"})
    settings.save(tmp_path / "settings.toml", changed)
    assert settings.load(tmp_path / "settings.toml") == changed
    assert changed.horizon == 12 * 3_600_000


def test_a_workspace_without_a_settings_file_has_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "settings.toml") == Settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", "red"),
        ("time_zone", "Mars/Olympus"),
        ("horizon_h", "soon"),
        ("horizon_h", "0"),
        ("horizon_h", "nan"),
        ("clock", "cuckoo"),
        ("failures_known_until", "last week"),
        ("tracking_server", "ftp://server:5000"),
        ("tracking_server", "server"),
        ("tracking_server", "http://server:99999"),
        ("tracking_server", "http://server/?a=b"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_and_names_its_key(key: str, value: str) -> None:
    with pytest.raises(PdmError) as caught:
        Settings().changed({key: value})
    assert key in caught.value.where or value in caught.value.message


def test_a_broken_settings_file_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("plant_name = ", "utf-8")
    with pytest.raises(PdmError) as caught:
        settings.load(tmp_path / "settings.toml")
    assert "settings.toml" in caught.value.where


def test_failures_known_until_without_an_offset_is_in_the_plants_zone() -> None:
    berlin = Settings().changed({"time_zone": "Europe/Berlin", "failures_known_until": "2015-07-01 00:00"})
    assert berlin.known_until == 1_435_701_600_000  # 2015-06-30T22:00Z


def test_what_a_tracking_server_is_logged_into_with_is_kept_apart_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    changed = Settings().changed({"tracking_server": "https://eva:s3cr%40t@ml.plant:8443/runs/"})
    assert (changed.tracking_server, changed.tracking_login) == ("https://ml.plant:8443/runs", "eva:s3cr@t")
    settings.save(file, changed)
    assert settings.load(file) == changed
    for shown in (file.read_text("utf-8"), repr(changed), str(changed.shown())):
        assert "eva" not in shown
        assert "s3cr" not in shown
    if os.name == "posix":
        assert (tmp_path / settings.LOGIN_FILE).stat().st_mode & 0o077 == 0


def test_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(PdmError) as caught:
        Settings().changed({"tracking_server": "http//eva:secret@server"})
    assert "secret" not in f"{caught.value.message} {caught.value.hint} {caught.value.where}"


def test_a_login_belongs_to_its_server(tmp_path: Path) -> None:
    known = Settings().changed({"tracking_server": "http://server:5000", "tracking_login": "eva:x"})
    assert known.changed({"tracking_server": "http://server:5000/"}).tracking_login == "eva:x"
    assert known.changed({"tracking_server": "http://other:5000"}).tracking_login == ""
    settings.save(tmp_path / "settings.toml", known)
    settings.save(tmp_path / "settings.toml", known.changed({"tracking_server": ""}))
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_a_login_is_in_no_backup(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "plant") as workspace:
        workspace.change_settings({"tracking_server": "http://eva:s3cret@server:5000"})
        assert (tmp_path / "plant" / settings.LOGIN_FILE).is_file()
        workspace.backup(tmp_path / "copy.zip", Progress())
    with zipfile.ZipFile(tmp_path / "copy.zip") as archive:
        assert "settings.toml" in archive.namelist()
        assert all(b"s3cret" not in archive.read(name) for name in archive.namelist())
