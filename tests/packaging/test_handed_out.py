"""What is handed out: sizes, licences, bill of materials, installation and removal, the file type, upgrades."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import marshal
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.packed import FOLDER, LINUX, PROGRAM, bare, marks, only_linux

pytestmark = marks


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


def bill_of_materials() -> dict[str, dict[str, Any]]:
    """The components by their name as registries compare it."""
    file = FOLDER / "_internal" / "resources" / "licences" / "sbom.cdx.json"
    return {plain(part["name"]): part for part in json.loads(file.read_text("utf-8"))["components"]}


def debian_package() -> Path:
    """The .deb beside the folder; skips where the system that packed has no dpkg-deb."""
    made = list(FOLDER.parent.glob("*.deb"))
    if not made:
        pytest.skip("no Debian package was made: no dpkg-deb")
    (package,) = made
    return package


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def frozen_modules() -> set[str]:
    """The top-level names of all Python code inside the executable: the table of contents of PyInstaller's PYZ."""
    content = PROGRAM.read_bytes()
    start = content.rindex(b"PYZ\0" + importlib.util.MAGIC_NUMBER)
    (offset,) = struct.unpack("!i", content[start + 8 : start + 12])
    return {name.partition(".")[0] for name, _ in marshal.loads(content[start + offset :])}


def test_every_native_library_in_the_folder_has_a_component_that_names_it() -> None:
    kind = {"linux": b"\x7fELF", "win32": b"MZ"}[sys.platform]
    folder = FOLDER / "_internal"
    native = set()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(len(kind)) == kind:
                    native.add(path.relative_to(FOLDER).as_posix())
    assert len(native) > 100
    named = {
        place["location"]
        for part in bill_of_materials().values()
        for place in part.get("evidence", {}).get("occurrences", [])
    }
    assert native - named == set()


def test_every_distribution_whose_code_is_in_the_program_is_a_component_with_its_licence() -> None:
    owners = importlib.metadata.packages_distributions()
    modules = frozen_modules() - set(sys.stdlib_module_names) - {"pdm_desktop"}
    assert {"pandas", "mlflow", "optuna", "xgboost", "PySide6"} <= modules
    inside = {plain(owners[name][0]) for name in modules if len(owners.get(name, ())) == 1}
    inside |= {plain(path.name.partition("-")[0]) for path in (FOLDER / "_internal").glob("*.dist-info")}
    bill = bill_of_materials()
    assert inside - bill.keys() == set()
    assert [name for name, part in bill.items() if not part["licenses"][0]["license"]["name"]] == []
    notice = (FOLDER / "_internal" / "resources" / "licences" / "THIRD-PARTY.txt").read_text("utf-8")
    sections = {section.strip().partition("\n")[0] for section in notice.split("=" * 100)[1:]}
    assert sections == {f"{part['name']} {part['version']}" for part in bill.values()}


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
    assert "MimeType=application/vnd.pdm-desktop.model+zip;" in entry
    assert entry.count(" open %f") == 1
    kinds = home / ".local/share/mime"
    assert (kinds / "packages/pdm-desktop.xml").is_file()
    if shutil.which("update-mime-database"):
        assert ":*.pdmmodel" in (kinds / "globs2").read_text("utf-8")
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
    package = debian_package()
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "deb"], check=True)
    root = tmp_path / "deb"
    assert [path.name for path in (root / "DEBIAN").iterdir()] == ["control"]
    assert (root / "opt/pdm-desktop/pdm-desktop").is_file()
    assert (root / "usr/bin/pdm-desktop").readlink() == Path("/opt/pdm-desktop/pdm-desktop")
    assert "Exec=pdm-desktop-window" in (root / "usr/share/applications/pdm-desktop.desktop").read_text()
    assert "PySide6" in (root / "usr/share/doc/pdm-desktop/copyright").read_text("utf-8")
    assert (root / "usr/share/mime/packages/pdm-desktop.xml").is_file()


@only_linux
@pytest.mark.skipif(not LINUX or os.geteuid() != 0 or not shutil.which("dpkg"), reason="needs root and dpkg")
@pytest.mark.skipif(Path("/opt/pdm-desktop").exists(), reason="is installed on this computer already")
def test_the_debian_package_installs_runs_as_any_user_and_leaves_workspaces_when_removed() -> None:
    package = debian_package()
    base = Path("/var/tmp") / f"pdm-desktop-deb-{os.getpid()}"  # one that every user can reach
    base.mkdir()
    os.chown(base, 65534, 65534)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    try:
        done = subprocess.run(["dpkg", "-i", package], capture_output=True, text=True, check=False)
        if "dependency problems" in done.stderr:
            pytest.skip(f"this system lacks what the package depends on: {done.stderr}")
        assert done.returncode == 0, done.stderr
        demo = ("--json", "demo", "--machines", "3", "--days", "20")
        made = subprocess.run(
            [*nobody, "/usr/bin/pdm-desktop", "--workspace", base / "ws", *demo],
            env=bare(base), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        record = (base / "ws" / "plant.db").read_bytes()
        subprocess.run(["dpkg", "-i", package], check=True, capture_output=True)  # again, as an update does
        subprocess.run(["dpkg", "-r", "pdm-desktop"], check=True, capture_output=True)
        assert (base / "ws" / "plant.db").read_bytes() == record
        left = ("/opt/pdm-desktop", "/usr/bin/pdm-desktop", "/usr/share/mime/packages/pdm-desktop.xml")
        assert [path for path in left if Path(path).exists()] == []
    finally:
        subprocess.run(["dpkg", "--purge", "pdm-desktop"], capture_output=True, check=False)
        shutil.rmtree(base)
