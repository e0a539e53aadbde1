"""The leakage audit: signs that a model's figures are too good to be true. It finds; a person judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.evaluation import average_precision, roc_auc
from pdm_desktop.core.features import FeatureSpec, MachineHistory
from pdm_desktop.core.model_results import Finding
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import HOUR

LOOK_AP, STOP_AP = 0.85, 0.995
"""A single feature with so much average precision on rows nobody trained on is worth a look (a strong signal does that
too), or stops a promotion (a perfect one is hardly a measurement)."""
CERTAIN, MANY = 0.98, 0.2
"""A feature whose highest values are as good as never wrong, over so many of the rows with a failure ahead, is worth a
look too: a leak may be spread over several of them."""
SILENT_LOOK, SILENT_STOP = 0.2, 0.5
"""Shares of failures before which the machine was silent: the breakdown itself, written down later, is what warns."""
DUPLICATE_SHARE = 0.01
_LOOKED_AT = 20_000
_PROMISING_AUC = 0.95
_FEWEST, _TOLD = 3, 3


def findings(
    seen: Sequence[MachineRows],
    unseen: Sequence[MachineRows],
    histories: Mapping[str, MachineHistory],
    spec: FeatureSpec,
) -> tuple[Finding, ...]:
    """What speaks for a leak. seen: rows trained on; unseen: rows to be measured on."""
    return (
        *single_features(unseen, spec),
        *known_before(histories),
        *silent_before(histories, spec.horizon),
        *duplicates(seen, unseen, spec),
    )


def single_features(rows: Sequence[MachineRows], spec: FeatureSpec) -> list[Finding]:
    """Features that alone nearly solve the task."""
    truth = np.concatenate([r.labels[:, 0] for r in rows]) if rows else np.empty(0, np.int8)
    if not (truth == 1).any() or (truth == 1).mean() > 0.5:
        return []
    some = np.unique(
        np.concatenate([np.flatnonzero(truth == 1), np.arange(0, len(truth), len(truth) // _LOOKED_AT + 1)])
    )
    best: dict[tuple[str, str], tuple[float, str]] = {}
    certain: dict[tuple[str, str], tuple[float, str]] = {}
    for column, feature in enumerate(spec.columns):
        # A column at a time: all of them side by side are as large as the matrix itself.
        values = np.concatenate([r.matrix[:, column] for r in rows]).astype(float)
        for direction in (1.0, -1.0):
            score = np.nan_to_num(direction * values, nan=-1e300)
            key = (feature.subject, feature.about)
            share = _certain(truth, score, some)
            if share > certain.get(key, (0.0, ""))[0]:
                certain[key] = (share, feature.name)
            if roc_auc(truth[some], score[some]) < _PROMISING_AUC:
                continue
            ap = average_precision(truth, score)
            if ap >= LOOK_AP and ap > best.get(key, (0.0, ""))[0]:
                best[key] = (ap, feature.name)
    partly = sorted((found for key, found in certain.items() if key not in best), reverse=True)
    return [
        Finding(
            "single feature",
            "look",
            f"{name} alone tells {share:.0%} of the rows with a failure ahead with next to no mistake. "
            f"Is it recorded before the failure, or because of it?",
            name,
        )
        for share, name in partly[:_TOLD]
    ] + [
        Finding(
            "single feature",
            "stop" if ap >= STOP_AP else "look",
            f"{name} alone nearly solves the task (average precision {ap:.3f} on rows not trained on). "
            f"Is it recorded before the failure, or because of it?",
            name,
        )
        for ap, name in sorted(best.values(), reverse=True)
    ]


def _certain(truth: npt.NDArray[np.int8], score: npt.NDArray[np.float64], some: npt.NDArray[np.intp]) -> float:
    """The share of positive rows that the highest scores tell with next to no mistake, in three failures at least; 0
    where it is less than MANY. some: all positives and enough of the others to rule most features out at once."""
    positive = truth[some] == 1
    threshold = np.quantile(score[some][positive], 1 - MANY, method="lower")
    if threshold == -1e300 or (score[some][~positive] >= threshold).mean() > 0.01 * MANY:
        return 0.0
    called = score >= threshold
    hits = called & (truth == 1)
    runs = int(np.sum(np.diff(hits.astype(np.int8), prepend=0) == 1))
    sure = hits.sum() >= CERTAIN * called.sum() and runs >= _FEWEST
    return float(hits.sum() / (truth == 1).sum()) if sure else 0.0


def silent_before(histories: Mapping[str, MachineHistory], horizon: int) -> list[Finding]:
    """Failures before which the machine gave no reading for an eighth of the horizon, where that is rare otherwise."""
    silent, total, quiet, watched = [], 0, 0, 0
    for name, history in histories.items():
        if len(history.times) < _FEWEST:
            continue
        gaps = np.diff(history.times)
        least = max(horizon // 8, 4 * int(np.median(gaps)))
        failures = np.unique(history.failures.times)
        failures = failures[(failures > history.times[0]) & (failures <= history.times[-1] + horizon)]
        before = failures - history.times[np.searchsorted(history.times, failures) - 1]
        silent += [(name, int(gap)) for gap in before[before > least]]
        total += len(failures)
        # Silences that no failure ends: how usual they are.
        ends = np.searchsorted(failures, [history.times[:-1], history.times[1:]], "right")
        quiet += int(np.maximum(gaps - least, 0)[ends[0] == ends[1]].sum())
        watched += int(history.times[-1] - history.times[0])
    share = len(silent) / total if total else 0.0
    if len(silent) < _FEWEST or share < SILENT_LOOK or share < 5 * quiet / max(watched, 1):
        return []
    hours = float(np.median([gap for _, gap in silent])) / HOUR
    machines = list(dict.fromkeys(name for name, _ in silent))
    return [
        Finding(
            "silent before",
            "stop" if share >= SILENT_STOP else "look",
            f"Before {len(silent)} of {total} failures the machine had been silent, {hours:.0f} h in the middle case "
            f"(machines {', '.join(machines[:8])}): is their time that of the failure, or when it was written down? "
            f"What is learnt then is that a broken machine gives no readings.",
        )
    ]


def known_before(histories: Mapping[str, MachineHistory]) -> list[Finding]:
    """Failures that the record says were known before they happened: their time is not the time of the failure."""
    early = [
        (name, int(np.sum((history.failures.known >= 0) & (history.failures.known < history.failures.times))))
        for name, history in histories.items()
        if history.failures.known is not None
    ]
    count = sum(found for _, found in early)
    if not count:
        return []
    where = ", ".join(name for name, found in early if found)
    return [
        Finding(
            "known before",
            "stop",
            f"{count} failures are recorded as known before they happened (machines {where}): "
            f"what was written down then may have gone into the features. Correct their times.",
        )
    ]


def duplicates(seen: Sequence[MachineRows], unseen: Sequence[MachineRows], spec: FeatureSpec) -> list[Finding]:
    """Rows measured on whose readings are those of a row trained on: the same stretch under another time or machine."""
    columns = [i for i, column in enumerate(spec.columns) if column.subject == "sensor"]
    if not columns or not seen or not unseen:
        return []
    multipliers = np.random.default_rng(7).integers(1, 2**63, len(columns), dtype=np.uint64) | np.uint64(1)
    trained = np.unique(np.concatenate([_marks(r, columns, multipliers) for r in seen]))
    if not len(trained):
        return []
    tested = {}
    for r in unseen:
        marks = _marks(r, columns, multipliers)
        # Sorted once and sought in: np.isin would sort what was trained on anew for each machine.
        tested[r.machine] = trained[np.minimum(np.searchsorted(trained, marks), len(trained) - 1)] == marks
    rows, found = sum(map(len, tested.values())), sum(int(hit.sum()) for hit in tested.values())
    if not rows or found / rows < DUPLICATE_SHARE:
        return []
    worst = sorted((m for m, hit in tested.items() if len(hit) and hit.mean() > DUPLICATE_SHARE), key=str)
    return [
        Finding(
            "duplicates",
            "stop" if found / rows > 10 * DUPLICATE_SHARE else "look",
            f"{found / rows:.0%} of the rows measured on have the very readings of rows trained on "
            f"(machines {', '.join(worst[:8])}). Was the same stretch imported twice?",
        )
    ]


def _marks(rows: MachineRows, columns: Sequence[int], multipliers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """64-bit marks of the rows' sensor columns, equal for equal rows; rows with an unknown value are left out: right
    after a failure all are unknown alike."""
    values = rows.matrix[:, columns]
    bits = np.ascontiguousarray(values[np.isfinite(values).all(1)]).view(np.uint32).astype(np.uint64)
    mixed = (bits + np.uint64(0x9E3779B9)) * multipliers
    mixed ^= mixed >> np.uint64(29)
    return np.asarray((mixed * multipliers[::-1]).sum(1, dtype=np.uint64))
