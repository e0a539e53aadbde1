"""The command line is a contract: arguments, exit codes, one JSON object, nothing changed on errors."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pdm_desktop.__main__ import main

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small demo plant, made through the command line; read-only by agreement."""
    folder = tmp_path_factory.mktemp("cli") / "demo plant ä"
    assert main(["--workspace", str(folder), "demo", "--machines", "5", "--days", "30", "--seed", "4"]) == 0
    return folder


def run(capsys: Out, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1, "exactly one JSON object, on one line"
    return code, json.loads(out)


def test_score_lists_every_machine_by_falling_risk_with_the_contracts_fields(demo: Path, capsys: Out) -> None:
    code, plain = run(capsys, "--workspace", str(demo), "score")
    assert code == 0
    assert set(plain) >= {"as_of", "horizon_h", "model", "machines"}
    assert set(plain["model"]) == {"name", "version", "run_id", "feature_version"}
    assert len(plain["machines"]) == 5
    fields = {"machine", "risk", "band", "component_risks", "threshold", "as_of", "data_age_h", "reasons"}
    for row in plain["machines"]:
        assert set(row) >= fields
        assert {frozenset(reason) for reason in row["reasons"]} == {frozenset(("feature", "text", "contribution"))}
    risks = [row["risk"] for row in plain["machines"]]
    assert risks == sorted(risks, reverse=True)


def test_score_at_a_past_time_is_of_the_grid_hour_at_or_before_it(demo: Path, capsys: Out) -> None:
    _, plain = run(capsys, "score", "--at", "2015-01-20 00:59", "--workspace", str(demo))
    assert plain["as_of"] == "2015-01-20T00:00:00+00:00"
    _, same = run(capsys, "score", "--at", "2015-01-20T01:00+01:00", "--workspace", str(demo))
    assert same["machines"] == plain["machines"]


def test_score_all_counts_every_hour_of_every_machine(demo: Path, capsys: Out) -> None:
    code, plain = run(capsys, "--workspace", str(demo), "score", "--at", "all")
    assert code == 0
    assert plain["rows_scored"] == 5 * (30 * 24 + 1)


def test_import_says_what_came_in_and_the_second_time_that_nothing_changed(tmp_path: Path, capsys: Out) -> None:
    assert main(["simulate", "--out", str(tmp_path / "in"), "--machines", "2", "--days", "5"]) == 0
    capsys.readouterr()
    where = ("--workspace", str(tmp_path / "ws"))
    code, first = run(capsys, *where, "import", str(tmp_path / "in"))
    assert code == 0
    by_kind = {file["kind"]: file for file in first["files"]}
    assert next(iter(by_kind)) == "machines"
    assert by_kind["telemetry"]["accepted"] == 2 * (5 * 24 + 1)
    assert by_kind["telemetry"]["accepted_values"] == 4 * by_kind["telemetry"]["accepted"]
    assert by_kind["telemetry"]["machines"] == ["1", "2"]
    assert [sensor["name"] for sensor in by_kind["telemetry"]["sensors"]] == ["volt", "rotate", "pressure", "vibration"]
    code, second = run(capsys, *where, "import", str(tmp_path / "in"))
    assert code == 0
    for file in second["files"]:
        assert (file["accepted"], file["batch"]) == (0, None)
    assert sum(f["unchanged"] for f in second["files"]) == sum(f["accepted"] for f in first["files"])


def test_a_dry_run_tells_the_counts_and_stores_nothing(tmp_path: Path, capsys: Out) -> None:
    main(["simulate", "--out", str(tmp_path / "in"), "--machines", "1", "--days", "3"])
    capsys.readouterr()
    where = ("--workspace", str(tmp_path / "ws"))
    code, plain = run(capsys, *where, "import", "--dry-run", str(tmp_path / "in" / "PdM_telemetry.csv"))
    assert (code, plain["files"][0]["accepted"], plain["files"][0]["batch"]) == (0, 73, None)
    _, listed = run(capsys, *where, "imports", "list")
    assert listed["batches"] == []


def test_what_a_file_is_read_by_can_be_said(tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / "export.csv"
    lines = ["when,where,what,much", "s,,,K", *(f"2015-01-01 0{at}:00,M{at % 2},heat,{at}.5" for at in range(4))]
    path.write_text("\n".join(["Made by hand", *lines]) + "\n", "utf-8")
    where = ("--workspace", str(tmp_path / "ws"), "import", str(path))
    code, error = run(capsys, *where, "--layout", "wide-tags")
    assert code == 3
    assert "machine and the sensor" in error["error"]["message"]
    roles = ("--map", "when=timestamp", "--map", "where=machine", "--map", "what=tag", "--map", "much=value")
    code, plain = run(capsys, *where, "--layout", "long", "--header-row", "2", "--units-row", "3", *roles)
    (file,) = plain["files"]
    assert (code, file["layout"], file["header_row"], file["units_row"]) == (0, "long", 2, 3)
    assert (file["accepted"], file["rejected"], file["machines"]) == (4, 0, ["M0", "M1"])
    path.write_text("\n".join(["Made by hand", lines[0], ",,,", *lines[2:]]) + "\n", "utf-8")
    # a blank line holds no units, and no row of data is taken for them
    code, plain = run(capsys, *where, "--layout", "long", "--header-row", "2", "--units-row", "3", *roles)
    assert (code, plain["files"][0]["units_row"], plain["files"][0]["unchanged"]) == (0, None, 4)


def test_import_says_in_words_what_was_left_out_and_which_times_were_odd(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "long.csv").write_text(
        "Tag,Time,Value,Quality,Remark\nA.heat,2024-10-27 02:30,1,192,fine\nA.heat,2024-10-27 02:30,2,192,fine\n"
        "A.heat,2024-03-31 02:30,3,192,fine\nA.heat,2024-10-27 05:30,4,0,fine\n"
    )
    words = [
        "--workspace",
        str(tmp_path / "plant"),
        "import",
        str(tmp_path / "long.csv"),
        "--time-zone",
        "Europe/Berlin",
    ]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "3 rows came in, 1 brought nothing new, 1 values of bad quality left out" in out
    assert "ignored: Remark" in out
    assert "2 times of the hour that the clock showed twice" in out
    assert "1 times that clocks of Europe/Berlin never showed" in out


def test_imports_are_listed_and_undone_by_number(tmp_path: Path, capsys: Out) -> None:
    main(["simulate", "--out", str(tmp_path / "in"), "--machines", "1", "--days", "3"])
    where = ("--workspace", str(tmp_path / "ws"))
    main([*where, "import", str(tmp_path / "in")])
    capsys.readouterr()
    _, listed = run(capsys, *where, "imports", "list")
    telemetry = next(b for b in listed["batches"] if b["kind"] == "telemetry")
    assert telemetry["accepted"] == 73
    assert main([*where, "imports", "list"]) == 0
    told = capsys.readouterr().out
    assert telemetry["sha256"] in told
    assert "PdM_telemetry.csv" in told
    assert "73 accepted, 0 unchanged, 0 duplicates, 0 conflicts, 0 rejected" in told
    lines = (tmp_path / "in" / "PdM_telemetry.csv").read_text("utf-8").splitlines()
    moment, machine, *values = lines[1].split(",")
    other = tmp_path / "other.csv"
    other.write_text("\n".join([lines[0], ",".join([moment, machine, "999", *values[1:]])]) + "\n", "utf-8")
    main([*where, "import", str(other)])
    capsys.readouterr()
    _, differed = run(capsys, *where, "imports", "conflicts", str(max(b["id"] for b in listed["batches"]) + 1))
    assert differed["count"] == 1
    (conflict,) = differed["conflicts"]
    assert (conflict["machine"], conflict["cell"]) == ("1", lines[0].split(",")[2])
    assert (conflict["old"], conflict["new"]) == (float(values[0]), 999.0)
    code, undone = run(capsys, *where, "imports", "undo", str(telemetry["id"]))
    assert (code, undone["machines"]) == (0, ["1"])
    code, error = run(capsys, *where, "imports", "undo", str(telemetry["id"]))
    assert code == 3
    assert error["error"]["message"]


def test_report_has_a_row_a_machine_and_the_same_risks_as_score(demo: Path, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "risk.csv"
    code, _ = run(capsys, "--workspace", str(demo), "report", "--out", str(out))
    _, scored = run(capsys, "--workspace", str(demo), "score")
    with out.open(encoding="utf-8-sig", newline="") as file:
        written = {row["machine"]: float(row["risk"]) for row in csv.DictReader(file)}
    assert code == 0
    assert written == pytest.approx({row["machine"]: row["risk"] for row in scored["machines"]}, abs=1e-6)


def test_report_of_chosen_machines_holds_just_those_and_an_unknown_one_is_an_error(
    demo: Path, tmp_path: Path, capsys: Out
) -> None:
    out = tmp_path / "risk.csv"
    where = ("--workspace", str(demo))
    run(capsys, *where, "report", "--out", str(out), "--machine", "2", "--machine", "4")
    with out.open(encoding="utf-8-sig", newline="") as file:
        assert {row["machine"] for row in csv.DictReader(file)} == {"2", "4"}
    code, error = run(capsys, *where, "report", "--out", str(out), "--machine", "99")
    assert code == 3
    assert "99" in error["error"]["message"]


def test_features_are_the_matrix_the_model_sees(demo: Path, tmp_path: Path, capsys: Out) -> None:
    out = tmp_path / "features.csv"
    code, plain = run(capsys, "--workspace", str(demo), "features", "--out", str(out), "--machine", "3")
    assert (code, plain["rows"]) == (0, 30 * 24 + 1)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == plain["rows"]
    assert {row["machine"] for row in rows} == {"3"}
    row = rows[100]
    assert float(row["volt_min_24h"]) <= float(row["volt_mean_24h"]) <= float(row["volt_max_24h"])
    assert row["hours_since_reading"] == "0.0"


def test_settings_are_set_and_shown_and_a_wrong_one_changes_nothing(tmp_path: Path, capsys: Out) -> None:
    where = ("--workspace", str(tmp_path))
    code, shown = run(capsys, *where, "settings", "set", "plant_name=Hall 2", "time_zone=Europe/Berlin")
    assert (code, shown["plant_name"], shown["time_zone"]) == (0, "Hall 2", "Europe/Berlin")
    code, error = run(capsys, *where, "settings", "set", "plant_name=Other", "time_zone=Nowhere")
    assert (code, error["error"]["where"]) == (3, "time_zone")
    _, shown = run(capsys, *where, "settings", "show")
    assert shown["plant_name"] == "Hall 2"


def test_times_come_out_in_the_plants_zone_with_its_offset(tmp_path: Path, capsys: Out) -> None:
    main(["simulate", "--out", str(tmp_path / "in"), "--machines", "1", "--days", "3"])
    where = ("--workspace", str(tmp_path / "ws"))
    main([*where, "settings", "set", "time_zone=Europe/Berlin"])
    main([*where, "import", str(tmp_path / "in")])
    capsys.readouterr()
    _, plain = run(capsys, *where, "score")
    # The file's last reading, 2015-01-04 06:00 without a zone, is Berlin time.
    assert plain["as_of"] == "2015-01-04T06:00:00+01:00"


def test_wrong_use_is_exit_code_2_with_the_error_as_json(capsys: Out) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", "--json"])
    assert caught.value.code == 2
    assert "error" in json.loads(capsys.readouterr().out)
    assert main(["imports", "undo", "--json"]) == 2


def test_a_file_that_is_not_there_is_exit_code_3_with_message_and_hint(tmp_path: Path, capsys: Out) -> None:
    code, plain = run(capsys, "--workspace", str(tmp_path / "ws"), "import", str(tmp_path / "no.csv"))
    assert code == 3
    assert set(plain["error"]) == {"message", "hint", "where"}
    assert "no.csv" in plain["error"]["where"] + plain["error"]["message"]


def test_an_empty_place_is_no_workspace_for_reading(tmp_path: Path, capsys: Out) -> None:
    code, plain = run(capsys, "--workspace", str(tmp_path / "none"), "score")
    assert code == 3
    assert not (tmp_path / "none").exists()
    assert plain["error"]["hint"]


def test_words_without_json_name_the_alarms(demo: Path, capsys: Out) -> None:
    assert main(["--workspace", str(demo), "score"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("As of ")
    assert len(lines) == 6


def test_a_backup_is_a_database_any_sqlite_opens(demo: Path, tmp_path: Path, capsys: Out) -> None:
    import sqlite3

    out = tmp_path / "copy.db"
    code, plain = run(capsys, "--workspace", str(demo), "backup", "--out", str(out))
    assert (code, plain["bytes"]) == (0, out.stat().st_size)
    with sqlite3.connect(out) as db:
        assert db.execute("SELECT count(*) FROM telemetry_by_name").fetchone() == (5 * 721,)


def test_the_module_runs_as_a_program_and_tells_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdm_desktop", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("PDM Desktop ")


def test_the_extract_raises_the_alarm_for_the_two_machines_that_fail_six_hours_later(
    shared_data: Path, tmp_path: Path, capsys: Out
) -> None:
    where = ("--workspace", str(tmp_path / "ws"))
    run(capsys, *where, "import", str(shared_data / "azure_pdm"))
    _, plain = run(capsys, *where, "score", "--at", "2015-01-20 00:00")
    alarms = {row["machine"] for row in plain["machines"] if row["band"] == "alarm"}
    assert {"11", "15"} <= alarms
    assert len(alarms) <= 3
    fifteen = next(row for row in plain["machines"] if row["machine"] == "15")
    two = sorted(fifteen["component_risks"], key=fifteen["component_risks"].__getitem__)[-2:]
    assert set(two) == {"comp2", "comp4"}
    out = tmp_path / "risk.csv"
    code, report = run(capsys, *where, "report", "--at", "2015-01-20 00:00", "--out", str(out))
    assert (code, report["machines"], report["alarms"]) == (0, 20, len(alarms))


def test_a_workspace_of_an_older_version_is_brought_up_to_date_with_a_word_on_stderr(
    tmp_path: Path, capsys: Out
) -> None:
    kept = Path(__file__).resolve().parents[1] / "upgrades" / "0001.zip"
    with zipfile.ZipFile(kept) as archive:
        archive.extractall(tmp_path / "plant")
    assert main(["--workspace", str(tmp_path / "plant"), "--json", "score"]) == 0
    said = capsys.readouterr()
    assert len(json.loads(said.out)["machines"]) == 3
    (backup,) = (tmp_path / "plant" / "backups").iterdir()
    assert "older version" in said.err
    assert backup.name in said.err
