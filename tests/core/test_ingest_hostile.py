"""Files that are wrong, out of malice or by accident: none crashes the import, hangs it, fills the memory or comes in
by half. Some of them were found by fuzzing the readers (build/fuzz.py)."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import blocks, import_file
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store


class Plant:
    """A store and a folder to write files into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open(folder / "plant.db")

    def write(self, text: str | bytes, name: str = "file.csv") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def give(self, file: str | bytes | Path, name: str = "file.csv", **options) -> FileReport:
        path = file if isinstance(file, Path) else self.write(file, name)
        options = {"progress": Progress(), "rejects_dir": self.folder / "imports"} | options
        return import_file(self.store, path, **options)

    def tables(self) -> dict[str, list[tuple]]:
        connection = sqlite3.connect(self.store.path)
        try:
            names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        finally:
            connection.close()

    def refuses(self, file: str | bytes | Path, message: str, name: str = "file.csv", **options) -> PdmError:
        """The import of the file is refused with that message, and leaves everything as it was."""
        before = self.tables()
        with pytest.raises(PdmError, match=message) as caught:
            self.give(file, name, **options)
        assert self.tables() == before
        assert not list(self.folder.glob("imports/*"))
        return caught.value


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    made.store.close()


def rows_of(path: str | None) -> list[list[str]]:
    assert path is not None
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


# -- quotes -----------------------------------------------------------------------------------------------------------


def test_an_inch_mark_in_a_text_opens_no_quote_however_far_the_next_one_is(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A block ends after a whole row. Were 5" taken for the beginning of a quote, the rows up to the next one would be
    # one, and those after it cut in two where a quoted text goes over two lines.
    monkeypatch.setattr(blocks, "_MOST_BYTES", 64)
    lines = ["time,machine,remark,heat", '2019-01-01 00:00,1,5" pipe,0']
    for hour in range(1, 24):
        lines += [f'2019-01-01 {hour:02d}:00,1,"two', f'lines",{hour}']
    report = plant.give("\n".join(lines) + "\n")
    assert (report.accepted, report.rejected) == (24, 0)
    assert plant.store.telemetry("1")[1].tolist() == [[float(hour) for hour in range(24)]]


def test_a_lone_inch_mark_does_not_make_a_long_file_one_line(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONGEST_LINE", 4_000)
    monkeypatch.setattr(blocks, "_MOST_BYTES", 1_000)
    rows = "".join(f"2019-01-{d:02d} {h:02d}:00,1,pipe,{h}\n" for d in range(1, 31) for h in range(24))
    report = plant.give('time,machine,remark,heat\n2018-12-31 00:00,1,5" pipe,0\n' + rows)
    assert (report.accepted, report.rejected) == (721, 0)
