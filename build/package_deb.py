"""The Debian package of a packed program: it lies in /opt, with its commands in /usr/bin and an entry in the menu."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Everything else that Qt needs lies in the program's folder; these stay the system's own.
DEPENDS = "libc6 (>= 2.36), libegl1, libgl1, fonts-dejavu-core | fonts-liberation | ttf-font"
CONTROL = """\
Package: pdm-desktop
Version: {version}
Architecture: amd64
Maintainer: PDM Desktop <pdm-desktop@localhost>
Installed-Size: {kilobytes}
Depends: {depends}
Section: science
Priority: optional
Description: which machine is likely to fail next, and why
 Reads a plant's telemetry and event files and says for each machine how
 likely it is to fail in the next hours, in which component, and why.
 Works without a network.
"""


def make(program: Path, work: Path, out: Path, version: str, stamp: int) -> Path:
    """Build the package of the folder `program` in `out`; returns its path. The same files give the same bytes."""
    shutil.rmtree(work, ignore_errors=True)
    opt = work / "opt" / program.name
    shutil.copytree(program, opt, symlinks=True)
    for name in ("install.sh", "uninstall.sh", "share"):
        path = opt / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    commands = work / "usr" / "bin"
    commands.mkdir(parents=True)
    for name in ("pdm-desktop", "pdm-desktop-window"):
        (commands / name).symlink_to(Path("/opt") / program.name / name)
    share = work / "usr" / "share"
    entry = (program / "share" / "pdm-desktop.desktop").read_text("utf-8").replace("@PROGRAM@", "pdm-desktop-window")
    _put(share / "applications" / "pdm-desktop.desktop", entry.encode())
    _put(share / "mime" / "packages" / "pdm-desktop.xml", (program / "share" / "pdm-desktop.xml").read_bytes())
    icons = share / "icons" / "hicolor"
    for size in (48, 128, 256):
        picture = (program / "share" / f"pdm-desktop-{size}.png").read_bytes()
        _put(icons / f"{size}x{size}" / "apps" / "pdm-desktop.png", picture)
    _put(icons / "scalable" / "apps" / "pdm-desktop.svg", (program / "share" / "pdm-desktop.svg").read_bytes())
    about = (program / "_internal" / "resources" / "licences" / "THIRD-PARTY.txt").read_bytes()
    _put(share / "doc" / "pdm-desktop" / "copyright", about)
    size = sum(path.lstat().st_size for path in work.rglob("*") if path.is_file() and not path.is_symlink())
    control = CONTROL.format(version=version, kilobytes=size // 1024, depends=DEPENDS)
    _put(work / "DEBIAN" / "control", control.encode())
    for path in [work, *work.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    package = out / f"pdm-desktop_{version}_amd64.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z12", "--build", str(work), str(package)]
    subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(stamp)}, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(work)
    return package


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
