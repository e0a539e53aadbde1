"""Which columns hold units, and of which values: in a long file those of the line's value, in a wide one a column's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pdm_desktop.core.ingest import aliases
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.units import key
from pdm_desktop.core.plans import Question, Role


def of_values(draft: Draft) -> None:
    """Give the column of units of a long file its role."""
    if draft.of("unit"):
        return
    # A name that says so is enough where something else tells the machines apart: "unit" may be one of these.
    placed = bool(draft.of("machine")) or draft.tag_rule is not None or draft.choices.machine is not None
    named = [i for i in draft.called("unit") if draft.tells_units(i) or (placed and draft.facts[i].is_text)]
    found = named or [i for i in draft.free() if draft.tells_units(i)]
    if not found:
        return
    draft.roles[found[0]] = Role("unit")
    for other in found[1:]:
        if _alike(draft, found[0], other):
            draft.roles[other] = Role("ignore")
        else:
            _which(draft, [found[0], other])


def of_columns(draft: Draft) -> None:
    """Give the columns of units of a wide file their roles, each with the sensor's column it speaks of."""
    given = draft.of("unit")
    sensors = draft.of("sensor", "doubtful")
    numeric = [i for i in sensors if draft.facts[i].numbers]
    found = given or [i for i in draft.roles if draft.roles[i].role == "doubtful" and draft.tells_units(i)]
    for i in found:
        if draft.roles[i].name:
            continue
        column = _meant(draft, i, [s for s in numeric if s not in found])
        if column is not None:
            draft.roles[i] = Role("unit", draft.facts[column].name)
            continue
        draft.roles[i] = Role("ignore")
        name = draft.facts[i].name
        text = f"The column {name} holds units, and of which column's values is not said."
        hint = f"Say so: --map {name + '=unit:COLUMN'!r}, or leave it out: --map {name + '=ignore'!r}."
        draft.questions.append(Question("columns", text, hint, where=draft.where))


def _meant(draft: Draft, i: int, sensors: Sequence[int]) -> int | None:
    """The one of the sensors' columns whose units these are: by name, as the only one, or standing before them."""
    rest = _without_unit(draft.facts[i].name)
    by_name = [s for s in sensors if rest and aliases.plain(draft.facts[s].name) == rest]
    if len(by_name) == 1:
        return by_name[0]
    if len(sensors) == 1:
        return sensors[0]
    # Value and unit in turns: then every sensor has its own column of units behind it.
    turns = all(draft.tells_units(s + 1) for s in sensors if s + 1 < len(draft.facts))
    return i - 1 if i - 1 in sensors and turns and sensors[-1] + 1 < len(draft.facts) else None


def _without_unit(name: str) -> str:
    """What is left of a name such as "temp_unit" or "Einheit Druck"."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    if len(words) < 2:
        return ""
    for rest, said in ((words[:-1], words[-1]), (words[1:], words[0])):
        if "unit" in aliases.roles(said):
            return aliases.plain("".join(rest))
    return ""


def _alike(draft: Draft, one: int, other: int) -> bool:
    pairs = zip(draft.facts[one].cells, draft.facts[other].cells, strict=True)
    return all(key(a) == key(b) for a, b in pairs)


def _which(draft: Draft, found: Sequence[int]) -> None:
    names = [draft.facts[i].name for i in found]
    text = f"The columns {' and '.join(names)} say different units."
    hint = f"Say which one counts: --map {names[0] + '=unit'!r}."
    draft.questions.append(Question("columns", text, hint, where=draft.where))
