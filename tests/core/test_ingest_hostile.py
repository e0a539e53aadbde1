"""Files that are wrong, out of malice or by accident: none crashes the import, hangs it, fills the memory or comes in
by half. Some of them were found by fuzzing the readers (build/fuzz.py)."""

from __future__ import annotations

import csv
import io
import os
import shutil
import sqlite3
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import blocks, import_plan, pivot, preview, recognise, status
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.store import Store, writer
from tests.core.plants import Plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def rows_of(path: str | None) -> list[list[str]]:
    assert path is not None
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


TABLE = "time,machine,heat\n" + "".join(f"2019-01-31 {hour:02d}:00,1,{hour}\n" for hour in range(24))


def packed(folder: Path, method: int, **files: str) -> Path:
    path = folder / "file.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return path


# -- what is no ordinary file -----------------------------------------------------------------------------------------


def test_a_folder_a_pipe_and_a_device_named_like_tables_are_refused_and_wait_for_nobody(plant: Plant) -> None:
    (plant.folder / "folder.csv").mkdir()
    plant.refuses(plant.folder / "folder.csv", "a folder, not a file")
    if sys.platform == "win32":
        return
    os.mkfifo(plant.folder / "pipe.csv")
    plant.refuses(plant.folder / "pipe.csv", "no ordinary file")
    (plant.folder / "zeros.csv").symlink_to("/dev/zero")
    plant.refuses(plant.folder / "zeros.csv", "no ordinary file")
    (plant.folder / "round.csv").symlink_to("round.csv")
    plant.refuses(plant.folder / "round.csv", "no such file")


def test_a_path_that_the_system_cannot_look_at_is_refused(plant: Plant) -> None:
    plant.refuses(plant.folder / ("x" * 5_000), "cannot be read|no such file")
    plant.refuses(plant.folder / "nul\0.csv", "no such file")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_file_that_the_disk_cannot_read_is_refused(plant: Plant) -> None:
    plant.refuses(Path("/proc/self/mem"), "cannot be read")


def test_a_file_that_shrinks_grows_or_vanishes_while_it_is_read_is_refused(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_MOST_BYTES", 200)
    path = plant.write(TABLE)

    def shrinks() -> None:
        os.truncate(path, 400)

    def grows() -> None:
        with path.open("a") as file:
            file.write("2019-02-01 00:00,1,0\n")

    for change, message in ((shrinks, "changed while"), (grows, "changed while"), (path.unlink, "cannot be read")):
        plant.write(TABLE)
        done: list[Step] = []

        def once(step: Step, change=change, done=done) -> None:
            if not done:
                change()
            done.append(step)

        plant.refuses(path, message, progress=Progress(once))
        assert done
    plan = recognise(plant.write(TABLE))
    path.unlink()
    with pytest.raises(PdmError, match="cannot be read"):
        import_plan(plant.store, plan, dry_run=False, progress=Progress(), rejects_dir=None)


# -- the disk ---------------------------------------------------------------------------------------------------------


def test_free_disk_is_asked_for_before_anything_is_read(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(plant.folder)._replace(free=19_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    error = plant.refuses(TABLE, "19 MB free; this import may need 20 MB")
    assert error.where == str(plant.folder)


def test_a_line_of_many_machines_asks_for_the_disk_that_all_their_rows_take(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "time," + ",".join(f"P{n}.heat" for n in range(100, 200)) + "\n"
    text = head + "".join(
        f"2019-01-01 00:{m:02d}:{s:02d}" + ",10.55" * 100 + "\n" for m in range(20) for s in range(60)
    )
    usage = shutil.disk_usage(plant.folder)._replace(free=20_000_000 + 5 * len(text))
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage)
        plant.refuses(text, "MB free; this import may need")
    before = sum(path.stat().st_size for path in plant.folder.glob("plant.db*"))
    plant.give(text)
    grown = sum(path.stat().st_size for path in plant.folder.glob("plant.db*")) - before
    assert grown > 4 * len(text)  # a wide file of one machine takes half as much


@pytest.mark.skipif(sys.platform == "win32", reason="a process's files have no limit there")
def test_a_disk_that_fills_up_in_the_middle_leaves_everything_as_it_was(plant: Plant) -> None:
    import resource

    rows = "".join(
        f"2019-01-{d:02d} {h:02d}:{m:02d},1,{m}\n" for d in range(1, 29) for h in range(24) for m in range(60)
    )
    path = plant.write("time,machine,heat\n" + rows)
    wal = plant.store.path.with_name("plant.db-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 100_000, hard))
    try:
        with pytest.raises(PdmError, match="disk"):
            plant.give(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert plant.store.machines().empty
    assert plant.store.batches() == ()
    assert plant.give(path).accepted == 28 * 24 * 60


@pytest.mark.skipif(sys.platform == "win32", reason="a process's files have no limit there")
def test_a_disk_that_fills_up_while_rejects_are_written_leaves_everything_as_it_was(plant: Plant) -> None:
    import resource

    path = plant.write("time,machine,heat\n2019-01-31 06:00,1,5\n" + "soon,1,5\n" * 3_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, hard))
    try:
        plant.refuses(path, "rejects file cannot be written|disk")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_workspace_that_cannot_be_written_says_so(plant: Plant) -> None:
    plant.give(TABLE)
    plant.store.close()
    plant.store = Store.open(plant.store.path, read_only=True)
    plant.refuses(TABLE.replace("2019", "2018"), "cannot be written")


def test_a_rejects_folder_that_is_none_stops_the_import(plant: Plant) -> None:
    (plant.folder / "imports").write_text("a file")
    plant.refuses(TABLE + "soon,1,5\n", "rejects file cannot be written")


# -- archives ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_was_damaged_is_refused_however_it_is_packed(plant: Plant, method: int) -> None:
    path = packed(plant.folder, method, a_csv=TABLE)
    assert plant.give(path, dry_run=True).accepted == 24
    data = bytearray(path.read_bytes())
    for at in range(60, 90):
        data[at] ^= 0x5A
    plant.refuses(bytes(data), "cannot be unpacked|not a table of text", "damaged.zip")


def test_an_archive_locked_by_a_password_is_refused(plant: Plant) -> None:
    data = bytearray(packed(plant.folder, zipfile.ZIP_STORED, a_csv=TABLE).read_bytes())
    data[6] |= 1  # the flag in the file's header and in the archive's directory
    data[data.find(b"PK\1\2") + 8] |= 1
    plant.refuses(bytes(data), "password required", "locked.zip")


def test_an_archive_with_two_files_of_one_name_is_refused_as_one_would_be_lost(plant: Plant) -> None:
    path = plant.folder / "twice.zip"
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", TABLE)
        archive.writestr("a.csv", TABLE.replace("2019", "2018"))
    assert "'a.csv'" in plant.refuses(path, "two files named").message


def test_names_inside_an_archive_lead_nowhere(plant: Plant) -> None:
    path = packed(plant.folder, zipfile.ZIP_STORED, **{"../outside.csv": TABLE})
    assert plant.give(path).accepted == 24
    assert not list(plant.folder.parent.rglob("outside*"))


def test_a_file_without_a_name_in_an_archive_is_passed_over(plant: Plant) -> None:
    data = packed(plant.folder, zipfile.ZIP_STORED, a_csv=TABLE, b_csv=TABLE).read_bytes()
    at = data.rfind(b"PK\1\2")
    nameless = data[: at + 28] + b"\0\0" + data[at + 30 : at + 46] + data[at + 51 :]
    end = nameless.rfind(b"PK\5\6")
    size = int.from_bytes(nameless[end + 12 : end + 16], "little") - 5
    nameless = nameless[: end + 12] + size.to_bytes(4, "little") + nameless[end + 16 :]
    assert plant.give(nameless, "file.zip").accepted == 24


def test_an_archive_of_endlessly_many_files_is_refused_before_their_list_is_read(plant: Plant) -> None:
    path = plant.folder / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1_001):
            archive.writestr(f"{number}.csv", "")
    plant.refuses(path, "1,001 files; 1,000 are read at most")
    data = bytearray(path.read_bytes())
    end = data.rfind(b"PK\5\6")
    data[end + 12 : end + 16] = (0x7FFF_FFFF).to_bytes(4, "little")  # the size that the list is said to have
    plant.refuses(bytes(data), "more than 1,000 files", "more.zip")


# -- workbooks --------------------------------------------------------------------------------------------------------

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ROW = '<row><c t="inlineStr"><is><t>{}</t></is></c><c t="inlineStr"><is><t>{}</t></is></c><c>{}</c></row>'
ROWS = ROW.format("time", "machine", "<v>1</v>").replace("<c><v>1</v></c>", '<c t="str"><v>heat</v></c>') + ROW.format(
    "2019-01-31 06:00", "P1", "<v>5</v>"
)


def workbook(folder: Path, rows: str, before: str = "") -> Path:
    """A workbook with one sheet of these rows; before: what stands above the sheet's first element."""
    path = folder / "file.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}">'
            f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="Data" sheetId="1" r:id="b"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}">'
            f'<Relationship Id="b" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        )
    return path


def test_a_workbook_whose_one_cell_claims_a_terabyte_is_refused_and_the_program_lives(plant: Plant) -> None:
    assert plant.give(workbook(plant.folder, ROWS), dry_run=True).accepted == 1
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    plant.refuses(workbook(plant.folder, ROWS + far), "not within 1.5 GB of memory")
    farther = '<row r="4294967295"><c r="ZZZZZZ4294967295"><v>1</v></c></row>'
    plant.refuses(workbook(plant.folder, ROWS + farther), "not within 1.5 GB of memory")


def test_entities_of_a_workbook_are_neither_fetched_nor_multiplied(plant: Plant, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    fetched = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'
    plant.refuses(workbook(plant.folder, ROWS.replace("P1", "&e;"), fetched), "unrecognized entity")
    laughs = '<!DOCTYPE x [<!ENTITY a "' + "ha" * 1_000 + '">'
    laughs += "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefg", "bcdefgh", strict=True)) + "]>"
    plant.refuses(workbook(plant.folder, ROWS.replace("P1", "&h;"), laughs), "unrecognized entity")


@pytest.mark.parametrize("rest", [b"\0" * 5_000, b"\xff" * 5_000, b""])
def test_an_old_workbook_that_is_none_inside_is_refused(plant: Plant, rest: bytes) -> None:
    plant.refuses(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + rest, "The workbook cannot be read", "file.xls")


def test_a_workbook_without_a_sheet_is_refused(plant: Plant) -> None:
    path = packed(plant.folder, zipfile.ZIP_DEFLATED, **{"xl/workbook.xml": "<workbook/>"})
    plant.refuses(path, "The workbook (has no sheet|cannot be read)")


# -- quotes -----------------------------------------------------------------------------------------------------------


def test_an_inch_mark_in_a_text_opens_no_quote_however_far_the_next_one_is(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A block ends after a whole row. Were 5" taken for the beginning of a quote, the rows up to the next one would be
    # one, and those after it cut in two where a quoted text goes over two lines.
    monkeypatch.setattr(blocks, "_MOST_BYTES", 64)
    lines = ["time,machine,remark,heat", '2019-01-01 00:00,1,5" pipe,0']
    for hour in range(1, 24):
        lines += [f'2019-01-01 {hour:02d}:00,1,"two', f'lines",{hour}']
    report = plant.give("\n".join(lines) + "\n")
    assert (report.accepted, report.rejected) == (24, 0)
    assert plant.store.telemetry("1")[1].tolist() == [[float(hour) for hour in range(24)]]


def test_a_lone_inch_mark_does_not_make_a_long_file_one_line(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST_LINE", 4_000)
    monkeypatch.setattr(blocks, "_MOST_BYTES", 1_000)
    rows = "".join(f"2019-01-{d:02d} {h:02d}:00,1,pipe,{h}\n" for d in range(1, 31) for h in range(24))
    report = plant.give('time,machine,remark,heat\n2018-12-31 00:00,1,5" pipe,0\n' + rows)
    assert (report.accepted, report.rejected) == (721, 0)


def test_lines_much_shorter_than_the_first_ones_come_in_blocks_no_larger_for_it(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROWS", 10)
    long = [f'2019-01-01 {hour:02d}:00,1,{hour},"{"x" * 900}"' for hour in range(24)]
    short = [f'2019-01-{day:02d} {hour:02d}:00,1,{hour},"y\ny"' for day in range(2, 29) for hour in range(24)]
    path = plant.write("\n".join(["time,machine,heat,remark", *long, *short]) + "\n")
    made = list(blocks.Blocks(recognise(path)))
    assert max(block.data.count(b"\n") for block in made) <= 60
    assert [block.line for block in made] == [2 + sum(b.data.count(b"\n") for b in made[:i]) for i in range(len(made))]
    assert (plant.give(path).accepted, plant.store.telemetry("1")[1].tolist()) == (672, [[*range(24)] * 28])


def test_a_cell_longer_than_any_reader_takes_is_refused_with_its_line_in_preview_and_import(plant: Plant) -> None:
    text = "time,machine,heat,remark\n2019-01-31 06:00,1,5,y\n2019-01-31 07:00,1,5," + "x" * 300_000 + "\n"
    path = plant.write(text)
    assert plant.refuses(path, "field larger than").where == "file.csv, line 3"
    with pytest.raises(PdmError, match="field larger than"):
        preview(recognise(path), 50)


# -- more names than a plant has --------------------------------------------------------------------------------------


def test_columns_beyond_what_a_table_of_the_store_can_have_are_refused(plant: Plant) -> None:
    for count in (1_901, 2_500):
        names = ",".join(f"s{number}" for number in range(count))
        row = "2019-01-31 06:00,1" + ",5" * count
        plant.refuses(f"time,machine,{names}\n{row}\n", "1,900 sensors at most")


def test_columns_of_one_name_are_told_apart_without_counting_each_of_them_again(plant: Plant) -> None:
    header = "time,machine" + ",heat" * 9_000
    plan = recognise(plant.write(f"{header},\n2019-01-31 06:00,1" + ",5" * 9_000 + ",\n"))
    assert [column.name for column in plan.columns[2:5]] == ["heat", "heat (2)", "heat (3)"]
    assert len({column.name for column in plan.columns}) == len(plan.columns)


def test_a_million_columns_are_refused(plant: Plant) -> None:
    text = "time,machine" + ",heat" * 1_000_000 + "\n2019-01-31 06:00,1" + ",5" * 1_000_000 + "\n"
    plant.refuses(text, "more columns than a plant has sensors")


def test_sensors_of_a_long_file_beyond_what_a_plant_can_have_are_refused(plant: Plant) -> None:
    rows = "".join(f"P1.S{n},2019-01-31 06:00,5\n" for n in range(1_901))
    plant.refuses("tag,time,value\n" + rows, "1,900 sensors at most")


def test_endlessly_many_machines_tags_codes_or_changes_of_a_status_are_refused(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_MACHINES", "MOST_LABELS"):
        monkeypatch.setattr(writer, name, 50)
    monkeypatch.setattr(pivot, "MOST_TAGS", 50)
    monkeypatch.setattr(status, "MOST_CHANGES", 50)
    many = range(60)
    plant.refuses("time,machine,heat\n" + "".join(f"2019-01-31 06:00,M{n},5\n" for n in many), "50 machines at most")
    plant.refuses("time,machine,error\n" + "".join(f"2019-01-31 06:00,1,E{n * 7 % 60}\n" for n in many), "50 codes and")
    plant.refuses("tag,time,value\n" + "".join(f"P1.S{n},2019-01-31 06:00,5\n" for n in many), "more than 50 tags")
    states = "".join(f"2019-01-31 06:{n:02d},1,{('up', 'down')[n % 2]},5\n" for n in many)
    choices = Choices(columns={"state": Role("failure", "down")})
    plant.refuses("time,machine,state,heat\n" + states, "changes more than 50 times", choices=choices)


# -- texts ------------------------------------------------------------------------------------------------------------


def test_a_formula_is_defused_in_the_rejects_file_and_comes_in_as_it_was_once_that_is_mended(plant: Plant) -> None:
    codes = ["=cmd|' /C calc'!A0", "@SUM(1+1)", "+1+cmd|x", "-2+3", "'=quoted"]
    rows = "".join(f'soon,=1+1,"{code}"\n' for code in codes)
    report = plant.give("time,machine,error\n2019-01-31 06:00,1,E1\n" + rows)
    assert (report.accepted, report.rejected, report.rejects_file is None) == (1, 5, False)
    path = Path(str(report.rejects_file))
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    mended = path.read_bytes().replace(b",soon,not a time", b",,mended").replace(b",soon,", b",2019-01-31 07:00,")
    assert plant.give(mended, "mended.csv").accepted == 5
    events = plant.store.events("errors")
    assert sorted(events["label"][events["machine"] == "=1+1"]) == sorted(codes)


def test_names_that_are_sql_html_or_paths_are_names(plant: Plant) -> None:
    machines = [
        "'; DROP TABLE machine; --",
        '<img src=x onerror="alert(1)">',
        "../../etc/passwd",
        "100%",
        "a\nb",
    ]
    sensors = ['heat"; DROP TABLE telemetry; --', "<b>x</b>", "..\\flow", "s1", "rowid"]
    out = io.StringIO(newline="")
    writer_ = csv.writer(out, lineterminator="\n")
    writer_.writerow(["time", "machine", *(f"{name} [V]" for name in sensors)])
    writer_.writerows(["2019-01-31 06:00", name, 1, 2, 3, 4, 5] for name in machines)
    report = plant.give(out.getvalue())
    assert (report.accepted, report.rejected) == (len(machines), 0)
    assert sorted(plant.store.machines()["machine"]) == sorted(machines)
    assert [sensor.name for sensor in plant.store.sensors()] == sensors
    for name in machines:
        assert plant.store.telemetry(name)[1].tolist() == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    connection = sqlite3.connect(plant.store.path)
    try:
        found = connection.execute("SELECT * FROM telemetry_by_name").fetchall()
    finally:
        connection.close()
    assert len(found) == len(machines)


def test_dates_that_no_reading_can_have_are_rejected_row_by_row(plant: Plant) -> None:
    times = ["0001-01-01 00:00", "9999-12-31 23:59", "0000-00-00 00:00", "2019-02-30 00:00", "1969-12-31 23:59"]
    report = plant.give(TABLE + "".join(f"{time},1,5\n" for time in times))
    assert (report.accepted, report.rejected) == (24, 5)
    assert [row[3] for row in rows_of(report.rejects_file)[1:]] == times


def test_a_zero_byte_in_a_column_name_is_refused(plant: Plant) -> None:
    plant.refuses(TABLE.replace("heat", "he\0at").encode("utf-16"), "not a table of text")


@pytest.mark.parametrize("cell", ["1\t5", "+0e 5", "1E\t2"])
def test_a_cell_that_is_no_number_is_rejected_whatever_the_reader_of_whole_blocks_takes_it_for(
    plant: Plant, cell: str
) -> None:
    head = "machine;time;heat;load\n" + "".join(f"1;2019-01-31 {hour:02d}:00;{hour},5;{hour}\n" for hour in range(24))
    report = plant.give(head + f"1;2019-02-01 00:00;7,5;{cell}\n")
    assert (report.accepted, report.rejected_values) == (25, 1)
    (_, mended) = rows_of(report.rejects_file)
    assert cell in [text.removeprefix("'") for text in mended]
