"""Long files, a line a value: whatever their order, however often a value is said, and whether they fit into memory."""

from __future__ import annotations

import gzip
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_desktop.core import times
from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.ingest import import_file
from pdm_desktop.core.ingest.pivot import Values
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store

T0 = 1_548_914_400_000  # 2019-01-31 06:00 UTC
Row = tuple[str, str, int, float | None]
Cell = tuple[str, str, int]


@cache
def clock(hour: int) -> str:
    return times.iso(T0 + hour * times.HOUR, "UTC")[:19]


def text_of(rows: list[Row]) -> str:
    lines = [
        f"{machine}.{sensor};{clock(hour)};{'Bad' if value is None else value}" for machine, sensor, hour, value in rows
    ]
    return "\n".join(["TagName;Time;Value", *lines]) + "\n"


def give(store: Store, path: Path, rows: list[Row]) -> FileReport:
    path.write_text(text_of(rows))
    return import_file(store, path, progress=Progress(), rejects_dir=None)


def stored(store: Store) -> dict[Cell, float]:
    names = [sensor.name for sensor in store.sensors()]
    found: dict[Cell, float] = {}
    for machine in store.machines()["machine"]:
        at, values = store.telemetry(machine)
        for sensor, column in zip(names, values.tolist(), strict=True):
            for time, value in zip(at.tolist(), column, strict=True):
                if value == value:
                    found[machine, sensor, (time - T0) // times.HOUR] = value
    return found


def expected(rows: list[Row], held: dict[Cell, float]) -> tuple[dict[Cell, float], tuple[int, int, int, int]]:
    """What is held after the rows, one by one, and how many were accepted, unchanged, duplicates, conflicts."""
    after, said = dict(held), set()
    accepted = unchanged = duplicates = conflicts = 0
    for machine, sensor, hour, value in rows:
        cell = (machine, sensor, hour)
        if value is None:
            unchanged += 1
        elif cell not in after:
            accepted += 1
        elif after[cell] != value:
            conflicts += 1
        elif cell in said:
            duplicates += 1
        else:
            unchanged += 1
        if value is not None:
            after[cell] = value
            said.add(cell)
    return after, (accepted, unchanged, duplicates, conflicts)


row = st.tuples(
    st.sampled_from(["K1", "K2", "K10"]),
    st.sampled_from(["heat", "flow", "load"]),
    st.integers(0, 4),
    st.sampled_from([None, 1.5, 2.5, -3.0]),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=st.lists(row, min_size=2, max_size=40), second=st.lists(row, min_size=2, max_size=40))
def test_values_said_in_any_order_and_again_end_as_if_they_came_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, first: list[Row], second: list[Row]
) -> None:
    # Tags of both machines and sensors, so that the file tells how its tags are made.
    whole: list[Row] = [("K1", "heat", 9, 1.0), ("K2", "flow", 9, 1.0), ("K1", "flow", 9, 1.0), ("K2", "heat", 9, 1.0)]
    folder = tmp_path_factory.mktemp("plant")
    store = Store.open(folder / "plant.db")
    held: dict[Cell, float] = {}
    try:
        for rows in (first, second):
            held, counts = expected([*whole, *rows], held)
            report = give(store, folder / "long.csv", [*whole, *rows])
            assert (report.accepted, report.unchanged, report.duplicates, report.conflicts) == counts
            assert stored(store) == held
            if report.batch is not None:
                assert store.conflicts(report.batch, 0)[0] == report.conflicts
    finally:
        store.close()


def test_a_conflict_in_a_long_file_is_listed_with_its_line(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "plant.db")
    rows: list[Row] = [("K1", "heat", h, float(h)) for h in range(3)] + [("K1", "flow", h, 10.0 + h) for h in range(3)]
    give(store, tmp_path / "a.csv", rows)
    report = give(store, tmp_path / "b.csv", [*rows[:4], ("K1", "flow", 1, 99.0), ("K1", "heat", 2, 77.0)])
    assert (report.accepted, report.unchanged, report.duplicates, report.conflicts) == (0, 4, 0, 2)
    assert report.batch is not None
    _, listed = store.conflicts(report.batch, 10)
    found = [(cell.line, cell.cell, cell.old, cell.new) for cell in listed]
    assert found == [(6, "flow", 11.0, 99.0), (7, "heat", 2.0, 77.0)]
    store.close()


def test_tags_that_differ_in_letter_case_alone_are_one_sensor(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "plant.db")
    rows: list[Row] = [("K1", "Heat", 0, 1.0), ("K1", "HEAT", 1, 2.0), ("K2", "heat", 0, 3.0), ("K2", "Flow", 0, 4.0)]
    report = give(store, tmp_path / "a.csv", rows)
    assert report.sensors == (("Heat", ""), ("Flow", ""))
    assert stored(store) == {("K1", "Heat", 0): 1, ("K1", "Heat", 1): 2, ("K2", "Heat", 0): 3, ("K2", "Flow", 0): 4}
    store.close()


@pytest.mark.parametrize("held", [7, 100, 450, 10_000])
def test_what_does_not_fit_into_memory_comes_out_the_same(tmp_path: Path, held: int) -> None:
    rng = np.random.default_rng(3)
    count = 3_000
    machine, sensor = rng.choice(3, count, p=[0.8, 0.15, 0.05]), rng.integers(0, 5, count)
    time, value = rng.integers(0, 200, count), rng.normal(size=count)
    gathered = Values(tmp_path, held)
    for start in range(0, count, 50):
        part = slice(start, start + 50)
        lines = np.arange(count)[part]
        tags = [f"{m}.{s}" for m in "ABC" for s in "vwxyz"]
        gathered.add(tags, machine[part] * 5 + sensor[part], time[part], value[part], lines)
    found: dict[tuple[str, str, int], list[float]] = {}
    for portion in gathered.portions([(tag[0], tag[2]) for tag in gathered.tags]):
        for s, name in enumerate(portion.sensors):
            for i in np.flatnonzero(~np.isnan(portion.values[s])).tolist():
                line = int(portion.lines[s, i] if portion.lines.ndim == 2 else portion.lines[i])
                assert value[line] == portion.values[s, i]
                key = (portion.machines[portion.codes[i]], name, int(portion.times[i]))
                found.setdefault(key, []).append(line)
    gathered.close()
    wanted: dict[tuple[str, str, int], list[float]] = {}
    for line in range(count):
        wanted.setdefault(("ABC"[machine[line]], "vwxyz"[sensor[line]], int(time[line])), []).append(line)
    assert found == wanted
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tags", "machine", "sensor"),
    [
        (("N1.K1.Flow", "N1.K2.Flow", "N2.K1.Flow", "N2.K1.Heat"), "N2.K1", "Heat"),
        (("Hall.Flow_K1", "Hall.Flow_K2", "Hall.Heat_K1", "Hall.Heat_K2"), "K2", "Hall.Heat"),
        (("Works.K1.Flow", "Works.K1.Heat", "Works.K2.Flow", "Works.K2.Heat"), "K2", "Heat"),
    ],
)
def test_all_tags_of_a_file_tell_how_they_are_made_though_its_beginning_shows_one(
    tmp_path: Path, tags: tuple[str, ...], machine: str, sensor: str
) -> None:
    store = Store.open(tmp_path / "plant.db")
    rows = "".join(
        f"{tag},2019-01-{1 + i // 1440:02} {i // 60 % 24:02}:{i % 60:02},{i}.5\n" for tag in tags for i in range(9_000)
    )
    path = tmp_path / "long.csv.gz"  # of a packed file, nothing but the beginning is looked at
    path.write_bytes(gzip.compress(f"Tag,Time,Value\n{rows}".encode(), 1))
    report = import_file(store, path, progress=Progress(), rejects_dir=None)
    assert report.accepted == 36_000
    at, _ = store.telemetry(machine)
    assert len(at) == 9_000
    assert sensor in [found.name for found in store.sensors()]
    store.close()


def test_cancelling_while_a_long_file_is_stored_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "plant.db")
    texts: list[str] = []

    def watch(step: Step) -> None:
        texts.append(step.text)
        if step.text.startswith("Storing"):
            progress.cancel()

    progress = Progress(watch)
    # More than one portion, so that the second finds the cancelling.
    rows: list[Row] = [(f"K{m}", s, h, 1.0) for m in range(60) for s in ("heat", "flow") for h in range(2_000)]
    path = tmp_path / "a.csv"
    path.write_text(text_of(rows))
    with pytest.raises(Cancelled):
        import_file(store, path, progress=progress, rejects_dir=None)
    assert texts[0].startswith("Importing")
    assert store.machines().empty
    store.close()


def test_a_quality_of_0_is_bad_beside_opcs_numbers_and_good_without_them(tmp_path: Path) -> None:
    head = "Tag;Time;Value;Quality\n"
    many = "".join(f"A.heat;{clock(hour)};{hour};{0 if hour % 3 else 192}\n" for hour in range(30))
    opc, other = tmp_path / "opc.csv", tmp_path / "other.csv"
    opc.write_text(head + many)
    other.write_text(head + many.replace(";192", ";1"))
    good = {("A", "heat", hour): float(hour) for hour in range(30)}
    with closing(Store.open(tmp_path / "opc.db")) as store:
        report = import_file(store, opc, progress=Progress(), rejects_dir=None)
        assert report.bad_quality_values == 20
        assert stored(store) == {cell: value for cell, value in good.items() if not cell[2] % 3}
    with closing(Store.open(tmp_path / "other.db")) as store:
        import_file(store, other, progress=Progress(), rejects_dir=None)
        assert stored(store) == {cell: value for cell, value in good.items() if cell[2] % 3}


def test_qualities_that_turn_out_to_be_opcs_far_down_overturn_what_the_samples_said(tmp_path: Path) -> None:
    rows = [f"A.heat;{clock(hour)};{hour};{0 if hour else 'Good'}\n" for hour in range(9_000)]
    rows[4_000] = f"A.heat;{clock(4_000)};4000;192\n"
    path = tmp_path / "late.csv"
    path.write_text("Tag;Time;Value;Quality\n" + "".join(rows))
    with closing(Store.open(tmp_path / "plant.db")) as store:
        import_file(store, path, progress=Progress(), rejects_dir=None)
        assert stored(store) == {("A", "heat", 0): 0.0, ("A", "heat", 4_000): 4_000.0}


def test_a_column_that_says_whether_a_value_is_good_is_its_quality(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    rows = [f"A.heat;{clock(hour)};{hour};{{{int(hour == 3)}}}\n" for hour in range(9)]
    for name, words, left, noted in (
        ("IsGood", ("true", "false"), 8, ""),
        ("Is_Good", ("1", "0"), 8, "1 counts as good"),
        ("Quality", ("0", "1"), 8, "0 counts as good"),
    ):
        path.write_text(f"Tag;Time;Value;{name}\n" + "".join(rows).format(*words))
        with closing(Store.open(tmp_path / f"{name}.db")) as store:
            report = import_file(store, path, progress=Progress(), rejects_dir=None)
            assert len(stored(store)) == left
            assert noted in "".join(report.notes)


def test_qualities_beside_the_sensors_of_a_wide_file_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    rows = [f"{clock(hour)};A;{hour};{'Bad' if hour == 3 else 'Good'};fine\n" for hour in range(9)]
    path.write_text("Time;Machine;heat;heat.status;note\n" + "".join(rows))
    with closing(Store.open(tmp_path / "plant.db")) as store:
        report = import_file(store, path, progress=Progress(), rejects_dir=None)
    assert report.ignored_columns == ("heat.status", "note")
    assert report.notes == ("Column heat.status is not used: values that it does not call good come in too.",)
