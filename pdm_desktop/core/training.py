"""From rows to a measured candidate: boosted trees, calibration, threshold, figures.

Train, validation and test follow each other in time with a gap of the horizon between them. Calibration and threshold
come from validation, early stopping too; test is only ever measured on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.calibration import platt, probabilities
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.evaluation import (
    EventCard,
    average_precision,
    best_f1_threshold,
    event_card,
    roc_auc,
    row_metrics,
    sweep,
)
from pdm_desktop.core.features import FeatureSpec
from pdm_desktop.core.model_results import Goal
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rowset import MachineRows, Splits, scored, thinned

if TYPE_CHECKING:
    import xgboost

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

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
OnRound = Callable[[int, float, float], None]
"""Told the round (from 1), its validation loss, its training loss."""
MOST_WATCHED_ROWS = 300_000
"""Beyond it the loss that stops training is taken from a part of validation, weighted like the whole: the trees need
some 800 bytes a row. Calibration and threshold come from all of validation."""
MOST_ALARMED = 0.5
"""A threshold by event alarms at most this share of the rows without a failure ahead."""
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(-7, 7, 71)))
"""Thresholds tried where they are chosen by event: .001 to .999, evenly in log-odds."""


@dataclass(frozen=True)
class Candidate:
    """A trained, calibrated and measured model, not yet stored anywhere.

    outputs: "any", then the components. calibration: by output, probability = sigmoid(a * margin + b). metrics: span ->
    figures. losses: validation loss by round; training_losses: the loss on the rows learned from.
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
    training_losses: tuple[float, ...]
    rows: dict[str, int]
    example: Matrix

    def predict(self, matrix: Matrix) -> Floats:
        """(n, F) to (n, 1 + C) calibrated probabilities; no component's is above that of any failure."""
        return probabilities(_margins(self.booster, matrix, len(self.outputs)), self.outputs, self.calibration)


def importance(candidate: Candidate) -> tuple[tuple[str, float], ...]:
    """Each feature's share of all gain in the trees, highest first; those never used are left out."""
    gains: dict[str, float] = candidate.booster.get_score(importance_type="total_gain")
    every = sum(gains.values()) or 1.0
    names = candidate.spec.names
    shares = [(names[int(key[1:])], gain / every) for key, gain in gains.items()]
    return tuple(sorted(shares, key=lambda pair: -pair[1]))


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
    on_round: OnRound | None = None,
    deadline: float | None = None,
) -> Candidate:
    """Fit, calibrate, choose the threshold and measure. The same result for the same rows, seed and threads.

    step: the grid's step (ms). params: XGBoost parameters instead of the defaults. components: as given to
    `machine_rows`. goal: what the threshold is for, None = best F1. deadline: no further round once
    time.monotonic() is past it. PdmError when training or validation hold no failure.
    """
    progress = progress or Progress()
    outputs = (ANY, *(spec.components if components is None else components))
    seen = [r for r in rows if r.machine not in splits.held_out]
    spans = {
        "train": [r.between(splits.train_from, splits.train_to).known() for r in seen],
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
    booster, losses, training_losses = _fit(
        spans["train"],
        [r.known() for r in spans["validation"]],
        chosen,
        (rounds, patience),
        progress,
        on_round,
        deadline,
    )
    margins = {
        name: [_margins(booster, r.matrix, len(outputs)) for r in span]
        for name, span in spans.items()
        if name != "train"
    }
    truth = np.concatenate([r.labels for r in spans["validation"]])
    found = np.concatenate(margins["validation"])[truth[:, 0] >= 0]
    truth = truth[truth[:, 0] >= 0]
    calibration = {name: platt(truth[:, i], found[:, i]) for i, name in enumerate(outputs)}
    risks = {name: [probabilities(m, outputs, calibration) for m in found] for name, found in margins.items()}
    threshold = choose_threshold(spans["validation"], risks["validation"], goal or Goal(), spec.horizon, step)
    metrics = {
        name: measure(spans[name], risks[name], outputs, threshold, spec.horizon, step)
        for name in risks
        if any(len(r.times) for r in spans[name])
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
        training_losses=tuple(training_losses),
        rows={name: sum(len(r.times) for r in span) for name, span in spans.items()},
        example=positive.matrix[at : at + 1],
    )


def trial(
    training_rows: Sequence[MachineRows],
    validation_rows: Sequence[MachineRows],
    params: Mapping[str, Any],
    limits: tuple[int, int],
    progress: Progress,
    on_round: OnRound,
    deadline: float | None,
) -> float:
    """Average precision on validation of one fit with these parameters; limits: rounds, patience. See `train`."""
    validation_rows = [r.known() for r in validation_rows]
    booster, _, _ = _fit(training_rows, validation_rows, params, limits, progress, on_round, deadline)
    truth = np.concatenate([r.labels[:, 0] for r in validation_rows])
    return average_precision(
        truth, np.concatenate([_margins(booster, r.matrix, r.labels.shape[1])[:, 0] for r in validation_rows])
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
    truth, risk = truth[truth[:, 0] >= 0], risk[truth[:, 0] >= 0]
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
    truth = np.concatenate([r.labels[:, 0] for r in rows])
    best = best_f1_threshold(truth[truth >= 0], np.concatenate(risks)[truth >= 0, 0])
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
    # An alarm that never ends is a single episode and misses nothing: by event the best, and no use to anyone.
    calm = np.sort(np.concatenate(risks)[truth == 0, 0])
    standing = 1 - np.searchsorted(calm, thresholds) / max(len(calm), 1)
    worth = np.where(standing > MOST_ALARMED, -1e12 - standing, worth)
    top = np.flatnonzero(worth >= worth.max() - 1e-12)
    runs = np.split(top, np.flatnonzero(np.diff(top) > 1) + 1)
    widest = max(runs, key=len)
    return float(thresholds[widest[len(widest) // 2]])


def _fit(
    train_rows: Sequence[MachineRows],
    validation_rows: Sequence[MachineRows],
    params: Mapping[str, Any],
    limits: tuple[int, int],
    progress: Progress,
    on_round: OnRound | None,
    deadline: float | None,
) -> tuple[xgboost.Booster, list[float], list[float]]:
    """The booster cut at its best round; every round's loss on validation and on training; limits: rounds, patience."""
    import xgboost

    rounds, patience = limits

    class Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: xgboost.Booster, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            if on_round is not None:
                watch, learn = (float(evals_log[part][params["eval_metric"]][-1]) for part in ("validation", "train"))
                on_round(epoch + 1, watch, learn)
            progress.step(epoch + 1, rounds, "Training; stops early when it gets no better")
            return deadline is not None and time.monotonic() > deadline

    progress.check()
    data = xgboost.QuantileDMatrix(
        *_stacked(train_rows), weight=_weights(train_rows), nthread=params["nthread"] or None
    )
    every = -(-sum(len(r.times) for r in validation_rows) // MOST_WATCHED_ROWS)
    looked_at = thinned(validation_rows, every) if every > 1 else validation_rows
    watched = xgboost.QuantileDMatrix(
        *_stacked(looked_at), weight=_weights(looked_at), ref=data, nthread=params["nthread"] or None
    )
    log: dict[str, dict[str, list[float]]] = {}
    booster = xgboost.train(
        dict(params),
        data,
        rounds,
        # The last one is what stops it.
        evals=[(data, "train"), (watched, "validation")],
        early_stopping_rounds=patience,
        evals_result=log,
        verbose_eval=False,
        callbacks=[Report()],
    )
    losses = log["validation"][params["eval_metric"]]
    # The first best round, as early stopping has it; stopped by the deadline it may not have looked yet.
    return booster[: int(np.argmin(losses)) + 1], losses, log["train"][params["eval_metric"]]


def _stacked(rows: Sequence[MachineRows]) -> tuple[Matrix, npt.NDArray[np.int8]]:
    return np.concatenate([r.matrix for r in rows]), np.concatenate([r.labels for r in rows])


def _weights(rows: Sequence[MachineRows]) -> npt.NDArray[np.float32] | None:
    if all(r.weights is None for r in rows):
        return None
    return np.concatenate([np.ones(len(r.times), np.float32) if r.weights is None else r.weights for r in rows])


def _margins(booster: xgboost.Booster, matrix: Matrix, outputs: int) -> npt.NDArray[np.float32]:
    """(n, outputs); XGBoost predicts nothing for no rows."""
    if not len(matrix):
        return np.empty((0, outputs), np.float32)
    return np.asarray(booster.inplace_predict(matrix, predict_type="margin").reshape(len(matrix), -1))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
