"""Make the champion that ships with the program, models/champion, from a simulated plant.

python3 build/make_bundled_model.py            takes a minute or two; the same booster and figures every time
python3 build/make_bundled_model.py --plots    draws its plots alone; the model stays as it is

The public extract has no part in it. Where it is at hand the finished model is measured on it, at its own threshold,
and the figures go into the model card.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from pdm_desktop.core.scoring import Model

MODELS = ROOT / "models"
NAME = "pdm-risk"
VERSION = "1"
MACHINES, DAYS = 100, 365
SEED = 20150701
"""Not the demo plant's seed: there the model meets machines it has not seen."""
HELD_OUT = 10
THREADS = 2
"""Fixed: the sums in XGBoost's histograms, and with them the trees, depend on it."""

CARD = """\
# Model card: the bundled champion

The probability that a machine of a plant laid out like the public Azure predictive-maintenance benchmark fails within
24 h, of any component and of each. Gradient-boosted trees (XGBoost), stored in its own binary JSON.

## How it was made

`python3 build/make_bundled_model.py` simulates a plant of {machines} machines and {days} days (seed {seed}; the demo
plant has another), builds features on every hour, keeps {held_out} machines out, splits the rest by time (60/15/25 %
with gaps of 24 h) and trains until the validation loss gets no better. Logistic calibration and the threshold,
{threshold:.3f} (best F1 by row), come from validation. No row of the public extract was used. {features} features,
{rounds} rounds of {outputs} trees, {rows:,} rows of training.

## Figures

By row and by event, at the model's own threshold. Test: the last quarter of the year, machines of the training; unseen
machines: the same months, machines kept out. Public extract: 20 machines, hours from 2015-01-08 on whose outcome is
known; neither the model nor its threshold has seen it.

{table}

{night}

## Limits

- It learned from a simulation of a simulated benchmark: sensors volt, rotate, pressure and vibration, error codes and
  components of that plant. Another plant needs a model trained on its own record.
- Failures there announce themselves by an error a day before. A plant without such errors will not see figures like
  these; readings alone are a far weaker sign.
- The extract holds few failures: a single one missed would change its figures visibly.
- A risk is a probability under the conditions of the training data, not a diagnosis.
"""


def main() -> int:
    if importlib.util.find_spec("xgboost") is None:
        from build.dev import program_environment

        python = program_environment().python
        return subprocess.run([str(python), str(Path(__file__).resolve()), *sys.argv[1:]], check=False).returncode
    begun = time.monotonic()
    if sys.argv[1:] == ["--plots"]:
        draw()
        return 0
    make()
    draw()
    on_extract = measured_on_extract()
    card(on_extract)
    say_what_came_out(on_extract)
    print(f"{time.monotonic() - begun:.0f} s")
    return 0


def make() -> None:
    """Simulate, train, log in a store that is thrown away, export to models/champion."""
    from build import plants
    from pdm_desktop.core import reference, registry, rowset, simulate, training
    from pdm_desktop.core.features import grid
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.times import HOUR

    histories = plants.simulated(MACHINES, DAYS, SEED)
    spec = plants.spec(simulate.MACHINE_MODELS)
    last = int(histories[0].times[-1])
    at = grid(int(histories[0].times[0]), last, HOUR)
    rows = rowset.all_rows(histories, MACHINES, spec, at, last, Progress())
    splits = rowset.split(rowset.times_of(rows), spec.horizon, held_out=HELD_OUT, seed=SEED)
    candidate = training.train(rows, spec, splits, step=HOUR, seed=SEED, threads=THREADS)
    facts = {"plant": "simulated", "machines": MACHINES, "days": DAYS, "simulation_seed": SEED}
    seen = [history for history in histories if history.machine not in splits.held_out]
    facts |= {reference.KEY: reference.of_record(seen, spec.sensors, {}, splits.train_to)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        logged = registry.log_candidate(
            Path(folder), candidate, name=NAME, version=VERSION, experiment="bundled", facts=facts
        )
        made = Path(folder) / "made"
        registry.export(logged, made)
        registry.close(Path(folder))
        _keep_identity(made)
        shutil.rmtree(MODELS / "champion", ignore_errors=True)
        shutil.copytree(made, MODELS / "champion")


def _keep_identity(made: Path) -> None:
    """The same trees are the same model: stored risks name its run, and shall not be of an unknown one."""
    from pdm_desktop.core import registry

    before = MODELS / "champion"
    if not before.is_dir() or (before / "model.ubj").read_bytes() != (made / "model.ubj").read_bytes():
        return
    run_id = json.loads((made / "pdm_model.json").read_text("utf-8"))["run_id"]
    text = (made / "pdm_model.json").read_text("utf-8").replace(run_id, description()["run_id"])
    (made / "pdm_model.json").write_bytes(text.encode())
    (made / "MLmodel").write_bytes((before / "MLmodel").read_bytes())
    registry.write_checksums(made)


def draw() -> None:
    """Draw models/plots from the finished model and the plant it was made from: of the test span, which it has not
    learnt from. The model itself stays as it is."""
    from build import plants
    from pdm_desktop.core import comparison, model_card, rowset, simulate
    from pdm_desktop.core.features import grid
    from pdm_desktop.core.model_results import Goal
    from pdm_desktop.core.progress import Progress
    from pdm_desktop.core.scoring import Model
    from pdm_desktop.core.times import HOUR

    model, splits = Model.load(MODELS / "champion"), description()["splits"]
    histories = plants.simulated(MACHINES, DAYS, SEED)
    last = int(histories[0].times[-1])
    at = grid(splits["test_from"], splits["test_to"], HOUR)
    seen = [h for h in histories if h.machine not in splits["held_out"]]
    rows = rowset.all_rows(seen, len(seen), plants.spec(simulate.MACHINE_MODELS), at, last, Progress())
    rival = comparison.Rival(
        "candidate", "bundled", model.info.threshold, model.outputs, {"test": [model.predict(r.matrix) for r in rows]}
    )
    curves = comparison.curves(rival, None, {"test": rows}, comparison.Scale(model.spec.horizon, HOUR, SEED), Goal())
    gains: dict[str, float] = model.booster.get_score(importance_type="total_gain")
    shares = [(model.spec.names[int(key[1:])], gain / sum(gains.values())) for key, gain in gains.items()]
    for name, text in model_card.plots(curves, sorted(shares, key=lambda s: -s[1]), model.info.threshold).items():
        path = MODELS / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())


def measured_on_extract() -> dict[str, Any] | None:
    """Figures of the finished model on the public extract: rows from 2015-01-08 on, and the alarms of one night."""
    from build import plants
    from pdm_desktop.core import rowset, training
    from pdm_desktop.core.features import grid
    from pdm_desktop.core.scoring import Model
    from pdm_desktop.core.times import HOUR, parse

    folder = plants.extract_folder()
    if folder is None:
        return None
    model = Model.load(MODELS / "champion")
    histories = plants.extract(folder)
    known_until = max(int(h.failures.times[-1]) for h in histories if len(h.failures.times))
    at = grid(parse("2015-01-08T00:00Z", "UTC"), known_until, HOUR)
    rows = [rowset.machine_rows(history, model.spec, at, known_until) for history in histories]
    risks = [model.predict(r.matrix) for r in rows]
    night = parse("2015-01-20T00:00Z", "UTC")
    alarms = [
        r.machine
        for r, risk in zip(rows, risks, strict=True)
        if risk[r.times == night, 0].max(initial=0.0) >= model.info.threshold
    ]
    figures = training.measure(rows, risks, model.outputs, model.info.threshold, model.spec.horizon, HOUR)
    return figures | {"alarms": alarms, "telemetry_share": telemetry_share(model)}


def telemetry_share(model: Model) -> float:
    """The share of all gain in the trees that comes from readings."""
    gains: dict[str, float] = model.booster.get_score(importance_type="total_gain")
    sensors = {f"f{i}" for i, column in enumerate(model.spec.columns) if column.subject == "sensor"}
    return sum(v for k, v in gains.items() if k in sensors) / sum(gains.values())


def card(on_extract: dict[str, Any] | None) -> None:
    """Write models/MODEL_CARD.md."""
    plain = description()
    spans = {
        "validation": plain["metrics"]["validation"],
        "test": plain["metrics"]["test"],
        "unseen machines": plain["metrics"]["unseen_machines"],
    }
    if on_extract is not None:
        spans["public extract"] = on_extract
    text = CARD.format(
        machines=MACHINES,
        days=DAYS,
        seed=SEED,
        held_out=HELD_OUT,
        threshold=plain["threshold"],
        features=len(plain["feature_spec"]["names"]),
        rounds=plain["best_iteration"] + 1,
        outputs=len(plain["outputs"]),
        rows=plain["rows"]["train"],
        table="\n".join(table(spans)),
        night=night(on_extract),
    )
    (MODELS / "MODEL_CARD.md").write_bytes(text.encode())


def night(on_extract: Mapping[str, Any] | None) -> str:
    """The alarms of one night of the extract and what they rest on, in words."""
    if on_extract is None:
        return "The public extract was not at hand when this card was written."
    alarms = " and ".join(on_extract["alarms"])
    share = on_extract["telemetry_share"]
    return (
        f"On the extract as of 2015-01-20 00:00 it raises the alarm for machines {alarms}. Readings bring\n"
        f"{share:.0%} of the gain in its trees, events the rest."
    )


def table(spans: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The figures as a Markdown table, a column a span."""
    rows = {
        "rows": "{:,}",
        "positives": "{:,}",
        "ap": "{:.4f}",
        "auc": "{:.4f}",
        "f1": "{:.4f}",
        "precision": "{:.4f}",
        "recall": "{:.4f}",
        "brier": "{:.6f}",
        "ece": "{:.5f}",
        "events": "{}",
        "events_caught": "{}",
        "median_lead_h": "{:.0f}",
        "false_episodes_per_machine_month": "{:.3f}",
    }
    lines = [f"| | {' | '.join(spans)} |", f"|---|{'---:|' * len(spans)}"]
    for key, form in rows.items():
        cells = ["–" if figures[key] is None else form.format(figures[key]) for figures in spans.values()]
        lines.append(f"| {key.replace('_', ' ')} | {' | '.join(cells)} |")
    return lines


def description() -> dict[str, Any]:
    """The finished model's own description."""
    plain: dict[str, Any] = json.loads((MODELS / "champion" / "pdm_model.json").read_text("utf-8"))
    return plain


def say_what_came_out(on_extract: dict[str, Any] | None) -> None:
    plain = description()
    spans = dict(plain["metrics"]) | ({"extract": on_extract} if on_extract else {})
    for name, figures in spans.items():
        print(f"{name:16}", {k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()})
    print("threshold", plain["threshold"], "rounds", plain["best_iteration"] + 1, "calibration", plain["calibration"])


if __name__ == "__main__":
    raise SystemExit(main())
