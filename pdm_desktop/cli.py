"""The command line: one function a use case, JSON or words out, exit codes from errors (the contract is in the README).

0 done; 1 done, but the result calls for attention; 2 wrong use; 3 the input or environment is at fault; 4 a bug.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from pdm_desktop import __version__, cli_models, cli_record
from pdm_desktop.core.errors import PdmError, UsageError

Arguments = argparse.Namespace
_LOOK_S = 10
"""Between two looks into a watched folder."""


class Painting(Protocol):
    """What the window's side lends to sub-commands that paint."""

    def screenshot(
        self, page: str, out: Path, theme: str, size: tuple[int, int], machine: str | None, workspace: Path
    ) -> None:
        """Paint a page into a PNG."""

    def doctor_checks(self) -> list[tuple[str, bool, str]]:
        """(name, ok, detail) of what a window needs."""


class _Parser(argparse.ArgumentParser):
    """Errors of use become UsageError, so that they too obey --json."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"Usage: {self.format_usage().split(maxsplit=1)[1]}")


def parse(argv: list[str]) -> Arguments:
    """The parsed command line. Wrong use ends the program with exit code 2."""
    try:
        arguments = _parser().parse_args(argv)
    except UsageError as exc:
        _fail(exc, as_json="--json" in argv)
        sys.exit(2)
    arguments.workspace = arguments.workspace or _default_workspace()
    return arguments


def run(arguments: Arguments, painting: Painting | None = None) -> int:
    """Carry out one parsed sub-command; returns the exit code."""
    from pdm_desktop.core.errors import Cancelled

    try:
        code: int = arguments.function(arguments, painting) if arguments.paints else arguments.function(arguments)
    except UsageError as exc:
        _fail(exc, as_json=arguments.json)
        return 2
    except PdmError as exc:
        _fail(exc, as_json=arguments.json)
        return 3
    except (KeyboardInterrupt, Cancelled):
        _fail(PdmError("Cancelled; nothing was changed."), as_json=arguments.json)
        return 3
    except BrokenPipeError:
        # Whoever read our output has closed it: that is their choice, not an error.
        sys.stderr.close()
        return 0
    except Exception:  # noqa: BLE001 (the last line of defence: anything else is a bug and is reported as one)
        log = _log_bug(arguments)
        error = PdmError("The program has a bug and could not finish.", f"Please send the log: {log}", str(log))
        _fail(error, as_json=arguments.json)
        return 4
    return code


def _default_workspace() -> Path:
    from pdm_desktop.core import paths

    return paths.default_workspace()


def _fail(error: PdmError, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        return
    place = f"{error.where}: " if error.where else ""
    print(f"{place}{error.message}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)


def _log_bug(arguments: Arguments) -> Path:
    text = f"PDM Desktop {__version__}\n{' '.join(sys.argv)}\n\n{traceback.format_exc()}"
    for folder in (arguments.workspace / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "bug.log"
            with log.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError:
            continue
        return log
    print(text, file=sys.stderr)
    return Path("(not written)")


def _put(arguments: Arguments, plain: dict[str, Any], words: str) -> None:
    """One JSON object, or words for people, on stdout."""
    print(json.dumps(plain, ensure_ascii=False, allow_nan=False) if arguments.json else words)


def _progress(arguments: Arguments) -> Any:
    """Progress on stderr where a person is looking, silent otherwise."""
    from pdm_desktop.core.progress import Progress, Step

    if arguments.json or not sys.stderr.isatty():
        return Progress()

    def show(step: Step) -> None:
        total = f" of {step.total:,}" if step.total else ""
        print(f"\r\033[K{step.text}  {step.done:,}{total}", end="", file=sys.stderr, flush=True)

    return Progress(show)


def _open(arguments: Arguments, *, reading: bool = False) -> Any:
    """The workspace; a command that only reads makes do with read-only where another program holds it."""
    from pdm_desktop.core.workspace import DATABASE, Workspace

    if reading and not (arguments.workspace / DATABASE).is_file():
        raise PdmError(
            "There is no workspace here.", "Import files or make a demo plant first.", str(arguments.workspace)
        )
    try:
        return Workspace.open(arguments.workspace)
    except PdmError:
        if not reading:
            raise
        return Workspace.open(arguments.workspace, read_only=True)


# ---- use cases


def _demo(arguments: Arguments) -> int:
    with _open(arguments) as workspace:
        made = workspace.demo(_progress(arguments), arguments.machines, arguments.days, arguments.seed)
        fleet = workspace.score(None, _progress(arguments))
    rows = {file.kind: file.accepted for file in made.files}
    plain = {
        "workspace": str(arguments.workspace),
        "rows": rows,
        "alarms": fleet.count("alarm"),
        "seconds": made.seconds,
    }
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in rows.items())
    _put(arguments, plain, f"A simulated plant is in {arguments.workspace}: {kinds}. In alarm: {fleet.count('alarm')}.")
    return 0


def _simulate(arguments: Arguments) -> int:
    from pdm_desktop.core import simulate, times

    start = {} if arguments.start is None else {"start": times.parse(arguments.start, "UTC")}
    files = simulate.write(
        arguments.out,
        machines=arguments.machines,
        days=arguments.days,
        seed=arguments.seed,
        progress=_progress(arguments),
        **start,
    )
    plain = {"files": [str(file) for file in files]}
    _put(arguments, plain, "\n".join(plain["files"]))
    return 0


def _import(arguments: Arguments) -> int:
    with _open(arguments) as workspace:
        made = workspace.import_files(
            arguments.files,
            _progress(arguments),
            choices=_choices(arguments),
            profile=arguments.profile,
            dry_run=arguments.dry_run,
        )
        if arguments.save_profile:
            workspace.save_profile(
                arguments.save_profile, workspace.recognise(arguments.files[0], _choices(arguments), arguments.profile)
            )
    files = [_file_plain(file) for file in made.files]
    _put(arguments, {"files": files, "seconds": made.seconds}, "\n".join(import_words(file) for file in made.files))
    return 1 if arguments.strict and any(file.rejected or file.rejected_values for file in made.files) else 0


def _file_plain(file: Any) -> dict[str, Any]:
    plain = {key: value for key, value in asdict(file).items() if key != "changed"}
    return plain | {"sensors": [{"name": name, "unit": unit} for name, unit in file.sensors]}


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
        columns=columns,
        machine=arguments.machine,
        time_zone=arguments.time_zone,
        day_first=arguments.day_first,
    )


def import_words(file: Any) -> str:
    """One file's import in a sentence."""
    name = Path(file.file).name
    counts = [
        f"{count:,} {word}"
        for count, word in (
            (file.accepted, "rows came in"),
            (file.unchanged, "were there already"),
            (file.duplicates, "repeated in the file"),
            (file.conflicts, "differ from what was there (the newer value holds)"),
            (file.rejected, "rows rejected"),
            (file.rejected_values, "values rejected"),
        )
        if count
    ]
    nothing = "" if file.batch is not None else "; nothing was changed"
    rejects = f" See {file.rejects_file}." if file.rejects_file else ""
    return f"{name} ({file.kind}): {', '.join(counts) or 'no rows'}{nothing}.{rejects}"


def _watch(arguments: Arguments) -> int:
    """Look into the watched folder once, or until stopped."""
    import time

    from pdm_desktop.core.results import WatchSettings

    if arguments.json and not arguments.once:
        raise UsageError("With --json there is one look only.", "Usage: pdm-desktop --json watch [DIR] --once")
    with _open(arguments) as workspace:
        if arguments.folder is not None:
            told = WatchSettings(str(arguments.folder.resolve()), on=True, move=arguments.move)
            if told != workspace.watch_settings:
                workspace.change_watch(told)
        if not workspace.watch_settings.on:
            raise UsageError("Which folder is to be watched?", "Usage: pdm-desktop watch DIR [--move] [--once]")
        while True:
            report = workspace.watch_once(_progress(arguments))
            if report.changed:
                _score_what_came(workspace, arguments)
            if arguments.once or report.imported or report.failed or report.problem:
                _put(arguments, _watch_plain(report), watch_words(report))
            if arguments.once:
                return 1 if report.failed or report.problem else 0
            time.sleep(_LOOK_S)


def _score_what_came(workspace: Any, arguments: Arguments) -> None:
    try:
        workspace.score(None, _progress(arguments))
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


def _imports(arguments: Arguments) -> int:
    from pdm_desktop.core import times

    if arguments.action == "undo":
        if arguments.batch is None:
            raise UsageError("Which batch is to be undone?", "Usage: pdm-desktop imports undo BATCH")
        with _open(arguments) as workspace:
            changed = workspace.undo(arguments.batch, _progress(arguments))
        plain = {"undone": arguments.batch, "machines": sorted(changed)}
        _put(arguments, plain, f"Batch {arguments.batch} is undone; {len(changed)} machines changed.")
        return 0
    with _open(arguments, reading=True) as workspace:
        batches, zone = workspace.imports(), workspace.settings.time_zone
    lines = [
        f"{b.id:>5}  {times.iso(b.imported_at, zone)}  {b.kind:<12} {b.accepted:>9,} rows  "
        f"{Path(b.file).name}{'  (undone)' if b.undone else ''}"
        for b in batches
    ]
    plain = {"batches": [asdict(b) | {"imported_at": times.iso(b.imported_at, zone)} for b in batches]}
    _put(arguments, plain, "\n".join(lines) or "Nothing was imported yet.")
    return 0


def _settings(arguments: Arguments) -> int:
    if arguments.action == "show":
        with _open(arguments, reading=True) as workspace:
            shown = workspace.settings
    else:
        pairs = [pair.partition("=") for pair in arguments.pairs]
        if not pairs or not all(equals for _, equals, _ in pairs):
            raise UsageError("Settings are set as KEY=VALUE.", "Usage: pdm-desktop settings set KEY=VALUE ...")
        with _open(arguments) as workspace:
            shown = workspace.change_settings({key: value for key, _, value in pairs})
    plain = asdict(shown)
    _put(arguments, plain, "\n".join(f"{key} = {value}" for key, value in plain.items()))
    return 0


def _moment(arguments: Arguments, workspace: Any) -> int | None:
    from pdm_desktop.core import times

    at = arguments.at
    return None if at in (None, "latest") else times.parse(at, workspace.settings.time_zone)


def _score(arguments: Arguments) -> int:
    with _open(arguments, reading=True) as workspace:
        _check_run(arguments.run_id, workspace)
        scored = None
        if arguments.at == "all":
            scored = workspace.score_all(_progress(arguments))
            arguments.at = "latest"
        fleet = workspace.score(_moment(arguments, workspace), _progress(arguments))
    plain = fleet_plain(fleet)
    if scored is not None:
        plain["rows_scored"] = scored
    _put(arguments, plain, _fleet_words(fleet))
    return 0


def _check_run(run_id: str | None, workspace: Any) -> None:
    if run_id is not None and run_id != workspace.model_info.run_id:
        raise PdmError(
            f"There is no model with run id {run_id!r}.", f"In use is {workspace.model_info.run_id}.", "run-id"
        )


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
    return "\n".join(lines)


def _report(arguments: Arguments) -> int:
    with _open(arguments, reading=True) as workspace:
        at = _moment(arguments, workspace)
        made = workspace.report(arguments.out, _progress(arguments), at, arguments.machine or ())
    plain = {"out": str(arguments.out), "machines": len(made.rows), "alarms": made.count("alarm")}
    _put(arguments, plain, f"{len(made.rows)} machines, {made.count('alarm')} in alarm: {arguments.out}")
    return 0


def _features(arguments: Arguments) -> int:
    with _open(arguments, reading=True) as workspace:
        rows = workspace.export_features(arguments.out, _progress(arguments), arguments.machine or ())
    _put(arguments, {"out": str(arguments.out), "rows": rows}, f"{rows:,} rows: {arguments.out}")
    return 0


def _backup(arguments: Arguments) -> int:
    with _open(arguments, reading=True) as workspace:
        workspace.backup(arguments.out, _progress(arguments))
    size = arguments.out.stat().st_size
    _put(arguments, {"out": str(arguments.out), "bytes": size}, f"{size / 1e6:,.1f} MB: {arguments.out}")
    return 0


def _doctor(arguments: Arguments, painting: Painting) -> int:
    from pdm_desktop.core import doctor

    checks = doctor.run(arguments.workspace, painting.doctor_checks)
    ok = all(check.ok for check in checks)
    plain = {"version": __version__, "ok": ok, "checks": [asdict(check) for check in checks]}
    words = [f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<28} {check.detail}" for check in checks]
    _put(arguments, plain, "\n".join(words))
    return 0 if ok else 3


def _screenshot(arguments: Arguments, painting: Painting) -> int:
    width, _, height = arguments.size.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 100 <= int(width) <= 8000 and 100 <= int(height) <= 8000):
        raise UsageError(f"{arguments.size!r} is not a size.", "Write it like 1366x768.")
    size = (int(width), int(height))
    painting.screenshot(arguments.page, arguments.out, arguments.theme, size, arguments.machine, arguments.workspace)
    _put(arguments, {"out": str(arguments.out)}, str(arguments.out))
    return 0


# ---- the grammar


def _parser() -> _Parser:
    shared = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _globals(shared)
    parser = _Parser(prog="pdm-desktop", description="Which machine is likely to fail next, and why.", parents=[])
    _globals(parser)
    parser.set_defaults(workspace=None, json=False, verbose=False, function=None, paints=False)
    parser.add_argument("--version", action="version", version=f"PDM Desktop {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, function: Callable[..., int], words: str, *, paints: bool = False) -> _Parser:
        made: _Parser = commands.add_parser(name, help=words, description=words, parents=[shared])
        made.set_defaults(function=function, paints=paints)
        return made

    demo = command("demo", _demo, "fill the workspace with a simulated plant and score it")
    _plant_size(demo, machines=30, days=120)
    simulate = command("simulate", _simulate, "write the five CSV files of a simulated plant")
    simulate.add_argument("--out", type=Path, required=True, metavar="DIR")
    _plant_size(simulate, machines=100, days=365)
    simulate.add_argument("--start", metavar="TS", help="first reading, UTC unless it says otherwise")

    bring = command("import", _import, "import files or folders")
    bring.add_argument("files", nargs="+", type=Path, metavar="FILE")
    bring.add_argument("--kind", choices=["telemetry", "errors", "maintenance", "failures", "machines"])
    bring.add_argument("--time-zone", metavar="ZONE", help="IANA zone of times without an offset")
    roles = "machine, timestamp, date, time, error, component, failure[:VALUE], machine_model, age, known"
    roles += ", sensor[:NAME[:UNIT]], tag, value, quality, ignore"
    bring.add_argument("--map", action="append", metavar="COLUMN=ROLE", help=f"what a column holds: {roles}")
    bring.add_argument("--profile", metavar="NAME", help="read the files as this profile says")
    bring.add_argument("--save-profile", metavar="NAME", help="keep how the first file was read, for others like it")
    bring.add_argument("--machine", metavar="ID", help="the machine of files without a column for it")
    order = bring.add_mutually_exclusive_group()
    order.add_argument("--day-first", action="store_const", const=True, dest="day_first", help="01/02: 1 February")
    order.add_argument("--month-first", action="store_const", const=False, dest="day_first", help="01/02: 2 January")
    bring.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook, or the file in an archive")
    bring.add_argument("--encoding", metavar="NAME", help="utf-8, utf-16, cp1252 ...")
    bring.add_argument("--delimiter", metavar="CHAR", help="what separates columns; tab for a tab")
    bring.add_argument("--decimal", choices=[".", ","], help="the decimal mark")
    bring.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    bring.add_argument("--strict", action="store_true", help="exit code 1 when anything was rejected")

    watch = command("watch", _watch, "import files that arrive in a folder, until stopped")
    watch.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the folder (else the one chosen before)")
    watch.add_argument("--move", action="store_true", help="move files to done/, or to failed/ with the reason beside")
    watch.add_argument("--once", action="store_true", help="one look: takes what has not changed since an earlier one")

    imports = command("imports", _imports, "list import batches or undo one")
    imports.add_argument("action", choices=["list", "undo"])
    imports.add_argument("batch", nargs="?", type=int, metavar="BATCH")

    settings = command("settings", _settings, "show or set the workspace's settings")
    settings.add_argument("action", choices=["show", "set"])
    settings.add_argument("pairs", nargs="*", metavar="KEY=VALUE")

    score = command("score", _score, "every machine's risk, latest or at a past time")
    score.add_argument("--at", metavar="TS|latest|all")
    score.add_argument("--run-id", metavar="ID")

    report = command("report", _report, "write the risk report")
    report.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    report.add_argument("--at", metavar="TS")
    report.add_argument("--machine", action="append", metavar="ID")

    features = command("features", _features, "write the matrix the model sees")
    features.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    features.add_argument("--machine", action="append", metavar="ID")

    tools = cli_models.Tools(_open, _put, _progress)
    cli_models.grammar(command, tools)
    cli_record.grammar(command, tools)

    backup = command("backup", _backup, "copy the record (.zip: the whole workspace)")
    backup.add_argument("--out", type=Path, required=True, metavar="FILE")

    command("doctor", _doctor, "check that the program is whole and can work here", paints=True)

    screenshot = command("screenshot", _screenshot, "paint a page into a PNG", paints=True)
    screenshot.add_argument("page", choices=["fleet", "machine", "data", "models", "welcome"])
    screenshot.add_argument("--out", type=Path, required=True, metavar="FILE.png")
    screenshot.add_argument("--theme", choices=["light", "dark"], default="light")
    screenshot.add_argument("--size", default="1366x768", metavar="WxH")
    screenshot.add_argument("--machine", metavar="ID")
    return parser


def _globals(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="the plant's folder")
    parser.add_argument("--json", action="store_true", help="exactly one JSON object on stdout")
    parser.add_argument("--verbose", action="store_true", help="log what is done to stderr")


def _plant_size(parser: argparse.ArgumentParser, machines: int, days: int) -> None:
    parser.add_argument("--machines", type=_positive, default=machines, metavar="N")
    parser.add_argument("--days", type=_positive, default=days, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number
