"""Model versions from a stick, made with intent or damaged on the way: refused with the reason, and nothing is kept."""

from __future__ import annotations

import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pdm_desktop.core import champion, paths, registry, trees
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.scoring import Model
from pdm_desktop.core.versions import Versions
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """A plant with the bundled version alone, in a folder whose name is not ASCII."""
    made = Versions(tmp_path_factory.mktemp("Werk Süd №2") / "mlruns")
    assert [s.version for s in made.stored()] == ["1"]
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model as it would be carried, ready to be tampered with."""
    return Path(shutil.copytree(paths.bundled_model(), tmp_path / "model"))


def zipped(folder: Path) -> Path:
    """The folder as a stick, with checksums that hold: a forger makes them too."""
    registry.write_checksums(folder)
    out = folder.with_suffix(".zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    return out


def refused(kept: Versions, file: Path, reason: str) -> None:
    """It is refused for this reason, and neither a version nor a run nor a file is left of it."""
    from mlflow.tracking import MlflowClient

    def state() -> tuple[list[str], int, list[str]]:
        client = MlflowClient(registry.store_uri(kept.mlruns), registry.store_uri(kept.mlruns))
        runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
        files = sorted(str(p) for p in kept.mlruns.rglob("*") if "mlflow.db" not in p.name)
        return [v.version for v in kept.all()], len(runs), files

    before = state()
    with pytest.raises(PdmError, match=reason):
        kept.bring(file, "Ada", "")
    assert state() == before


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d["feature_spec"].update(version=d["feature_spec"]["version"] + 1), "features"),
        (lambda d: d["feature_spec"].update(sensors=["volt", 7, None, "vibration"]), "features|does not fit"),
        (lambda d: d["outputs"].append("comp9"), "outputs: 5 instead of 6"),
        (lambda d: d["outputs"].reverse(), "outputs"),
        (lambda d: d["calibration"].update(any=5), "calibration is none"),
        (lambda d: d["calibration"]["any"].update(a="1"), "calibration is none"),
        (lambda d: d["calibration"].pop("comp1"), "outputs"),
        (lambda d: d.update(threshold=0), "no probabilities"),
        (lambda d: d.update(threshold=0.5), "calls itself version 1, which is here, but holds another"),
        (lambda d: d.update(horizon_h=1), "it looks 1 h ahead, its features 24 h"),
        (lambda d: d.update(threshold="high"), "threshold"),
        (lambda d: d.update(metrics={"test": "fine"}), "figures of test"),
        (lambda d: d.update(splits=[1]), "splits"),
        (lambda d: d["splits"].pop("train_from"), "train_from"),
        (lambda d: d["splits"].update(held_out=5), "held_out"),
        (lambda d: d["made_from"].update(machines=None), "the machines it was made from"),
        (lambda d: d["made_from"].update(goal={"kind": "fame"}), "how it was made"),
        (lambda d: d["made_from"].update(goal={"by": 1}), "how it was made"),
        (lambda d: d["made_from"].update(goal=5), "how it was made"),
        (lambda d: d["made_from"].update(known_until="soon"), "how it was made"),
        (lambda d: d.update(run_id={"a": 1}), "run_id"),
        (lambda d: d.update(name="x" * 1000), "too long"),
        (lambda d: d.pop("made_from"), "made_from"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(kept: Versions, folder: Path, change: Change, reason: str) -> None:
    plain = json.loads((folder / "pdm_model.json").read_text("utf-8"))
    change(plain)
    (folder / "pdm_model.json").write_text(json.dumps(plain), "utf-8")
    refused(kept, zipped(folder), reason)


@pytest.mark.parametrize("text", ["[]", "{}", "\ufeff", "[" * 100_000, '{"name": NaN}', "\x00"])
def test_a_description_that_is_none_is_refused(kept: Versions, folder: Path, text: str) -> None:
    (folder / "pdm_model.json").write_text(text, "utf-8")
    refused(kept, zipped(folder), "cannot be read|does not fit")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("loader_module: mlflow.xgboost", "loader_module: os", "something else loaded"),
        ("data: model.ubj", "data: ../../model.ubj", "something else loaded"),
        ("    code: null", "    code: evil", "something else loaded"),
        ("  xgboost:", "  sklearn:", "something else loaded"),
        ("flavors:", "flavours:", "cannot be read"),
        ("artifact_path: model", "!!python/object/apply:os.system ['true']", "cannot be read"),
    ],
)
def test_a_model_that_would_have_mlflow_run_something_is_refused(
    kept: Versions, folder: Path, before: str, after: str, reason: str
) -> None:
    text = (folder / "MLmodel").read_text("utf-8")
    assert before in text
    (folder / "MLmodel").write_text(text.replace(before, after), "utf-8")
    refused(kept, zipped(folder), reason)


def test_archives_made_to_do_harm_are_refused(kept: Versions, folder: Path, tmp_path: Path) -> None:
    good = zipped(folder)

    def with_entry(name: str | zipfile.ZipInfo, data: bytes) -> Path:
        bad = Path(shutil.copyfile(good, tmp_path / "bad.zip"))
        with zipfile.ZipFile(bad, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, data)
        return bad

    link = zipfile.ZipInfo("MODEL_CARD.md")
    link.external_attr = 0o120777 << 16
    for entry, reason in (
        ("../model.ubj", "no place"),
        ("/tmp/model.ubj", "no place"),
        ("C:\\model.ubj", "no place"),
        ("sub/", "no place"),
        ("model.pkl", "no place"),
        ("MODEL.UBJ", "no place"),
        (link, "no place"),
    ):
        refused(kept, with_entry(entry, b"\x80\x04."), reason)
    refused(kept, with_entry("MODEL_CARD.md", b" " * 6_000_000), "too large")
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = with_entry("model.ubj", b"")
    refused(kept, twice, "twice")
    # The directory at the end says less than what is packed.
    packed = bytearray(with_entry("MODEL_CARD.md", b"x" * 100_000).read_bytes())
    at = packed.rfind(b"MODEL_CARD.md") - 46
    assert packed[at : at + 4] == b"PK\x01\x02"
    packed[at + 24 : at + 28] = struct.pack("<I", 10)
    (tmp_path / "lies.zip").write_bytes(packed)
    refused(kept, tmp_path / "lies.zip", "cannot be read|checksums")
    (tmp_path / "half.zip").write_bytes(good.read_bytes()[:1000])
    refused(kept, tmp_path / "half.zip", "cannot be read")
    refused(kept, tmp_path / "not there.zip", "cannot be read")


def test_a_booster_that_is_cut_off_or_damaged_is_refused_before_xgboost_sees_it(folder: Path) -> None:
    model = Model.load(folder)
    whole = (folder / "model.ubj").read_bytes()
    file = folder / "tampered.ubj"
    wanted = (len(model.spec.names), len(model.outputs))
    trees.check(folder / "model.ubj", *wanted)

    def tampered(data: bytes) -> None:
        file.write_bytes(data)
        with pytest.raises(ValueError, match=r".+"):
            trees.check(file, *wanted)

    rng = random.Random(1)
    for length in [0, 1, *(rng.randrange(len(whole)) for _ in range(20)), len(whole) - 1]:
        tampered(whole[:length])
    tampered(whole + b"}")
    tampered(b"{" * 100_000)
    tampered(whole.replace(b"L\x00\x00\x00\x00\x00\x00\x00\x06gbtree", b"L\x00\x00\x00\x00\x00\x00\x00\x06gblins", 1))

    def array(name: bytes, kind: bytes, at: int, value: int) -> bytes:
        """The first tree's array with another whole number in it."""
        begin = whole.index(name + b"[$" + kind + b"#L") + len(name) + 5 + 8 + at * 4
        return whole[:begin] + struct.pack(">i", value) + whole[begin + 4 :]

    for name, value in ((b"left_children", 10**6), (b"right_children", 0), (b"split_indices", 60), (b"parents", 7)):
        tampered(array(name, b"l", 0, value))
    for features, outputs in ((wanted[0] + 1, wanted[1]), (wanted[0], wanted[1] - 1)):
        with pytest.raises(ValueError, match="instead of"):
            trees.check(folder / "model.ubj", features, outputs)


def test_a_damaged_booster_of_a_version_here_is_no_candidate_for_use(kept: Versions, folder: Path) -> None:
    whole = (folder / "model.ubj").read_bytes()
    (folder / "model.ubj").write_bytes(whole[: len(whole) // 2])
    refused(kept, zipped(folder), "trees cannot be used: it is cut off")


def test_a_plant_copied_elsewhere_still_loads_its_models_also_where_nothing_may_be_written(
    kept: Versions, tmp_path: Path
) -> None:
    row = np.zeros((1, len(Model.load(paths.bundled_model()).spec.names)), np.float32)
    kept.promote("1", "Ada", "")
    kept.close()
    there = Path(shutil.copytree(kept.mlruns, tmp_path / "Kopie Ödland 工場" / "mlruns"))
    for path in [there, *there.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        model = champion.in_use(there)
        assert model.info.version == "1"
        assert model.folder.is_relative_to(there)
        np.testing.assert_array_equal(model.predict(row), Model.load(paths.bundled_model()).predict(row))
    finally:
        for path in [there, *there.rglob("*")]:
            path.chmod(0o755)
    copy = Versions(there)
    assert copy.get("champion").obstacle == ""
    copy.close()
