"""A watched folder: what comes in and when, what never comes in twice. Looks are driven by hand; nothing waits."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core import watch
from pdm_desktop.core.errors import Cancelled, PdmError
from pdm_desktop.core.plans import Choices
from pdm_desktop.core.progress import Progress, Step
from pdm_desktop.core.results import WatchReport, WatchSettings
from pdm_desktop.core.times import MINUTE, SECOND
from pdm_desktop.core.workspace import Workspace

T0 = 1_700_000_000_000
HEAD = "datetime,machineID,heat\n"
ROWS = ["2015-01-01 06:00:00,1,10.5\n", "2015-01-01 07:00:00,1,11.25\n", "2015-01-01 08:00:00,1,12.125\n"]


class Plant:
    """A workspace, a share where exports arrive, and a clock that is set by hand."""

    def __init__(self, folder: Path) -> None:
        self.share = folder / "share"
        self.share.mkdir()
        self.folder = folder / "workspace"
        self.workspace = Workspace.open(self.folder)
        self.now = T0

    def watch(self, *, move: bool = False) -> None:
        self.workspace.change_watch(WatchSettings(str(self.share), on=True, move=move))

    def look(self, after: int = 10 * SECOND, progress: Progress | None = None) -> WatchReport:
        self.now += after
        return self.workspace.watch_once(progress or Progress(), self.now)

    def restart(self) -> None:
        self.workspace.close()
        self.workspace = Workspace.open(self.folder)

    def drop(self, text: str, name: str = "export.csv") -> Path:
        path = self.share / name
        path.write_bytes(text.encode())
        return path

    def add(self, text: str, name: str = "export.csv") -> None:
        with (self.share / name).open("ab") as file:
            file.write(text.encode())

    def values(self) -> list[float]:
        connection = sqlite3.connect(self.folder / "plant.db")
        try:
            return [value for (value,) in connection.execute("SELECT heat FROM telemetry_by_name ORDER BY time")]
        finally:
            connection.close()

    def names(self, folder: str = "") -> list[str]:
        return sorted(path.name for path in (self.share / folder).iterdir() if path.is_file())


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.workspace.close()


def imported(report: WatchReport) -> list[str]:
    return [Path(file.file).name for file in report.imported]


def test_nothing_is_watched_until_a_folder_was_chosen(plant: Plant) -> None:
    plant.drop(HEAD + ROWS[0])
    assert plant.workspace.watch_settings == WatchSettings()
    assert plant.look() == plant.look() == WatchReport()


def test_a_file_comes_in_at_the_second_look_that_sees_it_unchanged(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + "".join(ROWS))
    first = plant.look()
    assert (imported(first), first.waiting) == ([], ("export.csv",))
    second = plant.look()
    assert imported(second) == ["export.csv"]
    assert second.changed
    assert plant.values() == [10.5, 11.25, 12.125]
    assert plant.look() == WatchReport()
    assert plant.names() == ["export.csv"]


def test_two_looks_in_quick_succession_are_no_proof_that_a_file_is_at_rest(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look()
    assert plant.look(after=watch.REST - 1).waiting == ("export.csv",)
    assert imported(plant.look(after=1)) == ["export.csv"]


def test_a_writer_that_pauses_in_the_middle_of_a_number_is_waited_for(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0] + ROWS[1][:-4])  # "...,11": cut off, and a number all the same
    for _ in range(5):
        assert plant.look().waiting == ("export.csv",)
    plant.add(ROWS[1][-4:] + ROWS[2])
    assert plant.look().waiting == ("export.csv",)
    assert imported(plant.look()) == ["export.csv"]
    assert plant.values() == [10.5, 11.25, 12.125]
    assert len(plant.workspace.imports()) == 1


def test_a_file_without_a_last_line_end_comes_in_after_a_longer_rest(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0].rstrip("\n"))
    plant.look()
    assert not plant.look(after=watch.DOUBTFUL_REST - 1).imported
    assert imported(plant.look(after=1)) == ["export.csv"]
    assert plant.values() == [10.5]


def test_a_file_that_grows_later_comes_in_again_once_it_rests(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look()
    assert imported(plant.look()) == ["export.csv"]
    plant.add(ROWS[1])
    assert not plant.look().imported
    (again,) = plant.look().imported
    assert (again.accepted, again.unchanged) == (1, 1)
    assert plant.values() == [10.5, 11.25]


def test_the_same_content_under_another_name_never_comes_in_twice(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look(), plant.look()
    plant.drop(HEAD + ROWS[0].replace("10.5", "99"), "correction.csv")
    plant.look(), plant.look()
    plant.drop(HEAD + ROWS[0], "copy of export.csv")
    plant.look()
    report = plant.look()
    assert (imported(report), report.known) == ([], ("copy of export.csv",))
    assert plant.values() == [99]
    assert plant.look() == WatchReport()


def test_an_import_that_was_undone_does_not_return_by_itself(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look(), plant.look()
    (batch,) = plant.workspace.imports()
    plant.workspace.undo(batch.id, Progress())
    plant.restart()
    (plant.share / "export.csv").rename(plant.share / "again.csv")
    plant.look()
    assert plant.look().known == ("again.csv",)
    assert [batch.undone for batch in plant.workspace.imports()] == [True]


def test_what_was_seen_and_imported_survives_a_restart(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look()
    plant.restart()
    assert plant.workspace.watch_settings == WatchSettings(str(plant.share), on=True, move=False)
    assert imported(plant.look()) == ["export.csv"]
    plant.restart()
    assert plant.look() == WatchReport()


def test_a_crash_between_import_and_notes_does_not_import_twice(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + ROWS[0])
    plant.look()
    noted = (plant.folder / watch.STATE).read_bytes()
    plant.look()
    (plant.share / "done" / "export.csv").rename(plant.share / "export.csv")
    (plant.folder / watch.STATE).write_bytes(noted)
    plant.restart()
    assert plant.look().known == ("export.csv",)
    assert plant.names("done") == ["export.csv"]


def test_imported_files_move_to_done_and_refused_ones_to_failed_with_the_reason_beside(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + ROWS[0])
    plant.drop("Dear colleague,\nthe export follows tomorrow.\n", "note.txt")
    plant.look()
    report = plant.look()
    assert imported(report) == ["export.csv"]
    assert [failure.file for failure in report.failed] == ["note.txt"]
    assert plant.names() == []
    assert plant.names("done") == ["export.csv"]
    assert plant.names("failed") == ["note.txt", "note.txt.reason.txt"]
    assert report.failed[0].reason in (plant.share / "failed" / "note.txt.reason.txt").read_text("utf-8")
    assert plant.look() == WatchReport()


def test_a_name_that_is_taken_in_done_gets_a_number(plant: Plant) -> None:
    plant.watch(move=True)
    for row in ROWS:
        plant.drop(HEAD + row)
        plant.look(), plant.look()
    assert plant.names("done") == ["export-2.csv", "export-3.csv", "export.csv"]
    assert (plant.share / "done" / "export-3.csv").read_text() == HEAD + ROWS[2]
    assert plant.values() == [10.5, 11.25, 12.125]


def test_a_refused_file_is_told_once_and_tried_again_when_it_changes(plant: Plant) -> None:
    plant.watch()
    plant.drop("nothing of a plant\n")
    plant.look()
    assert len(plant.look().failed) == 1
    assert plant.look() == WatchReport()
    plant.drop(HEAD + ROWS[0])
    plant.look()
    assert imported(plant.look()) == ["export.csv"]


def test_a_refused_file_is_tried_again_when_the_settings_are_confirmed(plant: Plant) -> None:
    plant.watch()
    plant.drop("nothing of a plant\n")
    plant.look(), plant.look()
    plant.watch()
    plant.look()
    assert len(plant.look().failed) == 1


def test_a_half_copied_workbook_is_waited_for(plant: Plant, tmp_path: Path) -> None:
    whole = tmp_path / "whole.zip"
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("export.csv", HEAD + ROWS[0])
    data = whole.read_bytes()
    plant.watch()
    (plant.share / "export.zip").write_bytes(data[:-10])
    for _ in range(5):
        assert plant.look().waiting == ("export.zip",)
    (plant.share / "export.zip").write_bytes(data)
    plant.look()
    assert plant.look().waiting == ()


def test_a_packed_file_comes_in_once_it_is_whole_and_its_content_never_again(plant: Plant) -> None:
    whole = gzip.compress((HEAD + "".join(ROWS)).encode())
    plant.watch(move=True)
    (plant.share / "export.csv.gz").write_bytes(whole[:-12])
    plant.look()
    assert plant.look().waiting == ("export.csv.gz",)
    (plant.share / "export.csv.gz").write_bytes(whole)
    plant.look()
    assert imported(plant.look(after=watch.DOUBTFUL_REST)) == ["export.csv.gz"]
    assert plant.values() == [10.5, 11.25, 12.125]
    (plant.share / "copy.csv.gz").write_bytes(whole)
    plant.restart()
    plant.look()
    assert plant.look(after=watch.DOUBTFUL_REST).known == ("copy.csv.gz",)
    assert plant.names("done") == ["copy.csv.gz", "export.csv.gz"]


def test_a_packed_file_that_stays_cut_off_is_refused_with_the_reason(plant: Plant) -> None:
    plant.watch(move=True)
    (plant.share / "export.csv.gz").write_bytes(gzip.compress((HEAD + "".join(ROWS)).encode())[:-12])
    plant.look()
    (refused,) = plant.look(after=watch.DOUBTFUL_REST).failed
    assert "ends early" in refused.reason
    assert plant.names("failed") == ["export.csv.gz", "export.csv.gz.reason.txt"]
    assert plant.workspace.imports() == ()


def test_a_file_that_leaves_a_question_is_refused_with_the_question_and_comes_in_by_a_profile(plant: Plant) -> None:
    open_day = HEAD + "".join(f"0{day}/02/2015 06:00,1,{day}\n" for day in (1, 2, 3))
    plant.watch()
    path = plant.drop(open_day)
    plant.look()
    (refused,) = plant.look().failed
    assert "day or the month" in refused.reason
    assert refused.reason.endswith("Import it by hand once and keep the answers as a profile.")
    plan = plant.workspace.recognise(path, Choices(day_first=True))
    plant.workspace.save_profile("open day", plan)
    plant.watch()
    plant.look()
    assert imported(plant.look()) == ["export.csv"]
    assert plant.values() == [1, 2, 3]


def test_an_empty_file_is_waited_for(plant: Plant) -> None:
    plant.watch()
    plant.drop("")
    plant.look()
    assert plant.look(after=60 * MINUTE).waiting == ("export.csv",)


def test_a_file_taken_away_meanwhile_is_no_matter(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0]).rename(plant.share / "other.csv")
    plant.look()
    (plant.share / "other.csv").unlink()
    assert plant.look() == WatchReport()


def test_a_file_taken_away_while_it_is_read_is_no_failure(plant: Plant) -> None:
    plant.watch(move=True)
    path = plant.drop(HEAD + ROWS[0])
    plant.look()

    def take_away(_step: Step) -> None:
        path.unlink(missing_ok=True)

    report = plant.look(progress=Progress(take_away))
    assert report.failed == ()
    assert plant.look() == WatchReport()


def test_a_file_that_grows_while_it_is_read_is_not_moved_and_its_rest_follows(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + ROWS[0])
    plant.look()
    more = iter([ROWS[1]])
    plant.look(progress=Progress(lambda _: plant.add(next(more, ""))))
    assert plant.names() == ["export.csv"]
    assert plant.look().waiting == ("export.csv",)
    plant.look()
    assert plant.values() == [10.5, 11.25]
    assert plant.names("done") == ["export.csv"]


def test_where_files_disagree_the_one_written_last_holds(plant: Plant) -> None:
    plant.watch()
    for name, value, written in (("a.csv", "99", 2_000), ("b.csv", "10.5", 1_000)):
        path = plant.drop(HEAD + f"2015-01-01 06:00:00,1,{value}\n", name)
        os.utime(path, (written, written))
    plant.look()
    assert imported(plant.look()) == ["b.csv", "a.csv"]
    assert plant.values() == [99]


def test_a_share_that_is_away_is_told_and_nothing_is_forgotten(plant: Plant) -> None:
    plant.watch()
    plant.drop(HEAD + ROWS[0])
    plant.look(), plant.look()
    away = plant.share.rename(plant.share.with_name("unplugged"))
    assert "cannot be looked into" in plant.look().problem
    away.rename(plant.share)
    assert plant.look() == WatchReport()


def test_a_file_that_cannot_be_moved_is_told_and_does_not_come_in_again(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop("in the way", "done")
    plant.drop(HEAD + ROWS[0])
    plant.look()
    report = plant.look()
    assert imported(report) == ["export.csv"]
    assert "cannot be moved" in report.problem
    assert imported(plant.look()) == []
    (plant.share / "done").unlink()
    assert plant.look() == WatchReport()
    assert plant.names("done") == ["export.csv"]


def test_stopping_a_look_leaves_the_record_as_it_was_and_the_next_one_takes_the_file(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + ROWS[0])
    plant.look()
    stopped = Progress()
    stopped.cancel()
    with pytest.raises(Cancelled):
        plant.look(progress=stopped)
    assert plant.workspace.imports() == ()
    assert imported(plant.look()) == ["export.csv"]


def test_files_that_are_no_tables_and_folders_are_left_alone(plant: Plant) -> None:
    plant.watch(move=True)
    for name in ("manual.pdf", ".hidden.csv", "~$open.xlsx", "export.csv.part"):
        plant.drop(HEAD + ROWS[0], name)
    (plant.share / "older.csv").mkdir()
    plant.look()
    assert plant.look() == WatchReport()
    assert len(plant.names()) == 4


@pytest.mark.parametrize("where", ["", "imports", "elsewhere"])
def test_a_folder_that_cannot_be_watched_is_refused(plant: Plant, where: str) -> None:
    (plant.folder / "imports").mkdir()
    folder = plant.folder / where if where != "elsewhere" else plant.folder.parent / "not there"
    with pytest.raises(PdmError):
        plant.workspace.change_watch(WatchSettings(str(folder), on=True))
    assert plant.workspace.watch_settings == WatchSettings()


def test_broken_notes_are_told_with_what_to_do(plant: Plant) -> None:
    plant.watch()
    plant.restart()
    (plant.folder / watch.STATE).write_text("{half", "utf-8")
    with pytest.raises(PdmError, match="Delete the file"):
        plant.look()


def test_a_writer_that_goes_on_in_a_file_that_was_moved_loses_nothing(plant: Plant) -> None:
    plant.watch(move=True)
    with (plant.share / "export.csv").open("wb") as writer:
        writer.write((HEAD + ROWS[0]).encode())
        writer.flush()
        plant.look()
        assert imported(plant.look()) == ["export.csv"]
        assert plant.names("done") == ["export.csv"]
        writer.write(ROWS[1].encode())
        writer.flush()
        plant.restart()
        assert plant.look().waiting == ("done/export.csv",)
        assert [file.accepted for file in plant.look().imported] == [1]
        writer.write(ROWS[2].encode())
    plant.look()
    assert imported(plant.look()) == ["export.csv"]
    assert plant.values() == [10.5, 11.25, 12.125]
    assert (plant.names(), plant.names("done")) == ([], ["export.csv"])
    assert plant.look() == WatchReport()
    plant.drop(HEAD + ROWS[0].replace("10.5", "9"))
    plant.look(), plant.look()
    assert plant.names("done") == ["export-2.csv", "export.csv"]
    # after a day no one writes to it any more; what is put there later is not the watch's business
    plant.look(after=watch.MOVED_WATCH)
    with (plant.share / "done" / "export.csv").open("ab") as late:
        late.write(b"2015-01-01 09:00:00,1,99\n")
    plant.look(), plant.look()
    assert plant.values() == [9.0, 11.25, 12.125]


def test_a_file_refused_for_want_of_rows_comes_in_when_its_writer_goes_on(plant: Plant) -> None:
    plant.watch(move=True)
    with (plant.share / "export.csv").open("wb") as writer:
        writer.write(HEAD.encode())
        writer.flush()
        plant.look()
        (refused,) = plant.look().failed
        assert refused.file == "export.csv"
        assert plant.names("failed") == ["export.csv", "export.csv.reason.txt"]
        writer.write(ROWS[0].encode())
    plant.look()
    assert imported(plant.look()) == ["export.csv"]
    assert (plant.names("done"), plant.names("failed")) == (["export.csv"], [])
    assert plant.values() == [10.5]


def test_a_moved_file_that_is_taken_away_is_no_matter(plant: Plant) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + ROWS[0])
    plant.look(), plant.look()
    (plant.share / "done" / "export.csv").unlink()
    assert plant.look() == WatchReport()
    plant.restart()
    assert plant.look() == WatchReport()


def test_what_ails_the_workspace_is_no_fault_of_the_file(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.watch(move=True)
    plant.drop(HEAD + "".join(ROWS))
    plant.look()
    usage = shutil.disk_usage(plant.share)._replace(free=1_000)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage)
        report = plant.look()
    assert (report.failed, report.waiting) == ((), ("export.csv",))
    assert "The disk has 0 MB free" in report.problem
    assert plant.names() == ["export.csv"]
    assert imported(plant.look()) == ["export.csv"]
    assert plant.names("done") == ["export.csv"]
