"""A plant to import into, for tests of single files."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import import_file
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
