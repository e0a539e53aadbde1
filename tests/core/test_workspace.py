"""A workspace from files to risks: what is scored, what is kept, what is scored again, and where no number is given."""

from __future__ import annotations

import sqlite3
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pdm_desktop.core import machine_page, simulate, times
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.features import EventSeries, MachineHistory
from pdm_desktop.core.histories import histories
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.workspace import Workspace

AT = times.parse("2015-01-25 00:00", "UTC")
RISKS = "SELECT machine, time, risk FROM risk ORDER BY machine, time"


@pytest.fixture(scope="session")
def plant_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six machines over 40 days as CSV files; read-only by agreement."""
    folder = tmp_path_factory.mktemp("plant")
    simulate.write(folder, machines=6, days=40, seed=3)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, plant_files: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([plant_files], Progress())
        yield opened


def rows(workspace: Workspace, query: str) -> list[tuple]:  # type: ignore[type-arg]
    with sqlite3.connect(workspace.folder / "plant.db") as db:
        return db.execute(query).fetchall()


def write(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    frame.to_csv(folder / name, index=False)
    return folder / name


def telemetry(plant_files: Path) -> pd.DataFrame:
    return pd.read_csv(plant_files / "PdM_telemetry.csv")


def test_every_machine_has_a_risk_its_components_never_exceed_it_and_says_where_it_came_from(
    workspace: Workspace,
) -> None:
    fleet = workspace.score(None, Progress())
    assert sorted(row.machine for row in fleet.rows) == ["1", "2", "3", "4", "5", "6"]
    assert fleet.as_of == workspace.clock().newest
    assert fleet.model is not None
    assert fleet.model.run_id
    for row in fleet.rows:
        assert row.risk is not None
        assert 0 <= row.risk <= 1
        assert row.component_risks
        assert max(row.component_risks.values()) <= row.risk
    risks = [row.risk for row in fleet.rows if row.risk is not None]
    assert risks == sorted(risks, reverse=True)


def test_reasons_add_up_to_the_risk_the_model_gives(workspace: Workspace) -> None:
    fleet = workspace.score(AT, Progress())
    model = workspace.model
    for row in fleet.rows[:3]:
        (history,) = histories(workspace._store, [row.machine], None, AT)
        import xgboost

        from pdm_desktop.core.features import build

        matrix = build(history, model.spec, np.array([AT]), np.float32)
        shares = model.booster.predict(xgboost.DMatrix(matrix), pred_contribs=True)[0, 0]
        assert sum(reason.contribution for reason in row.reasons) + shares[-1] == pytest.approx(shares.sum(), abs=1e-4)


def test_scores_are_the_same_whatever_came_after_the_time_they_are_of(
    tmp_path: Path, workspace: Workspace, plant_files: Path
) -> None:
    later = workspace.score(AT, Progress())
    past = tmp_path / "past"
    for name in ("PdM_telemetry.csv", "PdM_errors.csv", "PdM_maint.csv", "PdM_failures.csv"):
        frame = pd.read_csv(plant_files / name)
        write(past, name, frame[frame["datetime"] <= "2015-01-25 00:00:00"])
    write(past, "PdM_machines.csv", pd.read_csv(plant_files / "PdM_machines.csv"))
    with Workspace.open(tmp_path / "then") as then:
        then.import_files([past], Progress())
        earlier = then.score(None, Progress())
    assert earlier.as_of == AT
    assert [(r.machine, r.risk, r.component_risks) for r in earlier.rows] == [
        (r.machine, r.risk, r.component_risks) for r in later.rows
    ]


def test_scores_are_kept_with_the_model_they_came_from_and_not_worked_out_twice(workspace: Workspace) -> None:
    fleet = workspace.score(None, Progress())
    kept = rows(workspace, RISKS)
    assert len(kept) == 6 * (14 * 24 + 1)
    (run,) = rows(workspace, "SELECT run_id, model_version, feature_version FROM model_run")
    assert fleet.model is not None
    assert run == (fleet.model.run_id, fleet.model.version, fleet.model.feature_version)
    # A mark put on a kept score survives the next call: it was read, not worked out again.
    with sqlite3.connect(workspace.folder / "plant.db") as db:
        db.execute("UPDATE risk SET risk = 0.123 WHERE time = ?", (fleet.as_of - times.DAY,))
    again = workspace.score(None, Progress())
    day_before = again.rows[0].history_risk[again.rows[0].history_times == fleet.as_of - times.DAY]
    assert day_before.tolist() == [0.123]


def test_a_new_hour_is_scored_and_what_was_before_it_is_left_alone(
    tmp_path: Path, workspace: Workspace, plant_files: Path
) -> None:
    before = workspace.score(None, Progress())
    kept = set(rows(workspace, RISKS))
    newest = telemetry(plant_files).groupby("machineID").tail(1)
    hour = newest.assign(datetime=times.iso(before.as_of + times.HOUR, "UTC")[:19].replace("T", " "))
    workspace.import_files([write(tmp_path / "hour", "PdM_telemetry.csv", hour)], Progress())
    assert set(rows(workspace, RISKS)) == kept
    after = workspace.score(None, Progress())
    assert after.as_of == before.as_of + times.HOUR
    fresh = set(rows(workspace, RISKS)) - kept
    assert {time for _, time, _ in fresh} == {after.as_of}


def test_an_error_that_arrives_late_makes_only_its_machines_later_scores_be_worked_out_again(
    tmp_path: Path, workspace: Workspace
) -> None:
    fleet = workspace.score(None, Progress())
    kept = rows(workspace, "SELECT m.name, r.time FROM risk r JOIN machine m ON m.id = r.machine")
    at = fleet.as_of - 2 * times.DAY
    late = pd.DataFrame({"datetime": [times.iso(at, "UTC")[:19]], "machineID": ["4"], "errorID": ["error5"]})
    workspace.import_files([write(tmp_path / "late", "PdM_errors.csv", late)], Progress())
    left = rows(workspace, "SELECT m.name, r.time FROM risk r JOIN machine m ON m.id = r.machine")
    assert set(kept) - set(left) == {(name, time) for name, time in kept if name == "4" and time >= at}
    workspace.score(None, Progress())
    assert len(rows(workspace, RISKS)) == len(kept)


def test_incremental_scores_equal_those_of_a_fresh_workspace(
    tmp_path: Path, workspace: Workspace, plant_files: Path
) -> None:
    whole = workspace.score(None, Progress())
    frame = telemetry(plant_files)
    cut = "2015-02-08 00:00:00"
    with Workspace.open(tmp_path / "piecewise") as piecewise:
        others = [plant_files / f"PdM_{kind}.csv" for kind in ("machines", "errors", "maint", "failures")]
        piecewise.import_files(others, Progress())
        for name, part in (("a", frame[frame["datetime"] <= cut]), ("b", frame[frame["datetime"] > cut])):
            piecewise.import_files([write(tmp_path / name, "PdM_telemetry.csv", part)], Progress())
            again = piecewise.score(None, Progress())
    for one, other in zip(whole.rows, again.rows, strict=True):
        assert one.machine == other.machine
        np.testing.assert_allclose(other.history_risk, one.history_risk, rtol=1e-9)


def test_a_plant_without_one_of_the_models_sensors_gets_words_and_no_numbers(tmp_path: Path, plant_files: Path) -> None:
    frame = telemetry(plant_files).rename(columns={"pressure": "Druck"})
    with Workspace.open(tmp_path / "other") as other:
        other.import_files([write(tmp_path / "in", "PdM_telemetry.csv", frame)], Progress())
        fleet = other.score(None, Progress())
        assert {row.band for row in fleet.rows} == {"unknown"}
        assert {row.risk for row in fleet.rows} == {None}
        assert "pressure" in fleet.notes[0]
        assert "Retrain" in fleet.notes[0]
        view = other.machine_view("1", None, None, Progress())
        assert view.state.risk is None
        assert np.isnan(view.risk).all()
        with pytest.raises(PdmError, match="pressure"):
            other.score_all(Progress())
    assert not (tmp_path / "other" / "out.csv").exists()


def test_a_machine_with_one_silent_sensor_has_no_number_and_names_the_sensor(tmp_path: Path, plant_files: Path) -> None:
    frame = telemetry(plant_files)
    last = frame["datetime"].max()
    silent = (frame["machineID"] == 2) & (frame["datetime"] > str(pd.Timestamp(last) - pd.Timedelta(hours=30)))
    frame.loc[silent, "vibration"] = np.nan
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([write(tmp_path / "in", "PdM_telemetry.csv", frame)], Progress())
        state = {row.machine: row for row in opened.score(None, Progress()).rows}
    assert state["2"].band == "unknown"
    assert state["2"].risk is None
    assert "vibration" in state["2"].note
    assert state["1"].risk is not None


def test_a_stale_machine_shows_its_last_risk_as_of_its_last_reading(tmp_path: Path, plant_files: Path) -> None:
    frame = telemetry(plant_files)
    end = pd.Timestamp(frame["datetime"].max())
    stops = end - pd.Timedelta(hours=31)
    frame = frame[(frame["machineID"] != 3) | (frame["datetime"] <= str(stops))]
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([write(tmp_path / "in", "PdM_telemetry.csv", frame)], Progress())
        fleet = opened.score(None, Progress())
        state = {row.machine: row for row in fleet.rows}["3"]
        then = {row.machine: row for row in opened.score(state.last_reading, Progress()).rows}["3"]
    assert state.band == "stale"
    assert state.data_age_h == 31
    assert state.as_of == fleet.as_of - 31 * times.HOUR
    assert state.risk == then.risk
    assert state.note.startswith("No reading for 31 h")


def test_another_horizon_than_the_models_gives_words_and_no_numbers(workspace: Workspace) -> None:
    workspace.change_settings({"horizon_h": "12"})
    fleet = workspace.score(None, Progress())
    assert {row.risk for row in fleet.rows} == {None}
    assert "12 h" in fleet.notes[0]


def test_error_codes_the_model_does_not_know_are_said(tmp_path: Path, workspace: Workspace) -> None:
    strange = pd.DataFrame({"datetime": ["2015-01-20 00:00:00"], "machineID": ["1"], "errorID": ["E-77"]})
    workspace.import_files([write(tmp_path / "in", "PdM_errors.csv", strange)], Progress())
    assert any("E-77" in note for note in workspace.score(None, Progress()).notes)


def test_the_clock_is_the_newest_reading_once_the_data_are_a_month_old(workspace: Workspace) -> None:
    assert workspace.clock().mode == "end-of-data"
    workspace.change_settings({"clock": "live"})
    fleet = workspace.score(None, Progress())
    assert {row.band for row in fleet.rows} == {"stale"}


def test_a_failed_import_of_several_files_brings_in_none_of_them(tmp_path: Path, plant_files: Path) -> None:
    (tmp_path / "broken.csv").write_bytes(b"\x00\x01\x02" * 500)
    with Workspace.open(tmp_path / "ws") as opened:
        with pytest.raises(PdmError):
            opened.import_files([plant_files / "PdM_telemetry.csv", tmp_path / "broken.csv"], Progress())
        assert opened.is_empty()
        assert opened.imports() == ()


def test_a_cancelled_import_leaves_the_workspace_as_it_was(tmp_path: Path, plant_files: Path) -> None:
    with Workspace.open(tmp_path / "ws") as opened:
        progress = Progress(lambda step: progress.cancel() if step.done else None)
        with pytest.raises(Cancelled):
            opened.import_files([plant_files], progress)
        assert opened.is_empty()


def test_undoing_an_import_brings_the_old_risks_back(tmp_path: Path, workspace: Workspace) -> None:
    before = workspace.score(None, Progress())
    at = times.iso(before.as_of - times.HOUR, "UTC")[:19]
    errors = pd.DataFrame({"datetime": [at] * 2, "machineID": ["5", "5"], "errorID": ["error2", "error3"]})
    report = workspace.import_files([write(tmp_path / "in", "PdM_errors.csv", errors)], Progress())
    during = workspace.score(None, Progress())
    assert {r.machine: r.risk for r in during.rows} != {r.machine: r.risk for r in before.rows}
    batch = report.files[0].batch
    assert batch is not None
    assert list(workspace.undo(batch, Progress())) == ["5"]
    after = workspace.score(None, Progress())
    assert {r.machine: r.risk for r in after.rows} == {r.machine: r.risk for r in before.rows}


def test_a_second_writer_is_refused_and_may_read(workspace: Workspace) -> None:
    with pytest.raises(PdmError, match="open in another program"):
        Workspace.open(workspace.folder)
    with Workspace.open(workspace.folder, read_only=True) as reader:
        fleet = reader.score(None, Progress())
    assert len(fleet.rows) == 6
    assert rows(workspace, RISKS) == []


def test_a_demo_plant_is_not_poured_over_a_real_one(workspace: Workspace) -> None:
    with pytest.raises(PdmError, match="already holds"):
        workspace.demo(Progress(), machines=2, days=10)


def test_the_machine_page_shows_the_same_risk_as_the_fleet_over_its_range(workspace: Workspace) -> None:
    fleet = workspace.score(None, Progress())
    top = fleet.rows[0]
    view = workspace.machine_view(top.machine, None, None, Progress())
    assert view.state.risk == top.risk
    np.testing.assert_array_equal(view.risk_times, top.history_times)
    np.testing.assert_allclose(view.risk, top.history_risk, rtol=1e-9)
    assert [trace.name for trace in view.sensors] == ["volt", "rotate", "pressure", "vibration"]
    assert view.sensors[0].times[0] >= view.start
    assert view.sensors[0].times[-1] <= view.end


def test_a_backup_of_the_whole_workspace_opens_again_with_the_same_record(tmp_path: Path, workspace: Workspace) -> None:
    workspace.change_settings({"plant_name": "Hall 2"})
    workspace.backup(tmp_path / "kept.zip", Progress())
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        archive.extractall(tmp_path / "restored")
    with Workspace.open(tmp_path / "restored") as restored:
        assert restored.settings.plant_name == "Hall 2"
        assert restored.score(AT, Progress()).rows[0].risk == workspace.score(AT, Progress()).rows[0].risk


def test_progress_tells_rows_and_machines_in_numbers(tmp_path: Path, plant_files: Path) -> None:
    steps: list[Step] = []
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([plant_files], Progress(steps.append))
        opened.score(None, Progress(steps.append))
    assert any("PdM_telemetry.csv" in step.text and step.total >= 5_000 for step in steps)
    assert any(step.text.startswith("Scoring") and step.total == 6 for step in steps)


def test_a_time_before_any_reading_has_no_numbers(workspace: Workspace) -> None:
    fleet = workspace.score(times.parse("2014-01-01", "UTC"), Progress())
    assert {(row.band, row.risk) for row in fleet.rows} == {("unknown", None)}
    assert fleet.rows[0].note == "No reading before 1 Jan 2014, 00:00"


def test_a_machine_known_by_name_only_is_listed_without_a_number(tmp_path: Path, workspace: Workspace) -> None:
    spare = pd.DataFrame({"machineID": ["spare 10²"], "model": ["model1"], "age": [3]})
    workspace.import_files([write(tmp_path / "in", "PdM_machines.csv", spare)], Progress())
    rows_by_name = {row.machine: row for row in workspace.score(None, Progress()).rows}
    assert rows_by_name["spare 10²"].note == "No readings on record"
    assert workspace.machine_view("spare 10²", None, None, Progress()).sensors[0].times.size == 0
    assert workspace.score_all(Progress()) == 6 * (40 * 24 + 1)
    assert workspace.export_features(tmp_path / "f.csv", Progress()) == 6 * (40 * 24 + 1)


def test_a_question_about_the_far_future_leaves_no_answer_behind(workspace: Workspace) -> None:
    workspace.score(None, Progress())
    before = rows(workspace, "SELECT * FROM latest_risk")
    workspace.score(times.parse("2016-01-01", "UTC"), Progress())
    assert rows(workspace, "SELECT * FROM latest_risk") == before


def test_a_demo_stopped_while_it_is_scored_leaves_nothing(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as opened:
        progress = Progress(lambda step: progress.cancel() if step.text.startswith("Scoring") else None)
        with pytest.raises(Cancelled):
            opened.demo(progress, machines=2, days=5)
        assert opened.is_empty()
        assert opened.settings.plant_name == "My plant"
    assert not [path for path in (tmp_path / "ws").iterdir() if path.name.startswith("demo-")]


def test_a_file_that_contradicts_itself_changes_nothing_the_second_time(tmp_path: Path, workspace: Workspace) -> None:
    at = times.iso(workspace.clock().now, "UTC")[:19].replace("T", " ")
    twice = pd.DataFrame({"datetime": [at] * 2, "machineID": ["1"] * 2, "volt": [150.0, 160.0]})
    path = write(tmp_path / "in", "PdM_telemetry.csv", twice)
    assert workspace.import_files([path], Progress()).files[0].batch is not None
    workspace.score(None, Progress())
    kept = rows(workspace, RISKS)
    assert workspace.import_files([path], Progress()).files[0].batch is None
    assert rows(workspace, RISKS) == kept


def test_rejects_of_an_import_that_was_taken_back_go_with_it(tmp_path: Path, workspace: Workspace) -> None:
    bad = pd.DataFrame({"datetime": ["2015-01-05 00:00:00", "never"], "machineID": ["1", "1"], "volt": [1.0, 2.0]})
    first = write(tmp_path / "in", "a_telemetry.csv", bad)
    events = pd.DataFrame({"datetime": ["never"], "machineID": ["1"], "errorID": ["error1"]})
    second = write(tmp_path / "in", "b_errors.csv", events)
    with pytest.raises(PdmError):
        workspace.import_files([first, second], Progress())
    assert not list((workspace.folder / "imports").glob("*"))


def test_features_are_written_for_scored_rows_only(tmp_path: Path, plant_files: Path) -> None:
    frame = telemetry(plant_files)
    frame = frame[frame["machineID"] == 1]
    frame.loc[frame["datetime"] > "2015-01-20 00:00:00", "pressure"] = np.nan
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([write(tmp_path / "in", "PdM_telemetry.csv", frame)], Progress())
        written = opened.export_features(tmp_path / "f.csv", Progress())
        assert written == opened.score_all(Progress())
    # From 1 January 06:00 to 20 January 23:00, the last hour within 24 h of pressure's last value.
    assert written == 19 * 24 + 18


def test_a_closed_workspace_says_so(tmp_path: Path) -> None:
    opened = Workspace.open(tmp_path / "ws")
    opened.close()
    with pytest.raises(PdmError, match="closed"):
        opened.is_empty()


def test_the_programs_own_outputs_are_not_taken_for_a_plants_record(tmp_path: Path, workspace: Workspace) -> None:
    workspace.report(tmp_path / "report.csv", Progress())
    workspace.export_features(tmp_path / "features.csv", Progress(), ["1"])
    for name, words in (("report.csv", "risk report"), ("features.csv", "feature matrix")):
        with pytest.raises(PdmError, match=words):
            workspace.import_files([tmp_path / name], Progress())


def test_an_alarm_that_goes_on_past_a_failure_began_with_the_failure(workspace: Workspace) -> None:
    hours = AT + np.arange(-20, 1) * times.HOUR
    failed = AT - 10 * times.HOUR
    history = MachineHistory(
        "1", (), np.empty(0, np.int64), np.empty((0, 0)), failures=EventSeries(np.array([failed]), ("pump",))
    )
    state = workspace.score(AT, Progress()).rows[0]
    state = replace(state, band="alarm", as_of=AT, history_times=hours, history_risk=np.ones(len(hours)))
    # The row at the failure's own time looks beyond it: it belongs to the new episode.
    assert machine_page._alarm_since(state, history, 0.5, times.HOUR) == failed


def test_a_machine_page_is_of_one_state_of_the_record(workspace: Workspace) -> None:
    store = workspace._store
    with store.snapshot():
        before = store.machines()
        with ThreadPoolExecutor(1) as other:
            other.submit(lambda: [workspace.undo(batch.id, Progress()) for batch in workspace.imports()]).result()
        assert store.machines().equals(before)
    assert store.machines().empty


def test_machines_without_any_reading_are_said_to_want_readings_and_no_other_model(tmp_path: Path) -> None:
    path = tmp_path / "machines.csv"
    path.write_text("machineID,model,age\n1,M,2\n2,M,3\n", "utf-8")
    with Workspace.open(tmp_path / "plant") as workspace:
        workspace.import_files([path], Progress())
        fleet = workspace.score(None, Progress())
    assert [row.band for row in fleet.rows] == ["unknown", "unknown"]
    assert "there are no readings yet" in str(fleet)
    assert "Retrain" not in str(fleet)
