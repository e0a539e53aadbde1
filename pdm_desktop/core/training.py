"""From machine histories to a measured candidate: rows, split by time, boosted trees, calibration, threshold, figures.

Train, validation and test follow each other in time with a gap of the horizon between them. Calibration and threshold
come from validation, early stopping too; test is only ever measured on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    sweep,
)
from pdm_desktop.core.features import (
    FeatureSpec,
    MachineHistory,
    build,
    label_matrix,
    scored_times,
    silent_sensors,
)
from pdm_desktop.core.model_results import Goal
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
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(-7, 7, 71)))
"""Thresholds tried where they are chosen by event: .001 to .999, evenly in log-odds."""


@dataclass(frozen=True)
class MachineRows:
    """One machine's rows with a score and a label: times (n,), matrix (n, F), labels (n, 1 + C); times of failures.

    weights (n,): how many rows of the record each stands for; None = itself only.
    """

    machine: str
    times: Ints
    matrix: Matrix
    labels: npt.NDArray[np.int8]
    failures: Ints
    weights: npt.NDArray[np.float32] | None = None

    def between(self, first: int, last: int) -> MachineRows:
        """Only the rows with first <= time <= last (ms)."""
        rows = slice(int(np.searchsorted(self.times, first)), int(np.searchsorted(self.times, last, "right")))
        weights = None if self.weights is None else self.weights[rows]
        return replace(
            self, times=self.times[rows], matrix=self.matrix[rows], labels=self.labels[rows], weights=weights
        )


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


def row_times(history: MachineHistory, spec: FeatureSpec, at: Ints, known_until: int) -> Ints:
    """Those of the grid times `at` that may be scored and whose label is known.

    known_until: failures are recorded up to this time (ms).
    """
    at = scored_times(history, at[at + spec.horizon <= known_until], spec.horizon)
    return at[~silent_sensors(history, spec, at).any(1)]


def machine_rows(
    history: MachineHistory,
    spec: FeatureSpec,
    at: Ints,
    known_until: int,
    components: Sequence[str] | None = None,
    weights: npt.NDArray[np.float32] | None = None,
) -> MachineRows:
    """The machine's rows at those of the grid times `at` that may be scored and whose label is known.

    known_until: failures are recorded up to this time (ms). components: those with a label of their own, None = the
    spec's. weights: given, `at` are the rows' own times already (`row_times`) and these (n,) are their weights.
    """
    if weights is None:
        at = row_times(history, spec, at, known_until)
    named = spec.components if components is None else components
    labels = label_matrix(history.failures, named, at, spec.horizon, known_until)
    matrix = features_at(history, spec, at)
    return MachineRows(history.machine, at, matrix, labels, history.failures.times, weights)


def features_at(history: MachineHistory, spec: FeatureSpec, at: Ints) -> Matrix:
    """(n, F) float32 features at the times `at`, as the booster takes them."""
    return build(history, spec, at, np.float32).astype(np.float32, copy=False)


def importance(candidate: Candidate) -> tuple[tuple[str, float], ...]:
    """Each feature's share of all gain in the trees, highest first; those never used are left out."""
    gains: dict[str, float] = candidate.booster.get_score(importance_type="total_gain")
    every = sum(gains.values()) or 1.0
    names = candidate.spec.names
    shares = [(names[int(key[1:])], gain / every) for key, gain in gains.items()]
    return tuple(sorted(shares, key=lambda pair: -pair[1]))


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
    return split_times({r.machine: r.times for r in rows}, horizon, validation_from, test_from, held_out, seed)


def split_times(
    times: Mapping[str, Ints],
    horizon: int,
    validation_from: int | None = None,
    test_from: int | None = None,
    held_out: int = 0,
    seed: int = 0,
) -> Splits:
    """`split` for the row times of each machine, before there are rows."""
    filled = [found for found in times.values() if len(found)]
    if not filled:
        raise PdmError("There is nothing to train on: no row has both readings and a known outcome.")
    first, last = min(int(found[0]) for found in filled), max(int(found[-1]) for found in filled)
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
    names = list(times)
    if held_out >= len(filled):
        raise PdmError(
            f"{held_out} machines cannot be held out: only {len(filled)} have rows.", "Hold out fewer.", "holdout"
        )
    drawn = np.random.default_rng(seed).permutation(len(names))[:held_out]
    out = tuple(names[i] for i in sorted(drawn))
    return Splits(first, validation_from - horizon, validation_from, test_from - horizon, test_from, last, out)


def _on_grid(times: Sequence[Ints], time: float) -> int:
    """The first row time of the plant at or after `time`."""
    return min(int(found[np.searchsorted(found, time)]) for found in times if found[-1] >= time)


def train(
    rows: Sequence[MachineRows],
    spec: FeatureSpec,
    splits: Splits,
    *,
    step: int,
    params: Mapping[str, Any] | None = None,
    rounds: int = ROUNDS,
    patience: int = PATIENCE,
    seed: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
    components: Sequence[str] | None = None,
    goal: Goal | None = None,
    on_round: Callable[[int, float], None] | None = None,
    deadline: float | None = None,
) -> Candidate:
    """Fit, calibrate, choose the threshold and measure. The same result for the same rows, seed and threads.

    step: the grid's step (ms). params: XGBoost parameters instead of the defaults. components: as given to
    `machine_rows`. goal: what the threshold is for, None = best F1. on_round is told each round (from 1) and its
    validation loss. deadline: no further round once time.monotonic() is past it. PdmError when training or validation
    hold no failure.
    """
    progress = progress or Progress()
    outputs = (ANY, *(spec.components if components is None else components))
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
    booster, losses = _fit(
        spans["train"], spans["validation"], chosen, (rounds, patience), progress, on_round, deadline
    )
    margins = {name: [_margins(booster, r.matrix) for r in span] for name, span in spans.items() if name != "train"}
    truth = np.concatenate([r.labels for r in spans["validation"]])
    found = np.concatenate(margins["validation"])
    calibration = {name: platt(truth[:, i], found[:, i]) for i, name in enumerate(outputs)}
    risks = {name: [_probabilities(m, outputs, calibration) for m in found] for name, found in margins.items()}
    threshold = choose_threshold(spans["validation"], risks["validation"], goal or Goal(), spec.horizon, step)
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
        params={**chosen, "rounds": rounds, "patience": patience},
        best_iteration=booster.num_boosted_rounds() - 1,
        metrics=metrics,
        losses=tuple(losses),
        rows={name: sum(len(r.times) for r in span) for name, span in spans.items()},
        example=positive.matrix[at : at + 1],
    )


def trial(
    training_rows: Sequence[MachineRows],
    validation_rows: Sequence[MachineRows],
    params: Mapping[str, Any],
    limits: tuple[int, int],
    progress: Progress,
    on_round: Callable[[int, float], None],
    deadline: float | None,
) -> float:
    """Average precision on validation of one fit with these parameters; limits: rounds, patience. See `train`."""
    booster, _ = _fit(training_rows, validation_rows, params, limits, progress, on_round, deadline)
    truth = np.concatenate([r.labels[:, 0] for r in validation_rows])
    return average_precision(
        truth, np.concatenate([_margins(booster, r.matrix)[:, 0] for r in validation_rows if len(r.times)])
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
    return event_card(scored(rows, risks), threshold, horizon, step)


def choose_threshold(
    rows: Sequence[MachineRows], risks: Sequence[Floats], goal: Goal, horizon: int, step: int
) -> float:
    """The threshold that serves the goal best on these scored rows: the middle of the best plateau."""
    best = best_f1_threshold(np.concatenate([r.labels for r in rows])[:, 0], np.concatenate(risks)[:, 0])
    if goal.kind == "f1":
        return best
    thresholds = np.union1d(THRESHOLDS, [best])
    counted = sweep(scored(rows, risks), thresholds, horizon, step)
    if goal.kind == "cost":
        worth = -(goal.missed * counted.missed + goal.false_alarm * counted.false_episodes)
    else:
        months = max(counted.machine_months, 1e-9)
        within = counted.episodes / months <= goal.alarms
        # Of equal catches the fewer false episodes; over the budget nothing counts but to come near it.
        worth = np.where(within, -counted.missed - 1e-6 * counted.false_episodes, -1e9 - counted.episodes)
    top = np.flatnonzero(worth >= worth.max() - 1e-12)
    runs = np.split(top, np.flatnonzero(np.diff(top) > 1) + 1)
    widest = max(runs, key=len)
    return float(thresholds[widest[len(widest) // 2]])


def any_only(rows: MachineRows) -> MachineRows:
    """The rows with the label of any failure alone."""
    return replace(rows, labels=rows.labels[:, :1])


def scored(rows: Sequence[MachineRows], risks: Sequence[Floats]) -> list[ScoredMachine]:
    """Rows with their risks (n, 1 + C) as the event card takes them."""
    return [
        ScoredMachine(r.machine, r.times, risk[:, 0], r.labels[:, 0], r.failures)
        for r, risk in zip(rows, risks, strict=True)
    ]


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
        p = sigmoid(a * x + b)
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
    limits: tuple[int, int],
    progress: Progress,
    on_round: Callable[[int, float], None] | None,
    deadline: float | None,
) -> tuple[xgboost.Booster, list[float]]:
    """The booster cut at its best round, and the validation loss of every round; limits: rounds, patience."""
    import xgboost

    rounds, patience = limits

    class Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            if on_round is not None:
                on_round(epoch + 1, float(evals_log["validation"][params["eval_metric"]][-1]))
            progress.step(epoch + 1, rounds, "Training; stops early when it gets no better")
            return deadline is not None and time.monotonic() > deadline

    progress.check()
    data = xgboost.QuantileDMatrix(
        *_stacked(train_rows), weight=_weights(train_rows), nthread=params["nthread"] or None
    )
    watched = xgboost.QuantileDMatrix(*_stacked(validation_rows), ref=data, nthread=params["nthread"] or None)
    log: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        dict(params),
        data,
        rounds,
        evals=[(watched, "validation")],
        early_stopping_rounds=patience,
        evals_result=log,
        verbose_eval=False,
        callbacks=[Report()],
    )
    losses = log["validation"][params["eval_metric"]]
    # The first best round, as early stopping has it; stopped by the deadline it may not have looked yet.
    return booster[: int(np.argmin(losses)) + 1], losses


def _stacked(rows: Sequence[MachineRows]) -> tuple[Matrix, npt.NDArray[np.int8]]:
    return np.concatenate([r.matrix for r in rows]), np.concatenate([r.labels for r in rows])


def _weights(rows: Sequence[MachineRows]) -> npt.NDArray[np.float32] | None:
    if all(r.weights is None for r in rows):
        return None
    return np.concatenate([np.ones(len(r.times), np.float32) if r.weights is None else r.weights for r in rows])


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
    risks = sigmoid(a * margins + b)
    np.minimum(risks[:, 1:], risks[:, :1], out=risks[:, 1:])
    return risks


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), of any size without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _logistic_loss(target: Floats, x: Floats) -> float:
    return float(np.sum(np.logaddexp(0, x) - target * x))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
