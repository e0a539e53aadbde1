"""What a workbook's cells tell beyond their texts, and its sheets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace
from tests.core.books import Formula, days, workbook
from tests.core.plants import Plant

HEADER = ["Time", "Machine", "heat", "flow"]
TIMES = [dt.datetime(2025, 2, 10, tzinfo=dt.UTC) + dt.timedelta(hours=6 * i) for i in range(20)]


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    yield plant
    plant.store.close()


def book(plant: Plant, rows: Sequence[Sequence[object]], header: Sequence[object] = HEADER, **how) -> Path:
    return workbook(plant.folder / "book.xlsx", {"Data": [header, *rows]}, **how)


def times(plant: Plant, machine: str = "P1") -> list[dt.datetime]:
    at = plant.store.telemetry(machine)[0].tolist()
    return [dt.datetime.fromtimestamp(ms / 1000, dt.UTC) for ms in at]


def test_texts_of_numbers_have_the_mark_that_texts_show_and_cells_of_numbers_none(plant: Plant) -> None:
    heat = [81.401 if i % 2 else ("81,401" if i else "81,4") for i in range(20)]
    report = plant.give(book(plant, [[t, "P1", heat[i], 1000.5] for i, t in enumerate(TIMES)]))
    assert (report.decimal, report.rejected_values) == (",", 0)
    assert plant.store.telemetry("P1")[1].tolist() == [[81.4] + [81.401] * 19, [1000.5] * 20]


def test_a_comma_among_cells_of_numbers_is_asked_about_where_no_text_tells(plant: Plant) -> None:
    path = book(plant, [[t, "P1", "81,401" if i % 2 else 52.3, 1] for i, t in enumerate(TIMES)])
    error = plant.refuses(path, "Whether 81,401 has a decimal comma or a thousands mark")
    assert "--decimal" in error.hint
    plant.give(path, choices=Choices(decimal=","))
    assert set(plant.store.telemetry("P1")[1][0].tolist()) == {81.401, 52.3}


def test_a_machines_number_keeps_its_point_beside_decimal_commas(plant: Plant) -> None:
    plant.give(book(plant, [[t, m, "5,25", 1] for t in TIMES for m in (1.5, 2.5)]), choices=Choices(
        columns={"Machine": Role("machine")}
    ))  # fmt: skip
    assert plant.store.machines()["machine"].tolist() == ["1.5", "2.5"]


@pytest.mark.parametrize("serial", [False, True])
def test_a_time_of_day_may_be_the_fraction_of_a_day_beside_a_date(plant: Plant, serial: bool) -> None:
    rows = []
    for i, t in enumerate(TIMES):
        day = t.replace(hour=0)
        rows.append([int(days(day)) if serial else day, (t - day) / dt.timedelta(days=1), "P1", i])
    report = plant.give(book(plant, rows, ["Datum", "Uhrzeit", "Maschine", "heat"]))
    assert (report.columns["Uhrzeit"], [name for name, _ in report.sensors]) == ("time", ["heat"])
    assert times(plant) == TIMES


def test_a_rounded_fraction_of_a_day_is_no_time(plant: Plant) -> None:
    rows = [[t.replace(hour=0), round(t.hour / 24 + 1 / 24, 4), "P1", 1] for t in TIMES]  # .0417 is 3 seconds late
    plant.refuses(book(plant, rows, ["Datum", "Uhrzeit", "Maschine", "heat"]), "No row of the file can be used")


def test_midnight_may_be_the_end_of_a_day(plant: Plant) -> None:
    rows = []
    for i, t in enumerate(TIMES):
        day = t.replace(hour=0)
        clock, day = (t - day, day) if t.hour else (dt.timedelta(hours=24), day - dt.timedelta(days=1))
        rows.append([day, clock, "P1", i])
    assert plant.give(book(plant, rows, ["Datum", "Uhrzeit", "Maschine", "heat"])).rejected == 0
    assert times(plant) == TIMES


def test_days_without_the_form_of_a_date_count_from_where_the_workbook_says(plant: Plant) -> None:
    rows = [[days(t, (1904, 1, 1)), "P1", i, 1] for i, t in enumerate(TIMES)]
    report = plant.give(book(plant, rows, since_1904=True))
    assert times(plant) == TIMES
    assert "days since 1904" in " ".join(report.notes)


def test_a_merged_cell_counts_for_each_of_its_rows(plant: Plant) -> None:
    rows = [[t, "P1" if i == 0 else "P2" if i == 10 else None, i, None if i % 4 else 1] for i, t in enumerate(TIMES)]
    report = plant.give(book(plant, rows, merged=["B2:B11", "B12:B21", *(f"D{i}:D{i + 3}" for i in range(2, 22, 4))]))
    assert (report.accepted, report.rejected) == (20, 0)
    assert (times(plant), times(plant, "P2")) == (TIMES[:10], TIMES[10:])
    assert report.missing_cells == 15  # of readings, of which each was taken once


def test_formulas_without_results_are_asked_about(plant: Plant) -> None:
    path = book(plant, [[t, "P1", Formula("D2*2"), 1] for t in TIMES])
    error = plant.refuses(path, "Column heat holds formulas without their results")
    assert "--map 'heat'=ignore" in error.hint
    assert plant.give(path, choices=Choices(columns={"heat": Role("ignore")})).accepted == 20


def test_dates_that_a_spreadsheet_turned_round_are_refused(plant: Plant) -> None:
    dates = [dt.datetime(2025, 2, 1, tzinfo=dt.UTC) + dt.timedelta(days=i) for i in range(28)]
    turned = [f"{d:%d/%m/%Y}" if d.day > 12 else d.replace(month=d.day, day=2) for d in dates]
    wrong = [[turned[i], "P1", i, 1] for i in range(28)]
    plant.refuses(book(plant, wrong), "took the day for the month")
    mixed = [[f"{d:%d/%m/%Y}" if d.day % 2 else d, "P1", i, 1] for i, d in enumerate(dates)]
    plant.give(book(plant, mixed))
    assert times(plant) == dates


def test_a_hidden_sheet_is_read_only_where_it_is_asked_for(plant: Plant) -> None:
    sheets = {name: [HEADER, *([t, "P1", heat, 1] for t in TIMES)] for name, heat in (("Old", 1), ("New", 2))}
    path = workbook(plant.folder / "book.xlsx", sheets, hidden="Old")
    report = plant.give(path)
    assert (report.sheet, report.notes) == ("New", ("Sheets not read: Old (hidden).",))
    assert plant.give(path, choices=Choices(sheet="Old")).conflicts == 20


def test_sheets_of_one_header_all_come_in_and_others_are_named(tmp_path: Path) -> None:
    parts = {f"Day {i}": [HEADER, *([t, "P1", i, 1] for t in TIMES[i * 4 : i * 4 + 4])] for i in range(5)}
    parts["Errors"] = [["Time", "Machine", "Code"], *([t, "P1", "E1"] for t in TIMES)]
    path = workbook(tmp_path / "book.xlsx", parts)
    with Workspace.open(tmp_path / "plant") as workspace:
        report = workspace.import_files([path], Progress())
        assert [(file.sheet, file.accepted) for file in report.files] == [(f"Day {i}", 4) for i in range(5)]
        assert report.files[0].notes == ("Sheets not read: Errors.",)
        again = workspace.import_files([path], Progress(), choices=Choices(sheet="Day 3"))
        assert [(file.sheet, file.unchanged) for file in again.files] == [("Day 3", 4)]


def test_sheets_that_may_each_be_a_machine_are_not_made_one(tmp_path: Path) -> None:
    parts = {name: [["Time", "heat"], *([t, 1.5] for t in TIMES)] for name in ("P1", "P2")}
    path = workbook(tmp_path / "book.xlsx", parts)
    with Workspace.open(tmp_path / "plant") as workspace:
        assert [workspace.recognise(path, Choices(sheet=n)).questions[0].suggested for n in parts] == ["P1", "P2"]
        with pytest.raises(PdmError, match="several sheets like P1, none of which says its machine"):
            workspace.import_files([path], Progress(), choices=Choices(machine="P1"))
        said = Choices(machine="P2", sheet="P2")
        assert workspace.import_files([path], Progress(), choices=said).files[0].machines == ("P2",)


def test_sheets_that_contradict_each_other_are_refused_and_one_can_be_said(tmp_path: Path) -> None:
    parts = {name: [HEADER, *([t, "P1", heat, 1] for t in TIMES)] for name, heat in (("Data", 1.5), ("Data (2)", 2.5))}
    path = workbook(tmp_path / "book.xlsx", parts)
    with Workspace.open(tmp_path / "plant") as workspace:
        with pytest.raises(PdmError, match=r"Data \(2\) says another thing than Data in 20 rows"):
            workspace.import_files([path], Progress())
        assert workspace.import_files([path], Progress(), choices=Choices(sheet="Data")).files[0].accepted == 20
        assert workspace.import_files([path], Progress(), choices=Choices(sheet="Data (2)")).files[0].conflicts == 20


@pytest.mark.parametrize(("form", "scale"), [("hours", 1), ("hhmm", 100), ("hhmmss", 10_000)])
def test_hours_beside_a_date_are_its_times(plant: Plant, form: str, scale: int) -> None:
    rows = [[t.replace(hour=0), t.hour * scale, "P1", i] for i, t in enumerate(TIMES)]
    report = plant.give(book(plant, rows, ["Datum", "Stunde" if form == "hours" else "Zeit", "Maschine", "heat"]))
    assert ([name for name, _ in report.sensors], times(plant)) == (["heat"], TIMES)


def test_hours_that_count_from_one_are_asked_about_and_hours_run_are_a_sensor(plant: Plant) -> None:
    rows = [[t.replace(hour=0), t.hour + 1, "P1", i] for i, t in enumerate(TIMES)]
    plant.refuses(book(plant, rows, ["Date", "Hour", "Machine", "heat"]), "Whether hour 1 in column Hour begins")
    run = [[TIMES[4 * i].replace(hour=0), m, (i * 7 + m * 11) % 24] for i in range(5) for m in range(1, 9)]
    report = plant.give(book(plant, run, ["Date", "Machine", "Hours"]))
    assert ([name for name, _ in report.sensors], len(report.machines)) == (["Hours"], 8)


def test_hours_side_by_side_are_refused(plant: Plant) -> None:
    rows = [[t, *range(24)] for t in TIMES[::4]]
    path = book(plant, rows, ["Date", *(f"{hour:02}:00" for hour in range(24))])
    plant.refuses(path, "The times stand side by side, from column 00:00 to column 23:00")
