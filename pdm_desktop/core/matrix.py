"""The matrix a model is trained and measured on, filled machine by machine into one block of memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.features import FeatureSpec, MachineHistory, label_matrix
from pdm_desktop.core.gathering import Gathered
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rowset import Ints, MachineRows, Splits, features_at, labels_at

MOST_TRAINING_ROWS = 800_000
"""Beyond it rows without a failure ahead are thinned; those kept count for those left out."""


def rows_of(
    found: Gathered,
    spec: FeatureSpec,
    components: Sequence[str],
    splits: Splits,
    progress: Progress,
    *,
    learn_only: bool = False,
    seed: int = 0,
    most: int = MOST_TRAINING_ROWS,
) -> tuple[list[MachineRows], int]:
    """The rows of every machine in the spans (learn_only: in training and validation), and of how many rows without a
    failure ahead one is kept in training (1 = all).

    Only training is thinned: calibration, threshold and every figure come from all rows of their span.
    """
    training = sum(
        int(np.searchsorted(t, splits.train_to, "right"))
        for machine, t in found.times.items()
        if machine not in splits.held_out
    )
    every = max(1, -(-training // most))
    rng = np.random.default_rng([seed, 20])
    times: dict[str, Ints] = {}
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for machine, at in found.times.items():
        late = at[at >= splits.test_from] if not learn_only else at[:0]
        weight = np.ones(len(late), np.float32)
        if machine not in splits.held_out:
            early = at[at <= splits.train_to]
            early, kept = _thinned(found.histories[machine], spec, early, found.known_until, every, rng)
            middle = at[(at >= splits.validation_from) & (at <= splits.validation_to)]
            late = np.concatenate((early, middle, late))
            weight = np.concatenate((kept, np.ones(len(middle), np.float32), weight))
        times[machine], weights[machine] = late, weight
    # In one block, not machine by machine: what each machine's features need in between would be left as holes among
    # them, and a large plant took three times the memory.
    block = np.empty((sum(map(len, times.values())), len(spec.names)), np.float32)
    made: list[MachineRows] = []
    begin = 0
    for machine, at in times.items():
        progress.step(len(made), len(times), "Computing features")
        history = found.histories[machine]
        matrix = block[begin : begin + len(at)]
        matrix[:] = features_at(history, spec, at)
        begin += len(at)
        prevented = found.prevented.get(machine, ())
        labels = labels_at(history, components, at, spec.horizon, found.known_until, prevented)
        weight_or_all = weights[machine] if every > 1 else None
        made.append(MachineRows(machine, at, matrix, labels, history.failures.times, weight_or_all, prevented))
    return made, every


def _thinned(
    history: MachineHistory, spec: FeatureSpec, times: Ints, known_until: int, every: int, rng: np.random.Generator
) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Every row with a failure ahead, and one of `every` others by chance, each standing for so many."""
    if every == 1:
        return times, np.ones(len(times), np.float32)
    ahead = label_matrix(history.failures, (), times, spec.horizon, known_until)[:, 0] == 1
    kept = ahead | (rng.random(len(times)) < 1 / every)
    return times[kept], np.where(ahead[kept], 1, every).astype(np.float32)


def fingerprint(rows: Sequence[MachineRows], splits: Splits) -> str:
    """SHA-256 of the training matrix: machine, times, features and labels of every training row."""
    digest = hashlib.sha256()
    for part in rows:
        if part.machine not in splits.held_out:
            part = part.between(splits.train_from, splits.train_to)
            digest.update(part.machine.encode())
            for array in (part.times, part.matrix, part.labels):
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
