"""What a file is, told from its head: kind, delimiter, and the role of each column."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.tokens import number_of
from pdm_desktop.core.schema import ALIASES, KINDS, Kind

_HEAD_BYTES = 256 * 1024
_DELIMITERS = (",", ";", "\t")
_LABEL_ROLES: dict[Kind, tuple[str, ...]] = {
    "errors": ("error",),
    "maintenance": ("component",),
    "failures": ("failure", "component"),
}
_WORDS = {"timestamp": "the time", "machine": "the machine", "error": "the error code", "component": "the component"}
_SUGGESTED = {"timestamp": "datetime", "machine": "machineID", "error": "errorID", "component": "comp"}


@dataclass(frozen=True)
class Column:
    """One column: header text and role (machine, timestamp, error, component, failure, machine_model, age, known,
    sensor, doubtful, ignore). doubtful: a sensor if a number turns up further down, else ignored."""

    name: str
    role: str


@dataclass(frozen=True)
class Layout:
    """How a file is to be read."""

    path: Path
    kind: Kind
    encoding: str
    bom: int
    """Bytes to skip before the header."""
    delimiter: str
    columns: tuple[Column, ...]
    line_bytes: float
    """Mean length of the lines seen, to estimate how many the file has."""

    def index(self, *roles: str) -> int | None:
        """The first column of one of the roles, in their order."""
        for role in roles:
            for position, column in enumerate(self.columns):
                if column.role == role:
                    return position
        return None

    @property
    def label(self) -> int | None:
        """The column that says what happened, for an event file."""
        return self.index(*_LABEL_ROLES.get(self.kind, ()))


def recognise(path: Path, kind: Kind | None = None) -> Layout:
    """Tell what `path` is; `kind` where the user said it. PdmError (file, line) for anything that is no plant file."""
    head = _head(path)
    where = path.name
    if not head:
        raise PdmError("The file is empty.", "Export it again.", where)
    bom = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    text = _text(head[bom:], where, whole=len(head) < _HEAD_BYTES)
    lines = text.splitlines()
    delimiter = max(_DELIMITERS, key=lines[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as exc:
        raise PdmError("The file is not a table of text.", "Save it as CSV in UTF-8.", where) from exc
    if len(head) == _HEAD_BYTES and len(rows) > 1:
        rows.pop()  # cut off in the middle
    header = [name.strip() for name in rows[0]]
    roles = _roles(header, where)
    found = _kind(header, roles, path, kind)
    columns = tuple(
        Column(name, _role(found, name, role, [row[i] for row in rows[1:] if len(row) == len(header)]))
        for i, (name, role) in enumerate(zip(header, roles, strict=True))
    )
    layout = Layout(path, found, "utf-8", bom, delimiter, columns, len(text.encode()) / max(1, len(lines)))
    _demand_columns(layout, where)
    if len(rows) < 2 and len(head) < _HEAD_BYTES:
        raise PdmError("The file has a header and no rows.", "Export it again with its rows.", where)
    return layout


def discover(paths: Sequence[Path]) -> list[Path]:
    """Files to import, machines first, then telemetry, errors, maintenance, failures. A folder stands for every file
    in it that is recognised; a file named itself must be. PdmError where nothing is."""
    found: list[tuple[int, int, Path]] = []
    for position, path in enumerate(paths):
        if not path.is_dir():
            found.append((KINDS.index(recognise(path).kind), position, path))
            continue
        inside = [file for file in sorted(path.iterdir()) if file.is_file()]
        for file in inside:
            try:
                found.append((KINDS.index(recognise(file).kind), position, file))
            except PdmError:
                continue  # a folder may hold other files; only those named by the user must be the plant's
    if not found:
        raise PdmError(
            "There is no file of a plant here.",
            "Choose CSV files of telemetry, errors, maintenance, failures or machines.",
            ", ".join(str(path) for path in paths),
        )
    return [path for *_, path in sorted(found)]


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise PdmError("This is a folder, not a file.", "", str(path))
    if not path.is_file():
        raise PdmError("There is no such file.", "Check the name and the folder.", str(path))
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as exc:
        raise PdmError(f"The file cannot be read: {exc.strerror}.", "Check its permissions.", str(path)) from exc


def _text(data: bytes, where: str, *, whole: bool) -> str:
    hint = "Save it as CSV in UTF-8."
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise PdmError("The file is in UTF-16, which is not understood.", hint, where)
    if b"\0" in data:
        raise PdmError("The file is not a table of text.", hint, where)
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise PdmError("The file is not text in UTF-8.", hint, f"{where}, line {line}") from exc
    if not text.strip():
        raise PdmError("The file is empty.", "Export it again.", where)
    return text


def _roles(header: list[str], where: str) -> list[str]:
    roles = [ALIASES.get(name.casefold().replace(" ", "_"), "") if name else "ignore" for name in header]
    if not set(roles) - {"", "ignore"}:
        raise PdmError(
            "The first line names no column of a plant's files.",
            "It should name the columns, such as datetime and machineID.",
            f"{where}, line 1",
        )
    seen: dict[str, str] = {}
    for name, role in zip(header, roles, strict=True):
        key = role or name.casefold()
        if key != "ignore" and key in seen:
            raise PdmError(
                f"The columns {seen[key]} and {name} mean the same.", "Remove one of them.", f"{where}, line 1"
            )
        seen[key] = name
    return roles


def _kind(header: list[str], roles: list[str], path: Path, told: Kind | None) -> Kind:
    if told is not None:
        return told
    have = set(roles)
    if "timestamp" not in have:
        if have & {"machine_model", "age"}:
            return "machines"
        if "machine" in have and "" not in roles:
            return "machines"
        return "telemetry"  # and the lack of a time column is told below
    if "failure" in have:
        return "failures"
    if "error" in have:
        return "errors"
    if "component" in have:
        name = path.name.casefold()
        if "fail" in name:
            return "failures"
        if any(word in name for word in ("maint", "replace", "service", "repair")):
            return "maintenance"
        if "comp" in (column.casefold() for column in header):
            return "maintenance"
        raise PdmError(
            "The file lists components, of replacements or of failures: which cannot be told.",
            "Say the kind: maintenance or failures.",
            path.name,
        )
    return "telemetry"


def _role(kind: Kind, name: str, role: str, cells: list[str]) -> str:
    used = {
        "machines": {"machine", "machine_model", "age"},
        "telemetry": {"machine", "timestamp"},
    }.get(kind, {"machine", "timestamp", "known", *_LABEL_ROLES.get(kind, ())})
    if role in used:
        return role
    if kind != "telemetry" or role or not name:
        return "ignore"
    return "sensor" if any(number_of(cell) is not None for cell in cells) else "doubtful"


def _demand_columns(layout: Layout, where: str) -> None:
    needed = ["machine"] if layout.kind == "machines" else ["timestamp", "machine"]
    for role in needed:
        if layout.index(role) is None:
            raise PdmError(
                f"The file has no column for {_WORDS[role]}.",
                f"Call it {_SUGGESTED[role]} in the first line.",
                f"{where}, line 1",
            )
    if layout.kind in _LABEL_ROLES and layout.label is None:
        role = _LABEL_ROLES[layout.kind][-1]
        raise PdmError(
            f"The file has no column for {_WORDS[role]}, which {layout.kind} need.",
            f"Call it {_SUGGESTED[role]} in the first line, or say another kind.",
            f"{where}, line 1",
        )
    if layout.kind == "telemetry" and layout.index("sensor", "doubtful") is None:
        raise PdmError(
            "The file has a time and a machine and nothing else.",
            "Telemetry has a column for each sensor.",
            f"{where}, line 1",
        )
