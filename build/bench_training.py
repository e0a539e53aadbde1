"""What bench.py measures of training, in a process of its own; prints one JSON object.

python build/bench_training.py WORKSPACE TEST_FROM REPEATS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xgboost

from pdm_desktop.core import gathering, matrix, times, training
from pdm_desktop.core.model_results import TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.versions import Versions
from pdm_desktop.core.workspace import Workspace


class Clock:
    """Seconds spent in some functions while they are watched, and what the first call of each was given."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.given: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    def watch(self, owner: Any, name: str) -> None:
        """Time every call of `owner.name` from now on."""
        work: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*args, **named)
            finally:
                self.seconds.setdefault(name, []).append(time.perf_counter() - begun)
                self.given.setdefault(name, (args, named))

        setattr(owner, name, timed)

    def take(self, name: str) -> float:
        """All seconds of a function since it was last asked for."""
        return sum(self.seconds.pop(name, []))


def bare(given: tuple[tuple[Any, ...], dict[str, Any]]) -> float:
    """Seconds of xgboost.train alone, with the matrices and parameters that `training.train` was given."""
    (rows, _, splits), named = given
    seen = [r for r in rows if r.machine not in splits.held_out]
    parts = []
    for start, end in ((splits.train_from, splits.train_to), (splits.validation_from, splits.validation_to)):
        chosen = [r.between(start, end) for r in seen]
        parts.append((np.concatenate([r.matrix for r in chosen]), np.concatenate([r.labels for r in chosen])))
    params = {**training.DEFAULTS, **named["params"], "seed": named["seed"], "nthread": named["threads"]}
    begun = time.perf_counter()
    data = xgboost.QuantileDMatrix(*parts[0], nthread=named["threads"])
    watched = xgboost.QuantileDMatrix(*parts[1], ref=data, nthread=named["threads"])
    xgboost.train(
        params,
        data,
        named["rounds"],
        evals=[(watched, "validation")],
        early_stopping_rounds=named["patience"],
        verbose_eval=False,
    )
    return time.perf_counter() - begun


def main(folder: str, test_from: str, repeats: str) -> None:
    """Retrain and train bare in turns."""
    clock = Clock()
    clock.watch(gathering, "gather")
    clock.watch(matrix, "rows_of")
    clock.watch(training, "train")
    clock.watch(Versions, "register")
    found: dict[str, list[float]] = {"bare": [], "training": [], "evaluation": [], "features": [], "keeping": []}
    with Workspace.open(Path(folder)) as workspace:
        workspace.models()  # the store of versions is made once
        options = TrainingSettings(test_from=times.parse(test_from, "UTC"), promote="never")
        for _ in range(int(repeats)):
            begun = time.perf_counter()
            made = workspace.retrain(options, Progress())
            total = time.perf_counter() - begun
            seconds = {name: clock.take(name) for name in ("gather", "rows_of", "train", "register")}
            found["training"].append(seconds["train"])
            found["features"].append(seconds["gather"] + seconds["rows_of"])
            found["keeping"].append(seconds["register"])
            found["evaluation"].append(total - sum(seconds.values()))
            found["bare"].append(bare(clock.given["train"]))
            print({name: round(values[-1], 1) for name, values in found.items()}, file=sys.stderr, flush=True)
    print(json.dumps(found | {"rows": made.rows, "rounds": len(made.losses)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
