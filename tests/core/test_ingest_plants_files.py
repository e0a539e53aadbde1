"""Every file of the shared collection of messy exports gives what its expected.json says, through the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pdm_desktop import cli
from pdm_desktop.core import times
from pdm_desktop.core.store import Store

FILES = sorted(
    [
        "ambiguous_dates.csv", "bad_rows.csv", "binary_garbage.csv", "date_and_time_columns.csv",
        "dst_fold_europe_berlin.csv", "duplicates.csv", "empty.csv", "epoch_ms.csv", "header_only.csv",
        "historian_long.csv", "historian_wide_tags.csv", "iso_offset.csv", "other_sensors.csv",
        "preamble_and_units_row.csv", "quoted_newlines.csv", "semicolon_decimal_comma_latin1.csv",
        "thousands_separator.csv", "truncated.csv.gz", "utf16_tab.txt", "whole.csv.gz", "workbook.xlsx",
    ]
)  # fmt: skip

SAME = (
    "kind", "layout", "accepted", "rejected", "duplicates", "conflicts", "accepted_values", "rejected_values",
    "bad_quality_values", "missing_cells", "header_row", "units_row", "sheet", "ignored_columns",
)  # fmt: skip
COMPARED = {
    *SAME, "ok", "args", "note", "reason", "machines", "sensors", "units", "probe", "rejected_lines",
    "rejected_value_lines", "args_when_told", "accepted_when_told",
}  # fmt: skip
SAID = {
    "the compressed file ends early": "ends early",
    "the file is empty": "empty",
    "there is a header and no rows": "a header and no rows",
    "not a text table": "not a table of text",
    "day-first or month-first cannot be told from the file": "cannot be told",
}
"""The reason that the collection gives -> what is said of it."""


@pytest.fixture
def folder(shared_data: Path) -> Path:
    found = shared_data / "messy_imports"
    if not (found / "expected.json").is_file():
        pytest.skip("the shared data holds no messy_imports")
    return found


@pytest.fixture
def expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text("utf-8"))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "plant"


def bring(plant: Path, capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, dict[str, Any]]:
    code = cli.run(cli.parse(["--workspace", str(plant), "--json", "import", *map(str, args)]))
    return code, json.loads(capsys.readouterr().out)


def stored_rows(plant: Path) -> int:
    store = Store.open(plant / "plant.db")
    try:
        return sum(len(store.telemetry(machine)[0]) for machine in store.machines()["machine"])
    finally:
        store.close()


def reading(plant: Path, machine: str, utc: str) -> dict[str, float]:
    """Sensor (lower case) -> value of one stored reading."""
    at = times.parse(utc, "UTC")
    store = Store.open(plant / "plant.db")
    try:
        found, values = store.telemetry(machine, at, at)
        assert found.tolist() == [at]
        return {sensor.name.casefold(): float(v) for sensor, v in zip(store.sensors(), values[:, 0], strict=True)}
    finally:
        store.close()


def test_the_collection_is_the_one_tested_here(expected: dict[str, Any]) -> None:
    assert sorted(expected) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_file_as_plants_have_them_gives_what_is_expected_of_it(
    name: str, folder: Path, expected: dict[str, Any], plant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    want = expected[name]
    assert set(want) <= COMPARED  # whatever the collection states is looked at below
    code, said = bring(plant, capsys, folder / name, *want.get("args", []))
    if not want["ok"]:
        assert code == 3
        assert set(said["error"]) == {"message", "hint", "where"}
        assert SAID[want["reason"].split(":")[0].split(";")[0]] in said["error"]["message"]
        assert said["error"]["hint"]
        assert stored_rows(plant) == 0
        if "args_when_told" in want:
            code, said = bring(plant, capsys, folder / name, *want["args_when_told"])
            assert (code, said["files"][0]["accepted"]) == (0, want["accepted_when_told"])
        return
    assert code == 0
    (file,) = said["files"]
    assert {key: file[key] for key in SAME if key in want} == {key: want[key] for key in SAME if key in want}
    if isinstance(want.get("machines"), int):
        assert len(file["machines"]) == want["machines"]
    elif "machines" in want:
        assert file["machines"] == want["machines"]
    if "sensors" in want:
        assert [sensor["name"] for sensor in file["sensors"]] == want["sensors"]
    units = {sensor["name"]: sensor["unit"] for sensor in file["sensors"]}
    assert {sensor: units[sensor] for sensor in want.get("units", {})} == want.get("units", {})
    if "rejected_lines" in want:
        with Path(file["rejects_file"]).open(encoding="utf-8-sig", newline="") as rejects:
            rows = list(csv.DictReader(rejects))
        values = set(want["rejected_value_lines"])
        lines = [int(row["line"]) for row in rows]
        assert sorted(lines) == sorted([*want["rejected_lines"], *values])
    if "probe" in want:
        probe = want["probe"]
        found = reading(plant, probe["machine"], probe["utc"])
        assert {sensor: found[sensor.casefold()] for sensor in probe["values"]} == probe["values"]


def test_the_hour_that_comes_twice_is_eight_hours_in_a_row_and_as_utc_a_conflict(
    folder: Path, expected: dict[str, Any], plant: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected["dst_fold_europe_berlin.csv"]["ok"]
    _, said = bring(plant, capsys, folder / "dst_fold_europe_berlin.csv", "--time-zone", "Europe/Berlin")
    assert said["files"][0]["fold_times"] == 2
    store = Store.open(plant / "plant.db")
    found, values = store.telemetry("1")
    store.close()
    first = times.parse("2015-10-24T22:00:00Z", "UTC")
    assert found.tolist() == [first + hour * times.HOUR for hour in range(8)]
    assert values[0].tolist() == list(range(8))
    _, said = bring(plant.with_name("utc"), capsys, folder / "dst_fold_europe_berlin.csv")
    assert (said["files"][0]["accepted"], said["files"][0]["conflicts"]) == (7, 1)
