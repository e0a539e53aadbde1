"""What a file does not tell is asked: layouts, statuses, machines in columns; and small things plants write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.ingest import recognise
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import Choices, Role
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
