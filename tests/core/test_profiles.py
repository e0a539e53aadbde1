"""Profiles of files: what the next file itself proves is not overruled by what an earlier one was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import NO_CHOICES, Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def write(workspace: Workspace, text: str) -> Path:
    path = workspace.folder.parent / "export.csv"
    path.write_text(text, "utf-8")
    return path


def give(workspace: Workspace, text: str, choices: Choices = NO_CHOICES, *, save: bool = False) -> FileReport:
    path = write(workspace, text)
    if save:
        workspace.save_profile("export", workspace.recognise(path, choices))
    return workspace.import_files([path], Progress(), choices=choices).files[0]


def stored(workspace: Workspace, machine: str) -> list[tuple[str, float]]:
    with sqlite3.connect(workspace.folder / "plant.db") as db:
        query = "SELECT substr(time, 1, 10), t FROM telemetry_by_name WHERE machine = ?"
        found = sorted(db.execute(query, (machine,)).fetchall())
    db.close()
    return found


def days(machine: str, dates: list[str]) -> str:
    return "time,machine,t\n" + "".join(f"{day} 06:00,{machine},{n}.5\n" for n, day in enumerate(dates))


def test_dates_that_prove_another_order_than_the_profile_s_are_read_as_they_are(workspace: Workspace) -> None:
    give(workspace, days("1", ["01/02/2025", "13/02/2025"]), save=True)
    report = give(workspace, days("2", ["02/01/2025", "02/13/2025"]))
    assert report.profile == "export"
    assert stored(workspace, "1") == stored(workspace, "2") == [("2025-02-01", 0.5), ("2025-02-13", 1.5)]
    # Where they prove nothing, the profile tells, as it would be asked without one.
    assert give(workspace, days("3", ["03/02/2025", "04/02/2025"])).profile == "export"
    assert stored(workspace, "3") == [("2025-02-03", 0.5), ("2025-02-04", 1.5)]


def test_numbers_that_prove_another_decimal_mark_than_the_profile_s_are_read_as_they_are(workspace: Workspace) -> None:
    head = "time;machine;t\n2025-02-01 06:00;"
    give(workspace, f"{head}1;5,125\n", Choices(decimal=","), save=True)
    give(workspace, f"{head}2;5.125\n2025-02-02 06:00;2;5.25\n")
    assert stored(workspace, "2") == [("2025-02-01", 5.125), ("2025-02-02", 5.25)]
    give(workspace, f"{head}3;7,125\n")
    assert stored(workspace, "3") == [("2025-02-01", 7.125)]
    # Where the profile's mark never stands, the other one may be either.
    with pytest.raises(PdmError, match=r"Whether 8\.125 has a decimal point or a thousands mark"):
        give(workspace, f"{head}4;8.125\n")


def test_a_unit_the_next_file_names_is_not_overruled(workspace: Workspace) -> None:
    rows = "time,machine,t\n,,{unit}\n2025-02-01 06:00,{machine},20.5\n"
    give(workspace, rows.format(unit="degC", machine=1), save=True)
    # What the first file's row of units said is the file's own.
    with pytest.raises(PdmError, match="degF"):
        give(workspace, rows.format(unit="degF", machine=2))
    give(workspace, rows.format(unit="", machine=2), Choices(columns={"t": Role("sensor", "t", "degC")}), save=True)
    with pytest.raises(PdmError, match="The profile reads the column t in degC, and the file says degF"):
        give(workspace, rows.format(unit="degF", machine=3))
    assert give(workspace, rows.format(unit="°C", machine=3)).accepted == 1
    said = Choices(columns={"t": Role("sensor", "t", "degC")})
    assert give(workspace, rows.format(unit="degF", machine=4), said).accepted == 1


def test_a_month_without_a_failure_comes_in_by_a_profile_that_tells_failures_from_a_status(
    workspace: Workspace,
) -> None:
    rows = "time,machine,t,status\n2025-02-01 06:00,{m},20.5,RUN\n2025-02-02 06:00,{m},20.5,{status}\n"
    choices = Choices(columns={"status": Role("failure", "BROKEN")})
    give(workspace, rows.format(m=1, status="BROKEN"), choices, save=True)
    assert workspace.data_overview(Progress()).rows[0].failures == 1
    assert give(workspace, rows.format(m=2, status="RUN")).accepted == 2
    with pytest.raises(PdmError, match="No row has the status"):
        give(workspace, rows.format(m=3, status="RUN"), choices)
