"""A model beside its rivals on the same rows: figures with intervals, curves, what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import intervals
from pdm_desktop.core.evaluation import reliability, sweep
from pdm_desktop.core.features import EventSeries
from pdm_desktop.core.model_results import (
    Confusion,
    Curves,
    FalseAlarm,
    Goal,
    Measures,
    MissedFailure,
    ReliabilityPoint,
    Scorer,
    Span,
)
from pdm_desktop.core.rowset import MachineRows, any_only, scored
from pdm_desktop.core.training import THRESHOLDS, choose_threshold, events, measure

Floats = npt.NDArray[np.float64]
Spans = Mapping[Span, Sequence[MachineRows]]

FEW_EVENTS = 20
"""Below so many failures a figure is told with a warning."""
_CURVE_POINTS = 400
_HELD_OUT: tuple[Span, ...] = ("test", "unseen_machines")


@dataclass(frozen=True)
class Rival:
    """One scorer's risks (n, 1 + C) for each machine of each span, in the spans' order, at its own threshold."""

    who: Scorer
    label: str
    threshold: float
    outputs: tuple[str, ...]
    risks: Mapping[Span, Sequence[Floats]]
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """What all rows compared share: horizon and grid step, ms; the seed of the intervals."""

    horizon: int
    step: int
    seed: int = 0


def measures(rival: Rival, spans: Spans, scale: Scale) -> list[Measures]:
    """The rival's figures over every span that has rows."""
    found = []
    for span, rows in spans.items():
        if not sum(len(r.times) for r in rows) or span not in rival.risks:
            continue
        shown, labelled, outputs = list(rival.risks[span]), list(rows), rival.outputs
        if rival.who != "candidate":
            # A rival may know other components: only the risk of any failure is compared.
            shown = [risk[:, :1] for risk in shown]
            labelled = [any_only(r) for r in rows]
            outputs = outputs[:1]
        figures = measure(labelled, shown, outputs, rival.threshold, scale.horizon, scale.step)
        limits = intervals.intervals(sample(rows, shown, rival.threshold, scale), scale.seed)
        found.append(Measures(rival.who, span, rival.label, figures, limits, rival.note))
    return found


def sample(rows: Sequence[MachineRows], risks: Sequence[Floats], threshold: float, scale: Scale) -> intervals.Sample:
    """Scored rows made ready for intervals."""
    return intervals.sample(scored(rows, risks), threshold, scale.horizon, scale.step)


def held_out(spans: Spans, rival: Rival) -> tuple[list[MachineRows], list[Floats]]:
    """Rows and risks nobody trained or tuned on: test and unseen machines together."""
    rows: list[MachineRows] = []
    risks: list[Floats] = []
    for span in _HELD_OUT:
        if span in spans and span in rival.risks:
            rows += spans[span]
            risks += rival.risks[span]
    return rows, risks


def curves(candidate: Rival, champion: Rival | None, spans: Spans, scale: Scale, goal: Goal) -> Curves:
    """Reliability, precision-recall and cost of the candidate over the test span."""
    rows, risks = spans["test"], candidate.risks["test"]
    truth = np.concatenate([r.labels[:, 0] for r in rows])
    known = truth >= 0
    risk = np.concatenate([r[:, 0] for r in risks])[known]
    truth = truth[known]
    points = []
    for part in reliability(truth, risk):
        low, high = intervals.wilson(part.observed * part.rows, part.rows)
        points.append(ReliabilityPoint(part.rows, part.predicted, part.observed, low, high))
    recall, precision = precision_recall(truth, risk)
    other = (np.empty(0), np.empty(0))
    if champion is not None and "test" in champion.risks:
        other = precision_recall(truth, np.concatenate([r[:, 0] for r in champion.risks["test"]])[known])
    counted = sweep(scored(rows, risks), THRESHOLDS, scale.horizon, scale.step)
    cost = goal.missed * counted.missed + goal.false_alarm * counted.false_episodes
    return Curves(
        tuple(points),
        recall,
        precision,
        *other,
        THRESHOLDS,
        counted.missed,
        counted.false_episodes,
        cost / counted.machine_months if counted.machine_months else cost,
        goal.missed,
        goal.false_alarm,
    )


def precision_recall(truth: npt.NDArray[np.int8], risk: Floats) -> tuple[Floats, Floats]:
    """(recall, precision) at up to 400 scores from the highest down; empty without a positive."""
    positives = int((truth == 1).sum())
    if not positives:
        return np.empty(0), np.empty(0)
    order = np.argsort(-risk, kind="stable")
    last = np.append(np.flatnonzero(np.diff(risk[order])), len(order) - 1)
    hits = np.cumsum(truth[order] == 1)[last]
    recall, precision = hits / positives, hits / (last + 1)
    end = int(np.searchsorted(recall, 1.0)) + 1
    shown = np.unique(np.linspace(0, min(end, len(recall)) - 1, _CURVE_POINTS).astype(int))
    return np.asarray(recall[shown]), np.asarray(precision[shown])


def other_goal(candidate: Rival, spans: Spans, scale: Scale, goal: Goal) -> list[str]:
    """Where the best F1 by row raises more than a false alarm for four failures caught, on validation: what a threshold
    by costs would give there, if that catches as many with half the false alarms."""
    rows, risks = spans["validation"], list(candidate.risks["validation"])
    now = events(rows, risks, candidate.threshold, scale.horizon, scale.step)
    if goal.kind != "f1" or now.false_episodes * 4 <= now.caught:
        return []
    by_cost = Goal("cost")
    threshold = choose_threshold(rows, risks, by_cost, scale.horizon, scale.step)
    then = events(rows, risks, threshold, scale.horizon, scale.step)
    if then.caught < now.caught or then.false_episodes * 2 > now.false_episodes:
        return []
    return [
        f"On validation {now.false_episodes} false alarms go with {now.caught} failures caught: the threshold of "
        f"{candidate.threshold:.2f} is best by row, not by alarm. Chosen by costs (a missed failure "
        f"{by_cost.missed:g}, a false alarm {by_cost.false_alarm:g}) it would be {threshold:.2f}, with "
        f"{then.false_episodes} false alarms and {then.caught} failures caught there."
    ]


def confusion(rival: Rival, spans: Spans, failures: Mapping[str, EventSeries], scale: Scale) -> Confusion:
    """Which component failed, and which was likeliest at the first alarm of its horizon, for every failure of the
    event card. Of components that failed at once it is the one that was called, where it is among them."""
    names = rival.outputs[1:]
    found: Counter[tuple[str, int]] = Counter()
    for span in _HELD_OUT:
        if span not in spans or span not in rival.risks:
            continue
        rows = {r.machine: (r.times, risk) for r, risk in zip(spans[span], rival.risks[span], strict=True)}
        for event in events(spans[span], list(rival.risks[span]), rival.threshold, scale.horizon, scale.step).failures:
            record = failures[event.machine]
            failed = sorted({c for t, c in zip(record.times, record.labels, strict=True) if t == event.time})
            if event.lead is None or not names:
                found[failed[0], len(names)] += 1
                continue
            times, risk = rows[event.machine]
            called = int(np.argmax(risk[np.searchsorted(times, event.time - event.lead), 1:]))
            found[names[called] if names[called] in failed else failed[0], called] += 1
    others = sorted({name for name, _ in found} - set(names))
    counts = np.zeros((len(names) + len(others), len(names) + 1), np.int64)
    for (name, called), count in found.items():
        counts[(*names, *others).index(name), called] += count
    return Confusion(names, counts, (*names, *others))


def lists(
    rival: Rival, spans: Spans, failures: Mapping[str, EventSeries], scale: Scale
) -> tuple[tuple[MissedFailure, ...], tuple[FalseAlarm, ...]]:
    """Every failure missed and every false alarm episode over the spans nobody trained on."""
    missed: list[MissedFailure] = []
    false: list[FalseAlarm] = []
    for span in _HELD_OUT:
        if span not in spans or span not in rival.risks:
            continue
        rows = {r.machine: (r, risk) for r, risk in zip(spans[span], rival.risks[span], strict=True)}
        card = events(spans[span], list(rival.risks[span]), rival.threshold, scale.horizon, scale.step)
        for event in card.failures:
            if event.lead is None:
                record = failures[event.machine]
                what = " + ".join(c for t, c in zip(record.times, record.labels, strict=True) if t == event.time)
                highest = _highest(*rows[event.machine], event.time - scale.horizon, event.time - 1)
                missed.append(MissedFailure(event.machine, event.time, what, highest, event.no_data, span))
        for episode in card.episodes:
            if episode.false:
                highest = _highest(*rows[episode.machine], episode.start, episode.end)
                false.append(FalseAlarm(episode.machine, episode.start, episode.end, highest or 0.0, span))
    return tuple(missed), tuple(false)


def _highest(rows: MachineRows, risk: Floats, start: int, end: int) -> float | None:
    low, high = np.searchsorted(rows.times, [start, end + 1])
    return float(risk[low:high, 0].max()) if high > low else None
