"""Stock MLflow as a real server: it opens a workspace's store, and gets copies of another's versions."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdm_desktop.core import registry, sending, training, versions
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.versions import Versions
from tests.core.small_models import PLOT, make_candidate, make_store
from tests.mlflow_warnings import MLFLOW

pytestmark = [
    pytest.mark.slow,
    *MLFLOW,
]


def stock_mlflow() -> Path:
    """Stock MLflow of an environment of its own, which build/dev.py test makes; PDM_MLFLOW names another."""
    root = Path(__file__).resolve().parents[2]
    places = [os.environ.get("PDM_MLFLOW", "")]
    places += [str(root / ".venv-mlflow" / name) for name in ("bin/mlflow", "Scripts/mlflow.exe")]
    found = next((Path(p) for p in places if p and Path(p).is_file()), None)
    if found is None:
        pytest.skip("stock mlflow is not in .venv-mlflow (build/dev.py test makes it), nor named by PDM_MLFLOW")
    return found


@pytest.fixture(scope="module")
def candidate() -> training.Candidate:
    return make_candidate()


@pytest.fixture(scope="module")
def store(candidate: training.Candidate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("plant eins") / "mlruns", candidate)


@pytest.fixture(scope="module")
def shown(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of the store that the server opens."""
    return Path(shutil.copytree(store, tmp_path_factory.mktemp("shown") / "mlruns"))


@pytest.fixture(scope="module")
def server(shown: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `mlflow ui` over that copy."""
    mlflow = stock_mlflow()
    Versions(shown).all()  # moved: its places are put right when it is opened
    registry.close(shown)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("server")
    command = [str(mlflow), "ui", "--backend-store-uri", registry.store_uri(shown), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--artifacts-destination", (folder / "files").as_uri()]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log.txt").open("w") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=os.environ | quiet)
    try:
        for _ in range(1200):
            assert running.poll() is None, (folder / "log.txt").read_text()
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        running.terminate()
        running.wait(30)


@pytest.fixture
def kept(store: Path, tmp_path: Path) -> Iterator[Versions]:
    """Another workspace with the versions 1 to 3."""
    made = Versions(Path(shutil.copytree(store, tmp_path / "anderswo" / "mlruns")))
    yield made
    made.close()


def ask(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}/{path}", timeout=30) as answer:
        return json.load(answer)


def remote(address: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(address, address)


def test_stock_mlflow_opens_the_store_and_shows_runs_and_plots(server: str, shown: Path) -> None:
    kept = Versions(shown)
    run_id = kept.get("2").run_id
    kept.close()
    run = ask(server, f"api/2.0/mlflow/runs/get?run_id={run_id}")["run"]
    metrics = {m["key"] for m in run["data"]["metrics"]}
    assert {"test_ap", "test_events_caught", "validation_loss"} <= metrics
    with urllib.request.urlopen(f"{server}/get-artifact?path=plots/cost.svg&run_uuid={run_id}", timeout=30) as answer:
        assert answer.read().startswith(b"<svg")
    found = ask(server, f"api/2.0/mlflow/registered-models/alias?name={versions.NAME}&alias={versions.ALIAS}")
    assert found["model_version"]["version"] == "1"


def test_versions_reach_the_server_whole_and_once_and_its_alias_follows(
    server: str,
    kept: Versions,
    candidate: training.Candidate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # its bar has a thread that stays
    settings = Settings(plant_name="Halle 2: Süd/Ost", tracking_server=server)
    assert sending.send(kept, settings, Progress()).sent == ("1", "2", "3")
    assert capsys.readouterr().out == ""
    assert {v.sent_to for v in kept.all()} == {server}
    client = remote(server)
    (model,) = client.search_registered_models("name = 'Halle 2- Süd-Ost'")
    assert model.aliases == {"champion": "1"}
    local = kept.client()
    numbers = {}
    for version in client.search_model_versions(f"name = '{model.name}'"):
        numbers[version.tags["pdm.version"]] = version
    assert set(numbers) == {"1", "2", "3"}
    mine, theirs = local.get_run(kept.get("2").run_id), client.get_run(numbers["2"].run_id)
    assert theirs.info.status == "FINISHED"
    assert theirs.data.params == mine.data.params
    assert theirs.data.metrics == pytest.approx(mine.data.metrics)
    losses = client.get_metric_history(theirs.info.run_id, "validation_loss")
    assert [m.value for m in sorted(losses, key=lambda m: m.step)] == pytest.approx(list(candidate.losses))
    plot = Path(client.download_artifacts(theirs.info.run_id, "plots/cost.svg", str(tmp_path)))
    assert plot.read_text("utf-8") == PLOT
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    mlflow.set_tracking_uri(server)
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.name}/{numbers['2'].version}"))
    np.testing.assert_array_equal(Model.load(folder).predict(candidate.example), candidate.predict(candidate.example))

    kept.promote("3", "Ada", "")
    assert sending.send(kept, settings, Progress()).sent == ()
    (model,) = client.search_registered_models("name = 'Halle 2- Süd-Ost'")
    assert model.aliases == {"champion": numbers["3"].version}
    assert len(client.search_model_versions(f"name = '{model.name}'")) == 3


def test_what_an_interrupted_sending_left_is_removed_and_what_it_had_sent_is_not_sent_again(
    server: str, kept: Versions
) -> None:
    client, mark = remote(server), kept.workspace_mark()
    experiment = client.create_experiment("Unterbrochen", tags={"pdm.workspace": mark})
    run = kept.get("3").run_id
    half = client.create_run(experiment, tags={"pdm.run": run})
    settings = Settings(plant_name="Unterbrochen", tracking_server=server)
    assert sending.send(kept, settings, Progress()).sent == ("1", "2", "3")
    assert client.get_run(half.info.run_id).info.lifecycle_stage == "deleted"
    # Sent, but not noted here: as where the program ended between the two.
    kept.mark("3", {versions.SENT_TO: "elsewhere"})
    assert sending.send(kept, settings, Progress()).sent == ("3",)
    assert len(client.search_runs([experiment], f"tags.`pdm.run` = '{run}'")) == 1
    assert len(client.search_model_versions("name = 'Unterbrochen'")) == 3


def test_plants_of_one_name_do_not_mix_on_a_server(server: str, store: Path, tmp_path: Path) -> None:
    settings = Settings(plant_name="My plant", tracking_server=server)
    for name in ("a", "b"):
        kept = Versions(Path(shutil.copytree(store, tmp_path / name / "mlruns")))
        assert sending.send(kept, settings, Progress()).problem == ""
        kept.close()
    client = remote(server)
    names = {model.name for model in client.search_registered_models()} - {versions.NAME}
    assert {"My plant", "My plant (2)"} <= names
    assert {e.name for e in client.search_experiments()} >= {"My plant", "My plant (2)"}


def test_a_server_that_would_have_files_written_to_this_computer_is_refused(
    server: str, kept: Versions, tmp_path: Path
) -> None:
    place = tmp_path / "here"
    remote(server).create_experiment(
        "Hierher", artifact_location=place.as_uri(), tags={"pdm.workspace": kept.workspace_mark()}
    )
    made = sending.send(kept, Settings(plant_name="Hierher", tracking_server=server), Progress())
    assert "takes no files" in made.problem
    assert (made.sent, made.waiting) == ((), ("1", "2", "3"))
    assert not place.exists()
