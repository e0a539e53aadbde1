"""XGBoost's parameters as a training takes them: which there are, and which values make sense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from pdm_desktop.core.errors import PdmError

_WHERE = "params"


class _Range(NamedTuple):
    """low and high: both allowed unless `above` says that low is not; whole: no fractions."""

    low: float
    high: float = math.inf
    whole: bool = False
    above: bool = False


_SHARE = _Range(0.0, 1.0, above=True)
_RANGES: Mapping[str, _Range] = {
    "rounds": _Range(1, 100_000, whole=True),
    "patience": _Range(1, 100_000, whole=True),
    "eta": _SHARE,
    "learning_rate": _SHARE,
    # Every level doubles a tree: beyond it memory ends before the training does.
    "max_depth": _Range(1, 20, whole=True),
    "max_leaves": _Range(0, 100_000, whole=True),
    "max_bin": _Range(2, 4096, whole=True),
    "min_child_weight": _Range(0.0),
    "gamma": _Range(0.0),
    "min_split_loss": _Range(0.0),
    "max_delta_step": _Range(0.0),
    "subsample": _SHARE,
    "colsample_bytree": _SHARE,
    "colsample_bylevel": _SHARE,
    "colsample_bynode": _SHARE,
    "lambda": _Range(0.0),
    "reg_lambda": _Range(0.0),
    "alpha": _Range(0.0),
    "reg_alpha": _Range(0.0),
    "scale_pos_weight": _Range(0.0, above=True),
}
_WORDS: Mapping[str, tuple[str, ...]] = {"grow_policy": ("depthwise", "lossguide")}
_ELSEWHERE = {
    "seed": "Give the seed of the training (--seed).",
    "random_state": "Give the seed of the training (--seed).",
    "nthread": "It is fixed: the trees depend on it.",
    "n_jobs": "It is fixed: the trees depend on it.",
    "objective": "It is fixed: the risks are probabilities of a failure.",
    "eval_metric": "It is fixed: what stops the training is the log-loss on validation.",
}
_MOST = 1e6


def check(given: Mapping[str, Any]) -> None:
    """PdmError naming the first parameter that there is not, or whose value makes no sense."""
    for name, value in given.items():
        if name in _ELSEWHERE:
            raise PdmError(f"{name} cannot be set as a parameter.", _ELSEWHERE[name], _WHERE)
        if name in _WORDS:
            if value not in _WORDS[name]:
                raise PdmError(f"{name} cannot be {value!r}.", f"Use {' or '.join(_WORDS[name])}.", _WHERE)
        elif name not in _RANGES:
            raise PdmError(f"There is no parameter {name!r}.", f"There are {', '.join((*_RANGES, *_WORDS))}.", _WHERE)
        else:
            _check_number(name, value, _RANGES[name])


def _check_number(name: str, value: Any, allowed: _Range) -> None:
    high = min(allowed.high, _MOST)
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    fits = number and allowed.low <= value <= high and not (allowed.above and value == allowed.low)
    if not fits or (allowed.whole and value != int(value)):
        what = "a whole number" if allowed.whole else "a number"
        low = f"above {allowed.low:g}" if allowed.above else f"from {allowed.low:g}"
        raise PdmError(f"{name} cannot be {value!r}.", f"It is {what} {low} to {high:g}.", _WHERE)
