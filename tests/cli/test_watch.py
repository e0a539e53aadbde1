"""`watch`: the command line's way to a watched folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pdm_desktop.__main__ import main
from pdm_desktop.core import simulate, times
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.workspace import Workspace

Out = pytest.CaptureFixture[str]


def look_a_minute_ago(workspace: Path) -> None:
    """So that the command's look is the second one."""
    with Workspace.open(workspace) as opened:
        opened.watch_once(Progress(), times.now_ms() - times.MINUTE)


def test_one_look_takes_what_rested_since_the_one_before_and_scores_it(tmp_path: Path, capsys: Out) -> None:
    share, workspace = tmp_path / "share", tmp_path / "workspace"
    simulate.write(share, machines=2, days=20, seed=2, progress=Progress())
    begin = ["--workspace", str(workspace), "--json", "watch"]
    assert main([*begin, str(share), "--move", "--once"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["files"], len(first["waiting"])) == ([], 5)
    with Workspace.open(workspace) as opened:
        opened.change_watch(opened.watch_settings)
    for path in share.iterdir():
        path.touch()
    look_a_minute_ago(workspace)
    assert main([*begin, "--once"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert sorted(file["kind"] for file in second["files"]) == [
        "errors", "failures", "machines", "maintenance", "telemetry"
    ]  # fmt: skip
    assert [path.name for path in share.iterdir()] == ["done"]
    with Workspace.open(workspace, read_only=True) as opened:
        assert all(row.risk is not None for row in opened.score(None, Progress()).rows)


def test_a_refused_file_calls_for_attention(tmp_path: Path, capsys: Out) -> None:
    share, workspace = tmp_path / "share", tmp_path / "workspace"
    share.mkdir()
    assert main(["--workspace", str(workspace), "watch", str(share), "--once"]) == 0
    (share / "note.txt").write_text("The export follows tomorrow.\n", "utf-8")
    look_a_minute_ago(workspace)
    capsys.readouterr()
    assert main(["--workspace", str(workspace), "watch", "--once"]) == 1
    assert "note.txt was not imported: " in capsys.readouterr().out


def test_a_folder_must_have_been_chosen(tmp_path: Path, capsys: Out) -> None:
    assert main(["--workspace", str(tmp_path / "workspace"), "watch", "--once"]) == 2
    assert "Which folder" in capsys.readouterr().err


def test_json_is_for_one_look(tmp_path: Path, capsys: Out) -> None:
    assert main(["--workspace", str(tmp_path), "--json", "watch", str(tmp_path)]) == 2
    assert "error" in json.loads(capsys.readouterr().out)
