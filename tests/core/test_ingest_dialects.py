"""Tables written in dialects of every kind and language come back equal; whatever the bytes, nothing is half stored."""

from __future__ import annotations

import csv
import gzip
import io
import math
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdm_desktop.core import times
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import import_file, recognise
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store
from pdm_desktop.core.workspace import Workspace

START = datetime(2019, 2, 25, 22, 0, tzinfo=UTC)
FORMS = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "iso T": "%Y-%m-%dT%H:%M:%S",
    "iso Z": "%Y-%m-%dT%H:%M:%S.000Z",
    "offset": None,
    "german": "%d.%m.%Y %H:%M",
    "german short": "%d.%m.%y %H:%M:%S",
    "american": "%m/%d/%Y %I:%M:%S %p",
    "british": "%d/%m/%Y %H:%M",
    "named": "%d-%b-%Y %H:%M:%S",
    "compact": "%Y%m%d%H%M%S",
    "slashes": "%Y/%m/%d %H:%M",
    "epoch s": None,
    "epoch ms": None,
    "excel": None,
}
WORDS = {
    # time, date, time of day, machine, sensors
    "en": ("Timestamp", "Date", "Time", "Equipment ID", ("Motor Current [A]", "Oil level (%)", "Speed")),
    "de": ("Zeitstempel", "Datum", "Uhrzeit", "Maschinennummer", ("Öldruck [bar]", "Kühlwasser [°C]", "Füllstand")),
    "fr": ("Horodatage", "Date", "Heure", "Équipement", ("Pression huile [bar]", "Débit (m³/h)", "Température")),
    "es": ("Fecha y hora", "Fecha", "Hora", "Máquina", ("Presión [bar]", "Caudal (l/min)", "Tensión")),
    "it": ("Data e ora", "Data", "Ora", "Macchina", ("Pressione [bar]", "Velocità (1/min)", "Umidità")),
    "nl": ("Tijdstempel", "Datum", "Tijd", "Machinenummer", ("Druk [bar]", "Toerental (1/min)", "Trilling")),
}


Readings = dict[tuple[str, int], dict[str, float]]
"""(machine, ms UTC) -> sensor -> value."""


@dataclass
class Plant:
    store: Store
    folder: Path

    def give(self, data: bytes, name: str = "export.csv", **choices: object) -> FileReport:
        path = self.folder / name
        path.write_bytes(data)
        return import_file(
            self.store, path, choices=Choices(**choices), progress=Progress(), rejects_dir=self.folder / "imports"
        )

    def undo(self, report: FileReport) -> None:
        if report.batch is not None:
            self.store.undo(report.batch, Progress())

    def readings(self) -> Readings:
        found: Readings = {}
        names = [sensor.name for sensor in self.store.sensors()]
        for machine in self.store.machines()["machine"]:
            at, values = self.store.telemetry(machine)
            for place, time in enumerate(at.tolist()):
                cells = zip(names, values[:, place].tolist(), strict=True)
                found[machine, time] = {name: value for name, value in cells if not math.isnan(value)}
        return found


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "plant.db"
    Store.open(path).close()
    return path


@contextmanager
def fresh(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant of its own for each example; a copy is made faster than a new database."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(template, folder / "plant.db")
    store = Store.open(folder / "plant.db")
    try:
        yield Plant(store, folder)
    finally:
        store.close()
        shutil.rmtree(folder)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    store = Store.open(tmp_path / "plant.db")
    yield Plant(store, tmp_path)
    store.close()


def number(value: float, decimal: str, thousands: str) -> str:
    # Four decimals: with three, 1,234 might have a thousands mark, and is asked for (see below).
    text = f"{value:,.4f}" if thousands else f"{value:.4f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


def moment(at: datetime, form: str) -> str:
    if form == "offset":
        return at.astimezone(ZoneInfo("Europe/Berlin")).isoformat()
    if form == "epoch s":
        return str(int(at.timestamp()))
    if form == "epoch ms":
        return str(int(at.timestamp() * 1000))
    if form == "excel":
        return repr((at - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1))
    return at.strftime(FORMS[form] or "")


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, Readings, str]:
    """(file, what it holds, the file's name)."""
    language = draw(st.sampled_from(sorted(WORDS)))
    stamp, date, clock, machine_word, sensors = WORDS[language]
    decimal = draw(st.sampled_from(".,"))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"] if decimal == "." else [";", "\t", "|", ","]))
    thousands = draw(st.sampled_from(["", "", ",", " "] if decimal == "." else ["", "", ".", " "]))
    form = draw(st.sampled_from(sorted(FORMS)))
    split = form == "american" and draw(st.booleans())
    machines = draw(st.lists(st.sampled_from(["7", "P-12", "Mühle 3", "M001"]), min_size=1, max_size=3, unique=True))
    count = draw(st.integers(3, 12)) + 24 * 3  # enough days that a component over 12 turns up
    values = draw(st.lists(st.integers(-5_000_000, 99_999_999), min_size=3, max_size=30))
    rows: list[list[str]] = []
    truth: Readings = {}
    names = [name.split(" [")[0].split(" (")[0] for name in sensors]
    used = 0
    for m in machines:
        for hour in range(count):
            at = START + timedelta(hours=hour)
            cells = []
            held: dict[str, float] = {}
            for name in names:
                value = values[used % len(values)] / 1000 + 0.001 * (used % 7)
                value = round(value, 3)
                used += 1
                empty = used % 11 == 0
                cells.append("" if empty else number(value, decimal, thousands))
                if not empty:
                    held[name] = value
            text = moment(at, form)
            rows.append([*(text.split(" ", 1) if split else [text]), m, *cells])
            truth[m, int(at.timestamp() * 1000)] = held
    out = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    for line in draw(st.sampled_from([[], ["Plant north"], ["Export", "", "made by the historian"]])):
        out.write(line + end)
    writer.writerow([*([date, clock] if split else [stamp]), machine_word, *sensors])
    writer.writerows(rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-16-le"]))
    data = out.getvalue().encode(encoding)
    packing = draw(st.sampled_from(["", "", "gz", "zip"]))
    if packing == "gz":
        return gzip.compress(data), truth, "export.csv.gz"
    if packing == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("export.csv", data)
        return archive.getvalue(), truth, "export.zip"
    return data, truth, "export.txt"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_a_table_in_any_dialect_and_language_comes_back_equal(
    template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    table: tuple[bytes, Readings, str],
) -> None:
    data, truth, name = table
    with fresh(template, tmp_path_factory) as plant:
        report = plant.give(data, name)
        assert (report.kind, report.layout, report.rejected, report.rejected_values) == ("telemetry", "wide", 0, 0)
        found = plant.readings()
        wanted = {key: held for key, held in truth.items() if held}
        assert sorted(found) == sorted(wanted)
        assert [key for key, held in wanted.items() if found[key] != held] == []


TAGS = ("{m}.{s}", "Works/{m}/{s}", "North:Hall 2:{m}:{s}", "{s}_{m}")
NOTHING = ("", "NA", "NULL", "Bad Input", "No Data", "-", "#N/A", "I/O Timeout")


@st.composite
def layouts(draw: st.DrawFn) -> tuple[bytes, Readings, str]:
    """(file, what it holds, its layout) of tables with a units row, of tags in columns, and of a value a line."""
    language = draw(st.sampled_from(sorted(WORDS)))
    stamp, _, _, machine_word, called = WORDS[language]
    decimal = draw(st.sampled_from(".,"))
    form = draw(st.sampled_from(sorted(FORMS)))
    layout = draw(st.sampled_from(["wide", "wide tags", "long", "long of two columns"]))
    machines = draw(st.lists(st.sampled_from(["K1", "K12", "M007"]), min_size=2, max_size=3, unique=True))
    sensors = [name.split(" [")[0].split(" (")[0].replace(" ", "") for name in called]
    pattern, nothing = draw(st.sampled_from(TAGS)), draw(st.sampled_from(NOTHING))
    values = draw(st.lists(st.integers(-5_000_000, 99_999_999), min_size=3, max_size=30))
    times = [START + timedelta(hours=hour) for hour in range(draw(st.integers(1, 5)) + 24 * 3)]
    truth: Readings = {}
    texts: dict[tuple[str, str, datetime], str] = {}
    for used, (m, s, at) in enumerate((m, s, at) for m in machines for s in sensors for at in times):
        value = round(values[used % len(values)] / 1000 + 0.001 * (used % 7), 3)
        texts[m, s, at] = nothing if used % 11 == 3 else number(value, decimal, "")
        if used % 11 != 3:
            truth.setdefault((m, int(at.timestamp() * 1000)), {})[s] = value
    rows: list[list[str]]
    if layout == "wide":
        header = [[stamp, machine_word, *sensors], ["", "", "bar", "[°C]", "%"]]
        rows = [[moment(at, form), m, *(texts[m, s, at] for s in sensors)] for m in machines for at in times]
    elif layout == "wide tags":
        pairs = [(m, s) for m in machines for s in sensors]
        header = [[stamp, *(pattern.format(m=m, s=s) for m, s in pairs)]]
        rows = [[moment(at, form), *(texts[m, s, at] for m, s in pairs)] for at in times]
    elif layout == "long":
        header = [["Tag", stamp, "Value"]]
        rows = [[pattern.format(m=m, s=s), moment(at, form), texts[m, s, at]] for m, s, at in texts]
    else:
        header = [[machine_word, "Signal", stamp, "Value"]]
        rows = [[m, s, moment(at, form), texts[m, s, at]] for m, s, at in texts]
    order = draw(st.sampled_from(["as written", "turned", "shuffled"]))
    if order == "turned":
        rows.reverse()
    elif order == "shuffled":
        rows.sort(key=lambda row: zlib.crc32("".join(row).encode()))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if decimal == "," else draw(st.sampled_from(",;\t|")), lineterminator="\n")
    writer.writerows([*header, *rows])
    return out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-16", "cp1252"]))), truth, layout.split(" of ")[0]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=layouts())
def test_a_table_in_any_layout_comes_back_equal(
    template: Path, tmp_path_factory: pytest.TempPathFactory, table: tuple[bytes, Readings, str]
) -> None:
    data, truth, layout = table
    with fresh(template, tmp_path_factory) as plant:
        try:
            report = plant.give(data)
        except PdmError as exc:
            if not any(answer in exc.hint for answer in ("--machine-side", "--machine ", "--layout wide-tags")):
                raise
            # Of tags such as Kühlwasser_K1 it may be asked which side is the machine, or whether they are tags at all.
            named = layout if layout == "wide tags" else None
            report = plant.give(data, choices=Choices(machine_side="last", layout=named))
        assert (report.layout, report.rejected, report.rejected_values, report.conflicts) == (layout, 0, 0, 0)
        assert plant.readings() == truth


@pytest.mark.parametrize("language", sorted(WORDS))
def test_events_are_told_by_their_columns_in_each_language(plant: Plant, language: str) -> None:
    words = {
        "en": ("Error code", "errors"), "de": ("Fehlercode", "errors"), "fr": ("Composant", "maintenance"),
        "es": ("Fallo", "failures"), "it": ("Guasto", "failures"), "nl": ("Storingscode", "errors"),
    }  # fmt: skip
    label, kind = words[language]
    stamp, _, _, machine, _ = WORDS[language]
    data = f"{stamp};{machine};{label}\n31.01.2019 06:00;7;Lager A\n01.02.2019 07:30;8;E-17\n".encode("cp1252")
    name = "entretien.csv" if kind == "maintenance" else "export.csv"
    report = plant.give(data, name)
    assert (report.kind, report.accepted) == (kind, 2)
    assert plant.store.events(kind)["label"].tolist() == ["Lager A", "E-17"]


# -- layouts ----------------------------------------------------------------------------------------------------------


def readings_of(plant: Plant) -> dict[tuple[str, str], dict[str, float]]:
    return {(m, times.iso(at, "UTC")[:16]): held for (m, at), held in plant.readings().items()}


def test_a_long_file_of_asset_and_metric_columns_with_a_bad_value(plant: Plant) -> None:
    report = plant.give(
        b"Asset;Messgr\xf6\xdfe;Zeit;Wert;Status\n"
        b"Kiln 1;Strom;31.01.2019 06:00;1,5;gut\n"
        b"Kiln 1;Druck;31.01.2019 06:00;2,5;schlecht\n"
        b"Kiln 2;Strom;31.01.2019 06:00;3,5;gut\n"
        b"Kiln 2;Druck;31.01.2019 06:00;Bad Input;gut\n"
        b"Kiln 2;Druck;31.01.2019 07:00;x;gut\n"
    )
    assert (report.layout, report.machines) == ("long", ("Kiln 1", "Kiln 2"))
    assert (report.bad_quality_values, report.missing_cells, report.rejected_values) == (1, 1, 1)
    assert (report.accepted, report.unchanged, report.rejected) == (2, 3, 0)
    assert readings_of(plant) == {
        ("Kiln 1", "2019-01-31T06:00"): {"Strom": 1.5},
        ("Kiln 2", "2019-01-31T06:00"): {"Strom": 3.5},
    }


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("A/K1/Flow", "A/K1/Heat", "A/K2/Flow", "A/K2/Heat"), {("K1", "Flow"), ("K2", "Heat")}),
        (("X.Y.P7.Speed", "X.Y.P7.Load"), {("P7", "Speed"), ("P7", "Load")}),
        (("N1.K1.Flow", "N2.K1.Flow", "N1.K1.Heat", "N2.K1.Heat"), {("N1.K1", "Flow"), ("N2.K1", "Heat")}),
        (("flow_K1", "flow_K2", "oil_heat_K1", "oil_heat_K2"), {("K1", "flow"), ("K2", "oil_heat")}),
        (("K1:bearing:temp", "K1:motor:temp", "K2:bearing:temp", "K2:motor:temp"), {("K1", "motor:temp")}),
    ],
)
def test_machine_and_sensor_are_found_in_tags(
    plant: Plant, tags: tuple[str, ...], expected: set[tuple[str, str]]
) -> None:
    rows = "".join(f"{tag},2019-01-31 0{hour}:00,{hour}.5\n" for hour in range(3) for tag in tags)
    report = plant.give(f"TagName,DateTime,Value\n{rows}".encode())
    assert report.accepted == 3 * len(tags)
    found = {(machine, sensor) for (machine, _), held in plant.readings().items() for sensor in held}
    assert expected <= found
    assert len(found) == len(tags)


def test_lines_of_a_file_of_wide_tags_are_counted_once_each(plant: Plant) -> None:
    text = "Zeit,P1.Druck,P2.Druck,P1.Strom\n2019-01-31 06:00,1,2,3\n2019-01-31 07:00,4,,5\n2019-01-31 08:00,,,\n"
    report = plant.give(text.encode())
    assert (report.layout, report.accepted, report.unchanged, report.accepted_values) == ("wide tags", 2, 1, 5)
    again = plant.give(text.replace(",4,,5", ",4,9,6").encode())
    assert (again.accepted, again.unchanged, again.conflicts) == (0, 2, 1)


def test_numbered_channels_of_one_machine_are_no_machines(plant: Plant) -> None:
    text = "time,sensor_1,sensor_2,Bearing1 temp,Bearing2 temp\n2019-01-31 06:00,1,2,3,4\n2019-01-31 07:00,1,2,3,4\n"
    with pytest.raises(PdmError, match="no column for the machine"):
        plant.give(text.encode(), "Pump 7_2019-01.csv")
    plan = recognise(plant.folder / "Pump 7_2019-01.csv")
    assert [(q.key, q.suggested) for q in plan.questions] == [("machine", "Pump-7")]
    report = plant.give(text.encode(), machine="Pump 7")
    assert (report.machines, report.accepted, len(report.sensors)) == (("Pump 7",), 2, 4)


@pytest.mark.parametrize("mark", [",", "."])
def test_days_since_1899_are_times_with_either_decimal_mark(plant: Plant, mark: str) -> None:
    rows = [f"43521{mark}916666666664;7;0,5;9,1", f"43521{mark}958333333336;7;1,5;9,2", f"43522{mark}0;7;2,5;9,3"]
    plant.give(("Zeitstempel;Maschinennummer;Druck;Strom\n" + "\n".join(rows) + "\n").encode())
    # Day 43,522 is 26 February 2019.
    assert plant.readings() == {
        ("7", 1_551_132_000_000): {"Druck": 0.5, "Strom": 9.1},
        ("7", 1_551_135_600_000): {"Druck": 1.5, "Strom": 9.2},
        ("7", 1_551_139_200_000): {"Druck": 2.5, "Strom": 9.3},
    }


def test_a_status_column_becomes_failures_one_for_each_change(plant: Plant) -> None:
    states = ["NORMAL", "BROKEN", "BROKEN", "RECOVERING", "NORMAL", "broken"]
    rows = "".join(f"2019-01-31 0{hour}:00,{hour}.5,{state}\n" for hour, state in enumerate(states))
    path = plant.folder / "pump.csv"
    path.write_text("timestamp,heat,machine_status\n" + rows)
    from pdm_desktop.core.ingest import import_plan

    plan = recognise(path, Choices(machine="P1", columns={"machine_status": Role.parse("failure:BROKEN")}))
    reports = import_plan(plant.store, plan, dry_run=False, progress=Progress(), rejects_dir=None)
    assert [(report.kind, report.accepted) for report in reports] == [("telemetry", 6), ("failures", 2)]
    failures = plant.store.events("failures")
    hours = [times.iso(int(at), "UTC")[11:13] for at in failures["time"]]
    assert (hours, set(failures["label"])) == (["01", "05"], {"BROKEN"})


def test_a_units_row_names_units_and_a_header_may_do_so_too(plant: Plant) -> None:
    text = (
        "Datum;Anlage;Druck;Strom [mA];Laufzeit\n;;[bar];mA;h\n2019-01-31 06:00;1;1,5;2;3\n2019-01-31 07:00;1;1;2;3\n"
    )
    report = plant.give(text.encode())
    assert (report.units_row, report.accepted) == (2, 2)
    assert report.sensors == (("Druck", "bar"), ("Strom", "mA"), ("Laufzeit", "h"))


# -- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day_first", "month"), [(True, "02"), (False, "01")])
def test_the_order_of_day_and_month_is_asked_and_then_kept_to(plant: Plant, day_first: bool, month: str) -> None:
    text = b"time,machine,heat\n01/02/2019 06:00,1,5\n02/02/2019 06:00,1,6\n"
    with pytest.raises(PdmError, match="cannot be told") as caught:
        plant.give(text)
    assert "--day-first" in caught.value.hint
    assert plant.store.machines().empty
    plant.give(text, day_first=day_first)
    first = min(at for _, at in plant.readings())
    assert times.iso(first, "UTC")[5:7] == month


def test_a_component_over_12_far_down_settles_the_order_and_a_contradiction_refuses_the_file(plant: Plant) -> None:
    many = "".join(
        f"0{1 + i % 9}/0{1 + i % 8}/2019 0{i % 10}:{i % 60:02}:{i // 2000:02},{i % 3},5\n" for i in range(30_000)
    )
    head = "time,machine,heat\n"
    report = plant.give((head + many + "31/01/2019 06:00:00,1,5\n" + many).encode())
    assert (report.day_first, report.rejected) == (True, 0)
    plant.undo(report)
    with pytest.raises(PdmError, match=" first"):
        plant.give((head + "31/01/2019 06:00:00,1,5\n" + many + "01/31/2019 06:00:00,1,5\n" + many).encode())
    assert plant.readings() == {}


def test_a_comma_with_three_digits_in_every_number_is_asked_for(plant: Plant) -> None:
    text = b"time;machine;heat\n2019-01-31 06:00;1;1,234\n2019-01-31 07:00;1;5,678\n"
    with pytest.raises(PdmError, match="decimal comma or a thousands mark"):
        plant.give(text)
    plant.undo(plant.give(text, decimal=","))
    report = plant.give(text, decimal=",")
    assert sorted(held["heat"] for held in plant.readings().values()) == [1.234, 5.678]
    plant.undo(report)
    plant.give(text, decimal=".")
    assert sorted(held["heat"] for held in plant.readings().values()) == [1234, 5678]


def test_a_header_without_a_known_name_is_asked_about_and_can_be_told_whole(plant: Plant) -> None:
    text = "Alfa;Beta;Gama;Delta\n5;K1;1,5;2\n6;K1;2,5;3\n"
    with pytest.raises(PdmError, match="has a name that is known") as caught:
        plant.give(text.encode())
    assert "--map 'Alfa'=timestamp" in caught.value.hint
    assert caught.value.where == "export.csv, line 1"
    plan = recognise(plant.folder / "export.csv")
    assert [question.key for question in plan.questions] == ["columns", "machine"]
    assert plan.header == ("Alfa", "Beta", "Gama", "Delta")
    told = {"Alfa": Role("timestamp"), "Beta": Role("machine"), "Delta": Role("ignore")}
    assert recognise(plant.folder / "export.csv", Choices(columns=told)).questions == ()
    report = plant.give(text.replace("\n5;", "\n2019-01-31;").replace("\n6;", "\n2019-02-01;").encode(), columns=told)
    assert (report.machines, report.sensors, report.accepted) == (("K1",), (("Gama", ""),), 2)


def test_a_time_zone_that_does_not_exist_is_refused_though_every_time_has_an_offset(plant: Plant) -> None:
    with pytest.raises(PdmError, match="no time zone"):
        plant.give(b"time,machine,heat\n2019-01-31T06:00:00+01:00,1,5\n", time_zone="Europe/Brelin")


def test_rows_without_a_number_are_not_taken_for_the_header(plant: Plant) -> None:
    report = plant.give(b"machineID,model,age\nP1,big,\nPress 1,,7\n")
    assert (report.kind, report.header_row, report.machines) == ("machines", 1, ("P1", "Press 1"))
    report = plant.give(b"datetime,machineID,heat\nunknown,P1,stuck\n2019-01-31,P1,5\n2019-02-01,P1,6\n")
    assert (report.header_row, report.accepted, report.rejected) == (1, 2, 1)


def test_units_are_found_below_a_row_of_descriptions(plant: Plant) -> None:
    text = "Timestamp,K.M1.T,K.M2.T\nDescription,inlet,outlet\n,degC,degC\n2019-01-31,4,5\n2019-02-01,4,5\n"
    report = plant.give(text.encode())
    assert (report.header_row, report.units_row, report.rejected) == (1, 3, 0)
    assert report.sensors == (("T", "degC"),)


def test_numbers_in_names_and_days_with_a_point_do_not_outvote_a_decimal_comma(plant: Plant) -> None:
    rows = "".join(f"43521.{i}16666;1.{i};2.{i}5;{i},5\n" for i in range(1, 7))
    report = plant.give(f"Zeitstempel;Anlage;Bauteil;Druck\n{rows}".encode(), columns={"Bauteil": Role("ignore")})
    assert (report.decimal, report.accepted, report.accepted_values) == (",", 6, 6)
    assert report.machines == ("1.1", "1.2", "1.3", "1.4", "1.5", "1.6")


def test_columns_that_contradict_each_other_in_the_decimal_mark_are_asked_about(plant: Plant) -> None:
    text = b"time;machine;heat;flow;load\n2019-01-31;1;1,5;2.25;3,5\n2019-02-01;1;2,5;3.25;4,5\n"
    with pytest.raises(PdmError, match=r"Most columns have a decimal comma, but 2\.25 says otherwise"):
        plant.give(text)
    (question,) = recognise(plant.folder / "export.csv").questions
    assert (question.key, question.suggested) == ("decimal", ",")
    assert plant.give(text, columns={"flow": Role("ignore")}).sensors == (("heat", ""), ("load", ""))
    report = plant.give(text, decimal=".")
    assert (report.accepted_values, report.rejected_values) == (2, 4)


# -- the rejects file comes back --------------------------------------------------------------------------------------


def test_a_mended_rejects_file_brings_in_what_was_missing(plant: Plant) -> None:
    text = "time;machine;heat;flow\n2019-01-31 06:00;1;1,5;-2,5\n2019-01-31 07:00;1;hot;-3,5\nsoon;=1;7,5;4,5\n"
    first = plant.give(text.encode())
    assert (first.accepted, first.rejected, first.rejected_values) == (2, 1, 1)
    path = Path(first.rejects_file or "")
    rejects = path.read_text("utf-8-sig")
    assert ",'=1," in rejects
    mended = rejects.replace(",hot,not a number,2019-01-31 07:00,1,hot,", ',hot,not a number,2019-01-31 07:00,1,"6,5",')
    mended = mended.replace(",soon,'=1,", ",2019-01-31 08:00,'=1,")
    second = plant.give(mended.encode("utf-8-sig"), "mended.csv")
    assert (second.accepted, second.rejected, second.conflicts) == (2, 0, 0)
    assert readings_of(plant) == {
        ("1", "2019-01-31T06:00"): {"heat": 1.5, "flow": -2.5},
        ("1", "2019-01-31T07:00"): {"heat": 6.5, "flow": -3.5},
        ("=1", "2019-01-31T08:00"): {"heat": 7.5, "flow": 4.5},
    }


# -- daylight saving --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
def test_a_year_of_local_clock_time_is_a_year_of_hours(plant: Plant, backwards: bool) -> None:
    zone = ZoneInfo("America/New_York")
    hours = [START + timedelta(hours=h) for h in range(24 * 365)]
    rows = [f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S},P1,{i}\n" for i, at in enumerate(hours)]
    text = "time,machine,heat\n" + "".join(reversed(rows) if backwards else rows)
    report = plant.give(text.encode(), time_zone="America/New_York")
    assert (report.accepted, report.conflicts, report.fold_times, report.gap_times) == (24 * 365, 0, 2, 0)
    found = plant.readings()
    assert [found["P1", int(at.timestamp() * 1000)]["heat"] for at in hours] == list(range(24 * 365))


# -- hostile input ----------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet=st.sampled_from('1a,;\t|"\n\r .:-/é\0=+'), max_size=200).map(str.encode),
        st.lists(
            st.lists(
                st.sampled_from(
                    ["datetime", "tag", "value", "2019-01-31", "1/2/19", "7", "1,5", "x", '"', "", "14:00", "1e9"]
                ),
                max_size=5,
            ).map(";".join),
            max_size=8,
        ).map(lambda lines: "\n".join(lines).encode()),
    ),
    packed=st.sampled_from(["", "gz", "cut gz"]),
)
def test_no_bytes_crash_the_import_or_leave_a_part_behind(
    template: Path, tmp_path_factory: pytest.TempPathFactory, data: bytes, packed: str
) -> None:
    with fresh(template, tmp_path_factory) as plant:
        if packed:
            data = gzip.compress(data)
        if packed == "cut gz":
            data = data[: len(data) * 2 // 3]
        try:
            plant.give(data, machine="P1")
        except PdmError:
            assert plant.store.machines().empty
            assert plant.store.batches() == ()
            assert not list(plant.folder.glob("imports/*"))


def test_what_unpacks_without_end_is_refused(plant: Plant) -> None:
    row = b"2019-01-31 06:00:00,1,5\n"
    data = gzip.compress(b"time,machine,heat\n" + row + (b"\n" * 2**20) * 300, 9)
    with pytest.raises(PdmError, match="unpacks to more than 200 times"):
        plant.give(data, "bomb.csv.gz")
    assert plant.store.machines().empty


# -- profiles and what the samples did not show -----------------------------------------------------------------------


def test_a_profile_applies_by_itself_to_the_next_file_of_that_header(tmp_path: Path) -> None:
    text = "Zeit;Anlage;Kanal 1 [V];Bemerkung\n01/02/2019 06:00;1;1,5;x\n"
    (tmp_path / "one.csv").write_text(text)
    (tmp_path / "two.csv").write_text(text.replace("06:00", "07:00"))
    with Workspace.open(tmp_path / "plant") as workspace:
        choices = Choices(day_first=True, columns={"Kanal 1 [V]": Role("sensor", "voltage", "V")})
        workspace.save_profile("Line 1", workspace.recognise(tmp_path / "one.csv", choices))
        (profile,) = workspace.profiles()
        assert (profile.name, profile.header[0], profile.choices.day_first) == ("Line 1", "Zeit", True)
        plan = workspace.recognise(tmp_path / "two.csv")
        assert (plan.profile, plan.questions) == ("Line 1", ())
        report = workspace.import_files([tmp_path], Progress())
        assert [(file.sensors, file.profile) for file in report.files] == [((("voltage", "V"),), "Line 1")] * 2
        with pytest.raises(PdmError, match="no profile"):
            workspace.recognise(tmp_path / "two.csv", profile="Line 2")
        workspace.delete_profile("Line 1")
        assert [q.key for q in workspace.recognise(tmp_path / "two.csv").questions] == ["day_first"]


def test_a_preview_shows_what_becomes_of_each_cell(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("time,machine,heat,remark\n2019-01-31 06:00,1,5,a\n2019-01-31 07:00,1,hot,b\nsoon,1,NA,c\n")
    with Workspace.open(tmp_path / "plant") as workspace:
        shown = workspace.preview(path)
        assert [[cell.state for cell in row.cells] for row in shown.rows] == [
            ["ok", "ok", "ok", "ignored"],
            ["ok", "ok", "rejected", "ignored"],
            ["rejected", "ok", "missing", "ignored"],
        ]
        assert (shown.counts["rows"], shown.counts["rejected"], shown.counts["rejected_values"]) == (3, 1, 1)
        assert [row.line for row in shown.rows] == [2, 3, 4]
        assert workspace.is_empty()


def test_an_umlaut_of_a_code_page_far_down_is_read_all_the_same(plant: Plant) -> None:
    rows = "".join(f"2019-01-31 06:{i % 60:02}:{i // 60 % 60:02},M{i // 3600},5\n" for i in range(30_000))
    data = ("time,machine,heat\n" + rows).encode() + "2019-02-01 06:00,M\u00fchle,7\n".encode("cp1252") + rows.encode()
    report = plant.give(data)
    assert (report.encoding, report.rejected) == ("cp1252", 0)
    assert "M\u00fchle" in report.machines
