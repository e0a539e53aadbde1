"""Model versions and trainings for the command line: as the contract's JSON, and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = (
    ("failures caught", "events_caught"),
    ("of", "events"),
    ("median lead h", "median_lead_h"),
    ("false/machine-month", "false_episodes_per_machine_month"),
    ("AP", "ap"),
    ("F1", "f1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("ECE", "ece"),
)


def trained(made: Any, zone: str) -> tuple[dict[str, Any], str]:
    """A TrainingResult for JSON and in words."""
    from pdm_desktop.core.model_results import BASELINES

    spans = {m.span: measured(m) for m in made.measures if m.who == "candidate"}
    plain = {
        "run_id": made.run_id,
        "version": made.version,
        "promoted": made.promoted,
        "why": made.why,
        "better": made.verdict.better,
        "champion_before": made.champion_before,
        "horizon_h": made.horizon_h,
        "threshold": made.threshold,
        "splits": {
            name: {
                "from": iso(part.start, zone),
                "to": iso(part.end, zone),
                "rows": part.rows,
                "failures": part.failures,
                "machines": part.machines,
            }
            for name, part in made.splits.items()
        },
        "held_out": list(made.held_out),
        "metrics": {name: spans.get(name) for name in ("validation", "test", "unseen_machines")},
        "champion": {m.span: measured(m) for m in made.measures if m.who == "champion"} or None,
        "baselines": {
            who: {m.span: measured(m) for m in made.measures if m.who == who and m.span != "validation"}
            for who in BASELINES
        },
        "gains": {name: [gain.low, gain.high] for name, gain in made.verdict.gains.items()},
        "audit": [{"kind": f.kind, "severity": f.severity, "text": f.text, "feature": f.feature} for f in made.audit],
        "warnings": list(made.warnings),
        "missed": [
            {"machine": m.machine, "time": iso(m.time, zone), "component": m.component, "no_data": m.no_data}
            for m in made.missed
        ],
        "false_alarms": [
            {"machine": f.machine, "from": iso(f.start, zone), "to": iso(f.end, zone)} for f in made.false_alarms
        ],
        "fingerprint": made.fingerprint,
        "tracking_server": sending_plain(made.sending),
        "seconds": made.seconds,
    }
    words = [f"Version {made.version} (run {made.run_id}), threshold {made.threshold:.3f}. {made.why}"]
    words += table(
        [(f"{m.label}, {m.span.replace('_', ' ')}", m.figures) for m in made.measures if m.span != "validation"]
    )
    words += [f"! {finding.text}" for finding in made.audit] + [f"- {warning}" for warning in made.warnings]
    if made.sending.sent:
        words.append(made.sending.text)
    return plain, "\n".join(words)


def version_plain(found: Any, zone: str) -> dict[str, Any]:
    """A ModelVersion for JSON."""
    return {
        "version": found.version,
        "run_id": found.run_id,
        "name": found.name,
        "origin": found.origin,
        "champion": found.champion,
        "created": None if found.created is None else iso(found.created, zone),
        "horizon_h": found.horizon_h,
        "threshold": found.threshold,
        "features": found.features,
        "feature_version": found.feature_version,
        "note": found.note,
        "sent_to": found.sent_to or None,
        "obstacle": found.obstacle,
        "test": found.metrics.get("test"),
    }


def measured(measures: Any) -> dict[str, Any]:
    """Measures for JSON."""
    note = {"label": measures.label} | ({"note": measures.note} if measures.note else {})
    return dict(measures.figures) | {"intervals": limits(measures.intervals)} | note


def limits(intervals: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """Intervals for JSON."""
    return {name: [limit.low, limit.high] for name, limit in intervals.items()}


def table(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Figures as a table, a line a row."""
    width = max((len(name) for name, _ in rows), default=0)
    lines = [" " * width + "".join(f"  {words:>{max(len(words), 7)}}" for words, _ in _COLUMNS)]
    for name, figures in rows:
        cells = []
        for words, key in _COLUMNS:
            value = figures.get(key)
            text = "–" if value is None else (f"{value:.4f}" if isinstance(value, float) else str(value))
            cells.append(f"  {text:>{max(len(words), 7)}}")
        lines.append(f"{name:<{width}}{''.join(cells)}")
    return lines


def sending_plain(sending: Any) -> dict[str, Any] | None:
    """A Sending for JSON; None where no tracking server is set."""
    if not sending.server:
        return None
    return {
        "address": sending.server,
        "sent": list(sending.sent),
        "waiting": list(sending.waiting),
        "problem": sending.problem,
    }


def iso(ms: int, zone: str) -> str:
    """A time in the plant's zone."""
    from pdm_desktop.core import times

    return times.iso(ms, zone)
