"""The exported model: risk and component risks from feature rows, and the reasons for one of them in plain words.

A model is a folder: XGBoost's own `model.ubj` inside an MLflow model, `pdm_model.json` (features, calibration,
threshold, where it came from) and `checksums.json` (SHA-256 of every other file), checked before anything is used.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import reference
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import (
    Feature,
    FeatureSpec,
    MachineHistory,
    build,
    scored_times,
    silent_sensors,
    usual_averages,
    width_text,
)
from pdm_desktop.core.moments import Ints
from pdm_desktop.core.reference import Learned
from pdm_desktop.core.results import Band, ModelInfo, Reason
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.times import HOUR

if TYPE_CHECKING:
    import pandas as pd
    import xgboost

CHECKSUMS = "checksums.json"
DESCRIPTION = "pdm_model.json"
BOOSTER = "model.ubj"
WATCH_SHARE = 0.25
"""Band `watch` begins at this share of the threshold (design: bands)."""

Floats = npt.NDArray[np.float64]
_ROWS_WORTH_THREADS = 2_000


@dataclass(frozen=True)
class Model:
    """A model version ready to predict. outputs: "any", then one name per component, in the booster's order."""

    info: ModelInfo
    spec: FeatureSpec
    outputs: tuple[str, ...]
    calibration: Mapping[str, Mapping[str, Any]]
    folder: Path
    learned: Mapping[str, Learned] = field(default_factory=dict)
    """Sensor (lower case) -> unit and range of the readings it was trained on; empty for an earlier release's."""

    @staticmethod
    def load(folder: Path) -> Model:
        """The model in `folder`. PdmError when files are missing, altered, or made for other features."""
        verify(folder)
        try:
            plain = json.loads((folder / DESCRIPTION).read_text("utf-8"))
            spec = FeatureSpec.from_dict(plain["feature_spec"])
            outputs = tuple(plain["outputs"])
            info = ModelInfo(
                plain["name"],
                str(plain["version"]),
                plain["run_id"],
                spec.version,
                spec.horizon / HOUR,
                float(plain["threshold"]),
            )
            learned = reference.read(plain.get("made_from", {}))
            return Model(info, spec, outputs, plain["calibration"], folder, learned)
        except (KeyError, TypeError, ValueError) as exc:
            raise PdmError(
                f"The model does not fit this program: {exc}.", "Use a model made by this version.", str(folder)
            ) from exc

    @property
    def components(self) -> tuple[str, ...]:
        """The components it gives a risk of their own."""
        return self.outputs[1:]

    @cached_property
    def booster(self) -> xgboost.Booster:
        """The booster, loaded at first use: importing XGBoost takes half a second."""
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(self.folder / BOOSTER)
        return booster

    def _booster_for(self, rows: int) -> xgboost.Booster:
        """The booster set to one thread for few rows: waking a team of threads costs more than they save, many times
        over on a busy computer."""
        self.booster.set_param({"nthread": 1 if rows < _ROWS_WORTH_THREADS else 0})
        return self.booster

    def predict(self, matrix: npt.NDArray[np.floating[Any]]) -> Floats:
        """(n, F) features to (n, 1 + C) calibrated probabilities: any failure, then each component, none above it."""
        if not len(matrix):
            return np.empty((0, len(self.outputs)))
        margins = self._booster_for(len(matrix)).inplace_predict(matrix, predict_type="margin").reshape(len(matrix), -1)
        risks = np.empty(margins.shape)
        for column, name in enumerate(self.outputs):
            risks[:, column] = _calibrated(self.calibration[name], margins[:, column])
        np.minimum(risks[:, 1:], risks[:, :1], out=risks[:, 1:])
        return risks

    def contributions(self, matrix: npt.NDArray[np.floating[Any]]) -> Floats:
        """(n, F) shares of each feature in the log-odds of any failure (tree SHAP as XGBoost gives it).

        Costs about 170 times a prediction: for the latest rows and on demand.
        """
        import xgboost

        if not len(matrix):
            return np.empty((0, matrix.shape[1]))
        data = xgboost.DMatrix(matrix, nthread=1 if len(matrix) < _ROWS_WORTH_THREADS else -1)
        # A row's contributions cost as much as some hundred predictions.
        values = self._booster_for(170 * len(matrix)).predict(data, pred_contribs=True)
        return np.asarray(values.reshape(len(matrix), -1, matrix.shape[1] + 1)[:, 0, :-1], float)


def verify(folder: Path) -> None:
    """Check every file of the model against its recorded SHA-256; PdmError names the one that differs."""
    hint = "Install the program again, or choose another model version."
    try:
        recorded: dict[str, str] = json.loads((folder / CHECKSUMS).read_text("utf-8"))
        if not {DESCRIPTION, BOOSTER} <= recorded.keys():
            raise PdmError("The model's checksums leave out its main files.", hint, str(folder))
        for name, expected in recorded.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
                raise PdmError(f"The model's file {name} is not the one that was recorded.", hint, str(folder))
    except (OSError, ValueError) as exc:
        raise PdmError(f"The model cannot be read: {exc}.", hint, str(folder)) from exc


def _calibrated(how: Mapping[str, Any], margins: npt.NDArray[np.floating[Any]]) -> Floats:
    if how["kind"] == "points":
        return np.asarray(np.interp(margins, how["x"], how["y"]))
    return np.asarray(1 / (1 + np.exp(-(how["a"] * margins.astype(np.float64) + how["b"]))))


def alarms(model: Model, frame: pd.DataFrame, now: int) -> pd.DataFrame:
    """machine, time and component of the alarms among the scores in `frame` that are still a forecast at `now` (ms, the
    computer's clock): what is worked out once the horizon has passed warns nobody."""
    ahead = now < frame["time"].to_numpy(np.int64) + model.spec.horizon
    found = frame.iloc[np.flatnonzero(ahead & (frame["risk"].to_numpy(float) >= model.info.threshold))]
    likeliest = np.full(len(found), "", object)
    if model.components:
        named = np.nan_to_num(found[list(model.components)].to_numpy(float), nan=-1.0).argmax(1)
        likeliest = np.array(model.components, object)[named]
    return found[["machine", "time"]].assign(component=likeliest)


def missing_sensors(model: Model, sensors: Sequence[Sensor]) -> tuple[str, ...]:
    """The model's sensors that the plant does not have (names compare without case)."""
    have = {sensor.name.casefold() for sensor in sensors}
    return tuple(name for name in model.spec.sensors if name.casefold() not in have)


def unfit_sensors(model: Model, sensors: Sequence[Sensor]) -> str:
    """Why the plant's sensors are not those the model was trained on, as the rest of a sentence that begins with the
    model; empty when they are."""
    missing = missing_sensors(model, sensors)
    if missing:
        return f"was trained with sensors this plant does not have ({', '.join(missing)})"
    others = reference.other_units(model.learned, sensors)
    return f"was trained on readings in other units ({'; '.join(others)})" if others else ""


@dataclass(frozen=True)
class Rows:
    """One machine's feature rows at those `times` (m,) that may be scored; `silent` (asked, S) tells of the rest."""

    asked: Ints
    times: Ints
    matrix: npt.NDArray[np.floating[Any]]
    silent: npt.NDArray[np.bool_]
    alive: npt.NDArray[np.bool_]
    """(asked,): whether there is a row at all, its newest reading being within the horizon."""


def rows(model: Model, history: MachineHistory, at: Ints, dtype: npt.DTypeLike = np.float32) -> Rows:
    """The rows of `at` with a score by the rules: newest reading within the horizon, no sensor silent over it."""
    silent = silent_sensors(history, model.spec, at)
    alive = np.isin(at, scored_times(history, at, model.spec.horizon))
    times = at[alive & ~silent.any(1)]
    return Rows(at, times, build(history, model.spec, times, dtype), silent, alive)


def band(risk: float | None, threshold: float, data_age: int | None, horizon: int) -> Band:
    """The band of a risk whose data are `data_age` ms old."""
    if data_age is not None and data_age > horizon:
        return "stale"
    if risk is None or math.isnan(risk):
        return "unknown"
    if risk >= threshold:
        return "alarm"
    return "watch" if risk >= WATCH_SHARE * threshold else "normal"


def reasons(
    model: Model,
    history: MachineHistory,
    at: int,
    row: npt.NDArray[np.floating[Any]],
    contributions: Floats,
    units: Mapping[str, str],
) -> tuple[Reason, ...]:
    """Why the risk at `at` is what it is: what raises it first (largest first), then what lowers it.

    Features about one thing (a sensor, an error code, a component) speak together: their contributions are added and
    the strongest of them lends its name.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for column, feature in enumerate(model.spec.columns):
        about = "" if feature.subject == "machine_model" else feature.about
        groups.setdefault((feature.subject, about), []).append(column)
    told = _Told(history, at, dict(zip(model.spec.names, row.tolist(), strict=True)), units)
    told.usual.update(usual_averages(history, model.spec, at))
    found = []
    for columns in groups.values():
        share = float(contributions[columns].sum())
        strongest = max(columns, key=lambda c: abs(contributions[c]))
        text = _text(model.spec, model.spec.columns[strongest], told)
        found.append(Reason(model.spec.names[strongest], text, share))
    return tuple(sorted(found, key=lambda r: (r.contribution <= 0, -abs(r.contribution))))


@dataclass(frozen=True)
class _Told:
    """What the words of one row are made from."""

    history: MachineHistory
    at: int
    values: dict[str, float]
    units: Mapping[str, str]
    usual: dict[str, Floats] = field(default_factory=dict)


def _text(spec: FeatureSpec, feature: Feature, told: _Told) -> str:
    values, history, at = told.values, told.history, told.at  # noqa: PD011
    about, long = feature.about, width_text(spec.long)
    if feature.subject == "sensor":
        return _sensor_text(spec, about, values[f"{about}_mean_{long}"], told)
    if feature.subject == "error":
        if math.isnan(values[f"{about}_hours_since"]):
            failed = len(history.failures.times) and history.failures.times[0] <= at
            return f"No {about} {'since the last failure' if failed else 'on record'}"
        return _error_text(about, values[f"{about}_count_{long}"], values[f"{about}_hours_since"], spec.long)
    if feature.subject == "component":
        days = values[f"{about}_days_since_replacement"]
        return f"{about}: no replacement on record" if math.isnan(days) else f"{about} in use for {_span(days * 24)}"
    if feature.subject == "age":
        return "Age not on record" if history.age is None else f"Machine is {history.age:g} years old"
    if feature.subject == "machine_model":
        return f"Make {history.machine_model}" if history.machine_model else "Make not on record"
    return f"Last reading {_span(values[spec.names[-1]])} ago"


def _sensor_text(spec: FeatureSpec, sensor: str, mean: float, told: _Told) -> str:
    over = f"over {_span(spec.long / HOUR)}"
    unit = told.units.get(sensor.casefold(), "")
    unit = f" {unit}" if unit else ""
    if math.isnan(mean):
        return f"{sensor}: no reading since the last failure"
    usual = told.usual[sensor]
    if len(usual) < 8:
        return f"{sensor} averaged {_figure(mean, abs(mean) / 100)}{unit} {over}"
    middle, spread = float(usual.mean()), float(usual.std(ddof=1))
    if abs(mean - middle) <= 2 * spread:
        return f"{sensor} as usual: {_figure(mean, spread)}{unit} {over}"
    return (
        f"{sensor} averaged {_figure(mean, spread)}{unit} {over}; "
        f"usual {_figure(middle, spread)} ± {_figure(spread, spread)}"
    )


def _error_text(code: str, count: float, since: float, width: int) -> str:
    ago = "now" if since == 0 else f"{_span(since)} ago"
    if count > 1:
        return f"{code} {count:.0f} times in {_span(width / HOUR)}, last {ago}"
    return f"{code} {ago}"


def _figure(value: float, spread: float) -> str:
    """As many decimals as the spread deserves: 448 with a spread of 9, 40.1 with 0.9."""
    decimals = max(0, -math.floor(math.log10(spread))) if spread > 0 else 2
    return f"{value:.{min(decimals, 6)}f}"


def _span(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    if hours < 72:
        return f"{hours:.0f} h"
    return f"{hours / 24:.0f} days"
