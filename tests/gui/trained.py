"""Hand-made results of training for the pages: a candidate that beats its champion, and some that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from pdm_desktop.core import times
from pdm_desktop.core.model_results import (
    Confusion,
    Curves,
    Decision,
    FalseAlarm,
    Finding,
    Interval,
    MachineChange,
    Measures,
    MissedFailure,
    ModelVersion,
    ReliabilityPoint,
    SpanOf,
    TrainingData,
    TrainingResult,
    Verdict,
)


def dispose(widget: QWidget) -> None:
    """Destroy a widget at once: charts left over are restyled with every theme, and each test would take longer."""
    widget.hide()
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def at(text: str) -> int:
    """A time in UTC, ms."""
    return times.parse(text, "UTC")


DATA = TrainingData(
    start=at("2015-01-01 06:00"),
    end=at("2015-12-31 05:00"),
    known_until=at("2015-12-31 06:00"),
    horizon_h=24.0,
    step_h=1.0,
    machines=tuple(str(number) for number in range(1, 101)),
    readings=876_100,
    failures=719,
    failures_by_component={"comp1": 177, "comp2": 240, "comp3": 122, "comp4": 180},
    sensors=("torque", "flow"),
    codes=("E1", "E2"),
    components=("comp1", "comp2", "comp3", "comp4"),
    valid_from=at("2015-08-07"),
    test_from=at("2015-10-01"),
    failures_by_span={"train": 420, "validation": 120, "test": 179},
    missing=("2 machines have no readings in the span: 17, 31.",),
    verdict="enough",
    advice=(),
    suggested_holdout=20,
)
TOO_FEW = replace(
    DATA,
    failures=0,
    failures_by_component={},
    failures_by_span={},
    valid_from=None,
    test_from=None,
    verdict="not enough",
    advice=("Import the failures on record.",),
)


def figures(caught: int, events: int, f1: float, ap: float | None, false: float = 0.04) -> dict[str, Any]:
    """Figures as the core gives them."""
    return {
        "rows": 1000, "positives": 90, "events": events, "events_caught": caught, "median_lead_h": 23.0,
        "lead_p10_h": 21.0, "lead_p90_h": 24.0, "false_episodes_per_machine_month": false, "precision": 0.985,
        "recall": 0.991, "f1": f1, "ap": ap, "ece": 0.0011 if ap else None, "auc": 0.99, "threshold": 0.38,
    }  # fmt: skip


SHARE = np.linspace(0, 1, 50)
THRESHOLDS = np.linspace(0.02, 0.98, 49)
CURVES = Curves(
    reliability=(ReliabilityPoint(300, 0.1, 0.12, 0.08, 0.17), ReliabilityPoint(200, 0.8, 0.75, 0.6, 0.85)),
    recall=SHARE,
    precision=1 - 0.3 * SHARE**8,
    champion_recall=SHARE,
    champion_precision=1 - 0.5 * SHARE**6,
    thresholds=THRESHOLDS,
    missed=THRESHOLDS,
    false_episodes=1 - THRESHOLDS,
    cost=1 / THRESHOLDS + 4 * THRESHOLDS,
)
CANDIDATE = Measures(
    "candidate", "test", "Candidate", figures(178, 179, 0.988, 0.9991), {"events_caught": Interval(174.0, 179.0)}
)
CHAMPION = Measures("champion", "test", "Champion v3", figures(175, 179, 0.981, 0.9984))
RESULT = TrainingResult(
    run_id="7f3ac0ffee12",
    version="4",
    threshold=0.38,
    horizon_h=24.0,
    promoted=False,
    why="",
    champion_before="3",
    verdict=Verdict(True, "It catches 3 more of 179 failures (95 % interval of the gain: 1 to 6)."),
    splits={"test": SpanOf(at("2015-10-01"), at("2015-12-31"), 1000, 179, 80)},
    held_out=("3", "9"),
    measures=(
        CANDIDATE,
        CHAMPION,
        Measures("any_error", "test", "Any error in 24 h", figures(176, 179, 0.47, 0.4, 2.61)),
        Measures("base_rate", "test", "Base rate", figures(0, 179, 0.0, 0.01)),
        Measures("candidate", "unseen_machines", "Candidate", figures(46, 46, 0.975, 0.996)),
    ),
    curves=CURVES,
    confusion=Confusion(("comp1", "comp2"), np.array([[40, 1, 2], [0, 60, 1]], np.int64)),
    missed=(MissedFailure("17", at("2015-11-02 06:00"), "comp2", 0.21, False),),
    false_alarms=(FalseAlarm("4", at("2015-10-05 03:00"), at("2015-10-05 09:00"), 0.55),),
    changes=(
        MachineChange("1", 0.02, 0.03, "normal", "normal"),
        MachineChange("4", 0.14, 0.42, "watch", "alarm"),
        MachineChange("9", None, 0.01, "unknown", "normal"),
    ),
    audit=(),
    warnings=("The unseen machines hold only 46 failures.",),
    losses=(0.7, 0.3, 0.2),
    params={},
    features=("error1 24 h",),
    importance=(("error1 24 h", 0.4),),
    fingerprint="91c0ffee",
    rows=580_104,
    seconds=252.0,
)
NOT_BETTER = replace(RESULT, verdict=Verdict(False, "The difference is within what luck gives."))
LEAKING = replace(
    RESULT, audit=(Finding("single feature", "stop", "flow alone ranks the failures almost perfectly.", "flow"),)
)


def version(name: str, champion: bool = False, **values: Any) -> ModelVersion:
    """One version; what is not given is as in RESULT."""
    return ModelVersion(
        version=name,
        run_id=f"run{name}",
        name="pdm-risk",
        origin=values.pop("origin", "trained"),
        champion=champion,
        created=values.pop("created", at("2016-01-01 08:00")),
        horizon_h=24.0,
        threshold=0.38,
        features=48,
        feature_version=1,
        metrics={"test": values.pop("test", figures(178, 179, 0.988, 0.9991))},
        splits={"test_from": at("2015-10-01"), "test_to": at("2015-12-31"), "held_out": []},
        params={},
        facts={"plant": "Bottling hall 2", "rows": 580_104},
        note=values.pop("note", ""),
        plots=values.pop("plots", ()),
        **values,
    )


HISTORY = (Decision(at("2016-01-02 09:00"), "M. Ito", "promoted", "3", "1", "fewer false alarms"),)
