"""Intervals: paired draws of machines, Wilson for shares, honest about nothing seen."""

from __future__ import annotations

import numpy as np
import pytest

from pdm_desktop.core import intervals
from pdm_desktop.core.evaluation import ScoredMachine, average_precision
from pdm_desktop.core.times import HOUR


def machine(name: str, seed: int, strength: float, hours: int = 480) -> ScoredMachine:
    """One failure at hour 400, its 24 rows scored `strength` above the noise."""
    rng = np.random.default_rng(seed)
    times = HOUR * np.arange(hours, dtype=np.int64)
    label = ((times >= 376 * HOUR) & (times < 400 * HOUR)).astype(np.int8)
    risk = np.clip(rng.random(hours) * 0.5 + strength * label, 0, 1)
    return ScoredMachine(name, times, risk, label, np.array([400 * HOUR], np.int64))


def plant(strength: float, machines: int = 25) -> list[ScoredMachine]:
    return [machine(str(i), i, strength) for i in range(machines)]


def test_a_draw_of_every_machine_once_gives_the_plain_figures() -> None:
    machines = plant(0.3)
    made = intervals.sample(machines, 0.6, 24 * HOUR, HOUR)
    once = np.ones((1, made.units))
    found = intervals.figures(made, once)
    truth = np.concatenate([m.label for m in machines])
    risk = np.concatenate([m.risk for m in machines])
    assert found["ap"][0] == pytest.approx(average_precision(truth, risk))
    alarm = risk >= 0.6
    hits = int((alarm & (truth == 1)).sum())
    assert found["f1"][0] == pytest.approx(2 * hits / (alarm.sum() + truth.sum()))
    assert found["events_caught"][0] == 1.0


def test_a_clearly_better_scorer_gains_beyond_luck_and_an_equal_one_does_not() -> None:
    good, poor = (intervals.sample(plant(s), 0.6, 24 * HOUR, HOUR) for s in (0.6, 0.1))
    gain = intervals.gains(good, poor)["ap"]
    assert gain.low is not None
    assert gain.low > 0.3
    same = intervals.gains(good, good)["ap"]
    assert (same.low, same.high) == (0.0, 0.0)


def test_eleven_of_eleven_caught_is_not_certain() -> None:
    # Wilson (1927) for 11 of 11 at 95 %: lower bound 1 / (1 + 1.96^2 / 11) = .741
    assert intervals.wilson(11, 11) == (pytest.approx(0.741, abs=0.001), pytest.approx(1.0))
    assert intervals.wilson(0, 0) == (0.0, 1.0)


def test_no_false_episode_seen_still_leaves_room_for_some() -> None:
    quiet = [
        ScoredMachine(m.machine, m.times, m.label.astype(float), m.label, m.failures) for m in plant(0.6, machines=2)
    ]
    made = intervals.sample(quiet, 0.5, 24 * HOUR, HOUR)
    limit = intervals.intervals(made)["false_episodes_per_machine_month"]
    # two machines of 20 days are 4/3 machine-months; the rule of three: 3 / (4/3)
    assert (limit.low, limit.high) == (0.0, pytest.approx(3 / (4 / 3)))


def test_few_machines_are_drawn_by_stretches_of_time() -> None:
    assert intervals.sample(plant(0.3, 25), 0.5, 24 * HOUR, HOUR).units == 25
    # 20 days in stretches of seven horizons: three a machine
    assert intervals.sample(plant(0.3, 1), 0.5, 24 * HOUR, HOUR).units == 3


def test_the_interval_narrows_with_more_machines() -> None:
    def width(machines: int) -> float:
        limit = intervals.intervals(intervals.sample(plant(0.25, machines), 0.6, 24 * HOUR, HOUR))["ap"]
        assert limit.low is not None
        assert limit.high is not None
        return limit.high - limit.low

    assert width(100) < 0.7 * width(25)
