"""What a file does not tell is asked: layouts, statuses, machines in columns; and small things plants write."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import recognise
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from tests.core.plants import Plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def hours(*cells: str, head: str) -> str:
    return head + "\n" + "".join(f"2019-01-31 {h:02}:00:00,{cell}\n" for h, cell in enumerate(cells))


def test_a_file_of_tags_and_values_whose_value_column_is_the_tag_is_no_long_file(plant: Plant) -> None:
    text = "Tag,Timestamp,Value,Quality\n" + "".join(f"2019-01-31 {h:02}:00,1,seen {h},Good\n" for h in range(6))
    plan = recognise(plant.write(text), Choices(machine="P1"))
    assert plan.layout != "long" or plan.index("value") is not None


def test_a_status_mapped_as_a_failure_without_its_value_is_asked_about(plant: Plant) -> None:
    text = hours("5,6,RUN", "5,6,RUN", "5,6,BROKEN", "5,6,RUN", head="Time,heat,flow,Status")
    bare = Choices(columns={"Status": Role("failure")}, machine="P")
    error = plant.refuses(text, "Which value of Status means a failure is not said", choices=bare)
    assert "Status=failure:VALUE" in error.hint
    one = hours("5,RUN", "5,RUN", "5,BROKEN", "5,RUN", head="Time,heat,Status")
    plant.refuses(one, "or Status a status among readings, is not said", choices=bare)
    told = plant.give(one, choices=Choices(columns={"Status": Role("failure", "BROKEN")}, machine="P"))
    assert (told.kind, told.accepted, len(plant.store.events("failures"))) == ("telemetry", 4, 1)


def test_a_first_column_without_a_name_that_holds_the_times_is_the_time(plant: Plant) -> None:
    report = plant.give(hours("P1,5", "P1,6", "P1,7", head=",machine,heat"))
    assert (report.columns["column 1"], report.accepted, report.sensors) == ("timestamp", 3, (("heat", ""),))


def test_columns_that_may_be_machines_and_sensors_get_a_hint_how_to_say_so(plant: Plant) -> None:
    head = "Time,P101_Temp,P101_Druck,P102_Temp,P102_Druck"
    error = plant.refuses(hours("5,6,7,8", "6,7,8,9", head=head), "no column for the machine")
    assert "Where each column names its machine: --layout wide-tags." in error.hint
    report = plant.give(hours("5,6,7,8", "6,7,8,9", head=head), choices=Choices(layout="wide tags"))
    assert (report.machines, [name for name, _ in report.sensors]) == (("P101", "P102"), ["Temp", "Druck"])
    other = plant.refuses(hours("5,6", "6,7", head="Time,heat_in,heat_out"), "no column for the machine")
    assert "wide-tags" not in other.hint


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [("12,5-", ",", -12.5), ("12.5-", ".", -12.5), ("7-", ".", -7.0), ("\u20135,2", ",", -5.2), ("-5-", ".", None),
     ("1.234,5-", ",", -1234.5), ("-", ".", None), ("5-3", ".", None)],
)  # fmt: skip
def test_a_minus_behind_a_number_is_its_sign(text: str, decimal: str, value: float | None) -> None:
    assert number_of(text, decimal) == value


def test_numbers_with_a_minus_behind_come_in_beside_others(plant: Plant) -> None:
    text = "Zeit;Maschine;T\n" + "".join(
        f"2019-01-31 {h:02}:00;1;{c}\n" for h, c in enumerate(["12,5-", "3,5", "0,5-"])
    )
    assert plant.give(text).rejected_values == 0
    assert plant.store.telemetry("1")[1].tolist() == [[-12.5, 3.5, -0.5]]


def test_an_endless_name_of_a_column_takes_no_time() -> None:
    begun = time.process_time()
    for end in ("x", "(x)", "[bar", " in"):
        split_unit("v" + " " * 1_000_000 + end)
    assert time.process_time() - begun < 5  # seconds of work, where it was hours


@pytest.mark.parametrize("name", ["rot13", "base64", "hex", "idna", "nonsense"])
def test_what_is_no_encoding_of_text_is_refused(plant: Plant, name: str) -> None:
    plant.refuses(hours("P1,5", head="time,machine,heat"), "There is no encoding", choices=Choices(encoding=name))


FOLD = "time;machine;T\n29.10.2023 02:30 {0};A;1\n29.10.2023 02:30 {1};A;2\n29.10.2023 03:30 {1};A;3\n"
UTC_HOURS = [1698539400000, 1698543000000, 1698546600000]  # 2023-10-29 00:30, 01:30, 02:30


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize(("summer", "winter"), [("MESZ", "MEZ"), ("CEST", "CET")])
def test_short_names_of_zones_that_are_one_offset_everywhere_are_read(
    plant: Plant, zone: str, summer: str, winter: str
) -> None:
    assert plant.give(FOLD.format(summer, winter), time_zone=zone).rejected == 0
    assert plant.store.telemetry("A")[0].tolist() == UTC_HOURS


def test_short_names_that_several_zones_use_count_only_beside_one_that_does(plant: Plant) -> None:
    text = FOLD.format("EDT", "EST")
    error = plant.refuses(text, "Times end in EDT, which is not a time of UTC: which zone is meant?")
    assert error.hint.startswith("Say the zone: --time-zone")
    plant.refuses(text, "not a time of Europe/Berlin", choices=Choices(time_zone="Europe/Berlin"))
    plant.give(text, choices=Choices(time_zone="America/New_York"))
    assert plant.store.telemetry("A")[0].tolist() == [at + 6 * 3_600_000 for at in UTC_HOURS]
    moscow = "time;machine;T\n29.10.2012 02:30 MSK;B;1\n29.10.2023 02:30 MSK;B;1\n"  # four hours ahead, then three
    plant.give(moscow, choices=Choices(time_zone="Europe/Moscow"))
    assert plant.store.telemetry("B")[0].tolist() == [1351463400000, 1698535800000]


def test_a_short_name_far_down_that_is_none_of_the_zone_rejects_its_rows(plant: Plant) -> None:
    rows = [f"2023-10-{d:02} {h:02}:{m:02}:00 CET,A,{m}\n" for d in range(1, 31) for h in range(24) for m in range(60)]
    rows[30_000] = rows[30_000].replace("CET", "PST")
    report = plant.give("time,machine,T\n" + "".join(rows))
    assert report.reasons == (("a time whose zone is not told by its short name", 1),)


def test_a_note_in_an_archive_of_tables_is_left_out_and_named(tmp_path: Path) -> None:
    table = "datetime,machineID,heat\n2019-01-31 06:00,{0},5\n2019-01-31 07:00,{0},6\n"
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "Exported by the historian.\nAll times are local.\n")
        archive.writestr("a.csv", table.format("A"))
        archive.writestr("b.csv", table.format("B"))
        archive.writestr("empty.csv", "")
    with Workspace.open(tmp_path / "plant") as plant:
        report = plant.import_files([path], Progress())
        assert [file.accepted for file in report.files] == [2, 2]
        assert [name for name, _ in report.left_out] == ["export.zip → readme.txt", "export.zip → empty.csv"]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "Exported by the historian.\nAll times are local.\n")
            archive.writestr("empty.csv", "")
        with pytest.raises(PdmError, match=r"names no column|no table|empty"):
            plant.import_files([path], Progress())


def test_a_damaged_member_of_an_archive_refuses_all_of_it(tmp_path: Path) -> None:
    table = "datetime,machineID,heat\n" + "".join(f"2019-01-31 {h:02}:00,A,{h}\n" for h in range(24))
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", table)
        archive.writestr("b.csv", table.replace("A", "B"))
    data = bytearray(path.read_bytes())
    at = data.rfind(b"2019-01-31 23:00,B")
    data[at : at + 4] = b"2018"
    path.write_bytes(data)
    with (
        Workspace.open(tmp_path / "plant") as plant,
        pytest.raises(PdmError, match="compressed file cannot be unpacked"),
    ):
        plant.import_files([path], Progress())


def test_a_clock_of_twelve_hours_without_halves_of_the_day_is_said_to_be_one(plant: Plant) -> None:
    rows = [f"2024-01-{d:02} {h % 12 or 12:02}:00;A;{h + d / 10:.1f}\n" for d in range(1, 15) for h in range(24)]
    error = plant.refuses("time;machine;T\n" + "".join(rows), "Its hours are from 1 to 12 only")
    assert "AM and PM" in error.hint
    mornings = [row for at, row in enumerate(rows) if 6 <= at % 24 < 13]
    assert plant.give("time;machine;T\n" + "".join(mornings)).accepted == len(mornings)
