"""One writing program a workspace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.lock import WorkspaceLock

HOLD = """
import sys
from pathlib import Path
from pdm_desktop.core.lock import WorkspaceLock
WorkspaceLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_program_is_told_who_holds_the_workspace_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "workspace.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(PdmError, match=f"process {holder.pid}"):
            WorkspaceLock(path).acquire()
        # Killed, not closed: a crash must not leave the workspace locked.
        holder.kill()
        holder.wait()
    with WorkspaceLock(path):
        pass
