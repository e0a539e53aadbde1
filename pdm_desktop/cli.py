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

from pdm_desktop import __version__, cli_import, cli_models, cli_record, cli_score
from pdm_desktop.core.errors import PdmError, UsageError

Arguments = argparse.Namespace


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
        workspace = Workspace.open(arguments.workspace)
    except PdmError:
        if not reading:
            raise
        return Workspace.open(arguments.workspace, read_only=True)
    if workspace.upgrade is not None:
        print(workspace.upgrade, file=sys.stderr)
    return workspace


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


def _settings(arguments: Arguments) -> int:
    from pdm_desktop.core.record import user
    from pdm_desktop.core.record_results import By

    if arguments.action == "show":
        with _open(arguments, reading=True) as workspace:
            shown = workspace.settings
    else:
        pairs = [pair.partition("=") for pair in arguments.pairs]
        if not pairs or not all(equals for _, equals, _ in pairs):
            raise UsageError("Settings are set as KEY=VALUE.", "Usage: pdm-desktop settings set KEY=VALUE ...")
        with _open(arguments) as workspace:
            by = By(arguments.by or user() or "unknown", arguments.why)
            shown = workspace.change_settings({key: value for key, _, value in pairs}, by)
    plain = shown.shown()
    _put(arguments, plain, "\n".join(f"{key} = {value}" for key, value in plain.items()))
    return 0


def _backup(arguments: Arguments) -> int:
    with _open(arguments, reading=True) as workspace:
        workspace.backup(arguments.out, _progress(arguments))
    size = arguments.out.stat().st_size
    _put(arguments, {"out": str(arguments.out), "bytes": size}, f"{size / 1e6:,.1f} MB: {arguments.out}")
    return 0


def _opened_elsewhere(_arguments: Arguments) -> int:
    raise AssertionError("the program's entry opens the window")


def _doctor(arguments: Arguments, painting: Painting) -> int:
    from pdm_desktop.core import doctor

    checks = doctor.run(arguments.workspace, painting.doctor_checks)
    ok = all(check.ok for check in checks)
    plain = {"version": __version__, "ok": ok, "checks": [asdict(check) for check in checks]}
    _put(arguments, plain, doctor.report(checks))
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

    tools = cli_models.Tools(_open, _put, _progress)
    cli_import.grammar(command, tools)
    settings = command("settings", _settings, "show or set the workspace's settings")
    settings.add_argument("action", choices=["show", "set"])
    settings.add_argument("pairs", nargs="*", metavar="KEY=VALUE")
    settings.add_argument("--by", default="", metavar="NAME", help="who says up to when failures are known")
    settings.add_argument("--why", default="", metavar="TEXT", help="kept with that change")
    for part in (cli_score, cli_models, cli_record):
        part.grammar(command, tools)

    backup = command("backup", _backup, "copy the record (.zip: the whole workspace)")
    backup.add_argument("--out", type=Path, required=True, metavar="FILE")

    opening = command("open", _opened_elsewhere, "open the window; with an exported model version offer to import it")
    opening.add_argument("file", nargs="?", type=Path, metavar="FILE.pdmmodel")

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
