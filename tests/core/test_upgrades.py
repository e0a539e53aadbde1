"""Workspaces kept from every schema version open in this one: backed up, migrated, said so, with the same figures.

build/kept_workspace.py made them, each with the program of its time; they are never made anew.
"""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from pdm_desktop.core import paths
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.store import tables
from pdm_desktop.core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "upgrades"
VERSIONS = sorted(path.stem for path in KEPT.glob("*.zip"))
OLDER = [version for version in VERSIONS if version != tables.HEAD]


@pytest.fixture(scope="module")
def keeping() -> ModuleType:
    """The script that noted the figures, to note them again."""
    spec = importlib.util.spec_from_file_location("kept_workspace", ROOT / "build" / "kept_workspace.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def new_plant(keeping: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of the same plant, made by this version."""
    folder = tmp_path_factory.mktemp("new")
    keeping.fill(folder / "plant", folder / "files")
    return folder / "plant" / "plant.db"


def unpacked(version: str, folder: Path) -> Path:
    with zipfile.ZipFile(KEPT / f"{version}.zip") as archive:
        archive.extractall(folder)
    return folder


def expected(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((KEPT / f"{version}.json").read_text("utf-8"))
    return found


def columns(database: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Every table, view and index; of tables and views the columns: name, type, not null, place in the key."""
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
        return {
            name: {(row[1], row[2], row[3], row[5]) for row in connection.execute(f'PRAGMA table_info("{name}")')}
            for name in names
        }


def test_a_workspace_of_every_schema_version_before_this_one_is_kept() -> None:
    config = Config()
    config.set_main_option("script_location", str(paths.migrations()))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    assert set(VERSIONS) >= known - {tables.HEAD}


@pytest.mark.parametrize("version", OLDER)
def test_an_older_workspace_is_backed_up_migrated_and_shows_the_figures_it_had(
    version: str, keeping: ModuleType, tmp_path: Path
) -> None:
    folder = unpacked(version, tmp_path / "plant")
    then = expected(version)

    with Workspace.open(folder) as workspace:
        assert workspace.upgrade is not None
        assert (workspace.upgrade.before, workspace.upgrade.after) == (version, tables.HEAD)
        backup = workspace.upgrade.backup
        assert backup.parent == folder / "backups"
        assert backup.name in str(workspace.upgrade)
        migrated = keeping.record(folder / "plant.db")
        assert {name: migrated["counts"][name] for name in then["counts"]} == then["counts"]
        assert {key: migrated[key] for key in ("readings", "kept risks")} == {
            key: then[key] for key in ("readings", "kept risks")
        }
        now = keeping.figures(workspace, tmp_path / "report.csv")
    # Risks another model version gave are kept beside those of the bundled one: counts of scores may have grown.
    assert {key: now[key] for key in ("settings", "report", "readings")} == {
        key: then[key] for key in ("settings", "report", "readings")
    }

    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(version,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert keeping.record(backup)["counts"] == then["counts"]

    with Workspace.open(folder) as again:
        assert again.upgrade is None
    assert len(list((folder / "backups").iterdir())) == 1


@pytest.mark.parametrize("version", OLDER)
def test_a_migrated_record_is_laid_out_like_a_new_one_and_gives_the_same_risks_when_scored_anew(
    version: str, new_plant: Path, tmp_path: Path
) -> None:
    folder = unpacked(version, tmp_path / "plant")
    with Workspace.open(folder) as workspace:
        kept = workspace.score(None, Progress())
    with closing(sqlite3.connect(folder / "plant.db")) as connection:
        connection.execute("DELETE FROM risk")
        connection.commit()
    with Workspace.open(folder) as workspace:
        anew = workspace.score(None, Progress())
    assert [(row.machine, row.risk) for row in anew.rows] == [(row.machine, row.risk) for row in kept.rows]

    assert columns(folder / "plant.db") == columns(new_plant)


@pytest.mark.parametrize("version", OLDER)
def test_an_older_workspace_opened_for_reading_only_is_not_touched(version: str, tmp_path: Path) -> None:
    folder = unpacked(version, tmp_path / "plant")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(PdmError, match="older version"):
        Workspace.open(folder, read_only=True)
    assert {path: path.read_bytes() for path in before} == before
    assert not (folder / "backups").exists()
