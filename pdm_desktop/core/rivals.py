"""What a candidate is compared with, on its own rows: the model in use, fitted anew where it has seen them, and the
rules that need no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import baselines, gathering, matrix, prevented, provenance, scoring, training
from pdm_desktop.core.calibration import sigmoid
from pdm_desktop.core.comparison import Rival, Scale, Spans
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import FeatureSpec
from pdm_desktop.core.gathering import Gathered
from pdm_desktop.core.model_results import BASELINES, ModelVersion, Span, TrainingSettings
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.rowset import MachineRows, Splits, features_at
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.store import Store
from pdm_desktop.core.training import Candidate
from pdm_desktop.core.versions import Versions

Floats = npt.NDArray[np.float64]

THREADS = 2
"""Fixed: the sums in XGBoost's histograms, and with them the trees, depend on it."""
_OWN_PARAMS = ("rounds", "patience", "seed", "nthread")


@dataclass(frozen=True)
class Plant:
    """What a training works on. now: the workspace's clock, ms."""

    store: Store
    settings: Settings
    versions: Versions
    now: int


def gathered(plant: Plant, options: TrainingSettings, progress: Progress) -> Gathered:
    """The plant's record, with the failures that were prevented."""
    found = gathering.gather(plant.store, plant.settings, options, progress)
    made = prevented.on_record(
        plant.store, plant.versions, found.histories, found.spec.horizon, found.step, found.known_until
    )
    return replace(found, prevented=made)


def spans_of(rows: Sequence[MachineRows], splits: Splits) -> Spans:
    """The rows that are measured on, by span."""
    seen = [r for r in rows if r.machine not in splits.held_out]
    return {
        "validation": [r.between(splits.validation_from, splits.validation_to) for r in seen],
        "test": [r.between(splits.test_from, splits.test_to) for r in seen],
        "unseen_machines": [r.between(splits.test_from, splits.test_to) for r in rows if r.machine in splits.held_out],
    }


def training_rows(rows: Sequence[MachineRows], splits: Splits) -> list[MachineRows]:
    """The rows that are trained on."""
    return [r.between(splits.train_from, splits.train_to).known() for r in rows if r.machine not in splits.held_out]


def limits_of(given: Mapping[str, Any]) -> tuple[int, int, dict[str, Any]]:
    """Rounds, patience, and the parameters that are XGBoost's own. PdmError for a senseless number."""
    params = dict(given)
    limits = []
    for name, usual in (("rounds", training.ROUNDS), ("patience", training.PATIENCE)):
        value = params.pop(name, usual)
        if not isinstance(value, int) or value < 1:
            raise PdmError(f"{name} must be a whole number above 0, not {value!r}.", where="params")
        limits.append(value)
    return limits[0], limits[1], params


def rival_of(candidate: Candidate, spans: Spans) -> Rival:
    """The candidate itself on its spans."""
    risks = {span: [candidate.predict(r.matrix) for r in rows] for span, rows in spans.items()}
    return Rival("candidate", "Candidate", candidate.threshold, candidate.outputs, risks)


def champion_on(
    plant: Plant,
    version: ModelVersion,
    found: Gathered,
    splits: Splits,
    rows: Sequence[MachineRows],
    spans: Spans,
    options: TrainingSettings,
    progress: Progress,
) -> tuple[Rival | None, str]:
    """The model in use, `version`, on the same rows, or why it cannot be compared. One that was trained on some of them
    is fitted anew by its recipe on the candidate's training span."""
    try:
        model = plant.versions.model(version.version)
    except PdmError as exc:
        return None, exc.message
    unfit = scoring.unfit_sensors(model, plant.store.sensors())
    if unfit:
        return None, f"The model in use {unfit}: no comparison."
    if model.spec.horizon != found.spec.horizon:
        return None, f"The model in use looks {model.info.horizon_h:g} h ahead: no comparison with it."
    label = f"champion v{version.version}"
    seen, known = _has_seen(plant.store, version, model.spec, splits, found)
    if seen:
        anew = _fitted_anew(version, model.spec, found, splits, rows, options, progress)
        risks = _held_out_risks(anew.predict, anew.spec, found, spans, progress)
        was = "was" if known else "may have been"
        note = f"It {was} trained on some of these rows: its recipe was fitted anew on the candidate's training span."
        return Rival("champion", f"{label}, its recipe fitted anew", anew.threshold, anew.outputs, risks, note), ""
    risks = _held_out_risks(model.predict, model.spec, found, spans, progress)
    return Rival("champion", label, model.info.threshold, model.outputs, risks), ""


def _held_out_risks(
    predict: Callable[[Any], Floats], spec: FeatureSpec, found: Gathered, spans: Spans, progress: Progress
) -> dict[Span, list[Floats]]:
    """The risks of the rows held out. Features of another model are worked out machine by machine and not kept."""

    def risk(rows: MachineRows) -> Floats:
        progress.check()
        if spec == found.spec:
            return predict(rows.matrix)
        return predict(features_at(found.histories[rows.machine], spec, rows.times))

    return {span: [risk(r) for r in rows] for span, rows in spans.items() if span != "validation"}


def _has_seen(
    store: Store, version: ModelVersion, spec: FeatureSpec, splits: Splits, found: Gathered
) -> tuple[bool, bool]:
    """Whether the version may have been trained, calibrated or stopped on rows that are tested on now, and whether that
    is known."""
    if version.origin == "bundled" or not version.splits:
        return False, True
    made_here = version.origin == "trained"
    machines, known = provenance.trained_on(
        store, found.histories, spec.sensors, version.facts, (), made_here=made_here
    )
    until = int(version.splits["validation_to"]) + found.spec.horizon
    in_time = until > splits.test_from and int(version.splits["train_from"]) <= splits.test_to
    return bool(machines & set(found.histories)) and in_time, known


def _fitted_anew(
    version: ModelVersion,
    spec: FeatureSpec,
    found: Gathered,
    splits: Splits,
    rows: Sequence[MachineRows],
    options: TrainingSettings,
    progress: Progress,
) -> Candidate:
    rounds, patience, _ = limits_of({k: int(version.params[k]) for k in ("rounds", "patience") if k in version.params})
    params = {name: value for name, value in version.params.items() if name not in _OWN_PARAMS}
    if spec != found.spec:
        rows, _ = matrix.rows_of(found, spec, found.components, splits, progress, learn_only=True, seed=options.seed)
    return training.train(
        rows,
        spec,
        splits,
        step=found.step,
        params=params,
        rounds=rounds,
        patience=patience,
        seed=int(version.params.get("seed", options.seed)),
        threads=THREADS,
        progress=progress,
        components=found.components,
        goal=options.goal,
    )


def baselines_on(found: Gathered, spans: Spans, options: TrainingSettings, scale: Scale, rates: Floats) -> list[Rival]:
    """The rules that need no model, made probabilities on validation, with thresholds for the same goal."""
    made = []
    for who in BASELINES:
        raw = {
            span: [baselines.raw(who, found.histories[r.machine], r.times, scale.horizon, rates) for r in part]
            for span, part in spans.items()
        }
        if baselines.says_nothing(who, raw["validation"]):
            continue
        truth = np.concatenate([r.labels[:, 0] for r in spans["validation"]])
        how = baselines.calibration(truth[truth >= 0], np.concatenate(raw["validation"])[truth >= 0])
        risks = {
            span: [sigmoid(how["a"] * score + how["b"])[:, None] for score in scores] for span, scores in raw.items()
        }
        threshold = training.choose_threshold(
            spans["validation"], risks["validation"], options.goal, scale.horizon, scale.step
        )
        made.append(Rival(who, baselines.LABELS[who], threshold, ("any",), risks))
    return made
