"""What is said where the usual goal of the threshold serves a plant badly."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core import comparison, training
from pdm_desktop.core.comparison import Rival, Scale
from pdm_desktop.core.model_results import Goal
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import HOUR

SCALE = Scale(24 * HOUR, HOUR)


def scored(false_risk: float) -> tuple[Rival, comparison.Spans]:
    """Failures at hours 100, 300 and 500, alarmed with .95 a day long; false alarms at hours 200, 400, 600, 700."""
    hours = np.arange(800, dtype=np.int64)
    risk, label = np.full((800, 1), 0.01), np.zeros((800, 1), np.int8)
    for failure in (100, 300, 500):
        risk[failure - 24 : failure] = 0.95
        label[failure - 24 : failure] = 1
    risk[[200, 400, 600, 700]] = false_risk
    failures = np.array([100, 300, 500], np.int64) * HOUR
    rows = MachineRows("M", hours * HOUR, np.zeros((800, 1), np.float32), label, failures)
    return Rival("candidate", "Candidate", 0.5, ("any",), {"validation": [risk]}), {"validation": [rows]}


def test_more_false_alarms_than_need_be_are_said_with_what_costs_would_give() -> None:
    (said,) = comparison.other_goal(*scored(0.6), SCALE, Goal())
    assert said.startswith("On validation 4 false alarms go with 3 failures caught")
    assert said.endswith("with 0 false alarms and 3 failures caught there.")


def test_nothing_is_said_where_costs_would_be_no_better_or_were_the_goal() -> None:
    assert comparison.other_goal(*scored(0.95), SCALE, Goal()) == []
    assert comparison.other_goal(*scored(0.3), SCALE, Goal()) == []
    assert comparison.other_goal(*scored(0.6), SCALE, Goal("cost")) == []


def test_an_alarm_that_never_ends_is_no_goal() -> None:
    # It would be one episode after the last failure, and miss nothing: cheaper than four false alarms.
    rival, spans = scored(0.95)
    rows, risks = spans["validation"], rival.risks["validation"]
    for goal in (Goal("cost"), Goal("alarm-budget", alarms=1.0)):
        assert training.choose_threshold(rows, risks, goal, SCALE.horizon, SCALE.step) > 0.01
