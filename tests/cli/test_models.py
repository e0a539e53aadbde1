"""The contract of `retrain` and `models`: JSON, exit codes, words."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from pdm_desktop import cli
from pdm_desktop.core import simulate
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

METRICS = {
    "auc", "ap", "f1", "precision", "recall", "brier", "ece", "threshold", "events", "events_caught", "median_lead_h",
    "false_episodes_per_machine_month",
}  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    simulate.write(folder / "files", machines=8, days=90, seed=3, progress=Progress())
    with Workspace.open(folder / "ws") as workspace:
        workspace.import_files([folder / "files"], Progress())
    return folder / "ws"


def call(capsys: pytest.CaptureFixture[str], plant: Path, *words: str) -> tuple[int, dict[str, Any]]:
    code = cli.run(cli.parse(["--workspace", str(plant), "--json", *words]))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    return code, json.loads(out)


def test_from_retrain_to_promote_export_evaluate_and_back(
    plant: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    quick = ["--params", "rounds=30", "patience=10", "max_depth=4"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, held = call(capsys, plant, "settings", "set", f"tracking_server={address.replace('//', '//eva:secret@')}")
    assert (code, held["tracking_server"], held["tracking_login"]) == (0, address, "set, not shown")
    code, made = call(capsys, plant, "retrain", "--holdout-machines", "2", "--promote", "never", *quick)
    assert (code, made["promoted"], made["version"], made["champion_before"]) == (1, False, "2", "1")
    assert {"run_id", "why", "splits", "metrics", "baselines", "seconds"} <= made.keys()
    # Nobody answers there: the training ends well all the same, and says so.
    assert made["tracking_server"]["address"] == address
    assert (made["tracking_server"]["sent"], made["tracking_server"]["waiting"]) == ([], ["1", "2"])
    assert any(f"The tracking server {address} cannot be reached" in text for text in made["warnings"])
    code, sent = call(capsys, plant, "models", "send")
    assert (code, sent["tracking_server"]["waiting"]) == (1, ["1", "2"])
    call(capsys, plant, "settings", "set", "tracking_server=")
    assert set(made["metrics"]) == {"validation", "test", "unseen_machines"}
    assert all(figures.keys() >= METRICS for figures in made["metrics"].values())
    assert set(made["baselines"]) == {"any_error", "oldest_component", "base_rate", "time_of_day"}
    assert set(made["splits"]) == {"train", "validation", "test", "unseen_machines"}

    code, listed = call(capsys, plant, "models", "list")
    assert (code, listed["champion"], [m["version"] for m in listed["models"]]) == (0, "1", ["2", "1"])
    code, shown = call(capsys, plant, "models", "show", "2")
    assert shown["params"]["max_depth"] == 4
    assert shown["metrics"]["test"]["ap"] == made["metrics"]["test"]["ap"]

    code, before = call(capsys, plant, "score")
    code, asked = call(capsys, plant, "score", "--run-id", made["run_id"])
    assert (code, asked["model"]["version"], asked["model"]["run_id"]) == (0, "2", made["run_id"])
    assert asked["notes"][0].startswith("Version 2 is not in use: these risks are kept nowhere")
    assert {row["threshold"] for row in asked["machines"]} == {made["threshold"]}
    assert asked["machines"] != before["machines"]
    with Workspace.open(plant) as workspace:
        assert workspace._store.risk(made["run_id"]).empty
    assert call(capsys, plant, "score")[1]["machines"] == before["machines"]
    assert call(capsys, plant, "score", "--run-id", made["run_id"], "--at", "all")[0] == 2
    code, refused = call(capsys, plant, "score", "--run-id", "none of ours")
    assert (code, refused["error"]["message"]) == (3, "No model version has the run id 'none of ours'.")

    code, promoted = call(capsys, plant, "models", "promote", "2", "--by", "Ada", "--note", "a try")
    assert (code, promoted["champion"], promoted["champion_before"]) == (0, "2", "1")
    code, scored = call(capsys, plant, "score")
    assert scored["model"]["version"] == "2"
    assert scored["model"]["run_id"] == made["run_id"]
    code, _ = call(capsys, plant, "score", "--run-id", made["run_id"])
    assert code == 0

    code, measured = call(capsys, plant, "models", "evaluate", "champion", "--from", made["splits"]["test"]["from"])
    assert (code, measured["version"], measured["rows_in_sample"]) == (0, "2", 0)
    assert {"span", "rows", "metrics", "baselines"} <= measured.keys()
    expected = made["splits"]["test"]["rows"] + made["splits"]["unseen_machines"]["rows"]
    assert measured["rows"] == expected
    code, measured = call(capsys, plant, "models", "evaluate", "2")
    assert measured["rows_in_sample"] == made["splits"]["train"]["rows"] + made["splits"]["validation"]["rows"] + (
        6 * 23  # the rows in the gap between the two saw the same outcomes
    )

    out = tmp_path / "two.zip"
    code, _ = call(capsys, plant, "models", "export", "2", "--out", str(out))
    assert code == 0
    code, back = call(capsys, plant, "models", "import", str(out))
    assert (code, back["version"]) == (0, "2")
    code, rolled = call(capsys, plant, "models", "rollback", "--by", "Ada")
    assert (code, rolled["champion"]) == (0, "1")
    code, told = call(capsys, plant, "models", "history")
    assert [(d["who"], d["action"]) for d in told["decisions"]] == [("Ada", "rolled back"), ("Ada", "promoted")]


def test_wrong_use_and_wrong_versions_are_told_apart(plant: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = call(capsys, plant, "models", "promote", "99")
    assert (code, told["error"]["where"]) == (3, "version")
    code, told = call(capsys, plant, "models", "show")
    assert code == 2
    code, told = call(capsys, plant, "retrain", "--params", "nonsense")
    assert code == 2
    code, told = call(capsys, plant, "retrain", "--holdout-machines", "8")
    assert (code, told["error"]["where"]) == (3, "holdout")
    code, told = call(capsys, plant, "retrain", "--horizon-h", "0")
    assert (code, told["error"]["where"]) == (3, "horizon_h")


def test_an_empty_workspace_is_told_what_to_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = call(capsys, tmp_path / "new", "retrain")
    assert code == 3
    assert "no failure on record" in told["error"]["message"]


def test_a_scheduler_retrains_only_when_enough_new_failures_are_on_record(
    plant: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "ws"
    shutil.copytree(plant, folder, ignore=shutil.ignore_patterns("mlruns"))
    call(capsys, folder, "settings", "set", "retrain_after_failures=100000")
    code, told = call(capsys, folder, "retrain", "--if-due")
    assert (code, told["due"], told["version"], told["enough"]) == (0, False, None, 100000)
    assert not (folder / "mlruns").exists()
    call(capsys, folder, "settings", "set", f"retrain_after_failures={told['new_failures']}")
    code, made = call(capsys, folder, "retrain", "--if-due")
    assert (code, made["due"], made["version"], made["promoted"]) == (1, True, "2", False)
    assert "not asked for" in made["why"]
    code, again = call(capsys, folder, "retrain", "--if-due")
    assert (code, again["due"], again["new_failures"]) == (0, False, 0)
    code, refused = call(capsys, folder, "retrain", "--if-due", "--horizon-h", "12")
    assert (code, refused["error"]["message"]) == (2, "--horizon-h does not go with --if-due.")
