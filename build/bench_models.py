"""The lines of bench.py about models: how long a training takes, and how good what it makes is.

A figure that should be high is measured by what it lacks (1 - AP against 1 - limit), so that every line is met when its
ratio is within its budget.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from build import plants
from pdm_desktop.core.intervals import wilson

Bench = Any  # bench.py's, which imports this

OTHER_SEED = "2"
"""Neither the bundled model's nor that of the year the other lines measure."""
TEST_FROM = {"simulated": "2015-10-01", "extract": "2015-03-01"}
REPEATS = "3"


def speed(bench: Bench) -> None:
    """Default training beside bare xgboost.train with the same parameters and matrices, and what evaluation adds."""
    folder = _plant(bench)
    script = Path(__file__).with_name("bench_training.py")
    found = bench.child(bench.python, script, folder, TEST_FROM["simulated"], REPEATS)
    note = f"bare xgboost.train, same matrices and parameters; {found['rows']:,} rows, {found['rounds']} rounds"
    bench.add("training", found["training"], "s", found["bare"], 1.3, note)
    note = "the training; champion, baselines, intervals, audit, curves, lists"
    bench.add("evaluation", found["evaluation"], "s", found["training"], 0.3, note)
    bench.add("features of a training", found["features"], "s", None, None, "reading the record, working them out")
    bench.add("keeping a version", found["keeping"], "s", None, None, "MLflow run, plots, model card, registered")


def quality(bench: Bench) -> None:
    """How good default training is, without tuning by hand, on rows later than all it was trained on."""
    seen = _retrain(bench, _plant(bench), "--test-from", TEST_FROM["simulated"], "--holdout-machines", "10")
    test, unseen = seen["metrics"]["test"], seen["metrics"]["unseen_machines"]
    name = "simulated, other seed"
    _lacks(bench, f"{name}: F1", test["f1"], 0.985)
    _lacks(bench, f"{name}: AP", test["ap"], 0.998)
    bench.add(f"{name}: ECE", test["ece"], "", 0.003, 1.0, "at most .003")
    _lacks(bench, f"{name}: F1, 10 machines never trained on", unseen["f1"], 0.97)
    caught = f"{test['events_caught']} of {test['events']} caught, at least 99 %"
    bench.add(f"{name}: failures missed", 1 - test["events_caught"] / test["events"], "", 0.01, 1.0, caught)
    lead = test["median_lead_h"]
    bench.add(f"{name}: median lead", 24 - lead, "h short", 1, 1.0, f"{lead:g} h of 24, at least 23")
    false = test["false_episodes_per_machine_month"]
    bench.add(f"{name}: false episodes", false, "a machine-month", 0.1, 1.0, "at most .1")
    alone = _retrain(bench, _plant(bench), "--test-from", TEST_FROM["simulated"], "--features", "telemetry")
    simulated_auc = alone["metrics"]["test"]["auc"]
    folder = _extract(bench)
    if folder is None:
        return
    real = _retrain(bench, folder, "--test-from", TEST_FROM["extract"])["metrics"]["test"]
    _lacks(bench, "public extract: AP", real["ap"], 0.99)
    events, missed = real["events"], real["events"] - real["events_caught"]
    low = wilson(real["events_caught"], events)[0]
    words = f"{real['events_caught']} of {events} caught; so few that the 95 % interval begins at {100 * low:.0f} %"
    bench.add("public extract: failures missed", missed, "", 1, 0.0, words)
    auc = _retrain(bench, folder, "--test-from", TEST_FROM["extract"], "--features", "telemetry")["metrics"]["test"][
        "auc"
    ]
    _lacks(bench, "public extract, readings alone: AUC", auc, 0.955)
    words = f"AUC {simulated_auc:.3f} simulated, {auc:.3f} extract; within .05"
    bench.add("readings alone, simulated against extract", abs(simulated_auc - auc), "", 0.05, 1.0, words)


def _lacks(bench: Bench, name: str, value: float, least: float) -> None:
    words = f"{value:.4f}, at least {least:g}".replace("0.", ".")
    bench.add(name, 1 - value, "short of 1", 1 - least, 1.0, words)


def _plant(bench: Bench) -> Path:
    """The workspace of a simulated year of 100 machines of another seed."""
    folder: Path = bench.folder / "other"
    if not folder.exists():
        bench.tell("models: simulating and importing another year")
        files = bench.folder / "other year"
        bench.program(
            "simulate",
            "--out",
            files,
            "--machines",
            "100",
            "--days",
            "365",
            "--seed",
            OTHER_SEED,
            "--start",
            "2015-01-01",
        )
        bench.program("--workspace", folder, "import", files)
        shutil.rmtree(files)
    return folder


def _extract(bench: Bench) -> Path | None:
    files = plants.extract_folder()
    folder: Path = bench.folder / "extract"
    if files is None:
        bench.tell("models: the public extract is not here, its lines are left out")
        return None
    if not folder.exists():
        bench.program("--workspace", folder, "import", files)
    return folder


def _retrain(bench: Bench, folder: Path, *args: str) -> dict[str, Any]:
    bench.tell(f"models: retraining, {' '.join(args)}")
    made: dict[str, Any]
    made, _ = bench.program("--workspace", folder, "retrain", *args, "--promote", "never", good=(0, 1))
    return made
