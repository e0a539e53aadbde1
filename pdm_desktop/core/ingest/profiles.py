"""Profiles: how files with a certain header are read, kept as TOML under a name."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.rejects import REJECTS_HEADER
from pdm_desktop.core.plans import Choices, Plan, Profile, Role, kind_of

_PLAIN = ("encoding", "delimiter", "decimal", "sheet", "machine", "component", "time_zone")
_LAYOUTS = ("wide", "long", "wide tags")


def load(folder: Path) -> tuple[Profile, ...]:
    """The profiles in `folder`, by name; PdmError for one that cannot be read."""
    if not folder.is_dir():
        return ()
    return tuple(_load(path) for path in sorted(folder.glob("*.toml")))


def save(folder: Path, name: str, plan: Plan, *, machine: bool = False) -> Profile:
    """Keep how `plan` reads a file, for files with the same header; a profile of that name is replaced. What may differ
    from file to file (encoding) is kept only where the user chose it; where its header stands is not kept, nor, but
    where `machine` says so, the machine of a file without a column for it: the next file may be another machine's."""
    import tomli_w

    path = _path(folder, name)
    own = plan.columns[len(REJECTS_HEADER) :] if plan.mended else plan.columns
    columns = {c.name: _kept(c.role, plan.choices.columns.get(c.name)) for c in own if c.name}
    choices = replace(
        plan.choices,
        kind=plan.kind,
        layout=plan.layout,
        columns={} if plan.layout == "wide tags" and not plan.choices.columns else columns,
        time_zone=plan.choices.time_zone,
        day_first=plan.day_first,
        header_row=None,
        units_row=None,
        machine=plan.choices.machine if machine else None,
        decimal=plan.choices.decimal or (None if plan.choices.usual is None else plan.choices.usual.decimal),
        usual=None,
    )
    if plan.layout == "wide tags":
        choices = replace(choices, columns=dict(plan.choices.columns))
    profile = Profile(name.strip(), tuple(c.name for c in own), choices)
    table: dict[str, Any] = {"name": profile.name, "header": list(profile.header), "kind": plan.kind}
    table |= {"layout": plan.layout}
    table |= {key: value for key in _PLAIN if (value := getattr(choices, key)) is not None}
    if choices.day_first is not None:
        table["day_first"] = choices.day_first
    if choices.units is not None:
        table["units"] = choices.units
    if choices.alike is not None:
        table["alike"] = choices.alike
    if choices.machine_side is not None:
        table["machine_side"] = choices.machine_side
    table["columns"] = {column: str(role) for column, role in choices.columns.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".toml.new")
        fresh.write_text(tomli_w.dumps(table), "utf-8")
        fresh.replace(path)
    except OSError as exc:
        raise PdmError(f"The profile cannot be written: {exc.strerror}.", "Check the disk.", str(path)) from exc
    return profile


def delete(folder: Path, name: str) -> None:
    """Delete a profile; PdmError when there is none of that name."""
    path = _path(folder, name)
    if not path.is_file():
        raise PdmError(f"There is no profile {name!r}.", "", "profile")
    path.unlink()


def named(profiles: tuple[Profile, ...], name: str) -> Profile:
    """The profile of that name; PdmError when there is none."""
    for profile in profiles:
        if profile.name.casefold() == name.strip().casefold():
            return profile
    names = ", ".join(profile.name for profile in profiles)
    raise PdmError(f"There is no profile {name!r}.", f"There are: {names}." if names else "Save one first.", "profile")


def _kept(role: Role, said: Role | None) -> Role:
    # A unit out of the file's own row of units is the file's: the next one may have another.
    unit = role.unit if said is not None and said.unit else ""
    return Role("ignore") if role.role == "doubtful" else replace(role, machine="", unit=unit)


def _load(path: Path) -> Profile:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        layout = table.get("layout")
        choices = Choices(
            encoding=_word(table, "encoding"),
            delimiter=_word(table, "delimiter"),
            decimal=_word(table, "decimal"),
            sheet=_word(table, "sheet"),
            machine=_word(table, "machine"),
            component=_word(table, "component"),
            time_zone=_word(table, "time_zone"),
            kind=kind_of(table["kind"]) if "kind" in table else None,
            layout=layout if layout in _LAYOUTS else None,
            columns={str(column): Role.parse(str(role)) for column, role in table.get("columns", {}).items()},
            day_first=table.get("day_first") if isinstance(table.get("day_first"), bool) else None,
        )
        if table.get("units") == "convert":
            choices = replace(choices, units="convert")
        if table.get("alike") in ("same", "new"):
            choices = replace(choices, alike="same" if table["alike"] == "same" else "new")
        if table.get("machine_side") in ("first", "last"):
            choices = replace(choices, machine_side="first" if table["machine_side"] == "first" else "last")
        return Profile(str(table["name"]), tuple(str(name) for name in table["header"]), choices)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise PdmError(f"The profile cannot be read ({exc}).", "Mend the file or delete it.", str(path)) from exc


def _word(table: dict[str, Any], key: str) -> str | None:
    return str(table[key]) if key in table else None


def _path(folder: Path, name: str) -> Path:
    plain = re.sub(r"[^\w.-]+", "_", name.strip(), flags=re.ASCII).strip("._")
    if not plain:
        raise PdmError(f"{name!r} is no name for a profile.", "Use letters and digits.", "profile")
    return folder / f"{plain[:80]}.toml"
