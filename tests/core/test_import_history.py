"""The history of imports: what each batch says of its file, what undoing one leaves, what older workspaces say."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pdm_desktop.core import paths
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store, tables
from pdm_desktop.core.workspace import Workspace

VIEWS = ("telemetry_by_name", "errors_by_name", "maintenance_by_name", "failures_by_name")


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def record(workspace: Workspace) -> dict[str, object]:
    """Everything the record says, as any SQLite tool sees it, and the catalogue."""
    connection = sqlite3.connect(workspace.folder / "plant.db")
    found: dict[str, object] = {
        view: sorted(connection.execute(f"SELECT * FROM {view}").fetchall(), key=repr) for view in VIEWS
    }
    found["columns"] = [row[1] for row in connection.execute("PRAGMA table_info(telemetry_by_name)").fetchall()]
    connection.close()
    overview = workspace.data_overview(Progress())
    return found | {"machines": overview.rows, "sensors": overview.sensor_rows}


def test_a_batch_says_the_file_its_hash_its_profile_its_counts_and_where_its_rejects_are(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = write(tmp_path, "a.csv", "datetime,machineID,heat\n2015-01-01 06:00:00,1,10.5\n")
    plan = workspace.recognise(first, Choices(columns={"heat": Role("sensor", "Heat", "K")}))
    workspace.save_profile("Hall 1", plan)
    text = (
        "datetime,machineID,heat\n2015-01-01 07:00:00,1,11\n2015-01-01 07:00:00,1,11\n"
        "2015-01-01 08:00:00,1,hot\nyesterday,1,3\n"
    )
    second = write(tmp_path, "b.csv", text)
    workspace.import_files([first], Progress())
    (report,) = workspace.import_files([second], Progress()).files
    one, two = workspace.imports()
    assert (one.profile, one.rejects, one.rejected_values) == ("Hall 1", "", 0)
    assert (two.file, two.sha256) == ("b.csv", hashlib.sha256(second.read_bytes()).hexdigest())
    # the row without a number that can be read brings nothing new: unchanged
    assert (two.accepted, two.unchanged, two.duplicates, two.rejected, two.rejected_values) == (1, 1, 1, 1, 1)
    assert two.profile == "Hall 1"
    assert report.rejects_file is not None
    assert Path(report.rejects_file) == workspace.folder / "imports" / two.rejects


def test_the_cells_in_which_an_import_differed_are_listed_with_both_values(
    workspace: Workspace, tmp_path: Path
) -> None:
    old = write(tmp_path, "a.csv", "machineID,model,age\n1,make A,7\n2,make A,3\n")
    new = write(tmp_path, "b.csv", "machineID,model,age\n2,make B,3\n1,make A,8\n")
    workspace.import_files([old], Progress())
    workspace.import_files([new], Progress())
    count, found = workspace.conflicts(2)
    assert count == 2
    assert [(c.line, c.machine, c.time, c.cell, c.old, c.new) for c in found] == [
        (2, "2", None, "machine_model", "make A", "make B"), (3, "1", None, "age", 7.0, 8.0),
    ]  # fmt: skip
    assert workspace.conflicts(1) == (0, ())


def test_undoing_an_import_restores_exactly_what_was_there_before(workspace: Workspace, tmp_path: Path) -> None:
    readings = write(
        tmp_path, "a.csv", "datetime,machineID,heat,flow\n2015-01-01 06:00:00,1,10.5,3\n2015-01-01 07:00:00,1,,4\n"
    )
    failures = write(tmp_path, "f.csv", "datetime,machineID,failure\n2015-01-01 07:00:00,1,pump\n")
    workspace.import_files([readings, failures], Progress())
    before = record(workspace)
    # overwrites a value, fills an empty cell, brings a sensor, a row and a machine
    other = write(
        tmp_path,
        "b.csv",
        "datetime,machineID,heat,torque\n2015-01-01 06:00:00,1,99,7\n2015-01-01 07:00:00,1,12,\n"
        "2015-01-01 08:00:00,1,1,1\n2015-01-01 06:00:00,2,1,1\n",
    )
    (report,) = workspace.import_files([other], Progress()).files
    assert (report.accepted, report.conflicts) == (3, 1)
    assert record(workspace) != before
    assert report.batch is not None
    workspace.undo(report.batch, Progress())
    assert record(workspace) == before
    assert [batch.undone for batch in workspace.imports()] == [False, False, True]


def test_a_workspace_from_before_says_nothing_of_profiles_and_rejects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(paths.migrations(), folder)
    for path in (folder / "versions").glob("*.py"):
        if path.stem[:4] > "0003":
            path.unlink()
    with monkeypatch.context() as older:
        older.setattr(paths, "migrations", lambda: folder)
        older.setattr(tables, "HEAD", "0003")
        Store.open(tmp_path / "plant.db").close()
    connection = sqlite3.connect(tmp_path / "plant.db")
    connection.execute(
        "INSERT INTO batch (file, sha256, kind, imported_at, accepted, rejected)"
        " VALUES ('x.csv', 'ab', 'errors', 5, 3, 2)"
    )
    connection.commit()
    connection.close()
    store = Store.open(tmp_path / "plant.db")
    (batch,) = store.batches()
    store.close()
    assert (batch.file, batch.accepted, batch.rejected, batch.undone) == ("x.csv", 3, 2, False)
    assert (batch.profile, batch.rejects, batch.rejected_values) == ("", "", 0)


def test_the_check_of_several_files_says_what_importing_them_one_after_the_other_does(
    workspace: Workspace, tmp_path: Path
) -> None:
    head = "datetime,machineID,heat\n2015-01-01 06:00:00,1,"
    first = write(tmp_path, "first.csv", head + "10.5\n2015-01-01 07:00:00,1,10.6\n")
    again = write(tmp_path, "second.csv", head + "10.5\n2015-01-01 08:00:00,1,10.7\n")
    other = write(tmp_path, "third.csv", head + "99\n")
    tables = [(path, Choices()) for path in (first, again, other)]

    def told(files: tuple[FileReport, ...]) -> list[tuple[int, int, int]]:
        return [(file.accepted, file.unchanged, file.conflicts) for file in files]

    checked = workspace.import_tables(tables, Progress(), dry_run=True)
    assert told(checked.files) == [(2, 0, 0), (1, 1, 0), (0, 0, 1)]
    assert all((file.batch, file.changed, file.rejects_file) == (None, {}, None) for file in checked.files)
    assert workspace.imports() == ()
    assert workspace.data_overview(Progress()).sensor_rows == ()
    assert told(workspace.import_tables(tables, Progress()).files) == told(checked.files)


def test_the_check_refuses_files_that_give_a_sensor_in_two_units_before_any_is_imported(
    workspace: Workspace, tmp_path: Path
) -> None:
    files = [
        write(tmp_path, f"{unit}.csv", f"datetime,machineID,heat [{unit}]\n2015-01-01 06:00:00,1,60\n")
        for unit in ("degC", "degF")
    ]
    with pytest.raises(PdmError, match="degF"):
        workspace.import_tables([(path, Choices()) for path in files], Progress(), dry_run=True)
    assert workspace.data_overview(Progress()).sensor_rows == ()


def test_a_file_that_came_in_before_does_not_take_back_what_a_newer_one_corrected(
    workspace: Workspace, tmp_path: Path
) -> None:
    head = "datetime,machineID,heat\n"
    january = write(tmp_path, "january.csv", head + "2015-01-01 06:00:00,1,10\n2015-01-01 07:00:00,1,11\n")
    corrected = write(tmp_path, "corrected.csv", head + "2015-01-01 07:00:00,1,12\n")
    workspace.import_files([january], Progress())
    workspace.import_files([corrected], Progress())
    before = record(workspace)
    for dry_run in (True, False):
        (again,) = workspace.import_files([january], Progress(), dry_run=dry_run).files
        assert (again.accepted, again.unchanged, again.conflicts, again.batch) == (0, 2, 0, None)
        assert any("corrected by a newer import" in note for note in again.notes)
        assert record(workspace) == before
    # Once the correction is taken back, the file's own value is there again; as another machine's it is new.
    workspace.undo(2, Progress())
    assert workspace.import_files([january], Progress()).files[0].unchanged == 2
    other = workspace.import_files([january], Progress(), choices=Choices(machine="2", columns=OTHER)).files[0]
    assert (other.accepted, other.conflicts, other.machines) == (2, 0, ("2",))


OTHER = {"machineID": Role("ignore")}


def test_of_a_folder_s_files_that_disagree_the_one_changed_last_holds(workspace: Workspace, tmp_path: Path) -> None:
    head = "datetime,machineID,heat\n"
    folder = tmp_path / "exports"
    folder.mkdir()
    for age, name, value in ((100, "january.csv", 10), (50, "corrected.csv", 12)):
        path = write(folder, name, f"{head}2015-01-01 06:00:00,1,{value}\n")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    workspace.import_files([folder], Progress())
    with sqlite3.connect(workspace.folder / "plant.db") as db:
        assert db.execute("SELECT heat FROM telemetry_by_name").fetchall() == [(12.0,)]
    db.close()
