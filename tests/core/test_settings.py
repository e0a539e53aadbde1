"""Settings give figures their meaning: they are typed, checked and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdm_desktop.core import settings
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.settings import Settings


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
