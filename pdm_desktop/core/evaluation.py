"""How good a model's probabilities are: counted by row, and by event (design: rules of truth).

Plain numpy: truth is 0 or 1, scores are probabilities, times are ms UTC.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.times import HOUR

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
Marks = npt.NDArray[np.integer[Any]]

CALIBRATION_BINS = 20
MERGED_STEPS = 6
"""Two alarms at most this many steps apart belong to one episode."""
MACHINE_MONTH = 30 * 24 * HOUR


def roc_auc(truth: Marks, score: Floats) -> float:
    """The chance that a positive row scores above a negative one, ties counted half; NaN with one class only."""
    positives, negatives, _ = _counts_from_the_top(truth, score)
    if not len(positives) or positives[-1] == 0 or negatives[-1] == 0:
        return math.nan
    hits, misses = np.concatenate(([0], positives)), np.concatenate(([0], negatives))
    return float(np.trapezoid(hits / hits[-1], misses / misses[-1]))


def average_precision(truth: Marks, score: Floats) -> float:
    """Precision averaged over recall, by steps at each distinct score (no interpolation); NaN without a positive."""
    positives, negatives, _ = _counts_from_the_top(truth, score)
    if not len(positives) or positives[-1] == 0:
        return math.nan
    precision = positives / (positives + negatives)
    recall = positives / positives[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def brier(truth: Marks, score: Floats) -> float:
    """Mean squared difference of probability and outcome; NaN without rows."""
    return float(np.mean((score - truth) ** 2)) if len(truth) else math.nan


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of the reliability curve: rows, their mean probability, the share that was positive."""

    rows: int
    predicted: float
    observed: float


def reliability(truth: Marks, score: Floats, bins: int = CALIBRATION_BINS) -> tuple[ReliabilityBin, ...]:
    """The reliability curve: rows in order of probability, cut into bins of equal count."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(
        ReliabilityBin(len(part), float(np.mean(score[part], dtype=float)), float(truth[part].mean())) for part in parts
    )


def ece(truth: Marks, score: Floats, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: the mean distance of probability and observed share over the bins, by rows."""
    if not len(truth):
        return math.nan
    curve = reliability(truth, score, bins)
    return sum(part.rows * abs(part.predicted - part.observed) for part in curve) / len(truth)


def best_f1_threshold(truth: Marks, score: Floats) -> float:
    """The threshold (alarm at or above it) with the best F1: the middle of the best plateau.

    Every threshold between two neighbouring scores gives the same alarms; neighbouring stretches of the same F1 are one
    plateau. Of several best plateaus the widest counts. Without a positive row there is no best: 1.0.
    """
    positives, negatives, values = _counts_from_the_top(truth, score)
    if not len(positives) or positives[-1] == 0:
        return 1.0
    f1 = 2 * positives / (positives + negatives + positives[-1])
    lower = np.concatenate((values[1:], [min(0.0, float(values[-1]))]))
    best = np.flatnonzero(np.isclose(f1, f1.max(), rtol=0, atol=1e-12))
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    widest = max(runs, key=lambda run: float(values[run[0]] - lower[run[-1]]))
    return float((values[widest[0]] + lower[widest[-1]]) / 2)


def _counts_from_the_top(truth: Marks, score: Floats) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """For each distinct score, highest first: positives and negatives at or above it, and the score."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order].astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1) if len(ranked) else np.empty(0, np.intp)
    positives = np.cumsum(truth[order] == 1, dtype=np.int64)[last]
    return positives, last.astype(np.int64) + 1 - positives, ranked[last]


@dataclass(frozen=True)
class RowMetrics:
    """Counted by row. auc, ap ... are NaN where the rows do not tell (no positive, no negative, no row)."""

    rows: int
    positives: int
    auc: float
    ap: float
    f1: float
    precision: float
    recall: float
    brier: float
    ece: float
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not known is None."""
        return {name: None if value != value else value for name, value in asdict(self).items()}


def row_metrics(truth: Marks, score: Floats, threshold: float) -> RowMetrics:
    """All row metrics of (n,) outcomes and probabilities; an alarm is a probability at or above `threshold`."""
    alarm = score >= threshold
    hits, alarms, positives = int(np.sum(alarm & (truth == 1))), int(alarm.sum()), int(np.sum(truth == 1))
    return RowMetrics(
        rows=len(truth),
        positives=positives,
        auc=roc_auc(truth, score),
        ap=average_precision(truth, score),
        f1=2 * hits / (alarms + positives) if alarms + positives else math.nan,
        precision=hits / alarms if alarms else math.nan,
        recall=hits / positives if positives else math.nan,
        brier=brier(truth, score),
        ece=ece(truth, score),
        threshold=float(threshold),
    )


@dataclass(frozen=True)
class Prevented:
    """A failure that was prevented: an alarm of the machine stood from `start` to `end` (ms), its component was
    replaced at `at`, and no failure came; see core/prevented.py."""

    machine: str
    start: int
    end: int
    at: int
    component: str


@dataclass(frozen=True)
class ScoredMachine:
    """One machine's scored rows with a label: times (n,) ascending, risk (n,), label (n,) 0 or 1, -1 where a failure
    was prevented; failures: the times of all its recorded failures, in the span or not."""

    machine: str
    times: Ints
    risk: Floats
    label: Marks
    failures: Ints
    prevented: tuple[Prevented, ...] = ()


@dataclass(frozen=True)
class Episode:
    """A run of alarms of one machine: its first and last alarm, and whether it was a false one. One that stood while
    a failure was prevented is neither right nor false."""

    machine: str
    start: int
    end: int
    false: bool


@dataclass(frozen=True)
class FailureEvent:
    """One failure time of one machine. lead: ms from the first alarm in its horizon, None when missed.

    no_data: no row of its horizon was scored.
    """

    machine: str
    time: int
    lead: int | None
    no_data: bool


@dataclass(frozen=True)
class EventCard:
    """Counted by event: every failure event and every alarm episode of a span."""

    failures: tuple[FailureEvent, ...] = field(repr=False)
    episodes: tuple[Episode, ...] = field(repr=False)
    machine_months: float = 0.0
    prevented: tuple[tuple[Prevented, bool], ...] = field(default=(), repr=False)
    """Failures prevented, and whether there is an alarm before the replacement."""

    @property
    def events(self) -> int:
        """Failure events, those without data included."""
        return len(self.failures)

    @property
    def caught(self) -> int:
        """Failure events with an alarm in their horizon."""
        return sum(event.lead is not None for event in self.failures)

    @property
    def no_data(self) -> int:
        """Failure events missed because nothing was scored in their horizon."""
        return sum(event.no_data for event in self.failures)

    @property
    def median_lead_h(self) -> float:
        """Median lead of the failures caught, hours; NaN when none was."""
        return self.lead_h(50)

    def lead_h(self, percentile: float) -> float:
        """A percentile of the leads of the failures caught, hours; NaN when none was."""
        leads = [event.lead / HOUR for event in self.failures if event.lead is not None]
        return float(np.percentile(leads, percentile)) if leads else math.nan

    @property
    def false_episodes(self) -> int:
        """Alarm episodes that no failure followed."""
        return sum(episode.false for episode in self.episodes)

    @property
    def false_episodes_per_machine_month(self) -> float:
        """False episodes per 30 x 24 h of scored time; NaN without scored time."""
        return self.false_episodes / self.machine_months if self.machine_months else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not known is None."""
        plain = {
            "events": self.events,
            "events_caught": self.caught,
            "events_without_data": self.no_data,
            "events_prevented": len(self.prevented),
            "events_prevented_alarmed": sum(alarmed for _, alarmed in self.prevented),
            "median_lead_h": self.median_lead_h,
            "lead_p10_h": self.lead_h(10),
            "lead_p90_h": self.lead_h(90),
            "episodes": len(self.episodes),
            "false_episodes": self.false_episodes,
            "false_episodes_per_machine_month": self.false_episodes_per_machine_month,
        }
        return {name: None if value != value else value for name, value in plain.items()}


def event_card(machines: Iterable[ScoredMachine], threshold: float, horizon: int, step: int) -> EventCard:
    """The event card of scored machines; horizon and grid step in ms.

    A failure counts when it lies after the first scored time of the whole plant and its horizon begins at or before
    the last: then rows of the span look at it, as the labels do, be it the single row a horizon before. A machine
    without any row there fails like others: nobody was warned.
    """
    machines = list(machines)
    filled = [machine.times for machine in machines if len(machine.times)]
    if not filled:
        return EventCard((), ())
    start = min(int(times[0]) for times in filled)
    end = max(int(times[-1]) for times in filled)
    failures: list[FailureEvent] = []
    episodes: list[Episode] = []
    prevented: list[tuple[Prevented, bool]] = []
    for machine in machines:
        times = np.unique(machine.failures)
        failures += [_failure_event(machine, int(f), threshold, horizon) for f in times if start < f <= end + horizon]
        episodes += _episodes(machine, times, threshold, horizon, step)
        prevented += [(p, _alarmed(machine, p, threshold)) for p in machine.prevented if start <= p.start <= end]
    scored = sum(len(machine.times) for machine in machines) * step
    return EventCard(tuple(failures), tuple(episodes), scored / MACHINE_MONTH, tuple(prevented))


@dataclass(frozen=True)
class Sweep:
    """The event card's counts at each of (m,) thresholds."""

    thresholds: npt.NDArray[np.float64]
    missed: npt.NDArray[np.float64]
    false_episodes: npt.NDArray[np.float64]
    episodes: npt.NDArray[np.float64]
    events: int
    machine_months: float


def sweep(machines: Iterable[ScoredMachine], thresholds: npt.NDArray[np.float64], horizon: int, step: int) -> Sweep:
    """Failures missed and alarm episodes at each threshold."""
    machines = list(machines)
    cards = [event_card(machines, float(threshold), horizon, step) for threshold in thresholds]
    return Sweep(
        thresholds,
        np.array([card.events - card.caught for card in cards], float),
        np.array([card.false_episodes for card in cards], float),
        np.array([len(card.episodes) for card in cards], float),
        cards[0].events if cards else 0,
        cards[0].machine_months if cards else 0.0,
    )


def _failure_event(machine: ScoredMachine, failure: int, threshold: float, horizon: int) -> FailureEvent:
    low, high = np.searchsorted(machine.times, [failure - horizon, failure], "left")
    alarms = machine.times[low:high][machine.risk[low:high] >= threshold]
    lead = failure - int(alarms[0]) if len(alarms) else None
    return FailureEvent(machine.machine, failure, lead, no_data=bool(low == high))


def _episodes(machine: ScoredMachine, failures: Ints, threshold: float, horizon: int, step: int) -> list[Episode]:
    rows = np.flatnonzero(machine.risk >= threshold)
    if not len(rows):
        return []
    times = machine.times[rows]
    found = []
    for run in alarm_runs(times, failures, step):
        start, end = int(times[run[0]]), int(times[run[-1]])
        first, last = np.searchsorted(failures, [end, end + horizon], "right")
        labels = machine.label[rows[run]]
        settled = bool(np.any(labels == 1) or np.any(labels == -1))
        found.append(Episode(machine.machine, start, end, false=not settled and bool(first == last)))
    return found


def alarm_runs(times: Ints, failures: Ints, step: int) -> list[npt.NDArray[np.intp]]:
    """Which of the alarms at `times` (ascending, ms) belong to one episode: gaps up to six steps merged, ended by a
    failure."""
    # A row at a failure's own time already looks beyond it: it belongs to what comes after.
    passed = np.searchsorted(failures, times, "right")
    breaks = (np.diff(times) > MERGED_STEPS * step) | (np.diff(passed) > 0)
    return np.split(np.arange(len(times)), np.flatnonzero(breaks) + 1) if len(times) else []


def _alarmed(machine: ScoredMachine, prevented: Prevented, threshold: float) -> bool:
    low, high = np.searchsorted(machine.times, [prevented.start, prevented.at])
    return bool(np.any(machine.risk[low:high] >= threshold))
