"""Measures the program against its references in one run, as ratios: `python3 build/dev.py bench [--json] [--full]`;
--models measures only training and the models it makes, which are part of --full too.

Program and reference take turns, and medians are compared. On a simulated year of 100 machines (876,100 readings).
A line is met when its ratio is within its budget; a line without its reference is not. Exit code 1 when any is not.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build import bench_models

BUILD = Path(__file__).resolve().parent
ROUNDS = 5
PARTS = ("imports", "awkward", "features", "scores", "hour", "start", "heartbeat")
MODELS = ("training", "quality")
TELEMETRY = "PdM_telemetry.csv"


@dataclass(frozen=True)
class Line:
    """One measured thing. ratio = value / reference; budget None: stated, not bounded. note: for the table."""

    value: float
    unit: str
    reference: float | None
    budget: float | None
    note: str

    @property
    def ratio(self) -> float | None:
        """Value over reference; None where there is no reference."""
        return self.value / self.reference if self.reference else None

    @property
    def met(self) -> bool:
        """Whether the budget, if there is one, is kept."""
        return self.budget is None or (self.ratio is not None and self.ratio <= self.budget)

    def plain(self) -> dict[str, Any]:
        """As --json prints it."""
        ratio = None if self.ratio is None else round(self.ratio, 4)
        reference = None if self.reference is None else round(self.reference, 4)
        plain = {"value": round(self.value, 4), "unit": self.unit, "reference": reference}
        return plain | {"ratio": ratio, "budget": self.budget}


class Bench:
    """The measurements; `lines` grows as they are made."""

    def __init__(self, folder: Path, reference_python: Path | None, *, full: bool = False) -> None:
        self.folder = folder
        self.full = full
        self.reference_python = reference_python
        self.files = folder / "year"
        self.workspace = folder / "workspace"
        self.lines: dict[str, Line] = {}

    # ---- processes

    def child(self, *command: str | Path) -> dict[str, Any]:
        """Run a measuring process and return the JSON object it prints."""
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(self.folder / "config")}
        run = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, check=False, env=environment, timeout=3600
        )
        if run.returncode:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{run.stdout}{run.stderr}")
        found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        if "error" in found:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{found['error']}")
        return found

    def work(self, *args: str | Path) -> dict[str, Any]:
        """A measurement of bench_work.py."""
        return self.child(sys.executable, BUILD / "bench_work.py", *args)

    python = sys.executable

    @staticmethod
    def tell(text: str) -> None:
        """Where the bench is, on stderr."""
        tell(text)

    def program(self, *args: str | Path, good: tuple[int, ...] = (0,)) -> tuple[dict[str, Any], float | None]:
        """The real command line with --json; its answer and its peak memory in MB (None where that is not told)."""
        command = [sys.executable, "-m", "pdm_desktop", "--json", *(str(a) for a in args)]
        with tempfile.TemporaryFile(dir=self.folder) as out:
            process = subprocess.Popen(command, stdout=out, cwd=BUILD.parent)
            peak = None
            if sys.platform == "win32":
                process.wait()
            else:
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                peak = usage.ru_maxrss * 1024 / 1e6
            if process.returncode not in good:
                raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
            out.seek(0)
            return json.loads(out.read()), peak

    # ---- the lines

    def prepare(self) -> None:
        """The year's files."""
        tell("simulating a year of 100 machines")
        self.program("simulate", "--out", self.files, "--machines", "100", "--days", "365", "--seed", "1")

    def memory(self) -> None:
        """Peak memory of the full-year import, all five files; leaves the workspace that other lines read."""
        tell("peak memory of the import")
        _, peak = self.program("--workspace", self.workspace, "import", self.files)
        note = "limit 600 MB"
        self.add("peak memory of the import", peak or 0, "MB", 600 if peak else None, 1.0, note)

    def imports(self) -> None:
        """Import of the telemetry against the sqlite3 shell."""
        tell("import")
        ours, theirs = [], []
        shell = shutil.which("sqlite3")
        for _ in range(ROUNDS):
            ours += self.work("import", self.files / TELEMETRY)["seconds"]
            if shell:
                theirs.append(self._shell_import(shell))
        self.add("import", ours, "s", theirs, 1.0, "sqlite3 shell's .import, same key, WAL, synchronous NORMAL")

    def _shell_import(self, shell: str) -> float:
        source = self.files / TELEMETRY
        with source.open(encoding="utf-8") as file:
            when, machine, *sensors = file.readline().strip().split(",")
        columns = ", ".join([f"{when} TEXT", f"{machine} INTEGER", *(f"{name} REAL" for name in sensors)])
        database = self.folder / "reference.db"
        script = f"""PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE telemetry({columns}, PRIMARY KEY({machine}, {when})) WITHOUT ROWID;
.mode csv
.import --skip 1 "{source.as_posix()}" telemetry
"""
        begun = time.perf_counter()
        subprocess.run([shell, str(database)], input=script, text=True, check=True, capture_output=True)
        seconds = time.perf_counter() - begun
        count = subprocess.run(
            [shell, str(database), "SELECT count(*) FROM telemetry"], text=True, check=True, capture_output=True
        ).stdout
        if int(count) != 876_100:
            raise SystemExit(f"the sqlite3 shell imported {count.strip()} rows")
        for path in self.folder.glob("reference.db*"):
            path.unlink()
        return seconds

    def awkward(self) -> None:
        """Files as other programs write them, a row against a row of the canonical file of the same readings."""
        forms = importlib.import_module("bench_files")

        tell("writing awkward files")
        machines = 100 if self.full else 25
        frame = forms.read(self.files / TELEMETRY, machines)
        canonical = self.folder / "canonical.csv"
        forms.canonical(frame, canonical)
        recognised = {}
        for name, (write, file) in forms.FORMS.items():
            tell(f"import: {name}")
            path = self.folder / file
            write(frame, path)
            found = self.work("in turns", canonical, path, "3")
            if found["readings"] != len(frame):
                raise SystemExit(f"{name}: {found['readings']} readings came in, not {len(frame)}")
            # A row is a row of the file; one of wide tags holds a reading of each machine, and counts as that many.
            rows = len(frame) * (len(frame.columns) - 2) if name.startswith("long") else len(frame)
            ours = [1e6 * seconds / rows for seconds in found["seconds"]]
            theirs = [1e6 * seconds / len(frame) for seconds in found["reference"]]
            self.add(f"import: {name}", ours, "µs/row", theirs, 2.0, "the canonical file's rows, in turns")
            recognised[name] = statistics.median(found["recognised"])
            path.unlink()
        slowest = max(recognised, key=recognised.__getitem__)
        self.add(
            "recognising a text file", recognised[slowest], "s", 1.0, 1.0, f"limit 1 s; slowest of them: {slowest}"
        )
        tell("import: workbook")
        path = self.folder / "workbook.xlsx"
        cells = forms.workbook(frame, path)
        seconds = [self.work("import", path)["seconds"][0] * 1e6 / cells for _ in range(3)]
        self.add("import: workbook", seconds, "s", 15.0, 1.0, f"limit 15 s a million cells; {cells:,} cells")

    def features(self) -> None:
        """The year's features against polars."""
        tell("features")
        ours, everything, theirs = [], [], []
        for _ in range(3):
            found = self.work("features", self.workspace, "3")
            ours += found["seconds"]
            everything += found["all"]
            if self.reference_python:
                command = (self.reference_python, BUILD / "bench_reference.py", self.files / TELEMETRY, "3")
                theirs += self.child(*command)["seconds"]
        self.add("features polars has", ours, "s", theirs, 1.5, "polars rolling_*_by, 32 statistics, 876,100 rows")
        rest = statistics.median(everything) - statistics.median(ours)
        self.add(
            "other features", rest, "s", theirs, None, "slope, baseline, errors, components ...; beside the same polars"
        )

    def scores(self) -> None:
        """The year's scores in memory against the bare booster."""
        tell("scores")
        found = self.work("scores", self.workspace, str(ROUNDS))
        self.add(
            "scores", found["seconds"], "s", found["reference"], 1.2, "bare Booster.predict(DMatrix) on the same matrix"
        )
        note = "bare Booster.inplace_predict, which needs no DMatrix"
        self.add("scores, in place", found["seconds"], "s", found["in_place"], None, note)

    def hour(self) -> None:
        """One new hour of all machines against the year."""
        tell("one new hour")
        found = self.work("hours", self.files, str(ROUNDS))
        note = "the year's import, features and scores, stored"
        self.add("one new hour", found["seconds"], "s", found["year"], 0.05, note)

    def start(self) -> None:
        """Start to shown window against a bare one."""
        tell("start")
        ours, theirs, heavy = [], [], []
        script = BUILD / "bench_window.py"
        for turn in range(ROUNDS + 3):
            begun = time.perf_counter()
            shown = self.child(sys.executable, script, "bare")["shown"] - begun
            begun = time.perf_counter()
            found = self.child(sys.executable, script, "program", self.workspace)
            if turn:  # the first of each warms the disk cache
                theirs.append(shown)
                ours.append(found["shown"] - begun)
                heavy = found["heavy"]
        self.add("start to shown window", ours, "s", theirs, 1.6, "bare PySide6 and pyqtgraph window")
        early = [name for name in heavy if name in ("mlflow", "xgboost")]
        note = f"imported by then: {', '.join(heavy) or 'none of mlflow, xgboost, pandas, SQLAlchemy'}"
        self.add("mlflow and xgboost imported at start", len(early), "libraries", 1, 0.0, note)

    def heartbeat(self) -> None:
        """The longest and the median gap of the GUI thread's heartbeat under load."""
        tell("heartbeat")
        found = self.child(sys.executable, BUILD / "bench_window.py", "heartbeat", self.files)
        gaps = sorted(found["gaps"])
        about = "; ".join(f"{phase} {gap:.0f} ms" for phase, gap in found["longest"].items())
        late = sum(gap > 100 for gap in gaps)
        self.add("longest gap of the window", gaps[-1], "ms", 100, 1.0, f"{late} of {len(gaps)} over 100 ms; {about}")
        self.add("median gap of the window", statistics.median(gaps), "ms", 10, None, "a 10 ms timer on the GUI thread")

    def tenfold(self) -> None:
        """Memory and time of ten times the rows."""
        tell("ten times the rows: simulating 1,000 machines")
        files = self.folder / "tenfold"
        self.program("simulate", "--out", files, "--machines", "1000", "--days", "365", "--seed", "1")
        once, ten, peak = [], [], None
        for turn in range(2):
            tell(f"ten times the rows: import {turn + 1} of 2")
            once.append(self._import_seconds(self.files)[0])
            seconds, peak = self._import_seconds(files)
            ten.append(seconds)
        note = "limit 1.2 GB"
        self.add("peak memory, 10 x rows", peak or 0, "MB", 1200 if peak else None, 1.0, note)
        self.add("import of 10 x rows", ten, "s", once, 11.0, "import of the year")

    def _import_seconds(self, files: Path) -> tuple[float, float | None]:
        """Seconds of the import itself, without the interpreter's start, and peak memory (MB)."""
        folder = self.folder / "again"
        made, peak = self.program("--workspace", folder, "import", files)
        shutil.rmtree(folder)
        return made["seconds"], peak

    def training(self) -> None:
        """Training and evaluation against bare xgboost.train."""
        tell("training")
        bench_models.speed(self)

    def quality(self) -> None:
        """How good the models are that training makes."""
        tell("how good the models are")
        bench_models.quality(self)

    def add(
        self,
        name: str,
        ours: float | list[float],
        unit: str,
        theirs: float | list[float] | None,
        budget: float | None,
        note: str,
    ) -> None:
        """Keep a line; lists become medians, an empty one means that the reference is missing."""
        value = statistics.median(ours) if isinstance(ours, list) else ours
        reference = (statistics.median(theirs) if theirs else None) if isinstance(theirs, list) else theirs
        self.lines[name] = Line(value, unit, reference, budget, note)


def tell(text: str) -> None:
    """Where the bench is, on stderr."""
    print(f"bench: {text} ...", file=sys.stderr, flush=True)


def figure(value: float | None) -> str:
    """Three digits, or a dash."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(lines: dict[str, Line]) -> str:
    """The lines as a Markdown table, aligned for the screen too."""
    rows = [["Line", "Value", "Reference", "Ratio", "Budget", "Met", "Against"]]
    for name, line in lines.items():
        missing = line.budget is not None and line.reference is None
        verdict = "-" if line.budget is None else "yes" if line.met else "no reference" if missing else "NO"
        cells = [f"{figure(line.value)} {line.unit}", figure(line.reference), figure(line.ratio), figure(line.budget)]
        rows.append([name, *cells, verdict, line.note])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    made = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([made[0], "| " + " | ".join("-" * width for width in widths) + " |", *made[1:]])


def main() -> int:
    """Measure, print, and say by the exit code whether every budget is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="exactly one JSON object on stdout")
    parser.add_argument("--full", action="store_true", help="also ten times the rows, which takes some minutes more")
    parser.add_argument("--models", action="store_true", help="only training and how good its models are")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only these, beside the import's memory")
    parser.add_argument("--reference-python", type=Path, help="the Python of .venv-bench")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as folder:
        bench = Bench(Path(folder), arguments.reference_python, full=arguments.full)
        if not arguments.models:
            bench.prepare()
            bench.memory()
            for name in arguments.only or PARTS:
                getattr(bench, name)()
            if arguments.full:
                bench.tenfold()
        if arguments.full or arguments.models:
            for name in MODELS:
                getattr(bench, name)()
    if arguments.json:
        print(json.dumps({name: line.plain() for name, line in bench.lines.items()}))
    else:
        print(table(bench.lines))
    return int(not all(line.met for line in bench.lines.values()))


if __name__ == "__main__":
    sys.exit(main())
