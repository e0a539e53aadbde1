"""Is the program whole, and can it work here? A list of checks, each of them the real thing on a small scale."""

from __future__ import annotations

import json
import platform
import shutil
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np

from pdm_desktop import __version__
from pdm_desktop.core import paths, registry, rowset, simulate, training
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory, grid
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.scoring import DESCRIPTION, Model
from pdm_desktop.core.store import Store
from pdm_desktop.core.store.tables import HEAD
from pdm_desktop.core.times import DAY, HOUR
from pdm_desktop.core.workspace import Workspace

LIBRARIES = (
    "PySide6-Essentials",
    "pyqtgraph",
    "numpy",
    "scipy",
    "pandas",
    "python-calamine",
    "xgboost-cpu",
    "mlflow-skinny",
    "optuna",
    "SQLAlchemy",
    "alembic",
)
RESOURCES = (
    "icons/app.svg",
    "licences/LGPL-3.0.txt",
    "licences/QT.txt",
    "themes/style.qss",
    "themes/tokens.json",
)
PACKED = ("licences/THIRD-PARTY.txt", "licences/sbom.cdx.json")
"""What the packed program has beside them."""
EXAMPLE = "input_example.json"
FREE_BYTES = 1_000_000_000
"""A year of 100 machines takes about a tenth of it."""
TRAINING_DAYS = 80

Result = tuple[bool, str]


@dataclass(frozen=True)
class Check:
    """One thing looked at. detail: what was found, or what is wrong and what to do."""

    name: str
    ok: bool
    detail: str


def run(
    folder: Path | None,
    extra: Callable[[], Iterable[tuple[str, bool, str]]] = list,
    progress: Progress | None = None,
) -> list[Check]:
    """Look at everything the program needs; `folder` is the workspace to be used (None: the default one).

    extra gives further checks as (name, ok, detail); the window's code looks at fonts and display that way. Nothing in
    `folder` is changed, and it is not made. Never raises for what a check finds: that is what the list is for.
    """
    workspace = folder or paths.default_workspace()
    progress = progress or Progress()
    looks: list[tuple[str, Callable[[], Result]]] = [
        ("Program", _program),
        ("Python", _python),
        ("Libraries", _libraries),
        ("Resources", _resources),
        ("Bundled model", _bundled_model),
        ("Database and migrations", _database),
        ("Import and score", _import_and_score),
        ("Training and MLflow", _training),
        ("Data folder", partial(_data_folder, workspace)),
        ("Free disk", partial(_free_disk, workspace)),
    ]
    checks = []
    for done, (name, look) in enumerate(looks):
        progress.step(done, len(looks) + 1, name)
        checks.append(_look(name, look))
    progress.step(len(looks), len(looks) + 1, "Window")
    try:
        checks += [Check(*found) for found in extra()]
    except Exception as exc:  # noqa: BLE001 (whatever a library raises is a finding)
        checks.append(Check("Window", False, f"{type(exc).__name__}: {exc}"))
    return checks


def report(checks: Sequence[Check]) -> str:
    """The checks as text to read in a terminal or to hand on: a heading, then a line each."""
    wrong = [check.name for check in checks if not check.ok]
    head = f"At fault: {', '.join(wrong)}." if wrong else "Everything the program needs is here."
    width = max(len(check.name) for check in checks)
    lines = [f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.detail}" for check in checks]
    return "\n".join([*lines, "", head])


def _look(name: str, check: Callable[[], Result]) -> Check:
    try:
        return Check(name, *check())
    except PdmError as exc:
        return Check(name, False, str(exc))
    except Exception as exc:  # noqa: BLE001 (a broken installation raises anything; the doctor's answer is the finding)
        return Check(name, False, f"{type(exc).__name__}: {exc}")


def _program() -> Result:
    """Which version this is, and whether it is the packed one."""
    kind = "packed" if paths.packed() else "from source"
    where = Path(sys.executable).parent if paths.packed() else Path(__file__).resolve().parents[1]
    return True, f"PDM Desktop {__version__}, {kind}, {where}"


def _python() -> Result:
    bits = struct.calcsize("P") * 8
    detail = f"{platform.python_version()}, {bits} bit, {platform.system()} {platform.machine()}"
    return sys.version_info >= (3, 11) and bits == 64, detail


def _libraries() -> Result:
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    return not missing, f"missing: {', '.join(missing)}" if missing else ", ".join(found)


def _resources() -> Result:
    wanted = (*RESOURCES, *PACKED) if paths.packed() else RESOURCES
    missing = [name for name in wanted if not (paths.resources() / name).is_file()]
    where = str(paths.resources())
    return not missing, f"missing in {where}: {', '.join(missing)}" if missing else where


def _bundled_model() -> Result:
    """Checksums hold, and the stored example, hours before a failure, is scored on this computer as it should be."""
    folder = paths.bundled_model()
    model = Model.load(folder)
    example = json.loads((folder / EXAMPLE).read_text("utf-8"))
    matrix = np.array([[np.nan if v is None else v for v in row] for row in example["data"]], np.float64)
    risks = model.predict(matrix)
    about = f"{model.info.name} version {model.info.version}, run {model.info.run_id}"
    expected = json.loads((folder / DESCRIPTION).read_text("utf-8")).get("example_risks")
    if expected is not None and not np.allclose(risks, expected, rtol=0, atol=1e-5):
        return False, f"{about}: checksums hold, but its example is not scored as where it was made"
    if not (model.info.threshold <= risks[:, 0]).all():
        return (
            False,
            f"{about}: checksums hold, but a row hours before a failure raises no alarm: {risks[:, 0].max():g}",
        )
    return True, f"{about}: checksums hold, its example gets its score of {risks[0, 0]:.4f}"


def _database() -> Result:
    with tempfile.TemporaryDirectory(prefix="pdm-doctor-") as folder:
        store = Store.open(Path(folder) / "plant.db")
        try:
            empty = store.machines().empty and not store.sensors()
        finally:
            store.close()
    last = f"made, and migrated from the first schema version to {HEAD}"
    return empty, last if empty else "a new database is not empty"


def _import_and_score() -> Result:
    """Two machines and ten days through the whole program, in a workspace of its own."""
    with tempfile.TemporaryDirectory(prefix="pdm-doctor-") as name:
        files = simulate.write(Path(name) / "files", machines=2, days=10, seed=1)
        with Workspace.open(Path(name) / "workspace") as workspace:
            report = workspace.import_files(files, Progress())
            fleet = workspace.score(None, Progress())
    accepted = sum(file.accepted for file in report.files)
    rejected = sum(file.rejected for file in report.files)
    scored = [row for row in fleet.rows if row.risk is not None]
    ok = rejected == 0 and accepted > 0 and len(scored) == len(fleet.rows) == 2
    return ok, f"{accepted} simulated records imported, {rejected} rejected, {len(scored)} of 2 machines scored"


def _training() -> Result:
    """A few trees on three machines with a failure every six days, logged by MLflow and opened again for scoring."""
    spec = FeatureSpec(("flow",), (), ("pump",), ())
    at = grid(0, TRAINING_DAYS * DAY, 6 * HOUR)
    rows = rowset.all_rows(map(_worn_machine, range(3)), 3, spec, at, TRAINING_DAYS * DAY, Progress())
    splits = rowset.split(rowset.times_of(rows), spec.horizon)
    candidate = training.train(rows, spec, splits, step=6 * HOUR, rounds=5, seed=1, threads=1)
    with tempfile.TemporaryDirectory(prefix="pdm-doctor-") as folder:
        mlruns = Path(folder) / "mlruns"
        with _deprecations_of_libraries_ignored():
            logged = registry.log_candidate(
                mlruns, candidate, name="doctor", version="1", experiment="doctor", facts={}
            )
        try:
            again = Model.load(logged.folder).predict(candidate.example)
        finally:
            registry.close(mlruns)
    if not np.allclose(again, candidate.predict(candidate.example), rtol=0, atol=1e-6):
        return False, "the logged model does not score as the trained one"
    found = candidate.metrics["test"]
    return True, f"{candidate.best_iteration + 1} rounds trained, logged and read back, test AP {found['ap']:.2f}"


def _worn_machine(number: int) -> MachineHistory:
    """A machine whose pump fails every six days, and whose flow drops a day before."""
    rng = np.random.default_rng(number)
    times = 6 * HOUR * np.arange(4 * TRAINING_DAYS, dtype=np.int64)
    failures = DAY * np.arange(4 + number, TRAINING_DAYS, 6, dtype=np.int64)
    flow = rng.normal(10, 1, len(times))
    for failure in failures:
        flow[(times >= failure - DAY) & (times <= failure)] -= 6
    broken = EventSeries(failures, ("pump",) * len(failures))
    return MachineHistory(str(number), ("flow",), times, flow[None], failures=broken)


@contextmanager
def _deprecations_of_libraries_ignored() -> Iterator[None]:
    """MLflow's own code uses what SQLAlchemy and pandas deprecate; where warnings are errors it would fail for that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", ".*type hint", UserWarning)
        yield


def _data_folder(workspace: Path) -> Result:
    """Whether files can be made in the workspace, or in the folder it would be made in."""
    existing = _existing(workspace)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as exc:
        return False, f"{existing} cannot be written: {exc.strerror or exc}"
    return True, str(workspace) if existing == workspace else f"{workspace} (can be made)"


def _free_disk(workspace: Path) -> Result:
    free = shutil.disk_usage(_existing(workspace)).free
    return free >= FREE_BYTES, f"{free / 1e9:.1f} GB free, {FREE_BYTES / 1e9:.0f} GB should be"


def _existing(folder: Path) -> Path:
    """The path itself, or the nearest one above it that is there; in a file nothing can be made."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
