"""The sub-commands of the model's opinion: score, report, features."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pdm_desktop.cli_models import Tools
from pdm_desktop.core.errors import UsageError

Arguments = argparse.Namespace


def grammar(command: Callable[..., Any], tools: Tools) -> None:
    """Add the sub-commands."""
    score = command("score", lambda a: _score(a, tools), "every machine's risk, latest or at a past time")
    score.add_argument("--at", metavar="TS|latest|all")
    score.add_argument("--run-id", metavar="ID", help="ask this version, in use or not; of others nothing is kept")

    report = command("report", lambda a: _report(a, tools), "write the risk report")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    report.add_argument("--at", metavar="TS")
    report.add_argument("--machine", action="append", metavar="ID")

    features = command("features", lambda a: _features(a, tools), "write the matrix the model sees")
    features.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    features.add_argument("--machine", action="append", metavar="ID")


def _score(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        other = arguments.run_id not in (None, workspace.model_info.run_id)
        scored = None
        if arguments.at == "all":
            if other:
                raise UsageError(
                    "The whole record is scored and kept with the version in use only.",
                    "`models evaluate` measures any version over the whole record.",
                )
            scored = workspace.score_all(tools.progress(arguments))
            arguments.at = "latest"
        fleet = workspace.score(_moment(arguments, workspace), tools.progress(arguments), arguments.run_id)
    if other:
        note = f"Version {fleet.model.version} is not in use: these risks are kept nowhere and raise no alarm."
        fleet = replace(fleet, notes=(note, *fleet.notes))
    plain = fleet_plain(fleet)
    if scored is not None:
        plain["rows_scored"] = scored
    tools.put(arguments, plain, _fleet_words(fleet))
    return 0


def fleet_plain(fleet: Any) -> dict[str, Any]:
    """A Fleet as the contract's JSON."""
    from pdm_desktop.core import times

    model = fleet.model
    return {
        "as_of": times.iso(fleet.as_of, fleet.time_zone),
        "horizon_h": fleet.horizon_h,
        "clock": fleet.clock,
        "model": {
            "name": model.name,
            "version": model.version,
            "run_id": model.run_id,
            "feature_version": model.feature_version,
        },
        "notes": list(fleet.notes),
        "machines": [
            {
                "machine": row.machine,
                "risk": row.risk,
                "band": row.band,
                "component_risks": row.component_risks,
                "threshold": row.threshold,
                "as_of": times.iso(row.as_of, fleet.time_zone),
                "last_reading": None if row.last_reading is None else times.iso(row.last_reading, fleet.time_zone),
                "data_age_h": row.data_age_h,
                "note": row.note,
                "reasons": [asdict(reason) for reason in row.reasons],
                "doubts": list(row.doubts),
            }
            for row in fleet.rows
        ],
    }


def _fleet_words(fleet: Any) -> str:
    from pdm_desktop.core import times
    from pdm_desktop.core.results import risk_text

    lines = [
        f"As of {times.short(fleet.as_of, fleet.time_zone)} {fleet.time_zone}, next {fleet.horizon_h:g} h "
        f"(model {fleet.model.name} version {fleet.model.version})",
        *fleet.notes,
    ]
    for row in fleet.rows:
        risk = f"{risk_text(row.risk):>8}"
        why = row.note or next((reason.text for reason in row.reasons if reason.contribution > 0), "")
        shown = why if row.band != "normal" else ""
        lines.append(f"{row.band:<8}{row.machine:>8} {risk}  {row.top_component:<10} {shown}".rstrip())
        lines += [f"{'':8}{'':>8} {'':>8}  weakened: {doubt}" for doubt in row.doubts]
    return "\n".join(lines)


def _report(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        at = _moment(arguments, workspace)
        made = workspace.report(arguments.out, tools.progress(arguments), at, arguments.machine or ())
    plain = {"out": str(arguments.out), "machines": len(made.rows), "alarms": made.count("alarm")}
    tools.put(arguments, plain, f"{len(made.rows)} machines, {made.count('alarm')} in alarm: {arguments.out}")
    return 0


def _features(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        rows = workspace.export_features(arguments.out, tools.progress(arguments), arguments.machine or ())
    tools.put(arguments, {"out": str(arguments.out), "rows": rows}, f"{rows:,} rows: {arguments.out}")
    return 0


def _moment(arguments: Arguments, workspace: Any) -> int | None:
    from pdm_desktop.core import times

    at = arguments.at
    return None if at in (None, "latest") else times.parse(at, workspace.settings.time_zone)
