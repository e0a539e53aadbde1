"""Packs the program: PyInstaller's folder, then what each system expects. Run by `build/dev.py package`.

Everything lands in build/dist, everything on the way there in build/.work. Only the standard library and PyInstaller's
environment; figures of sizes go to stdout.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from build import notices, package_deb  # noqa: E402 (a script's own folder is not its package)
from pdm_desktop import __version__  # noqa: E402

DIST = ROOT / "build" / "dist"
WORK = ROOT / "build" / ".work"
INSTALLER = ROOT / "build" / "installer"
NAME = "pdm-desktop"
WINDOW = "pdm-desktop-window"
LINUX = sys.platform.startswith("linux")
WINDOWS = sys.platform == "win32"
FOLDER_MB, ARCHIVE_MB = 300, 130
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256)


def main() -> int:
    """Build everything this system can; 1 where a budget of size is broken."""
    begun = time.monotonic()
    stamp = source_date()
    shutil.rmtree(DIST, ignore_errors=True)
    WORK.mkdir(parents=True, exist_ok=True)
    icons(WORK / "icons")
    if WINDOWS:
        (WORK / "version.txt").write_text(version_resource(), encoding="utf-8")
    freeze(stamp)
    phase("frozen after", begun)
    folder = DIST / NAME
    if LINUX:
        shared_executable(folder)
        strip(folder)
    phase("stripped after", begun)
    forget_scripts(folder)
    notices.write(WORK / "collected.json", folder, stamp)
    if LINUX:
        desktop_parts(folder)
    settle(folder, stamp)
    phase("licences and bill of materials after", begun)
    made = [folder]
    if LINUX:
        # Beside each other: compressing takes the larger half of the build, each on one thread.
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(archive, folder, stamp)]
            if shutil.which("dpkg-deb"):
                jobs.append(pool.submit(package_deb.make, folder, WORK / "deb", DIST, __version__, stamp))
            else:
                print("dpkg-deb is not there: no Debian package", file=sys.stderr)
            made += [job.result() for job in jobs]
        phase("archive and package after", begun)
    checksums([path for path in made if path.is_file()])
    return sizes(folder, made, time.monotonic() - begun)


def source_date() -> int:
    """The time that goes into every file: SOURCE_DATE_EPOCH, else that of the newest commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "log", "-1", "--format=%ct"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return int(run.stdout) if run.returncode == 0 and run.stdout.strip() else 1_700_000_000


# --- the folder -------------------------------------------------------------------------------------------------------


def freeze(stamp: int) -> None:
    """PyInstaller, with nothing left to chance that it can be told."""
    environment = {
        **os.environ,
        "PDM_PACKAGE_WORK": str(WORK),
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": str(stamp),
        "QT_QPA_PLATFORM": "offscreen",
    }
    options = ["--noconfirm", "--distpath", str(DIST), "--workpath", str(WORK), "--log-level", "WARN"]
    command = [sys.executable, "-m", "PyInstaller", *options, str(ROOT / "pdm_desktop.spec")]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr.fileno(), check=True)


def shared_executable(folder: Path) -> None:
    """Linux knows no windowed executables: both are the same program, and one of them is enough."""
    (folder / WINDOW).unlink()
    (folder / WINDOW).symlink_to(NAME)


def strip(folder: Path) -> None:
    """Take symbols nobody looks up out of the libraries.

    Not in wheels' own `*.libs`: those were patched after linking, and strip leaves them so that no loader takes them.
    """
    tool = shutil.which("strip")
    if tool is None:
        print("strip is not there (Debian: binutils): the folder stays larger", file=sys.stderr)
        return
    for path in sorted(files(folder / "_internal")):
        if path.parent.name.endswith(".libs") or path.is_symlink() or path.read_bytes()[:4] != b"\x7fELF":
            continue
        path.chmod(0o755)
        subprocess.run([tool, "--strip-unneeded", str(path)], check=True)


def desktop_parts(folder: Path) -> None:
    """Desktop file, file type, icons and the scripts that install for one user, beside the program."""
    share = folder / "share"
    share.mkdir()
    for name in ("pdm-desktop.desktop", "pdm-desktop.xml"):
        shutil.copy(INSTALLER / "linux" / name, share / name)
    shutil.copy(ROOT / "resources" / "icons" / "app.svg", share / "pdm-desktop.svg")
    for size in (48, 128, 256):
        shutil.copy(WORK / "icons" / f"{size}.png", share / f"pdm-desktop-{size}.png")
    for name in ("install.sh", "uninstall.sh"):
        shutil.copy(INSTALLER / "linux" / name, folder / name)
        (folder / name).chmod(0o755)


def forget_scripts(folder: Path) -> None:
    """Take from the libraries' lists of files those outside their folder, which are not shipped: starters with the path
    of the building environment in them, whose checksums would make every build another one."""
    for record in folder.glob("_internal/*.dist-info/RECORD"):
        lines = record.read_bytes().splitlines(keepends=True)
        record.write_bytes(b"".join(line for line in lines if not line.startswith(b"../")))


def settle(folder: Path, stamp: int) -> None:
    """Same times and rights whoever builds: readable by all, writable by the owner alone."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (stamp, stamp), follow_symlinks=not LINUX)


# --- icon and version -------------------------------------------------------------------------------------------------


def icons(folder: Path) -> None:
    """The program's icon as PNG in the usual sizes, and all of them as one .ico for Windows."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    folder.mkdir(exist_ok=True)
    drawing = QSvgRenderer(str(ROOT / "resources" / "icons" / "app.svg"))
    for size in ICON_SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        if not image.save(str(folder / f"{size}.png")):
            raise OSError(f"{folder} cannot be written")
    del application
    (WORK / "icon.ico").write_bytes(ico([(size, (folder / f"{size}.png").read_bytes()) for size in ICON_SIZES]))


def ico(pictures: list[tuple[int, bytes]]) -> bytes:
    """An icon file of PNG pictures: header, one directory entry of 16 bytes each (0 = 256 pixels), the pictures."""
    offset = 6 + 16 * len(pictures)
    directory = b""
    for size, png in pictures:
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(png), offset)
        offset += len(png)
    return struct.pack("<HHH", 0, 1, len(pictures)) + directory + b"".join(png for _, png in pictures)


def version_resource() -> str:
    """What Windows shows under Properties > Details, in the form PyInstaller reads."""
    numbers = tuple(int(part) for part in (*__version__.split(".")[:3], "0"))
    text = (INSTALLER / "windows" / "version.txt.in").read_text("utf-8")
    return text.replace("@NUMBERS@", repr(numbers)).replace("@VERSION@", __version__)


# --- archive and sums -------------------------------------------------------------------------------------------------


def archive(folder: Path, stamp: int) -> Path:
    """The folder as .tar.zst, or .tar.xz where there is no zstd: same bytes for the same files."""
    plain = WORK / f"{NAME}.tar"
    with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            entry = tar.gettarinfo(path, str(Path(f"{NAME}-{__version__}") / path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = stamp
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)
    name = f"{NAME}-{__version__}-linux-x86_64.tar"
    zstd = shutil.which("zstd")
    if zstd:
        out = DIST / f"{name}.zst"
        # One thread: more of them cut the stream elsewhere, and the bytes would hang on the computer.
        subprocess.run([zstd, "-q", "-f", "-12", "--long=27", "-T1", str(plain), "-o", str(out)], check=True)
    else:
        out = DIST / f"{name}.xz"
        with plain.open("rb") as source, lzma.open(out, "wb", preset=6) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    plain.unlink()
    return out


def checksums(paths: list[Path]) -> None:
    """SHA256SUMS beside what is handed out, in the form `sha256sum -c` reads."""
    lines = []
    for path in sorted(paths):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (DIST / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


# --- sizes ------------------------------------------------------------------------------------------------------------


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder."""
    return (path for path in folder.rglob("*") if path.is_file())


def size_mb(path: Path) -> float:
    """Megabytes (1e6 bytes) of a file, or of a folder's files, each link counted as nothing."""
    if path.is_file():
        return path.stat().st_size / 1e6
    return sum(file.stat().st_size for file in files(path) if not file.is_symlink()) / 1e6


def sizes(folder: Path, made: list[Path], seconds: float) -> int:
    """Print what is how large; the exit code."""
    parts: dict[str, float] = {}
    for file in files(folder):
        if not file.is_symlink():
            part = part_of(file.relative_to(folder))
            parts[part] = parts.get(part, 0) + file.stat().st_size / 1e6
    print("| Part | MB |\n| --- | --- |")
    for part, size in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"| {part} | {size:.1f} |")
    print()
    over = False
    for path in made:
        limit = FOLDER_MB if path.is_dir() else ARCHIVE_MB
        over |= size_mb(path) > limit
        print(f"{path.relative_to(ROOT).as_posix()}: {size_mb(path):.0f} MB (limit {limit})")
    print(f"built in {seconds:.0f} s", flush=True)
    return int(over)


def phase(name: str, begun: float) -> None:
    """How long a part took, for who wants the build faster."""
    print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def part_of(path: Path) -> str:
    """The row of the size table that a file belongs to."""
    if path.parts[0] != "_internal":
        return "the program's own executable with all Python code" if path.name in (NAME, WINDOW) else "installer parts"
    top = path.parts[1] if len(path.parts) > 2 else ""
    top = top.removesuffix(".libs").partition("-")[0]
    named = {"PySide6": "Qt and PySide6", "shiboken6": "Qt and PySide6", "python3.11": "Python"}
    big = {"scipy", "numpy", "pandas", "cryptography", "pydantic_core", "models", "resources", "xgboost"}
    if top in named:
        return named[top]
    if top in big:
        return top
    if path.name.startswith("libpython") or path.name == "base_library.zip" or top.startswith("python3"):
        return "Python"
    return "system libraries" if not top else "smaller libraries and data"


if __name__ == "__main__":
    sys.exit(main())
