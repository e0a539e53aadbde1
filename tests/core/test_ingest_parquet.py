"""Parquet, whose library does not come with the program: read by an environment that has it, refused by this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest import import_file, recognise
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.store import Store

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-bench" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
SCRIPT = """
import datetime as dt, sys
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as parquet
from pdm_desktop.core.ingest import workbook
times = [dt.datetime(2023, 3, 20, 22, tzinfo=dt.UTC) + dt.timedelta(hours=h) for h in range(4)]
parquet.write_table(pa.table({
    "ts": pa.array(times, pa.timestamp("us", tz="UTC")),
    "asset": pa.array(["K1", "K1", "K2", "K2"]).dictionary_encode(),
    "heat": pa.array([1.5, None, float("nan"), 3e-7]),
    "count": pa.array([1, 2, 3, 4], pa.int32()),
}), sys.argv[1])
sys.stdout.buffer.write(b"".join(workbook.text(Path(sys.argv[1]), "parquet", None, 40)))
"""


@pytest.mark.skipif(not PYTHON.is_file(), reason="no .venv-bench, where pyarrow lives")
def test_a_parquet_file_is_read_like_the_same_table_as_text(tmp_path: Path) -> None:
    if subprocess.run([PYTHON, "-c", "import pyarrow"], capture_output=True, check=False).returncode:
        pytest.skip(".venv-bench has no pyarrow")
    found = subprocess.run(
        [PYTHON, "-c", SCRIPT, str(tmp_path / "t.parquet")], capture_output=True, check=False, cwd=ROOT, timeout=120
    )
    assert found.returncode == 0, found.stderr.decode()
    path = tmp_path / "t.csv"
    path.write_bytes(found.stdout)
    store = Store.open(tmp_path / "plant.db")
    report = import_file(store, path, progress=Progress(), rejects_dir=None)
    assert (report.machines, report.accepted, report.missing_cells) == (("K1", "K2"), 4, 2)
    assert [name for name, _ in report.sensors] == ["heat", "count"]
    at, values = store.telemetry("K2")
    assert at.tolist() == [1_679_356_800_000, 1_679_360_400_000]  # 21 March 2023, 0 and 1 o'clock UTC
    assert values[:, 1].tolist() == [3e-7, 4.0]
    store.close()


def test_without_its_library_a_parquet_file_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    with pytest.raises(PdmError, match="does not come with the program") as caught:
        recognise(path)
    assert caught.value.hint == "Install pyarrow, or export the file as CSV."
