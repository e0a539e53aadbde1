"""The simulated plant: the benchmark's layout and statistics, and the same plant for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pdm_desktop.core import simulate
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.progress import Progress, Step

HOUR = pd.Timedelta(hours=1)
# What design §8 says of the public benchmark.
BEFORE_A_FAILURE = {"comp1": ("volt", 20.0), "comp2": ("rotate", -80.0), "comp3": ("pressure", 25.0)}
BEFORE_A_FAILURE["comp4"] = ("vibration", 10.5)
WARNINGS = {"comp1": {"error1"}, "comp2": {"error2", "error3"}, "comp3": {"error4"}, "comp4": {"error5"}}


@pytest.fixture(scope="module")
def year() -> simulate.Plant:
    """The benchmark's size."""
    return simulate.simulate(100, 365, seed=3)


def test_a_year_of_100_machines_has_the_benchmark_s_row_counts(year: simulate.Plant) -> None:
    assert len(year.telemetry) == 876_100
    assert len(year.machines) == 100
    assert len(year.errors) == pytest.approx(3919, rel=0.07)
    assert len(year.maintenance) == pytest.approx(3286, rel=0.07)
    assert len(year.failures) == pytest.approx(761, rel=0.12)
    assert len(year.failures.drop_duplicates(["datetime", "machineID"])) < len(year.failures)


def test_frames_carry_the_canonical_files_columns(year: simulate.Plant) -> None:
    assert list(year.machines) == ["machineID", "model", "age"]
    assert list(year.telemetry) == ["datetime", "machineID", "volt", "rotate", "pressure", "vibration"]
    assert list(year.errors) == ["datetime", "machineID", "errorID"]
    assert list(year.maintenance) == ["datetime", "machineID", "comp"]
    assert list(year.failures) == ["datetime", "machineID", "failure"]
    assert year.telemetry["datetime"].iloc[0] == pd.Timestamp("2015-01-01 06:00")
    assert year.telemetry["datetime"].iloc[-1] == pd.Timestamp("2016-01-01 06:00")


def test_machines_have_four_models_and_ages_up_to_twenty(year: simulate.Plant) -> None:
    assert set(year.machines["model"]) == {"model1", "model2", "model3", "model4"}
    assert year.machines["age"].between(0, 20).all()
    assert year.machines["age"].nunique() > 15


def test_readings_are_noise_around_the_benchmark_s_means(year: simulate.Plant) -> None:
    for sensor, mean, spread in (
        ("volt", 170.8, 15),
        ("rotate", 446, 52),
        ("pressure", 100.8, 10.5),
        ("vibration", 40.3, 5.2),
    ):
        values = year.telemetry[sensor]
        assert values.mean() == pytest.approx(mean, rel=0.01), sensor
        assert values.std() == pytest.approx(spread, rel=0.06), sensor


def test_before_a_failure_one_sensor_is_shifted_for_48_hours_and_back_to_normal_after_it(year: simulate.Plant) -> None:
    by_machine = {m: g.set_index("datetime") for m, g in year.telemetry.groupby("machineID")}
    normal = {"volt": 170, "rotate": 450, "pressure": 100, "vibration": 40}
    for component, (sensor, shift) in BEFORE_A_FAILURE.items():
        failures = year.failures[year.failures["failure"] == component]
        failures = failures[failures["datetime"].between("2015-01-05", "2015-12-30")]
        excess: dict[str, list[float]] = {"before": [], "during": [], "after": []}
        for failure in failures.itertuples():
            series = by_machine[failure.machineID][sensor] - normal[sensor]
            at = failure.datetime
            excess["before"].append(series[at - 60 * HOUR : at - 49 * HOUR].mean())
            excess["during"].append(series[at - 48 * HOUR : at].mean())
            excess["after"].append(series[at + HOUR : at + 12 * HOUR].mean())
        assert np.median(excess["during"]) == pytest.approx(shift, rel=0.05), component
        assert abs(np.median(excess["before"])) < abs(shift) / 10, component
        assert abs(np.median(excess["after"])) < abs(shift) / 10, component


def test_nearly_every_failure_is_announced_by_its_error_exactly_a_day_before(year: simulate.Plant) -> None:
    errors = set(year.errors.itertuples(index=False, name=None))
    later = year.failures[year.failures["datetime"] > pd.Timestamp("2015-01-02 06:00")]
    announced = [
        all((row.datetime - 24 * HOUR, row.machineID, code) in errors for code in WARNINGS[row.failure])
        for row in later.itertuples()
    ]
    assert 0.98 < np.mean(announced) < 1


def test_failures_come_at_six_with_the_replacement_of_the_component(year: simulate.Plant) -> None:
    failures = year.failures
    first_night = failures["datetime"] == pd.Timestamp("2015-01-02 03:00")
    assert 5 < first_night.sum() < 35
    later = failures[~first_night]
    assert (later["datetime"].dt.hour == 6).all()
    replaced = set(year.maintenance.itertuples(index=False, name=None))
    assert all(row in replaced for row in later.itertuples(index=False, name=None))


def test_old_components_fail_more_often_than_young_ones(year: simulate.Plant) -> None:
    work = year.maintenance.merge(
        year.failures.rename(columns={"failure": "comp"}),
        how="left",
        on=["datetime", "machineID", "comp"],
        indicator=True,
    )
    work = work.sort_values("datetime")
    age = work.groupby(["machineID", "comp"])["datetime"].diff().dt.days
    failed = work["_merge"] == "both"
    assert failed[age <= 30].sum() == 0
    assert failed[age > 150].mean() > failed[age.between(45, 75)].mean()


def test_maintenance_reaches_back_before_the_first_reading_for_every_component(year: simulate.Plant) -> None:
    before = year.maintenance[year.maintenance["datetime"] < pd.Timestamp("2015-01-01 06:00")]
    assert before.groupby("machineID")["comp"].nunique().eq(4).all()
    assert before["datetime"].min() >= pd.Timestamp("2014-06-01 06:00")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder, seed in ((one, 5), (two, 5), (three, 6)):
        paths = simulate.write(folder, 3, 40, seed)
        assert [p.name for p in paths] == list(simulate.FILES.values())
    for name in simulate.FILES.values():
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert (one / "PdM_telemetry.csv").read_bytes() != (three / "PdM_telemetry.csv").read_bytes()


def test_written_files_hold_the_frames_to_the_last_digit(tmp_path: Path) -> None:
    simulate.write(tmp_path, 4, 40, 8)
    plant = simulate.simulate(4, 40, 8)
    for kind, name in simulate.FILES.items():
        text = (tmp_path / name).read_bytes()
        assert b"\r" not in text
        read = pd.read_csv(tmp_path / name, dtype={"machineID": str})
        frame = getattr(plant, kind).copy()
        if "datetime" in frame:
            frame["datetime"] = frame["datetime"].dt.strftime("%Y-%m-%d %H:%M:%S")
        pd.testing.assert_frame_equal(read, frame, check_exact=True, check_dtype=False)


def test_more_machines_and_days_leave_what_was_there_as_it_was() -> None:
    small, large = simulate.simulate(2, 30, 4), simulate.simulate(5, 90, 4)
    end = small.telemetry["datetime"].max()
    for kind in ("telemetry", "errors", "maintenance", "failures"):
        frame = getattr(large, kind)
        cut = frame[(frame["datetime"] <= end) & frame["machineID"].isin(["1", "2"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(cut, getattr(small, kind))


def test_another_start_moves_the_whole_plant() -> None:
    start = 1_420_092_000_000 + 100 * 24 * 3_600_000
    moved, usual = simulate.simulate(2, 20, 4, start), simulate.simulate(2, 20, 4)
    shift = pd.Timedelta(days=100)
    assert (moved.telemetry["datetime"] - shift).tolist() == usual.telemetry["datetime"].tolist()
    assert (moved.maintenance["datetime"] - shift).tolist() == usual.maintenance["datetime"].tolist()


def test_progress_counts_machines_and_cancel_stops_the_writing(tmp_path: Path) -> None:
    steps: list[Step] = []
    progress = Progress(steps.append)
    simulate.simulate(3, 2, 1, progress=progress)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    progress.cancel()
    with pytest.raises(Cancelled):
        simulate.write(tmp_path, 3, 2, 1, progress=progress)


@pytest.mark.parametrize(("machines", "days", "seed"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_a_plant_without_machines_days_or_a_seed_is_refused(machines: int, days: int, seed: int) -> None:
    with pytest.raises(PdmError):
        simulate.simulate(machines, days, seed)


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PdmError) as caught:
        simulate.write(tmp_path / "file", 1, 1, 1)
    assert caught.value.where == str(tmp_path / "file")
