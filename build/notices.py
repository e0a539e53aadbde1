"""Licences and bill of materials of a packed program, from the list of what really went into it.

Every collected file is traced to the distribution, Debian package or Python that it comes from. What cannot be traced
ends the build: nothing is handed out without its licence.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from pdm_desktop import __version__

ROOT = Path(__file__).resolve().parents[1]
TEXTS = ROOT / "resources" / "licences"
LICENCE_FILE = re.compile(r"(^|/)(licen[sc]es?|copying|copyright|notice|authors)[^/]*$|/licenses/", re.IGNORECASE)

NATIVE = ("BINARY", "EXTENSION")
"""PyInstaller's words for shared libraries and Python's extension modules."""

# Wheels that carry no text of their licence: which of resources/licences holds it.
WITHOUT_TEXT = {
    "alembic": ("MIT", "Copyright 2009-2026 Michael Bayer."),
    "google-auth": ("Apache-2.0", ""),
    "mlflow-skinny": ("Apache-2.0", "Copyright 2018 Databricks, Inc."),
    "pyside6-essentials": ("LGPL-3.0", ""),
    "shiboken6": ("LGPL-3.0", ""),
    "xgboost-cpu": ("Apache-2.0", "Copyright by the XGBoost contributors."),
}


@dataclass(frozen=True)
class Component:
    """One thing that ships. kind: pypi, deb or generic; licence: as it names it; texts: its licence's full texts;
    files: its native libraries, by their place in the program's folder."""

    kind: str
    name: str
    version: str
    licence: str
    texts: tuple[str, ...]
    home: str = ""
    files: tuple[str, ...] = ()

    @property
    def purl(self) -> str:
        """The package URL."""
        name = f"debian/{self.name}" if self.kind == "deb" else self.name
        return f"pkg:{self.kind}/{name}@{self.version}"


def write(collected: Path, program: Path, stamp: int) -> None:
    """Put THIRD-PARTY.txt and sbom.cdx.json into the packed program's licence folder."""
    folder = program / "_internal" / "resources" / "licences"
    folder.mkdir(parents=True, exist_ok=True)
    found = components(collected)
    (folder / "THIRD-PARTY.txt").write_text(notice(found), encoding="utf-8", newline="\n")
    bill = json.dumps(sbom(found, stamp), indent=1, ensure_ascii=False)
    (folder / "sbom.cdx.json").write_text(bill + "\n", encoding="utf-8", newline="\n")


def components(collected: Path) -> list[Component]:
    """What the collected files come from, by name."""
    entries: list[list[str]] = json.loads(collected.read_text("utf-8"))
    native: dict[Path, list[str]] = {}
    for kind, place, origin in entries:
        if kind in NATIVE:
            native.setdefault(Path(origin), []).append("_internal/" + place.replace("\\", "/"))
    owners = _owners()
    distributions: dict[str, metadata.Distribution] = {}
    files: dict[str, list[str]] = {}
    strangers: set[Path] = set()
    for source in {Path(origin) for _kind, _place, origin in entries if origin not in ("", "-")}:
        owner = owners.get(source.absolute()) or owners.get(source.resolve())
        if owner is not None and not plain(owner.metadata["Name"]).startswith("pyinstaller"):
            name = plain(owner.metadata["Name"])
            distributions[name] = owner
            files.setdefault(name, []).extend(native.get(source, ()))
        elif not _ours(source.absolute()):
            strangers.add(source)
    pythons = {path for path in strangers if _pythons(path)}
    found = [
        replace(_of_distribution(distribution), files=tuple(sorted(files[name])))
        for name, distribution in distributions.items()
    ]
    found.append(replace(_python(), files=tuple(sorted(name for path in pythons for name in native.get(path, ())))))
    found.append(_bootloader())
    found += _of_system(strangers - pythons, native)
    return sorted(found, key=lambda item: (item.kind != "generic", item.kind, item.name.lower()))


def plain(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def notice(found: Sequence[Component]) -> str:
    """One text: the list of components, Qt's terms, then each component's licence in full; equal texts once."""
    lines = [
        f"PDM Desktop {__version__} contains the following third-party components.",
        "",
        *(f"  {item.name} {item.version}: {item.licence}" for item in found),
        "",
        (TEXTS / "QT.txt").read_text("utf-8"),
    ]
    shown: dict[str, str] = {}
    for item in found:
        lines += ["=" * 100, f"{item.name} {item.version}", *([item.home] if item.home else []), ""]
        for text in item.texts:
            digest = hashlib.sha256(text.encode()).hexdigest()
            if digest in shown:
                lines += [f"(the same text as under {shown[digest]})", ""]
            else:
                shown[digest] = item.name
                lines += [text.rstrip(), ""]
    return "\n".join(lines) + "\n"


def sbom(found: Sequence[Component], stamp: int) -> dict[str, Any]:
    """The bill of materials: CycloneDX 1.6, the same bytes for the same components."""
    parts = [
        {
            "type": "library",
            "bom-ref": item.purl,
            "name": item.name,
            "version": item.version,
            "purl": item.purl,
            "licenses": [{"license": {"name": item.licence}}],
            **({"externalReferences": [{"type": "website", "url": item.home}]} if item.home else {}),
            **({"evidence": {"occurrences": [{"location": name} for name in item.files]}} if item.files else {}),
        }
        for item in found
    ]
    own = f"pkg:generic/pdm-desktop@{__version__}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts, sort_keys=True))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "pdm-desktop",
                "version": __version__,
                "purl": own,
            },
        },
        "components": parts,
        "dependencies": [{"ref": own, "dependsOn": [item.purl for item in found]}],
    }


# --- where a file comes from ------------------------------------------------------------------------------------------


def _owners() -> dict[Path, metadata.Distribution]:
    """Every installed file and the distribution it belongs to."""
    return {
        Path(str(distribution.locate_file(file))).absolute(): distribution
        for distribution in metadata.distributions()
        for file in distribution.files or ()
    }


def _ours(path: Path) -> bool:
    inside = path.is_relative_to(ROOT)
    return inside and not any(part.startswith(".venv") for part in path.relative_to(ROOT).parts)


def _pythons(path: Path) -> bool:
    """Python's own library, or a hook of PyInstaller's (named apart)."""
    places = [Path(sys.base_prefix), Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("platstdlib"))]
    packed = ("PyInstaller", "_pyinstaller_hooks_contrib")
    return any(name in path.parts for name in packed) or any(
        path.resolve().is_relative_to(place.resolve()) for place in places
    )


def _of_distribution(distribution: metadata.Distribution) -> Component:
    about: Any = distribution.metadata
    name = plain(about["Name"])
    texts = [
        Path(str(distribution.locate_file(file))).read_text("utf-8", errors="replace")
        for file in sorted(distribution.files or (), key=str)
        if LICENCE_FILE.search(file.as_posix()) and file.suffix not in (".py", ".pyc", ".so", ".json", ".pyi")
    ]
    if not texts:
        texts = _kept_texts(name, about)
    classifiers = [c.rsplit(" :: ", 1)[-1] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    licence = about.get("License-Expression") or ", ".join(classifiers) or _first_line(about.get("License"))
    homes = [url.partition(", ")[2] for url in about.get_all("Project-URL") or ()]
    home = about.get("Home-page") or next(iter(homes), "")
    return Component("pypi", about["Name"], distribution.version, licence or WITHOUT_TEXT[name][0], tuple(texts), home)


def _kept_texts(name: str, about: Any) -> list[str]:
    """The text for a wheel that carries none: its metadata's, else the one kept in resources/licences."""
    whole = about.get("License") or ""
    if "\n" in whole:
        return [str(whole)]
    if name not in WITHOUT_TEXT:
        raise LookupError(f"{name} ships without a text of its licence: add it to build/notices.py")
    licence, holder = WITHOUT_TEXT[name]
    text = (TEXTS / f"{licence}.txt").read_text("utf-8")
    more = [(TEXTS / "GPL-3.0.txt").read_text("utf-8")] if licence == "LGPL-3.0" else []
    return [*([holder] if holder else []), text, *more]


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _python() -> Component:
    text = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    places = [text, Path(sys.base_prefix) / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE"]
    licence = next((place.read_text("utf-8") for place in places if place.is_file()), None)
    version = platform.python_version()
    if licence is None and (packages := _packages([Path(sysconfig.get_path("stdlib")) / "os.py"])):
        licence = _debian_text(next(iter(packages)))
    if licence is None:
        raise LookupError("Python's licence text is not where Python is")
    return Component("generic", "Python", version, "PSF-2.0", (licence,), "https://www.python.org")


def _bootloader() -> Component:
    """PyInstaller's starter is part of both executables; its licence excepts programs packed with it."""
    made = _of_distribution(metadata.distribution("pyinstaller"))
    home = "https://pyinstaller.org"
    return Component("pypi", made.name, made.version, "GPL-2.0-or-later WITH Bootloader-exception", made.texts, home)


# --- libraries of the system ------------------------------------------------------------------------------------------


def _of_system(paths: Iterable[Path], native: Mapping[Path, Sequence[str]]) -> list[Component]:
    left = sorted(set(paths))
    if not left or sys.platform == "win32":
        # Windows' own runtime libraries (vcruntime, ucrt) come with Python and are covered by its licence text.
        return []
    packages = _packages(left)
    unknown = [str(path) for path in left if not any(path in found for found in packages.values())]
    if unknown:
        raise LookupError(f"no package is known that these files come from: {', '.join(unknown)}")
    return [
        Component(
            "deb",
            name,
            _debian_version(name),
            "see its copyright file",
            (_debian_text(name),),
            files=tuple(sorted(file for path in own for file in native.get(path, ()))),
        )
        for name, own in packages.items()
    ]


def _packages(paths: Sequence[Path]) -> dict[str, set[Path]]:
    """Debian package -> the files among `paths` that are its own; nothing where there is no dpkg."""
    dpkg = shutil.which("dpkg-query")
    found: dict[str, set[Path]] = {}
    if dpkg is None:
        return found
    for path in paths:
        # /lib is a link to /usr/lib, and dpkg knows files by the name they were packed under.
        spellings = {str(path), str(path.resolve()), str(path.resolve()).removeprefix("/usr"), "/usr" + str(path)}
        for spelling in sorted(spellings):
            run = subprocess.run([dpkg, "-S", spelling], capture_output=True, text=True, check=False)
            if run.returncode == 0:
                found.setdefault(run.stdout.partition(": ")[0].partition(":")[0], set()).add(path)
                break
    return found


def _debian_version(package: str) -> str:
    command = ["dpkg-query", "-W", "-f", "${Version}\\n", package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def _debian_text(package: str) -> str:
    text = Path(f"/usr/share/doc/{package}/copyright").read_text("utf-8", errors="replace")
    common = sorted({name.rstrip(".") for name in re.findall(r"/usr/share/common-licenses/([\w.+-]+)", text)})
    bodies = [Path("/usr/share/common-licenses", name) for name in common]
    return "\n\n".join([text, *(body.read_text("utf-8") for body in bodies if body.is_file())])
