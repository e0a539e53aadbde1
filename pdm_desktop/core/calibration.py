"""From a booster's log-odds to probabilities that can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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


def probabilities(
    margins: npt.NDArray[np.float32], outputs: Sequence[str], calibration: Mapping[str, Mapping[str, Any]]
) -> Floats:
    """(n, outputs) probabilities of log-odds; no component's is above that of any failure."""
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
