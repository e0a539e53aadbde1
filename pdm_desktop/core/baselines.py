"""What a model must beat: rules that need no model. Each gives a raw score per row, made a probability on validation
like the model's own, so that all stand in one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.calibration import platt
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.model_results import Scorer
from pdm_desktop.core.moments import Ints
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import DAY, HOUR

Floats = npt.NDArray[np.float64]

LABELS: dict[Scorer, str] = {
    "any_error": "Any error in the last horizon",
    "oldest_component": "The oldest component",
    "base_rate": "Base rate",
    "time_of_day": "Time of day",
}


def raw(who: Scorer, history: MachineHistory, at: Ints, horizon: int, rates: Floats) -> Floats:
    """(n,) scores of one baseline at the times `at`; rates: `hourly_rates` of the training rows, ms horizon."""
    if who == "any_error":
        return (history.errors.count(at - horizon, at) > 0).astype(float)
    if who == "oldest_component":
        return _oldest(history, at)
    if who == "time_of_day":
        return rates[(at % DAY) // HOUR]
    return np.zeros(len(at))


def says_nothing(who: Scorer, scores: Sequence[Floats]) -> bool:
    """Whether a rule but the base rate tells no row from another: without errors on record “any error” is no rule."""
    every = np.concatenate(scores) if scores else np.empty(0)
    return who != "base_rate" and (not len(every) or float(np.ptp(every)) == 0.0)


def calibration(truth: npt.NDArray[np.int8], scores: Floats) -> dict[str, float]:
    """{"a", "b"}: probability = sigmoid(a * score + b), from outcomes. A rule says more is riskier: a is above zero."""
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    how = platt(truth, (scores - middle) / spread)
    slope = max(float(how["a"]), 1e-3)
    if slope != how["a"]:
        rate = (np.sum(truth == 1) + 1) / (len(truth) + 2)
        return {"a": slope / spread, "b": float(np.log(rate / (1 - rate))) - slope * middle / spread}
    return {"a": slope / spread, "b": float(how["b"]) - slope * middle / spread}


def hourly_rates(rows: Sequence[MachineRows]) -> Floats:
    """(24,) log-odds of a failure coming, by the hour of day (UTC), from training rows; sparse hours lean on the mean.

    Rows count with their weights.
    """
    positives, every = np.zeros(24), np.zeros(24)
    for part in rows:
        hours = (part.times % DAY) // HOUR
        weights = np.ones(len(hours)) if part.weights is None else part.weights
        positives += np.bincount(hours, (part.labels[:, 0] == 1) * weights, 24)
        every += np.bincount(hours, weights, 24)
    mean = (positives.sum() + 1) / (every.sum() + 2)
    rate = (positives + 20 * mean) / (every + 20)
    return np.asarray(np.log(rate / (1 - rate)))


def _oldest(history: MachineHistory, at: Ints) -> Floats:
    """Days since the longest-serving component was replaced; one never replaced serves since the first reading."""
    first = int(history.times[0]) if len(history.times) else 0
    age = np.zeros(len(at))
    for component in sorted(set(history.maintenance.labels)):
        newest = np.maximum(history.maintenance.of(component).latest(at), first)
        age = np.maximum(age, (at - newest) / DAY)
    return age
