"""A version measured on any span of the record, with the rows marked that its training had seen."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core import baselines, comparison, provenance, rowset, scoring, training
from pdm_desktop.core.calibration import sigmoid
from pdm_desktop.core.comparison import Rival, Scale, Spans
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.gathering import Gathered
from pdm_desktop.core.model_results import BASELINES, Evaluation, Goal, ModelVersion, TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rivals import Plant, gathered
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.scoring import Model


def evaluate(plant: Plant, version: str, start: int | None, end: int | None, progress: Progress) -> Evaluation:
    """Figures of a version over the rows in [start, end] (ms UTC, None = open) whose outcome is known.

    The baselines' thresholds are the best on that very span: they are flattered, the version is not. PdmError: no such
    version, sensors it needs are missing, no row with a known outcome.
    """
    about = plant.versions.get(version)
    model = plant.versions.model(about.version)
    unfit = scoring.unfit_sensors(model, plant.store.sensors())
    if unfit:
        raise PdmError(
            f"Version {about.version} {unfit}.",
            "Choose another version, or name sensors and units as the model knows them.",
            "version",
        )
    options = TrainingSettings(horizon_h=model.info.horizon_h)
    found = gathered(plant, options, progress)
    rows: list[MachineRows] = []
    in_sample = 0
    trained_on, known = _trained_on(plant, about, model, found)
    # What the plant's other sensors lack does not concern a version that does not ask for them.
    for machine, times in found.running.items():
        progress.step(len(rows), len(found.running), "Computing features")
        low = 0 if start is None else int(np.searchsorted(times, start))
        high = len(times) if end is None else int(np.searchsorted(times, end, "right"))
        part = rowset.machine_rows(
            found.histories[machine],
            model.spec,
            times[low:high],
            found.known_until,
            model.components,
            prevented=found.prevented.get(machine, ()),
        )
        rows.append(part)
        in_sample += _seen(about, part) if machine in trained_on else 0
    filled = [part.times for part in rows if len(part.times)]
    if not filled:
        raise PdmError(
            "There is no row with readings and a known outcome in this span.",
            "Choose a span before the newest failure on record, or set “failures known until”.",
            "span",
        )
    scale = Scale(found.spec.horizon, found.step)
    spans: Spans = {"test": rows}
    ours = Rival(
        "candidate",
        f"Version {about.version}",
        model.info.threshold,
        model.outputs,
        {"test": [model.predict(r.matrix) for r in rows]},
    )
    (told,) = comparison.measures(ours, spans, scale)
    failures = {machine: history.failures for machine, history in found.histories.items()}
    missed, false_alarms = comparison.lists(ours, spans, failures, scale)
    others = {}
    rates = baselines.hourly_rates([r.known() for r in rows])
    truth = np.concatenate([r.labels[:, 0] for r in rows])
    for who in BASELINES:
        progress.check()
        raw = [baselines.raw(who, found.histories[r.machine], r.times, scale.horizon, rates) for r in rows]
        if baselines.says_nothing(who, raw):
            continue
        how = baselines.calibration(truth[truth >= 0], np.concatenate(raw)[truth >= 0])
        risks = [sigmoid(how["a"] * score + how["b"])[:, None] for score in raw]
        bare = [rowset.any_only(r) for r in rows]
        threshold = training.choose_threshold(bare, risks, Goal(), scale.horizon, scale.step)
        others[str(who)] = training.measure(bare, risks, ("any",), threshold, scale.horizon, scale.step)
    count = sum(len(r.times) for r in rows)
    warnings = []
    if in_sample and not known:
        warnings.append(
            f"Whether its training saw these rows is unknown: version {about.version} was exported by an earlier "
            f"release, which kept no mark of its readings. {in_sample:,} of {count:,} rows are of the time it was "
            f"trained on; if it was on this plant, its figures are flattered."
        )
    elif in_sample:
        warnings.append(
            f"{in_sample:,} of {count:,} rows were seen in its training: in-sample figures flatter a model."
        )
    if told.figures["events_prevented"]:
        warnings.append(
            f"{told.figures['events_prevented']} prevented failures are counted apart: their rows are in no row metric."
        )
    if told.figures["events"] < comparison.FEW_EVENTS:
        warnings.append(f"Only {told.figures['events']} failures in this span: mind the intervals.")
    return Evaluation(
        version=about.version,
        run_id=about.run_id,
        start=min(int(times[0]) for times in filled),
        end=max(int(times[-1]) for times in filled),
        rows=count,
        in_sample=in_sample if known or not in_sample else None,
        figures=told.figures,
        intervals=told.intervals,
        baselines=others,
        curves=comparison.curves(ours, None, spans, scale, Goal()),
        confusion=comparison.confusion(ours, spans, failures, scale),
        missed=missed,
        false_alarms=false_alarms,
        warnings=tuple(warnings),
    )


def _trained_on(plant: Plant, about: ModelVersion, model: Model, found: Gathered) -> tuple[frozenset[str], bool]:
    """The machines of this plant that may have had a say in the version, and whether that is known."""
    if about.origin == "bundled":
        return frozenset(), True
    held_out = frozenset(map(str, about.splits.get("held_out", ())))
    made_here = about.origin == "trained"
    sensors = model.spec.sensors
    return provenance.trained_on(plant.store, found.histories, sensors, about.facts, held_out, made_here=made_here)


def _seen(about: ModelVersion, rows: MachineRows) -> int:
    """How many of the rows may have had a say in the version: in training or validation, their outcome included."""
    first, last = int(about.splits["train_from"]), int(about.splits["validation_to"])
    return int(np.sum((rows.times >= first) & (rows.times <= last)))
