"""Files of the kinds that plants have elsewhere: other languages, code pages, ways to write units and thousands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.ingest.aliases import roles
from pdm_desktop.core.ingest.encoding import code_page
from pdm_desktop.core.ingest.units import split_unit
from pdm_desktop.core.plans import Choices
from tests.core.plants import Plant


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def test_a_padded_preamble_and_a_units_row_with_a_mask_of_the_time(plant: Plant) -> None:
    report = plant.give(
        "Prozessleitsystem;;;\r\nZeitraum:;20.03.2023 - 23.03.2023;;\r\n\r\nZeit;Anlagen-Nr.;Öltemperatur;Zustand\r\n"
        "[TT.MM.JJJJ hh:mm];[-];[°C];[-]\r\n20.03.2023 22:00;Mühle-01;61,5;läuft\r\n"
        "20.03.2023 23:00;Mühle-01;62,5;läuft\r\n".encode("cp1252")
    )
    assert (report.header_row, report.units_row, report.accepted, report.rejected) == (4, 5, 2, 0)
    assert (report.sensors, report.machines) == ((("Öltemperatur", "°C"),), ("Mühle-01",))


def test_thousands_with_spaces_of_two_kinds_are_numbers_with_and_without_decimals(plant: Plant) -> None:
    report = plant.give(
        "Horodatage\tÉquipement\tPression (mbar)\tVitesse (tr/min)\n"
        "20/03/2023 22:00\tPOMPE A\t3\u202f256,7\t1\u00a0450\n20/03/2023 23:00\tPOMPE A\t998,5\t1\u00a0451\n"
    )
    assert (report.accepted_values, report.rejected_values) == (4, 0)
    assert plant.store.telemetry("POMPE A")[1].tolist() == [[3256.7, 998.5], [1450, 1451]]


def test_chinese_files_in_their_own_code_page(plant: Plant) -> None:
    text = "时间,设备编号,温度(℃),电流（A）\n2023/03/20 22:00,1号机,55.1,40\n2023/03/20 23:00,2号机,54.2,41\n"
    for encoding, name in (("gbk", "gb18030"), ("utf-8-sig", "utf-8")):
        report = plant.give(text.encode(encoding))
        assert (report.encoding, report.machines) == (name, ("1号机", "2号机"))
        assert report.sensors == (("温度", "℃"), ("电流", "A"))


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("Дата и время;Агрегат;Насос;Температура", "cp1251"),
        ("Données;Équipement;Pression réelle;Débit", "cp1252"),
        ("Öltemperatur;Größe;Kühlwasser;Füllstände", "cp1252"),
    ],
)
def test_letters_of_other_pages_are_not_taken_for_chinese(text: str, page: str) -> None:
    assert code_page(text.encode(page)) == page


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("設備番号,日時,温度", "cp932"), ("機械;測定日時;圧力[MPa];回転数", "cp932"),
        ("日付,時刻,ﾎﾟﾝﾌﾟ圧力,流量", "cp932"),
        ("设备编号,采样时间,温度", "gb18030"), ("测点,时间,值,质量", "gb18030"),
        ("Stroj;Čas;Teplota ložiska;Otáčky", "cp1250"), ("Maszyna;Data;Ciśnienie;Prędkość;Łożysko", "cp1250"),
        ("Gép;Időpont;Hőmérséklet;Nyomás", "cp1250"), ("Stroj;Datum;Tlak;Průtok;Příkon", "cp1250"),
        ("Станок;Время;Давление, бар", "cp1251"), ("ДАТА;ВРЕМЯ;НАСОС", "cp1251"),
        ("Maskine;Tid;Køling;Øvre tryk;Tæthed", "cp1252"), ("Máquina;Horário;Vibração;Pressões", "cp1252"),
        ("Appareil;Système;Pièce;Débit à l'entrée;Où", "cp1252"), ("Störung;Öldruck;Kühlwasser", "cp850"),
    ],
)  # fmt: skip
def test_headers_of_many_languages_tell_their_code_page(text: str, page: str) -> None:
    assert code_page(text.encode(page)) == page


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Fecha;Hora;Máquina;Código de alarma", "errors"),
        ("Datum;Uhrzeit;Maschine;Meldungsnummer", "errors"),
        ("Date;Heure;Machine;Numéro de défaut", "errors"),
        ("Datum;Tijd;Machinenr;Vervangen onderdeel", "maintenance"),
    ],
)
def test_events_by_what_their_column_is_called_about(plant: Plant, header: str, kind: str) -> None:
    rows = "20/03/2023;22:00;L1;A-100\n21/03/2023;23:00;L2;A-101\n"
    report = plant.give(f"{header}\n{rows}", "onderhoud.csv")
    assert (report.kind, report.accepted) == (kind, 2)


def test_exports_with_a_line_a_value_of_tools_that_name_their_columns_in_their_own_way(plant: Plant) -> None:
    names = ("Press_1_Oil", "Press_1_Heat", "Press_2_Oil", "Press_2_Heat")
    rows = "".join(f'"{name}";"27.10.2024 0{h}:00:00";{h},5;1;45592{h}00000,5\n' for name in names for h in range(5))
    report = plant.give(f'"VarName";"TimeString";"VarValue";"Validity";"Time_ms"\n{rows}')
    assert (report.layout, report.machines, report.accepted) == ("long", ("Press_1", "Press_2"), 20)
    rows = "".join(
        f",,{k},2024-10-27T0{h}:00:00Z,{h}.5,{field},process,pump{m}\n"
        for k, (m, field) in enumerate((m, field) for m in (1, 2) for field in ("temp", "rpm"))
        for h in range(5)
    )
    head = "#datatype,string,long,dateTime:RFC3339,double,string,string,string\n"
    head += "#group,false,false,false,false,true,true,true\n"
    report = plant.give(f"{head}#default,_result,,,,,,\n,result,table,_time,_value,_field,_measurement,host\n{rows}")
    assert (report.layout, report.machines, report.accepted) == ("long", ("pump1", "pump2"), 20)
    assert [name for name, _ in report.sensors] == ["temp", "rpm"]


def test_a_list_of_machines_and_one_failure_in_spanish_and_french(plant: Plant) -> None:
    report = plant.give("Equipo;Modelo;Antigüedad\nBomba 1;KSB-200;12,5\nBomba 2;;\n")
    assert (report.kind, plant.store.machines()["age"].tolist()[0]) == ("machines", 12.5)
    text = "Date de panne;Machine;Organe défaillant\n13/02/2024 06:00;Presse 2;Pompe hydraulique\n"
    report = plant.give(text.encode("cp1252"), "pannes.csv")
    assert (report.kind, plant.store.events("failures")["label"].tolist()) == ("failures", ["Pompe hydraulique"])


def test_a_components_temperature_is_a_sensor(plant: Plant) -> None:
    report = plant.give("time;machine;component temperature\n2019-01-31;K1;61,5\n2019-02-01;K1;62,5\n")
    assert (report.kind, report.sensors) == ("telemetry", (("component temperature", ""),))


def test_words_about_alarms_in_other_columns_make_no_events() -> None:
    assert not roles("Alarm limit high") & {"error"}
    assert not roles("Druck hinter Ventil") & {"error", "component", "machine"}


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("Drehmoment in Nm", "Drehmoment", "Nm"),
        ("Drehzahl in 1/min", "Drehzahl", "1/min"),
        ("Температура подшипника, °C", "Температура подшипника", "°C"),
        ("Вибрация, мм/с", "Вибрация", "мм/с"),
        ("压力（MPa）", "压力", "MPa"),
        ("Temperature in bearing", "Temperature in bearing", ""),
        ("Pressure, upper", "Pressure, upper", ""),
        ("Level (left)", "Level (left)", ""),
    ],
)
def test_units_behind_a_name(header: str, name: str, unit: str) -> None:
    assert split_unit(header) == (name, unit)


def test_exports_put_one_behind_the_other_are_refused_where_their_columns_differ(plant: Plant) -> None:
    first = "time,machine,heat,flow\n2019-01-31 06:00,1,5,6\n"
    for header in ("time,machine,flow,heat", "machine,time,heat,flow", "time,machine,pressure,level", "time,machine,x"):
        error = plant.refuses(first + f"{header}\n2019-01-31 08:00,1,9,10\n", "named once more")
        assert error.where == "file.csv, line 3"
    again = plant.give(first + "time,machine,heat,flow\n2019-01-31 07:00,1,7,8\n")
    assert (again.accepted, again.rejected) == (2, 1)
    footer = plant.give(first + "Time of export,,,\n2019-01-31 09:00,1,11,12\n")
    assert (footer.accepted, footer.rejected) == (1, 1)


def test_thousands_with_points_beside_whole_numbers_are_asked_for(plant: Plant) -> None:
    text = "time;machine;load\n2019-01-31 06:00;1;901\n2019-01-31 07:00;1;1.234\n2019-01-31 08:00;1;12.345\n"
    plant.refuses(text, "1.234 has a decimal point or a thousands mark")
    plant.give(text, choices=Choices(decimal=","))
    assert plant.store.telemetry("1")[1].tolist() == [[901.0, 1234.0, 12345.0]]
    plant.give(text.replace(";1;", ";2;"), choices=Choices(decimal="."))
    assert plant.store.telemetry("2")[1].tolist() == [[901.0, 1.234, 12.345]]
    plant.give(text.replace(";1;901", ";3;901.5").replace(";1;", ";3;"))
    assert plant.store.telemetry("3")[1].tolist() == [[901.5, 1.234, 12.345]]


def test_readings_in_another_unit_do_not_mix_with_those_of_a_sensor(plant: Plant) -> None:
    rows = "2019-01-31 06:00,1,5,7\n"
    plant.give("time,machine,Temp [°C],Speed [1/min]\n" + rows)
    error = plant.refuses("time,machine,Temp [°F],Speed [1/min]\n" + rows, "Temp is in °C, and in this file in °F")
    assert "sensor:Temp °F" in error.hint
    same = plant.give("time,machine,Temp (degC),Speed [rpm]\n" + rows)
    assert same.unchanged == 1
    plant.refuses("time,P1.Temp [bar],P1.Flow,P2.Temp [psi],P2.Flow\n2019-01-31 06:00,1,2,3,4\n", "in this file in")


def test_a_column_of_units_is_no_machine(plant: Plant) -> None:
    rows = [f"A.heat,2019-01-31 0{i}:00,{i},C\nA.flow,2019-01-31 0{i}:00,{i},bar\n" for i in range(9)]
    report = plant.give("tag,time,value,unit\n" + "".join(rows))
    assert (report.machines, [name for name, _ in report.sensors]) == (("A",), ["heat", "flow"])
