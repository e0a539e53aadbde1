"""The sub-commands around the model: retrain, and models list, show, promote, rollback, export, import, evaluate."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pdm_desktop.cli_model_words import iso, limits, sending_plain, table, trained, version_plain
from pdm_desktop.core.errors import UsageError

Arguments = argparse.Namespace


class Tools(NamedTuple):
    """What the command line lends to its parts: the workspace, JSON or words on stdout, progress on stderr."""

    open: Callable[..., Any]
    put: Callable[[Arguments, dict[str, Any], str], None]
    progress: Callable[[Arguments], Any]


def grammar(command: Callable[..., Any], tools: Tools) -> None:
    """Add the sub-commands."""
    made = command("retrain", lambda a: _retrain(a, tools), "train a model on the plant's own record and compare it")
    made.add_argument(
        "--if-due", action="store_true", help="only if enough new failures are on record; for a scheduler"
    )
    made.add_argument("--until", metavar="TS", help="use nothing after it")
    made.add_argument("--valid-from", metavar="TS")
    made.add_argument("--test-from", metavar="TS")
    made.add_argument("--holdout-machines", type=_count, default=0, metavar="N")
    made.add_argument("--trials", type=_count, default=0, metavar="N", help="tune with so many trials (default: none)")
    made.add_argument("--horizon-h", type=float, metavar="H")
    made.add_argument("--features", choices=["all", "telemetry"], default="all")
    made.add_argument("--params", nargs="+", default=[], metavar="K=V", help="XGBoost parameters, rounds, patience")
    made.add_argument(
        "--promote",
        choices=["if-better", "always", "never"],
        help="default: if-better; with --if-due: the setting retrain_promote",
    )
    made.add_argument("--seed", type=int, default=0, metavar="N")
    made.add_argument("--time-limit", type=float, metavar="S")
    made.add_argument("--goal", choices=["f1", "alarm-budget", "cost"], default="f1", help="what the threshold is for")
    made.add_argument("--alarms", type=float, default=0.5, metavar="N", help="alarm budget: alarms a machine-month")
    made.add_argument("--cost-missed", type=float, default=10.0, metavar="X")
    made.add_argument("--cost-false", type=float, default=1.0, metavar="X")
    made.add_argument("--by", default="", metavar="NAME")
    made.add_argument("--note", default="", metavar="TEXT")

    models = command("models", lambda a: _models(a, tools), "list, show, promote, roll back, carry or measure versions")
    models.add_argument(
        "action",
        choices=["list", "show", "promote", "rollback", "discard", "export", "import", "evaluate", "history", "send"],
    )
    models.add_argument("version", nargs="?", metavar="V|FILE", help="a version number or `champion`; import: the zip")
    models.add_argument("--out", type=Path, metavar="FILE.zip")
    models.add_argument("--from", dest="start", metavar="TS")
    models.add_argument("--to", dest="end", metavar="TS")
    models.add_argument("--by", default="", metavar="NAME")
    models.add_argument("--note", default="", metavar="TEXT")


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _retrain(arguments: Arguments, tools: Tools) -> int:
    from pdm_desktop.core.model_results import Goal, TrainingSettings

    if arguments.if_due:
        return _retrain_if_due(arguments, tools)
    with tools.open(arguments) as workspace:
        zone = workspace.settings.time_zone
        options = TrainingSettings(
            until=_moment(arguments.until, zone),
            valid_from=_moment(arguments.valid_from, zone),
            test_from=_moment(arguments.test_from, zone),
            holdout_machines=arguments.holdout_machines,
            trials=arguments.trials,
            time_limit_s=arguments.time_limit,
            horizon_h=arguments.horizon_h,
            features=arguments.features,
            params=_params(arguments.params),
            goal=Goal(arguments.goal, arguments.alarms, arguments.cost_missed, arguments.cost_false),
            seed=arguments.seed,
            promote=arguments.promote or "if-better",
            who=arguments.by or _user(),
            note=arguments.note,
        )
        made = workspace.retrain(options, tools.progress(arguments))
    plain, words = trained(made, zone)
    tools.put(arguments, plain, words)
    return 0 if made.promoted else 1


def _retrain_if_due(arguments: Arguments, tools: Tools) -> int:
    """As the window does it by itself: what to train with comes from the model in use and the settings."""
    own = ("until", "valid_from", "test_from", "holdout_machines", "trials", "horizon_h", "params", "time_limit")
    given = [name for name in own if getattr(arguments, name)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} does not go with --if-due.",
            "It trains as the model in use was trained; only --promote can be given.",
        )
    with tools.open(arguments) as workspace:
        zone = workspace.settings.time_zone
        asked, made = workspace.retrain_if_due(tools.progress(arguments), promote=arguments.promote)
    about = {"due": asked.due, "why_due": asked.why, "new_failures": asked.new, "enough": asked.enough}
    if made is None:
        tools.put(arguments, about | {"promoted": False, "version": None}, f"Nothing to do: {asked.why}")
        return 0
    plain, words = trained(made, zone)
    tools.put(arguments, about | plain, f"{asked.why}\n{words}")
    return 0 if made.promoted else 1


def _models(arguments: Arguments, tools: Tools) -> int:
    action: Callable[[Arguments, Tools], int] = {
        "list": _list,
        "show": _show,
        "promote": _promote,
        "rollback": _rollback,
        "discard": _discard,
        "export": _export,
        "import": _import,
        "evaluate": _evaluate,
        "history": _history,
        "send": _send,
    }[arguments.action]
    if arguments.action not in ("list", "rollback", "history", "send") and not arguments.version:
        what = "FILE.zip" if arguments.action == "import" else "V"
        raise UsageError("Which one?", f"Usage: pdm-desktop models {arguments.action} {what}")
    return action(arguments, tools)


def _list(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        found, zone = workspace.models(), workspace.settings.time_zone
    plain = {
        "champion": next((v.version for v in found if v.champion), None),
        "models": [version_plain(v, zone) for v in found],
    }
    lines = []
    for v in found:
        test = v.metrics.get("test", {})
        made = "" if v.created is None else iso(v.created, zone)
        mark = "champion" if v.champion else ("was in use" if v.was_champion else "")
        caught = f"{test['events_caught']} of {test['events']}" if test.get("events") is not None else ""
        ap = f"AP {test['ap']:.4f}" if test.get("ap") is not None else ""
        lines.append(
            f"{v.version:>4}  {mark:<10} {v.origin:<8} {made:<25} {ap:<10} {caught:<12} {v.obstacle or v.note}".rstrip()
        )
    tools.put(arguments, plain, "\n".join(lines))
    return 0


def _show(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        found, zone = workspace.model_version(arguments.version), workspace.settings.time_zone
    plain = version_plain(found, zone) | {
        "metrics": dict(found.metrics),
        "splits": dict(found.splits),
        "params": dict(found.params),
        "made_from": dict(found.facts),
        "plots": [str(plot) for plot in found.plots],
    }
    words = [f"Version {found.version} ({found.origin}), run {found.run_id}, horizon {found.horizon_h:g} h"]
    words += [str(found.facts.get("verdict", ""))] if found.facts.get("verdict") else []
    words += table([(name.replace("_", " "), figures) for name, figures in found.metrics.items()])
    tools.put(arguments, plain, "\n".join(words))
    return 0


def _promote(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        # Not asked of the model in use: its files may be what is gone.
        before = next((version.version for version in workspace.models() if version.champion), None)
        made = workspace.promote(arguments.version, arguments.by or _user(), arguments.note)
    plain = {"champion": made.version, "run_id": made.run_id, "champion_before": before}
    tools.put(arguments, plain, f"Version {made.version} is in use; before it was {before or 'none that is here'}.")
    return 0


def _rollback(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        before = next((version.version for version in workspace.models() if version.champion), None)
        made = workspace.rollback(arguments.by or _user(), arguments.note)
    plain = {"champion": made.version, "run_id": made.run_id, "champion_before": before}
    tools.put(arguments, plain, f"Back to version {made.version}; before it was {before or 'none that is here'}.")
    return 0


def _discard(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        workspace.discard(arguments.version, arguments.by or _user(), arguments.note)
    tools.put(arguments, {"discarded": arguments.version}, f"Version {arguments.version} is discarded.")
    return 0


def _export(arguments: Arguments, tools: Tools) -> int:
    if arguments.out is None:
        raise UsageError("Where to?", "Usage: pdm-desktop models export V --out FILE.zip")
    with tools.open(arguments, reading=True) as workspace:
        out = workspace.export_model(arguments.version, arguments.out)
    tools.put(arguments, {"version": arguments.version, "out": str(out), "bytes": out.stat().st_size}, str(out))
    return 0


def _import(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        made = workspace.import_model(Path(arguments.version), arguments.by or _user(), arguments.note)
    plain = {"version": made.version, "run_id": made.run_id, "origin": made.origin}
    tools.put(arguments, plain, f"The model is here as version {made.version}; it is not in use.")
    return 0


def _send(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        if not workspace.settings.tracking_server:
            raise UsageError(
                "No tracking server is set.", "Usage: pdm-desktop settings set tracking_server=http://server:5000"
            )
        made = workspace.send_models(tools.progress(arguments))
    tools.put(arguments, {"tracking_server": sending_plain(made)}, made.text)
    return 1 if made.problem else 0


def _evaluate(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        zone = workspace.settings.time_zone
        made = workspace.evaluate(
            arguments.version, _moment(arguments.start, zone), _moment(arguments.end, zone), tools.progress(arguments)
        )
    plain = {
        "version": made.version,
        "run_id": made.run_id,
        "span": {"from": iso(made.start, zone), "to": iso(made.end, zone)},
        "rows": made.rows,
        "rows_in_sample": made.in_sample,
        "metrics": dict(made.figures) | {"intervals": limits(made.intervals)},
        "baselines": {name: dict(figures) for name, figures in made.baselines.items()},
        "missed": [{"machine": m.machine, "time": iso(m.time, zone), "component": m.component} for m in made.missed],
        "false_alarms": [
            {"machine": f.machine, "from": iso(f.start, zone), "to": iso(f.end, zone)} for f in made.false_alarms
        ],
        "warnings": list(made.warnings),
    }
    named = [(name.replace("_", " "), figures) for name, figures in made.baselines.items()]
    words = table([(f"version {made.version}", made.figures), *named]) + [f"- {warning}" for warning in made.warnings]
    tools.put(arguments, plain, "\n".join(words))
    return 0


def _history(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments, reading=True) as workspace:
        found, zone = workspace.decisions(), workspace.settings.time_zone
    plain = {
        "decisions": [
            {
                "at": iso(d.at, zone),
                "who": d.who,
                "action": d.action,
                "version": d.version,
                "before": d.before,
                "why": d.why,
            }
            for d in found
        ]
    }
    lines = [f"{iso(d.at, zone)}  {d.who:<12} {d.action:<12} {d.version:>4}  {d.why}" for d in found]
    tools.put(arguments, plain, "\n".join(lines) or "Nothing was decided yet.")
    return 0


def _params(pairs: Sequence[str]) -> dict[str, Any]:
    import json

    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is not a parameter.", "Write parameters as K=V, such as max_depth=4.")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _moment(text: str | None, zone: str) -> int | None:
    from pdm_desktop.core import times

    return None if text is None else times.parse(text, zone)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
