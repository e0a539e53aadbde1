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
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "dist" / "pdm-desktop"
SUFFIX = ".exe" if sys.platform == "win32" else ""
PROGRAM = FOLDER / f"pdm-desktop{SUFFIX}"
LINUX = sys.platform.startswith("linux")
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = [
    pytest.mark.packaged,
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM.is_file(), reason="not packed: python3 build/dev.py package makes build/dist"),
]
only_linux = pytest.mark.skipif(not LINUX, reason="Linux's own way of shutting things off")


def bare(home: Path | None = None, **more: str) -> dict[str, str]:
    """As good as no environment; Windows cannot start programs without its own folder."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ and not LINUX}
    return kept | ({} if home is None else {"HOME": str(home), "USERPROFILE": str(home)}) | more


def run(
    *args: str | Path, workspace: Path | None = None, env: Mapping[str, str] | None = None, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    where = () if workspace is None else ("--workspace", str(workspace))
    command = [*before, str(PROGRAM), *where, *map(str, args)]
    environment = bare() if env is None else dict(env)
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


def healthy(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """The doctor's answer, which must find nothing wrong."""
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def doctor(workspace: Path, env: Mapping[str, str] | None = None, before: tuple[str, ...] = ()) -> dict[str, object]:
    return healthy(run("--json", "doctor", workspace=workspace, env=env, before=before))


def may_unshare() -> bool:
    tool = shutil.which("unshare")
    return tool is not None and subprocess.run([tool, "-n", "true"], capture_output=True, check=False).returncode == 0


# --- whole in itself --------------------------------------------------------------------------------------------------


def test_the_doctor_finds_every_part_at_work_with_an_empty_environment(tmp_path: Path) -> None:
    text = json.dumps(doctor(tmp_path / "ws"))
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


def test_it_retrains_on_the_extract(plant: Path) -> None:
    done = run("--json", "retrain", "--trials", "0", "--promote", "never", workspace=plant)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    made = json.loads(done.stdout)
    assert made["promoted"] is False
    assert made["metrics"]["test"]["auc"] > 0.9


# --- the window on a virtual screen -----------------------------------------------------------------------------------


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen; its name for DISPLAY."""
    tool = shutil.which("Xvfb")
    if tool is None:
        pytest.skip("needs Xvfb")
    reading, writing = os.pipe()
    command = [tool, "-displayfd", str(writing), "-screen", "0", "1366x768x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@only_linux
def test_the_window_opens_with_the_real_xcb_plugin_and_maps_it_from_its_own_folder(screen: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = bare(home, DISPLAY=screen, QT_DEBUG_PLUGINS="1")
    command = [str(FOLDER / "pdm-desktop-window"), "--workspace", str(tmp_path / "ws")]
    log = tmp_path / "stderr.txt"
    with log.open("wb") as stream:
        window = subprocess.Popen(command, env=environment, stderr=stream)
    try:
        title = shutil.which("xwininfo")
        for _ in range(600):
            assert window.poll() is None, log.read_text(errors="replace")
            maps = Path(f"/proc/{window.pid}/maps").read_text()
            seen = (
                title is None
                or "PDM Desktop"
                in subprocess.run(
                    [title, "-root", "-tree", "-display", screen], capture_output=True, text=True, check=False
                ).stdout
            )
            if "libqxcb.so" in maps and seen:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                window.wait(0.1)
        plugin = next(line for line in maps.splitlines() if "libqxcb.so" in line)
        assert str(FOLDER) in plugin
    finally:
        window.terminate()
        window.wait()


# --- what is handed out -----------------------------------------------------------------------------------------------


def test_the_bill_of_materials_names_what_the_folder_holds_and_every_licence_has_its_text() -> None:
    folder = FOLDER / "_internal" / "resources" / "licences"
    bill = json.loads((folder / "sbom.cdx.json").read_text("utf-8"))
    names = {part["name"].lower() for part in bill["components"]}
    assert {"python", "pyside6_essentials", "shiboken6", "numpy", "xgboost-cpu", "mlflow-skinny", "pandas"} <= names
    assert not names & {"pytest", "polars", "pyarrow", "scikit-learn", "mypy", "hypothesis"}
    notice = (folder / "THIRD-PARTY.txt").read_text("utf-8")
    for words in ("GNU LESSER GENERAL PUBLIC LICENSE", "GNU GENERAL PUBLIC LICENSE", "code.qt.io", "OpenBLAS"):
        assert words in notice
    sections = notice.split("=" * 100)[1:]
    assert len(sections) == len(bill["components"])
    assert [section[:60] for section in sections if len(section) < 40] == []
    assert notice.count("Permission is hereby granted, free of charge") > 10


def test_folder_and_archive_keep_to_their_size_and_hold_no_test_tools() -> None:
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file() and not path.is_symlink())
    assert size <= 300e6
    inside = {path.name.lower() for path in (FOLDER / "_internal").iterdir()}
    assert not inside & {"polars", "pyarrow", "sklearn", "pytest", "hypothesis", "tkinter", "databricks"}
    for archive in [*FOLDER.parent.glob("*.tar.*"), *FOLDER.parent.glob("*.deb")]:
        assert archive.stat().st_size <= 130e6, archive.name


@only_linux
def test_one_user_installs_and_uninstalls_it_and_keeps_the_workspace(tmp_path: Path) -> None:
    home = tmp_path / "home with space & ö"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    workspace = home / ".local" / "share" / "PDM Desktop" / "workspace"
    for _ in range(2):  # a second time replaces the first
        subprocess.run([FOLDER / "install.sh"], env=environment, check=True, capture_output=True)
    program = home / ".local" / "bin" / "pdm-desktop"
    made = subprocess.run(
        [program, "--json", "demo", "--machines", "3", "--days", "20"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    entry = (home / ".local/share/applications/pdm-desktop.desktop").read_text("utf-8")
    assert f'Exec="{home}/.local/lib/pdm-desktop/pdm-desktop-window"' in entry
    record = (workspace / "plant.db").read_bytes()
    subprocess.run([home / ".local/lib/pdm-desktop/uninstall.sh"], env=environment, check=True, capture_output=True)
    assert (workspace / "plant.db").read_bytes() == record
    left = [path for path in home.rglob("*") if "pdm-desktop" in path.name and not path.is_relative_to(workspace)]
    assert left == []


@only_linux
@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_the_debian_package_holds_program_menu_entry_and_licences_and_no_script_that_could_touch_workspaces(
    tmp_path: Path,
) -> None:
    (package,) = FOLDER.parent.glob("*.deb")
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "deb"], check=True)
    root = tmp_path / "deb"
    assert [path.name for path in (root / "DEBIAN").iterdir()] == ["control"]
    assert (root / "opt/pdm-desktop/pdm-desktop").is_file()
    assert (root / "usr/bin/pdm-desktop").readlink() == Path("/opt/pdm-desktop/pdm-desktop")
    assert "Exec=pdm-desktop-window" in (root / "usr/share/applications/pdm-desktop.desktop").read_text()
    assert "PySide6" in (root / "usr/share/doc/pdm-desktop/copyright").read_text("utf-8")
