"""Features at t use only what was known at t, are the same however they are reached, and hold at large offsets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdm_desktop.core.features import (
    EventSeries,
    FeatureSpec,
    MachineHistory,
    build,
    grid,
    grid_step,
    label_matrix,
    labels,
    scored_times,
    silent_sensors,
)
from pdm_desktop.core.moments import window_moments
from pdm_desktop.core.times import DAY, HOUR, MINUTE

START = 1_420_092_000_000  # 2015-01-01T06:00Z, a whole hour
SPEC = FeatureSpec(("heat", "flow"), ("E1", "E2"), ("pump", "valve"), ("A", "B"))


def a_history(seed: int = 0, hours: int = 900, offset: float = 0.0, holes: bool = True) -> MachineHistory:
    """A machine with irregular readings, empty cells, errors, replacements and three failures."""
    rng = np.random.default_rng(seed)
    times = START + np.arange(hours) * HOUR
    values = rng.normal(0, 1, (2, hours)) + offset
    if holes:
        keep = rng.random(hours) > 0.1
        keep[300:340] = False
        times = times[keep] + rng.integers(-9, 9, keep.sum()) * MINUTE
        values = values[:, keep]
        values[1, rng.random(len(times)) < 0.2] = np.nan
    span = hours * HOUR
    events = [np.sort(START + rng.integers(0, span, n)) for n in (40, 12)]
    failures = START + np.array([200, 500, 505]) * HOUR
    return MachineHistory(
        "7",
        ("heat", "flow"),
        times,
        values,
        "B",
        11.0,
        EventSeries(events[0], tuple(rng.choice(["E1", "E2"], 40))),
        EventSeries(events[1], tuple(rng.choice(["pump", "valve"], 12))),
        EventSeries(failures, ("pump", "valve", "pump")),
    )


def column(name: str, spec: FeatureSpec = SPEC) -> int:
    return spec.names.index(name)


def by_hand(history: MachineHistory, sensor: int, t: int, width: int, until: int = 0) -> np.ndarray:
    """The sensor's values in (t - width, t - until], none from at or before the last failure."""
    failed = max((int(f) for f in history.failures.times if f <= t), default=-(10**18))
    inside = (history.times > max(t - width, failed)) & (history.times <= t - until)
    values = history.values[sensor][inside]
    return values[~np.isnan(values)]


def test_every_window_statistic_equals_the_one_worked_out_reading_by_reading() -> None:
    history = a_history()
    at = grid(START, START + 900 * HOUR, HOUR)
    matrix = build(history, SPEC, at)
    for row in range(0, len(at), 7):
        t = int(at[row])
        for sensor, name in enumerate(SPEC.sensors):
            for width, text in ((3 * HOUR, "3h"), (24 * HOUR, "24h")):
                x = by_hand(history, sensor, t, width)
                expected = [
                    x.mean() if len(x) else np.nan,
                    x.std(ddof=1) if len(x) > 1 else np.nan,
                    x.min() if len(x) else np.nan,
                    x.max() if len(x) else np.nan,
                ]
                first = column(f"{name}_mean_{text}")
                np.testing.assert_allclose(matrix[row, first : first + 4], expected, rtol=1e-9, atol=1e-12)


def test_slope_is_the_least_squares_slope_per_hour_over_24_h() -> None:
    history = a_history()
    at = grid(START, START + 900 * HOUR, HOUR)
    matrix = build(history, SPEC, at)
    for row in (30, 150, 206, 420, 700):
        t = int(at[row])
        failed = max((int(f) for f in history.failures.times if f <= t), default=0)
        inside = (history.times > max(t - DAY, failed)) & (history.times <= t)
        expected = np.polyfit((history.times[inside] - t) / HOUR, history.values[0][inside], 1)[0]
        assert matrix[row, column("heat_slope_24h")] == pytest.approx(expected, rel=1e-9)


def test_deviation_compares_the_last_day_with_the_machines_own_fourteen_days_before_it() -> None:
    history = a_history()
    t = START + 480 * HOUR
    base, recent = by_hand(history, 0, t, 14 * DAY, DAY), by_hand(history, 0, t, DAY)
    expected = (recent.mean() - base.mean()) / base.std(ddof=1)
    found = build(history, SPEC, np.array([t]))[0, column("heat_deviation_14d")]
    assert found == pytest.approx(expected, rel=1e-9)


def test_a_row_does_not_change_when_everything_after_it_is_deleted() -> None:
    whole = a_history()
    at = grid(START, START + 900 * HOUR, HOUR)
    full = build(whole, SPEC, at)
    for row in (5, 199, 200, 201, 333, 507, 800):
        t = int(at[row])
        past = replace(
            whole,
            times=whole.times[whole.times <= t],
            values=whole.values[:, whole.times <= t],
            errors=until(whole.errors, t),
            maintenance=until(whole.maintenance, t),
            failures=until(whole.failures, t),
        )
        np.testing.assert_array_equal(build(past, SPEC, at[row : row + 1])[0], full[row])


def until(events: EventSeries, t: int) -> EventSeries:
    count = int((events.times <= t).sum())
    return EventSeries(events.times[:count], events.labels[:count])


def test_a_row_is_the_same_bit_for_bit_from_only_the_readings_it_reaches() -> None:
    whole = a_history()
    at = grid(START + 700 * HOUR, START + 720 * HOUR, HOUR)
    recent = whole.times > at[0] - SPEC.reach
    part = replace(whole, times=whole.times[recent], values=whole.values[:, recent])
    np.testing.assert_array_equal(build(part, SPEC, at), build(whole, SPEC, at))


def test_spread_extremes_and_slope_hold_at_an_offset_of_a_billion() -> None:
    at = grid(START + 600 * HOUR, START + 700 * HOUR, HOUR)
    # Whole numbers stay exact at 1e9, so both plants hold the very same deviations.
    near = a_history(holes=False)
    near = replace(near, values=np.round(near.values * 100))
    far = replace(near, values=near.values + 1e9)
    here, there = build(near, SPEC, at), build(far, SPEC, at)
    for statistic in ("std_3h", "std_24h", "slope_24h"):
        which = column(f"heat_{statistic}")
        np.testing.assert_allclose(there[:, which], here[:, which], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(there[:, column("heat_max_24h")], here[:, column("heat_max_24h")] + 1e9)


def test_one_absurd_reading_does_no_harm_once_its_window_has_passed() -> None:
    clean = a_history(holes=False)
    spoilt = replace(clean, values=clean.values.copy())
    spoilt.values[0, 520] = 1e300
    at = np.array([START + (520 + 24 + 14 * 24 + 1) * HOUR])
    np.testing.assert_array_equal(build(spoilt, SPEC, at), build(clean, SPEC, at))
    during = build(spoilt, SPEC, np.array([START + 521 * HOUR]), np.float32)
    assert not np.isinf(during).any()
    assert during[0, column("heat_max_24h")] == np.float32(3e38)


def test_windows_begin_anew_after_a_failure() -> None:
    history = replace(a_history(holes=False), failures=EventSeries(np.array([START + 200 * HOUR]), ("pump",)))
    at = START + np.array([200, 201, 202]) * HOUR
    matrix = build(history, SPEC, at)
    low, high, mean = (column(f"heat_{s}_24h") for s in ("min", "max", "mean"))
    assert np.isnan(matrix[0, mean])
    assert matrix[1, mean] == history.values[0, 201]
    assert matrix[2, low] == history.values[0, 201:203].min()
    assert matrix[2, high] == history.values[0, 201:203].max()


def test_errors_are_counted_over_24_h_and_their_age_given_in_hours() -> None:
    errors = EventSeries(START + np.array([10, 20, 30]) * HOUR, ("E1", "E1", "E2"))
    history = replace(a_history(), errors=errors, failures=EventSeries())
    matrix = build(history, SPEC, START + np.array([9, 10, 34, 50]) * HOUR)
    assert matrix[:, column("E1_count_24h")].tolist() == [0, 1, 1, 0]
    np.testing.assert_array_equal(matrix[:, column("E1_hours_since")], [np.nan, 0, 14, 30])
    assert matrix[:, column("E2_count_24h")].tolist() == [0, 0, 1, 1]


def test_an_error_before_the_last_failure_is_forgotten_but_a_replacement_is_not() -> None:
    history = replace(
        a_history(),
        errors=EventSeries(np.array([START + 190 * HOUR]), ("E1",)),
        maintenance=EventSeries(np.array([START + 100 * HOUR]), ("pump",)),
        failures=EventSeries(np.array([START + 200 * HOUR]), ("pump",)),
    )
    row = build(history, SPEC, np.array([START + 205 * HOUR]))[0]
    assert row[column("E1_count_24h")] == 0
    assert np.isnan(row[column("E1_hours_since")])
    assert row[column("pump_days_since_replacement")] == 105 / 24
    assert np.isnan(row[column("valve_days_since_replacement")])


def test_an_event_counts_only_from_when_it_became_known() -> None:
    late = EventSeries(
        START + np.array([100, 110]) * HOUR, ("E1", "E1"), np.array([START + 118 * HOUR, -1], dtype=np.int64)
    )
    history = replace(a_history(), errors=late, failures=EventSeries())
    matrix = build(history, SPEC, START + np.array([105, 112, 119, 130]) * HOUR)
    assert matrix[:, column("E1_count_24h")].tolist() == [0, 1, 2, 1]
    np.testing.assert_array_equal(matrix[:, column("E1_hours_since")], [np.nan, 2, 9, 20])


def test_machine_age_make_and_data_age_are_columns_of_their_own() -> None:
    history = a_history(holes=False)
    row = build(history, SPEC, np.array([START + 899 * HOUR + 30 * MINUTE]))[0]
    assert row[column("age")] == 11
    assert (row[column("machine_model_A")], row[column("machine_model_B")]) == (0, 1)
    assert row[column("hours_since_reading")] == 0.5


def test_sensors_are_found_whatever_their_case_and_order() -> None:
    history = a_history()
    turned = replace(history, sensors=("FLOW", "Heat"), values=history.values[::-1])
    at = grid(START + 100 * HOUR, START + 150 * HOUR, HOUR)
    np.testing.assert_array_equal(build(turned, SPEC, at), build(history, SPEC, at))


def test_label_is_one_within_the_horizon_before_a_failure_and_unknown_past_the_record() -> None:
    failures = EventSeries(START + np.array([100, 130]) * HOUR, ("pump", "valve"))
    at = START + np.array([75, 76, 99, 100, 106, 129, 130, 140, 160]) * HOUR
    found = labels(failures, at, 24 * HOUR, START + 180 * HOUR)
    assert found.tolist() == [0, 1, 1, 0, 1, 1, 0, 0, -1]
    matrix = label_matrix(failures, ("pump", "valve"), at, 24 * HOUR, START + 180 * HOUR)
    assert matrix[:, 0].tolist() == found.tolist()
    assert matrix[:, 1].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, -1]
    assert matrix[:, 2].tolist() == [0, 0, 0, 0, 1, 1, 0, 0, -1]


@pytest.mark.parametrize(
    ("horizon", "sampling", "step"),
    [
        (24 * HOUR, HOUR, HOUR),
        (HOUR, MINUTE, 2 * MINUTE),
        (HOUR, 5 * MINUTE, 5 * MINUTE),
        (7 * DAY, DAY, DAY),
        (7 * DAY, HOUR, 6 * HOUR),
        (24 * HOUR, None, HOUR),
        (10 * MINUTE, 1_000, MINUTE),
    ],
)
def test_grid_step_is_a_24th_of_the_horizon_but_not_finer_than_the_sampling(
    horizon: int, sampling: int | None, step: int
) -> None:
    assert grid_step(horizon, sampling) == step


def test_grid_lies_on_whole_steps_from_midnight_utc() -> None:
    assert grid(START + 1, START + 13 * HOUR, 6 * HOUR).tolist() == [START + 6 * HOUR, START + 12 * HOUR]


def test_a_machine_silent_longer_than_the_horizon_has_no_row() -> None:
    history = replace(a_history(), times=START + np.array([0, 1]) * HOUR, values=np.ones((2, 2)))
    at = START + np.array([-1, 0, 24, 25, 26]) * HOUR
    assert scored_times(history, at, 24 * HOUR).tolist() == (START + np.array([0, 24, 25]) * HOUR).tolist()


def test_a_sensor_without_a_value_over_the_horizon_is_silent_and_a_missing_one_always() -> None:
    values = np.array([[1.0, 2.0], [1.0, np.nan]])
    history = replace(a_history(), times=START + np.array([0, 20]) * HOUR, values=values)
    spec = FeatureSpec(("heat", "flow", "noise"))
    found = silent_sensors(history, spec, START + np.array([5, 25]) * HOUR)
    assert found.tolist() == [[False, False, True], [False, True, True]]


def test_a_spec_survives_json_and_refuses_other_columns() -> None:
    plain = SPEC.to_dict()
    assert FeatureSpec.from_dict(plain) == SPEC
    with pytest.raises(ValueError, match="features"):
        FeatureSpec.from_dict(plain | {"names": ["other"]})


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_window_moments_equal_numpy_for_any_windows(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = rng.normal(5, 2, (n, 2))
    times = START + np.sort(rng.choice(10_000, n, replace=False)) * MINUTE
    count = data.draw(st.integers(1, 50))
    regular = data.draw(st.booleans())
    end = np.arange(count) % n + 1 if regular else rng.integers(0, n + 1, count)
    first = np.maximum(end - 5, 0) if regular else np.minimum(rng.integers(0, n + 1, count), end)
    found = window_moments(times, values, {"w": (first, end)}, extremes=("w",))["w"]
    for row in range(count):
        window = values[first[row] : end[row]]
        if not len(window):
            assert np.isnan(found.mean[row]).all()
            continue
        np.testing.assert_allclose(found.mean[row], window.mean(0), rtol=1e-12)
        np.testing.assert_array_equal(found.low[row], window.min(0))
        np.testing.assert_array_equal(found.high[row], window.max(0))
        if len(window) > 1:
            np.testing.assert_allclose(found.std[row], window.std(0, ddof=1), rtol=1e-9, atol=1e-12)
