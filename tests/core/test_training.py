"""Training on a small simulated plant: splits, determinism, calibration, and figures that a guess would not reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pdm_desktop.core import calibration, rowset, simulate, training
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory, grid
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.times import DAY, HOUR

SPEC = FeatureSpec(simulate.SENSORS, simulate.ERRORS, simulate.COMPONENTS, tuple(simulate.MACHINE_MODELS))
MACHINES, DAYS = 14, 100


def series(events: list[tuple[int, str]]) -> EventSeries:
    return EventSeries(np.array([time for time, _ in events], np.int64), tuple(label for _, label in events))


def history(record: simulate.MachineRecord) -> MachineHistory:
    return MachineHistory(
        record.machine,
        simulate.SENSORS,
        record.times,
        record.readings,
        record.machine_model,
        float(record.age),
        series(record.errors),
        series(record.maintenance),
        series(record.failures),
    )


@pytest.fixture(scope="module")
def histories() -> list[MachineHistory]:
    return [history(record) for record in simulate.records(MACHINES, DAYS, seed=9)]


@pytest.fixture(scope="module")
def rows(histories: list[MachineHistory]) -> list[rowset.MachineRows]:
    last = int(histories[0].times[-1])
    at = grid(simulate.START, last, HOUR)
    return rowset.all_rows(histories, MACHINES, SPEC, at, last, Progress())


@pytest.fixture(scope="module")
def splits(rows: list[rowset.MachineRows]) -> rowset.Splits:
    return rowset.split(rows, SPEC.horizon, held_out=3, seed=1)


def fit(rows: list[rowset.MachineRows], splits: rowset.Splits, seed: int = 1) -> training.Candidate:
    return training.train(rows, SPEC, splits, step=HOUR, rounds=40, seed=seed, threads=1)


@pytest.fixture(scope="module")
def candidate(rows: list[rowset.MachineRows], splits: rowset.Splits) -> training.Candidate:
    return fit(rows, splits)


def test_rows_end_where_the_outcome_is_no_longer_known(rows: list[rowset.MachineRows]) -> None:
    known_until = simulate.START + DAYS * DAY
    assert all(int(r.times[-1]) == known_until - 24 * HOUR for r in rows)
    assert all(set(np.unique(r.labels)) <= {0, 1} for r in rows)


def test_a_machine_silent_for_a_horizon_has_no_rows_there(histories: list[MachineHistory]) -> None:
    whole = histories[0]
    keep = (whole.times < whole.times[500]) | (whole.times > whole.times[600])
    gap = replace(whole, times=whole.times[keep], values=whole.values[:, keep])
    found = rowset.machine_rows(gap, SPEC, grid(simulate.START, int(whole.times[-1]), HOUR), int(whole.times[-1]))
    silent = (found.times >= whole.times[499] + 24 * HOUR) & (found.times < whole.times[601])
    assert not silent.any()


def test_spans_follow_each_other_with_a_gap_of_the_horizon(splits: rowset.Splits) -> None:
    assert splits.validation_from - splits.train_to == 24 * HOUR
    assert splits.test_from - splits.validation_to == 24 * HOUR
    span = splits.test_to - splits.train_from
    assert (splits.validation_from - splits.train_from) / span == pytest.approx(0.60, abs=0.001)
    assert (splits.test_from - splits.train_from) / span == pytest.approx(0.75, abs=0.001)


def test_the_seed_draws_the_machines_held_out(rows: list[rowset.MachineRows], splits: rowset.Splits) -> None:
    assert len(splits.held_out) == 3
    assert rowset.split(rows, SPEC.horizon, held_out=3, seed=1).held_out == splits.held_out
    assert rowset.split(rows, SPEC.horizon, held_out=3, seed=2).held_out != splits.held_out


def test_given_times_set_the_spans(rows: list[rowset.MachineRows]) -> None:
    first = simulate.START
    found = rowset.split(rows, SPEC.horizon, validation_from=first + 50 * DAY, test_from=first + 80 * DAY)
    assert (found.validation_from, found.test_from) == (first + 50 * DAY, first + 80 * DAY)


def test_a_record_too_short_for_three_spans_is_refused(rows: list[rowset.MachineRows]) -> None:
    two_days = [r.between(simulate.START, simulate.START + 2 * DAY) for r in rows]
    with pytest.raises(PdmError, match="too short"):
        rowset.split(two_days, SPEC.horizon)


def test_held_out_machines_are_in_no_span_but_their_own(
    candidate: training.Candidate, rows: list[rowset.MachineRows], splits: rowset.Splits
) -> None:
    per_hour = (splits.test_to - splits.test_from) // HOUR + 1
    assert candidate.rows["test"] == (MACHINES - 3) * per_hour
    assert candidate.rows["unseen_machines"] == 3 * per_hour
    assert candidate.metrics["unseen_machines"]["rows"] == 3 * per_hour
    assert len(rows) == MACHINES


def test_the_candidate_finds_most_failures_of_a_time_it_has_not_seen(candidate: training.Candidate) -> None:
    test = candidate.metrics["test"]
    assert test["positives"] > 50
    assert test["ap"] > 0.9
    assert test["events_caught"] >= 0.9 * test["events"]
    assert test["ece"] < 0.01


def test_the_same_seed_gives_the_same_trees_threshold_and_figures(
    candidate: training.Candidate, rows: list[rowset.MachineRows], splits: rowset.Splits
) -> None:
    again, other = fit(rows, splits), fit(rows, splits, seed=2)
    assert again.booster.save_raw("ubj") == candidate.booster.save_raw("ubj")
    assert (again.threshold, again.calibration, again.metrics) == (
        candidate.threshold,
        candidate.calibration,
        candidate.metrics,
    )
    assert other.booster.save_raw("ubj") != candidate.booster.save_raw("ubj")


def test_the_test_span_has_no_say_in_the_model(
    candidate: training.Candidate, rows: list[rowset.MachineRows], splits: rowset.Splits
) -> None:
    turned = []
    for r in rows:
        labels = r.labels.copy()
        labels[r.times >= splits.test_from] = 1 - labels[r.times >= splits.test_from]
        turned.append(replace(r, labels=labels))
    found = fit(turned, splits)
    assert found.booster.save_raw("ubj") == candidate.booster.save_raw("ubj")
    assert found.threshold == candidate.threshold
    assert found.calibration == candidate.calibration
    assert found.metrics["test"] != candidate.metrics["test"]


def test_probabilities_lie_between_0_and_1_and_no_component_is_above_any_failure(
    candidate: training.Candidate, rows: list[rowset.MachineRows]
) -> None:
    risks = candidate.predict(rows[0].matrix)
    assert risks.shape == (len(rows[0].times), 5)
    assert ((risks >= 0) & (risks <= 1)).all()
    assert (risks[:, 1:] <= risks[:, :1]).all()


def test_a_record_without_failures_is_refused_in_plain_words(
    rows: list[rowset.MachineRows], splits: rowset.Splits
) -> None:
    calm = [replace(r, labels=np.zeros_like(r.labels)) for r in rows]
    with pytest.raises(PdmError, match="no failure"):
        fit(calm, splits)


def test_training_stops_when_it_is_cancelled(rows: list[rowset.MachineRows], splits: rowset.Splits) -> None:
    seen: list[int] = []
    progress = Progress(lambda step: (seen.append(step.done), progress.cancel())[0])
    with pytest.raises(Cancelled):
        training.train(rows, SPEC, splits, step=HOUR, rounds=40, seed=1, threads=1, progress=progress)
    assert seen == [1]


def test_calibration_recovers_a_known_distortion() -> None:
    rng = np.random.default_rng(3)
    margins = rng.normal(0, 2, 200_000)
    truth = rng.random(len(margins)) < 1 / (1 + np.exp(-(2 * margins - 1)))
    found = calibration.platt(truth.astype(np.int8), margins)
    assert found["kind"] == "logistic"
    assert (found["a"], found["b"]) == (pytest.approx(2, abs=0.05), pytest.approx(-1, abs=0.05))


def test_calibration_of_classes_that_do_not_overlap_stays_finite() -> None:
    margins = np.concatenate([np.full(1000, -5.0), np.full(20, 5.0)])
    found = calibration.platt((margins > 0).astype(np.int8), margins)
    high, low = (1 / (1 + np.exp(-(found["a"] * m + found["b"]))) for m in (5.0, -5.0))
    # Platt's targets: (20 + 1) / (20 + 2) and 1 / (1000 + 2)
    assert high == pytest.approx(21 / 22, abs=0.005)
    assert low == pytest.approx(1 / 1002, abs=0.0005)


def test_calibration_with_one_class_only_leaves_the_margin_as_it_is() -> None:
    assert calibration.platt(np.zeros(5, np.int8), np.arange(5.0)) == {"kind": "logistic", "a": 1.0, "b": 0.0}
