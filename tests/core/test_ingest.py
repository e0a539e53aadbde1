"""Files as they come: what is recognised, what every row and cell becomes, what is refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_desktop.core import times
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.ingest import import_file, recognise
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.workspace import Workspace
from tests.core.plants import Plant

HOUR = 3_600_000
T0 = 1_420_092_000_000  # 2015-01-01 06:00 UTC

TELEMETRY = """datetime,machineID,heat,flow
2015-01-01 06:00:00,1,10.5,200
2015-01-01 07:00:00,1,11.25,
2015-01-01 06:00:00,2,12,201.5
"""


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def counts(report: FileReport) -> tuple[int, int, int, int, int]:
    return report.accepted, report.unchanged, report.duplicates, report.conflicts, report.rejected


def rejected(report: FileReport) -> list[tuple[str, str, str]]:
    """(line, column, content) of the rejects file."""
    assert report.rejects_file is not None
    with Path(report.rejects_file).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:5] == ["file", "line", "column", "content", "reason"]
    assert all(row[4] for row in rows[1:])
    return [(row[1], row[2], row[3]) for row in rows[1:]]


# -- the five files ---------------------------------------------------------------------------------------------------


def test_telemetry_of_any_sensors_comes_in_with_its_machines(plant: Plant) -> None:
    report = plant.give(TELEMETRY)
    assert (report.kind, report.layout, report.machines) == ("telemetry", "wide", ("1", "2"))
    assert report.sensors == (("heat", ""), ("flow", ""))
    assert report.columns == {"datetime": "timestamp", "machineID": "machine", "heat": "sensor", "flow": "sensor"}
    assert counts(report) == (3, 0, 0, 0, 0)
    assert (report.accepted_values, report.missing_cells, report.rejected_values) == (5, 1, 0)
    assert report.changed == {"1": T0, "2": T0}
    assert report.rejects_file is None
    at, values = plant.store.telemetry("1")
    assert at.tolist() == [T0, T0 + HOUR]
    np.testing.assert_array_equal(values, [[10.5, 11.25], [200, np.nan]])


@pytest.mark.parametrize(
    ("kind", "header", "label"),
    [
        ("errors", "datetime,machineID,errorID", "E-1"),
        ("errors", "time,machine,code", "E 1"),
        ("maintenance", "datetime,machineID,comp", "belt"),
        ("failures", "datetime,machineID,failure", "belt"),
    ],
)
def test_event_files_are_told_by_their_columns(plant: Plant, kind: str, header: str, label: str) -> None:
    report = plant.give(f"{header}\n2015-01-01 06:00:00,7,{label}\n")
    assert (report.kind, counts(report)) == (kind, (1, 0, 0, 0, 0))
    assert plant.store.events(kind)[["machine", "time", "label"]].to_numpy().tolist() == [["7", T0, label]]
    assert plant.store.machines()["machine"].tolist() == ["7"]


def test_components_without_more_are_told_by_file_name_or_by_the_user(plant: Plant) -> None:
    text = "time,machine,component\n2015-01-01 06:00,1,belt\n"
    assert plant.give(text, "Failures 2015.csv", dry_run=True).kind == "failures"
    assert plant.give(text, "maintenance.csv", dry_run=True).kind == "maintenance"
    assert plant.give(text, "export.csv", dry_run=True, kind="failures").kind == "failures"
    with pytest.raises(PdmError, match="cannot be told") as caught:
        plant.give(text, "export.csv")
    assert caught.value.hint == "Say the kind: maintenance or failures."


def test_the_machines_file_gives_models_and_ages(plant: Plant) -> None:
    report = plant.give("machineID,model,age\n1,M1,18\n2,,\n3,M1,old\n")
    assert report.kind == "machines"
    assert counts(report) == (3, 0, 0, 0, 0)
    assert (report.rejected_values, report.missing_cells) == (1, 2)
    assert rejected(report) == [("4", "age", "old")]
    frame = plant.store.machines()
    assert frame["machine_model"].tolist() == ["M1", "", "M1"]
    assert frame["age"].tolist() == [18.0, pytest.approx(np.nan, nan_ok=True), pytest.approx(np.nan, nan_ok=True)]
    assert report.changed == {"1": 0, "2": 0, "3": 0}


def test_events_keep_when_they_became_known(plant: Plant) -> None:
    text = "datetime,machineID,errorID,recorded_at\n2015-01-01 06:00,1,E,2015-01-01 09:00\n2015-01-01 06:00,2,E,\n"
    plant.give(text)
    known = plant.store.events("errors")["known"]
    assert known[0] == T0 + 3 * HOUR
    assert np.isnan(known[1])


def test_our_own_words_and_other_spellings_of_a_header_are_understood(plant: Plant) -> None:
    report = plant.give("\ufeffTIMESTAMP;Machine ID;Oil temp\r\n2015-01-01T06:00:00Z;press 1;5.5\r\n")
    assert (report.delimiter, report.machines, report.sensors) == (";", ("press 1",), (("Oil temp", ""),))
    assert plant.store.telemetry("press 1")[0].tolist() == [T0]


def test_a_folder_gives_its_files_machines_first_and_passes_over_others(plant: Plant) -> None:
    folder = plant.folder / "export"
    folder.mkdir()
    (folder / "a_telemetry.csv").write_text(TELEMETRY)
    (folder / "b_failures.csv").write_text("datetime,machineID,failure\n2015-01-01 06:00,1,belt\n")
    (folder / "c_errors.csv").write_text("datetime,machineID,errorID\n2015-01-01 06:00,1,E\n")
    (folder / "z_machines.csv").write_text("machineID,model,age\n1,M,2\n")
    (folder / "notes.txt").write_text("nothing of a plant")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04")
    (folder / "deeper").mkdir()
    with Workspace.open(plant.folder / "workspace") as workspace:
        report = workspace.import_files([folder], Progress())
        names = [Path(file.file).name for file in report.files]
        assert names == ["z_machines.csv", "a_telemetry.csv", "c_errors.csv", "b_failures.csv"]
        left_out = dict(report.left_out)  # told, where it might have been a table
        assert set(left_out) == {"notes.txt", "broken.zip"}
        assert "cannot be unpacked" in left_out["broken.zip"]
        with pytest.raises(PdmError, match="names no column"):
            workspace.import_files([folder, folder / "notes.txt"], Progress())
        with pytest.raises(PdmError, match="no file of a plant"):
            workspace.import_files([folder / "deeper"], Progress())


def test_the_public_extract_comes_in_whole_and_a_second_time_changes_nothing(plant: Plant, shared_data: Path) -> None:
    names = ("machines", "telemetry", "errors", "maint", "failures")
    files = [shared_data / "azure_pdm" / f"PdM_{name}.csv" for name in names]
    first = [import_file(plant.store, path, progress=Progress(), rejects_dir=None) for path in files]
    assert {report.kind: counts(report) for report in first} == {
        "machines": (20, 0, 0, 0, 0),
        "telemetry": (43_200, 0, 0, 0, 0),
        "errors": (211, 0, 0, 0, 0),
        "maintenance": (208, 0, 0, 0, 0),
        "failures": (42, 0, 0, 0, 0),
    }
    with (shared_data / "azure_pdm" / "PdM_telemetry.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["machineID"] == "17"]
    at, values = plant.store.telemetry("17")
    assert at.tolist() == [times.parse(row["datetime"], "UTC") for row in rows]
    for place, name in enumerate(("volt", "rotate", "pressure", "vibration")):
        assert values[place].tolist() == [float(row[name]) for row in rows]  # to the last digit
    before = plant.tables()
    second = [import_file(plant.store, path, progress=Progress(), rejects_dir=None) for path in files]
    assert [counts(report) for report in second] == [(0, n, 0, 0, 0) for n in (20, 43_200, 211, 208, 42)]
    assert [report.batch for report in second] == [None] * 5
    assert plant.tables() == before


# -- rows and cells ---------------------------------------------------------------------------------------------------

MESS = """datetime,machineID,heat,flow
2015-01-01 06:00:00,1,10.5,200
2015-01-01 07:00:00,1,abc,201
2015-01-01 08:00:00,1,1e999,Bad Input
2015-01-01 09:00:00,1,12
2015-01-01 10:00:00,1,12,1,surplus
yesterday,1,12,1
2999-01-01 06:00:00,1,12,1
1969-12-31 23:59:59,1,12,1
2015-02-30 06:00:00,1,12,1
2015-01-01 11:00:00,,12,1

,1,12,1
2015-01-01 12:00:00,1,"13",NULL
2015-01-01 13:00:00,1,-Infinity,=1+1
"""


def test_a_bad_row_or_cell_is_set_aside_with_its_place_and_the_rest_comes_in(plant: Plant) -> None:
    report = plant.give(MESS)
    assert counts(report) == (3, 2, 0, 0, 8)  # two rows have no value left: nothing of them can be stored
    assert (report.accepted_values, report.rejected_values, report.missing_cells) == (4, 4, 2)
    assert rejected(report) == [
        ("3", "heat", "abc"),
        ("4", "heat", "1e999"),
        ("5", "", "2015-01-01 09:00:00,1,12"),
        ("6", "", "2015-01-01 10:00:00,1,12,1,surplus"),
        ("7", "datetime", "yesterday"),
        ("8", "datetime", "2999-01-01 06:00:00"),
        ("9", "datetime", "1969-12-31 23:59:59"),
        ("10", "datetime", "2015-02-30 06:00:00"),
        ("11", "machineID", ""),
        ("13", "datetime", ""),
        ("15", "flow", "'=1+1"),
        ("15", "heat", "'-Infinity"),
    ]
    assert plant.store.telemetry("1")[0].tolist() == [T0, T0 + HOUR, T0 + 6 * HOUR]


def test_the_same_file_again_is_all_unchanged_though_it_has_bad_rows(plant: Plant) -> None:
    plant.give(MESS)
    before = plant.tables()
    report = plant.give(MESS)
    assert counts(report) == (0, 5, 0, 0, 8)
    assert report.batch is None
    assert plant.tables() == before


def test_duplicates_and_conflicts_inside_one_file_are_told_apart(plant: Plant) -> None:
    report = plant.give(
        "datetime,machineID,heat,flow\n"
        "2015-01-01 06:00:00,1,10,\n"
        "2015-01-01 06:00:00,1,10,\n"  # says nothing new
        "2015-01-01 06:00:00,1,,5\n"  # fills a cell
        "2015-01-01 06:00:00,1,11,5\n"  # differs: wins, and is listed
        "2015-01-01 06:00:00,1,,\n"  # empty cells say nothing
    )
    assert counts(report) == (2, 1, 1, 1, 0)
    assert plant.store.telemetry("1")[1].tolist() == [[11], [5]]
    assert report.batch is not None
    _, listed = plant.store.conflicts(report.batch, 10)
    assert [(cell.line, cell.cell, cell.old, cell.new) for cell in listed] == [(5, "heat", 10, 11)]


def test_a_text_column_is_ignored_and_a_sensor_that_starts_late_is_not(plant: Plant) -> None:
    count = 30_000  # so that the first number stands beyond the part that recognition looks at
    lines = [f"2015-01-01 06:{i % 3600 // 60:02d}:{i % 60:02d},m{i // 3600},1,checked by Ann," for i in range(count)]
    lines[count - 2] += "7.5"
    lines[100] += "broken"
    report = plant.give("datetime,machineID,heat,remark,flow\n" + "\n".join(lines) + "\n")
    assert report.columns["remark"] == "ignore"
    assert report.columns["flow"] == "sensor"
    assert [name for name, _ in report.sensors] == ["heat", "flow"]
    assert counts(report) == (count, 0, 0, 0, 0)
    assert (report.rejected_values, report.missing_cells, report.accepted_values) == (1, count - 2, count + 1)
    assert rejected(report) == [("102", "flow", "broken")]


def test_a_known_sensor_without_numbers_stays_a_sensor(plant: Plant) -> None:
    plant.give(TELEMETRY)
    report = plant.give("datetime,machineID,heat,FLOW\n2015-01-01 09:00:00,1,1,stuck\n", "next.csv")
    assert report.columns["FLOW"] == "sensor"
    assert report.rejected_values == 1


@pytest.mark.parametrize("broken", ["", "yesterday,x,1,\n"])
def test_quotes_delimiters_and_newlines_in_a_text_stay_in_it(plant: Plant, broken: str) -> None:
    plant.give(
        "datetime,machineID,heat,remark\n"
        '2015-01-01 06:00:00,5" pipe,1,"two\nlines"\n'
        '2015-01-01 06:00:00,"press, left",2,"a ""word"""\n'
        '"2015-01-01 06:00:00","plain","3",""\n' + broken
    )
    assert plant.store.machines()["machine"].tolist() == ['5" pipe', "plain", "press, left"]


def test_rejected_lines_after_a_quoted_newline_keep_their_number(plant: Plant) -> None:
    report = plant.give(
        'datetime,machineID,heat,remark\n2015-01-01 06:00:00,1,1,"two\nlines"\n2015-01-01 07:00:00,1,x,\n'
    )
    assert rejected(report) == [("4", "heat", "x")]


def test_a_file_with_every_cell_in_quotes_reads_the_same(plant: Plant) -> None:
    quoted = "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\r\n" for line in TELEMETRY.splitlines())
    plant.give(quoted.replace('""', ""), "quoted.csv")
    assert counts(plant.give(TELEMETRY)) == (0, 3, 0, 0, 0)


def test_times_are_in_the_zone_told_and_offsets_in_the_file_win(plant: Plant) -> None:
    plant.give(
        "datetime,machineID,heat\n"
        "2015-07-01 08:00:00,1,1\n"
        "2015-01-01 08:00:00,1,2\n"
        "2015-10-25 02:30:00,1,3\n"  # twice on that night: the first
        "2015-03-29 02:30:00,1,4\n"  # never on that night: as if summer time had not begun
        "2015-07-01T08:00:00+00:00,1,5\n",
        time_zone="Europe/Berlin",
    )
    at, values = plant.store.telemetry("1")
    found = {value: times.iso(int(time), "UTC") for time, value in zip(at, values[0], strict=True)}
    assert found == {
        1: "2015-07-01T06:00:00+00:00",
        2: "2015-01-01T07:00:00+00:00",
        3: "2015-10-25T00:30:00+00:00",
        4: "2015-03-29T01:30:00+00:00",
        5: "2015-07-01T08:00:00+00:00",
    }


def test_an_unknown_time_zone_is_refused(plant: Plant) -> None:
    with pytest.raises(PdmError, match="no time zone"):
        plant.give(TELEMETRY, time_zone="Mars/Olympus")


@pytest.mark.parametrize("text", ["2015-01-01", "2015-01-01T00:00", "2015-01-01 00:00:00.000", "20150101"])
def test_iso_times_of_any_length_are_read(plant: Plant, text: str) -> None:
    plant.give(f"datetime,machineID,heat\n{text},1,1\n")
    assert plant.store.telemetry("1")[0].tolist() == [T0 - 6 * HOUR]


def test_a_time_a_little_ahead_of_the_computers_clock_is_accepted(plant: Plant) -> None:
    soon, far = times.now_ms() + 20 * HOUR, times.now_ms() + 60 * HOUR
    report = plant.give(f"datetime,machineID,heat\n{times.iso(soon, 'UTC')},1,1\n{times.iso(far, 'UTC')},1,1\n")
    assert counts(report) == (1, 0, 0, 0, 1)


def test_rows_in_any_order_across_many_blocks_give_the_same_record(plant: Plant, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = [(f"m{m}", T0 + h * HOUR, rng.normal(), rng.normal()) for m in range(20) for h in range(6000)]
    other = Plant(tmp_path / "other") if (tmp_path / "other").mkdir() is None else plant
    for target, order in (
        (plant, rng.permutation(len(rows))),
        (other, sorted(range(len(rows)), key=lambda i: rows[i][1])),
    ):
        text = "".join(
            f"{times.iso(t, 'UTC')[:19]},{m},{a!r},{b!r}\n".replace("T", " ") for m, t, a, b in (rows[i] for i in order)
        )
        assert counts(target.give("datetime,machineID,heat,flow\n" + text)) == (120_000, 0, 0, 0, 0)
    expected = sorted((t, a, b) for m, t, a, b in rows if m == "m13")
    for target in (plant, other):
        at, values = target.store.telemetry("m13")
        assert list(zip(at.tolist(), *values.tolist(), strict=True)) == expected
    other.store.close()


# -- progress, cancel, dry run ----------------------------------------------------------------------------------------


def many_rows(count: int = 200_000) -> str:
    return "datetime,machineID,heat\n" + "".join(
        f"2015-01-{1 + i // 86400:02d} {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d},1,{i:06d}\n"
        for i in range(count)
    )


def test_progress_counts_rows_up_to_the_total(plant: Plant) -> None:
    steps: list[Step] = []
    plant.give(many_rows(), progress=Progress(steps.append))
    assert len(steps) > 3
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == 200_000
    assert all(abs(step.total - 200_000) < 4_000 for step in steps)
    assert "file.csv" in steps[0].text


def test_cancelling_leaves_the_store_as_it_was(plant: Plant) -> None:
    plant.give(TELEMETRY)
    before = plant.tables()
    progress = Progress(lambda _: progress.cancel())
    with pytest.raises(Cancelled):
        plant.give(many_rows(), "other.csv", progress=progress)
    assert plant.tables() == before


def test_a_dry_run_says_what_an_import_would_and_writes_nothing(plant: Plant) -> None:
    before = plant.tables()
    trial = plant.give(MESS, dry_run=True)
    assert plant.tables() == before
    assert (trial.batch, trial.rejects_file, trial.changed) == (None, None, {})
    assert not (plant.folder / "imports").exists()
    assert counts(plant.give(MESS)) == counts(trial)


def test_a_batch_records_the_files_name_and_hash(plant: Plant) -> None:
    report = plant.give(TELEMETRY, "PdM telemetry.csv")
    (batch,) = plant.store.batches()
    assert (batch.id, batch.file, batch.kind) == (report.batch, "PdM telemetry.csv", "telemetry")
    assert batch.sha256 == hashlib.sha256(TELEMETRY.encode()).hexdigest()
    assert (batch.accepted, batch.rejected, batch.undone) == (3, 0, False)


def test_after_undo_the_same_file_comes_in_again(plant: Plant) -> None:
    first = plant.give(TELEMETRY)
    plant.store.undo(first.batch, Progress())
    assert plant.store.machines().empty
    assert counts(plant.give(TELEMETRY)) == (3, 0, 0, 0, 0)


def test_each_import_has_a_rejects_file_of_its_own(plant: Plant) -> None:
    one = plant.give(MESS)
    two = plant.give(MESS + "2015-01-01 23:00:00,1,x,1\n")
    assert one.rejects_file != two.rejects_file
    assert len(rejected(two)) == len(rejected(one)) + 1


# -- files that cannot be used ----------------------------------------------------------------------------------------

HEADER = "datetime,machineID,heat\n"
BROKEN: dict[str, tuple[str | bytes, str, str]] = {
    # what: (content, part of the message, where)
    "empty": ("", "empty", "file.csv"),
    "only blank lines": ("\n \n\n", "empty", "file.csv"),
    "header only": (HEADER, "a header and no rows", "file.csv"),
    "header and blank lines": (HEADER + "\n\n", "a header and no rows", "file.csv"),
    "binary": (bytes(range(256)) * 50, "not a table of text", "file.csv"),
    "cut off in its packing": (gzip.compress(many_rows(1000).encode())[:-9], "ends early", "file.csv"),
    "damaged in its packing": (b"PK\3\4" + bytes(60), "cannot be unpacked", "file.csv"),
    "no header": ("2015-01-01 06:00:00,1,5\n", "no column for the machine", "file.csv, line 1"),
    "prose": ("Dear all,\nplease find the data attached.\n", "names no column", "file.csv, line 1"),
    "no machine": ("datetime,heat\n2015-01-01 06:00:00,5\n", "no column for the machine", "file.csv, line 1"),
    "no time": ("machineID,heat\n1,5\n", "no column for the time", "file.csv, line 1"),
    "no sensor": ("datetime,machineID\n2015-01-01 06:00:00,1\n", "nothing else", "file.csv, line 1"),
    "no numbers": (
        "datetime,machineID,state\n2015-01-01 06:00:00,1,high\n",
        "No column of the file holds numbers",
        "file.csv",
    ),
    "a column twice": ("datetime,machineID,heat,Heat\n2015-01-01,1,2,3\n", "mean the same", "file.csv, line 1"),
    "two times": ("datetime,time,machineID,heat\n2015-01-01,2015-01-02,1,2\n", "mean the same", "file.csv, line 1"),
    "every time bad": (HEADER + "soon,1,5\nlater,1,5\n", "No row", "file.csv, line 2, column datetime"),
    "every row short": (HEADER + "2015-01-01 06:00:00,1\n", "No row", "file.csv, line 2"),
    "a quote never closed": (HEADER + '2015-01-01 06:00:00,"1,5\n' + "x" * 9_000_000, "quote", "file.csv, line 2"),
    "binary further down": (many_rows(100_000).encode() + b"\0\1\2", "not a table of text", "file.csv, line 100002"),
    "broken UTF-8 further down": (
        ("datetime,machineID,heat\n2015-01-01,\u00e4,1\n" + many_rows(100_000)[24:]).encode() + b"\xe4\n",
        "UTF-8",
        "file.csv, line 100003",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_cannot_be_used_is_refused_with_its_place_and_changes_nothing(plant: Plant, what: str) -> None:
    content, message, where = BROKEN[what]
    plant.give(TELEMETRY, "before.csv")
    before = plant.tables()
    with pytest.raises(PdmError, match=message) as caught:
        plant.give(content)
    assert caught.value.where == where
    assert plant.tables() == before
    assert not list(plant.folder.glob("imports/*"))


def test_a_missing_file_and_a_folder_are_refused(plant: Plant) -> None:
    for path, message in ((plant.folder / "none.csv", "no such file"), (plant.folder, "a folder")):
        with pytest.raises(PdmError, match=message):
            recognise(path)


@pytest.mark.parametrize(
    ("kind", "message"), [("errors", "the error code"), ("maintenance", "the component"), ("failures", "the component")]
)
def test_a_file_told_to_be_what_it_is_not_is_refused(plant: Plant, kind: str, message: str) -> None:
    with pytest.raises(PdmError, match=f"no column for {message}"):
        plant.give(TELEMETRY, kind=kind)


# -- any text ---------------------------------------------------------------------------------------------------------

cell = st.one_of(
    st.sampled_from(
        ["", "1", "2.5", "-3e2", "nan", "NULL", "inf", "abc", "1_0", " 7 ", "true", '"5"', "é", "1e999", "٣"]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
line = st.one_of(
    st.tuples(
        st.sampled_from(["2015-01-01 06:00:00", "2015-01-01T07:00:00", "2015-01-01", "soon", ""]),
        st.sampled_from(["1", "2", "", " 1 ", "Ü"]),
        cell,
        cell,
    ).map(",".join),
    st.text(alphabet=st.sampled_from('1a,"\n\r é'), max_size=12),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(line, max_size=12), end=st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_lines_every_row_is_counted_once_or_the_file_is_refused(
    plant: Plant, lines: list[str], end: str
) -> None:
    text = end.join(["datetime,machineID,heat,flow", *lines]) + end
    before = plant.tables()
    try:
        report = plant.give(text)
    except PdmError:
        assert plant.tables() == before
        return
    rows = [
        row
        for row in csv.reader(text.replace("\r\n", "\n").replace("\r", " ").split("\n")[1:])
        if row and not (len(row) == 1 and not row[0].strip())
    ]
    if not any('"' in line and '"5"' not in line for line in lines):  # with a stray quote, rows are a matter of taste
        assert sum(counts(report)) == len(rows)
    if report.batch is not None:
        plant.store.undo(report.batch, Progress())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20), broken=st.booleans())
def test_numbers_are_read_to_the_last_digit_beside_clean_and_broken_rows(
    plant: Plant, values: list[float], broken: bool
) -> None:
    rows = [f"{times.iso(T0 + i * HOUR, 'UTC')},1,{value!r}" for i, value in enumerate(values)]
    report = plant.give("\n".join([HEADER.strip(), *rows, *(["x,1,2"] if broken else [])]) + "\n")
    assert plant.store.telemetry("1")[1][0].tolist() == values
    if report.batch is not None:
        plant.store.undo(report.batch, Progress())
