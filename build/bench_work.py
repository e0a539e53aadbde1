"""What bench.py measures of the program, each in a process of its own; prints one JSON object.

python build/bench_work.py NAME ARGS...
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pdm_desktop.core import simulate
from pdm_desktop.core.features import FeatureSpec, MachineHistory, build, grid, scored_times
from pdm_desktop.core.histories import histories
from pdm_desktop.core.moments import Ints, window_moments
from pdm_desktop.core.paths import bundled_model
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.store import Store
from pdm_desktop.core.times import HOUR
from pdm_desktop.core.workspace import Workspace

STATISTICS = 8  # mean, std, min, max over two windows


def imported(telemetry: str) -> dict[str, Any]:
    """Seconds from the file to the committed and closed database, in a program that is up."""
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        _warm(folder)
        seconds, rows = _import(folder / "workspace", Path(telemetry))
    return {"seconds": [seconds], "rows": rows}


def in_turns(canonical: str, awkward: str, rounds: str) -> dict[str, Any]:
    """Seconds for an awkward file and for the canonical one, in turns; readings that came in; seconds to recognise."""
    path = Path(awkward)
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        folder = Path(name)
        _warm(folder)
        ours, theirs = [], []
        for turn in range(int(rounds)):
            theirs.append(_import(folder / f"canonical-{turn}", Path(canonical))[0])
            ours.append(_import(folder / f"awkward-{turn}", path)[0])
        store = Store.open(folder / "awkward-0" / "plant.db", read_only=True)
        readings = int(store.coverage()["readings"].sum())
        store.close()
        with Workspace.open(folder / "awkward-0") as workspace:
            recognised = _times(3, lambda: workspace.recognise(path))
    return {"seconds": ours, "reference": theirs, "readings": readings, "recognised": recognised}


def _warm(folder: Path) -> None:
    simulate.write(folder / "small", machines=1, days=2, seed=1)
    with Workspace.open(folder / "warm") as workspace:
        workspace.import_files([folder / "small"], Progress())


def _import(folder: Path, file: Path) -> tuple[float, int]:
    workspace = Workspace.open(folder)
    begun = time.perf_counter()
    report = workspace.import_files([file], Progress())
    workspace.close()
    return time.perf_counter() - begun, report.files[0].accepted


def _year(workspace: str) -> tuple[Model, list[tuple[MachineHistory, Ints]]]:
    model = Model.load(bundled_model())
    store = Store.open(Path(workspace) / "plant.db", read_only=True)
    try:
        machines = list(store.machines()["machine"])
        found = list(histories(store, machines, None, None))
    finally:
        store.close()
    horizon = model.spec.horizon
    return model, [(h, scored_times(h, grid(int(h.times[0]), int(h.times[-1]), HOUR), horizon)) for h in found]


def _statistics(history: MachineHistory, spec: FeatureSpec, at: Ints) -> np.ndarray[Any, Any]:
    """The part of `build` that polars can do too, worked out and written just as `build` does it."""
    values = np.column_stack([history.readings_of(sensor)[1] for sensor in spec.sensors])
    matrix = np.empty((len(at), STATISTICS * len(spec.sensors)), np.float32)
    failed = history.failures.latest(at)
    end = np.searchsorted(history.times, at, "right")
    windows = {
        str(width): (np.searchsorted(history.times, np.maximum(at - width, failed), "right"), end)
        for width in (spec.short, spec.long)
    }
    made = window_moments(history.times, values, windows, extremes=tuple(windows))
    blocks = [block for name in windows for block in made[name][:4]]
    for offset, block in enumerate(blocks):
        matrix[:, offset::STATISTICS] = block
    return matrix


def _times(repeats: int, work: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return seconds


def features(workspace: str, repeats: str) -> dict[str, Any]:
    """Seconds for the year's features: `seconds` those polars has too, `all` every one of them."""
    model, year = _year(workspace)

    def everything() -> None:
        for history, at in year:
            build(history, model.spec, at, np.float32)

    def statistics() -> None:
        for history, at in year:
            _statistics(history, model.spec, at)

    history, at = year[0]
    theirs = build(history, model.spec, at, np.float32)
    names = [n for s in model.spec.sensors for n in model.spec.names if n.startswith(f"{s}_")]
    kept = [model.spec.names.index(n) for n in names if "_slope_" not in n and "_deviation_" not in n]
    if not np.allclose(theirs[:, kept], _statistics(history, model.spec, at), equal_nan=True):
        raise AssertionError("the statistics measured are not those of the program")
    return {"seconds": _times(int(repeats), statistics), "all": _times(int(repeats), everything)}


def scores(workspace: str, repeats: str) -> dict[str, Any]:
    """Seconds for the year's calibrated risks, and for a bare Booster.predict on the same matrix, in turns."""
    import xgboost

    model, year = _year(workspace)
    matrix = np.concatenate([build(history, model.spec, at, np.float32) for history, at in year])
    booster = model.booster
    model.predict(matrix[:1000])
    ours, theirs, in_place = [], [], []
    for _ in range(int(repeats)):
        ours += _times(1, lambda: model.predict(matrix))
        theirs += _times(1, lambda: booster.predict(xgboost.DMatrix(matrix)))
        in_place += _times(1, lambda: booster.inplace_predict(matrix))
    return {"seconds": ours, "reference": theirs, "in_place": in_place, "rows": len(matrix)}


def hours(files: str, count: str) -> dict[str, Any]:
    """Seconds for the year (import, features, scores), then for each further hour of all machines."""
    with tempfile.TemporaryDirectory(prefix="pdm-bench-") as name:
        base, later = _hold_back(Path(files), Path(name), int(count))
        with Workspace.open(Path(name) / "workspace") as workspace:
            begun = time.perf_counter()
            workspace.import_files([base], Progress())
            imported = time.perf_counter() - begun
            scored = workspace.score_all(Progress())
            year = time.perf_counter() - begun
            workspace.score(None, Progress())
            seconds, rows = [], 0
            for file in later:
                begun = time.perf_counter()
                report = workspace.import_files([file], Progress())
                made = workspace.score(None, Progress())
                seconds.append(time.perf_counter() - begun)
                rows = report.files[0].accepted
                if rows != len(made.rows):
                    raise AssertionError(f"{rows} readings came in for {len(made.rows)} machines")
    return {"seconds": seconds, "year": year, "import": imported, "scores": scored, "rows": rows}


def _hold_back(files: Path, folder: Path, count: int) -> tuple[Path, list[Path]]:
    """The year without its last `count` hours as a folder of files, and a file for each of these hours."""
    base = folder / "base"
    base.mkdir()
    for path in files.iterdir():
        if path.name != simulate.FILES["telemetry"]:
            shutil.copyfile(path, base / path.name)
    header, *lines = (files / simulate.FILES["telemetry"]).read_text("utf-8").splitlines(keepends=True)
    newest = sorted({line.split(",", 1)[0] for line in lines[-2 * count :]})[-count:]
    held: dict[str, list[str]] = {moment: [] for moment in newest}
    kept: list[str] = []
    for line in lines:
        held.get(line.split(",", 1)[0], kept).append(line)
    (base / simulate.FILES["telemetry"]).write_text(header + "".join(kept), "utf-8", newline="\n")
    later = []
    for number, moment in enumerate(newest):
        later.append(folder / f"hour_{number}.csv")
        later[-1].write_text(header + "".join(held[moment]), "utf-8", newline="\n")
    return base, later


def main(name: str, *args: str) -> None:
    """Run one measurement and print what it gives."""
    measurements: dict[str, Callable[..., dict[str, Any]]] = {
        "import": imported,
        "in turns": in_turns,
        "features": features,
        "scores": scores,
        "hours": hours,
    }
    print(json.dumps(measurements[name](*args)))


if __name__ == "__main__":
    main(*sys.argv[1:])
