"""Figures by row and by event against values worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pdm_desktop.core import evaluation as ev
from pdm_desktop.core import intervals
from pdm_desktop.core.times import DAY, HOUR

START = 1_420_000_000_000 // HOUR * HOUR
THRESHOLD = 0.5


def arrays(truth: list[int], score: list[float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(truth, np.int8), np.array(score)


def test_average_precision_steps_over_recall() -> None:
    # precision 1 at recall 1/2, then 2/3 at recall 1
    assert ev.average_precision(*arrays([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])) == pytest.approx(1 / 2 + 2 / 3 / 2)


def test_auc_counts_pairs_and_ties_half() -> None:
    assert ev.roc_auc(*arrays([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])) == pytest.approx(3 / 4)
    # pairs: .5 against .5 a half, .5 against .2 one, .3 against .5 none, .3 against .2 one
    assert ev.roc_auc(*arrays([1, 1, 0, 0], [0.5, 0.3, 0.5, 0.2])) == pytest.approx(2.5 / 4)


def test_rows_of_one_score_are_one_step_whatever_their_order() -> None:
    for truth in ([1, 0], [0, 1]):
        assert ev.average_precision(*arrays(truth, [0.5, 0.5])) == pytest.approx(0.5)
        assert ev.roc_auc(*arrays(truth, [0.5, 0.5])) == pytest.approx(0.5)


def test_one_class_only_gives_no_auc_and_without_a_positive_no_average_precision() -> None:
    assert math.isnan(ev.roc_auc(*arrays([0, 0], [0.1, 0.2])))
    assert math.isnan(ev.roc_auc(*arrays([1, 1], [0.1, 0.2])))
    assert math.isnan(ev.average_precision(*arrays([0, 0], [0.1, 0.2])))
    assert ev.row_metrics(*arrays([0, 0], [0.1, 0.2]), 0.5).to_dict()["auc"] is None


def test_brier_is_the_mean_squared_distance() -> None:
    assert ev.brier(*arrays([1, 0], [0.9, 0.2])) == pytest.approx((0.01 + 0.04) / 2)


def test_ece_weighs_the_distance_in_bins_of_equal_count() -> None:
    truth, score = arrays([0, 1, 1, 1], [0.1, 0.2, 0.7, 0.9])
    # bins {.1, .2} and {.7, .9}: |.15 - .5| and |.8 - 1|
    assert ev.ece(truth, score, bins=2) == pytest.approx((0.35 + 0.2) / 2)
    assert [(b.rows, b.predicted, b.observed) for b in ev.reliability(truth, score, 2)] == [
        (2, pytest.approx(0.15), 0.5),
        (2, pytest.approx(0.8), 1.0),
    ]


def test_ece_has_twenty_bins_of_as_equal_count_as_can_be() -> None:
    rng = np.random.default_rng(0)
    curve = ev.reliability(rng.integers(0, 2, 1010), rng.random(1010))
    assert sorted(b.rows for b in curve) == [50] * 10 + [51] * 10


def test_threshold_metrics_count_a_score_at_the_threshold_as_an_alarm() -> None:
    found = ev.row_metrics(*arrays([1, 0, 1, 0, 1], [0.9, 0.5, 0.5, 0.4, 0.1]), 0.5)
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert found.f1 == pytest.approx(2 / 3)
    assert (found.rows, found.positives) == (5, 3)


def test_best_threshold_lies_in_the_middle_between_the_classes() -> None:
    assert ev.best_f1_threshold(*arrays([1, 1, 0, 0], [0.9, 0.8, 0.4, 0.1])) == pytest.approx(0.6)


def test_of_several_best_plateaus_the_widest_counts() -> None:
    # F1 is 2 tp / (alarms + 3): 1/2 with 1, 5 or 9 alarms; the plateaus are .8 to .9, .2 to .5 and 0 to .05
    truth = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    score = [0.9, 0.8, 0.7, 0.6, 0.5, 0.2, 0.15, 0.1, 0.05]
    assert ev.best_f1_threshold(*arrays(truth, score)) == pytest.approx(0.35)


def test_without_a_positive_row_no_probability_below_one_raises_an_alarm() -> None:
    assert ev.best_f1_threshold(*arrays([0, 0], [0.3, 0.99])) == 1.0


def machine(hours: int, alarms: list[int], failures: list[int], missing: tuple[int, ...] = ()) -> ev.ScoredMachine:
    """A machine scored hourly from hour 0; alarms and failures at these hours; no rows at the missing hours."""
    at = np.array([h for h in range(hours) if h not in missing], np.int64)
    risk = np.where(np.isin(at, alarms), 0.9, 0.1)
    label = np.array([any(h < f <= h + 24 for f in failures) for h in at], np.int8)
    return ev.ScoredMachine("m", START + at * HOUR, risk, label, START + np.array(failures, np.int64) * HOUR)


def card(*machines: ev.ScoredMachine) -> ev.EventCard:
    return ev.event_card(machines, THRESHOLD, DAY, HOUR)


def test_a_failure_is_caught_from_a_horizon_before_it_up_to_the_row_before_it() -> None:
    assert card(machine(200, [76], [100])).median_lead_h == 24
    assert card(machine(200, [99], [100])).median_lead_h == 1
    assert card(machine(200, [75], [100])).caught == 0
    assert card(machine(200, [100], [100])).caught == 0


def test_lead_is_counted_from_the_first_alarm_in_the_horizon() -> None:
    found = card(machine(300, [60, 61, 90, 95], [100]), machine(300, list(range(180, 200)), [200]))
    assert [event.lead for event in found.failures] == [10 * HOUR, 20 * HOUR]
    assert found.median_lead_h == 15


def test_two_components_failing_at_once_are_one_event() -> None:
    assert card(machine(200, [90], [100, 100])).events == 1


def test_a_failure_without_a_scored_row_in_its_horizon_is_missed_for_want_of_data() -> None:
    found = card(machine(200, [], [100], missing=tuple(range(70, 100))))
    assert (found.events, found.caught, found.no_data) == (1, 0, 1)


def test_a_machine_without_any_row_in_the_span_fails_unnoticed_and_is_counted() -> None:
    silent = machine(200, [], [100], missing=tuple(range(200)))
    found = card(machine(200, [90], [100]), silent)
    assert (found.events, found.caught, found.no_data) == (2, 1, 1)
    drawn = intervals.sample([machine(200, [90], [100]), replace(silent, machine="s")], THRESHOLD, DAY, HOUR)
    assert (drawn.events.sum(), drawn.caught.sum()) == (2, 1)


def test_alarms_up_to_six_steps_apart_are_one_episode() -> None:
    assert len(card(machine(300, [10, 16, 22], [])).episodes) == 1
    assert len(card(machine(300, [10, 17], [])).episodes) == 2


def test_a_failure_ends_the_episode() -> None:
    found = card(machine(300, [98, 99, 100, 101], [100]))
    assert [(e.start, e.end, e.false) for e in found.episodes] == [
        (START + 98 * HOUR, START + 99 * HOUR, False),
        (START + 100 * HOUR, START + 101 * HOUR, True),
    ]


def test_an_episode_is_false_without_a_positive_row_and_without_a_failure_within_the_horizon_after_it() -> None:
    assert card(machine(300, [10, 11], [100])).false_episodes == 1
    assert card(machine(300, [76], [100])).false_episodes == 0
    assert card(machine(300, [74, 75], [100])).false_episodes == 1
    assert card(machine(300, [74, 76], [100])).false_episodes == 0


def test_false_episodes_are_counted_by_machine_month_of_scored_time() -> None:
    found = card(machine(720, [10, 50], []), machine(720, [], []))
    assert found.machine_months == pytest.approx(2)
    assert found.false_episodes_per_machine_month == pytest.approx(1)
    gaps = card(machine(720, [10], [], missing=tuple(range(100, 460))))
    assert gaps.machine_months == pytest.approx(0.5)


def test_failures_no_scored_row_looks_at_are_not_events() -> None:
    # Rows are hours 0 to 199: the last looks at failures up to hour 223, the first at none at hour 0.
    assert card(machine(200, [], [0, 199, 223, 224])).events == 2


def test_a_card_of_nothing_says_so_in_plain_values() -> None:
    plain = card().to_dict()
    assert plain["events"] == 0
    assert plain["median_lead_h"] is None
    assert plain["false_episodes_per_machine_month"] is None
