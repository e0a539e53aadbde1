"""Times that could be misread: two-digit years, the day before the month, zones in the names of columns."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.zones import said
from pdm_desktop.core.plans import Choices, Role
from tests.core.plants import Plant

T0 = 1_709_251_200_000  # 2024-03-01 00:00 UTC


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    yield plant
    plant.store.close()


def table(form: str, days: int, name: str = "time") -> str:
    rows = []
    for day in range(days):
        at = times.iso(T0 + day * times.DAY, "UTC")
        rows.append(form.format(Y=at[:4], y=at[2:4], m=at[5:7], d=at[8:10]) + f" 06:00,1,{day}\n")
    return f"{name},machine,heat\n" + "".join(rows)


def days(plant: Plant) -> list[int]:
    at, _ = plant.store.telemetry("1")
    return [(time - T0) // times.DAY for time in at.tolist()]


@pytest.mark.parametrize("form", ["{y}-{m}-{d}", "{y}/{m}/{d}"])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_a_year_of_two_digits_that_stands_first_is_not_taken_for_a_day(plant: Plant, form: str, count: int) -> None:
    error = plant.refuses(table(form, count), "the day, the month or the year stands first")
    assert "--day-first" in error.hint


@pytest.mark.parametrize(("form", "first"), [("{d}/{m}/{y}", True), ("{m}/{d}/{y}", False), ("{d}.{m}.{y}", True)])
def test_years_of_two_digits_that_stand_last_are_read_where_days_prove_it(plant: Plant, form: str, first: bool) -> None:
    report = plant.give(table(form, 20))
    assert (report.day_first, report.rejected) == (first, 0)
    assert days(plant) == list(range(20))


def test_dates_of_year_day_and_month_refuse_the_file_and_one_slip_its_row(plant: Plant) -> None:
    plant.refuses(table("{Y}-{d}-{m}", 20), "the year first, then the day")
    text = table("{Y}-{m}-{d}", 30)
    report = plant.give(text + "2024-13-01 06:00,1,5\n")
    assert (report.accepted, report.rejected) == (30, 1)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Timestamp (UTC)", "UTC"),
        ("time_utc", "UTC"),
        ("TimeUTC", "UTC"),
        ("Zeit [GMT]", "UTC"),
        ("Time (UTC+1)", "Etc/GMT-1"),
        ("Time [UTC-05:00]", "Etc/GMT+5"),
        ("Time (UTC+05:30)", None),
        ("Time", None),
        ("outcome", None),
    ],
)
def test_a_columns_name_says_the_zone(name: str, zone: str | None) -> None:
    assert said(name) == zone


def test_the_zone_in_a_columns_name_wins_over_the_plants_and_a_choice_over_it(plant: Plant) -> None:
    plant.give(table("{Y}-{m}-{d}", 1, "Timestamp (UTC)"), time_zone="Europe/Berlin")
    assert plant.store.telemetry("1")[0].tolist() == [T0 + 6 * times.HOUR]
    plant.give(table("{Y}-{m}-{d}", 1, "Timestamp (UTC+3)"), time_zone="Europe/Berlin")
    assert plant.store.telemetry("1")[0].tolist() == [T0 + 3 * times.HOUR, T0 + 6 * times.HOUR]


def test_the_zone_chosen_for_a_file_holds_for_its_mended_rejects_too(plant: Plant) -> None:
    text = table("{Y}-{m}-{d}", 2) + "2024-03-03 06:00,1,bad one\n"
    report = plant.give(text, choices=Choices(time_zone="Asia/Tokyo"))
    assert report.rejects_file is not None
    rejects = Path(report.rejects_file).read_text("utf-8-sig")
    assert "file.csv [Asia/Tokyo],4,heat,bad one" in rejects
    again = plant.give(rejects.replace("bad one", "7"), "mended.csv")
    assert (again.time_zone, again.accepted) == ("Asia/Tokyo", 1)
    at, values = plant.store.telemetry("1")
    assert at.tolist() == [T0 + day * times.DAY - 3 * times.HOUR for day in range(3)]
    assert values[0].tolist() == [0.0, 1.0, 7.0]
    last = rejects.splitlines()[-1]
    with pytest.raises(PdmError, match="different time zones"):
        plant.give(rejects + last.replace("Tokyo", "Seoul") + "\n")


def test_rejects_of_a_file_in_an_archive_name_it(plant: Plant) -> None:
    path = plant.folder / "pack.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("north.csv", table("{Y}-{m}-{d}", 2) + "2024-03-03 06:00,1,bad one\n")
        archive.writestr("south.csv", table("{Y}-{m}-{d}", 2))
    report = plant.give(path, choices=Choices(sheet="north.csv"))
    assert report.rejects_file is not None
    assert "pack.zip \N{RIGHTWARDS ARROW} north.csv,4,heat" in Path(report.rejects_file).read_text("utf-8-sig")


def test_morning_and_afternoon_in_a_column_of_their_own_are_not_passed_over(plant: Plant) -> None:
    rows = [f"2024-03-01,{hour % 12 or 12}:00,{'AM' if hour < 12 else 'PM'},1,{hour}\n" for hour in range(24)]
    text = "Date,Time,Half,machine,heat\n" + "".join(rows)
    error = plant.refuses(text, "Half tells morning from afternoon")
    assert "--map 'Half'=ignore" in error.hint
    clock = [f"2024-03-01,{hour}:00,{'AM' if hour < 12 else 'PM'},1,{hour}\n" for hour in range(24)]
    whole = "Date,Time,Half,machine,heat\n" + "".join(clock)
    assert plant.give(whole, choices=Choices(columns={"Half": Role("ignore")})).accepted == 24
