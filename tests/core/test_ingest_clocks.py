"""Times as programs and people write them: numbers that count from some day, names of months, halves of the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.plans import Choices
from tests.core.books import days
from tests.core.plants import Plant

MOMENTS = [dt.datetime(2025, 2, 20, tzinfo=dt.UTC) + dt.timedelta(hours=5 * i) for i in range(40)]
HOURS = [dt.datetime(2025, 2, 20, tzinfo=dt.UTC) + dt.timedelta(hours=i) for i in range(72)]


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    plant = Plant(tmp_path)
    yield plant
    plant.store.close()


def given(plant: Plant, texts: list[str], zone: str = "UTC", **said) -> list[dt.datetime]:
    """The times that come in of a file with these."""
    rows = "".join(f"{text}\tP1\t{i}.5\n" for i, text in enumerate(texts))
    report = plant.give(f"time\tmachine\theat\n{rows}", time_zone=zone, choices=Choices(**said))
    assert report.rejected == 0
    at, values = plant.store.telemetry("P1")
    assert values[0].tolist() == [i + 0.5 for i in range(len(texts))]
    return [dt.datetime.fromtimestamp(ms / 1000, dt.UTC) for ms in at.tolist()]


def since(year: int, moment: dt.datetime) -> int:
    """Microseconds since a year began."""
    return (moment - dt.datetime(year, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("year", "scale", "words"),
    [
        (1970, 1e-6, "seconds since 1970"),
        (1970, 1000, "nanoseconds since 1970"),
        (1601, 10, "Windows file times"),
        (1, 10, ".NET ticks"),
    ],
)
def test_numbers_are_read_from_where_they_count_and_the_report_says_so(
    plant: Plant, year: int, scale: float, words: str
) -> None:
    numbers = [since(year, moment) * scale for moment in MOMENTS]
    assert given(plant, [f"{number:.0f}" for number in numbers]) == MOMENTS
    notes = plant.give("time,machine,heat\n" + "".join(f"{n:.0f},P1,1\n" for n in numbers), dry_run=True).notes
    assert any(words in note for note in notes)


def test_ticks_are_of_the_plants_clock_and_file_times_of_utc(plant: Plant) -> None:
    hour = dt.timedelta(hours=1)
    ticks = [f"{since(1, moment) * 10}" for moment in MOMENTS]
    assert given(plant, ticks, "Europe/Berlin") == [moment - hour for moment in MOMENTS]  # winter: an hour ahead


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{:%y%m%d%H%M%S}", "milliseconds since 1970 .UTC., the numbers in column time would be times of 1977"),
        ("{:.0f}", "would be times of 1995"),  # seconds since 2000, as controllers count
    ],
)
def test_numbers_that_would_be_times_before_2000_are_asked_about(plant: Plant, text: str, says: str) -> None:
    texts = [text.format(m if "%" in text else since(2000, m) / 1e6) for m in MOMENTS]
    plant.refuses("time,machine,heat\n" + "".join(f"{t},P1,1\n" for t in texts), says)


def test_the_number_of_a_clock_that_was_not_set_rejects_its_row(plant: Plant) -> None:
    rows = "".join(f"{since(1970, moment) // 1_000_000},P1,1\n" for moment in MOMENTS)
    report = plant.give(f"time,machine,heat\n{rows}86400,P1,1\n")
    assert (report.accepted, report.rejected) == (40, 1)
    assert report.reasons[0][0] == "a number that would be a time before 2000"


def test_seconds_with_a_decimal_point_do_not_make_thousands_of_the_readings(plant: Plant) -> None:
    rows = "".join(f"{since(1970, m) / 1e6:.1f};P1;28,{575 + i}\n" for i, m in enumerate(MOMENTS))
    plant.refuses("time;machine;heat\n" + rows, "Whether 28,575 has a decimal comma or a thousands mark")
    plant.give("time;machine;heat\n" + rows, choices=Choices(decimal=","))
    assert plant.store.telemetry("P1")[1][0].tolist()[:2] == [28.575, 28.576]


def test_a_dotted_date_may_begin_with_the_year_until_its_days_are_more_than_its_years(plant: Plant) -> None:
    head = "time,machine,heat\n"
    panel = "".join(f"{moment:%y.%m.%d %H:%M},P1,1\n" for moment in MOMENTS)
    plant.refuses(head + panel, "Whether the day, the month or the year stands first in 25.02.2")
    assert given(plant, [f"{moment:%d.%m.%y %H:%M}" for moment in MOMENTS]) == MOMENTS


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f"])
@pytest.mark.parametrize("half", ["AM PM", "a.~m. p.~m.", "a.m. p.m."])
def test_halves_of_the_day_behind_blanks_of_any_width(plant: Plant, half: str, blank: str) -> None:
    halves = [word.replace("~", blank) for word in half.split()]
    texts = [f"{m:%Y-%m-%d} {m.hour % 12 or 12}:{m:%M:%S}{blank}{halves[m.hour // 12]}" for m in MOMENTS]
    assert given(plant, texts) == MOMENTS


@pytest.mark.parametrize(
    "form",
    [
        "{:%Y.%m.%d. %H:%M}",
        "{:%Y. %m. %d. %H:%M:%S}",
        "{:%Y年%m月%d日 %H:%M}",
        "{:%Y-%m-%d-%H.%M.%S.000}",
        "{:%Y%m%d-%H%M%S}",
    ],
)
def test_dates_as_in_hungary_korea_japan_and_by_mainframes(plant: Plant, form: str) -> None:
    assert given(plant, [form.format(m) for m in MOMENTS]) == MOMENTS


def test_halves_of_the_day_before_the_time(plant: Plant) -> None:
    texts = [f"{m:%Y-%m-%d} {('오전', '오후')[m.hour // 12]} {m.hour % 12 or 12}:{m:%M:%S}" for m in MOMENTS]
    assert given(plant, texts) == MOMENTS


@pytest.mark.parametrize("form", ["{m} {d:2} {M:%Y} {h:2}:{M:%M}{M:%p}", "Sat {m} {d:2} {M:%H:%M:%S} {M:%Y}"])
def test_days_below_ten_may_be_padded_with_a_blank(plant: Plant, form: str) -> None:
    texts = [form.format(m=f"{m:%b}", d=m.day, M=m, h=m.hour % 12 or 12) for m in MOMENTS]
    assert given(plant, texts) == MOMENTS


@pytest.mark.parametrize("names", ["lut mar", "февр. мар.", "února března", "şub mar", "helmi maalis", "febr. márc."])
def test_months_in_other_languages(plant: Plant, names: str) -> None:
    texts = [f"{m.day}-{names.split()[m.month - 2].rstrip('.')}-{m:%Y %H:%M}" for m in MOMENTS]
    assert given(plant, texts) == MOMENTS


def test_a_month_that_is_another_one_in_the_next_language_is_no_time(plant: Plant) -> None:
    rows = "05-lis-2024 06:00,P1,1\n05-gru-2024 06:00,P1,2\n05-sty-2025 06:00,P1,3\n"
    report = plant.give(f"time,machine,heat\n{rows}")
    assert (report.accepted, report.reasons) == (2, (("a name that means another month in another language", 1),))


@pytest.mark.parametrize("digits", [5, 6, 12])
def test_days_with_few_digits_are_whole_seconds(plant: Plant, digits: int) -> None:
    """As most spreadsheets and databases write them: 45304.041667 is 01:00, not 43 ms later."""
    assert given(plant, [f"{days(moment):.{digits}f}" for moment in MOMENTS]) == MOMENTS


def test_days_whose_digits_cannot_tell_the_second_are_no_times(plant: Plant) -> None:
    rows = "".join(f"{days(moment):.4f},P1,1\n" for moment in MOMENTS)
    report = plant.give(f"time,machine,heat\n{rows}")
    # Of hours that three divides, three digits tell all.
    assert (report.accepted, report.reasons) == (14, (("days with too few digits to tell the second", 26),))


def test_a_reading_with_a_date_and_no_time_is_not_of_midnight(plant: Plant) -> None:
    rows = "2025-02-20,06:00,P1,1\n2025-02-20,,P1,2\n2025-02-20,07:00,P1,3\n"
    report = plant.give(f"date,time,machine,heat\n{rows}")
    assert (report.accepted, report.reasons) == (2, (("no time", 1),))


def test_a_rejected_row_of_the_hour_that_came_twice_comes_back_as_the_second(plant: Plant) -> None:
    clocks = ["02:00", "02:30", "02:00", "02:30", "03:00"]
    rows = "".join(f"26.10.2025 {c},P1,{'bad one' if i == 3 else i}\n" for i, c in enumerate(clocks))
    report = plant.give(f"time,machine,heat\n{rows}", time_zone="Europe/Berlin")
    assert (report.accepted, report.unchanged, report.rejected_values) == (4, 1, 1)
    assert report.rejects_file is not None
    rejects = Path(report.rejects_file).read_text("utf-8-sig")
    again = plant.give(rejects.replace("bad one", "3"), "mended.csv", time_zone="Europe/Berlin")
    assert (again.accepted, again.conflicts) == (1, 0)
    at, values = plant.store.telemetry("P1")
    assert [dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%H:%M") for ms in at.tolist()] == [
        "00:00", "00:30", "01:00", "01:30", "02:00",
    ]  # fmt: skip
    assert values[0].tolist() == [0, 1, 2, 3, 4]


def test_a_file_whose_rows_contradict_each_other_is_not_understood(plant: Plant) -> None:
    halves = "".join(f"{m:%Y-%m-%d} {m.hour % 12 or 12}:30,P1,{i}\n" for i, m in enumerate(HOURS))
    error = plant.refuses("time,machine,heat\n" + halves, "36 of 72 rows say another thing than an earlier row")
    assert "--layout wide" in error.hint
    phases = "".join(f"{m:%Y-%m-%d %H:%M},P1,{p},{i}\n" for m in HOURS for i, p in enumerate("ABC"))
    one = "".join(f"{m:%Y-%m-%d %H:%M},P1,A,0\n" for m in reversed(HOURS))  # as if there were no others, at first
    text = "time,machine,phase,current\n" + one * 30 + phases
    assert "--map 'phase'=machine" in plant.refuses(text, "Column phase tells them apart").hint
    assert plant.give(text, choices=Choices(layout="wide")).conflicts == 144
    tags = [f"P{machine}.{sensor}" for machine in (1, 2) for sensor in ("heat", "flow")]
    same = "".join(f"{m:%Y-%m-%d %H:%M},{tag},{i}\n" for i, m in enumerate(HOURS) for tag in tags)
    report = plant.give("time,tag,value\n" + same + same)
    assert (report.accepted, report.duplicates) == (288, 288)
