"""What columns mean: tags and qualities of historians, alarms, ages, components, numbers of rows, channels."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import import_file
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store

Give = Callable[..., FileReport]
HOURS = range(30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "plant.db")) as opened:
        yield opened


@pytest.fixture
def give(tmp_path: Path, store: Store) -> Give:
    def bring(text: str, name: str = "file.csv", **said: Any) -> FileReport:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return import_file(store, path, choices=Choices(**said), progress=Progress(), rejects_dir=None)

    return bring


def clock(hour: int) -> str:
    return f"2025-02-{20 + hour // 24} {hour % 24:02}:00:00"


def readings(store: Store) -> dict[tuple[str, int], list[float]]:
    """(machine, hour) -> its values."""
    found = {}
    for machine in store.machines()["machine"]:
        at, values = store.telemetry(machine)
        for time, row in zip(at.tolist(), values.T.tolist(), strict=True):
            found[machine, (time - 1_740_009_600_000) // 3_600_000] = row
    return found


def events(store: Store, kind: str) -> list[tuple[str, str]]:
    """(machine, label), by time."""
    label = "code" if kind == "errors" else "component"
    with closing(sqlite3.connect(store.path)) as base:
        rows = base.execute(f"SELECT machine, {label} FROM {kind}_by_name ORDER BY time, 1, 2")
        return [tuple(row) for row in rows.fetchall()]


# -- a line a value ---------------------------------------------------------------------------------------------------


def value(machine: str, sensor: str, hour: int) -> float:
    return (100 if machine == "P101" else 200) + (0 if sensor == "TEMP" else 50) + hour / 8


TAGS = [(machine, sensor) for machine in ("P101", "P102") for sensor in ("TEMP", "PRESS")]
WHOLE = {
    (machine, hour): [value(machine, sensor, hour) for sensor in ("TEMP", "PRESS")]
    for machine in ("P101", "P102")
    for hour in HOURS
}


def test_a_history_with_many_numbers_beside_tag_and_value_is_a_line_a_value(store: Store, give: Give) -> None:
    head = "DateTime,TagName,Value,vValue,Quality,QualityDetail,OPCQuality,wwTagKey,wwRowCount,wwResolution\n"
    lines = [
        f"{clock(hour)},{machine}.{sensor},{value(machine, sensor, hour)},{value(machine, sensor, hour)},"
        f"{0 if hour else 1},{192 if hour else 24},{192 if hour else 0},{100 + at},0,3600000\n"
        for at, (machine, sensor) in enumerate(TAGS)
        for hour in HOURS
    ]
    report = give(head + "".join(lines))
    assert (report.layout, report.bad_quality_values) == ("long", len(TAGS))
    assert readings(store) == {key: values for key, values in WHOLE.items() if key[1]}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("Validity", "1", "0"), ("CONFIDENCE", "100", "0"), ("IsGood", "True", "False"), ("Bad", "False", "True"),
     ("Questionable", "0", "1"), ("Quality", "100", "50"), ("gültig", "1", "0")],
)  # fmt: skip
def test_what_its_name_says_of_a_quality_decides_which_values_are_good(
    store: Store, give: Give, name: str, good: str, bad: str
) -> None:
    lines = [
        f"{machine}_{sensor};{clock(hour)};"
        + (f"{value(machine, sensor, hour)};{good}\n" if hour % 3 else f"0;{bad}\n")
        for hour in HOURS
        for machine, sensor in TAGS
    ]
    report = give(f"VarName;TimeString;VarValue;{name}\n" + "".join(lines))
    assert report.bad_quality_values == 10 * len(TAGS)
    assert readings(store) == {key: values for key, values in WHOLE.items() if key[1] % 3}


def test_whether_0_or_1_is_good_is_asked_where_neither_the_name_nor_the_greater_part_tells(
    store: Store, give: Give
) -> None:
    lines = [f"A.heat;{clock(hour)};{hour};{int(hour % 3 > 0)}\n" for hour in HOURS]
    text = "Tag;Time;Value;Quality\n" + "".join(lines)
    with pytest.raises(PdmError, match="Whether 0 or 1 in column Quality"):
        give(text)
    give(text, columns={"Quality": Role.parse("quality:1")})
    assert {hour for _, hour in readings(store)} == {hour for hour in HOURS if hour % 3}


def test_the_marks_a_logger_writes_among_its_tags_are_no_machines(store: Store, give: Give) -> None:
    lines = [f'"{m}_{s}";"{clock(hour)}";{value(m, s, hour)};1\n' for hour in HOURS for m, s in TAGS]
    report = give(f'VarName;TimeString;VarValue;Validity\n{"".join(lines)}"$RT_OFF$";"{clock(40)}";0;1\n')
    assert (report.rejected, report.reasons) == (1, (("a mark of the logger, no tag", 1),))
    assert readings(store) == WHOLE


def test_lines_that_only_a_column_of_words_tells_apart_do_not_overwrite_each_other(store: Store, give: Give) -> None:
    text = "Time,Place,Speed,Load,Heat\n" + "".join(
        f"{clock(hour)},{place},{hour},{at},{at + hour / 2}\n"
        for hour in HOURS
        for at, place in enumerate(("left", "right"))
    )
    with pytest.raises(PdmError, match="Lines of one machine and time differ in column Place"):
        give(text, machine="A", columns={})
    give(text, columns={"Place": Role("machine")})
    assert readings(store)["right", 3] == [3.0, 1.0, 2.5]


# -- sensors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Unnamed: 0", "Nr", "No.", "id", "#", "lfd. Nr."])
def test_a_column_that_numbers_the_rows_is_no_sensor(give: Give, name: str) -> None:
    report = give(f"{name};Time;Machine;heat\n" + "".join(f"{hour};{clock(hour)};A;{hour / 4}\n" for hour in HOURS))
    assert [sensor for sensor, _ in report.sensors] == ["heat"]
    assert report.notes == (f"Column {name} numbers the rows and was left out.",)


def test_a_counter_is_a_sensor_for_all_that(give: Give) -> None:
    report = give("Time;Machine;strokes\n" + "".join(f"{clock(hour)};A;{hour}\n" for hour in HOURS))
    assert [sensor for sensor, _ in report.sensors] == ["strokes"]


@pytest.mark.parametrize("head", ["Time,101,102", "Zeit;101;102", "timestamp,machineID,1,2", "epoch,101,102"])
def test_channels_named_by_numbers_keep_their_names(store: Store, give: Give, head: str) -> None:
    mark = "," if "," in head else ";"
    times = {hour: str(1_740_009_600 + 3_600 * hour) if head.startswith("epoch") else clock(hour) for hour in HOURS}
    machine = mark + "A" if "machineID" in head else ""
    lines = [f"{times[hour]}{machine}{mark}{hour}.5{mark}{hour}.25\n" for hour in HOURS]
    report = give(head + "\n" + "".join(lines), machine=None if machine else "A")
    assert [name for name, _ in report.sensors] == head.split(mark)[-2:]
    assert (report.rejected, readings(store)["A", 2]) == (0, [2.5, 2.25])


# -- machines ---------------------------------------------------------------------------------------------------------

ALIKE = [("1", "1.0"), ("1", "001"), ("P1", "p1"), ("P-101", "P 101"), ("A1", "А1"), ("10001234", "000000000010001234")]


@pytest.mark.parametrize(("there", "new"), ALIKE)
def test_a_machine_that_looks_like_one_of_the_plants_is_asked_about(
    store: Store, give: Give, there: str, new: str
) -> None:
    give(f"Time;Machine;heat\n{clock(0)};{there};1\n{clock(1)};{there};2\n")
    errors = f"Time;Machine;errorID\n{clock(2)};{new};E1\n"
    with pytest.raises(PdmError, match="looks like") as asked:
        give(errors, "errors.csv")
    assert "--alike" in asked.value.hint
    assert events(store, "errors") == []
    report = give(errors, "errors.csv", alike="same")
    assert events(store, "errors") == [(there, "E1")]
    assert f"Taken as one machine: {new}" in report.notes[0]
    again = give(errors.replace("E1", "E2"), "again.csv")  # said once, it holds
    assert events(store, "errors") == [(there, "E1"), (there, "E2")]
    assert again.notes == report.notes
    give(errors, "more.csv", alike="new")
    assert events(store, "errors") == sorted([(there, "E1"), (there, "E2"), (new, "E1")])


@pytest.mark.parametrize(("there", "new"), [("Ö1", "O\u03081"), ("A1", "A1\u200b"), ("A 1", "\ufeffA\u00a01 ")])
def test_names_that_nobody_can_tell_apart_are_one(store: Store, give: Give, there: str, new: str) -> None:
    give(f"Time;Machine;heat\n{clock(0)};{there};1\n{clock(1)};{new};2\n")
    give(f"Time;Machine;errorID\n{clock(2)};{new};E1\n", "errors.csv")
    assert readings(store) == {(there, 0): [1.0], (there, 1): [2.0]}
    assert events(store, "errors") == [(there, "E1")]


def test_machines_of_one_file_that_look_alike_are_asked_about_and_others_are_not(store: Store, give: Give) -> None:
    give("Time;Machine;heat\n" + "".join(f"{clock(0)};{name};1\n" for name in ("M1", "M11", "M1.1", "M1-1", "N1")))
    with pytest.raises(PdmError, match="n2 is new, and looks like N2"):
        give(f"Time;Machine;heat\n{clock(0)};N2;1\n{clock(0)};n2;1\n")
    assert len(store.machines()) == 5


def test_tags_meet_the_machine_they_look_like_only_when_told_so_and_ever_after(store: Store, give: Give) -> None:
    give(f"Time;Machine;heat\n{clock(0)};P101;1\n{clock(1)};P101;2\n")
    long = "Tag;Time;Value\n" + "".join(f"p101.{tag};{clock(2)};{at}\n" for at, tag in enumerate(("heat", "flow")))
    with pytest.raises(PdmError, match="p101 is new, and looks like P101"):
        give(long)
    give(long, alike="same")
    give(f"Time;p101.heat;p101.flow\n{clock(3)};5;6\n{clock(4)};7;8\n")
    assert {key: values for key, values in readings(store).items() if key[1] > 1} == {
        ("P101", 2): [0.0, 1.0],
        ("P101", 3): [5.0, 6.0],
        ("P101", 4): [7.0, 8.0],
    }


# -- events -----------------------------------------------------------------------------------------------------------


def test_a_machine_named_by_a_label_is_called_as_it_says(store: Store, give: Give) -> None:
    head = 'Time;"TEMP {machine=""P101""}";"TEMP {machine=""P102""}"\n'
    give(head + "".join(f"{clock(h)};{h};{h + 50}\n" for h in HOURS))
    assert (readings(store)["P101", 3], readings(store)["P102", 3]) == ([3.0], [53.0])
    with pytest.raises(PdmError, match="are both TEMP of P101"):
        give(head.replace('machine=""P102', 'host=""P101') + f"{clock(40)};1;2\n{clock(41)};1;2\n")


def test_codes_and_components_that_look_alike_are_asked_about(store: Store, give: Give) -> None:
    text = "Time;Machine;comp\n" + "".join(f"{clock(h)};A;{c}\n" for h, c in enumerate(("comp1", "Comp1", "comp2")))
    with pytest.raises(PdmError, match="The component Comp1 is new, and looks like comp1"):
        give(text)
    give(text, alike="same")
    assert events(store, "maintenance") == [("A", "comp1"), ("A", "comp1"), ("A", "comp2")]


def test_events_of_machines_without_readings_are_told(give: Give) -> None:
    give(f"Time;Machine;heat\n{clock(0)};A;1\n{clock(1)};A;2\n")
    report = give(f"Time;Machine;errorID\n{clock(0)};A;E1\n{clock(0)};Z9;E1\n")
    assert report.notes == ("New to the plant, without readings so far: Z9 (1).",)


def test_a_cell_with_several_known_components_counts_for_each(store: Store, give: Give) -> None:
    cells = (
        "comp1",
        "comp1, comp3",
        "comp3",
        "comp2",
        "comp1/comp2",
        "comp2, seal",
        "gear, oil",
        "comp1,",
        "comp2, comp2",
    )
    text = "Time,Machine,comp\n" + "".join(f'{clock(h)},A,"{cell}"\n' for h, cell in enumerate(cells))
    report = give(text)
    split = [
        "comp1",
        "comp1",
        "comp3",
        "comp3",
        "comp2",
        "comp1",
        "comp2",
        "comp2, seal",
        "gear, oil",
        "comp1",
        "comp2",
    ]
    assert events(store, "maintenance") == [("A", component) for component in split]
    assert (report.accepted, report.rejected) == (9, 0)
    assert "'comp1, comp3', 'comp1/comp2'" in report.notes[0]
    assert "'seal' is not known" in report.notes[1]
    again = give(text)
    assert (again.accepted, again.unchanged, again.duplicates) == (0, 9, 0)


def test_only_the_coming_of_an_alarm_is_an_error(store: Store, give: Give) -> None:
    states = ("ACTIVE", "ACK", "CLEARED", "ACTIVE")
    lines = [f"{clock(h)};A;TAH;{state}\n" for h, state in enumerate(states)]
    report = give("Time;Machine;Code;State\n" + "".join(lines))
    assert len(events(store, "errors")) == 2
    assert (report.accepted, report.unchanged) == (2, 2)
    assert report.notes == ("2 lines in which State does not say that an alarm came are no errors of their own.",)


def test_tickets_that_have_one_state_each_all_count(give: Give) -> None:
    lines = [f"{clock(h)};A;E{h};{'active' if h % 3 else 'cleared'}\n" for h in (5, 3, 9, 2, 7, 6)]
    with pytest.raises(PdmError, match="which of its words say that one came is not known"):
        give("Time;Machine;Code;State\n" + "".join(lines))
    failures = "Time;Machine;failure;State\n" + "".join(line.replace("E", "comp") for line in lines)
    assert give(failures).accepted == 6


def test_states_of_alarms_in_numbers_are_asked_about(store: Store, give: Give) -> None:
    lines = [f"{clock(h)};A;{700 + h % 2};{int(h % 3 == 0)}\n" for h in range(9)]
    text = "Time;Machine;MsgNumber;StateAfter\n" + "".join(lines)
    said = {"MsgNumber": Role("error")}
    with pytest.raises(PdmError, match="which of its words say that one came is not known"):
        give(text, columns=said)
    give(text, columns=said | {"StateAfter": Role.parse("state:1")})
    assert len(events(store, "errors")) == 3
    more = "".join(line.rstrip() + ";1;2;3\n" for line in lines)
    report = give(
        text.splitlines()[0] + ";MsgProc;MsgClass;Time_ms\n" + more, columns=said | {"StateAfter": Role("state", "1")}
    )
    assert (report.kind, report.accepted, report.sensors) == ("errors", 0, ())


def test_running_numbers_are_no_codes(store: Store, give: Give) -> None:
    lines = [f"{200_001 + h};{clock(h)};A;{'LEAK' if h % 2 else 'HOT'}\n" for h in range(4)]
    text = "Meldung;Time;Equipment;Schadensbild\n" + "".join(lines)
    with pytest.raises(PdmError, match="Column Meldung numbers its rows") as asked:
        give(text)
    assert "'Schadensbild=error'" in asked.value.hint
    give(text, columns={"Schadensbild": Role("error")})
    assert events(store, "errors") == [("A", "HOT"), ("A", "LEAK")] * 2


def test_a_list_of_machines_and_times_may_be_of_failures_of_a_component_that_is_said(store: Store, give: Give) -> None:
    text = f"machine,time\nP1,{clock(0)}\nP2,{clock(5)}\n"
    with pytest.raises(PdmError, match="what does each line tell of"):
        give(text)
    with pytest.raises(PdmError, match="no column for the component") as asked:
        give(text, kind="failures")
    assert "--component" in asked.value.hint
    give(text, kind="failures", component="pump")
    assert events(store, "failures") == [("P1", "pump"), ("P2", "pump")]


# -- ages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "cell", "years"),
    [("age", "18", 18.0), ("age [d]", "730.5", 2.0), ("Alter (Monate)", "30", 2.5), ("ageDays", "365.25", 1.0),
     ("age", "2015", None), ("age", "-5", None), ("age", "1e9", None), ("age [months]", "2400", None)],
)  # fmt: skip
def test_ages_are_years_from_0_to_150(store: Store, give: Give, header: str, cell: str, years: float | None) -> None:
    report = give(f"machineID,model,{header}\n1,m1,{cell}\n2,m1,3\n")
    stored = store.machines().set_index("machine")["age"]["1"]
    assert (None if stored != stored else stored) == years
    assert report.rejected_values == (years is None)


def test_ages_in_an_unknown_unit_are_asked_about_and_dates_are_none(give: Give) -> None:
    with pytest.raises(PdmError, match="In which unit the ages in column age"):
        give("machineID,model,age [j]\n1,m1,3\n2,m1,4\n")
    report = give("machineID,model,installed\n1,m1,2015-03-01\n2,m1,2018-05-13\n")
    assert (report.kind, report.ignored_columns) == ("machines", ("installed",))
    assert report.notes == ("Column installed is not used: a machine's age is wanted as a number of years.",)


# -- what kind of file ------------------------------------------------------------------------------------------------


def at_odd_times(row: Callable[[int], str]) -> str:
    return "".join(f"{clock(h * h % 47)};A;{row(h)}\n" for h in range(12))


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [("failures.csv", "component;downtime_h;cost", "failures"), ("maint.csv", "comp;cost;hours", "maintenance"),
     ("alarms.csv", "alarm;value;limit", "errors"), ("errors.csv", "code;severity;value", "errors")],
)  # fmt: skip
def test_lists_of_events_with_numbers_beside_are_no_readings(
    store: Store, give: Give, name: str, head: str, kind: str
) -> None:
    report = give(f"time;machine;{head}\n" + at_odd_times(lambda h: f"c{h % 3};{h}.5;{h}.25"), name)
    assert (report.kind, report.sensors, len(events(store, kind))) == (kind, (), 12)


def test_a_list_of_events_whose_kind_nothing_says_is_asked_about_and_readings_are_not(give: Give) -> None:
    text = "time;machine;component;downtime;cost\n" + at_odd_times(lambda h: f"c{h % 3};{h}.5;{h}.25")
    with pytest.raises(PdmError, match="Whether the file lists events"):
        give(text)
    regular = "".join(f"{clock(h)};A;c{h % 3};{h}.5;{h}.25\n" for h in HOURS)
    assert give("time;machine;component;load;heat\n" + regular).kind == "telemetry"


def test_words_that_are_units_are_tags_too_where_nothing_else_is(store: Store, give: Give) -> None:
    lines = [f"{clock(h)};A;{tag};{h + at}\n" for h in HOURS for at, tag in enumerate(("V", "A", "kW"))]
    give("time;machine;metric;value\n" + "".join(lines))
    assert readings(store)["A", 2] == [2.0, 3.0, 4.0]


def test_the_column_that_tells_rows_of_one_time_and_tag_apart_is_the_machine(store: Store, give: Give) -> None:
    lines = [
        f"{clock(h)};{place};{tag};{h + 10 * at}\n"
        for h in HOURS
        for at, place in enumerate(("North", "South"))
        for tag in ("Oil Temp", "Water Temp")
    ]
    report = give("DateTime;Standort;metric;Value\n" + "".join(lines))
    assert report.machines == ("North", "South")
    assert readings(store)["South", 3] == [13.0, 13.0]


def test_a_column_beside_tags_that_name_machines_is_asked_about(store: Store, give: Give) -> None:
    lines = [f"{clock(h)};{s};{t};{h}\n" for h in HOURS for s in "AB" for t in ("M1.v", "M2.v", "M1.w", "M2.w")]
    text = "Time;shift;Tag;Value\n" + "".join(lines)
    with pytest.raises(PdmError, match="differ in column shift; the tags seem to name machines"):
        give(text)
    give(text, columns={"shift": Role("ignore")})
    assert readings(store)["M2", 4] == [4.0, 4.0]


def test_words_of_a_tag_make_no_machines(give: Give) -> None:
    lines = [f"{clock(h)};{tag};{h}\n" for h in HOURS for tag in ("Oil Temp", "Water Temp")]
    with pytest.raises(PdmError, match="no column for the machine"):
        give("DateTime;metric;Value\n" + "".join(lines))


@pytest.mark.parametrize("word", ["0xC0", "C0", "192 (Good)", "GOOD [192]", "0x00000000"])
def test_other_spellings_of_good(store: Store, give: Give, word: str) -> None:
    bad = "0 (Bad)" if "(" in word else "0x80000000" if word.startswith("0x") else "18"
    lines = [f"A.{tag};{clock(h)};{h};{word if h % 3 else bad}\n" for h in HOURS for tag in ("heat", "flow")]
    give("Tag;Time;Value;Quality\n" + "".join(lines))
    assert {hour for _, hour in readings(store)} == {hour for hour in HOURS if hour % 3}


def test_a_machine_has_a_name(give: Give) -> None:
    with pytest.raises(PdmError, match="A machine without a name"):
        give(f"Time;heat\n{clock(0)};1\n", machine=" \u200b")


# -- what is said of a file -------------------------------------------------------------------------------------------


def test_mended_rows_are_read_as_was_said_of_their_file(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "file.csv"
    path.write_text("Time;v\n" + "".join(f"{clock(h)};{h if h % 7 else 'broken'},125\n" for h in HOURS))
    said = Choices(columns={"v": Role.parse("sensor:volt:V")}, machine="A", decimal=",")
    report = import_file(store, path, choices=said, progress=Progress(), rejects_dir=tmp_path / "imports")
    assert report.rejects_file is not None
    mended = tmp_path / "mended.csv"
    mended.write_text(Path(report.rejects_file).read_text("utf-8-sig").replace("broken,125", "50,125"), "utf-8")
    again = import_file(store, mended, progress=Progress(), rejects_dir=None)
    assert (again.accepted, again.sensors) == (5, (("volt", "V"),))
    assert readings(store) == {("A", h): [(h if h % 7 else 50) + 0.125] for h in HOURS}


def test_mended_rows_that_were_read_in_different_ways_are_refused(give: Give) -> None:
    head = "file,line,column,content,reason,Time,v\n"
    rows = (
        f'"a.csv {{""machine"": ""A""}}",2,v,x,no,{clock(0)},1\n"b.csv {{""machine"": ""B""}}",2,v,x,no,{clock(0)},1\n'
    )
    with pytest.raises(PdmError, match="read in different ways"):
        give(head + rows)


def test_sensors_without_any_name_are_asked_about(store: Store, give: Give) -> None:
    text = "".join(f"{clock(h)};M1;{h}.5;{h}.25\n" for h in HOURS)
    with pytest.raises(PdmError, match="The file has no line of names: what sensors column 3, column 4 are"):
        give(text, columns={"column 2": Role("machine")})
    named = {f"column {at}": Role("sensor", name) for at, name in ((3, "heat"), (4, "flow"))}
    give(text, columns={"column 2": Role("machine")} | named)
    assert readings(store)["M1", 2] == [2.5, 2.25]
