"""What holds for every test: no screen, no user's folders, no leftover threads (warnings: see pyproject.toml)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# MLflow would otherwise look for git and report its use to the network.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# Chance may find new faults on a developer's computer; a gate must say the same of the same commit each time.
settings.register_profile("gate", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("gate")

ROOT = Path(__file__).resolve().parents[1]
USER_FOLDERS = (
    "HOME",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "WIN_PD_OVERRIDE_APPDATA",
    "WIN_PD_OVERRIDE_LOCAL_APPDATA",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)


@pytest.fixture(autouse=True)
def isolated_user_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings and the default workspace lie in a folder of this test alone; returns it."""
    home = tmp_path_factory.mktemp("home")
    for name in USER_FOLDERS:
        monkeypatch.setenv(name, str(home))
    return home


@pytest.fixture(autouse=True)
def no_thread_outlives_its_test() -> Iterator[None]:
    """Fails a test that leaves a Python thread running: whatever starts one also ends it."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
    assert not left, f"threads left running: {', '.join(thread.name for thread in left)}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the public extract and of messy import files; skips where it is absent."""
    folder = Path(os.environ.get("PDM_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / "azure_pdm" / "PdM_telemetry.csv").is_file():
        pytest.skip(f"needs the public extract in {folder} (or the folder named by PDM_SHARED_DATA)")
    return folder
