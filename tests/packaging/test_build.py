"""What a clone gives: a wheel with everything the program reads, pins that are pins, and plain words where something
is not available."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from pdm_desktop.core import doctor

ROOT = Path(__file__).resolve().parents[2]


def dev(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "build" / "dev.py"), *args], capture_output=True, text=True, check=False
    )


def test_a_wheel_carries_model_resources_migrations_and_both_entry_points(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entries = archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    assert {
        "pdm_desktop/models/champion/model.ubj",
        "pdm_desktop/models/champion/checksums.json",
        "pdm_desktop/resources/themes/style.qss",
        "pdm_desktop/resources/icons/app.svg",
        "pdm_desktop/core/migrations/env.py",
    } <= names
    assert any(re.fullmatch(r"pdm_desktop/core/migrations/versions/0001\w*\.py", name) for name in names)
    assert not [name for name in names if name.split("/")[0] in ("tests", "build", "models", "resources")]
    assert re.search(r"\[console_scripts\]\s+pdm-desktop = ", entries)
    assert "[gui_scripts]" in entries


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-bench.txt", "constraints-package.txt"])
def test_pins_are_exact_and_name_no_place_to_fetch_from(name: str) -> None:
    lines = (ROOT / "build" / name).read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


@pytest.mark.parametrize("name", ["constraints-package.txt", "constraints-bench.txt"])
def test_tools_that_do_not_ship_are_pinned_apart_from_what_does(name: str) -> None:
    def pins(file: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "build" / file).read_text("utf-8"), re.MULTILINE))

    ships, tools = pins("constraints.txt"), pins(name)
    assert not {"pyinstaller", "polars", "pyarrow", "scikit-learn"} & ships.keys()
    assert {pin: tools[pin] for pin in tools.keys() & ships.keys()} == {
        pin: ships[pin] for pin in tools.keys() & ships.keys()
    }


@pytest.fixture
def packaging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """build/package.py, working in a folder of this test."""
    spec = importlib.util.spec_from_file_location("package_script", ROOT / "build" / "package.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec.loader.exec_module(module)
    for name in ("DIST", "WORK"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(module, name, tmp_path / name)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="archives are made on Linux")
def test_without_zstd_the_archive_is_a_tar_xz_with_the_same_files_links_and_rights_and_the_same_bytes_each_time(
    packaging: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pdm-desktop"
    (folder / "_internal").mkdir(parents=True)
    (folder / "pdm-desktop").write_bytes(b"program")
    (folder / "pdm-desktop").chmod(0o755)
    (folder / "pdm-desktop-window").symlink_to("pdm-desktop")
    (folder / "_internal" / "data ä.txt").write_bytes(b"x" * 100_000)
    packaging.settle(folder, 1_700_000_000)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    made = packaging.archive(folder, 1_700_000_000)
    first = made.read_bytes()
    assert made.name.endswith("-linux-x86_64.tar.xz")
    (folder / "pdm-desktop").touch()
    assert packaging.archive(folder, 1_700_000_000).read_bytes() == first
    with tarfile.open(made, "r:xz") as tar:
        tar.extractall(tmp_path / "out", filter="data")
        assert {(entry.uname, entry.mtime) for entry in tar.getmembers()} == {("root", 1_700_000_000)}
    (top,) = (tmp_path / "out").iterdir()
    assert (top / "pdm-desktop").stat().st_mode & 0o777 == 0o755
    assert (top / "pdm-desktop-window").readlink() == Path("pdm-desktop")
    assert (top / "_internal" / "data ä.txt").read_bytes() == b"x" * 100_000


def test_the_packed_program_carries_the_metadata_of_every_library_the_doctor_names() -> None:
    metadata = re.search(r"^METADATA = \((.*?)^\)", (ROOT / "pdm_desktop.spec").read_text("utf-8"), re.M | re.S)
    assert metadata is not None
    packed = {name.lower().replace("_", "-") for name in re.findall(r'"([^"]+)"', metadata[1])}
    assert {name.lower() for name in doctor.LIBRARIES} - packed == set()


def test_wrong_use_of_package_ends_with_2() -> None:
    run = dev("package", "--onefile")
    assert run.returncode == 2
    assert "no arguments" in run.stderr


@pytest.mark.parametrize("args", [(), ("nonsense",)])
def test_wrong_use_of_dev_shows_the_commands_and_ends_with_2(args: tuple[str, ...]) -> None:
    run = dev(*args)
    assert run.returncode == 2
    assert "build/dev.py test" in run.stderr
