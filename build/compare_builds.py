"""Two packed programs file by file: `python3 build/compare_builds.py DIST DIST` names what differs; 1 where it does.

For checking that the same commit gives the same bytes, wherever and whenever it is packed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, rights and the target of every link, by place."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[path.relative_to(folder).as_posix()] = f"link to {path.readlink()}"
        elif path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = f"{digest} {path.stat().st_mode:o}"
    return found


def main() -> int:
    """Compare; print what differs."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    one, other = (hashes(Path(name)) for name in sys.argv[1:])
    differing = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    for name in differing:
        where = "" if name in one and name in other else " (only in one)"
        print(f"{name}{where}")
    print(f"{len(one)} files, {len(differing)} differ")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
