"""Where cells end: a mark of numbers and times is not taken for what parts them, nor guessed where it may be either."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_desktop.core.ingest.dialect import best_delimiter
from pdm_desktop.core.plans import Choices
from pdm_desktop.core.store import Store
from tests.core.plants import Plant

START = datetime(2024, 1, 13, 5, tzinfo=UTC)
FORMS = ("excel", "excel days", "iso", "german", "german with comma", "epoch")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "plant.db"
    Store.open(path).close()
    return path


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def moment(form: str, at: datetime, decimal: str) -> str:
    days = (at - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)
    return {
        "excel": f"{days:.6f}".rstrip("0").replace(".", decimal),
        "excel days": f"{days:.0f}",
        "iso": at.strftime("%Y-%m-%d %H:%M:%S"),
        "german": at.strftime("%d.%m.%Y %H:%M"),
        "german with comma": at.strftime("%d.%m.%Y, %H:%M:%S"),
        "epoch": f"{at.timestamp():.0f}",
    }[form]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    delimiter=st.sampled_from([";", ";", ",", "\t", "|"]),
    decimal=st.sampled_from(",."),
    form=st.sampled_from(FORMS),
    machines=st.sampled_from([[], ["1", "2"], ["M1", "M2"], ["Presse 1, Halle 2", "Presse 2, Halle 2"]]),
    sensors=st.integers(1, 4),
    numbers=st.lists(st.integers(-40_000, 400_000).map(lambda n: n / 100), min_size=4, max_size=24),
    order=st.permutations(["zeit", "maschine"]),
    preamble=st.integers(0, 2),
)
def test_tables_of_two_to_six_columns_come_back_equal_whatever_parts_their_cells(
    delimiter: str, decimal: str, form: str, machines: list[str], sensors: int, numbers: list[float],
    order: list[str], preamble: int, template: Path, tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    names = [name for name in order if name == "zeit" or machines] + [f"s{i}" for i in range(sensors)]
    step = timedelta(days=1) if form == "excel days" else timedelta(hours=6)
    start = START.replace(hour=0) if form == "excel days" else START.replace(hour=6)
    out = io.StringIO(newline="")
    out.write("Bericht der Anlage Nord\n" * preamble)
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(names)
    want: dict[str, dict[int, list[float]]] = {}
    rows = [numbers[at : at + sensors] for at in range(0, len(numbers) - sensors + 1, sensors)]
    for at, row in enumerate(rows):
        machine = machines[at % len(machines)] if machines else "P7"
        time = start + at * step
        key = {"zeit": moment(form, time, decimal), "maschine": machine}
        writer.writerow([key[n] for n in names if n in key] + [f"{v:.2f}".replace(".", decimal) for v in row])
        want.setdefault(machine, {})[round(time.timestamp() * 1000)] = row
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(template, folder / "plant.db")
    plant = Plant(folder)
    try:
        report = plant.give(out.getvalue(), choices=Choices(machine=None if machines else "P7"))
        assert (report.delimiter, report.accepted, report.rejected) == (delimiter, len(rows), 0)
        for machine, readings in want.items():
            at, values = plant.store.telemetry(machine)
            assert dict(zip(at.tolist(), values.T.tolist(), strict=True)) == readings
    finally:
        plant.store.close()
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("maschine;zeit;temp\nM1;45292,25;80,5\nM1;45292,5;80,7\n", ";"),
        ("M1;45292,25;80,5\nM1;45292,5;80,7\n", ";"),
        ("Zeit;Maschine;flow\n20.02.2025, 00:00:00;A1;5,100\n20.02.2025, 01:00:00;A1;5,200\n", ";"),
        ("machine,time,note\nM1,2024-01-01 05:00,a;b;c\nM1,2024-01-01 06:00,a;b;c\n", ","),
        ("Druck, links|Zeit|m\n1,5|2024-01-01 05:00|A, B\n2,5|2024-01-01 06:00|A, B\n", "|"),
    ],
)
def test_a_mark_that_stands_in_every_row_need_not_part_its_cells(text: str, delimiter: str) -> None:
    assert best_delimiter(text) == delimiter


def test_a_point_before_three_digits_in_every_number_is_asked_for_where_a_comma_may_be_the_decimal_mark(
    plant: Plant,
) -> None:
    text = "zeit;maschine;load\n2019-01-31 06:00;{0};901.234\n2019-01-31 07:00;{0};12.345\n"
    error = plant.refuses(text.format(1), "Whether 901.234 has a decimal point or a thousands mark cannot be told")
    assert error.hint == "Say --decimal , or --decimal ."
    plant.give(text.format(1), choices=Choices(decimal=","))
    assert plant.store.telemetry("1")[1].tolist() == [[901234.0, 12345.0]]
    plant.give(text.format(2), choices=Choices(decimal="."))
    assert plant.store.telemetry("2")[1].tolist() == [[901.234, 12.345]]
    plant.give(text.format(3).replace(";", ","))  # a comma that parts cells is no decimal mark
    assert plant.store.telemetry("3")[1].tolist() == [[901.234, 12.345]]


@pytest.mark.parametrize("beside", ["0.123", "12.5", "1500"])
def test_other_columns_prove_a_point_before_three_digits(plant: Plant, beside: str) -> None:
    text = f"zeit;maschine;load;x\n2019-01-31 06:00;1;901.234;{beside}\n2019-01-31 07:00;1;12.345;{beside}\n"
    plant.give(text)
    assert plant.store.telemetry("1")[1].tolist() == [[901.234, 12.345], [float(beside)] * 2]


def times_of(count: int) -> list[str]:
    return [(START + timedelta(minutes=10 * at)).strftime("%d.%m.%Y %H:%M") for at in range(count)]


def whole_file(delimiter: str, cells: list[str]) -> str:
    rows = (delimiter.join((time, "M1", cell)) for time, cell in zip(times_of(len(cells)), cells, strict=True))
    return "\n".join([delimiter.join(("Zeit", "Maschine", "v")), *rows]) + "\n"


@pytest.mark.parametrize("still", [450, 1_700, 50_000])
@pytest.mark.parametrize(("delimiter", "mark"), [(";", ","), ("\t", ","), (";", ".")])
def test_a_machine_that_stands_still_at_first_hides_no_decimal_mark(
    plant: Plant, still: int, delimiter: str, mark: str
) -> None:
    # Five readings among zeros: of a long file no sample shows them.
    cells = ["0"] * still + [f"{n},5".replace(",", mark) for n in (12, 13, 14)] + ["0"] * still
    report = plant.give(whole_file(delimiter, cells))
    assert (report.decimal, report.rejected_values) == (mark, 0)
    assert plant.store.telemetry("M1")[1][0][still : still + 4].tolist() == [12.5, 13.5, 14.5, 0.0]


def test_thousands_with_points_that_come_late_are_thousands_where_decimals_have_a_comma(plant: Plant) -> None:
    times = times_of(1_200)
    tags = {"a": [str(n % 900) for n in range(1_200)], "b": [f"{n % 50},5" for n in range(1_200)]}
    tags["c"] = [f"{1 + n // 1000}.{n % 1000:03}" for n in range(1_200)]
    rows = [f"M1.{tag};{time};{cell}\n" for tag, cells in tags.items() for time, cell in zip(times, cells, strict=True)]
    plant.give("Tag;Zeit;Wert\n" + "".join(rows))
    values = plant.store.telemetry("M1")[1].tolist()
    assert (values[1][:3], values[2][:3], values[2][-1]) == ([0.5, 1.5, 2.5], [1000.0, 1001.0, 1002.0], 2199.0)


def test_numbers_far_down_that_may_be_meant_either_way_are_asked_about(plant: Plant) -> None:
    cells = ["0"] * 50_000 + ["1.234", "2.345"] + ["0"] * 50_000
    error = plant.refuses(whole_file(";", cells), r"Whether [12]\.\d+ has a decimal point or a thousands mark")
    assert error.hint == "Say --decimal , or --decimal ."


def test_the_other_decimal_mark_in_a_part_of_the_file_is_no_slip(plant: Plant) -> None:
    cells = ["1.5"] * 50_000 + ["12,5"] * 1_200 + ["1.5"] * 50_000
    plant.refuses(whole_file(";", cells), "Most columns have a decimal point, but 12,5 says otherwise")
    few = plant.give(whole_file(";", ["1.5"] * 500 + ["12,5"] * 2))
    assert (few.accepted, few.rejected_values) == (500, 2)


def test_a_second_row_of_units_that_differs_is_refused(plant: Plant) -> None:
    def part(day: int, unit: str) -> str:
        rows = "".join(f"2019-01-{day} {hour:02}:00,1,5,6\n" for hour in range(9))
        return f"time,machine,v,w\n,,{unit},°C\n{rows}"

    same = plant.give(part(11, "bar") + part(12, "bar"), dry_run=True)
    assert (same.accepted, same.rejected) == (18, 2)
    error = plant.refuses(part(11, "bar") + part(12, "psi"), "another row of units: column v is in psi")
    assert error.where == "file.csv, line 13"


def test_a_header_of_fewer_names_than_the_rows_have_cells_is_not_dropped(plant: Plant) -> None:
    rows = "".join(f"2024-01-13 {hour:02}:00:00,P1,0,5,0,25\n" for hour in range(9))
    error = plant.refuses("time,machine,v,w\n" + rows, "The header has 4 names and the rows have 6 cells")
    assert (error.where, "--header-row 0" in error.hint) == ("file.csv, line 1", True)


def test_a_quote_that_is_never_closed_swallows_no_lines(plant: Plant) -> None:
    rows = [f"2024-01-13 {hour:02}:00:00,P1,{hour},remark\n" for hour in range(20)]
    rows[7] = rows[7].replace("remark", '"pipe')
    error = plant.refuses("time,machine,v,note\n" + "".join(rows), "A quote that opens here is never closed")
    assert error.where == "file.csv, line 9"
    rows[7] = rows[7].replace('"pipe', '"pipe\n2 inch"')
    assert plant.give("time,machine,v,note\n" + "".join(rows)).accepted == 20
    ditto = "".join(f'2024-01-13 {hour:02}:00:00;";{hour}\n' for hour in range(20))
    plant.refuses("time;machine;v\n2024-01-12 00:00:00;P1;1\n" + ditto, "A name has line breaks and cells in it")


def test_quotes_after_a_blank_are_quotes(plant: Plant) -> None:
    rows = "".join(f'"2024-01-13 {hour:02}:00:00", "P1, north", {hour}.5\n' for hour in range(9))
    report = plant.give('"time", "machine", "v"\n' + rows)
    assert (report.accepted, report.machines) == (9, ("P1, north",))
    assert plant.store.telemetry("P1, north")[1][0].tolist() == [hour + 0.5 for hour in range(9)]
