"""From machine histories to a measured candidate: rows, split by time, boosted trees, calibration, threshold, figures.

Train, validation and test follow each other in time with a gap of the horizon between them. Calibration and threshold
come from validation, early stopping too; test is only ever measured on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.evaluation import (
    EventCard,
    ScoredMachine,
    average_precision,
    best_f1_threshold,
    event_card,
    roc_auc,
    row_metrics,
)
from pdm_desktop.core.features import FeatureSpec, MachineHistory, build, label_matrix, scored_times, silent_sensors
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import HOUR

if TYPE_CHECKING:
    import xgboost

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

TRAIN_SHARE, VALIDATION_SHARE = 0.60, 0.15
ANY = "any"
"""The first output: a failure of whatever component."""

DEFAULTS: Mapping[str, Any] = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    # One tree an output: contributions of the first output can be had, and it measured better than vector leaves.
    "multi_strategy": "one_output_per_tree",
    "eta": 0.1,
    "max_depth": 6,
    "min_child_weight": 1.0,
    "subsample": 0.5,
    # Many features say nearly the same (an average, its minimum, its deviation); few a tree carries over best.
    "colsample_bytree": 0.25,
}
ROUNDS = 500
PATIENCE = 30
"""Rounds without a better validation loss before training stops."""


@dataclass(frozen=True)
class MachineRows:
    """One machine's rows with a score and a label: times (n,), matrix (n, F), labels (n, 1 + C); times of failures."""

    machine: str
    times: Ints
    matrix: Matrix
    labels: npt.NDArray[np.int8]
    failures: Ints

    def between(self, first: int, last: int) -> MachineRows:
        """Only the rows with first <= time <= last (ms)."""
        rows = slice(int(np.searchsorted(self.times, first)), int(np.searchsorted(self.times, last, "right")))
        return replace(self, times=self.times[rows], matrix=self.matrix[rows], labels=self.labels[rows])


@dataclass(frozen=True)
class Splits:
    """Row times (ms, both ends included) of the three spans, and the machines kept out of all of them.

    Held-out machines are tested over the test span.
    """

    train_from: int
    train_to: int
    validation_from: int
    validation_to: int
    test_from: int
    test_to: int
    held_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, times in ms UTC."""
        return asdict(self) | {"held_out": list(self.held_out)}


@dataclass(frozen=True)
class Candidate:
    """A trained, calibrated and measured model, not yet stored anywhere.

    outputs: "any", then the components. calibration: by output, probability = sigmoid(a * margin + b). metrics: span ->
    figures. losses: validation loss by round.
    """

    booster: xgboost.Booster
    spec: FeatureSpec
    outputs: tuple[str, ...]
    calibration: dict[str, dict[str, Any]]
    threshold: float
    splits: Splits
    params: dict[str, Any]
    best_iteration: int
    metrics: dict[str, dict[str, Any]]
    losses: tuple[float, ...]
    rows: dict[str, int]
    example: Matrix

    def predict(self, matrix: Matrix) -> Floats:
        """(n, F) to (n, 1 + C) calibrated probabilities; no component's is above that of any failure."""
        return _probabilities(_margins(self.booster, matrix), self.outputs, self.calibration)


def machine_rows(history: MachineHistory, spec: FeatureSpec, at: Ints, known_until: int) -> MachineRows:
    """The machine's rows at those of the grid times `at` that may be scored and whose label is known.

    known_until: failures are recorded up to this time (ms).
    """
    at = scored_times(history, at[at + spec.horizon <= known_until], spec.horizon)
    at = at[~silent_sensors(history, spec, at).any(1)]
    labels = label_matrix(history.failures, spec.components, at, spec.horizon, known_until)
    matrix = build(history, spec, at, np.float32).astype(np.float32, copy=False)
    return MachineRows(history.machine, at, matrix, labels, history.failures.times)


def all_rows(
    histories: Iterable[MachineHistory],
    machines: int,
    spec: FeatureSpec,
    at: Ints,
    known_until: int,
    progress: Progress,
) -> list[MachineRows]:
    """`machine_rows` of every machine; machines: how many there are, for the progress."""
    found = []
    for history in histories:
        found.append(machine_rows(history, spec, at, known_until))
        progress.step(len(found), machines, "Computing features")
    return found


def split(
    rows: Sequence[MachineRows],
    horizon: int,
    *,
    validation_from: int | None = None,
    test_from: int | None = None,
    held_out: int = 0,
    seed: int = 0,
) -> Splits:
    """Train, validation, test by time: 60/15/25 % of the span unless times (ms) are given, gaps of the horizon.

    held_out: how many machines, drawn by the seed, stay out. PdmError when a span is left empty.
    """
    filled = [r for r in rows if len(r.times)]
    if not filled:
        raise PdmError("There is nothing to train on: no row has both readings and a known outcome.")
    first, last = min(int(r.times[0]) for r in filled), max(int(r.times[-1]) for r in filled)
    span = last - first
    if test_from is None:
        test_from = _on_grid(filled, first + (TRAIN_SHARE + VALIDATION_SHARE) * span)
    if validation_from is None:
        share = TRAIN_SHARE / (TRAIN_SHARE + VALIDATION_SHARE)
        validation_from = _on_grid(filled, first + share * (test_from - first))
    if not first <= validation_from - horizon or not validation_from <= test_from - horizon or not test_from <= last:
        raise PdmError(
            "The record is too short to split into training, validation and test.",
            f"Between them lies a gap of {horizon / HOUR:g} h; give a longer record or other times.",
        )
    names = [r.machine for r in rows]
    drawn = np.random.default_rng(seed).permutation(len(names))[:held_out]
    out = tuple(names[i] for i in sorted(drawn))
    return Splits(first, validation_from - horizon, validation_from, test_from - horizon, test_from, last, out)


def _on_grid(rows: Sequence[MachineRows], time: float) -> int:
    """The first row time of the plant at or after `time`."""
    later = [int(r.times[np.searchsorted(r.times, time)]) for r in rows if r.times[-1] >= time]
    return min(later)


def train(
    rows: Sequence[MachineRows],
    spec: FeatureSpec,
    splits: Splits,
    *,
    step: int,
    params: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
    seed: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Candidate:
    """Fit, calibrate, choose the threshold and measure. The same result for the same rows, seed and threads.

    step: the grid's step (ms). params: XGBoost parameters instead of the defaults. PdmError when training or validation
    hold no failure.
    """
    progress = progress or Progress()
    outputs = (ANY, *spec.components)
    seen = [r for r in rows if r.machine not in splits.held_out]
    spans = {
        "train": [r.between(splits.train_from, splits.train_to) for r in seen],
        "validation": [r.between(splits.validation_from, splits.validation_to) for r in seen],
        "test": [r.between(splits.test_from, splits.test_to) for r in seen],
        "unseen_machines": [r.between(splits.test_from, splits.test_to) for r in rows if r.machine in splits.held_out],
    }
    for name in ("train", "validation"):
        if not any((r.labels[:, 0] == 1).any() for r in spans[name]):
            raise PdmError(
                f"The {name} span holds no failure: there is nothing to learn from.", "Give a longer record."
            )
    chosen = {**DEFAULTS, **(params or {}), "seed": seed, "nthread": threads}
    booster, losses = _fit(spans["train"], spans["validation"], chosen, rounds, progress)
    margins = {name: [_margins(booster, r.matrix) for r in span] for name, span in spans.items() if name != "train"}
    truth = np.concatenate([r.labels for r in spans["validation"]])
    found = np.concatenate(margins["validation"])
    calibration = {name: platt(truth[:, i], found[:, i]) for i, name in enumerate(outputs)}
    risks = {name: [_probabilities(m, outputs, calibration) for m in found] for name, found in margins.items()}
    threshold = best_f1_threshold(truth[:, 0], np.concatenate(risks["validation"])[:, 0])
    metrics = {
        name: measure(spans[name], risks[name], outputs, threshold, spec.horizon, step) for name in risks if spans[name]
    }
    positive = next(r for r in spans["train"] if (r.labels[:, 0] == 1).any())
    at = int(np.flatnonzero(positive.labels[:, 0] == 1)[0])
    return Candidate(
        booster=booster,
        spec=spec,
        outputs=outputs,
        calibration=calibration,
        threshold=threshold,
        splits=splits,
        params={**chosen, "rounds": rounds, "patience": PATIENCE},
        best_iteration=booster.num_boosted_rounds() - 1,
        metrics=metrics,
        losses=tuple(losses),
        rows={name: sum(len(r.times) for r in span) for name, span in spans.items()},
        example=positive.matrix[at : at + 1],
    )


def measure(
    rows: Sequence[MachineRows],
    risks: Sequence[Floats],
    outputs: Sequence[str],
    threshold: float,
    horizon: int,
    step: int,
) -> dict[str, Any]:
    """Figures of scored rows by row and by event, as plain values; risks: (n, 1 + C) a machine."""
    truth, risk = np.concatenate([r.labels for r in rows]), np.concatenate(risks)
    components = {
        name: {
            "ap": _known(average_precision(truth[:, i], risk[:, i])),
            "auc": _known(roc_auc(truth[:, i], risk[:, i])),
        }
        for i, name in enumerate(outputs)
        if i
    }
    card = events(rows, risks, threshold, horizon, step)
    by_row = row_metrics(truth[:, 0], risk[:, 0], threshold).to_dict()
    return by_row | card.to_dict() | {"components": components}


def events(
    rows: Sequence[MachineRows], risks: Sequence[Floats], threshold: float, horizon: int, step: int
) -> EventCard:
    """The event card of scored rows."""
    scored = [
        ScoredMachine(r.machine, r.times, risk[:, 0], r.labels[:, 0], r.failures)
        for r, risk in zip(rows, risks, strict=True)
    ]
    return event_card(scored, threshold, horizon, step)


def platt(truth: npt.NDArray[np.integer[Any]], margins: npt.NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Logistic calibration of log-odds: {"kind": "logistic", "a", "b"}, probability = sigmoid(a * margin + b).

    Outcomes are pulled a little towards the middle (Platt 1999), so that classes which do not overlap give no infinite
    slope. Where one class is missing the margin stays as it is.
    """
    positives, negatives = int(np.sum(truth == 1)), int(np.sum(truth == 0))
    if not positives or not negatives:
        return {"kind": "logistic", "a": 1.0, "b": 0.0}
    x = margins.astype(np.float64)
    target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    a, b = 1.0, 0.0
    loss = _logistic_loss(target, a * x + b)
    for _ in range(100):
        p = _sigmoid(a * x + b)
        error, weight = p - target, np.maximum(p * (1 - p), 1e-12)
        gradient = np.array([np.sum(error * x), np.sum(error)])
        cross = np.sum(weight * x)
        hessian = np.array([[np.sum(weight * x * x) + 1e-9, cross], [cross, np.sum(weight) + 1e-9]])
        move = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6 and _logistic_loss(target, (a - size * move[0]) * x + b - size * move[1]) > loss:
            size /= 2
        a, b = float(a - size * move[0]), float(b - size * move[1])
        before, loss = loss, _logistic_loss(target, a * x + b)
        if before - loss < 1e-10 * max(before, 1e-300):
            break
    return {"kind": "logistic", "a": a, "b": b}


def _fit(
    train_rows: Sequence[MachineRows],
    validation_rows: Sequence[MachineRows],
    params: Mapping[str, Any],
    rounds: int,
    progress: Progress,
) -> tuple[xgboost.Booster, list[float]]:
    """The booster cut at its best round, and the validation loss of every round."""
    import xgboost

    class Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            progress.step(epoch + 1, rounds, "Training; stops early when it gets no better")
            return False

    progress.check()
    data = xgboost.QuantileDMatrix(*_stacked(train_rows), nthread=params["nthread"] or None)
    watched = xgboost.QuantileDMatrix(*_stacked(validation_rows), ref=data, nthread=params["nthread"] or None)
    log: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        dict(params),
        data,
        rounds,
        evals=[(watched, "validation")],
        early_stopping_rounds=PATIENCE,
        evals_result=log,
        verbose_eval=False,
        callbacks=[Report()],
    )
    return booster[: booster.best_iteration + 1], log["validation"][params["eval_metric"]]


def _stacked(rows: Sequence[MachineRows]) -> tuple[Matrix, npt.NDArray[np.int8]]:
    return np.concatenate([r.matrix for r in rows]), np.concatenate([r.labels for r in rows])


def _margins(booster: xgboost.Booster, matrix: Matrix) -> npt.NDArray[np.float32]:
    if not len(matrix):
        return np.empty((0, 1), np.float32)
    return np.asarray(booster.inplace_predict(matrix, predict_type="margin").reshape(len(matrix), -1))


def _probabilities(
    margins: npt.NDArray[np.float32], outputs: Sequence[str], calibration: Mapping[str, Mapping[str, Any]]
) -> Floats:
    if not len(margins):
        return np.empty((0, len(outputs)))
    a = np.array([calibration[name]["a"] for name in outputs])
    b = np.array([calibration[name]["b"] for name in outputs])
    risks = _sigmoid(a * margins + b)
    np.minimum(risks[:, 1:], risks[:, :1], out=risks[:, 1:])
    return risks


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _logistic_loss(target: Floats, x: Floats) -> float:
    return float(np.sum(np.logaddexp(0, x) - target * x))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
