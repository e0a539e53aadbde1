"""Where things lie: the same for a checkout, an installed wheel and the frozen program."""

from __future__ import annotations

import sys
from pathlib import Path


def _root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen)
    package = Path(__file__).resolve().parents[1]
    # A wheel carries resources and models inside the package; a checkout has them beside it.
    return package if (package / "models").is_dir() else package.parent


def packed() -> bool:
    """Whether this is the packed program, not one run from source."""
    return hasattr(sys, "_MEIPASS")


def resources() -> Path:
    """The folder of icons, themes and licence texts; read-only."""
    return _root() / "resources"


def bundled_model() -> Path:
    """The folder of the champion that ships with the program; read-only."""
    return _root() / "models" / "champion"


def migrations() -> Path:
    """The folder of the Alembic migrations."""
    return Path(__file__).resolve().parent / "migrations"


def default_workspace() -> Path:
    """The workspace used when none is named: in the user's data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("PDM Desktop", appauthor=False, roaming=False)) / "workspace"
