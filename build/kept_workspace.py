"""Keeps a small workspace of the present schema for the tests of upgrades, with the figures the program gives for it.

Run once when a schema version is released, by the program that has it, and never again for that version:

    .venv/bin/python build/kept_workspace.py tests/upgrades

It writes NNNN.zip (the program's own backup of the whole workspace) and NNNN.json (what was in it). Only calls that
every version has had since the first are used, so that it can also be run in a checkout of an older one.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from pdm_desktop.core import simulate, times
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.store import tables
from pdm_desktop.core.workspace import Workspace

SETTINGS = {"plant_name": "Mühle 2", "time_zone": "Europe/Berlin", "horizon_h": "24"}
CORRECTED = "datetime,machineID,volt\n2015-01-02 00:00:00,{machine},171.5\n2015-01-02 00:00:00,{machine},172.5\n"
TAKEN_BACK = "datetime,machineID,failure\n2015-01-05 06:00:00,{machine},comp1\n"
JANUARY = 1_420_070_400_000  # 2015-01-01 in ms UTC
REPORTED = ("machine", "machine_model", "age", "as_of", "horizon_h", "risk", "band", "threshold", "alarm")
COUNTED = ("telemetry", "errors", "maintenance", "failures", "attribute", "conflict", "risk", "batch", "edit", "period")


def main() -> int:
    """Make the workspace, note its figures, keep both."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    kept = out / f"{tables.HEAD}.zip"
    if kept.exists():
        print(f"{kept} is there: what was kept of a version is never made anew.", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "workspace"
        fill(folder, Path(name) / "files")
        with Workspace.open(folder) as workspace:
            found = figures(workspace, Path(name) / "report.csv")
            workspace.backup(kept, Progress())
    kept.with_suffix(".json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{kept}: {kept.stat().st_size / 1e3:.0f} kB")
    return 0


def fill(folder: Path, files: Path) -> None:
    """Three machines: imported, corrected with a conflict, an import taken back, changed by hand, scored throughout."""
    simulate.write(files, machines=3, days=12, seed=11)
    with Workspace.open(folder) as workspace:
        workspace.change_settings(SETTINGS)
        workspace.import_files([files], Progress())
        fleet = workspace.score(None, Progress())
        machine = fleet.rows[0].machine
        for text, name in ((CORRECTED, "corrected.csv"), (TAKEN_BACK, "taken_back.csv")):
            (files / name).write_text(text.format(machine=machine), encoding="utf-8")
            workspace.import_files([files / name], Progress())
        workspace.undo(workspace.imports()[-1].id, Progress())
        by_hand(workspace, machine)
        workspace.score_all(Progress())


def by_hand(workspace: Any, machine: str) -> None:
    """What a hand can change, as far as this version knows it: the first one knew nothing of the kind."""
    if tables.HEAD == "0001":
        return
    from pdm_desktop.core.periods import Entry
    from pdm_desktop.core.record_results import By, HandEvent

    by = By("A. Weber", "Schichtbuch")
    others = [row.machine for row in workspace.score(None, Progress()).rows if row.machine != machine]
    workspace.enter_event(machine, HandEvent("failures", JANUARY + 6 * times.DAY, "comp2"), by)
    wrong = HandEvent("maintenance", JANUARY + 7 * times.DAY, "comp3")
    workspace.enter_event(machine, wrong, by)
    workspace.delete_event(machine, wrong, by)
    stopped = Entry(others[0], JANUARY + 3 * times.DAY, JANUARY + 4 * times.DAY, "stopped")
    workspace.enter_periods([stopped], by)
    workspace.rename_machine(others[1], "Presse Süd", by)


def figures(workspace: Workspace, report: Path) -> dict[str, Any]:
    """What must be the same in every later version: the report's figures, counts and sums of the record."""
    workspace.report(report, Progress())
    with report.open(encoding="utf-8-sig", newline="") as file:
        risks = [{key: row[key] for key in REPORTED} for row in csv.DictReader(file)]
    settings = {key: str(getattr(workspace.settings, key)) for key in SETTINGS}
    return {"settings": settings, "report": risks, **record(workspace.folder / "plant.db")}


def record(database: Path) -> dict[str, Any]:
    """Counts of every table of the record, the sum of each sensor and of the kept risks for each machine."""
    with closing(sqlite3.connect(database)) as connection:
        have = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counts = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in COUNTED if name in have
        }
        sensors = [name for (name,) in connection.execute("SELECT name FROM sensor ORDER BY id")]
        sums = ", ".join(f'sum("{name}")' for name in sensors)
        rows = connection.execute(f"SELECT machine, {sums} FROM telemetry_by_name GROUP BY machine ORDER BY machine")
        readings = {row[0]: dict(zip(sensors, row[1:], strict=True)) for row in rows}
        risks = "SELECT name, count(*), sum(risk) FROM risk JOIN machine ON id = machine GROUP BY name ORDER BY name"
        kept = {name: {"scores": scores, "sum": total} for name, scores, total in connection.execute(risks)}
    return {"counts": counts, "readings": readings, "kept risks": kept}


if __name__ == "__main__":
    sys.exit(main())
