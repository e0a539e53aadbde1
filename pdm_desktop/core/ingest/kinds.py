"""What a file holds: readings a line or a value a line, events or machines."""

from __future__ import annotations

from pathlib import Path

from pdm_desktop.core.ingest import key_columns, qualities, spacing, tags, unit_columns
from pdm_desktop.core.ingest.draft import Draft
from pdm_desktop.core.ingest.tokens import is_missing
from pdm_desktop.core.plans import Question, Role
from pdm_desktop.core.schema import Kind

_FILE_NAMES: dict[Kind, tuple[str, ...]] = {
    "failures": (
        "fail", "ausfall", "ausfäll", "panne", "defail", "défail", "guast", "averia", "avería", "breakdown", "uitval",
    ),
    "maintenance": (
        "maint", "replac", "service", "repair", "wartung", "instand", "tausch", "entretien", "manten", "manuten",
        "onderhoud", "vervang", "repar", "sostitu", "sustitu", "remplac",
    ),
    "errors": ("error", "alarm", "fault", "fehler", "stoer", "stör", "meldung", "erreur", "defaut", "défaut"),
}  # fmt: skip
_MOST_OTHERS = 2  # columns of numbers beside tag and value that leave no doubt


def is_long(draft: Draft) -> bool:
    """Whether each row is one value of one tag; then the roles are given."""
    if draft.choices.layout not in (None, "long") or draft.choices.kind not in (None, "telemetry"):
        return False
    told = draft.choices.layout == "long"
    values = draft.of("value") or [i for i in draft.called("value") if draft.numeric(i)]
    names = draft.of("tag") or [i for i in draft.called("tag") if draft.facts[i].is_text]
    others = [i for i in names if draft.roles.get(i) or not draft.tells_units(i)]
    # rpm, V and A may be what was measured as well as its unit.
    names = others or ([i for i in names if "unit" not in draft.facts[i].roles] if values else [])
    names.sort(key=lambda i: -len(set(draft.facts[i].cells)))  # one that is the same in every line tells nothing
    numeric = [i for i in draft.free() if draft.numeric(i) and i not in values and not qualities.in_doubt(draft, i)]
    texts = [i for i in draft.free() if draft.facts[i].is_text and "quality" not in draft.facts[i].roles]
    texts = [i for i in texts if not draft.tells_units(i)]
    if not values and len(numeric) == 1 and (names or told):
        values = numeric
    if values and not names and len(texts) == 1 and (told or not _labels_events(draft, texts[0])):
        names = texts
    alone = not values and not names and len(numeric) == 1 and len(texts) == 1 and not draft.of("machine")
    several = alone and len(set(draft.facts[texts[0]].cells)) > 1
    if several and tags.find(tags.of_cells(draft.facts[texts[0]].cells)) is not None:
        values, names = numeric, texts
    names = [i for i in names if i not in values]
    if not values or not names or not draft.of("timestamp", "date"):
        return False
    value, name = values[0], names[0]
    if not told and not _a_value_a_line(draft, name, value, numeric):
        return False
    draft.roles[value], draft.roles[name] = Role("value"), Role("tag")
    key_columns.machine_beside_tag(draft)
    qualities.of_values(draft)
    if not draft.of("machine") and draft.choices.machine is None:
        cells = [cell for cell in draft.facts[name].cells if not is_missing(cell) and not tags.is_mark(cell)]
        draft.split_tags(tags.of_cells(cells))
        rule = draft.tag_rule
        if rule is not None and rule.separator == " ":
            split = [rule.split(cell) for cell in dict.fromkeys(cells)]
            if not any(char.isdigit() for pair in split if pair for char in pair[0]):
                draft.tag_rule = None  # Oil Temp and Water Temp are no machines
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
    said = [i for i in draft.of("error", "component") if i in draft.given]
    if said and (draft.of("state") or spacing.regular(draft) is not True):
        return "errors" if draft.of("error") else _components(draft)
    if len(plain) >= 2 and any(_labels_events(draft, i) for i in labels):
        return _list_with_numbers(draft, [i for i in labels if _labels_events(draft, i)])
    if len(plain) >= 2 or not (labels or draft.of("failure", "error", "component")):
        return "telemetry"
    if holds("failure"):
        return "failures"
    if holds("error"):
        return "errors"
    return _components(draft)


def _labels_events(draft: Draft, i: int) -> bool:
    """Whether a column names a code or a component in words, in every line, and the file's name says that it lists them
    or the lines come at no regular times."""
    f = draft.facts[i]
    if not f.roles & {"failure", "error", "component"} or not f.is_text or f.filled < 0.9 * len(f.cells):
        return False
    if _named(draft.path) in _possible(f.roles):
        return True
    return spacing.regular(draft) is False and spacing.regular(draft, i) is not True


def _list_with_numbers(draft: Draft, labels: list[int]) -> Kind:
    """The kind of a list of events with columns of numbers beside, such as costs; asks where no name says it."""
    possible = _possible({role for i in labels for role in draft.facts[i].roles})
    named = _named(draft.path)
    if named in possible:
        return named
    if "maintenance" in possible and any(draft.facts[i].name.casefold() == "comp" for i in labels):
        return "maintenance"
    names = ", ".join(draft.facts[i].name for i in labels)
    text = f"Whether the file lists events (column {names}) or readings of sensors cannot be told."
    words = {"failures": "failures", "maintenance": "replacements", "errors": "errors"}
    options = (*((each, words[each]) for each in possible), ("telemetry", "readings"))
    hint = f"Say the kind: --kind {', '.join(possible)} or telemetry."
    draft.questions.append(Question("kind", text, hint, options, None, draft.path.name))
    return "telemetry"


def _possible(roles: set[str]) -> list[Kind]:
    """The kinds of events whose label a column of these roles may be."""
    found: list[Kind] = ["failures"] if roles & {"failure", "component"} else []
    return found + ["maintenance"] * ("component" in roles) + ["errors"] * ("error" in roles)


def _named(path: Path) -> Kind | None:
    """The kind of events that a file's name says it lists."""
    name = path.name.casefold()
    return next((kind for kind, words in _FILE_NAMES.items() if any(word in name for word in words)), None)


def named_failures(path: Path) -> bool:
    """Whether a file's name says that it lists failures."""
    return _named(path) == "failures"


def _components(draft: Draft) -> Kind:
    named = _named(draft.path)
    if named == "failures":
        return "failures"
    if named == "maintenance" or any(f.name.casefold() == "comp" for f in draft.facts):
        return "maintenance"
    text = "The file lists components, of replacements or of failures: which cannot be told."
    options = (("maintenance", "replacements"), ("failures", "failures"))
    draft.questions.append(
        Question("kind", text, "Say the kind: maintenance or failures.", options, None, draft.path.name)
    )
    return "maintenance"
