"""What was chosen for a file, as its rejects file carries it on: mended rows are read as the others were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.plans import Choices, Plan, Role, kind_of

_SAID = re.compile(r" (\{.*\})(?: \[[^\[\]]*\])?$")
_PLAIN = ("kind", "decimal", "machine", "component", "day_first", "units", "alike")
_LONGEST = 1_500  # characters, in each line


def told(file: str, plan: Plan) -> str:
    """What a rejects file calls the file: with what was chosen for it, but for what its rows show themselves."""
    said = {key: value for key in _PLAIN if (value := getattr(plan.choices, key)) is not None}
    columns = {name: str(role) for name, role in plan.choices.columns.items()}
    text = json.dumps(said | ({"columns": columns} if columns else {}), ensure_ascii=False)
    if len(text) > _LONGEST:
        text = json.dumps(said | {"columns": len(columns)}, ensure_ascii=False)
    return f"{file} {text}" if said or columns else file


def again(files: Iterable[str], choices: Choices, where: str) -> Choices:
    """The choices that the first column of a mended rejects file carries; choices: said now, for the error alone."""
    found = {match[1] if (match := _SAID.search(file)) else "" for file in files}
    if len(found) > 1:
        text = "The rows come from files that were read in different ways."
        raise PdmError(text, "Import them file by file.", where)
    text = found.pop() if found else ""
    try:
        said = json.loads(text) if text else {}
        columns = said.get("columns", {})
        if isinstance(columns, int):
            if not choices.columns:
                why = f"The file these rows come from was read with roles said of {columns:,} columns."
                raise PdmError(why, "Say them again: --map, or --profile with a profile saved for it.", where)
            columns = {}
        plain = {key: said[key] for key in _PLAIN[1:] if isinstance(said.get(key), bool if key == "day_first" else str)}
        return Choices(
            kind=kind_of(said["kind"]) if "kind" in said else None,
            columns={str(name): Role.parse(str(role)) for name, role in columns.items()},
            **plain,
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return Choices()  # a name of a file that looks so
