"""Units in a column, in the cells, behind tags and names, in a row: one sensor never holds values in two of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pdm_desktop.core.ingest import recognise
from pdm_desktop.core.ingest.units import conversion, differ, split_measured
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from tests.core.plants import Plant

CONVERT = Choices(units="convert")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def long(*rows: Sequence[object], header: str = "Tag;Zeit;Wert;Einheit") -> str:
    """Rows of tag, hour, value, unit."""
    lines = (f"{tag};2019-01-31 {int(str(hour)):02}:00;{value};{unit}" for tag, hour, value, unit in rows)
    return "\n".join([header, *lines]) + "\n"


def values(plant: Plant, machine: str) -> list[list[float]]:
    return plant.store.telemetry(machine)[1].tolist()


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ("°C", "degC", False), ("[°C]", "C", False), ("Grad C", "deg. C", False), ("deg F", "°F", False),
        ("°C", "F", True), ("mPa", "MPa", True), ("MPA", "MPa", False), ("mW", "MW", True), ("bar", "barg", True),
        ("bar(g)", "barg", False), ("m³/h", "m3/h", False), ("µm", "um", False), ("1/min", "U/min", False),
        ("MM/S", "mm/s", False), ("-", "bar", False), ("Nm3/d", "t/d", True), ("", "bar", False),
    ],
)  # fmt: skip
def test_spellings_of_a_unit_are_told_from_other_units(one: str, two: str, apart: bool) -> None:
    assert differ(one, two) is apart


@pytest.mark.parametrize(
    ("value", "unit", "other", "same"),
    [
        (212, "°F", "°C", 100.0), (-40, "C", "degF", -40.0), (0, "°C", "K", 273.15), (1, "bar", "kPa", 100.0),
        (100, "psi", "bar", 6.894757), (1, "MPa", "bar", 10.0), (1, "in/s", "mm/s", 25.4), (3.6, "t/h", "kg/s", 1.0),
        (60, "l/min", "m3/h", 3.6), (2, "mil", "µm", 50.8), (1, "kW", "MW", .001),
    ],
)  # fmt: skip
def test_what_is_converted_is_right(value: float, unit: str, other: str, same: float) -> None:
    import numpy as np

    found = conversion(unit, other)
    assert found is not None
    assert found.of(np.array([value], float))[0] == pytest.approx(same, rel=1e-6)


@pytest.mark.parametrize(("one", "two"), [("bar", "barg"), ("psi", "bara"), ("g", "m/s2"), ("mw", "MW"), ("rpm", "Hz")])
def test_what_is_not_certain_is_not_converted(one: str, two: str) -> None:
    assert conversion(one, two) is None


@pytest.mark.parametrize("header", ["unit", "EngUnits", "UOM", "Einheit", "Unité", "Unidad", "单位", "Ед. изм.", "C5"])
def test_a_long_files_column_of_units_gives_the_sensors_theirs_and_two_of_one_sensor_are_refused(
    plant: Plant, header: str
) -> None:
    top = f"Tag;Zeit;Wert;{header}"
    rows = [("P1.T", 1, 80, "°C"), ("P2.T", 1, 176, "°F"), ("P1.Druck", 1, 5, "bar"), ("P2.Druck", 1, 6, "bar")]
    error = plant.refuses(long(*rows, header=top), "sensor T is in °C in line 2, and in °F in line 3")
    assert (error.where, "--convert-units" in error.hint) == ("file.csv, line 3", True)
    same = [(tag, hour, value, "degC" if tag == "P2.T" else unit) for tag, hour, value, unit in rows]
    report = plant.give(long(*same, header=top))
    assert (report.sensors, report.columns[header]) == ((("T", "°C"), ("Druck", "bar")), "unit")


def test_converting_is_an_answer_and_the_report_says_what_was_converted(plant: Plant) -> None:
    text = long(("P1.T", 1, 80, "°C"), ("P2.T", 1, 212, "°F"), ("P2.T", 2, 32, "°F"), ("P1.p", 1, 1, "bar"))
    asked = recognise(plant.write(text)).questions
    assert [(q.key, q.options) for q in asked] == [("units", (("convert", "convert °F to °C"),))]
    dry = plant.give(text, choices=CONVERT, dry_run=True)
    made = plant.give(text, choices=CONVERT)
    assert dry.notes == made.notes == ("2 values of T were converted from °F to °C.",)
    assert (dry.accepted, dry.sensors) == (made.accepted, made.sensors) == (4, (("T", "°C"), ("p", "bar")))
    assert (values(plant, "P1")[0], values(plant, "P2")[0]) == ([80.0], [100.0, 0.0])
    assert plant.give(text, choices=CONVERT).unchanged == 4


def test_bar_and_barg_are_neither_mixed_nor_converted_but_can_be_said_to_be_the_same(plant: Plant) -> None:
    text = long(("P1.p", 1, 5, "bar"), ("P2.p", 1, 6, "barg"))
    error = plant.refuses(text, "p is in bar in line 2, and in barg in line 3", choices=CONVERT)
    assert "Einheit=ignore" in error.hint
    assert plant.give(text, choices=Choices(columns={"Einheit": Role("ignore")})).accepted == 2


@pytest.mark.parametrize("by_tag", [True, False])
def test_a_unit_that_changes_far_down_in_another_block_is_found_and_the_line_named(plant: Plant, by_tag: bool) -> None:
    rows = [
        f"{m}.heat,2019-{1 + d // 28:02}-{1 + d % 28:02}T{h:02}:{q}0:00Z,{50 + h},{unit[(m, d, h, q) == odd]}\n"
        for odd, unit in [(("P2", 170, 5, 3), ("°C", "°F"))]
        for m in ("P1", "P2")
        for d in range(180)
        for h in range(24)
        for q in range(6)
    ]
    if not by_tag:
        rows.sort(key=lambda row: row.split(",")[1])
    line = 2 + next(at for at, row in enumerate(rows) if "°F" in row)
    text = "tag,time,value,unit\n" + "".join(rows)
    assert not recognise(plant.write(text)).questions  # the samples do not show it
    error = plant.refuses(text, f"in °C in line 2, and in °F in line {line:,}")
    assert error.where == f"file.csv, line {line}"
    report = plant.give(text, choices=CONVERT)
    assert (report.accepted, report.notes) == (len(rows), ("1 value of heat was converted from °F to °C.",))
    assert set(values(plant, "P2")[0]) == {*map(float, range(50, 74)), (55 - 32) * 5 / 9}


def test_rows_in_any_order_and_of_any_units_come_out_as_if_converted_one_by_one(plant: Plant) -> None:
    random.seed(7)
    to = {"°C": lambda v: v, "degF": lambda v: (v - 32) * 5 / 9, "K": lambda v: v - 273.15}
    cells = [(m, h, random.choice(list(to)), random.randint(0, 400)) for m in range(4) for h in range(24)]
    cells.sort(key=lambda cell: (cell[0] > 0, random.random()))  # the first is of machine 0 ...
    cells = [(0, 0, "°C", 5), *(c for c in cells if c[:2] != (0, 0))]  # ... and says what the sensor's unit is
    plant.give(long(*((f"P{m}.T", h, v, unit) for m, h, unit, v in cells)), choices=CONVERT)
    for m in range(4):
        want = [to[unit](v) for _, _, unit, v in sorted(c for c in cells if c[0] == m)]
        assert values(plant, f"P{m}") == [pytest.approx(want, abs=1e-9)]


def test_a_value_without_a_unit_is_taken_as_the_others_unless_these_differ(plant: Plant) -> None:
    report = plant.give(long(("P1.T", 1, 80, "°C"), ("P2.T", 1, 81, ""), ("P2.T", 2, 81, "-")))
    assert report.notes == ("2 values of T came without a unit and were taken as °C, like the others.",)
    mixed = long(("P3.T", 1, 80, "°C"), ("P4.T", 1, 81, "NULL"), ("P5.T", 1, 90, "°F"))
    error = plant.refuses(mixed, "are in °C or in °F, and in line 3 no unit is said", choices=CONVERT)
    assert error.where == "file.csv, line 3"


def test_two_files_with_other_units_of_one_sensor_are_told_apart_even_if_a_third_said_none(plant: Plant) -> None:
    plant.give("tag;time;value\nP1.T;2019-01-31 06:00;80\nP1.f;2019-01-31 06:00;80\n")
    learnt = plant.give(long(("P1.T", 7, 81, "°C")))
    assert learnt.notes == ("T had no unit so far: all its values are now in °C.",)
    plant.refuses(long(("P2.T", 7, 81, "°F")), r"T is in °C, and in this file in °F \(in line 2\)")
    plant.refuses("time,machine,T [°F],f\n2019-01-31 06:00,1,5,7\n", "T is in °C, and in this file in °F")
    assert plant.give("time,machine,T [°F],f\n2019-01-31 06:00,1,50,7\n", choices=CONVERT).accepted == 1
    assert values(plant, "1")[0] == [10.0]


def test_after_an_import_is_undone_its_units_hold_no_more(plant: Plant) -> None:
    wrong = plant.give(long(("P1.T", 1, 80, "°C"), ("P2.T", 1, 81, "°C")))
    assert wrong.batch is not None
    plant.store.undo(wrong.batch, Progress())
    right = plant.give(long(("P1.T", 1, 80, "°F"), ("P2.T", 1, 81, "°F")))
    assert (right.sensors, plant.store.sensors()[0].unit) == ((("T", "°F"),), "°F")


def test_a_unit_behind_a_tag_is_the_sensors(plant: Plant) -> None:
    rows = [("P1.T (°C)", 1, 80, ""), ("P2.T [°F]", 1, 80, ""), ("P2.f", 1, 8, "")]
    plant.refuses(long(*rows), "T is in °C in line 2, and in °F in line 3")
    report = plant.give(long(rows[0], ("P2.T [degC]", 1, 81, "C"), rows[2]))
    assert report.sensors == (("T", "°C"), ("f", ""))
    plant.refuses(long(("P3.T (°C)", 1, 80, "°F"), ("P3.f", 1, 8, "")), "is in °C, and its unit is °F", choices=CONVERT)


def test_a_machine_with_one_quantity_in_two_units_has_two_sensors(plant: Plant) -> None:
    rows = [(f"P{m}.T [{unit}]", 1, 80, "") for m in (1, 2) for unit in ("°C", "°F")]
    assert plant.give(long(*rows)).sensors == (("T [°C]", "°C"), ("T [°F]", "°F"))


def test_names_that_the_plant_knows_with_their_unit_keep_it(plant: Plant) -> None:
    choices = Choices(columns={"x": Role("sensor", "T (°C)", "°C")})
    plant.give("time,machine,x\n2019-01-31 06:00,P1,5\n", choices=choices)
    assert plant.give(long(("P1.T (°C)", 7, 80, ""), ("P2.T (°C)", 7, 80, ""))).sensors == (("T (°C)", "°C"),)


def test_two_columns_of_units_are_one_where_they_agree_and_asked_about_where_not(plant: Plant) -> None:
    text = "tag;time;value;unit;EU\nP1.T;2019-01-31 06:00;80;°C;degC\nP2.T;2019-01-31 06:00;80;°C;degC\n"
    assert plant.give(text).sensors == (("T", "°C"),)
    error = plant.refuses(text.replace("degC", "°F"), "The columns unit and EU say different units")
    assert "--map 'unit=unit'" in error.hint


def test_a_row_of_units_that_disagrees_with_the_names_is_asked_about(plant: Plant) -> None:
    text = "time;machine;T (°C);p\n;;°F;bar\n2019-01-31 06:00;A;80;4\n2019-01-31 07:00;A;80;4\n"
    plant.refuses(text, r"T \(°C\) has °C in its name, and °F in the row of units")
    told = plant.give(text, choices=Choices(columns={"T (°C)": Role("sensor", "T", "°F")}))
    assert told.sensors == (("T", "°F"), ("p", "bar"))


@pytest.mark.parametrize("header", ["T;T unit;p;p unit", "T;Einheit T;p;Einheit p", "T;unit;p;unit2", "T;c1;p;c2"])
def test_columns_of_units_beside_the_sensors_of_a_wide_file(plant: Plant, header: str) -> None:
    rows = "2019-01-31 06:00;A;80;°C;4;bar\n2019-01-31 06:00;B;212;{};4;bar\n"
    top = f"time;machine;{header}\n"
    error = plant.refuses(top + rows.format("°F"), "T is in °C in line 2, and in °F in line 3")
    assert error.where == "file.csv, line 3"
    assert plant.give(top + rows.format("C"), dry_run=True).sensors == (("T", "°C"), ("p", "bar"))
    made = plant.give(top + rows.format("°F"), choices=CONVERT)
    assert (made.notes, values(plant, "B")) == (("1 value of T was converted from °F to °C.",), [[100.0], [4.0]])


def test_whose_units_a_column_holds_is_asked_where_it_cannot_be_told(plant: Plant) -> None:
    text = "time;machine;T;p;unit\n2019-01-31 06:00;A;80;4;bar\n2019-01-31 07:00;A;80;4;bar\n"
    error = plant.refuses(text, "holds units, and of which column's values is not said")
    assert "unit=unit:COLUMN" in error.hint
    assert plant.give(text, choices=Choices(columns={"unit": Role.parse("unit:p")})).sensors == (
        ("T", ""),
        ("p", "bar"),
    )


def test_a_value_and_its_unit_without_a_tag_are_one_sensor(plant: Plant) -> None:
    text = "time;machine;value;unit\n2019-01-31 06:00;A;80;°C\n2019-01-31 06:00;B;80;{}\n"
    assert plant.give(text.format("°C")).sensors == (("value", "°C"),)
    plant.refuses(text.format("bar"), "value is in °C")


@pytest.mark.parametrize(
    ("cell", "split"),
    [
        ("80.5 °C", ("80.5", "°C")), ("80,5°C", ("80,5", "°C")), ("1 234,5 kW", ("1 234,5", "kW")),
        ("45%", ("45", "%")),
        ("1500 1/min", ("1500", "1/min")), ("-3.2e3 Pa", ("-3.2e3", "Pa")), ("80.5", None), ("12:30", None),
        ("2019-01-31", None), ("5 apples", None), ("bar", None), ("NA °C", None),
    ],
)  # fmt: skip
def test_a_number_with_its_unit_in_one_cell(cell: str, split: tuple[str, str] | None) -> None:
    assert split_measured(cell) == split


def wide(*cells: str) -> str:
    return "time;machine;T;p\n" + "".join(f"2019-01-31 {h:02}:00;A;{cell};3,5\n" for h, cell in enumerate(cells))


def test_units_inside_the_cells_are_taken_where_all_agree(plant: Plant) -> None:
    report = plant.give(wide("80,5 °C", "81,5 °C", "82 °C"))
    assert (report.sensors, report.rejected_values) == ((("T", "°C"), ("p", "")), 0)
    assert values(plant, "A")[0] == [80.5, 81.5, 82.0]
    # The same cell by cell: an empty one, other spellings and one that is none among them.
    mixed = plant.give(wide("80,5 °C", "81,5°C", "82 degC", "", "x °C", "83").replace(";A;", ";B;"))
    assert (mixed.rejected_values, mixed.missing_cells, mixed.accepted) == (1, 1, 6)
    assert mixed.notes == ("1 value of T came without a unit and was taken as °C, like the others.",)
    assert values(plant, "B")[0] == pytest.approx([80.5, 81.5, 82.0, float("nan"), float("nan"), 83.0], nan_ok=True)


def test_units_inside_the_cells_that_differ_are_refused_or_converted(plant: Plant) -> None:
    text = wide("80,5 °C", "81,5 °C", "212 °F")
    error = plant.refuses(text, "T is in °C in line 2, and in °F in line 4")
    assert error.where == "file.csv, line 4"
    plant.give(text, choices=CONVERT)
    assert values(plant, "A")[0] == [80.5, 81.5, 100.0]
    tags = "tag,time,value\nP1.T,2019-01-31 06:00,80 °C\nP2.T,2019-01-31 06:00,80 °F\nP2.f,2019-01-31 06:00,8 bar\n"
    plant.refuses(tags, "T is in °C, and in this file in °F")


def test_what_a_unit_inside_a_cell_and_a_column_of_units_say_must_agree(plant: Plant) -> None:
    text = "tag,time,value,unit\nP1.T,2019-01-31 06:00,80 °C,{}\nP2.T,2019-01-31 06:00,80 °C,°C\n"
    plant.refuses(text.format("°F"), "The value is in °C, and the column unit says °F")
    report: FileReport = plant.give(text.format("C"))
    assert report.sensors == (("T", "C"),)
