"""The exported model is checked before use and gives probabilities by the rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import paths, scoring
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.scoring import Model


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The bundled champion in a folder that may be spoilt."""
    return Path(shutil.copytree(paths.bundled_model(), tmp_path / "model"))


@pytest.mark.parametrize("name", ["model.ubj", "pdm_model.json", "MLmodel"])
def test_an_altered_file_is_refused_by_name(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(PdmError, match=name):
        Model.load(copy)


def test_a_missing_file_is_refused(copy: Path) -> None:
    (copy / "model.ubj").unlink()
    with pytest.raises(PdmError, match=r"model\.ubj"):
        Model.load(copy)


def test_checksums_that_leave_out_the_booster_are_refused(copy: Path) -> None:
    recorded = json.loads((copy / "checksums.json").read_text("utf-8"))
    del recorded["model.ubj"]
    (copy / "checksums.json").write_text(json.dumps(recorded), "utf-8")
    with pytest.raises(PdmError, match="leave out"):
        Model.load(copy)


def test_checksums_that_point_outside_the_model_are_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x", "utf-8")
    recorded = json.loads((copy / "checksums.json").read_text("utf-8"))
    recorded["../elsewhere"] = "0" * 64
    (copy / "checksums.json").write_text(json.dumps(recorded), "utf-8")
    with pytest.raises(PdmError):
        Model.load(copy)


def test_features_this_program_would_name_otherwise_are_refused(copy: Path) -> None:
    import hashlib

    plain = json.loads((copy / "pdm_model.json").read_text("utf-8"))
    plain["feature_spec"]["names"][0] = "something_else"
    (copy / "pdm_model.json").write_text(json.dumps(plain), "utf-8")
    recorded = json.loads((copy / "checksums.json").read_text("utf-8"))
    recorded["pdm_model.json"] = hashlib.sha256((copy / "pdm_model.json").read_bytes()).hexdigest()
    (copy / "checksums.json").write_text(json.dumps(recorded), "utf-8")
    with pytest.raises(PdmError, match="does not fit"):
        Model.load(copy)


def test_probabilities_are_the_calibrated_margins_of_the_booster() -> None:
    import xgboost

    model = Model.load(paths.bundled_model())
    rng = np.random.default_rng(1)
    matrix = rng.normal(0, 50, (200, len(model.spec.names))).astype(np.float32)
    margins = model.booster.predict(xgboost.DMatrix(matrix), output_margin=True)
    found = model.predict(matrix)
    how = model.calibration["any"]
    if how["kind"] == "logistic":
        expected = 1 / (1 + np.exp(-(how["a"] * margins[:, 0].astype(float) + how["b"])))
    else:
        expected = np.interp(margins[:, 0], how["x"], how["y"])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)
    assert (found[:, 1:] <= found[:, :1]).all()


@pytest.mark.parametrize(
    ("risk", "age_h", "expected"),
    [
        (0.40, 1, "alarm"),
        (0.399, 1, "watch"),
        (0.10, 24, "watch"),
        (0.0999, 1, "normal"),
        (0.9, 24.1, "stale"),
        (None, 1, "unknown"),
        (None, 30, "stale"),
        (None, None, "unknown"),
        (float("nan"), 0, "unknown"),
    ],
)
def test_bands_follow_the_threshold_and_the_age_of_the_data(
    risk: float | None, age_h: float | None, expected: str
) -> None:
    age = None if age_h is None else round(age_h * 3_600_000)
    assert scoring.band(risk, 0.4, age, 24 * 3_600_000) == expected
