"""The rows a model is trained and measured on: one a machine and grid time, with features, labels and times; and how
they are divided by time into train, validation and test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.evaluation import Prevented, ScoredMachine
from pdm_desktop.core.features import (
    FeatureSpec,
    MachineHistory,
    build,
    label_matrix,
    scored_times,
    silent_sensors,
)
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import HOUR, iso

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]

TRAIN_SHARE, VALIDATION_SHARE = 0.60, 0.15


@dataclass(frozen=True)
class MachineRows:
    """One machine's rows with a score and a label: times (n,), matrix (n, F), labels (n, 1 + C); times of failures.

    weights (n,): how many rows of the record each stands for; None = itself only. A label is 1 or 0, or -1 where a
    failure was prevented: nobody knows.
    """

    machine: str
    times: Ints
    matrix: Matrix
    labels: npt.NDArray[np.int8]
    failures: Ints
    weights: npt.NDArray[np.float32] | None = None
    prevented: tuple[Prevented, ...] = ()

    def known(self) -> MachineRows:
        """Only the rows whose outcome is known."""
        kept = self.labels[:, 0] >= 0
        if kept.all():
            return self
        weights = None if self.weights is None else self.weights[kept]
        return replace(
            self, times=self.times[kept], matrix=self.matrix[kept], labels=self.labels[kept], weights=weights
        )

    def between(self, first: int, last: int) -> MachineRows:
        """Only the rows with first <= time <= last (ms)."""
        rows = slice(int(np.searchsorted(self.times, first)), int(np.searchsorted(self.times, last, "right")))
        weights = None if self.weights is None else self.weights[rows]
        return replace(
            self, times=self.times[rows], matrix=self.matrix[rows], labels=self.labels[rows], weights=weights
        )


def thinned(rows: Sequence[MachineRows], every: int) -> list[MachineRows]:
    """Every row with a failure ahead and, by chance but always the same, one of `every` others, each for so many."""
    rng = np.random.default_rng([every, 20])
    made = []
    for r in rows:
        ahead = r.labels[:, 0] == 1
        kept = ahead | (rng.random(len(ahead)) < 1 / every)
        weights = np.where(ahead[kept], 1, every).astype(np.float32)
        made.append(replace(r, times=r.times[kept], matrix=r.matrix[kept], labels=r.labels[kept], weights=weights))
    return made


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
    prevented: Sequence[Prevented] = (),
) -> MachineRows:
    """The machine's rows at those of the grid times `at` that may be scored and whose label is known.

    known_until: failures are recorded up to this time (ms). components: those with a label of their own, None = the
    spec's. weights: given, `at` are the rows' own times already (`row_times`) and these (n,) are their weights.
    """
    if weights is None:
        at = row_times(history, spec, at, known_until)
    named = spec.components if components is None else components
    labels = labels_at(history, named, at, spec.horizon, known_until, prevented)
    matrix = features_at(history, spec, at)
    return MachineRows(history.machine, at, matrix, labels, history.failures.times, weights, tuple(prevented))


def labels_at(
    history: MachineHistory,
    components: Sequence[str],
    at: Ints,
    horizon: int,
    known_until: int,
    prevented: Sequence[Prevented],
) -> npt.NDArray[np.int8]:
    """(n, 1 + C) labels: 1 where a failure lies in (t, t + horizon], -1 while one was being prevented."""
    labels = label_matrix(history.failures, components, at, horizon, known_until)
    for one in prevented:
        labels[(at >= one.start) & (at <= one.end)] = -1
    return labels


def features_at(history: MachineHistory, spec: FeatureSpec, at: Ints) -> Matrix:
    """(n, F) float32 features at the times `at`, as the booster takes them."""
    return build(history, spec, at, np.float32).astype(np.float32, copy=False)


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


def times_of(rows: Sequence[MachineRows]) -> dict[str, Ints]:
    """machine -> its row times."""
    return {r.machine: r.times for r in rows}


def split(
    times: Mapping[str, Ints],
    horizon: int,
    *,
    validation_from: int | None = None,
    test_from: int | None = None,
    held_out: int = 0,
    seed: int = 0,
) -> Splits:
    """Train, validation, test by the row times of each machine: 60/15/25 % of the span unless times (ms) are given,
    gaps of the horizon.

    held_out: how many machines with rows, drawn by the seed, stay out. PdmError when a span is left empty.
    """
    filled = [found for found in times.values() if len(found)]
    if not filled:
        raise PdmError("There is nothing to train on: no row has both readings and a known outcome.")
    first, last = min(int(found[0]) for found in filled), max(int(found[-1]) for found in filled)
    span = last - first
    for name, given in (("test_from", test_from), ("valid_from", validation_from)):
        if given is not None and not first < given <= last:
            raise PdmError(
                "The time given lies outside the rows there are.",
                f"They reach from {iso(first, 'UTC')} to {iso(last, 'UTC')}.",
                name,
            )
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
    names = [name for name, found in times.items() if len(found)]
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


def any_only(rows: MachineRows) -> MachineRows:
    """The rows with the label of any failure alone."""
    return replace(rows, labels=rows.labels[:, :1])


def scored(rows: Sequence[MachineRows], risks: Sequence[Floats]) -> list[ScoredMachine]:
    """Rows with their risks (n, 1 + C) as the event card takes them."""
    return [
        ScoredMachine(r.machine, r.times, risk[:, 0], r.labels[:, 0], r.failures, r.prevented)
        for r, risk in zip(rows, risks, strict=True)
    ]
