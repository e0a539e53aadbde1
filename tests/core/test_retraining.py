"""From a plant's record to a version: what comes out, when it is promoted, what is said where there is no signal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import matrix
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.model_results import Goal, Round, TrainingSettings
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.times import DAY, HOUR, iso
from pdm_desktop.core.workspace import Workspace
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

START = 1_600_000_000_000 // DAY * DAY
QUICK = {"rounds": 40, "patience": 10}


def write_plant(
    folder: Path,
    *,
    machines: int = 6,
    days: int = 80,
    every: int = 8,
    signal: float = 6.0,
    step: int = HOUR,
    seed: int = 0,
) -> Path:
    """Pumps that fail every few days; before a failure the flow drops for a day. Sensors with unusual names."""
    folder.mkdir(parents=True, exist_ok=True)
    telemetry, failures = ["datetime,machineID,Förderstrom [l/min],T.Lager/2"], ["datetime,machineID,failure"]
    for number in range(machines):
        rng = np.random.default_rng(number + 100 * seed)
        times = START + step * np.arange(days * DAY // step, dtype=np.int64)
        fails = START + DAY * np.arange(3 + number % every, days, every, dtype=np.int64) if every else []
        if not signal:
            fails = START + HOUR * np.sort(rng.choice(days * 24, days // 8, replace=False)).astype(np.int64)
        flow, heat = rng.normal(10, 1, len(times)), rng.normal(60, 2, len(times))
        for failure in fails:
            flow[(times > failure - DAY) & (times <= failure)] -= signal
            failures.append(f"{iso(int(failure), 'UTC')},P-{number},pump")
        telemetry += [
            f"{iso(t, 'UTC')},P-{number},{f:.4f},{h:.3f}"
            for t, f, h in zip(times.tolist(), flow.tolist(), heat.tolist(), strict=True)
        ]
    (folder / "telemetry.csv").write_text("\n".join(telemetry) + "\n", "utf-8")
    if len(failures) > 1:
        (folder / "failures.csv").write_text("\n".join(failures) + "\n", "utf-8")
    return folder


def filled(folder: Path, **about: object) -> Path:
    write_plant(folder / "files", **about)  # type: ignore[arg-type]
    with Workspace.open(folder / "ws") as workspace:
        workspace.import_files([folder / "files"], Progress())
    return folder / "ws"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("plant"))


@pytest.fixture
def workspace(plant: Path, tmp_path: Path) -> Path:
    shutil.copytree(plant, tmp_path / "ws")
    return tmp_path / "ws"


def quick(**more: object) -> TrainingSettings:
    return TrainingSettings(params=QUICK, **more)  # type: ignore[arg-type]


def test_a_plant_the_bundled_model_cannot_score_gets_its_own_and_is_scored_with_it(workspace: Path) -> None:
    rounds: list[Round] = []
    with Workspace.open(workspace) as opened:
        assert all(row.risk is None for row in opened.score(None, Progress()).rows)
        made = opened.retrain(quick(promote="if-better", holdout_machines=1, who="Ada"), Progress(), rounds.append)
        assert made.promoted, made.why
        assert made.champion_before is None
        assert opened.model_info.version == made.version == "2"
        assert opened.model_info.run_id == made.run_id
        fleet = opened.score(None, Progress())
        assert all(row.risk is not None for row in fleet.rows)
        assert [d.who for d in opened.decisions()] == ["Ada"]
    test = made.of("candidate")
    assert test is not None
    assert test.figures["ap"] > 0.9
    # The newest failure ends what is known: a single row looks at it, a whole horizon ahead.
    assert test.figures["events_caught"] >= test.figures["events"] - 1 > 5
    # Without an error or a replacement on record there is no rule to be made of them.
    assert {m.who for m in made.measures} == {"candidate", "base_rate", "time_of_day"}
    assert len(made.held_out) == 1
    assert made.of("candidate", "unseen_machines") is not None
    assert [r.round for r in rounds] == list(range(1, len(rounds) + 1))
    assert rounds[-1].best_loss == min(r.loss for r in rounds)


def test_the_plants_horizon_follows_the_model_in_use(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        assert opened.settings.horizon_h == 24
        made = opened.retrain(quick(horizon_h=12), Progress())
        assert opened.settings.horizon_h == 24
        opened.promote(made.version, "Ada", "")
        assert opened.settings.horizon_h == 12
        fleet = opened.score(None, Progress())
        assert fleet.horizon_h == 12
        assert all(row.risk is not None for row in fleet.rows)
        opened.rollback("Ada", "")
        assert opened.settings.horizon_h == 24
        assert opened.retrain(quick(horizon_h=12, promote="always"), Progress()).promoted
        assert opened.settings.horizon_h == 12
    with Workspace.open(workspace) as again:
        assert again.settings.horizon_h == 12


def test_the_splits_follow_each_other_with_gaps_and_the_test_starts_where_asked(workspace: Path) -> None:
    test_from = START + 60 * DAY
    with Workspace.open(workspace) as opened:
        made = opened.retrain(quick(test_from=test_from, valid_from=START + 45 * DAY), Progress())
    splits = made.splits
    assert splits["test"].start == test_from
    assert splits["validation"].start - splits["train"].end == DAY
    assert splits["test"].start - splits["validation"].end == DAY
    # pump n fails on day 3 + n and every 8 days after; the newest, day 79, ends what is known: day 78 looks at it
    expected = sum(60 < 3 + n + 8 * k <= 79 for n in range(6) for k in range(10))
    assert splits["test"].failures == expected
    figures = made.of("candidate")
    assert figures is not None
    assert figures.figures["events"] == expected


def test_the_same_seed_gives_the_same_version_and_fingerprint(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        one = opened.retrain(quick(seed=4), Progress())
        two = opened.retrain(quick(seed=4), Progress())
    assert one.fingerprint == two.fingerprint
    assert one.threshold == two.threshold
    assert one.losses == two.losses
    assert (one.version, two.version) == ("2", "3")
    assert one.of("candidate") == two.of("candidate")


def test_a_record_of_noise_is_said_to_hold_no_signal_and_nothing_is_promoted(tmp_path: Path) -> None:
    with Workspace.open(filled(tmp_path, signal=0.0)) as opened:
        made = opened.retrain(quick(promote="if-better"), Progress())
        assert not made.promoted
        assert not made.verdict.better
        assert "no clear signal" in made.why
        assert opened.model_info.version == "1"


def test_without_any_failure_there_is_no_model_but_words(tmp_path: Path) -> None:
    with Workspace.open(filled(tmp_path, every=0, days=20)) as opened:
        told = opened.training_data(quick(), Progress())
        assert not told.trainable
        assert "no failure on record" in told.missing[0]
        with pytest.raises(PdmError, match="no failure on record"):
            opened.retrain(quick(), Progress())
        assert not (opened.folder / "mlruns").exists()


def test_three_failures_give_a_rough_model_with_a_warning_that_is_not_promoted(tmp_path: Path) -> None:
    with Workspace.open(filled(tmp_path, machines=1, days=60, every=20)) as opened:
        opened.change_settings({"failures_known_until": iso(START + 60 * DAY, "UTC")})
        told = opened.training_data(quick(), Progress())
        assert (told.failures, told.verdict) == (3, "few")
        assert told.failures_by_span == {"train": 1, "validation": 1, "test": 1}
        made = opened.retrain(quick(promote="if-better"), Progress())
        assert any("Only 1 failure in the test span" in warning for warning in made.warnings)
        # It tells the one failure it is tested on from all else, and so would one in some from nothing but luck.
        assert made.of("candidate").figures["ap"] > 0.9
        assert not made.promoted
        assert "luck cannot be ruled out" in made.why


def test_two_failures_are_too_few_and_it_says_how_many_are_needed(tmp_path: Path) -> None:
    with (
        Workspace.open(filled(tmp_path, machines=1, days=60, every=20)) as opened,
        # three on record, but until told otherwise the record ends with the newest: its run-up is not seen whole
        pytest.raises(PdmError, match="3 failures on record, 2 of them with a run-up") as refused,
    ):
        opened.retrain(quick(), Progress())
    assert "At least 3" in refused.value.hint


def test_cancelling_leaves_no_run_and_no_version(workspace: Path) -> None:
    from mlflow.tracking import MlflowClient

    from pdm_desktop.core import registry

    def stop_at(text: str) -> Progress:
        def look(step: Step) -> None:
            if step.text.startswith(text):
                progress.cancel()

        progress = Progress(look)
        return progress

    with Workspace.open(workspace) as opened:
        for text in ("Reading", "Computing", "Training", "Comparing", "Working out", "Keeping"):
            with pytest.raises(Cancelled):
                opened.retrain(quick(), stop_at(text))
        assert [v.version for v in opened.models()] == ["1"]
        mlruns = opened.folder / "mlruns"
        client = MlflowClient(registry.store_uri(mlruns))
        runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
        assert [run.data.tags.get("origin") for run in runs] in ([], ["bundled"])
        registry.close(mlruns)


def test_a_champion_that_saw_the_test_rows_is_fitted_anew_and_an_equal_one_is_not_beaten(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        first = opened.retrain(quick(promote="always"), Progress())
        assert first.promoted
        later = START + 40 * DAY
        again = opened.retrain(quick(test_from=later, promote="if-better"), Progress())
        champion = again.of("champion")
        assert champion is not None
        assert "fitted anew" in champion.label
        # the same recipe on the same rows: nothing to gain
        assert not again.promoted
        same = opened.retrain(quick(promote="if-better", test_from=first.splits["test"].start), Progress())
        champion = same.of("champion")
        assert champion is not None
        assert "fitted anew" not in champion.label
        assert champion.figures["ap"] == pytest.approx(same.of("candidate").figures["ap"])  # type: ignore[union-attr]


def test_goals_choose_the_threshold_by_event(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        careful = opened.retrain(quick(goal=Goal("cost", missed=1000.0, false_alarm=1.0)), Progress())
        stingy = opened.retrain(quick(goal=Goal("alarm-budget", alarms=0.01)), Progress())
    assert careful.threshold < stingy.threshold
    newest = max(missed.time for missed in careful.missed) if careful.missed else 0
    assert [missed.time for missed in careful.missed] in ([], [newest]), "at most the failure that ends the record"
    assert len(careful.missed) <= 1


def test_telemetry_only_leaves_out_events_and_attributes_but_tells_components_apart(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        made = opened.retrain(quick(features="telemetry", promote="always"), Progress())
        assert all(name.startswith(("Förderstrom", "T.Lager", "hours_since")) for name in made.features)
        assert opened.model.components == ("pump",)
        assert opened.score(None, Progress()).rows[0].component_risks.keys() == {"pump"}


def test_readings_in_periods_out_of_use_train_nothing(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        told = opened.training_data(quick(since=START + 30 * DAY), Progress())
        assert told.start == START + 30 * DAY
        assert told.step_h == 1.0
        assert told.known_until is not None
        assert told.end == told.known_until - DAY


def test_the_run_holds_plots_card_fingerprint_and_figures(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        made = opened.retrain(quick(note="first try"), Progress())
        version = opened.model_version(made.version)
    assert version.note == "first try"
    assert version.facts["fingerprint"] == made.fingerprint
    assert version.metrics["test"]["ap"] == made.of("candidate").figures["ap"]  # type: ignore[union-attr]
    assert {plot.name for plot in version.plots} == {
        "cost.svg", "features.svg", "precision_recall.svg", "reliability.svg", "training.svg"
    }  # fmt: skip
    assert all(plot.read_text("utf-8").startswith("<svg") for plot in version.plots)
    card = (version.plots[0].parents[1] / "MODEL_CARD.md").read_text("utf-8")
    assert made.fingerprint in card
    assert json.dumps(made.verdict.why, ensure_ascii=False)[1:-1] in json.dumps(card, ensure_ascii=False)


def test_tuning_goes_on_where_it_was_left_and_is_the_same_for_the_same_seed(workspace: Path) -> None:
    rounds: list[Round] = []
    with Workspace.open(workspace) as opened:
        stopped = Progress(lambda _: stopped.cancel() if rounds and rounds[-1].trial == 3 else None)
        with pytest.raises(Cancelled):
            opened.retrain(quick(trials=5), stopped, rounds.append)
        assert [v.version for v in opened.models()] == ["1"]
        rounds.clear()
        made = opened.retrain(quick(trials=5), Progress(), rounds.append)
        assert made.trials == 5
        # two trials were finished before; the final fit reports as trial 0
        assert {r.trial for r in rounds} == {0, 3, 4, 5}
        rounds.clear()
        again = opened.retrain(quick(trials=5), Progress(), rounds.append)
        assert {r.trial for r in rounds} == {0}
        assert again.params == made.params
        assert again.of("candidate") == made.of("candidate")
        # A journal whose last line a crash has cut off, and the next start has written on, is no fault: it begins anew.
        (journal,) = (opened.folder / "mlruns" / "tuning").glob("*.journal")
        whole = journal.read_bytes()
        journal.write_bytes(whole[:-20] + b'{"op_code": 4}\n')
        rounds.clear()
        assert opened.retrain(quick(trials=1), Progress(), rounds.append).trials == 1
        assert {r.trial for r in rounds} == {0, 1}


def test_tuning_stops_at_its_time_limit_after_at_least_one_trial(workspace: Path) -> None:
    with Workspace.open(workspace) as opened:
        made = opened.retrain(quick(trials=50, time_limit_s=0.0), Progress())
    assert made.trials == 1


def test_leaving_out_training_rows_of_large_records_does_not_bend_the_probabilities(
    plant: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(plant, tmp_path / "ws")
    with Workspace.open(tmp_path / "ws") as opened:
        whole = opened.retrain(quick(), Progress())
        monkeypatch.setitem(matrix.rows_of.__kwdefaults__, "most", whole.rows // 4 + 1)
        thin = opened.retrain(quick(), Progress())
    assert any("one of 4 was used, counting for all" in warning for warning in thin.warnings)
    assert thin.rows < whole.rows / 2
    for one in (whole, thin):
        measured = one.of("candidate")
        assert measured is not None
        # Calibrated on, and measured over, rows of which none was left out: one in eight lies before a failure. Trained
        # without weights the thinned rows would say one in three.
        predicted = sum(p.rows * p.predicted for p in one.curves.reliability) / measured.figures["rows"]
        observed = measured.figures["positives"] / measured.figures["rows"]
        assert predicted == pytest.approx(observed, abs=0.012)
        assert measured.figures["ece"] < 0.015
    assert thin.of("candidate", "validation").figures["rows"] == whole.of("candidate", "validation").figures["rows"]  # type: ignore[union-attr]
