"""When machines run: what counts over what, what rules give, what files may say, and that no risk is told meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import periods, service, simulate, times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.periods import Entry
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record import By
from pdm_desktop.core.record_results import Period, PeriodRule
from pdm_desktop.core.workspace import Workspace

HOUR = times.HOUR
ANN = By("Ann", "overhaul")
AT = np.arange(10, dtype=np.int64)


def span(start: int, end: int | None, state: str = "stopped", number: int = 1) -> Period:
    return Period(number, "1", start, end, state, "hand")  # type: ignore[arg-type]


def used(*given: Period) -> list[int]:
    return AT[periods.usable(AT, given)].tolist()


def test_a_period_begins_with_its_start_and_ends_before_its_end() -> None:
    assert used(span(2, 5)) == [0, 1, 5, 6, 7, 8, 9]
    assert used(span(7, None, "out of service")) == [0, 1, 2, 3, 4, 5, 6]
    assert used() == AT.tolist()


def test_what_is_said_later_holds_over_what_was_said_before() -> None:
    assert used(span(2, 8), span(4, 6, "running")) == [0, 1, 4, 5, 8, 9]
    assert used(span(4, 6, "running"), span(2, 8)) == [0, 1, 8, 9]
    assert periods.at_time(5, (span(2, 8), span(4, 6, "running"))).state == "running"  # type: ignore[union-attr]
    assert periods.at_time(9, (span(2, 8),)) is None


def readings(values: list[float], first: int = 0):
    when = np.arange(first, first + len(values), dtype=np.int64)
    return lambda _sensor: (when, np.array(values, float))


RULE = PeriodRule(1, "", "speed", False, 50.0, "stopped")


def test_a_rule_holds_from_a_reading_that_meets_it_to_the_next_that_does_not() -> None:
    found = periods.by_rule("1", RULE, readings([60, 10, 10, 60, 49.9, 50, 0]))
    assert [(p.start, p.end) for p in found] == [(1, 3), (4, 5), (6, None)]
    above = periods.by_rule("1", PeriodRule(1, "", "speed", True, 50.0, "stopped"), readings([60, 10, 60, 60, 10]))
    assert [(p.start, p.end) for p in above] == [(0, 1), (2, 4)]
    assert periods.by_rule("1", RULE, readings([])) == ()


def test_what_a_rule_says_of_a_time_does_not_depend_on_what_came_later() -> None:
    values = [60.0, 10, 10, 60, 20, 70, 10, 10, 80]
    whole = periods.usable(AT[:9], periods.by_rule("1", RULE, readings(values)))
    for end in range(1, 10):
        part = periods.usable(AT[:end], periods.by_rule("1", RULE, readings(values[:end])))
        assert part.tolist() == whole[:end].tolist()


def test_a_period_entered_holds_over_a_rule_and_rules_may_be_for_one_machine() -> None:
    running = Period(9, "1", 2, 4, "running", "hand")
    given = periods.of("1", [running], [RULE], readings([0.0] * 10))
    assert used(*given) == [2, 3]
    elsewhere = PeriodRule(1, "2", "speed", False, 50.0, "stopped")
    assert periods.of("1", [running], [elsewhere], readings([0.0] * 10)) == (running,)


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_of_periods_is_read_in_the_plants_time_zone(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(
        "Machine;Start;End;State\n1;2015-01-02 06:00;2015-01-03 06:00;Stopped\n2;2015-01-02T00:00Z;;out_of_service\n",
        encoding="utf-8-sig",
    )
    day = times.parse("2015-01-02 00:00", "UTC")
    assert periods.read_file(path, "Europe/Berlin") == (
        Entry("1", day + 5 * HOUR, day + 29 * HOUR, "stopped"),
        Entry("2", day, None, "out of service"),
    )


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("machine,start,end\n1,2015-01-02,\n", "p.csv, line 1", "no column 'state'"),
        ("machine,start,end,state\n1,2015-01-02,,broken\n", "p.csv, line 2, column state", "no state"),
        ("machine,start,end,state\n1,2.1.2015,,stopped\n", "p.csv, line 2, column start", "not a time"),
        ("machine,start,end,state\n1,2015-01-02,2015-01-01,stopped\n", "p.csv, line 2", "ends before"),
        ("machine,start,end,state\n,2015-01-02,,stopped\n", "p.csv, line 2, column machine", "missing"),
        ("machine,start,end,state\n1,2015-01-02,stopped\n", "p.csv, line 2", "3 cells"),
        ("machine,start,end,state\n", "p.csv", "no period"),
        ("", "p.csv, line 1", "no column"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, where: str, says: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PdmError, match=says) as caught:
        periods.read_file(path, "UTC")
    assert caught.value.where == where


# -- in the workspace -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plant_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plant")
    simulate.write(folder, machines=3, days=30, seed=3)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, plant_files: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "ws") as opened:
        opened.import_files([plant_files], Progress())
        opened.score(None, Progress())
        yield opened


def test_a_machine_out_of_service_has_no_risk_says_since_when_and_returns_when_the_period_is_removed(
    workspace: Workspace,
) -> None:
    now = workspace.clock().now
    before = {row.machine: row.risk for row in workspace.score(None, Progress()).rows}
    start = now - 30 * HOUR
    workspace.enter_periods([Entry("2", start, None, "out of service")], ANN)
    (row,) = [row for row in workspace.score(None, Progress()).rows if row.machine == "2"]
    assert (row.risk, row.band) == (None, "unknown")
    assert row.note == f"Out of service since {times.short(start, 'UTC')}"
    told = row.history_times[~np.isnan(row.history_risk)]
    assert told.max() == start - HOUR
    view = workspace.machine_view("2", None, None, Progress())
    assert np.isnan(view.risk[view.risk_times >= start]).all()
    assert not np.isnan(view.risk[view.risk_times < start]).any()
    (period,) = workspace.periods("2")
    workspace.remove_period(period.id, ANN)
    after = {row.machine: row.risk for row in workspace.score(None, Progress()).rows}
    assert after == before


def test_a_past_stop_leaves_the_present_risk_and_takes_the_past_ones_out(workspace: Workspace) -> None:
    now = workspace.clock().now
    before = {row.machine: row.risk for row in workspace.score(None, Progress()).rows}
    workspace.enter_periods([Entry("1", now - 50 * HOUR, now - 40 * HOUR, "stopped")], ANN)
    (row,) = [row for row in workspace.score(None, Progress()).rows if row.machine == "1"]
    assert row.risk == before["1"]
    silent = row.history_times[np.isnan(row.history_risk)]
    assert ((silent - now) // HOUR).tolist() == list(range(-50, -40))


def test_a_rule_stops_machines_by_their_readings_and_taken_back_no_longer_does(workspace: Workspace) -> None:
    before = {row.machine: row.risk for row in workspace.score(None, Progress()).rows}
    sensor = workspace.data_overview(Progress()).sensors[0][0]
    edit = workspace.add_rule(PeriodRule(0, "3", sensor, False, 1e9, "stopped"), ANN)
    rows = {row.machine: row for row in workspace.score(None, Progress()).rows}
    assert [rows[m].band == "unknown" for m in "123"] == [False, False, True]
    assert rows["3"].note.startswith("Stopped since")
    assert workspace.data_overview(Progress()).rules[0].text == f"{sensor} < 1e+09 means stopped"
    workspace.undo_edit(edit, "Ann", Progress())
    assert {row.machine: row.risk for row in workspace.score(None, Progress()).rows} == before


def test_a_file_of_periods_comes_in_once_and_whole_or_not(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("machine,start,end,state\n1,2015-01-02,2015-01-03,stopped\n9,2015-01-02,,stopped\n", "utf-8")
    with pytest.raises(PdmError, match="no machine '9'"):
        workspace.import_periods(path, ANN)
    assert workspace.periods() == ()
    path.write_text("machine,start,end,state\n1,2015-01-02,2015-01-03,stopped\n2,2015-01-02,,stopped\n", "utf-8")
    assert workspace.import_periods(path, ANN) == 2
    assert workspace.import_periods(path, ANN) == 0
    assert [(p.machine, p.state, p.source) for p in workspace.periods()] == [
        ("1", "stopped", "file"), ("2", "stopped", "file"),
    ]  # fmt: skip


def test_training_can_ask_which_times_are_usable(workspace: Workspace) -> None:
    from pdm_desktop.core.histories import histories

    now = workspace.clock().now
    workspace.enter_periods([Entry("1", now - 5 * HOUR, now - 3 * HOUR, "out of service")], ANN)
    in_service = service.InService(workspace._store)
    at = now + np.arange(-6, 1, dtype=np.int64) * HOUR
    for history in histories(workspace._store, ["1", "2"], None, None):
        expected = [True, False, False, True, True, True, True] if history.machine == "1" else [True] * 7
        assert in_service.usable(history, at).tolist() == expected


def test_a_retired_machine_leaves_fleet_and_scoring_and_keeps_its_record(workspace: Workspace) -> None:
    edit = workspace.retire_machine("2", ANN)
    assert [row.machine for row in workspace.score(None, Progress()).rows if row.machine == "2"] == []
    rows = {row.machine: row for row in workspace.data_overview(Progress()).rows}
    assert rows["2"].retired == workspace.clock().now
    assert rows["2"].readings == rows["1"].readings
    assert workspace.machine_view("2", None, None, Progress()).sensors
    workspace.undo_edit(edit, "Ann", Progress())
    assert len(workspace.score(None, Progress()).rows) == 3
