"""The packed program itself, driven as a user would: from build/dist, never from the source.

`python3 build/dev.py test --packaged` runs these; they skip where `python3 build/dev.py package` has not been run.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.packed import (
    FOLDER,
    LINUX,
    PNG,
    PROGRAM,
    ROOT,
    bare,
    doctor,
    healthy,
    marks,
    may_unshare,
    only_linux,
    run,
    screen,
    window,
)

pytestmark = marks


# --- whole in itself --------------------------------------------------------------------------------------------------


def test_the_doctor_finds_every_part_at_work_with_an_empty_environment(tmp_path: Path) -> None:
    done = run("--json", "doctor", workspace=tmp_path / "ws")
    text = json.dumps(healthy(done))
    assert "WARNING" not in done.stderr
    for name in (
        "Bundled model",
        "Database and migrations",
        "Import and score",
        "Training and MLflow",
        "Painted window",
        "Painted trends",
    ):
        assert name in text


def test_the_doctor_ends_with_3_where_a_part_is_damaged(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy, symlinks=True)
    model = copy / "_internal" / "models" / "champion" / "model.ubj"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    done = subprocess.run(
        [copy / PROGRAM.name, "--workspace", tmp_path / "ws", "--json", "doctor"],
        env=bare(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    assert "model.ubj" in done.stdout
    json.loads(done.stdout)


@only_linux
def test_it_runs_in_a_c_locale_without_home_or_in_one_with_spaces_and_letters_of_all_kinds(tmp_path: Path) -> None:
    doctor(tmp_path / "ws", bare(LC_ALL="C", LANG="C"))
    home = tmp_path / "Größe der Anlage ŻÓŁĆ 工場"
    home.mkdir()
    made = run("--json", "demo", "--machines", "3", "--days", "20", env=bare(home, LC_ALL="C"))
    assert made.returncode == 0, made.stdout + made.stderr
    assert Path(json.loads(made.stdout)["workspace"]).is_relative_to(home)
    doctor(home / "ws", bare(home))


def test_a_workspace_may_lie_on_a_path_of_more_than_200_characters(tmp_path: Path) -> None:
    workspace = tmp_path / ("Halle 3 " * 12).strip() / ("Linie Ä " * 12).strip() / "ws"
    assert len(str(workspace)) > 200
    doctor(workspace)
    made = run("--json", "demo", "--machines", "3", "--days", "20", workspace=workspace)
    assert made.returncode == 0, made.stdout + made.stderr
    out = tmp_path / "report.csv"
    assert run("report", "--out", out, workspace=workspace).returncode == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 1 + 3


@only_linux
@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="needs root to become another user")
def test_an_ordinary_user_runs_it_from_a_folder_that_is_not_theirs_and_changes_nothing() -> None:
    before = {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")}
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
    base = Path("/var/tmp") / f"pdm-desktop-test-{os.getpid()}"  # one that every user can reach
    base.mkdir()
    try:
        shutil.copytree(FOLDER, base / "program", symlinks=True)
        (base / "own").mkdir()
        os.chown(base / "own", 65534, 65534)
        command = [*nobody, str(base / "program" / PROGRAM.name), "--workspace", str(base / "own" / "ws")]
        done = subprocess.run(
            [*command, "--json", "doctor"], env=bare(base / "own"), capture_output=True, text=True, check=False
        )
        healthy(done)
        # Without a home there is no default workspace: said in words, and nothing is made.
        homeless = [*nobody, str(base / "program" / PROGRAM.name), "--json", "demo", "--machines", "3", "--days", "20"]
        done = subprocess.run(homeless, env=bare(), capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "Choose a folder" in json.loads(done.stdout)["error"]["hint"]
    finally:
        shutil.rmtree(base)
    assert {path: path.stat().st_mtime_ns for path in FOLDER.rglob("*")} == before


@only_linux
@pytest.mark.skipif(not may_unshare(), reason="may not make a network namespace")
def test_it_runs_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    doctor(tmp_path / "ws", before=("unshare", "-n"))


@only_linux
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_it_never_asks_for_the_network(tmp_path: Path) -> None:
    log = tmp_path / "calls.txt"
    watch = ("strace", "-f", "-qq", "-e", "trace=connect,sendto,bind", "-o", str(log))
    doctor(tmp_path / "ws", before=watch)
    made = run("demo", "--machines", "3", "--days", "20", workspace=tmp_path / "ws", before=(*watch, "-A"))
    assert made.returncode == 0, made.stderr
    with (
        screen() as name,
        window(
            name,
            "Demo plant",
            tmp_path / "log.txt",
            "--workspace",
            tmp_path / "ws",
            env=bare(tmp_path),
            before=(*watch, "-A"),
        ),
    ):
        pass
    # A library finds out whether the computer knows IPv6 by binding to its own loopback address: nobody is called.
    asked = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert [line for line in asked if not ("bind(" in line and 'inet_pton(AF_INET6, "::1"' in line)] == []


# --- the main job -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plant(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the public extract, imported by the packed program."""
    workspace = tmp_path_factory.mktemp("extract") / "ws"
    done = run("--json", "import", shared_data / "azure_pdm", workspace=workspace)
    assert done.returncode == 0, done.stdout + done.stderr
    accepted = {Path(file["file"]).name: file["accepted"] for file in json.loads(done.stdout)["files"]}
    assert accepted["PdM_telemetry.csv"] == 43_200
    return workspace


def test_extract_score_and_report_are_those_of_the_source(plant: Path, tmp_path: Path) -> None:
    scored = run("--json", "score", workspace=plant)
    assert scored.returncode == 0, scored.stderr
    machines = json.loads(scored.stdout)["machines"]
    assert len(machines) == 20
    source = subprocess.run(
        [sys.executable, "-m", "pdm_desktop", "--workspace", str(plant), "--json", "score"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {m["machine"]: m["risk"] for m in json.loads(source.stdout)["machines"]} == {
        m["machine"]: m["risk"] for m in machines
    }
    assert run("report", "--out", tmp_path / "r.csv", workspace=plant).returncode == 0
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        assert sorted(row["machine"] for row in csv.DictReader(file)) == sorted(m["machine"] for m in machines)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", ["fleet", "machine", "data"])
def test_its_pages_are_painted(plant: Path, tmp_path: Path, page: str, theme: str) -> None:
    out = tmp_path / "page.png"
    done = run("screenshot", page, "--out", out, "--theme", theme, workspace=plant)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes()[:8] == PNG
    assert out.stat().st_size > 20_000


@pytest.mark.parametrize("name", ["workbook.xlsx", "whole.csv.gz", "utf16_tab.txt", "historian_long.csv"])
def test_files_as_plants_have_them_are_read_as_the_source_reads_them(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    command = ["--json", "import", str(shared_data / "messy_imports" / name)]
    packed = run(*command, workspace=tmp_path / "packed")
    assert packed.returncode == 0, packed.stdout + packed.stderr
    source = subprocess.run(
        [sys.executable, "-m", "pdm_desktop", "--workspace", tmp_path / "source", *command],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = ("kind", "layout", "columns", "accepted", "rejected", "accepted_values", "rejected_values")
    packed_files, source_files = (json.loads(text)["files"] for text in (packed.stdout, source.stdout))
    assert [{key: file[key] for key in told} for file in packed_files] == [
        {key: file[key] for key in told} for file in source_files
    ]
    assert all(file["accepted"] for file in packed_files)


def test_it_tunes_and_retrains_on_the_extract(plant: Path) -> None:
    done = run("--json", "retrain", "--trials", "2", "--promote", "never", workspace=plant)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    made = json.loads(done.stdout)
    assert made["promoted"] is False
    assert made["metrics"]["test"]["auc"] > 0.9


# --- the window on a virtual screen -----------------------------------------------------------------------------------


@only_linux
def test_the_window_opens_with_the_real_xcb_plugin_from_its_own_folder_and_unpacks_nothing(
    display: str, tmp_path: Path
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = bare(home, TMPDIR=str(temporary))
    with window(
        display, "PDM Desktop", tmp_path / "log.txt", "--workspace", tmp_path / "ws", env=environment
    ) as process:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        plugin = next(line for line in maps.splitlines() if "libqxcb.so" in line)
        assert str(FOLDER.resolve()) in plugin
        # Painted icons of the theme may lie there; nothing of the program itself.
        unpacked = [path for path in temporary.rglob("*") if path.is_file() and path.suffix not in (".png", ".svg")]
        assert unpacked == []


@only_linux
def test_without_a_display_the_window_says_so_and_ends_with_3(tmp_path: Path) -> None:
    for environment in (bare(), bare(DISPLAY=":4711")):
        done = subprocess.run(
            [FOLDER / "pdm-desktop-window", "--workspace", tmp_path / "ws"],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 3
        assert "display" in done.stderr
    assert not (tmp_path / "ws").exists()


@only_linux
def test_opening_an_exported_model_offers_to_import_it(display: str, tmp_path: Path) -> None:
    model = tmp_path / "Halle 2 model.pdmmodel"
    other = tmp_path / "other"
    for words in (("demo", "--machines", "3", "--days", "20"), ("models", "export", "1", "--out", str(model))):
        made = run(*words, workspace=other)
        assert made.returncode == 0, made.stderr
    opening = ("--workspace", tmp_path / "ws", "open", model)
    with window(display, '"Model version"', tmp_path / "log.txt", *opening, env=bare(tmp_path)):
        pass
    assert (tmp_path / "ws" / "plant.db").is_file()


def test_a_workspace_of_the_first_schema_version_is_backed_up_and_brought_up_to_date(tmp_path: Path) -> None:
    with zipfile.ZipFile(ROOT / "tests" / "upgrades" / "0001.zip") as archive:
        archive.extractall(tmp_path / "ws")
    done = run("--json", "score", workspace=tmp_path / "ws")
    assert done.returncode == 0, done.stderr
    (backup,) = (tmp_path / "ws" / "backups").iterdir()
    assert backup.name in done.stderr
    then = json.loads((ROOT / "tests" / "upgrades" / "0001.json").read_text("utf-8"))
    now = {row["machine"]: round(row["risk"], 6) for row in json.loads(done.stdout)["machines"]}
    assert now == {row["machine"]: float(row["risk"]) for row in then["report"]}
