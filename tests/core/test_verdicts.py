"""When a candidate counts as better: seldom by luck however often it is tried, and surely where it is."""

from __future__ import annotations

import numpy as np

from pdm_desktop.core import verdicts
from pdm_desktop.core.comparison import Rival, Scale, Spans
from pdm_desktop.core.model_results import Finding, Verdict
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import HOUR
from pdm_desktop.core.verdicts import Turn

SCALE = Scale(24 * HOUR, HOUR)


def machine(name: str, failures: list[int], hours: int = 480) -> MachineRows:
    label = np.zeros((hours, 1), np.int8)
    for failure in failures:
        label[failure - 24 : failure] = 1
    times = HOUR * np.arange(hours, dtype=np.int64)
    return MachineRows(name, times, np.zeros((hours, 1), np.float32), label, HOUR * np.array(failures, np.int64))


def plant(machines: int, failing: int) -> list[MachineRows]:
    return [machine(str(i), [200] if i < failing else []) for i in range(machines)]


def risks(rows: list[MachineRows], seen: list[bool], false: int = 0) -> list[np.ndarray]:
    """Machines `seen` have their failures told a day ahead; the first `false` machines have a false alarm at 300."""
    made = []
    for number, (r, told) in enumerate(zip(rows, seen, strict=True)):
        risk = np.where(r.labels == 1, 0.9 if told else 0.02, 0.1)
        if number < false:
            risk[300:303] = 0.8
        made.append(risk.astype(float))
    return made


def judged(
    ours: list[np.ndarray], theirs: list[np.ndarray] | None, rows: list[MachineRows], number: int = 1
) -> Verdict:
    spans: Spans = {"test": rows}
    candidate = Rival("candidate", "Candidate", 0.5, ("any",), {"test": ours})
    champion = None if theirs is None else Rival("champion", "champion v1", 0.5, ("any",), {"test": theirs})
    base = Rival("base_rate", "base rate", 0.5, ("any",), {"test": [np.full((len(r.times), 1), 0.1) for r in rows]})
    return verdicts.verdict(candidate, champion, [base], spans, SCALE, (), Turn(number, "version 1"))


def test_what_one_more_failure_needs_to_be_told_apart_from_luck_grows_with_every_candidate() -> None:
    rows = plant(30, 20)
    every = [True] * 30

    def against(missed: int, number: int) -> bool:
        return judged(risks(rows, every), risks(rows, [i >= missed for i in range(30)]), rows, number).better

    # The champion misses n of 20 failures that the candidate tells; nothing else differs, so that average precision and
    # failures caught share the level: 2 ** -n must not exceed 1/80 for the first, 1/240 for the second, 1/4400 for the
    # tenth.
    assert next(n for n in range(3, 16) if against(n, 1)) == 7
    assert next(n for n in range(3, 16) if against(n, 2)) == 8
    assert next(n for n in range(3, 16) if against(n, 10)) == 13


def test_the_words_say_how_likely_luck_is_and_how_much_is_let_pass_for_which_candidate() -> None:
    rows = plant(30, 20)
    made = judged(risks(rows, [True] * 30), risks(rows, [i >= 8 for i in range(30)]), rows, 2)
    assert made.better
    assert made.why.startswith(
        "The candidate is better than champion v1 on the same held-out rows: it catches 8 more of 20 failures ("
    )
    assert "raises as many false alarms" in made.why
    assert "Luck alone gives as much in average precision once in 250 and failures caught once in 250" in made.why
    assert made.why.endswith(
        "at most once in 120 is let pass for the 2nd candidate to take the place of version 1, shared by what is "
        "compared: "
        "once in 240 for each (less for each further one, so that repeating does not find one by luck)."
    )


def test_fewer_failures_than_could_show_it_are_said_and_how_many_are_needed() -> None:
    rows = plant(30, 7)
    good, poor = risks(rows, [True] * 30), risks(rows, [False] * 30)
    assert judged(good, poor, rows, 1).why.startswith("The candidate is better than champion v1")
    rows = plant(30, 6)
    made = judged(risks(rows, [True] * 30), risks(rows, [False] * 30), rows, 2)
    assert not made.better
    assert "6 held-out failures lie in 6 machines" in made.why
    assert "luck alone would give that once in 64; at most once in 120 is let pass" in made.why
    assert "At least 7 are needed." in made.why


def test_who_only_trades_missed_failures_for_false_alarms_is_not_better() -> None:
    rows = plant(40, 20)
    # Ten false alarms fewer, three failures missed more: beyond luck the one, not the other; and the risks rank alike.
    ours = risks(rows, [True] * 40)
    for missed in range(3):
        ours[missed][rows[missed].labels == 1] = 0.49
    for quiet in range(10):
        ours[quiet][300:303] = 0.48
    theirs = risks(rows, [True] * 40, false=10)
    for missed in range(3):
        theirs[missed][rows[missed].labels == 1] = 0.85
    made = judged(ours, theirs, rows)
    assert not made.better
    assert "gains in false alarms beyond luck, but is behind in failures caught" in made.why
    assert judged(risks(rows, [True] * 40), risks(rows, [True] * 40, false=10), rows).better


def test_a_figure_behind_by_more_than_luck_makes_it_worse_whatever_the_others_gain() -> None:
    rows = plant(40, 20)
    ours, theirs = risks(rows, [True] * 40, false=12), risks(rows, [i >= 10 for i in range(40)])
    made = judged(ours, theirs, rows)
    assert not made.better
    assert made.why.startswith("The candidate is worse than champion v1")
    assert "behind in false alarms" in made.why


def test_the_audit_stops_what_the_figures_would_let_pass() -> None:
    rows = plant(30, 20)
    spans: Spans = {"test": rows}
    candidate = Rival("candidate", "Candidate", 0.5, ("any",), {"test": risks(rows, [True] * 30)})
    stop = Finding("single feature", "stop", "One feature tells it all.")
    made = verdicts.verdict(candidate, None, [], spans, SCALE, [stop], Turn())
    assert not made.better
    assert "But the leakage audit objects: One feature tells it all." in made.why


def alike(rng: np.random.Generator, rows: list[MachineRows]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Two scorers of the same skill, each with errors of its own, and what they share."""
    made: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for r in rows:
        shared = np.repeat(rng.normal(size=40), 12)
        for one in made:
            seen = np.repeat(rng.normal(2, 2, size=20), 24) * r.labels[:, 0]
            noise = np.repeat(rng.normal(size=40), 12)
            one.append((1 / (1 + np.exp(4 - seen - shared - noise)))[:, None])
    return made


def test_equals_are_promoted_by_luck_no_oftener_than_the_level() -> None:
    promoted = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        rows = [machine(str(i), sorted(24 * (1 + rng.choice(19, 4, replace=False)))) for i in range(4)]
        promoted += judged(*alike(rng, rows), rows).better
    # 1 in 40: more than 5 of 50 come in 1 of 1,000 cases
    assert promoted <= 5
