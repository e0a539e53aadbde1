"""Renamed, merged and retired machines, renamed sensors and limits: the readings stay, files still find them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pdm_desktop.core import ingest, naming, times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record import By
from pdm_desktop.core.schema import Sensor
from pdm_desktop.core.store import Store

HOUR = times.HOUR
T0 = times.parse("2015-01-01 06:00", "UTC")
ANN = By("Ann", "one press, two names")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "plant.db")
    yield opened
    opened.close()


def load(store: Store, tmp_path: Path, name: str, text: str) -> int:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    made = ingest.import_file(
        store, path, kind=None, time_zone="UTC", dry_run=False, progress=Progress(), rejects_dir=tmp_path / "rejects"
    )
    return made.batch or 0


def readings(machine: str, first: int, heats: list[float | None], flow: float | None = None) -> str:
    """A telemetry file, one reading an hour from T0 + first hours on."""
    lines = ["datetime,machineID,heat,flow"]
    for at, heat in enumerate(heats):
        when = times.iso(T0 + (first + at) * HOUR, "UTC")[:19].replace("T", " ")
        lines.append(f"{when},{machine},{'' if heat is None else heat},{'' if flow is None else flow}")
    return "\n".join(lines) + "\n"


def values(store: Store, machine: str) -> dict[int, list[float | None]]:
    when, cells = store.telemetry(machine)
    return {
        int(time - T0) // HOUR: [None if np.isnan(cell) else cell for cell in column]
        for time, column in zip(when.tolist(), cells.T.tolist(), strict=True)
    }


def risk_times(store: Store, machine: str) -> list[int]:
    return store.risk("run", [machine])["time"].tolist()


def opinion(store: Store, *machines: str) -> None:
    frame = pd.DataFrame({"machine": list(machines), "time": T0, "risk": 0.5, "pump": 0.5})
    store.save_risk("run", "1", 1, frame)


# -- sensors ----------------------------------------------------------------------------------------------------------


def test_a_renamed_sensor_keeps_its_readings_and_its_files(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1, 2], flow=5))
    opinion(store, "1")
    naming.change_sensor(store, "heat", Sensor(0, "temperature", "°C"), ANN)
    assert [(s.name, s.unit) for s in store.sensors()] == [("temperature", "°C"), ("flow", "")]
    assert values(store, "1") == {0: [1, 5], 1: [2, 5]}
    assert risk_times(store, "1") == []
    load(store, tmp_path, "b.csv", readings("1", 2, [3], flow=5))
    assert [s.name for s in store.sensors()] == ["temperature", "flow"]
    assert values(store, "1")[2] == [3, 5]
    db = sqlite3.connect(store.path)
    assert db.execute("SELECT temperature FROM telemetry_by_name ORDER BY time").fetchall() == [(1,), (2,), (3,)]
    db.close()


def test_another_unit_changes_no_number_and_no_opinion(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1, 2], flow=5))
    opinion(store, "1")
    naming.change_sensor(store, "heat", Sensor(0, "heat", "K"), ANN)
    assert values(store, "1") == {0: [1, 5], 1: [2, 5]}
    assert risk_times(store, "1") == [T0]


def test_values_outside_the_limits_are_kept_and_counted_by_machine(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [-1, 0, 50, 100, 101], flow=5))
    load(store, tmp_path, "b.csv", readings("2", 0, [50, 200, 300], flow=5))
    naming.change_sensor(store, "heat", Sensor(0, "heat", "", 0.0, 100.0), ANN)
    assert store.names.outside_limits() == {"heat": {"1": 2, "2": 2}}
    assert values(store, "2")[2] == [300, 5]
    naming.change_sensor(store, "heat", Sensor(0, "heat", "", None, 250.0), ANN)
    assert store.names.outside_limits() == {"heat": {"2": 1}}


def test_a_sensors_change_taken_back_gives_name_unit_and_limits_back(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1], flow=5))
    edit = naming.change_sensor(store, "heat", Sensor(0, "temperature", "K", 0.0, 9.0), ANN)
    store.edits.undo(edit, "Ann", Progress())
    (heat, _) = store.sensors()
    assert (heat.name, heat.unit, heat.low, heat.high) == ("heat", "", None, None)


@pytest.mark.parametrize(
    ("name", "after", "says"),
    [
        ("heat", Sensor(0, "FLOW"), "already"),
        ("heat", Sensor(0, " "), "needs a name"),
        ("heat", Sensor(0, "heat", "", 5.0, 5.0), "lower limit"),
        ("heat", Sensor(0, "heat"), "Nothing is different"),
        ("heat2", Sensor(0, "x"), "no sensor"),
    ],
)
def test_a_senseless_change_of_a_sensor_is_refused(
    store: Store, tmp_path: Path, name: str, after: Sensor, says: str
) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1], flow=5))
    with pytest.raises(PdmError, match=says):
        naming.change_sensor(store, name, after, ANN)
    assert store.edits.all() == ()


# -- machines ---------------------------------------------------------------------------------------------------------


def test_a_renamed_machine_keeps_its_record_and_its_files(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("M-1", 0, [1, 2]))
    edit = naming.rename(store, "M-1", " Press 1 ", ANN)
    assert store.machines()["machine"].tolist() == ["Press 1"]
    load(store, tmp_path, "b.csv", readings("M-1", 2, [3]))
    load(store, tmp_path, "c.csv", readings("Press 1", 3, [4]))
    assert store.machines()["machine"].tolist() == ["Press 1"]
    assert [cells[0] for cells in values(store, "Press 1").values()] == [1, 2, 3, 4]
    store.edits.undo(edit, "Ann", Progress())
    assert store.machines()["machine"].tolist() == ["M-1"]
    assert len(values(store, "M-1")) == 4


def test_a_taken_name_is_refused(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1]))
    load(store, tmp_path, "b.csv", readings("2", 0, [1]))
    with pytest.raises(PdmError, match="already"):
        naming.rename(store, "1", "2", ANN)


def test_two_machines_that_are_one_are_merged_by_cell_and_conflicts_are_listed(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("P1", 0, [1, 2, None]))
    load(store, tmp_path, "b.csv", readings("Press 1", 1, [2.5, 3, 4], flow=7))
    opinion(store, "P1", "Press 1")
    told = naming.preview(store, "Press 1", "P1")
    assert (told.readings, told.shared, told.differing) == (3, 1, 1)
    assert told.conflicts == ((T0 + HOUR, "heat", 2.0, 2.5),)
    naming.merge(store, "Press 1", "P1", ANN, tmp_path / "backups", Progress())
    assert store.machines()["machine"].tolist() == ["P1"]
    # the newer import (b.csv) holds where both have a value
    assert values(store, "P1") == {0: [1, None], 1: [2.5, 7], 2: [3, 7], 3: [4, 7]}
    assert store.coverage()["readings"].tolist() == [4]
    assert risk_times(store, "P1") == []
    listed = (next((tmp_path / "backups").glob("*.csv"))).read_text("utf-8-sig").splitlines()
    assert listed[1:] == ["2015-01-01T07:00:00+00:00,heat,2.0,2.5"]
    (edit,) = store.edits.all("P1")
    assert (edit.what, edit.before["name"], edit.undoable) == ("machines merged", "Press 1", False)
    with pytest.raises(PdmError, match="backup"):
        store.edits.undo(edit.id, "Ann", Progress())


def test_after_a_merge_each_import_can_still_be_undone_exactly(store: Store, tmp_path: Path) -> None:
    first = load(store, tmp_path, "a.csv", readings("P1", 0, [1, 2, None]))
    second = load(store, tmp_path, "b.csv", readings("Press 1", 1, [2.5, 3, 4], flow=7))
    third = load(store, tmp_path, "c.csv", readings("P1", 2, [9]))
    naming.merge(store, "Press 1", "P1", ANN, tmp_path / "backups", Progress())
    assert values(store, "P1") == {0: [1, None], 1: [2.5, 7], 2: [9, 7], 3: [4, 7]}
    store.undo(second, Progress())
    assert values(store, "P1") == {0: [1, None], 1: [2, None], 2: [9, None]}
    store.undo(first, Progress())
    assert values(store, "P1") == {2: [9, None]}
    store.undo(third, Progress())
    assert values(store, "P1") == {}
    assert store.machines().empty


def test_a_merge_moves_events_attributes_and_the_names_files_use(store: Store, tmp_path: Path) -> None:
    with store.batch("m.csv", "machines") as writer:
        writer.attributes(["P1", "Press 1"], ["model3", ""], np.array([np.nan, 7.0]), np.array([2, 3]))
        writer.finish("m", 0)
    failures = "datetime,machineID,failure\n2015-01-01 11:00:00,{0},pump\n2015-01-02 11:00:00,{1},belt\n"
    load(store, tmp_path, "f.csv", failures.format("Press 1", "P1"))
    load(store, tmp_path, "g.csv", "datetime,machineID,failure\n2015-01-01 11:00:00,P1,pump\n")
    naming.merge(store, "Press 1", "P1", ANN, tmp_path / "backups", Progress())
    assert store.machines().to_dict("records") == [{"machine": "P1", "machine_model": "model3", "age": 7.0}]
    assert store.events("failures")[["machine", "label"]].to_numpy().tolist() == [["P1", "pump"], ["P1", "belt"]]
    load(store, tmp_path, "h.csv", readings("Press 1", 0, [1]))
    assert store.machines()["machine"].tolist() == ["P1"]
    assert len(values(store, "P1")) == 1


def test_a_file_that_names_both_machines_does_not_break_undo(store: Store, tmp_path: Path) -> None:
    both = load(store, tmp_path, "a.csv", readings("A", 0, [1, 2]) + "\n".join(readings("B", 0, [5]).splitlines()[1:]))
    naming.merge(store, "B", "A", ANN, tmp_path / "backups", Progress())
    # what the file said of the machine that stays holds
    assert values(store, "A") == {0: [1], 1: [2]}
    store.undo(both, Progress())
    assert store.machines().empty
    db = sqlite3.connect(store.path)
    left = db.execute("SELECT (SELECT count(*) FROM telemetry_claim), (SELECT count(*) FROM origin)").fetchone()
    db.close()
    assert left == (0, 0)


def test_a_retired_machine_keeps_its_record_and_can_return(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "a.csv", readings("1", 0, [1]))
    with pytest.raises(PdmError, match="only machine"):
        naming.retire(store, "1", ANN, at=T0)
    load(store, tmp_path, "b.csv", readings("2", 0, [1]))
    naming.retire(store, "1", ANN, at=T0 + HOUR)
    assert store.names.retired() == {"1": T0 + HOUR}
    assert store.machines()["machine"].tolist() == ["1", "2"]
    with pytest.raises(PdmError, match="already"):
        naming.retire(store, "1", ANN, at=T0)
    edit = naming.bring_back(store, "1", ANN)
    assert store.names.retired() == {}
    store.edits.undo(edit, "Ann", Progress())
    assert store.names.retired() == {"1": T0 + HOUR}


@pytest.mark.parametrize("seed", range(8))
def test_a_merge_of_anything_equals_having_had_one_machine_and_stays_undoable_in_any_order(
    store: Store, tmp_path: Path, seed: int
) -> None:
    """Against a plain model: each cell holds the value of its newest batch not undone, whichever name it came under."""
    random = np.random.default_rng(seed)
    said: dict[int, dict[tuple[int, int], float]] = {}

    def bring(names: list[str], number: int) -> None:
        cells: dict[tuple[int, int], float] = {}
        with store.batch(f"{number}.csv", "telemetry") as writer:
            # B first: what A says in the same file holds over it.
            for name in sorted(names, reverse=True):
                hours = np.flatnonzero(random.random(8) < 0.6)
                if not len(hours):
                    continue
                grid = random.integers(0, 3, (2, len(hours))).astype(float)
                grid[random.random(grid.shape) < 0.3] = np.nan
                writer.readings([name], np.zeros(len(hours), np.int64), T0 + hours * HOUR,
                                [("heat", ""), ("flow", "")], grid, hours + 2)  # fmt: skip
                for sensor, column in zip(*np.nonzero(~np.isnan(grid)), strict=True):
                    cells[int(hours[column]), int(sensor)] = float(grid[sensor, column])
            writer.finish(f"file {number}", 0)
        said[writer.id] = cells

    def check() -> None:
        expected: dict[tuple[int, int], float] = {}
        for _, cells in sorted(said.items()):
            expected |= cells
        when, grid = store.telemetry("A")
        names = [sensor.name for sensor in store.sensors()]
        found = {
            (int(when[column] - T0) // HOUR, ["heat", "flow"].index(names[sensor])): float(grid[sensor, column])
            for sensor, column in zip(*np.nonzero(~np.isnan(grid)), strict=True)
        }
        assert found == expected
        assert sum(store.coverage()["readings"]) == len(when)

    for number in range(6):
        bring([["A"], ["B"], ["A", "B"]][random.integers(0, 3)], number)
    if {"A", "B"} - set(store.machines()["machine"]):
        bring(["A"], 90)
        bring(["B"], 91)
    for batch in random.permutation(sorted(said))[:1].tolist():
        store.undo(batch, Progress())
        del said[batch]
    if {"A", "B"} <= set(store.machines()["machine"]):
        naming.merge(store, "B", "A", ANN, tmp_path / "backups", Progress())
        check()
    bring(["B", "A"], 99)
    if "B" not in set(store.machines()["machine"]):
        for batch in random.permutation(sorted(said)).tolist():
            check()
            store.undo(batch, Progress())
            del said[batch]
        check()
