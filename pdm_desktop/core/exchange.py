"""Model versions on a stick: one zip with checksums, out and in. Nothing is unpickled, nothing leaves its folder."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.scoring import CHECKSUMS, DESCRIPTION, Model

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
LARGEST = 1_000_000_000


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
            if not {CHECKSUMS, DESCRIPTION} <= set(names):
                raise PdmError("This is no exported model.", hint, str(file))
            for entry in entries:
                (folder / entry.filename).write_bytes(archive.read(entry))
        listed = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        if not isinstance(listed, dict) or set(listed) != set(names) - {CHECKSUMS}:
            raise PdmError("Its files are not those its checksums name.", hint, str(file))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as exc:
        raise PdmError(f"The model cannot be read: {exc}.", hint, str(file)) from exc
    model = Model.load(folder)
    check(model)
    return model


def check(model: Model) -> None:
    """PdmError unless the booster takes the features and gives the outputs its description names."""
    hint, where = "Use a model made by this version.", str(model.folder)
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
    if width != len(model.outputs) or set(model.calibration) != set(model.outputs):
        raise PdmError("The model's outputs are not those its description names.", hint, where)
    risks = model.predict(np.zeros((1, columns), np.float32))
    if not np.isfinite(risks).all() or not 0 < model.info.threshold <= 1:
        raise PdmError("The model gives no probabilities.", hint, where)
