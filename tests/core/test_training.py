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
    return rowset.split(rowset.times_of(rows), SPEC.horizon, held_out=3, seed=1)


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
    assert rowset.split(rowset.times_of(rows), SPEC.horizon, held_out=3, seed=1).held_out == splits.held_out
    assert rowset.split(rowset.times_of(rows), SPEC.horizon, held_out=3, seed=2).held_out != splits.held_out


def test_given_times_outside_the_rows_are_refused(rows: list[rowset.MachineRows]) -> None:
    for given in ({"test_from": simulate.START + 900 * DAY}, {"validation_from": simulate.START - DAY}):
        with pytest.raises(PdmError, match="outside the rows there are"):
            rowset.split(rowset.times_of(rows), SPEC.horizon, **given)


def test_given_times_set_the_spans(rows: list[rowset.MachineRows]) -> None:
    first = simulate.START
    found = rowset.split(
        rowset.times_of(rows), SPEC.horizon, validation_from=first + 50 * DAY, test_from=first + 80 * DAY
    )
    assert (found.validation_from, found.test_from) == (first + 50 * DAY, first + 80 * DAY)


def test_a_record_too_short_for_three_spans_is_refused(rows: list[rowset.MachineRows]) -> None:
    two_days = [r.between(simulate.START, simulate.START + 2 * DAY) for r in rows]
    with pytest.raises(PdmError, match="too short"):
        rowset.split(rowset.times_of(two_days), SPEC.horizon)


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


def test_the_loss_on_what_it_learns_from_falls_below_that_on_what_was_held_back(candidate: training.Candidate) -> None:
    assert len(candidate.training_losses) == len(candidate.losses)
    assert candidate.training_losses[-1] < candidate.losses[-1]
    assert candidate.training_losses[-1] < candidate.training_losses[0] / 4


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


def test_thinned_rows_stand_for_all_of_them_and_keep_every_failure(rows: list[rowset.MachineRows]) -> None:
    found = rowset.thinned(rows, 7)
    whole, kept = np.concatenate([r.labels[:, 0] for r in rows]), np.concatenate([r.labels[:, 0] for r in found])
    weights = np.concatenate([r.weights for r in found if r.weights is not None])
    assert (kept == 1).sum() == (whole == 1).sum()
    assert weights[kept == 1].tolist() == [1.0] * int((kept == 1).sum())
    assert len(kept) < len(whole) / 5
    # 33,000 rows: by chance two per cent more or less
    assert weights.sum() == pytest.approx(len(whole), rel=0.02)


def test_early_stopping_on_a_part_of_validation_stops_about_where_the_whole_does(
    candidate: training.Candidate,
    rows: list[rowset.MachineRows],
    splits: rowset.Splits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "MOST_WATCHED_ROWS", 1500)
    found = fit(rows, splits)
    assert found.losses != candidate.losses
    assert found.losses[20] == pytest.approx(candidate.losses[20], rel=0.1)
    # Every row of validation still counts for calibration and figures.
    assert found.metrics["validation"]["rows"] == candidate.metrics["validation"]["rows"]
    assert found.rows == candidate.rows


def chance(number: int, count: int) -> rowset.MachineRows:
    """Rows of a machine that fails with probability sigmoid(2 x - 3), x being all one can see."""
    rng = np.random.default_rng(number)
    x = rng.normal(0, 1, count)
    label = (rng.random(count) < 1 / (1 + np.exp(3 - 2 * x))).astype(np.int8)
    times = simulate.START + HOUR * np.arange(count, dtype=np.int64)
    return rowset.MachineRows(str(number), times, x.astype(np.float32)[:, None], label[:, None], np.empty(0, np.int64))


def test_probabilities_learned_from_thinned_rows_are_those_of_the_record() -> None:
    made = [chance(number, 12_000) for number in range(6)]
    start = simulate.START
    splits = rowset.Splits(
        start,
        start + 7_999 * HOUR,
        start + 8_000 * HOUR,
        start + 9_999 * HOUR,
        start + 10_000 * HOUR,
        start + 11_999 * HOUR,
    )
    learned = rowset.thinned([r.between(splits.train_from, splits.train_to) for r in made], 8)
    rest = [r.between(splits.validation_from, splits.test_to) for r in made]
    joined = [
        replace(
            early,
            times=np.concatenate((early.times, late.times)),
            matrix=np.concatenate((early.matrix, late.matrix)),
            labels=np.concatenate((early.labels, late.labels)),
            weights=np.concatenate((early.weights, np.ones(len(late.times), np.float32))),  # type: ignore[arg-type]
        )
        for early, late in zip(learned, rest, strict=True)
    ]
    params = {"max_depth": 2, "colsample_bytree": 1.0}
    found = training.train(joined, SPEC, splits, step=HOUR, params=params, seed=1, threads=1, components=())
    # The trees alone are right already; without weights they would be off by log 8 = 2.1 in log-odds.
    assert found.calibration["any"]["b"] == pytest.approx(0, abs=0.35)
    x = np.linspace(-1.5, 0.75, 10)
    truth = 1 / (1 + np.exp(3 - 2 * x))
    assert found.predict(x.astype(np.float32)[:, None])[:, 0] == pytest.approx(truth, abs=0.06)
    assert found.metrics["test"]["ece"] < 0.015
