"""Flags: what is stuck, what jumped, what is silent, and what a risk has to do with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pdm_desktop.core import simulate, times
from pdm_desktop.core.features import MachineHistory
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.quality import clock_jumps, doubts, stuck
from pdm_desktop.core.results import ClockJump, Stuck
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.workspace import Workspace

HOUR = times.HOUR
LEAST = 12 * HOUR


def hours(count: int, first: float = 0) -> np.ndarray:
    return ((np.arange(count) + first) * HOUR).astype(np.int64)


def noise(count: int) -> np.ndarray:
    return np.sin(np.arange(count) * 1.7) * 10 + 100


def test_a_sensor_that_shows_one_value_for_long_enough_is_stuck_from_its_first_to_its_last_reading() -> None:
    values = noise(100)
    values[20:33] = 99.5
    assert stuck("heat", hours(100), values, LEAST) == (Stuck("heat", 20 * HOUR, 32 * HOUR, 99.5),)
    assert stuck("heat", hours(100), values, LEAST + 1) == ()


def test_a_sensor_that_never_changed_is_stuck_and_a_state_with_few_values_is_not() -> None:
    assert len(stuck("heat", hours(50), np.full(50, 3.0), LEAST)) == 1
    states = np.repeat([1.0, 2.0, 3.0], 30)
    assert stuck("mode", hours(90), states, LEAST) == ()


def test_few_equal_readings_far_apart_are_chance() -> None:
    values = noise(40)
    values[10:14] = 5.0
    assert stuck("heat", hours(40) * 24, values, LEAST) == ()
    values[10:15] = 5.0
    assert len(stuck("heat", hours(40) * 24, values, LEAST)) == 1


@pytest.mark.parametrize(("shift", "by"), [(0.25, 0.25), (-0.25, -0.25), (3.4, 0.4)])
def test_a_clock_that_was_set_moves_the_beat_of_the_readings(shift: float, by: float) -> None:
    when = np.concatenate((hours(100), hours(100, 100 + shift)))
    assert clock_jumps(when, HOUR) == (ClockJump(int(when[100]), round(by * HOUR)),)


def test_gaps_single_late_readings_and_irregular_sampling_are_no_jumps() -> None:
    assert clock_jumps(np.concatenate((hours(50), hours(50, 80))), HOUR) == ()
    late = hours(100)
    late[40] += HOUR // 3
    assert clock_jumps(late, HOUR) == ()
    irregular = np.cumsum(np.random.default_rng(1).integers(HOUR // 2, 2 * HOUR, 200))
    assert clock_jumps(irregular, HOUR) == ()
    assert clock_jumps(hours(2), HOUR) == ()
    assert clock_jumps(hours(9), None) == ()


def told(history: MachineHistory, at: int, *limits: Sensor) -> tuple[str, ...]:
    return doubts(history, ["heat"], limits, at, 24 * HOUR, HOUR, LEAST, lambda t: f"hour {t // HOUR}")


def test_a_risk_says_what_weakens_it() -> None:
    values = noise(100)
    values[85:] = 7.0
    history = MachineHistory("1", ("heat",), hours(100), values[None, :])
    assert told(history, 99 * HOUR) == ("heat has shown the same value, 7, since hour 85",)
    assert told(history, 90 * HOUR) == ()
    assert told(history, 80 * HOUR, Sensor(1, "Heat", "", 95.0, None)) == (
        f"{int((values[57:81] < 95).sum())} of 24 values of heat lie outside its plausible limits",
    )


def test_a_silence_in_the_window_of_a_risk_is_said_and_an_older_one_is_not() -> None:
    when = np.concatenate((hours(50), hours(50, 60)))
    history = MachineHistory("1", ("heat",), when, noise(100)[None, :])
    assert told(history, 65 * HOUR) == ("11 h without a reading in the 24 h it rests on",)
    assert told(history, 80 * HOUR) == ("no reading for 11 h, until hour 60",)
    assert told(history, 100 * HOUR) == ()


def test_a_clock_jump_in_the_window_of_a_risk_is_said() -> None:
    when = np.concatenate((hours(90), hours(10, 90.25)))
    history = MachineHistory("1", ("heat",), when, noise(100)[None, :])
    assert told(history, 99 * HOUR + HOUR // 4) == ("the clock of its readings jumped at hour 90",)


def test_the_fleet_and_the_data_page_flag_a_stuck_sensor_and_a_gap(tmp_path: Path) -> None:
    simulate.write(tmp_path / "plant", machines=3, days=30, seed=3)
    path = tmp_path / "plant" / "PdM_telemetry.csv"
    frame = pd.read_csv(path)
    second = frame[frame["machineID"] == 2].index
    third = frame[frame["machineID"] == 3].index
    name = frame.columns[3]
    frame.loc[second[-20:], name] = 448.25
    frame.drop(third[-15:-5]).to_csv(path, index=False)
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.import_files([tmp_path / "plant"], Progress())
        rows = {row.machine: row for row in workspace.score(None, Progress()).rows}
        assert rows["1"].doubts == ()
        (said,) = rows["2"].doubts
        assert said.startswith(f"{name} has shown the same value, 448.25, since ")
        assert rows["3"].doubts == ("11 h without a reading in the 24 h it rests on",)
        assert workspace.machine_view("2", None, None, Progress()).state.doubts == rows["2"].doubts
        seen = {row.machine: row for row in workspace.data_overview(Progress()).rows}
        (span,) = seen["2"].stuck
        assert (span.sensor, span.value, (span.end - span.start) // HOUR) == (name, 448.25, 19)
        (gap,) = seen["3"].gaps
        assert (gap[1] - gap[0]) // HOUR == 11
        batch = next(b.id for b in workspace.imports() if b.kind == "telemetry")
        workspace.undo(batch, Progress())
        assert all(row.stuck == () and row.gaps == () for row in workspace.data_overview(Progress()).rows)
        workspace.change_settings({"stuck_h": "20"})
        workspace.import_files([path], Progress())
        assert workspace.data_overview(Progress()).rows[1].stuck == ()
