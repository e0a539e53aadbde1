"""Whether a candidate is better than the model in use and the simple rules, beyond luck, and why in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pdm_desktop.core import intervals, sign_flip
from pdm_desktop.core.comparison import Rival, Scale, Spans, held_out, sample
from pdm_desktop.core.intervals import Sample
from pdm_desktop.core.model_results import Finding, Interval, Verdict

AP, CAUGHT, FALSE = "ap", "events_caught", "false_episodes_per_machine_month"
WORSE = 0.05
"""The chance of luck at which a figure counts as worse: one figure worse is enough, so it is not shared."""
_WORDS = {AP: "average precision", CAUGHT: "failures caught", FALSE: "false alarms"}


@dataclass(frozen=True)
class Turn:
    """The `number`-th candidate (from 1) to take the place of `incumbent`, the version in use."""

    number: int = 1
    incumbent: str = "the version in use"

    @property
    def level(self) -> float:
        """How much luck is let pass."""
        return sign_flip.level(self.number)

    @property
    def words(self) -> str:
        """Which candidate it is."""
        return f"the {ordinal(self.number)} candidate to take the place of {self.incumbent}"


def verdict(
    candidate: Rival,
    champion: Rival | None,
    baselines: Sequence[Rival],
    spans: Spans,
    scale: Scale,
    audit: Sequence[Finding],
    turn: Turn,
) -> Verdict:
    """Whether the candidate is better beyond luck than the champion (where it can score here) and every baseline.

    Better than the champion: in average precision, failures caught or false alarm episodes it is ahead by more than
    luck gives at the turn's level, which the three share (core/sign_flip.py), and in none it is behind by more than
    luck gives one time in twenty; who is ahead in one count of the event card alone must not be behind in the other at
    all. Better than a baseline: ahead in average precision at the turn's level. Never on fewer failures than could show
    it were all of them in its favour.
    """
    rows, risks = held_out(spans, candidate)
    ours = sample(rows, risks, candidate.threshold, scale)
    if not ours.events.sum():
        return Verdict(False, "The test span holds no failure: nothing tells whether the candidate is any good.")

    def theirs(rival: Rival) -> Sample:
        return sample(*held_out(spans, rival), rival.threshold, scale)

    against = theirs(champion) if champion is not None else None
    gain = intervals.gains(ours, against, scale.seed) if against is not None else {}
    told = int(np.count_nonzero(ours.events))
    if told < sign_flip.fewest(turn.level):
        return Verdict(False, _too_few(int(ours.events.sum()), told, turn), gain)
    closest = 0.0
    for rival in baselines:
        other = theirs(rival)
        chance = sign_flip.chance(intervals.differences(ours, other)[AP])
        closest = max(closest, chance)
        if chance > turn.level:
            gain = intervals.gains(ours, other, scale.seed)
            return Verdict(
                False,
                f"The candidate is not better beyond luck than “{rival.label}”: the record holds no clear signal, or "
                f"too few failures to show it. Average precision changes by {_range(gain[AP], 4)}; luck alone gives as "
                f"much {_once(chance)}, and {_limit(turn)}.",
                gain,
            )
    if champion is None or against is None:
        better = True
        why = (
            f"No model in use can score this plant, and the candidate beats every simple rule beyond luck. In average "
            f"precision luck alone gives as much {_once(closest)}, and {_limit(turn)}."
        )
    else:
        better, state, how = _against(intervals.differences(ours, against), turn)
        why = (
            f"The candidate {state} {champion.label} on the same held-out rows: {_changes(ours, against, gain)} (95 % "
            f"intervals). {how}"
        )
    stops = [finding for finding in audit if finding.severity == "stop"]
    if better and stops:
        return Verdict(False, f"{why} But the leakage audit objects: {stops[0].text}", gain)
    return Verdict(better, why, gain)


def _against(differences: Mapping[str, npt.NDArray[np.float64]], turn: Turn) -> tuple[bool, str, str]:
    """(better, "is better than" or what it is, how that was found) by the units' differences to the champion."""
    chances = {name: sign_flip.chance(found) for name, found in differences.items()}
    behind = [name for name, found in differences.items() if sign_flip.chance(-found) <= WORSE]
    ahead, share = sign_flip.beyond(differences, turn.level)
    shown = {CAUGHT: differences[CAUGHT].sum(), FALSE: differences[FALSE].sum()}
    if behind:
        listed = " and ".join(_WORDS[name] for name in behind)
        return False, "is worse than", f"It is behind in {listed} by more than luck gives one time in twenty."
    if not ahead:
        best = min(chances, key=lambda name: chances[name])
        how = f"Luck alone gives as much in {_WORDS[best]} {_once(chances[best])}, and {_limit(turn, share)}."
        return False, "is not better beyond luck than", how
    lost = [name for name, amount in shown.items() if amount < 0]
    if AP not in ahead and lost:
        how = (
            f"It gains in {_WORDS[ahead[0]]} beyond luck, but is behind in {_WORDS[lost[0]]}: which of them matters "
            f"more is for you to say."
        )
        return False, "is not better in all than", how
    listed = " and ".join(f"{_WORDS[name]} {_once(chances[name])}" for name in ahead)
    return True, "is better than", f"Luck alone gives as much in {listed}, and {_limit(turn, share)}."


def _too_few(failures: int, told: int, turn: Turn) -> str:
    lie = "failure lies" if failures == 1 else "failures lie"
    return (
        f"With so few failures luck cannot be ruled out: the candidate's {failures} held-out {lie} in {told} "
        f"machine{'' if told == 1 else 's'} or stretches of time, and were all of them in its favour, luck alone would "
        f"give that {_once(0.5**told)}; {_limit(turn)}. At least {sign_flip.fewest(turn.level)} are needed. Test on a "
        f"longer span, or promote it by hand if its figures convince you."
    )


def _limit(turn: Turn, share: float | None = None) -> str:
    """How much luck is let pass, and why so little."""
    words = f"at most {_once(turn.level)} is let pass for {turn.words}"
    if share is not None and share < turn.level:
        words += f", shared by what is compared: {_once(share)} for each"
    if turn.number > 1:
        words += " (less for each further one, so that repeating does not find one by luck)"
    return words


def _once(chance: float) -> str:
    """A chance in words, never rounded in the candidate's favour."""
    if chance > 0.5:
        return "more often than not"
    if chance < 1e-6:
        return "less often than once in 1,000,000"
    number = 1 / chance
    digits = max(0, len(str(int(number))) - 2)
    shown = int(number / 10**digits + 1e-9) * 10**digits
    return f"once in {shown:,}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th ..."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _changes(ours: Sample, theirs: Sample, gain: Mapping[str, Interval]) -> str:
    """What the candidate does otherwise than its rival, figure by figure, with the intervals of the differences."""
    events, caught = int(ours.events.sum()), int(ours.caught.sum() - theirs.caught.sum())
    if caught:
        words = f"it catches {abs(caught)} {'more' if caught > 0 else 'fewer'} of {events} failures"
        words += f" ({_range(gain[CAUGHT], 1)})"
    else:
        words = f"it catches as many of the {events} failures"
    false = int(ours.false_episodes.sum() - theirs.false_episodes.sum())
    if false:
        words += f", raises {abs(false)} {'more' if false > 0 else 'fewer'} false alarm{'' if abs(false) == 1 else 's'}"
        words += f" ({_range(gain[FALSE], 3)} a machine-month)"
    else:
        words += ", raises as many false alarms"
    return f"{words}, and average precision changes by {_range(gain[AP], 4)}"


def _range(gain: Interval, digits: int) -> str:
    if gain.low is None or gain.high is None:
        return "an unknown amount"
    low, high = _signed(gain.low, digits), _signed(gain.high, digits)
    return low if low == high else f"{low} to {high}"


def _signed(value: float, digits: int) -> str:
    rounded = f"{abs(value):.{digits}f}".rstrip("0").rstrip(".")
    return "0" if rounded in ("0", "") else f"{'−' if value < 0 else '+'}{rounded}"
