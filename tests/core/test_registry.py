"""A candidate becomes an MLflow run and a folder that scoring opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import registry, rowset, training
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.features import EventSeries, FeatureSpec, MachineHistory, grid
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.times import DAY, HOUR
from tests.mlflow_warnings import MLFLOW

START = 1_500_000_000_000 // DAY * DAY
pytestmark = MLFLOW

SPEC = FeatureSpec(("Grundlast °C", "flow/rate"), ("E-1",), ("pump",), ("A",))


def machine(name: str, seed: int) -> MachineHistory:
    """A pump that fails every twelve days; its flow drops a day before."""
    rng = np.random.default_rng(seed)
    times = START + HOUR * np.arange(24 * 100, dtype=np.int64)
    failures = START + DAY * np.arange(9 + seed % 3, 100, 12, dtype=np.int64)
    flow = rng.normal(10, 1, len(times))
    for failure in failures:
        flow[(times >= failure - DAY) & (times <= failure)] -= 6
    values = np.stack([rng.normal(70, 2, len(times)), flow])
    return MachineHistory(
        name, SPEC.sensors, times, values, "A", 3.0, failures=EventSeries(failures, ("pump",) * len(failures))
    )


@pytest.fixture(scope="module")
def candidate() -> training.Candidate:
    last = START + 100 * DAY
    at = grid(START, last, HOUR)
    rows = rowset.all_rows((machine(str(i), i) for i in range(6)), 6, SPEC, at, last, Progress())
    splits = rowset.split(rowset.times_of(rows), SPEC.horizon)
    return training.train(rows, SPEC, splits, step=HOUR, rounds=15, seed=1, threads=1)


@pytest.fixture(scope="module")
def logged(candidate: training.Candidate, tmp_path_factory: pytest.TempPathFactory) -> registry.Logged:
    mlruns = tmp_path_factory.mktemp("plant one") / "mlruns"
    found = registry.log_candidate(mlruns, candidate, name="risk", version="3", experiment="test", facts={"plant": "x"})
    registry.close(mlruns)
    return found


@pytest.fixture
def exported(logged: registry.Logged, tmp_path: Path) -> Path:
    registry.export(logged, tmp_path / "model")
    return tmp_path / "model"


def test_an_exported_model_predicts_what_the_candidate_did(candidate: training.Candidate, exported: Path) -> None:
    model = Model.load(exported)
    matrix = np.repeat(candidate.example, 50, axis=0) + np.linspace(-3, 3, 50, dtype=np.float32)[:, None]
    np.testing.assert_allclose(model.predict(matrix), candidate.predict(matrix), atol=1e-7)
    assert (model.info.name, model.info.version, model.info.threshold) == ("risk", "3", candidate.threshold)
    assert model.components == ("pump",)
    assert model.spec == candidate.spec


def test_the_artifact_in_the_store_is_complete_as_it_lies_there(logged: registry.Logged) -> None:
    assert Model.load(logged.folder).info.run_id == logged.run_id


def test_mlflow_itself_opens_the_export_and_knows_signature_and_example(
    candidate: training.Candidate, exported: Path
) -> None:
    import mlflow.xgboost
    from mlflow.models import Model as MlflowModel

    booster = mlflow.xgboost.load_model(str(exported))
    margins = booster.inplace_predict(candidate.example, predict_type="margin")
    np.testing.assert_array_equal(margins, candidate.booster.inplace_predict(candidate.example, predict_type="margin"))
    described = MlflowModel.load(exported)
    assert described.signature.inputs.input_names() == list(SPEC.names)
    assert described.signature.outputs.input_names() == ["any", "pump"]
    assert json.loads((exported / "input_example.json").read_text("utf-8"))["columns"] == list(SPEC.names)


def test_an_export_carries_no_path_of_this_computer(exported: Path, logged: registry.Logged) -> None:
    texts = [path for path in exported.iterdir() if path.name != "model.ubj"]
    assert len(texts) >= 6
    for path in texts:
        text = path.read_text("utf-8")
        assert "file:" not in text, path
        assert str(logged.folder.parents[2]) not in text, path


def test_the_run_holds_figures_losses_and_parameters(candidate: training.Candidate, logged: registry.Logged) -> None:
    from mlflow.tracking import MlflowClient

    mlruns = logged.folder.parents[3]
    client = MlflowClient(registry.store_uri(mlruns))
    run = client.get_run(logged.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test_ap"] == pytest.approx(candidate.metrics["test"]["ap"])
    assert run.data.params["max_depth"] == str(candidate.params["max_depth"])
    assert run.data.params["plant"] == "x"
    losses = client.get_metric_history(logged.run_id, "validation_loss")
    assert [m.value for m in sorted(losses, key=lambda m: m.step)] == pytest.approx(list(candidate.losses))
    registry.close(mlruns)


def test_what_mlflow_needs_to_load_it_elsewhere_is_named(exported: Path) -> None:
    needs = (exported / "requirements.txt").read_text("utf-8").split()
    assert [need.partition("==")[0] for need in needs] == ["xgboost-cpu", "numpy", "mlflow-skinny"]
    conda = (exported / "conda.yaml").read_text("utf-8")
    assert "xgboost-cpu==" in conda
    # Its version is not looked for: a packed program has no pip, and MLflow would warn of that.
    assert "- pip\n" in conda


def test_a_changed_file_is_refused_by_name(exported: Path) -> None:
    booster = exported / "model.ubj"
    booster.write_bytes(booster.read_bytes()[:-1] + b"X")
    with pytest.raises(PdmError, match=r"model\.ubj"):
        Model.load(exported)


def test_exporting_again_replaces_what_was_there(logged: registry.Logged, exported: Path) -> None:
    (exported / "left over.txt").write_text("old")
    registry.export(logged, exported)
    assert not (exported / "left over.txt").exists()
    Model.load(exported)


def test_the_collector_does_not_hold_everything_up_while_mlflow_is_loaded(tmp_path: Path) -> None:
    code = """
import gc, sys
from pathlib import Path
from pdm_desktop.core.registry import open_client

swept = []
gc.callbacks.append(lambda phase, about: swept.append(about["generation"]))
open_client(Path(sys.argv[1]))
assert gc.isenabled()
print(swept.count(2))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "mlruns")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0"]
