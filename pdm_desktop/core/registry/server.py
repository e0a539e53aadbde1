"""Copies of runs and versions on a tracking server that the user has set. Nothing is ever loaded from there.

Whoever does not answer is given up after seconds, not tried again, and named in plain words; what a server is logged
into with goes to it in a header only, never in an address that errors and logs repeat.
"""

from __future__ import annotations

import base64
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.registry.local import Logged, export, local_path

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

ANSWERS_S = 5
"""A server that is there says so in this time."""
REQUEST_S = 20
"""Between two signs of life while something is sent."""
WORKSPACE, SOURCE, NUMBER = "pdm.workspace", "pdm.run", "pdm.version"
"""Tags on the server: whose it is, the run it is a copy of, the version's number in the workspace."""
_UPLOADS = ("mlflow-artifacts", "http", "https")
_LONGEST = 300


@dataclass(frozen=True)
class Server:
    """Where copies go. login: user:password, or nothing."""

    address: str
    login: str = field(default="", repr=False)


@dataclass(frozen=True)
class Copy:
    """A version to be sent: its number here, its run in the local store, the folder of its model."""

    version: str
    run_id: str
    folder: Path
    tags: Mapping[str, str]


class Remote:
    """The part of a tracking server that belongs to one workspace. Use `connected`."""

    def __init__(self, server: Server, client: MlflowClient, experiment: str, name: str) -> None:
        self.server, self.name = server, name
        self._client, self._experiment = client, experiment

    @staticmethod
    @contextmanager
    def connected(server: Server, plant: str, workspace: str) -> Iterator[Remote]:
        """The server's experiment and registered model of this workspace, made where they are not there yet.

        workspace: what tells this workspace from others on the same server, whatever it is called. PdmError, here and
        in what is done with it: the server does not answer or refuses.
        """
        _reach(server)
        from mlflow import MlflowException
        from mlflow.tracking import MlflowClient

        with _patience(server):
            try:
                client = MlflowClient(server.address, server.address)
                yield Remote(server, client, *_places(client, plant, workspace))
            except (MlflowException, OSError) as exc:
                said = str(exc).splitlines()[0][:_LONGEST] if str(exc) else type(exc).__name__
                raise PdmError(
                    f"The tracking server {server.address} did not take what was sent: {said}",
                    "Look at the server's log; nothing is lost here.",
                    "tracking_server",
                ) from exc

    def put(self, local: MlflowClient, copy: Copy, progress: Progress) -> str:
        """Send a version with its run; its number on the server. One that is there already is found again, what an
        interrupted sending left is removed."""
        found = self._there(copy)
        if found:
            return found
        run = local.get_run(copy.run_id)
        tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
        tags |= {SOURCE: copy.run_id, NUMBER: copy.version}
        made = self._client.create_run(
            self._experiment, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name
        )
        run_id = str(made.info.run_id)
        self._may_upload(str(made.info.artifact_uri))
        self._figures(local, run, run_id, progress)
        self._client.log_artifacts(run_id, str(local_path(str(run.info.artifact_uri))))
        progress.check()
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            export(Logged(copy.run_id, "", copy.folder), model)
            model_id = self._model(run_id, model)
        self._client.set_terminated(run_id, end_time=run.info.end_time)
        version = self._client.create_model_version(
            self.name,
            source=f"models:/{model_id}",
            run_id=run_id,
            model_id=model_id,
            tags={**copy.tags, SOURCE: copy.run_id, NUMBER: copy.version},
        )
        return str(version.version)

    def point(self, alias: str, version: str) -> None:
        """Have the alias name this version of the server's; none where it is empty."""
        known: Mapping[str, Any] = self._client.get_registered_model(self.name).aliases
        if version and str(known.get(alias)) != version:
            self._client.set_registered_model_alias(self.name, alias, version)
        elif not version and alias in known:
            self._client.delete_registered_model_alias(self.name, alias)

    # ---- inside

    def _there(self, copy: Copy) -> str:
        for run in self._client.search_runs([self._experiment], f"tags.`{SOURCE}` = '{copy.run_id}'"):
            versions = self._client.search_model_versions(f"run_id = '{run.info.run_id}'")
            if versions:
                return str(versions[0].version)
            self._client.delete_run(run.info.run_id)
        return ""

    def _may_upload(self, place: str) -> None:
        """A server without a store of its own would have its clients write to their own disks."""
        if urlsplit(place).scheme not in _UPLOADS:
            raise PdmError(
                f"The tracking server {self.server.address} takes no files: it keeps them at "
                f"{urlsplit(place).scheme or 'a folder'}.",
                "Start it with --serve-artifacts, which is its default, and --artifacts-destination.",
                "tracking_server",
            )

    def _figures(self, local: MlflowClient, run: Run, run_id: str, progress: Progress) -> None:
        from mlflow.entities import Param

        params = [Param(key, value) for key, value in run.data.params.items()]
        metrics = [m for key in run.data.metrics for m in local.get_metric_history(run.info.run_id, key)]
        for part in _parts(params, 100):
            progress.check()
            self._client.log_batch(run_id, params=part)
        for part in _parts(metrics, 1000):
            progress.check()
            self._client.log_batch(run_id, metrics=part)

    def _model(self, run_id: str, folder: Path) -> str:
        from mlflow.entities import LoggedModelOutput

        made = self._client.create_logged_model(self._experiment, name="model", source_run_id=run_id)
        self._client.log_model_artifacts(made.model_id, str(folder))
        self._client.finalize_logged_model(made.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(made.model_id, 0)])
        return str(made.model_id)


def _reach(server: Server) -> None:
    """PdmError unless a tracking server answers soon."""
    request = urllib.request.Request(f"{server.address}/health")
    if server.login:
        request.add_header("Authorization", "Basic " + base64.b64encode(server.login.encode()).decode())
    opener = urllib.request.build_opener(_StayHere)
    hint = "Is it running, and is the address right? See File > Preferences, Models."
    try:
        with opener.open(request, timeout=ANSWERS_S) as answer:
            said = answer.read(100)
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise PdmError(
            f"The tracking server {server.address} cannot be reached: {_reason(exc)}.", hint, "tracking_server"
        ) from exc
    if said.strip() != b"OK":
        raise PdmError(f"What answers at {server.address} is no MLflow server.", hint, "tracking_server")


class _StayHere(urllib.request.HTTPRedirectHandler):
    """What one logs in with is not carried on to somewhere else."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        return None


def _reason(exc: Exception) -> str:
    cause = exc.reason if isinstance(exc, urllib.error.URLError) else exc
    if isinstance(exc, urllib.error.HTTPError):
        words = {401: "it asks for another login", 403: "it asks for another login"}
        return words.get(exc.code, f"it answers with {exc.code}")
    if isinstance(cause, TimeoutError):
        return f"no answer within {ANSWERS_S} seconds"
    if isinstance(cause, ConnectionRefusedError):
        return "nobody answers there"
    return str(getattr(cause, "strerror", None) or cause or type(exc).__name__)


@contextmanager
def _patience(server: Server) -> Iterator[None]:
    """MLflow takes its login and its patience from the environment, would try for many minutes by itself, and tells
    stdout, which belongs to this program's own result."""
    wanted = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_S),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    if server.login:
        user, _, password = server.login.partition(":")
        wanted |= {"MLFLOW_TRACKING_USERNAME": user, "MLFLOW_TRACKING_PASSWORD": password}
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _places(client: MlflowClient, plant: str, workspace: str) -> tuple[str, str]:
    """The experiment's id and the registered model's name: those that bear the workspace's mark, else new ones."""
    mine = f"tags.`{WORKSPACE}` = '{workspace}'"
    mark = {WORKSPACE: workspace}
    # Names MLflow takes, and that need no escaping in its filters.
    wanted = " ".join("".join(" " if c in "'\"`\\%" else "-" if c in "/:" else c for c in plant).split()) or "plant"
    experiments = client.search_experiments(filter_string=mine)
    if experiments:
        experiment = str(experiments[0].experiment_id)
    else:
        name = _free(wanted, lambda name: client.get_experiment_by_name(name) is not None)
        experiment = str(client.create_experiment(name, tags=mark))
    models = client.search_registered_models(mine)
    if models:
        return experiment, str(models[0].name)
    name = _free(wanted, lambda name: bool(client.search_registered_models(f"name = '{name}'")))
    return experiment, str(client.create_registered_model(name, tags=mark).name)


def _free(name: str, taken: Callable[[str], bool]) -> str:
    numbered = (name if number == 1 else f"{name} ({number})" for number in count(1))
    return next(free for free in numbered if not taken(free))


def _parts(whole: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(whole), size):
        yield whole[first : first + size]
