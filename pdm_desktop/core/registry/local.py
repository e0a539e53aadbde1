"""Model versions in the workspace's MLflow store: a run with its figures and the model as an artifact, and export to a
folder of its own.

The tracking store is a SQLite file `mlflow.db` in the given folder with the artifacts beside it.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.scoring import BOOSTER, CHECKSUMS, DESCRIPTION
from pdm_desktop.core.times import HOUR, now_ms
from pdm_desktop.core.training import Candidate

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

STORE = "mlflow.db"
ARTIFACTS = "artifacts"
MLMODEL = "MLmodel"
FORMAT = 1
_KEPT_AS = "model"
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's store holds absolute places of artifacts."""
_loaded: set[str] = set()
"""The parts of MLflow in use already."""
BROKEN_OFF = HOUR
"""No run is kept open for so long: a finished training writes it within seconds."""
LIBRARIES = ("xgboost-cpu", "numpy", "mlflow-skinny")


@dataclass(frozen=True)
class Logged:
    """A candidate that has become a run. folder: its model artifact on this computer."""

    run_id: str
    model_id: str
    folder: Path


@contextmanager
def _loading(what: str) -> Iterator[None]:
    """The first use of a part of MLflow makes some hundred thousand objects that stay for good. Left to it, Python's
    collector would look through them again and again meanwhile, holding the window up for a tenth of a second each
    time, or a whole one where the computer is busy."""
    if what in _loaded:
        yield
        return
    swept = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
        _loaded.add(what)
    finally:
        if swept:
            gc.enable()


def log_candidate(
    mlruns: Path,
    candidate: Candidate,
    *,
    name: str,
    version: str,
    experiment: str,
    facts: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> Logged:
    """Store the candidate as a run of `experiment` in the folder `mlruns`: parameters, figures, losses, the model.

    facts: what else is worth recording about where it came from. files: texts (plots, the model card) to keep with the
    run, by their path in it. The model's artifact folder is complete: `Model.load` opens it as it is. Ended by any
    exception it leaves no run behind.
    """
    client = open_client(mlruns)
    run = client.create_run(_experiment(client, mlruns, experiment), run_name=f"{name} {version}")
    run_id = str(run.info.run_id)
    try:
        _log_figures(client, run_id, candidate, facts)
        for path, text in (files or {}).items():
            client.log_text(run_id, text, path)
        model_id, folder = _log_model(run_id, candidate, name)
        about = description(candidate, name=name, version=version, run_id=run_id, facts=facts)
        _write_json(folder / DESCRIPTION, about)
        write_checksums(folder)
        client.set_terminated(run_id)
    except BaseException:
        client.set_terminated(run_id, "KILLED")
        client.delete_run(run_id)
        raise
    return Logged(run_id, model_id, folder)


def _log_figures(client: MlflowClient, run_id: str, candidate: Candidate, facts: Mapping[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    values = {**candidate.params, "best_iteration": candidate.best_iteration, **facts}
    params = [Param(key, _short(value)) for key, value in values.items()]
    now = now_ms()
    metrics = [
        Metric(f"{span}_{key}", float(value), now, 0)
        for span, figures in candidate.metrics.items()
        for key, value in figures.items()
        if isinstance(value, int | float)
    ]
    metrics += [Metric("validation_loss", loss, now, step) for step, loss in enumerate(candidate.losses)]
    metrics += [Metric("training_loss", loss, now, step) for step, loss in enumerate(candidate.training_losses)]
    for first in range(0, len(params), 100):
        client.log_batch(run_id, params=params[first : first + 100])
    for first in range(0, len(metrics), 1000):
        client.log_batch(run_id, metrics=metrics[first : first + 1000])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 5000 else text[:4990] + " ..."


def export(logged: Logged, folder: Path) -> None:
    """Copy a logged model to `folder`, replacing what is there. No path of this computer goes along."""
    from mlflow.models import Model as MlflowModel

    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(logged.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    mlmodel = MlflowModel.load(folder / MLMODEL)
    mlmodel.artifact_path = "model"
    mlmodel.save(folder / MLMODEL)
    for path in folder.iterdir():
        # The same bytes whatever the computer: what is checked later must not hang on its line ends.
        if path.suffix in {"", ".json", ".yaml", ".txt"}:
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))
    write_checksums(folder)


def check_described(folder: Path) -> None:
    """PdmError unless MLflow's own description of a model that came from elsewhere is one, and has MLflow load the
    booster's file by XGBoost and nothing else: it may name code to be run."""
    import yaml  # type: ignore[import-untyped]
    from mlflow import MlflowException
    from mlflow.models import Model as MlflowModel

    hint = "Export the model again where it came from."
    try:
        plain = yaml.safe_load((folder / MLMODEL).read_text("utf-8"))
        flavors = plain["flavors"]
        how = (set(flavors), flavors["python_function"]["loader_module"], flavors["python_function"].get("code"))
        files = {flavor["data"] for flavor in flavors.values()}
        if how != ({"python_function", "xgboost"}, "mlflow.xgboost", None) or files != {BOOSTER}:
            raise PdmError("The model wants something else loaded than its trees.", hint, MLMODEL)
        if flavors["xgboost"].get("code") or flavors["xgboost"]["model_class"] != "xgboost.core.Booster":
            raise PdmError("The model wants something else loaded than its trees.", hint, MLMODEL)
        MlflowModel.load(folder / MLMODEL)
    except (MlflowException, yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise PdmError("MLflow's description of the model cannot be read.", hint, MLMODEL) from exc


def description(
    candidate: Candidate, *, name: str, version: str, run_id: str, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What `pdm_model.json` holds: everything scoring needs beside the booster, and how the model was made."""
    return {
        "format": FORMAT,
        "name": name,
        "version": version,
        "run_id": run_id,
        "feature_spec": candidate.spec.to_dict(),
        "horizon_h": candidate.spec.horizon / HOUR,
        "outputs": list(candidate.outputs),
        "threshold": candidate.threshold,
        "calibration": candidate.calibration,
        "splits": candidate.splits.to_dict(),
        "rows": candidate.rows,
        "metrics": candidate.metrics,
        "best_iteration": candidate.best_iteration,
        "example_risks": candidate.predict(candidate.example).tolist(),
        "params": candidate.params,
        "made_from": dict(facts),
        "libraries": {library: importlib.metadata.version(library) for library in LIBRARIES}
        | {"python": platform.python_version()},
    }


def write_checksums(folder: Path) -> None:
    """Record the SHA-256 of every file in `folder`, for `scoring.verify`."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != CHECKSUMS)
    _write_json(folder / CHECKSUMS, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})


def end_broken_off(client: MlflowClient, experiment: str) -> None:
    """End and delete the runs that a program which was killed left running; nothing was registered from them."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return
    for run in client.search_runs([found.experiment_id], "attributes.status = 'RUNNING'"):
        if run.info.start_time < now_ms() - BROKEN_OFF:
            client.set_terminated(run.info.run_id, "KILLED")
            client.delete_run(run.info.run_id)


def renumber(folder: Path, version: str) -> None:
    """Another version number in the description of a logged model."""
    about = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    _write_json(folder / DESCRIPTION, about | {"version": version})
    write_checksums(folder)


@_loading("models")
def _log_model(run_id: str, candidate: Candidate, name: str) -> tuple[str, Path]:
    """Log the booster with signature and example under the run; its id and artifact folder."""
    import mlflow
    import mlflow.xgboost
    import pandas as pd
    from mlflow.models import infer_signature

    example = pd.DataFrame(candidate.example, columns=list(candidate.spec.names))
    answer = pd.DataFrame(candidate.predict(candidate.example), columns=list(candidate.outputs))
    with mlflow.start_run(run_id=run_id):
        info = mlflow.xgboost.log_model(
            candidate.booster,
            name=name,
            model_format=Path(BOOSTER).suffix[1:],
            signature=infer_signature(example, answer),
            input_example=example,
            # Without it MLflow starts the interpreter to guess one; frozen, that is this program itself.
            conda_env=_environment(),
        )
    model = mlflow.get_logged_model(info.model_id)
    return str(info.model_id), local_path(str(model.artifact_location))


def _environment() -> dict[str, Any]:
    """What the model needs to be loaded by MLflow elsewhere.

    In whole, with the tool to install it named without a version: given a mere list MLflow adds the version of pip that
    is installed, and a packed program has none to be found, of which MLflow would warn.
    """
    needs = [f"{library}=={importlib.metadata.version(library)}" for library in LIBRARIES]
    python = f"python={platform.python_version()}"
    return {"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": [python, "pip", {"pip": needs}]}


def close(mlruns: Path) -> None:
    """Let go of the store's database file (Windows neither moves nor deletes an open one) until it is needed again.

    MLflow keeps its stores and their connections by the file's name for as long as the program runs, and looks for the
    tables only once: a store that was deleted and made anew at the same place would be taken for the former one.
    """
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Versions
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Runs
    from mlflow.tracking._model_registry import utils as versions_kept
    from mlflow.tracking._tracking_service import utils as runs_kept

    runs_kept._tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    versions_kept._get_store_registry()._get_store_with_resolved_uri.cache_clear()  # type: ignore[no-untyped-call]
    for store in (Runs, Versions):
        with store._engine_map_lock:
            engine = store._engine_map.pop(store_uri(mlruns), None)
        if engine is not None:
            engine.dispose()


def store_uri(mlruns: Path) -> str:
    """Where MLflow finds the store of the folder `mlruns`."""
    return "sqlite:///" + (mlruns.resolve() / STORE).as_posix()


@_loading("store")
def open_client(mlruns: Path) -> MlflowClient:
    """The store in the folder `mlruns`, made where there is none. A folder that was moved or copied finds its files.

    PdmError when it cannot be opened.
    """
    place = mlruns.resolve().as_posix()
    if unquote(place) != place or "?" in place:
        # MLflow makes the folder of the address as it stands, SQLAlchemy opens the file it decodes to: no way to write
        # it suits both, and MLflow would try for a minute and a half.
        raise PdmError(
            "MLflow cannot keep model versions in a folder whose name holds a ? or a % followed by two digits.",
            "Close the workspace, rename its folder and open it again.",
            place,
        )
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    from mlflow.tracking import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of every table it makes
    # The packed program has no pip whose version conda.yaml could name; that is no news for anyone who retrains.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    mlruns.mkdir(parents=True, exist_ok=True)
    try:
        if not (mlruns / STORE).is_file():
            close(mlruns)
        relocate(mlruns)
        mlflow.set_tracking_uri(store_uri(mlruns))
        return MlflowClient(store_uri(mlruns), store_uri(mlruns))
    except (sqlite3.Error, mlflow.MlflowException, OSError) as exc:
        raise PdmError(
            f"The store of the model versions cannot be opened: {exc}.",
            "Close other programs that use it, or take it from a backup.",
            str(mlruns / STORE),
        ) from exc


def relocate(mlruns: Path) -> None:
    """Let the store know where its artifacts lie: MLflow records absolute places, and folders are moved and copied."""
    store = mlruns / STORE
    if not store.is_file():
        return
    here = (mlruns.resolve() / ARTIFACTS).as_uri()
    with closing(sqlite3.connect(store, timeout=30)) as db, db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "experiments" not in tables:
            return
        places = db.execute(
            "SELECT artifact_location FROM experiments WHERE artifact_location LIKE 'file:%'"
        ).fetchall()
        for (before,) in places:
            if before == here or not before.endswith("/" + ARTIFACTS):
                continue
            for table, column in _PLACES:
                if table in tables:
                    db.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                        (here, len(before) + 1, len(before), before),
                    )


def put_folder(mlruns: Path, folder: Path, *, experiment: str, run_name: str, tags: Mapping[str, str]) -> Logged:
    """Keep a finished model folder, as it is, as a run of its own. Ended by any exception it leaves no run behind."""
    client = open_client(mlruns)
    run = client.create_run(_experiment(client, mlruns, experiment), run_name=run_name, tags=dict(tags))
    run_id = str(run.info.run_id)
    try:
        client.log_artifacts(run_id, str(folder), _KEPT_AS)
        client.set_terminated(run_id)
    except BaseException:
        client.set_terminated(run_id, "KILLED")
        client.delete_run(run_id)
        raise
    return Logged(run_id, "", local_path(str(run.info.artifact_uri)) / _KEPT_AS)


def _experiment(client: MlflowClient, mlruns: Path, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    return str(client.create_experiment(name, artifact_location=(mlruns.resolve() / ARTIFACTS).as_uri()))


def local_path(uri: str) -> Path:
    """Where an artifact address of this store lies on this computer."""
    parts = urlparse(uri)
    return Path(url2pathname(unquote(parts.path))) if parts.scheme == "file" else Path(uri)


def _write_json(path: Path, plain: Mapping[str, Any]) -> None:
    path.write_bytes((json.dumps(plain, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())
