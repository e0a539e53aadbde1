"""Tags of historians: the same tag is the same series whatever file brings it, different ones never are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.tags import find
from pdm_desktop.core.plans import Choices
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record_results import By
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.workspace import Workspace

PUMPS = ("P1", "P2")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def give(workspace: Workspace, tags: list[str], *, wide: bool = False, start: int = 0) -> FileReport:
    """A file in which tag number k has the values 100 k + start, + 1, + 2."""
    path = workspace.folder.parent / "tags.csv"
    if wide:
        rows = ["time," + ",".join(tags)]
        rows += [
            f"2025-01-01 0{h}:00," + ",".join(str(100 * k + start + h) for k in range(len(tags))) for h in range(3)
        ]
    else:
        rows = ["tag,time,value"]
        rows += [f"{tag},2025-01-01 0{h}:00,{100 * k + start + h}" for k, tag in enumerate(tags) for h in range(3)]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return workspace.import_files([path], Progress()).files[0]


def first_values(workspace: Workspace) -> dict[tuple[str, str], float]:
    """(machine, sensor) -> its first value."""
    with sqlite3.connect(workspace.folder / "plant.db") as db:
        rows = db.execute("SELECT * FROM telemetry_by_name ORDER BY machine, time")
        names = [column[0] for column in rows.description]
        found: dict[tuple[str, str], float] = {}
        for row in rows:
            cells = dict(zip(names, row, strict=True))
            machine = cells.pop("machine")
            for sensor, value in cells.items():
                if isinstance(value, float):
                    found.setdefault((machine, sensor), value)
    db.close()
    return found


@pytest.mark.parametrize("wide", [False, True], ids=["long", "wide tags"])
def test_machines_of_two_areas_with_the_same_short_name_are_kept_apart(workspace: Workspace, wide: bool) -> None:
    for area, start in (("A", 0), ("B", 5000)):
        tags = [f"PLANT.{area}.M00{m}.{s}" for m in (1, 2) for s in ("VOLT", "FLOW")]
        assert give(workspace, tags, wide=wide, start=start).conflicts == 0
    assert first_values(workspace) == {
        ("M001", "VOLT"): 0, ("M001", "FLOW"): 100, ("M002", "VOLT"): 200, ("M002", "FLOW"): 300,
        ("PLANT.B.M001", "VOLT"): 5000, ("PLANT.B.M001", "FLOW"): 5100,
        ("PLANT.B.M002", "VOLT"): 5200, ("PLANT.B.M002", "FLOW"): 5300,
    }  # fmt: skip
    # Both areas in one file: each tag is what it was.
    mixed = give(workspace, ["PLANT.A.M001.VOLT", "PLANT.B.M002.VOLT", "PLANT.A.M001.FLOW", "PLANT.B.M002.FLOW"])
    assert mixed.machines == ("M001", "PLANT.B.M002")


def test_a_tag_keeps_its_machine_and_sensor_whatever_else_is_in_the_file(workspace: Workspace) -> None:
    give(workspace, [f"PLANT.A.{m}.AXIS.X" for m in PUMPS])
    before = first_values(workspace)
    assert set(before) == {(f"{m}.AXIS", "X") for m in PUMPS}
    more = [f"PLANT.A.{m}.{s}" for m in PUMPS for s in ("AXIS.X", "AXIS.Y", "VOLT")]
    give(workspace, more, start=0)
    assert {(f"{m}.AXIS", s) for m in PUMPS for s in "XY"} <= set(first_values(workspace))
    assert {("P1", "VOLT"), ("P2", "VOLT")} <= set(first_values(workspace))
    # And the other way about: a part that has no number is no machine of its own.
    give(workspace, [f"PLANT.B.{m}.{s}" for m in ("K7", "K8") for s in ("AXIS.X", "VOLT")])
    give(workspace, [f"PLANT.B.{m}.AXIS.Z" for m in ("K7", "K8")])
    assert {("K7", "AXIS.X"), ("K7", "AXIS.Z"), ("K8", "VOLT")} <= set(first_values(workspace))


def test_files_of_one_machine_each_and_one_of_all_name_the_same_machines(workspace: Workspace) -> None:
    for m in PUMPS:
        give(workspace, [f"PLANT.A.{m}.VOLT", f"PLANT.A.{m}.FLOW"])
    every = give(workspace, [f"PLANT.A.{m}.{s}" for m in PUMPS for s in ("VOLT", "FLOW")])
    assert every.machines == PUMPS
    assert {machine for machine, _ in first_values(workspace)} == set(PUMPS)


def test_tags_follow_a_machine_that_was_renamed_merged_or_whose_import_was_undone(workspace: Workspace) -> None:
    tags = [f"PLANT.A.{m}.{s}" for m in PUMPS for s in ("VOLT", "FLOW")]
    give(workspace, tags)
    workspace.rename_machine("P1", "Feed pump", By("anna"))
    assert give(workspace, tags, start=7).machines == ("Feed pump", "P2")
    workspace.merge_machines("P2", "Feed pump", By("anna", "one pump"), Progress())
    assert give(workspace, ["PLANT.A.P2.VOLT", "PLANT.A.P2.FLOW"], start=9).machines == ("Feed pump",)
    for batch in workspace.imports():
        workspace.undo(batch.id, Progress())
    # Nothing of it is left: the file is read as a first one is.
    again = give(workspace, [f"PLANT.B.{m}.{s}" for m in ("Q1", "Q2") for s in ("VOLT", "FLOW")])
    assert again.machines == ("Q1", "Q2")


@pytest.mark.parametrize(
    ("tags", "machines", "sensors"),
    [
        (["Halle 1/P1.Flow", "Halle 2/P1.Flow"], {"Halle 1/P1", "Halle 2/P1"}, {"Flow"}),
        (["M1:Temp. Lager 1", "M2:Temp. Lager 1"], {"M1", "M2"}, {"Temp. Lager 1"}),
        ([f"DE01-AB.{p}:{s}" for p in PUMPS for s in ("Flow", "Temp")], {"DE01-AB.P1", "DE01-AB.P2"}, {"Flow", "Temp"}),
        ([f"DE01.AB.{p}:{s}.PV" for p in PUMPS for s in ("Flow", "Temp")],
         {"DE01.AB.P1", "DE01.AB.P2"}, {"Flow.PV", "Temp.PV"}),
        ([f"=A1+S1.{p}-{s}" for p in PUMPS for s in ("Flow", "Temp")], {"=A1+S1.P1", "=A1+S1.P2"}, {"Flow", "Temp"}),
        ([f"M001.{p}_{s}" for p in ("Gear", "Motor", "Fan") for s in ("Temp", "Vib")],
         {"M001"}, {f"{p}_{s}" for p in ("Gear", "Motor", "Fan") for s in ("Temp", "Vib")}),
    ],
    ids=["halls and one sensor", "numbers in a sensor",
         "colon behind a point", "colon before a point", "dash behind a point", "underscores in sensors"],
)  # fmt: skip
def test_tags_are_split_where_machines_and_sensors_fit_best(
    tags: list[str], machines: set[str], sensors: set[str]
) -> None:
    rule = find(tags)
    assert rule is not None
    pairs = [rule.split(tag) for tag in tags]
    assert ({m for m, _ in pairs}, {s for _, s in pairs}) == (machines, sensors)


def test_files_of_one_import_and_after_an_undo_are_kept_apart_as_well(workspace: Workspace) -> None:
    folder = workspace.folder.parent
    for area in ("Sued", "Nord"):
        rows = "".join(f"{area}/{m}/{s},2025-01-01 00:00,{m}.5\n" for m in (1, 2) for s in "vw")
        (folder / f"{area}.csv").write_text("tag,time,value\n" + rows, "utf-8")
    both = workspace.import_files([folder / "Sued.csv", folder / "Nord.csv"], Progress()).files
    assert [(file.machines, file.accepted, file.conflicts) for file in both] == [
        (("1", "2"), 4, 0),
        (("Nord/1", "Nord/2"), 4, 0),
    ]
    for batch in workspace.imports():
        workspace.undo(batch.id, Progress())
    (nord,) = workspace.import_files([folder / "Nord.csv"], Progress()).files
    (sued,) = workspace.import_files([folder / "Sued.csv"], Progress()).files
    assert nord.conflicts == sued.conflicts == 0
    assert not set(nord.machines) & set(sued.machines)


@pytest.mark.parametrize("wide", [False, True], ids=["long", "wide tags"])
@pytest.mark.parametrize(
    ("tags", "machines", "sensors"),
    [
        ([f"{m}.Flow{n}" for m in ("PumpA", "PumpB") for n in (1, 2)], {"PumpA", "PumpB"}, {"Flow1", "Flow2"}),
        ([f"{s}.{m}" for m in ("PumpA", "PumpB") for s in ("Durchfluss", "Druck")],
         {"PumpA", "PumpB"}, {"Durchfluss", "Druck"}),
        ([f"M0{m}.{s}" for m in (1, 2) for s in ("X1", "Y1")], {"M01", "M02"}, {"X1", "Y1"}),
    ],
    ids=["numbered sensors", "machines behind", "numbers on both sides"],
)  # fmt: skip
def test_words_tell_which_side_of_a_tag_is_the_machine(
    workspace: Workspace, wide: bool, tags: list[str], machines: set[str], sensors: set[str]
) -> None:
    report = give(workspace, tags, wide=wide)
    assert set(report.machines) == machines
    assert {name for _, name in first_values(workspace)} == sensors


@pytest.mark.parametrize("wide", [False, True], ids=["long", "wide tags"])
def test_where_nothing_tells_which_side_is_the_machine_it_is_asked_and_remembered(
    workspace: Workspace, wide: bool
) -> None:
    tags = [f"{m}.T{n}" for m in ("Extruder", "Mixer") for n in (1, 2, 3)]
    with pytest.raises(PdmError, match=r"Whether Extruder or T1 is the machine in the tag Extruder\.T1") as asked:
        give(workspace, tags, wide=wide)
    assert asked.value.hint.startswith("Say --machine-side first or --machine-side last, or --machine")
    path = workspace.folder.parent / "tags.csv"
    (report,) = workspace.import_files([path], Progress(), choices=Choices(machine_side="first")).files
    assert report.machines == ("Extruder", "Mixer")
    # From now on the plant knows these machines.
    assert give(workspace, tags, wide=wide).machines == ("Extruder", "Mixer")


@pytest.mark.parametrize("wide", [False, True], ids=["long", "wide tags"])
def test_values_of_measuring_points_make_no_machines(workspace: Workspace, wide: bool) -> None:
    tags = ["FIC101.PV", "FIC101.SP", "TIC101.PV", "TIC101.SP"]
    with pytest.raises(PdmError, match="no column for the machine"):
        give(workspace, tags, wide=wide)
    path = workspace.folder.parent / "tags.csv"
    (report,) = workspace.import_files([path], Progress(), choices=Choices(machine="K7")).files
    assert (report.machines, {name for name, _ in report.sensors}) == (("K7",), set(tags))


def test_plain_numbers_behind_a_quantity_are_asked_about_unless_the_plant_has_such_machines(
    workspace: Workspace,
) -> None:
    tags = ["Temp.1", "Temp.2", "Flow.1", "Flow.2"]
    with pytest.raises(PdmError, match=r"Whether Temp or 1 is the machine in the tag Temp\.1"):
        give(workspace, tags, wide=True)
    give(workspace, [f"{m}.Druck" for m in ("1", "2")])
    assert give(workspace, tags, wide=True).machines == ("1", "2")


def test_a_tag_of_very_many_parts_is_tried_in_few_ways() -> None:
    # Every way of parting 20,000 blanks would be tried in turn: minutes.
    assert find([f"M1{' ' * 20_000}flow", f"M2{' ' * 20_000}flow"]) is not None
