"""A failure that was prevented is neither caught nor a false alarm, and its rows teach and measure nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import prevented, times, training, versions
from pdm_desktop.core.evaluation import Prevented
from pdm_desktop.core.features import EventSeries, MachineHistory
from pdm_desktop.core.model_results import Decision, ModelVersion, TrainingSettings
from pdm_desktop.core.prevented import Alarms
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import By, HandEvent
from pdm_desktop.core.rowset import MachineRows
from pdm_desktop.core.times import DAY, HOUR, iso, parse
from pdm_desktop.core.workspace import Workspace
from tests.core.test_retraining import START, quick, write_plant
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW

LATE = 10_000 * HOUR


def series(*events: tuple[int, str]) -> EventSeries:
    return EventSeries(np.array([hour * HOUR for hour, _ in events], np.int64), tuple(label for _, label in events))


def machine(replaced: EventSeries, failed: EventSeries) -> MachineHistory:
    nothing = np.empty(0, np.int64)
    return MachineHistory("M", ("flow",), nothing, np.empty((1, 0)), "", None, series(), replaced, failed)


def among(
    alarms: dict[int, str],
    replaced: EventSeries,
    failed: EventSeries | None = None,
    known_until: int = LATE,
    scored: int | None = None,
) -> list[tuple[int, int, int, str]]:
    """scored: the hour at which all alarms were worked out; None = each at its own."""
    times = np.array(list(alarms), np.int64) * HOUR
    shown = Alarms(times, tuple(alarms.values()), times if scored is None else np.full(len(times), scored * HOUR))
    found = prevented.among(shown, machine(replaced, failed or series()), 24 * HOUR, HOUR, known_until)
    return [(p.start // HOUR, p.end // HOUR, p.at // HOUR, p.component) for p in found]


TEN = dict.fromkeys(range(100, 110), "pump")
"""Alarms of the pump at hours 100 to 109."""


def test_a_replacement_of_the_alarmed_component_while_the_alarm_stands_prevents_a_failure() -> None:
    assert among(TEN, series((105, "pump"))) == [(100, 109, 105, "pump")]


@pytest.mark.parametrize(
    ("replaced", "failed"),
    [
        (series((105, "valve")), series()),
        (series((100, "pump")), series()),
        (series((116, "pump")), series()),
        (series((105, "pump")), series((105, "pump"))),
        (series((105, "pump")), series((120, "valve"))),
        (series((105, "pump")), series((133, "pump"))),
    ],
    ids=["another component", "before the alarm", "long after it", "as it fails", "fails later", "within the horizon"],
)
def test_anything_else_prevents_nothing(replaced: EventSeries, failed: EventSeries) -> None:
    assert among(TEN, replaced, failed) == []


def test_an_alarm_stands_six_steps_beyond_its_last_time_and_over_gaps_as_long() -> None:
    assert among(TEN, series((115, "pump"))) == [(100, 109, 115, "pump")]
    gap = dict.fromkeys((100, 106, 112), "pump")
    assert among(gap, series((109, "pump"))) == [(100, 112, 109, "pump")]
    wide = dict.fromkeys((100, 107), "pump")
    assert among(wide, series((105, "pump"))) == [(100, 100, 105, "pump")]


def test_it_ends_a_horizon_after_the_replacement() -> None:
    long = dict.fromkeys(range(100, 200), "pump")
    assert among(long, series((105, "pump"))) == [(100, 129, 105, "pump")]


def test_what_comes_of_it_must_be_known() -> None:
    assert among(TEN, series((105, "pump")), known_until=132 * HOUR) == []
    assert among(TEN, series((105, "pump")), known_until=133 * HOUR) != []


def test_an_alarm_worked_out_after_the_replacement_or_after_it_was_known_of_prevented_nothing() -> None:
    assert among(TEN, series((105, "pump")), scored=105) != []
    assert among(TEN, series((105, "pump")), scored=106) == []
    # a replacement of hour 105 that was on record at hour 102 was planned: nobody acted on the alarm
    planned = EventSeries(np.array([105 * HOUR]), ("pump",), np.array([102 * HOUR]))
    assert among(TEN, planned, scored=102) != []
    assert among(TEN, planned, scored=103) == []
    not_said = EventSeries(np.array([105 * HOUR]), ("pump",), np.array([-1]))
    assert among(TEN, not_said, scored=105) != []


def version(number: str, champion: bool = False) -> ModelVersion:
    return ModelVersion(
        number, f"run{number}", "pdm-risk", "trained", champion, None, 24.0, 0.5, 1, 1, {}, {}, {}, {}, "", ()
    )


def test_each_time_belongs_to_the_version_in_use_then() -> None:
    known = [version("3"), version("2", champion=True), version("1")]
    decided = [
        Decision(100, "Ada", "promoted", "2", "1", ""),
        Decision(200, "Ada", "promoted", "3", "2", ""),
        Decision(250, "Ada", "discarded", "4", "", ""),
        Decision(300, "Ada", "rolled back", "2", "3", ""),
    ]
    found = [(v.version, start, end) for v, start, end in prevented.in_use(known, decided)]
    assert found == [("1", None, 99), ("2", 100, 199), ("3", 200, 299), ("2", 300, None)]
    assert [v.version for v, _, _ in prevented.in_use(known, [])] == ["2"]


def test_in_figures_it_is_counted_apart_and_its_rows_are_left_out() -> None:
    hours = np.arange(100, dtype=np.int64)
    labels = np.zeros((100, 1), np.int8)
    # fails at hour 90: the 24 hours before look at it
    labels[66:90] = 1
    one = Prevented("M", 20 * HOUR, 29 * HOUR, 25 * HOUR, "pump")
    labels[20:30] = -1
    risk = np.zeros((100, 1))
    risk[66:90] = risk[20:31] = 0.9
    risk[50] = 0.9
    rows = MachineRows("M", hours * HOUR, np.zeros((100, 1), np.float32), labels, np.array([90 * HOUR]), None, (one,))
    figures = training.measure([rows], [risk], ("any",), 0.5, 24 * HOUR, HOUR)
    assert (figures["rows"], figures["positives"], figures["recall"]) == (90, 24, 1.0)
    # of the rows known, hours 30 and 50 are alarmed wrongly; only hour 50 is an episode of its own
    assert figures["precision"] == pytest.approx(24 / 26)
    assert (figures["events"], figures["events_caught"]) == (1, 1)
    assert (figures["episodes"], figures["false_episodes"]) == (3, 1)
    assert (figures["events_prevented"], figures["events_prevented_alarmed"]) == (1, 1)
    silent = risk.copy()
    silent[20:31] = 0
    figures = training.measure([rows], [silent], ("any",), 0.5, 24 * HOUR, HOUR)
    assert (figures["events_prevented"], figures["events_prevented_alarmed"]) == (1, 0)
    assert rows.known().times.tolist() == [hour * HOUR for hour in range(100) if not 20 <= hour < 30]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pump P-0 fails on days 51 and 59; on day 54 its flow drops for a day as before a failure, and it is replaced. A
    model trained until day 45 is in use."""
    folder = tmp_path_factory.mktemp("prevented")
    files = write_plant(folder / "files", machines=4, days=80)
    lines = (files / "telemetry.csv").read_text("utf-8").splitlines()
    for at, line in enumerate(lines[1:], 1):
        when, name, flow, heat = line.split(",")
        if name == "P-0" and 54 * DAY < parse(when, "UTC") - START <= 55 * DAY:
            lines[at] = f"{when},{name},{float(flow) - 6:.4f},{heat}"
    (files / "telemetry.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (files / "maintenance.csv").write_text(
        f"datetime,machineID,comp\n{iso(START + 55 * DAY, 'UTC')},P-0,pump\n", "utf-8"
    )
    with Workspace.open(folder / "ws") as workspace:
        workspace.import_files([files], Progress())
        made = workspace.retrain(quick(until=START + 45 * DAY), Progress())
        with pytest.MonkeyPatch.context() as then:
            then.setattr(versions, "now_ms", lambda: START + 45 * DAY)
            workspace.promote(made.version, "Ada", "")
    return folder / "ws"


def shown(workspace: Workspace) -> list[tuple[int, int]]:
    """(time, when worked out) of every alarm of P-0 that was shown."""
    alarms = workspace._store.shown.alarms([workspace.model_info.run_id])
    alarms = alarms[alarms["machine"] == "P-0"]
    return list(zip(alarms["time"].tolist(), alarms["scored_at"].tolist(), strict=True))


def test_risks_worked_out_over_history_were_never_shown(plant: Path, tmp_path: Path) -> None:
    with Workspace.open(shutil.copytree(plant, tmp_path / "ws")) as workspace:
        workspace.score_all(Progress())
        assert shown(workspace) == []
        measured = workspace.evaluate("champion", START + 50 * DAY, None, Progress())
    assert measured.figures["events_prevented"] == 0


def test_an_alarm_that_was_shown_and_ended_by_a_replacement_is_left_out_of_the_next_training(
    plant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(shutil.copytree(plant, tmp_path / "ws")) as workspace:
        plain = workspace.evaluate("champion", START + 50 * DAY, None, Progress())
        # Somebody looked at the plant eleven hours before the replacement.
        now = START + 54 * DAY + 13 * HOUR
        with monkeypatch.context() as then:
            then.setattr(times, "now_ms", lambda: now)
            workspace.score(now, Progress())
        noted = shown(workspace)
        assert noted
        assert {scored_at for _, scored_at in noted} == {now}
        # What was alarmed more than a horizon before was no forecast any more.
        assert all(now - DAY < time <= now for time, _ in noted)
        # The record changes, and every risk since is worked out anew: what was shown was shown.
        workspace.enter_event("P-0", HandEvent("errors", START + 40 * DAY, "E1"), By("Ada", "late"))
        workspace.score_all(Progress())
        assert shown(workspace) == noted
        measured = workspace.evaluate("champion", START + 50 * DAY, None, Progress())
        asked = TrainingSettings(params={"rounds": 40, "patience": 10}, test_from=START + 50 * DAY)
        made = workspace.retrain(asked, Progress())
    assert measured.figures["events_prevented"] == measured.figures["events_prevented_alarmed"] == 1
    assert measured.figures["false_episodes"] == plain.figures["false_episodes"] - 1
    assert measured.figures["events"] == plain.figures["events"]
    assert 1 <= plain.figures["rows"] - measured.figures["rows"] <= 50
    assert measured.baselines["base_rate"]["rows"] == measured.figures["rows"]
    assert any("1 alarm was followed by a replacement" in warning for warning in made.warnings)
