"""Can a booster tell the simulated plant from the public extract? The nearer its AUC is to .5, the less it can.

Feature rows of 20 machines over 90 days from either side, the same features as the model's but machine, age and machine
model left out; five folds by machine, so that no machine is on both sides of a fold. Run it again after any change to
the simulator or the features and put the figures into the README.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import xgboost

from build import plants
from pdm_desktop.core.evaluation import roc_auc
from pdm_desktop.core.features import FeatureSpec, MachineHistory, build

MACHINES = 20
DAYS = 90
FOLDS = 5
PARAMS = {
    "objective": "binary:logistic",
    "max_depth": 5,
    "eta": 0.1,
    "subsample": 0.5,
    "colsample_bytree": 0.6,
    "min_child_weight": 20,
    "nthread": 2,
    "seed": 0,
}
ROUNDS = 120
GOAL = 0.65


def matrices(histories: Sequence[MachineHistory], spec: FeatureSpec) -> list[np.ndarray]:
    """One feature matrix a machine."""
    at = plants.hours(histories, DAYS)
    return [build(history, spec, at, np.float32) for history in histories]


def tell_apart(ours: list[np.ndarray], theirs: list[np.ndarray], seed: int) -> tuple[float, np.ndarray]:
    """Cross-validated AUC over all rows, and the gain of each feature summed over the folds."""
    rng = np.random.default_rng(seed)
    folds = [rng.permutation(MACHINES) % FOLDS for _ in range(2)]
    scores, truth = [], []
    gain = np.zeros(ours[0].shape[1])
    for fold in range(FOLDS):
        parts: dict[bool, list[np.ndarray]] = {False: [], True: []}
        marks: dict[bool, list[np.ndarray]] = {False: [], True: []}
        for side, rows in enumerate((theirs, ours)):
            for machine, matrix in enumerate(rows):
                held_out = bool(folds[side][machine] == fold)
                parts[held_out].append(matrix)
                marks[held_out].append(np.full(len(matrix), side))
        train = xgboost.DMatrix(np.concatenate(parts[False]), np.concatenate(marks[False]))
        booster = xgboost.train(PARAMS, train, ROUNDS)
        scores.append(booster.predict(xgboost.DMatrix(np.concatenate(parts[True]))))
        truth.append(np.concatenate(marks[True]))
        for name, value in booster.get_score(importance_type="total_gain").items():
            gain[int(name[1:])] += value
    return roc_auc(np.concatenate(truth), np.concatenate(scores)), gain


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14, 15])
    parser.add_argument("--top", type=int, default=6, help="features listed a line")
    arguments = parser.parse_args()
    folder = plants.extract_folder()
    if folder is None:
        print("The public extract is not here (../shared/data or PDM_SHARED_DATA).", file=sys.stderr)
        return 3
    spec = plants.spec(attributes=False)
    telemetry = np.array([column.subject in ("sensor", "silence") for column in spec.columns])
    parts = {"all features": np.full(len(telemetry), True), "telemetry": telemetry, "events": ~telemetry}
    theirs = matrices(plants.extract(folder), spec)
    found: dict[str, list[float]] = {name: [] for name in parts}
    for seed in arguments.seeds:
        ours = matrices(plants.simulated(MACHINES, DAYS, seed), spec)
        for name, columns in parts.items():
            auc, gain = tell_apart([m[:, columns] for m in ours], [m[:, columns] for m in theirs], seed)
            found[name].append(auc)
            names = [n for n, chosen in zip(spec.names, columns, strict=True) if chosen]
            top = ", ".join(names[i] for i in np.argsort(-gain)[: arguments.top])
            print(f"seed {seed}  {name:13} AUC {auc:.3f}  {top}", flush=True)
    for name, aucs in found.items():
        print(f"{name:13} mean {np.mean(aucs):.3f}  highest {max(aucs):.3f}  over {len(aucs)} seeds")
    return 0 if max(found["all features"]) < GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
