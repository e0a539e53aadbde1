"""The sub-commands of the record by hand: record, periods, rules, machines, sensors, changes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pdm_desktop.cli_models import Tools
from pdm_desktop.core.errors import UsageError

Arguments = argparse.Namespace
KINDS = ("failures", "maintenance", "errors")
STATES = ("running", "stopped", "out of service")


def grammar(command: Callable[..., Any], tools: Tools) -> None:
    """Add the sub-commands."""

    def made(name: str, run: Callable[[Arguments, Any, Tools], int], words: str, actions: list[str]) -> Any:
        def function(arguments: Arguments) -> int:
            with tools.open(arguments, reading=arguments.action == "list") as workspace:
                return run(arguments, workspace, tools)

        parser = command(name, function, words)
        parser.add_argument("action", choices=actions)
        parser.add_argument("--by", default="", metavar="NAME", help="who changes it (default: the computer's user)")
        parser.add_argument("--why", default="", metavar="TEXT", help="kept with the change")
        return parser

    event = made("record", _record, "list, enter, correct or delete events of a machine",
                 ["list", "enter", "correct", "delete"])  # fmt: skip
    event.add_argument("--machine", required=True, metavar="ID")
    event.add_argument("--kind", choices=KINDS)
    event.add_argument("--at", metavar="TS")
    event.add_argument("--label", metavar="TEXT", help="the component, or the code of an error")
    event.add_argument("--new-kind", choices=KINDS)
    event.add_argument("--new-at", metavar="TS")
    event.add_argument("--new-label", metavar="TEXT")

    period = made("periods", _periods, "when machines ran: list, add, import (machine,start,end,state), remove",
                  ["list", "add", "import", "remove"])  # fmt: skip
    period.add_argument("what", nargs="?", metavar="FILE|ID")
    period.add_argument("--machine", metavar="ID")
    period.add_argument("--from", dest="start", metavar="TS")
    period.add_argument("--to", dest="end", metavar="TS", help="without it the period still goes on")
    period.add_argument("--state", choices=STATES)

    rule = made("rules", _rules, "rules that tell from a sensor when a machine stands", ["list", "add", "remove"])
    rule.add_argument("what", nargs="?", type=int, metavar="ID")
    rule.add_argument("--sensor", metavar="NAME")
    limit = rule.add_mutually_exclusive_group()
    limit.add_argument("--below", type=float, metavar="X")
    limit.add_argument("--above", type=float, metavar="X")
    rule.add_argument("--state", choices=STATES, default="stopped")
    rule.add_argument("--machine", default="", metavar="ID", help="without it: every machine")

    machine = made("machines", _machines, "list, rename, merge, retire or return machines",
                   ["list", "rename", "merge", "retire", "return"])  # fmt: skip
    machine.add_argument("names", nargs="*", metavar="ID")
    machine.add_argument(
        "--yes", action="store_true", help="merge, which cannot be taken back (else: say what it does)"
    )

    sensor = made("sensors", _sensors, "list sensors, or change name, unit and plausible limits", ["list", "change"])
    sensor.add_argument("sensor", nargs="?", metavar="NAME")
    sensor.add_argument("--name", metavar="NAME")
    sensor.add_argument("--unit", metavar="TEXT")
    sensor.add_argument("--low", metavar="X|none")
    sensor.add_argument("--high", metavar="X|none")

    changes = made("changes", _changes, "every change by hand, or take one back", ["list", "undo"])
    changes.add_argument("what", nargs="?", type=int, metavar="ID")


def _record(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    from pdm_desktop.core.record_results import HandEvent

    machine, zone = arguments.machine, workspace.settings.time_zone
    if arguments.action == "list":
        found = workspace.machine_record(machine).events
        rows = [{**asdict(e), "time": _iso(e.time, zone), "known": _iso(e.known, zone)} for e in found]
        lines = [f"{row['time']}  {row['kind']:<12} {row['label']}" for row in rows]
        tools.put(arguments, {"machine": machine, "events": rows}, "\n".join(lines))
        return 0
    event = HandEvent(*_needed(arguments, "kind", "at", "label"))
    event = event._replace(time=_moment(str(event.time), zone))
    by = _by(arguments)
    if arguments.action == "enter":
        edit = workspace.enter_event(machine, event, by)
    elif arguments.action == "delete":
        edit = workspace.delete_event(machine, event, by)
    else:
        after = HandEvent(
            arguments.new_kind or event.kind,
            _moment(arguments.new_at, zone) if arguments.new_at else event.time,
            arguments.new_label or event.label,
        )
        edit = workspace.correct_event(machine, event, after, by)
    return _done(arguments, tools, edit)


def _periods(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    from pdm_desktop.core.periods import Entry

    zone = workspace.settings.time_zone
    if arguments.action == "list":
        found = workspace.periods(arguments.machine)
        rows = [{**asdict(p), "start": _iso(p.start, zone), "end": _iso(p.end, zone)} for p in found]
        lines = [
            f"{r['id']:>4}  {r['machine']:<12} {r['start']} to {r['end'] or 'now':<25}  {r['state']}" for r in rows
        ]
        tools.put(arguments, {"periods": rows}, "\n".join(lines))
        return 0
    if arguments.action == "import":
        (path,) = _needed(arguments, "what")
        count = workspace.import_periods(Path(path), _by(arguments))
        tools.put(arguments, {"imported": count}, f"{count} periods came in")
        return 0
    if arguments.action == "remove":
        (number,) = _needed(arguments, "what")
        if not number.isdigit():
            raise UsageError(f"{number!r} is no period's number.", "See `periods list`.")
        return _done(arguments, tools, workspace.remove_period(int(number), _by(arguments)))
    machine, start, state = _needed(arguments, "machine", "start", "state")
    end = _moment(arguments.end, zone) if arguments.end else None
    return _done(arguments, tools, workspace.enter_periods([Entry(machine, _moment(start, zone), end, state)],
                                                           _by(arguments)))  # fmt: skip


def _rules(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    from pdm_desktop.core.record_results import PeriodRule

    if arguments.action == "list":
        rules = workspace.rules()
        lines = [f"{rule.id:>4}  {rule.text}{f' (machine {rule.machine})' if rule.machine else ''}" for rule in rules]
        tools.put(arguments, {"rules": [asdict(rule) for rule in rules]}, "\n".join(lines))
        return 0
    if arguments.action == "remove":
        (number,) = _needed(arguments, "what")
        return _done(arguments, tools, workspace.remove_rule(number, _by(arguments)))
    (sensor,) = _needed(arguments, "sensor")
    above = arguments.above is not None
    value = arguments.above if above else arguments.below
    if value is None:
        raise UsageError("A rule needs a value.", "Give --below X or --above X.")
    rule = PeriodRule(0, arguments.machine, sensor, above, value, arguments.state)
    return _done(arguments, tools, workspace.add_rule(rule, _by(arguments)))


def _machines(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    names = arguments.names
    if arguments.action == "list":
        rows = [
            {"machine": row.machine, "readings": row.readings, "failures": row.failures,
             "retired": _iso(row.retired, workspace.settings.time_zone)}
            for row in workspace.data_overview(tools.progress(arguments)).rows
        ]  # fmt: skip
        lines = [f"{row['machine']:<16} {row['readings']:>10,}{'  retired' if row['retired'] else ''}" for row in rows]
        tools.put(arguments, {"machines": rows}, "\n".join(lines))
        return 0
    wanted = 1 if arguments.action in ("retire", "return") else 2
    if len(names) != wanted:
        raise UsageError(f"`machines {arguments.action}` takes {wanted} name{'s' if wanted > 1 else ''}.")
    by = _by(arguments)
    if arguments.action == "rename":
        return _done(arguments, tools, workspace.rename_machine(*names, by))
    if arguments.action == "retire":
        return _done(arguments, tools, workspace.retire_machine(*names, by))
    if arguments.action == "return":
        return _done(arguments, tools, workspace.return_machine(*names, by))
    if arguments.yes:
        told = workspace.merge_machines(*names, by, tools.progress(arguments))
    else:
        told = workspace.merge_preview(*names)
    plain = {key: getattr(told, key) for key in ("machine", "into", "readings", "events", "shared", "differing")}
    words = (
        f"{told.readings:,} readings and {told.events:,} events of {told.machine} go to {told.into}; "
        f"{told.shared:,} times both have, {told.differing:,} values differ."
    )
    tools.put(arguments, {**plain, "merged": arguments.yes}, words + ("" if arguments.yes else " --yes does it."))
    return 0


def _sensors(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    from pdm_desktop.core.schema import Sensor

    rows = workspace.data_overview(tools.progress(arguments)).sensor_rows
    if arguments.action == "list":
        lines = [f"{row.name:<20} {row.unit:<8} {_limits(row)}" for row in rows]
        tools.put(arguments, {"sensors": [asdict(row) for row in rows]}, "\n".join(lines))
        return 0
    (name,) = _needed(arguments, "sensor")
    before = next((row for row in rows if row.name == name), None)
    made = Sensor(0, name) if before is None else Sensor(0, name, before.unit, before.low, before.high)
    given: dict[str, Any] = {
        key: _limit(value) if key in ("low", "high") else value
        for key in ("name", "unit", "low", "high")
        if (value := getattr(arguments, key)) is not None
    }
    return _done(arguments, tools, workspace.change_sensor(name, replace(made, **given), _by(arguments)))


def _changes(arguments: Arguments, workspace: Any, tools: Tools) -> int:
    from pdm_desktop.core.changes import edit_text

    zone = workspace.settings.time_zone
    if arguments.action == "undo":
        (number,) = _needed(arguments, "what")
        workspace.undo_edit(number, _by(arguments).who, tools.progress(arguments))
        return _done(arguments, tools, number)
    edits = workspace.changes()
    rows = [{**asdict(edit), "at": _iso(edit.at, zone)} for edit in edits]
    lines = [
        f"{edit.id:>4}  {_iso(edit.at, zone)}  {edit.who:<12} {f'{edit.machine}: ' if edit.machine else ''}"
        f"{edit_text(edit, zone)}{f' ({edit.why})' if edit.why else ''}{'  (taken back)' if edit.undone else ''}"
        for edit in edits
    ]
    tools.put(arguments, {"changes": rows}, "\n".join(lines))
    return 0


def _done(arguments: Arguments, tools: Tools, edit: int) -> int:
    tools.put(arguments, {"change": edit}, f"Done: change {edit}")
    return 0


def _needed(arguments: Arguments, *names: str) -> list[Any]:
    words = {"start": "--from", "what": "a number or file", "sensor": "a sensor"}
    for name in names:
        if getattr(arguments, name) in (None, ""):
            raise UsageError(f"{words.get(name, '--' + name)} is missing.")
    return [getattr(arguments, name) for name in names]


def _by(arguments: Arguments) -> Any:
    from pdm_desktop.core.record import user
    from pdm_desktop.core.record_results import By

    return By(arguments.by or user(), arguments.why)


def _limits(row: Any) -> str:
    if row.low is None and row.high is None:
        return "no limits"
    low, high = ("" if limit is None else f"{limit:g}" for limit in (row.low, row.high))
    span = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    return f"plausible {span}, {row.outside:,} outside"


def _limit(text: str) -> float | None:
    if text == "none":
        return None
    try:
        return float(text)
    except ValueError as exc:
        raise UsageError(f"{text!r} is no number.", "Write none for no limit.") from exc


def _moment(text: str, zone: str) -> int:
    from pdm_desktop.core import times

    return times.parse(text, zone)


def _iso(at: int | None, zone: str) -> str | None:
    from pdm_desktop.core import times

    return None if at is None else times.iso(at, zone)
