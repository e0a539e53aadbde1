"""The packed program in build/dist, and how tests start it: as good as no environment, never from the source."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "dist" / "pdm-desktop"
SUFFIX = ".exe" if sys.platform == "win32" else ""
PROGRAM = FOLDER / f"pdm-desktop{SUFFIX}"
LINUX = sys.platform.startswith("linux")
PNG = b"\x89PNG\r\n\x1a\n"

HANGS_S = 600
"""What takes longer than this never ends."""

marks = [
    pytest.mark.packaged,
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM.is_file(), reason="not packed: python3 build/dev.py package makes build/dist"),
]
only_linux = pytest.mark.skipif(not LINUX, reason="Linux's own way of shutting things off")


def bare(home: Path | None = None, **more: str) -> dict[str, str]:
    """As good as no environment; Windows cannot start programs without its own folder."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if name in os.environ and not LINUX}
    return kept | ({} if home is None else {"HOME": str(home), "USERPROFILE": str(home)}) | more


def run(
    *args: str | Path, workspace: Path | None = None, env: Mapping[str, str] | None = None, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    where = () if workspace is None else ("--workspace", str(workspace))
    command = [*before, str(PROGRAM), *where, *map(str, args)]
    environment = bare() if env is None else dict(env)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=HANGS_S
    )


def healthy(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """The doctor's answer, which must find nothing wrong."""
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def doctor(workspace: Path, env: Mapping[str, str] | None = None, before: tuple[str, ...] = ()) -> dict[str, object]:
    return healthy(run("--json", "doctor", workspace=workspace, env=env, before=before))


def may_unshare() -> bool:
    tool = shutil.which("unshare")
    return tool is not None and subprocess.run([tool, "-n", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def window(
    display: str, title: str, log: Path, *args: str | Path, env: Mapping[str, str], before: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """The packed program's window on a virtual screen, once a window of this title (or a part of it) is there."""
    tool = shutil.which("xwininfo")
    if tool is None:
        pytest.skip("needs xwininfo (Debian: x11-utils)")
    command = [*before, str(FOLDER / f"pdm-desktop-window{SUFFIX}"), *map(str, args)]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env={**env, "DISPLAY": display}, stderr=stream, start_new_session=True)
    try:
        for _ in range(1200):
            assert process.poll() is None, log.read_text(errors="replace")
            tree = [tool, "-root", "-tree", "-display", display]
            if title in subprocess.run(tree, capture_output=True, text=True, check=False).stdout:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        else:
            raise AssertionError(f"no window {title!r}: {log.read_text(errors='replace')}")
        yield process
    finally:
        if LINUX:
            os.killpg(process.pid, signal.SIGTERM)  # strace hands no signal on
        else:
            process.terminate()
        process.wait(HANGS_S)


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen; its name for DISPLAY."""
    tool = shutil.which("Xvfb")
    if tool is None:
        pytest.skip("needs Xvfb")
    reading, writing = os.pipe()
    command = [tool, "-displayfd", str(writing), "-screen", "0", "1366x768x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
