"""Versions of the model: promoted, rolled back, carried on a stick, moved with their plant, opened by stock MLflow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pdm_desktop.core import champion, exchange, registry, training, versions
from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.versions import Versions
from tests.core.small_models import FACTS, make_candidate, make_store
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW


@pytest.fixture(scope="module")
def candidate() -> training.Candidate:
    return make_candidate()


@pytest.fixture(scope="module")
def store(candidate: training.Candidate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled version 1, and candidates 2 and 3."""
    return make_store(tmp_path_factory.mktemp("plant eins") / "mlruns", candidate)


@pytest.fixture
def kept(store: Path, tmp_path: Path) -> Versions:
    shutil.copytree(store, tmp_path / "anderswo" / "mlruns")
    return Versions(tmp_path / "anderswo" / "mlruns")


def test_without_a_store_the_bundled_version_is_in_use_and_nothing_is_made(tmp_path: Path) -> None:
    found = Versions(tmp_path / "mlruns")
    assert [(v.version, v.origin, v.champion) for v in found.all()] == [("1", "bundled", True)]
    assert champion.in_use(tmp_path / "mlruns").info.version == "1"
    assert not (tmp_path / "mlruns").exists()


def test_the_version_in_use_is_read_without_mlflow(kept: Versions) -> None:
    kept.promote("2", "Ada", "better")
    kept.close()
    code = (
        "import sys; from pathlib import Path; from pdm_desktop.core import champion;"
        f"print(champion.in_use(Path({str(kept.mlruns)!r})).info.version, 'mlflow' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["2", "False"]


def test_promoting_and_rolling_back_go_step_by_step_and_are_kept_with_who_and_why(kept: Versions) -> None:
    kept.promote("2", "Ada", "first")
    kept.promote("3", "Bob", "second")
    assert kept.get("champion").version == "3"
    assert kept.rollback("Ada", "worse after all").version == "2"
    assert kept.rollback("Ada", "worse still").version == "1"
    with pytest.raises(PdmError, match="no earlier version"):
        kept.rollback("Ada", "")
    assert [(d.who, d.action, d.version, d.before, d.why) for d in kept.decisions()] == [
        ("Ada", "rolled back", "1", "2", "worse still"),
        ("Ada", "rolled back", "2", "3", "worse after all"),
        ("Bob", "promoted", "3", "2", "second"),
        ("Ada", "promoted", "2", "1", "first"),
    ]
    assert champion.in_use(kept.mlruns).info.version == "1"
    kept.close()


def test_the_alias_in_mlflow_follows_also_after_a_crash_between_the_two(kept: Versions) -> None:
    from mlflow.tracking import MlflowClient

    kept.promote("2", "Ada", "")
    client = MlflowClient(registry.store_uri(kept.mlruns), registry.store_uri(kept.mlruns))
    client.set_registered_model_alias(versions.NAME, versions.ALIAS, "3")  # as a crash would leave it
    kept.decisions()
    assert str(client.get_model_version_by_alias(versions.NAME, versions.ALIAS).version) == "2"
    kept.close()


def test_a_promotion_that_the_program_died_in_is_in_the_history_all_the_same(
    kept: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.promote("3", "Ada", "")

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as then:
        then.setattr(Versions, "_note", dies)
        with pytest.raises(KeyboardInterrupt):
            kept.promote("2", "Eva", "better")
    assert [(d.who, d.action, d.version, d.before, d.why) for d in Versions(kept.mlruns).decisions()] == [
        ("Eva", "promoted", "2", "3", "better"),
        ("Ada", "promoted", "3", "1", ""),
    ]
    assert kept.rollback("Ada", "").version == "3"
    assert len(kept.decisions()) == 3
    kept.close()


def test_a_discard_that_the_program_died_in_is_done_at_the_next_opening_and_stops_no_training(
    kept: Versions, candidate: training.Candidate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr(Versions, "_follow", lambda *_: None)  # it comes no further than the note
        kept.discard("3", "Ada", "no use")
    again = Versions(kept.mlruns)
    assert [v.version for v in again.all()] == ["2", "1"]
    assert again.register(candidate, FACTS, {}).version == "4"
    kept.close()


def test_a_version_that_was_deleted_behind_the_programs_back_stops_no_training(
    kept: Versions, candidate: training.Candidate
) -> None:
    kept.client().delete_model_version(versions.NAME, "3")
    made = kept.register(candidate, FACTS, {})
    assert made.version == "4"
    assert kept.model("4").info.version == "4"
    assert kept.compared(kept.get("1")) == 2
    kept.close()


def test_a_store_that_has_lost_the_version_in_use_says_so_and_another_can_be_promoted(kept: Versions) -> None:
    kept.promote("2", "Ada", "")
    kept.close()
    (kept.mlruns / registry.STORE).unlink()
    assert champion.in_use(kept.mlruns).info.version == "2"
    with pytest.raises(PdmError, match="Version 2 is in use, but the store of versions has lost it"):
        kept.get("champion")
    assert [v.version for v in kept.all()] == ["1"]
    assert kept.promote("1", "Ada", "").champion
    kept.close()


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"version": "2", "fol',
        '{"version": "9", "folder": "artifacts/gone", "sha256": "0"}',
        '{"version": "2", "folder": "../../elsewhere", "sha256": "0"}',
    ],
    ids=["a list", "cut off", "files gone", "leads out"],
)
def test_where_the_file_of_the_version_in_use_is_damaged_versions_are_listed_and_another_is_promoted(
    kept: Versions, text: str
) -> None:
    kept.promote("3", "Ada", "")
    (kept.mlruns / champion.FILE).write_text(text, "utf-8")
    with pytest.raises(PdmError, match=r"damaged|are gone"):
        champion.in_use(kept.mlruns)
    assert [v.version for v in kept.all()] == ["3", "2", "1"]
    assert kept.promote("2", "Ada", "mended").champion
    assert champion.in_use(kept.mlruns).info.version == "2"
    kept.close()


def test_a_moved_store_knows_its_new_place_everywhere(kept: Versions, store: Path) -> None:
    from mlflow.tracking import MlflowClient

    for version in kept.all():
        assert version.obstacle == ""
    assert [p.name for p in kept.get("2").plots] == ["cost.svg"]
    assert {p.name for p in kept.get("1").plots} == {
        "cost.svg", "features.svg", "precision_recall.svg", "reliability.svg",
    }  # fmt: skip
    client = MlflowClient(registry.store_uri(kept.mlruns), registry.store_uri(kept.mlruns))
    for version in client.search_model_versions(f"name='{versions.NAME}'"):
        assert version.source.startswith(kept.mlruns.resolve().as_uri())
        run = client.get_run(version.run_id)
        assert run.info.artifact_uri.startswith(kept.mlruns.resolve().as_uri())
    assert store.parent.name not in str(client.list_artifacts(kept.all()[0].run_id))
    kept.close()


@pytest.mark.parametrize("name", ["of 100 %", "C#", "ü & co", "50%ig"])
def test_folders_of_unusual_names_keep_versions(kept: Versions, tmp_path: Path, name: str) -> None:
    there = Versions(shutil.copytree(kept.mlruns, tmp_path / name / "mlruns"))
    assert there.promote("2", "Ada", "").champion
    there.close()
    kept.close()


def test_a_folder_whose_name_mlflow_would_decode_is_refused_at_once_and_in_words(
    kept: Versions, tmp_path: Path
) -> None:
    there = Versions(shutil.copytree(kept.mlruns, tmp_path / "a%20b" / "mlruns"))
    with pytest.raises(PdmError, match="cannot keep model versions in a folder"):
        there.promote("2", "Ada", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a%20b", "anderswo"]
    kept.close()


def test_candidates_go_and_their_numbers_do_not_come_back_but_what_was_in_use_stays(
    kept: Versions, candidate: training.Candidate
) -> None:
    kept.discard("3", "Ada", "no use")
    assert [v.version for v in kept.all()] == ["2", "1"]
    assert kept.register(candidate, FACTS, {}).version == "4"
    with pytest.raises(PdmError, match="is or was in use"):
        kept.discard("1", "Ada", "")
    kept.close()


def test_how_many_were_compared_with_a_version_outlives_restarts_discards_and_moves(
    kept: Versions, candidate: training.Candidate, tmp_path: Path
) -> None:
    bundled = kept.get("1")
    assert kept.compared(bundled) == 2  # of an earlier release: without a note, but trained while it was in use
    for number in ("4", "5"):
        assert kept.register(candidate, FACTS, {}, "", bundled.run_id).version == number
    assert kept.compared(bundled) == 4
    kept.discard("5", "Ada", "")
    kept.discard("2", "Ada", "")
    kept.close()
    there = Versions(shutil.copytree(kept.mlruns, tmp_path / "moved" / "mlruns"))
    assert there.compared(there.get("1")) == 4
    there.promote("4", "Ada", "")
    four = there.get("4")
    assert there.compared(four) == 0
    there.register(candidate, FACTS, {}, "", four.run_id)
    assert there.compared(four) == 1
    there.rollback("Ada", "")
    assert there.compared(there.get("1")) == 2  # those of the earlier release were before it was put in use again
    there.close()


def test_altered_files_of_the_version_in_use_are_noticed(kept: Versions) -> None:
    kept.promote("2", "Ada", "")
    folder = kept.model("2").folder
    booster = folder / "model.ubj"
    booster.write_bytes(booster.read_bytes()[:-1] + b"X")
    with pytest.raises(PdmError, match=r"model\.ubj"):
        champion.in_use(kept.mlruns)
    assert "model.ubj" in kept.get("2").obstacle
    registry.write_checksums(folder)  # a forger would do that too
    with pytest.raises(PdmError, match="not those that were promoted"):
        champion.in_use(kept.mlruns)
    kept.close()


def test_a_stick_carries_a_version_to_another_plant(
    kept: Versions, candidate: training.Candidate, tmp_path: Path
) -> None:
    stick = kept.export("3", tmp_path / "stick.zip")
    other = Versions(tmp_path / "other" / "mlruns")
    made = other.bring(stick, "Ada", "from plant one")
    assert (made.version, made.origin, made.champion) == ("2", "imported", False)
    assert made.run_id == kept.get("3").run_id
    np.testing.assert_allclose(
        other.model("2").predict(candidate.example), candidate.predict(candidate.example), atol=1e-7
    )
    assert other.bring(stick, "Ada", "again").version == "2"
    assert other.promote("2", "Ada", "").champion
    assert champion.in_use(other.mlruns).info.version == "2"
    other.close()
    kept.close()


def rezipped(source: Path, out: Path, changed: dict[str, bytes | None]) -> Path:
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            if name not in changed:
                after.writestr(name, before.read(name))
        for name, data in changed.items():
            if data is not None:
                after.writestr(name, data)
    return out


def test_a_stick_with_strange_altered_or_missing_files_is_refused_with_the_reason(
    kept: Versions, tmp_path: Path
) -> None:
    stick = kept.export("2", tmp_path / "stick.zip")
    with zipfile.ZipFile(stick) as archive:
        about = json.loads(archive.read("pdm_model.json"))
    about["feature_spec"]["names"][0] = "something else"
    bad = {
        "no place": {"model.pkl": b"\x80\x04."},
        r"\.\./evil": {"../evil.json": b"{}"},
        "not the one that was recorded": {"model.ubj": b"other"},
        "not those its checksums name": {"input_example.json": None},
        "no exported model": {"checksums.json": None},
    }
    for reason, changed in bad.items():
        file = rezipped(stick, tmp_path / "bad.zip", changed)
        with pytest.raises(PdmError, match=reason):
            kept.bring(file, "Ada", "")
    (tmp_path / "unpacked").mkdir()
    with zipfile.ZipFile(stick) as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / "pdm_model.json").write_text(json.dumps(about), "utf-8")
    registry.write_checksums(tmp_path / "unpacked")
    with zipfile.ZipFile(tmp_path / "features.zip", "w") as archive:
        for path in (tmp_path / "unpacked").iterdir():
            archive.write(path, path.name)
    with pytest.raises(PdmError, match="features"):
        kept.bring(tmp_path / "features.zip", "Ada", "")
    (tmp_path / "not a zip.zip").write_bytes(b"PK nothing")
    with pytest.raises(PdmError, match="cannot be read"):
        kept.bring(tmp_path / "not a zip.zip", "Ada", "")
    assert [v.version for v in kept.all()] == ["3", "2", "1"]
    assert not (tmp_path / "evil.json").exists()
    kept.close()


def test_the_exported_zip_holds_only_what_belongs(kept: Versions, tmp_path: Path) -> None:
    with zipfile.ZipFile(kept.export("2", tmp_path / "stick.zip")) as archive:
        assert set(archive.namelist()) <= exchange.ALLOWED
        assert archive.read("MODEL_CARD.md") == b"# Card"
    kept.close()
