"""What a file holds: readings a line or a value a line, events or machines."""

from __future__ import annotations

from pathlib import Path

from pdm_desktop.core.ingest import key_columns, qualities, tags, unit_columns
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.plans import Question, Role
from pdm_desktop.core.schema import Kind

_MOST_OTHERS = 2  # columns of numbers beside tag and value that leave no doubt


def is_long(draft: Draft) -> bool:
    """Whether each row is one value of one tag; then the roles are given."""
    if draft.choices.layout not in (None, "long") or draft.choices.kind not in (None, "telemetry"):
        return False
    told = draft.choices.layout == "long"
    values = draft.of("value") or [i for i in draft.called("value") if draft.numeric(i)]
    names = draft.of("tag") or [i for i in draft.called("tag") if draft.facts[i].is_text]
    names = [i for i in names if draft.roles.get(i) or not draft.tells_units(i)]
    names.sort(key=lambda i: -len(set(draft.facts[i].cells)))  # one that is the same in every line tells nothing
    numeric = [i for i in draft.free() if draft.numeric(i) and i not in values and not qualities.in_doubt(draft, i)]
    texts = [i for i in draft.free() if draft.facts[i].is_text and "quality" not in draft.facts[i].roles]
    texts = [i for i in texts if not draft.tells_units(i)]
    if not values and len(numeric) == 1 and (names or told):
        values = numeric
    if values and not names and len(texts) == 1:
        names = texts
    alone = not values and not names and len(numeric) == 1 and len(texts) == 1 and not draft.of("machine")
    if alone and len(set(draft.facts[texts[0]].cells)) > 1 and tags.of_cells(draft.facts[texts[0]].cells) is not None:
        values, names = numeric, texts
    names = [i for i in names if i not in values]
    if not values or not names or not draft.of("timestamp", "date"):
        return False
    value, name = values[0], names[0]
    if not told and not _a_value_a_line(draft, name, value, numeric):
        return False
    draft.roles[value], draft.roles[name] = Role("value"), Role("tag")
    qualities.of_values(draft)
    if not draft.of("machine") and draft.choices.machine is None:
        draft.tag_rule = tags.of_cells(
            [cell for cell in draft.facts[name].cells if not is_missing(cell) and not tags.is_mark(cell)]
        )
    unit_columns.of_values(draft)
    for i in draft.free():
        draft.roles[i] = Role("ignore")
    return True


def _a_value_a_line(draft: Draft, name: int, value: int, numeric: list[int]) -> bool:
    """Whether a file with a column of tags and one of values has one value a line, and not several sensors; asks where
    that cannot be told."""
    cells = draft.facts[value].cells
    others = [
        i for i in numeric if i != value and draft.facts[i].cells != cells and not key_columns.depends(draft, i, name)
    ]
    if len(others) <= _MOST_OTHERS:
        return True
    rows = key_columns.rows(draft)
    if key_columns.repeated(rows) and not key_columns.repeated(rows, draft.facts[name].cells):
        return True
    tag = draft.facts[name].name
    if len(set(draft.facts[name].cells)) < 2 or "tag" not in draft.facts[name].roles:
        return False
    text = (
        f"Whether each line is one value of what column {tag} names, or a reading of several sensors, cannot be told."
    )
    options = (("long", "one value a line"), ("wide", "a column a sensor"))
    hint = "Say --layout long or --layout wide."
    draft.questions.append(Question("layout", text, hint, options, None, draft.where))
    return False


def kind(draft: Draft) -> Kind:
    """What kind of record the rows are."""
    if draft.choices.kind is not None:
        return draft.choices.kind
    status = [i for i in draft.of("failure") if draft.roles[i].name]
    sensors = draft.of("sensor") + [
        i for i in draft.free() if draft.numeric(i) and not draft.facts[i].canonical and i not in status
    ]
    if draft.of("sensor") or draft.choices.layout == "wide tags":
        return "telemetry"
    if not draft.of("timestamp", "date"):
        called = {role for i in draft.free() for role in draft.facts[i].roles}
        if called & {"machine_model", "age", "made"} and not called & {"error", "component", "failure"}:
            return "machines"
        others = [i for i in draft.free() if not draft.facts[i].roles & {"machine_model", "age", "made"}]
        return "machines" if draft.of("machine") and not others else "telemetry"
    if status:
        return "telemetry" if len(sensors) else "failures"
    unsaid = [i for i in draft.of("failure") if i in draft.given]
    if unsaid and len(sensors) == 1:
        name = draft.facts[unsaid[0]].name
        text = f"Whether every line is a failure of what {name} says, or {name} a status among readings, is not said."
        hint = f"Say --kind failures, or which of its values is one: --map {name + '=failure:VALUE'!r}."
        options = (("failures", "every line is a failure"), ("telemetry", "a status among readings"))
        draft.questions.append(Question("kind", text, hint, options, None, draft.where))
        return "telemetry"

    def labelled(role: str) -> list[int]:
        # Codes and components have words or whole numbers; 61.5 is a component's temperature.
        return [i for i in draft.called(role) if draft.facts[i].canonical == role or not draft.facts[i].fractions]

    def holds(role: str) -> bool:
        return bool(draft.of(role)) or any(
            draft.facts[i].canonical == role or draft.facts[i].is_text or draft.facts[i].numbers for i in labelled(role)
        )

    labels = [i for role in ("failure", "error", "component") for i in labelled(role)]
    plain = [i for i in sensors if i not in labels]
    if len(plain) >= 2 or not (labels or draft.of("failure", "error", "component")):
        return "telemetry"
    if holds("failure"):
        return "failures"
    if holds("error"):
        return "errors"
    return _components(draft)


def named_failures(path: Path) -> bool:
    """Whether a file's name says that it lists failures."""
    words = (
        "fail",
        "ausfall",
        "ausfäll",
        "panne",
        "defail",
        "défail",
        "guast",
        "averia",
        "avería",
        "breakdown",
        "storing",
    )
    return any(word in path.name.casefold() for word in words)


def _components(draft: Draft) -> Kind:
    name = draft.path.name.casefold()
    if named_failures(draft.path):
        return "failures"
    words = (
        "maint",
        "replac",
        "service",
        "repair",
        "wartung",
        "instand",
        "tausch",
        "entretien",
        "manten",
        "manuten",
        "onderhoud",
        "vervang",
        "repar",
        "sostitu",
        "sustitu",
        "remplac",
    )
    if any(word in name for word in words) or any(f.name.casefold() == "comp" for f in draft.facts):
        return "maintenance"
    text = "The file lists components, of replacements or of failures: which cannot be told."
    options = (("maintenance", "replacements"), ("failures", "failures"))
    draft.questions.append(
        Question("kind", text, "Say the kind: maintenance or failures.", options, None, draft.path.name)
    )
    return "maintenance"
