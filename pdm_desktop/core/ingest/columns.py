"""The role of each column: by what it is called and by what stands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pdm_desktop.core import times as clock
from pdm_desktop.core.ingest import (
    ages,
    alarm_states,
    clock_numbers,
    counting,
    key_columns,
    kinds,
    numbered,
    qualities,
    tags,
    unit_columns,
)
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.units import differ, split_unit, unit_of
from pdm_desktop.core.plans import LayoutName, PlanColumn, Question, Role
from pdm_desktop.core.schema import Kind
from pdm_desktop.core.tag_rules import TagRule

_LABELS: dict[Kind, tuple[str, ...]] = {
    "errors": ("error",),
    "maintenance": ("component",),
    "failures": ("failure", "component"),
}
_WORDS = {"timestamp": "the time", "machine": "the machine", "error": "the error code", "component": "the component"}
_CALLED = {"timestamp": "datetime", "machine": "machineID", "error": "errorID", "component": "comp"}


@dataclass(frozen=True)
class Roles:
    """What the columns of a file are."""

    kind: Kind
    layout: LayoutName
    columns: tuple[PlanColumn, ...]
    time_form: str
    clock_form: str
    tag_rule: TagRule | None
    questions: tuple[Question, ...]
    notes: tuple[str, ...]


_LAYOUT_LACKS: dict[LayoutName, tuple[str, str]] = {
    "long": (
        "Which column says what was measured, and which holds the value?",
        "Say so: --map COLUMN=tag and --map COLUMN=value.",
    ),
    "wide tags": (
        "No column's name tells both the machine and the sensor, such as M001.volt.",
        "Choose another layout, or name the columns so.",
    ),
}


def assign(draft: Draft) -> Roles:
    """The columns' roles."""
    _refuse_twins(draft)
    if draft.choices.kind != "machines":
        key_columns.times(draft)
    key_columns.refuse_halves(draft)
    key_columns.refuse_times_across(draft)
    key_columns.machine(draft)
    counting.rows(draft)
    layout: LayoutName = "wide"
    if kinds.is_long(draft):
        kind: Kind = "telemetry"
        layout = "long"
    else:
        kind = kinds.kind(draft)
        if kind == "telemetry":
            layout = _sensors(draft)
            qualities.warn_of_wide(draft)
            key_columns.refuse_overwriting(draft)
        else:
            _others(draft, kind)
    _demand(draft, kind, layout)
    columns = tuple(_column(draft, i) for i in range(len(draft.facts)))
    form = next((_number_form(draft, i) for i in draft.of("timestamp", "date")), "") or "text"
    clock_form = clock_numbers.form(draft)
    return Roles(kind, layout, columns, form, clock_form, draft.tag_rule, tuple(draft.questions), tuple(draft.notes))


def _number_form(draft: Draft, i: int) -> str:
    """The form of times kept as numbers in column i; "" where they are texts."""
    f = draft.facts[i]
    form = f.number_form()
    if form:
        doubt = numbered.doubt(f.name, form, f.stamps, clock.now_ms())
        if doubt:
            hint = "Export the times as text like 2015-01-31 06:00, or say which other column holds them: --map."
            draft.questions.append(Question("columns", doubt, hint, where=draft.where))
        else:
            draft.notes.append(f"The numbers in column {f.name} are read as {numbered.FORMS[form].words}.")
    return form


def _column(draft: Draft, i: int) -> PlanColumn:
    f, role = draft.facts[i], draft.roles.get(i, Role("ignore"))
    unit = unit_of(draft.units[i]) if i < len(draft.units) else ""
    return PlanColumn(f.name, role, unit, inside=f.measured > 0 and role.role in ("sensor", "value"))


def _refuse_twins(draft: Draft) -> None:
    seen: dict[str, str] = {}
    for i in draft.free():
        f = draft.facts[i]
        key = f.canonical or re.sub(r" \(\d+\)$", "", f.name).casefold()
        if f.canonical == "timestamp" and key_columns.date_and_time(draft) is not None:
            continue
        if key in seen and (f.canonical or not f.is_text):
            text = f"The columns {seen[key]} and {f.name} mean the same."
            hint = f"Remove one of them, or leave it out with --map {f.name!r}=ignore."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
            draft.roles[i] = Role("ignore")
        seen.setdefault(key, f.name)


def _sensors(draft: Draft) -> LayoutName:
    for i in draft.free():
        f = draft.facts[i]
        unused = f.canonical in ("error", "component", "failure", "machine_model", "age", "known", "machine")
        if unused or (f.canonical == "timestamp" and not f.fractions):
            draft.roles[i] = Role("ignore")
        elif f.numbers or _name(draft, i)[0].casefold() in draft.known:
            draft.roles[i] = Role("sensor")
        else:
            draft.roles[i] = Role("doubtful")
    unit_columns.of_columns(draft)
    named = [i for i in draft.of("sensor", "doubtful") if not draft.roles[i].name]
    rule = None
    if not draft.of("machine") and draft.choices.machine is None and draft.choices.layout in (None, "wide tags"):
        columns = [i for i in named if draft.roles[i].role == "sensor"]
        if draft.headed:
            draft.split_tags([_name(draft, i)[0] for i in columns], headers=draft.choices.layout != "wide tags")
        rule = draft.tag_rule
    taken: dict[tuple[str, str], str] = {}
    for i in draft.of("sensor", "doubtful"):
        role, (name, unit) = draft.roles[i], _name(draft, i)
        pair = draft.known_tags.place(name, rule) if rule is not None and not role.name else None
        if rule is not None and pair is None:
            draft.roles[i] = Role("ignore")
            continue
        _refuse_two_units(draft, i)
        machine, sensor = pair or ("", role.name or name)
        draft.roles[i] = Role(role.role, sensor, role.unit or unit, machine)
        other = taken.setdefault((machine, sensor.casefold()), draft.facts[i].name)
        if machine and other != draft.facts[i].name:
            text = f"The columns {other} and {draft.facts[i].name} are both {sensor} of {machine}."
            hint = f"Leave one of them out: --map {draft.facts[i].name + '=ignore'!r}."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
    return "wide tags" if rule is not None else "wide"


def _name(draft: Draft, i: int) -> tuple[str, str]:
    """Name and unit of a sensor's column; the whole header where another column has the same name."""
    name, unit = split_unit(draft.facts[i].name)
    if draft.alike[name.casefold()] > 1 or not name or draft.facts[i].name.casefold() in draft.known:
        name = draft.facts[i].name
    below = unit_of(draft.units[i]) if i < len(draft.units) else ""
    return name, below or unit


def _refuse_two_units(draft: Draft, i: int) -> None:
    name, unit = split_unit(draft.facts[i].name)
    below = unit_of(draft.units[i]) if i < len(draft.units) else ""
    said = draft.roles[i].unit
    if draft.choices.by_profile(draft.facts[i].name) and differ(said, below or unit):
        column = draft.facts[i].name
        text = f"The profile reads the column {column} in {said}, and the file says {below or unit}."
        hint = f"Say which one holds: --map {f'{column}=sensor:{name}:{said}'!r}, or :{below or unit}."
        draft.questions.append(Question("columns", text, hint, where=draft.where))
    if not said and differ(unit, below):
        column = draft.facts[i].name
        text = f"The column {column} has {unit} in its name, and {below} in the row of units."
        hint = f"Say which one holds: --map {f'{column}=sensor:{name}:{unit}'!r}, or :{below}."
        draft.questions.append(Question("columns", text, hint, where=draft.where))


def _others(draft: Draft, kind: Kind) -> None:
    wanted = {"machines": ("machine_model", "age")}.get(kind, (*_LABELS.get(kind, ()), "known"))
    for role in wanted:
        if draft.of(role):
            continue
        called = draft.called(role)
        called = [i for i in called if draft.facts[i].canonical == role] or called
        for i in called[:1]:
            draft.roles[i] = Role(role)
    _look_twice(draft, kind)
    for i in draft.free():
        draft.roles[i] = Role("ignore")


def _look_twice(draft: Draft, kind: Kind) -> None:
    """Ask about columns whose name fits and whose content does not."""
    for i in draft.of("age"):
        ages.ask(draft, i, unit_of(draft.units[i]) if i < len(draft.units) else "")
    for i in draft.of(*_LABELS.get(kind, ()))[:1]:
        counting.refuse_running(draft, i)
    if kind == "errors":
        alarm_states.ask(draft)
    for i in draft.called("made") if kind == "machines" else ():
        draft.notes.append(f"Column {draft.facts[i].name} is not used: a machine's age is wanted as a number of years.")


def _demand(draft: Draft, kind: Kind, layout: LayoutName) -> None:
    if kind != "machines" and not draft.of("timestamp", "date"):
        _lacks(draft, "timestamp")
    labels = _LABELS.get(kind)
    if labels and not draft.of(*labels) and draft.choices.component is None:
        _lacks_label(draft, kind)
    for i in draft.of("failure") if kind == "telemetry" and not draft.questions else ():
        if not draft.roles[i].name:
            name = draft.facts[i].name
            text = f"Which value of {name} means a failure is not said."
            hint = f"Say so: --map {name + '=failure:VALUE'!r}."
            draft.questions.append(Question("columns", text, hint, where=draft.where))
    wanted = draft.choices.layout
    if kind == "telemetry" and wanted in _LAYOUT_LACKS and layout != wanted:
        draft.questions.append(Question("columns", *_LAYOUT_LACKS[wanted], where=draft.where))
    if not draft.of("machine") and draft.choices.machine is None and draft.tag_rule is None:
        suggested = suggested_machine(draft.path)
        tagged = " Where each column names its machine: --layout wide-tags." if _like_tags(draft, kind, layout) else ""
        draft.questions.append(
            Question(
                "machine",
                "The file has no column for the machine.",
                f"Say which machine it is of: --machine {suggested!r}, or name its column machineID.{tagged}",
                (),
                suggested,
                draft.where,
            )
        )
    if kind == "telemetry" and layout != "long" and not draft.of("sensor", "doubtful") and not draft.of("failure"):
        text = "The file has a time and a machine and nothing else: what does each line tell of?"
        hint = "Say --kind failures, maintenance or errors."
        options = (("failures", "a failure"), ("maintenance", "a replacement"), ("errors", "an error"))
        likely = "failures" if kinds.named_failures(draft.path) else None
        draft.questions.append(Question("kind", text, hint, options, likely, draft.where))
    unnamed = [draft.facts[i].name for i in draft.of("sensor", "doubtful") if _unnamed(draft, i)]
    if kind == "telemetry" and layout != "long" and unnamed and not draft.headed:
        text = f"The file has no line of names: what sensors {', '.join(unnamed[:6])} are cannot be told."
        hint = f"Say so: --map {unnamed[0] + '=sensor:NAME'!r}, or name the columns in a first line."
        draft.questions.append(Question("columns", text, hint, where=draft.where))


def _like_tags(draft: Draft, kind: Kind, layout: LayoutName) -> bool:
    """Whether the sensors' names make a grid of several machines and sensors, perhaps."""
    if kind != "telemetry" or layout != "wide" or draft.choices.layout is not None:
        return False
    names = [draft.roles[i].name for i in draft.of("sensor")]
    rule = tags.find(names)
    pairs = [pair for pair in map(rule.split, names) if pair] if rule is not None else []
    machines, sensors = {machine for machine, _ in pairs}, {sensor for _, sensor in pairs}
    return min(len(machines), len(sensors)) > 1 and 2 * len(pairs) >= len(machines) * len(sensors)


def _unnamed(draft: Draft, i: int) -> bool:
    """Whether nobody named a sensor: not the file, not the user, and not an earlier import."""
    return i not in draft.given and draft.facts[i].name.casefold() not in draft.known


def _lacks(draft: Draft, role: str, why: str = "") -> None:
    text = f"The file has no column for {_WORDS[role]}{why}."
    hint = f"Call it {_CALLED[role]} in the first line, or say which it is: --map COLUMN={role}."
    draft.questions.append(Question("columns", text, hint, where=draft.where))


def _lacks_label(draft: Draft, kind: Kind) -> None:
    role = _LABELS[kind][-1]
    texts = [draft.facts[i].name for i in draft.of("ignore") if draft.facts[i].is_text and i not in draft.given]
    column = texts[0] if texts else "COLUMN"
    text = f"The file has no column for {_WORDS[role]}, which {kind} need."
    hint = f"Say which it is: --map {f'{column}={role}'!r}; or of which all lines are:"
    hint += f" --component {'machine' if role == 'component' else 'error'}."
    draft.questions.append(Question("component", text, hint, where=draft.where))


def suggested_machine(path: Path) -> str:
    """What a file's name says of its machine."""
    stem = path.name.split(".")[0]
    stem = re.sub(r"(?<!\d)(19|20)\d\d([-_.]?\d\d){0,2}(?!\d)", " ", stem)
    words = r"(?i)\b(export|data|daten|telemetry|telemetrie|readings|messwerte|hourly|daily|log|history|trend)\b"
    cleaned = re.sub(words, " ", re.sub(r"[_\s]+", " ", stem)).strip(" -")
    return re.sub(r"\s+", "-", cleaned) or stem
