"""Which version of a workspace's model is in use: a small file beside the store, so that a start needs no MLflow.

Its paths are relative: a moved or copied workspace loads its model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pdm_desktop.core import paths
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.scoring import CHECKSUMS, DESCRIPTION, Model

FILE = "champion.json"


def in_use(mlruns: Path) -> Model:
    """The model in use: the champion promoted in this workspace, else the one that ships with the program.

    PdmError when its files are gone or altered.
    """
    chosen = entry(mlruns)
    if chosen is None:
        return Model.load(paths.bundled_model())
    folder = mlruns / chosen["folder"]
    hint = "Choose another version on the Models page, or take the folder from a backup."
    try:
        found = hashlib.sha256((folder / CHECKSUMS).read_bytes()).hexdigest()
    except OSError as exc:
        raise PdmError(
            f"Model version {chosen['version']} is in use, but its files are gone.", hint, str(folder)
        ) from exc
    if found != chosen["sha256"]:
        raise PdmError(
            f"The files of model version {chosen['version']} are not those that were promoted.", hint, str(folder)
        )
    return named(Model.load(folder), chosen["version"])


def facts(mlruns: Path) -> dict[str, Any]:
    """Where the model in use came from: machines, known_until, features, goal ... PdmError when its files are gone or
    altered."""
    plain = json.loads((in_use(mlruns).folder / DESCRIPTION).read_text("utf-8"))
    made_from: dict[str, Any] = plain.get("made_from") or {}
    return made_from


def entry(mlruns: Path) -> Mapping[str, str] | None:
    """version, folder (in `mlruns`) and sha256 of its list of checksums; None while the one that ships is in use."""
    hint = "Promote a version on the Models page, or take the file from a backup."
    try:
        plain = json.loads((mlruns / FILE).read_text("utf-8"))
        found = {key: str(plain[key]) for key in ("version", "folder", "sha256")}
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise PdmError(f"Which model is in use cannot be read: {exc.strerror}.", hint, str(mlruns / FILE)) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise PdmError("The file that says which model is in use is damaged.", hint, str(mlruns / FILE)) from exc
    place = PurePosixPath(found["folder"])
    if place.is_absolute() or ".." in place.parts or "\\" in found["folder"] or ":" in found["folder"]:
        raise PdmError("The file that says which model is in use is damaged.", hint, str(mlruns / FILE))
    return found


def decision(mlruns: Path) -> dict[str, Any] | None:
    """Who put the version in use, when and why; None while the one that ships is, or where an earlier release wrote
    the file."""
    if entry(mlruns) is None:
        return None
    found: dict[str, Any] | None = json.loads((mlruns / FILE).read_text("utf-8")).get("decision")
    return found


def put_in_use(mlruns: Path, version: str, folder: Path, decision: Mapping[str, Any]) -> None:
    """Note that the version whose model lies in `folder` is in use, and by whose decision, at once or not at all."""
    plain = {
        "decision": dict(decision),
        "version": version,
        "folder": folder.relative_to(mlruns).as_posix(),
        "sha256": hashlib.sha256((folder / CHECKSUMS).read_bytes()).hexdigest(),
    }
    fresh = mlruns / (FILE + ".new")
    fresh.write_text(json.dumps(plain, indent=1, ensure_ascii=False), "utf-8")
    fresh.replace(mlruns / FILE)


def named(model: Model, version: str) -> Model:
    """The model under its number here: an imported one was counted elsewhere."""
    return replace(model, info=replace(model.info, version=version))
