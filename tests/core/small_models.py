"""A small pump whose flow drops before it fails, a candidate trained on it in a second, and a store of versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pdm_desktop.core import rowset, training
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory, grid
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import DAY, HOUR
from pdm_desktop.core.versions import Versions

START = 1_500_000_000_000 // DAY * DAY
SPEC = FeatureSpec(("Grundlast °C", "flow/rate"), components=("pump",))
FACTS = {"plant": "x", "machines": ["0", "1"], "fingerprint": "f", "goal": {"kind": "f1"}, "verdict": "fine"}
PLOT = "<svg xmlns='http://www.w3.org/2000/svg'/>"


def machine(name: str, seed: int) -> MachineHistory:
    rng = np.random.default_rng(seed)
    times = START + HOUR * np.arange(24 * 60, dtype=np.int64)
    failures = START + DAY * np.arange(5 + seed, 60, 6, dtype=np.int64)
    flow = rng.normal(10, 1, len(times))
    for failure in failures:
        flow[(times >= failure - DAY) & (times <= failure)] -= 6
    values = np.stack([rng.normal(70, 2, len(times)), flow])
    return MachineHistory(name, SPEC.sensors, times, values, failures=EventSeries(failures, ("pump",) * len(failures)))


def make_candidate() -> training.Candidate:
    last = START + 60 * DAY
    rows = rowset.all_rows((machine(str(i), i) for i in range(3)), 3, SPEC, grid(START, last, HOUR), last, Progress())
    splits = rowset.split(rowset.times_of(rows), SPEC.horizon)
    return training.train(rows, SPEC, splits, step=HOUR, rounds=8, seed=1, threads=1)


def make_store(mlruns: Path, candidate: training.Candidate) -> Path:
    """The bundled version 1, and candidates 2 and 3."""
    found = Versions(mlruns)
    for note in ("two", "three"):
        found.register(candidate, FACTS, {"MODEL_CARD.md": "# Card", "plots/cost.svg": PLOT}, note)
    found.close()
    return mlruns
