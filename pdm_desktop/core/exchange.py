"""Model versions on a stick: one zip with checksums, out and in. Nothing is unpickled, nothing leaves its folder."""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

from pdm_desktop.core import reference, trees
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.model_results import Goal
from pdm_desktop.core.scoring import BOOSTER, CHECKSUMS, DESCRIPTION, Model, verify
from pdm_desktop.core.times import parse

MLMODEL = "MLmodel"
LONGEST_NAME = 200
_FIGURE = (int, float, dict, type(None))

ALLOWED = frozenset(
    {
        "MLmodel",
        "MODEL_CARD.md",
        "checksums.json",
        "conda.yaml",
        "input_example.json",
        "model.ubj",
        "pdm_model.json",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    }
)
"""Every file a model may bring; anything else is refused unread."""
LARGEST = 200_000_000
SHORTEST_H, LONGEST_H = 1 / 60, 24 * 366
"""Horizons a plant can have."""
LARGEST_TEXT = 5_000_000
"""Bytes, unpacked: of everything, and of a file that is not the trees."""


def pack(folder: Path, out: Path) -> Path:
    """Write the model in `folder` into the zip `out`; an existing one is replaced once the new one is whole.

    PdmError when the model is damaged, or `out` cannot be written.
    """
    check(Model.load(folder))
    part = out.with_name(out.name + ".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                if path.name in ALLOWED:
                    archive.write(path, path.name)
        part.replace(out)
    except OSError as exc:
        raise PdmError(f"The file cannot be written: {exc.strerror}.", "Choose another folder.", str(out)) from exc
    finally:
        part.unlink(missing_ok=True)
    return out


def unpack(file: Path, folder: Path) -> Model:
    """The model in the zip `file`, laid into the empty `folder` and checked.

    PdmError: no such zip, a file that does not belong, too large, checksums that do not hold, other features.
    """
    hint = "Export the model again where it came from."
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            for entry in entries:
                if entry.filename not in ALLOWED or (entry.external_attr >> 16) & 0o170000 == 0o120000:
                    raise PdmError(f"The file {entry.filename!r} has no place in a model.", hint, str(file))
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise PdmError("A file is in it twice.", hint, str(file))
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise PdmError("It is too large for a model.", hint, str(file))
            if any(entry.file_size > LARGEST_TEXT for entry in entries if entry.filename != BOOSTER):
                raise PdmError("One of its texts is too large for a model.", hint, str(file))
            if not {BOOSTER, CHECKSUMS, DESCRIPTION, MLMODEL} <= set(names):
                raise PdmError("This is no exported model.", hint, str(file))
            for entry in entries:
                (folder / entry.filename).write_bytes(archive.read(entry))
        listed = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        if not isinstance(listed, dict) or set(listed) != set(names) - {CHECKSUMS}:
            raise PdmError("Its files are not those its checksums name.", hint, str(file))
        verify(folder)
        _described(json.loads((folder / DESCRIPTION).read_text("utf-8")))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error, EOFError) as exc:
        raise PdmError(f"The model cannot be read: {exc}.", hint, str(file)) from exc
    model = Model.load(folder)
    check(model)
    told = float(json.loads((folder / DESCRIPTION).read_text("utf-8"))["horizon_h"])
    if told != model.info.horizon_h or not SHORTEST_H <= told <= LONGEST_H:
        raise PdmError(
            f"The model says that it looks {told:g} h ahead, its features {model.info.horizon_h:g} h.", hint, str(file)
        )
    return model


def same(one: Model, other: Model) -> bool:
    """Whether two models give the same risks and alarms."""
    trees_of = [hashlib.sha256((model.folder / BOOSTER).read_bytes()).digest() for model in (one, other)]
    told = [(model.spec, model.outputs, dict(model.calibration), model.info.threshold) for model in (one, other)]
    return trees_of[0] == trees_of[1] and told[0] == told[1]


def _described(plain: Any) -> None:
    """ValueError unless the description has the form that is read later on: versions are listed by it."""
    wanted: dict[str, type | tuple[type, ...]] = {
        "name": str,
        "version": str,
        "run_id": str,
        "feature_spec": dict,
        "horizon_h": (int, float),
        "outputs": list,
        "threshold": (int, float),
        "calibration": dict,
        "splits": dict,
        "metrics": dict,
        "params": dict,
        "made_from": dict,
    }
    for key, kind in wanted.items():
        if not isinstance(plain[key] if isinstance(plain, dict) and key in plain else None, kind):
            raise ValueError(f"its description says nothing usable of {key}")
    if not all(isinstance(name, str) for name in plain["outputs"]) or not plain["outputs"]:
        raise ValueError("its description names no outputs")
    for name, span in plain["metrics"].items():
        if not isinstance(span, dict) or not all(isinstance(v, _FIGURE) for v in span.values()):
            raise ValueError(f"its figures of {name} are none")
    for how in plain["calibration"].values():
        _calibrates(how)
    for key in ("train_from", "train_to", "validation_from", "validation_to", "test_from", "test_to"):
        if not isinstance(plain["splits"].get(key), int):
            raise ValueError(f"its splits say nothing usable of {key}")
    if not _texts(plain["splits"].get("held_out", [])):
        raise ValueError("its splits say nothing usable of held_out")
    _made_from(plain["made_from"])
    if max(len(plain[key]) for key in ("name", "version", "run_id")) > LONGEST_NAME:
        raise ValueError("its names are too long")


def _made_from(facts: dict[str, Any]) -> None:
    """ValueError where what is read later of a version's making (what it has seen, its goal) has another form."""
    if not _texts(facts.get("machines", [])) and not isinstance(facts["machines"], int):
        raise ValueError("it says nothing usable of the machines it was made from")
    try:
        Goal(**facts.get("goal", {}))
        parse(str(facts.get("known_until", "2000-01-01")), "UTC")
        reference.read(facts)
    except (TypeError, ValueError, PdmError) as exc:
        raise ValueError(f"it says nothing usable of how it was made: {exc}") from exc


def _texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(name, str) for name in found)


def _calibrates(how: Any) -> None:
    kind = how.get("kind") if isinstance(how, dict) else None
    numbers = [how.get("a"), how.get("b")] if kind == "logistic" else None
    if kind == "points" and all(isinstance(how.get(key), list) for key in "xy") and len(how["x"]) == len(how["y"]) > 0:
        numbers = [*how["x"], *how["y"]]
    if numbers is None or not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
        raise ValueError("its calibration is none")


def check(model: Model) -> None:
    """PdmError unless the booster takes the features and gives the outputs its description names."""
    hint, where = "Use a model made by this version.", str(model.folder)
    try:
        trees.check(model.folder / BOOSTER, len(model.spec.names), len(model.outputs))
    except (OSError, ValueError) as exc:
        raise PdmError(f"The model's trees cannot be used: {exc}.", hint, where) from exc
    try:
        columns, booster_columns = len(model.spec.names), model.booster.num_features()
    except Exception as exc:  # the booster's own error type can be named only where XGBoost is imported
        if type(exc).__module__.split(".")[0] != "xgboost":
            raise
        raise PdmError("The model's trees cannot be read.", hint, where) from exc
    if columns != booster_columns:
        raise PdmError(f"The model takes {booster_columns} features, its description names {columns}.", hint, where)
    import numpy as np

    width = np.asarray(model.booster.inplace_predict(np.zeros((1, columns), np.float32), predict_type="margin")).size
    named = set(model.outputs[1:])
    if (
        width != len(model.outputs)
        or set(model.calibration) != set(model.outputs)
        or model.outputs[0] != "any"
        or len(named) != width - 1
    ):
        raise PdmError("The model's outputs are not those its description names.", hint, where)
    risks = model.predict(np.zeros((1, columns), np.float32))
    if not np.isfinite(risks).all() or not 0 < model.info.threshold <= 1:
        raise PdmError("The model gives no probabilities.", hint, where)
