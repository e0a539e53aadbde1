"""plant.db: what may be opened, what is read back, what another SQLite tool sees, what stays after a fault."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pdm_desktop.core import paths
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import ConflictCell
from pdm_desktop.core.store import Store, tables
from pdm_desktop.core.store.database import file_system, world_faults
from pdm_desktop.core.store.tables import HEAD, natural_key

HOUR = 3_600_000
T0 = 1_420_092_000_000  # 2015-01-01 06:00 UTC
NASTY = ['select"; --', "with space", "quote'quote", "ÄÖ µ", "time", "MACHINE", "order"]


@pytest.fixture
def store(tmp_path: Path):
    opened = Store.open(tmp_path / "plant.db")
    yield opened
    opened.close()


def add_readings(store: Store, machine: str, times: list[int], sensors: list[str], values: list[list[float]]) -> int:
    """values: a list a sensor."""
    with store.batch(f"{machine}.csv", "telemetry") as writer:
        writer.readings(
            [machine],
            np.zeros(len(times), np.int64),
            np.array(times, np.int64),
            [(name, "") for name in sensors],
            np.array(values, float),
            np.arange(len(times)) + 2,
        )
        writer.finish(f"hash of {machine} {times} {values}", 0)
    return writer.id


def add_event(store: Store, kind: str, machine: str, time: int, label: str, known: float = np.nan) -> int:
    with store.batch(f"{kind}.csv", kind) as writer:
        zero = np.zeros(1, np.int64)
        writer.events([machine], zero, np.array([time]), [label], zero, np.array([known]), np.array([2]))
        writer.finish(f"hash of {kind} {machine} {time} {label}", 0)
    return writer.id


def add_machine(store: Store, machine: str, model: str, age: float) -> int:
    with store.batch("machines.csv", "machines") as writer:
        writer.attributes([machine], [model], np.array([age]), np.array([2]))
        writer.finish(f"hash of {machine} {model} {age}", 0)
    return writer.id


def query(path: Path, statement: str) -> list[tuple]:
    """What a plain SQLite tool reads."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


# -- opening ----------------------------------------------------------------------------------------------------------


def test_a_new_database_is_in_wal_mode_and_of_the_newest_schema(store: Store) -> None:
    assert query(store.path, "PRAGMA journal_mode") == [("wal",)]
    assert query(store.path, "SELECT version_num FROM alembic_version") == [(HEAD,)]


def test_the_newest_migration_is_the_one_the_program_expects() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(paths.migrations()))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    store = Store.open(path)
    add_readings(store, "7", [T0], ["heat"], [[1.5]])
    store.close()
    store = Store.open(path)
    assert store.telemetry("7")[1].tolist() == [[1.5]]
    store.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(store: Store) -> None:
    store.close()
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(PdmError, match="newer version"):
        Store.open(store.path)
    assert query(store.path, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.fixture
def newer_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The program one schema version on; give it the migration's body."""

    def install(body: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(paths.migrations(), folder)
        (folder / "versions" / "9001_next.py").write_text(
            f"from alembic import op\nrevision = '9001'\ndown_revision = '{HEAD}'\n\ndef upgrade():\n" + body
        )
        monkeypatch.setattr(paths, "migrations", lambda: folder)
        monkeypatch.setattr(tables, "HEAD", "9001")

    return install


def test_an_older_database_is_backed_up_and_migrated(store: Store, newer_program) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.close()
    newer_program("    op.execute('ALTER TABLE machine ADD COLUMN site TEXT')\n")
    with pytest.raises(PdmError, match="older version"):
        Store.open(store.path, read_only=True)
    migrated = Store.open(store.path)
    assert migrated.telemetry("1")[1].tolist() == [[1.0]]
    migrated.close()
    assert query(store.path, "SELECT name, site FROM machine") == [("1", None)]
    (backup,) = (store.path.parent / "backups").iterdir()
    assert query(backup, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert query(backup, "SELECT name FROM machine") == [("1",)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(store: Store, newer_program) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.close()
    newer_program("    op.execute('DELETE FROM telemetry')\n    raise RuntimeError('bug')\n")
    with pytest.raises(RuntimeError):
        Store.open(store.path)
    assert query(store.path, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert query(store.path, "SELECT s1 FROM telemetry") == [(1.0,)]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    path.write_text("datetime,machineID\n" * 100)
    with pytest.raises(PdmError, match="not a database"):
        Store.open(path)
    assert path.read_text() == "datetime,machineID\n" * 100


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE song (title TEXT)")
    connection.close()
    with pytest.raises(PdmError, match="not a plant's"):
        Store.open(path)
    assert query(path, "SELECT name FROM sqlite_master") == [("song",)]


def test_a_damaged_database_is_refused(store: Store) -> None:
    for number in range(50):
        add_readings(store, str(number), [T0], ["heat"], [[1.0]])
    store.close()
    data = bytearray(store.path.read_bytes())
    data[100 : len(data)] = b"\xff" * (len(data) - 100)
    store.path.write_bytes(data)
    with pytest.raises(PdmError, match=r"damaged|not a database"):
        Store.open(store.path)


def test_read_only_needs_a_database_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(PdmError, match="no plant database"):
        Store.open(tmp_path / "plant.db", read_only=True)
    writing = Store.open(tmp_path / "plant.db")
    add_readings(writing, "1", [T0], ["heat"], [[1.0]])
    reading = Store.open(tmp_path / "plant.db", read_only=True)
    assert reading.telemetry("1")[1].tolist() == [[1.0]]
    with pytest.raises(PdmError, match="cannot be written"):
        add_readings(reading, "1", [T0 + HOUR], ["heat"], [[1.0]])
    reading.close()
    writing.close()
    alone = Store.open(tmp_path / "plant.db", read_only=True)
    assert alone.machines()["machine"].tolist() == ["1"]
    alone.close()


# -- reading back -----------------------------------------------------------------------------------------------------


def test_readings_come_back_by_machine_in_time_order_with_empty_cells_as_nan(store: Store) -> None:
    add_readings(store, "b", [T0 + HOUR, T0], ["x", "y"], [[2.0, 1.0], [np.nan, 5.0]])
    add_readings(store, "a", [T0], ["z"], [[9.0]])
    times, values = store.telemetry("b")
    assert times.tolist() == [T0, T0 + HOUR]
    assert times.dtype == np.int64
    np.testing.assert_array_equal(values, [[1.0, 2.0], [5.0, np.nan], [np.nan, np.nan]])
    assert [sensor.name for sensor in store.sensors()] == ["x", "y", "z"]


def test_a_span_includes_both_its_ends(store: Store) -> None:
    add_readings(store, "1", [T0 + i * HOUR for i in range(5)], ["x"], [[0, 1, 2, 3, 4]])
    assert store.telemetry("1", T0 + HOUR, T0 + 3 * HOUR)[1].tolist() == [[1, 2, 3]]
    assert store.telemetry("1", None, T0)[1].tolist() == [[0]]
    assert store.telemetry("1", T0 + 4 * HOUR, None)[1].tolist() == [[4]]


def test_an_unknown_machine_has_no_readings(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    times, values = store.telemetry("2")
    assert times.shape == (0,)
    assert values.shape == (1, 0)


def test_many_machines_at_once_read_the_same_as_one_by_one(store: Store) -> None:
    names = [f"m{i}" for i in range(1200)]  # more than one statement takes
    rng = np.random.default_rng(1)
    with store.batch("all.csv", "telemetry") as writer:
        codes = np.repeat(np.arange(1200), 3)
        times = np.tile(T0 + np.arange(3) * HOUR, 1200)
        writer.readings(names, codes, times, [("x", ""), ("y", "")], rng.normal(size=(2, 3600)), np.arange(3600) + 2)
        writer.finish("hash", 0)
    many = store.telemetry_many([*names, "nobody"], T0, T0 + HOUR)
    assert len(many) == 1201
    assert many["nobody"][1].shape == (2, 0)
    for name in ("m0", "m2", "m10", "m1199"):
        times, values = store.telemetry(name, T0, T0 + HOUR)
        np.testing.assert_array_equal(many[name][0], times)
        np.testing.assert_array_equal(many[name][1], values)
        assert len(times) == 2


def test_machines_are_in_natural_order(store: Store) -> None:
    for name in ("10", "2", "press 9", "press 10", "1"):
        add_readings(store, name, [T0], ["x"], [[1.0]])
    assert store.machines()["machine"].tolist() == ["1", "2", "10", "press 9", "press 10"]


@pytest.mark.parametrize("text", ["", "²", "٣", "1²3", "a" * 5000, "9" * 6000])
def test_natural_order_takes_any_text(text: str) -> None:
    assert sorted([text, "1", "a"], key=natural_key)


def test_machine_attributes_are_empty_until_told(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    add_machine(store, "2", "M-200", 3.5)
    frame = store.machines()
    assert frame["machine_model"].tolist() == ["", "M-200"]
    assert np.isnan(frame["age"][0])
    assert frame["age"][1] == 3.5


def test_events_come_by_machine_and_time_with_when_they_became_known(store: Store) -> None:
    add_event(store, "errors", "10", T0, "E7")
    add_event(store, "errors", "2", T0 + HOUR, "E7", known=T0 + 2 * HOUR)
    add_event(store, "errors", "2", T0, "E9")
    add_event(store, "failures", "2", T0, "pump")
    frame = store.events("errors")
    assert frame["machine"].tolist() == ["2", "2", "10"]
    assert frame["time"].tolist() == [T0, T0 + HOUR, T0]
    assert frame["label"].tolist() == ["E9", "E7", "E7"]
    assert np.isnan(frame["known"][0])
    assert frame["known"][1] == T0 + 2 * HOUR
    assert store.events("errors", ["10", "none"])["machine"].tolist() == ["10"]
    assert store.events("errors", None, T0 + 1, None)["label"].tolist() == ["E7"]
    assert store.newest_event("failures") == T0
    assert store.newest_event("maintenance") is None


def test_coverage_counts_each_kind_and_follows_undo(store: Store) -> None:
    add_readings(store, "2", [T0, T0 + HOUR], ["x"], [[1.0, 2.0]])
    later = add_readings(store, "2", [T0 + 5 * HOUR], ["x"], [[1.0]])
    add_event(store, "failures", "2", T0, "pump")
    add_machine(store, "1", "M", 1)
    frame = store.coverage()
    assert frame["machine"].tolist() == ["1", "2"]
    assert frame["readings"].tolist() == [0, 3]
    assert frame["failures"].tolist() == [0, 1]
    assert frame["errors"].tolist() == [0, 0]
    assert np.isnan(frame["first"][0])
    assert (frame["first"][1], frame["last"][1]) == (T0, T0 + 5 * HOUR)
    assert store.newest_reading() == T0 + 5 * HOUR
    store.undo(later, Progress())
    assert store.coverage()["readings"].tolist() == [0, 2]
    assert store.newest_reading("2") == T0 + HOUR
    assert store.newest_reading("1") is None


def test_gaps_are_the_silences_longer_than_asked(store: Store) -> None:
    hours = [0, 1, 2, 6, 7, 20]
    add_readings(store, "1", [T0 + h * HOUR for h in hours], ["x"], [[1.0] * 6])
    assert store.gaps("1", 3 * HOUR) == ((T0 + 2 * HOUR, T0 + 6 * HOUR), (T0 + 7 * HOUR, T0 + 20 * HOUR))
    assert store.gaps("1", 4 * HOUR) == ((T0 + 7 * HOUR, T0 + 20 * HOUR),)
    assert store.sampling_ms() == HOUR
    assert store.gaps("nobody", 1) == ()


# -- names ------------------------------------------------------------------------------------------------------------


def test_sensors_and_machines_may_have_any_name_and_other_tools_see_them_as_columns(store: Store) -> None:
    add_readings(store, 'x"; DROP TABLE telemetry; --', [T0], NASTY, [[float(i)] for i in range(len(NASTY))])
    assert [sensor.name for sensor in store.sensors()] == NASTY
    connection = sqlite3.connect(store.path)
    cursor = connection.execute("SELECT * FROM telemetry_by_name")
    columns = [column[0] for column in cursor.description]
    assert cursor.fetchall() == [('x"; DROP TABLE telemetry; --', "2015-01-01T06:00:00.000Z", 0, 1, 2, 3, 4, 5, 6)]
    connection.close()
    assert columns == ["machine", "time", *NASTY[:4], "time 2", "MACHINE 2", "order"]


def test_sensors_that_differ_in_letter_case_only_are_one(store: Store) -> None:
    add_readings(store, "1", [T0], ["Volt"], [[1.0]])
    add_readings(store, "1", [T0 + HOUR], ["VOLT"], [[2.0]])
    assert [sensor.name for sensor in store.sensors()] == ["Volt"]
    assert store.telemetry("1")[1].tolist() == [[1.0, 2.0]]


def test_events_and_risks_are_readable_by_name(store: Store) -> None:
    add_readings(store, "3", [T0], ["x"], [[1.0]])
    add_event(store, "maintenance", "3", T0, "belt", known=T0 + HOUR)
    assert query(store.path, "SELECT * FROM maintenance_by_name") == [
        ("3", "2015-01-01T06:00:00.000Z", "belt", "2015-01-01T07:00:00.000Z")
    ]
    frame = pd.DataFrame({"machine": ["3", "3"], "time": [T0, T0 + HOUR], "risk": [0.1, 0.2], "belt": [0.05, 0.15]})
    store.save_risk("run", "4", 1, frame)
    assert query(
        store.path, "SELECT machine, time, risk, risk_belt, model_version, run_id, feature_version FROM latest_risk"
    ) == [("3", "2015-01-01T07:00:00.000Z", 0.2, 0.15, "4", "run", 1)]


# -- transactions -----------------------------------------------------------------------------------------------------


def record(store: Store) -> list[list[tuple]]:
    """Everything the record consists of."""
    names = ("machine", "sensor", "batch", "telemetry", "telemetry_claim", "errors", "conflict", "origin")
    return [query(store.path, f"SELECT * FROM {name}") for name in names]


@pytest.mark.parametrize("fault", [Cancelled, PdmError("bad file"), RuntimeError("bug")])
def test_a_batch_that_ends_early_leaves_nothing(store: Store, fault: Exception) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    before = record(store)

    def give_up_half_way() -> None:
        zero = np.zeros(1, np.int64)
        with store.batch("f.csv", "telemetry") as writer:
            writer.readings(["new"], zero, np.array([T0]), [("new sensor", "")], np.array([[1.0]]), np.array([2]))
            writer.readings(["1"], zero, np.array([T0]), [("x", "")], np.array([[2.0]]), np.array([3]))
            raise fault

    with pytest.raises((Cancelled, PdmError, RuntimeError)):
        give_up_half_way()
    assert record(store) == before
    assert store.machines()["machine"].tolist() == ["1"]
    add_readings(store, "new", [T0], ["new sensor"], [[1.0]])  # and the store is still good
    assert store.telemetry("new")[1].tolist() == [[pytest.approx(np.nan, nan_ok=True)], [1.0]]


def test_several_batches_in_one_transaction_come_or_go_together(store: Store) -> None:
    def add(*machines: str, then: type[Exception] | None = None) -> None:
        with store.transaction():
            for machine in machines:
                add_readings(store, machine, [T0], ["x"], [[1.0]])
            if then is not None:
                raise then

    with pytest.raises(Cancelled):
        add("1", "2", then=Cancelled)
    assert store.machines().empty
    with store.transaction():
        add("1")
        with pytest.raises(Cancelled):
            add("2", then=Cancelled)
        assert store.machines()["machine"].tolist() == ["1"]
    assert store.machines()["machine"].tolist() == ["1"]


def test_a_dry_run_counts_and_keeps_nothing(store: Store) -> None:
    before = record(store)
    with store.batch("f.csv", "telemetry", keep=False) as writer:
        zero = np.zeros(1, np.int64)
        writer.readings(["1"], zero, np.array([T0]), [("x", "")], np.array([[1.0]]), np.array([2]))
        writer.finish("hash", 0)
    assert writer.totals == (1, 0, 0, 0, 1)
    assert not writer.kept
    assert record(store) == before


def test_readers_see_the_last_commit_while_a_writer_works(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    other = Store.open(store.path, read_only=True)
    with store.transaction():
        add_readings(store, "1", [T0], ["x"], [[2.0]])
        assert store.telemetry("1")[1].tolist() == [[2.0]]
        assert other.telemetry("1")[1].tolist() == [[1.0]]
    assert other.telemetry("1")[1].tolist() == [[2.0]]
    other.close()


# -- conflicts and undo -----------------------------------------------------------------------------------------------


def test_conflicts_are_listed_with_line_and_both_values(store: Store) -> None:
    add_readings(store, "1", [T0, T0 + HOUR], ["x", "y"], [[1.0, 2.0], [3.0, np.nan]])
    batch = add_readings(store, "1", [T0 + HOUR, T0], ["x", "y"], [[2.5, 1.0], [4.0, np.nan]])
    other = ConflictCell(2, "1", T0 + HOUR, None, "x", 2.0, 2.5)
    assert store.conflicts(batch, 10) == (1, (other,))
    assert store.conflicts(batch, 0) == (1, ())
    with pytest.raises(PdmError, match="no import with number 77"):
        store.conflicts(77, 10)
    assert store.telemetry("1")[1].tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert [b.conflicts for b in store.batches()] == [0, 1]


def test_undo_needs_an_import_that_is_there(store: Store) -> None:
    batch = add_readings(store, "1", [T0], ["x"], [[1.0]])
    with pytest.raises(PdmError, match="no import with number 77"):
        store.undo(77, Progress())
    assert store.undo(batch, Progress()) == {"1": T0}
    assert [b.undone for b in store.batches()] == [True]
    with pytest.raises(PdmError, match="undone already"):
        store.undo(batch, Progress())


def test_a_cancelled_undo_changes_nothing(store: Store) -> None:
    batch = add_readings(store, "1", [T0], ["x"], [[1.0]])
    before = record(store)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        store.undo(batch, progress)
    assert record(store) == before


def test_a_batch_that_only_repeats_another_keeps_the_rows_when_the_other_is_undone(store: Store) -> None:
    first = add_readings(store, "1", [T0, T0 + HOUR], ["x"], [[1.0, 2.0]])
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    assert store.undo(first, Progress()) == {"1": T0 + HOUR}
    assert store.telemetry("1")[0].tolist() == [T0]


def test_overlapping_exports_leave_no_claims_where_they_agree(store: Store) -> None:
    times = [T0 + i * HOUR for i in range(10)]
    for day in range(1, 10):
        add_readings(store, "1", times[: day + 1], ["x"], [[1.0] * (day + 1)])
    assert query(store.path, "SELECT count(*) FROM telemetry_claim") == [(0,)]
    assert query(store.path, "SELECT sum(rows), count(*) FROM origin") == [(10, 9)]


# -- risks ------------------------------------------------------------------------------------------------------------


def risk_frame(machine: str, hours: range, risk: float = 0.25) -> pd.DataFrame:
    n = len(hours)
    return pd.DataFrame(
        {"machine": [machine] * n, "time": [T0 + h * HOUR for h in hours], "risk": [risk] * n, "pump": [0.125] * n}
    )


def risk_hours(store: Store, run: str, machine: str) -> list[int]:
    return [(time - T0) // HOUR for time in store.risk(run, [machine])["time"].tolist()]


def test_risks_come_back_as_saved_and_newer_ones_replace_them(store: Store) -> None:
    add_readings(store, "2", [T0], ["x"], [[1.0]])
    add_readings(store, "10", [T0], ["x"], [[1.0]])
    store.save_risk("run", "1", 3, pd.concat([risk_frame("10", range(2)), risk_frame("2", range(3))]))
    store.save_risk("run", "1", 3, risk_frame("2", range(1, 2), risk=0.75))
    frame = store.risk("run")
    assert frame.columns.tolist() == ["machine", "time", "risk", "pump"]
    assert frame["machine"].tolist() == ["2"] * 3 + ["10"] * 2
    assert frame["risk"].tolist() == [0.25, 0.75, 0.25, 0.25, 0.25]
    assert len(store.risk("run", ["2"], T0 + HOUR, T0 + HOUR)) == 1
    assert store.risk("other run").empty
    assert store.risk("run", feature_version=4).empty
    assert len(store.risk("run", feature_version=3)) == 5


def test_a_model_with_other_components_is_stored_beside(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.save_risk("old", "1", 1, risk_frame("1", range(2)))
    store.save_risk("new", "2", 1, risk_frame("1", range(1)).assign(belt=0.5, **{"bearing 3": np.nan}))
    assert store.risk("new").columns.tolist() == ["machine", "time", "risk", "pump", "belt", "bearing 3"]
    assert store.risk("new")["belt"].tolist() == [0.5]
    assert np.isnan(store.risk("new")["bearing 3"]).all()
    assert store.risk("old").columns.tolist() == ["machine", "time", "risk", "pump"]


def test_the_latest_risks_are_those_of_the_run_asked_for_also_where_nothing_new_is_stored(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.save_risk("one", "1", 1, risk_frame("1", range(2), risk=0.25))
    store.save_risk("two", "2", 1, risk_frame("1", range(2), risk=0.75))

    def latest() -> list[tuple[str, float]]:
        return query(store.path, "SELECT run_id, risk FROM latest_risk")

    assert latest() == [("two", 0.75)]
    store.shown.put_first("one")
    assert latest() == [("one", 0.25)]
    store.shown.put_first("a run without risks")
    assert latest() == [("one", 0.25)]


def test_another_feature_version_of_a_run_drops_what_the_old_one_said(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.save_risk("run", "1", 1, risk_frame("1", range(5)))
    store.save_risk("run", "1", 2, risk_frame("1", range(1)))
    assert risk_hours(store, "run", "1") == [0]


def test_a_change_of_the_record_drops_that_machines_risks_from_its_time_on(store: Store) -> None:
    for machine in ("1", "2"):
        add_readings(store, machine, [T0], ["x"], [[1.0]])
        for run in ("a", "b"):
            store.save_risk(run, "1", 1, risk_frame(machine, range(10)))
    add_readings(store, "1", [T0 + 7 * HOUR], ["x"], [[1.0]])
    assert risk_hours(store, "a", "1") == list(range(7))
    assert risk_hours(store, "b", "1") == list(range(7))
    assert risk_hours(store, "a", "2") == list(range(10))
    event = add_event(store, "errors", "1", T0 + 5 * HOUR, "E1")
    assert risk_hours(store, "a", "1") == list(range(5))
    store.save_risk("a", "1", 1, risk_frame("1", range(10)))
    store.undo(event, Progress())
    assert risk_hours(store, "a", "1") == list(range(5))
    add_readings(store, "1", [T0], ["x"], [[1.0]])  # says nothing new
    assert risk_hours(store, "a", "1") == list(range(5))
    add_machine(store, "1", "M", 2)
    assert risk_hours(store, "a", "1") == []
    assert risk_hours(store, "a", "2") == list(range(10))


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_backup_taken_in_use_is_a_whole_database(store: Store, tmp_path: Path) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    out = tmp_path / "copy" / "plant.db"
    out.parent.mkdir()
    store.backup(out)
    copy = Store.open(out)
    assert copy.telemetry("1")[1].tolist() == [[1.0]]
    copy.close()
    add_readings(store, "1", [T0 + HOUR], ["x"], [[2.0]])
    store.backup(out)  # replaces the older one
    assert query(out, "SELECT count(*) FROM telemetry") == [(2,)]
    assert [path.name for path in out.parent.iterdir()] == ["plant.db"]


def test_a_backup_that_cannot_be_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(PdmError, match="overwrite the database itself"):
        store.backup(store.path)
    with pytest.raises(PdmError):
        store.backup(tmp_path / "nowhere" / "plant.db")
    assert store.machines().empty


def test_a_network_share_is_told_by_its_mount() -> None:
    mounts = (
        "/dev/sda1 / ext4 rw 0 0\nserver:/plant /mnt/plant nfs4 rw 0 0\n"
        "//nas/x /mnt/with\\040space cifs rw 0 0\n/dev/sdb1 /mnt/plant/local ext4 rw 0 0\n"
    )
    kinds = {
        "/home/ann/workspace": "ext4",
        "/mnt/plant/press": "nfs4",
        "/mnt/plant/local/press": "ext4",
        "/mnt/plants": "ext4",
        "/mnt/with space/a": "cifs",
    }
    assert {folder: file_system(PurePosixPath(folder), mounts) for folder in kinds} == kinds


def test_a_closed_store_leaves_one_file_that_can_be_moved(store: Store, tmp_path: Path) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["plant.db"]
    shutil.move(store.path, tmp_path / "moved.db")
    moved = Store.open(tmp_path / "moved.db")
    assert moved.machines()["machine"].tolist() == ["1"]
    moved.close()


def test_sqlalchemy_sees_no_foreign_key_broken(store: Store) -> None:
    add_readings(store, "1", [T0], ["x"], [[1.0]])
    add_event(store, "errors", "1", T0, "E1")
    engine = sa.create_engine(f"sqlite:///{store.path}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    engine.dispose()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR | 3 << 8, sqlite3.SQLITE_CANTOPEN], ids=["write", "open"])
def test_a_disk_without_room_is_called_full_whatever_sqlite_calls_it(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = code
    with pytest.raises(PdmError) as roomy, world_faults(tmp_path / "plant.db"):
        raise fault
    assert "full" not in roomy.value.message
    usage = shutil.disk_usage(tmp_path)._replace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(PdmError, match="The disk is full; nothing was changed"), world_faults(tmp_path / "plant.db"):
        raise fault
