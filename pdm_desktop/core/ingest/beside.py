"""Units that stand beside values, in a column of their own or in the cells: what they make of the values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pdm_desktop.core.errors import PdmError
from pdm_desktop.core.ingest.cells import Cells, Floats, Ints, factorise
from pdm_desktop.core.ingest.keys import BETWEEN, Keys, together
from pdm_desktop.core.ingest.sensor_units import Said, SensorUnits
from pdm_desktop.core.ingest.tags import unit_behind
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.ingest.units import Conversion, bare, differ, split_measured, split_unit
from pdm_desktop.core.plans import OpenQuestion, Plan

if TYPE_CHECKING:
    from pdm_desktop.core.ingest.pivot import Values

_MOST_UNITS = 500
"""Different texts of a column of units."""


def columns_of_units(plan: Plan) -> dict[int, int]:
    """Position of a column of values -> that of its column of units."""
    found: dict[int, int] = {}
    for position, column in enumerate(plan.columns):
        if column.role.role != "unit":
            continue
        of = column.role.name
        at = [i for i, c in enumerate(plan.columns) if c.name == of] or [
            i for i, c in enumerate(plan.columns) if of and c.name.casefold() == of.casefold()
        ]
        if not of:
            value = plan.index("value")
            at = [] if value is None else [value]
        if not at or at[0] in found or plan.columns[at[0]].role.role not in ("sensor", "doubtful", "value"):
            text = f"The column {column.name} holds units, and of which column's values is not said."
            hint = f"Say so: --map {column.name + '=unit:COLUMN'!r}."
            raise PdmError(text, hint, f"{plan.path.name}, column {column.name}")
        found[at[0]] = position
    return found


def by_column(plan: Plan, units: SensorUnits) -> dict[int, Conversion]:
    """What the values of a wide file's columns go through whose names say another unit than their sensor's."""
    found: dict[int, Conversion] = {}
    for position, column in enumerate(plan.columns):
        if column.role.role not in ("sensor", "doubtful") or not column.role.unit:
            continue
        where = f"{plan.path.name}, column {column.name}"
        said = Said(f"in column {column.name}", where, column.name)
        change = units.settle(column.role.name or column.name, column.role.unit, said)
        if change is not None:
            found[position] = change
    return found


def units_of(cells: Cells, position: int, beside: int | None, plan: Plan) -> tuple[Ints, list[str]] | None:
    """Of the values of a column: codes and the units that stand beside them, "" where none does; None where the file
    has none at all."""
    inside = cells.units.get(position)
    if beside is None:
        return inside
    codes, words = factorise(cells.texts[beside])
    if len(words) > _MOST_UNITS:
        column = plan.columns[beside].name
        hint = f"Leave it out: --map {column + '=ignore'!r}."
        raise PdmError(f"The column {column} has too many different texts for units.", hint, plan.path.name)
    units = ["" if is_missing(word) else bare(word) for word in words]
    if inside is None:
        return codes, units
    joined, both = together(units, codes, inside[1], inside[0])
    merged = []
    for code, name in enumerate(joined):
        one, _, two = name.partition(BETWEEN)
        if differ(one, two):
            row = int(np.flatnonzero(both == code)[0])
            raise PdmError(
                f"The value is in {two}, and the column {plan.columns[beside].name} says {one}.",
                "Mend the file, or leave the column of units out.",
                f"{plan.path.name}, line {cells.lines[row]}, column {plan.columns[position].name}",
            )
        merged.append(one or two)
    return both, merged


def converted(
    values: Floats, lines: Ints, beside: tuple[Ints, list[str]], sensor: str, header: str, units: SensorUnits, file: str
) -> Floats:
    """The values of a wide file's column in their sensor's own unit. header: what the column's name says of it."""
    codes, words = beside
    result = values
    some = ~np.isnan(values)
    for code, word in enumerate(words):
        own = some & (codes == code)
        if not bool(own.any()):
            continue
        line = int(lines[np.argmax(own)])
        unit = word or header
        found = units.settle(sensor, unit, Said(f"in line {line:,}", f"{file}, line {line}"))
        if not unit:
            units.without(sensor, int(own.sum()))
        if found is not None:
            result = values.copy() if result is values else result
            result[own] = found.of(values[own])
            units.converted(sensor, unit, int(own.sum()))
    return result


def with_units(names: Sequence[str], codes: Ints, beside: tuple[Ints, list[str]]) -> tuple[list[str], Ints]:
    """The names of a long file's rows with the units beside their values."""
    return together(names, codes, beside[1], beside[0])


def settled(
    gathered: Values, plan: Plan, keys: Keys, units: SensorUnits, knows: Callable[[str], bool], *, beside: bool
) -> tuple[list[tuple[str, str]], list[Conversion | None]]:
    """Machine and sensor of each of the gathered tags of a long file, and what its values go through. beside: whether
    the tags have the units of their values with them."""
    split = [tag.rpartition(BETWEEN)[::2] if beside else (tag, "") for tag in gathered.tags]
    different = list(dict.fromkeys(tag for tag, _ in split))
    of = dict(zip(different, keys.sensors(different, knows), strict=True))
    column = plan.columns[plan.index("value") or 0]
    header = split_unit(column.name)[1] or column.unit
    conversions = []
    for (tag, unit), line, count in zip(split, gathered.first_lines, gathered.counts, strict=True):
        _, sensor, behind = of[tag]
        said = Said(f"in line {line:,}", f"{plan.path.name}, line {line}")
        if differ(unit, behind):
            hint = "Mend the file, or leave the column of units out."
            raise PdmError(f"The tag {tag} is in {behind}, and its unit is {unit}.", hint, said.where)
        unit = unit or behind or header
        found = units.settle(sensor, unit, said)
        conversions.append(found)
        if found is not None:
            units.converted(sensor, unit, count)
        if not unit and beside:
            units.without(sensor, count)
    return [of[tag][:2] for tag, _ in split], conversions


def asked(plan: Plan, rows: Iterable[tuple[int, Sequence[str]]], known: Mapping[str, str]) -> Plan:
    """The plan with the question that the first rows (line, cells) raise: a sensor in two units, or in another than the
    plant's. known: its sensors (casefolded) and their units."""
    units = SensorUnits(plan, lambda name: known.get(name.strip().casefold()))
    try:
        places = columns_of_units(plan)
        by_column(plan, units)
        if plan.layout == "long":
            _ask_of_tags(plan, rows, places, units, known)
        else:
            _ask_of_columns(plan, rows, places, units)
    except OpenQuestion as exc:
        return replace(plan, questions=(*plan.questions, exc.question))
    return plan


def _ask_of_columns(
    plan: Plan, rows: Iterable[tuple[int, Sequence[str]]], places: Mapping[int, int], units: SensorUnits
) -> None:
    inside = [i for i, column in enumerate(plan.columns) if column.inside and i not in places]
    for line, row in rows if places or inside else ():
        for position in (*places, *inside):
            role = plan.columns[position].role
            unit = _unit_in(row, position, places.get(position))
            if not is_missing(row[position]):
                said = Said(f"in line {line:,}", f"{plan.path.name}, line {line}")
                units.settle(role.name or plan.columns[position].name, unit or role.unit, said)


def _ask_of_tags(
    plan: Plan,
    rows: Iterable[tuple[int, Sequence[str]]],
    places: Mapping[int, int],
    units: SensorUnits,
    known: Mapping[str, str],
) -> None:
    tag, value, machine = plan.index("tag"), plan.index("value"), plan.index("machine")
    if tag is None or value is None:
        return
    column = plan.columns[value]
    header = split_unit(column.name)[1] or column.unit
    found: dict[tuple[str, str], int] = {}
    for line, row in rows:
        name = row[tag].strip()
        if is_missing(name) or is_missing(row[value]):
            continue
        if plan.tag_rule is None:
            name = f"{row[machine].strip() if machine is not None else ''}{BETWEEN}{name}"
        elif plan.known_tags.place(unit_behind(name)[0], plan.tag_rule) is None:
            continue
        found.setdefault((name, _unit_in(row, value, places.get(value))), line)
    names = list(dict.fromkeys(name for name, _ in found))
    of = dict(zip(names, Keys(plan).sensors(names, lambda name: name.casefold() in known), strict=True))
    for (name, unit), line in found.items():
        _, sensor, behind = of[name]
        said = Said(f"in line {line:,}", f"{plan.path.name}, line {line}")
        units.settle(sensor, unit or behind or header, said)


def _unit_in(row: Sequence[str], position: int, beside: int | None) -> str:
    measured = split_measured(row[position])
    if measured is not None:
        return measured[1]  # that a column says otherwise is refused when all of the file is read
    said = beside is not None and not is_missing(row[beside]) and bare(row[beside])
    return row[beside].strip() if beside is not None and said else ""
