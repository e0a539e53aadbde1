"""The sub-commands that bring files in: import, watch, imports."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pdm_desktop.cli_models import Tools
from pdm_desktop.core.errors import PdmError, UsageError

Arguments = argparse.Namespace
COUNTS = ("accepted", "unchanged", "duplicates", "conflicts", "rejected")
_LOOK_S = 10
"""Between two looks into a watched folder."""


def grammar(command: Callable[..., Any], tools: Tools) -> None:
    """Add the sub-commands."""
    bring = command("import", lambda a: _import(a, tools), "import files or folders")
    bring.add_argument("files", nargs="+", type=Path, metavar="FILE")
    bring.add_argument("--kind", choices=["telemetry", "errors", "maintenance", "failures", "machines"])
    bring.add_argument("--time-zone", metavar="ZONE", help="IANA zone of times without an offset")
    roles = "machine, timestamp, date, time, error, component, failure[:VALUE], machine_model, age, known"
    roles += ", sensor[:NAME[:UNIT]], tag, value, quality[:GOOD], state[:CAME], unit[:COLUMN], ignore"
    bring.add_argument("--map", action="append", metavar="COLUMN=ROLE", help=f"what a column holds: {roles}")
    bring.add_argument("--profile", metavar="NAME", help="read the files as this profile says")
    bring.add_argument("--save-profile", metavar="NAME", help="keep how the first file was read, for others like it")
    bring.add_argument("--machine", metavar="ID", help="the machine of files without a column for it")
    bring.add_argument("--component", metavar="NAME", help="the component (or code) of events without a column for it")
    order = bring.add_mutually_exclusive_group()
    order.add_argument("--day-first", action="store_const", const=True, dest="day_first", help="01/02: 1 February")
    order.add_argument("--month-first", action="store_const", const=False, dest="day_first", help="01/02: 2 January")
    bring.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook, or the file in an archive")
    bring.add_argument("--encoding", metavar="NAME", help="utf-8, utf-16, cp1252 ...")
    bring.add_argument("--delimiter", metavar="CHAR", help="what separates columns; tab for a tab")
    bring.add_argument("--decimal", choices=[".", ","], help="the decimal mark")
    bring.add_argument("--layout", choices=["wide", "long", "wide-tags"], help="a column a sensor, a row a value, ...")
    bring.add_argument("--header-row", type=int, metavar="LINE", help="the line of the column names; 0: there is none")
    bring.add_argument("--units-row", type=int, metavar="LINE", help="the line of the units; 0: there is none")
    bring.add_argument(
        "--convert-units",
        action="store_const",
        const="convert",
        help="convert values in another unit than their sensor's",
    )
    bring.add_argument(
        "--alike", choices=["same", "new"], help="what new names are that look like the plant's, 001 and 1"
    )
    bring.add_argument(
        "--machine-side", choices=["first", "last"], help="where in its tags the machine stands: P1.Flow or Flow.P1"
    )
    bring.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    bring.add_argument("--strict", action="store_true", help="exit code 1 when anything was rejected")

    watch = command("watch", lambda a: _watch(a, tools), "import files that arrive in a folder, until stopped")
    watch.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the folder (else the one chosen before)")
    watch.add_argument("--move", action="store_true", help="move files to done/, or to failed/ with the reason beside")
    watch.add_argument("--once", action="store_true", help="one look: takes what has not changed since an earlier one")

    imports = command(
        "imports", lambda a: _imports(a, tools), "list import batches, undo one, or list where one differed"
    )
    imports.add_argument("action", choices=["list", "undo", "conflicts"])
    imports.add_argument("batch", nargs="?", type=int, metavar="BATCH")


def _import(arguments: Arguments, tools: Tools) -> int:
    with tools.open(arguments) as workspace:
        made = workspace.import_files(
            arguments.files,
            tools.progress(arguments),
            choices=_choices(arguments),
            profile=arguments.profile,
            dry_run=arguments.dry_run,
        )
        if arguments.save_profile:
            workspace.save_profile(
                arguments.save_profile, workspace.recognise(arguments.files[0], _choices(arguments), arguments.profile)
            )
    files = [_file_plain(file) for file in made.files]
    plain = {"files": files, "seconds": made.seconds, "left_out": [list(each) for each in made.left_out]}
    words = [import_words(file) for file in made.files]
    words += [f"{name}: left out. {why}" for name, why in made.left_out]
    tools.put(arguments, plain, "\n".join(words))
    return 1 if arguments.strict and any(file.rejected or file.rejected_values for file in made.files) else 0


def _file_plain(file: Any) -> dict[str, Any]:
    plain = {key: value for key, value in asdict(file).items() if key != "changed"}
    return plain | {
        "sensors": [{"name": name, "unit": unit} for name, unit in file.sensors],
        "reasons": dict(file.reasons),
        "rejects": [reject._asdict() for reject in file.rejects],
    }


def _choices(arguments: Arguments) -> Any:
    """What the user said about the files."""
    from pdm_desktop.core.plans import Choices, Role

    columns = {}
    for pair in arguments.map or ():
        column, equals, role = pair.rpartition("=")
        if not equals or not column.strip():
            raise UsageError("Columns are mapped as COLUMN=ROLE.", "Usage: --map 'Druck [bar]=sensor:pressure:bar'")
        try:
            columns[column.strip()] = Role.parse(role)
        except PdmError as exc:
            raise UsageError(exc.message, exc.hint, exc.where) from exc
    return Choices(
        kind=arguments.kind,
        encoding=arguments.encoding,
        delimiter={"tab": "\t", "\\t": "\t"}.get(arguments.delimiter, arguments.delimiter),
        decimal=arguments.decimal,
        sheet=arguments.sheet,
        layout=None if arguments.layout is None else arguments.layout.replace("-", " "),
        header_row=arguments.header_row,
        units_row=arguments.units_row,
        columns=columns,
        machine=arguments.machine,
        component=arguments.component,
        time_zone=arguments.time_zone,
        day_first=arguments.day_first,
        alike=arguments.alike,
        machine_side=arguments.machine_side,
        units=arguments.convert_units,
    )


def import_words(file: Any) -> str:
    """One file's import in a sentence."""
    name = Path(file.file).name + (f" \N{RIGHTWARDS ARROW} {file.sheet}" if file.sheet is not None else "")
    without = file.rejected_values or file.bad_quality_values
    counts = [
        f"{count:,} {word}"
        for count, word in (
            (file.accepted, "rows came in"),
            (file.unchanged, "brought nothing new" if without else "were there already"),
            (file.duplicates, "repeated in the file"),
            (file.conflicts, "differ from what was there (the newer value holds)"),
            (file.rejected, "rows rejected"),
            (file.rejected_values, "values rejected"),
            (file.bad_quality_values, "values of bad quality left out"),
            (file.flagged_values, "values outside plausible limits kept"),
        )
        if count
    ]
    nothing = "" if file.batch is not None else "; nothing was changed"
    rejects = f" See {file.rejects_file}." if file.rejects_file else ""
    why = [f"    {count:,} x {reason}" for reason, count in file.reasons]
    if file.rejects:
        first = file.rejects[0]
        column = f", column {first.column}" if first.column else ""
        why.append(f"    the first in line {first.line:,}{column}: {first.content[:80]!r}")
    why += [f"    {note}" for note in file.notes]
    if file.ignored_columns:
        some = (name if name.isprintable() else repr(name) for name in file.ignored_columns[:20])
        shown = ", ".join(some) + (" ..." if len(file.ignored_columns) > 20 else "")
        why.append(f"    ignored: {shown}")
    if file.fold_times:
        why.append(f"    {file.fold_times:,} times of the hour that the clock showed twice, told apart by their order")
    if file.gap_times:
        why.append(
            f"    {file.gap_times:,} times that clocks of {file.time_zone} never showed: is the time zone right?"
        )
    return "\n".join([f"{name} ({file.kind}): {', '.join(counts) or 'no rows'}{nothing}.{rejects}", *why])


def _watch(arguments: Arguments, tools: Tools) -> int:
    """Look into the watched folder once, or until stopped."""
    import time

    from pdm_desktop.core.results import WatchSettings

    if arguments.json and not arguments.once:
        raise UsageError("With --json there is one look only.", "Usage: pdm-desktop --json watch [DIR] --once")
    with tools.open(arguments) as workspace:
        if arguments.folder is not None:
            told = WatchSettings(str(arguments.folder.resolve()), on=True, move=arguments.move)
            if told != workspace.watch_settings:
                workspace.change_watch(told)
        if not workspace.watch_settings.on:
            raise UsageError("Which folder is to be watched?", "Usage: pdm-desktop watch DIR [--move] [--once]")
        while True:
            report = workspace.watch_once(tools.progress(arguments))
            if report.changed:
                _score_what_came(workspace, arguments, tools)
            if arguments.once or report.imported or report.failed or report.problem:
                tools.put(arguments, _watch_plain(report), watch_words(report))
            if arguments.once:
                return 1 if report.failed or report.problem else 0
            time.sleep(_LOOK_S)


def _score_what_came(workspace: Any, arguments: Arguments, tools: Tools) -> None:
    try:
        workspace.score(None, tools.progress(arguments))
    except PdmError as exc:
        # The files are in all the same: a plant the model cannot judge is watched too.
        print(exc, file=sys.stderr)


def _watch_plain(report: Any) -> dict[str, Any]:
    plain = asdict(report) | {"files": [_file_plain(file) for file in report.imported]}
    return {key: value for key, value in plain.items() if key != "imported"}


def watch_words(report: Any) -> str:
    """One look into the watched folder, a line a file."""
    lines = [import_words(file) for file in report.imported]
    lines += [f"{failure.file} was not imported: {failure.reason}" for failure in report.failed]
    lines += [f"{name} had come in before." for name in report.known]
    lines += [f"{name} may still be growing." for name in report.waiting]
    return "\n".join([*lines, report.problem] if report.problem else lines) or "Nothing new."


def _imports(arguments: Arguments, tools: Tools) -> int:
    from pdm_desktop.core import times

    if arguments.action != "list" and arguments.batch is None:
        raise UsageError("Which batch?", f"Usage: pdm-desktop imports {arguments.action} BATCH")
    if arguments.action == "conflicts":
        return _conflicts(arguments, tools)
    if arguments.action == "undo":
        with tools.open(arguments) as workspace:
            changed = workspace.undo(arguments.batch, tools.progress(arguments))
        plain = {"undone": arguments.batch, "machines": sorted(changed)}
        tools.put(arguments, plain, f"Batch {arguments.batch} is undone; {len(changed)} machines changed.")
        return 0
    with tools.open(arguments, reading=True) as workspace:
        batches, zone = workspace.imports(), workspace.settings.time_zone
    lines = [batch_words(batch, times.iso(batch.imported_at, zone)) for batch in batches]
    listed: dict[str, Any] = {"batches": [asdict(b) | {"imported_at": times.iso(b.imported_at, zone)} for b in batches]}
    tools.put(arguments, listed, "\n".join(lines) or "Nothing was imported yet.")
    return 0


def _conflicts(arguments: Arguments, tools: Tools) -> int:
    from pdm_desktop.core import times

    with tools.open(arguments, reading=True) as workspace:
        count, found = workspace.conflicts(arguments.batch)
        zone = workspace.settings.time_zone

    def said(row: Any, value: Any) -> Any:
        return times.iso(int(value), zone) if row.cell == "known" else value

    rows = [
        asdict(row)
        | {
            "time": None if row.time is None else times.iso(row.time, zone),
            "old": said(row, row.old),
            "new": said(row, row.new),
        }
        for row in found
    ]
    lines = [
        f"line {row['line']:>9,}  {row['machine']:<12} {row['time'] or '':<25} {row['label'] or ''} {row['cell']}: "
        f"{row['old']} before, {row['new']} now"
        for row in rows
    ]
    if count > len(rows):
        lines.append(f"and {count - len(rows):,} more")
    plain = {"batch": arguments.batch, "count": count, "conflicts": rows}
    tools.put(arguments, plain, "\n".join(lines) or "The import differed in nothing from what was there.")
    return 0


def batch_words(batch: Any, when: str) -> str:
    """One import of the history: the file and how it was read, its counts, its content's SHA-256."""
    counts = ", ".join(f"{getattr(batch, key):,} {key}" for key in COUNTS)
    if batch.rejected_values:
        counts += f", {batch.rejected_values:,} single value{'s' if batch.rejected_values > 1 else ''} rejected"
    lines = [
        f"{batch.id:>5}  {when}  {batch.kind:<12} {batch.file}{'  (undone)' if batch.undone else ''}",
        f"{'':7}{counts}" + (f"; read by profile {batch.profile}" if batch.profile else ""),
        f"{'':7}sha256 {batch.sha256}" + (f"; rejects in imports/{batch.rejects}" if batch.rejects else ""),
    ]
    return "\n".join(lines)
