"""How far a figure can be trusted: 95 % intervals by bootstrap over machines, or over stretches of time where machines
are few. Rows of one failure hang together, so rows are never drawn one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core.evaluation import MACHINE_MONTH, ScoredMachine, event_card
from pdm_desktop.core.model_results import Interval

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DRAWS = 400
ENOUGH_MACHINES = 20
"""From so many machines on a machine is what is drawn; below, stretches of BLOCK_HORIZONS of each machine."""
BLOCK_HORIZONS = 7
_AP_STEPS = 16
FIGURES = ("ap", "f1", "events_caught", "false_episodes_per_machine_month")
_Z = 1.959964


@dataclass(frozen=True)
class Sample:
    """One scorer's rows and events, each with the unit (0 ... units - 1) it is drawn with."""

    units: int
    order: Ints
    """Units of the rows from the highest score down, as far as the lowest positive."""
    truth: npt.NDArray[np.bool_]
    last: Ints
    """The last row of each distinct score."""
    positives: Floats
    alarms: Floats
    hits: Floats
    events: Floats
    caught: Floats
    false_episodes: Floats
    months: Floats


def sample(machines: Sequence[ScoredMachine], threshold: float, horizon: int, step: int) -> Sample:
    """The scored rows and their event card, made ready for `figures`; horizon and step in ms."""
    filled = [m.times for m in machines if len(m.times)]
    start = min((int(times[0]) for times in filled), default=0)
    end = max((int(times[-1]) for times in filled), default=0)
    blocks = 1 if len(machines) >= ENOUGH_MACHINES else (end - start) // (BLOCK_HORIZONS * horizon) + 1
    width = (end - start) // blocks + 1
    place = {m.machine: number for number, m in enumerate(machines)}

    def unit(machine: str, times: Ints) -> Ints:
        return place[machine] * blocks + np.clip((times - start) // width, 0, blocks - 1)

    units = max(len(machines) * blocks, 1)
    row_unit = np.concatenate([unit(m.machine, m.times) for m in machines] or [np.empty(0, np.int64)])
    months = np.bincount(row_unit, minlength=units) * step / MACHINE_MONTH
    label = np.concatenate([m.label for m in machines] or [np.empty(0, np.int8)])
    # Rows of prevented failures count as time watched, and in the event card, only.
    row_unit, truth = row_unit[label >= 0], label[label >= 0] == 1
    risk = np.concatenate([m.risk for m in machines] or [np.empty(0)])[label >= 0]
    lowest = risk[truth].min() if truth.any() else math.inf
    ranked = np.flatnonzero(risk >= lowest)
    ranked = ranked[np.argsort(-risk[ranked], kind="stable")]
    ends = np.append(np.flatnonzero(np.diff(risk[ranked])), len(ranked) - 1) if len(ranked) else np.empty(0, np.int64)
    alarm = risk >= threshold
    card = event_card(machines, threshold, horizon, step)

    def counted(times: list[tuple[str, int]]) -> Floats:
        found = [int(unit(machine, np.array([time]))[0]) for machine, time in times]
        return np.bincount(np.array(found, np.int64), minlength=units).astype(float)

    return Sample(
        units,
        row_unit[ranked],
        truth[ranked],
        ends.astype(np.int64),
        np.bincount(row_unit, truth, units).astype(float),
        np.bincount(row_unit, alarm, units).astype(float),
        np.bincount(row_unit, alarm & truth, units).astype(float),
        counted([(e.machine, e.time) for e in card.failures]),
        counted([(e.machine, e.time) for e in card.failures if e.lead is not None]),
        counted([(e.machine, e.start) for e in card.episodes if e.false]),
        months,
    )


def draws(units: int, seed: int = 0, count: int = DRAWS) -> Floats:
    """(count, units): how often each unit is drawn; the same for every scorer compared."""
    return np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=count).astype(float)


def figures(of: Sample, drawn: Floats) -> dict[str, Floats]:
    """Each figure at each draw; NaN where a draw does not tell. events_caught is a share of all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * (drawn @ of.hits) / (drawn @ of.alarms + drawn @ of.positives)
        caught = (drawn @ of.caught) / (drawn @ of.events)
        false = (drawn @ of.false_episodes) / (drawn @ of.months)
    ap = np.array([_average_precision(of, weights) for weights in drawn])
    return dict(zip(FIGURES, (ap, f1, caught, false), strict=True))


def intervals(of: Sample, seed: int = 0) -> dict[str, Interval]:
    """The 95 % interval of each figure. events_caught counts failures, by Wilson's interval: a bootstrap would call
    eleven of eleven certain."""
    found = {name: interval(values) for name, values in figures(of, draws(of.units, seed)).items()}
    events, caught = float(of.events.sum()), float(of.caught.sum())
    low, high = wilson(caught, events)
    found["events_caught"] = Interval(low * events, high * events) if events else Interval(None, None)
    if not of.false_episodes.sum() and of.months.sum():
        # None seen in so much time: with 95 % confidence the rate is below 3 in that time.
        found["false_episodes_per_machine_month"] = Interval(0.0, 3 / float(of.months.sum()))
    return found


def gains(ours: Sample, theirs: Sample, seed: int = 0) -> Mapping[str, Interval]:
    """Our figures minus theirs over the same draws of the same units; events_caught as a number of failures."""
    drawn = draws(ours.units, seed)
    mine, other = figures(ours, drawn), figures(theirs, drawn)
    found = {name: interval(mine[name] - other[name]) for name in FIGURES}
    events = float(ours.events.sum())
    share = found["events_caught"]
    if share.low is not None and share.high is not None:
        found["events_caught"] = Interval(share.low * events, share.high * events)
    return found


def differences(ours: Sample, theirs: Sample) -> dict[str, Floats]:
    """By how much each unit (the same for both) speaks for us: failures caught more, false episodes fewer, and its
    share of the gain in average precision, in whole steps of a sixteenth of the largest.

    Where we see a failure that they miss, the ranks of all other units' rows change a little as well, and all the same
    way: were that not rounded off, one failure would have every unit speak for us.
    """
    gain = ap_by_unit(ours) - ap_by_unit(theirs)
    largest = float(np.abs(gain).max(initial=0.0))
    return {
        "ap": np.rint(gain / largest * _AP_STEPS) if largest else gain,
        "events_caught": ours.caught - theirs.caught,
        "false_episodes_per_machine_month": theirs.false_episodes - ours.false_episodes,
    }


def ap_by_unit(of: Sample) -> Floats:
    """What each unit brings to the average precision; they add up to it.

    As average precision changes when a unit counts a little more, the number of positives held: the precision at its
    own positives, the company they are to others' positives, less its rows ranked above those.
    """
    brought = np.zeros(of.units)
    if not len(of.last) or not of.truth.any():
        return brought
    hits = np.cumsum(of.truth)[of.last].astype(float)
    every = of.last + 1.0
    new = np.diff(hits, prepend=0.0)
    # The rank of each row among the distinct scores; sums over that score and all below it.
    rank = np.searchsorted(of.last, np.arange(len(of.order)))
    company = np.cumsum((new / every)[::-1])[::-1]
    above = np.cumsum((new * hits / every**2)[::-1])[::-1]
    gain = of.truth * ((hits / every)[rank] + company[rank]) - above[rank]
    brought += np.bincount(of.order, gain, of.units) / hits[-1]
    return brought


def interval(values: Floats) -> Interval:
    """The middle 95 % of bootstrap values; unknown when more than half of the draws do not tell."""
    known = values[~np.isnan(values)]
    if len(known) * 2 <= len(values) or not len(known):
        return Interval(None, None)
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(float(low), float(high))


def wilson(hits: float, total: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) of nothing."""
    if total <= 0:
        return 0.0, 1.0
    share, z2 = hits / total, _Z * _Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def _average_precision(of: Sample, weights: Floats) -> float:
    if not len(of.last):
        return math.nan
    drawn = weights[of.order]
    hits = np.cumsum(drawn * of.truth)[of.last]
    if hits[-1] == 0:
        return math.nan
    every = np.maximum(np.cumsum(drawn)[of.last], 1e-12)
    return float(np.sum(np.diff(hits, prepend=0.0) * hits / every) / hits[-1])
