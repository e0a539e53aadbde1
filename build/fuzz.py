"""Coverage-guided fuzzing of the readers: bytes become a file, the file is recognised, previewed, tried and imported.

What must hold: nothing but PdmError comes out, an error leaves the store and its folder as they were, a dry run says
what the import then does, and reading a file in tiny blocks gives what reading it in one gives.

atheris is no part of the program's environment. One that has both (ENV and CORPUS are folders of your choice):

    python3 -m venv ENV && ENV/bin/pip install atheris
    echo $PWD/.venv/lib/python3.11/site-packages > ENV/lib/python3.11/site-packages/program.pth
    ENV/bin/python build/fuzz.py CORPUS -max_total_time=3600 -max_len=6000 -rss_limit_mb=1500 -timeout=20
"""

from __future__ import annotations

import gzip
import io
import shutil
import sqlite3
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["pdm_desktop.core.ingest"]):
    from pdm_desktop.core import ingest
    from pdm_desktop.core.ingest import blocks
    from pdm_desktop.core.ingest import profiles as kept

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import Choices, Role
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.results import FileReport
from pdm_desktop.core.store import Store

LONGEST_S = 5.0
SUFFIXES = (".csv", ".txt", ".tsv", ".dat", ".csv.gz", ".zip", ".xlsx", ".json", "")
BIG = blocks._MOST_BYTES
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
BOOK = {
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}">'
    f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Data" sheetId="1" r:id="b"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">'
    f'<Relationship Id="b" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
"""A workbook but for its one sheet."""
ROOT = Path(tempfile.mkdtemp(prefix="pdm-fuzz-"))
TEMPLATE = ROOT / "template.db"


def _template() -> None:
    store = Store.open(TEMPLATE)
    store.close()
    connection = sqlite3.connect(TEMPLATE)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


Counts = tuple[tuple[object, ...], tuple[int, ...], tuple[object, ...]]


class Plant:
    def __init__(self) -> None:
        self.folder = ROOT / "plant"
        self._open()

    def fresh(self) -> None:
        self.store.close()
        self._open()

    def _open(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        shutil.copyfile(TEMPLATE, self.folder / "plant.db")
        self.store = Store.open(self.folder / "plant.db")

    def facts(self) -> list[object]:
        with self.store._read() as db:
            tables = [n for (n,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
            counts = [(n, db.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0]) for n in tables]
            return [*counts, db.execute("SELECT group_concat(sql) FROM sqlite_master").fetchone()[0]]


def _file(data: bytes) -> tuple[Path, Choices, int]:
    how, said = data[0], data[1]
    body = data[2:]
    # How lines end is told from the first piece, which is 64 KB at least in earnest: let it hold a line here.
    tiny = max(97, body.find(b"\n") + 2) if how & 128 else 0
    suffix = SUFFIXES[how % len(SUFFIXES)]
    packing = how >> 5 & 3
    if suffix == ".csv.gz" and packing:
        body = gzip.compress(body, 1)
    elif suffix == ".zip" and packing:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for i, part in enumerate(body.split(b"\x00\x00\x00")[:3]):
                archive.writestr(f"m{i}.csv", part)
        body = out.getvalue()
    elif suffix == ".xlsx" and packing:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in BOOK.items():
                archive.writestr(name, text)
            archive.writestr("xl/worksheets/sheet1.xml", body)
        body = out.getvalue()
    choices = Choices(
        machine="P1" if said & 1 else None,
        day_first=(None, True, False, None)[said >> 1 & 3],
        decimal=(None, ",", ".", None)[said >> 3 & 3],
        header_row=(None, None, 0, 2)[said >> 5 & 3],
        encoding=(None, "utf-16", "cp1252", None)[said >> 5 & 3] if said & 128 else None,
        columns={"status": Role("failure", "BROKEN")} if said & 128 else {},
    )
    path = ROOT / f"Data{suffix}"
    path.write_bytes(body)
    return path, choices, tiny


def _counts(reports: list[FileReport]) -> list[Counts]:
    return [
        (
            (r.kind, r.layout, r.encoding, r.accepted, r.unchanged, r.duplicates, r.conflicts, r.rejected),
            (r.accepted_values, r.rejected_values, r.missing_cells, r.fold_times),
            (sorted(r.machines), sorted(r.sensors)),
        )
        for r in reports
    ]


class Wrong(Exception):
    pass


def _import(plant: Plant, path: Path, choices: Choices, *, dry: bool) -> list[Counts] | str:
    before = plant.facts()
    try:
        plan = ingest.recognise(path, choices, time_zone="Europe/Berlin")
        ingest.preview(plan, 5)
        kept.save(plant.folder / "profiles", "p", plan)
        kept.load(plant.folder / "profiles")
        found = ingest.import_plan(
            plant.store, plan, dry_run=dry, progress=Progress(), rejects_dir=plant.folder / "imports"
        )
    except PdmError as exc:
        if plant.facts() != before:
            raise Wrong("a refused file changed the store") from exc
        if list(plant.folder.glob("imports/*")):
            raise Wrong("a refused file left a rejects file") from exc
        return exc.message
    if dry and plant.facts() != before:
        raise Wrong("a dry run changed the store")
    return _counts(found)


def one(plant: Plant, data: bytes) -> None:
    if len(data) < 4:
        return
    begun = time.process_time()  # on a busy computer an idle wait is no finding
    path, choices, tiny = _file(data)
    blocks._MOST_BYTES = BIG
    tried = _import(plant, path, choices, dry=True)
    if tiny:
        blocks._MOST_BYTES = tiny
    try:
        done = _import(plant, path, choices, dry=False)
    finally:
        blocks._MOST_BYTES = BIG
    if not isinstance(done, str) or not isinstance(tried, str):
        plant.fresh()
    both = [*(done if isinstance(done, list) else ()), *(tried if isinstance(tried, list) else ())]
    if tiny and any(values[3] for _, values, _ in both):
        return  # which way a file runs, for the hour that comes twice, is told from its first block
    if both and done != tried:
        raise Wrong(f"tried: {tried}\ndone (tiny blocks: {tiny}): {done}")
    took = time.process_time() - begun
    if took > LONGEST_S:
        raise Wrong(f"took {took:.1f} s for {len(data)} bytes")


def main() -> None:
    _template()
    plant = Plant()
    try:
        atheris.Setup(sys.argv, lambda data: one(plant, data))
        atheris.Fuzz()
    finally:
        shutil.rmtree(ROOT, ignore_errors=True)


if __name__ == "__main__":
    main()
