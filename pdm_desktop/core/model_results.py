"""What training and the model versions return: frozen values the window and the command line read. Times are ms UTC.

Figures are dictionaries with the keys of the command line's JSON: rows, positives, auc, ap, f1, precision, recall,
brier, ece, threshold, events, events_caught, events_without_data, events_prevented, events_prevented_alarmed,
median_lead_h, lead_p10_h, lead_p90_h, episodes, false_episodes, false_episodes_per_machine_month; None where the rows
do not tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import Band
from pdm_desktop.core.sent import Sending

Floats = npt.NDArray[np.float64]
Features = Literal["all", "telemetry"]
GoalKind = Literal["f1", "alarm-budget", "cost"]
Promotion = Literal["if-better", "always", "never"]
Span = Literal["validation", "test", "unseen_machines"]
Scorer = Literal["candidate", "champion", "any_error", "oldest_component", "base_rate", "time_of_day"]
Origin = Literal["bundled", "trained", "imported"]

BASELINES: tuple[Scorer, ...] = ("any_error", "oldest_component", "base_rate", "time_of_day")


@dataclass(frozen=True)
class Goal:
    """What the threshold is chosen for, on validation.

    f1: best F1 by row. alarm-budget: most failures caught with at most `alarms` episodes a machine-month.
    cost: lowest cost, counted by event, of `missed` per failure missed and `false_alarm` per false episode.
    """

    kind: GoalKind = "f1"
    alarms: float = 0.5
    missed: float = 10.0
    false_alarm: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("f1", "alarm-budget", "cost"):
            raise PdmError(f"{self.kind!r} is no goal.", "Use f1, alarm-budget or cost.", "goal")
        if not all(0 < number <= 1e9 for number in (self.alarms, self.missed, self.false_alarm)):
            raise PdmError("A goal's numbers must be above zero.", where="goal")


@dataclass(frozen=True)
class TrainingSettings:
    """What a training is asked for; every field has a sensible default.

    since, until, valid_from, test_from: ms UTC, None = the whole record, 60/15/25 % of its span. machines: empty = all.
    horizon_h: None = the workspace's. trials: 0 = the default parameters, without tuning. params: XGBoost parameters
    over the defaults ("rounds" and "patience" are understood too).
    """

    since: int | None = None
    until: int | None = None
    valid_from: int | None = None
    test_from: int | None = None
    machines: tuple[str, ...] = ()
    holdout_machines: int = 0
    trials: int = 0
    time_limit_s: float | None = None
    horizon_h: float | None = None
    features: Features = "all"
    params: Mapping[str, Any] = field(default_factory=dict)
    goal: Goal = field(default_factory=Goal)
    seed: int = 0
    promote: Promotion = "never"
    who: str = ""
    note: str = ""


@dataclass(frozen=True)
class TrainingData:
    """What there is to learn from, before anything is trained. A failure is one machine and time with a failure."""

    start: int | None
    end: int | None
    """The span of rows with readings and a known outcome; None without any."""
    known_until: int | None
    horizon_h: float
    step_h: float | None
    machines: tuple[str, ...]
    """Those with readings in the span."""
    readings: int
    failures: int
    failures_by_component: Mapping[str, int]
    sensors: tuple[str, ...]
    codes: tuple[str, ...]
    components: tuple[str, ...]
    valid_from: int | None
    test_from: int | None
    """The default split's times."""
    failures_by_span: Mapping[str, int]
    """train, validation, test -> failures in it, with the default split."""
    missing: tuple[str, ...]
    """What is not there, in plain words: machines without readings, sensors left out and why ..."""
    verdict: Literal["enough", "few", "not enough"]
    advice: tuple[str, ...]
    """What to do about it; empty when there is enough."""
    suggested_holdout: int = 0

    @property
    def trainable(self) -> bool:
        """Whether a model can be trained at all."""
        return self.verdict != "not enough"


@dataclass(frozen=True)
class Round:
    """One boosting round as it is done. trial: 0 without tuning, else from 1; loss: validation log-loss;
    training_loss: on the rows learned from."""

    trial: int
    round: int
    loss: float
    best_loss: float
    training_loss: float | None = None


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; None at an end that cannot be told."""

    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measures:
    """One scorer's figures over one span. label: how a table heads it ("Champion v3, its recipe fitted anew"); note:
    what weakens them. intervals: of ap, f1, events_caught (of all), false_episodes_per_machine_month."""

    who: Scorer
    span: Span
    label: str
    figures: Mapping[str, Any]
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ReliabilityPoint:
    """One bin of the reliability curve; low and high: 95 % interval of the observed share."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """The candidate over the test span. pr: recall (n,), precision (n,). cost: thresholds (m,), then at each the
    failures missed, false episodes and cost per machine-month (cost by the goal's prices)."""

    reliability: tuple[ReliabilityPoint, ...]
    recall: Floats
    precision: Floats
    champion_recall: Floats
    champion_precision: Floats
    thresholds: Floats
    missed: Floats
    false_episodes: Floats
    cost: Floats
    missed_price: float = 10.0
    false_alarm_price: float = 1.0


@dataclass(frozen=True)
class Confusion:
    """Failures held out, as many as the event card has: rows are the component that failed, columns what was called,
    last column "missed".

    counts: (F, C + 1), the likeliest of the C `components` at the first alarm. What failed at once is one failure: of
    the component called where it is among them. failed: the F rows, those that never failed in training last.
    """

    components: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MissedFailure:
    """A failure without an alarm in its horizon. highest: the highest risk there, None without a score (no_data)."""

    machine: str
    time: int
    component: str
    highest: float | None
    no_data: bool
    span: Span = "test"


@dataclass(frozen=True)
class FalseAlarm:
    """An alarm episode that no failure followed."""

    machine: str
    start: int
    end: int
    highest: float
    span: Span = "test"


@dataclass(frozen=True)
class MachineChange:
    """One machine's risk today under the model in use and under the candidate; None where there is no number."""

    machine: str
    before: float | None
    after: float | None
    band_before: Band
    band_after: Band


@dataclass(frozen=True)
class Finding:
    """What the leakage audit found. severity `stop`: not promoted without being told to; `look`: worth a look."""

    kind: Literal["single feature", "known too late", "known before", "silent before", "duplicates"]
    severity: Literal["stop", "look"]
    text: str
    feature: str = ""


@dataclass(frozen=True)
class Verdict:
    """Candidate against what it must beat, on the same held-out rows. better: by AP and event card beyond luck.

    gains: figure -> 95 % interval of candidate minus rival: ap, events_caught, false_episodes_per_machine_month.
    """

    better: bool
    why: str
    gains: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanOf:
    """Row times of one span, both ends included, its rows and its failures."""

    start: int
    end: int
    rows: int
    failures: int
    machines: int


@dataclass(frozen=True)
class TrainingResult:
    """A trained, measured, logged and registered version, and how it compares."""

    run_id: str
    version: str
    threshold: float
    horizon_h: float
    promoted: bool
    why: str
    """Why it was or was not promoted, one or two sentences."""
    champion_before: str | None
    """The version in use before; None when none can score this plant."""
    verdict: Verdict
    splits: Mapping[str, SpanOf]
    held_out: tuple[str, ...]
    measures: tuple[Measures, ...]
    curves: Curves
    confusion: Confusion
    missed: tuple[MissedFailure, ...]
    false_alarms: tuple[FalseAlarm, ...]
    changes: tuple[MachineChange, ...]
    audit: tuple[Finding, ...]
    warnings: tuple[str, ...]
    losses: tuple[float, ...]
    params: Mapping[str, Any]
    features: tuple[str, ...]
    importance: tuple[tuple[str, float], ...]
    """The features that bring most, with their share of the gain in the trees, highest first."""
    fingerprint: str
    """SHA-256 of the training matrix."""
    rows: int
    seconds: float
    trials: int = 0
    sending: Sending = field(default_factory=Sending)
    """What became of the copy on the tracking server, where one is set."""

    def of(self, who: Scorer, span: Span = "test") -> Measures | None:
        """The figures of one scorer over one span; None where there are none."""
        return next((m for m in self.measures if m.who == who and m.span == span), None)


@dataclass(frozen=True)
class Attempt:
    """The newest retraining the program began by itself. known_until: the failures it knew of ended there.

    state: `running` (the program died in it), `stopped`, `failed`, `candidate` (waits for a decision), `promoted` by
    the user's rule, `settled`. interruptions: how often in a row. on_record: the failures there were."""

    started: int
    state: Literal["running", "stopped", "failed", "candidate", "promoted", "settled"]
    known_until: int
    version: str = ""
    message: str = ""
    interruptions: int = 0
    on_record: int | None = None


@dataclass(frozen=True)
class RetrainingDue:
    """Whether a retraining is due, and why or why not in a sentence. new: failures since `since` (ms; None = all on
    record), `enough` of which make it due; last: the newest attempt."""

    due: bool
    why: str
    new: int
    enough: int
    since: int | None
    last: Attempt | None = None


@dataclass(frozen=True)
class ModelVersion:
    """One version of the registry. metrics: span -> figures; plots: SVG files on this computer."""

    version: str
    run_id: str
    name: str
    origin: Origin
    champion: bool
    created: int | None
    horizon_h: float
    threshold: float
    features: int
    feature_version: int
    metrics: Mapping[str, Mapping[str, Any]]
    splits: Mapping[str, Any]
    params: Mapping[str, Any]
    facts: Mapping[str, Any]
    """Where it came from: plant, machines, rows, fingerprint, settings, verdict ..."""
    note: str
    plots: tuple[Path, ...]
    was_champion: bool = False
    obstacle: str = ""
    """Why it cannot be used here; empty when it can."""
    sent_to: str = ""
    """The tracking server that has a copy; empty when none has."""


@dataclass(frozen=True)
class Decision:
    """One entry of the history: who did what to a version, when and why."""

    at: int
    who: str
    action: Literal["promoted", "rolled back", "discarded", "imported"]
    version: str
    before: str
    why: str


def former_version(decisions: Iterable[Decision], first: str) -> str | None:
    """What was in use before the version in use now. decisions: oldest first; first: the version in use before them."""
    used = [first]
    for decision in decisions:
        if decision.action == "promoted":
            used.append(decision.version)
        elif decision.action == "rolled back":
            used.pop()
    return used[-2] if len(used) > 1 else None


@dataclass(frozen=True)
class Evaluation:
    """A version measured on a span of the record. in_sample: rows its training had seen; None = unknown."""

    version: str
    run_id: str
    start: int
    end: int
    rows: int
    in_sample: int | None
    figures: Mapping[str, Any]
    intervals: Mapping[str, Interval]
    baselines: Mapping[str, Mapping[str, Any]]
    curves: Curves
    confusion: Confusion
    missed: tuple[MissedFailure, ...]
    false_alarms: tuple[FalseAlarm, ...]
    warnings: tuple[str, ...]
