"""The record by hand: what is entered, corrected and deleted stays so, whatever imports come, go and come again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from pdm_desktop.core import ingest, record, times
from pdm_desktop.core.changes import edit_text
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.record import By, HandEvent
from pdm_desktop.core.store import Store
from pdm_desktop.core.workspace import Workspace

HOUR = times.HOUR
T0 = times.parse("2015-01-01 06:00", "UTC")
NOW = T0 + 1000 * HOUR
ANN = By("Ann", "written down wrongly")
FAILURE = HandEvent("failures", T0 + 5 * HOUR, "pump")
FAILURES = "datetime,machineID,failure\n2015-01-01 11:00:00,1,pump\n2015-01-02 06:00:00,1,belt\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "plant.db")
    yield opened
    opened.close()


def load(store: Store, tmp_path: Path, text: str, name: str = "failures.csv") -> int:
    """Import a file of this content; returns the batch (0: nothing changed)."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    made = ingest.import_file(
        store, path, kind=None, time_zone="UTC", dry_run=False, progress=Progress(), rejects_dir=tmp_path / "rejects"
    )
    return made.batch or 0


def failures(store: Store, machine: str = "1") -> list[tuple[int, str]]:
    frame = store.events("failures", [machine])
    return list(zip(((frame["time"] - T0) // HOUR).tolist(), frame["label"], strict=True))


@pytest.fixture
def batch(store: Store, tmp_path: Path) -> int:
    return load(store, tmp_path, FAILURES)


def test_an_entered_event_is_on_record_with_who_when_and_why(store: Store, batch: int) -> None:
    event = HandEvent("maintenance", T0 + 9 * HOUR, " belt ")
    before = times.now_ms()
    record.enter(store, "1", event, By("Ann", "found on the round"), now=NOW, known=NOW)
    rows = store.events("maintenance").to_dict("records")
    assert rows == [{"machine": "1", "time": T0 + 9 * HOUR, "label": "belt", "known": float(NOW)}]
    (edit,) = store.edits.all("1")
    assert (edit.who, edit.why, edit.what, edit.machine) == ("Ann", "found on the round", "event entered", "1")
    assert edit.after["label"] == "belt"
    assert before <= edit.at <= times.now_ms()
    assert [b.id for b in store.batches()] == [batch]
    with pytest.raises(PdmError, match="by hand"):
        store.undo(batch + 1, Progress())


@pytest.mark.usefixtures("batch")
def test_a_deleted_event_does_not_come_back_with_the_same_file_nor_with_another(store: Store, tmp_path: Path) -> None:
    record.delete(store, "1", FAILURE, ANN)
    assert failures(store) == [(24, "belt")]
    load(store, tmp_path, FAILURES)
    load(store, tmp_path, FAILURES + "2015-01-03 06:00:00,1,belt\n", "more.csv")
    assert failures(store) == [(24, "belt"), (48, "belt")]
    assert store.newest_event("failures") == T0 + 48 * HOUR
    assert store.coverage()["failures"].tolist() == [2]


def test_undoing_an_import_does_not_bring_a_deleted_event_back(store: Store, batch: int, tmp_path: Path) -> None:
    second = load(store, tmp_path, FAILURES + "2015-01-03 06:00:00,1,belt\n", "more.csv")
    record.delete(store, "1", FAILURE, ANN)
    store.undo(batch, Progress())
    assert failures(store) == [(24, "belt"), (48, "belt")]
    store.undo(second, Progress())
    assert failures(store) == []
    load(store, tmp_path, FAILURES, "again.csv")
    assert failures(store) == [(24, "belt")]


@pytest.mark.usefixtures("batch")
def test_a_deletion_taken_back_shows_the_event_again(store: Store) -> None:
    edit = record.delete(store, "1", FAILURE, ANN)
    store.edits.undo(edit, "Bob", Progress())
    assert failures(store) == [(5, "pump"), (24, "belt")]
    assert [e.undone for e in store.edits.all()] == [True]
    with pytest.raises(PdmError, match="already"):
        store.edits.undo(edit, "Bob", Progress())


@pytest.mark.usefixtures("batch")
def test_a_correction_replaces_the_event_and_taken_back_restores_it(store: Store, tmp_path: Path) -> None:
    moved = FAILURE._replace(time=FAILURE.time + HOUR, label="motor")
    edit = record.correct(store, "1", FAILURE, moved, ANN, now=NOW, known=None)
    assert failures(store) == [(6, "motor"), (24, "belt")]
    load(store, tmp_path, FAILURES)
    assert failures(store) == [(6, "motor"), (24, "belt")]
    (kept,) = store.edits.all("1")
    assert (kept.before["label"], kept.after["label"]) == ("pump", "motor")
    assert "motor" in store.labels("failures")
    store.edits.undo(edit, "Ann", Progress())
    assert failures(store) == [(5, "pump"), (24, "belt")]
    assert "motor" not in store.labels("failures")


@pytest.mark.usefixtures("batch")
def test_a_correction_may_change_the_kind(store: Store) -> None:
    record.correct(store, "1", FAILURE, FAILURE._replace(kind="maintenance"), ANN, now=NOW, known=None)
    assert failures(store) == [(24, "belt")]
    assert store.events("maintenance")["label"].tolist() == ["pump"]


def test_an_entry_outlives_the_undoing_of_a_file_that_says_the_same(store: Store, batch: int, tmp_path: Path) -> None:
    event = HandEvent("failures", T0 + 100 * HOUR, "belt")
    record.enter(store, "1", event, ANN, now=NOW, known=None)
    same = load(store, tmp_path, "datetime,machineID,failure\n2015-01-05 10:00:00,1,belt\n", "same.csv")
    store.undo(same or batch, Progress())
    assert (100, "belt") in failures(store)


@pytest.mark.usefixtures("batch")
def test_changes_can_be_taken_back_in_any_order(store: Store) -> None:
    event = HandEvent("failures", T0 + 100 * HOUR, "belt")
    entered = record.enter(store, "1", event, ANN, now=NOW, known=None)
    deleted = record.delete(store, "1", event, ANN)
    again = record.enter(store, "1", event, ANN, now=NOW, known=None)
    assert (100, "belt") in failures(store)
    store.edits.undo(deleted, "Ann", Progress())
    assert (100, "belt") in failures(store)
    store.edits.undo(entered, "Ann", Progress())
    assert (100, "belt") in failures(store)
    store.edits.undo(again, "Ann", Progress())
    assert failures(store) == [(5, "pump"), (24, "belt")]


def test_an_event_entered_again_after_its_deletion_keeps_when_it_became_known(store: Store, tmp_path: Path) -> None:
    load(store, tmp_path, "datetime,machineID,failure,known\n2015-01-01 11:00:00,1,pump,2015-01-01 12:00:00\n")
    record.delete(store, "1", FAILURE, ANN)
    record.enter(store, "1", FAILURE, ANN, now=NOW, known=NOW)
    assert store.events("failures")["known"].tolist() == [T0 + 6 * HOUR]


def risks(store: Store) -> list[int]:
    return ((store.risk("run", ["1"])["time"] - T0) // HOUR).tolist()


@pytest.mark.parametrize("change", ["enter", "delete", "correct", "undo"])
@pytest.mark.usefixtures("batch")
def test_a_change_deletes_the_opinions_from_its_time_on(store: Store, change: str) -> None:
    edit = record.delete(store, "1", FAILURE, ANN) if change == "undo" else 0
    hours = [3, 4, 5, 6, 7]
    frame = pd.DataFrame({"machine": "1", "time": [T0 + h * HOUR for h in hours], "risk": 0.1, "pump": 0.1})
    store.save_risk("run", "1", 1, frame)
    if change == "enter":
        record.enter(store, "1", FAILURE._replace(label="belt"), ANN, now=NOW, known=None)
    elif change == "delete":
        record.delete(store, "1", FAILURE, ANN)
    elif change == "correct":
        record.correct(store, "1", FAILURE, FAILURE._replace(time=T0 + 7 * HOUR), ANN, now=NOW, known=None)
    else:
        store.edits.undo(edit, "Ann", Progress())
    assert risks(store) == [3, 4]


@pytest.mark.parametrize(
    ("machine", "event", "by", "says"),
    [
        ("1", FAILURE, ANN, "on record already"),
        ("2", FAILURE._replace(label="x"), ANN, "no machine '2'"),
        ("1", FAILURE._replace(label=" "), ANN, "Which component"),
        ("1", FAILURE._replace(time=NOW + 1), ANN, "still to come"),
        ("1", FAILURE._replace(label="x"), By(" "), "Who"),
    ],
)
@pytest.mark.usefixtures("batch")
def test_what_makes_no_sense_is_refused_and_nothing_changes(
    store: Store, machine: str, event: HandEvent, by: By, says: str
) -> None:
    with pytest.raises(PdmError, match=says):
        record.enter(store, machine, event, by, now=NOW, known=None)
    assert store.edits.all() == ()
    assert failures(store) == [(5, "pump"), (24, "belt")]


@pytest.mark.usefixtures("batch")
def test_deleting_and_correcting_ask_for_a_reason_and_for_something_there(store: Store) -> None:
    with pytest.raises(PdmError, match="Why"):
        record.delete(store, "1", FAILURE, By("Ann"))
    record.delete(store, "1", FAILURE, ANN)
    with pytest.raises(PdmError, match="not on record"):
        record.delete(store, "1", FAILURE, ANN)
    with pytest.raises(PdmError, match="not on record"):
        record.correct(store, "1", FAILURE, FAILURE._replace(label="x"), ANN, now=NOW, known=None)


@pytest.mark.usefixtures("batch")
def test_the_machines_events_say_which_were_entered_by_hand(store: Store) -> None:
    record.enter(store, "1", HandEvent("errors", T0 + 30 * HOUR, "E7"), ANN, now=NOW, known=None)
    found = [(e.kind, (e.time - T0) // HOUR, e.label, e.by_hand) for e in store.edits.events("1")]
    assert found == [("errors", 30, "E7", True), ("failures", 24, "belt", False), ("failures", 5, "pump", False)]


@pytest.mark.usefixtures("batch")
def test_other_sqlite_tools_see_the_record_without_what_was_deleted(store: Store) -> None:
    record.delete(store, "1", FAILURE, ANN)
    db = sqlite3.connect(store.path)
    try:
        assert db.execute("SELECT component FROM failures_by_name").fetchall() == [("belt",)]
    finally:
        db.close()


@pytest.mark.parametrize("seed", range(6))
def test_imports_undos_and_changes_in_any_order_leave_what_the_newest_change_or_else_an_import_says(
    store: Store, tmp_path: Path, seed: int
) -> None:
    """Against a plain model: the newest change not taken back decides, where there is none any import not undone."""
    random = Random(seed)
    keys = [(hour, label) for hour in (1, 2, 3) for label in ("belt", "pump")]
    imports: list[tuple[int, set[tuple[int, str]], bool]] = []
    edits: dict[int, tuple[dict[tuple[int, str], bool], bool]] = {}

    def expected() -> list[tuple[int, str]]:
        there = set().union(*(said for _, said, alive in imports if alive))
        for _, (says, alive) in sorted(edits.items()):
            for key, on in says.items() if alive else ():
                (there.add if on else there.discard)(key)
        return sorted(there)

    def event(key: tuple[int, str]) -> HandEvent:
        return HandEvent("failures", T0 + key[0] * HOUR, key[1])

    load(store, tmp_path, "datetime,machineID,error\n2015-01-01 06:00:00,1,e1\n", "errors.csv")
    for step in range(60):
        on = [key for key in keys if key in expected()]
        off = [key for key in keys if key not in on]
        what = random.choice(("import", "undo import", "enter", "delete", "correct", "undo", "undo"))
        if what == "import":
            said = {key for key in keys if random.random() < 0.4}
            if said:
                lines = [f"{times.iso(T0 + h * HOUR, 'UTC')[:19].replace('T', ' ')},1,{c}" for h, c in sorted(said)]
                text = "\n".join(["datetime,machineID,failure", *lines, ""])
                batch = load(store, tmp_path, text, f"failures{step}.csv")
                if batch:
                    imports.append((batch, said, True))
        elif what == "undo import":
            alive = [at for at, (_, _, still) in enumerate(imports) if still]
            if alive:
                at = random.choice(alive)
                store.undo(imports[at][0], Progress())
                imports[at] = (*imports[at][:2], False)
        elif what == "enter" and off:
            key = random.choice(off)
            edits[record.enter(store, "1", event(key), ANN, now=NOW, known=None)] = ({key: True}, True)
        elif what == "delete" and on:
            key = random.choice(on)
            edits[record.delete(store, "1", event(key), ANN)] = ({key: False}, True)
        elif what == "correct" and on and off:
            old, new = random.choice(on), random.choice(off)
            made = record.correct(store, "1", event(old), event(new), ANN, now=NOW, known=None)
            edits[made] = ({old: False, new: True}, True)
        elif what == "undo" and any(alive for _, alive in edits.values()):
            edit = random.choice([number for number, (_, alive) in edits.items() if alive])
            store.edits.undo(edit, "Ann", Progress())
            edits[edit] = (edits[edit][0], False)
        assert sorted(failures(store)) == expected(), (step, what)


UNTIL = "failures_known_until"


def test_until_when_failures_are_known_is_kept_with_who_when_and_why_and_taken_back(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        before = times.now_ms()
        workspace.change_settings({UNTIL: "2015-02-01", "plant_name": "Hall 2"}, By("Ann", "asked the shift"))
        (edit,) = workspace.changes()
        assert (edit.what, edit.who, edit.why) == ("failures known until", "Ann", "asked the shift")
        assert (edit.before, edit.after) == ({"until": ""}, {"until": "2015-02-01"})
        assert before <= edit.at <= times.now_ms()
        workspace.change_settings({"plant_name": "Hall 3", UNTIL: "2015-02-01"})  # says nothing new of it
        assert len(workspace.changes()) == 1
        workspace.undo_edit(edit.id, "Ann", Progress())
        assert (workspace.settings.failures_known_until, workspace.settings.plant_name) == ("", "Hall 3")
    with Workspace.open(tmp_path / "ws") as workspace:
        assert workspace.settings.failures_known_until == ""


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (2, 1, 3), (1, 3, 2), (3, 1, 2)])
def test_known_until_is_what_the_newest_change_not_taken_back_says(tmp_path: Path, order: tuple[int, ...]) -> None:
    said = {1: "2015-01-01", 2: "2015-02-01", 3: "2015-03-01"}
    with Workspace.open(tmp_path / "ws") as workspace:
        workspace.change_settings({UNTIL: "2014-12-01"}, ANN)
        for until in said.values():
            workspace.change_settings({UNTIL: until}, ANN)
        standing = set(said)
        for number in order:
            workspace.undo_edit(number + 1, "Ann", Progress())
            standing.remove(number)
            assert workspace.settings.failures_known_until == (said[max(standing)] if standing else "2014-12-01")


def test_a_known_until_that_is_no_time_changes_nothing(tmp_path: Path) -> None:
    with Workspace.open(tmp_path / "ws") as workspace:
        with pytest.raises(PdmError):
            workspace.change_settings({UNTIL: "soon"}, ANN)
        assert workspace.changes() == ()


@pytest.mark.usefixtures("batch")
def test_a_change_is_told_in_words_on_the_plants_clock(store: Store) -> None:
    event = HandEvent("errors", T0 + 3 * HOUR, "E 7")
    record.enter(store, "1", event, ANN, now=NOW, known=None)
    record.correct(store, "1", event, event._replace(kind="failures", label="seal"), ANN, now=NOW, known=None)
    corrected, entered = store.edits.all()
    assert edit_text(entered, "Europe/Berlin") == "Entered error E 7, 1 Jan 2015, 10:00"
    assert edit_text(corrected, "UTC") == ("Corrected error E 7, 1 Jan 2015, 09:00 to failure seal, 1 Jan 2015, 09:00")
