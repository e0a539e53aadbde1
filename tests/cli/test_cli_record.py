"""The record by hand from the command line: what is entered is listed, scored without, and taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pdm_desktop.__main__ import main

Out = pytest.CaptureFixture[str]


class Plant:
    """A workspace driven by command lines."""

    def __init__(self, folder: Path, capsys: Out) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        assert main(["--workspace", str(self.folder), *arguments, "--json"]) == code
        plain: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return plain


@pytest.fixture
def plant(tmp_path: Path, capsys: Out) -> Plant:
    assert main(["--workspace", str(tmp_path / "ws"), "demo", "--machines", "3", "--days", "30", "--seed", "4"]) == 0
    capsys.readouterr()
    return Plant(tmp_path / "ws", capsys)


def test_an_event_is_entered_corrected_deleted_and_every_change_listed_and_taken_back(plant: Plant) -> None:
    before = plant("record", "list", "--machine", "1")["events"]
    event = ("--machine", "1", "--kind", "failures", "--at", "2015-01-10 06:00", "--label", "comp7")
    first = plant("record", "enter", *event, "--by", "Ann")["change"]
    plant("record", "correct", *event, "--new-label", "comp8", "--by", "Ann", "--why", "typing error")
    listed = plant("record", "list", "--machine", "1")["events"]
    assert [e["label"] for e in listed if e["by_hand"]] == ["comp8"]
    assert plant("record", "delete", *event, "--why", "x", code=3)["error"]["message"].endswith("any more.")
    changes = plant("changes", "list")["changes"]
    assert [(c["what"], c["who"], c["why"]) for c in changes] == [
        ("event corrected", "Ann", "typing error"), ("event entered", "Ann", ""),
    ]  # fmt: skip
    plant("changes", "undo", str(changes[0]["id"]))
    plant("changes", "undo", str(first))
    assert plant("record", "list", "--machine", "1")["events"] == before


def test_periods_and_rules_take_a_machines_risk_away_while_they_hold(plant: Plant, tmp_path: Path) -> None:
    plant("periods", "add", "--machine", "2", "--from", "2015-01-20", "--state", "out of service")
    rows = {row["machine"]: row for row in plant("score")["machines"]}
    assert rows["2"]["risk"] is None
    assert rows["1"]["risk"] is not None
    (period,) = plant("periods", "list")["periods"]
    assert (period["start"], period["end"]) == ("2015-01-20T00:00:00+00:00", None)
    plant("periods", "remove", str(period["id"]))
    path = tmp_path / "p.csv"
    path.write_text("machine,start,end,state\n3,2015-01-02,2015-01-03,stopped\n", "utf-8")
    assert plant("periods", "import", str(path))["imported"] == 1
    sensor = plant("sensors", "list")["sensors"][0]["name"]
    plant("rules", "add", "--sensor", sensor, "--below", "1e9", "--machine", "1")
    rows = {row["machine"]: row for row in plant("score")["machines"]}
    assert [rows[m]["risk"] is None for m in "123"] == [True, False, False]
    plant("rules", "remove", str(plant("rules", "list")["rules"][0]["id"]))
    assert plant("score")["machines"][0]["risk"] is not None


def test_machines_and_sensors_are_renamed_merged_retired_and_limited(plant: Plant) -> None:
    plant("machines", "rename", "1", "Press 1")
    told = plant("machines", "merge", "Press 1", "2")
    assert (told["merged"], told["shared"] > 0) == (False, True)
    assert len(plant("machines", "list")["machines"]) == 3
    plant("machines", "merge", "Press 1", "2", "--yes", "--why", "one machine")
    assert [row["machine"] for row in plant("machines", "list")["machines"]] == ["2", "3"]
    plant("machines", "retire", "2", "--why", "scrapped")
    assert [row["machine"] for row in plant("score")["machines"]] == ["3"]
    name = plant("sensors", "list")["sensors"][1]["name"]
    plant("sensors", "change", name, "--unit", "rpm", "--low", "1e9", "--high", "none")
    changed = plant("sensors", "list")["sensors"][1]
    assert (changed["unit"], changed["low"], changed["high"]) == ("rpm", 1e9, None)
    assert changed["outside"] > 1000


@pytest.mark.parametrize(
    "arguments",
    [("record", "enter", "--machine", "1"), ("rules", "add", "--sensor", "x"), ("machines", "rename", "1"),
     ("periods", "add", "--machine", "1"), ("sensors", "change")],
)  # fmt: skip
def test_what_is_missing_is_a_wrong_use(plant: Plant, arguments: tuple[str, ...]) -> None:
    plant(*arguments, code=2)
