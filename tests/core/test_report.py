"""The risk report: the contract's columns, readable by spreadsheets, running nothing in them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from pdm_desktop.core import report
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.results import Fleet, MachineRisk, ModelInfo, Reason

AT = 1_421_712_000_000  # 2015-01-20T00:00Z
MODEL = ModelInfo("pdm-risk", "1", "abc", 1, 24.0, 0.38)


def a_row(machine: str = "15", **changes: object) -> MachineRisk:
    plain = {
        "machine": machine,
        "machine_model": "model3",
        "age": 14.0,
        "risk": 0.9612345,
        "band": "alarm",
        "threshold": 0.38,
        "component_risks": {"comp1": 0.01, "comp2": 0.93},
        "reasons": (
            Reason("a", "rotate averaged 366", 2.0),
            Reason("b", "error2 18 h ago", 1.0),
            Reason("c", "x", -1.0),
        ),
        "as_of": AT,
        "last_reading": AT - 3_600_000,
        "data_age_h": 1.0,
    }
    return MachineRisk(**{**plain, **changes})  # type: ignore[arg-type]


def a_fleet(*rows: MachineRisk) -> Fleet:
    return Fleet(AT, "end-of-data", "Europe/Berlin", "Hall 2", 24.0, MODEL, rows, AT, 0, None, None)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_columns_are_the_contracts_in_their_order_then_one_risk_per_component() -> None:
    header = report.risk_csv(a_fleet(), ("comp1", "comp2"), AT).splitlines()[0]
    assert header == (
        "machine,machine_model,age,as_of,horizon_h,risk,band,threshold,alarm,top_component,top_component_risk,"
        "reason_1,reason_2,reason_3,last_reading,data_age_h,model_name,model_version,run_id,feature_version,"
        "generated_at,risk_comp1,risk_comp2"
    )


def test_a_machine_in_alarm_is_one_row_with_its_reasons_and_where_the_number_came_from() -> None:
    (row,) = read(report.risk_csv(a_fleet(a_row()), ("comp1", "comp2"), AT))
    assert row == {
        "machine": "15",
        "machine_model": "model3",
        "age": "14",
        "as_of": "2015-01-20T01:00:00+01:00",
        "horizon_h": "24",
        "risk": "0.961234",
        "band": "alarm",
        "threshold": "0.38",
        "alarm": "yes",
        "top_component": "comp2",
        "top_component_risk": "0.93",
        "reason_1": "rotate averaged 366",
        "reason_2": "error2 18 h ago",
        "reason_3": "",
        "last_reading": "2015-01-20T00:00:00+01:00",
        "data_age_h": "1.0",
        "model_name": "pdm-risk",
        "model_version": "1",
        "run_id": "abc",
        "feature_version": "1",
        "generated_at": "2015-01-20T01:00:00+01:00",
        "risk_comp1": "0.01",
        "risk_comp2": "0.93",
    }


def test_a_machine_without_a_number_has_empty_cells_not_zeros() -> None:
    unknown = a_row(risk=None, band="unknown", component_risks={}, reasons=(), last_reading=None, data_age_h=None)
    (row,) = read(report.risk_csv(a_fleet(unknown), ("comp1",), AT))
    assert (row["risk"], row["top_component"], row["data_age_h"], row["risk_comp1"]) == ("", "", "", "")
    assert row["alarm"] == "no"


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", "\tx", "\rx"])
def test_text_a_spreadsheet_would_run_gets_an_apostrophe(name: str) -> None:
    (row,) = read(report.risk_csv(a_fleet(a_row(name)), (), AT))
    assert row["machine"] == "'" + name


def test_the_file_begins_with_a_byte_order_mark_and_lines_end_as_rfc_4180_says(tmp_path: Path) -> None:
    report.write(tmp_path / "r.csv", report.risk_csv(a_fleet(a_row("Süd, 1")), (), AT))
    raw = (tmp_path / "r.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfmachine,")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 2
    assert '"Süd, 1"'.encode() in raw


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "r.csv").mkdir()
    with pytest.raises(PdmError):
        report.write(tmp_path / "r.csv", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["r.csv"]
