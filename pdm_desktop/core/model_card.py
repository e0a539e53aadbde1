"""What is kept with a version for people: plots as SVG, and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pdm_desktop.core.drawing import Line, bars, chart
from pdm_desktop.core.model_results import Curves, Measures
from pdm_desktop.core.times import HOUR, short
from pdm_desktop.core.training import Candidate

CARD = "MODEL_CARD.md"

_ROWS = (
    ("failures", "events"),
    ("failures caught", "events_caught"),
    ("failures prevented, counted apart", "events_prevented"),
    ("of them alarmed before", "events_prevented_alarmed"),
    ("median lead, h", "median_lead_h"),
    ("false episodes a machine-month", "false_episodes_per_machine_month"),
    ("average precision", "ap"),
    ("AUC", "auc"),
    ("F1", "f1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("Brier", "brier"),
    ("calibration error", "ece"),
)


def files(
    candidate: Candidate,
    told: Sequence[Measures],
    curves: Curves,
    importance: Sequence[tuple[str, float]],
    facts: Mapping[str, Any],
    warnings: Sequence[str],
) -> dict[str, str]:
    """Path in the run -> text of every plot and of the card."""
    rounds = np.arange(1, len(candidate.losses) + 1, dtype=float)
    return {
        CARD: card(candidate, told, facts, warnings),
        "plots/training.svg": chart(
            "Loss by round",
            "round",
            "log-loss",
            [
                Line("validation", rounds, np.array(candidate.losses)),
                Line("training", rounds, np.array(candidate.training_losses), dashed=True),
            ],
        ),
    } | plots(curves, importance, candidate.threshold)


def plots(curves: Curves, importance: Sequence[tuple[str, float]], threshold: float) -> dict[str, str]:
    """Path in the run -> text of the plots that need no training: of rows held out, and of what the trees rest on."""
    diagonal = np.array([0.0, 1.0])
    predicted = np.array([p.predicted for p in curves.reliability])
    observed = np.array([p.observed for p in curves.reliability])
    return {
        "plots/reliability.svg": chart(
            "Can the probabilities be believed?",
            "predicted risk",
            "failures observed",
            [Line("test", predicted, observed, markers=True), Line("ideal", diagonal, diagonal, dashed=True)],
        ),
        "plots/precision_recall.svg": chart(
            "Precision and recall",
            "recall",
            "precision",
            [
                Line("candidate", curves.recall, curves.precision),
                Line("champion", curves.champion_recall, curves.champion_precision),
            ],
        ),
        "plots/cost.svg": chart(
            "What it costs to set the threshold elsewhere",
            "threshold",
            "cost a machine-month",
            [Line("test", curves.thresholds, curves.cost)],
            (threshold, f"chosen: {threshold:.0%}"),
        ),
        "plots/features.svg": bars(
            "What the trees rest on",
            "share of the gain",
            [name for name, _ in importance[:15]],
            [share for _, share in importance[:15]],
        ),
    }


def card(candidate: Candidate, told: Sequence[Measures], facts: Mapping[str, Any], warnings: Sequence[str]) -> str:
    """The model card as Markdown."""
    splits = candidate.splits
    shown = [m for m in told if m.who == "candidate" or m.span == "test"]
    heads = [f"{m.label} ({m.span.replace('_', ' ')})" for m in shown]
    table = [f"| | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for words, key in _ROWS:
        cells = [_cell(m, key) for m in shown]
        table.append(f"| {words} | {' | '.join(cells)} |")
    noted = [f"- {warning}" for warning in warnings] or ["- Nothing noticed."]
    return "\n".join(
        [
            "# Model card",
            "",
            f"Risk that a machine of {facts['plant'] or 'the plant'} fails within {candidate.spec.horizon / HOUR:g} h,",
            "of any component and of each. Gradient-boosted trees (XGBoost) in their own binary JSON, calibrated on",
            "validation.",
            "",
            f"- trained on {len(facts['machines'])} machines, {candidate.rows['train']:,} rows, "
            f"{short(splits.train_from, 'UTC')} to {short(splits.train_to, 'UTC')} UTC",
            f"- validated {short(splits.validation_from, 'UTC')} to {short(splits.validation_to, 'UTC')}, "
            f"tested {short(splits.test_from, 'UTC')} to {short(splits.test_to, 'UTC')}",
            f"- machines held out: {', '.join(splits.held_out) or 'none'}",
            f"- {len(candidate.spec.names)} features (version {candidate.spec.version}), "
            f"{candidate.best_iteration + 1} rounds, threshold {candidate.threshold:.4f} ({facts['goal']['kind']})",
            f"- data fingerprint (SHA-256 of the training matrix): {facts['fingerprint']}",
            "",
            "## Figures",
            "",
            *table,
            "",
            "In brackets: 95 % intervals by bootstrap over machines or stretches of time.",
            "",
            "Failures prevented: alarms that were shown while they were still a forecast, and before the component",
            "they named was replaced, with no failure after. Their rows teach and measure nothing.",
            "",
            "## Verdict",
            "",
            str(facts["verdict"]),
            "",
            "## To be minded",
            "",
            *noted,
            "",
        ]
    )


def _cell(measures: Measures, key: str) -> str:
    value = measures.figures.get(key)
    if value is None:
        return "–"
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    limits = measures.intervals.get(key)
    if limits is None or limits.low is None or limits.high is None:
        return text
    digits = 1 if key == "events_caught" else 4
    return f"{text} ({limits.low:.{digits}f} to {limits.high:.{digits}f})"
